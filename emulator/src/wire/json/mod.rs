//! JSON 1.1: decoding requests, writing answers.

mod reader;
mod writer;

pub(crate) use writer::Writer;

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, IgnoredAny};

use super::Fault;
#[cfg(test)]
use super::primitive::{Decode, Decoding};

use reader::Reader;

/// Whether a body is one well-formed JSON object.
pub(crate) fn is_object(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_json = || parse(body, PhantomData::<IgnoredAny>).is_ok();
    first == Some(&b'{') && is_json()
}

/// Reads one value and nothing after it.
pub(crate) fn parse<'de, S: DeserializeSeed<'de>>(
    body: &'de [u8],
    seed: S,
) -> Result<S::Value, Fault> {
    let mut reader = Reader::new(std::str::from_utf8(body).map_err(|_| Fault::Malformed)?);
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Decodes one value on its own: null is `None`, a clash its sentence.
#[cfg(test)]
pub(crate) fn decode_member<'de, T: Decode<'de>>(json: &'de [u8]) -> Result<Option<T>, String> {
    parse(json, Decoding::of_body(json.len()).value()).map_err(|fault| fault.to_string())
}
