//! From CBOR to serde.

use minicbor::Decoder;
use minicbor::data::Type;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::Fault;

/// How deep a request may nest: as serde_json has it.
const DEPTH_MAX: usize = 128;

/// Reads a request.
pub(super) struct Reader<'de> {
    decoder: Decoder<'de>,
    depth: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(body: &'de [u8]) -> Self {
        Self { decoder: Decoder::new(body), depth: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.decoder.position()
    }

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
            Type::Bytes => visitor.visit_bytes(decoder.bytes()?),
            Type::BytesIndef => {
                // One by one: a list of chunks would be larger than the chunks.
                let mut bytes = Vec::new();
                for chunk in decoder.bytes_iter()? {
                    bytes.extend_from_slice(chunk?);
                }
                visitor.visit_bytes(&bytes)
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

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
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
