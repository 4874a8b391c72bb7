//! Answers in CBOR.

use crate::model::timestamp::Timestamp;
use crate::wire::writer::{self, Name};

/// Appends CBOR (RFC 8949) to a buffer, every head in its shortest form.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

/// What a head announces: its upper three bits.
#[derive(Clone, Copy)]
enum Major {
    Count = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    List = 4,
    Map = 5,
    Tag = 6,
}

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
/// The tag of a time.
const EPOCH: u64 = 1;

impl Writer<'_> {
    #[inline]
    fn head(&mut self, major: Major, number: u64) {
        let major = (major as u8) << 5;
        match number {
            0..24 => self.0.push(major | number as u8),
            24..0x100 => self.0.extend_from_slice(&[major | 24, number as u8]),
            0x100..0x1_0000 => {
                let [a, b] = (number as u16).to_be_bytes();
                self.0.extend_from_slice(&[major | 25, a, b]);
            }
            0x1_0000..0x1_0000_0000 => {
                let [a, b, c, d] = (number as u32).to_be_bytes();
                self.0.extend_from_slice(&[major | 26, a, b, c, d]);
            }
            0x1_0000_0000.. => {
                self.0.push(major | 27);
                self.0.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    #[inline]
    fn string(&mut self, major: Major, bytes: &[u8]) {
        self.head(major, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

impl writer::Writer for Writer<'_> {
    #[inline]
    fn utf8(&mut self, text: &[u8]) {
        self.string(Major::Text, text);
    }

    #[inline]
    fn ascii(&mut self, text: &[u8]) {
        self.string(Major::Text, text);
    }

    fn integer(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(number) => self.head(Major::Count, number),
            // -1 - n for the n that stands there: its bits the other way round.
            Err(_) => self.head(Major::Negative, !number as u64),
        }
    }

    #[inline]
    fn count(&mut self, number: u64) {
        self.head(Major::Count, number);
    }

    fn boolean(&mut self, value: bool) {
        self.0.push(if value { TRUE } else { FALSE });
    }

    #[inline]
    fn time(&mut self, time: Timestamp) {
        self.head(Major::Tag, EPOCH);
        self.count(time.as_millis());
    }

    #[inline]
    fn blob(&mut self, bytes: &[u8]) {
        self.string(Major::Bytes, bytes);
    }

    fn begin_list(&mut self, elements: usize) {
        self.head(Major::List, elements as u64);
    }

    #[inline]
    fn element(&mut self) {}

    fn end_list(&mut self) {}

    #[inline]
    fn begin_map(&mut self, members: usize) {
        self.head(Major::Map, members as u64);
    }

    #[inline]
    fn name(&mut self, name: &Name) {
        self.string(Major::Text, name.plain.as_bytes());
    }

    #[inline]
    fn end_map(&mut self) {}
}

#[cfg(test)]
mod tests {
    use minicbor::Encoder;
    use minicbor::data::Tag;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::writer::Writer as _;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut body = Vec::new();
        write(&mut Writer(&mut body));
        body
    }

    /// Numbers whose heads have every length.
    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64).prop_map(|(number, shift)| number >> shift)
    }

    proptest! {
        #[test]
        fn values_are_written_as_minicbor_does(
            number in number(),
            text in ".{0,300}",
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            value in any::<bool>(),
        ) {
            let signed = [number as i64, (number as i64).wrapping_neg()];
            let mut expected = Encoder::new(Vec::new());
            expected.u64(number).unwrap().str(&text).unwrap().bytes(&bytes).unwrap();
            expected.bool(value).unwrap().i64(signed[0]).unwrap().i64(signed[1]).unwrap();
            expected.array(number).unwrap().map(number).unwrap();
            let time = Timestamp::from_millis(number);
            expected.tag(Tag::new(1)).unwrap().u64(time.as_millis()).unwrap();
            let found = written(|writer| {
                writer.count(number);
                writer.text(&text);
                writer.blob(&bytes);
                writer.boolean(value);
                writer.integer(signed[0]);
                writer.integer(signed[1]);
                writer.begin_list(number as usize);
                writer.begin_map(number as usize);
                writer.time(time);
            });
            prop_assert_eq!(found, expected.into_writer());
        }
    }
}
