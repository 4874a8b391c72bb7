//! The aggregated record format of the Kinesis Producer Library (KPL), both ways.
//!
//! Kinesis takes 1,000 records per shard and second and bills each begun 25 KB of
//! each record. Producers with small messages therefore put several *user records*
//! into one *stream record*; consumers take them apart again. The KPL and the KCL
//! agree on a format for that, and so do the `aws-kinesis-agg` packages:
//!
//! ```text
//! F3 89 9A C2 │ protobuf AggregatedRecord │ MD5 of the protobuf, 16 bytes
//!
//! message AggregatedRecord {                 message Record {
//!   repeated string partition_key_table = 1;   required uint64 partition_key_index = 1;
//!   repeated string explicit_hash_key_table = 2; optional uint64 explicit_hash_key_index = 2;
//!   repeated Record records = 3;               required bytes data = 3;
//! }                                            repeated Tag tags = 4;
//!                                            }
//! ```
//!
//! # Producing
//!
//! An [`Aggregator`] knows the size of its record to the byte before anything is
//! encoded, so it hands a record out the moment the next user record would not fit.
//! What it hands out carries the keys to put it with: an aggregate goes by the
//! partition key `a` and the hash key of its first user record, as the KPL does it;
//! a user record that is alone goes as it is, not wrapped.
//!
//! ```
//! use kinesis_bench::aggregation::{Aggregator, Limits, UserRecord, deaggregate};
//!
//! let mut aggregator = Aggregator::new(Limits::default());
//! for n in 0..3 {
//!     let full = aggregator.add(UserRecord::new(format!("user-{n}"), "hello"))?;
//!     assert!(full.is_none(), "three greetings are far from 51,200 bytes");
//! }
//! let aggregate = aggregator.flush().expect("three are waiting");
//! assert_eq!(aggregate.user_records(), 3);
//! assert_eq!(aggregate.partition_key, "a");
//!
//! let taken_apart = deaggregate::split(&aggregate.data).expect("it is an aggregate");
//! assert_eq!(taken_apart.records[2].partition_key, "user-2");
//! # Ok::<(), kinesis_bench::aggregation::TooLarge>(())
//! ```
//!
//! All of an aggregate lands on *one* shard, that of its first user record. Several
//! shards therefore need several aggregates: a [`ShardAggregator`] takes the hash
//! keys of one shard and refuses others, a [`StreamAggregator`] keeps one of them
//! for each shard and routes by hash key. When a split or a merge has made its map
//! old, [`StreamAggregator::reshard`] sorts what waits anew, and
//! [`Aggregated::outside`] names the user records of an aggregate that was under way
//! and landed on a shard that does not own them: those must be put again.
//!
//! # Consuming
//!
//! [`deaggregate::records`] takes records as `GetRecords` or `SubscribeToShard` gave
//! them and hands out user records with sub-sequence numbers; records that are no
//! aggregates pass through. It does what the KCL does:
//!
//! * no magic number, a wrong digest or an unreadable message: it is a plain record;
//! * an index outside its table, a hash key that is no number: the user records
//!   before it are handed out and the rest is reported as [`deaggregate::Damage`];
//! * a user record outside the shard's range: the whole aggregate is left out, see
//!   [`deaggregate::Filter`].
//!
//! # Merged messages
//!
//! [`merged`] is the plain alternative: n messages in one record, by newlines or
//! with their lengths, and no keys of their own.
//!
//! Sources: the format is that of `aggregation-format.md` in the KPL's repository,
//! the rules for consumers are those of `AggregatorUtil` in the KCL 3, and vectors
//! recorded with the Python package `aws_kinesis_agg` 1.2.3 are tested in both
//! directions (`tests/clients/python`).
//!
//! Absent: any I/O. [`batch`](crate::batch) sends.

pub mod aggregator;
pub mod deaggregate;
mod format;
pub mod merged;
pub mod sharded;

#[cfg(test)]
mod tests;

pub use aggregator::{Aggregated, Aggregator, Limits, TooLarge};
pub use format::{DIGEST_BYTES, MAGIC, Tag};
pub use sharded::{Misplaced, ShardAggregator, StreamAggregator};

use crate::load::shard_map::{ShardRange, hash_key};

/// What an application puts: one of several in an aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The key that decides the shard, unless a hash key is given.
    pub partition_key: String,
    /// The hash key to go by in place of the partition key's MD5.
    pub explicit_hash_key: Option<u128>,
    /// The payload.
    pub data: Vec<u8>,
    /// Words about the record. The format has them, the KPL does not write them.
    pub tags: Vec<Tag>,
}

impl UserRecord {
    /// A record that goes by its partition key.
    #[must_use]
    pub fn new(partition_key: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            partition_key: partition_key.into(),
            explicit_hash_key: None,
            data: data.into(),
            tags: Vec::new(),
        }
    }

    /// The same record, going by a hash key.
    #[must_use]
    pub fn with_hash_key(self, hash_key: u128) -> Self {
        Self { explicit_hash_key: Some(hash_key), ..self }
    }

    /// The hash key that decides the shard.
    #[must_use]
    pub fn hash_key(&self) -> u128 {
        self.explicit_hash_key.unwrap_or_else(|| hash_key(&self.partition_key))
    }
}

/// The hash keys of a shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKeyRange {
    /// The least.
    pub first: u128,
    /// The greatest.
    pub last: u128,
}

impl HashKeyRange {
    /// Every hash key.
    pub const ALL: Self = Self { first: 0, last: u128::MAX };

    /// Whether a hash key is in it.
    #[must_use]
    pub fn contains(&self, hash_key: u128) -> bool {
        (self.first..=self.last).contains(&hash_key)
    }
}

impl From<&ShardRange> for HashKeyRange {
    fn from(shard: &ShardRange) -> Self {
        Self { first: shard.first, last: shard.last }
    }
}
