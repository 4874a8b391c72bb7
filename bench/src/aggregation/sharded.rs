//! One aggregate per shard: the user records of an aggregate all land on one.
//!
//! Law: no aggregate holds user records of two shards of the map it was made by.

use std::fmt;

use super::aggregator::{Aggregated, Aggregator, Limits, TooLarge};
use super::{HashKeyRange, UserRecord};
use crate::load::shard_map::{ShardMap, ShardRange};

/// An [`Aggregator`] for the hash keys of one shard.
#[derive(Debug, Clone)]
pub struct ShardAggregator {
    range: HashKeyRange,
    aggregator: Aggregator,
}

/// Why a user record was not taken; each variant hands it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misplaced {
    /// It belongs to another shard, and would land on this one.
    OtherShard(UserRecord),
    /// No stream takes it.
    TooLarge(TooLarge),
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherShard(record) => write!(
                f,
                "hash key {} belongs to another shard: give the record to that shard's aggregator",
                record.hash_key()
            ),
            Self::TooLarge(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Misplaced {}

impl From<TooLarge> for Misplaced {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

impl ShardAggregator {
    /// An aggregator for the shard that owns these hash keys.
    #[must_use]
    pub fn new(range: HashKeyRange, limits: Limits) -> Self {
        Self { range, aggregator: Aggregator::new(limits) }
    }

    /// The hash keys it takes.
    #[must_use]
    pub fn range(&self) -> HashKeyRange {
        self.range
    }

    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> &Aggregator {
        &self.aggregator
    }

    /// Takes a user record of this shard; see [`Aggregator::add`].
    ///
    /// # Errors
    /// When it belongs to another shard, or no stream takes it.
    pub fn add(&mut self, record: UserRecord) -> Result<Option<Aggregated>, Misplaced> {
        if !self.range.contains(record.hash_key()) {
            return Err(Misplaced::OtherShard(record));
        }
        Ok(self.aggregator.add(record)?)
    }

    /// Hands out what waits, if anything.
    pub fn flush(&mut self) -> Option<Aggregated> {
        self.aggregator.flush()
    }
}

/// A [`ShardAggregator`] for each shard of a stream, and the routing between them.
#[derive(Debug, Clone)]
pub struct StreamAggregator {
    map: ShardMap,
    limits: Limits,
    shards: Vec<ShardAggregator>,
}

impl StreamAggregator {
    /// An aggregator for each shard of a map.
    #[must_use]
    pub fn new(map: ShardMap, limits: Limits) -> Self {
        let shards = map.shards().iter().map(|shard| ShardAggregator::new(shard.into(), limits));
        Self { shards: shards.collect(), limits, map }
    }

    /// Takes a user record to the shard that it is predicted to land on.
    ///
    /// # Errors
    /// When no stream takes it.
    pub fn add(&mut self, record: UserRecord) -> Result<Option<Aggregated>, TooLarge> {
        let owner = self.map.owner(record.hash_key());
        self.shards[owner].aggregator.add(record)
    }

    /// What waits for each shard.
    pub fn waiting(&self) -> impl Iterator<Item = (&ShardRange, &Aggregator)> {
        self.map.shards().iter().zip(self.shards.iter().map(ShardAggregator::waiting))
    }

    /// Hands out what waits for any shard.
    pub fn flush(&mut self) -> Vec<Aggregated> {
        self.shards.iter_mut().filter_map(ShardAggregator::flush).collect()
    }

    /// Goes by a new map from now on. What waits is sorted anew; order per hash
    /// key is kept. Hands out what is full by that.
    pub fn reshard(&mut self, map: ShardMap) -> Vec<Aggregated> {
        let old = std::mem::replace(self, Self::new(map, self.limits));
        let waiting = old.shards.into_iter().flat_map(|mut shard| shard.aggregator.take_waiting());
        let full = waiting.filter_map(|record| {
            self.add(record).expect("what was taken once is not too large now")
        });
        full.collect()
    }
}
