//! Messages of an event stream, taken apart without the help of any SDK.

use serde_json::Value;

use super::raw::{JSON, members};

/// One message of an event stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("a JSON payload")
    }

    #[track_caller]
    pub(crate) fn expect_event(&self, kind: &str, content_type: &str) {
        let expected =
            [(":message-type", "event"), (":event-type", kind), (":content-type", content_type)];
        let mut expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut headers = self.headers.clone();
        headers.sort();
        expected.sort();
        assert_eq!(headers, expected);
    }

    #[track_caller]
    pub(crate) fn expect_exception(&self, kind: &str) {
        let value = |name: &str| {
            let header = self.headers.iter().find(|(known, _)| known == name);
            header.map(|(_, value)| value.as_str())
        };
        assert_eq!(value(":message-type"), Some("exception"), "{self:?}");
        assert_eq!(value(":exception-type"), Some(kind), "{self:?}");
        assert_eq!(value(":content-type"), Some(JSON));
        assert_eq!(members(&self.json()), ["message"]);
    }
}

/// The whole frames at the start of some bytes, and what is left.
#[track_caller]
pub(crate) fn frames(mut bytes: &[u8]) -> (Vec<Frame>, &[u8]) {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    let mut frames = Vec::new();
    while bytes.len() >= 4 && bytes.len() >= number(bytes) as usize {
        let (frame, rest) = bytes.split_at(number(bytes) as usize);
        bytes = rest;
        let (content, checksum) = frame.split_at(frame.len() - 4);
        assert_eq!(number(&frame[8..]), crc32(&frame[..8]), "the prelude's checksum");
        assert_eq!(number(checksum), crc32(content), "the message's checksum");
        let (mut headers, payload) = content[12..].split_at(number(&frame[4..]) as usize);
        let mut named = Vec::new();
        while let [length, rest @ ..] = headers {
            let (name, rest) = rest.split_at(usize::from(*length));
            assert_eq!(rest[0], 7, "all headers are texts");
            let length = usize::from(u16::from_be_bytes([rest[1], rest[2]]));
            let (value, rest) = rest[3..].split_at(length);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("a text");
            named.push((text(name), text(value)));
            headers = rest;
        }
        frames.push(Frame { headers: named, payload: payload.to_vec() });
    }
    (frames, bytes)
}

/// The checksum of gzip, PNG and event streams, bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 }
        })
    })
}

#[test]
fn the_checksum_is_the_one_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
