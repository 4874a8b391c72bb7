//! `UpdateStreamWarmThroughput`: make an on-demand stream ready for a load, or release it.
//!
//! * Needs the account's commitment (guide). The stream gets as many shards as MiB
//!   per second, but never fewer than four nor more than a stream can have
//!   (inferred); a lower target releases shards again (model).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamWarmThroughput.html>

use crate::engine::topology::warm_shards;
use crate::engine::transition::Transition;
use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::numbers::NaturalInteger;
use crate::model::status::StreamMode;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::create_stream::check_warm_throughput;
use super::shapes::WarmThroughput;
use super::{Call, Operation};

pub(crate) struct UpdateStreamWarmThroughput;

shape! {
    pub(crate) struct UpdateStreamWarmThroughputInput {
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamName" => stream_name: Option<StreamName>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "WarmThroughputMiBps" => target: NaturalInteger,
    }
}

answer! {
    pub(crate) struct UpdateStreamWarmThroughputOutput {
        "StreamARN" => arn: Option<StreamAddress>,
        "StreamName" => name: Option<StreamName>,
        "WarmThroughput" => warm_throughput: Option<WarmThroughput>,
    }
}

impl Operation for UpdateStreamWarmThroughput {
    type Input = UpdateStreamWarmThroughputInput;
    type Output = UpdateStreamWarmThroughputOutput;
    const ERRORS: &'static [ErrorKind] = &[
        AccessDenied,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        ResourceInUse,
        Validation,
    ];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(
        input: UpdateStreamWarmThroughputInput,
        call: &Call<'_>,
    ) -> Result<Self::Output, ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let check = |mode| check_warm_throughput(input.target, mode, &realm, call.now);
        let _quota = realm.hold_quota();
        let additional = {
            let state = stream.state();
            warm_shards(check(state.mode)?).saturating_sub(state.topology.open_count())
        };
        realm.check_limits(additional, StreamMode::Provisioned, call.settings(), &call.limits())?;
        let (target, current) = stream.begin_update(|state| {
            let target = check(state.mode)?;
            state.warm_throughput = Some(target);
            state.planned_shards = warm_shards(target);
            Ok((target, state.topology.open_count()))
        })?;
        let change = Transition::Warmed { target, shards: warm_shards(target) };
        realm.begin(&stream, change, call.settings(), call.now);
        Ok(UpdateStreamWarmThroughputOutput {
            arn: Some(stream.address.clone()),
            name: Some(stream.address.name.clone()),
            warm_throughput: Some(WarmThroughput { target: Some(target), current: Some(current) }),
        })
    }
}
