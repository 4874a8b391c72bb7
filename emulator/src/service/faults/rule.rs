//! Rules: which calls they take, when, and what becomes of those calls.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::model::arn::Region;
use crate::model::constraint::{Constrained, Measured as _};
use crate::model::error::ErrorKind;
use crate::model::names::{ConsumerName, PartitionKey, StreamName};
use crate::model::shard_id::ShardIndex;
use crate::operations::OperationName as Operation;

/// A fault as a value: which calls, when, and what becomes of them.
///
/// [`Faults::on`](super::Faults::on) makes and arms one in a sentence; this is
/// for rules that are kept, listed, sent and added by id.
///
/// ```
/// # use kinesis_emulator::{Action, Emulator, ErrorKind, Operation, Rule};
/// let reject = Action::Reject { error: ErrorKind::LimitExceeded, message: None };
/// let rule = Rule::new(reject).operation(Operation::ListShards).stream("orders").times(2);
/// let kinesis = Emulator::in_process();
/// let id = kinesis.faults().add(rule).unwrap();
/// assert_eq!(kinesis.faults().list()[0].fired, 0);
/// kinesis.faults().remove(id);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub(super) calls: Calls,
    pub(super) schedule: Schedule,
    pub(super) action: Action,
}

/// Which calls a rule takes: all those of which everything that is said is true.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Calls {
    pub(super) operations: Vec<Operation>,
    pub(super) stream: Option<String>,
    /// As it was given; [`ShardIndex::from_text`] reads it.
    pub(super) shard: Option<String>,
    pub(super) consumer: Option<String>,
    pub(super) partition_key: Option<String>,
    pub(super) records: Vec<usize>,
    pub(super) caller: Option<String>,
    pub(super) region: Option<String>,
}

/// Which of the calls that match a rule fires at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Schedule {
    pub(super) after: u64,
    pub(super) every: Option<u64>,
    pub(super) probability: Option<f64>,
    pub(super) times: Option<u64>,
}

/// What becomes of a call. None of them changes what is stored.
///
/// Errors without a message get AWS's own sentence where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The call is refused and does nothing.
    Reject {
        /// What kind of error it is.
        error: ErrorKind,
        /// Its text.
        message: Option<String>,
    },
    /// Of PutRecords, the records that match fail and the others are stored; a
    /// PutRecord of such a record is refused.
    FailRecords {
        /// The kind in the record's `ErrorCode`.
        error: ErrorKind,
        /// The record's `ErrorMessage`.
        message: Option<String>,
    },
    /// The call takes this much longer by the emulator's clock.
    Delay(Duration),
    /// The connection is cut, and the call has done nothing.
    DropBeforeCommit,
    /// The call does its work, and the connection is cut in place of an answer.
    DropAfterCommit,
    /// A subscription's connection is cut after a number of events.
    CutStream {
        /// Events sent before, signs of life included.
        after_events: u64,
    },
    /// A subscription ends with an exception after a number of events.
    EndStream {
        /// Events sent before, signs of life included.
        after_events: u64,
        /// What kind of exception it is.
        error: ErrorKind,
        /// Its text.
        message: Option<String>,
    },
    /// The call waits until it is released.
    Hold,
    /// The call waits until a call of this operation has come and been
    /// answered. The call that is waited for is not held itself.
    HoldUntil(Operation),
}

/// Methods that say which calls a rule takes and when.
macro_rules! conditions {
    () => {
        /// Takes calls of this operation; said again, of that one, too. Unless
        /// it is said, calls of any operation.
        pub fn operation(mut self, operation: $crate::operations::OperationName) -> Self {
            self.calls_mut().operations.push(operation);
            self
        }

        /// Takes calls on the stream with this name.
        pub fn stream(mut self, name: impl Into<String>) -> Self {
            self.calls_mut().stream = Some(name.into());
            self
        }

        /// Takes calls on this shard, such as `shardId-000000000001`: reads,
        /// and puts of records that would go there.
        pub fn shard(mut self, id: impl Into<String>) -> Self {
            self.calls_mut().shard = Some(id.into());
            self
        }

        /// Takes calls on the registered consumer with this name.
        pub fn consumer(mut self, name: impl Into<String>) -> Self {
            self.calls_mut().consumer = Some(name.into());
            self
        }

        /// Takes puts of records with this partition key.
        pub fn partition_key(mut self, key: impl Into<String>) -> Self {
            self.calls_mut().partition_key = Some(key.into());
            self
        }

        /// Takes puts that have a record at this place, counted from 0; said
        /// again, at that one, too.
        pub fn record(mut self, place: usize) -> Self {
            self.calls_mut().records.push(place);
            self
        }

        /// Takes calls of this caller: an access key id, or an account of
        /// twelve digits.
        pub fn caller(mut self, access_key_or_account: impl Into<String>) -> Self {
            self.calls_mut().caller = Some(access_key_or_account.into());
            self
        }

        /// Takes calls that were signed for this Region.
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.calls_mut().region = Some(region.into());
            self
        }
    };
}

/// Methods that say which of the calls that match a rule fires at.
macro_rules! schedule {
    () => {
        /// Fires at most so often.
        ///
        /// # Panics
        /// If `times` is 0.
        #[track_caller]
        pub fn times(self, times: u64) -> Self {
            assert!(times > 0, "a rule that fires 0 times does nothing: leave it out");
            self.scheduled(|schedule| schedule.times = Some(times))
        }

        /// Fires at the n-th call that matches, counted from 1, and at no other.
        ///
        /// # Panics
        /// If `n` is 0.
        #[track_caller]
        pub fn nth(self, n: u64) -> Self {
            assert!(n > 0, "calls are counted from 1: there is none with number 0");
            self.scheduled(|schedule| {
                schedule.after = n - 1;
                schedule.times = Some(1);
            })
        }

        /// Lets so many calls that match pass first.
        pub fn after(self, calls: u64) -> Self {
            self.scheduled(|schedule| schedule.after = calls)
        }

        /// Fires at every n-th call that matches.
        ///
        /// # Panics
        /// If `n` is 0.
        #[track_caller]
        pub fn every(self, n: u64) -> Self {
            assert!(n > 0, "every call is every(1): there is no every(0)");
            self.scheduled(|schedule| schedule.every = Some(n))
        }

        /// Fires with this probability, from 0 to 1: each time a draw that the
        /// emulator's seed repeats. Records that fail are drawn one by one.
        ///
        /// # Panics
        /// If it is anything else.
        #[track_caller]
        pub fn with_probability(self, probability: f64) -> Self {
            let is_one = (0.0..=1.0).contains(&probability);
            assert!(is_one, "{probability} is no probability: it is from 0 to 1");
            self.scheduled(|schedule| schedule.probability = Some(probability))
        }
    };
}

pub(super) use {conditions, schedule};

impl Rule {
    /// A rule for every call, until more is said.
    pub fn new(action: Action) -> Self {
        Self { calls: Calls::default(), schedule: Schedule::default(), action }
    }

    /// What becomes of the calls that it takes.
    pub fn action(&self) -> &Action {
        &self.action
    }

    conditions!();
    schedule!();

    fn calls_mut(&mut self) -> &mut Calls {
        &mut self.calls
    }

    fn scheduled(mut self, set: impl FnOnce(&mut Schedule)) -> Self {
        set(&mut self.schedule);
        self
    }

    /// Whether a call of an operation could ever be taken.
    pub(super) fn concerns(&self, operation: Operation) -> bool {
        match self.calls.operations.is_empty() {
            true => self.action.suits(operation),
            false => self.calls.operations.contains(&operation),
        }
    }

    /// Says what makes no sense, and in which member of a rule it was said.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for &operation in &self.calls.operations {
            if !self.action.suits(operation) {
                let member = self.action.member();
                return Err((
                    member,
                    format!(
                        "{member} makes no sense for {operation}, only for {}",
                        self.action.suited()
                    ),
                ));
            }
            for (member, given, known) in [
                ("stream", self.calls.stream.is_some(), names_a_stream(operation)),
                ("shard", self.calls.shard.is_some(), names_a_shard(operation)),
                ("consumer", self.calls.consumer.is_some(), names_a_consumer(operation)),
                ("partition_key", self.calls.partition_key.is_some(), puts_records(operation)),
                ("record", !self.calls.records.is_empty(), puts_records(operation)),
            ] {
                if given && !known {
                    return Err((member, format!("{operation} is not about any {member}")));
                }
            }
        }
        if let Some(shard) = &self.calls.shard
            && ShardIndex::from_text(shard).is_none()
        {
            let like = "write one such as shardId-000000000000";
            return Err(("shard", format!("{shard:?} is not a shard id: {like}")));
        }
        self.calls.check_names()?;
        if let Some(place) = self.calls.records.iter().find(|place| **place >= BATCH_RECORDS_MAX) {
            let last = BATCH_RECORDS_MAX - 1;
            let problem = format!("no batch has a record {place}: places are from 0 to {last}");
            return Err(("record", problem));
        }
        Ok(())
    }
}

/// PutRecords takes no more records.
const BATCH_RECORDS_MAX: usize = 500;

impl Calls {
    /// Says which of the names nothing can have: no call would ever match.
    fn check_names(&self) -> Result<(), (&'static str, String)> {
        const NAME: &str = "write 1 to 128 letters, digits, dots, hyphens or underscores, such as";
        let is_region = |text: &str| Region::from_bytes(text.as_bytes()).is_some();
        // It stands before the first slash of a credential.
        let is_caller = |text: &str| !text.is_empty() && !text.contains('/');
        let check = |member, text: Option<&str>, can_be: fn(&str) -> bool, instead: &str| match text
            .filter(|text| !can_be(text))
        {
            Some(text) => Err((member, format!("no {member} can be {text:?}: {instead}"))),
            None => Ok(()),
        };
        let Self { stream, consumer, partition_key, caller, region, .. } = self;
        let (stream_form, consumer_form) = (format!("{NAME} orders"), format!("{NAME} billing"));
        let key_form = "write 1 to 256 characters";
        let caller_form =
            "write an access key id such as AKIDEXAMPLE, or an account such as 123456789012";
        check("stream", stream.as_deref(), is_one::<StreamName>, &stream_form)?;
        check("consumer", consumer.as_deref(), is_one::<ConsumerName>, &consumer_form)?;
        check("partition_key", partition_key.as_deref(), is_one::<PartitionKey>, key_form)?;
        check("caller", caller.as_deref(), is_caller, caller_form)?;
        check("region", region.as_deref(), is_region, "write one such as eu-west-1")
    }
}

/// Whether a text keeps what the model says of such texts.
fn is_one<T>(text: &str) -> bool
where
    for<'a> T: Constrained<Base<'a> = Cow<'a, str>>,
{
    let text = Cow::Borrowed(text);
    T::CONSTRAINTS.iter().all(|constraint| text.satisfies(constraint))
}

impl Action {
    /// What the action is called among a rule's members.
    pub(super) fn member(&self) -> &'static str {
        match self {
            Self::Reject { .. } => "reject",
            Self::FailRecords { .. } => "fail_records",
            Self::Delay(_) => "delay",
            Self::DropBeforeCommit => "drop_connection_before_commit",
            Self::DropAfterCommit => "drop_connection_after_commit",
            Self::CutStream { .. } => "cut_stream_after",
            Self::EndStream { .. } => "end_stream_with",
            Self::Hold => "hold",
            Self::HoldUntil(_) => "hold_until",
        }
    }

    /// Whether it can become of a call of an operation.
    fn suits(&self, operation: Operation) -> bool {
        match self {
            Self::FailRecords { .. } => puts_records(operation),
            Self::CutStream { .. } | Self::EndStream { .. } => {
                operation == Operation::SubscribeToShard
            }
            Self::Reject { .. }
            | Self::Delay(_)
            | Self::DropBeforeCommit
            | Self::DropAfterCommit
            | Self::Hold
            | Self::HoldUntil(_) => true,
        }
    }

    fn suited(&self) -> &'static str {
        match self {
            Self::FailRecords { .. } => "PutRecord and PutRecords",
            Self::CutStream { .. } | Self::EndStream { .. } => "SubscribeToShard",
            _ => "any operation",
        }
    }

    /// Whether the call has to wait for it.
    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::Hold | Self::HoldUntil(_))
    }
}

fn puts_records(operation: Operation) -> bool {
    matches!(operation, Operation::PutRecord | Operation::PutRecords)
}

fn names_a_stream(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::DescribeAccountSettings
            | Operation::DescribeLimits
            | Operation::ListStreams
            | Operation::UpdateAccountSettings
    )
}

fn names_a_shard(operation: Operation) -> bool {
    puts_records(operation)
        || matches!(
            operation,
            Operation::GetRecords
                | Operation::GetShardIterator
                | Operation::MergeShards
                | Operation::SplitShard
                | Operation::SubscribeToShard
        )
}

/// Directly, or as a resource.
fn names_a_consumer(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::DeleteResourcePolicy
            | Operation::DeregisterStreamConsumer
            | Operation::DescribeStreamConsumer
            | Operation::GetResourcePolicy
            | Operation::ListTagsForResource
            | Operation::PutResourcePolicy
            | Operation::RegisterStreamConsumer
            | Operation::SubscribeToShard
            | Operation::TagResource
            | Operation::UntagResource
    )
}

/// Why a rule was refused. It names the rule, if there are several, and the
/// member.
#[derive(Debug)]
pub struct InvalidRule {
    message: String,
    source: Option<std::io::Error>,
}

impl InvalidRule {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    pub(super) fn unreadable(file: &std::path::Path, source: std::io::Error) -> Self {
        let message = format!("the fault rules in {} cannot be read: {source}", file.display());
        Self { message, source: Some(source) }
    }

    /// Adds where it was said.
    pub(super) fn within(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{place}: {}", self.message), source: self.source }
    }
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InvalidRule {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
