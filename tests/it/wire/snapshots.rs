//! Snapshots, byte by byte: as values, and as files whole and damaged.

mod made_up;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use kinesis_emulator::{Builder, Snapshot, SnapshotErrorKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::channels::{created, to_bucket, to_table};
use crate::support::raw::{Answer, Custom, Raw, START, each, list, put_input, text};

const DELAY: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream";

#[test]
fn the_same_calls_on_every_clone_give_the_same_bytes() {
    let raw = furnished();
    let snapshot = raw.emulator.snapshot();
    let clones = [clone_of(&snapshot), clone_of(&snapshot), clone_of(&snapshot.clone())];
    let mut answers = clones.iter().map(everything_and_more);
    let first = answers.next().expect("there are three");
    for other in answers {
        assert_eq!(other.len(), first.len());
        for (one, other) in first.iter().zip(other) {
            assert_eq!(
                (one.status, &one.body, &one.headers),
                (other.status, &other.body, &other.headers)
            );
        }
    }
    // The original has not been asked since: it would say the same, too.
    assert_eq!(bodies(&everything_and_more(&raw)), bodies(&first));
    raw.emulator.restore(&snapshot);
    assert_ne!(bodies(&everything_and_more(&raw)), bodies(&first), "time does not go back");
}

#[test]
fn a_snapshot_from_a_file_gives_the_same_bytes_as_the_one_that_was_written() {
    let raw = furnished();
    let snapshot = raw.emulator.snapshot();
    let file = File::new("same-bytes");
    snapshot.write_to(&file.0).expect("there is room");
    let read = Snapshot::read_from(&file.0).expect("it is whole");
    assert_eq!(read.taken(), snapshot.taken());
    let written = fs::read(&file.0).expect("it was written");
    assert_eq!(
        bodies(&everything_and_more(&clone_of(&read))),
        bodies(&everything_and_more(&clone_of(&snapshot)))
    );
    read.write_to(&file.0).expect("there is room");
    assert_eq!(fs::read(&file.0).expect("it was written"), written, "nothing was lost");
    assert!(file.parts().is_empty(), "no rests stay behind");
}

#[test]
fn the_file_is_the_documented_one() {
    let raw = Raw::with(|builder| builder.seed(7));
    raw.create_stream("s", 1);
    raw.put("s", "k\"ey", b"data");
    let file = File::new("documented");
    raw.emulator.snapshot().write_to(&file.0).expect("there is room");
    let text = fs::read_to_string(&file.0).expect("it is text");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(lines[0]["format"], "kinesis-emulator-snapshot");
    assert_eq!(lines[0]["version"], 1);
    assert_eq!(lines[0]["taken"], START.as_millis());
    let kinds: Vec<_> = lines[1..].iter().map(members_of).collect();
    assert_eq!(kinds, ["realm", "stream", "shard", "record", "end"]);
    let record = json!({"arrival": START.as_millis(), "key": "k\"ey", "data": "ZGF0YQ=="});
    assert_eq!(lines[4]["record"], record);
    let counts = json!({"realms": 1, "streams": 1, "shards": 1, "records": 1, "changes": 0});
    for (name, count) in counts.as_object().expect("a structure") {
        assert_eq!(lines[5]["end"][name], *count);
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let file = File::new("cut");
    let whole = furnished_file(&file);
    let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    for end in ends.filter(|end| *end < whole.len()) {
        // After a line, without its line feed, and within it.
        for length in [end, end - 1, end - 2] {
            fs::write(&file.0, &whole[..length]).expect("there is room");
            let error = Snapshot::read_from(&file.0).expect_err("it is cut off");
            let kind = error.kind();
            let in_header = length < whole.iter().position(|byte| *byte == b'\n').expect("lines");
            assert!(
                kind == SnapshotErrorKind::CutOff
                    || in_header && kind == SnapshotErrorKind::NotASnapshot,
                "{length}: {error}"
            );
            assert!(error.to_string().contains(&file.0.display().to_string()));
        }
    }
    fs::write(&file.0, [&whole[..], b"x"].concat()).expect("there is room");
    let error = Snapshot::read_from(&file.0).expect_err("more follows");
    assert_eq!(error.kind(), SnapshotErrorKind::Damaged);
}

#[test]
fn files_of_other_kinds_are_told_apart() {
    let file = File::new("kinds");
    let whole = String::from_utf8(furnished_file(&file)).expect("it is text");
    for (contents, kind, says) in [
        (String::new(), SnapshotErrorKind::NotASnapshot, "is not a snapshot"),
        ("{}\n".to_owned(), SnapshotErrorKind::NotASnapshot, "is not a snapshot"),
        ("x".repeat(1 << 20), SnapshotErrorKind::NotASnapshot, "is not a snapshot"),
        (
            whole.replace("emulator-snapshot", "mock-snapshot"),
            SnapshotErrorKind::NotASnapshot,
            "is not a snapshot",
        ),
        (
            whole.replacen(r#""version":1"#, r#""version":2,"new":0"#, 1),
            SnapshotErrorKind::NewerVersion,
            "format version 2, and this kinesis-emulator reads versions up to 1",
        ),
        (whole.replacen("\"taken\"", "\"token\"", 1), SnapshotErrorKind::Damaged, "in line 1"),
    ] {
        fs::write(&file.0, contents).expect("there is room");
        let error = Snapshot::read_from(&file.0).expect_err(says);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    fs::remove_file(&file.0).expect("it is there");
    let error = Snapshot::read_from(&file.0).expect_err("it is gone");
    assert_eq!(error.kind(), SnapshotErrorKind::Io);
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = File::new("folder");
    fs::create_dir_all(&folder.0).expect("there is room");
    let snapshot = Raw::new().emulator.snapshot();
    let error = snapshot.write_to(&folder.0).expect_err("it is a folder");
    assert_eq!(error.kind(), SnapshotErrorKind::Io);
    assert!(error.to_string().contains("choose another file"), "{error}");
    assert!(folder.parts().is_empty(), "no rests stay behind");
    let error = snapshot.write_to(folder.0.join("no/such")).expect_err("there is no folder");
    assert_eq!(error.kind(), SnapshotErrorKind::Io);
    fs::remove_dir(&folder.0).expect("it is empty");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_is_noticed(changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..=255), 1..40)) {
        let file = File::new("flipped");
        let whole = furnished_file(&file);
        for (at, change) in changes {
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] ^= change;
            fs::write(&file.0, damaged).expect("there is room");
            prop_assert!(Snapshot::read_from(&file.0).is_err());
        }
    }

    /// A file that somebody has made up, with the checksum right.
    #[test]
    fn no_file_makes_an_emulator_that_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), edit()), 1..4),
    ) {
        let file = File::new("made-up");
        let whole = String::from_utf8(furnished_file(&file)).expect("it is text");
        let mut lines: Vec<Value> =
            whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        lines.pop();
        for (line, member, edit) in edits {
            let line = line.index(lines.len());
            match edit {
                Edit::Remove if line > 0 => drop(lines.remove(line)),
                Edit::Repeat => lines.insert(line, lines[line].clone()),
                Edit::Swap => {
                    let other = member.index(lines.len());
                    lines.swap(line, other);
                }
                Edit::Number(number) => {
                    let mut numbers = Vec::new();
                    numbers_in(&mut lines[line], &mut numbers);
                    if !numbers.is_empty() {
                        let at = member.index(numbers.len());
                        *numbers.swap_remove(at) = json!(number);
                    }
                }
                Edit::Remove => {}
            }
        }
        fs::write(&file.0, sealed(&lines)).expect("there is room");
        match Snapshot::read_from(&file.0) {
            Err(error) => prop_assert_ne!(error.kind(), SnapshotErrorKind::Io),
            Ok(snapshot) => {
                let raw = clone_of(&snapshot);
                for answer in everything_and_more(&raw) {
                    prop_assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Remove,
    Repeat,
    Swap,
    Number(u64),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        1 => Just(Edit::Remove),
        1 => Just(Edit::Repeat),
        1 => Just(Edit::Swap),
        4 => prop_oneof![Just(0), Just(1), 0u64..20, any::<u32>().prop_map(u64::from), any::<u64>()]
            .prop_map(Edit::Number),
    ]
}

/// Every number in a line, and every number in quotes.
fn numbers_in<'v>(value: &'v mut Value, found: &mut Vec<&'v mut Value>) {
    match value {
        Value::Number(_) | Value::Null => found.push(value),
        Value::Array(values) => values.iter_mut().for_each(|value| numbers_in(value, found)),
        Value::Object(members) => members.values_mut().for_each(|value| numbers_in(value, found)),
        Value::String(_) | Value::Bool(_) => {}
    }
}

/// Lines with the end that belongs to them.
fn sealed(lines: &[Value]) -> String {
    let mut whole: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    let count = |kind: &str| lines.iter().filter(|line| line.get(kind).is_some()).count();
    let end = json!({"end": {
        "realms": count("realm"), "streams": count("stream"), "shards": count("shard"),
        "records": count("record"), "changes": count("change"), "crc32": crc32(whole.as_bytes()),
    }});
    whole.push_str(&end.to_string());
    whole + "\n"
}

/// CRC-32 as in gzip (RFC 1952), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn a_snapshot_is_one_moment_of_all_streams_while_others_write() {
    let raw = Raw::new();
    for name in ["a", "b"] {
        raw.create_stream(name, 3);
    }
    // So that to freeze a and b takes its time.
    for number in 0..100 {
        raw.create_stream(&format!("a{number}"), 10);
    }
    let done = AtomicBool::new(false);
    let snapshots: Vec<_> = std::thread::scope(|scope| {
        // Each writer puts its n-th record into a, and then into b.
        for writer in 0..3 {
            let (raw, done) = (&raw, &done);
            scope.spawn(move || {
                for number in 0.. {
                    for stream in ["a", "b"] {
                        let data = format!("{writer} {number}");
                        raw.put(stream, &data, data.as_bytes());
                    }
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        let snapshots = (0..40).map(|_| raw.emulator.snapshot()).collect();
        done.store(true, Ordering::Relaxed);
        snapshots
    });
    let mut counted = 0;
    for snapshot in &snapshots {
        let clone = clone_of(snapshot);
        let numbers = |stream: &str| {
            let mut found = [vec![], vec![], vec![]];
            for shard in 0..3 {
                for data in clone.read_all(stream, &format!("shardId-{shard:012}")) {
                    let (writer, number) = data.split_once(' ').expect("a writer and a number");
                    let writer: usize = writer.parse().expect("a number");
                    found[writer].push(number.parse::<usize>().expect("a number"));
                }
            }
            found.map(|mut numbers| {
                numbers.sort_unstable();
                assert!(numbers.iter().copied().eq(0..numbers.len()), "nothing is left out");
                numbers.len()
            })
        };
        let (a, b) = (numbers("a"), numbers("b"));
        for (a, b) in a.into_iter().zip(b) {
            assert!(a == b || a == b + 1, "{a} records came before {b}");
        }
        counted += a.iter().sum::<usize>();
    }
    assert!(counted > 0, "something was written meanwhile");
}

#[test]
fn no_snapshot_catches_a_call_half_way() {
    let raw = Raw::with(|builder| builder.state_delay(DELAY));
    let done = AtomicBool::new(false);
    let mut under_way = 0;
    std::thread::scope(|scope| {
        for name in ["one", "other"] {
            let (raw, done) = (&raw, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    make_and_delete(raw, name);
                }
            });
        }
        while under_way < 300 {
            let clone = clone_of(&raw.emulator.snapshot());
            under_way += transient_states(&clone);
            clone.advance(DELAY);
            if transient_states(&clone) > 0 {
                done.store(true, Ordering::Relaxed);
                panic!("a change that had begun never ends");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Every change of a stream and of a consumer that takes two steps or more.
fn make_and_delete(raw: &Raw, name: &str) {
    let arn = format!("{ARN}/{name}");
    let consumer = json!({"StreamARN": arn, "ConsumerName": "c"});
    // What the other thread's clock does to it is of no interest here.
    raw.call("CreateStream", json!({"StreamName": name, "ShardCount": 1}));
    raw.advance(DELAY);
    raw.call("RegisterStreamConsumer", consumer.clone());
    raw.call("UpdateMaxRecordSize", json!({"StreamARN": arn, "MaxRecordSizeInKiB": 2048}));
    raw.advance(DELAY);
    raw.call("DeregisterStreamConsumer", consumer);
    raw.call("DeleteStream", json!({"StreamName": name, "EnforceConsumerDeletion": true}));
    raw.advance(DELAY);
}

/// How many streams and consumers are on their way from one state to another.
fn transient_states(raw: &Raw) -> usize {
    let mut found = 0;
    for name in list(&raw.ok("ListStreams", json!({}))["StreamNames"]) {
        let name = text(name);
        found += usize::from(raw.status(&name) != "ACTIVE");
        let consumers = json!({"StreamARN": format!("{ARN}/{name}")});
        let answer = raw.call("ListStreamConsumers", consumers);
        if answer.status == StatusCode::OK {
            let states = answer.json();
            let states = each(&states["Consumers"], "ConsumerStatus");
            found += states.into_iter().filter(|state| *state != "ACTIVE").count();
        }
    }
    found
}

#[test]
fn a_restored_emulator_has_no_realm_left_from_before() {
    let raw = Raw::new();
    raw.create_stream("kept", 1);
    let snapshot = raw.emulator.snapshot();
    let foreign = |operation: &str, input: Value| {
        raw.send(Custom::json(operation, &input).by("111111111111", "eu-west-1"))
    };
    foreign("CreateStream", json!({"StreamName": "later", "ShardCount": 1})).expect_empty();
    raw.emulator.restore(&snapshot);
    let streams = foreign("ListStreams", json!({})).expect_ok();
    assert_eq!(streams["StreamNames"], json!([]));
    assert_eq!(raw.ok("ListStreams", json!({}))["StreamNames"], json!(["kept"]));
}

/// An emulator that has something of everything.
fn furnished() -> Raw {
    furnish(|builder| builder)
}

/// The same with other settings.
pub(crate) fn furnish(set: impl FnOnce(Builder) -> Builder) -> Raw {
    let raw = Raw::with(|builder| set(builder.seed(7).state_delay(DELAY)));
    let foreign = |operation: &str, input: Value| {
        raw.send(Custom::json(operation, &input).by("111111111111", "eu-west-1"))
    };
    let commitment = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    raw.ok("UpdateAccountSettings", commitment);
    raw.create_stream("orders", 2);
    raw.create_stream("gone", 1);
    raw.create_stream("busy", 3);
    raw.create_stream("ending", 1);
    let auto = json!({"StreamName": "cloud", "RecordDistributionStrategy": "AUTO"});
    raw.done("CreateStream", auto);
    foreign("CreateStream", json!({"StreamName": "orders", "ShardCount": 1})).expect_empty();
    raw.advance(DELAY);
    raw.done("DeleteStream", json!({"StreamName": "gone"}));
    foreign("PutRecord", put_input("orders", "k", b"abroad")).expect_ok();
    for number in 0..6 {
        raw.put("orders", &format!("key \"{number}\" é"), format!("record {number}").as_bytes());
        raw.put("busy", &format!("{number}"), &vec![number; 3000]);
        let input = json!({"StreamName": "cloud", "Data": "AAAA"});
        raw.ok("PutRecord", input);
    }
    let arn = format!("{ARN}/orders");
    for name in ["reader", "second"] {
        let tags = json!({"team": "a b", "empty": ""});
        let input = json!({"StreamARN": arn, "ConsumerName": name, "Tags": tags});
        raw.ok("RegisterStreamConsumer", input);
    }
    raw.done("AddTagsToStream", json!({"StreamName": "orders", "Tags": {"stage": "test"}}));
    let policy =
        json!({"ResourceARN": arn, "Policy": r#"{"Version":"2012-10-17","Statement":[]}"#});
    raw.done("PutResourcePolicy", policy);
    let metrics = json!({"StreamName": "orders", "ShardLevelMetrics": ["IncomingBytes"]});
    raw.ok("EnableEnhancedMonitoring", metrics);
    let retention = json!({"StreamName": "orders", "RetentionPeriodHours": 48});
    raw.done("IncreaseStreamRetentionPeriod", retention);
    let middle = (1_u128 << 126).to_string();
    let split = |stream: &str| {
        let shard = "shardId-000000000000";
        json!({"StreamName": stream, "ShardToSplit": shard, "NewStartingHashKey": middle})
    };
    raw.done("SplitShard", split("orders"));
    raw.advance(DELAY);
    let merge = json!({
        "StreamName": "orders", "ShardToMerge": "shardId-000000000003",
        "AdjacentShardToMerge": "shardId-000000000001",
    });
    raw.done("MergeShards", merge);
    raw.advance(DELAY);
    let key =
        json!({"StreamName": "orders", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"});
    raw.done("StartStreamEncryption", key);
    raw.advance(DELAY);
    for number in 0..4 {
        raw.put("orders", &format!("later {number}"), b"");
    }
    // Under way from here on, and ending at different times.
    raw.create_stream("young", 2);
    raw.done("SplitShard", split("busy"));
    raw.advance(SECOND);
    raw.done("DeleteStream", json!({"StreamName": "ending"}));
    raw.ok("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "coming"}));
    raw.done("DeregisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "second"}));
    let warm = json!({"StreamName": "cloud", "WarmThroughputMiBps": 6});
    raw.ok("UpdateStreamWarmThroughput", warm);
    raw.ok("CreateChannel", to_bucket("archive", "cloud"));
    let lake = created(&raw, to_table("lake", "cloud"));
    raw.done("DeleteChannel", json!({"ChannelARN": lake}));
    let size = json!({"StreamARN": arn, "MaxRecordSizeInKiB": 2048});
    raw.done("UpdateMaxRecordSize", size);
    raw.advance(SECOND);
    raw
}

/// A file of a furnished emulator, and what is in it.
fn furnished_file(file: &File) -> Vec<u8> {
    furnished().emulator.snapshot().write_to(&file.0).expect("there is room");
    fs::read(&file.0).expect("it was written")
}

fn clone_of(snapshot: &Snapshot) -> Raw {
    Raw::with(|builder| builder.snapshot(snapshot).state_delay(DELAY))
}

/// What can be seen of an emulator now, after some writes, and when everything
/// that is under way has ended.
fn everything_and_more(raw: &Raw) -> Vec<Answer> {
    let mut answers = everything(raw);
    answers.push(raw.call("CreateStream", json!({"StreamName": "gone", "ShardCount": 1})));
    for stream in ["orders", "busy", "young", "cloud"] {
        for number in 0..5 {
            let input = put_input(stream, &format!("more {number}"), b"more");
            answers.push(raw.call("PutRecord", input));
        }
        let records: Vec<_> = (0..5).map(|_| json!({"Data": "BBBB"})).collect();
        answers.push(raw.call("PutRecords", json!({"StreamName": stream, "Records": records})));
    }
    answers.extend(everything(raw));
    for _ in 0..2 {
        raw.advance(DELAY / 2);
        answers.extend(everything(raw));
    }
    raw.advance(DELAY);
    answers.push(raw.call("PutRecord", put_input("young", "k", b"grown")));
    answers.push(raw.call(
        "UpdateShardCount",
        json!({
            "StreamName": "busy", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING",
        }),
    ));
    raw.advance(DELAY);
    answers.extend(everything(raw));
    answers
}

/// Every answer that shows something of the state.
fn everything(raw: &Raw) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (account, region) in [("000000000000", "us-east-1"), ("111111111111", "eu-west-1")] {
        let mut ask = |operation: &str, input: Value| {
            answers.push(raw.send(Custom::json(operation, &input).by(account, region)));
            answers.last().map(Answer::json).unwrap_or_default()
        };
        ask("DescribeLimits", json!({}));
        ask("DescribeAccountSettings", json!({}));
        let channels = ask("ListChannels", json!({}));
        for channel in channels["ChannelSummaries"].as_array().into_iter().flatten() {
            ask("DescribeChannel", json!({"ChannelARN": channel["ChannelARN"]}));
        }
        let streams = ask("ListStreams", json!({}));
        for name in streams["StreamNames"].as_array().into_iter().flatten() {
            let stream = json!({"StreamName": name});
            let described = ask("DescribeStream", stream.clone());
            ask("DescribeStreamSummary", stream.clone());
            ask("ListTagsForStream", stream.clone());
            let arn = described["StreamDescription"]["StreamARN"].clone();
            ask("GetResourcePolicy", json!({"ResourceARN": arn}));
            let consumers = ask("ListStreamConsumers", json!({"StreamARN": arn}));
            for consumer in consumers["Consumers"].as_array().into_iter().flatten() {
                let arn = &consumer["ConsumerARN"];
                ask("DescribeStreamConsumer", json!({"ConsumerARN": arn}));
                ask("ListTagsForResource", json!({"ResourceARN": arn}));
            }
            let shards = ask("ListShards", stream);
            for shard in shards["Shards"].as_array().into_iter().flatten() {
                let iterator = ask(
                    "GetShardIterator",
                    json!({
                        "StreamName": name, "ShardId": shard["ShardId"],
                        "ShardIteratorType": "TRIM_HORIZON",
                    }),
                );
                ask("GetRecords", json!({"ShardIterator": iterator["ShardIterator"]}));
            }
        }
    }
    answers
}

fn bodies(answers: &[Answer]) -> Vec<String> {
    answers.iter().map(Answer::text).collect()
}

fn members_of(line: &Value) -> String {
    line.as_object().expect("a structure").keys().next().expect("a member").clone()
}

/// A file's name, taken by one test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.snapshot")))
    }

    /// What was left half written beside it.
    fn parts(&self) -> Vec<PathBuf> {
        let name = self.0.file_name().expect("a name").to_str().expect("ASCII");
        let folder = self.0.parent().expect("a folder").read_dir().expect("a folder");
        let beside = folder.map(|entry| entry.expect("an entry").path());
        beside
            .filter(|path| {
                let other = path.file_name().expect("a name").to_str().expect("ASCII");
                other.starts_with(name) && other != name
            })
            .collect()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.0);
    }
}
