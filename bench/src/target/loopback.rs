//! Our emulator on a loopback TCP port of its own: the default target.

use kinesis_emulator::Emulator;

use super::raised_shard_limit;
use crate::failure::Failure;

/// Starts an emulator that allows a stream of `shards`.
///
/// # Errors
/// When no port can be bound.
pub async fn start(shards: usize) -> Result<Emulator, Failure> {
    match raised_shard_limit(shards) {
        None => Ok(Emulator::start().await),
        Some(limit) => Emulator::builder()
            .shard_limit(limit)
            .start()
            .await
            .map_err(|error| Failure::Start(error.to_string())),
    }
}
