//! Writers and readers on many threads: every acknowledged record is seen
//! exactly once and in order by every reader that follows the iterators.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::support::raw::{Raw, each, list, text};
use crate::support::shard_id;

const WRITERS: usize = 6;
const READERS: usize = 3;
const ROUNDS: usize = 160;
const RECORDS_PER_CALL: usize = 5;
/// Puts over the whole run: every second call puts one record.
const RECORDS: usize = WRITERS * ROUNDS * (RECORDS_PER_CALL + 1) / 2;

/// Records of one shard: sequence number and data.
type Log = Vec<(String, String)>;
/// Records by shard.
type Logs = BTreeMap<String, Log>;

#[test]
fn readers_that_tail_a_shard_see_every_record_once_and_in_order() {
    let (acknowledged, seen) = write_and_tail(0);
    assert_eq!(acknowledged.len(), 1, "there is one shard");
    assert_agreement(acknowledged, seen);
}

#[test]
fn readers_that_follow_splits_see_every_record_once_and_in_order() {
    let splits = 24;
    let (acknowledged, seen) = write_and_tail(splits);
    assert!(acknowledged.len() > splits / 2, "records went to parents and to children");
    assert_agreement(acknowledged, seen);
}

/// Runs everybody to the end. Returns what was acknowledged, and what each
/// reader saw.
fn write_and_tail(splits: usize) -> (Logs, Vec<Logs>) {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let acknowledged = Mutex::new(Logs::new());
    let progress = Progress { splits, count: AtomicUsize::new(0), splitting: Mutex::new(()) };
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| tail(&raw, &done))).collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (raw, acknowledged, progress) = (&raw, &acknowledged, &progress);
                scope.spawn(move || write(raw, writer, acknowledged, progress))
            })
            .collect();
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // Readers end only when told so, even if a writer has failed.
        done.store(true, Ordering::Release);
        assert!(outcomes.iter().all(Result::is_ok), "a writer failed");
        readers.into_iter().map(|reader| reader.join().expect("a reader does not fail")).collect()
    });
    (acknowledged.into_inner().expect("no writer failed"), seen)
}

/// Puts records one at a time and several at once, with data `writer/counter`
/// in digits, which is base64 as it stands.
fn write(raw: &Raw, writer: usize, acknowledged: &Mutex<Logs>, progress: &Progress) {
    let mut counter = 0;
    let mut data = || {
        counter += 1;
        format!("{writer:02}{counter:06}")
    };
    for round in 0..ROUNDS {
        let mut places = Vec::new();
        // Keys of a writer spread over the whole space, so that it meets all shards.
        let key = |data: &str| format!("key of {data}");
        if round % 2 == 0 {
            let data = data();
            let input = json!({"StreamName": "s", "PartitionKey": key(&data), "Data": data});
            places.push((raw.ok("PutRecord", input), data));
        } else {
            let data: Vec<_> = (0..RECORDS_PER_CALL).map(|_| data()).collect();
            let records: Vec<_> =
                data.iter().map(|data| json!({"PartitionKey": key(data), "Data": data})).collect();
            let answer = raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
            places.extend(list(&answer["Records"]).iter().cloned().zip(data));
        }
        progress.add(places.len(), raw);
        let mut acknowledged = acknowledged.lock().expect("no writer failed");
        for (place, data) in places {
            let shard = acknowledged.entry(text(&place["ShardId"])).or_default();
            shard.push((text(&place["SequenceNumber"]), data));
        }
    }
}

/// How far all writers together have come.
struct Progress {
    splits: usize,
    count: AtomicUsize,
    /// Held while a shard is split: the stream takes one change at a time.
    splitting: Mutex<()>,
}

impl Progress {
    /// Counts records that are in. Whoever completes another part of all splits
    /// a shard, while the others go on writing.
    fn add(&self, records: usize, raw: &Raw) {
        let before = self.count.fetch_add(records, Ordering::AcqRel);
        let parts_of = |count: usize| count * (self.splits + 1) / RECORDS;
        for part in parts_of(before)..parts_of(before + records) {
            if part < self.splits {
                let _one_at_a_time = self.splitting.lock().expect("no split failed");
                split_the_oldest(raw);
            }
        }
    }
}

/// Splits the oldest open shard: in time, all of the space is divided.
fn split_the_oldest(raw: &Raw) {
    let open =
        raw.ok("ListShards", json!({"StreamName": "s", "ShardFilter": {"Type": "AT_LATEST"}}));
    let shard = &list(&open["Shards"])[0];
    let [start, end] = ["StartingHashKey", "EndingHashKey"]
        .map(|edge| text(&shard["HashKeyRange"][edge]).parse::<u128>().expect("a decimal"));
    raw.done(
        "SplitShard",
        json!({
            "StreamName": "s",
            "ShardToSplit": shard["ShardId"],
            "NewStartingHashKey": (start + (end - start) / 2).to_string(),
        }),
    );
}

/// Reads a stream's only first shard and all that follow, until everybody is
/// done and nothing is left.
fn tail(raw: &Raw, done: &AtomicBool) -> Logs {
    let mut logs = Logs::new();
    let first = shard_id(0);
    let mut at = VecDeque::from([(raw.iterator("s", &first, "TRIM_HORIZON"), first)]);
    while let Some((iterator, shard)) = at.pop_front() {
        let was_done = done.load(Ordering::Acquire);
        let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 50}));
        let log = logs.entry(shard.clone()).or_default();
        let records = list(&answer["Records"]);
        log.extend(records.iter().map(|r| (text(&r["SequenceNumber"]), text(&r["Data"]))));
        match answer["NextShardIterator"].as_str() {
            Some(_) if was_done && answer["MillisBehindLatest"] == 0 => {}
            Some(next) => at.push_back((next.to_owned(), shard)),
            None => {
                for child in each(&answer["ChildShards"], "ShardId") {
                    at.push_back((raw.iterator("s", child, "TRIM_HORIZON"), child.to_owned()));
                }
            }
        }
        if records.is_empty() {
            thread::yield_now();
        }
    }
    logs
}

fn assert_agreement(mut acknowledged: Logs, seen: Vec<Logs>) {
    let total: usize = acknowledged.values().map(Vec::len).sum();
    assert_eq!(total, RECORDS, "every put was acknowledged");
    for log in acknowledged.values_mut() {
        assert_each_writers_order_is_kept(log);
        log.sort_unstable();
        assert!(log.is_sorted_by(|(one, _), (next, _)| one < next), "no number is drawn twice");
    }
    for mut logs in seen {
        logs.retain(|_, log| !log.is_empty());
        for (shard, log) in &logs {
            assert!(log.is_sorted_by(|(one, _), (next, _)| one < next), "{shard}: in order, once");
        }
        assert!(logs == acknowledged, "a reader saw what was acknowledged, and nothing else");
    }
}

/// A writer waits for each answer, so what it wrote later has the larger
/// number.
fn assert_each_writers_order_is_kept(log: &Log) {
    for writer in 0..WRITERS {
        let prefix = format!("{writer:02}");
        let own = log.iter().filter(|(_, data)| data.starts_with(&prefix));
        assert!(own.is_sorted_by(|(one, _), (next, _)| one < next), "writer {writer}");
    }
}
