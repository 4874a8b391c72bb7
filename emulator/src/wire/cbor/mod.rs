//! CBOR 1.1, as Java's SDKs speak it.
//!
//! It differs from the CBOR of the standards in its times: tag 1 carries
//! milliseconds (read in the Java SDK's source; LocalStack records the same).
//! Requests may use indefinite lengths, tags before anything, and any float
//! width; `undefined` is null. Answers use definite lengths.
//!
//! Requests are taken apart by minicbor; here is the glue to the declarations
//! that both encodings go through.

mod reader;
mod writer;

pub(crate) use writer::Writer;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::Fault;

use reader::Reader;

/// Whether a body is one well-formed CBOR map with nothing after it.
pub(crate) fn is_object(body: &[u8]) -> bool {
    parse(body, PhantomData::<ObjectProbe>).is_ok()
}

/// Reads one value and nothing after it.
pub(crate) fn parse<'de, S: DeserializeSeed<'de>>(
    body: &'de [u8],
    seed: S,
) -> Result<S::Value, Fault> {
    let mut reader = Reader::new(body);
    let value = seed.deserialize(&mut reader)?;
    if reader.position() == body.len() { Ok(value) } else { Err(Fault::Malformed) }
}

/// Accepts any map.
struct ObjectProbe;

impl<'de> Deserialize<'de> for ObjectProbe {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnly;
        impl<'de> Visitor<'de> for MapOnly {
            type Value = ObjectProbe;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(ObjectProbe)
            }
        }
        deserializer.deserialize_any(MapOnly)
    }
}

impl From<minicbor::decode::Error> for Fault {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::{Decode, Decoding, Epoch, RawList};
    use super::super::request_bytes::Kept;
    use super::*;
    use crate::model::record::Payload;

    fn member<'de, T: Decode<'de>>(bytes: &'de [u8]) -> Result<Option<T>, Fault> {
        parse(bytes, Decoding::of_body(bytes.len()).value())
    }

    #[test]
    fn times_are_milliseconds_with_or_without_their_tag() {
        let tagged = [&[0xc1, 0x1b][..], &1_459_799_926_480_u64.to_be_bytes()].concat();
        for bytes in [&tagged[..], &tagged[1..]] {
            let time: Option<Epoch> = member(bytes).unwrap();
            assert_eq!(time.map(Epoch::as_millis), Some(1_459_799_926_480));
        }
    }

    #[test]
    fn byte_strings_are_blobs_in_one_piece_or_in_chunks() {
        for cbor in [&b"\x42hi"[..], b"\x5f\x41h\x41i\xff"] {
            let mut decoding = Decoding::of_body(cbor.len());
            let kept = parse(cbor, decoding.value()).unwrap();
            assert_eq!(decoding.request.payload(&kept.unwrap()), b"hi");
        }
        assert!(matches!(member::<Kept<Payload>>(b"\x62hi"), Err(Fault::Clash(_))));
    }

    #[test]
    fn collections_may_be_indefinite_and_undefined_is_null() {
        let list = member::<RawList<i32>>(b"\x9f\x01\xf7\x02\xff").unwrap().unwrap();
        assert_eq!(list.0, [Some(1), None, Some(2)]);
        assert!(is_object(b"\xd9\xd9\xf7\xbf\x61a\x01\xff"), "self-described, indefinite");
        assert!(is_object(b"\xa0"));
    }

    #[test]
    fn garbage_is_malformed_and_never_panics() {
        for body in [
            &b""[..],
            b"\xff",
            b"\xa1",
            b"\xbf\x61a",
            b"\xa0\x00",
            b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(!is_object(body), "{body:x?}");
        }
        let deep = vec![0x81; 100_000];
        assert_eq!(
            member::<RawList<i32>>(&deep).err(),
            Some(Fault::Clash("Start of list found where not expected".to_owned()))
        );
        let deep_map = [b"\xa1\x61a".repeat(100_000), vec![0]].concat();
        let _ = is_object(&deep_map);
    }
}
