//! Answers in JSON.

use std::io::Write as _;
use std::ops::Range;

use crate::model::decimal;
use crate::model::timestamp::Timestamp;
use crate::wire::writer::{self, Name};

/// Appends JSON to a buffer, without any blanks.
pub(crate) struct Writer<'a> {
    body: &'a mut Vec<u8>,
    /// The time that was written last, and where: records that came in one batch
    /// arrived at one.
    newest: Option<(Timestamp, Range<usize>)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(body: &'a mut Vec<u8>) -> Self {
        Self { body, newest: None }
    }

    /// A comma, unless the list or map has just begun.
    #[inline]
    fn separate(&mut self) {
        if !matches!(self.body.last(), Some(b'{' | b'[') | None) {
            self.body.push(b',');
        }
    }

    fn printed(&mut self, number: impl std::fmt::Display) {
        write!(self.body, "{number}").expect("memory takes every answer");
    }
}

impl writer::Writer for Writer<'_> {
    #[inline]
    fn utf8(&mut self, text: &[u8]) {
        // All bytes are looked at, so that the compiler takes many at a time.
        if text.iter().fold(false, |found, byte| found | needs_escape(*byte)) {
            self.body.push(b'"');
            text.iter().for_each(|byte| push_escaped(self.body, *byte));
            self.body.push(b'"');
        } else {
            self.ascii(text);
        }
    }

    #[inline]
    fn ascii(&mut self, text: &[u8]) {
        self.body.reserve(text.len() + 2);
        self.body.push(b'"');
        self.body.extend_from_slice(text);
        self.body.push(b'"');
    }

    fn integer(&mut self, number: i64) {
        self.printed(number);
    }

    fn count(&mut self, number: u64) {
        self.printed(number);
    }

    fn boolean(&mut self, value: bool) {
        self.printed(value);
    }

    #[inline]
    fn time(&mut self, time: Timestamp) {
        let time = time.whole_millis();
        if let Some((_, place)) = self.newest.as_ref().filter(|(newest, _)| *newest == time) {
            self.body.extend_from_within(place.clone());
            return;
        }
        let start = self.body.len();
        let millis = time.as_millis();
        if millis >= EXACT_MILLIS_END {
            // What the nearest double prints as: no digits of seconds alone.
            let seconds = millis as f64 / 1000.0;
            serde_json::to_writer(&mut *self.body, &seconds).expect("memory takes every answer");
            return;
        }
        let mut digits = [b'.'; 16];
        digits[..12].copy_from_slice(&decimal::digits::<12>(millis / 1000));
        digits[13..].copy_from_slice(&decimal::digits::<3>(millis % 1000));
        let first = digits[..11].iter().position(|digit| *digit != b'0').unwrap_or(11);
        let zeros = digits[14..].iter().rev().take_while(|digit| **digit == b'0').count();
        self.body.extend_from_slice(&digits[first..16 - zeros]);
        self.newest = Some((time, start..self.body.len()));
    }

    #[inline]
    fn blob(&mut self, bytes: &[u8]) {
        self.body.reserve(base64_simd::STANDARD.encoded_length(bytes.len()) + 2);
        self.body.push(b'"');
        base64_simd::STANDARD.encode_append(bytes, self.body);
        self.body.push(b'"');
    }

    fn begin_list(&mut self, _: usize) {
        self.body.push(b'[');
    }

    #[inline]
    fn element(&mut self) {
        self.separate();
    }

    fn end_list(&mut self) {
        self.body.push(b']');
    }

    #[inline]
    fn begin_map(&mut self, _: usize) {
        self.body.push(b'{');
    }

    #[inline]
    fn name(&mut self, name: &Name) {
        self.separate();
        self.body.extend_from_slice(name.quoted.as_bytes());
    }

    #[inline]
    fn end_map(&mut self) {
        self.body.push(b'}');
    }
}

/// Times before this have at most fifteen digits, and so few digits always are
/// what the nearest double prints as.
const EXACT_MILLIS_END: u64 = 1_000_000_000_000_000;

fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn push_escaped(body: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        0..0x20 => {
            write!(body, "\\u{byte:04x}").expect("memory takes every answer");
            return;
        }
        _ => {
            body.push(byte);
            return;
        }
    };
    body.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::writer::{Writer as _, name};

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut body = Vec::new();
        write(&mut Writer::new(&mut body));
        String::from_utf8(body).expect("JSON is text")
    }

    fn as_serde_json(millis: u64) -> String {
        serde_json::to_string(&(millis as f64 / 1000.0)).unwrap()
    }

    #[test]
    fn members_and_elements_are_separated_by_commas() {
        let json = written(|writer| {
            writer.begin_map(3);
            writer.name(&name!("Empty"));
            writer.begin_list(0);
            writer.end_list();
            writer.name(&name!("List"));
            writer.begin_list(2);
            writer.element();
            writer.integer(-1);
            writer.element();
            writer.begin_map(0);
            writer.end_map();
            writer.end_list();
            writer.name(&name!("Blob"));
            writer.blob(b"hi");
            writer.end_map();
        });
        assert_eq!(json, r#"{"Empty":[],"List":[-1,{}],"Blob":"aGk="}"#);
    }

    #[test]
    fn times_are_seconds_with_a_fraction() {
        for (millis, text) in [
            (0, "0.0"),
            (5, "0.005"),
            (1_459_799_926_000, "1459799926.0"),
            (1_459_799_926_480, "1459799926.48"),
            (EXACT_MILLIS_END - 1, "999999999999.999"),
            (Timestamp::from_millis(u64::MAX).as_millis(), "18446744073709.55"),
        ] {
            assert_eq!(written(|writer| writer.time(Timestamp::from_millis(millis))), text);
            assert_eq!(as_serde_json(millis), text);
        }
    }

    proptest! {
        #[test]
        fn texts_are_escaped_as_serde_json_does(text in ".{0,40}|[\\x00-\\x7f]{0,40}") {
            let expected = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(written(|writer| writer.text(&text)), expected);
        }

        #[test]
        fn times_are_printed_as_doubles_are(millis in prop_oneof![any::<u64>(), 0..2 * EXACT_MILLIS_END]) {
            let time = Timestamp::from_millis(millis);
            let text = as_serde_json(time.as_millis());
            prop_assert_eq!(written(|writer| writer.time(time)), text.clone());
            let twice = written(|writer| {
                writer.time(time);
                writer.time(Timestamp::EPOCH);
                writer.time(time);
                writer.time(time);
            });
            prop_assert_eq!(twice, format!("{text}0.0{text}{text}"));
        }

        #[test]
        fn blobs_are_base64_with_padding(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            use base64::Engine as _;
            let expected = base64::engine::general_purpose::STANDARD.encode(&bytes);
            prop_assert_eq!(written(|writer| writer.blob(&bytes)), format!("\"{expected}\""));
        }
    }
}
