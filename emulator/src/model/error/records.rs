//! Records: writing and reading them.

use crate::model::arn::AccountId;
use crate::model::hash_key::GivenHashKey;
use crate::model::names::StreamName;
use crate::model::sequence_number::GivenSequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::ShardIteratorType;
use crate::model::timestamp::Timestamp;

use super::ApiError;
use super::ErrorKind::{
    ExpiredIterator, InternalFailure, InvalidArgument, ProvisionedThroughputExceeded,
};

/// Writing.
impl ApiError {
    /// Recorded.
    pub(crate) fn explicit_hash_key_out_of_range(key: &GivenHashKey) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                 Specified value was {}",
                key.as_str()
            ),
        )
    }

    /// Recorded.
    pub(crate) fn ordering_number_invalid(
        number: &GivenSequenceNumber,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "ExclusiveMinimumSequenceNumber {} used in PutRecord on stream {stream} \
                 under account {account} is invalid.",
                number.as_str()
            ),
        )
    }

    /// Ours.
    pub(crate) fn ordering_under_auto(stream: &StreamName) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "SequenceNumberForOrdering cannot be used on stream {stream}, \
                 whose RecordDistributionStrategy is AUTO."
            ),
        )
    }

    /// Ours.
    pub(crate) fn record_too_large(bytes: usize, limit_kib: u32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "The record is {bytes} bytes long, partition key included; \
                 the stream takes records of up to {limit_kib} KiB."
            ),
        )
    }

    /// All streams together hold all that they may (ours).
    pub(crate) fn storage_full(bytes_max: usize) -> Self {
        Self::new(
            InternalFailure,
            format!(
                "The records of all streams together would take more than {bytes_max} bytes, \
                 which the emulator's storage limit does not allow: records have to expire \
                 or streams to be deleted before others are taken."
            ),
        )
    }

    /// What a record of a batch says when the service fails (model text).
    pub(crate) fn record_failed_inside() -> Self {
        Self::new(InternalFailure, "Internal Service Failure")
    }

    /// Recorded with the former limit of 5 MB.
    pub(crate) fn request_too_large() -> Self {
        Self::new(InvalidArgument, "Records size exceeds 10 MB limit")
    }
}

/// Throughput.
impl ApiError {
    /// Recorded for puts and for GetRecords (guide and users' reports).
    pub(crate) fn shard_rate_exceeded(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ProvisionedThroughputExceeded,
            format!("Rate exceeded for shard {shard} in stream {stream} under account {account}."),
        )
    }
}

/// Reading.
impl ApiError {
    /// Recorded.
    pub(crate) fn iterator_invalid() -> Self {
        Self::new(InvalidArgument, "Invalid ShardIterator.")
    }

    /// Recorded.
    pub(crate) fn iterator_expired(created: Timestamp, now: Timestamp) -> Self {
        Self::new(
            ExpiredIterator,
            format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} \
                 which is further in the future than the tolerated delay of 300000 milliseconds.",
                created.java_date(),
                now.java_date()
            ),
        )
    }

    /// Ours.
    pub(crate) fn iterator_of_another_stream(arn: &str) -> Self {
        Self::new(InvalidArgument, format!("The ShardIterator is not of the stream {arn}."))
    }

    /// Recorded.
    pub(crate) fn starting_number_superfluous(kind: ShardIteratorType) -> Self {
        Self::starting_number_combination(kind, "also a")
    }

    /// Recorded.
    pub(crate) fn starting_number_missing(kind: ShardIteratorType) -> Self {
        Self::starting_number_combination(kind, "no")
    }

    fn starting_number_combination(kind: ShardIteratorType, quantity: &str) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
                 StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no \
                 StartingSequenceNumber. Request specified {kind} and {quantity} \
                 StartingSequenceNumber."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn starting_number_unreadable(
        number: &GivenSequenceNumber,
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::starting_number(number, shard, stream, account, "is invalid.")
    }

    /// Recorded.
    pub(crate) fn starting_number_of_another_stream(
        number: &GivenSequenceNumber,
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::starting_number(
            number,
            shard,
            stream,
            account,
            "is invalid because it did not come from this stream.",
        )
    }

    fn starting_number(
        number: &GivenSequenceNumber,
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
        verdict: &str,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "StartingSequenceNumber {} used in GetShardIterator on shard {shard} \
                 in stream {stream} under account {account} {verdict}",
                number.as_str()
            ),
        )
    }

    /// Recorded. A shard field above 2^31 is printed as a negative number.
    pub(crate) fn starting_number_of_another_shard(encoded: ShardIndex, used: ShardIndex) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Invalid StartingSequenceNumber. It encodes shardId-{:012}, \
                 while it was used in a call to a shard with {used}",
                encoded.number().cast_signed()
            ),
        )
    }

    /// Recorded.
    pub(crate) fn timestamp_missing() -> Self {
        Self::new(
            InvalidArgument,
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. \
             Current request has no timestamp parameter.",
        )
    }

    /// Recorded.
    pub(crate) fn timestamp_in_the_future(timestamp_millis: i128, now: Timestamp) -> Self {
        // AWS counts them in a `long` (inferred).
        let timestamp_millis = i64::try_from(timestamp_millis).unwrap_or(i64::MAX);
        Self::new(
            InvalidArgument,
            format!(
                "The timestampInMillis parameter cannot be greater than the \
                 currentTimestampInMillis. timestampInMillis: {timestamp_millis}, \
                 currentTimestampInMillis: {}",
                now.as_millis()
            ),
        )
    }
}
