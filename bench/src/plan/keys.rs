//! How a load spreads over shards.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::load::shard_map::hash_key;

/// Which keys records have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyDistribution {
    /// So many that every shard gets the same.
    #[default]
    Even,
    /// One key has this share of all records, the rest is even.
    Hot {
        /// Between 0 and 1.
        share: f64,
    },
    /// So many keys, equally often, where MD5 puts them: `key-0`, `key-1`, ….
    Keys {
        /// How many.
        count: u32,
    },
}

/// Placing more keys than these on every number of shards takes too long, and
/// so many are nearly even.
const KEYS_MAX: u32 = 10_000;

impl KeyDistribution {
    /// The share of the load on the busiest of so many equal shards.
    #[must_use]
    pub fn busiest_share(&self, shards: u64) -> f64 {
        let even = 1.0 / shards as f64;
        match *self {
            Self::Even => even,
            Self::Hot { share } => share + (1.0 - share) * even,
            Self::Keys { count } => self.places(count).busiest_share(shards),
        }
    }

    /// The least number of equal shards, up to `shards_max`, of which the busiest
    /// gets at most this share of the load.
    #[must_use]
    pub fn shards_for(&self, share_max: f64, shards_max: u64) -> Option<u64> {
        if share_max >= 1.0 {
            return Some(1);
        }
        // A hair's breadth of rounding must not cost a shard.
        let least = |part: f64, of: f64| (part / of - 1e-9).ceil().max(1.0) as u64;
        let shards = match *self {
            Self::Even => least(1.0, share_max),
            Self::Hot { share } if share >= share_max => return None,
            Self::Hot { share } => least(1.0 - share, share_max - share),
            Self::Keys { count } => {
                if 1.0 / f64::from(count) > share_max {
                    return None;
                }
                let places = self.places(count);
                let at_least = least(1.0, share_max);
                return (at_least..=shards_max)
                    .find(|shards| places.busiest_share(*shards) <= share_max + 1e-12);
            }
        };
        (shards <= shards_max).then_some(shards)
    }

    fn places(&self, count: u32) -> Places {
        // The upper half of a hash key is enough to tell its shard.
        let upper = |n| (hash_key(&format!("key-{n}")) >> 64) as u64;
        let mut places: Vec<u64> = (0..count).map(upper).collect();
        places.sort_unstable();
        Places(places)
    }
}

/// Where keys that come equally often are in the space of hash keys, in order.
struct Places(Vec<u64>);

impl Places {
    fn busiest_share(&self, shards: u64) -> f64 {
        let owner = |place: &u64| (u128::from(*place) * u128::from(shards)) >> 64;
        let most = self.0.chunk_by(|one, next| owner(one) == owner(next)).map(<[u64]>::len).max();
        most.unwrap_or(0) as f64 / self.0.len() as f64
    }
}

impl FromStr for KeyDistribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write even, hot:SHARE such as hot:40%, or a number of keys".to_owned();
        if text == "even" {
            return Ok(Self::Even);
        }
        if let Some(share) = text.strip_prefix("hot:") {
            let (number, scale) = match share.strip_suffix('%') {
                Some(percent) => (percent, 100.0),
                None => (share, 1.0),
            };
            let share = number.parse::<f64>().map_err(|_| usage())? / scale;
            return if share > 0.0 && share <= 1.0 {
                Ok(Self::Hot { share })
            } else {
                Err("a hot key has more than 0 % and at most 100 % of the records".to_owned())
            };
        }
        let count = text.parse().map_err(|_| usage())?;
        if (1..=KEYS_MAX).contains(&count) {
            Ok(Self::Keys { count })
        } else {
            Err(format!("1 to {KEYS_MAX} keys can be placed; more are as good as even"))
        }
    }
}

impl fmt::Display for KeyDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Even => f.write_str("even keys"),
            Self::Hot { share } => write!(f, "one key with {:.0} % of the records", share * 100.0),
            Self::Keys { count } => write!(f, "{count} keys"),
        }
    }
}
