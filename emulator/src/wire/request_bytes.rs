//! The records of a request, in two buffers that all of them share: no record
//! takes memory of its own before it is stored.

use std::marker::PhantomData;
use std::ops::Range;

use crate::model::constraint::Constrained;
use crate::model::record::Payload;

/// What the members of one request that are [`Kept`] are made of.
#[derive(Debug, Default)]
pub(crate) struct RequestBytes {
    payloads: Vec<u8>,
    texts: String,
    /// How many bytes of the body are no payload, as far as it has been decoded:
    /// texts take no more.
    rest_of_body: usize,
}

/// A payload or text among the bytes of its request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept<T> {
    place: Range<usize>,
    kind: PhantomData<T>,
}

impl<T> Kept<T> {
    fn at(place: Range<usize>) -> Self {
        Self { place, kind: PhantomData }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.place.len()
    }
}

impl RequestBytes {
    /// For a body of so many bytes. Takes no memory before there is something to
    /// keep.
    pub(super) fn of_body(bytes: usize) -> Self {
        Self { rest_of_body: bytes, ..Self::default() }
    }

    /// Keeps what a text in base64 means; `None` if it is none.
    pub(super) fn keep_base64(&mut self, text: &str) -> Option<Kept<Payload>> {
        let start = self.begin_payload(text.len(), self.rest_of_body / 4 * 3);
        base64_simd::STANDARD.decode_append(text, &mut self.payloads).ok()?;
        Some(Kept::at(start..self.payloads.len()))
    }

    /// Keeps bytes.
    pub(super) fn keep_payload(&mut self, bytes: &[u8]) -> Kept<Payload> {
        let start = self.begin_payload(bytes.len(), self.rest_of_body);
        self.payloads.extend_from_slice(bytes);
        Kept::at(start..self.payloads.len())
    }

    /// Where the next payload begins. The first one makes room for all.
    fn begin_payload(&mut self, bytes_in_body: usize, all_bytes_max: usize) -> usize {
        if self.payloads.capacity() == 0 {
            self.payloads.reserve_exact(all_bytes_max);
        }
        self.rest_of_body = self.rest_of_body.saturating_sub(bytes_in_body);
        self.payloads.len()
    }

    /// Keeps a text that has been checked.
    pub(super) fn keep_text<T>(&mut self, text: &str) -> Kept<T> {
        if self.texts.capacity() == 0 {
            self.texts.reserve_exact(self.rest_of_body);
        }
        let start = self.texts.len();
        self.texts.push_str(text);
        Kept::at(start..self.texts.len())
    }

    /// The bytes of a record.
    pub(crate) fn payload(&self, kept: &Kept<Payload>) -> &[u8] {
        &self.payloads[kept.place.clone()]
    }

    /// A text.
    pub(crate) fn text<T: Constrained>(&self, kept: &Kept<T>) -> &str {
        &self.texts[kept.place.clone()]
    }
}
