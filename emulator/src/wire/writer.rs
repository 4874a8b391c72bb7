//! What answers are made of: each encoding says how it is written.

use crate::model::timestamp::Timestamp;

/// A member's name, also as JSON has it, so that nothing is put together anew for
/// every record. Names are ASCII without quotes.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) plain: &'static str,
    /// In quotes, with a colon.
    pub(crate) quoted: &'static str,
}

/// Makes a [`Name`] of a literal.
macro_rules! name {
    ($name:literal) => {
        $crate::wire::writer::Name { plain: $name, quoted: concat!("\"", $name, "\":") }
    };
}

pub(crate) use name;

/// Writes an answer in one encoding, from front to back.
pub(crate) trait Writer {
    /// A text.
    fn text(&mut self, text: &str) {
        self.utf8(text.as_bytes());
    }

    /// A text, as bytes that are known to be UTF-8.
    fn utf8(&mut self, text: &[u8]);

    /// A text that no encoding has to escape: digits, ids, base64.
    fn ascii(&mut self, text: &[u8]);

    /// A number that may be negative.
    fn integer(&mut self, number: i64);

    /// A number that counts or measures something.
    fn count(&mut self, number: u64);

    /// True or false.
    fn boolean(&mut self, value: bool);

    /// A point in time: seconds with their fraction in JSON, milliseconds in
    /// CBOR.
    fn time(&mut self, time: Timestamp);

    /// Bytes: base64 in JSON.
    fn blob(&mut self, bytes: &[u8]);

    /// Begins a list of so many elements: [`element`](Self::element) stands
    /// before each.
    fn begin_list(&mut self, elements: usize);

    /// An element comes next.
    fn element(&mut self);

    /// The list has all its elements.
    fn end_list(&mut self);

    /// Begins a map of so many members: [`name`](Self::name) stands before
    /// each.
    fn begin_map(&mut self, members: usize);

    /// A member of this name comes next.
    fn name(&mut self, name: &Name);

    /// The map has all its members.
    fn end_map(&mut self);
}
