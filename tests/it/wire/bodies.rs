//! Bodies: what is no request at all, and how texts in one are read.

use serde_json::json;

use super::serialization::check;
use crate::support::raw::{Custom, JSON, Raw, put_input};

// behaviours 15
#[test]
fn null_is_the_same_as_absent() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.ok(
        "ListStreams",
        json!({"Limit": null, "NextToken": null, "ExclusiveStartStreamName": null}),
    );
    raw.ok(
        "ListShards",
        json!({
            "StreamName": "s", "NextToken": null, "ExclusiveStartShardId": null, "ShardFilter": null,
            "StreamCreationTimestamp": null, "MaxResults": null, "StreamARN": null, "StreamId": null,
        }),
    );
    raw.call("AddTagsToStream", json!({"StreamName": "s", "Tags": null})).expect_violations(&[
        "Value null at 'tags' failed to satisfy constraint: Member must not be null",
    ]);
    raw.call("PutRecord", json!({"StreamName": "s", "PartitionKey": "a", "Data": null}))
        .expect_violations(&[
            "Value null at 'data' failed to satisfy constraint: Member must not be null",
        ]);
}

// behaviours 71
#[test]
fn a_null_hash_key_leaves_the_choice_to_the_partition_key() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    let mut input = put_input("s", "a", b"x");
    input["ExplicitHashKey"] = json!(null);
    assert_eq!(raw.ok("PutRecord", input)["ShardId"], "shardId-000000000000");
    let records = json!([{"Data": "", "PartitionKey": "e", "ExplicitHashKey": null}]);
    let placed = raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
    assert_eq!(placed["Records"][0]["ShardId"], "shardId-000000000002");
}

// behaviours 15
#[test]
fn unknown_members_are_ignored_at_every_depth() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let unknown = json!({"a": [1, {"b": null}], "StreamName": 5});
    raw.ok("ListStreams", json!({"Unknown": unknown, "limit": "not the limit"}));
    let record = json!({"Data": "", "PartitionKey": "a", "Unknown": unknown, "data": 7});
    raw.ok("PutRecords", json!({"StreamName": "s", "Records": [record], "Unknown": true}));
    let filter = json!({"Type": "AT_LATEST", "Unknown": [[]]});
    raw.ok("ListShards", json!({"StreamName": "s", "ShardFilter": filter}));
}

// behaviours 8, 10; facts, section 1, step 5: the error is only its name
#[test]
fn what_is_not_one_object_is_refused_without_a_message() {
    let raw = Raw::new();
    for body in [
        "hello",
        "true",
        "null",
        "7",
        r#""{}""#,
        " ",
        "{",
        "}",
        r#"{"Limit":}"#,
        r#"{"Limit":1,}"#,
        r#"{"Limit":01}"#,
        "{Limit:1}",
        r#"{'Limit':1}"#,
        r#"{"Limit":NaN}"#,
        r#"{"Limit":1} garbage"#,
        r#"{"Limit":1}{}"#,
        r#"{"Limit":1}]"#,
        "\u{feff}{}",
        "{\"Unknown\":\"\n\"}",
        r#"{"Unknown":"\x"}"#,
        // A clash before the fault does not hide it.
        r#"{"Limit":true,"Unknown":"#,
        r#"{"Limit":true} garbage"#,
    ] {
        raw.send(Custom::signed("ListStreams", JSON, body))
            .expect_bare_error("SerializationException");
    }
    let invalid_utf8 = &b"{\"ExclusiveStartStreamName\":\"\xff\"}"[..];
    raw.send(Custom::signed("ListStreams", JSON, invalid_utf8))
        .expect_bare_error("SerializationException");
}

// behaviours 15
#[test]
fn blanks_around_the_object_are_fine() {
    let raw = Raw::new();
    for body in ["  {}", "{}\n\n", "\r\n\t { \n \"Limit\" : 1 \n } \r\n"] {
        raw.send(Custom::signed("ListStreams", JSON, body)).expect_ok();
    }
}

#[test]
fn deep_nesting_is_refused_or_ignored_and_harms_nothing() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let depth = 200_000;
    let lists = "[".repeat(depth) + &"]".repeat(depth);
    let objects = r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
    for nested in [&lists, &objects] {
        // Under a name that is unknown, and under one that is not.
        for name in ["Unknown", "StreamName", "Tags", "Records", "ShardFilter"] {
            for operation in ["DescribeStream", "AddTagsToStream", "PutRecords", "ListShards"] {
                let body = format!(r#"{{"StreamARN":null,"{name}":{nested}}}"#);
                let status = raw.send(Custom::signed(operation, JSON, body)).status;
                assert!(status.is_success() || status == 400, "{operation} {name}: {status}");
            }
        }
    }
    raw.send(Custom::signed("ListStreams", JSON, "[".repeat(depth)))
        .expect_bare_error("SerializationException");
    assert_eq!(raw.status("s"), "ACTIVE");
}

#[test]
fn of_members_given_twice_the_last_counts() {
    let raw = Raw::new();
    raw.create_stream("a", 1);
    raw.create_stream("b", 1);
    let body = r#"{"StreamName":"a","StreamName":"b"}"#;
    let answer = raw.send(Custom::signed("DescribeStream", JSON, body)).expect_ok();
    assert_eq!(answer["StreamDescription"]["StreamName"], "b");
    let body = r#"{"StreamName":"a","Tags":{"k":"1","k":"2"}}"#;
    raw.send(Custom::signed("AddTagsToStream", JSON, body)).expect_empty();
    let tags = raw.ok("ListTagsForStream", json!({"StreamName": "a"}));
    assert_eq!(tags["Tags"], json!([{"Key": "k", "Value": "2"}]));
}

// facts, section 2: the checks of a blob's text, in order
#[test]
fn wrong_base64_is_told_apart() {
    let raw = Raw::new();
    let length = |found: usize| {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {found}")
    };
    let last = "Invalid last non-pad Base64 character dectected".to_owned();
    let illegal = |letter: char| format!("Invalid Base64 character: '{letter}'");
    for (given, fault) in [
        ("23456", length(5)),
        ("a", length(1)),
        ("aGk", length(3)),
        ("=+/=", illegal('=')),
        ("a=bc", illegal('=')),
        ("aGk!", illegal('!')),
        ("aG k", illegal(' ')),
        ("aGk\n", illegal('\n')),
        ("aG-_", illegal('-')),
        ("+/+=", last.clone()),
        ("aGl=aGk=", illegal('=')),
        ("A===", last.clone()),
        ("====", last),
    ] {
        let sentence = format!("'{given}' can not be converted to a Blob: {fault}");
        check(&raw, "PutRecord", "Data", json!(given), &sentence);
        check(&raw, "PutRecords", "Records.0.Data", json!(given), &sentence);
    }
}

// facts, section 2: Java counts UTF-16 units, not bytes
#[test]
fn the_length_of_a_blobs_text_is_counted_in_units() {
    let raw = Raw::new();
    for (given, units) in [("éé", 2), ("éa", 2), ("aaé", 3), ("é", 1)] {
        let sentence = format!(
            "'{given}' can not be converted to a Blob: \
             Base64 encoded length is expected a multiple of 4 bytes but found: {units}"
        );
        check(&raw, "PutRecord", "Data", json!(given), &sentence);
    }
    check(
        &raw,
        "PutRecord",
        "Data",
        json!("aééa"),
        "'aééa' can not be converted to a Blob: Invalid Base64 character: 'é'",
    );
}

// behaviours 15
#[test]
fn escapes_are_decoded_before_a_partition_key_is_hashed() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    for (escaped, key, shard) in [
        (r"\u0061", "a", "shardId-000000000000"),
        (r"\u0065", "e", "shardId-000000000002"),
        ("f", "f", "shardId-000000000001"),
    ] {
        let body = format!(r#"{{"StreamName":"s","Data":"","PartitionKey":"{escaped}"}}"#);
        let placed = raw.send(Custom::signed("PutRecord", JSON, body)).expect_ok();
        assert_eq!(placed["ShardId"], shard, "{escaped}");
        let plain = raw.ok("PutRecord", put_input("s", key, b""));
        assert_eq!(plain["ShardId"], shard, "{key}");
        let read = raw.read(&raw.iterator("s", shard, "TRIM_HORIZON"));
        assert_eq!(read["Records"][0]["PartitionKey"], key);
    }
    // A surrogate pair is one letter; names and base64 may be escaped, too.
    let body = r#"{"Stream\u004eame":"s","Data":"aG\u006b=","PartitionKey":"\ud83d\ude00"}"#;
    let placed = raw.send(Custom::signed("PutRecord", JSON, body)).expect_ok();
    let plain = raw.ok("PutRecord", put_input("s", "😀", b"hi"));
    assert_eq!(placed["ShardId"], plain["ShardId"]);
}

#[test]
fn a_lone_surrogate_and_a_number_without_end_are_the_callers_fault() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let surrogate = r#"{"StreamName":"s","Data":"","PartitionKey":"\ud83d"}"#;
    let endless = r#"{"Limit":1e999}"#;
    for (operation, body) in [("PutRecord", surrogate), ("ListStreams", endless)] {
        let answer = raw.send(Custom::signed(operation, JSON, body));
        assert!(answer.status.is_success() || answer.status == 400, "{}", answer.text());
    }
    assert!(raw.read_all("s", "0").len() <= 1);
}
