//! Consumers, tags and policies.

use crate::model::arn::AccountId;
use crate::model::names::{ConsumerName, StreamName};
use crate::model::shard_id::ShardIndex;

use super::ApiError;
use super::ErrorKind::{InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound};

/// Consumers, resources, policies.
impl ApiError {
    /// Ours.
    pub(crate) fn consumer_not_found(
        consumer: &ConsumerName,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!("Consumer {consumer} under stream {stream} and account {account} not found."),
        )
    }

    /// Said of a consumer that an ARN names (quoted by users of Flink's connector).
    pub(crate) fn consumer_of_arn_not_found(
        consumer: &ConsumerName,
        created_seconds: u64,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceNotFound,
            format!(
                "Consumer {consumer} with creation timestamp {created_seconds} under stream: \
                 {stream}, account {account} not found."
            ),
        )
    }

    /// Recorded.
    pub(crate) fn consumer_not_active(
        consumer: &ConsumerName,
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

    /// Said to who comes too soon, and to whose place has been taken (quoted in public
    /// issues of AWS's clients).
    pub(crate) fn another_subscription(
        consumer: &ConsumerName,
        shard: ShardIndex,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Another active subscription exists for this consumer: \
                 {account}:{stream}:{shard}:{consumer}"
            ),
        )
    }

    /// As a client of AWS's own expects it.
    pub(crate) fn consumer_exists(
        consumer: &ConsumerName,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Consumer {consumer} under stream {stream} already exists for account {account}."
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
    pub(crate) fn consumers_in_creation(
        stream: &StreamName,
        account: &AccountId,
        limit: u32,
    ) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "Stream {stream} under account {account} already has {limit} consumers \
                 in CREATING, which is the limit."
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
    pub(crate) fn not_a_consumer_arn(arn: &str) -> Self {
        Self::new(InvalidArgument, format!("{arn} is not the ARN of a consumer."))
    }

    /// Ours.
    pub(crate) fn not_a_resource_arn(arn: &str) -> Self {
        Self::new(
            InvalidArgument,
            format!("{arn} is not the ARN of a stream, consumer, channel or queue."),
        )
    }

    /// Ours.
    pub(crate) fn resource_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("Resource {arn} not found."))
    }

    /// Asserted by two projects that compare themselves with AWS.
    pub(crate) fn policy_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("No resource policy found for resource ARN {arn}."))
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
