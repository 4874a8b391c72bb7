//! ListShards: filters, pages, tokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::raw::{ACCOUNT, Raw, START, each, list, members, text};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The numbers of the shards in an answer.
#[track_caller]
fn numbers(answer: &Value) -> Vec<u32> {
    each(&answer["Shards"], "ShardId")
        .into_iter()
        .map(|id| id.strip_prefix("shardId-").expect("a shard id").parse().expect("a number"))
        .collect()
}

#[track_caller]
fn listed(raw: &Raw, rest: Value) -> Vec<u32> {
    let mut input = rest;
    input["StreamName"] = json!("s");
    numbers(&raw.ok("ListShards", input))
}

#[track_caller]
fn filtered(raw: &Raw, filter: Value) -> Vec<u32> {
    listed(raw, json!({"ShardFilter": filter}))
}

fn stream_of(shards: u32) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", shards);
    raw
}

/// Shard 0 is split into 1 and 2 ten seconds after the stream was made.
fn split() -> Raw {
    let raw = stream_of(1);
    raw.advance(Duration::from_secs(10));
    raw.done(
        "SplitShard",
        json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": "2"}),
    );
    raw.advance(Duration::from_secs(10));
    raw
}

// facts, section 4, ListShards
#[test]
fn a_complete_list_has_no_token() {
    let raw = split();
    let answer = raw.ok("ListShards", json!({"StreamName": "s"}));
    assert_eq!(members(&answer), ["Shards"]);
    let [parent, lower, upper] = list(&answer["Shards"]).as_slice() else { panic!("three shards") };
    assert_eq!(members(parent), ["HashKeyRange", "SequenceNumberRange", "ShardId"]);
    assert_eq!(
        members(&parent["SequenceNumberRange"]),
        ["EndingSequenceNumber", "StartingSequenceNumber"]
    );
    for child in [lower, upper] {
        let expected = ["HashKeyRange", "ParentShardId", "SequenceNumberRange", "ShardId"];
        assert_eq!(members(child), expected);
        assert_eq!(child["ParentShardId"], "shardId-000000000000");
        assert_eq!(members(&child["SequenceNumberRange"]), ["StartingSequenceNumber"]);
    }
    assert_eq!(answer["Shards"], json!(raw.shards("s")), "as DescribeStream lists them");
}

// behaviours 92
#[test]
fn the_start_is_exclusive() {
    let raw = stream_of(4);
    for (start, expected) in [
        ("shardId-000000000001", &[2, 3][..]),
        ("shardId-000000000003", &[]),
        ("shardId-000000000099", &[]),
    ] {
        assert_eq!(listed(&raw, json!({"ExclusiveStartShardId": start})), expected, "{start}");
    }
}

// behaviours 92, 94
#[test]
fn pages_of_4_over_10_shards_are_4_4_2() {
    let raw = stream_of(10);
    let mut answer = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 4}));
    let mut pages = vec![numbers(&answer)];
    while let Some(token) = answer.get("NextToken") {
        answer = raw.ok("ListShards", json!({"NextToken": token, "MaxResults": 4}));
        pages.push(numbers(&answer));
    }
    assert_eq!(pages, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    for exact in [10, 11] {
        let answer = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": exact}));
        assert_eq!(members(&answer), ["Shards"], "nothing is left after {exact}");
    }
    let half = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 5}));
    let rest = raw.ok("ListShards", json!({"NextToken": half["NextToken"], "MaxResults": 5}));
    assert_eq!((numbers(&rest), members(&rest)), (vec![5, 6, 7, 8, 9], vec!["Shards"]));
}

// behaviours 94
#[test]
fn a_page_has_1000_shards_unless_fewer_are_asked_for() {
    let raw = stream_of(1001);
    for limit in [json!(null), json!(10_000)] {
        let answer = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": limit}));
        assert_eq!(list(&answer["Shards"]).len(), 1000);
        let rest = raw.ok("ListShards", json!({"NextToken": answer["NextToken"]}));
        assert_eq!(numbers(&rest), [1000]);
    }
}

// behaviours 94
#[test]
fn a_filter_stays_in_force_across_pages() {
    let raw = stream_of(10);
    raw.advance(Duration::from_secs(1));
    raw.done(
        "MergeShards",
        json!({"StreamName": "s", "ShardToMerge": "2", "AdjacentShardToMerge": "3"}),
    );
    let filter = json!({"Type": "AT_LATEST"});
    let first =
        raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 2, "ShardFilter": filter}));
    assert_eq!(numbers(&first), [0, 1]);
    let second = raw.ok("ListShards", json!({"NextToken": first["NextToken"], "MaxResults": 2}));
    assert_eq!(numbers(&second), [4, 5]);
    let rest = raw.ok("ListShards", json!({"NextToken": second["NextToken"]}));
    assert_eq!(numbers(&rest), [6, 7, 8, 9, 10]);
}

// behaviours 96
#[test]
fn filters_after_one_split() {
    let raw = split();
    let at = |kind: &str, second: f64| json!({"Type": kind, "Timestamp": START.as_seconds() as f64 + second});
    for (filter, expected) in [
        (json!({"Type": "AT_TRIM_HORIZON"}), &[0][..]),
        (json!({"Type": "FROM_TRIM_HORIZON"}), &[0, 1, 2]),
        (json!({"Type": "AT_LATEST"}), &[1, 2]),
        (json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000000"}), &[1, 2]),
        (json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000002"}), &[]),
        (at("AT_TIMESTAMP", 5.0), &[0]),
        (at("AT_TIMESTAMP", 15.0), &[1, 2]),
        (at("AT_TIMESTAMP", 20.0), &[1, 2]),
        (at("FROM_TIMESTAMP", 5.0), &[0, 1, 2]),
        (at("FROM_TIMESTAMP", 9.5), &[0, 1, 2]),
        (at("FROM_TIMESTAMP", 15.0), &[1, 2]),
        (at("FROM_TIMESTAMP", -1000.0), &[0, 1, 2]),
        (at("AT_TIMESTAMP", -1000.0), &[0]),
    ] {
        assert_eq!(filtered(&raw, filter.clone()), expected, "{filter}");
    }
}

// behaviours 96: a split and a time apart from whole seconds
#[test]
fn the_moment_of_a_split_belongs_to_parent_and_children() {
    let raw = split();
    let moment = json!({"Type": "AT_TIMESTAMP", "Timestamp": START.as_seconds() + 10});
    assert_eq!(filtered(&raw, moment), [0, 1, 2]);
}

// behaviours 97; operations.md, ListShards
#[test]
fn a_filter_needs_its_companion() {
    let raw = stream_of(1);
    let future = START.as_seconds() + 1;
    for filter in [
        json!({"Type": "AT_TIMESTAMP"}),
        json!({"Type": "FROM_TIMESTAMP"}),
        json!({"Type": "AT_TIMESTAMP", "ShardId": "shardId-000000000000"}),
        json!({"Type": "AFTER_SHARD_ID"}),
        json!({"Type": "AFTER_SHARD_ID", "Timestamp": 1}),
        json!({"Type": "AT_TIMESTAMP", "Timestamp": future}),
        json!({"Type": "FROM_TIMESTAMP", "Timestamp": future}),
    ] {
        raw.call("ListShards", json!({"StreamName": "s", "ShardFilter": filter}))
            .expect_error_kind("InvalidArgumentException");
    }
    let filter = json!({"Type": "AFTER_SHARD_ID", "ShardId": "foo"});
    raw.call("ListShards", json!({"StreamName": "s", "ShardFilter": filter}))
        .expect_error("InvalidArgumentException", "ShardId foo in ShardFilter names no shard.");
}

// behaviours 93
#[test]
fn a_token_excludes_the_other_selectors() {
    let raw = stream_of(2);
    let token =
        raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 1}))["NextToken"].clone();
    let arn = format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s");
    for (member, value) in [
        ("StreamName", json!("s")),
        ("StreamARN", json!(arn)),
        ("ExclusiveStartShardId", json!("shardId-000000000000")),
        ("ShardFilter", json!({"Type": "AT_LATEST"})),
        ("StreamCreationTimestamp", json!(START.as_seconds())),
    ] {
        raw.call("ListShards", json!({"NextToken": token, member: value})).expect_error(
            "InvalidArgumentException",
            &format!("NextToken and {member} cannot be provided together."),
        );
    }
    // Even if neither the token nor the stream is real.
    raw.call("ListShards", json!({"NextToken": "x", "StreamName": "missing"})).expect_error(
        "InvalidArgumentException",
        "NextToken and StreamName cannot be provided together.",
    );
    raw.call("ListShards", json!({})).expect_error(
        "InvalidArgumentException",
        "Either NextToken or StreamName should be provided.",
    );
}

// behaviours 95
#[test]
fn tokens_of_shard_pages_expire_and_cannot_be_forged() {
    let raw = stream_of(2);
    let first = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 1}));
    let token = text(&first["NextToken"]);
    raw.create_stream("t", 1);
    let of_streams = text(&raw.ok("ListStreams", json!({"Limit": 1}))["NextToken"]);
    for forged in ["garbage", "AAAA", &token[1..], &of_streams, &raw.iterator("s", "0", "LATEST")] {
        raw.call("ListShards", json!({"NextToken": forged}))
            .expect_error_kind("InvalidArgumentException");
    }
    raw.advance(Duration::from_secs(300));
    assert_eq!(numbers(&raw.ok("ListShards", json!({"NextToken": token}))), [1]);
    raw.advance(Duration::from_millis(1));
    raw.call("ListShards", json!({"NextToken": token}))
        .expect_error_kind("ExpiredNextTokenException");
}

#[test]
fn a_token_of_a_deleted_stream_finds_none() {
    let raw = stream_of(2);
    let token =
        raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 1}))["NextToken"].clone();
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    let input = json!({"NextToken": token});
    raw.call("ListShards", input.clone()).expect_error_kind("ResourceNotFoundException");
    raw.create_stream("s", 2);
    raw.call("ListShards", input).expect_error_kind("ResourceNotFoundException");
}

// operations.md, ListShards: it picks between a stream and its namesake
#[test]
fn the_creation_time_has_to_be_the_streams() {
    let raw = stream_of(1);
    let created = START.as_seconds();
    assert_eq!(listed(&raw, json!({"StreamCreationTimestamp": created})), [0]);
    raw.call("ListShards", json!({"StreamName": "s", "StreamCreationTimestamp": created - 60}))
        .expect_error_kind("ResourceNotFoundException");
}

// operations.md, ListShards: the KCL waits when the stream is in use
#[test]
fn a_stream_that_is_not_there_yet_or_no_more_is_in_use() {
    let delay = Duration::from_secs(1);
    let raw = Raw::with(|builder| builder.state_delay(delay));
    let input = json!({"StreamName": "s"});
    raw.create_stream("s", 1);
    raw.call("ListShards", input.clone()).expect_error_kind("ResourceInUseException");
    raw.advance(delay);
    raw.ok("ListShards", input.clone());
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    raw.call("ListShards", input.clone()).expect_error_kind("ResourceInUseException");
    raw.advance(delay);
    raw.call("ListShards", input).expect_error_kind("ResourceNotFoundException");
}

// operations.md, ListShards: closed longer ago than records are kept
#[test]
fn shards_that_closed_before_the_horizon_are_not_listed() {
    let raw = split();
    raw.advance(24 * HOUR - Duration::from_secs(10));
    assert_eq!(listed(&raw, json!({})), [0, 1, 2], "to the millisecond");
    raw.advance(Duration::from_millis(1));
    assert_eq!(listed(&raw, json!({})), [1, 2]);
    let answer = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    assert_eq!(numbers(&answer["StreamDescription"]), [1, 2]);
    for (filter, expected) in [
        (json!({"Type": "AT_TRIM_HORIZON"}), &[1, 2]),
        (json!({"Type": "FROM_TRIM_HORIZON"}), &[1, 2]),
        (json!({"Type": "AT_TIMESTAMP", "Timestamp": START.as_seconds()}), &[1, 2]),
        (json!({"Type": "FROM_TIMESTAMP", "Timestamp": 0}), &[1, 2]),
    ] {
        assert_eq!(filtered(&raw, filter.clone()), expected, "{filter}");
    }
    raw.call(
        "GetShardIterator",
        json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"}),
    )
    .expect_error_kind("ResourceNotFoundException");
}
