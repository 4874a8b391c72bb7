//! Random calls and time jumps on one thread. The auditor knows what must come
//! back, down to the last record.
//!
//! A failure prints its seed and the command that repeats it.

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::auditor::{Answer, Auditor, Filter, NewRecord, RETENTION_MILLIS, Start, shard_id};
use super::chance::Chance;
use crate::support::raw::{Raw, START, list, text};

const CALLS_PER_SEED: usize = 500;
const NAMES: [&str; 4] = ["a", "b", "c", "none"];

#[test]
fn whatever_is_called_the_auditor_agrees() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        // Some that stay, so that what was found once is looked at again, and
        // some that nobody has tried yet.
        Err(_) => (0..24).chain((0..24).map(|n| RandomState::new().hash_one(n))).collect(),
    };
    let mut seen = Seen::default();
    for seed in seeds {
        let run = catch_unwind(AssertUnwindSafe(|| Workload::new(seed).run(&mut seen)));
        if let Err(panic) = run {
            eprintln!("repeat with: SEED={seed} cargo test -p kinesis-tests whatever_is_called");
            resume_unwind(panic);
        }
    }
    println!("{seen:?}");
    if std::env::var("SEED").is_err() {
        seen.assert_interesting();
    }
}

/// That the workload gets anywhere: a model test can agree on nothing.
#[derive(Debug, Default)]
struct Seen {
    calls: usize,
    refused: usize,
    records_read: usize,
    records_written: usize,
    shard_ends: usize,
    expired: usize,
}

impl Seen {
    fn assert_interesting(&self) {
        assert!(self.calls > 10_000, "{self:?}");
        assert!(self.calls / 20 < self.refused && self.refused < self.calls / 2, "{self:?}");
        assert!(self.records_read > 2000 && self.records_written > 4000, "{self:?}");
        assert!(self.shard_ends > 50 && self.expired > 20, "{self:?}");
    }
}

struct Workload {
    raw: Raw,
    auditor: Auditor,
    chance: Chance,
}

impl Workload {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let delay = if chance.one_in(2) { 0 } else { 700 };
        let settings = |builder: kinesis_emulator::Builder| {
            builder.seed(seed).state_delay(Duration::from_millis(delay))
        };
        let auditor = Auditor::new(START.as_millis(), delay);
        Self { raw: Raw::with(settings), auditor, chance }
    }

    fn run(mut self, seen: &mut Seen) {
        for _ in 0..CALLS_PER_SEED {
            if self.chance.one_in(3) {
                self.let_time_pass();
            }
            self.auditor.settle();
            let answer = self.step();
            seen.calls += 1;
            match answer {
                Err(kind) => {
                    seen.refused += 1;
                    seen.expired += usize::from(kind == super::auditor::EXPIRED);
                }
                Ok(answer) => {
                    seen.records_read += answer["Records"].as_array().map_or(0, |records| {
                        records.iter().filter(|r| !r["Data"].is_null()).count()
                    });
                    seen.shard_ends += usize::from(answer["ChildShards"].is_array());
                }
            }
        }
        seen.records_written += self.auditor.record_count();
    }

    fn let_time_pass(&mut self) {
        const SECOND: u64 = 1000;
        const HOUR: u64 = 3600 * SECOND;
        let most = match self.chance.below(40) {
            0..20 => 2,
            20..28 => SECOND / 2,
            28..36 => 5 * SECOND,
            36..38 => 310 * SECOND,
            38 => HOUR,
            _ => 25 * HOUR,
        };
        let mut millis = 1 + self.chance.below(most);
        if self.chance.one_in(12) {
            // To the very last moment before something is over, or just past it.
            let name = self.name();
            let deadlines = self.auditor.deadlines(name);
            if !deadlines.is_empty() {
                let deadline = self.chance.pick(&deadlines);
                millis = deadline - self.auditor.now + self.chance.below(2);
            }
        }
        self.raw.advance(Duration::from_millis(millis));
        self.auditor.now += millis;
    }

    fn step(&mut self) -> Answer {
        match self.chance.below(100) {
            _ if self.auditor.streams.is_empty() => self.create(),
            0..4 => self.create(),
            4..5 => self.delete(),
            5..25 => self.put_record(),
            25..38 => self.put_records(),
            38..52 => self.iterator(),
            52..76 => self.read(),
            76..80 => self.split(),
            80..84 => self.merge(),
            84..89 => self.describe(),
            89..92 => self.summary(),
            92..98 => self.list_shards(),
            _ => self.list_streams(),
        }
    }

    fn call(&self, operation: &str, input: Value) -> Answer {
        let answer = self.raw.call(operation, input);
        match (answer.status.as_u16(), answer.body.is_empty()) {
            (200, true) => Ok(Value::Null),
            (200, false) => Ok(answer.json()),
            (400, _) => Err(text(&answer.json()["__type"])),
            _ => panic!("{operation} was answered with {}: {}", answer.status, answer.text()),
        }
    }

    fn name(&mut self) -> &'static str {
        // Mostly one that exists, so that calls get somewhere.
        let known = |name: &&str| self.auditor.streams.contains_key(*name);
        let existing: Vec<_> = NAMES.into_iter().filter(known).collect();
        if existing.is_empty() || self.chance.one_in(20) {
            self.chance.pick(&NAMES)
        } else {
            self.chance.pick(&existing)
        }
    }

    fn create(&mut self) -> Answer {
        let name = self.chance.pick(&NAMES[..3]);
        let shards = self.chance.below(5) as usize;
        let answer = self.call("CreateStream", json!({"StreamName": name, "ShardCount": shards}));
        self.auditor.create(name, shards, &answer);
        answer
    }

    fn delete(&mut self) -> Answer {
        let name = self.name();
        let answer = self.call("DeleteStream", json!({"StreamName": name}));
        self.auditor.delete(name, &answer);
        answer
    }

    /// A record, and the members of a request that put it.
    fn record(&mut self) -> (NewRecord, Value) {
        let key = format!("key {}", self.chance.below(50));
        // Any eight letters are the base64 of some six bytes.
        let data: String = (0..8).map(|_| char::from(b'a' + self.chance.below(26) as u8)).collect();
        let mut input = json!({"PartitionKey": key, "Data": data});
        let hash = match self.chance.below(40) {
            0 => {
                input["ExplicitHashKey"] = json!("340282366920938463463374607431768211456");
                None
            }
            1..10 => {
                let hash = self.chance.hash_key();
                input["ExplicitHashKey"] = json!(hash.to_string());
                Some(hash)
            }
            _ => Some(u128::from_be_bytes(Md5::digest(key.as_bytes()).into())),
        };
        (NewRecord { key, hash, data }, input)
    }

    fn put_record(&mut self) -> Answer {
        let name = self.name();
        let (record, mut input) = self.record();
        input["StreamName"] = json!(name);
        if self.chance.one_in(4)
            && let Some(number) = self.number(name)
        {
            input["SequenceNumberForOrdering"] = json!(number);
        }
        let answer = self.call("PutRecord", input);
        self.auditor.put(name, &[record], &answer, |place| vec![place.clone()]);
        answer
    }

    fn put_records(&mut self) -> Answer {
        let name = self.name();
        let count = 1 + self.chance.below(12);
        let (records, entries): (Vec<_>, Vec<_>) = (0..count).map(|_| self.record()).unzip();
        let answer = self.call("PutRecords", json!({"StreamName": name, "Records": entries}));
        self.auditor.put(name, &records, &answer, |answer| list(&answer["Records"]).clone());
        answer
    }

    /// The sequence number of some record of a stream.
    fn number(&mut self, name: &str) -> Option<String> {
        let stream = self.auditor.streams.get(name)?;
        let numbers: Vec<_> = stream.shards.iter().flat_map(|shard| &shard.records).collect();
        if numbers.is_empty() {
            return None;
        }
        Some(numbers[self.chance.below(numbers.len() as u64) as usize].number.clone())
    }

    /// A shard of a stream, rarely one that never was.
    fn shard(&mut self, name: &str) -> usize {
        let shards = self.auditor.streams.get(name).map_or(0, |stream| stream.shards.len());
        let beyond = u64::from(self.chance.one_in(10));
        self.chance.below((shards as u64 + beyond).max(1)) as usize
    }

    /// A time to ask for: just when something happened, or anywhere near now.
    fn time(&mut self, name: &str) -> u64 {
        let instants = self.auditor.instants(name);
        if instants.is_empty() || self.chance.one_in(3) {
            self.auditor.now + 2 - self.chance.below(RETENTION_MILLIS / 12)
        } else {
            self.chance.pick(&instants) + self.chance.below(2)
        }
    }

    fn iterator(&mut self) -> Answer {
        let name = self.name();
        let shard = self.shard(name);
        let start = match self.chance.below(6) {
            0 => Start::Latest,
            1 => Start::At(self.number(name).unwrap_or_else(|| "1".repeat(60))),
            2 => Start::After(self.number(name).unwrap_or_else(|| "1".repeat(60))),
            3 => Start::Time(self.time(name)),
            _ => Start::TrimHorizon,
        };
        let mut input = json!({"StreamName": name, "ShardId": shard_id(shard)});
        let kind = match &start {
            Start::TrimHorizon => "TRIM_HORIZON",
            Start::Latest => "LATEST",
            Start::At(number) => {
                input["StartingSequenceNumber"] = json!(number);
                "AT_SEQUENCE_NUMBER"
            }
            Start::After(number) => {
                input["StartingSequenceNumber"] = json!(number);
                "AFTER_SEQUENCE_NUMBER"
            }
            Start::Time(time) => {
                input["Timestamp"] = seconds(*time);
                "AT_TIMESTAMP"
            }
        };
        input["ShardIteratorType"] = json!(kind);
        let answer = self.call("GetShardIterator", input);
        self.auditor.iterator(name, shard, &start, &answer);
        answer
    }

    fn read(&mut self) -> Answer {
        let held = self.auditor.iterators.len() as u64;
        if held == 0 {
            return self.iterator();
        }
        // Mostly a recent one: it is likely to be alive.
        let eldest = if self.chance.one_in(5) { held } else { held.min(6) };
        let back = self.chance.below(eldest);
        let iterator = (held - 1 - back) as usize;
        let limit = 1 + self.chance.below(20) as usize;
        let token = self.auditor.iterators[iterator].token.clone();
        let answer = self.call("GetRecords", json!({"ShardIterator": token, "Limit": limit}));
        self.auditor.read(iterator, limit, &answer);
        answer
    }

    fn split(&mut self) -> Answer {
        let name = self.name();
        let parent = self.shard(name);
        let range = self.auditor.streams.get(name).and_then(|stream| stream.shards.get(parent));
        let key = match range.map(|shard| (shard.start, shard.end)) {
            Some((start, end)) if !self.chance.one_in(6) => start + (end - start) / 2,
            Some((start, end)) => self.chance.pick(&[start, end, start.saturating_add(1)]),
            None => self.chance.hash_key(),
        };
        let answer = self.call(
            "SplitShard",
            json!({
                "StreamName": name,
                "ShardToSplit": shard_id(parent),
                "NewStartingHashKey": key.to_string(),
            }),
        );
        self.auditor.split(name, parent, key, &answer);
        answer
    }

    fn merge(&mut self) -> Answer {
        let name = self.name();
        let lower = self.shard(name);
        let neighbour = self.auditor.streams.get(name).and_then(|stream| {
            let end = stream.shards.get(lower)?.end;
            stream.shards.iter().rposition(|shard| Some(shard.start) == end.checked_add(1))
        });
        let upper = match neighbour {
            Some(neighbour) if !self.chance.one_in(5) => neighbour,
            _ => self.shard(name),
        };
        let answer = self.call(
            "MergeShards",
            json!({
                "StreamName": name,
                "ShardToMerge": shard_id(lower),
                "AdjacentShardToMerge": shard_id(upper),
            }),
        );
        self.auditor.merge(name, lower, upper, &answer);
        answer
    }

    fn describe(&mut self) -> Answer {
        let name = self.name();
        let answer = self.call("DescribeStream", json!({"StreamName": name}));
        self.auditor.describe(name, &answer);
        answer
    }

    fn summary(&mut self) -> Answer {
        let name = self.name();
        let answer = self.call("DescribeStreamSummary", json!({"StreamName": name}));
        self.auditor.summary(name, &answer);
        answer
    }

    fn list_shards(&mut self) -> Answer {
        let name = self.name();
        let time = self.time(name);
        let (filter, wire) = match self.chance.below(6) {
            0 => (Filter::All, json!({"Type": "FROM_TRIM_HORIZON"})),
            1 => (Filter::AtLatest, json!({"Type": "AT_LATEST"})),
            2 => (Filter::AtTrimHorizon, json!({"Type": "AT_TRIM_HORIZON"})),
            3 => (Filter::At(time), json!({"Type": "AT_TIMESTAMP", "Timestamp": seconds(time)})),
            4 => {
                (Filter::From(time), json!({"Type": "FROM_TIMESTAMP", "Timestamp": seconds(time)}))
            }
            _ => {
                let shard = self.shard(name);
                (
                    Filter::After(shard),
                    json!({"Type": "AFTER_SHARD_ID", "ShardId": shard_id(shard)}),
                )
            }
        };
        let answer = self.call("ListShards", json!({"StreamName": name, "ShardFilter": wire}));
        self.auditor.shards(name, filter, &answer);
        answer
    }

    fn list_streams(&mut self) -> Answer {
        let answer = self.call("ListStreams", json!({}));
        self.auditor.list(&answer);
        answer
    }
}

/// Milliseconds as seconds with decimals.
fn seconds(millis: u64) -> Value {
    json!(millis as f64 / 1000.0)
}
