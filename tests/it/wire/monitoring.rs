//! Shard-level metrics: which are on, before and after.

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, list, members};

const ENABLE: &str = "EnableEnhancedMonitoring";
const DISABLE: &str = "DisableEnhancedMonitoring";
const ALL: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

fn change(raw: &Raw, operation: &str, metrics: &[&str]) -> Answer {
    raw.call(operation, json!({"StreamName": "s", "ShardLevelMetrics": metrics}))
}

#[track_caller]
fn sorted(metrics: &Value) -> Vec<&str> {
    let mut names: Vec<_> =
        list(metrics).iter().map(|name| name.as_str().expect("a name")).collect();
    names.sort_unstable();
    names
}

/// Changes the metrics; returns what was on and what is.
#[track_caller]
fn changed(raw: &Raw, operation: &str, metrics: &[&str]) -> [Vec<String>; 2] {
    let answer = change(raw, operation, metrics).expect_ok();
    assert_eq!(
        members(&answer),
        ["CurrentShardLevelMetrics", "DesiredShardLevelMetrics", "StreamARN", "StreamName"]
    );
    assert_eq!((&answer["StreamName"], &answer["StreamARN"]), (&json!("s"), &json!(arn("s"))));
    let named = |member: &str| sorted(&answer[member]).into_iter().map(str::to_owned).collect();
    let [before, after]: [Vec<String>; 2] =
        [named("CurrentShardLevelMetrics"), named("DesiredShardLevelMetrics")];
    assert_eq!(described(raw), after, "the description shows the result");
    [before, after]
}

/// What both descriptions show.
#[track_caller]
fn described(raw: &Raw) -> Vec<String> {
    let whole = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let monitoring = &whole["StreamDescription"]["EnhancedMonitoring"];
    assert_eq!(summary["StreamDescriptionSummary"]["EnhancedMonitoring"], *monitoring);
    assert_eq!(list(monitoring).len(), 1, "a list of one element");
    sorted(&monitoring[0]["ShardLevelMetrics"]).into_iter().map(str::to_owned).collect()
}

// behaviours 136
#[test]
fn each_call_says_what_was_on_and_what_is() {
    let raw = with_stream();
    assert!(described(&raw).is_empty());
    let (bytes, records) = ("IncomingBytes", "OutgoingRecords");
    for (operation, named, before, after) in [
        (ENABLE, &[bytes][..], &[][..], &[bytes][..]),
        (ENABLE, &[records, bytes], &[bytes], &[bytes, records]),
        (DISABLE, &[bytes], &[bytes, records], &[records]),
        (ENABLE, &["ALL"], &[records], &ALL),
        (DISABLE, &[records], &ALL, &[ALL[0], ALL[1], ALL[2], ALL[3], ALL[5], ALL[6]]),
    ] {
        let found = changed(&raw, operation, named);
        assert_eq!((&found[0][..], &found[1][..]), (&owned(before)[..], &owned(after)[..]));
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

// behaviours 137
#[test]
fn disabling_all_empties_the_list_and_what_is_off_may_be_named() {
    let raw = with_stream();
    assert_eq!(changed(&raw, DISABLE, &["IncomingBytes"]), [owned(&[]), owned(&[])]);
    changed(&raw, ENABLE, &["IncomingBytes", "IncomingRecords"]);
    let found = changed(&raw, DISABLE, &["ALL"]);
    assert_eq!(found, [owned(&["IncomingBytes", "IncomingRecords"]), owned(&[])]);
}

// behaviours 137
#[test]
fn an_unknown_metric_changes_nothing() {
    let raw = with_stream();
    for operation in [ENABLE, DISABLE] {
        change(&raw, operation, &["IncomingBytes", "Nonsense"])
            .expect_error_kind("ValidationException");
        change(&raw, operation, &["incomingbytes"]).expect_error_kind("ValidationException");
    }
    assert!(described(&raw).is_empty());
}

// behaviours 144
#[test]
fn a_stream_is_found_by_its_arn_and_an_unknown_one_is_not() {
    let raw = with_stream();
    for operation in [ENABLE, DISABLE] {
        let metrics = json!(["ALL"]);
        raw.ok(operation, json!({"StreamARN": arn("s"), "ShardLevelMetrics": metrics}));
        raw.call(operation, json!({"StreamName": "x", "ShardLevelMetrics": metrics})).expect_error(
            "ResourceNotFoundException",
            "Stream x under account 000000000000 not found.",
        );
        raw.call(operation, json!({"ShardLevelMetrics": metrics}))
            .expect_error_kind("InvalidArgumentException");
    }
}
