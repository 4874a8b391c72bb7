//! What will happen to streams, and when: one ordered set of deadlines.
//!
//! No task sleeps for a state change. Every call first settles what is due at
//! its `now`, so any observation at a time is right at that time, and moving
//! the clock is all it takes to move a stream on.

use std::collections::BTreeMap;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::timestamp::Timestamp;

use super::chronicle::Listener;
use super::stream::Stream;
use super::sync::Mutex;
use super::transition::Transition;

/// When a change is due, and which of those that are due at once it is.
pub(crate) type Due = (Timestamp, u64);

/// The changes to come, by deadline and then by the order of their making.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    pending: Mutex<Pending>,
    /// The first deadline in microseconds: what a call reads before it takes
    /// the lock. It is advanced only after the changes have been made.
    next_micros: NextDeadline,
}

/// Changes that have begun and not ended.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    changes: BTreeMap<Due, (Arc<Stream>, Transition)>,
    made: u64,
    listener: Listener,
}

impl Pending {
    fn add(&mut self, due: Due, stream: Arc<Stream>, change: Transition) {
        self.made = self.made.max(due.1.saturating_add(1));
        self.changes.insert(due, (stream, change));
    }

    /// The same changes of other streams: `twin` says which. Those of a stream
    /// that has gone change nothing.
    pub(crate) fn fork(
        &self,
        twin: impl Fn(&Arc<Stream>) -> Option<Arc<Stream>>,
        listener: Listener,
    ) -> Lifecycle {
        let twins = self
            .changes
            .iter()
            .filter_map(|(key, (stream, change))| Some((*key, (twin(stream)?, change.clone()))));
        let changes: BTreeMap<_, _> = twins.collect();
        let next = changes.first_key_value().map_or(u64::MAX, |((at, _), _)| at.as_micros());
        Lifecycle {
            pending: Mutex::new(Self { changes, made: self.made, listener }),
            next_micros: NextDeadline(AtomicU64::new(next)),
        }
    }
}

#[derive(Debug)]
struct NextDeadline(AtomicU64);

impl Default for NextDeadline {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Lifecycle {
    /// No changes to come, and who is told of those that are made.
    pub(crate) fn told_to(listener: Listener) -> Self {
        let pending = Pending { listener, ..Pending::default() };
        Self { pending: Mutex::new(pending), ..Self::default() }
    }

    /// Has a change happen at a deadline.
    pub(crate) fn schedule(&self, deadline: Timestamp, stream: Arc<Stream>, change: Transition) {
        let mut pending = self.pending.lock();
        let due = (deadline, pending.made);
        if let Some(listener) = &pending.listener {
            listener.change_scheduled(&stream, due, &change);
        }
        pending.add(due, stream, change);
        self.next_micros.0.fetch_min(deadline.as_micros(), Ordering::Release);
    }

    /// Has a change happen that was put down in a file, as what it was there.
    pub(crate) fn schedule_restored(&self, due: Due, stream: Arc<Stream>, change: Transition) {
        self.pending.lock().add(due, stream, change);
        self.next_micros.0.fetch_min(due.0.as_micros(), Ordering::Release);
    }

    /// Tells nobody from now on.
    pub(crate) fn fall_silent(&self) {
        self.pending.lock().listener = None;
    }

    /// Keeps changes from beginning and from ending.
    pub(crate) fn hold(&self) -> impl DerefMut<Target = Pending> + '_ {
        self.pending.lock()
    }

    /// The changes to come, in order.
    pub(crate) fn pending(&self) -> Vec<(Due, Arc<Stream>, Transition)> {
        let pending = self.pending.lock();
        let changes = pending.changes.iter();
        changes.map(|(due, (on, change))| (*due, Arc::clone(on), change.clone())).collect()
    }

    /// When the next change is due; the end of time if none is.
    pub(crate) fn next_deadline(&self) -> Timestamp {
        Timestamp::from_micros(self.next_micros.0.load(Ordering::Acquire))
    }

    /// Makes every change whose deadline has come, in order, each at its own
    /// deadline.
    pub(crate) fn settle(
        &self,
        now: Timestamp,
        mut apply: impl FnMut(Due, Arc<Stream>, Transition),
    ) {
        if self.next_micros.0.load(Ordering::Acquire) > now.as_micros() {
            return;
        }
        let mut pending = self.pending.lock();
        let next = loop {
            match pending.changes.first_entry() {
                Some(first) if first.key().0 <= now => {
                    let (due, (stream, change)) = first.remove_entry();
                    apply(due, stream, change);
                }
                Some(first) => break first.key().0.as_micros(),
                None => break u64::MAX,
            }
        };
        self.next_micros.0.store(next, Ordering::Release);
    }
}
