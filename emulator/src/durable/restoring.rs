//! A state of any size takes the place of what there is, as a whole or not at all.
//!
//! It is laid out first, in batches of its own between those of others: none of it
//! is in force. Then one entry tells that what is laid out is the state from there
//! on. So neither a batch nor memory has to have all of it, and whoever reads a log
//! in which that entry is missing leaves out what is laid out.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use crate::engine::frozen::Frozen;

use super::batch::Batch;
use super::entry::{Entry, LAID_OUT, write_frozen};
use super::store::Store;

/// Bytes of entries after which a batch is written.
pub(super) const BATCH_BYTES: usize = 1024 * 1024;

/// A state that is laid out and not in force yet. While it is there, no other is
/// laid out, and no checkpoint removes the log that has it.
#[must_use = "it comes into force when it is told that everything has been restored"]
pub(crate) struct Restoring<'a> {
    store: &'a Store,
    _alone: MutexGuard<'a, ()>,
}

impl<'a> Restoring<'a> {
    /// Lays a state out. Waits for the disk, so that no more than two batches are
    /// in memory; a disk that fails is not waited for, and all of it is.
    pub(super) fn lay_out(store: &'a Store, alone: MutexGuard<'a, ()>, frozen: &Frozen) -> Self {
        // Before anything of it is told: who cuts after that has to know.
        store.is_restoring.store(true, Ordering::Release);
        let restoring = Self { store, _alone: alone };
        let mut pages = Pages { store, batch: Batch::default() };
        pages.push(|buffer| Entry::Restoring.write(buffer));
        write_frozen(frozen, |entry| {
            pages.push(|buffer| {
                buffer.push(LAID_OUT);
                buffer.extend_from_slice(entry);
            });
        });
        pages.turn();
        restoring
    }
}

impl Drop for Restoring<'_> {
    fn drop(&mut self) {
        self.store.is_restoring.store(false, Ordering::Release);
    }
}

/// Entries on their way to the log.
struct Pages<'a> {
    store: &'a Store,
    batch: Batch,
}

impl Pages<'_> {
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.batch.push(write);
        if self.batch.entry_bytes() >= self.store.restoring_batch_bytes {
            let before = self.store.written();
            self.turn();
            // Who restores is told by what comes after it whether it is kept.
            let _kept = self.store.log().wait_until_durable(before);
        }
    }

    fn turn(&mut self) {
        if !self.batch.is_empty() {
            self.store.log().push_batch(std::mem::take(&mut self.batch));
        }
    }
}
