//! What is put, and when: keys, payloads, rates, schedules, and the map from hash
//! keys to shards.
//!
//! Absent: calls, and any clock but that of [`schedule`].

pub mod content;
pub mod keys;
pub mod payload;
pub mod rate;
pub mod schedule;
pub mod shard_map;
pub mod template;
