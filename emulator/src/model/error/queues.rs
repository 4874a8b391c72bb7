//! Queues, their records and receipt handles.

use crate::model::arn::AccountId;
use crate::model::names::{QueueName, StreamName};
use crate::model::status::{QueueStatus, TargetType};

use super::ApiError;
use super::ErrorKind::{
    InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Throttling, Validation,
};

/// Queues.
impl ApiError {
    /// Ours.
    pub(crate) fn queue_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("Queue {arn} not found."))
    }

    /// Ours.
    pub(crate) fn queue_exists(queue: &QueueName, account: &AccountId) -> Self {
        Self::new(ResourceInUse, format!("Queue {queue} under account {account} already exists."))
    }

    /// Ours, as AWS words the same of streams.
    pub(crate) fn queue_not_active(
        queue: &QueueName,
        account: &AccountId,
        status: QueueStatus,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!("Queue {queue} under account {account} not ACTIVE, instead in state {status}"),
        )
    }

    /// Ours.
    pub(crate) fn queues_read_one_stream(streams: usize) -> Self {
        Self::new(
            Validation,
            format!("StreamConfigurationList must have exactly 1 entry, and it has {streams}."),
        )
    }

    /// Ours.
    pub(crate) fn queue_needs_on_demand(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            Validation,
            format!(
                "Stream {stream} under account {account} is in PROVISIONED mode: \
                 a queue needs a stream in ON_DEMAND mode."
            ),
        )
    }

    /// Ours.
    pub(crate) fn queue_start_needs_timestamp() -> Self {
        Self::new(Validation, "StartingPosition of type AT_TIMESTAMP needs Timestamp.")
    }

    /// Ours.
    pub(crate) fn queue_start_takes_no_timestamp(kind: &str) -> Self {
        Self::new(Validation, format!("StartingPosition of type {kind} takes no Timestamp."))
    }

    /// Ours.
    pub(crate) fn queue_start_in_the_future(millis: i128, now: u64) -> Self {
        Self::new(
            Validation,
            format!(
                "The Timestamp of StartingPosition cannot be in the future. \
                 Timestamp: {millis}, current time: {now}"
            ),
        )
    }

    /// Ours.
    pub(crate) fn dead_letters_need_a_count() -> Self {
        Self::new(
            Validation,
            "DeadLetterConfiguration of TargetType BUILT_IN needs MaxReceiveCount.",
        )
    }

    /// Ours.
    pub(crate) fn no_dead_letters_no_count() -> Self {
        let kind = TargetType::None;
        Self::new(
            Validation,
            format!("DeadLetterConfiguration of TargetType {kind} takes no MaxReceiveCount."),
        )
    }

    /// Ours.
    pub(crate) fn nothing_to_update_of_a_queue() -> Self {
        Self::new(
            Validation,
            "QueueAttributes must have VisibilityTimeoutSeconds or DeadLetterConfiguration.",
        )
    }

    /// Ours, as AWS words the same of streams.
    pub(crate) fn queues_in_transition(account: &AccountId, limit: u32) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "Account {account} already has {limit} queues in CREATING or DELETING, \
                 which is the limit."
            ),
        )
    }

    /// Ours, as AWS words the same of control calls.
    pub(crate) fn queue_throttled(account: &AccountId) -> Self {
        Self::new(Throttling, format!("Rate exceeded for account {account}."))
    }

    /// Ours, as AWS words the blocking by consumers: what cannot be done, such
    /// as `DeleteStream can't delete`.
    pub(crate) fn stream_has_queues(
        what_cannot: &str,
        stream: &StreamName,
        account: &AccountId,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "{what_cannot} {account}:{stream} because there are queues associated with this \
                 data stream. Delete them with DeleteQueue first."
            ),
        )
    }

    /// Ours.
    pub(crate) fn too_many_tags_on(arn: &str, limit: usize) -> Self {
        Self::new(InvalidArgument, format!("{arn} cannot have more than {limit} tags."))
    }
}

/// Receipt handles: errors of single entries.
impl ApiError {
    /// Ours.
    pub(crate) fn receipt_handle_invalid() -> Self {
        Self::new(
            InvalidArgument,
            "The receipt handle is not one that this operation of this queue takes.",
        )
    }

    /// Ours.
    pub(crate) fn receipt_handle_stale() -> Self {
        Self::new(InvalidArgument, "The record has been received again since: use its new handle.")
    }

    /// Ours.
    pub(crate) fn record_not_in_flight() -> Self {
        Self::new(InvalidArgument, "The record is not in flight: its visibility timeout has ended.")
    }

    /// Ours.
    pub(crate) fn queue_record_not_found() -> Self {
        Self::new(
            ResourceNotFound,
            "The record is not in the queue any more: it was acknowledged, or the stream does not \
             keep it any longer.",
        )
    }
}
