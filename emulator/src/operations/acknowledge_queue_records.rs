//! `AcknowledgeQueueRecords`: take up to ten records off a queue for good. The
//! stream and other queues keep them.
//!
//! * Each entry succeeds or fails alone.
//! * Once more with the same handle is fine; a record whose timeout has ended
//!   can still be acknowledged until it is received again (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AcknowledgeQueueRecords.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::wire::shape::{List, shape};

use super::receipt::{self, EntryResults};
use super::{Call, Operation};

pub(crate) struct AcknowledgeQueueRecords;

shape! {
    pub(crate) struct AcknowledgeQueueRecordsInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Entries" => entries: List<AcknowledgeQueueRecordsRequestEntry, 1, 10>,
    }
}

shape! {
    pub(crate) struct AcknowledgeQueueRecordsRequestEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
    }
}

impl Operation for AcknowledgeQueueRecords {
    type Input = AcknowledgeQueueRecordsInput;
    type Output = EntryResults;
    const ERRORS: &'static [ErrorKind] = receipt::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(
        input: AcknowledgeQueueRecordsInput,
        call: &Call<'_>,
    ) -> Result<EntryResults, ApiError> {
        let entries = input.entries.0.into_iter().map(|entry| (entry.handle, ()));
        let side = Side::Normal;
        receipt::for_each_entry(
            &input.queue_arn,
            side,
            entries,
            call,
            |queue, stream, receipt, ()| queue.acknowledge(stream, receipt, call.now),
        )
    }
}
