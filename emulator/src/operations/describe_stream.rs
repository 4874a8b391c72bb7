//! `DescribeStream`: a stream with a page of its shards.
//!
//! * At most 100 shards come back, whatever `Limit` says.
//! * While the stream is CREATING it has no shards (recorded).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html>

use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenShardId, GivenStreamArn, GivenStreamId, KeyId, StreamName};
use crate::model::numbers::DescribeStreamLimit;
use crate::model::status::{EncryptionType, StreamStatus};
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::shapes::{EnhancedMetrics, Shard, StreamModeDescription};
use super::{Call, Operation, page};

/// Most shards in one answer (model text).
const SHARDS_PER_PAGE: usize = 100;

pub(crate) struct DescribeStream;

shape! {
    pub(crate) struct DescribeStreamInput {
        "StreamName" => stream_name: Option<StreamName>,
        "Limit" => limit: Option<DescribeStreamLimit>,
        "ExclusiveStartShardId" => exclusive_start: Option<GivenShardId>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct DescribeStreamOutput {
        "StreamDescription" => description: StreamDescription,
    }
}

answer! {
    pub(crate) struct StreamDescription {
        "StreamName" => name: StreamName,
        "StreamARN" => arn: StreamAddress,
        "StreamStatus" => status: StreamStatus,
        "StreamModeDetails" => mode: Option<StreamModeDescription>,
        "Shards" => shards: Vec<Shard>,
        "HasMoreShards" => has_more_shards: bool,
        "RetentionPeriodHours" => retention_hours: u32,
        "StreamCreationTimestamp" => created: Timestamp,
        "EnhancedMonitoring" => monitoring: Vec<EnhancedMetrics>,
        "EncryptionType" => encryption: Option<EncryptionType>,
        "KeyId" => key: Option<KeyId>,
    }
}

impl Operation for DescribeStream {
    type Input = DescribeStreamInput;
    type Output = DescribeStreamOutput;
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, LimitExceeded, InvalidArgument, AccessDenied];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(10));

    fn handle(input: DescribeStreamInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let state = stream.state();
        let size = input.limit.map_or(SHARDS_PER_PAGE, |limit| limit.get() as usize);
        let was_shown = |shard: &crate::engine::topology::Shard| {
            input.exclusive_start.as_ref().is_some_and(|start| !shard.index.follows(start))
        };
        let (shards, has_more_shards) = page::cut(
            state.live_shards_after(call.now, was_shown).map(Shard::from),
            size.min(SHARDS_PER_PAGE),
        );
        Ok(DescribeStreamOutput {
            description: StreamDescription {
                name: stream.address.name.clone(),
                arn: stream.address.clone(),
                status: state.status,
                mode: Some(StreamModeDescription { mode: state.mode }),
                shards,
                has_more_shards,
                retention_hours: state.retention_hours(),
                created: stream.created,
                monitoring: EnhancedMetrics::of(&state),
                encryption: Some(state.encryption),
                key: state.key.clone(),
            },
        })
    }
}
