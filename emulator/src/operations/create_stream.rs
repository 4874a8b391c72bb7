//! `CreateStream`: begin to make a stream.
//!
//! * Neither `ShardCount` nor a mode: an on-demand stream of four shards
//!   (recorded). A count without a mode: provisioned, as every old client means.
//! * `ShardCount` with ON_DEMAND is ignored; PROVISIONED without it is refused
//!   (ours: AWS does not say).
//! * The stream is CREATING, without shards, for the state delay.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::realm::Realm;
use crate::engine::stream::StreamState;
use crate::engine::topology::{
    ON_DEMAND_SHARDS, SHARDS_PER_STREAM_MAX, WARM_THROUGHPUT_MIBPS_MAX, warm_shards,
};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, InvalidArgument, LimitExceeded, ResourceInUse, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::StreamName;
use crate::model::numbers::{MaxRecordSizeInKiB, NaturalInteger, PositiveInteger};
use crate::model::status::{RecordDistributionStrategy, StreamMode};
use crate::model::tags;
use crate::model::timestamp::Timestamp;
use crate::wire::shape::{TagMap, shape};

use super::add_tags_to_stream::{check_tag_count, refuse_percent};
use super::shapes::StreamModeDetails;
use super::{Call, Operation};

/// How long records are kept unless the stream says otherwise (guide).
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct CreateStream;

shape! {
    pub(crate) struct CreateStreamInput {
        "StreamName" => stream_name: StreamName,
        "ShardCount" => shard_count: Option<PositiveInteger>,
        "StreamModeDetails" => mode_details: Option<StreamModeDetails>,
        "Tags" => tags: Option<TagMap>,
        "WarmThroughputMiBps" => warm_throughput: Option<NaturalInteger>,
        "MaxRecordSizeInKiB" => max_record_size: Option<MaxRecordSizeInKiB>,
        "RecordDistributionStrategy" => distribution: Option<RecordDistributionStrategy>,
    }
}

impl Operation for CreateStream {
    type Input = CreateStreamInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[ResourceInUse, LimitExceeded, InvalidArgument, Validation];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: CreateStreamInput, call: &Call<'_>) -> Result<(), ApiError> {
        let realm = call.own_realm();
        if realm.find(&input.stream_name).is_some() {
            // A taken name is refused whatever else is wrong (recorded).
            return Err(ApiError::stream_exists(&input.stream_name, &realm.id().account));
        }
        let (mode, shards) = input.mode_and_shards()?;
        if shards > SHARDS_PER_STREAM_MAX {
            realm.check_shard_limit(shards, SHARDS_PER_STREAM_MAX)?;
        }
        let distribution =
            input.distribution.unwrap_or(RecordDistributionStrategy::UserPartitionKey);
        match (mode, distribution) {
            (StreamMode::Provisioned, RecordDistributionStrategy::Auto) => {
                return Err(ApiError::auto_distribution_needs_on_demand(&input.stream_name));
            }
            (StreamMode::OnDemand, _) | (_, RecordDistributionStrategy::UserPartitionKey) => {}
        }
        let warm_throughput = match input.warm_throughput {
            Some(target) => Some(check_warm_throughput(target, mode, &realm, call.now)?),
            None => None,
        };
        let shards = warm_throughput.map_or(shards, warm_shards);
        let tags = input.tags.map_or_else(BTreeMap::new, |TagMap(tags)| tags);
        tags::check(&tags)?;
        refuse_percent(&tags, &input.stream_name, &realm.id().account)?;
        check_tag_count(tags.len(), &input.stream_name, &realm.id().account)?;
        let state = StreamState {
            distribution,
            max_record_size: input.max_record_size.unwrap_or(MaxRecordSizeInKiB::DEFAULT),
            tags,
            warm_throughput,
            planned_shards: shards,
            ..StreamState::creating(mode, RETENTION)
        };
        let incarnation = call.engine.entropy.draw();
        realm.create(
            input.stream_name,
            state,
            incarnation,
            call.settings(),
            &call.limits(),
            call.now,
        )
    }
}

impl CreateStreamInput {
    fn mode_and_shards(&self) -> Result<(StreamMode, u32), ApiError> {
        let mode = self.mode_details.as_ref().map(|details| details.mode);
        match (mode, self.shard_count) {
            (None, None) | (Some(StreamMode::OnDemand), _) => {
                Ok((StreamMode::OnDemand, ON_DEMAND_SHARDS))
            }
            (None | Some(StreamMode::Provisioned), Some(count)) => {
                Ok((StreamMode::Provisioned, count.get()))
            }
            (Some(StreamMode::Provisioned), None) => Err(ApiError::shard_count_missing()),
        }
    }
}

/// How warm a stream may be asked to be.
///
/// # Errors
/// Unless the stream is on-demand and the account is committed (ours).
pub(super) fn check_warm_throughput(
    target: NaturalInteger,
    mode: StreamMode,
    realm: &Realm,
    now: Timestamp,
) -> Result<u32, ApiError> {
    match mode {
        StreamMode::Provisioned => Err(ApiError::needs_on_demand("WarmThroughputMiBps")),
        StreamMode::OnDemand if !realm.has_commitment(now) => {
            Err(ApiError::warm_throughput_needs_commitment())
        }
        StreamMode::OnDemand if target.get() > WARM_THROUGHPUT_MIBPS_MAX => {
            Err(ApiError::warm_throughput_too_high(WARM_THROUGHPUT_MIBPS_MAX))
        }
        StreamMode::OnDemand => Ok(target.get()),
    }
}
