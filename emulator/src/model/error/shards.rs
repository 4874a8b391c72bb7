//! Shards: finding, splitting and merging them.

use crate::model::arn::AccountId;
use crate::model::hash_key::{GivenHashKey, HashKeyRange};
use crate::model::names::{GivenShardId, StreamName};
use crate::model::shard_id::ShardIndex;

use super::ApiError;
use super::ErrorKind::{InvalidArgument, ResourceNotFound, Validation};

/// Shards.
impl ApiError {
    /// Recorded: for ids that are no number at all.
    pub(crate) fn shard_id_unreadable(
        shard: &GivenShardId,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!(
                "Could not find shard {} in stream {stream} under account {account}.",
                shard.as_str()
            ),
        )
    }

    /// Recorded (split and merge).
    pub(crate) fn shard_not_found(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Could not find shard {shard} in stream {stream} under account {account}."),
        )
    }

    /// Recorded.
    pub(crate) fn shard_closed(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Shard {shard} in stream {stream} under account {account} has already been merged \
                 or split, and thus is not eligible for merging or splitting."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn split_key_out_of_range(
        key: &GivenHashKey,
        shard: ShardIndex,
        range: HashKeyRange,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "NewStartingHashKey {} used in SplitShard() on shard {shard} in stream {stream} \
                 under account {account} is not both greater than one plus the shard's \
                 StartingHashKey {} and less than the shard's EndingHashKey {}.",
                key.as_str(),
                range.start,
                range.end
            ),
        )
    }

    /// Recorded.
    pub(crate) fn shards_not_adjacent(
        lower: ShardIndex,
        upper: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Shards {lower} and {upper} in stream {stream} under account {account} \
                 are not an adjacent pair of shards eligible for merging"
            ),
        )
    }

    /// Ours.
    pub(crate) fn resharding_needs_provisioned(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            Validation,
            format!(
                "Request is invalid. Stream {stream} under account {account} is in On-Demand mode."
            ),
        )
    }

    /// Recorded: from the iterator calls, without a full stop.
    pub(crate) fn shard_does_not_exist(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Shard {shard} in stream {stream} under account {account} does not exist"),
        )
    }
}
