//! Encryption: nothing is encrypted, but everything says so.

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, list, members, put_input};

const START_ENCRYPTION: &str = "StartStreamEncryption";
const STOP_ENCRYPTION: &str = "StopStreamEncryption";
const KEY: &str = "alias/aws/kinesis";
const SECOND: Duration = Duration::from_secs(1);

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

fn change(raw: &Raw, operation: &str, kind: &str, key: &str) -> Answer {
    raw.call(operation, json!({"StreamName": "s", "EncryptionType": kind, "KeyId": key}))
}

/// Encryption and key as both descriptions show them.
#[track_caller]
fn shown(raw: &Raw) -> (String, Option<String>) {
    let whole = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let read = |description: &Value| {
        let key = description.get("KeyId").map(|key| key.as_str().expect("a key").to_owned());
        (description["EncryptionType"].as_str().expect("a type").to_owned(), key)
    };
    let shown = read(&whole["StreamDescription"]);
    assert_eq!(read(&summary["StreamDescriptionSummary"]), shown);
    shown
}

// behaviours 138, 4
#[test]
fn the_key_is_shown_exactly_as_given() {
    let raw = with_stream();
    assert_eq!(shown(&raw), ("NONE".to_owned(), None));
    for key in [
        KEY,
        "alias/My-Key_1",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:000000000000:alias/x",
    ] {
        change(&raw, START_ENCRYPTION, "KMS", key).expect_empty();
        assert_eq!(shown(&raw), ("KMS".to_owned(), Some(key.to_owned())));
    }
    let key = "arn:aws:kms:us-east-1:000000000000:alias/x";
    change(&raw, STOP_ENCRYPTION, "KMS", key).expect_empty();
    assert_eq!(shown(&raw), ("NONE".to_owned(), None));
}

// behaviours 139, 66, 69
#[test]
fn what_is_written_while_encrypted_says_so_for_ever() {
    let raw = with_stream();
    let record = |key: &str| json!({"Data": "", "PartitionKey": key});
    let batch =
        |key: &str| raw.ok("PutRecords", json!({"StreamName": "s", "Records": [record(key)]}));
    batch("before");
    change(&raw, START_ENCRYPTION, "KMS", KEY).expect_empty();
    let answer = batch("in a batch");
    assert_eq!(answer["EncryptionType"], "KMS");
    assert_eq!(members(&answer["Records"][0]), ["SequenceNumber", "ShardId"]);
    assert_eq!(raw.ok("PutRecord", put_input("s", "alone", b""))["EncryptionType"], "KMS");
    change(&raw, STOP_ENCRYPTION, "KMS", KEY).expect_empty();
    let answer = batch("after");
    assert!(!members(&answer["Records"][0]).contains(&"EncryptionType"));
    let read = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    let found: Vec<_> = list(&read["Records"])
        .iter()
        .map(|record| (record["PartitionKey"].as_str().unwrap(), record.get("EncryptionType")))
        .collect();
    let kms = json!("KMS");
    assert_eq!(
        found,
        [("before", None), ("in a batch", Some(&kms)), ("alone", Some(&kms)), ("after", None)]
    );
}

// behaviours 140
#[test]
fn the_type_none_is_refused_by_both_calls() {
    let raw = with_stream();
    for operation in [START_ENCRYPTION, STOP_ENCRYPTION] {
        change(&raw, operation, "NONE", KEY).expect_error_kind("InvalidArgumentException");
        change(&raw, operation, "AES", KEY).expect_error_kind("ValidationException");
    }
    assert_eq!(shown(&raw), ("NONE".to_owned(), None));
}

// behaviours 140
#[test]
fn an_updating_stream_is_in_use() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    raw.advance(SECOND);
    change(&raw, START_ENCRYPTION, "KMS", KEY).expect_empty();
    assert_eq!(raw.status("s"), "UPDATING");
    for operation in [START_ENCRYPTION, STOP_ENCRYPTION] {
        change(&raw, operation, "KMS", KEY).expect_error(
            "ResourceInUseException",
            "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING",
        );
    }
    raw.advance(SECOND);
    assert_eq!(raw.status("s"), "ACTIVE");
    assert_eq!(shown(&raw), ("KMS".to_owned(), Some(KEY.to_owned())));
}

// operations.md, section 4.5
#[test]
fn only_the_streams_own_key_stops_its_encryption() {
    let raw = with_stream();
    change(&raw, STOP_ENCRYPTION, "KMS", "any").expect_empty();
    change(&raw, START_ENCRYPTION, "KMS", KEY).expect_empty();
    change(&raw, STOP_ENCRYPTION, "KMS", "alias/other")
        .expect_error_kind("InvalidArgumentException");
    assert_eq!(shown(&raw), ("KMS".to_owned(), Some(KEY.to_owned())));
}

// operations.md, section 4.5: 25 successful calls in a rolling day
#[test]
fn encryption_starts_25_times_a_day() {
    let raw = with_stream();
    for number in 0..25 {
        change(&raw, START_ENCRYPTION, "KMS", &format!("alias/{number}")).expect_empty();
    }
    change(&raw, START_ENCRYPTION, "KMS", "alias/25").expect_error_kind("LimitExceededException");
    assert_eq!(shown(&raw).1.as_deref(), Some("alias/24"));
    // The other call has a count of its own, and a day later both are free.
    change(&raw, STOP_ENCRYPTION, "KMS", "alias/24").expect_empty();
    raw.advance(Duration::from_secs(24 * 3600));
    change(&raw, START_ENCRYPTION, "KMS", KEY).expect_empty();
}

// behaviours 144
#[test]
fn a_stream_is_found_by_its_arn_and_an_unknown_one_is_not() {
    let raw = with_stream();
    for operation in [START_ENCRYPTION, STOP_ENCRYPTION] {
        raw.done(operation, json!({"StreamARN": arn("s"), "EncryptionType": "KMS", "KeyId": KEY}));
        raw.call(operation, json!({"StreamName": "x", "EncryptionType": "KMS", "KeyId": KEY}))
            .expect_error(
                "ResourceNotFoundException",
                "Stream x under account 000000000000 not found.",
            );
    }
}
