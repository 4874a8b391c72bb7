//! `GetShardIterator`: a place to read from, valid for five minutes.
//!
//! * The order of refusals is the recorded one: the shard id's form, the
//!   stream and the shard (one sentence for both), then the starting position.
//! * A number need not be a record's; one whose record has been trimmed, or a
//!   time before the horizon, means the oldest record.
//! * A shard answers five calls per second.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html>

use crate::engine::position::Start;
use crate::engine::stream::Stream;
use crate::engine::topology::Shard;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, DryRunOperation, InternalFailure, InvalidArgument,
    ProvisionedThroughputExceeded, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenShardId, GivenStreamArn, GivenStreamId, StreamName};
use crate::model::sequence_number::{GivenSequenceNumber, Version};
use crate::model::shard_id::ShardIndex;
use crate::model::shard_iterator::ShardIterator;
use crate::model::status::ShardIteratorType;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::{SealedIterator, answer};
use crate::wire::primitive::Epoch;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct GetShardIterator;

shape! {
    pub(crate) struct GetShardIteratorInput {
        "StreamName" => stream_name: Option<StreamName>,
        "ShardId" => shard_id: GivenShardId,
        "ShardIteratorType" => kind: ShardIteratorType,
        "StartingSequenceNumber" => starting_number: Option<GivenSequenceNumber>,
        "Timestamp" => timestamp: Option<Epoch>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "DryRun" => dry_run: Option<bool>,
    }
}

answer! {
    pub(crate) struct GetShardIteratorOutput {
        "ShardIterator" => iterator: Option<SealedIterator>,
    }
}

impl Operation for GetShardIterator {
    type Input = GetShardIteratorInput;
    type Output = GetShardIteratorOutput;
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        ProvisionedThroughputExceeded,
        AccessDenied,
        InternalFailure,
        DryRunOperation,
    ];
    const ON_DATA_PATH: bool = true;
    const WRITES: bool = false;
    /// Limited per shard.
    const RATE: Option<Rate> = None;

    fn handle(input: GetShardIteratorInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let address = call.address(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let (name, account) = (&address.name, &address.realm.account);
        let index = ShardIndex::resolve(&input.shard_id)
            .ok_or_else(|| ApiError::shard_id_unreadable(&input.shard_id, name, account))?;
        let missing = || ApiError::shard_does_not_exist(index, name, account);
        let stream = call.engine.realm(&address.realm, call.now).find(name).ok_or_else(missing)?;
        let state = stream.state();
        let shard = state.live_shard(index, call.now).ok_or_else(missing)?;
        let start = starting_position(
            input.kind,
            input.starting_number.as_ref(),
            input.timestamp,
            &stream,
            shard,
            call.now,
        )?;
        if input.dry_run == Some(true) {
            return Err(ApiError::dry_run());
        }
        let throughput = call.throughput();
        let next_index = start
            .resolve_within(shard, state.horizon(call.now), throughput.as_deref(), call.now)
            .ok_or_else(|| ApiError::shard_rate_exceeded(index, name, account))?;
        let iterator = ShardIterator {
            stream: address,
            incarnation: stream.incarnation,
            shard: index,
            next_index,
        };
        Ok(GetShardIteratorOutput { iterator: Some(call.seal_iterator(&iterator)) })
    }
}

/// Checks the parameters of a starting position against each other and against
/// the shard.
///
/// # Errors
/// InvalidArgumentException, with a sentence for each way to be wrong.
pub(super) fn starting_position(
    kind: ShardIteratorType,
    number: Option<&GivenSequenceNumber>,
    timestamp: Option<Epoch>,
    stream: &Stream,
    shard: &Shard,
    now: Timestamp,
) -> Result<Start, ApiError> {
    match (kind, number) {
        (ShardIteratorType::TrimHorizon | ShardIteratorType::Latest, Some(_)) => {
            Err(ApiError::starting_number_superfluous(kind))
        }
        (ShardIteratorType::TrimHorizon, None) => Ok(Start::TrimHorizon),
        (ShardIteratorType::Latest, None) => Ok(Start::Latest),
        (ShardIteratorType::AtSequenceNumber | ShardIteratorType::AfterSequenceNumber, None) => {
            Err(ApiError::starting_number_missing(kind))
        }
        (ShardIteratorType::AtSequenceNumber, Some(number)) => {
            let Place { index, seconds } = place_in_shard(number, stream, shard)?;
            Ok(Start::AtNumber { index, seconds })
        }
        (ShardIteratorType::AfterSequenceNumber, Some(number)) => {
            place_in_shard(number, stream, shard).map(|place| Start::AtIndex(place.index + 1))
        }
        (ShardIteratorType::AtTimestamp, _) => match timestamp {
            None => Err(ApiError::timestamp_missing()),
            Some(time) if time.is_after(now) => {
                Err(ApiError::timestamp_in_the_future(time.as_millis(), now))
            }
            Some(time) => Ok(Start::AtTime(time.timestamp())),
        },
    }
}

/// What a sequence number of a known shard says.
struct Place {
    index: u64,
    seconds: u64,
}

/// What a sequence number of this very shard says.
fn place_in_shard(
    number: &GivenSequenceNumber,
    stream: &Stream,
    shard: &Shard,
) -> Result<Place, ApiError> {
    let (name, account) = (&stream.address.name, stream.account());
    let reading = number
        .read()
        .ok_or_else(|| ApiError::starting_number_unreadable(number, shard.index, name, account))?;
    if reading.shard != shard.index {
        return Err(ApiError::starting_number_of_another_shard(reading.shard, shard.index));
    }
    match reading.version {
        // AWS fails on numbers of its first layout (recorded).
        Version::Zero => Err(ApiError::internal_failure()),
        Version::Two if reading.shard_created_seconds == shard.created_seconds => {
            Ok(Place { index: reading.index, seconds: reading.seconds })
        }
        Version::One | Version::Two => {
            Err(ApiError::starting_number_of_another_stream(number, shard.index, name, account))
        }
    }
}
