//! `PutRecord`: append one record to the shard that owns its hash key.
//!
//! * The explicit hash key wins over the MD5 of the partition key. Under the
//!   strategy AUTO neither matters and the partition key may be left out.
//! * Data and the key's UTF-8 together are at most the stream's record size.
//! * A shard takes 1,000 records and 1 MiB per second; a record that does not
//!   fit is refused and takes no sequence number.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>

use crate::engine::writable::{Destination, NewRecord, Writable};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, DryRunOperation, InternalFailure, InvalidArgument, KmsAccessDenied,
    KmsDisabled, KmsInvalidState, KmsNotFound, KmsOptInRequired, KmsThrottling,
    ProvisionedThroughputExceeded, ResourceNotFound,
};
use crate::model::hash_key::GivenHashKey;
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, PartitionKey, StreamName};
use crate::model::record::Payload;
use crate::model::sequence_number::{GivenSequenceNumber, SequenceNumber};
use crate::model::shard_id::ShardIndex;
use crate::model::status::{EncryptionType, RecordDistributionStrategy};
use crate::wire::emit::answer;
use crate::wire::request_bytes::Kept;
use crate::wire::shape::shape;
use crate::wire::violation::{Path, Violations};

use super::shapes::reported;
use super::{Call, Operation};

pub(crate) struct PutRecord;

shape! {
    pub(crate) struct PutRecordInput {
        "StreamName" => stream_name: Option<StreamName>,
        "Data" => data: Kept<Payload>,
        "PartitionKey" => partition_key: Option<Kept<PartitionKey>>,
        "ExplicitHashKey" => explicit_hash_key: Option<Kept<GivenHashKey>>,
        "SequenceNumberForOrdering" => ordered_after: Option<GivenSequenceNumber>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "DryRun" => dry_run: Option<bool>,
    }
}

answer! {
    pub(crate) struct PutRecordOutput {
        "ShardId" => shard_id: ShardIndex,
        "SequenceNumber" => sequence_number: SequenceNumber,
        "EncryptionType" => encryption: Option<EncryptionType>,
    }
}

impl Operation for PutRecord {
    type Input = PutRecordInput;
    type Output = PutRecordOutput;
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        ProvisionedThroughputExceeded,
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
    /// Limited per shard.
    const RATE: Option<Rate> = None;

    fn handle(input: PutRecordInput, call: &Call<'_>) -> Result<PutRecordOutput, ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        call.engine
            .make_room(|| stored_bytes(&input.data, input.partition_key.as_ref()), call.now)?;
        let mut writable = stream.writable()?;
        let record = new_record(&input.data, input.partition_key.as_ref(), call);
        let hash_key = input.explicit_hash_key.as_ref();
        let destination = accept(record, hash_key, &writable, call, &Path::Root)?;
        if let Some(number) = &input.ordered_after {
            check_order(number, &writable, call)?;
        }
        if input.dry_run == Some(true) {
            return Err(ApiError::dry_run());
        }
        let encryption = reported(writable.state.encryption);
        let limits = call.throughput();
        let placed = writable.append(call.now, destination, record, limits.as_deref());
        if let Some(limits) = &limits {
            realm.split_busy_shards(&stream, writable.into_busy(), limits, call.now);
        }
        let sequence_number = placed?;
        Ok(PutRecordOutput { shard_id: sequence_number.shard, sequence_number, encryption })
    }
}

/// Data and key, as they are stored.
pub(super) fn stored_bytes(
    data: &Kept<Payload>,
    partition_key: Option<&Kept<PartitionKey>>,
) -> usize {
    data.len() + partition_key.map_or(0, Kept::len)
}

/// A record of what was given.
pub(super) fn new_record<'a>(
    data: &Kept<Payload>,
    partition_key: Option<&Kept<PartitionKey>>,
    call: &Call<'a>,
) -> NewRecord<'a> {
    NewRecord {
        partition_key: partition_key.map(|key| call.request.text(key)),
        data: call.request.payload(data),
    }
}

/// Where a record is to go, as the stream's strategy wants it.
///
/// # Errors
/// If a key is missing or out of range, or the record is too large.
pub(super) fn accept<'a>(
    record: NewRecord<'a>,
    explicit_hash_key: Option<&Kept<GivenHashKey>>,
    writable: &Writable<'_>,
    call: &Call<'_>,
    at: &Path<'_>,
) -> Result<Destination<'a>, ApiError> {
    let limit = writable.state.max_record_size;
    if record.data.len() > limit.bytes() {
        return Err(violation(record, writable, at));
    }
    let strategy = writable.state.distribution;
    let destination = match (strategy, record.partition_key, explicit_hash_key) {
        (RecordDistributionStrategy::Auto, _, _) => Destination::Anywhere,
        (RecordDistributionStrategy::UserPartitionKey, None, _) => {
            return Err(violation(record, writable, at));
        }
        (RecordDistributionStrategy::UserPartitionKey, Some(_), Some(given)) => {
            let given = call.request.value(given);
            let out_of_range = || ApiError::explicit_hash_key_out_of_range(&given);
            Destination::At(given.resolve().ok_or_else(out_of_range)?)
        }
        (RecordDistributionStrategy::UserPartitionKey, Some(key), None) => Destination::OfKey(key),
    };
    if record.bytes() > limit.bytes() {
        return Err(ApiError::record_too_large(record.bytes(), limit.get()));
    }
    Ok(destination)
}

#[cold]
fn violation(record: NewRecord<'_>, writable: &Writable<'_>, at: &Path<'_>) -> ApiError {
    let mut found = Violations::default();
    find_violations(record, writable, at, &mut found);
    found.into_error().expect("something was found")
}

/// Finds what AWS words as constraints of a record's members, though they are the
/// stream's.
pub(super) fn find_violations(
    record: NewRecord<'_>,
    writable: &Writable<'_>,
    at: &Path<'_>,
    found: &mut Violations,
) {
    let bytes_max = writable.state.max_record_size.bytes();
    if record.data.len() > bytes_max {
        // Without its value (quoted by users of the KPL).
        found.too_long(&at.member("Data"), bytes_max);
    }
    // The key is not required by the model, because AUTO does without: its absence
    // is worded as it was when the model still required it (quoted by users in 2025).
    let is_key_required =
        writable.state.distribution == RecordDistributionStrategy::UserPartitionKey;
    if is_key_required && record.partition_key.is_none() {
        found.null(&at.member("PartitionKey"));
    }
}

/// The number must not be from the future: the new one is to be larger. AWS
/// looks only at its time (recorded); a number that a shard of this very
/// stream has not reached yet is as impossible. A shard's own numbers may say the
/// second at which it was made, which lies ahead after a split.
fn check_order(
    number: &GivenSequenceNumber,
    writable: &Writable<'_>,
    call: &Call<'_>,
) -> Result<(), ApiError> {
    let name = &writable.stream.address.name;
    let invalid = || ApiError::ordering_number_invalid(number, name, writable.stream.account());
    if writable.state.distribution == RecordDistributionStrategy::Auto {
        return Err(ApiError::ordering_under_auto(name));
    }
    let reading = number.read().ok_or_else(invalid)?;
    let own_shard = writable
        .state
        .topology
        .shard(reading.shard)
        .filter(|shard| shard.created_seconds == reading.shard_created_seconds);
    let possible = match own_shard {
        Some(shard) => {
            let log = shard.log.lock();
            let latest = call.now.max(log.newest()).as_seconds().max(shard.created_seconds);
            // The ending number of a shard that has closed is one of its own, too.
            let is_reached = reading.index < log.end()
                || (shard.closed.is_some() && reading.index == SequenceNumber::INDEX_MAX);
            is_reached && reading.seconds <= latest.max(shard.ended_seconds)
        }
        None => reading.seconds <= call.now.as_seconds(),
    };
    if possible { Ok(()) } else { Err(invalid()) }
}
