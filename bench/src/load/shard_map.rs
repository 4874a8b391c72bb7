//! Which shard owns which hash key, as `ListShards` reports it.
//!
//! Law: the ranges tile the 128-bit space, so every hash key has one owner.

use md5::{Digest, Md5};

use crate::failure::Failure;

/// The hash key of a partition key: its MD5 as a big-endian number.
#[must_use]
pub fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

/// A shard and the hash keys it owns, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRange {
    /// The shard's id.
    pub shard_id: String,
    /// The least hash key it owns.
    pub first: u128,
    /// The greatest hash key it owns.
    pub last: u128,
}

impl ShardRange {
    /// The hash key half way between the ends.
    #[must_use]
    pub fn middle(&self) -> u128 {
        self.first.midpoint(self.last)
    }
}

/// All shards of a stream, ordered by hash key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMap(Vec<ShardRange>);

impl ShardMap {
    /// Takes the ranges in any order.
    ///
    /// # Errors
    /// When they leave a gap or overlap.
    pub fn new(mut ranges: Vec<ShardRange>) -> Result<Self, Failure> {
        ranges.sort_by_key(|range| range.first);
        let mut expected = Some(0);
        for range in &ranges {
            if expected != Some(range.first) || range.last < range.first {
                return Err(Failure::Answer(format!(
                    "ListShards reports hash key ranges with a gap or an overlap at {}",
                    range.shard_id
                )));
            }
            expected = range.last.checked_add(1);
        }
        match expected {
            None => Ok(Self(ranges)),
            Some(unowned) => Err(Failure::Answer(format!(
                "ListShards reports no shard for hash key {unowned} and above"
            ))),
        }
    }

    /// The shards in order of their hash keys.
    #[must_use]
    pub fn shards(&self) -> &[ShardRange] {
        &self.0
    }

    /// The position in [`shards`](Self::shards) of the owner of a hash key.
    #[must_use]
    pub fn owner(&self, hash_key: u128) -> usize {
        self.0.partition_point(|range| range.last < hash_key)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{ShardMap, ShardRange, hash_key};

    /// The ranges a new stream has: equal, the last one taking the remainder.
    pub(crate) fn even(shards: usize) -> ShardMap {
        let width = u128::MAX / shards as u128;
        let ranges = (0..shards).map(|shard| ShardRange {
            shard_id: format!("shardId-{shard:012}"),
            first: width * shard as u128 + u128::from(shard > 0),
            last: if shard + 1 == shards { u128::MAX } else { width * (shard as u128 + 1) },
        });
        ShardMap::new(ranges.collect()).unwrap()
    }

    #[test]
    fn the_seed_keys_hash_where_aws_puts_them() {
        let map = even(4);
        let owners = ["pk-0", "pk-1", "pk-2", "pk-3"].map(|key| map.owner(hash_key(key)));
        assert_eq!(owners, [3, 3, 3, 0]);
    }

    #[test]
    fn each_end_of_a_range_belongs_to_it() {
        let map = even(7);
        for (position, range) in map.shards().iter().enumerate() {
            for hash_key in [range.first, range.middle(), range.last] {
                assert_eq!(map.owner(hash_key), position);
            }
        }
    }

    #[test]
    fn gaps_and_overlaps_are_refused() {
        let range =
            |first, last| ShardRange { shard_id: "shardId-000000000000".into(), first, last };
        for ranges in [
            vec![],
            vec![range(1, u128::MAX)],
            vec![range(0, 9)],
            vec![range(0, 9), range(11, u128::MAX)],
            vec![range(0, 9), range(9, u128::MAX)],
            vec![range(0, u128::MAX), range(u128::MAX, u128::MAX)],
        ] {
            assert!(ShardMap::new(ranges.clone()).is_err(), "{ranges:?}");
        }
    }
}
