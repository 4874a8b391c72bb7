//! Frames of `application/vnd.amazon.eventstream`.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | length of the frame |
//! | 4 | length of the headers |
//! | 4 | CRC-32 of the first 8 bytes |
//! | n | headers: name length, name, type 7 (text), value length (2), value |
//! | m | payload |
//! | 4 | CRC-32 of everything before |
//!
//! All numbers are big-endian.

use crate::model::error::ApiError;

use super::Protocol;
use super::emit::Emit;

/// The content type of a subscription's answer.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

const TEXT: u8 = 7;

/// The frame that comes first, always: boto3 and Go do not go on without it.
pub(crate) fn initial_response(protocol: Protocol) -> Vec<u8> {
    let payload = match protocol {
        Protocol::Json => &b"{}"[..],
        Protocol::Cbor => &[0xa0],
    };
    event_frame("initial-response", protocol, payload)
}

/// A frame that carries an event.
pub(crate) fn event<T: Emit>(name: &str, protocol: Protocol, event: &T) -> Vec<u8> {
    event_frame(name, protocol, &protocol.encode(event))
}

/// A frame that carries an error, after which the stream ends.
pub(crate) fn exception(protocol: Protocol, error: &ApiError) -> Vec<u8> {
    frame(
        &[
            (":message-type", "exception"),
            (":exception-type", error.kind().wire_name()),
            (":content-type", protocol.content_type()),
        ],
        &protocol.encode_message(error),
    )
}

fn event_frame(name: &str, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    frame(
        &[
            (":message-type", "event"),
            (":event-type", name),
            (":content-type", protocol.content_type()),
        ],
        payload,
    )
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let headers_bytes: usize =
        headers.iter().map(|(name, value)| 1 + name.len() + 3 + value.len()).sum();
    let total = 16 + headers_bytes + payload.len();
    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&length(total).to_be_bytes());
    frame.extend_from_slice(&length(headers_bytes).to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    for (name, value) in headers {
        frame.push(u8::try_from(name.len()).expect("header names are short constants"));
        frame.extend_from_slice(name.as_bytes());
        frame.push(TEXT);
        let value_bytes = u16::try_from(value.len()).expect("header values are short constants");
        frame.extend_from_slice(&value_bytes.to_be_bytes());
        frame.extend_from_slice(value.as_bytes());
    }
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("an event is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_adds_up_and_carries_both_checksums() {
        let frame = initial_response(Protocol::Json);
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        assert_eq!(number(0) as usize, frame.len());
        assert_eq!(number(8), crc32fast::hash(&frame[..8]));
        assert_eq!(number(frame.len() - 4), crc32fast::hash(&frame[..frame.len() - 4]));
        let payload_start = 12 + number(4) as usize;
        assert_eq!(&frame[payload_start..frame.len() - 4], b"{}");
        assert_eq!(&frame[12..27], b"\x0d:message-type\x07");
        assert_eq!(&frame[27..34], b"\x00\x05event");
    }
}
