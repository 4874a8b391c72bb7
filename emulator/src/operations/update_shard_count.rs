//! `UpdateShardCount`: reshard a provisioned stream to a number of equal shards.
//!
//! * At most twice and at least half the open shards, at most 10,000, and ten
//!   times in 24 hours. The present number is accepted and changes nothing
//!   (inferred).
//! * The shards on the way are closed again and stay listed, as their parents do.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>

use crate::engine::stream::StreamState;
use crate::engine::topology::SHARDS_PER_STREAM_MAX;
use crate::engine::transition::Transition;
use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::numbers::PositiveInteger;
use crate::model::status::{ScalingType, StreamMode};
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct UpdateShardCount;

shape! {
    pub(crate) struct UpdateShardCountInput {
        "StreamName" => stream_name: Option<StreamName>,
        "TargetShardCount" => target: PositiveInteger,
        "ScalingType" => _scaling: ScalingType,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct UpdateShardCountOutput {
        "StreamName" => name: Option<StreamName>,
        "CurrentShardCount" => current: Option<u32>,
        "TargetShardCount" => target: Option<u32>,
        "StreamARN" => arn: Option<StreamAddress>,
    }
}

impl Operation for UpdateShardCount {
    type Input = UpdateShardCountInput;
    type Output = UpdateShardCountOutput;
    const ERRORS: &'static [ErrorKind] = &[
        InvalidArgument,
        LimitExceeded,
        ResourceInUse,
        ResourceNotFound,
        Validation,
        AccessDenied,
    ];
    /// Source: model text, which does not say whose.
    const RATE: Option<Rate> = Some(Rate::per_account(10));

    fn handle(input: UpdateShardCountInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let (name, account) = (&stream.address.name, stream.account());
        let target = input.target.get();
        let scalable = |state: &StreamState| {
            let open = state.topology.open_count();
            match state.mode {
                StreamMode::OnDemand => Err(ApiError::resharding_needs_provisioned(name, account)),
                StreamMode::Provisioned => check_step(open, target).map(|()| open),
            }
        };
        let _quota = realm.hold_quota();
        let additional = {
            let state = stream.state();
            stream.require_active(&state)?;
            target.saturating_sub(scalable(&state)?)
        };
        let limits = call.limits();
        realm.check_limits(additional, StreamMode::Provisioned, call.settings(), &limits)?;
        let current = stream.begin_update(|state| {
            let open = scalable(state)?;
            if let Some(limit) = limits.rescalings_per_day
                && !state.rescalings.has_room(call.now, limit)
            {
                return Err(ApiError::daily_limit("rescalings", name, account, limit));
            }
            state.rescalings.add(call.now);
            state.planned_shards = target;
            Ok(open)
        })?;
        realm.begin(&stream, Transition::Rescaled { shards: target }, call.settings(), call.now);
        Ok(UpdateShardCountOutput {
            name: Some(name.clone()),
            current: Some(current),
            target: Some(target),
            arn: Some(stream.address.clone()),
        })
    }
}

/// How far one call may go.
fn check_step(open: u32, target: u32) -> Result<(), ApiError> {
    if target > SHARDS_PER_STREAM_MAX {
        return Err(ApiError::more_shards_than_a_stream_can_have(target, SHARDS_PER_STREAM_MAX));
    }
    if target > open * 2 {
        return Err(ApiError::rescale_too_far("scale up over double", open, target));
    }
    if target * 2 < open {
        return Err(ApiError::rescale_too_far("scale down below half", open, target));
    }
    Ok(())
}
