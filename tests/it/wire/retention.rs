//! How long records are kept, and how that is changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw};

const INCREASE: &str = "IncreaseStreamRetentionPeriod";
const DECREASE: &str = "DecreaseStreamRetentionPeriod";
const HOUR: Duration = Duration::from_secs(3600);

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

fn set(raw: &Raw, operation: &str, hours: impl Into<Value>) -> Answer {
    let hours: Value = hours.into();
    raw.call(operation, json!({"StreamName": "s", "RetentionPeriodHours": hours}))
}

#[track_caller]
fn hours(raw: &Raw) -> Value {
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let description = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    let hours = &summary["StreamDescriptionSummary"]["RetentionPeriodHours"];
    assert_eq!(description["StreamDescription"]["RetentionPeriodHours"], *hours);
    hours.clone()
}

// behaviours 133, 4
#[test]
fn the_present_value_again_is_fine_both_ways() {
    let raw = with_stream();
    assert_eq!(hours(&raw), 24);
    for (operation, value) in
        [(INCREASE, 24), (DECREASE, 24), (INCREASE, 30), (INCREASE, 30), (DECREASE, 30)]
    {
        set(&raw, operation, value).expect_empty();
        assert_eq!(hours(&raw), value);
    }
    set(&raw, DECREASE, 25).expect_empty();
    assert_eq!(hours(&raw), 25);
}

// behaviours 134
#[test]
fn each_call_goes_one_way() {
    let raw = with_stream();
    set(&raw, INCREASE, 30).expect_empty();
    set(&raw, INCREASE, 25).expect_error(
        "InvalidArgumentException",
        "Requested retention period (25 hours) for stream s can not be shorter than existing \
         retention period (30 hours). Use DecreaseRetentionPeriod API.",
    );
    set(&raw, DECREASE, 31).expect_error(
        "InvalidArgumentException",
        "Requested retention period (31 hours) for stream s can not be longer than existing \
         retention period (30 hours). Use IncreaseRetentionPeriod API.",
    );
    assert_eq!(hours(&raw), 30);
}

// behaviours 135
#[test]
fn retention_is_between_a_day_and_a_year() {
    let raw = with_stream();
    for operation in [INCREASE, DECREASE] {
        set(&raw, operation, 23).expect_error(
            "InvalidArgumentException",
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) \
             is too short.",
        );
        for outside in [8761, 0, -1, i32::MIN, i32::MAX] {
            let answer = set(&raw, operation, outside);
            assert_eq!(answer.status, 400, "{operation} {outside}: {}", answer.text());
        }
    }
    assert_eq!(hours(&raw), 24);
    set(&raw, INCREASE, 8760).expect_empty();
    set(&raw, DECREASE, 24).expect_empty();
}

// behaviours 135; facts, section 4: the stream comes before the number
#[test]
fn an_unknown_stream_comes_before_the_number() {
    for operation in [INCREASE, DECREASE] {
        set(&Raw::new(), operation, 1).expect_error(
            "ResourceNotFoundException",
            "Stream s under account 000000000000 not found.",
        );
    }
}

// behaviours 133, 144
#[test]
fn records_live_as_long_as_the_stream_says() {
    let raw = with_stream();
    let by_arn = |operation: &str, hours: i32| {
        raw.done(operation, json!({"StreamARN": arn("s"), "RetentionPeriodHours": hours}));
    };
    raw.put("s", "a", b"old");
    by_arn(INCREASE, 48);
    raw.advance(HOUR * 30);
    raw.put("s", "a", b"young");
    assert_eq!(raw.read_all("s", "0"), ["old", "young"]);
    by_arn(DECREASE, 24);
    assert_eq!(raw.read_all("s", "0"), ["young"]);
    // What has expired stays gone.
    by_arn(INCREASE, 48);
    assert_eq!(raw.read_all("s", "0"), ["young"]);
}

// operations.md, section 4.1
#[test]
fn a_stream_that_is_not_active_keeps_its_retention() {
    let raw = Raw::with(|builder| builder.state_delay(HOUR));
    raw.create_stream("s", 1);
    set(&raw, INCREASE, 48).expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state CREATING",
    );
    raw.advance(HOUR);
    set(&raw, INCREASE, 48).expect_empty();
    assert_eq!((hours(&raw), raw.status("s").as_str()), (json!(48), "ACTIVE"));
}
