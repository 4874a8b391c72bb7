//! Key plans: which key each record is put with.
//!
//! Law: a plan is a function of mode, shard map, number of records and seed, so
//! a run can be repeated record by record.

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::content::mix;
use crate::failure::Failure;
use crate::load::shard_map::{ShardMap, hash_key};

/// How keys are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyMode {
    /// `pk-0`…`pk-3` in turn, wherever MD5 puts them
    Seed,
    /// One key per shard, found by MD5, in turn: an even load
    Uniform,
    /// ExplicitHashKey in the middle of each shard's range, in turn: an even load
    ExplicitHash,
    /// Keys drawn at random from a pool of 256, by `--seed`
    Random,
    /// Four out of five records with one key, the rest spread evenly
    Hot,
}

impl KeyMode {
    /// The most bytes of a partition key on a stream of so many shards.
    #[must_use]
    pub fn bytes_max(self, shards: usize) -> usize {
        let numbered = |keys: usize| format!("pk-{}", keys.saturating_sub(1)).len();
        match self {
            Self::Seed => numbered(SEED_KEYS),
            Self::Uniform | Self::Hot => numbered(shards * CANDIDATES_PER_SHARD_MAX),
            Self::ExplicitHash => numbered(shards),
            Self::Random => 2 * size_of::<u128>(),
        }
    }
}

/// What a record is routed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub partition_key: String,
    /// The hash key to use in place of the partition key's MD5.
    pub explicit_hash_key: Option<u128>,
}

impl Key {
    /// The hash key that decides the shard.
    #[must_use]
    pub fn hash_key(&self) -> u128 {
        self.explicit_hash_key.unwrap_or_else(|| hash_key(&self.partition_key))
    }

    fn named(partition_key: String) -> Self {
        Self { partition_key, explicit_hash_key: None }
    }
}

/// The key of each record of a run.
#[derive(Debug)]
pub struct KeyPlan {
    keys: Vec<Key>,
    /// The position in `keys` for each record.
    drawn: Vec<usize>,
}

impl KeyPlan {
    /// Plans the keys of `records` records.
    ///
    /// # Errors
    /// When a shard is so narrow that no key is found for it.
    pub fn new(mode: KeyMode, map: &ShardMap, records: usize, seed: u64) -> Result<Self, Failure> {
        let mut random = StdRng::seed_from_u64(seed);
        let keys = pool(mode, map, &mut random)?;
        let drawn = match mode {
            KeyMode::Seed | KeyMode::Uniform | KeyMode::ExplicitHash => {
                (0..records).map(|record| record % keys.len()).collect()
            }
            KeyMode::Random => (0..records).map(|_| random.random_range(0..keys.len())).collect(),
            KeyMode::Hot => (0..records).map(|record| hot(record as u64, keys.len())).collect(),
        };
        Ok(Self { keys, drawn })
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> usize {
        self.drawn.len()
    }

    /// The key of a record.
    #[must_use]
    pub fn key(&self, record: usize) -> &Key {
        &self.keys[self.drawn[record]]
    }

    /// The records that one of several producers puts, in order.
    ///
    /// All records of a key go to the same producer, which keeps their order.
    pub fn share(&self, producer: usize, producers: usize) -> impl Iterator<Item = usize> {
        let is_mine = move |record: &usize| self.drawn[*record] % producers == producer;
        (0..self.records()).filter(is_mine)
    }
}

/// The same keys for runs whose end is not known beforehand.
#[derive(Debug, Clone)]
pub struct KeyRing {
    mode: KeyMode,
    seed: u64,
    keys: Vec<Key>,
    hash_keys: Vec<u128>,
}

impl KeyRing {
    /// Chooses the keys.
    ///
    /// # Errors
    /// When a shard is so narrow that no key is found for it.
    pub fn new(mode: KeyMode, map: &ShardMap, seed: u64) -> Result<Self, Failure> {
        let keys = pool(mode, map, &mut StdRng::seed_from_u64(seed))?;
        let hash_keys = keys.iter().map(Key::hash_key).collect();
        Ok(Self { mode, seed, keys, hash_keys })
    }

    /// The key of a record and the hash key that decides its shard.
    #[must_use]
    pub fn key(&self, record: u64) -> (&Key, u128) {
        let length = self.keys.len() as u64;
        let place = match self.mode {
            KeyMode::Seed | KeyMode::Uniform | KeyMode::ExplicitHash => (record % length) as usize,
            KeyMode::Random => (mix(self.seed ^ mix(record)) % length) as usize,
            KeyMode::Hot => hot(record, self.keys.len()),
        };
        (&self.keys[place], self.hash_keys[place])
    }
}

/// The keys that records are put with.
fn pool(mode: KeyMode, map: &ShardMap, random: &mut StdRng) -> Result<Vec<Key>, Failure> {
    Ok(match mode {
        KeyMode::Seed => (0..SEED_KEYS).map(|n| Key::named(format!("pk-{n}"))).collect(),
        KeyMode::Uniform => one_key_per_shard(map)?,
        KeyMode::ExplicitHash => middles(map),
        KeyMode::Random => {
            let draw = |_| Key::named(format!("{:032x}", random.random::<u128>()));
            (0..RANDOM_KEYS).map(draw).collect()
        }
        KeyMode::Hot => {
            let hot = Key::named("hot".to_owned());
            std::iter::once(hot).chain(one_key_per_shard(map)?).collect()
        }
    })
}

/// Position 0 for four of five records, the others in turn.
fn hot(record: u64, keys: usize) -> usize {
    match record % 5 {
        0 => 1 + ((record / 5) % (keys as u64 - 1)) as usize,
        _ => 0,
    }
}

/// As the measurement this package began with has them.
const SEED_KEYS: usize = 4;

/// Enough to reach every shard of a common stream, few enough that keys repeat
/// and their order can be checked.
const RANDOM_KEYS: usize = 256;

/// The search for one key per shard tries at most this many keys per shard;
/// equal shards need about `ln(shards)`.
const CANDIDATES_PER_SHARD_MAX: usize = 4_096;

/// For each shard the first of `pk-0`, `pk-1`, … that hashes to it.
fn one_key_per_shard(map: &ShardMap) -> Result<Vec<Key>, Failure> {
    let shards = map.shards();
    let mut found: Vec<Option<Key>> = vec![None; shards.len()];
    let mut missing = shards.len();
    for n in 0..shards.len() * CANDIDATES_PER_SHARD_MAX {
        let key = Key::named(format!("pk-{n}"));
        let slot = &mut found[map.owner(key.hash_key())];
        if slot.is_none() {
            *slot = Some(key);
            missing -= 1;
        }
        if missing == 0 {
            break;
        }
    }
    found.into_iter().collect::<Option<_>>().ok_or_else(|| {
        Failure::Answer(
            "no key was found for one of the shards, its range is too narrow: \
             use --keys explicit-hash"
                .to_owned(),
        )
    })
}

/// For each shard a key that names the middle of its range.
fn middles(map: &ShardMap) -> Vec<Key> {
    let shards = map.shards().iter().enumerate();
    let middle = shards.map(|(n, shard)| Key {
        partition_key: format!("pk-{n}"),
        explicit_hash_key: Some(shard.middle()),
    });
    middle.collect()
}

#[cfg(test)]
mod tests {
    use super::{KeyMode, KeyPlan};
    use crate::load::shard_map::tests::even;

    fn per_shard(mode: KeyMode, shards: usize, records: usize) -> Vec<usize> {
        let map = even(shards);
        let plan = KeyPlan::new(mode, &map, records, 1).unwrap();
        let mut counts = vec![0; shards];
        for record in 0..plan.records() {
            counts[map.owner(plan.key(record).hash_key())] += 1;
        }
        counts
    }

    #[test]
    fn seed_keys_put_750_and_250_records_on_two_of_four_shards() {
        assert_eq!(per_shard(KeyMode::Seed, 4, 1_000), [250, 0, 0, 750]);
    }

    #[test]
    fn uniform_and_explicit_keys_are_exactly_even_on_1_to_64_shards() {
        for mode in [KeyMode::Uniform, KeyMode::ExplicitHash] {
            for shards in 1..=64 {
                assert_eq!(per_shard(mode, shards, shards * 10), vec![10; shards], "{mode:?}");
            }
        }
    }

    #[test]
    fn no_key_is_longer_than_its_mode_says() {
        use clap::ValueEnum;
        for mode in KeyMode::value_variants() {
            for shards in [1, 4, 64] {
                let plan = KeyPlan::new(*mode, &even(shards), 1_000, 1).unwrap();
                let longest = (0..1_000).map(|n| plan.key(n).partition_key.len()).max().unwrap();
                assert!(longest <= mode.bytes_max(shards), "{mode:?} on {shards}: {longest}");
                assert!(mode.bytes_max(shards) <= 32, "{mode:?} on {shards}");
            }
        }
    }

    #[test]
    fn random_keys_repeat_with_their_seed_only() {
        let map = even(4);
        let keys = |seed| {
            let plan = KeyPlan::new(KeyMode::Random, &map, 100, seed).unwrap();
            (0..100).map(|record| plan.key(record).clone()).collect::<Vec<_>>()
        };
        assert_eq!(keys(1), keys(1));
        assert_ne!(keys(1), keys(2));
        assert!(per_shard(KeyMode::Random, 4, 1_000).iter().all(|count| *count > 150));
    }

    #[test]
    fn producers_share_the_records_without_sharing_a_key() {
        let plan = KeyPlan::new(KeyMode::Random, &even(4), 1_000, 1).unwrap();
        let shares: Vec<Vec<usize>> =
            (0..8).map(|producer| plan.share(producer, 8).collect()).collect();
        let owner = |key| shares.iter().position(|share| share.iter().any(|r| plan.key(*r) == key));
        for (producer, share) in shares.iter().enumerate() {
            assert!(share.is_sorted());
            assert!(share.iter().all(|record| owner(plan.key(*record)) == Some(producer)));
        }
        assert_eq!(shares.iter().map(Vec::len).sum::<usize>(), 1_000);
    }
}
