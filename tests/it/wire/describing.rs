//! Describing and listing streams.

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Raw, START, each, list, members, text};

// behaviours 55, 56
#[test]
fn describe_stream_has_exactly_the_recorded_members() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let answer = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    assert_eq!(members(&answer), ["StreamDescription"]);
    let mut stream = answer["StreamDescription"].clone();
    assert_eq!(members(&stream["Shards"][0]), ["HashKeyRange", "SequenceNumberRange", "ShardId"]);
    assert_eq!(members(&stream["Shards"][0]["SequenceNumberRange"]), ["StartingSequenceNumber"]);
    stream["Shards"][0]["SequenceNumberRange"] = json!(null);
    assert_eq!(stream["StreamCreationTimestamp"].as_f64(), Some(START.as_seconds() as f64));
    stream["StreamCreationTimestamp"] = json!(null);
    assert_eq!(
        stream,
        json!({
            "StreamName": "s",
            "StreamARN": arn("s"),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "Shards": [{
                "ShardId": "shardId-000000000000",
                "HashKeyRange": {
                    "StartingHashKey": "0",
                    "EndingHashKey": "340282366920938463463374607431768211455",
                },
                "SequenceNumberRange": null,
            }],
            "HasMoreShards": false,
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": null,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
        })
    );
}

// operations.md; wire.md, section 7.2: never a StreamId
#[test]
fn describe_stream_summary_has_counts_and_no_shards() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    assert_eq!(members(&answer), ["StreamDescriptionSummary"]);
    let mut summary = answer["StreamDescriptionSummary"].clone();
    assert_eq!(summary["StreamCreationTimestamp"].as_f64(), Some(START.as_seconds() as f64));
    summary["StreamCreationTimestamp"] = json!(null);
    assert_eq!(
        summary,
        json!({
            "StreamName": "s",
            "StreamARN": arn("s"),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": null,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
            "OpenShardCount": 3,
            "ConsumerCount": 0,
            "MaxRecordSizeInKiB": 1024,
        })
    );
}

// behaviours 58
#[test]
fn streams_are_listed_by_name_with_parallel_summaries() {
    let raw = Raw::new();
    for name in ["b", "a", "B", "a.b", "a-b", "c"] {
        raw.create_stream(name, 1);
    }
    let answer = raw.ok("ListStreams", json!({}));
    assert_eq!(members(&answer), ["HasMoreStreams", "StreamNames", "StreamSummaries"]);
    assert_eq!(answer["StreamNames"], json!(["B", "a", "a-b", "a.b", "b", "c"]));
    assert_eq!(answer["HasMoreStreams"], false);
    let names = each(&answer["StreamSummaries"], "StreamName");
    assert_eq!(names, each(&answer["StreamSummaries"], "StreamName"));
    assert_eq!(json!(names), answer["StreamNames"]);
    for summary in list(&answer["StreamSummaries"]) {
        assert_eq!(
            members(summary),
            [
                "StreamARN",
                "StreamCreationTimestamp",
                "StreamModeDetails",
                "StreamName",
                "StreamStatus"
            ]
        );
    }
}

#[test]
fn no_streams_are_an_empty_list() {
    assert_eq!(
        Raw::new().ok("ListStreams", json!({})),
        json!({"StreamNames": [], "HasMoreStreams": false, "StreamSummaries": []})
    );
}

fn many_streams(count: u32) -> (Raw, Vec<String>) {
    let raw = Raw::new();
    let names: Vec<_> = (0..count).map(|number| format!("s{number:04}")).collect();
    names.iter().for_each(|name| raw.create_stream(name, 1));
    (raw, names)
}

// behaviours 59
#[test]
fn pages_of_streams_go_on_by_token_or_by_name() {
    let (raw, names) = many_streams(10);
    for by_token in [true, false] {
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        let mut input = json!({"Limit": 4});
        loop {
            let answer = raw.ok("ListStreams", input);
            let page: Vec<_> = list(&answer["StreamNames"]).iter().map(text).collect();
            sizes.push(page.len());
            seen.extend(page);
            if answer["HasMoreStreams"] == false {
                assert_eq!(answer.get("NextToken"), None, "the last page has no token");
                break;
            }
            input = match by_token {
                true => json!({"Limit": 4, "NextToken": answer["NextToken"]}),
                false => json!({"Limit": 4, "ExclusiveStartStreamName": seen.last()}),
            };
        }
        assert_eq!(seen, names);
        assert_eq!(sizes, [4, 4, 2]);
    }
    let all = raw.ok("ListStreams", json!({"Limit": 10}));
    assert_eq!((all["HasMoreStreams"].clone(), all.get("NextToken")), (json!(false), None));
    // The name to start after need not exist.
    let answer = raw.ok("ListStreams", json!({"ExclusiveStartStreamName": "s0007x"}));
    assert_eq!(answer["StreamNames"], json!(["s0008", "s0009"]));
    let answer = raw.ok("ListStreams", json!({"ExclusiveStartStreamName": "t"}));
    assert_eq!(answer["StreamNames"], json!([]));
}

// operations.md: a page has at most 100 streams
#[test]
fn a_page_of_streams_has_at_most_100() {
    let (raw, names) = many_streams(101);
    for input in [json!({}), json!({"Limit": 10000})] {
        let answer = raw.ok("ListStreams", input);
        assert_eq!(list(&answer["StreamNames"]).len(), 100);
        assert_eq!(answer["HasMoreStreams"], true);
        let rest = raw.ok("ListStreams", json!({"NextToken": answer["NextToken"]}));
        assert_eq!(rest["StreamNames"], json!([names[100]]));
    }
}

#[test]
fn tokens_of_stream_pages_expire_and_cannot_be_forged() {
    let (raw, _) = many_streams(2);
    let token = text(&raw.ok("ListStreams", json!({"Limit": 1}))["NextToken"]);
    let input = json!({"NextToken": token});
    raw.call("ListStreams", json!({"NextToken": token, "ExclusiveStartStreamName": "a"}))
        .expect_error_kind("InvalidArgumentException");
    for forged in ["garbage", "AAAA", &token[1..], &format!("{token}AAAA")] {
        raw.call("ListStreams", json!({"NextToken": forged}))
            .expect_error_kind("InvalidArgumentException");
    }
    raw.advance(Duration::from_secs(300));
    raw.ok("ListStreams", input.clone());
    raw.advance(Duration::from_millis(1));
    raw.call("ListStreams", input).expect_error_kind("ExpiredNextTokenException");
}

// behaviours 57
#[test]
fn describe_stream_pages_at_most_100_shards() {
    let raw = Raw::new();
    raw.create_stream("s", 101);
    let describe = |limit: Value, after: Value| {
        let input = json!({"StreamName": "s", "Limit": limit, "ExclusiveStartShardId": after});
        let answer = raw.ok("DescribeStream", input)["StreamDescription"].clone();
        let ids: Vec<_> =
            list(&answer["Shards"]).iter().map(|shard| text(&shard["ShardId"])).collect();
        (ids.len(), ids.first().cloned(), answer["HasMoreShards"].as_bool().unwrap())
    };
    let first = |number: u32| Some(format!("shardId-{number:012}"));
    assert_eq!(describe(json!(null), json!(null)), (100, first(0), true));
    assert_eq!(describe(json!(10000), json!(null)), (100, first(0), true));
    assert_eq!(describe(json!(2), json!("shardId-000000000003")), (2, first(4), true));
    assert_eq!(describe(json!(null), json!("shardId-000000000000")), (100, first(1), false));
    assert_eq!(describe(json!(1), json!("shardId-000000000099")), (1, first(100), false));
    assert_eq!(describe(json!(1), json!("shardId-000000000100")), (0, None, false));
    assert_eq!(describe(json!(null), json!("shardId-999999999999")), (0, None, false));
}

#[test]
fn a_page_that_ends_at_the_last_shard_is_the_last() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    for (limit, more) in [(1, true), (2, true), (3, false), (4, false)] {
        let answer = raw.ok("DescribeStream", json!({"StreamName": "s", "Limit": limit}));
        assert_eq!(answer["StreamDescription"]["HasMoreShards"], more, "{limit}");
    }
}

// behaviours 158
#[test]
fn the_distribution_strategy_is_shown_for_on_demand_streams_only() {
    let raw = Raw::new();
    raw.create_stream("p", 1);
    raw.done("CreateStream", json!({"StreamName": "d"}));
    raw.done("CreateStream", json!({"StreamName": "auto", "RecordDistributionStrategy": "AUTO"}));
    for (stream, strategy) in
        [("p", json!(null)), ("d", json!("USER_PARTITION_KEY")), ("auto", json!("AUTO"))]
    {
        let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": stream}));
        let summary = &answer["StreamDescriptionSummary"];
        assert_eq!(summary["RecordDistributionStrategy"], strategy, "{stream}");
        assert_eq!(members(summary).contains(&"RecordDistributionStrategy"), !strategy.is_null());
    }
    raw.call(
        "CreateStream",
        json!({"StreamName": "x", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"}),
    )
    .expect_error_kind("InvalidArgumentException");
}

// behaviours 154
#[test]
fn the_record_size_of_a_new_stream_can_be_said() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s", "MaxRecordSizeInKiB": 10240}));
    let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    assert_eq!(answer["StreamDescriptionSummary"]["MaxRecordSizeInKiB"], 10240);
}
