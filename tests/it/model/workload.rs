//! Random calls and time jumps on one thread. The auditor knows what must come
//! back, down to the last record.
//!
//! `simulation` runs it, from many seeds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use kinesis_emulator::{Builder, ErrorKind, Operation, Snapshot, Timestamp};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::auditor::{Answer, Auditor, Filter, NewRecord, RETENTION_MILLIS, Start, VALIDATION};
use super::chance::Chance;
use crate::support::directory::Directory;
use crate::support::raw::{Custom, JSON, Raw, START, list, shard_id, text};
use crate::wire::bounds::refused_inputs;

const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
const NAMES: [&str; 4] = ["a", "b", "c", "none"];

/// That the workload gets anywhere: a model test can agree on nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(super) calls: usize,
    refused: usize,
    nonsense: usize,
    /// Calls that a rule has refused or cut off.
    failures: usize,
    /// Records of batches that a rule has refused.
    records_failed: usize,
    /// Returns to a snapshot.
    returns: usize,
    /// Ends of the process, regular and others.
    pub(super) restarts: usize,
    records_read: usize,
    records_written: usize,
    shard_ends: usize,
    expired: usize,
    /// How often each operation succeeded and was refused.
    operations: BTreeMap<String, [usize; 2]>,
    /// Every byte of every answer, in the order of the calls.
    pub(super) digest: u64,
}

impl Seen {
    /// Adds what another run has seen.
    pub(super) fn add(&mut self, other: Self) {
        let Self { calls, refused, nonsense, failures, records_failed, returns, .. } = other;
        let Self { records_read, records_written, shard_ends, expired, restarts, .. } = other;
        self.restarts += restarts;
        self.calls += calls;
        self.refused += refused;
        self.nonsense += nonsense;
        self.failures += failures;
        self.records_failed += records_failed;
        self.returns += returns;
        self.records_read += records_read;
        self.records_written += records_written;
        self.shard_ends += shard_ends;
        self.expired += expired;
        for (operation, [succeeded, refused]) in other.operations {
            let counts = self.operations.entry(operation).or_default();
            *counts = [counts[0] + succeeded, counts[1] + refused];
        }
        // Runs end in any order.
        self.digest ^= other.digest;
    }

    /// # Panics
    /// If the calls of many seeds have not come by everything.
    pub(super) fn assert_interesting(&self) {
        assert!(self.calls > 10_000, "{self:?}");
        assert!(self.calls / 20 < self.refused && self.refused < self.calls / 2, "{self:?}");
        assert!(self.records_read > 2000 && self.records_written > 4000, "{self:?}");
        let on_purpose = [self.nonsense, self.failures, self.records_failed, self.returns];
        assert!(on_purpose.iter().all(|count| *count > self.calls / 1000), "{self:?}");
        assert!(self.shard_ends > 50 && self.expired > 20, "{self:?}");
        assert_eq!(self.operations.len(), 24, "{self:?}");
        for (operation, [succeeded, _]) in &self.operations {
            assert!(*succeeded > 4, "{operation} gets nowhere: {self:?}");
        }
    }
}

/// Has an emulator keep everything in a directory, if there is one.
fn keep(builder: Builder, directory: Option<&Directory>) -> Builder {
    match directory {
        Some(directory) => directory.keep_small(builder),
        None => builder,
    }
}

pub(crate) struct Workload {
    raw: Raw,
    /// Where the emulator keeps everything, if it does.
    directory: Option<Directory>,
    /// Whose turn it is, and what has to come back to that account.
    account: &'static str,
    auditor: Auditor,
    /// The other accounts, which nothing of that concerns.
    others: VecDeque<(&'static str, Auditor)>,
    /// How often each operation succeeded and was refused.
    operations: BTreeMap<String, [usize; 2]>,
    chance: Chance,
    /// Every byte of every answer so far.
    answers: DefaultHasher,
    seed: u64,
    delay: Duration,
    /// A snapshot, and what had to come back then.
    saved: Option<(Snapshot, VecDeque<(&'static str, Auditor)>)>,
    seen: Seen,
}

impl Workload {
    pub(super) fn new(seed: u64) -> Self {
        Self::by(Chance::new(seed), seed, None)
    }

    /// The calls that the chosen bytes lead to: from none, the same as from a seed.
    pub(crate) fn chosen(choices: &[u8]) -> Self {
        Self::by(Chance::chosen(choices.to_vec(), 0), 0, None)
    }

    /// The same as from a seed, with an emulator that is ended and started again
    /// now and then.
    pub(super) fn kept(seed: u64) -> Self {
        let directory = Directory::new(&format!("workload-{seed}"));
        Self::by(Chance::new(seed), seed, Some(directory))
    }

    fn by(mut chance: Chance, seed: u64, directory: Option<Directory>) -> Self {
        let delay = if chance.one_in(2) { 0 } else { 700 };
        let settings = |builder: Builder| {
            let builder = builder.seed(seed).state_delay(Duration::from_millis(delay));
            keep(builder, directory.as_ref())
        };
        let auditor = || Auditor::new(START.as_millis(), delay);
        let others = ACCOUNTS[1..].iter().map(|account| (*account, auditor())).collect();
        let (account, auditor) = (ACCOUNTS[0], auditor());
        Self {
            raw: Raw::with(settings),
            directory,
            account,
            auditor,
            others,
            operations: BTreeMap::new(),
            chance,
            answers: DefaultHasher::new(),
            seed,
            delay: Duration::from_millis(delay),
            saved: None,
            seen: Seen::default(),
        }
    }

    /// Makes calls until no choices are left, but not more than so many.
    pub(crate) fn run_while_chosen(mut self, calls_max: usize) -> Seen {
        while self.chance.is_chosen() && self.seen.calls < calls_max {
            self.make_a_call();
        }
        self.seen()
    }

    /// Makes so many calls, and says what it has seen.
    pub(super) fn run(mut self, calls: usize) -> Seen {
        while self.seen.calls < calls {
            self.make_a_call();
        }
        self.seen()
    }

    fn make_a_call(&mut self) {
        if self.chance.one_in(60) {
            self.take_a_snapshot();
        }
        if self.chance.one_in(120) {
            self.go_back();
        }
        if self.directory.is_some() && self.chance.one_in(40) {
            self.restart();
        }
        if self.chance.one_in(3) {
            self.let_time_pass();
        }
        if self.chance.one_in(8) {
            self.change_the_account();
        }
        self.auditor.settle();
        self.seen.calls += 1;
        if self.chance.one_in(25) {
            self.talk_nonsense();
            self.seen.nonsense += 1;
            return;
        }
        let answer = self.step();
        let seen = &mut self.seen;
        match answer {
            Err(kind) => {
                seen.refused += 1;
                seen.expired += usize::from(kind == super::auditor::EXPIRED);
            }
            Ok(answer) => {
                seen.records_read += answer["Records"]
                    .as_array()
                    .map_or(0, |records| records.iter().filter(|r| !r["Data"].is_null()).count());
                seen.shard_ends += usize::from(answer["ChildShards"].is_array());
            }
        }
    }

    fn seen(mut self) -> Seen {
        let others = self.others.iter().map(|(_, auditor)| auditor);
        let auditors = others.chain([&self.auditor]);
        self.seen.records_written = auditors.map(Auditor::record_count).sum::<usize>();
        self.seen.operations = self.operations;
        self.seen.digest = self.answers.finish();
        self.seen
    }

    fn take_a_snapshot(&mut self) {
        let snapshot = self.raw.emulator.snapshot();
        let mut auditors = self.others.clone();
        auditors.push_front((self.account, self.auditor.clone()));
        self.saved = Some((snapshot, auditors));
    }

    /// Puts everything back, or goes on in another emulator that begins there.
    fn go_back(&mut self) {
        let Some((snapshot, mut auditors)) = self.saved.clone() else { return };
        let now = self.auditor.now;
        match self.chance.below(3) {
            0 => self.raw.emulator.restore(&snapshot),
            form => {
                let read_back = || Snapshot::from_bytes(&snapshot.to_bytes()).expect("it is whole");
                let snapshot = if form == 1 { snapshot.clone() } else { read_back() };
                let (seed, delay) = (self.seed, self.delay);
                // The one before is removed when nobody writes there any more.
                let before = self.directory.take();
                self.directory = before.as_ref().map(Directory::beside);
                let directory = self.directory.as_ref();
                self.raw = Raw::with(|builder| {
                    keep(builder.seed(seed).state_delay(delay).snapshot(&snapshot), directory)
                });
                self.raw.emulator.clock().advance_to(Timestamp::from_millis(now));
            }
        }
        let (account, auditor) = auditors.pop_front().expect("whose turn it was");
        (self.account, self.auditor, self.others) = (account, auditor, auditors);
        self.auditor.now = now;
        self.seen.returns += 1;
    }

    /// Ends the emulator, as it ends or by a failure, and starts it again.
    fn restart(&mut self) {
        let Some(before) = self.directory.take() else { return };
        // What a failure leaves is what is there now.
        let directory = if self.chance.one_in(2) { before.copy() } else { before };
        self.raw = Raw::new();
        let (seed, delay) = (self.seed, self.delay);
        self.raw =
            Raw::with(|builder| keep(builder.seed(seed).state_delay(delay), Some(&directory)));
        self.raw.emulator.clock().advance_to(Timestamp::from_millis(self.auditor.now));
        self.directory = Some(directory);
        self.seen.restarts += 1;
    }

    /// A request that is refused for its form: it must change nothing.
    fn talk_nonsense(&mut self) {
        static REFUSED: LazyLock<Vec<(&str, String)>> = LazyLock::new(refused_inputs);
        let choice = self.chance.below(REFUSED.len() as u64) as usize;
        let (operation, body) = &REFUSED[choice];
        let (body, kind) = match self.chance.below(4) {
            0 => (body[..body.len() - 1].to_owned(), "SerializationException"),
            1 => (format!("[{body}]"), "SerializationException"),
            _ => (body.clone(), VALIDATION),
        };
        let request = Custom::signed(operation, JSON, body.clone()).by(self.account, "us-east-1");
        let answer = self.send(request);
        assert_eq!(answer.status, 400, "{operation} {body}: {}", answer.text());
        assert_eq!(answer.json()["__type"], kind, "{operation} {body}");
    }

    fn send(&mut self, request: Custom) -> crate::support::raw::Answer {
        let answer = self.raw.send(request);
        answer.status.as_u16().hash(&mut self.answers);
        answer.body.hash(&mut self.answers);
        for (name, value) in &answer.headers {
            (name.as_str(), value.as_bytes()).hash(&mut self.answers);
        }
        answer
    }

    /// Accounts take turns. Each has streams of the same names.
    fn change_the_account(&mut self) {
        let Some((account, mut auditor)) = self.others.pop_front() else { return };
        auditor.now = self.auditor.now;
        let account = std::mem::replace(&mut self.account, account);
        self.others.push_back((account, std::mem::replace(&mut self.auditor, auditor)));
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
            76..78 => self.split(),
            78..80 => self.merge(),
            80..83 => self.rescale(),
            83..86 => self.describe(),
            86..89 => self.summary(),
            89..92 => self.list_shards(),
            92..93 => self.list_streams(),
            93..94 => self.switch_mode(),
            94..95 => self.keep(),
            95..96 => self.encrypt(),
            96..98 => self.change_tags(),
            _ => self.change_consumers(),
        }
    }

    fn call(&mut self, operation: &str, input: Value) -> Answer {
        // Of several rules the first one counts: one at a time.
        if self.chance.one_in(16) && self.raw.emulator.faults().list().is_empty() {
            self.fail_on_purpose(operation, &input);
        }
        let request = Custom::json(operation, &input).by(self.account, "us-east-1");
        let answer = self.send(request);
        let counts = self.operations.entry(operation.to_owned()).or_default();
        counts[usize::from(answer.status != 200)] += 1;
        match (answer.status.as_u16(), answer.body.is_empty()) {
            (200, true) => Ok(Value::Null),
            (200, false) => Ok(answer.json()),
            (400, _) => Err(text(&answer.json()["__type"])),
            _ => panic!("{operation} was answered with {}: {}", answer.status, answer.text()),
        }
    }

    /// Makes a call that a rule refuses or cuts off before it does anything: the
    /// same call, made again, finds everything as it was.
    fn fail_on_purpose(&mut self, operation: &str, input: &Value) {
        let known: Operation = operation.parse().expect("an operation");
        let faults = self.raw.emulator.faults().on(known);
        let (fault, status) = match self.chance.below(4) {
            0 => (faults.drop_connection_before_commit(), 502),
            1 => (faults.internal_failure(), 500),
            2 => (faults.service_unavailable(), 503),
            _ => (faults.reject(ErrorKind::LimitExceeded), 400),
        };
        let request = Custom::json(operation, input).by(self.account, "us-east-1");
        let answer = self.send(request);
        // A request that is refused for its form never meets the rule.
        let expected = if fault.fired() == 1 { status } else { 400 };
        assert_eq!(answer.status, expected, "{operation}: {}", answer.text());
        self.seen.failures += 1;
        drop(fault);
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
        let shards = Some(self.chance.below(5) as usize).filter(|_| !self.chance.one_in(6));
        let answer = self.call("CreateStream", json!({"StreamName": name, "ShardCount": shards}));
        self.auditor.create(name, shards, &answer);
        answer
    }

    fn delete(&mut self) -> Answer {
        let name = self.name();
        let is_enforced = self.chance.one_in(2);
        let answer = self.call(
            "DeleteStream",
            json!({"StreamName": name, "EnforceConsumerDeletion": is_enforced}),
        );
        self.auditor.delete(name, is_enforced, &answer);
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
        let all_well = BTreeSet::new();
        self.auditor.put(name, &[record], &all_well, &answer, |place| vec![place.clone()]);
        answer
    }

    fn put_records(&mut self) -> Answer {
        let name = self.name();
        let count = 1 + self.chance.below(12);
        let (records, entries): (Vec<_>, Vec<_>) = (0..count).map(|_| self.record()).unzip();
        let failing = self.records_to_fail(count as usize);
        let faults = self.raw.emulator.faults().on(Operation::PutRecords);
        let faults = failing.iter().fold(faults, |faults, place| faults.record(*place));
        // Without a place it would be about all of them.
        let _fault = (!failing.is_empty())
            .then(|| faults.fail_records(ErrorKind::ProvisionedThroughputExceeded));
        let answer = self.call("PutRecords", json!({"StreamName": name, "Records": entries}));
        let places = |answer: &Value| {
            assert_eq!(answer["FailedRecordCount"], failing.len());
            list(&answer["Records"]).clone()
        };
        self.auditor.put(name, &records, &failing, &answer, places);
        self.seen.records_failed += failing.len();
        answer
    }

    /// Places of a batch whose records are to fail; mostly none.
    fn records_to_fail(&mut self, count: usize) -> BTreeSet<usize> {
        if !self.chance.one_in(8) {
            return BTreeSet::new();
        }
        (0..count).filter(|_| self.chance.one_in(3)).collect()
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
        if !self.auditor.is_alive(iterator) && !self.chance.one_in(8) {
            return self.iterator();
        }
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

    fn rescale(&mut self) -> Answer {
        let name = self.name();
        let open = self.auditor.streams.get(name).map_or(1, |stream| stream.open_count() as u64);
        // Sometimes beyond double, sometimes below half; few shards in all.
        let target = 1 + self.chance.below((open * 2 + 1).min(9)) as usize;
        let answer = self.call(
            "UpdateShardCount",
            json!({
                "StreamName": name,
                "TargetShardCount": target,
                "ScalingType": "UNIFORM_SCALING",
            }),
        );
        self.auditor.rescale(name, target, &answer);
        answer
    }

    fn switch_mode(&mut self) -> Answer {
        let name = self.name();
        // Mostly back to where shards can be changed.
        let mode = self.chance.pick(&["PROVISIONED", "PROVISIONED", "ON_DEMAND"]);
        let answer = self.call(
            "UpdateStreamMode",
            json!({"StreamARN": self.arn(name), "StreamModeDetails": {"StreamMode": mode}}),
        );
        self.auditor.switch_mode(name, mode, &answer);
        answer
    }

    fn keep(&mut self) -> Answer {
        let name = self.name();
        let mut hours = self.chance.pick(&[-1, 23, 24, 25, 30, 48, 48, 100, 8760, 8761]);
        let is_increase = self.chance.one_in(2);
        let existing = self.auditor.streams.get(name).map_or(24, |s| s.settings.retention_hours);
        if !is_increase && self.chance.one_in(2) {
            hours = existing.div_ceil(2).max(24) as i64;
        }
        let operation = if is_increase { "Increase" } else { "Decrease" };
        let answer = self.call(
            &format!("{operation}StreamRetentionPeriod"),
            json!({"StreamName": name, "RetentionPeriodHours": hours}),
        );
        self.auditor.keep(name, hours, is_increase, &answer);
        answer
    }

    fn encrypt(&mut self) -> Answer {
        let name = self.name();
        let key = self.chance.pick(&["alias/one", "alias/two"]);
        let starts = self.chance.one_in(2);
        let operation = if starts { "StartStreamEncryption" } else { "StopStreamEncryption" };
        let answer = self
            .call(operation, json!({"StreamName": name, "EncryptionType": "KMS", "KeyId": key}));
        self.auditor.encrypt(name, key, starts, &answer);
        answer
    }

    fn change_tags(&mut self) -> Answer {
        let name = self.name();
        let count = 1 + self.chance.below(24);
        let keys: Vec<_> = (0..count).map(|_| format!("k{}", self.chance.below(70))).collect();
        match self.chance.below(3) {
            0 => {
                let answer = self.call("ListTagsForStream", json!({"StreamName": name}));
                self.auditor.tags(name, &answer);
                answer
            }
            1 => {
                let keys = keys.into_iter().take(4).collect::<BTreeSet<_>>().into_iter();
                let keys: Vec<_> = keys.collect();
                let answer =
                    self.call("RemoveTagsFromStream", json!({"StreamName": name, "TagKeys": keys}));
                self.auditor.untag(name, &keys, &answer);
                answer
            }
            _ => {
                let mut tags: BTreeMap<_, _> =
                    keys.into_iter().map(|key| (key, self.chance.below(9).to_string())).collect();
                if self.chance.one_in(8) {
                    tags.insert(self.chance.pick(&["per%cent", "st*r"]).to_owned(), String::new());
                }
                let answer =
                    self.call("AddTagsToStream", json!({"StreamName": name, "Tags": tags}));
                self.auditor.tag(name, &tags, &answer);
                answer
            }
        }
    }

    fn change_consumers(&mut self) -> Answer {
        let name = self.name();
        let consumer = format!("c{}", self.chance.below(2));
        let input = json!({"StreamARN": self.arn(name), "ConsumerName": consumer});
        match self.chance.below(5) {
            0 | 1 => {
                let answer = self.call("DeregisterStreamConsumer", input);
                self.auditor.deregister(name, &consumer, &answer);
                answer
            }
            2 => {
                let input = json!({"StreamARN": self.arn(name)});
                let answer = self.call("ListStreamConsumers", input);
                self.auditor.consumers(name, &answer);
                answer
            }
            _ => {
                let answer = self.call("RegisterStreamConsumer", input);
                self.auditor.register(name, &consumer, &answer);
                answer
            }
        }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:kinesis:us-east-1:{}:stream/{name}", self.account)
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
