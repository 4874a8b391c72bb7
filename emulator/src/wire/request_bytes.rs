//! The records of a request, in a buffer that all of them share: no record takes
//! memory of its own before it is stored.

use std::marker::PhantomData;
use std::ops::Range;

use crate::model::constraint::Constrained;
use crate::model::record::{KeptText, Payload};

/// What the members of one request that are [`Kept`] are made of.
#[derive(Debug, Default)]
pub(crate) struct RequestBytes {
    kept: Vec<u8>,
    /// What is kept of a body is never longer than the body.
    body_bytes: usize,
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
        Self { kept: Vec::new(), body_bytes: bytes }
    }

    /// Keeps what a text in base64 means; `None` if it is none.
    pub(super) fn keep_base64(&mut self, text: &str) -> Option<Kept<Payload>> {
        let start = self.begin();
        base64_simd::STANDARD.decode_append(text, &mut self.kept).ok()?;
        Some(Kept::at(start..self.kept.len()))
    }

    /// Keeps bytes.
    pub(super) fn keep_payload(&mut self, bytes: &[u8]) -> Kept<Payload> {
        self.keep(bytes)
    }

    /// Keeps a text that has been checked.
    pub(super) fn keep_text<T>(&mut self, text: &str) -> Kept<T> {
        self.keep(text.as_bytes())
    }

    fn keep<T>(&mut self, bytes: &[u8]) -> Kept<T> {
        let start = self.begin();
        self.kept.extend_from_slice(bytes);
        Kept::at(start..self.kept.len())
    }

    /// Where the next of what is kept begins. The first makes room for all.
    fn begin(&mut self) -> usize {
        if self.kept.capacity() == 0 {
            self.kept.reserve_exact(self.body_bytes);
        }
        self.kept.len()
    }

    /// The bytes of a record.
    pub(crate) fn payload(&self, kept: &Kept<Payload>) -> &[u8] {
        &self.kept[kept.place.clone()]
    }

    /// A text.
    pub(crate) fn text<T: Constrained>(&self, kept: &Kept<T>) -> KeptText<'_> {
        KeptText::of_kept(&self.kept[kept.place.clone()])
    }
}
