//! Builds aggregates, and knows their size before they are built.
//!
//! Law: [`Aggregator::bytes`] is the size of what [`Aggregator::flush`] hands out,
//! to the byte, and never above the limit unless a single user record is.

use std::collections::HashMap;
use std::fmt;

use prost::Message;
use prost::encoding::encoded_len_varint;

use super::format::{AggregateMessage, FRAME_BYTES, RecordMessage};
use super::{HashKeyRange, UserRecord};

/// When an aggregate is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    bytes_max: usize,
    records_max: usize,
}

impl Limits {
    /// The KPL's target, two payload units.
    pub const BYTES_DEFAULT: usize = 51_200;

    /// The largest record a stream can be set to take, data and partition key.
    pub const BYTES_MAX: usize = 10 * 1_024 * 1_024;

    /// Room for at most `bytes_max` bytes and `records_max` user records.
    ///
    /// A stream takes records of 1 MiB unless `UpdateMaxRecordSize` raised that.
    ///
    /// # Errors
    /// When a limit is zero, or no stream takes so large a record.
    pub fn new(bytes_max: usize, records_max: usize) -> Result<Self, String> {
        if !(1..=Self::BYTES_MAX).contains(&bytes_max) {
            return Err(format!(
                "an aggregate has 1 to {} bytes, not {bytes_max}: no stream takes a larger record",
                Self::BYTES_MAX
            ));
        }
        if records_max == 0 {
            return Err("an aggregate has room for one user record at least".to_owned());
        }
        Ok(Self { bytes_max, records_max })
    }

    /// The most bytes, data and partition key.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// The most user records.
    #[must_use]
    pub fn records_max(&self) -> usize {
        self.records_max
    }
}

impl Default for Limits {
    /// The KPL's: 51,200 bytes, 4,294,967,295 user records.
    fn default() -> Self {
        Self { bytes_max: Self::BYTES_DEFAULT, records_max: u32::MAX as usize }
    }
}

/// A stream record, ready to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregated {
    /// The partition key to put it with.
    pub partition_key: String,
    /// The hash key to put it with; none for a user record alone that has none.
    pub explicit_hash_key: Option<u128>,
    /// The payload: an aggregate, or a user record alone as it was.
    pub data: Vec<u8>,
    /// The hash key of each user record inside, in their order.
    pub hash_keys: Vec<u128>,
}

impl Aggregated {
    /// How many user records are inside.
    #[must_use]
    pub fn user_records(&self) -> usize {
        self.hash_keys.len()
    }

    /// What counts against a shard's and a call's limit: data and partition key.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    /// The user records, by position, that the shard this landed on does not own.
    ///
    /// The shard was split or merged while this was under way. Consumers leave such
    /// an aggregate out, see [`Filter`](super::deaggregate::Filter), so they must be
    /// put again; the KPL does so and calls it "Wrong Shard".
    pub fn outside(&self, landed_on: HashKeyRange) -> impl Iterator<Item = usize> {
        let hash_keys = self.hash_keys.iter().enumerate();
        hash_keys.filter(move |(_, key)| !landed_on.contains(**key)).map(|(position, _)| position)
    }
}

/// A user record that no stream takes, handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// The record as it was given.
    pub record: UserRecord,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.record.data.len() + self.record.partition_key.len();
        write!(
            f,
            "a user record of {bytes} bytes is larger than any stream takes ({}): split it",
            Limits::BYTES_MAX
        )
    }
}

impl std::error::Error for TooLarge {}

/// Collects user records until no more fit into one stream record.
///
/// It knows nothing of shards: use it where all user records belong to one, or
/// take a [`ShardAggregator`](super::ShardAggregator).
#[derive(Debug, Clone, Default)]
pub struct Aggregator {
    limits: Limits,
    waiting: Vec<UserRecord>,
    partition_keys: KeyTable<String>,
    hash_keys: KeyTable<u128>,
    /// The encoded size of the message with all that waits.
    message_bytes: usize,
}

impl Aggregator {
    /// An aggregator with nothing in it.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many user records wait.
    #[must_use]
    pub fn user_records(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The size of what waits as a stream record, data and partition key.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self.waiting.as_slice() {
            [] => 0,
            [alone] if !must_be_wrapped(alone) => alone.data.len() + alone.partition_key.len(),
            _ => self.aggregate_bytes(self.message_bytes),
        }
    }

    /// The size it would have with one more user record.
    #[must_use]
    pub fn bytes_with(&self, record: &UserRecord) -> usize {
        if self.is_empty() && !must_be_wrapped(record) {
            return record.data.len() + record.partition_key.len();
        }
        self.aggregate_bytes(self.message_bytes + self.growth(record))
    }

    /// Takes a user record. When it does not fit with what waits, that is handed
    /// out first and the record begins the next one. A record that is by itself
    /// above the limit goes alone, as the KPL lets it.
    ///
    /// # Errors
    /// When no stream takes a record of its size.
    pub fn add(&mut self, record: UserRecord) -> Result<Option<Aggregated>, TooLarge> {
        if Aggregator::default().bytes_with(&record) > Limits::BYTES_MAX {
            return Err(TooLarge { record });
        }
        let fits = self.waiting.len() < self.limits.records_max
            && self.bytes_with(&record) <= self.limits.bytes_max;
        let full = if fits { None } else { self.flush() };
        self.message_bytes += self.growth(&record);
        self.partition_keys.index_of(&record.partition_key);
        if let Some(hash_key) = record.explicit_hash_key {
            self.hash_keys.index_of(&hash_key);
        }
        self.waiting.push(record);
        Ok(full)
    }

    /// Hands out what waits, if anything.
    pub fn flush(&mut self) -> Option<Aggregated> {
        let taken = std::mem::replace(self, Self::new(self.limits));
        let first = taken.waiting.first()?;
        let hash_keys: Vec<u128> = taken.waiting.iter().map(UserRecord::hash_key).collect();
        if let [alone] = taken.waiting.as_slice()
            && !must_be_wrapped(alone)
        {
            return Some(Aggregated {
                partition_key: first.partition_key.clone(),
                explicit_hash_key: first.explicit_hash_key,
                data: taken.waiting.into_iter().next().expect("there is one").data,
                hash_keys,
            });
        }
        Some(Aggregated {
            partition_key: PARTITION_KEY.to_owned(),
            explicit_hash_key: Some(hash_keys[0]),
            data: taken.into_message().encode_framed(),
            hash_keys,
        })
    }

    /// Takes out what waits, as it was given.
    pub(super) fn take_waiting(&mut self) -> Vec<UserRecord> {
        std::mem::replace(self, Self::new(self.limits)).waiting
    }

    fn into_message(mut self) -> AggregateMessage {
        let records = self.waiting.into_iter().map(|record| RecordMessage {
            partition_key_index: Some(self.partition_keys.index_of(&record.partition_key)),
            explicit_hash_key_index: record.explicit_hash_key.map(|k| self.hash_keys.index_of(&k)),
            data: Some(record.data),
            tags: record.tags.into_iter().map(Into::into).collect(),
        });
        AggregateMessage {
            records: records.collect(),
            partition_key_table: self.partition_keys.keys(String::into_bytes),
            explicit_hash_key_table: self.hash_keys.keys(|key| key.to_string().into_bytes()),
        }
    }

    fn aggregate_bytes(&self, message_bytes: usize) -> usize {
        FRAME_BYTES + message_bytes + PARTITION_KEY.len()
    }

    /// How much longer the message gets by a user record.
    fn growth(&self, record: &UserRecord) -> usize {
        let (partition_key_index, is_new) = self.partition_keys.peek(&record.partition_key);
        let mut growth = if is_new { member_bytes(record.partition_key.len()) } else { 0 };
        let mut inside = number_bytes(partition_key_index) + member_bytes(record.data.len());
        if let Some(hash_key) = record.explicit_hash_key {
            let (index, is_new) = self.hash_keys.peek(&hash_key);
            growth += if is_new { member_bytes(decimal_digits(hash_key)) } else { 0 };
            inside += number_bytes(index);
        }
        for tag in &record.tags {
            inside += member_bytes(super::format::TagMessage::from(tag.clone()).encoded_len());
        }
        growth + member_bytes(inside)
    }
}

/// An aggregate goes by its hash key, so its partition key says nothing.
const PARTITION_KEY: &str = "a";

/// A user record whose data looks like an aggregate would be taken apart by its
/// consumers, and one with tags would lose them; inside an aggregate neither happens.
fn must_be_wrapped(record: &UserRecord) -> bool {
    !record.tags.is_empty() || AggregateMessage::decode_framed(&record.data).is_some()
}

/// A member with a length: one byte of tag, the length, the content.
fn member_bytes(content: usize) -> usize {
    1 + encoded_len_varint(content as u64) + content
}

/// A member that is a number: one byte of tag, the number.
fn number_bytes(number: u64) -> usize {
    1 + encoded_len_varint(number)
}

fn decimal_digits(number: u128) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Keys in the order of their first use.
#[derive(Debug, Clone)]
struct KeyTable<K>(HashMap<K, u64>);

impl<K> Default for KeyTable<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + std::hash::Hash> KeyTable<K> {
    /// The index a key has or would get, and whether it is new.
    fn peek(&self, key: &K) -> (u64, bool) {
        match self.0.get(key) {
            Some(index) => (*index, false),
            None => (self.0.len() as u64, true),
        }
    }

    fn index_of(&mut self, key: &K) -> u64 {
        let next = self.0.len() as u64;
        *self.0.entry(key.clone()).or_insert(next)
    }

    fn keys(self, encode: impl Fn(K) -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut keys: Vec<(K, u64)> = self.0.into_iter().collect();
        keys.sort_unstable_by_key(|(_, index)| *index);
        keys.into_iter().map(|(key, _)| encode(key)).collect()
    }
}
