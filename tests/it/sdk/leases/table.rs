//! The lease table, as the Kinesis Client Library (KCL) keeps one in DynamoDB.
//!
//! Law: a lease changes only for who has seen its latest state. Every change
//! counts the lease's counter up, so of two workers with the same idea one
//! finds that it is late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kinesis_bench::aggregation::HashKeyRange;

/// The right to read one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) shard: String,
    pub(super) parents: Vec<String>,
    pub(super) hash_keys: HashKeyRange,
    pub(super) owner: Option<String>,
    pub(super) counter: u64,
    pub(super) checkpoint: Checkpoint,
    pub(super) owner_switches_since_checkpoint: u64,
}

/// How far a shard has been processed. The order is that of reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Checkpoint {
    TrimHorizon,
    /// Up to a user record and with it.
    Record(Position),
    ShardEnd,
}

/// A stream record's sequence number, and which one of its user records.
/// Sequence numbers have one length, so that they sort as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) sequence_number: String,
    pub(super) sub_sequence_number: u64,
}

/// The table; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct LeaseTable(Arc<Mutex<BTreeMap<String, Lease>>>);

impl LeaseTable {
    /// All leases, sorted by shard.
    pub(super) fn scan(&self) -> Vec<Lease> {
        self.0.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn get(&self, shard: &str) -> Option<Lease> {
        self.0.lock().unwrap().get(shard).cloned()
    }

    /// Adds the lease of a shard that is to be read from its beginning, unless
    /// it is there.
    pub(super) fn create(&self, shard: &str, parents: Vec<String>, hash_keys: HashKeyRange) {
        let lease = Lease {
            shard: shard.to_owned(),
            parents,
            hash_keys,
            owner: None,
            counter: 0,
            checkpoint: Checkpoint::TrimHorizon,
            owner_switches_since_checkpoint: 0,
        };
        self.0.lock().unwrap().entry(shard.to_owned()).or_insert(lease);
    }

    /// Changes the lease, unless somebody has done so since it was `seen`.
    pub(super) fn update(&self, seen: &Lease, change: impl FnOnce(&mut Lease)) -> Option<Lease> {
        let mut leases = self.0.lock().unwrap();
        let lease = leases.get_mut(&seen.shard).filter(|lease| lease.counter == seen.counter)?;
        change(lease);
        lease.counter += 1;
        Some(lease.clone())
    }

    pub(super) fn delete(&self, shard: &str) {
        self.0.lock().unwrap().remove(shard);
    }
}
