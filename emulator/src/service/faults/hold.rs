//! Calls that wait for a test, and tests that wait for calls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Armed, Progress};

/// A call that is held until it is released. Dropping it, because the client
/// has gone, counts it out.
#[derive(Debug)]
#[must_use]
pub(in crate::service) struct Held {
    armed: Arc<Armed>,
    watcher: u64,
    /// How many releases there had been when it came.
    releases_before: u64,
}

impl Progress {
    /// Takes a call in.
    pub(super) fn hold(&mut self, armed: &Arc<Armed>) -> Held {
        self.holding += 1;
        Held {
            armed: Arc::clone(armed),
            watcher: self.new_watcher(),
            releases_before: self.releases,
        }
    }

    fn new_watcher(&mut self) -> u64 {
        self.last_watcher += 1;
        self.last_watcher
    }
}

impl Armed {
    /// Lets go the calls that are held now.
    pub(super) fn release(&self) {
        let mut progress = self.progress();
        progress.releases += 1;
        progress.holding = 0;
        let woken = progress.watchers.take();
        drop(progress);
        drop(woken);
    }
}

impl Future for Held {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut progress = self.armed.progress();
        if progress.removed || progress.releases > self.releases_before {
            return Poll::Ready(());
        }
        let before = progress.watchers.register(self.watcher, context.waker());
        drop(progress);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut progress = self.armed.progress();
        if progress.releases == self.releases_before {
            progress.holding -= 1;
        }
        let waker = progress.watchers.remove(self.watcher);
        drop(progress);
        drop(waker);
    }
}

/// Ready when a rule has fired so often.
pub(super) struct Arrival<'a> {
    armed: &'a Armed,
    watcher: u64,
    fired: u64,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(armed: &'a Armed, fired: u64) -> Self {
        Self { armed, watcher: armed.progress().new_watcher(), fired }
    }
}

impl Future for Arrival<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut progress = self.armed.progress();
        if progress.fired >= self.fired {
            return Poll::Ready(());
        }
        let before = progress.watchers.register(self.watcher, context.waker());
        drop(progress);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let waker = self.armed.progress().watchers.remove(self.watcher);
        drop(waker);
    }
}
