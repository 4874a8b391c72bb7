//! The records of a request, in a buffer that all of them share: no record takes
//! memory of its own before it is stored.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;

use crate::model::constraint::Constrained;
use crate::model::record::{KeptText, Payload};

/// What most answers without records take, their heads' values among it.
const SHORT_ANSWER_BYTES: usize = 512;
/// No more than this is not given back before its answer is: a call counts as so much
/// in flight, whatever it has.
const SPARED_BYTES: usize = 8 * 1024;

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

    /// Where the next of what is kept begins. The first makes room for all, and for
    /// a short answer.
    fn begin(&mut self) -> usize {
        if self.kept.capacity() == 0 {
            self.kept.reserve_exact(self.body_bytes.max(SHORT_ANSWER_BYTES));
        }
        self.kept.len()
    }

    /// The memory, empty, for an answer of about so many bytes: nobody asks for what
    /// was kept any more. It is held until the client has taken the answer, and only
    /// the answer counts as in flight: so it is at most twice as large.
    pub(crate) fn into_buffer(self, answer_bytes: usize) -> Vec<u8> {
        let Self { kept: mut buffer, .. } = self;
        if buffer.capacity() > (2 * answer_bytes).max(SPARED_BYTES) {
            buffer = Vec::new();
        }
        buffer.clear();
        buffer.reserve_exact(answer_bytes);
        buffer
    }

    /// The bytes of a record.
    pub(crate) fn payload(&self, kept: &Kept<Payload>) -> &[u8] {
        &self.kept[kept.place.clone()]
    }

    /// A text.
    pub(crate) fn text<T: Constrained>(&self, kept: &Kept<T>) -> KeptText<'_> {
        KeptText::of_kept(&self.kept[kept.place.clone()])
    }

    /// The value that a text is.
    pub(crate) fn value<T>(&self, kept: &Kept<T>) -> T
    where
        T: for<'a> Constrained<Base<'a> = Cow<'a, str>>,
    {
        T::from_checked(self.text(kept).as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: usize) -> RequestBytes {
        let mut request = RequestBytes::of_body(bytes);
        request.keep_payload(&vec![1; bytes]);
        request
    }

    #[test]
    fn an_answer_takes_the_memory_of_its_request() {
        for (request_bytes, answer_bytes) in [(100, 300), (8_000, 100), (100_000, 64_000)] {
            let request = kept(request_bytes);
            let memory = request.kept.as_ptr();
            let buffer = request.into_buffer(answer_bytes);
            assert_eq!((buffer.as_ptr(), buffer.len()), (memory, 0), "{request_bytes}");
            assert!(buffer.capacity() >= answer_bytes);
        }
    }

    #[test]
    fn a_short_answer_does_not_hold_the_memory_of_a_large_request() {
        assert!(kept(1_000_000).into_buffer(300).capacity() < SPARED_BYTES);
        assert!(kept(200_000).into_buffer(90_000).capacity() <= 2 * 90_000);
        let longer = RequestBytes::default().into_buffer(5_000);
        assert!((5_000..SPARED_BYTES).contains(&longer.capacity()));
    }
}
