//! `MergeShards`: close two neighbours and open one in their place.
//!
//! * The second shard begins where the first ends; the other way round is
//!   refused (recorded).
//! * The stream is UPDATING for the state delay; until its end the parents go
//!   on taking records.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html>

use crate::engine::topology::are_neighbours;
use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenShardId, GivenStreamArn, GivenStreamId, StreamName};
use crate::wire::shape::shape;

use super::split_shard::{SplitShard, reshardable, resolve};
use super::{Call, Operation};

pub(crate) struct MergeShards;

shape! {
    pub(crate) struct MergeShardsInput {
        "StreamName" => stream_name: Option<StreamName>,
        "ShardToMerge" => lower: GivenShardId,
        "AdjacentShardToMerge" => upper: GivenShardId,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for MergeShards {
    type Input = MergeShardsInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = SplitShard::ERRORS;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: MergeShardsInput, call: &Call<'_>) -> Result<(), ApiError> {
        let address = call.address(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let lower = resolve(&input.lower, &address)?;
        let upper = resolve(&input.upper, &address)?;
        let realm = call.engine.realm(&address.realm, call.now);
        let stream = realm.stream(&address.name)?;
        stream.begin_update(|state| {
            let [first, second] = reshardable(&stream, state, [lower, upper])?;
            if !are_neighbours(first, second) {
                let (name, account) = (&address.name, &address.realm.account);
                return Err(ApiError::shards_not_adjacent(lower, upper, name, account));
            }
            Ok(())
        })?;
        realm.begin(&stream, Transition::Merged { lower, upper }, call.settings(), call.now);
        Ok(())
    }
}
