//! Bodies of error answers.

use serde::Serializer;

use crate::model::error::{ApiError, ErrorKind};

use super::emit::answer;

answer! {
    /// What an exception in an event stream carries.
    pub(crate) struct Message<'a> {
        "message" => text: &'a str,
    }
}

/// `{"__type":…,"message":…}`; the message is left out if there is none, and
/// spelled `Message` for type clashes only (recorded).
pub(crate) fn json(error: &ApiError) -> Vec<u8> {
    let mut body = Vec::new();
    serde_json::Serializer::new(&mut body)
        .collect_map(fields_of(error))
        .expect("memory takes every answer");
    body
}

/// The same fields as a CBOR map.
pub(crate) fn cbor(error: &ApiError) -> Vec<u8> {
    let fields: Vec<_> = fields_of(error).collect();
    let mut body = Vec::new();
    super::cbor::Writer::new(&mut body)
        .collect_map(fields.iter().copied())
        .expect("memory takes every answer");
    body
}

fn fields_of(error: &ApiError) -> impl Iterator<Item = (&'static str, &str)> {
    let message_name = match error.kind() {
        ErrorKind::Serialization => "Message",
        _ => "message",
    };
    let message = Some((message_name, error.message())).filter(|(_, text)| !text.is_empty());
    std::iter::once(("__type", error.kind().wire_name())).chain(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clash_spells_message_with_a_capital() {
        let body = |kind, text: &str| String::from_utf8(json(&ApiError::new(kind, text))).unwrap();
        assert_eq!(
            body(ErrorKind::Serialization, "Expected null"),
            r#"{"__type":"SerializationException","Message":"Expected null"}"#
        );
        assert_eq!(
            body(ErrorKind::Validation, "x"),
            r#"{"__type":"ValidationException","message":"x"}"#
        );
        assert_eq!(
            body(ErrorKind::UnknownOperation, ""),
            r#"{"__type":"UnknownOperationException"}"#
        );
    }

    #[test]
    fn cbor_carries_the_same_fields() {
        let body = cbor(&ApiError::new(ErrorKind::UnknownOperation, ""));
        assert_eq!(body[0], 0xa1, "a map of one entry");
        assert!(body.ends_with(b"UnknownOperationException"));
    }
}
