//! SplitShard and MergeShards, and what readers find at the end of a shard.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::raw::{Number, Raw, START, data_of, each, list, members, put_input, text};

const DELAY: Duration = Duration::from_secs(1);
const MAX: &str = "340282366920938463463374607431768211455";

fn split_input(shard: &str, key: &str) -> Value {
    json!({"StreamName": "s", "ShardToSplit": shard, "NewStartingHashKey": key})
}

fn merge_input(lower: &str, upper: &str) -> Value {
    json!({"StreamName": "s", "ShardToMerge": lower, "AdjacentShardToMerge": upper})
}

fn stream_of(shards: u32) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", shards);
    raw
}

fn range(shard: &Value) -> (String, String) {
    (text(&shard["HashKeyRange"]["StartingHashKey"]), text(&shard["HashKeyRange"]["EndingHashKey"]))
}

fn range_of(start: &str, end: &str) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

// behaviours 98
#[test]
fn the_smallest_and_the_largest_split() {
    let raw = stream_of(1);
    raw.done("SplitShard", split_input("0", "2"));
    let shards = raw.shards("s");
    assert_eq!(range(&shards[1]), range_of("0", "1"));
    assert_eq!(range(&shards[2]), range_of("2", MAX));

    let raw = stream_of(1);
    let largest = "340282366920938463463374607431768211454";
    raw.done("SplitShard", split_input("0", largest));
    let shards = raw.shards("s");
    assert_eq!(range(&shards[1]), range_of("0", "340282366920938463463374607431768211453"));
    assert_eq!(range(&shards[2]), range_of(largest, MAX));
}

// facts, section 4, SplitShard
#[test]
fn a_split_key_has_to_lie_well_inside_the_range() {
    let raw = stream_of(3);
    let (start, end) = ("0", "113427455640312821154458202477256070484");
    for key in ["0", "1", end, "113427455640312821154458202477256070485", &"9".repeat(39)] {
        raw.call("SplitShard", split_input("0", key)).expect_error(
            "InvalidArgumentException",
            &format!(
                "NewStartingHashKey {key} used in SplitShard() on shard shardId-000000000000 in \
                 stream s under account 000000000000 is not both greater than one plus the shard's \
                 StartingHashKey {start} and less than the shard's EndingHashKey {end}."
            ),
        );
    }
    assert_eq!(raw.shards("s").len(), 3);
}

// behaviours 62, 99, 100
#[test]
fn numbers_order_parent_records_end_and_children() {
    for pause in [Duration::ZERO, Duration::from_millis(10_500)] {
        let raw = stream_of(1);
        raw.advance(pause);
        let record = raw.put("s", "a", b"x");
        raw.done("SplitShard", split_input("0", "2"));
        let shards = raw.shards("s");
        let start =
            |shard: usize| text(&shards[shard]["SequenceNumberRange"]["StartingSequenceNumber"]);
        let end = text(&shards[0]["SequenceNumberRange"]["EndingSequenceNumber"]);
        assert!(start(0) < record && record < end && end < start(1) && start(1) < start(2));
        let ended = Number::read(&end);
        assert_eq!((ended.index, ended.shard), (0x7fff_ffff_ffff_ffff, 0));
        assert_eq!(ended.created_seconds, Number::read(&start(0)).created_seconds);
        assert_eq!(ended.seconds, (START.plus(pause)).as_seconds());
        for child in [1, 2] {
            let child = Number::read(&start(child));
            assert_eq!((child.created_seconds, child.index), (ended.seconds + 1, 0));
            assert_eq!(child.seconds, child.created_seconds);
        }
    }
}

// behaviours 101, 107: a shard that is missing comes before one that is closed
#[test]
fn a_closed_shard_can_be_neither_split_nor_merged() {
    let raw = stream_of(2);
    raw.done("SplitShard", split_input("0", "2"));
    let closed = "Shard shardId-000000000000 in stream s under account 000000000000 has already \
                  been merged or split, and thus is not eligible for merging or splitting.";
    raw.call("SplitShard", split_input("0", "2")).expect_error("InvalidArgumentException", closed);
    raw.call("MergeShards", merge_input("0", "1")).expect_error("InvalidArgumentException", closed);
    raw.call("MergeShards", merge_input("1", "0")).expect_error("InvalidArgumentException", closed);
    let missing =
        "Could not find shard shardId-000000000077 in stream s under account 000000000000.";
    for input in [merge_input("0", "77"), merge_input("77", "0")] {
        raw.call("MergeShards", input).expect_error("ResourceNotFoundException", missing);
    }
}

// behaviours 102, 107
#[test]
fn malformed_shard_ids_come_before_the_unknown_stream() {
    let raw = stream_of(2);
    for stream in ["s", "missing"] {
        for id in ["2147483648", "ABKLFD8", "a-", "shardId-x"] {
            let message =
                format!("Could not find shard {id} in stream {stream} under account 000000000000.");
            let mut split = split_input(id, "2");
            let (mut first, mut second) = (merge_input(id, "y"), merge_input("0", id));
            for input in [&mut split, &mut first, &mut second] {
                input["StreamName"] = json!(stream);
            }
            raw.call("SplitShard", split).expect_error("ResourceNotFoundException", &message);
            raw.call("MergeShards", first).expect_error("ResourceNotFoundException", &message);
            raw.call("MergeShards", second).expect_error("ResourceNotFoundException", &message);
        }
    }
}

// behaviours 76, 107
#[test]
fn missing_shards_are_shown_normalised() {
    let raw = stream_of(2);
    let message =
        "Could not find shard shardId-000000000007 in stream s under account 000000000000.";
    for id in ["7", "shardId-7", "anything-000007"] {
        raw.call("SplitShard", split_input(id, "2"))
            .expect_error("ResourceNotFoundException", message);
        raw.call("MergeShards", merge_input(id, "9"))
            .expect_error("ResourceNotFoundException", message);
        raw.call("MergeShards", merge_input("0", id))
            .expect_error("ResourceNotFoundException", message);
    }
}

// behaviours 103
#[test]
fn loose_shard_ids_work() {
    let raw = stream_of(1);
    raw.done("SplitShard", split_input("anything-0", "100"));
    raw.done("MergeShards", merge_input("x-1", "2"));
    assert_eq!(raw.shards("s").len(), 4);
}

// behaviours 106
#[test]
fn only_neighbours_in_their_order_are_merged() {
    let raw = stream_of(3);
    for (lower, upper) in [(0, 2), (1, 0), (2, 1), (0, 0), (2, 0)] {
        raw.call("MergeShards", merge_input(&lower.to_string(), &upper.to_string())).expect_error(
            "InvalidArgumentException",
            &format!(
                "Shards shardId-{lower:012} and shardId-{upper:012} in stream s under account \
                 000000000000 are not an adjacent pair of shards eligible for merging"
            ),
        );
    }
    assert_eq!(raw.shards("s").len(), 3);
}

// facts, section 4, MergeShards
#[test]
fn a_merge_joins_ranges_and_names_both_parents() {
    let raw = stream_of(3);
    raw.advance(Duration::from_secs(5));
    raw.done("MergeShards", merge_input("1", "2"));
    let shards = raw.shards("s");
    let child = &shards[3];
    assert_eq!(
        members(child),
        [
            "AdjacentParentShardId",
            "HashKeyRange",
            "ParentShardId",
            "SequenceNumberRange",
            "ShardId"
        ]
    );
    assert_eq!(child["ParentShardId"], "shardId-000000000001");
    assert_eq!(child["AdjacentParentShardId"], "shardId-000000000002");
    assert_eq!(range(child), range_of("113427455640312821154458202477256070485", MAX));
    assert_eq!(members(&shards[0]["SequenceNumberRange"]), ["StartingSequenceNumber"]);
    let ends = [1, 2].map(|shard: usize| {
        Number::read(shards[shard]["SequenceNumberRange"]["EndingSequenceNumber"].as_str().unwrap())
    });
    assert_eq!(ends.map(|end| end.seconds), [START.as_seconds() + 5; 2]);
    assert_eq!(ends.map(|end| end.shard), [1, 2]);
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], 2);
}

// behaviours 103; facts, section 4, SplitShard
#[test]
fn a_stream_is_updating_until_the_split_is_done() {
    let raw = Raw::with(|builder| builder.state_delay(DELAY));
    raw.create_stream("s", 2);
    raw.advance(DELAY);
    raw.done("SplitShard", split_input("0", "2"));
    assert_eq!(raw.status("s"), "UPDATING");
    assert_eq!(raw.shards("s").len(), 2, "shards are unchanged");
    let mut input = put_input("s", "k", b"in time");
    input["ExplicitHashKey"] = json!("0");
    assert_eq!(raw.ok("PutRecord", input.clone())["ShardId"], "shardId-000000000000");
    raw.iterator("s", "0", "LATEST");
    let in_use = "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING";
    for (operation, input) in [
        ("SplitShard", split_input("1", "9")),
        ("SplitShard", split_input("7", "9")),
        ("MergeShards", merge_input("0", "1")),
        ("MergeShards", merge_input("1", "0")),
    ] {
        raw.call(operation, input).expect_error("ResourceInUseException", in_use);
    }
    raw.advance(DELAY);
    assert_eq!(raw.status("s"), "ACTIVE");
    let shards = raw.shards("s");
    assert_eq!(shards.len(), 4);
    let end =
        Number::read(shards[0]["SequenceNumberRange"]["EndingSequenceNumber"].as_str().unwrap());
    assert_eq!(end.seconds, START.as_seconds() + 2, "the end is the moment of completion");
    assert_eq!(raw.ok("PutRecord", input)["ShardId"], "shardId-000000000002");
    assert_eq!(raw.read_all("s", "0"), ["in time"]);
}

#[test]
fn a_stream_can_be_deleted_in_the_middle_of_a_split() {
    let raw = Raw::with(|builder| builder.state_delay(DELAY));
    raw.create_stream("s", 1);
    raw.advance(DELAY);
    raw.done("SplitShard", split_input("0", "2"));
    raw.advance(DELAY / 2);
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    raw.advance(DELAY / 2);
    assert_eq!(raw.status("s"), "DELETING", "the end of the split does not bring it back");
    raw.advance(DELAY);
    raw.call("DescribeStream", json!({"StreamName": "s"}))
        .expect_error_kind("ResourceNotFoundException");
}

// behaviours 141
#[test]
fn on_demand_streams_are_not_resharded_by_hand() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s"}));
    raw.call("SplitShard", split_input("0", "2")).expect_error_kind("ValidationException");
    raw.call("MergeShards", merge_input("0", "1")).expect_error_kind("ValidationException");
}

// facts, section 4, SplitShard: the limit is looked at after state and shard
#[test]
fn a_split_within_the_shard_limit_only() {
    let raw = Raw::with(|builder| builder.shard_limit(2).state_delay(DELAY));
    raw.create_stream("s", 2);
    raw.call("SplitShard", split_input("0", "2")).expect_error_kind("ResourceInUseException");
    raw.advance(DELAY);
    raw.call("SplitShard", split_input("0", "2")).expect_error(
        "LimitExceededException",
        "This request would exceed the shard limit for the account 000000000000 in us-east-1. \
         Current shard count for the account: 2. Limit: 2. Number of additional shards that would \
         have resulted from this request: 1. Refer to the AWS Service Limits page \
         (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits \
         and how to request higher limits.",
    );
}

// facts, section 4, SplitShard: order of refusals
#[test]
fn a_missing_shard_comes_before_the_shard_limit() {
    let raw = Raw::with(|builder| builder.shard_limit(2));
    raw.create_stream("s", 2);
    raw.call("SplitShard", split_input("5", "2")).expect_error(
        "ResourceNotFoundException",
        "Could not find shard shardId-000000000005 in stream s under account 000000000000.",
    );
}

// facts, section 4, SplitShard: order of refusals
#[test]
fn an_updating_stream_comes_before_the_shard_limit() {
    let raw = Raw::with(|builder| builder.shard_limit(3).state_delay(DELAY));
    raw.create_stream("s", 3);
    raw.advance(DELAY);
    raw.done("MergeShards", merge_input("0", "1"));
    raw.call("SplitShard", split_input("2", "226854911280625642308916404954512140980"))
        .expect_error(
            "ResourceInUseException",
            "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING",
        );
}

// behaviours 104
#[test]
fn the_end_of_a_split_shard_names_its_children() {
    let raw = stream_of(1);
    for data in ["a", "b", "c"] {
        raw.put("s", "k", data.as_bytes());
    }
    let tailing = raw.iterator("s", "0", "LATEST");
    raw.done("SplitShard", split_input("0", "2"));
    let first = raw.iterator("s", "0", "TRIM_HORIZON");
    let cut = raw.ok("GetRecords", json!({"ShardIterator": first, "Limit": 2}));
    assert_eq!(members(&cut), ["MillisBehindLatest", "NextShardIterator", "Records"]);
    assert_eq!(data_of(&cut), ["a", "b"]);
    let mut answer = raw.read(&text(&cut["NextShardIterator"]));
    assert_eq!(data_of(&answer), ["c"]);
    // The end may come with the last records or in an answer of its own.
    if let Some(next) = answer.get("NextShardIterator") {
        assert_eq!(answer.get("ChildShards"), None, "children only at the end");
        answer = raw.read(&text(next));
    }
    let child = |shard: u32, start: &str, end: &str| {
        json!({
            "ShardId": format!("shardId-{shard:012}"),
            "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": {"StartingHashKey": start, "EndingHashKey": end},
        })
    };
    let children = json!([child(1, "0", "1"), child(2, "2", MAX)]);
    for end in [answer, raw.read(&tailing), raw.read(&raw.iterator("s", "0", "LATEST"))] {
        assert_eq!(members(&end), ["ChildShards", "MillisBehindLatest", "Records"]);
        assert_eq!((&end["ChildShards"], &end["MillisBehindLatest"]), (&children, &json!(0)));
    }
}

// behaviours 104: also when Limit cuts exactly at the last record
#[test]
fn a_cut_at_the_last_record_ends_consistently() {
    let raw = stream_of(1);
    raw.put("s", "k", b"a");
    raw.done("SplitShard", split_input("0", "2"));
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 1}));
    assert_eq!(data_of(&answer), ["a"]);
    // The KCL takes a missing iterator and children only together.
    assert_eq!(answer.get("NextShardIterator").is_none(), answer.get("ChildShards").is_some());
}

// behaviours 105
#[test]
fn both_parents_of_a_merge_name_the_same_child() {
    let raw = stream_of(2);
    raw.put("s", "a", b"x");
    raw.done("MergeShards", merge_input("0", "1"));
    let child = json!([{
        "ShardId": "shardId-000000000002",
        "ParentShards": ["shardId-000000000000", "shardId-000000000001"],
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": MAX},
    }]);
    for parent in ["0", "1"] {
        let end = raw.read(&raw.iterator("s", parent, "LATEST"));
        assert_eq!(members(&end), ["ChildShards", "MillisBehindLatest", "Records"]);
        assert_eq!(end["ChildShards"], child);
    }
}

// behaviours 61, 104
#[test]
fn puts_go_to_the_children_and_reading_on_finds_everything() {
    let raw = stream_of(1);
    for number in 0..10 {
        raw.put("s", &number.to_string(), number.to_string().as_bytes());
    }
    raw.done("SplitShard", split_input("0", "170141183460469231731687303715884105728"));
    for number in 10..20 {
        raw.put("s", &number.to_string(), number.to_string().as_bytes());
    }
    raw.done("MergeShards", merge_input("1", "2"));
    for number in 20..30 {
        raw.put("s", &number.to_string(), number.to_string().as_bytes());
    }
    let counts = ["0", "1", "2", "3"].map(|shard| raw.read_all("s", shard).len());
    assert_eq!((counts[0], counts[1] + counts[2], counts[3]), (10, 10, 10));
    let mut all: Vec<u32> = ["0", "1", "2", "3"]
        .iter()
        .flat_map(|shard| raw.read_all("s", shard))
        .map(|data| data.parse().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<_>>());
}

// behaviours 99: the child's numbers begin one second after the parent's end.
// A record that arrives within that second is dated to its end (kinesalite).
#[test]
fn a_record_right_after_a_split_is_above_the_childs_start() {
    let raw = stream_of(1);
    raw.done("SplitShard", split_input("0", "2"));
    let number = raw.put("s", "k", b"x");
    let start = text(&raw.shards("s")[2]["SequenceNumberRange"]["StartingSequenceNumber"]);
    assert!(number > start);
    let answer = raw.read(&raw.iterator("s", "2", "TRIM_HORIZON"));
    let arrival = answer["Records"][0]["ApproximateArrivalTimestamp"].as_f64().unwrap();
    let late = arrival - START.as_seconds() as f64;
    assert!((0.0..=1.0).contains(&late), "{late} s");
    assert_eq!(each(&answer["Records"], "SequenceNumber"), [number]);
    assert_eq!(list(&answer["Records"]).len(), 1);
}
