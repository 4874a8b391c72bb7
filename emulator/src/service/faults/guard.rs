//! Making a rule in a sentence, and the guard that keeps it in force.

use std::sync::Arc;
use std::time::Duration;

use crate::model::error::ErrorKind;
use crate::operations::OperationName as Operation;

use super::hold::Arrival;
use super::rule::{Action, Calls, Rule, Schedule, conditions, schedule};
use super::{Armed, Faults, RuleId};

/// A rule in the making: which calls it takes. Saying what becomes of them
/// arms it.
#[derive(Debug, Clone)]
#[must_use = "nothing is armed until it is said what becomes of the calls"]
pub struct NewFault<'a> {
    faults: &'a Faults,
    calls: Calls,
    schedule: Schedule,
}

/// What becomes of the calls. Each of these panics if it makes no sense for an
/// operation that was named: that is a mistake in the test.
impl<'a> NewFault<'a> {
    pub(super) fn new(faults: &'a Faults) -> Self {
        Self { faults, calls: Calls::default(), schedule: Schedule::default() }
    }

    /// Refuses the calls. They do nothing.
    #[track_caller]
    pub fn reject(self, error: ErrorKind) -> Fault {
        self.becomes(Action::Reject { error, message: None })
    }

    /// The same with a text of the test's own.
    #[track_caller]
    pub fn reject_with(self, error: ErrorKind, message: impl Into<String>) -> Fault {
        self.becomes(Action::Reject { error, message: Some(message.into()) })
    }

    /// Refuses the calls with status 500.
    #[track_caller]
    pub fn internal_failure(self) -> Fault {
        self.reject(ErrorKind::InternalFailure)
    }

    /// Refuses the calls with status 503.
    #[track_caller]
    pub fn service_unavailable(self) -> Fault {
        self.reject(ErrorKind::ServiceUnavailable)
    }

    /// Of PutRecords, fails the records that match, by
    /// [`record`](Self::record), [`partition_key`](Self::partition_key) and
    /// [`shard`](Self::shard), and stores the others. A PutRecord of such a
    /// record is refused.
    ///
    /// Everything is counted in calls: `.times(1)` fails the chosen records of
    /// one batch, however many they are, and lets the caller's second try pass.
    ///
    /// ```
    /// # use kinesis_emulator::{Emulator, ErrorKind, Operation};
    /// # let kinesis = Emulator::in_process();
    /// let _throttle = kinesis
    ///     .faults()
    ///     .on(Operation::PutRecords)
    ///     .record(1)
    ///     .record(3)
    ///     .times(1)
    ///     .fail_records(ErrorKind::ProvisionedThroughputExceeded);
    /// ```
    #[track_caller]
    pub fn fail_records(self, error: ErrorKind) -> Fault {
        self.becomes(Action::FailRecords { error, message: None })
    }

    /// The same with a text of the test's own.
    #[track_caller]
    pub fn fail_records_with(self, error: ErrorKind, message: impl Into<String>) -> Fault {
        self.becomes(Action::FailRecords { error, message: Some(message.into()) })
    }

    /// Makes the calls take so much longer by the emulator's clock, before they
    /// do anything.
    #[track_caller]
    pub fn delay(self, duration: Duration) -> Fault {
        self.becomes(Action::Delay(duration))
    }

    /// Cuts the connection. The calls do nothing.
    ///
    /// Over HTTP/1.1 the connection is closed without an answer, over HTTP/2 the
    /// call's stream is reset; in process the SDK gets an error of the transport.
    #[track_caller]
    pub fn drop_connection_before_commit(self) -> Fault {
        self.becomes(Action::DropBeforeCommit)
    }

    /// Lets the calls do their work, then cuts the connection in place of an
    /// answer.
    #[track_caller]
    pub fn drop_connection_after_commit(self) -> Fault {
        self.becomes(Action::DropAfterCommit)
    }

    /// Cuts a subscription's connection after a number of events, signs of life
    /// included.
    #[track_caller]
    pub fn cut_stream_after(self, events: u64) -> Fault {
        self.becomes(Action::CutStream { after_events: events })
    }

    /// Ends a subscription with an exception in place of its first event.
    #[track_caller]
    pub fn end_stream_with(self, error: ErrorKind) -> Fault {
        self.end_stream_after(0, error)
    }

    /// Ends a subscription with an exception after a number of events, signs of
    /// life included.
    #[track_caller]
    pub fn end_stream_after(self, events: u64, error: ErrorKind) -> Fault {
        self.becomes(Action::EndStream { after_events: events, error, message: None })
    }

    /// Makes the calls wait until the guard [releases](Fault::release) them or
    /// is dropped. Time goes on meanwhile.
    ///
    /// ```
    /// # #[cfg(feature = "sdk")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use kinesis_emulator::{Emulator, Operation};
    /// # let kinesis = Emulator::in_process();
    /// # let client = kinesis.client();
    /// let held = kinesis.faults().on(Operation::ListStreams).hold().times(1);
    /// let first = tokio::spawn(client.list_streams().send());
    /// held.arrived().await;
    /// // The first call has come and waits; this one overtakes it.
    /// client.create_stream().stream_name("orders").send().await.unwrap();
    /// held.release();
    /// assert_eq!(first.await.unwrap().unwrap().stream_names(), ["orders"]);
    /// # }
    /// # #[cfg(not(feature = "sdk"))]
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn hold(self) -> Fault {
        self.becomes(Action::Hold)
    }

    /// Makes the calls wait until a call of this operation has come and been
    /// answered: then that one has taken effect first. The call that is waited
    /// for is not held itself.
    #[track_caller]
    pub fn hold_until(self, operation: Operation) -> Fault {
        self.becomes(Action::HoldUntil(operation))
    }

    #[track_caller]
    fn becomes(self, action: Action) -> Fault {
        let Self { faults, calls, schedule } = self;
        match faults.arm(Rule { calls, schedule, action }) {
            Ok(armed) => Fault { faults: faults.clone(), armed, on_drop: OnDrop::default() },
            Err(error) => panic!("this fault makes no sense: {error}"),
        }
    }
}

/// Which calls the rule takes.
impl NewFault<'_> {
    conditions!();

    fn calls_mut(&mut self) -> &mut Calls {
        &mut self.calls
    }
}

/// When the rule fires. The same can be said of the [`Fault`] afterwards; said
/// here, no call comes in between.
impl NewFault<'_> {
    schedule!();

    fn scheduled(mut self, set: impl FnOnce(&mut Schedule)) -> Self {
        set(&mut self.schedule);
        self
    }
}

/// A rule in force, for as long as this is held: dropping it removes the rule
/// and lets go whom it holds.
#[derive(Debug)]
#[must_use = "dropping it removes the rule: bind it to a name, or keep() it"]
pub struct Fault {
    faults: Faults,
    armed: Arc<Armed>,
    on_drop: OnDrop,
}

#[derive(Debug, Default)]
struct OnDrop {
    keep: bool,
    must_fire: bool,
}

/// When the rule fires.
impl Fault {
    schedule!();

    fn scheduled(self, set: impl FnOnce(&mut Schedule)) -> Self {
        set(&mut self.armed.progress().rule.schedule);
        self
    }
}

impl Fault {
    /// How many calls the rule has taken.
    pub fn fired(&self) -> u64 {
        self.armed.progress().fired
    }

    /// The rule's id, by which [`Faults::list`] shows it.
    pub fn id(&self) -> RuleId {
        self.armed.id
    }

    /// Waits until the rule has taken a call: until one is held, for example.
    pub async fn arrived(&self) {
        self.fired_times(1).await;
    }

    /// Waits until the rule has taken so many calls.
    pub async fn fired_times(&self, times: u64) {
        Arrival::new(&self.armed, times).await;
    }

    /// Lets go the calls that are held now. Later ones are held again, unless
    /// [`times`](Self::times) says otherwise.
    pub fn release(&self) {
        self.armed.release();
    }

    /// Panics when it is dropped if the rule has not fired as often as
    /// [`times`](Self::times) says; once, if nothing is said.
    ///
    /// ```should_panic
    /// # use kinesis_emulator::{Emulator, Operation};
    /// # let kinesis = Emulator::in_process();
    /// let _fault = kinesis.faults().on(Operation::PutRecord).internal_failure().must_fire();
    /// ```
    pub fn must_fire(mut self) -> Self {
        self.on_drop.must_fire = true;
        self
    }

    /// Leaves the rule in force for as long as the emulator is there.
    pub fn keep(mut self) -> RuleId {
        self.on_drop = OnDrop { keep: true, must_fire: false };
        self.id()
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if self.on_drop.keep {
            return;
        }
        self.faults.remove(self.armed.id);
        if self.on_drop.must_fire && !std::thread::panicking() {
            let report = self.armed.report();
            let expected = report.rule.schedule.times.unwrap_or(1);
            assert!(
                report.fired >= expected,
                "a fault was to fire {expected} times and fired {}, with {} calls that matched: {}",
                report.fired,
                report.matched,
                report.rule.to_json()
            );
        }
    }
}
