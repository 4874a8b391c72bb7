//! What belongs to a whole account: limits, the commitment, warm throughput.

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Custom, Raw, START, members};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn set(raw: &Raw, status: &str) -> Value {
    let commitment = json!({"MinimumThroughputBillingCommitment": {"Status": status}});
    let answer = raw.ok("UpdateAccountSettings", commitment);
    assert_eq!(answer, raw.ok("DescribeAccountSettings", json!({})), "both calls say the same");
    answer["MinimumThroughputBillingCommitment"].clone()
}

#[track_caller]
fn described(raw: &Raw) -> Value {
    let answer = raw.ok("DescribeAccountSettings", json!({}));
    assert_eq!(members(&answer), ["MinimumThroughputBillingCommitment"]);
    answer["MinimumThroughputBillingCommitment"].clone()
}

fn seconds(value: &Value) -> u64 {
    value.as_f64().expect("a time") as u64
}

fn warm(raw: &Raw, stream: &str, target: impl Into<Value>) -> Answer {
    let target: Value = target.into();
    raw.call(
        "UpdateStreamWarmThroughput",
        json!({"StreamName": stream, "WarmThroughputMiBps": target}),
    )
}

// operations.md, section 5: never configured
#[test]
fn an_account_is_not_committed_at_first() {
    let raw = Raw::new();
    assert_eq!(described(&raw), json!({"Status": "DISABLED"}));
    assert_eq!(set(&raw, "DISABLED"), json!({"Status": "DISABLED"}));
}

// behaviours 155
#[test]
fn a_commitment_lasts_a_day_at_least() {
    let raw = Raw::new();
    let begun = set(&raw, "ENABLED");
    assert_eq!(members(&begun), ["EarliestAllowedEndAt", "StartedAt", "Status"]);
    assert_eq!(
        (&begun["Status"], seconds(&begun["StartedAt"])),
        (&json!("ENABLED"), START.as_seconds())
    );
    assert_eq!(seconds(&begun["EarliestAllowedEndAt"]), START.plus(DAY).as_seconds());
    raw.advance(HOUR);
    assert_eq!(set(&raw, "DISABLED")["Status"], "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    assert_eq!(set(&raw, "ENABLED"), begun, "enabling again cancels the end and nothing else");
    raw.advance(DAY);
    assert_eq!(described(&raw), begun, "the end was cancelled");
    let ended = set(&raw, "DISABLED");
    assert_eq!(ended["Status"], "DISABLED");
    assert_eq!(seconds(&ended["EndedAt"]), START.plus(DAY + HOUR).as_seconds());
}

// behaviours 155
#[test]
fn a_commitment_that_is_to_end_ends_by_itself() {
    let raw = Raw::new();
    set(&raw, "ENABLED");
    set(&raw, "DISABLED");
    raw.advance(DAY - SECOND);
    assert_eq!(described(&raw)["Status"], "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    raw.advance(HOUR);
    let ended = described(&raw);
    assert_eq!(ended["Status"], "DISABLED");
    assert_eq!(seconds(&ended["EndedAt"]), START.plus(DAY).as_seconds(), "not when it was asked");
}

// behaviours 155
#[test]
fn a_commitment_needs_a_status_and_is_the_accounts_own() {
    let raw = Raw::new();
    let call = |input: Value| raw.call("UpdateAccountSettings", input);
    let null = |at: &str| {
        format!("Value null at '{at}' failed to satisfy constraint: Member must not be null")
    };
    let commitment = "minimumThroughputBillingCommitment";
    call(json!({})).expect_violations(&[&null(commitment)]);
    call(json!({"MinimumThroughputBillingCommitment": {}}))
        .expect_violations(&[&null(&format!("{commitment}.status"))]);
    call(json!({"MinimumThroughputBillingCommitment": {
        "Status": "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
    }}))
    .expect_error_kind("ValidationException");
    set(&raw, "ENABLED");
    let other = Custom::json("DescribeAccountSettings", &json!({})).by("111111111111", "us-east-1");
    let other = raw.send(other).expect_ok();
    assert_eq!(other["MinimumThroughputBillingCommitment"]["Status"], "DISABLED");
}

// behaviours 156
#[test]
fn warm_throughput_is_for_on_demand_streams_of_committed_accounts() {
    let raw = Raw::new();
    raw.create_stream("p", 1);
    raw.done("CreateStream", json!({"StreamName": "d"}));
    warm(&raw, "d", 10).expect_error_kind("ValidationException");
    set(&raw, "ENABLED");
    warm(&raw, "p", 10).expect_error_kind("ValidationException");
    warm(&raw, "d", -1)
        .expect_violations(&["Value '-1' at 'warmThroughputMiBps' failed to satisfy constraint: \
         Member must have value greater than or equal to 0"]);
    warm(&raw, "d", 10_241).expect_error_kind("LimitExceededException");
    warm(&raw, "x", 10).expect_error_kind("ResourceNotFoundException");
    assert_eq!(raw.shards("d").len(), 4, "a refused call changes nothing");
    let answer = warm(&raw, "d", 10).expect_ok();
    assert_eq!(
        answer,
        json!({
            "StreamARN": arn("d"), "StreamName": "d",
            "WarmThroughput": {"TargetMiBps": 10, "CurrentMiBps": 4},
        })
    );
    let summary = || {
        raw.ok("DescribeStreamSummary", json!({"StreamName": "d"}))["StreamDescriptionSummary"]
            .clone()
    };
    assert_eq!(summary()["WarmThroughput"], json!({"TargetMiBps": 10, "CurrentMiBps": 10}));
    assert_eq!(summary()["OpenShardCount"], 10);
    // Less releases capacity, down to the four shards of every on-demand stream.
    warm(&raw, "d", 0).expect_ok();
    assert_eq!(summary()["OpenShardCount"], 4);
}

// behaviours 142, 156
#[test]
fn a_switch_to_on_demand_warms_the_stream_if_asked_to_and_counts() {
    let raw = Raw::with(|builder| builder.stream_limit(1));
    set(&raw, "ENABLED");
    for name in ["p", "q"] {
        raw.create_stream(name, 2);
    }
    let switch = |name: &str, warm: Option<u32>| {
        let details = json!({"StreamMode": "ON_DEMAND"});
        raw.call(
            "UpdateStreamMode",
            json!({"StreamARN": arn(name), "StreamModeDetails": details, "WarmThroughputMiBps": warm}),
        )
    };
    switch("p", Some(6)).expect_empty();
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "p"}));
    let summary = &summary["StreamDescriptionSummary"];
    assert_eq!(summary["WarmThroughput"], json!({"TargetMiBps": 6, "CurrentMiBps": 6}));
    assert_eq!(summary["OpenShardCount"], 6);
    switch("q", None).expect_error(
        "LimitExceededException",
        "This request would exceed the limit on the number of On-Demand streams for the account \
         000000000000 in us-east-1. Current On-Demand streams count: 1. Limit: 1.",
    );
}

// behaviours 156
#[test]
fn a_stream_that_is_being_warmed_is_updating() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    set(&raw, "ENABLED");
    raw.done("CreateStream", json!({"StreamName": "d", "WarmThroughputMiBps": 6}));
    raw.advance(SECOND);
    assert_eq!(raw.shards("d").len(), 6, "a stream can be made warm");
    warm(&raw, "d", 8).expect_ok();
    assert_eq!(raw.status("d"), "UPDATING");
    let shown = || {
        let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "d"}));
        summary["StreamDescriptionSummary"]["WarmThroughput"].clone()
    };
    assert_eq!(shown(), json!({"TargetMiBps": 8, "CurrentMiBps": 6}), "it is on its way");
    warm(&raw, "d", 8).expect_error_kind("ResourceInUseException");
    raw.put("d", "a", b"writes go on");
    raw.advance(SECOND);
    assert_eq!(raw.status("d"), "ACTIVE");
    assert_eq!(shown(), json!({"TargetMiBps": 8, "CurrentMiBps": 8}));
    // Accounts without the commitment see nothing of it.
    raw.advance(Duration::from_secs(25 * 60 * 60));
    set(&raw, "DISABLED");
    assert_eq!(shown(), Value::Null);
}

// behaviours 60, 142
#[test]
fn limits_count_open_shards_and_on_demand_streams() {
    let raw = Raw::with(|builder| builder.shard_limit(77).stream_limit(5));
    let limits = |open: u32, on_demand: u32| {
        let found = raw.ok("DescribeLimits", json!({}));
        let expected = [77, open, on_demand, 5];
        let names =
            ["ShardLimit", "OpenShardCount", "OnDemandStreamCount", "OnDemandStreamCountLimit"];
        assert_eq!(names.map(|name| found[name].clone()), expected.map(|number| json!(number)));
    };
    limits(0, 0);
    raw.create_stream("a", 2);
    raw.create_stream("b", 3);
    limits(5, 0);
    raw.done(
        "MergeShards",
        json!({"StreamName": "a", "ShardToMerge": "0", "AdjacentShardToMerge": "1"}),
    );
    limits(4, 0);
    raw.done("DeleteStream", json!({"StreamName": "b"}));
    limits(1, 0);
    raw.done("CreateStream", json!({"StreamName": "d"}));
    let found = raw.ok("DescribeLimits", json!({}));
    assert_eq!(found["OnDemandStreamCount"], 1);
}

// behaviours 60: with nothing set, as AWS has it in its large Regions
#[test]
fn limits_that_are_not_set_are_those_of_aws() {
    let found = Raw::new().ok("DescribeLimits", json!({}));
    assert_eq!(
        (&found["ShardLimit"], &found["OnDemandStreamCountLimit"]),
        (&json!(20_000), &json!(50))
    );
}
