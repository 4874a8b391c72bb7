//! `AcknowledgeDeadLetterQueueRecords`: take up to ten records off a queue for
//! good that it has set aside.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AcknowledgeDeadLetterQueueRecords.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::wire::shape::{List, shape};

use super::receipt::{self, EntryResults};
use super::{Call, Operation};

pub(crate) struct AcknowledgeDeadLetterQueueRecords;

shape! {
    pub(crate) struct AcknowledgeDeadLetterQueueRecordsInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Entries" => entries: List<AcknowledgeDeadLetterQueueRecordsRequestEntry, 1, 10>,
    }
}

shape! {
    pub(crate) struct AcknowledgeDeadLetterQueueRecordsRequestEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
    }
}

impl Operation for AcknowledgeDeadLetterQueueRecords {
    type Input = AcknowledgeDeadLetterQueueRecordsInput;
    type Output = EntryResults;
    const ERRORS: &'static [ErrorKind] = receipt::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(
        input: AcknowledgeDeadLetterQueueRecordsInput,
        call: &Call<'_>,
    ) -> Result<EntryResults, ApiError> {
        let entries = input.entries.0.into_iter().map(|entry| (entry.handle, ()));
        let side = Side::DeadLetter;
        receipt::for_each_entry(
            &input.queue_arn,
            side,
            entries,
            call,
            |queue, stream, receipt, ()| queue.acknowledge(stream, receipt, call.now),
        )
    }
}
