//! Resharding under load: writers write, readers poll and are pushed to, while
//! the stream is split, merged and rescaled over minutes and days of virtual
//! time.
//!
//! Readers go from a shard to its children when all of the children's parents
//! have been read out, as consumer libraries do. Then each of them sees every
//! record exactly once, and those of a partition key in the order of writing.
//!
//! The same actors play twice: turn by turn, in an order that the seed decides
//! and repeats, and each on a thread of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;
use crate::support::raw::{Raw, START, list, text};

const WRITERS: usize = 4;
const KEYS_PER_WRITER: usize = 6;
/// Those who poll, and those who are pushed to.
const POLLERS: usize = 2;
const SUBSCRIBERS: usize = 2;
/// Changes of the shards over a run, and the records that each has to wait for.
const CHANGES: usize = 36;
const RECORDS_PER_CHANGE: usize = 25;
/// The most that writers write before the next change.
const RECORDS_AHEAD_MAX: usize = 3 * RECORDS_PER_CHANGE;
const OPEN_SHARDS_MAX: usize = 10;
const STATE_DELAY: Duration = Duration::from_millis(700);
const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

#[test]
fn turn_by_turn_every_reader_sees_every_record_once_and_in_order() {
    with_seeds(3, |seed| drop(Play::new(seed).turn_by_turn()));
}

#[test]
fn turn_by_turn_a_seed_repeats_itself() {
    let [one, other] = [7, 7].map(|seed| Play::new(seed).turn_by_turn());
    assert!(one == other, "the same calls in the same order have the same answers");
}

#[test]
fn on_threads_every_reader_sees_every_record_once_and_in_order() {
    with_seeds(2, |seed| drop(Play::new(seed).on_threads()));
}

/// Runs a play with a seed that stays and some that are new, or with `SEED`.
fn with_seeds(count: u64, play: impl Fn(u64)) {
    let seeds: Vec<u64> = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => {
            [1].into_iter().chain((1..count).map(|n| RandomState::new().hash_one(n))).collect()
        }
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| play(seed))) {
            eprintln!("repeat with: SEED={seed} cargo test -p kinesis-tests model::resharding");
            resume_unwind(panic);
        }
    }
}

/// An emulator, what the actors know of each other, and the actors.
struct Play {
    stage: Stage,
    operator: Operator,
    writers: Vec<Writer>,
    readers: Vec<Reader>,
    chance: Chance,
}

/// What the actors share.
struct Stage {
    raw: Raw,
    /// Records that were acknowledged, and changes that were begun: neither
    /// runs ahead of the other.
    written: AtomicUsize,
    changes: AtomicUsize,
    operator_is_done: AtomicBool,
    writers_at_work: AtomicUsize,
    /// Somebody has failed: nobody needs to go on.
    failed: AtomicBool,
}

/// One turn of an actor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Worked,
    /// There was nothing to do.
    Waited,
    Done,
}

trait Actor {
    fn turn(&mut self, stage: &Stage) -> Turn;
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let raw = Raw::with(|builder| builder.seed(seed).state_delay(STATE_DELAY));
        raw.create_stream("s", 2);
        raw.advance(STATE_DELAY);
        // Days pass, and nothing is to be lost by that.
        raw.done(
            "IncreaseStreamRetentionPeriod",
            json!({"StreamName": "s", "RetentionPeriodHours": 8760}),
        );
        let pollers = (0..POLLERS).map(|_| None);
        let consumers: Vec<_> = (0..SUBSCRIBERS)
            .map(|number| {
                let name = format!("consumer-{number}");
                let answer = raw
                    .ok("RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": name}));
                Some(text(&answer["Consumer"]["ConsumerARN"]))
            })
            .collect();
        raw.advance(STATE_DELAY);
        let mut own = || Chance::new(chance.next());
        let readers =
            pollers.chain(consumers).map(|consumer| Reader::new(consumer, &raw, own())).collect();
        let writers = (0..WRITERS).map(|number| Writer::new(number, own())).collect();
        let operator = Operator { chance: own(), changes: 0, expected_open: 2, rescalings: 0 };
        let stage = Stage {
            raw,
            written: AtomicUsize::new(0),
            changes: AtomicUsize::new(0),
            operator_is_done: AtomicBool::new(false),
            writers_at_work: AtomicUsize::new(WRITERS),
            failed: AtomicBool::new(false),
        };
        Self { stage, operator, writers, readers, chance }
    }

    /// One thread; chance says whose turn it is.
    fn turn_by_turn(mut self) -> Vec<Entry> {
        let Self { stage, operator, writers, readers, chance } = &mut self;
        let mut actors: Vec<&mut dyn Actor> = vec![operator];
        actors.extend(writers.iter_mut().map(|writer| writer as &mut dyn Actor));
        actors.extend(readers.iter_mut().map(|reader| reader as &mut dyn Actor));
        while !actors.is_empty() {
            let whose = chance.below(actors.len() as u64) as usize;
            if actors[whose].turn(stage) == Turn::Done {
                actors.swap_remove(whose);
            }
        }
        self.check()
    }

    /// A thread for each actor.
    fn on_threads(mut self) -> Vec<Entry> {
        let Self { stage, operator, writers, readers, .. } = &mut self;
        let stage = &*stage;
        let mut actors: Vec<&mut (dyn Actor + Send)> = vec![operator];
        actors.extend(writers.iter_mut().map(|writer| writer as &mut (dyn Actor + Send)));
        actors.extend(readers.iter_mut().map(|reader| reader as &mut (dyn Actor + Send)));
        thread::scope(|scope| {
            for actor in actors {
                scope.spawn(move || {
                    let _alarm = Alarm(&stage.failed);
                    while !stage.failed.load(Ordering::Acquire) {
                        match actor.turn(stage) {
                            Turn::Worked => {}
                            Turn::Waited => thread::yield_now(),
                            Turn::Done => break,
                        }
                    }
                });
            }
        });
        self.check()
    }

    /// Compares what was read with what was written, and returns it.
    fn check(self) -> Vec<Entry> {
        let Self { stage, operator, writers, readers, .. } = self;
        let mut written: Vec<_> = writers.into_iter().flat_map(|writer| writer.log).collect();
        assert_eq!(written.len(), stage.written.into_inner());
        assert_order_of_keys(&written);
        written.sort_unstable();

        let all = all_shards(&stage.raw);
        let closed: BTreeSet<_> =
            all.iter().filter(|shard| shard.is_closed).map(|shard| shard.id.clone()).collect();
        println!(
            "{} records, {} shards, {} closed, {} s",
            written.len(),
            all.len(),
            closed.len(),
            stage.raw.emulator.clock().now().since(START).as_secs()
        );
        // That something happened: shards of several generations, with records.
        let with_records: BTreeSet<_> = written.iter().map(|record| &record.shard).collect();
        assert_eq!(operator.changes, CHANGES);
        assert!(operator.rescalings > 10, "more than a day's quota: {}", operator.rescalings);
        assert!(
            closed.len() > 24 && with_records.len() > 12,
            "{} {}",
            closed.len(),
            with_records.len()
        );
        assert!(stage.raw.emulator.clock().now().since(START) > Duration::from_secs(25 * 3600));

        for mut reader in readers {
            let who = reader.consumer.as_deref().unwrap_or("a poller");
            assert_order_of_keys(&reader.log);
            assert_eq!(reader.ended, closed, "{who} has read out every closed shard");
            assert_eq!(reader.begun.len(), all.len(), "{who} has seen every shard");
            reader.log.sort_unstable();
            assert!(reader.log == written, "{who} saw what was written, and nothing else");
        }
        written
    }
}

/// Tells the others when its thread fails.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// A record that was written or read. The data are the key and the counter, in
/// digits, which is base64 as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: String,
    data: String,
    shard: String,
    number: String,
}

/// In the order in which they were written or read, the records of a key are
/// counted up without a gap, and their numbers rise: from parent to child, too.
fn assert_order_of_keys(log: &[Entry]) {
    let mut last: BTreeMap<&str, (usize, &Entry)> = BTreeMap::new();
    for entry in log {
        let expected = last.get(entry.key.as_str()).map_or(0, |(count, _)| count + 1);
        assert_eq!(
            entry.data,
            data(&entry.key, expected),
            "after {:?}",
            last.get(entry.key.as_str())
        );
        let previous = last.insert(&entry.key, (expected, entry));
        if let Some((_, previous)) = previous {
            assert_eq!(previous.number.len(), entry.number.len());
            assert!(previous.number < entry.number, "{previous:?} came before {entry:?}");
        }
    }
}

fn data(key: &str, count: usize) -> String {
    format!("{key}{count:08}")
}

/// Writes records of its own keys, until the operator has no more to do.
struct Writer {
    keys: Vec<(String, usize)>,
    chance: Chance,
    log: Vec<Entry>,
}

impl Writer {
    fn new(number: usize, chance: Chance) -> Self {
        let keys = (0..KEYS_PER_WRITER).map(|key| (format!("{number:02}{key:02}"), 0)).collect();
        Self { keys, chance, log: Vec::new() }
    }

    fn record(&mut self) -> (String, String) {
        let which = self.chance.below(KEYS_PER_WRITER as u64) as usize;
        let (key, count) = &mut self.keys[which];
        *count += 1;
        (key.clone(), data(key, *count - 1))
    }

    fn acknowledge(&mut self, stage: &Stage, (key, data): (String, String), place: &Value) {
        let (shard, number) = (text(&place["ShardId"]), text(&place["SequenceNumber"]));
        self.log.push(Entry { key, data, shard, number });
        stage.written.fetch_add(1, Ordering::AcqRel);
    }
}

impl Actor for Writer {
    fn turn(&mut self, stage: &Stage) -> Turn {
        if stage.operator_is_done.load(Ordering::Acquire) {
            stage.writers_at_work.fetch_sub(1, Ordering::AcqRel);
            return Turn::Done;
        }
        let due = stage.changes.load(Ordering::Acquire) * RECORDS_PER_CHANGE;
        if stage.written.load(Ordering::Acquire) > due + RECORDS_AHEAD_MAX {
            return Turn::Waited;
        }
        let input = |(key, data): &(String, String)| json!({"PartitionKey": key, "Data": data});
        if self.chance.one_in(2) {
            let record = self.record();
            let mut input = input(&record);
            input["StreamName"] = json!("s");
            let place = stage.raw.ok("PutRecord", input);
            self.acknowledge(stage, record, &place);
        } else {
            // Several of a key go in one call, and keep their order.
            let count = 1 + self.chance.below(6);
            let records: Vec<_> = (0..count).map(|_| self.record()).collect();
            let inputs: Vec<_> = records.iter().map(input).collect();
            let answer = stage.raw.ok("PutRecords", json!({"StreamName": "s", "Records": inputs}));
            assert_eq!(list(&answer["Records"]).len(), records.len());
            for (record, place) in records.into_iter().zip(list(&answer["Records"])) {
                self.acknowledge(stage, record, place);
            }
        }
        Turn::Worked
    }
}

/// Changes the shards and moves the clock; until it is done nobody else does.
struct Operator {
    chance: Chance,
    changes: usize,
    expected_open: usize,
    rescalings: usize,
}

impl Actor for Operator {
    fn turn(&mut self, stage: &Stage) -> Turn {
        stage.raw.advance(Duration::from_millis(50 + self.chance.below(1500)));
        if stage.raw.status("s") == "UPDATING" {
            return Turn::Worked;
        }
        let shards: Vec<_> =
            all_shards(&stage.raw).into_iter().filter(|shard| !shard.is_closed).collect();
        assert_eq!(shards.len(), self.expected_open);
        if stage.written.load(Ordering::Acquire) < (self.changes + 1) * RECORDS_PER_CHANGE {
            return Turn::Waited;
        }
        if self.changes == CHANGES {
            stage.operator_is_done.store(true, Ordering::Release);
            return Turn::Done;
        }
        self.change(stage, shards);
        self.changes += 1;
        stage.changes.store(self.changes, Ordering::Release);
        Turn::Worked
    }
}

impl Operator {
    fn change(&mut self, stage: &Stage, mut open: Vec<ShardSummary>) {
        open.sort_unstable_by_key(|shard| shard.start);
        let count = open.len();
        // Every second change is a rescaling, so that a day's quota is used up.
        match self.chance.below(3) {
            _ if self.changes.is_multiple_of(2) => self.rescale(stage, count),
            0 if count < OPEN_SHARDS_MAX => {
                let parent = &open[self.chance.below(count as u64) as usize];
                let key = parent.start + (parent.end - parent.start) / 2;
                stage.raw.done(
                    "SplitShard",
                    json!({
                        "StreamName": "s",
                        "ShardToSplit": parent.id,
                        "NewStartingHashKey": key.to_string(),
                    }),
                );
                self.expected_open = count + 1;
            }
            1 if count > 1 => {
                let lower = self.chance.below(count as u64 - 1) as usize;
                stage.raw.done(
                    "MergeShards",
                    json!({
                        "StreamName": "s",
                        "ShardToMerge": open[lower].id,
                        "AdjacentShardToMerge": open[lower + 1].id,
                    }),
                );
                self.expected_open = count - 1;
            }
            _ => self.rescale(stage, count),
        }
    }

    fn rescale(&mut self, stage: &Stage, count: usize) {
        let (least, most) = (count.div_ceil(2), (count * 2).min(OPEN_SHARDS_MAX));
        let target = least + self.chance.below((most - least + 1) as u64) as usize;
        let input = json!({
            "StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING",
        });
        let mut answer = stage.raw.call("UpdateShardCount", input.clone());
        if self.rescalings > 0 && self.rescalings.is_multiple_of(10) && answer.status == 400 {
            // Ten times a day: this day is over.
            answer.expect_error_kind("LimitExceededException");
            stage.raw.advance(Duration::from_secs(25 * 3600));
            answer = stage.raw.call("UpdateShardCount", input);
        }
        let answer = answer.expect_ok();
        assert_eq!(
            (&answer["CurrentShardCount"], &answer["TargetShardCount"]),
            (&json!(count), &json!(target))
        );
        self.rescalings += 1;
        self.expected_open = target;
    }
}

/// Follows all shards from the first to the last.
struct Reader {
    /// Its ARN, if records are pushed to it.
    consumer: Option<String>,
    chance: Chance,
    cursors: Vec<Cursor>,
    begun: BTreeSet<String>,
    ended: BTreeSet<String>,
    log: Vec<Entry>,
}

/// Where a reader stands in a shard.
struct Cursor {
    shard: String,
    /// The number to go on after; the beginning if there is none.
    after: Option<String>,
    iterator: Option<String>,
}

/// What a look into a shard found.
struct Found {
    records: Vec<Value>,
    /// Who follows, at the end of a shard.
    children: Option<Vec<Value>>,
    /// Nothing was left at that moment.
    is_caught_up: bool,
}

impl Reader {
    fn new(consumer: Option<String>, raw: &Raw, chance: Chance) -> Self {
        let (begun, ended) = (BTreeSet::new(), BTreeSet::new());
        let mut reader =
            Self { consumer, chance, cursors: Vec::new(), begun, ended, log: Vec::new() };
        for shard in all_shards(raw) {
            reader.begin(shard.id);
        }
        reader
    }

    fn begin(&mut self, shard: String) {
        assert!(self.begun.insert(shard.clone()), "a child becomes ready once");
        self.cursors.push(Cursor { shard, after: None, iterator: None });
    }

    fn find(&mut self, stage: &Stage, which: usize) -> Option<Found> {
        let cursor = &mut self.cursors[which];
        match &self.consumer {
            None => cursor.poll(&stage.raw, 1 + self.chance.below(30)),
            Some(consumer) => cursor.subscribe(&stage.raw, consumer),
        }
    }

    /// A child is ready when all its parents have been read out.
    fn end(&mut self, shard: String, children: &[Value]) {
        self.ended.insert(shard.clone());
        for child in children {
            let parents: Vec<_> = list(&child["ParentShards"]).iter().map(text).collect();
            assert!(parents.contains(&shard), "{shard} is a parent of {child}");
            if parents.iter().all(|parent| self.ended.contains(parent)) {
                self.begin(text(&child["ShardId"]));
            }
        }
    }
}

impl Actor for Reader {
    fn turn(&mut self, stage: &Stage) -> Turn {
        let all_is_written = stage.writers_at_work.load(Ordering::Acquire) == 0;
        if self.cursors.is_empty() {
            return Turn::Done;
        }
        let which = self.chance.below(self.cursors.len() as u64) as usize;
        let Some(found) = self.find(stage, which) else {
            if all_is_written {
                // Nobody else moves the clock any more.
                stage.raw.advance(Duration::from_secs(1));
            }
            return Turn::Waited;
        };
        let shard = self.cursors[which].shard.clone();
        self.log.extend(found.records.iter().map(|record| Entry {
            key: text(&record["PartitionKey"]),
            data: text(&record["Data"]),
            shard: shard.clone(),
            number: text(&record["SequenceNumber"]),
        }));
        if let Some(children) = found.children {
            self.cursors.swap_remove(which);
            self.end(shard, &children);
        } else if found.is_caught_up && all_is_written {
            self.cursors.swap_remove(which);
        }
        if found.records.is_empty() { Turn::Waited } else { Turn::Worked }
    }
}

impl Cursor {
    /// GetRecords; nothing if the iterator has become too old.
    fn poll(&mut self, raw: &Raw, limit: u64) -> Option<Found> {
        let iterator = self.iterator.take().unwrap_or_else(|| {
            let mut input = json!({"StreamName": "s", "ShardId": self.shard});
            match &self.after {
                None => input["ShardIteratorType"] = json!("TRIM_HORIZON"),
                Some(number) => {
                    input["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                    input["StartingSequenceNumber"] = json!(number);
                }
            }
            raw.iterator_of(input)
        });
        let answer = raw.call("GetRecords", json!({"ShardIterator": iterator, "Limit": limit}));
        if answer.status == 400 {
            answer.expect_error_kind("ExpiredIteratorException");
            return None;
        }
        let answer = answer.expect_ok();
        let records = list(&answer["Records"]).clone();
        if let Some(last) = records.last() {
            self.after = Some(text(&last["SequenceNumber"]));
        }
        self.iterator = answer["NextShardIterator"].as_str().map(str::to_owned);
        let children = answer["ChildShards"].as_array().cloned();
        assert_eq!(children.is_none(), self.iterator.is_some());
        Some(Found { records, children, is_caught_up: answer["MillisBehindLatest"] == 0 })
    }

    /// SubscribeToShard, for the events that there are; nothing if the last
    /// subscription was less than five seconds ago.
    fn subscribe(&mut self, raw: &Raw, consumer: &str) -> Option<Found> {
        let start = match &self.after {
            None => json!({"Type": "TRIM_HORIZON"}),
            Some(number) => json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}),
        };
        let input =
            json!({"ConsumerARN": consumer, "ShardId": self.shard, "StartingPosition": start});
        let answer = raw.call("SubscribeToShard", input);
        if answer.status == 400 {
            answer.expect_error_kind("ResourceInUseException");
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut found = Found { records: Vec::new(), children: None, is_caught_up: true };
        for event in events(&answer.body) {
            assert!(found.children.is_none(), "nothing comes after the end");
            found.records.extend_from_slice(list(&event["Records"]));
            found.is_caught_up = event["MillisBehindLatest"] == 0;
            found.children = event["ChildShards"].as_array().cloned();
            let continuation = event["ContinuationSequenceNumber"].as_str();
            assert_eq!(continuation.is_none(), found.children.is_some());
            self.after = continuation.map(str::to_owned);
        }
        Some(found)
    }
}

/// The events of a subscription's answer, without the initial response.
fn events(mut body: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    while !body.is_empty() {
        let length = |at: usize| {
            let bytes = body[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(bytes) as usize
        };
        let (whole, headers_end) = (length(0), 12 + length(4));
        let headers = String::from_utf8_lossy(&body[12..headers_end]);
        let payload = &body[headers_end..whole - 4];
        if headers.contains("SubscribeToShardEvent") {
            events.push(serde_json::from_slice(payload).expect("an event is JSON"));
        } else {
            let text = String::from_utf8_lossy(payload);
            assert!(headers.contains("initial-response"), "{headers}: {text}");
        }
        body = &body[whole..];
    }
    events
}

/// What matters of a shard.
struct ShardSummary {
    id: String,
    start: u128,
    end: u128,
    is_closed: bool,
}

/// All shards, page by page.
fn all_shards(raw: &Raw) -> Vec<ShardSummary> {
    let mut page = raw.ok("ListShards", json!({"StreamName": "s"}));
    let mut shards = list(&page["Shards"]).clone();
    while let Some(token) = page["NextToken"].as_str() {
        page = raw.ok("ListShards", json!({"NextToken": token}));
        shards.extend_from_slice(list(&page["Shards"]));
    }
    let summary = |shard: Value| {
        let edge = |name: &str| text(&shard["HashKeyRange"][name]).parse().expect("a decimal");
        ShardSummary {
            id: text(&shard["ShardId"]),
            start: edge("StartingHashKey"),
            end: edge("EndingHashKey"),
            is_closed: shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string(),
        }
    };
    shards.into_iter().map(summary).collect()
}
