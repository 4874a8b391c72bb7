//! Answers in CBOR.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::data::Tag;

use crate::model::timestamp::Timestamp;
use crate::wire::writer;

/// Appends CBOR to a buffer.
pub(crate) struct Writer<'a>(Encoder<&'a mut Vec<u8>>);

impl<'a> Writer<'a> {
    pub(crate) fn new(body: &'a mut Vec<u8>) -> Self {
        Self(Encoder::new(body))
    }
}

fn infallible<T>(written: Result<T, minicbor::encode::Error<Infallible>>) {
    assert!(written.is_ok(), "memory takes every answer");
}

impl writer::Writer for Writer<'_> {
    fn text(&mut self, text: &str) {
        infallible(self.0.str(text));
    }

    fn ascii(&mut self, text: &[u8]) {
        self.text(std::str::from_utf8(text).expect("ASCII is UTF-8"));
    }

    fn integer(&mut self, number: i64) {
        infallible(self.0.i64(number));
    }

    fn count(&mut self, number: u64) {
        infallible(self.0.u64(number));
    }

    fn boolean(&mut self, value: bool) {
        infallible(self.0.bool(value));
    }

    fn time(&mut self, time: Timestamp) {
        infallible(self.0.tag(Tag::new(1)));
        self.count(time.as_millis());
    }

    fn blob(&mut self, bytes: &[u8]) {
        infallible(self.0.bytes(bytes));
    }

    fn begin_list(&mut self, elements: usize) {
        infallible(self.0.array(elements as u64));
    }

    fn element(&mut self) {}

    fn end_list(&mut self) {}

    fn begin_map(&mut self, members: usize) {
        infallible(self.0.map(members as u64));
    }

    fn name(&mut self, name: &'static str) {
        self.text(name);
    }

    fn end_map(&mut self) {}
}
