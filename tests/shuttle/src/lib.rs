//! Model check of the append and read protocol: writers, tailing readers and a
//! thread that splits, under schedules that shuttle chooses.
//!
//! Every acknowledged record is read exactly once and in order, whatever the
//! schedule; nothing lands in a shard after its end.
//!
//! A failure prints the schedule. To repeat it, hand it to `shuttle::replay`.

#![cfg(test)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use kinesis_emulator::{Clock, Emulator, Timestamp};
use serde_json::{Value, json};
use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;

/// Records of each shard: sequence number and data.
type Logs = BTreeMap<String, Vec<(String, String)>>;

#[test]
fn a_tailing_reader_sees_every_record_once_under_random_schedules() {
    shuttle::check_random(|| write_and_tail(None), 10_000);
}

#[test]
fn a_tailing_reader_sees_every_record_once_under_schedules_of_few_switches() {
    shuttle::check_pct(|| write_and_tail(None), 10_000, 3);
}

#[test]
fn a_reader_that_follows_a_split_sees_every_record_once_under_random_schedules() {
    shuttle::check_random(|| write_and_tail(Some(Duration::ZERO)), 10_000);
}

#[test]
fn a_reader_that_follows_a_split_sees_every_record_once_under_schedules_of_few_switches() {
    shuttle::check_pct(|| write_and_tail(Some(Duration::ZERO)), 10_000, 3);
}

#[test]
fn a_split_that_time_brings_about_loses_nothing_under_random_schedules() {
    shuttle::check_random(|| write_and_tail(Some(Duration::from_secs(5))), 10_000);
}

#[test]
fn a_subscriber_that_follows_a_split_sees_every_record_once_under_random_schedules() {
    shuttle::check_random(write_and_subscribe, 5000);
}

#[test]
fn a_subscriber_that_follows_a_split_sees_every_record_once_under_schedules_of_few_switches() {
    shuttle::check_pct(write_and_subscribe, 5000, 3);
}

#[test]
fn calls_that_change_streams_never_wait_for_each_other_forever() {
    // Shuttle reports a deadlock by itself.
    shuttle::check_random(change_everything_at_once, 5000);
    shuttle::check_pct(change_everything_at_once, 5000, 4);
}

#[test]
fn a_snapshot_catches_nothing_half_way_and_nobody_waits_forever() {
    shuttle::check_random(snapshot_while_others_change, 5000);
    shuttle::check_pct(snapshot_while_others_change, 5000, 4);
}

/// Two writers, two readers, and one thread that splits the only shard, if a
/// state delay is given.
fn write_and_tail(split_taking: Option<Duration>) {
    let delay = split_taking.unwrap_or_default();
    let kinesis = Arc::new(Kinesis::new(delay));
    kinesis.done("CreateStream", json!({"StreamName": "s", "ShardCount": 1}));
    kinesis.emulator.clock().advance(delay);
    let acknowledged = Arc::new(Mutex::new(Logs::new()));
    let finished = Arc::new(AtomicBool::new(false));

    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (kinesis, finished) = (Arc::clone(&kinesis), Arc::clone(&finished));
            thread::spawn(move || tail(&kinesis, &finished))
        })
        .collect();
    let mut others: Vec<_> = (0..2)
        .map(|writer| {
            let (kinesis, acknowledged) = (Arc::clone(&kinesis), Arc::clone(&acknowledged));
            thread::spawn(move || write(&kinesis, writer, &acknowledged))
        })
        .collect();
    if split_taking.is_some() {
        let kinesis = Arc::clone(&kinesis);
        others.push(thread::spawn(move || {
            kinesis.split_the_first();
            kinesis.emulator.clock().advance(delay);
        }));
    }
    for other in others {
        other.join().expect("nobody fails");
    }
    finished.store(true, Ordering::SeqCst);
    let acknowledged = acknowledged.lock().expect("nobody failed").clone();
    for reader in readers {
        let seen = reader.join().expect("a reader does not fail");
        assert_agreement(&acknowledged, seen);
    }
    kinesis.assert_shards_end_after_their_records(&acknowledged);
}

/// Two writers, two consumers, and one thread that splits the only shard.
///
/// This is about positions: where a subscription starts, what it reads and
/// where it is continued. A subscription that waits and is woken needs an async
/// body, which the emulator has with a runtime's features alone.
fn write_and_subscribe() {
    let kinesis = Arc::new(Kinesis::new(Duration::ZERO));
    kinesis.done("CreateStream", json!({"StreamName": "s", "ShardCount": 1}));
    let acknowledged = Arc::new(Mutex::new(Logs::new()));
    let finished = Arc::new(AtomicBool::new(false));
    let subscribers: Vec<_> = ["one", "other"]
        .into_iter()
        .map(|name| {
            let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
            let input = json!({"StreamARN": arn, "ConsumerName": name});
            let consumer = kinesis.ok("RegisterStreamConsumer", input);
            let consumer = text(&consumer["Consumer"]["ConsumerARN"]);
            let (kinesis, finished) = (Arc::clone(&kinesis), Arc::clone(&finished));
            thread::spawn(move || subscribe(&kinesis, &consumer, &finished))
        })
        .collect();
    let mut others: Vec<_> = (0..2)
        .map(|writer| {
            let (kinesis, acknowledged) = (Arc::clone(&kinesis), Arc::clone(&acknowledged));
            thread::spawn(move || write(&kinesis, writer, &acknowledged))
        })
        .collect();
    others.push(thread::spawn({
        let kinesis = Arc::clone(&kinesis);
        move || kinesis.split_the_first()
    }));
    for other in others {
        other.join().expect("nobody fails");
    }
    finished.store(true, Ordering::SeqCst);
    let acknowledged = acknowledged.lock().expect("nobody failed").clone();
    for subscriber in subscribers {
        let seen = subscriber.join().expect("a subscriber does not fail");
        assert_agreement(&acknowledged, seen);
    }
}

/// Subscribes to the first shard and all that follow, again and again, each
/// time after where the last subscription came to.
fn subscribe(kinesis: &Kinesis, consumer: &str, finished: &AtomicBool) -> Logs {
    let mut logs = Logs::new();
    let horizon = json!({"Type": "TRIM_HORIZON"});
    let mut at = VecDeque::from([("shardId-000000000000".to_owned(), horizon.clone())]);
    while let Some((shard, start)) = at.pop_front() {
        let was_finished = finished.load(Ordering::SeqCst);
        // From then on a subscription to the same shard takes over.
        kinesis.emulator.clock().advance(Duration::from_secs(5));
        let input = json!({"ConsumerARN": consumer, "ShardId": shard, "StartingPosition": start});
        let (mut next, mut children, mut found) = (start, None, 0);
        for event in kinesis.events("SubscribeToShard", &input) {
            let records = list(&event["Records"]);
            found += records.len();
            let log = logs.entry(shard.clone()).or_default();
            log.extend(records.iter().map(|r| (text(&r["SequenceNumber"]), text(&r["Data"]))));
            children = event["ChildShards"].as_array().cloned();
            if let Some(number) = event["ContinuationSequenceNumber"].as_str() {
                next = json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number});
            }
        }
        match children {
            Some(children) => {
                at.extend(children.iter().map(|child| (text(&child["ShardId"]), horizon.clone())))
            }
            // All that there was has been sent.
            None if was_finished => {}
            None => at.push_back((shard, next)),
        }
        if found == 0 {
            thread::yield_now();
        }
    }
    logs
}

/// Puts one record, then three at once, then one again: to both halves of the
/// hash key space.
fn write(kinesis: &Kinesis, writer: usize, acknowledged: &Mutex<Logs>) {
    let record = |counter: usize| {
        let data = format!("{writer:04}{counter:04}");
        let half = if counter < 2 { 0 } else { u128::MAX };
        let input = json!({
            "PartitionKey": "k", "ExplicitHashKey": half.to_string(), "Data": data,
        });
        (data, input)
    };
    let acknowledge = |place: &Value, data: String| {
        let mut logs = acknowledged.lock().expect("nobody failed");
        logs.entry(text(&place["ShardId"]))
            .or_default()
            .push((text(&place["SequenceNumber"]), data));
    };
    for counter in [0, 4] {
        let (data, mut input) = record(counter);
        input["StreamName"] = json!("s");
        acknowledge(&kinesis.ok("PutRecord", input), data);
        if counter == 0 {
            let (data, records): (Vec<_>, Vec<_>) = (1..4).map(record).unzip();
            let answer = kinesis.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
            for (place, data) in list(&answer["Records"]).iter().zip(data) {
                acknowledge(place, data);
            }
        }
    }
}

/// Reads the first shard and all that follow, two records at a time, until
/// everybody is finished and nothing is left.
fn tail(kinesis: &Kinesis, finished: &AtomicBool) -> Logs {
    let mut logs = Logs::new();
    let first = "shardId-000000000000".to_owned();
    let mut at = VecDeque::from([(kinesis.trim_horizon(&first), first)]);
    while let Some((iterator, shard)) = at.pop_front() {
        let was_finished = finished.load(Ordering::SeqCst);
        let answer = kinesis.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 2}));
        let records = list(&answer["Records"]);
        let log = logs.entry(shard.clone()).or_default();
        log.extend(records.iter().map(|r| (text(&r["SequenceNumber"]), text(&r["Data"]))));
        match answer["NextShardIterator"].as_str() {
            Some(_) if was_finished && answer["MillisBehindLatest"] == 0 => {}
            Some(next) => at.push_back((next.to_owned(), shard)),
            None => {
                for child in list(&answer["ChildShards"]) {
                    let child = text(&child["ShardId"]);
                    at.push_back((kinesis.trim_horizon(&child), child));
                }
            }
        }
        if records.is_empty() {
            thread::yield_now();
        }
    }
    logs
}

fn assert_agreement(acknowledged: &Logs, mut seen: Logs) {
    let mut expected = acknowledged.clone();
    for log in expected.values_mut() {
        log.sort_unstable();
    }
    assert_eq!(expected.values().map(Vec::len).sum::<usize>(), 10, "every put was acknowledged");
    seen.retain(|_, log| !log.is_empty());
    for (shard, log) in &seen {
        assert!(log.is_sorted_by(|(one, _), (next, _)| one < next), "{shard}: {log:?}");
    }
    assert_eq!(seen, expected, "a reader saw what was acknowledged, once and in order");
    for writer in ["0000", "0001"] {
        // In each shard the counter of a writer rises with the numbers.
        for (shard, log) in &seen {
            let own: Vec<_> = log.iter().filter(|(_, data)| data.starts_with(writer)).collect();
            assert!(own.is_sorted_by(|(_, one), (_, next)| one < next), "{shard}: {own:?}");
        }
    }
}

/// Two streams are made, written, split, described and deleted, all at once.
fn change_everything_at_once() {
    let kinesis = Arc::new(Kinesis::new(Duration::ZERO));
    kinesis.done("CreateStream", json!({"StreamName": "s", "ShardCount": 2}));
    let record = json!({"StreamName": "s", "PartitionKey": "k", "Data": "0000"});
    let split = |shard: u32, key: u128| {
        let shard = format!("shardId-{shard:012}");
        let key = key.to_string();
        json!({"StreamName": "s", "ShardToSplit": shard, "NewStartingHashKey": key})
    };
    let threads: Vec<_> = [
        vec![("PutRecord", record.clone()), ("DeleteStream", json!({"StreamName": "s"}))],
        vec![("SplitShard", split(0, 1 << 126)), ("PutRecord", record)],
        vec![
            ("SplitShard", split(1, u128::MAX - (1 << 126))),
            ("ListShards", json!({"StreamName": "s"})),
        ],
        vec![
            ("CreateStream", json!({"StreamName": "t", "ShardCount": 1})),
            ("CreateStream", json!({"StreamName": "s", "ShardCount": 1})),
            ("ListStreams", json!({})),
            ("DescribeStream", json!({"StreamName": "s"})),
        ],
    ]
    .into_iter()
    .map(|calls| {
        let kinesis = Arc::clone(&kinesis);
        thread::spawn(move || {
            for (operation, input) in calls {
                // Whether it works depends on the schedule; the answer is one
                // of the API's in any case.
                let (status, body) = kinesis.call(operation, &input);
                assert!(status == 200 || status == 400, "{operation}: {status} {body}");
            }
        })
    })
    .collect();
    for thread in threads {
        thread.join().expect("nobody fails");
    }
    let streams = kinesis.ok("ListStreams", json!({}));
    assert!(list(&streams["StreamNames"]).contains(&json!("t")));
}

/// A thread that takes a snapshot and comes back to it, beside others that put
/// and change. What had begun in the snapshot ends in its clone.
fn snapshot_while_others_change() {
    let delay = Duration::from_secs(5);
    let kinesis = Arc::new(Kinesis::new(delay));
    kinesis.done("CreateStream", json!({"StreamName": "s", "ShardCount": 1}));
    kinesis.emulator.clock().advance(delay);
    let record = json!({"StreamName": "s", "PartitionKey": "k", "Data": "0000"});
    let split = json!({
        "StreamName": "s", "ShardToSplit": "shardId-000000000000",
        "NewStartingHashKey": (1_u128 << 127).to_string(),
    });
    let mut threads: Vec<_> = [
        vec![("PutRecord", record.clone()), ("SplitShard", split)],
        vec![
            ("CreateStream", json!({"StreamName": "t", "ShardCount": 1})),
            ("PutRecord", record),
            ("DeleteStream", json!({"StreamName": "t"})),
        ],
    ]
    .into_iter()
    .map(|calls| {
        let kinesis = Arc::clone(&kinesis);
        thread::spawn(move || {
            for (operation, input) in calls {
                let (status, body) = kinesis.call(operation, &input);
                assert!(status == 200 || status == 400, "{operation}: {status} {body}");
            }
        })
    })
    .collect();
    threads.push(thread::spawn({
        let kinesis = Arc::clone(&kinesis);
        move || {
            let snapshot = kinesis.emulator.snapshot();
            let clock = Clock::manual(snapshot.taken());
            let builder = Emulator::builder().clock(clock).snapshot(&snapshot);
            let clone = Kinesis { emulator: builder.in_process() };
            clone.emulator.clock().advance(delay);
            for name in list(&clone.ok("ListStreams", json!({}))["StreamNames"]) {
                let answer = clone.ok("DescribeStream", json!({"StreamName": name}));
                assert_eq!(answer["StreamDescription"]["StreamStatus"], "ACTIVE");
            }
            kinesis.emulator.restore(&snapshot);
        }
    }));
    for thread in threads {
        thread.join().expect("nobody fails");
    }
}

/// An emulator under the model checker. Its clock stands still unless a thread
/// moves it.
struct Kinesis {
    emulator: Emulator,
}

impl Kinesis {
    fn new(state_delay: Duration) -> Self {
        let clock = Clock::manual(Timestamp::from_seconds(1_767_225_600));
        let builder = Emulator::builder().clock(clock).seed(1).state_delay(state_delay);
        Self { emulator: builder.in_process() }
    }

    fn call(&self, operation: &str, input: &Value) -> (u16, Value) {
        let (status, body) = self.send(operation, input);
        let body = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&body).expect("answers are JSON"),
        };
        (status, body)
    }

    /// The events of a subscription that there are now.
    fn events(&self, operation: &str, input: &Value) -> Vec<Value> {
        let (status, body) = self.send(operation, input);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let mut rest = &body[..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let length = |at: usize| {
                let bytes = rest[at..at + 4].try_into().expect("four bytes");
                u32::from_be_bytes(bytes) as usize
            };
            let (whole, payload) = (length(0), 12 + length(4));
            let headers = String::from_utf8_lossy(&rest[12..payload]);
            if headers.contains("SubscribeToShardEvent") {
                let event = serde_json::from_slice(&rest[payload..whole - 4]);
                events.push(event.expect("events are JSON"));
            } else {
                assert!(headers.contains("initial-response"), "{headers}");
            }
            rest = &rest[whole..];
        }
        events
    }

    fn split_the_first(&self) {
        self.done(
            "SplitShard",
            json!({
                "StreamName": "s",
                "ShardToSplit": "shardId-000000000000",
                "NewStartingHashKey": (1_u128 << 127).to_string(),
            }),
        );
    }

    fn send(&self, operation: &str, input: &Value) -> (u16, Bytes) {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0",
            )
            .body(Bytes::from(input.to_string()))
            .expect("the request is well-formed");
        let (parts, body) = self.emulator.call(request).into_parts();
        (parts.status.as_u16(), body)
    }

    fn ok(&self, operation: &str, input: Value) -> Value {
        let (status, body) = self.call(operation, &input);
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    fn done(&self, operation: &str, input: Value) {
        assert_eq!(self.ok(operation, input), Value::Null);
    }

    fn trim_horizon(&self, shard: &str) -> String {
        let input =
            json!({"StreamName": "s", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        text(&self.ok("GetShardIterator", input)["ShardIterator"])
    }

    fn assert_shards_end_after_their_records(&self, acknowledged: &Logs) {
        let answer = self.ok("ListShards", json!({"StreamName": "s"}));
        for shard in list(&answer["Shards"]) {
            let log = acknowledged.get(&text(&shard["ShardId"])).cloned().unwrap_or_default();
            let range = &shard["SequenceNumberRange"];
            let start = text(&range["StartingSequenceNumber"]);
            assert!(log.iter().all(|(number, _)| *number > start));
            if let Some(end) = range["EndingSequenceNumber"].as_str() {
                assert!(log.iter().all(|(number, _)| number.as_str() < end));
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
