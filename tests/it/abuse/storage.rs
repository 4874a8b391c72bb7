//! More records than an emulator may hold.

use std::time::Duration;

use serde_json::json;

use crate::support::raw::{Answer, Raw, put_input};

const LIMIT: usize = 10_000;
const FULL: &str = "The records of all streams together would take more than 10000 bytes, which the \
                    emulator's storage limit does not allow: records have to expire or streams to \
                    be deleted before others are taken.";
const HOUR: Duration = Duration::from_secs(3600);

fn limited() -> Raw {
    let raw = Raw::with(|builder| builder.storage_limit(LIMIT));
    raw.create_stream("s", 4);
    raw.create_stream("t", 1);
    raw
}

/// A record of 1,000 bytes with its key.
fn put(raw: &Raw, stream: &str) -> Answer {
    raw.call("PutRecord", put_input(stream, "key", &[b'x'; 997]))
}

#[track_caller]
fn fill(raw: &Raw) {
    for number in 0..10 {
        assert_eq!(put(raw, if number % 2 == 0 { "s" } else { "t" }).status, 200, "{number}");
    }
    is_full(&put(raw, "s"));
}

#[track_caller]
fn is_full(answer: &Answer) {
    let error = json!({"__type": "InternalFailure", "message": FULL});
    assert_eq!((answer.status.as_u16(), answer.json()), (500, error));
}

#[test]
fn a_full_emulator_refuses_puts_and_goes_on_reading() {
    let raw = limited();
    fill(&raw);
    is_full(&put(&raw, "t"));
    // Together they are too many: none of them is stored.
    let records = [&[b'x'; 1][..]; 2].map(|_| json!({"Data": "eA==", "PartitionKey": "k"}));
    is_full(&raw.call("PutRecords", json!({"StreamName": "s", "Records": records})));
    assert_eq!(raw.read_all("t", "shardId-000000000000").len(), 5);
    assert_eq!(raw.emulator.stream("s").records().len(), 5);
    // What cannot be put for another reason is told that reason.
    raw.call("PutRecord", put_input("missing", "key", b"x"))
        .expect_error_kind("ResourceNotFoundException");
}

#[test]
fn records_that_expire_and_streams_that_are_deleted_make_room() {
    let raw = limited();
    fill(&raw);
    raw.done("DeleteStream", json!({"StreamName": "t"}));
    for _ in 0..5 {
        assert_eq!(put(&raw, "s").status, 200);
    }
    is_full(&put(&raw, "s"));
    raw.advance(25 * HOUR);
    for _ in 0..10 {
        assert_eq!(put(&raw, "s").status, 200);
    }
    is_full(&put(&raw, "s"));
}

#[test]
fn what_a_snapshot_brings_counts() {
    let full = limited();
    let empty = full.emulator.snapshot();
    fill(&full);
    let snapshot = full.emulator.snapshot();
    full.emulator.restore(&empty);
    // Now it has counted what little there is.
    assert_eq!(put(&full, "s").status, 200);
    full.emulator.restore(&snapshot);
    is_full(&put(&full, "s"));
    let twin = Raw::with(|builder| builder.storage_limit(LIMIT).snapshot(&snapshot));
    is_full(&put(&twin, "s"));
}

#[test]
fn without_a_limit_everything_is_taken() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for _ in 0..50 {
        assert_eq!(put(&raw, "s").status, 200);
    }
}
