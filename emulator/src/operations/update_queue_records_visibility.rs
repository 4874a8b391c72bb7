//! `UpdateQueueRecordsVisibility`: have up to ten records in flight stay hidden
//! for longer or shorter, from now on. With 0 they are visible at once.
//!
//! * Each entry succeeds or fails alone.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateQueueRecordsVisibility.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::model::numbers::VisibilityTimeoutSeconds;
use crate::wire::shape::{List, shape};

use super::receipt::{self, EntryResults};
use super::{Call, Operation};

pub(crate) struct UpdateQueueRecordsVisibility;

shape! {
    pub(crate) struct UpdateQueueRecordsVisibilityInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Entries" => entries: List<UpdateQueueRecordsVisibilityRequestEntry, 1, 10>,
    }
}

shape! {
    pub(crate) struct UpdateQueueRecordsVisibilityRequestEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
        "VisibilityTimeoutSeconds" => visibility: VisibilityTimeoutSeconds,
    }
}

impl Operation for UpdateQueueRecordsVisibility {
    type Input = UpdateQueueRecordsVisibilityInput;
    type Output = EntryResults;
    const ERRORS: &'static [ErrorKind] = receipt::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(
        input: UpdateQueueRecordsVisibilityInput,
        call: &Call<'_>,
    ) -> Result<EntryResults, ApiError> {
        let entries =
            input.entries.0.into_iter().map(|entry| (entry.handle, entry.visibility.duration()));
        let side = Side::Normal;
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
