//! What has to come back: streams, shards, records and iterators as plain
//! lists, by the words of the API reference, with nothing of the emulator's
//! own structure. `calls` settles, answers and compares every call.

mod calls;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::raw::{shard_id, text};

const HOUR_MILLIS: u64 = 3600 * 1000;
const DAY_MILLIS: u64 = 24 * HOUR_MILLIS;
/// How long records are kept at first.
pub(super) const RETENTION_MILLIS: u64 = DAY_MILLIS;
/// How long an iterator lives.
const ITERATOR_MILLIS: u64 = 300 * 1000;

/// The kinds of refusal that the workload provokes.
pub(super) const FAILED_ON_PURPOSE: &str = "ProvisionedThroughputExceededException";
pub(super) const EXPIRED: &str = "ExpiredIteratorException";
pub(super) const IN_USE: &str = "ResourceInUseException";
pub(super) const INVALID: &str = "InvalidArgumentException";
pub(super) const LIMIT: &str = "LimitExceededException";
pub(super) const NOT_FOUND: &str = "ResourceNotFoundException";
pub(super) const VALIDATION: &str = "ValidationException";

/// The expected state of one account in one Region.
#[derive(Clone)]
pub(super) struct Auditor {
    pub(super) now: u64,
    delay_millis: u64,
    pub(super) streams: BTreeMap<String, Stream>,
    pub(super) iterators: Vec<Iterator>,
    /// What is due, in the order of deadlines and then of calls.
    due: BTreeMap<(u64, u64), (u64, Change)>,
    made: u64,
    /// When the last stream of a name began, if it is gone.
    retired: BTreeMap<String, u64>,
    /// When streams began, of which no two did at once.
    created_seconds: BTreeSet<u64>,
}

/// An expected stream.
#[derive(Clone)]
pub(super) struct Stream {
    /// Tells namesakes apart.
    id: u64,
    pub(super) status: &'static str,
    created_seconds: u64,
    pub(super) shards: Vec<Shard>,
    pub(super) settings: Settings,
    /// When each of the changes happened that a day has a quota for.
    rescalings: Vec<u64>,
    mode_switches: Vec<u64>,
    encryption_starts: Vec<u64>,
    encryption_stops: Vec<u64>,
}

/// What can be set about a stream.
#[derive(Clone)]
pub(super) struct Settings {
    mode: &'static str,
    pub(super) retention_hours: u64,
    /// What arrived before this has expired, whatever the retention is now.
    expired_before: u64,
    key: Option<String>,
    tags: BTreeMap<String, String>,
    /// Names and statuses.
    pub(super) consumers: BTreeMap<String, &'static str>,
}

/// An expected shard.
#[derive(Clone)]
pub(super) struct Shard {
    pub(super) start: u128,
    pub(super) end: u128,
    parents: Vec<usize>,
    created_seconds: u64,
    opened: u64,
    closed: Option<u64>,
    /// All records that were ever acknowledged.
    pub(super) records: Vec<Record>,
    /// Its starting and ending sequence numbers, as first seen.
    seen_start: Option<String>,
    seen_end: Option<String>,
}

/// An acknowledged record.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) number: String,
    pub(super) key: String,
    pub(super) data: String,
    arrival: u64,
    is_encrypted: bool,
}

/// An iterator that was handed out.
#[derive(Clone)]
pub(super) struct Iterator {
    pub(super) token: String,
    stream: (String, u64),
    shard: usize,
    /// How many of the shard's records lie before it.
    next: usize,
    issued: u64,
}

#[derive(Clone)]
enum Change {
    Created { shards: usize },
    Deleted,
    Split { parent: usize, at: u128 },
    Merged { lower: usize, upper: usize },
    Rescaled { shards: usize },
    ModeSwitched { mode: &'static str },
    Encrypted { key: Option<String> },
    ConsumerReady { name: String },
    ConsumerGone { name: String },
}

/// Where an iterator starts.
#[derive(Debug, Clone)]
pub(super) enum Start {
    TrimHorizon,
    Latest,
    At(String),
    After(String),
    Time(u64),
}

/// Which shards are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    All,
    AtLatest,
    AtTrimHorizon,
    At(u64),
    From(u64),
    After(usize),
}

/// A record on its way in.
#[derive(Debug, Clone)]
pub(super) struct NewRecord {
    pub(super) key: String,
    /// Where it goes; `None` is a hash key beyond the space.
    pub(super) hash: Option<u128>,
    pub(super) data: String,
}

/// The answer, or the kind of the refusal.
pub(super) type Answer = Result<Value, String>;

impl Auditor {
    pub(super) fn new(now: u64, delay_millis: u64) -> Self {
        Self {
            now,
            delay_millis,
            streams: BTreeMap::new(),
            iterators: Vec::new(),
            due: BTreeMap::new(),
            made: 0,
            retired: BTreeMap::new(),
            created_seconds: BTreeSet::new(),
        }
    }

    /// Makes what is due happen.
    pub(super) fn settle(&mut self) {
        while let Some(first) = self.due.first_entry() {
            let (at, _) = *first.key();
            if at > self.now {
                return;
            }
            let (id, change) = first.remove();
            let Some((name, stream)) = self.streams.iter_mut().find(|(_, s)| s.id == id) else {
                continue;
            };
            match change {
                Change::Deleted => {
                    let name = name.clone();
                    self.retired.insert(name.clone(), stream.created_seconds);
                    self.streams.remove(&name);
                    continue;
                }
                Change::Created { shards } => stream.open_first(shards),
                Change::Split { parent, at: key } => stream.split(parent, key, at),
                Change::Merged { lower, upper } => stream.merge(lower, upper, at),
                Change::Rescaled { shards } => stream.rescale(shards, at),
                Change::ModeSwitched { mode } => stream.settings.mode = mode,
                Change::Encrypted { key } => stream.settings.key = key,
                Change::ConsumerReady { name } => {
                    if let Some(status @ &mut "CREATING") = stream.settings.consumers.get_mut(&name)
                    {
                        *status = "ACTIVE";
                    }
                    continue;
                }
                Change::ConsumerGone { name } => {
                    stream.settings.consumers.remove(&name);
                    continue;
                }
            }
            if stream.status != "DELETING" {
                stream.status = "ACTIVE";
            }
        }
    }

    fn plan(&mut self, id: u64, change: Change) {
        self.made += 1;
        self.due.insert((self.now + self.delay_millis, self.made), (id, change));
    }

    /// When something happened to a stream: times at which a reader could stand
    /// on either side.
    pub(super) fn instants(&self, name: &str) -> Vec<u64> {
        let shards = || self.streams.get(name).into_iter().flat_map(|stream| &stream.shards);
        let arrivals = shards().flat_map(|shard| &shard.records).map(|record| record.arrival);
        let changes = shards().flat_map(|shard| shard.closed.into_iter().chain([shard.opened]));
        arrivals.chain(changes).collect()
    }

    /// When something will be over or due, if nobody does anything.
    pub(super) fn deadlines(&self, name: &str) -> Vec<u64> {
        let hours = self.streams.get(name).map_or(24, |stream| stream.settings.retention_hours);
        let retention = hours * HOUR_MILLIS;
        let kept_until = self.instants(name).into_iter().map(|instant| instant + retention);
        let alive_until = self.iterators.iter().map(|iterator| iterator.issued + ITERATOR_MILLIS);
        let due = self.due.keys().map(|(at, _)| *at);
        kept_until.chain(alive_until).chain(due).filter(|at| *at > self.now).collect()
    }

    /// Whether an iterator is young enough.
    pub(super) fn is_alive(&self, iterator: usize) -> bool {
        self.now <= self.iterators[iterator].issued + ITERATOR_MILLIS
    }

    /// How many records were acknowledged by streams that are still there.
    pub(super) fn record_count(&self) -> usize {
        self.streams.values().flat_map(|s| &s.shards).map(|shard| shard.records.len()).sum()
    }
}

impl Stream {
    /// Records that arrived before this are gone.
    fn horizon(&self, now: u64) -> u64 {
        (now - self.settings.retention_hours * HOUR_MILLIS).max(self.settings.expired_before)
    }

    fn live_count(&self, now: u64) -> usize {
        let horizon = self.horizon(now);
        self.shards.iter().filter(|shard| shard.is_live(horizon)).count()
    }

    pub(super) fn open_count(&self) -> usize {
        self.shards.iter().filter(|shard| shard.closed.is_none()).count()
    }

    fn takes_records(&self) -> bool {
        matches!(self.status, "ACTIVE" | "UPDATING")
    }

    fn open_first(&mut self, count: usize) {
        let starts = uniform(count);
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(u128::MAX, |next| next - 1);
            self.open(*start, end, Vec::new(), self.created_seconds, 0);
        }
    }

    /// From below, each range that is wanted is cut off where it ends, and merged
    /// piece by piece.
    fn rescale(&mut self, count: usize, at: u64) {
        if count == self.open_count() {
            return;
        }
        let open = self.shards.iter().filter(|shard| shard.closed.is_none());
        let mut existing: Vec<_> = open.map(|shard| shard.start).collect();
        existing.sort_unstable();
        // Bounds that differ by rounding are the same.
        let same = |bound: u128| {
            let near = existing.iter().find(|start| start.abs_diff(bound) <= count as u128);
            near.copied().unwrap_or(bound)
        };
        let starts: Vec<_> = uniform(count).into_iter().map(same).collect();
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(u128::MAX, |next| next - 1);
            let cut_off = |stream: &mut Self, hash: u128| {
                let shard = stream.owner(hash);
                if stream.shards[shard].end > end {
                    stream.split(shard, end + 1, at);
                }
                stream.owner(hash)
            };
            let mut lower = cut_off(self, *start);
            while self.shards[lower].end != end {
                let upper = cut_off(self, self.shards[lower].end + 1);
                self.merge(lower, upper, at);
                lower = self.owner(*start);
            }
        }
    }

    fn split(&mut self, parent: usize, key: u128, at: u64) {
        let Shard { start, end, .. } = self.shards[parent];
        let seconds = self.close(&[parent], at);
        self.open(start, key - 1, vec![parent], seconds, at);
        self.open(key, end, vec![parent], seconds, at);
    }

    fn merge(&mut self, lower: usize, upper: usize, at: u64) {
        let (start, end) = (self.shards[lower].start, self.shards[upper].end);
        let seconds = self.close(&[lower, upper], at);
        self.open(start, end, vec![lower, upper], seconds, at);
    }

    /// Children are made one second after their parents' end.
    fn close(&mut self, parents: &[usize], at: u64) -> u64 {
        let made = parents.iter().map(|parent| self.shards[*parent].created_seconds).max();
        let ended = at.max(made.expect("there is a parent") * 1000);
        for parent in parents {
            self.shards[*parent].closed = Some(at);
        }
        ended / 1000 + 1
    }

    fn open(&mut self, start: u128, end: u128, parents: Vec<usize>, created_seconds: u64, at: u64) {
        self.shards.push(Shard {
            start,
            end,
            parents,
            created_seconds,
            opened: at,
            closed: None,
            records: Vec::new(),
            seen_start: None,
            seen_end: None,
        });
    }

    fn owner(&self, hash: u128) -> usize {
        let owns =
            |shard: &Shard| shard.closed.is_none() && (shard.start..=shard.end).contains(&hash);
        let mut owners = (0..self.shards.len()).filter(|shard| owns(&self.shards[*shard]));
        let owner = owners.next().expect("open shards cover the space");
        assert_eq!(owners.next(), None, "open shards do not overlap");
        owner
    }

    /// Shards that can be split or merged: one that is missing comes before one that is
    /// closed.
    fn reshardable(&self, shards: &[usize]) -> Result<Vec<&Shard>, &'static str> {
        if self.status != "ACTIVE" {
            return Err(IN_USE);
        }
        if self.settings.mode == "ON_DEMAND" {
            return Err(VALIDATION);
        }
        let known = shards.iter().map(|shard| self.shards.get(*shard).ok_or(NOT_FOUND));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        let is_closed = |shard: &&Shard| shard.closed.is_some();
        if known.iter().any(is_closed) { Err(INVALID) } else { Ok(known) }
    }

    fn children(&self, parent: usize) -> impl std::iter::Iterator<Item = usize> {
        (0..self.shards.len()).filter(move |shard| self.shards[*shard].parents.contains(&parent))
    }

    fn compare_shards(&mut self, expected: &[usize], found: &[Value]) {
        let ids: Vec<_> = found.iter().map(|shard| text(&shard["ShardId"])).collect();
        assert_eq!(ids, expected.iter().copied().map(shard_id).collect::<Vec<_>>());
        for (number, found) in expected.iter().zip(found) {
            let oldest_child = self
                .children(*number)
                .filter_map(|child| self.shards[child].seen_start.clone())
                .min();
            let shard = &mut self.shards[*number];
            let range = &found["HashKeyRange"];
            assert_eq!(range["StartingHashKey"], shard.start.to_string());
            assert_eq!(range["EndingHashKey"], shard.end.to_string());
            let parent = |place: usize| shard.parents.get(place).copied().map(shard_id);
            assert_eq!(found["ParentShardId"].as_str(), parent(0).as_deref());
            assert_eq!(found["AdjacentParentShardId"].as_str(), parent(1).as_deref());
            let numbers = &found["SequenceNumberRange"];
            let start = text(&numbers["StartingSequenceNumber"]);
            let end = numbers["EndingSequenceNumber"].as_str().map(str::to_owned);
            assert_eq!(end.is_some(), shard.closed.is_some(), "closed shards have an end");
            assert_eq!(*shard.seen_start.get_or_insert_with(|| start.clone()), start);
            if let Some(end) = end {
                assert_eq!(*shard.seen_end.get_or_insert_with(|| end.clone()), end);
                assert!(shard.records.last().is_none_or(|last| last.number < end));
                assert!(start < end);
                assert!(oldest_child.is_none_or(|child| end < child), "children come later");
            }
            assert!(shard.records.first().is_none_or(|first| start < first.number));
        }
    }
}

impl Shard {
    /// Records arrive in order, and never before their shard was made.
    fn append(&mut self, now: u64, record: &NewRecord, number: String, is_encrypted: bool) {
        let last = self.records.last();
        assert_eq!(number.len(), 56);
        assert!(last.is_none_or(|last| last.number < number), "numbers rise");
        let arrival = now.max(last.map_or(0, |last| last.arrival));
        let NewRecord { key, data, .. } = record.clone();
        self.records.push(Record { number, key, data, arrival, is_encrypted });
    }

    fn is_live(&self, horizon: u64) -> bool {
        self.closed.is_none_or(|closed| closed >= horizon)
    }

    fn was_open_at(&self, time: u64) -> bool {
        (self.opened <= time || self.parents.is_empty())
            && self.closed.is_none_or(|closed| closed >= time)
    }

    /// How many records have been trimmed.
    fn first_kept(&self, horizon: u64) -> usize {
        self.records.partition_point(|record| record.arrival < horizon)
    }

    /// How many records lie before a start; `None` if it is none of this shard.
    fn place_of(&self, start: &Start, now: u64, horizon: u64) -> Option<usize> {
        let kept = self.first_kept(horizon);
        let find = |number: &String| self.records.iter().position(|r| r.number == *number);
        Some(match start {
            Start::TrimHorizon => kept,
            Start::Latest => self.records.len(),
            Start::At(number) => find(number)?.max(kept),
            Start::After(number) => (find(number)? + 1).max(kept),
            Start::Time(time) if *time > now => return None,
            Start::Time(time) => self.records.partition_point(|r| r.arrival < *time).max(kept),
        })
    }
}

/// How many of these times lie within the last 24 hours.
fn within_a_day(times: &[u64], now: u64) -> usize {
    times.iter().filter(|time| now - **time < DAY_MILLIS).count()
}

/// Where ranges of equal length begin: multiples of floor(2^128 / n), for the
/// small counts of the workload.
fn uniform(count: usize) -> Vec<u128> {
    let count = count as u128;
    let length = if count == 1 { 0 } else { (u128::MAX - (count - 1)) / count + 1 };
    (0..count).map(|number| number * length).collect()
}

/// Seconds with three decimals as milliseconds.
fn millis(value: &Value) -> u64 {
    (value.as_f64().expect("a time") * 1000.0).round() as u64
}
