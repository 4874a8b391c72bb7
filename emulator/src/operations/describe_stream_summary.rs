//! `DescribeStreamSummary`: a stream without its shards, but with counts.
//!
//! * `StreamId` is never handed out: current clients would send it back and
//!   then call AWS in place of the emulator.
//! * The distribution strategy and the numbers of channels and queues are shown
//!   for on-demand streams only.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html>

use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, KeyId, StreamName};
use crate::model::numbers::MaxRecordSizeInKiB;
use crate::model::status::{EncryptionType, RecordDistributionStrategy, StreamMode, StreamStatus};
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::shapes::{EnhancedMetrics, StreamModeDescription, WarmThroughput};
use super::{Call, Operation};

pub(crate) struct DescribeStreamSummary;

shape! {
    pub(crate) struct DescribeStreamSummaryInput {
        "StreamName" => stream_name: Option<StreamName>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct DescribeStreamSummaryOutput {
        "StreamDescriptionSummary" => summary: StreamDescriptionSummary,
    }
}

answer! {
    pub(crate) struct StreamDescriptionSummary {
        "StreamName" => name: StreamName,
        "StreamARN" => arn: StreamAddress,
        "StreamStatus" => status: StreamStatus,
        "StreamModeDetails" => mode: Option<StreamModeDescription>,
        "RetentionPeriodHours" => retention_hours: u32,
        "StreamCreationTimestamp" => created: Timestamp,
        "EnhancedMonitoring" => monitoring: Vec<EnhancedMetrics>,
        "EncryptionType" => encryption: Option<EncryptionType>,
        "KeyId" => key: Option<KeyId>,
        "OpenShardCount" => open_shards: u32,
        "ConsumerCount" => consumers: Option<u32>,
        "WarmThroughput" => warm_throughput: Option<WarmThroughput>,
        "MaxRecordSizeInKiB" => max_record_size: Option<MaxRecordSizeInKiB>,
        "ChannelCount" => channels: Option<u32>,
        "RecordDistributionStrategy" => distribution: Option<RecordDistributionStrategy>,
        "QueueCount" => queues: Option<u32>,
    }
}

impl Operation for DescribeStreamSummary {
    type Input = DescribeStreamSummaryInput;
    type Output = DescribeStreamSummaryOutput;
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, LimitExceeded, InvalidArgument, AccessDenied];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(20));

    fn handle(
        input: DescribeStreamSummaryInput,
        call: &Call<'_>,
    ) -> Result<Self::Output, ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let has_commitment = realm.has_commitment(call.now);
        let state = stream.state();
        // Of on-demand streams, and only while the account has its commitment (model
        // text).
        let warms = has_commitment && state.mode == StreamMode::OnDemand;
        Ok(DescribeStreamSummaryOutput {
            summary: StreamDescriptionSummary {
                name: stream.address.name.clone(),
                arn: stream.address.clone(),
                status: state.status,
                mode: Some(StreamModeDescription { mode: state.mode }),
                retention_hours: state.retention_hours(),
                created: stream.created,
                monitoring: EnhancedMetrics::of(&state),
                encryption: Some(state.encryption),
                key: state.key.clone(),
                open_shards: state.topology.open_count(),
                consumers: Some(state.consumers.len() as u32),
                warm_throughput: warms.then(|| WarmThroughput {
                    target: state.warm_throughput,
                    current: Some(state.topology.open_count()),
                }),
                max_record_size: Some(state.max_record_size),
                channels: match state.mode {
                    StreamMode::OnDemand => Some(state.channels.len() as u32),
                    StreamMode::Provisioned => None,
                },
                distribution: match state.mode {
                    StreamMode::OnDemand => Some(state.distribution),
                    StreamMode::Provisioned => None,
                },
                queues: match state.mode {
                    StreamMode::OnDemand => Some(state.queues.len() as u32),
                    StreamMode::Provisioned => None,
                },
            },
        })
    }
}
