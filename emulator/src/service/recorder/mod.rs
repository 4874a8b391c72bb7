//! What is remembered about calls for whoever looks inside: a journal of the
//! calls, a ledger of who read which records, and CloudWatch's metrics.
//!
//! Off, it costs a call one relaxed load. On, calls take its one lock after
//! their own work is done and the engine's locks are gone.

pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod metrics;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::engine::subscription::{Event, Subscription};
use crate::model::error::ApiError;
use crate::model::timestamp::Timestamp;
use crate::operations::{BatchRead, Effect, OperationName, Placed, Subject};

use journal::{CallLog, Caller, JournaledCall, Outcome};
use ledger::{ReadLog, Reader};
use metrics::Meters;

/// The recorder of one emulator.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    on: AtomicBool,
    recording: Mutex<Recording>,
}

/// What has been recorded.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) calls: CallLog,
    pub(crate) reads: ReadLog,
    pub(crate) meters: Meters,
}

/// A call that is being served while the recorder is on.
#[derive(Debug)]
pub(crate) struct Draft {
    operation: OperationName,
    caller: Caller,
    /// What the call is about, once that has been made out.
    subject: OnceLock<Subject>,
    /// Where the operation tells what it has done.
    pub(super) effect: OnceLock<Effect>,
}

impl Draft {
    /// Takes down what the call is about.
    pub(super) fn is_about(&self, subject: Subject) {
        let _told_once = self.subject.set(subject);
    }
}

/// What a call is called whose answer has not gone out yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallNumber(u64);

impl Recorder {
    pub(crate) fn new(on: bool) -> Self {
        Self { on: AtomicBool::new(on), recording: Mutex::default() }
    }

    /// Records from now on.
    pub(crate) fn switch_on(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Forgets everything that has been recorded.
    #[cfg(feature = "server")]
    pub(crate) fn forget(&self) {
        let mut recording = self.recording();
        recording.calls.clear();
        recording.reads.clear();
        recording.meters = Meters::default();
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// What has been recorded, held still.
    pub(crate) fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to record a call, if calls are recorded. Boxed, so that a call
    /// carries a pointer with it and no room for what nobody asked for.
    pub(super) fn draft(
        &self,
        operation: OperationName,
        caller: impl FnOnce() -> Caller,
    ) -> Option<Box<Draft>> {
        self.is_on().then(|| {
            Box::new(Draft {
                operation,
                caller: caller(),
                subject: OnceLock::new(),
                effect: OnceLock::new(),
            })
        })
    }

    /// Records a call that has been handled or refused.
    pub(super) fn file(
        &self,
        draft: Option<Box<Draft>>,
        error: Option<&ApiError>,
        now: Timestamp,
    ) -> Option<CallNumber> {
        let Draft { operation, caller, subject, effect } = *draft?;
        let subject = subject.into_inner().unwrap_or_default();
        let effect = effect.into_inner().unwrap_or_default();
        let call = describe(operation, caller, &subject, &effect, error, now);
        Some(CallNumber(self.recording().file(call, &subject, &effect, error, now)))
    }

    /// Records a request that no operation has seen.
    pub(super) fn file_refused(&self, call: impl FnOnce() -> JournaledCall) -> Option<CallNumber> {
        self.is_on().then(|| CallNumber(self.recording().calls.push(call(), None)))
    }

    /// Records a call whose connection is dropped before anything is done.
    pub(super) fn file_dropped(
        &self,
        draft: Option<Box<Draft>>,
        subject: &Subject,
        now: Timestamp,
    ) {
        let Some(draft) = draft else { return };
        let Draft { operation, caller, .. } = *draft;
        let call = describe(operation, caller, subject, &Effect::default(), None, now);
        let call = JournaledCall { outcome: Outcome::Dropped { committed: false }, ..call };
        self.recording().calls.push(call, subject.stream.clone());
    }

    /// Records that a call's answer does not go out.
    pub(super) fn answer_dropped(&self, call: Option<CallNumber>) {
        let Some(CallNumber(number)) = call else { return };
        if let Some(entry) = self.recording().calls.find(number) {
            entry.call.outcome = Outcome::Dropped { committed: true };
        }
    }

    /// Records that a call's answer goes out.
    pub(super) fn answered(
        &self,
        call: Option<CallNumber>,
        request_id: &[u8],
        received: Timestamp,
        answered: Timestamp,
    ) {
        let Some(CallNumber(number)) = call else { return };
        let request_id = std::str::from_utf8(request_id).expect("a UUID is ASCII");
        self.recording().answered(number, request_id, answered.since(received));
    }

    /// Records an event of a subscription.
    pub(super) fn pushed(&self, subscription: &Subscription, event: &Event, now: Timestamp) {
        if !self.is_on() {
            return;
        }
        let read = BatchRead::of(&event.batch);
        let address = &subscription.stream().address;
        let mut recording = self.recording();
        recording.meters.pushed(
            address,
            subscription.consumer(),
            subscription.shard(),
            &read,
            event.millis_behind_latest,
        );
        let reader = Reader::Consumer(subscription.consumer().to_string());
        recording.reads.push(address, &read, reader, now);
    }
}

impl Recording {
    fn file(
        &mut self,
        call: JournaledCall,
        subject: &Subject,
        effect: &Effect,
        error: Option<&ApiError>,
        now: Timestamp,
    ) -> u64 {
        let origin = subject.iterator.as_deref().and_then(|token| self.reads.origin_of(token));
        let origin = match subject.start {
            Some(start) if effect.iterator.is_some() => Some(self.reads.new_origin(start)),
            _ => origin,
        };
        if let (Some(token), Some(origin)) = (&effect.iterator, origin) {
            self.reads.handed_out(token, origin);
        }
        if let (Some(address), Some(operation)) = (&subject.stream, call.operation) {
            self.meters.count(operation, address, subject, effect, error, now);
            if let Some(read) = &effect.read {
                let reader = Reader::Iterator { origin, caller: call.caller.clone() };
                self.reads.push(address, read, reader, now);
            }
            if let Some(queue) = &subject.queue {
                for read in &effect.received {
                    self.reads.push(address, read, Reader::Queue(queue.to_string()), now);
                }
            }
        }
        self.calls.push(call, subject.stream.clone())
    }

    fn answered(&mut self, number: u64, request_id: &str, took: Duration) {
        let Some(entry) = self.calls.find(number) else { return };
        entry.call.request_id = Some(request_id.to_owned());
        entry.call.took = took;
        if let (Some(address), Some(operation), false) =
            (&entry.stream, entry.call.operation, entry.call.outcome.is_refusal())
        {
            self.meters.answered(operation, address, took);
        }
    }
}

/// A handled call as the journal keeps it.
fn describe(
    operation: OperationName,
    caller: Caller,
    subject: &Subject,
    effect: &Effect,
    error: Option<&ApiError>,
    now: Timestamp,
) -> JournaledCall {
    let with = |what| effect.placed.iter().filter(|placed| **placed == what).count();
    let outcome = match (error, with(Placed::Throttled), with(Placed::Failed)) {
        (Some(error), _, _) => Outcome::refused(error),
        (None, 0, 0) => Outcome::Succeeded,
        (None, throttled, failed) => Outcome::PartlyFailed { throttled, failed },
    };
    let mut shards: Vec<_> = subject.shard.into_iter().collect();
    shards.extend(effect.placed.iter().filter_map(|placed| match placed {
        Placed::Stored(number) => Some(number.shard),
        Placed::Throttled | Placed::Failed => None,
    }));
    let received = effect.received.iter();
    shards.extend(received.clone().filter_map(|read| Some(read.ends?.0.shard)));
    shards.sort_unstable();
    shards.dedup();
    let (records, bytes) = match &effect.read {
        Some(read) => (read.records, read.bytes),
        None if !effect.received.is_empty() => {
            (effect.received.len(), received.map(|read| read.bytes).sum())
        }
        None => (subject.records.len(), subject.records.iter().map(|record| record.bytes).sum()),
    };
    JournaledCall {
        number: 0,
        time: now,
        operation: Some(operation),
        target: operation.as_str().to_owned(),
        caller,
        stream: subject.stream.as_ref().map(|stream| stream.name.to_string()),
        stream_arn: subject.stream.as_ref().map(ToString::to_string),
        shards: shards.iter().map(ToString::to_string).collect(),
        consumer: subject.consumer.as_ref().map(ToString::to_string),
        queue: subject.queue.as_ref().map(ToString::to_string),
        records,
        bytes,
        outcome,
        request_id: None,
        took: Duration::ZERO,
    }
}

/// A time as people and programs read it: `2026-01-01T00:00:00Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    let millis = i64::try_from(time.as_millis()).ok();
    let instant = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    instant.unwrap_or(jiff::Timestamp::MAX).to_string()
}
