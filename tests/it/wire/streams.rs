//! Creating and deleting streams.

use std::time::Duration;

use serde_json::json;

use crate::support::raw::{ACCOUNT, Raw, put_input, text};

const DELAY: Duration = Duration::from_secs(1);

pub(super) fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}")
}

fn slow() -> Raw {
    Raw::with(|builder| builder.state_delay(DELAY))
}

// behaviours 45
#[test]
fn new_shards_divide_the_hash_keys_evenly() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    let ranges: Vec<_> = raw
        .shards("s")
        .iter()
        .map(|shard| {
            let range = &shard["HashKeyRange"];
            (
                text(&shard["ShardId"]),
                text(&range["StartingHashKey"]),
                text(&range["EndingHashKey"]),
            )
        })
        .collect();
    let row =
        |shard: &str, start: &str, end: &str| (shard.to_owned(), start.to_owned(), end.to_owned());
    assert_eq!(
        ranges,
        [
            row("shardId-000000000000", "0", "113427455640312821154458202477256070484"),
            row(
                "shardId-000000000001",
                "113427455640312821154458202477256070485",
                "226854911280625642308916404954512140969"
            ),
            row(
                "shardId-000000000002",
                "226854911280625642308916404954512140970",
                "340282366920938463463374607431768211455"
            ),
        ]
    );
}

/// The difference of two decimals of equal length, as text.
fn difference(larger: &str, smaller: &str) -> String {
    let mut borrow = 0;
    let mut digits: Vec<u8> = larger
        .bytes()
        .rev()
        .zip(smaller.bytes().rev())
        .map(|(one, other)| {
            let (one, other) = (one as i8, other as i8 + borrow);
            borrow = i8::from(one < other);
            (one - other + 10 * borrow) as u8 + b'0'
        })
        .collect();
    digits.reverse();
    String::from_utf8(digits).unwrap().trim_start_matches('0').to_owned()
}

// behaviours 47, 62
#[test]
fn starting_numbers_of_neighbours_differ_by_the_recorded_step() {
    let raw = Raw::new();
    raw.create_stream("s", 5);
    let starts: Vec<_> = raw
        .shards("s")
        .iter()
        .map(|shard| text(&shard["SequenceNumberRange"]["StartingSequenceNumber"]))
        .collect();
    assert!(starts.iter().all(|start| start.len() == 56 && !start.starts_with('0')));
    for pair in starts.windows(2) {
        let step = difference(&pair[1], &pair[0]);
        assert_eq!(step, "22300745198530623141535718272648361505980432");
    }
}

// behaviours 46, 51, 52; facts, section 4
#[test]
fn a_creating_stream_is_described_but_not_used() {
    let raw = slow();
    raw.create_stream("s", 2);
    let answer = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    let stream = &answer["StreamDescription"];
    assert_eq!(stream["StreamStatus"], "CREATING");
    assert_eq!(stream["Shards"], json!([]));
    assert_eq!(stream["HasMoreShards"], false);
    let not_found = "Stream s under account 000000000000 not found.";
    raw.call("PutRecord", put_input("s", "a", b""))
        .expect_error("ResourceNotFoundException", not_found);
    let records = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "a"}]});
    raw.call("PutRecords", records).expect_error("ResourceNotFoundException", not_found);
    let iterator = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "LATEST"});
    raw.call("GetShardIterator", iterator).expect_error(
        "ResourceNotFoundException",
        "Shard shardId-000000000000 in stream s under account 000000000000 does not exist",
    );
    let not_active = "Stream s under account 000000000000 not ACTIVE, instead in state CREATING";
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": "2"});
    raw.call("SplitShard", split).expect_error("ResourceInUseException", not_active);
    let merge = json!({"StreamName": "s", "ShardToMerge": "0", "AdjacentShardToMerge": "1"});
    raw.call("MergeShards", merge).expect_error("ResourceInUseException", not_active);
    raw.call("ListShards", json!({"StreamName": "s"})).expect_error_kind("ResourceInUseException");
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!(["s"]));
    raw.advance(DELAY - Duration::from_millis(1));
    assert_eq!(raw.status("s"), "CREATING");
    raw.advance(Duration::from_millis(1));
    assert_eq!(raw.status("s"), "ACTIVE");
    assert_eq!(raw.shards("s").len(), 2);
}

// behaviours 52
#[test]
fn a_creating_stream_can_be_deleted_and_does_not_come_back() {
    let raw = slow();
    raw.create_stream("s", 1);
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    assert_eq!(raw.status("s"), "DELETING");
    raw.advance(DELAY);
    raw.call("DescribeStream", json!({"StreamName": "s"})).expect_error(
        "ResourceNotFoundException",
        "Stream s under account 000000000000 not found.",
    );
    raw.advance(DELAY);
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!([]));
}

// facts, section 4, DeleteStream
#[test]
fn a_deleting_stream_is_described_and_takes_no_records() {
    let raw = slow();
    raw.create_stream("s", 1);
    raw.advance(DELAY);
    raw.put("s", "a", b"x");
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    assert_eq!(raw.status("s"), "DELETING");
    raw.call("PutRecord", put_input("s", "a", b"")).expect_error(
        "ResourceNotFoundException",
        "Stream s under account 000000000000 not found.",
    );
    raw.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1})).expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 already exists.",
    );
    raw.advance(DELAY);
    raw.create_stream("s", 1);
    raw.advance(DELAY);
    assert!(raw.read_all("s", "0").is_empty(), "a namesake begins empty");
}

// behaviours 49
#[test]
fn a_taken_name_is_refused_whatever_the_other_parameters() {
    let raw = Raw::with(|builder| builder.shard_limit(2));
    raw.create_stream("s", 1);
    for rest in [
        json!({}),
        json!({"ShardCount": 1000}),
        json!({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
        json!({"StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
        json!({"ShardCount": 1, "Tags": {"a;": "b"}}),
    ] {
        let mut input = rest;
        input["StreamName"] = json!("s");
        raw.call("CreateStream", input).expect_error(
            "ResourceInUseException",
            "Stream s under account 000000000000 already exists.",
        );
    }
}

// behaviours 48, 141
#[test]
fn a_name_alone_makes_four_shards() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s"}));
    raw.done(
        "CreateStream",
        json!({"StreamName": "d", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
    );
    for stream in ["s", "d"] {
        assert_eq!(raw.shards(stream).len(), 4);
        let answer = raw.ok("DescribeStream", json!({"StreamName": stream}));
        assert_eq!(answer["StreamDescription"]["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
    }
}

// behaviours 50
#[test]
fn names_are_case_sensitive_and_up_to_128_long() {
    let raw = Raw::new();
    let long = "n".repeat(128);
    for name in ["orders", "Orders", "a.b_c-d", long.as_str()] {
        raw.create_stream(name, 1);
        let answer = raw.ok("DescribeStream", json!({"StreamName": name}));
        assert_eq!(answer["StreamDescription"]["StreamARN"], arn(name));
    }
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"].as_array().map(Vec::len), Some(4));
}

// facts, section 4, CreateStream
#[test]
fn the_shard_limit_is_told_in_full() {
    let raw = Raw::with(|builder| builder.shard_limit(10));
    raw.create_stream("s", 3);
    let message = |additional: u32| {
        format!(
            "This request would exceed the shard limit for the account 000000000000 in us-east-1. \
             Current shard count for the account: 3. Limit: 10. Number of additional shards that \
             would have resulted from this request: {additional}. Refer to the AWS Service Limits \
             page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for \
             current limits and how to request higher limits."
        )
    };
    raw.call("CreateStream", json!({"StreamName": "t", "ShardCount": 1000}))
        .expect_error("LimitExceededException", &message(1000));
    raw.call("CreateStream", json!({"StreamName": "t", "ShardCount": 8}))
        .expect_error("LimitExceededException", &message(8));
    raw.create_stream("t", 7);
}

// limits.md, section 4
#[test]
fn on_demand_streams_can_be_limited() {
    let raw = Raw::with(|builder| builder.stream_limit(1));
    raw.done("CreateStream", json!({"StreamName": "a"}));
    raw.call("CreateStream", json!({"StreamName": "b"}))
        .expect_error_kind("LimitExceededException");
    raw.create_stream("provisioned", 1);
    raw.done("DeleteStream", json!({"StreamName": "a"}));
    raw.done("CreateStream", json!({"StreamName": "b"}));
}
