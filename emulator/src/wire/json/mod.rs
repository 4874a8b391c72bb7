//! JSON 1.1: decoding requests, writing answers.

mod reader;
mod writer;

pub(crate) use writer::Writer;

use serde::de::Deserialize;

use super::Fault;
use super::emit::Emit;
#[cfg(test)]
use super::primitive::{Decode, Nullable};

use reader::Reader;

/// Whether a body is one well-formed JSON object.
pub(crate) fn is_object(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Writes an answer.
pub(crate) fn encode<T: Emit>(answer: &T) -> Vec<u8> {
    let mut body = Vec::with_capacity(answer.bytes_about());
    answer.emit(&mut Writer(&mut body));
    body
}

/// Reads one value and nothing after it.
pub(crate) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    let mut reader = Reader::new(body);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Decodes one value on its own: null is `None`, a clash its sentence.
#[cfg(test)]
pub(crate) fn decode_member<'de, T: Decode<'de>>(json: &'de [u8]) -> Result<Option<T>, String> {
    parse(json).map(|Nullable(value)| value).map_err(|fault| fault.to_string())
}
