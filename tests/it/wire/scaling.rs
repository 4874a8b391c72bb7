//! UpdateShardCount: any number of equal shards, whole and with parents.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, each, list, members, text};

const SECOND: Duration = Duration::from_secs(1);

fn stream_of(shards: u32) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", shards);
    raw
}

fn scale(raw: &Raw, target: impl Into<Value>) -> Answer {
    let target: Value = target.into();
    raw.call(
        "UpdateShardCount",
        json!({"StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"}),
    )
}

#[track_caller]
fn shards(raw: &Raw, filter: &str) -> Vec<Value> {
    let input = json!({"StreamName": "s", "ShardFilter": {"Type": filter}});
    list(&raw.ok("ListShards", input)["Shards"]).clone()
}

/// The open shards' ranges in order, after all that has to hold of them.
#[track_caller]
fn ranges(raw: &Raw, initial: u64) -> Vec<(u128, u128)> {
    let all = shards(raw, "FROM_TRIM_HORIZON");
    let known: BTreeSet<_> = each(&json!(all), "ShardId").into_iter().map(str::to_owned).collect();
    assert_eq!(known.len(), all.len(), "every shard is listed once");
    let mut ranges = Vec::new();
    for shard in shards(raw, "AT_LATEST") {
        assert!(shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none());
        let number: u64 = text(&shard["ShardId"])["shardId-".len()..].parse().unwrap();
        if number >= initial {
            let parent = text(&shard["ParentShardId"]);
            assert!(known.contains(&parent), "a new shard has a parent that is listed");
        }
        let bound = |name: &str| text(&shard["HashKeyRange"][name]).parse::<u128>().unwrap();
        ranges.push((bound("StartingHashKey"), bound("EndingHashKey")));
    }
    ranges.sort_unstable();
    assert_eq!(ranges.first().map(|range| range.0), Some(0));
    assert_eq!(ranges.last().map(|range| range.1), Some(u128::MAX));
    for pair in ranges.windows(2) {
        assert_eq!(pair[0].1 + 1, pair[1].0, "neither gap nor overlap");
    }
    ranges
}

// behaviours 108, 109
#[test]
fn every_step_leaves_the_target_number_of_shards() {
    for steps in [&[1, 2, 4, 2, 1][..], &[2, 3, 6], &[4, 3], &[3, 2, 4, 8, 5, 5, 10]] {
        let raw = stream_of(steps[0]);
        for pair in steps.windows(2) {
            let answer = scale(&raw, pair[1]).expect_ok();
            assert_eq!(
                answer,
                json!({
                    "StreamName": "s", "StreamARN": arn("s"),
                    "CurrentShardCount": pair[0], "TargetShardCount": pair[1],
                })
            );
            let ranges = ranges(&raw, u64::from(steps[0]));
            assert_eq!(ranges.len(), pair[1] as usize, "{steps:?}: {pair:?}");
            let step = u128::MAX / u128::from(pair[1]);
            for (place, (start, _)) in (0_u128..).zip(&ranges) {
                let even = place * step;
                assert!(start.abs_diff(even) <= u128::from(pair[1]), "{start} is far from {even}");
            }
            let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
            assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], pair[1]);
        }
    }
}

// A user's screenshot of AWS shows these shards open after 4 → 3.
#[test]
fn a_piece_is_merged_as_soon_as_it_can_be() {
    let raw = stream_of(4);
    scale(&raw, 3).expect_ok();
    let ids = |filter| each(&json!(shards(&raw, filter)), "ShardId").join(" ");
    assert_eq!(ids("AT_LATEST"), "shardId-000000000006 shardId-000000000009 shardId-000000000010");
    assert_eq!(shards(&raw, "FROM_TRIM_HORIZON").len(), 11);
}

// behaviours 109
#[test]
fn a_stream_is_updating_until_it_is_rescaled() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    scale(&raw, 2).expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state CREATING",
    );
    raw.advance(SECOND);
    scale(&raw, 2).expect_ok();
    assert_eq!((raw.status("s").as_str(), raw.shards("s").len()), ("UPDATING", 1));
    scale(&raw, 2).expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING",
    );
    raw.put("s", "a", b"still the parent's");
    raw.advance(SECOND);
    assert_eq!(raw.status("s"), "ACTIVE");
    assert_eq!(ranges(&raw, 1).len(), 2);
    assert_eq!(raw.read_all("s", "0"), ["still the parent's"]);
}

// behaviours 109: closed shards do not count
#[test]
fn only_open_shards_count_for_the_limit() {
    let raw = Raw::with(|builder| builder.shard_limit(4));
    raw.create_stream("s", 1);
    for target in [2, 4, 2, 4] {
        scale(&raw, target).expect_ok();
    }
    scale(&raw, 5).expect_error_kind("LimitExceededException");
    assert_eq!(ranges(&raw, 1).len(), 4);
}

// behaviours 110
#[test]
fn puts_go_to_the_new_shards_and_old_records_stay() {
    let raw = stream_of(2);
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for key in keys {
        raw.put("s", key, b"old");
    }
    scale(&raw, 3).expect_ok();
    let open = shards(&raw, "AT_LATEST");
    let open: BTreeSet<_> = each(&json!(open), "ShardId").into_iter().map(str::to_owned).collect();
    for key in keys {
        let input = json!({"StreamName": "s", "PartitionKey": key, "Data": "bmV3"});
        let shard = text(&raw.ok("PutRecord", input)["ShardId"]);
        assert!(open.contains(&shard), "{shard} is closed");
    }
    let (mut old, mut new) = (0, 0);
    for shard in each(&json!(shards(&raw, "FROM_TRIM_HORIZON")), "ShardId") {
        for data in raw.read_all("s", shard) {
            if data == "old" { old += 1 } else { new += 1 }
        }
    }
    assert_eq!((old, new), (8, 8));
}

// operations.md, section 4.2
#[test]
fn one_step_goes_to_the_double_or_the_half_at_most() {
    let raw = stream_of(5);
    for target in [11, 2, 1] {
        scale(&raw, target).expect_error_kind("InvalidArgumentException");
    }
    scale(&raw, 10_001).expect_error_kind("LimitExceededException");
    scale(&raw, 0).expect_error_kind("ValidationException");
    assert_eq!(ranges(&raw, 5).len(), 5);
    // Half of an odd number is rounded up.
    scale(&raw, 3).expect_ok();
    assert_eq!(ranges(&raw, 5).len(), 3);
}

// operations.md, section 4.2: 10 successful calls in a rolling day
#[test]
fn a_stream_is_rescaled_ten_times_a_day() {
    let raw = stream_of(2);
    for number in 0..10 {
        scale(&raw, if number % 2 == 0 { 4 } else { 2 }).expect_ok();
    }
    scale(&raw, 4).expect_error_kind("LimitExceededException");
    raw.advance(Duration::from_secs(24 * 3600));
    scale(&raw, 4).expect_ok();
}

// behaviours 141
#[test]
fn on_demand_streams_are_not_rescaled() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s"}));
    scale(&raw, 8).expect_error_kind("ValidationException");
    assert_eq!(raw.shards("s").len(), 4);
}

// behaviours 144, 31
#[test]
fn a_stream_is_found_by_its_arn_and_an_unknown_one_is_not() {
    let raw = stream_of(1);
    let call = |stream: Value, scaling: &str| {
        let mut input = stream;
        input["TargetShardCount"] = json!(2);
        input["ScalingType"] = json!(scaling);
        raw.call("UpdateShardCount", input)
    };
    let answer = call(json!({"StreamARN": arn("s")}), "UNIFORM_SCALING").expect_ok();
    assert_eq!(
        members(&answer),
        ["CurrentShardCount", "StreamARN", "StreamName", "TargetShardCount"]
    );
    call(json!({"StreamName": "x"}), "UNIFORM_SCALING").expect_error(
        "ResourceNotFoundException",
        "Stream x under account 000000000000 not found.",
    );
    call(json!({"StreamName": "s"}), "UNIFORM")
        .expect_violations(&["Value 'UNIFORM' at 'scalingType' failed to satisfy constraint: \
         Member must satisfy enum value set: [UNIFORM_SCALING]"]);
}
