//! `DescribeLimits`: quotas of the account, and how much of them is used.
//!
//! * Limits that are not set are reported as AWS has them by default.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{self, LimitExceeded};
use crate::model::limits::Rate;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::{Call, Operation};

/// AWS's quotas in its large Regions (guide).
const SHARD_LIMIT: u32 = 20_000;
const ON_DEMAND_STREAM_LIMIT: u32 = 50;
/// One for each type of destination (guide).
const CHANNELS_PER_STREAM: u32 = 2;

pub(crate) struct DescribeLimits;

shape! {
    pub(crate) struct DescribeLimitsInput {}
}

answer! {
    pub(crate) struct DescribeLimitsOutput {
        "ShardLimit" => shard_limit: u32,
        "OpenShardCount" => open_shards: u32,
        "OnDemandStreamCount" => on_demand_streams: u32,
        "OnDemandStreamCountLimit" => on_demand_stream_limit: u32,
        "ChannelCount" => channels: Option<u32>,
        "ChannelCountLimit" => channel_limit: Option<u32>,
    }
}

impl Operation for DescribeLimits {
    type Input = DescribeLimitsInput;
    type Output = DescribeLimitsOutput;
    const ERRORS: &'static [ErrorKind] = &[LimitExceeded];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(1));

    fn handle(_: DescribeLimitsInput, call: &Call<'_>) -> Result<DescribeLimitsOutput, ApiError> {
        let realm = call.own_realm();
        let (settings, limits) = (call.settings(), call.limits());
        let shard_limit = settings.shard_limit.or(limits.shards_in(&realm.id().region));
        let stream_limit = settings.stream_limit.or(limits.on_demand_streams);
        let stream_limit = stream_limit.unwrap_or(ON_DEMAND_STREAM_LIMIT);
        Ok(DescribeLimitsOutput {
            shard_limit: shard_limit.unwrap_or(SHARD_LIMIT),
            open_shards: realm.open_shard_count(),
            on_demand_streams: realm.on_demand_stream_count(),
            on_demand_stream_limit: stream_limit,
            channels: Some(realm.channel_count()),
            channel_limit: Some(stream_limit.saturating_mul(CHANNELS_PER_STREAM)),
        })
    }
}
