//! `UpdateStreamMode`: let the service or the owner decide on the shards.
//!
//! * The shards stay as they are; two switches in 24 hours (guide).
//! * A stream with channels stays on-demand (inferred).
//! * The mode that the stream has already is accepted, without a change, unless
//!   `WarmThroughputMiBps` goes with it (inferred).
//! * A stream with queues stays on-demand (guide).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html>

use crate::engine::topology::warm_shards;
use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId};
use crate::model::numbers::NaturalInteger;
use crate::model::status::StreamMode;
use crate::wire::shape::shape;

use super::create_stream::check_warm_throughput;
use super::shapes::StreamModeDetails;
use super::{Call, Operation};

pub(crate) struct UpdateStreamMode;

shape! {
    pub(crate) struct UpdateStreamModeInput {
        "StreamARN" => stream_arn: GivenStreamArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "StreamModeDetails" => details: StreamModeDetails,
        "WarmThroughputMiBps" => warm_throughput: Option<NaturalInteger>,
    }
}

impl Operation for UpdateStreamMode {
    type Input = UpdateStreamModeInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: UpdateStreamModeInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (realm, stream) = call.stream(None, Some(&input.stream_arn))?;
        let mode = input.details.mode;
        let warm_throughput = match input.warm_throughput {
            Some(target) => Some(check_warm_throughput(target, mode, &realm, call.now)?),
            None => None,
        };
        let limits = call.limits();
        let shards = warm_throughput.map_or(0, warm_shards);
        let _quota = realm.hold_quota();
        let additional = {
            let state = stream.state();
            stream.require_active(&state)?;
            let additional = shards.saturating_sub(state.topology.open_count());
            (mode == StreamMode::OnDemand && mode != state.mode).then_some(additional)
        };
        if let Some(additional) = additional {
            realm.check_limits(additional, mode, call.settings(), &limits)?;
        }
        let switched = stream.begin_update(|state| {
            if state.mode == mode {
                return match warm_throughput {
                    Some(_) => Err(ApiError::same_mode_with_warm_throughput()),
                    None => Ok(false),
                };
            }
            if mode == StreamMode::Provisioned && !state.channels.is_empty() {
                return Err(ApiError::stream_has_channels(&stream.address.name, stream.account()));
            }
            if !state.queues.is_empty() {
                return Err(ApiError::stream_has_queues(
                    "UpdateStreamMode can't switch",
                    &stream.address.name,
                    stream.account(),
                ));
            }
            if let Some(limit) = limits.mode_switches_per_day
                && !state.mode_switches.has_room(call.now, limit)
            {
                return Err(ApiError::daily_limit(
                    "switches of its mode",
                    &stream.address.name,
                    stream.account(),
                    limit,
                ));
            }
            state.mode_switches.add(call.now);
            state.planned_shards = shards;
            Ok(true)
        })?;
        let change = if switched {
            Transition::ModeSwitched { mode, warm_throughput }
        } else {
            Transition::Unchanged
        };
        realm.begin(&stream, change, call.settings(), call.now);
        Ok(())
    }
}
