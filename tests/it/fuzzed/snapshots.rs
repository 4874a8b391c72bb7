//! Snapshot files: whatever a file holds, it is refused, or it makes an emulator
//! that answers and can be written down again.

use http::StatusCode;
use kinesis_emulator::{Emulator, Snapshot};
use serde_json::{Value, json};

use super::contents::contents;
use crate::support::raw::{Raw, put_input};

/// The bytes are a file but for its last line, which is made so that it fits.
pub(super) fn a_file_is_refused_or_an_emulator(bytes: &[u8]) {
    drop(Snapshot::from_bytes(bytes));
    let Ok(snapshot) = Snapshot::from_bytes(&ended(bytes)) else { return };
    let raw = Raw { emulator: Emulator::builder().snapshot(&snapshot).in_process() };
    let again = Snapshot::from_bytes(&raw.emulator.snapshot().to_bytes());
    assert!(again.is_ok(), "{:?}", again.err());
    for found in contents(&raw) {
        if let Value::String(stream) = found {
            put_to(&raw, &stream);
        }
    }
}

/// Puts a record, whatever the stream does about it.
fn put_to(raw: &Raw, stream: &str) {
    let answer = raw.call("PutRecord", put_input(stream, "k", b"more"));
    assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
}

/// The file with the counts and the checksum that it needs to be whole.
fn ended(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    if file.last() != Some(&b'\n') {
        file.push(b'\n');
    }
    let count = |member: &str| {
        let start = format!("{{\"{member}\":");
        file.split(|byte| *byte == b'\n').filter(|line| line.starts_with(start.as_bytes())).count()
    };
    let end = json!({"end": {
        "realms": count("realm"),
        "streams": count("stream"),
        "shards": count("shard"),
        "records": count("record"),
        "changes": count("change"),
        "crc32": crate::support::frames::crc32(&file),
    }});
    file.extend_from_slice(end.to_string().as_bytes());
    file.push(b'\n');
    file
}
