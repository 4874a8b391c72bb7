//! Constraint violations: which findings, in AWS's words.
//!
//! AWS's order of findings is not to be relied on: sets are compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::raw::{Raw, put_input};

pub(super) const NAME: &str = "[a-zA-Z0-9_.-]+";
pub(super) const HASH_KEY: &str = r"0|([1-9]\d{0,38})";
pub(super) const SEQUENCE_NUMBER: &str = r"0|([1-9]\d{0,128})";
const STREAM_ARN: &str = r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+";
const STREAM_ID: &str = "[a-z0-9]{20}-[a-z0-9]{3}";

pub(super) fn finding(value: &str, at: &str, rule: &str) -> String {
    format!("Value '{value}' at '{at}' failed to satisfy constraint: {rule}")
}

pub(super) fn null(at: &str) -> String {
    format!("Value null at '{at}' failed to satisfy constraint: Member must not be null")
}

pub(super) fn pattern(value: &str, at: &str, pattern: &str) -> String {
    finding(value, at, &format!("Member must satisfy regular expression pattern: {pattern}"))
}

pub(super) fn shorter(value: &str, at: &str, least: usize) -> String {
    finding(value, at, &format!("Member must have length greater than or equal to {least}"))
}

pub(super) fn longer(value: &str, at: &str, most: usize) -> String {
    finding(value, at, &format!("Member must have length less than or equal to {most}"))
}

pub(super) fn below(value: i64, at: &str, least: i64) -> String {
    let rule = format!("Member must have value greater than or equal to {least}");
    finding(&value.to_string(), at, &rule)
}

fn above(value: i64, at: &str, most: i64) -> String {
    let rule = format!("Member must have value less than or equal to {most}");
    finding(&value.to_string(), at, &rule)
}

/// An empty name breaks two constraints at once.
fn empty_name(at: &str) -> Vec<String> {
    vec![pattern("", at, NAME), shorter("", at, 1)]
}

#[track_caller]
pub(super) fn check(operation: &str, input: Value, expected: &[String]) {
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    Raw::new().call(operation, input).expect_violations(&expected);
}

/// Holds a name member against everything that a name must not be.
#[track_caller]
fn check_name(operation: &str, member: &str, at: &str, rest: Value) {
    let long = "a".repeat(129);
    for (given, expected) in [
        ("", empty_name(at)),
        ("a b", vec![pattern("a b", at, NAME)]),
        ("señal", vec![pattern("señal", at, NAME)]),
        ("a\n", vec![pattern("a\n", at, NAME)]),
        ("a/b", vec![pattern("a/b", at, NAME)]),
        (&long, vec![longer(&long, at, 128)]),
    ] {
        let mut input = rest.clone();
        input[member] = json!(given);
        check(operation, input, &expected);
    }
}

/// Holds an integer member against the numbers around its bounds.
#[track_caller]
fn check_integer(operation: &str, member: &str, at: &str, bounds: [i64; 2], rest: Value) {
    let [least, most] = bounds;
    let max = i64::from(i32::MAX);
    let mut rows = vec![(json!(least - 1), below(least - 1, at, least))];
    if most < max {
        rows.extend([
            (json!(most + 1), above(most + 1, at, most)),
            (json!(100_000_000_000_i64), above(max, at, most)),
            (json!(1e30), above(max, at, most)),
        ]);
    }
    rows.push((json!(-1e30), below(i64::from(i32::MIN), at, least)));
    rows.push((json!(least as f64 - 0.5), below(least - 1, at, least)));
    for (number, expected) in rows {
        let mut input = rest.clone();
        input[member] = number;
        check(operation, input, &[expected]);
    }
}

// behaviours 30, 32, 36, 40, 42
#[test]
fn names_and_shard_ids_are_checked_wherever_they_stand() {
    let stream = json!({"StreamName": "s"});
    for (operation, member, at, rest) in [
        ("CreateStream", "StreamName", "streamName", json!({})),
        ("DeleteStream", "StreamName", "streamName", json!({})),
        ("DescribeStream", "StreamName", "streamName", json!({})),
        ("DescribeStream", "ExclusiveStartShardId", "exclusiveStartShardId", stream.clone()),
        ("DescribeStreamSummary", "StreamName", "streamName", json!({})),
        ("ListStreams", "ExclusiveStartStreamName", "exclusiveStartStreamName", json!({})),
        ("ListShards", "StreamName", "streamName", json!({})),
        ("ListShards", "ExclusiveStartShardId", "exclusiveStartShardId", stream.clone()),
        ("ListTagsForStream", "StreamName", "streamName", json!({})),
        ("AddTagsToStream", "StreamName", "streamName", json!({"Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", "StreamName", "streamName", json!({"TagKeys": ["a"]})),
        ("PutRecord", "StreamName", "streamName", json!({"Data": "", "PartitionKey": "a"})),
        (
            "PutRecords",
            "StreamName",
            "streamName",
            json!({"Records": [{"Data": "", "PartitionKey": "a"}]}),
        ),
        (
            "GetShardIterator",
            "StreamName",
            "streamName",
            json!({"ShardId": "0", "ShardIteratorType": "LATEST"}),
        ),
        (
            "GetShardIterator",
            "ShardId",
            "shardId",
            json!({"StreamName": "s", "ShardIteratorType": "LATEST"}),
        ),
        (
            "SplitShard",
            "StreamName",
            "streamName",
            json!({"ShardToSplit": "0", "NewStartingHashKey": "2"}),
        ),
        (
            "SplitShard",
            "ShardToSplit",
            "shardToSplit",
            json!({"StreamName": "s", "NewStartingHashKey": "2"}),
        ),
        (
            "MergeShards",
            "StreamName",
            "streamName",
            json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"}),
        ),
        (
            "MergeShards",
            "ShardToMerge",
            "shardToMerge",
            json!({"StreamName": "s", "AdjacentShardToMerge": "1"}),
        ),
        (
            "MergeShards",
            "AdjacentShardToMerge",
            "adjacentShardToMerge",
            json!({"StreamName": "s", "ShardToMerge": "0"}),
        ),
    ] {
        check_name(operation, member, at, rest);
    }
    let mut filter =
        json!({"StreamName": "s", "ShardFilter": {"Type": "AFTER_SHARD_ID", "ShardId": "x y"}});
    check("ListShards", filter.clone(), &[pattern("x y", "shardFilter.shardId", NAME)]);
    filter["ShardFilter"]["ShardId"] = json!("");
    check("ListShards", filter, &empty_name("shardFilter.shardId"));
}

// behaviours 31, 33, 35, 36, 38, 42, 154
#[test]
fn numbers_are_clamped_to_32_bits_floored_and_held_against_their_bounds() {
    let stream = json!({"StreamName": "s"});
    let max = i64::from(i32::MAX);
    for (operation, member, at, bounds, rest) in [
        ("CreateStream", "ShardCount", "shardCount", [1, max], stream.clone()),
        ("CreateStream", "WarmThroughputMiBps", "warmThroughputMiBps", [0, max], stream.clone()),
        ("CreateStream", "MaxRecordSizeInKiB", "maxRecordSizeInKiB", [1024, 10240], stream.clone()),
        ("DescribeStream", "Limit", "limit", [1, 10000], stream.clone()),
        ("ListStreams", "Limit", "limit", [1, 10000], json!({})),
        ("ListShards", "MaxResults", "maxResults", [1, 10000], stream.clone()),
        ("ListTagsForStream", "Limit", "limit", [1, 50], stream),
        ("GetRecords", "Limit", "limit", [1, 10000], json!({"ShardIterator": "a"})),
    ] {
        check_integer(operation, member, at, bounds, rest);
    }
}

// behaviours 31, 35, 37, 38, 39, 40, 41, 43
#[test]
fn what_is_required_is_null_when_it_is_not_there() {
    for (operation, input, nulls) in [
        ("CreateStream", json!({}), vec!["streamName"]),
        (
            "CreateStream",
            json!({"StreamName": "s", "StreamModeDetails": {}}),
            vec!["streamModeDetails.streamMode"],
        ),
        ("AddTagsToStream", json!({"StreamName": "s"}), vec!["tags"]),
        ("RemoveTagsFromStream", json!({"StreamName": "s"}), vec!["tagKeys"]),
        ("GetShardIterator", json!({}), vec!["shardId", "shardIteratorType"]),
        ("GetRecords", json!({}), vec!["shardIterator"]),
        ("MergeShards", json!({}), vec!["shardToMerge", "adjacentShardToMerge"]),
        ("SplitShard", json!({}), vec!["shardToSplit", "newStartingHashKey"]),
        ("PutRecord", json!({"PartitionKey": "a"}), vec!["data"]),
        ("PutRecords", json!({"StreamName": "s"}), vec!["records"]),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "a"}, {"PartitionKey": "a", "Data": ""}, {"PartitionKey": "a", "Data": null}]}),
            vec!["records.1.member.data", "records.3.member.data"],
        ),
        ("ListShards", json!({"StreamName": "s", "ShardFilter": {}}), vec!["shardFilter.type"]),
    ] {
        let expected: Vec<_> = nulls.into_iter().map(null).collect();
        check(operation, input, &expected);
    }
}

// Ours: the present model no longer requires the key, streams that use it do.
#[test]
fn a_partition_key_is_null_when_the_stream_needs_one() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.call("PutRecord", json!({"StreamName": "s", "Data": ""}))
        .expect_violations(&[&null("partitionKey")]);
    let records = json!([{"Data": "", "PartitionKey": "a"}, {"Data": ""}]);
    raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
        .expect_violations(&[&null("records.2.member.partitionKey")]);
    assert!(raw.read_all("s", "0").is_empty(), "nothing of a refused call is stored");
}

// Quoted by users (sequin 2075, osquery 3568): AWS names every record, up to ten.
#[test]
fn every_record_without_a_key_or_with_too_much_data_is_named() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let mib = 1024 * 1024;
    let long = STANDARD.encode(vec![0; mib + 1]);
    let path = |place: usize, member: &str| format!("records.{place}.member.{member}");
    let too_long = |place| {
        format!(
            "Value at '{}' failed to satisfy constraint: \
             Member must have length less than or equal to {mib}",
            path(place, "data")
        )
    };
    let check = |records: Value, expected: &[String]| {
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
            .expect_violations(&expected);
    };
    let keyless = json!({"Data": "YQ=="});
    let both = json!({"Data": long});
    let long = json!({"Data": long, "PartitionKey": "k"});
    let out_of_range =
        json!({"Data": "", "PartitionKey": "k", "ExplicitHashKey": format!("9{}", "0".repeat(38))});
    let nulls = |places: std::ops::RangeInclusive<usize>| -> Vec<_> {
        places.map(|place| null(&path(place, "partitionKey"))).collect()
    };
    check(json!([keyless, keyless, keyless]), &nulls(1..=3));
    check(json!(vec![&keyless; 12]), &nulls(1..=10));
    check(json!([out_of_range, long, long]), &[too_long(2), too_long(3)]);
    let found = [too_long(1), null(&path(1, "partitionKey")), null(&path(3, "partitionKey"))];
    check(json!([both, out_of_range, keyless]), &found);
    assert!(raw.read_all("s", "0").is_empty(), "nothing of a refused call is stored");
}

// behaviours 44
#[test]
fn a_stream_has_to_be_named() {
    let raw = Raw::new();
    for (operation, input) in [
        ("DeleteStream", json!({})),
        ("DescribeStream", json!({})),
        ("DescribeStreamSummary", json!({})),
        ("ListTagsForStream", json!({})),
        ("ListShards", json!({})),
        ("AddTagsToStream", json!({"Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", json!({"TagKeys": ["a"]})),
        ("PutRecord", json!({"Data": "", "PartitionKey": "a"})),
        ("PutRecords", json!({"Records": [{"Data": "", "PartitionKey": "a"}]})),
        ("GetShardIterator", json!({"ShardId": "0", "ShardIteratorType": "LATEST"})),
        ("SplitShard", json!({"ShardToSplit": "0", "NewStartingHashKey": "2"})),
        ("MergeShards", json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"})),
    ] {
        raw.call(operation, input).expect_error_kind("InvalidArgumentException");
    }
}

// recorded by kinesalite: AWS has an order of its own
#[test]
fn iterator_types_are_printed_in_awss_order() {
    let input = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "latest"});
    Raw::new().call("GetShardIterator", input).expect_violations(&[
        "Value 'latest' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy \
         enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, \
         TRIM_HORIZON]",
    ]);
}

// behaviours 31, 37
#[test]
fn enumerations_are_printed_as_a_set() {
    let stated = |at: &str, values: &[&str]| {
        let raw = Raw::new();
        let input = match at {
            "shardIteratorType" => {
                json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "latest"})
            }
            "shardFilter.type" => json!({"StreamName": "s", "ShardFilter": {"Type": "latest"}}),
            "streamModeDetails.streamMode" => {
                json!({"StreamName": "s", "StreamModeDetails": {"StreamMode": "latest"}})
            }
            _ => json!({"StreamName": "s", "RecordDistributionStrategy": "latest"}),
        };
        let operation = match at {
            "shardIteratorType" => "GetShardIterator",
            "shardFilter.type" => "ListShards",
            _ => "CreateStream",
        };
        let (count, found) = raw.call(operation, input).violations();
        let found = found.into_iter().next().expect("a finding");
        let start = format!(
            "Value 'latest' at '{at}' failed to satisfy constraint: Member must satisfy enum value set: ["
        );
        let set = found.strip_prefix(&start).and_then(|rest| rest.strip_suffix(']'));
        let mut set: Vec<_> = set.unwrap_or_else(|| panic!("{found}")).split(", ").collect();
        set.sort_unstable();
        assert_eq!((count, set.as_slice()), (1, values));
    };
    stated(
        "shardIteratorType",
        &["AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST", "TRIM_HORIZON"],
    );
    stated(
        "shardFilter.type",
        &[
            "AFTER_SHARD_ID",
            "AT_LATEST",
            "AT_TIMESTAMP",
            "AT_TRIM_HORIZON",
            "FROM_TIMESTAMP",
            "FROM_TRIM_HORIZON",
        ],
    );
    stated("streamModeDetails.streamMode", &["ON_DEMAND", "PROVISIONED"]);
    stated("recordDistributionStrategy", &["AUTO", "USER_PARTITION_KEY"]);
}

// behaviours 34, 39
#[test]
fn hash_keys_and_sequence_numbers_are_matched_as_a_whole() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let too_long = |digits: usize| format!("1{}", "0".repeat(digits - 1));
    let wrong =
        ["-1", "", "01", "00", "0x1", "1 ", " 1", "1\n", "1.0", "+1", "a1", "1a", "0a", "٣"];
    for (digits, expression, place) in
        [(39, HASH_KEY, "ExplicitHashKey"), (129, SEQUENCE_NUMBER, "SequenceNumberForOrdering")]
    {
        let too_long = too_long(digits + 1);
        for given in wrong.into_iter().chain([too_long.as_str()]) {
            let mut input = put_input("s", "a", b"");
            input[place] = json!(given);
            let at = place.replacen(place.split_at(1).0, &place[..1].to_lowercase(), 1);
            check("PutRecord", input, &[pattern(given, &at, expression)]);
        }
    }
    for given in wrong.into_iter().chain([too_long(40).as_str()]) {
        let record = json!({"Data": "", "PartitionKey": "a", "ExplicitHashKey": given});
        check(
            "PutRecords",
            json!({"StreamName": "s", "Records": [record]}),
            &[pattern(given, "records.1.member.explicitHashKey", HASH_KEY)],
        );
        check(
            "SplitShard",
            json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": given}),
            &[pattern(given, "newStartingHashKey", HASH_KEY)],
        );
    }
    for given in wrong.into_iter().chain([too_long(130).as_str()]) {
        let input = json!({
            "StreamName": "s", "ShardId": "0", "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "StartingSequenceNumber": given,
        });
        check(
            "GetShardIterator",
            input,
            &[pattern(given, "startingSequenceNumber", SEQUENCE_NUMBER)],
        );
    }
    // 39 and 129 digits satisfy the patterns: what follows is another refusal.
    let mut input = put_input("s", "a", b"");
    input["ExplicitHashKey"] = json!("9".repeat(39));
    raw.call("PutRecord", input.clone()).expect_error_kind("InvalidArgumentException");
    input["ExplicitHashKey"] = json!("0");
    raw.ok("PutRecord", input.clone());
    input["SequenceNumberForOrdering"] = json!(too_long(129));
    raw.call("PutRecord", input).expect_error_kind("InvalidArgumentException");
}

// behaviours 30, 42, 145
#[test]
fn arns_and_stream_ids_have_a_pattern() {
    let mut rows = Vec::new();
    for arn in [
        "",
        "s",
        "arn:aws:kinesis:us-east-1:00000:stream/s",
        "arn:aws:sqs:us-east-1:000000000000:stream/s",
        "arn:aws:kinesis:us-east-1:000000000000:stream/",
        "arn:aws:kinesis:us-east-1:000000000000:stream/a b",
        "xarn:aws:kinesis:us-east-1:000000000000:stream/s",
        "arn:aws:kinesis:us-east-1:000000000000:stream/s\n",
    ] {
        let mut expected = vec![pattern(arn, "streamARN", STREAM_ARN)];
        if arn.is_empty() {
            expected.push(shorter("", "streamARN", 1));
        }
        rows.push((json!({"StreamARN": arn}), expected));
    }
    let long = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{}", "s".repeat(2048));
    rows.push((json!({"StreamARN": long}), vec![longer(&long, "streamARN", 2048)]));
    rows.push((
        json!({"StreamName": "s", "StreamId": "x"}),
        vec![pattern("x", "streamId", STREAM_ID)],
    ));
    let others = [
        ("DeleteStream", json!({})),
        ("DescribeStream", json!({})),
        ("DescribeStreamSummary", json!({})),
        ("ListShards", json!({})),
        ("ListTagsForStream", json!({})),
        ("AddTagsToStream", json!({"Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", json!({"TagKeys": ["a"]})),
        ("PutRecord", json!({"Data": "", "PartitionKey": "a"})),
        ("PutRecords", json!({"Records": [{"Data": "", "PartitionKey": "a"}]})),
        ("GetShardIterator", json!({"ShardId": "0", "ShardIteratorType": "LATEST"})),
        ("SplitShard", json!({"ShardToSplit": "0", "NewStartingHashKey": "2"})),
        ("MergeShards", json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"})),
    ];
    for (operation, rest) in others {
        for (row, expected) in &rows {
            let mut input = rest.clone();
            for (member, value) in row.as_object().unwrap() {
                input[member] = value.clone();
            }
            check(operation, input, expected);
        }
    }
    check(
        "GetRecords",
        json!({"ShardIterator": "a", "StreamARN": "s"}),
        &[pattern("s", "streamARN", STREAM_ARN)],
    );
}

// behaviours 39, 68
#[test]
fn partition_keys_are_measured_in_utf_16_units() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for legal in ["a".repeat(256), "統".repeat(256), "😀".repeat(128), "é".repeat(256)] {
        let mut input = put_input("s", &legal, b"");
        raw.ok("PutRecord", input.clone());
        input = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": legal}]});
        raw.ok("PutRecords", input);
    }
    let stored = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert_eq!(stored["Records"][2]["PartitionKey"], json!("統".repeat(256)));
    assert_eq!(stored["Records"][4]["PartitionKey"], json!("😀".repeat(128)));
    for long in
        ["a".repeat(257), "統".repeat(257), "😀".repeat(129), format!("{}a", "😀".repeat(128))]
    {
        check("PutRecord", put_input("s", &long, b""), &[longer(&long, "partitionKey", 256)]);
        let records = json!([{"Data": "", "PartitionKey": long}]);
        let at = "records.1.member.partitionKey";
        check(
            "PutRecords",
            json!({"StreamName": "s", "Records": records}),
            &[longer(&long, at, 256)],
        );
    }
    check("PutRecord", put_input("s", "", b""), &[shorter("", "partitionKey", 1)]);
}

// behaviours 39: the data before base64
#[test]
fn data_is_at_most_ten_mebibytes() {
    let most = 10_485_760;
    let data = STANDARD.encode(vec![0; most + 1]);
    let printed = format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", most + 1);
    let record = json!({"PartitionKey": "a", "Data": data});
    check(
        "PutRecords",
        json!({"StreamName": "s", "Records": [record]}),
        &[longer(&printed, "records.1.member.data", most)],
    );
    check(
        "PutRecord",
        json!({"StreamName": "s", "PartitionKey": "a", "Data": data}),
        &[longer(&printed, "data", most)],
    );
    let raw = Raw::new();
    let data = STANDARD.encode(vec![0; most]);
    let input = json!({"StreamName": "missing", "PartitionKey": "a", "Data": data});
    raw.call("PutRecord", input).expect_error_kind("ResourceNotFoundException");
}

// behaviours 36, 38
#[test]
fn iterators_and_tokens_have_a_length() {
    let long = "a".repeat(513);
    check("GetRecords", json!({"ShardIterator": ""}), &[shorter("", "shardIterator", 1)]);
    check("GetRecords", json!({"ShardIterator": long}), &[longer(&long, "shardIterator", 512)]);
    let raw = Raw::new();
    raw.call("GetRecords", json!({"ShardIterator": "a".repeat(512)}))
        .expect_error("InvalidArgumentException", "Invalid ShardIterator.");
    check("ListShards", json!({"NextToken": ""}), &[shorter("", "nextToken", 1)]);
    check("ListStreams", json!({"NextToken": ""}), &[shorter("", "nextToken", 1)]);
}
