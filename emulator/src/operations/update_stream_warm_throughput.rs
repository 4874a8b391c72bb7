//! `UpdateStreamWarmThroughput`: make an on-demand stream ready for a load, or release it.
//!
//! * Needs the account's commitment (guide). The stream gets at least as many
//!   shards as MiB per second, and never fewer than four (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamWarmThroughput.html>

use crate::engine::transition::Transition;
use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::numbers::NaturalInteger;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::create_stream::{ON_DEMAND_SHARDS, check_warm_throughput};
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
        let mode = stream.state().mode;
        let target = check_warm_throughput(input.target, mode, &realm, call.now)?;
        let current = stream.begin_update(|state| {
            state.warm_throughput = Some(target);
            Ok(state.topology.open_count())
        })?;
        let change = Transition::Warmed { target, shards: target.max(ON_DEMAND_SHARDS) };
        realm.begin(&stream, change, call.settings(), call.now);
        Ok(UpdateStreamWarmThroughputOutput {
            arn: Some(stream.address.clone()),
            name: Some(stream.address.name.clone()),
            warm_throughput: Some(WarmThroughput { target: Some(target), current: Some(current) }),
        })
    }
}
