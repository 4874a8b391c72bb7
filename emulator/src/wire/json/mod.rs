//! JSON 1.1: decoding requests, writing answers.

mod writer;

pub(crate) use writer::Writer;

use serde::de::Deserialize;

use crate::model::error::{ApiError, ErrorKind};

use super::emit::Emit;
use super::primitive::{Decode, Nullable};

/// Decodes a request.
///
/// # Errors
/// SerializationException: without a message if the body is not a JSON object,
/// with AWS's sentence if a member has the wrong type. As on AWS, a body that
/// does not parse at all is reported as such, whatever stands in it before.
pub(crate) fn decode<'de, T: Decode<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    match parse::<T>(body) {
        Ok(Some(request)) => Ok(request),
        Ok(None) => Err(not_a_request()),
        Err(error) if error.is_data() && is_object(body) => {
            Err(ApiError::new(ErrorKind::Serialization, sentence_of(&error)))
        }
        Err(_) => Err(not_a_request()),
    }
}

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

fn parse<'de, T: Decode<'de>>(body: &'de [u8]) -> Result<Option<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Nullable(request) = Nullable::<T>::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(request)
}

/// serde_json adds the place to every sentence; AWS does not.
fn sentence_of(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    sentence.strip_suffix(&place).unwrap_or(&sentence).to_owned()
}

fn not_a_request() -> ApiError {
    ApiError::new(ErrorKind::Serialization, "")
}

/// Decodes one value on its own: null is `None`, a clash its sentence.
#[cfg(test)]
pub(crate) fn decode_member<'de, T: Decode<'de>>(json: &'de [u8]) -> Result<Option<T>, String> {
    parse(json).map_err(|error| sentence_of(&error))
}
