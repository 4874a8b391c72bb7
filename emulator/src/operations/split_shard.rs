//! `SplitShard`: close a shard and open two in its place.
//!
//! * The stream is UPDATING for the state delay; until its end the parent goes
//!   on taking records (recorded).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html>

use crate::engine::stream::{Stream, StreamState};
use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::hash_key::{GivenHashKey, HashKey, HashKeyRange};
use crate::model::limits::Rate;
use crate::model::names::{GivenShardId, GivenStreamArn, GivenStreamId, StreamName};
use crate::model::shard_id::ShardIndex;
use crate::model::status::StreamMode;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct SplitShard;

shape! {
    pub(crate) struct SplitShardInput {
        "StreamName" => stream_name: Option<StreamName>,
        "ShardToSplit" => shard: GivenShardId,
        "NewStartingHashKey" => new_starting_hash_key: GivenHashKey,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for SplitShard {
    type Input = SplitShardInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        ResourceInUse,
        InvalidArgument,
        LimitExceeded,
        Validation,
        AccessDenied,
    ];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: SplitShardInput, call: &Call<'_>) -> Result<(), ApiError> {
        let address = call.address(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let parent = resolve(&input.shard, &address)?;
        let realm = call.engine.realm(&address.realm, call.now);
        let stream = realm.stream(&address.name)?;
        let _quota = realm.hold_quota();
        {
            let state = stream.state();
            stream.require_active(&state)?;
            reshardable(&stream, &state, [parent])?;
        }
        // Before the key, after all the rest (recorded).
        realm.check_limits(1, StreamMode::Provisioned, call.settings(), &call.limits())?;
        let upper_start = stream.begin_update(|state| {
            let [range] = reshardable(&stream, state, [parent])?;
            let upper_start = split_key(&input.new_starting_hash_key, range).ok_or_else(|| {
                ApiError::split_key_out_of_range(
                    &input.new_starting_hash_key,
                    parent,
                    range,
                    &address.name,
                    &address.realm.account,
                )
            })?;
            state.planned_shards = state.topology.open_count() + 1;
            Ok(upper_start)
        })?;
        realm.begin(&stream, Transition::Split { parent, upper_start }, call.settings(), call.now);
        Ok(())
    }
}

/// Reads a shard id before anything is looked up (recorded).
///
/// # Errors
/// If it is no number.
pub(super) fn resolve(
    shard: &GivenShardId,
    stream: &crate::model::arn::StreamAddress,
) -> Result<ShardIndex, ApiError> {
    ShardIndex::resolve(shard)
        .ok_or_else(|| ApiError::shard_id_unreadable(shard, &stream.name, &stream.realm.account))
}

/// The ranges of shards that can be split or merged now.
///
/// # Errors
/// If the stream is on-demand, or a shard is missing, or, of those that are there,
/// closed.
pub(super) fn reshardable<const N: usize>(
    stream: &Stream,
    state: &StreamState,
    shards: [ShardIndex; N],
) -> Result<[HashKeyRange; N], ApiError> {
    let (name, account) = (&stream.address.name, stream.account());
    match state.mode {
        StreamMode::OnDemand => return Err(ApiError::resharding_needs_provisioned(name, account)),
        StreamMode::Provisioned => {}
    }
    let topology = &state.topology;
    if let Some(missing) = shards.iter().find(|shard| topology.shard(**shard).is_none()) {
        return Err(ApiError::shard_not_found(*missing, name, account));
    }
    let shards = shards.map(|shard| &topology.shards()[shard.as_usize()]);
    match shards.iter().find(|shard| shard.closed.is_some()) {
        Some(closed) => Err(ApiError::shard_closed(closed.index, name, account)),
        None => Ok(shards.map(|shard| shard.hash_keys)),
    }
}

/// A key splits a range if it is greater than the start plus one and less than
/// the end (recorded).
fn split_key(given: &GivenHashKey, range: HashKeyRange) -> Option<HashKey> {
    let above = range.start.number().saturating_add(1);
    given.resolve().filter(|key| above < key.number() && *key < range.end)
}
