//! Bodies of error answers.

use crate::model::error::{ApiError, ErrorKind};

use super::emit::answer;
use super::writer::{Writer, name};

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
    write(error, &mut super::json::Writer::new(&mut body));
    body
}

/// The same fields as a CBOR map.
pub(crate) fn cbor(error: &ApiError) -> Vec<u8> {
    let mut body = Vec::new();
    write(error, &mut super::cbor::Writer(&mut body));
    body
}

fn write(error: &ApiError, writer: &mut impl Writer) {
    let has_message = !error.message().is_empty();
    writer.begin_map(1 + usize::from(has_message));
    writer.name(&name!("__type"));
    writer.text(error.kind().wire_name());
    if has_message {
        writer.name(&match error.kind() {
            ErrorKind::Serialization => name!("Message"),
            _ => name!("message"),
        });
        writer.text(error.message());
    }
    writer.end_map();
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
