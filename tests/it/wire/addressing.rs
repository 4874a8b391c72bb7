//! Which stream a call means: names, ARNs, accounts and Regions.

use http::StatusCode;
use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{ACCOUNT, Custom, Raw, each};

// facts, section 4: not found, in every call that names a stream
#[test]
fn an_unknown_stream_is_not_found() {
    let raw = Raw::new();
    for (operation, rest) in [
        ("DeleteStream", json!({})),
        ("DescribeStream", json!({})),
        ("DescribeStreamSummary", json!({})),
        ("ListShards", json!({})),
        ("ListTagsForStream", json!({})),
        ("AddTagsToStream", json!({"Tags": {"a;": "b"}})),
        ("RemoveTagsFromStream", json!({"TagKeys": ["a;"]})),
        ("PutRecord", json!({"Data": "", "PartitionKey": "a", "ExplicitHashKey": "9".repeat(39)})),
        ("PutRecords", json!({"Records": [{"Data": "", "PartitionKey": "a"}]})),
        ("SplitShard", json!({"ShardToSplit": "0", "NewStartingHashKey": "2"})),
        ("MergeShards", json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"})),
    ] {
        for (member, value) in [("StreamName", "nowhere".to_owned()), ("StreamARN", arn("nowhere"))]
        {
            let mut input = rest.clone();
            input[member] = json!(value);
            raw.call(operation, input).expect_error(
                "ResourceNotFoundException",
                "Stream nowhere under account 000000000000 not found.",
            );
        }
    }
}

// behaviours 144
#[test]
fn every_call_with_a_stream_takes_its_arn() {
    let raw = Raw::new();
    raw.create_stream("s", 2);
    let stream = json!(arn("s"));
    let iterator = raw.iterator_of(
        json!({"StreamARN": stream, "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"}),
    );
    for (operation, rest) in [
        ("DescribeStream", json!({})),
        ("DescribeStreamSummary", json!({})),
        ("ListShards", json!({})),
        ("AddTagsToStream", json!({"Tags": {"a": "b"}})),
        ("ListTagsForStream", json!({})),
        ("RemoveTagsFromStream", json!({"TagKeys": ["a"]})),
        ("PutRecord", json!({"Data": "", "PartitionKey": "a"})),
        ("PutRecords", json!({"Records": [{"Data": "", "PartitionKey": "a"}]})),
        ("GetRecords", json!({"ShardIterator": iterator})),
        ("MergeShards", json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"})),
        ("SplitShard", json!({"ShardToSplit": "2", "NewStartingHashKey": "2"})),
        ("DeleteStream", json!({})),
    ] {
        let mut input = rest;
        input["StreamARN"] = stream.clone();
        let answer = raw.call(operation, input);
        assert_eq!(answer.status, StatusCode::OK, "{operation}: {}", answer.text());
    }
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!([]));
}

// operations.md, section 2.1
#[test]
fn a_name_and_an_arn_have_to_agree() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.create_stream("t", 1);
    raw.ok("DescribeStream", json!({"StreamName": "s", "StreamARN": arn("s")}));
    raw.call("DescribeStream", json!({"StreamName": "t", "StreamARN": arn("s")}))
        .expect_error_kind("InvalidArgumentException");
    raw.call("DeleteStream", json!({"StreamName": "t", "StreamARN": arn("s")}))
        .expect_error_kind("InvalidArgumentException");
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!(["s", "t"]));
}

// behaviours 145: the pattern takes ARNs that are no stream's
#[test]
fn an_arn_of_something_else_is_an_invalid_argument() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let consumer = format!("{}/consumer/c:1", arn("s"));
    raw.call("DescribeStream", json!({"StreamARN": consumer}))
        .expect_error_kind("InvalidArgumentException");
}

// wire.md, section 7.2: accepted and ignored
#[test]
fn a_stream_id_is_checked_and_ignored() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let id = "abcdefghij0123456789-a1b";
    raw.ok("DescribeStream", json!({"StreamName": "s", "StreamId": id}));
    raw.call("DescribeStream", json!({"StreamId": id}))
        .expect_error_kind("InvalidArgumentException");
}

// wire.md, section 10
#[test]
fn accounts_and_regions_do_not_meet() {
    let raw = Raw::new();
    let call = |operation: &str, input: Value, account: &str, region: &str| {
        raw.send(Custom::json(operation, &input).by(account, region))
    };
    let input = json!({"StreamName": "s", "ShardCount": 1});
    for (account, region) in [
        ("AKIDEXAMPLE", "us-east-1"),
        ("123456789012", "us-east-1"),
        ("AKIDEXAMPLE", "eu-west-1"),
        ("123456789012", "eu-west-1"),
    ] {
        let names = call("ListStreams", json!({}), account, region).expect_ok();
        assert_eq!(names["StreamNames"], json!([]), "{account} {region}");
        call("CreateStream", input.clone(), account, region).expect_empty();
        let owner = if account.len() == 12 { account } else { ACCOUNT };
        let answer =
            call("DescribeStream", json!({"StreamName": "s"}), account, region).expect_ok();
        let expected = format!("arn:aws:kinesis:{region}:{owner}:stream/s");
        assert_eq!(answer["StreamDescription"]["StreamARN"], expected);
    }
    call("DescribeStream", json!({"StreamName": "t"}), "123456789012", "eu-west-1").expect_error(
        "ResourceNotFoundException",
        "Stream t under account 123456789012 not found.",
    );
}

#[test]
fn an_arn_reaches_into_another_account_and_region() {
    let raw = Raw::new();
    let input = json!({"StreamName": "s", "ShardCount": 1});
    raw.send(Custom::json("CreateStream", &input).by("123456789012", "eu-west-1")).expect_empty();
    let there = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
    raw.ok("PutRecord", json!({"StreamARN": there, "PartitionKey": "a", "Data": "eA=="}));
    let input = json!({"StreamARN": there, "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = raw.iterator_of(input);
    let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "StreamARN": there}));
    assert_eq!(each(&answer["Records"], "Data"), ["eA=="]);
    raw.call("DescribeStream", json!({"StreamARN": arn("s")})).expect_error(
        "ResourceNotFoundException",
        "Stream s under account 000000000000 not found.",
    );
}

#[test]
fn the_builder_names_account_and_region() {
    let raw = Raw::with(|builder| {
        builder.account_id("111122223333".parse().unwrap()).region("ap-south-1".parse().unwrap())
    });
    let unscoped = "AWS4 Credential=a SignedHeaders=b Signature=c";
    let send = |operation: &str, input: Value| {
        raw.send(Custom::json(operation, &input).header("authorization", unscoped))
    };
    send("CreateStream", json!({"StreamName": "s", "ShardCount": 1})).expect_empty();
    let answer = send("DescribeStream", json!({"StreamName": "s"})).expect_ok();
    assert_eq!(
        answer["StreamDescription"]["StreamARN"],
        "arn:aws:kinesis:ap-south-1:111122223333:stream/s"
    );
}
