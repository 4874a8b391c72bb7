//! Faults as rules: a call that has passed the first two gates is offered to
//! them, in the order in which they were made, and the first that fires decides.
//!
//! No rule changes what is stored: a call is served as ever, or not at all, or
//! its answer does not arrive.

mod file;
mod guard;
mod hold;
mod matching;
mod rule;

pub use guard::{Fault, NewFault};
pub use rule::{Action, InvalidRule, Rule};

pub(super) use hold::Held;
pub(super) use matching::Asked;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::entropy::Entropy;
use crate::engine::watchers::{Watchers, Woken};
use crate::model::error::ApiError;
use crate::operations::OperationName as Operation;

use super::switches::Switches;
use rule::Schedule;

/// The faults of an emulator, in the test's hands.
///
/// A rule says which calls it takes and what becomes of them. The guard that
/// comes back tells how often it fired, and removes the rule when it is dropped.
///
/// ```
/// # use kinesis_emulator::{Emulator, ErrorKind, Operation};
/// let kinesis = Emulator::in_process();
/// let throttle = kinesis
///     .faults()
///     .on(Operation::PutRecord)
///     .stream("orders")
///     .times(2)
///     .reject(ErrorKind::ProvisionedThroughputExceeded);
/// // … the code under test puts, is throttled twice, and tries again …
/// assert_eq!(throttle.fired(), 0);
/// ```
///
/// The first matching rule wins, in the order of their making; a rule that has
/// fired as often as it may, or whose turn has not come, lets the call pass on
/// to the next. A rule counts the calls that match it and that no rule before it
/// took. Only calls that are well-formed and authenticated come this far.
///
/// Clones are handles to the same rules.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Mutex<Rules>,
    switches: Arc<Switches>,
    /// Apart from the engine's, so that ids do not depend on it.
    entropy: Entropy,
}

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    armed: Vec<Arc<Armed>>,
}

/// Names a rule of one emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u64);

impl RuleId {
    /// The id with this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number: rules are counted from 1.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A rule in force, and what it has done so far.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ArmedRule {
    /// Its name.
    pub id: RuleId,
    /// The rule.
    pub rule: Rule,
    /// Calls that matched it and that no rule before it took.
    pub matched: u64,
    /// Calls that it took.
    pub fired: u64,
    /// Calls that it holds now.
    pub holding: u64,
}

#[derive(Debug)]
struct Armed {
    id: RuleId,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    rule: Rule,
    matched: u64,
    fired: u64,
    /// Calls that are held.
    holding: u64,
    /// How often the calls that were held then have been released.
    releases: u64,
    removed: bool,
    last_watcher: u64,
    /// Who is held, and who waits for somebody to arrive.
    watchers: Watchers,
}

/// What becomes of a call.
#[derive(Debug)]
pub(super) enum Verdict {
    Pass,
    Reject(ApiError),
    /// Places in the batch, ascending.
    FailRecords(Vec<(usize, ApiError)>),
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    Delay(Duration),
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    Hold(Held),
    Drop(Commit),
    /// Of a subscription: after so many events.
    End {
        after_events: u64,
        ending: Ending,
    },
}

/// When a connection is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    Before,
    After,
}

/// How a subscription ends before its time.
#[derive(Debug)]
pub(super) enum Ending {
    Cut,
    Exception(ApiError),
}

/// Whether a call can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is answered at once: rules that would make it wait do not see it.
    None,
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    Endless,
}

impl Faults {
    pub(super) fn new(seed: Option<u64>, switches: Arc<Switches>) -> Self {
        let entropy = Entropy::new(seed.map(|seed| seed ^ 0x6661_756c_7473));
        Self(Arc::new(Inner { rules: Mutex::default(), switches, entropy }))
    }

    /// Begins a rule for calls of an operation. It is armed when it is said what
    /// becomes of them.
    pub fn on(&self, operation: Operation) -> NewFault<'_> {
        self.on_any().operation(operation)
    }

    /// Begins a rule for calls of any operation that what becomes of them makes
    /// sense for.
    pub fn on_any(&self) -> NewFault<'_> {
        NewFault::new(self)
    }

    /// Arms a rule after those that there are. It stays until it is removed.
    ///
    /// # Errors
    /// If the rule makes no sense, such as cutting the event stream of PutRecord.
    pub fn add(&self, rule: Rule) -> Result<RuleId, InvalidRule> {
        self.arm(rule).map(|armed| armed.id)
    }

    /// Arms the rules of a file, all or none.
    ///
    /// The file is JSON, a list of rules or an object with the list as `rules`;
    /// a rule's members are named as the methods of [`NewFault`]:
    ///
    /// ```
    /// # use kinesis_emulator::Emulator;
    /// # let kinesis = Emulator::in_process();
    /// kinesis.faults().load_json(r#"{"rules": [
    ///     {"operation": "PutRecord", "stream": "orders", "times": 2,
    ///      "reject": "ProvisionedThroughputExceededException"},
    ///     {"operation": "PutRecords", "record": [0, 2], "probability": 0.5,
    ///      "fail_records": {"error": "InternalFailure", "message": "out of luck"}},
    ///     {"operation": ["GetRecords", "GetShardIterator"], "shard": "shardId-000000000001",
    ///      "caller": "123456789012", "region": "eu-west-1", "after": 2, "every": 3,
    ///      "delay": "250ms"},
    ///     {"partition_key": "k", "nth": 1, "drop_connection_after_commit": true},
    ///     {"operation": "DescribeStream", "drop_connection_before_commit": true},
    ///     {"consumer": "audit", "cut_stream_after": 3},
    ///     {"consumer": "bill", "end_stream_with": {"error": "InternalFailure", "after_events": 1}},
    ///     {"operation": "SplitShard", "hold_until": "PutRecord"},
    ///     {"operation": "ListStreams", "service_unavailable": true},
    ///     {"operation": "MergeShards", "internal_failure": true},
    ///     {"operation": "CreateStream", "hold": true}
    /// ]}"#)?;
    /// assert_eq!(kinesis.faults().list().len(), 11);
    /// # Ok::<(), kinesis_emulator::InvalidRule>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, or a rule of it makes no sense; the error says
    /// which, and why.
    pub fn load(&self, file: impl AsRef<std::path::Path>) -> Result<Vec<RuleId>, InvalidRule> {
        let file = file.as_ref();
        let text =
            std::fs::read_to_string(file).map_err(|error| InvalidRule::unreadable(file, error))?;
        self.load_json(&text).map_err(|error| error.within(file.display()))
    }

    /// The same of a text.
    ///
    /// # Errors
    /// If a rule makes no sense.
    pub fn load_json(&self, text: &str) -> Result<Vec<RuleId>, InvalidRule> {
        let rules = Rule::list_from_json(text)?;
        rules.into_iter().map(|rule| self.add(rule)).collect()
    }

    /// Removes a rule, and lets go whom it holds. Says whether it was there.
    pub fn remove(&self, id: RuleId) -> bool {
        let removed = {
            let mut rules = self.rules();
            let found = rules.armed.iter().position(|armed| armed.id == id);
            let removed = found.map(|place| rules.armed.remove(place));
            self.0.switches.rules(!rules.armed.is_empty());
            removed
        };
        removed.as_deref().map(Armed::disarm).is_some()
    }

    /// Removes all rules.
    pub fn clear(&self) {
        let removed = {
            let mut rules = self.rules();
            self.0.switches.rules(false);
            std::mem::take(&mut rules.armed)
        };
        removed.iter().for_each(|armed| armed.disarm());
    }

    /// Lets go the calls that a rule holds now. Says whether the rule was there.
    pub fn release(&self, id: RuleId) -> bool {
        let found = self.rules().armed.iter().find(|armed| armed.id == id).cloned();
        found.as_deref().map(Armed::release).is_some()
    }

    /// The rules in force, in the order in which they are asked.
    pub fn list(&self) -> Vec<ArmedRule> {
        self.rules().armed.iter().map(|armed| armed.report()).collect()
    }

    fn arm(&self, rule: Rule) -> Result<Arc<Armed>, InvalidRule> {
        rule.check().map_err(|(_, problem)| InvalidRule::new(problem))?;
        let mut rules = self.rules();
        rules.last_id += 1;
        let armed = Arc::new(Armed::new(RuleId(rules.last_id), rule));
        rules.armed.push(Arc::clone(&armed));
        self.0.switches.rules(true);
        Ok(armed)
    }

    /// Whether there are rules for calls of an operation. Those of others need
    /// not say what they are about.
    pub(super) fn concern(&self, operation: Operation) -> bool {
        self.rules().armed.iter().any(|armed| armed.progress().rule.concerns(operation))
    }

    /// What becomes of a call.
    pub(super) fn verdict(&self, asked: &Asked<'_>, patience: Patience) -> Verdict {
        let rules = self.rules();
        let mut observers = Woken::default();
        let mut decide = |armed: &Arc<Armed>| {
            let mut progress = armed.progress();
            let chosen = progress.take(asked, patience, &self.0.entropy)?;
            let verdict = progress.verdict(armed, asked, chosen);
            observers.and(progress.watchers.take());
            Some(verdict)
        };
        let verdict = rules.armed.iter().find_map(&mut decide).unwrap_or(Verdict::Pass);
        drop(rules);
        drop(observers);
        verdict
    }

    /// Lets go whoever waits for a call of this operation: one has been answered.
    pub(super) fn answered(&self, operation: Operation) {
        let waiting: Vec<_> = {
            let rules = self.rules();
            let waits =
                |armed: &&Arc<Armed>| armed.progress().rule.action == Action::HoldUntil(operation);
            rules.armed.iter().filter(waits).cloned().collect()
        };
        waiting.iter().for_each(|armed| armed.release());
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a rule that fires has chosen of a call.
enum Chosen {
    Call,
    Records(Vec<usize>),
}

impl Progress {
    /// Counts a call, if it matches, and takes it, if it is its turn.
    fn take(&mut self, asked: &Asked<'_>, patience: Patience, entropy: &Entropy) -> Option<Chosen> {
        let Rule { calls, schedule, action } = &self.rule;
        let awaited = *action == Action::HoldUntil(asked.operation) && self.holding > 0;
        if awaited
            || patience == Patience::None && action.waits()
            || !self.rule.concerns(asked.operation)
            || !calls.match_call(asked)
        {
            return None;
        }
        self.matched += 1;
        if !schedule.is_due(self.matched, self.fired) {
            return None;
        }
        let chosen = match action {
            Action::FailRecords { .. } => {
                let records = calls.matching_records(asked.subject);
                let records: Vec<_> = records.filter(|_| schedule.is_drawn(entropy)).collect();
                (!records.is_empty()).then_some(Chosen::Records(records))
            }
            _ => schedule.is_drawn(entropy).then_some(Chosen::Call),
        }?;
        self.fired += 1;
        Some(chosen)
    }

    fn verdict(&mut self, armed: &Arc<Armed>, asked: &Asked<'_>, chosen: Chosen) -> Verdict {
        match (&self.rule.action, chosen) {
            (Action::Reject { error, message }, _) => {
                Verdict::Reject(asked.error(*error, message.as_deref(), None))
            }
            (Action::FailRecords { error, message }, Chosen::Records(places))
                if asked.operation == Operation::PutRecords =>
            {
                let why = |place| (place, asked.error(*error, message.as_deref(), Some(place)));
                Verdict::FailRecords(places.into_iter().map(why).collect())
            }
            (Action::FailRecords { error, message }, _) => {
                Verdict::Reject(asked.error(*error, message.as_deref(), None))
            }
            (Action::Delay(duration), _) => Verdict::Delay(*duration),
            (Action::DropBeforeCommit, _) => Verdict::Drop(Commit::Before),
            (Action::DropAfterCommit, _) => Verdict::Drop(Commit::After),
            (Action::CutStream { after_events }, _) => {
                Verdict::End { after_events: *after_events, ending: Ending::Cut }
            }
            (Action::EndStream { after_events, error, message }, _) => {
                let error = asked.error(*error, message.as_deref(), None);
                Verdict::End { after_events: *after_events, ending: Ending::Exception(error) }
            }
            (Action::Hold | Action::HoldUntil(_), _) => Verdict::Hold(self.hold(armed)),
        }
    }
}

impl Schedule {
    /// Whether it is the turn of the `matched`-th call.
    fn is_due(&self, matched: u64, fired: u64) -> bool {
        let turn = matched.saturating_sub(self.after);
        turn > 0
            && self.every.is_none_or(|every| turn.is_multiple_of(every))
            && self.times.is_none_or(|times| fired < times)
    }

    /// Draws only if there is something to draw.
    fn is_drawn(&self, entropy: &Entropy) -> bool {
        self.probability.is_none_or(|probability| entropy.draw_fraction() < probability)
    }
}

impl Armed {
    fn new(id: RuleId, rule: Rule) -> Self {
        let progress = Progress {
            rule,
            matched: 0,
            fired: 0,
            holding: 0,
            releases: 0,
            removed: false,
            last_watcher: 0,
            watchers: Watchers::default(),
        };
        Self { id, progress: Mutex::new(progress) }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> ArmedRule {
        let progress = self.progress();
        ArmedRule {
            id: self.id,
            rule: progress.rule.clone(),
            matched: progress.matched,
            fired: progress.fired,
            holding: progress.holding,
        }
    }

    /// The rule is no longer in force.
    fn disarm(&self) {
        self.progress().removed = true;
        self.release();
    }
}

#[cfg(test)]
mod tests;
