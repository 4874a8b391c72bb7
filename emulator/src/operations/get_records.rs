//! `GetRecords`: the next records of a shard, and an iterator for those after.
//!
//! * At most `Limit` (10,000) records and 10 MiB; reading an iterator again
//!   gives the same records.
//! * `MillisBehindLatest` is 0 only when nothing is left to read.
//! * At the end of a closed shard there is no `NextShardIterator`, and
//!   `ChildShards` says where to go on.
//! * A shard answers five calls and gives 2 MiB per second; after 10 MiB it is
//!   closed to readers for five seconds.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>

use crate::engine::log::Batch;
use crate::engine::position::{self, ReadLimits};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, DryRunOperation, ExpiredIterator, InternalFailure, InvalidArgument,
    KmsAccessDenied, KmsDisabled, KmsInvalidState, KmsNotFound, KmsOptInRequired, KmsThrottling,
    ProvisionedThroughputExceeded, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId};
use crate::model::numbers::GetRecordsLimit;
use crate::model::shard_iterator::{GivenShardIterator, ShardIterator};
use crate::wire::emit::{SealedIterator, answer};
use crate::wire::shape::shape;

use super::call::parse_arn;
use super::shapes::ChildShard;
use super::{Call, Operation};

/// Most records in one answer (model text).
const RECORDS_MAX: u32 = 10_000;
/// Most bytes of data and keys in one answer (model text).
const BYTES_MAX: usize = 10 * 1024 * 1024;

pub(crate) struct GetRecords;

shape! {
    pub(crate) struct GetRecordsInput {
        "ShardIterator" => iterator: GivenShardIterator,
        "Limit" => limit: Option<GetRecordsLimit>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "DryRun" => dry_run: Option<bool>,
    }
}

answer! {
    pub(crate) struct GetRecordsOutput {
        "Records" => records: Batch,
        "NextShardIterator" => next: Option<SealedIterator>,
        "MillisBehindLatest" => millis_behind_latest: Option<u64>,
        "ChildShards" => children: Option<Vec<ChildShard>>,
    }
}

impl Operation for GetRecords {
    type Input = GetRecordsInput;
    type Output = GetRecordsOutput;
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        ProvisionedThroughputExceeded,
        ExpiredIterator,
        KmsDisabled,
        KmsInvalidState,
        KmsAccessDenied,
        KmsNotFound,
        KmsOptInRequired,
        KmsThrottling,
        AccessDenied,
        InternalFailure,
        DryRunOperation,
    ];
    const ON_DATA_PATH: bool = true;
    const WRITES: bool = false;
    /// Limited per shard.
    const RATE: Option<Rate> = None;

    fn handle(input: GetRecordsInput, call: &Call<'_>) -> Result<GetRecordsOutput, ApiError> {
        let iterator = ShardIterator::open(&input.iterator, &call.engine.seal(), call.now)?;
        check_owner(&iterator, input.stream_arn.as_ref(), call)?;
        let address = &iterator.stream;
        let missing = || {
            ApiError::shard_does_not_exist(iterator.shard, &address.name, &address.realm.account)
        };
        let stream = call
            .engine
            .realm(&address.realm, call.now)
            .find(&address.name)
            .filter(|stream| stream.incarnation == iterator.incarnation)
            .ok_or_else(missing)?;
        let state = stream.state();
        let shard = state.live_shard(iterator.shard, call.now).ok_or_else(missing)?;
        if input.dry_run == Some(true) {
            return Err(ApiError::dry_run());
        }
        let limits = ReadLimits {
            records_max: input.limit.map_or(RECORDS_MAX, GetRecordsLimit::get) as usize,
            bytes_max: BYTES_MAX,
        };
        let horizon = state.horizon(call.now);
        let throughput = call.throughput();
        let progress = position::read(
            shard,
            iterator.next_index,
            limits,
            call.now,
            horizon,
            throughput.as_deref(),
        )
        .ok_or_else(|| {
            ApiError::shard_rate_exceeded(shard.index, &address.name, &address.realm.account)
        })?;
        let (next, children) = if progress.at_shard_end {
            let children = state.topology.children(shard.index).map(ChildShard::from).collect();
            (None, Some(children))
        } else {
            let next_index = progress.batch.next;
            (Some(call.seal_iterator(&ShardIterator { next_index, ..iterator })), None)
        };
        Ok(GetRecordsOutput {
            records: progress.batch,
            next,
            millis_behind_latest: Some(progress.millis_behind_latest),
            children,
        })
    }
}

/// An iterator is read by its own account and Region, or by naming its
/// stream's ARN (ours: AWS leaves foreign iterators to resource policies).
fn check_owner(
    iterator: &ShardIterator,
    arn: Option<&GivenStreamArn>,
    call: &Call<'_>,
) -> Result<(), ApiError> {
    match arn {
        Some(arn) if parse_arn(arn)? != iterator.stream => {
            Err(ApiError::iterator_of_another_stream(arn.as_str()))
        }
        None if iterator.stream.realm != *call.caller => Err(ApiError::iterator_invalid()),
        Some(_) | None => Ok(()),
    }
}
