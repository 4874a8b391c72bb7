//! How much memory calls take that are being received, worked on or answered.
//!
//! Each call takes what its body has, later what its answer has for as long as the
//! client has not taken it; a small call takes what it costs to be there at all. A
//! call that comes when all is given away is refused and not kept waiting: those
//! that wait would hold memory, too.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call takes at least: task, head and buffers, a small body among them.
/// One that takes no more is counted when it begins and when it ends: all calls
/// count in one place, and processors hand it to each other.
pub(crate) const CALL_BYTES: usize = 8 * 1024;

/// What all calls of a server take together. In a line of its own, which every call
/// writes to.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct InFlight {
    bytes: AtomicUsize,
    bytes_max: usize,
}

/// What one call takes. Whoever has it gives it back.
#[derive(Debug, Default)]
pub(super) struct Share {
    bytes: usize,
}

impl InFlight {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Has a share be enough for a body of so many bytes; false, and it stays as it
    /// is, if that is not there.
    pub(super) fn grow(&self, share: &mut Share, body_bytes: usize) -> bool {
        let bytes = body_bytes.max(CALL_BYTES);
        let Some(more) = bytes.checked_sub(share.bytes).filter(|more| *more > 0) else {
            return true;
        };
        let taken = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if taken > self.bytes_max {
            self.bytes.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        share.bytes = bytes;
        true
    }

    /// The call has an answer of so many bytes and no body any more. What there
    /// is cannot be refused: it keeps others out until it has gone.
    pub(super) fn become_answer(&self, share: &mut Share, bytes: usize) {
        let bytes = bytes.max(CALL_BYTES);
        if bytes > share.bytes {
            self.bytes.fetch_add(bytes - share.bytes, Ordering::Relaxed);
        } else if bytes < share.bytes {
            self.bytes.fetch_sub(share.bytes - bytes, Ordering::Relaxed);
        }
        share.bytes = bytes;
    }

    /// The call has ended.
    pub(super) fn give_back(&self, share: &mut Share) {
        if share.bytes > 0 {
            self.bytes.fetch_sub(share.bytes, Ordering::Relaxed);
            share.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_refused_when_all_is_given_away_and_it_comes_back() {
        let all = InFlight::new(10 * CALL_BYTES);
        let begin = || {
            let mut share = Share::default();
            all.grow(&mut share, 0).then_some(share)
        };
        let mut large = begin().expect("there is room");
        assert!(all.grow(&mut large, 9 * CALL_BYTES));
        assert!(!all.grow(&mut large, 10 * CALL_BYTES + 1), "a share has its bounds, too");
        let mut small = begin().expect("just enough");
        assert!(all.grow(&mut small, CALL_BYTES), "a small body is within what a call takes");
        assert!(begin().is_none());
        all.give_back(&mut small);
        let mut other = begin().expect("what was given back");
        all.become_answer(&mut large, 100 * CALL_BYTES);
        assert!(begin().is_none(), "an answer that waits keeps others out");
        all.become_answer(&mut large, 0);
        let mut third = begin().expect("the answer has gone");
        for share in [&mut large, &mut other, &mut third] {
            all.give_back(share);
            all.give_back(share);
        }
        assert_eq!(all.bytes.load(Ordering::Relaxed), 0);
    }
}
