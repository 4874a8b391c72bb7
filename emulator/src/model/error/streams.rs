//! Streams: naming, making, changing and deleting them.

use crate::model::arn::{AccountId, Region};
use crate::model::names::StreamName;
use crate::model::status::StreamStatus;

use super::ApiError;
use super::ErrorKind::{
    DryRunOperation, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
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

    /// What ListShards says (quoted by developers of AWS's SDK for Java).
    pub(crate) fn stream_not_readable(
        stream: &StreamName,
        account: &AccountId,
        status: StreamStatus,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Stream {stream} under account {account} not ACTIVE or UPDATING, instead in \
                 state {status}"
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
        region: &Region,
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

    /// Recorded (a user's report of 2017).
    pub(crate) fn streams_in_transition(account: &AccountId, limit: u32) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "This request would have exceed the limit on the number of streams that can \
                 simultaneously be in CREATING or DELETING for the account {account}. \
                 Limit: {limit}."
            ),
        )
    }

    /// Recorded for ListStreams (a user's report): of calls that name no stream.
    pub(crate) fn account_rate_exceeded(account: &AccountId) -> Self {
        Self::new(LimitExceeded, format!("Rate exceeded for account {account}."))
    }

    /// Recorded for DescribeStream, CreateStream and DeleteStream (users'
    /// reports): of calls that name a stream, whatever the rate's scope.
    pub(crate) fn stream_rate_exceeded(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            LimitExceeded,
            format!("Rate exceeded for stream {stream} under account {account}."),
        )
    }

    /// Ours.
    pub(crate) fn on_demand_stream_limit(
        account: &AccountId,
        region: &Region,
        streams: u32,
        limit: u32,
    ) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "This request would exceed the limit on the number of On-Demand streams for the \
                 account {account} in {region}. Current On-Demand streams count: {streams}. \
                 Limit: {limit}."
            ),
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

    /// Ours.
    pub(crate) fn tag_percent_on_resource() -> Self {
        Self::new(
            InvalidArgument,
            "Some tags contain invalid characters. Valid characters: \
             Unicode letters, digits, white space, _ . : / = + - @.",
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
        limit: u32,
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
        Self::new(InvalidArgument, "Encryption type cannot be NONE.")
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
