//! Who waits for streams that do not exist yet.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::engine::watchers::Watchers;

/// Those who wait for a stream to be made.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Watchers>,
}

impl Waiters {
    /// Has somebody woken when a stream is made.
    pub(crate) fn watch(&self, id: u64, waker: &Waker) {
        let before = self.waiting().register(id, waker);
        drop(before);
    }

    /// Forgets somebody.
    pub(crate) fn unwatch(&self, id: u64) {
        let waker = self.waiting().remove(id);
        drop(waker);
    }

    /// Tells everybody that the streams may be others now.
    pub(crate) fn wake(&self) {
        let waiting = self.waiting().take();
        drop(waiting);
    }

    fn waiting(&self) -> MutexGuard<'_, Watchers> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
