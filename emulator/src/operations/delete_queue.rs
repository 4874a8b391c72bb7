//! `DeleteQueue`: remove a queue, whatever its status. Nothing in the stream
//! changes.
//!
//! * Nothing is handed out from now on, and receipt handles are void.
//! * A second call while it is DELETING is accepted (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteQueue.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::status::QueueStatus;

use super::describe_queue::{DescribeQueue, QueueInput};
use super::{Call, Operation};

pub(crate) struct DeleteQueue;

impl Operation for DeleteQueue {
    type Input = QueueInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = DescribeQueue::ERRORS;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: QueueInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (realm, stream, address) = call.queue(&input.queue_arn)?;
        let before = stream.change(|state| {
            let queue = state
                .queue_mut(&address.id)
                .ok_or_else(|| ApiError::queue_not_found(input.queue_arn.as_str()))?;
            Ok(std::mem::replace(&mut queue.status, QueueStatus::Deleting))
        })?;
        if before != QueueStatus::Deleting {
            let gone = Transition::QueueGone { id: address.id };
            realm.begin(&stream, gone, call.settings(), call.now);
        }
        Ok(())
    }
}
