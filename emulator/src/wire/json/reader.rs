//! From JSON to serde.
//!
//! What most requests are made of is read here: structure, and texts without
//! escapes. Everything else is left to serde_json: escapes, numbers, and values
//! of members that nobody knows.

use memchr::memchr2;
use serde::de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::wire::Fault;

/// How deep a request may nest: as serde_json has it.
const DEPTH_END: usize = 128;

/// Whether a byte cannot stand in a text.
fn is_control(byte: u8) -> bool {
    byte < 0x20
}

/// Reads a request.
pub(super) struct Reader<'de> {
    text: &'de str,
    /// How many bytes have been read: never a part of a letter.
    position: usize,
    depth: usize,
    /// Whether there are any control characters: blanks, if all is well.
    has_controls: bool,
}

impl<'de> Reader<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        // All bytes are looked at, so that the compiler takes many at a time.
        let has_controls = text.bytes().fold(false, |found, byte| found | is_control(byte));
        Self { text, position: 0, depth: 0, has_controls }
    }

    /// Nothing but blanks is left.
    pub(super) fn end(mut self) -> Result<(), Fault> {
        self.peek().map_or(Ok(()), |_| Err(Fault::Malformed))
    }

    /// The next byte that is no blank; it stays where it is.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.position) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.position += 1,
                next => return next.copied(),
            }
        }
    }

    /// Reads the byte that has to come next but for blanks.
    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(Fault::Malformed);
        }
        self.position += 1;
        Ok(())
    }

    /// Reads what has to come next.
    fn expect_word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.text[self.position..].starts_with(word) {
            return Err(Fault::Malformed);
        }
        self.position += word.len();
        Ok(())
    }

    /// A text without escapes, at its opening quote; `None` if it has any.
    fn plain_text(&mut self) -> Result<Option<&'de str>, Fault> {
        let start = self.position + 1;
        let rest = &self.text.as_bytes()[start..];
        let length = memchr2(b'"', b'\\', rest).ok_or(Fault::Malformed)?;
        if self.has_controls && rest[..length].iter().copied().any(is_control) {
            return Err(Fault::Malformed);
        }
        if rest[length] == b'\\' {
            return Ok(None);
        }
        self.position = start + length + 1;
        Ok(Some(&self.text[start..start + length]))
    }

    /// Has serde_json read a value.
    fn hand_over<T: Deserialize<'de>>(&mut self) -> Result<T, Fault> {
        let rest = &self.text[self.position..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let value = values.next().and_then(Result::ok).ok_or(Fault::Malformed)?;
        self.position += values.byte_offset();
        Ok(value)
    }

    /// A number, infinite if it is larger than any that is told apart.
    fn number(&mut self) -> Result<f64, Fault> {
        let start = self.position;
        let IgnoredAny = self.hand_over()?;
        self.text[start..self.position].parse().map_err(|_| Fault::Malformed)
    }

    /// Visits the parts of a list or map, at its opening bracket.
    fn nested<T>(
        &mut self,
        closing: u8,
        visit: impl FnOnce(&mut Parts<'_, 'de>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth == DEPTH_END {
            return Err(Fault::Malformed);
        }
        self.position += 1;
        let begin = self.position;
        let mut parts = Parts { reader: self, closing, begin, taken: 0 };
        let value = visit(&mut parts)?;
        if parts.more()? {
            return Err(Fault::Malformed);
        }
        self.position += 1;
        self.depth -= 1;
        Ok(value)
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.peek() {
            Some(b'"') => match self.plain_text()? {
                Some(text) => visitor.visit_borrowed_str(text),
                None => visitor.visit_string(self.hand_over()?),
            },
            Some(b'{') => self.nested(b'}', |parts| visitor.visit_map(parts)),
            Some(b'[') => self.nested(b']', |parts| visitor.visit_seq(parts)),
            Some(b'n') => self.expect_word("null").and_then(|()| visitor.visit_unit()),
            Some(b't') => self.expect_word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.expect_word("false").and_then(|()| visitor.visit_bool(false)),
            Some(_) => visitor.visit_f64(self.number()?),
            None => Err(Fault::Malformed),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let IgnoredAny = self.hand_over()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The parts of a list or map that have not been visited.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    closing: u8,
    /// Where the first part begins.
    begin: usize,
    /// How many parts have been begun.
    taken: usize,
}

impl Parts<'_, '_> {
    /// Whether there is another part, which comes next then; otherwise the
    /// closing bracket does.
    #[inline]
    fn more(&mut self) -> Result<bool, Fault> {
        let next = self.reader.peek();
        if next == Some(self.closing) {
            return Ok(false);
        }
        if self.taken > 0 {
            self.reader.expect(b',')?;
            if self.reader.peek() == Some(self.closing) {
                return Err(Fault::Malformed);
            }
        }
        self.taken += 1;
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        if self.more()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    /// About as many as fit into the rest of the body.
    fn size_hint(&self) -> Option<usize> {
        let bytes_each = (self.reader.position - self.begin).checked_div(self.taken)?;
        (self.reader.text.len() - self.reader.position).checked_div(bytes_each)
    }
}

impl<'de> MapAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        if !self.more()? {
            return Ok(None);
        }
        match self.reader.peek() {
            Some(b'"') => seed.deserialize(&mut *self.reader).map(Some),
            Some(_) | None => Err(Fault::Malformed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
        super::super::parse(json, PhantomData).ok()
    }

    /// Numbers are doubles here, whatever they look like.
    fn with_doubles(value: Value) -> Value {
        match value {
            Value::Number(number) => number.as_f64().into(),
            Value::Array(values) => values.into_iter().map(with_doubles).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, with_doubles(value))).collect()
            }
            other => other,
        }
    }

    fn same_as_serde_json(json: &[u8]) -> Result<(), TestCaseError> {
        let text = String::from_utf8_lossy(json);
        let expected = serde_json::from_slice(json).ok().map(with_doubles);
        prop_assert_eq!(read::<Value>(json), expected, "{}", text);
        // What it skips, serde_json does not look at; a body is UTF-8 or no JSON.
        let is_text = std::str::from_utf8(json).is_ok();
        let skipped = is_text && serde_json::from_slice::<IgnoredAny>(json).is_ok();
        prop_assert_eq!(read::<IgnoredAny>(json).is_some(), skipped, "{}", text);
        Ok(())
    }

    #[test]
    fn what_is_json_and_what_is_not_is_said_as_serde_json_says_it() {
        for json in [
            r#" { "a" : [ 1 , -2.5e3 , true , false , null , "x" ] , "b" : { } } "#,
            r#"{"a":"caf\u00e9 \ud83d\ude00 \" \\ \/ \b\f\n\r\t"}"#,
            r#"{"\u0061":1,"a":2}"#,
            r#""a text that is longer than a few words of eight bytes, and then \n one more""#,
            "\"\u{e9}\u{1f600} and a text beyond ASCII\"",
            "",
            " ",
            "{",
            "}",
            "[",
            "{]",
            "[}",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[,]",
            "[1 2]",
            "[1]]",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1"#,
            r#"{"a":1,"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
            r#"{1:1}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a"::1}"#,
            r#"{"a":}"#,
            "nul",
            "nulll",
            "truefalse",
            "True",
            "01",
            "-",
            "-0",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e-400",
            "123456789012345678901234567890",
            "NaN",
            "1x",
            r#"1"a""#,
            r#""a" "b""#,
            "\"",
            "\"a",
            "\"\\",
            "\"\\x\"",
            r#""\ud800""#,
            r#""\udc00""#,
            "\"\n\"",
            "\"\u{7f}\"",
            "\u{feff}1",
            "\u{c}1",
            "1 // no",
            "'a'",
        ] {
            same_as_serde_json(json.as_bytes()).unwrap();
        }
        for bytes in
            [&b"\"\xff\""[..], b"\"\xc3\"", b"{\"\xff\":1}", b"[\"\xed\xa0\x80\"]", b"\xff"]
        {
            same_as_serde_json(bytes).unwrap();
        }
    }

    #[test]
    fn numbers_beyond_all_that_are_told_apart_are_still_numbers() {
        let digits = "9".repeat(400);
        for (json, expected) in
            [("1e400", f64::INFINITY), ("-1e400", f64::NEG_INFINITY), (&digits, f64::INFINITY)]
        {
            assert_eq!(read::<f64>(json.as_bytes()), Some(expected), "{json}");
        }
    }

    #[test]
    fn nesting_ends_where_it_does_in_serde_json() {
        for depth in [126, 127, 128, 129, 100_000] {
            same_as_serde_json(&[vec![b'['; depth], vec![b']'; depth]].concat()).unwrap();
        }
    }

    proptest! {
        #[test]
        fn texts_are_read_as_they_were_written(text in ".{0,80}|[ -~]{0,80}|[\\x00-\\x7f]{0,80}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(read::<Value>(json.as_bytes()), Some(Value::String(text)));
        }

        #[test]
        fn damaged_requests_are_refused_as_serde_json_does(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut json =
                br#"{"Records":[{"Data":"aGk=","PartitionKey":"caf\u00e9 17"},null],"Limit":12.5,"DryRun":true}"#
                    .to_vec();
            let at = at.index(json.len());
            json[at] = byte;
            same_as_serde_json(&json)?;
        }

        #[test]
        fn what_json_is_made_of_is_read_as_serde_json_does(json in "[\\[\\]{},:\"\\\\ a1e.u0nutrlfs-]{0,12}") {
            same_as_serde_json(json.as_bytes())?;
        }
    }
}
