//! Shard ids.

use std::fmt;

use super::decimal;
use super::names::GivenShardId;

/// A shard's number within its stream, counting up from 0 over all time.
///
/// Displays as the API spells it: `shardId-` and twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShardIndex(u32);

impl ShardIndex {
    /// The largest number AWS reads in a shard id.
    const MAX: u32 = i32::MAX as u32;

    /// The shard with this number.
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The place in a list of all the stream's shards.
    pub(crate) const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// The id as the API spells it.
    pub(crate) fn id(self) -> [u8; 20] {
        let mut id = *b"shardId-000000000000";
        id[8..].copy_from_slice(&decimal::digits::<12>(u64::from(self.0)));
        id
    }

    /// Reads a shard id as AWS does (recorded): everything up to the first `-`
    /// is dropped, the rest is the number. `5`, `shardId-5` and
    /// `anything-000005` all mean shard 5. `None` if it is not a number or
    /// above 2147483647.
    pub(crate) fn resolve(given: &GivenShardId) -> Option<Self> {
        Self::from_text(given.as_str())
    }

    /// The same of a text that no caller gave.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let digits = match text.split_once('-') {
            Some((_, rest)) => rest,
            None => text,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|number| *number <= Self::MAX).map(Self)
    }

    /// Whether the shard comes after the one a caller named. An id that is no
    /// number is compared as text.
    pub(crate) fn follows(self, given: &GivenShardId) -> bool {
        match Self::resolve(given) {
            Some(other) => self > other,
            None => self.to_string().as_str() > given.as_str(),
        }
    }
}

impl fmt::Display for ShardIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.id()).expect("an id is ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::constraint::Constrained;

    #[test]
    fn ids_are_read_leniently_and_written_normalised() {
        for (given, expected) in [
            ("shardId-000000000007", Some("shardId-000000000007")),
            ("shardId-7", Some("shardId-000000000007")),
            ("anything-000007", Some("shardId-000000000007")),
            ("7", Some("shardId-000000000007")),
            ("2147483647", Some("shardId-002147483647")),
            ("2147483648", None),
            ("ABKLFD8", None),
            ("shardId-", None),
            ("a-1-2", None),
        ] {
            let read = ShardIndex::resolve(&GivenShardId::from_checked(given.into()));
            assert_eq!(read.map(|index| index.to_string()).as_deref(), expected, "{given}");
        }
    }
}
