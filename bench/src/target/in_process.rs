//! Our emulator with no socket: the SDK's HTTP client hands requests over.
//!
//! The SDK's own work (serialise, sign, retry, parse) is still in every number.

use kinesis_emulator::Emulator;

use super::raised_shard_limit;

/// Makes an emulator that allows a stream of `shards`.
#[must_use]
pub fn start(shards: usize) -> Emulator {
    match raised_shard_limit(shards) {
        None => Emulator::in_process(),
        Some(limit) => Emulator::builder().shard_limit(limit).in_process(),
    }
}
