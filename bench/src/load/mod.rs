//! What is put: keys, payloads, and the map from hash keys to shards.
//!
//! Absent: clocks and calls. Everything here is a pure function of its arguments.

pub mod keys;
pub mod payload;
pub mod shard_map;
