//! `EnableEnhancedMonitoring`: turn shard-level metrics on.
//!
//! * `ALL` stands for the seven metrics. Takes effect at once (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html>

use std::collections::BTreeSet;

use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::status::MetricsName;
use crate::wire::emit::answer;
use crate::wire::shape::{List, shape};

use super::{Call, Operation};

pub(crate) struct EnableEnhancedMonitoring;

shape! {
    pub(crate) struct EnhancedMonitoringInput {
        "StreamName" => stream_name: Option<StreamName>,
        "ShardLevelMetrics" => metrics: List<MetricsName, 1, 7>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct EnhancedMonitoringOutput {
        "StreamName" => name: Option<StreamName>,
        "CurrentShardLevelMetrics" => current: Option<Vec<MetricsName>>,
        "DesiredShardLevelMetrics" => desired: Option<Vec<MetricsName>>,
        "StreamARN" => arn: Option<StreamAddress>,
    }
}

impl Operation for EnableEnhancedMonitoring {
    type Input = EnhancedMonitoringInput;
    type Output = EnhancedMonitoringOutput;
    const ERRORS: &'static [ErrorKind] =
        &[InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, AccessDenied];
    /// Source: guide.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: EnhancedMonitoringInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        change(&input, call, |metrics, named| metrics.extend(named))
    }
}

/// Changes which metrics are on, and says which were and which are.
pub(super) fn change(
    input: &EnhancedMonitoringInput,
    call: &Call<'_>,
    apply: impl FnOnce(&mut BTreeSet<MetricsName>, &BTreeSet<MetricsName>),
) -> Result<EnhancedMonitoringOutput, ApiError> {
    let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let List(named) = &input.metrics;
    let named: BTreeSet<_> = if named.contains(&MetricsName::All) {
        MetricsName::EACH.into_iter().collect()
    } else {
        named.iter().copied().collect()
    };
    stream.change(|state| {
        stream.require_active(state)?;
        let list = |metrics: &BTreeSet<MetricsName>| metrics.iter().copied().collect();
        let current = list(&state.shard_level_metrics);
        apply(&mut state.shard_level_metrics, &named);
        Ok(EnhancedMonitoringOutput {
            name: Some(stream.address.name.clone()),
            current: Some(current),
            desired: Some(list(&state.shard_level_metrics)),
            arn: Some(stream.address.clone()),
        })
    })
}
