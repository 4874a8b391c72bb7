//! A limit in real time, whatever the emulator's clock or a paused runtime's
//! says: a thread of its own keeps it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Duration;

/// Wakes somebody when a time has passed for real; nobody, once it is dropped.
#[derive(Debug)]
pub(super) struct Deadline(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    passed: bool,
    dropped: bool,
    waker: Option<Waker>,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let held = Arc::clone(&shared);
        let keep = move || {
            let state = held.state();
            let (mut state, _) = held
                .changed
                .wait_timeout_while(state, limit, |state| !state.dropped)
                .unwrap_or_else(PoisonError::into_inner);
            state.passed = true;
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        // Systems cut names off after 15 bytes.
        let name = "deadline of kinesis-emulator".to_owned();
        let started = thread::Builder::new().name(name).spawn(keep);
        drop(started.expect("a test can have a thread"));
        Self(shared)
    }

    /// Whether the time has passed. If not, `waker` is woken when it has.
    pub(super) fn has_passed(&self, waker: &Waker) -> bool {
        let mut state = self.0.state();
        state.waker = Some(waker.clone());
        state.passed
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.dropped = true;
        let waker = state.waker.take();
        drop(state);
        self.0.changed.notify_one();
        drop(waker);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
