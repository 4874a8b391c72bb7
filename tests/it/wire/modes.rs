//! Provisioned and on-demand: switching, and what only one of them has.

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, put_input, text};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn switch(raw: &Raw, stream: &str, mode: &str) -> Answer {
    let details = json!({"StreamMode": mode});
    raw.call("UpdateStreamMode", json!({"StreamARN": arn(stream), "StreamModeDetails": details}))
}

fn distribute(raw: &Raw, stream: &str, strategy: &str) -> Answer {
    raw.call(
        "UpdateStreamRecordDistributionStrategy",
        json!({"StreamARN": arn(stream), "RecordDistributionStrategy": strategy}),
    )
}

/// The mode, as all three calls show it.
#[track_caller]
fn mode(raw: &Raw, stream: &str) -> String {
    let name = json!({"StreamName": stream});
    let whole = raw.ok("DescribeStream", name.clone());
    let mode = text(&whole["StreamDescription"]["StreamModeDetails"]["StreamMode"]);
    let listed = raw.ok("ListStreams", json!({}));
    let listed = listed["StreamSummaries"].as_array().expect("summaries");
    let listed = listed.iter().find(|summary| summary["StreamName"] == stream).expect("listed");
    for shown in [&summary(raw, stream), listed] {
        assert_eq!(shown["StreamModeDetails"], json!({"StreamMode": mode}));
    }
    mode
}

#[track_caller]
fn summary(raw: &Raw, stream: &str) -> Value {
    raw.ok("DescribeStreamSummary", json!({"StreamName": stream}))["StreamDescriptionSummary"]
        .clone()
}

#[track_caller]
fn on_demand_count(raw: &Raw) -> Value {
    raw.ok("DescribeLimits", json!({}))["OnDemandStreamCount"].clone()
}

// behaviours 142, 4
#[test]
fn a_stream_is_updating_and_then_in_its_new_mode() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 3);
    raw.advance(SECOND);
    let before = raw.shards("s");
    assert_eq!((mode(&raw, "s").as_str(), on_demand_count(&raw)), ("PROVISIONED", json!(0)));
    switch(&raw, "s", "ON_DEMAND").expect_empty();
    assert_eq!((raw.status("s"), mode(&raw, "s")), ("UPDATING".into(), "PROVISIONED".into()));
    switch(&raw, "s", "ON_DEMAND").expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING",
    );
    raw.advance(SECOND);
    assert_eq!((raw.status("s"), mode(&raw, "s")), ("ACTIVE".into(), "ON_DEMAND".into()));
    assert_eq!((raw.shards("s"), on_demand_count(&raw)), (before, json!(1)));
    switch(&raw, "s", "PROVISIONED").expect_empty();
    raw.advance(SECOND);
    assert_eq!((mode(&raw, "s").as_str(), on_demand_count(&raw)), ("PROVISIONED", json!(0)));
}

// behaviours 141
#[test]
fn an_on_demand_stream_starts_with_four_equal_shards() {
    let raw = Raw::new();
    let details = json!({"StreamMode": "ON_DEMAND"});
    raw.done("CreateStream", json!({"StreamName": "s", "StreamModeDetails": details}));
    let starts: Vec<u128> = raw
        .shards("s")
        .iter()
        .map(|shard| text(&shard["HashKeyRange"]["StartingHashKey"]).parse().unwrap())
        .collect();
    assert_eq!(starts, [0, 1 << 126, 2 << 126, 3 << 126]);
    assert_eq!(mode(&raw, "s"), "ON_DEMAND");
}

// operations.md, section 4.1: two switches a day
#[test]
fn a_stream_switches_twice_a_day() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for mode in ["ON_DEMAND", "PROVISIONED"] {
        switch(&raw, "s", mode).expect_empty();
    }
    switch(&raw, "s", "ON_DEMAND").expect_error_kind("LimitExceededException");
    assert_eq!((mode(&raw, "s").as_str(), raw.status("s").as_str()), ("PROVISIONED", "ACTIVE"));
    // The mode that it has already is no switch.
    switch(&raw, "s", "PROVISIONED").expect_empty();
    raw.advance(DAY);
    switch(&raw, "s", "ON_DEMAND").expect_empty();
    assert_eq!(mode(&raw, "s"), "ON_DEMAND");
}

// behaviours 142
#[test]
fn only_an_existing_stream_switches_and_only_by_its_arn() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    switch(&raw, "x", "ON_DEMAND").expect_error(
        "ResourceNotFoundException",
        "Stream x under account 000000000000 not found.",
    );
    let details = json!({"StreamMode": "ON_DEMAND"});
    raw.call("UpdateStreamMode", json!({"StreamName": "s", "StreamModeDetails": details}))
        .expect_violations(&[
            "Value null at 'streamARN' failed to satisfy constraint: Member must not be null",
        ]);
    switch(&raw, "s", "on_demand").expect_error_kind("ValidationException");
    assert_eq!(mode(&raw, "s"), "PROVISIONED");
}

// behaviours 158
#[test]
fn the_distribution_strategy_is_changed_at_once() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s"}));
    raw.create_stream("p", 1);
    let shown = |stream: &str| summary(&raw, stream).get("RecordDistributionStrategy").cloned();
    assert_eq!(shown("s"), Some(json!("USER_PARTITION_KEY")));
    raw.call("PutRecord", json!({"StreamName": "s", "Data": ""}))
        .expect_error_kind("ValidationException");
    for _ in 0..2 {
        distribute(&raw, "s", "AUTO").expect_empty();
        assert_eq!(shown("s"), Some(json!("AUTO")));
    }
    assert_eq!(raw.status("s"), "ACTIVE");
    let shard = text(&raw.ok("PutRecord", json!({"StreamName": "s", "Data": ""}))["ShardId"]);
    let read = raw.read(&raw.iterator("s", &shard, "TRIM_HORIZON"));
    assert_eq!(read["Records"][0].get("PartitionKey"), None, "no key goes in, none comes out");
    let mut ordered = put_input("s", "a", b"");
    ordered["SequenceNumberForOrdering"] = read["Records"][0]["SequenceNumber"].clone();
    raw.call("PutRecord", ordered).expect_error_kind("InvalidArgumentException");
    distribute(&raw, "s", "USER_PARTITION_KEY").expect_empty();
    raw.call("PutRecord", json!({"StreamName": "s", "Data": ""}))
        .expect_error_kind("ValidationException");
    distribute(&raw, "p", "AUTO").expect_error_kind("InvalidArgumentException");
    distribute(&raw, "p", "USER_PARTITION_KEY").expect_empty();
    assert_eq!(shown("p"), None, "a provisioned stream has no strategy to show");
    distribute(&raw, "s", "RANDOM").expect_error_kind("ValidationException");
    distribute(&raw, "x", "AUTO").expect_error_kind("ResourceNotFoundException");
}

// behaviours 158; operations.md, section 4.1: a provisioned stream has no strategy
#[test]
fn a_switch_to_provisioned_ends_the_strategy_auto() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s", "RecordDistributionStrategy": "AUTO"}));
    switch(&raw, "s", "PROVISIONED").expect_empty();
    assert_eq!(summary(&raw, "s").get("RecordDistributionStrategy"), None);
    raw.call("PutRecord", json!({"StreamName": "s", "Data": ""}))
        .expect_error_kind("ValidationException");
    switch(&raw, "s", "ON_DEMAND").expect_empty();
    assert_eq!(summary(&raw, "s")["RecordDistributionStrategy"], "USER_PARTITION_KEY");
}

// operations.md, section 5: CREATING is in use
#[test]
fn a_creating_stream_keeps_its_strategy() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.done("CreateStream", json!({"StreamName": "s"}));
    distribute(&raw, "s", "AUTO").expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    distribute(&raw, "s", "AUTO").expect_empty();
}
