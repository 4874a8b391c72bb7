//! DryRun: every check, the answer that the call would have succeeded, and
//! nothing done.

use std::collections::BTreeSet;
use std::time::Duration;

use kinesis_emulator::declarations::{Description, operations};
use serde_json::{Value, json};

use super::consumers::registered;
use super::streams::arn;
use crate::support::raw::{Answer, Raw, put_input};

const SECOND: Duration = Duration::from_secs(1);
const MODEL: &str = include_str!("../../api-model/kinesis-model.json");
const SHARD: &str = "shardId-000000000000";

fn dry(raw: &Raw, operation: &str, mut input: Value) -> Answer {
    input["DryRun"] = json!(true);
    raw.call(operation, input)
}

/// A call of each operation that can be tried, on a stream `s` with a consumer.
fn calls(raw: &Raw, consumer: &str) -> Vec<(&'static str, Value)> {
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let latest = "LATEST";
    vec![
        ("GetRecords", json!({"ShardIterator": iterator})),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": latest}),
        ),
        ("PutRecord", put_input("s", "k", b"dry")),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "k", "Data": "ZHJ5"}]}),
        ),
        (
            "SubscribeToShard",
            json!({"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": latest}}),
        ),
    ]
}

fn tried() -> BTreeSet<String> {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let consumer = registered(&raw, "s", "c");
    calls(&raw, &consumer).into_iter().map(|(operation, _)| operation.to_owned()).collect()
}

// behaviours 159; model: the operations whose input has the member
#[test]
fn the_operations_that_can_be_tried_are_those_of_the_model() {
    let model: Value = serde_json::from_str(MODEL).expect("the vendored model is JSON");
    let has_it = |(name, operation): (&String, &Value)| {
        let members = &model["shapes"][operation["input"].as_str()?]["members"];
        members.get("DryRun").map(|_| name.clone())
    };
    let modelled: BTreeSet<_> =
        model["operations"].as_object().expect("operations").iter().filter_map(has_it).collect();
    let declared: BTreeSet<_> = operations()
        .iter()
        .filter(|operation| match operation.input {
            Description::Structure(members) => members.iter().any(|m| m.name == "DryRun"),
            _ => false,
        })
        .map(|operation| operation.name.to_owned())
        .collect();
    assert_eq!(declared, modelled);
    assert_eq!(tried(), modelled, "the tests below try all of them");
}

// behaviours 159
#[test]
fn a_call_that_would_succeed_says_so_and_does_nothing() {
    let with_consumer = || {
        let raw = Raw::new();
        raw.create_stream("s", 1);
        let consumer = registered(&raw, "s", "c");
        (raw, consumer)
    };
    let (raw, consumer) = with_consumer();
    for (operation, input) in calls(&raw, &consumer) {
        for _ in 0..2 {
            dry(&raw, operation, input.clone()).expect_error(
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun parameter is set.",
            );
        }
    }
    // A stream where nothing was tried gives its first record the same number.
    assert_eq!(raw.put("s", "k", b"first"), with_consumer().0.put("s", "k", b"first"));
    assert_eq!(raw.read_all("s", "0"), ["first"]);
    // Nobody has subscribed, so nobody has to be waited for.
    let (_, subscribe) = calls(&raw, &consumer).pop().expect("the last one subscribes");
    assert_eq!(raw.call("SubscribeToShard", subscribe.clone()).status, 200);
    dry(&raw, "SubscribeToShard", subscribe).expect_error_kind("ResourceInUseException");
}

// behaviours 159: false is the same as nothing
#[test]
fn a_call_that_is_no_dry_run_is_done() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let consumer = registered(&raw, "s", "c");
    for (operation, input) in calls(&raw, &consumer) {
        for no in [json!(false), json!(null)] {
            raw.advance(5 * SECOND);
            let mut input = input.clone();
            input["DryRun"] = no;
            assert_eq!(raw.call(operation, input).status, 200, "{operation}");
        }
    }
    assert_eq!(raw.read_all("s", "0").len(), 4, "two calls of two operations");
}

// behaviours 159, 8: types, constraints, resources, states
#[test]
fn whatever_else_is_wrong_comes_first() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    raw.advance(SECOND);
    let consumer = registered(&raw, "s", "c");
    let calls = calls(&raw, &consumer);
    let subscribe = &calls[4].1;
    dry(&raw, "SubscribeToShard", subscribe.clone()).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    for (operation, input) in &calls {
        let mut wrong = input.clone();
        wrong["DryRun"] = json!("perhaps");
        raw.call(operation, wrong).expect_error_kind("SerializationException");
        dry(&raw, operation, json!({})).expect_error_kind("ValidationException");
    }
    raw.create_stream("young", 1);
    let young = |mut input: Value| {
        input["StreamName"] = json!("young");
        input
    };
    for (operation, input) in &calls[1..4] {
        dry(&raw, operation, young(input.clone())).expect_error_kind("ResourceNotFoundException");
    }
    raw.advance(Duration::from_secs(301));
    dry(&raw, "GetRecords", calls[0].1.clone()).expect_error_kind("ExpiredIteratorException");
    raw.done("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": true}));
    raw.advance(SECOND);
    for (operation, input) in &calls {
        let answer = dry(&raw, operation, input.clone());
        let kind = match *operation {
            "GetRecords" => "ExpiredIteratorException",
            _ => "ResourceNotFoundException",
        };
        answer.expect_error_kind(kind);
    }
}

// model: other operations do not have the member, and unknown members are skipped
#[test]
fn other_operations_do_not_know_the_member() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s", "ShardCount": 1, "DryRun": true}));
    raw.done("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b"}, "DryRun": true}));
    let tags = raw.ok("ListTagsForResource", json!({"ResourceARN": arn("s"), "DryRun": true}));
    assert_eq!(tags["Tags"][0]["Key"], "a");
}
