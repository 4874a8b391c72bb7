//! Files that somebody has made up, with the checksum right: what no operation can have
//! led to is refused.

use kinesis_emulator::{Snapshot, SnapshotErrorKind};
use serde_json::{Value, json};

use super::{DELAY, clone_of, members_of, sealed};
use crate::support::raw::{Raw, START};

/// The lines of a file, but for its end.
fn lines_of(raw: &Raw) -> Vec<Value> {
    let text = String::from_utf8(raw.emulator.snapshot().to_bytes()).expect("it is text");
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.pop();
    lines
}

/// Lines of an emulator with one stream that takes its time: header, realm and the
/// stream, with its shards unless it is CREATING, and with the change that ends that.
fn lines_of_stream(shards: u32, is_made: bool) -> Vec<Value> {
    let raw = Raw::with(|builder| builder.state_delay(DELAY));
    raw.create_stream("s", shards);
    if is_made {
        raw.advance(DELAY);
        assert_eq!(raw.status("s"), "ACTIVE");
    }
    let lines = lines_of(&raw);
    let kinds: Vec<_> = lines[2..].iter().map(members_of).collect();
    if is_made {
        assert_eq!((kinds[0].as_str(), kinds.len()), ("stream", 1 + shards as usize));
    } else {
        assert_eq!(kinds, ["stream", "change"]);
    }
    lines
}

/// What is said of a file that somebody has made up, with the checksum right.
#[track_caller]
fn refused(lines: &[Value], says: &str) {
    let Err(error) = Snapshot::from_bytes(sealed(lines).as_bytes()) else {
        panic!("it was read, and should not have been: {says}")
    };
    assert_eq!(error.kind(), SnapshotErrorKind::Damaged);
    assert!(error.to_string().contains(says), "{error}, not {says}");
}

fn becoming(becomes: &Value) -> Value {
    json!({"change": {"at": START.as_millis(), "stream": "s", "becomes": becomes}})
}

#[test]
fn a_stream_without_shards_waits_for_nothing_but_its_making_and_its_end() {
    let lines = lines_of_stream(1, false);
    for becomes in [
        json!({"rescaled": {"shards": 2}}),
        json!({"mode_switched": {"mode": "ON_DEMAND", "warm_throughput": null}}),
        json!({"mode_switched": {"mode": "ON_DEMAND", "warm_throughput": 4}}),
        json!({"warmed": {"target": 4, "shards": 4}}),
        json!({"split": {"parent": 0, "upper_start": "10"}}),
        json!({"merged": {"lower": 0, "upper": 1}}),
        json!({"busy_shard_split": {"parent": 0, "shards_max": 10}}),
        json!({"encrypted": {"key": "alias/aws/kinesis"}}),
        json!("decrypted"),
        json!({"record_size_changed": {"limit_kib": 2048}}),
        json!("unchanged"),
        json!({"consumer_ready": {"name": "c"}}),
        json!({"consumer_gone": {"name": "c"}}),
    ] {
        let with = |rest: &[Value]| [&lines[..3], &[becoming(&becomes)], rest].concat();
        refused(&with(&[]), "s cannot be waiting for a change: it has no shards yet");
        refused(&with(&lines[3..]), "it has no shards yet");
    }
    refused(&[&lines[..], &[becoming(&json!("deleted"))]].concat(), "it is not DELETING");
    let mut deleted = lines.clone();
    deleted[2]["stream"]["status"] = json!("DELETING");
    deleted.push(becoming(&json!("deleted")));
    assert!(Snapshot::from_bytes(sealed(&deleted).as_bytes()).is_ok(), "it was deleted at once");
}

#[test]
fn a_stream_that_is_made_is_not_made_again_and_waits_for_one_change_at_a_time() {
    let active = lines_of_stream(2, true);
    let mut updating = active.clone();
    updating[2]["stream"]["status"] = json!("UPDATING");
    let mut on_demand = updating.clone();
    on_demand[2]["stream"]["mode"] = json!("ON_DEMAND");
    let split = json!({"split": {"parent": 0, "upper_start": "10"}});
    let merge = json!({"merged": {"lower": 0, "upper": 1}});
    for (lines, becomes, says) in [
        (&active, vec![json!({"created": {"shards": 1}})], "it has been made"),
        (&updating, vec![json!({"created": {"shards": 1}})], "it has been made"),
        (&active, vec![json!("deleted")], "it is not DELETING"),
        (&active, vec![split.clone()], "it is not UPDATING"),
        (&active, vec![json!("unchanged")], "it is not UPDATING"),
        (&updating, vec![split.clone(), split.clone()], "it waits for another one"),
        (&updating, vec![json!("decrypted"), merge.clone()], "it waits for another one"),
        (
            &updating,
            vec![
                json!({"mode_switched": {"mode": "ON_DEMAND", "warm_throughput": 9}}),
                split.clone(),
            ],
            "it waits for another one",
        ),
        (&on_demand, vec![split.clone()], "are not split or merged"),
        (&on_demand, vec![merge.clone()], "are not split or merged"),
        (
            &updating,
            vec![json!({"split": {"parent": 2, "upper_start": "10"}})],
            "its shards are not such that it could be made",
        ),
        (
            &updating,
            vec![json!({"merged": {"lower": 1, "upper": 0}})],
            "its shards are not such that it could be made",
        ),
    ] {
        let changes: Vec<_> = becomes.iter().map(becoming).collect();
        refused(&[&lines[..], &changes].concat(), says);
    }
    for becomes in [split, merge, json!("decrypted")] {
        let lines = [&updating[..], &[becoming(&becomes)]].concat();
        let read = Snapshot::from_bytes(sealed(&lines).as_bytes());
        let raw = clone_of(&read.unwrap_or_else(|error| panic!("{becomes}: {error}")));
        assert_eq!(raw.status("s"), "ACTIVE");
        raw.put("s", "k", b"taken");
    }
}

#[test]
fn a_small_file_asks_for_no_more_shards_than_operations_make() {
    const MOST: u32 = 10_240;
    let creating = lines_of_stream(1, false);
    let mut updating = lines_of_stream(1, true);
    updating[2]["stream"]["status"] = json!("UPDATING");
    let at_once = "no operation makes so many shards at once";
    let warm = "no stream is ready for so many MiB per second";
    for (lines, becomes, says) in [
        (&creating, json!({"created": {"shards": 0}}), at_once),
        (&creating, json!({"created": {"shards": MOST + 1}}), at_once),
        (&updating, json!({"rescaled": {"shards": 0}}), at_once),
        (&updating, json!({"rescaled": {"shards": MOST + 1}}), at_once),
        (&updating, json!({"warmed": {"target": 4, "shards": MOST + 1}}), at_once),
        (&updating, json!({"warmed": {"target": MOST + 1, "shards": 4}}), warm),
        (
            &updating,
            json!({"mode_switched": {"mode": "ON_DEMAND", "warm_throughput": MOST + 1}}),
            warm,
        ),
    ] {
        let lines: Vec<_> = lines.iter().filter(|line| line.get("change").is_none()).collect();
        let lines: Vec<_> = lines.into_iter().cloned().chain([becoming(&becomes)]).collect();
        refused(&lines, says);
    }
    let mut plans = creating.clone();
    plans[2]["stream"]["planned_shards"] = json!(MOST + 1);
    refused(&plans, "s plans more shards than there can be");
    let mut warm_already = creating.clone();
    warm_already[2]["stream"]["warm_throughput"] = json!(MOST + 1);
    refused(&warm_already, warm);
    // Each of them may be, and all together may not.
    let (mut streams, mut changes) = (creating[..2].to_vec(), Vec::new());
    for number in 0..98 {
        let name = format!("s{number:02}");
        let mut stream = creating[2].clone();
        stream["stream"]["name"] = json!(name);
        stream["stream"]["incarnation"] = json!(number);
        streams.push(stream);
        let becomes = json!({"created": {"shards": MOST}});
        let at = START.as_millis();
        changes.push(json!({"change": {"at": at, "stream": name, "becomes": becomes}}));
    }
    streams.extend(changes);
    refused(&streams, "the changes to come make more than 1000000 shards");
}

#[test]
fn shards_that_cannot_be_are_refused() {
    let active = lines_of_stream(2, true);
    let (before, shards) = active.split_at(3);
    refused(before, "s has no shards");
    refused(&[before, &shards[..1]].concat(), "the shards of s do not fit together");
    let status = |status: &str| {
        let mut lines = active.clone();
        lines[2]["stream"]["status"] = json!(status);
        lines
    };
    refused(&status("CREATING"), "s is CREATING and has shards");
    let changed = |shard: usize, member: &str, value: Value| {
        let mut lines = active.clone();
        lines[3 + shard]["shard"][member] = value;
        lines
    };
    let do_not_fit = "the shards of s do not fit together";
    refused(&changed(1, "first_hash_key", json!("10")), do_not_fit);
    refused(&changed(0, "last_hash_key", json!("10")), do_not_fit);
    refused(&changed(0, "closed", json!(START.as_millis())), do_not_fit);
    refused(&changed(0, "parent", json!(0)), do_not_fit);
    refused(
        &changed(1, "parent", json!(0)),
        "shardId-000000000000 is open and has the child shardId-000000000001",
    );
    let mut inverted = shards[1].clone();
    inverted["shard"]["number"] = json!(2);
    inverted["shard"]["closed"] = json!(START.as_millis());
    inverted["shard"]["last_hash_key"] = json!("0");
    refused(&[&active[..], &[inverted]].concat(), "shardId-000000000002 ends before it begins");
}
