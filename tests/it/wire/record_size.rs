//! UpdateMaxRecordSize: how large a record a stream takes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, list, put_input, text};

const MIB: usize = 1024 * 1024;
const SECOND: Duration = Duration::from_secs(1);

fn update(raw: &Raw, stream: &str, kib: impl Into<Value>) -> Answer {
    let kib: Value = kib.into();
    raw.call("UpdateMaxRecordSize", json!({"StreamARN": arn(stream), "MaxRecordSizeInKiB": kib}))
}

fn put(raw: &Raw, bytes: usize) -> Answer {
    raw.call("PutRecord", put_input("s", "k", &vec![7; bytes]))
}

#[track_caller]
fn shown(raw: &Raw) -> Value {
    let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    answer["StreamDescriptionSummary"]["MaxRecordSizeInKiB"].clone()
}

// behaviours 154, 72, 4
#[test]
fn a_stream_takes_records_as_large_as_it_says() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    assert_eq!(shown(&raw), 1024);
    put(&raw, MIB - 1).expect_ok();
    put(&raw, MIB).expect_error_kind("InvalidArgumentException");
    let too_long = |at: &str| {
        format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: \
             Member must have length less than or equal to {MIB}"
        )
    };
    put(&raw, MIB + 1).expect_error("ValidationException", &too_long("data"));
    let long = json!({"Data": STANDARD.encode(vec![7; MIB + 1]), "PartitionKey": "k"});
    let short = json!({"Data": "", "PartitionKey": "k"});
    raw.call("PutRecords", json!({"StreamName": "s", "Records": [short, long]}))
        .expect_error("ValidationException", &too_long("records.2.member.data"));
    update(&raw, "s", 10_240).expect_empty();
    assert_eq!(shown(&raw), 10_240);
    put(&raw, 9 * MIB).expect_ok();
    put(&raw, 10 * MIB - 1).expect_ok();
    put(&raw, 10 * MIB).expect_error_kind("InvalidArgumentException");
    // Stored records stay readable under a smaller limit.
    update(&raw, "s", 1024).expect_empty();
    put(&raw, MIB).expect_error_kind("InvalidArgumentException");
    let mut sizes = Vec::new();
    let mut iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    for _ in 0..3 {
        let read = raw.read(&iterator);
        for record in list(&read["Records"]) {
            sizes.push(STANDARD.decode(text(&record["Data"])).expect("base64").len() / MIB);
        }
        iterator = read["NextShardIterator"].as_str().unwrap().to_owned();
    }
    assert_eq!(sizes, [0, 9, 9], "in whole MiB");
}

// behaviours 72; quoted by users: what all records take comes before what one takes
#[test]
fn a_request_takes_10_mib_whatever_its_records_take() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let put = |count: usize, bytes: usize| {
        let record = json!({"Data": STANDARD.encode(vec![7; bytes]), "PartitionKey": "k"});
        raw.call("PutRecords", json!({"StreamName": "s", "Records": vec![record; count]}))
    };
    put(10, MIB - 1).expect_ok();
    let too_large = "Records size exceeds 10 MB limit";
    put(11, MIB - 1).expect_error("InvalidArgumentException", too_large);
    put(11, MIB).expect_error("InvalidArgumentException", too_large);
    put(2, MIB).expect_error(
        "InvalidArgumentException",
        &format!(
            "The record is {} bytes long, partition key included; \
             the stream takes records of up to 1024 KiB.",
            MIB + 1
        ),
    );
}

// behaviours 154
#[test]
fn the_size_is_between_1_and_10_mib() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for kib in [1023, 10_241, 0, -1] {
        update(&raw, "s", kib).expect_error_kind("ValidationException");
        let input = json!({"StreamName": "new", "ShardCount": 1, "MaxRecordSizeInKiB": kib});
        raw.call("CreateStream", input).expect_error_kind("ValidationException");
    }
    assert_eq!(shown(&raw), 1024);
    update(&raw, "s", 1024).expect_empty();
}

// operations.md, section 5
#[test]
fn the_new_size_holds_when_the_stream_is_active_again() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    update(&raw, "s", 2048).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    update(&raw, "s", 2048).expect_empty();
    assert_eq!((raw.status("s").as_str(), shown(&raw)), ("UPDATING", json!(1024)));
    put(&raw, MIB).expect_error_kind("InvalidArgumentException");
    update(&raw, "s", 4096).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    assert_eq!((raw.status("s").as_str(), shown(&raw)), ("ACTIVE", json!(2048)));
    put(&raw, MIB).expect_ok();
}

// behaviours 154, 44: only an ARN names the stream
#[test]
fn a_stream_is_named_by_its_arn_alone() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.call("UpdateMaxRecordSize", json!({"StreamName": "s", "MaxRecordSizeInKiB": 2048}))
        .expect_error_kind("InvalidArgumentException");
    update(&raw, "x", 2048).expect_error(
        "ResourceNotFoundException",
        "Stream x under account 000000000000 not found.",
    );
    assert_eq!(shown(&raw), 1024);
}
