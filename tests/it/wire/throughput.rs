//! What is let through in a minute, by the clock that only the test moves.
//!
//! A bucket is full at first and holds a second's worth, which would add 1.7 %
//! to the first minute: so each minute begins when everything is used up. Every
//! load and spacing is tried on the buckets themselves, in `engine/limits.rs`;
//! here, whole calls are.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::Limits;
use kinesis_emulator::declarations::{Rate, Scope, operations};
use serde_json::{Value, json};

use super::channels::to_bucket;
use super::streams::arn;
use crate::support::raw::{Answer, Raw, text};

const MINUTE_SECONDS: u64 = 60;
const SHARD: &str = "shardId-000000000000";

fn limited() -> Raw {
    let raw = Raw::with(|builder| builder.limits(Limits::aws()));
    raw.create_stream("s", 1);
    raw
}

/// Uses up what there is, then offers so much a second for a minute, in steps
/// of so many milliseconds. `offer` says how much of an amount was accepted.
fn accepted(
    raw: &Raw,
    per_second: u64,
    step_millis: u64,
    mut offer: impl FnMut(u64) -> u64,
) -> u64 {
    while offer(1) > 0 {}
    let (mut offered, mut accepted) = (0, 0);
    for step in 1..=MINUTE_SECONDS * 1000 / step_millis {
        raw.advance(Duration::from_millis(step_millis));
        let due = per_second * step * step_millis / 1000 - offered;
        offered += due;
        if due > 0 {
            accepted += offer(due);
        }
    }
    accepted
}

#[track_caller]
fn assert_within_a_percent(accepted: u64, per_second: u64) {
    let expected = per_second * MINUTE_SECONDS;
    assert!(accepted.abs_diff(expected) * 100 <= expected, "{accepted} of {expected}");
}

// behaviours 151
#[test]
fn a_shard_takes_a_thousand_records_a_second() {
    let entry = json!({"PartitionKey": "k", "ExplicitHashKey": "0", "Data": ""});
    for (per_second, step_millis) in [(1000, 100), (1500, 10), (3000, 500)] {
        let raw = limited();
        let taken = accepted(&raw, per_second, step_millis, |mut count| {
            let mut taken = 0;
            while count > 0 {
                let batch = count.min(500);
                count -= batch;
                let records = vec![entry.clone(); batch as usize];
                let answer = raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
                taken += batch - answer["FailedRecordCount"].as_u64().expect("a count");
            }
            taken
        });
        assert_within_a_percent(taken, 1000);
    }
}

// behaviours 151
#[test]
fn a_shard_takes_a_mebibyte_a_second() {
    const RECORD: u64 = 64 * 1024;
    let data = STANDARD.encode(vec![0; RECORD as usize - 1]);
    let input = json!({"StreamName": "s", "PartitionKey": "k", "Data": data});
    for (per_second, step_millis) in [(16, 125), (24, 1000)] {
        let raw = limited();
        let taken = accepted(&raw, per_second, step_millis, |count| {
            let calls = (0..count).map(|_| raw.call("PutRecord", input.clone()));
            calls.filter(|answer| answer.status == 200).count() as u64
        });
        assert_within_a_percent(taken * RECORD, 1024 * 1024);
    }
}

// behaviours 152
#[test]
fn a_shard_answers_five_reads_and_five_iterators_a_second() {
    for (per_second, step_millis) in [(5, 200), (8, 1), (50, 20), (50, 1000)] {
        let raw = limited();
        let iterator = || {
            let input = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST"});
            raw.call("GetShardIterator", input)
        };
        let mut newest = text(&iterator().expect_ok()["ShardIterator"]);
        let answered = accepted(&raw, per_second, step_millis, |count| {
            let calls = (0..count).map(|_| iterator()).filter(|answer| answer.status == 200);
            calls.map(|answer| newest = text(&answer.json()["ShardIterator"])).count() as u64
        });
        assert_within_a_percent(answered, 5);
        // It lives for five minutes, and this takes one.
        let read = json!({"ShardIterator": newest});
        let answered = accepted(&raw, per_second, step_millis, |count| {
            let calls = (0..count).map(|_| raw.call("GetRecords", read.clone()));
            calls.filter(|answer| answer.status == 200).count() as u64
        });
        assert_within_a_percent(answered, 5);
    }
}

// behaviours 152
#[test]
fn a_shard_gives_two_mebibytes_a_second() {
    const RECORD: u64 = 64 * 1024;
    let mut limits = Limits::aws();
    limits.read_calls_per_second = None;
    for (records_per_read, per_second, step_millis) in [(8, 4, 250), (8, 6, 50)] {
        let raw = Raw::with(|builder| builder.limits(Limits::off()));
        raw.create_stream("s", 1);
        for _ in 0..8 {
            raw.put("s", "k", &vec![0; RECORD as usize - 1]);
        }
        raw.emulator.set_limits(limits.clone());
        let iterator = raw.iterator("s", SHARD, "TRIM_HORIZON");
        let input = json!({"ShardIterator": iterator, "Limit": records_per_read});
        let bytes = accepted(&raw, per_second, step_millis, |count| {
            let answers = (0..count).map(|_| raw.call("GetRecords", input.clone()));
            let read = |answer: Answer| match answer.status.as_u16() {
                200 => answer.text().matches("\"SequenceNumber\"").count() as u64 * RECORD,
                _ => 0,
            };
            answers.map(read).sum()
        });
        assert_within_a_percent(bytes, 2 * 1024 * 1024);
    }
}

/// The ARN of a queue that does not exist.
fn queue_arn() -> String {
    arn("s").replace(":stream/", ":queue/")
}

/// A well-formed call of an operation on the stream `s`.
fn input(operation: &str) -> Value {
    let stream = || json!({"StreamName": "s"});
    let with = |mut base: Value, members: Value| {
        for (name, value) in members.as_object().expect("members") {
            base[name] = value.clone();
        }
        base
    };
    let by_arn = || json!({"StreamARN": arn("s")});
    let resource = || json!({"ResourceARN": arn("s")});
    match operation {
        "DescribeAccountSettings"
        | "DescribeLimits"
        | "ListChannels"
        | "ListQueues"
        | "ListStreams" => json!({}),
        "DescribeStream" | "DescribeStreamSummary" | "ListShards" | "ListTagsForStream" => stream(),
        "DeleteStream" => json!({"StreamName": "none"}),
        "CreateChannel" => to_bucket("c", "s"),
        "DeleteChannel" | "DescribeChannel" | "UpdateChannel" => {
            json!({"ChannelARN": "arn:aws:kinesis:us-east-1:000000000000:channel/none"})
        }
        "CreateStream" => with(stream(), json!({"ShardCount": 1})),
        "AddTagsToStream" => with(stream(), json!({"Tags": {"k": "v"}})),
        "RemoveTagsFromStream" => with(stream(), json!({"TagKeys": ["k"]})),
        "DecreaseStreamRetentionPeriod" | "IncreaseStreamRetentionPeriod" => {
            with(stream(), json!({"RetentionPeriodHours": 24}))
        }
        "DisableEnhancedMonitoring" | "EnableEnhancedMonitoring" => {
            with(stream(), json!({"ShardLevelMetrics": ["ALL"]}))
        }
        "MergeShards" => with(stream(), json!({"ShardToMerge": "0", "AdjacentShardToMerge": "1"})),
        "SplitShard" => with(stream(), json!({"ShardToSplit": "7", "NewStartingHashKey": "1"})),
        "StartStreamEncryption" | "StopStreamEncryption" => {
            with(stream(), json!({"EncryptionType": "KMS", "KeyId": "k"}))
        }
        "UpdateShardCount" => {
            with(stream(), json!({"TargetShardCount": 1, "ScalingType": "UNIFORM_SCALING"}))
        }
        "UpdateStreamWarmThroughput" => with(stream(), json!({"WarmThroughputMiBps": 1})),
        "ListStreamConsumers" => by_arn(),
        "CreateQueue" => json!({"QueueName": "q", "StreamConfigurationList": [by_arn()]}),
        "DeleteQueue" | "DescribeQueue" => json!({"QueueARN": queue_arn()}),
        "UpdateQueue" => json!({
            "QueueARN": queue_arn(),
            "QueueAttributes": {"VisibilityTimeoutSeconds": 1},
        }),
        "DeregisterStreamConsumer" | "DescribeStreamConsumer" | "RegisterStreamConsumer" => {
            with(by_arn(), json!({"ConsumerName": "c"}))
        }
        "UpdateMaxRecordSize" => with(by_arn(), json!({"MaxRecordSizeInKiB": 1024})),
        "UpdateStreamMode" => {
            with(by_arn(), json!({"StreamModeDetails": {"StreamMode": "PROVISIONED"}}))
        }
        "UpdateStreamRecordDistributionStrategy" => {
            with(by_arn(), json!({"RecordDistributionStrategy": "AUTO"}))
        }
        "UpdateAccountSettings" => {
            json!({"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}})
        }
        "DeleteResourcePolicy" | "GetResourcePolicy" | "ListTagsForResource" => resource(),
        "PutResourcePolicy" => with(resource(), json!({"Policy": "{}"})),
        "TagResource" => with(resource(), json!({"Tags": {"k": "v"}})),
        "UntagResource" => with(resource(), json!({"TagKeys": ["k"]})),
        other => panic!("no input for {other}"),
    }
}

/// Whether a call got past its operation's rate, whatever became of it then.
fn is_let_in(answer: &Answer) -> bool {
    let text = answer.text();
    assert!(!text.contains("validation error"), "{text}");
    !text.contains("Rate exceeded for ")
}

// limits.md, section 6
#[test]
fn every_control_call_is_let_in_at_its_declared_rate() {
    for operation in operations() {
        let Some(Rate { calls_per_second: rate, .. }) = operation.rate else { continue };
        let input = input(operation.name);
        // The thousand calls of ListShards are measured at one load.
        let loads: &[(u64, u64)] = match rate {
            0..=100 => &[(10, 1000), (15, 50), (100, 100)],
            _ => &[(11, 1000)],
        };
        for (tenths, step_millis) in loads {
            let raw = limited();
            let offered = (rate * tenths).div_ceil(10);
            let let_in = accepted(&raw, offered, *step_millis, |count| {
                let calls = (0..count).map(|_| raw.call(operation.name, input.clone()));
                calls.filter(is_let_in).count() as u64
            });
            let expected = rate * MINUTE_SECONDS;
            assert!(
                let_in.abs_diff(expected) * 100 <= expected,
                "{}: {let_in} of {expected} at {tenths}/10",
                operation.name
            );
        }
    }
}

/// The table of limits.md, section 6; what AWS does not say is five a second.
#[test]
fn the_declared_rates_are_those_of_the_table() {
    let mut expected: BTreeMap<&str, (u64, Scope)> =
        operations().iter().map(|operation| (operation.name, (5, Scope::Account))).collect();
    for on_data in [
        "PutRecord",
        "PutRecords",
        "GetRecords",
        "GetShardIterator",
        "SubscribeToShard",
        "ReceiveQueueRecords",
        "ReceiveDeadLetterQueueRecords",
        "AcknowledgeQueueRecords",
        "AcknowledgeDeadLetterQueueRecords",
        "UpdateQueueRecordsVisibility",
        "UpdateDeadLetterQueueRecordsVisibility",
        "RestoreDeadLetterQueueRecords",
    ] {
        expected.remove(on_data);
    }
    for (name, rate, scope) in [
        ("DescribeStream", 10, Scope::Account),
        ("DescribeStreamSummary", 20, Scope::Account),
        ("DescribeLimits", 1, Scope::Account),
        ("ListShards", 1000, Scope::Stream),
        ("UpdateShardCount", 10, Scope::Account),
        ("DeregisterStreamConsumer", 5, Scope::Stream),
        ("ListStreamConsumers", 5, Scope::Stream),
        ("DescribeStreamConsumer", 20, Scope::Stream),
    ] {
        expected.insert(name, (rate, scope));
    }
    let declared: BTreeMap<_, _> = operations()
        .iter()
        .filter_map(|operation| {
            operation.rate.map(|rate| (operation.name, (rate.calls_per_second, rate.scope)))
        })
        .collect();
    assert_eq!(declared, expected);
}

// limits.md, section 6
#[test]
fn rates_count_for_an_account_or_for_a_stream() {
    let raw = limited();
    raw.create_stream("t", 1);
    let let_in = |operation: &str, input: Value| is_let_in(&raw.call(operation, input));
    let consumers = |stream: &str| json!({"StreamARN": arn(stream)});
    while let_in("ListStreamConsumers", consumers("s")) {}
    assert!(let_in("ListStreamConsumers", consumers("t")), "a stream's own rate");
    while let_in("DescribeStream", json!({"StreamName": "s"})) {}
    assert!(!let_in("DescribeStream", json!({"StreamName": "t"})), "the account's rate");
}
