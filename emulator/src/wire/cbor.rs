//! CBOR 1.1, as Java's SDKs speak it.
//!
//! It differs from the CBOR of the standards in its times: tag 1 carries
//! milliseconds (read in the Java SDK's source; LocalStack records the same).
//! Requests may use indefinite lengths, tags before anything, and any float
//! width; `undefined` is null. Answers use definite lengths.
//!
//! The token layer is minicbor's; here is the glue to serde, so that both
//! encodings go through the same declarations.

use std::fmt::{self, Display};

use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use serde::de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize};

use crate::model::error::{ApiError, ErrorKind};

use super::emit::{AsSerde, Emit};
use super::primitive::{Decode, Nullable};

/// The name under which a time goes through serde on its way to tag 1.
pub(crate) const EPOCH_MILLIS: &str = "epoch milliseconds";

/// How deep a request may nest: as serde_json has it.
const DEPTH_MAX: usize = 128;

/// Decodes a request.
///
/// # Errors
/// SerializationException, as for JSON.
pub(crate) fn decode<'de, T: Decode<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    match parse::<Nullable<T>>(body) {
        Ok(Nullable(Some(request))) => Ok(request),
        Err(Fault::Clash(sentence)) if is_object(body) => {
            Err(ApiError::new(ErrorKind::Serialization, sentence))
        }
        Ok(Nullable(None)) | Err(_) => Err(ApiError::new(ErrorKind::Serialization, "")),
    }
}

/// Whether a body is one well-formed CBOR map with nothing after it.
pub(crate) fn is_object(body: &[u8]) -> bool {
    parse::<ObjectProbe>(body).is_ok()
}

/// Writes an answer.
pub(crate) fn encode<T: Emit>(answer: &T) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    AsSerde(answer).serialize(&mut Writer::new(&mut body)).expect("memory takes every answer");
    body
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    let mut reader = Reader { decoder: Decoder::new(body), depth: 0 };
    let value = T::deserialize(&mut reader)?;
    if reader.decoder.position() == body.len() { Ok(value) } else { Err(Fault::Malformed) }
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

/// Why a body could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not CBOR, or nests too deep.
    Malformed,
    /// A value is not of the member's type.
    Clash(String),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed CBOR"),
            Self::Clash(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(sentence: T) -> Self {
        Self::Clash(sentence.to_string())
    }
}

impl From<minicbor::decode::Error> for Fault {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

struct Reader<'de> {
    decoder: Decoder<'de>,
    depth: usize,
}

impl<'de> Reader<'de> {
    /// Visits the parts of a collection: `entries` of them, or up to a break.
    fn nested<T>(
        &mut self,
        entries: Option<u64>,
        visit: impl FnOnce(&mut Parts<'_, 'de>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth == DEPTH_MAX {
            return Err(Fault::Malformed);
        }
        self.depth += 1;
        let mut parts = Parts { reader: self, entries };
        let value = visit(&mut parts)?;
        if parts.more()? {
            return Err(Fault::Malformed);
        }
        self.depth -= 1;
        Ok(value)
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let decoder = &mut self.decoder;
        while decoder.datatype()? == Type::Tag {
            decoder.tag()?;
        }
        match decoder.datatype()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => visitor.visit_u64(decoder.u64()?),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => visitor.visit_i64(decoder.i64()?),
            // A negative number beyond 64 bits: nothing here tells it from the least.
            Type::Int => {
                decoder.int().map_err(Fault::from).and_then(|_| visitor.visit_i64(i64::MIN))
            }
            Type::F16 => visitor.visit_f64(f64::from(decoder.f16()?)),
            Type::F32 => visitor.visit_f64(f64::from(decoder.f32()?)),
            Type::F64 => visitor.visit_f64(decoder.f64()?),
            Type::Bool => visitor.visit_bool(decoder.bool()?),
            Type::Null => decoder.null().map_err(Fault::from).and_then(|()| visitor.visit_unit()),
            Type::Undefined => {
                decoder.undefined().map_err(Fault::from).and_then(|()| visitor.visit_unit())
            }
            Type::Bytes => visitor.visit_borrowed_bytes(decoder.bytes()?),
            Type::BytesIndef => {
                let chunks = decoder.bytes_iter()?.collect::<Result<Vec<_>, _>>()?;
                visitor.visit_byte_buf(chunks.concat())
            }
            Type::String => visitor.visit_borrowed_str(decoder.str()?),
            Type::StringIndef => {
                visitor.visit_string(decoder.str_iter()?.collect::<Result<String, _>>()?)
            }
            Type::Array | Type::ArrayIndef => {
                let entries = decoder.array()?;
                self.nested(entries, |parts| visitor.visit_seq(parts))
            }
            Type::Map | Type::MapIndef => {
                let entries = decoder.map()?;
                self.nested(entries, |parts| visitor.visit_map(parts))
            }
            Type::Simple | Type::Break | Type::Tag | Type::Unknown(_) => Err(Fault::Malformed),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.decoder.skip()?;
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
    /// How many are left; unknown if the length is indefinite.
    entries: Option<u64>,
}

impl Parts<'_, '_> {
    /// Whether there is another part. At the end of an indefinite collection
    /// its break is consumed.
    fn more(&mut self) -> Result<bool, Fault> {
        match &mut self.entries {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.reader.decoder.datatype()? == Type::Break => {
                let position = self.reader.decoder.position();
                self.reader.decoder.set_position(position + 1);
                self.entries = Some(0);
                Ok(false)
            }
            None => Ok(true),
        }
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

    fn size_hint(&self) -> Option<usize> {
        self.entries.and_then(|left| usize::try_from(left).ok())
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
        // Whatever else a key is, it is the name of no member.
        match self.reader.decoder.datatype()? {
            Type::String | Type::StringIndef => seed.deserialize(&mut *self.reader).map(Some),
            _ => Err(Fault::Malformed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.reader)
    }
}

/// Writes what answers are made of.
pub(crate) struct Writer<'a> {
    encoder: Encoder<&'a mut Vec<u8>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(body: &'a mut Vec<u8>) -> Self {
        Self { encoder: Encoder::new(body) }
    }
}

/// What answers never hold.
#[derive(Debug)]
pub(crate) struct Unsupported(String);

impl Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

impl ser::Error for Unsupported {
    fn custom<T: Display>(sentence: T) -> Self {
        Self(sentence.to_string())
    }
}

fn infallible<T>(written: Result<T, minicbor::encode::Error<std::convert::Infallible>>) {
    assert!(written.is_ok(), "memory takes every answer");
}

fn unsupported<T>(what: &str) -> Result<T, Unsupported> {
    Err(Unsupported(format!("answers hold no {what}")))
}

impl ser::Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Unsupported;
    type SerializeSeq = Self;
    type SerializeTuple = ser::Impossible<(), Unsupported>;
    type SerializeTupleStruct = ser::Impossible<(), Unsupported>;
    type SerializeTupleVariant = ser::Impossible<(), Unsupported>;
    type SerializeMap = Self;
    type SerializeStruct = ser::Impossible<(), Unsupported>;
    type SerializeStructVariant = ser::Impossible<(), Unsupported>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unsupported> {
        infallible(self.encoder.bool(value));
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), Unsupported> {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<(), Unsupported> {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<(), Unsupported> {
        self.serialize_i64(number.into())
    }

    fn serialize_i64(self, number: i64) -> Result<(), Unsupported> {
        infallible(self.encoder.i64(number));
        Ok(())
    }

    fn serialize_u8(self, number: u8) -> Result<(), Unsupported> {
        self.serialize_u64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<(), Unsupported> {
        self.serialize_u64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<(), Unsupported> {
        self.serialize_u64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<(), Unsupported> {
        infallible(self.encoder.u64(number));
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Unsupported> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Unsupported> {
        infallible(self.encoder.f64(number));
        Ok(())
    }

    fn serialize_char(self, letter: char) -> Result<(), Unsupported> {
        self.serialize_str(letter.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Unsupported> {
        infallible(self.encoder.str(text));
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unsupported> {
        infallible(self.encoder.bytes(bytes));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unsupported> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unsupported> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unsupported> {
        infallible(self.encoder.null());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unsupported> {
        if name == EPOCH_MILLIS {
            infallible(self.encoder.tag(Tag::new(1)));
        }
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Unsupported> {
        let len = len.ok_or_else(|| Unsupported("a list's length is known".to_owned()))?;
        infallible(self.encoder.array(len as u64));
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Unsupported> {
        let len = len.ok_or_else(|| Unsupported("a map's length is known".to_owned()))?;
        infallible(self.encoder.map(len as u64));
        Ok(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unsupported> {
        unsupported("unit structs")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Unsupported> {
        unsupported("variants")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unsupported> {
        unsupported("variants")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unsupported> {
        unsupported("tuples")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unsupported> {
        unsupported("tuples")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsupported> {
        unsupported("variants")
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Unsupported> {
        unsupported("structs but maps")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsupported> {
        unsupported("variants")
    }
}

impl ser::SerializeSeq for &mut Writer<'_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unsupported> {
        Ok(())
    }
}

impl ser::SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unsupported> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unsupported> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::{Blob, Epoch, RawList};
    use super::*;

    fn member<'de, T: Decode<'de>>(bytes: &'de [u8]) -> Result<Option<T>, Fault> {
        parse::<Nullable<T>>(bytes).map(|Nullable(value)| value)
    }

    #[test]
    fn times_are_milliseconds_with_or_without_their_tag() {
        let tagged = [&[0xc1, 0x1b][..], &1_459_799_926_480_u64.to_be_bytes()].concat();
        assert_eq!(member(&tagged), Ok(Some(Epoch(1_459_799_926_480))));
        assert_eq!(member(&tagged[1..]), Ok(Some(Epoch(1_459_799_926_480))));
    }

    #[test]
    fn byte_strings_are_blobs_in_one_piece_or_in_chunks() {
        assert_eq!(member(b"\x42hi"), Ok(Some(Blob(b"hi".to_vec()))));
        assert_eq!(member(b"\x5f\x41h\x41i\xff"), Ok(Some(Blob(b"hi".to_vec()))));
        assert!(matches!(member::<Blob>(b"\x62hi"), Err(Fault::Clash(_))));
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
