//! What is there again after a restart.

use std::fs;
use std::time::Duration;

use kinesis_emulator::{Builder, Clock, Emulator, Init, InitialStream, Snapshot};
use serde_json::{Value, json};

use crate::support::directory::Directory;
use crate::support::raw::{Raw, START, list, put_input, text};
use crate::wire::snapshots::furnish;

/// An emulator in a directory, as its own process would be started anew.
fn started_in(directory: &Directory, set: impl FnOnce(Builder) -> Builder) -> Raw {
    Raw::with(|builder| set(directory.keep(builder)))
}

/// All that a snapshot says of the state: its lines but for the first, which
/// tells how far chance had got, and the last, which counts them. Accounts that
/// were only named have nothing to keep, and the strategy AUTO begins its round
/// anew.
fn state(snapshot: &Snapshot) -> Vec<Value> {
    let text = String::from_utf8(snapshot.to_bytes()).expect("it is text");
    let mut lines: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.pop();
    for line in &mut lines {
        if let Some(stream) = line.get_mut("stream") {
            stream["auto_turn"] = Value::Null;
        }
    }
    lines
}

/// Receives from a queue, acknowledges one record and lets the rest be in flight.
fn furnish_queue(raw: &Raw) {
    raw.done(
        "CreateStream",
        json!({
            "StreamName": "jobs", "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        }),
    );
    raw.advance(Duration::from_secs(10));
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/jobs";
    let start = json!({"StreamARN": arn, "StartingPosition": {"Type": "TRIM_HORIZON"}});
    let queue = raw.ok(
        "CreateQueue",
        json!({
            "QueueName": "workers", "StreamConfigurationList": [start],
        }),
    );
    let queue = text(&queue["QueueDescription"]["QueueARN"]);
    raw.advance(Duration::from_secs(10));
    for number in 0..12 {
        raw.put("jobs", &format!("{number}"), b"to do");
    }
    for round in 0..3 {
        let received = raw.ok(
            "ReceiveQueueRecords",
            json!({
                "QueueARN": queue, "Limit": 4, "VisibilityTimeoutSeconds": 30,
            }),
        );
        let records = list(&received["QueueRecords"]);
        assert!(!records.is_empty());
        let done = json!({"ReceiptHandle": records[0]["ReceiptHandle"]});
        raw.ok("AcknowledgeQueueRecords", json!({"QueueARN": queue, "Entries": [done]}));
        raw.advance(Duration::from_secs(if round == 0 { 31 } else { 1 }));
    }
}

#[test]
fn everything_that_a_snapshot_has_survives_the_end_of_the_process() {
    let directory = Directory::new("everything");
    let raw = furnish(|builder| directory.keep(builder));
    furnish_queue(&raw);
    let before = state(&raw.emulator.snapshot());
    assert!(before.len() > 40, "there is something to keep");
    // Killed now, and ended as it should be.
    let killed = directory.copy();
    drop(raw);
    for directory in [&killed, &directory] {
        for _ in 0..2 {
            let again = started_in(directory, |builder| builder);
            let after = state(&again.emulator.snapshot());
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after);
            }
            assert_eq!(before.len(), after.len());
        }
    }
}

#[test]
fn everything_survives_in_a_checkpoint_and_what_was_told_after_it() {
    let directory = Directory::new("checkpoint");
    let small = |builder: Builder| directory.keep(builder).data_dir_spare_bytes(0);
    let raw = furnish(small);
    furnish_queue(&raw);
    let has_checkpoint = || {
        let is_whole = |file: &std::path::PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("checkpoint-") && !name.ends_with(".part")
        };
        directory.files().iter().any(is_whole)
    };
    // The thread that writes it comes when it comes.
    let mut puts = 0;
    while !has_checkpoint() {
        raw.put("busy", &format!("{puts}"), b"more and more");
        puts += 1;
        assert!(puts < 100_000, "there is no checkpoint");
    }
    raw.put("orders", "k", b"after it");
    let before = state(&raw.emulator.snapshot());
    drop(raw);
    let again = started_in(&directory, |builder| builder);
    assert_eq!(state(&again.emulator.snapshot()), before);
}

#[test]
fn iterators_survive_and_ids_never_repeat() {
    let directory = Directory::new("ids");
    let first = started_in(&directory, |builder| builder.seed(7));
    first.create_stream("orders", 1);
    first.put("orders", "k", b"one");
    let shard = "shardId-000000000000";
    let iterator = first.iterator("orders", shard, "TRIM_HORIZON");
    let fresh = first.iterator("orders", shard, "LATEST");
    let request_id = first.call("ListStreams", json!({})).headers["x-amzn-requestid"].clone();
    drop(first);
    let second = started_in(&directory, |builder| builder.seed(7));
    let read = second.read(&iterator);
    assert_eq!(list(&read["Records"]).len(), 1);
    assert_ne!(second.iterator("orders", shard, "LATEST"), fresh);
    let again = second.call("ListStreams", json!({})).headers["x-amzn-requestid"].clone();
    assert_ne!(again, request_id);
}

#[test]
fn a_stream_that_is_under_way_arrives_after_a_restart() {
    let directory = Directory::new("under-way");
    let delay = Duration::from_secs(5);
    let first = started_in(&directory, |builder| builder.state_delay(delay));
    first.create_stream("orders", 1);
    drop(first);
    let second = started_in(&directory, |builder| builder.state_delay(delay));
    assert_eq!(second.status("orders"), "CREATING");
    second.advance(delay);
    assert_eq!(second.status("orders"), "ACTIVE");
    assert_eq!(second.shards("orders").len(), 1);
    second.done("DeleteStream", json!({"StreamName": "orders"}));
    second.advance(delay);
    drop(second);
    let third = started_in(&directory, |builder| builder.state_delay(delay));
    assert_eq!(third.ok("ListStreams", json!({}))["StreamNames"], json!([]));
}

#[test]
fn what_was_restored_is_what_is_kept() {
    let directory = Directory::new("restored");
    let first = started_in(&directory, |builder| builder);
    first.create_stream("orders", 2);
    first.put("orders", "k", b"one");
    let snapshot = first.emulator.snapshot();
    first.put("orders", "k", b"two");
    first.create_stream("clicks", 1);
    first.emulator.restore(&snapshot);
    first.put("orders", "other", b"three");
    let before = state(&first.emulator.snapshot());
    drop(first);
    let second = started_in(&directory, |builder| builder);
    assert_eq!(state(&second.emulator.snapshot()), before);
}

#[test]
fn a_new_directory_begins_with_a_snapshot_and_goes_on_without_it() {
    let directory = Directory::new("snapshot");
    let other = Raw::new();
    other.create_stream("orders", 1);
    other.put("orders", "k", b"from the snapshot");
    let snapshot = other.emulator.snapshot();
    let first = started_in(&directory, |builder| builder.snapshot(&snapshot));
    first.put("orders", "k", b"later");
    drop(first);
    let second = started_in(&directory, |builder| builder.snapshot(&snapshot));
    let shard = "shardId-000000000000";
    assert_eq!(second.read_all("orders", shard), ["from the snapshot", "later"]);
}

#[test]
fn what_is_to_be_there_from_the_start_is_made_unless_it_is_there() {
    let directory = Directory::new("init");
    let orders = || InitialStream::provisioned("orders", 1).record("k", "from the start");
    let clicks = InitialStream::provisioned("clicks", 2);
    let first = started_in(&directory, |builder| builder.init(Init::new().stream(orders())));
    first.put("orders", "k", b"later");
    drop(first);
    let init = Init::new().stream(orders()).stream(clicks);
    let second = started_in(&directory, |builder| builder.init(init));
    let shard = "shardId-000000000000";
    assert_eq!(second.read_all("orders", shard), ["from the start", "later"]);
    assert_eq!(second.shards("clicks").len(), 2);
}

/// What does not begin, and all that was said of it.
fn refused(directory: &Directory, set: impl FnOnce(Builder) -> Builder) -> String {
    let builder = Emulator::builder().clock(Clock::manual(START));
    set(directory.keep(builder)).try_in_process().expect_err("it cannot begin").to_string()
}

/// Two streams, the first of which has a record with this hash key between two others.
fn orders_and_clicks(hash_key: &str) -> Init {
    let orders = InitialStream::provisioned("orders", 1)
        .consumer("billing")
        .record("k", "a")
        .record_at("k", hash_key, "b")
        .record("k", "c");
    Init::new().stream(orders).stream(InitialStream::provisioned("clicks", 2))
}

#[test]
fn nothing_is_kept_of_a_beginning_that_fails_and_the_mended_one_is_whole() {
    let directory = Directory::new("half-begun");
    for _ in 0..2 {
        let said = refused(&directory, |builder| builder.init(orders_and_clicks("-5")));
        assert!(said.contains("streams[0].records[1]"), "{said}");
    }
    // What is in the file now can be something else.
    let raw = started_in(&directory, |builder| builder);
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!([]));
    drop(raw);
    for _ in 0..2 {
        let raw = started_in(&directory, |builder| builder.init(orders_and_clicks("5")));
        assert_eq!(raw.read_all("orders", "shardId-000000000000"), ["a", "b", "c"]);
        assert_eq!(raw.shards("clicks").len(), 2);
    }
}

#[test]
fn a_directory_is_as_it_was_after_a_beginning_that_failed() {
    let directory = Directory::new("half-begun-again");
    let raw = furnish(|builder| directory.keep(builder));
    let before = state(&raw.emulator.snapshot());
    drop(raw);
    let bytes = || -> Vec<_> {
        let files = directory.files().into_iter();
        files.map(|file| (file.clone(), fs::read(file).expect("it can be read"))).collect()
    };
    let there_before = bytes();
    // The second stream of that name is refused when the first one has been made.
    let twice = || {
        let late = || InitialStream::provisioned("late", 1).record("k", "a");
        Init::new().stream(late()).stream(late())
    };
    let said = refused(&directory, |builder| builder.init(twice()));
    assert!(said.contains("streams[1]: ResourceInUseException"), "{said}");
    let there_then = bytes();
    for file in &there_before {
        assert!(there_then.contains(file), "{} was touched", file.0.display());
    }
    refused(&directory, |builder| builder.init(twice()));
    assert_eq!(bytes().len(), there_then.len(), "failing again and again leaves no files");
    let again = started_in(&directory, |builder| builder);
    assert_eq!(state(&again.emulator.snapshot()), before);
}

#[test]
fn nothing_is_kept_of_a_snapshot_when_what_comes_with_it_is_refused() {
    let other = Raw::new();
    other.create_stream("books", 1);
    other.put("books", "k", b"from the snapshot");
    let snapshot = other.emulator.snapshot();
    let directory = Directory::new("half-begun-snapshot");
    refused(&directory, |builder| builder.snapshot(&snapshot).init(orders_and_clicks("-5")));
    drop(started_in(&directory, |builder| {
        builder.snapshot(&snapshot).init(orders_and_clicks("5"))
    }));
    let raw = started_in(&directory, |builder| builder);
    let shard = "shardId-000000000000";
    assert_eq!(raw.read_all("books", shard), ["from the snapshot"]);
    assert_eq!(raw.read_all("orders", shard), ["a", "b", "c"]);
    assert_eq!(
        raw.ok("ListStreams", json!({}))["StreamNames"],
        json!(["books", "clicks", "orders"])
    );
}

#[test]
fn streams_of_a_snapshot_stay_as_they_are_from_the_first_start_on() {
    let other = Raw::new();
    other.create_stream("orders", 1);
    other.put("orders", "k", b"from the snapshot");
    let snapshot = other.emulator.snapshot();
    let directory = Directory::new("snapshot-and-init");
    for _ in 0..2 {
        let raw = started_in(&directory, |builder| {
            builder.snapshot(&snapshot).init(orders_and_clicks("5"))
        });
        assert_eq!(raw.read_all("orders", "shardId-000000000000"), ["from the snapshot"]);
        assert_eq!(raw.shards("clicks").len(), 2);
    }
    // There is nothing to go on with where nothing is kept: that is a mistake.
    let both = Emulator::builder().snapshot(&snapshot).init(orders_and_clicks("5"));
    let said = both.try_in_process().expect_err("there are two of that name").to_string();
    assert!(said.contains("streams[0]: ResourceInUseException"), "{said}");
}

#[test]
fn records_that_have_expired_meanwhile_are_gone() {
    let directory = Directory::new("expired");
    let first = started_in(&directory, |builder| builder);
    first.create_stream("orders", 1);
    first.put("orders", "k", b"old");
    first.advance(Duration::from_secs(25 * 60 * 60));
    let young = first.put("orders", "k", b"young");
    drop(first);
    let second = started_in(&directory, |builder| builder);
    let read = second.read(&second.iterator("orders", "shardId-000000000000", "TRIM_HORIZON"));
    assert_eq!(read["Records"][0]["SequenceNumber"], young.as_str());
    assert_eq!(list(&read["Records"]).len(), 1);
    let next = second.ok("PutRecord", put_input("orders", "k", b"next"));
    assert!(text(&next["SequenceNumber"]) > young, "numbers go on rising");
}
