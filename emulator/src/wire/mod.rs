//! Bytes ⇄ typed members.
//!
//! Gate 1 decodes (`primitive`, `json`), gate 2 checks (`shape`, `violation`),
//! and `emit` writes answers. Knows no operation and no engine, and is the
//! only room that knows how encodings differ.

pub(crate) mod cbor;
pub(crate) mod description;
pub(crate) mod emit;
pub(crate) mod error_body;
pub(crate) mod event_stream;
pub(crate) mod json;
pub(crate) mod primitive;
pub(crate) mod request_bytes;
pub(crate) mod shape;
pub(crate) mod violation;
pub(crate) mod writer;

use std::fmt::{self, Display};

use serde::de;

use crate::model::error::{ApiError, ErrorKind};

use emit::Emit;
use primitive::{Decode, Decoding};
use request_bytes::RequestBytes;

/// How many bytes can be added to an encoded answer before its buffer grows: the
/// values of the head go out with it.
pub(crate) const ROOM_FOR_HEAD_BYTES: usize = 192;

/// The two encodings of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `application/x-amz-json-1.1`
    Json,
    /// `application/x-amz-cbor-1.1`
    Cbor,
}

impl Protocol {
    /// The content type of requests and answers, without parameters.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/x-amz-cbor-1.1",
        }
    }

    /// Decodes a request (gate 1). What of it is kept among its bytes comes with
    /// them.
    ///
    /// # Errors
    /// SerializationException: without a message if the body is not an object,
    /// with AWS's sentence if a member has the wrong type. As on AWS, a body
    /// that does not parse at all is reported as such, whatever stands in it
    /// before.
    pub(crate) fn decode<'de, T: Decode<'de>>(
        self,
        body: &'de [u8],
    ) -> Result<(T, RequestBytes), ApiError> {
        let mut decoding = Decoding::of_body(body.len());
        let decoded = match self {
            Self::Json => json::parse(body, decoding.value()),
            Self::Cbor => cbor::parse(body, decoding.value()),
        };
        match decoded {
            Ok(Some(input)) => Ok((input, decoding.request)),
            Err(Fault::Clash(sentence)) if self.is_object(body) => {
                Err(ApiError::new(ErrorKind::Serialization, sentence))
            }
            Ok(None) | Err(_) => Err(ApiError::new(ErrorKind::Serialization, "")),
        }
    }

    /// Whether a body is one well-formed object with nothing after it.
    pub(crate) fn is_object(self, body: &[u8]) -> bool {
        match self {
            Self::Json => json::is_object(body),
            Self::Cbor => cbor::is_object(body),
        }
    }

    /// Writes an answer.
    pub(crate) fn encode<T: Emit>(self, answer: &T) -> Vec<u8> {
        self.encode_in_place_of(RequestBytes::default(), answer)
    }

    /// Writes an answer into the memory that its request's bytes had.
    pub(crate) fn encode_in_place_of<T: Emit>(self, request: RequestBytes, answer: &T) -> Vec<u8> {
        let mut body = request.into_buffer(answer.bytes_about() + ROOM_FOR_HEAD_BYTES);
        match self {
            Self::Json => answer.emit(&mut json::Writer::new(&mut body)),
            Self::Cbor => answer.emit(&mut cbor::Writer(&mut body)),
        }
        body
    }

    /// Writes an error's text alone, as exceptions in an event stream carry it.
    pub(crate) fn encode_message(self, error: &ApiError) -> Vec<u8> {
        self.encode(&error_body::Message { text: error.message() })
    }

    /// Writes an error answer.
    pub(crate) fn encode_error(self, error: &ApiError) -> Vec<u8> {
        match self {
            Self::Json => error_body::json(error),
            Self::Cbor => error_body::cbor(error),
        }
    }
}

/// Why a body could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not of the encoding, or nests too deep.
    Malformed,
    /// A value is not of the member's type.
    Clash(String),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed"),
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
