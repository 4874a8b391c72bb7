//! `UpdateDeadLetterQueueRecordsVisibility`: have up to ten dead letters in
//! flight stay hidden for longer or shorter, from now on.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateDeadLetterQueueRecordsVisibility.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::model::numbers::VisibilityTimeoutSeconds;
use crate::wire::shape::{List, shape};

use super::receipt::{self, EntryResults};
use super::{Call, Operation};

pub(crate) struct UpdateDeadLetterQueueRecordsVisibility;

shape! {
    pub(crate) struct UpdateDeadLetterQueueRecordsVisibilityInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Entries" => entries: List<UpdateDeadLetterQueueRecordsVisibilityRequestEntry, 1, 10>,
    }
}

shape! {
    pub(crate) struct UpdateDeadLetterQueueRecordsVisibilityRequestEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
        "VisibilityTimeoutSeconds" => visibility: VisibilityTimeoutSeconds,
    }
}

impl Operation for UpdateDeadLetterQueueRecordsVisibility {
    type Input = UpdateDeadLetterQueueRecordsVisibilityInput;
    type Output = EntryResults;
    const ERRORS: &'static [ErrorKind] = receipt::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(
        input: UpdateDeadLetterQueueRecordsVisibilityInput,
        call: &Call<'_>,
    ) -> Result<EntryResults, ApiError> {
        let entries =
            input.entries.0.into_iter().map(|entry| (entry.handle, entry.visibility.duration()));
        let side = Side::DeadLetter;
        receipt::for_each_entry(
            &input.queue_arn,
            side,
            entries,
            call,
            |queue, stream, receipt, visibility| {
                queue.hide_for(stream, receipt, visibility, call.now)
            },
        )
    }
}
