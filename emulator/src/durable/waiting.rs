//! Waiting until what was pushed is safe.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::commit_log::CommitLog;
use super::durability::{Lsn, Refusal};

/// Who waits, by what for; each under an id of its own.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    wakers: BTreeMap<(Lsn, u64), Waker>,
    ids_drawn: u64,
}

impl Waiters {
    pub(super) fn draw_id(&mut self) -> u64 {
        self.ids_drawn += 1;
        self.ids_drawn
    }

    /// A waker may be all that holds a task, and the task a waiter itself: what
    /// was there is handed back, to be dropped when the lock is gone.
    #[must_use = "dropped when the lock is gone"]
    pub(super) fn register(&mut self, lsn: Lsn, id: u64, waker: &Waker) -> Option<Waker> {
        self.wakers.insert((lsn, id), waker.clone())
    }

    #[must_use = "dropped when the lock is gone"]
    pub(super) fn remove(&mut self, lsn: Lsn, id: u64) -> Option<Waker> {
        self.wakers.remove(&(lsn, id))
    }

    /// Takes those who wait for no more than `lsn`.
    pub(super) fn take_up_to(&mut self, lsn: Lsn) -> BTreeMap<(Lsn, u64), Waker> {
        let later = self.wakers.split_off(&(lsn, u64::MAX));
        std::mem::replace(&mut self.wakers, later)
    }

    /// Takes everybody.
    pub(super) fn take_all(&mut self) -> BTreeMap<(Lsn, u64), Waker> {
        std::mem::take(&mut self.wakers)
    }
}

/// Ready when what was pushed is as safe as the durability promises, or when
/// that has failed. Needs no runtime.
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub(crate) struct Durable<L: Deref<Target = CommitLog>> {
    log: L,
    lsn: Lsn,
    /// The place among those who wait, from the first poll that is pending.
    id: Option<u64>,
}

impl<L: Deref<Target = CommitLog>> Durable<L> {
    pub(crate) fn new(log: L, lsn: Lsn) -> Self {
        Self { log, lsn, id: None }
    }
}

impl<L: Deref<Target = CommitLog> + Unpin> Future for Durable<L> {
    type Output = Result<(), Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.log.is_durable(self.lsn) {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.log.shared().state();
        if let Some(outcome) = state.outcome(self.lsn) {
            return Poll::Ready(outcome);
        }
        let id = self.id.unwrap_or_else(|| state.waiters.draw_id());
        let before = state.waiters.register(self.lsn, id, context.waker());
        drop(state);
        drop(before);
        self.id = Some(id);
        Poll::Pending
    }
}

impl<L: Deref<Target = CommitLog>> Drop for Durable<L> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let waker = self.log.shared().state().waiters.remove(self.lsn, id);
            drop(waker);
        }
    }
}
