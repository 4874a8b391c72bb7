//! What can go wrong, in AWS's words.
//!
//! Every sentence is written once, as a constructor named after what happened.
//! Sentences marked *recorded* were observed on the real service by public
//! test suites; the others are ours, because AWS documents only the kind.

use std::fmt;

use super::arn::AccountId;
use super::hash_key::GivenHashKey;
use super::names::{GivenShardId, StreamName};
use super::sequence_number::GivenSequenceNumber;
use super::shard_id::ShardIndex;
use super::status::{ShardIteratorType, StreamStatus};
use super::timestamp::Timestamp;

macro_rules! errors {
    ($($(#[$meta:meta])* $kind:ident => $status:literal $wire:literal,)*) => {
        /// A kind of error: its HTTP status and wire name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $($(#[$meta])* $kind),*
        }

        impl ErrorKind {
            /// The HTTP status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$kind => $status),* }
            }

            /// The name in the answer's `__type`.
            pub fn wire_name(self) -> &'static str {
                match self { $(Self::$kind => $wire),* }
            }
        }
    };
}

errors! {
    /// The caller may not do it.
    AccessDenied => 400 "AccessDeniedException",
    /// `DryRun` was set and the call would have succeeded.
    DryRunOperation => 400 "DryRunOperationException",
    /// The shard iterator is older than 300 s.
    ExpiredIterator => 400 "ExpiredIteratorException",
    /// The page token is older than 300 s.
    ExpiredNextToken => 400 "ExpiredNextTokenException",
    /// The authentication lacks a part.
    IncompleteSignature => 400 "IncompleteSignatureException",
    /// A fault of the service; retryable.
    InternalFailure => 500 "InternalFailure",
    /// An argument is unusable.
    InvalidArgument => 400 "InvalidArgumentException",
    /// The signature is wrong or given twice.
    InvalidSignature => 400 "InvalidSignatureException",
    /// The stream's key is not accessible.
    KmsAccessDenied => 400 "KMSAccessDeniedException",
    /// The stream's key is disabled.
    KmsDisabled => 400 "KMSDisabledException",
    /// The stream's key is in the wrong state.
    KmsInvalidState => 400 "KMSInvalidStateException",
    /// The stream's key does not exist.
    KmsNotFound => 400 "KMSNotFoundException",
    /// The account has no KMS subscription.
    KmsOptInRequired => 400 "KMSOptInRequired",
    /// KMS throttles.
    KmsThrottling => 400 "KMSThrottlingException",
    /// A quota or a call rate is exceeded.
    LimitExceeded => 400 "LimitExceededException",
    /// The request carries no authentication.
    MissingAuthenticationToken => 400 "MissingAuthenticationTokenException",
    /// More than a shard's throughput was asked for.
    ProvisionedThroughputExceeded => 400 "ProvisionedThroughputExceededException",
    /// The resource is not in a state for it, or its name is taken.
    ResourceInUse => 400 "ResourceInUseException",
    /// There is no such resource.
    ResourceNotFound => 400 "ResourceNotFoundException",
    /// The body or a member's type is wrong.
    Serialization => 400 "SerializationException",
    /// No such operation.
    UnknownOperation => 400 "UnknownOperationException",
    /// A constraint or combination rule is broken.
    Validation => 400 "ValidationException",
}

/// An error answer: one word wide, because it travels in every `Result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError(Box<(ErrorKind, String)>);

impl ApiError {
    /// An error with its text; an empty text leaves the message out.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new((kind, message.into())))
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.0
    }

    /// The text for people, possibly empty.
    pub(crate) fn message(&self) -> &str {
        &self.0.1
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind().wire_name(), self.message())
    }
}

impl std::error::Error for ApiError {}

use ErrorKind::{
    DryRunOperation, ExpiredIterator, ExpiredNextToken, InternalFailure, InvalidArgument,
    LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};

/// Streams.
impl ApiError {
    /// Recorded.
    pub(crate) fn stream_not_found(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(ResourceNotFound, format!("Stream {stream} under account {account} not found."))
    }

    /// Recorded.
    pub(crate) fn stream_exists(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(ResourceInUse, format!("Stream {stream} under account {account} already exists."))
    }

    /// Recorded (split and merge).
    pub(crate) fn stream_not_active(
        stream: &StreamName,
        account: &AccountId,
        status: StreamStatus,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Stream {stream} under account {account} not ACTIVE, instead in state {status}"
            ),
        )
    }

    /// Ours: AWS documents only that one of the two has to be there.
    pub(crate) fn stream_not_named() -> Self {
        Self::new(InvalidArgument, "Either StreamName or StreamARN must be provided.")
    }

    /// Ours: the pattern of `StreamARN` accepts more than stream ARNs.
    pub(crate) fn not_a_stream_arn(arn: &str) -> Self {
        Self::new(InvalidArgument, format!("{arn} is not the ARN of a stream."))
    }

    /// Ours.
    pub(crate) fn stream_name_contradicts_arn(stream: &StreamName, arn: &str) -> Self {
        Self::new(
            InvalidArgument,
            format!("StreamName {stream} is not the stream of StreamARN {arn}."),
        )
    }

    /// Recorded: the text kept its address of the limits page.
    pub(crate) fn shard_limit(
        account: &AccountId,
        region: &super::arn::Region,
        open: u32,
        limit: u32,
        additional: u32,
    ) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "This request would exceed the shard limit for the account {account} in {region}. \
                 Current shard count for the account: {open}. Limit: {limit}. \
                 Number of additional shards that would have resulted from this request: {additional}. \
                 Refer to the AWS Service Limits page \
                 (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) \
                 for current limits and how to request higher limits."
            ),
        )
    }

    /// Ours.
    pub(crate) fn on_demand_stream_limit(account: &AccountId, limit: u32) -> Self {
        Self::new(
            LimitExceeded,
            format!("Account {account} already has {limit} on-demand streams, which is its limit."),
        )
    }

    /// Ours.
    pub(crate) fn more_shards_than_a_stream_can_have(asked: u32, limit: u32) -> Self {
        Self::new(
            LimitExceeded,
            format!("A stream can have at most {limit} shards; {asked} were asked for."),
        )
    }

    /// Ours, as EC2 words it.
    pub(crate) fn dry_run() -> Self {
        Self::new(
            DryRunOperation,
            "The request would have succeeded, but the DryRun parameter is set.",
        )
    }

    /// Ours.
    pub(crate) fn shard_count_missing() -> Self {
        Self::new(Validation, "ShardCount is required for a stream with StreamMode PROVISIONED.")
    }

    /// Ours.
    pub(crate) fn needs_on_demand(member: &str) -> Self {
        Self::new(
            Validation,
            format!("{member} is supported for streams with StreamMode ON_DEMAND only."),
        )
    }

    /// Ours.
    pub(crate) fn warm_throughput_needs_commitment() -> Self {
        Self::new(
            Validation,
            "WarmThroughputMiBps needs the account's MinimumThroughputBillingCommitment to be ENABLED.",
        )
    }

    /// Ours.
    pub(crate) fn auto_distribution_needs_on_demand(stream: &StreamName) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "RecordDistributionStrategy AUTO is supported for on-demand streams only; \
                 stream {stream} is provisioned."
            ),
        )
    }

    /// Recorded: the text kept its old number when the limit became 50.
    pub(crate) fn too_many_tags(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Failed to add tags to stream {stream} under account {account} because a given \
                 stream cannot have more than 10 tags associated with it."
            ),
        )
    }

    /// Recorded: `%` is listed as legal elsewhere and refused all the same.
    /// `change` is what failed, such as `add tags to`.
    pub(crate) fn tag_percent(change: &str, stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Failed to {change} stream {stream} under account {account} because some tags \
                 contained illegal characters. The allowed characters are Unicode letters, \
                 white-spaces, '_',',','/','=','+','-','@'."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn tag_characters() -> Self {
        Self::new(
            InvalidArgument,
            "Some tags contain invalid characters. Valid characters: \
             Unicode letters, digits, white space, _ . / = + - % @.",
        )
    }
}

/// Changing a stream.
impl ApiError {
    /// Recorded.
    pub(crate) fn retention_too_short(hours: i32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Minimum allowed retention period is 24 hours. \
                 Requested retention period ({hours} hours) is too short."
            ),
        )
    }

    /// Ours, after the recorded sentence for the minimum.
    pub(crate) fn retention_too_long(hours: i32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Maximum allowed retention period is 8760 hours. \
                 Requested retention period ({hours} hours) is too long."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn retention_would_decrease(stream: &StreamName, hours: i32, existing: u32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Requested retention period ({hours} hours) for stream {stream} can not be shorter \
                 than existing retention period ({existing} hours). \
                 Use DecreaseRetentionPeriod API."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn retention_would_increase(stream: &StreamName, hours: i32, existing: u32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Requested retention period ({hours} hours) for stream {stream} can not be longer \
                 than existing retention period ({existing} hours). \
                 Use IncreaseRetentionPeriod API."
            ),
        )
    }

    /// Seen in users' reports. AWS has answered with this sentence as
    /// LimitExceededException, too.
    pub(crate) fn rescale_too_far(verdict: &str, open: u32, target: u32) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "UpdateShardCount cannot {verdict} your current open shard count. \
                 Current open shard count: {open} Target shard count: {target}"
            ),
        )
    }

    /// Ours: `what` has happened as often in the last 24 hours as it may.
    pub(crate) fn daily_limit(
        what: &str,
        stream: &StreamName,
        account: &AccountId,
        limit: usize,
    ) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "Stream {stream} under account {account} has had {limit} {what} \
                 in the last 24 hours, which is the limit."
            ),
        )
    }

    /// Ours.
    pub(crate) fn encryption_type_must_be_kms() -> Self {
        Self::new(InvalidArgument, "EncryptionType must be KMS.")
    }

    /// Ours.
    pub(crate) fn key_is_another(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            InvalidArgument,
            format!("Stream {stream} under account {account} is encrypted with another key."),
        )
    }

    /// Ours.
    pub(crate) fn warm_throughput_too_high(limit: u32) -> Self {
        Self::new(
            LimitExceeded,
            format!("A stream can be warmed up to at most {limit} MiB per second."),
        )
    }

    /// Ours.
    pub(crate) fn same_mode_with_warm_throughput() -> Self {
        Self::new(Validation, "The stream is on-demand already: use UpdateStreamWarmThroughput.")
    }

    /// Ours, as AWS words the blocking of a deletion.
    pub(crate) fn stream_has_consumers(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "DeleteStream can't delete {account}:{stream} because there are consumers \
                 associated with this data stream. To delete {stream} anyway, set the \
                 EnforceConsumerDeletion parameter to true to force the deletion of all the \
                 consumers that are associated with it."
            ),
        )
    }
}

/// Consumers, resources, policies.
impl ApiError {
    /// Ours.
    pub(crate) fn consumer_not_found(
        consumer: &str,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Consumer {consumer} under stream {stream} and account {account} not found."),
        )
    }

    /// Recorded.
    pub(crate) fn consumer_not_active(
        consumer: &super::names::ConsumerName,
        created_seconds: u64,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Consumer {consumer} with creation timestamp {created_seconds} under stream \
                 {stream} and account {account} is not in ACTIVE status."
            ),
        )
    }

    /// Ours.
    pub(crate) fn subscription_too_soon(
        consumer: &super::names::ConsumerName,
        shard: ShardIndex,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Consumer {consumer} subscribed to shard {shard} less than 5 seconds ago; \
                 try again later."
            ),
        )
    }

    /// Ours.
    pub(crate) fn subscription_taken_over(
        consumer: &super::names::ConsumerName,
        shard: ShardIndex,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!("Another subscription of consumer {consumer} to shard {shard} has taken over."),
        )
    }

    /// Ours.
    pub(crate) fn consumer_exists(
        consumer: &super::names::ConsumerName,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Consumer {consumer} under stream {stream} and account {account} already exists."
            ),
        )
    }

    /// Ours.
    pub(crate) fn consumer_limit(stream: &StreamName, account: &AccountId, limit: usize) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "Stream {stream} under account {account} already has {limit} consumers, \
                 which is the limit."
            ),
        )
    }

    /// Ours.
    pub(crate) fn consumer_not_named() -> Self {
        Self::new(
            InvalidArgument,
            "Either ConsumerARN, or StreamARN and ConsumerName, must be provided.",
        )
    }

    /// Ours.
    pub(crate) fn consumer_contradicts_arn(arn: &str) -> Self {
        Self::new(
            InvalidArgument,
            format!("StreamARN and ConsumerName do not name the consumer of ConsumerARN {arn}."),
        )
    }

    /// Ours.
    pub(crate) fn resource_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("Resource {arn} not found."))
    }

    /// Ours.
    pub(crate) fn policy_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("Resource {arn} has no policy."))
    }

    /// Ours.
    pub(crate) fn policy_unusable(why: &str) -> Self {
        Self::new(InvalidArgument, format!("The policy is not usable: {why}."))
    }

    /// Ours.
    pub(crate) fn tag_prefix_reserved() -> Self {
        Self::new(InvalidArgument, "Tag keys that begin with aws: are reserved.")
    }
}

/// Shards.
impl ApiError {
    /// Recorded: for ids that are no number at all.
    pub(crate) fn shard_id_unreadable(
        shard: &GivenShardId,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!(
                "Could not find shard {} in stream {stream} under account {account}.",
                shard.as_str()
            ),
        )
    }

    /// Recorded (split and merge).
    pub(crate) fn shard_not_found(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Could not find shard {shard} in stream {stream} under account {account}."),
        )
    }

    /// Recorded.
    pub(crate) fn shard_closed(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Shard {shard} in stream {stream} under account {account} has already been merged \
                 or split, and thus is not eligible for merging or splitting."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn split_key_out_of_range(
        key: &GivenHashKey,
        shard: ShardIndex,
        range: super::hash_key::HashKeyRange,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "NewStartingHashKey {} used in SplitShard() on shard {shard} in stream {stream} \
                 under account {account} is not both greater than one plus the shard's \
                 StartingHashKey {} and less than the shard's EndingHashKey {}.",
                key.as_str(),
                range.start,
                range.end
            ),
        )
    }

    /// Recorded.
    pub(crate) fn shards_not_adjacent(
        lower: ShardIndex,
        upper: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Shards {lower} and {upper} in stream {stream} under account {account} \
                 are not an adjacent pair of shards eligible for merging"
            ),
        )
    }

    /// Ours.
    pub(crate) fn resharding_needs_provisioned(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            Validation,
            format!(
                "Stream {stream} under account {account} has StreamMode ON_DEMAND: \
                 the service decides on its shards."
            ),
        )
    }

    /// Recorded: from the iterator calls, without a full stop.
    pub(crate) fn shard_does_not_exist(
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Shard {shard} in stream {stream} under account {account} does not exist"),
        )
    }
}

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

    /// Recorded with the former limit of 5 MB.
    pub(crate) fn request_too_large() -> Self {
        Self::new(InvalidArgument, "Records size exceeds 10 MB limit")
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
    pub(crate) fn timestamp_in_the_future(timestamp_millis: i64, now: Timestamp) -> Self {
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

/// Pages.
impl ApiError {
    /// Recorded.
    pub(crate) fn neither_token_nor_stream() -> Self {
        Self::new(InvalidArgument, "Either NextToken or StreamName should be provided.")
    }

    /// Recorded for `StreamName`.
    pub(crate) fn token_together_with(member: &str) -> Self {
        Self::new(InvalidArgument, format!("NextToken and {member} cannot be provided together."))
    }

    /// Ours.
    pub(crate) fn token_invalid() -> Self {
        Self::new(InvalidArgument, "The NextToken is not one that this service handed out.")
    }

    /// Ours.
    pub(crate) fn token_expired(created: Timestamp, now: Timestamp) -> Self {
        Self::new(
            ExpiredNextToken,
            format!(
                "The NextToken was created at {} and it is now {}; \
                 a token is valid for 300 seconds.",
                created.java_date(),
                now.java_date()
            ),
        )
    }

    /// Ours.
    pub(crate) fn shard_filter_needs(kind: &str, member: &str) -> Self {
        Self::new(InvalidArgument, format!("ShardFilter of type {kind} needs {member}."))
    }

    /// Ours: a stream of that name was made at another time.
    pub(crate) fn stream_of_another_time(stream: &StreamName, account: &AccountId) -> Self {
        Self::stream_not_found(stream, account)
    }

    /// AWS sends no text with it (recorded).
    pub(crate) fn internal_failure() -> Self {
        Self::new(InternalFailure, "")
    }
}
