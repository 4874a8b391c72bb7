//! Random calls and time jumps on one thread. The auditor knows what must come
//! back, down to the last record.
//!
//! `simulation` runs it, from many seeds.

mod calls;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use kinesis_emulator::{Builder, ErrorKind, Operation, Snapshot, Timestamp};
use serde_json::Value;

use super::auditor::{Answer, Auditor, VALIDATION};
use super::chance::Chance;
use crate::support::directory::Directory;
use crate::support::raw::{Custom, JSON, Raw, START, text};
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
}
