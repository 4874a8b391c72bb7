//! How many bytes of records all streams together may hold, if that is limited.
//!
//! What is stored is not counted down when records expire or streams are deleted:
//! puts add up to at least what is stored, and when that reaches the limit the
//! shards are asked what they hold. So a put costs one addition, and records are
//! counted about as often as the limit's worth of them has been put. An emulator
//! that is full counts at every put, and is not there to be fast.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::error::ApiError;
use crate::model::timestamp::Timestamp;

use super::Engine;
use super::stream::Holdings;
use super::sync::Mutex;

/// So much may be stored that has never been counted.
const NOT_COUNTED: usize = usize::MAX / 2;

/// What is known of the bytes that are stored.
#[derive(Debug)]
pub(crate) struct Storage {
    /// Data and keys; none if nothing limits them.
    bytes_max: Option<usize>,
    /// No less than there are, but for calls under way while they are counted.
    bytes_at_most: AtomicUsize,
    /// Held by the one call that counts.
    counting: Mutex<()>,
}

impl Storage {
    pub(super) fn new(bytes_max: Option<usize>) -> Self {
        let bytes_at_most = AtomicUsize::new(NOT_COUNTED);
        Self { bytes_max, bytes_at_most, counting: Mutex::new(()) }
    }

    /// Other records may be stored from now on.
    pub(super) fn count_anew(&self) {
        self.bytes_at_most.store(NOT_COUNTED, Ordering::Relaxed);
    }
}

impl Engine {
    /// Makes sure that so many bytes of data and keys can be stored. Whoever asks
    /// holds no lock.
    ///
    /// # Errors
    /// If all streams together would hold more than they may.
    pub(crate) fn make_room(
        &self,
        bytes: impl FnOnce() -> usize,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let Storage { bytes_max, bytes_at_most, counting } = &self.storage;
        let Some(most) = *bytes_max else { return Ok(()) };
        let bytes = bytes();
        let fits = || bytes_at_most.fetch_add(bytes, Ordering::Relaxed) + bytes <= most;
        if fits() {
            return Ok(());
        }
        let _one_at_a_time = counting.lock();
        bytes_at_most.store(self.holdings(now).bytes as usize, Ordering::Relaxed);
        if fits() {
            return Ok(());
        }
        bytes_at_most.fetch_sub(bytes, Ordering::Relaxed);
        Err(ApiError::storage_full(most))
    }

    /// How much there is in all streams that has not expired.
    pub(crate) fn holdings(&self, now: Timestamp) -> Holdings {
        let mut all = Holdings::default();
        for realm in self.realms() {
            realm.settle(now);
            for stream in realm.streams() {
                stream.sweep(now);
                let Holdings { shards, records, bytes } = stream.holdings();
                all.shards += shards;
                all.records += records;
                all.bytes += bytes;
            }
        }
        all
    }
}
