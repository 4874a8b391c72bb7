//! How much memory calls take that are being received, worked on or answered.
//!
//! Each call has a *share*: what it costs to be there at all, and the bytes of
//! its body, later those of its answer for as long as the client has not taken
//! them. A call that comes when all is given away is refused and not kept
//! waiting: those that wait would hold memory, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call costs beside its bodies: task, head and buffers, roughly.
const CALL_BYTES: usize = 4 * 1024;

/// What all calls of a server take together.
#[derive(Debug)]
pub(super) struct InFlight {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl InFlight {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max })
    }

    /// The share of a call that begins; `None` if all is given away.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Share> {
        let mut share = Share { of: Arc::clone(self), bytes: 0 };
        share.grow(CALL_BYTES).then_some(share)
    }
}

/// What one call takes. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<InFlight>,
    bytes: usize,
}

impl Share {
    /// Takes so many bytes more; false, and nothing is taken, if they are not
    /// there.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.of.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken > self.of.bytes_max {
            self.of.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// The call has an answer of so many bytes and no body any more. What there
    /// is cannot be refused: it keeps others out until it has gone.
    pub(super) fn become_answer(&mut self, bytes: usize) {
        let bytes = CALL_BYTES + bytes;
        self.of.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_refused_when_all_is_given_away_and_come_back_when_dropped() {
        let all = InFlight::new(10 * CALL_BYTES);
        let mut large = all.begin().expect("there is room");
        assert!(large.grow(8 * CALL_BYTES));
        assert!(!large.grow(CALL_BYTES + 1), "a share has its bounds, too");
        let small = all.begin().expect("just enough");
        assert!(all.begin().is_none());
        drop(small);
        assert!(all.begin().is_some());
        large.become_answer(100 * CALL_BYTES);
        assert!(all.begin().is_none(), "an answer that waits keeps others out");
        large.become_answer(0);
        assert!(all.begin().is_some());
        drop(large);
        assert_eq!(all.bytes.load(Ordering::Relaxed), 0);
    }
}
