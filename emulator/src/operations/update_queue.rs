//! `UpdateQueue`: change a queue's visibility timeout and what becomes of its
//! dead letters; what is left out stays.
//!
//! * The timeout is in force for the next receive; the number of receives when
//!   the queue is ACTIVE again, for records that are visible then (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateQueue.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::GivenQueueArn;
use crate::model::status::QueueStatus;
use crate::wire::shape::shape;

use super::create_queue::{
    CreateQueue, DeadLetterConfiguration, QueueAttributes, QueueDescriptionOutput,
};
use super::describe_queue::QueueDescription;
use super::{Call, Operation};

pub(crate) struct UpdateQueue;

shape! {
    pub(crate) struct UpdateQueueInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "QueueAttributes" => attributes: QueueAttributes,
    }
}

impl Operation for UpdateQueue {
    type Input = UpdateQueueInput;
    type Output = QueueDescriptionOutput;
    const ERRORS: &'static [ErrorKind] = CreateQueue::ERRORS;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: UpdateQueueInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let QueueAttributes { visibility, dead_letters } = &input.attributes;
        if visibility.is_none() && dead_letters.is_none() {
            return Err(ApiError::nothing_to_update_of_a_queue());
        }
        let max_receive_count =
            dead_letters.as_ref().map(DeadLetterConfiguration::max_receive_count).transpose()?;
        let (realm, stream, address) = call.queue(&input.queue_arn)?;
        let description = stream.change(|state| {
            let queue = state
                .queue_mut(&address.id)
                .ok_or_else(|| ApiError::queue_not_found(input.queue_arn.as_str()))?;
            if queue.status != QueueStatus::Active {
                let status = queue.status;
                return Err(ApiError::queue_not_active(&queue.name, stream.account(), status));
            }
            queue.status = QueueStatus::Updating;
            queue.visibility = visibility.unwrap_or(queue.visibility);
            queue.max_receive_count = max_receive_count.unwrap_or(queue.max_receive_count);
            Ok(QueueDescription::of(queue, &stream))
        })?;
        let ready = Transition::QueueReady { id: address.id };
        realm.begin(&stream, ready, call.settings(), call.now);
        Ok(QueueDescriptionOutput { description })
    }
}
