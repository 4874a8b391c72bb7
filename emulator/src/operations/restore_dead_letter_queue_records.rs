//! `RestoreDeadLetterQueueRecords`: give up to ten dead letters back to
//! ReceiveQueueRecords, as if they had never been received.
//!
//! * They are visible at once; the first receive keeps its time (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RestoreDeadLetterQueueRecords.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::wire::shape::{List, shape};

use super::receipt::{self, EntryResults};
use super::{Call, Operation};

pub(crate) struct RestoreDeadLetterQueueRecords;

shape! {
    pub(crate) struct RestoreDeadLetterQueueRecordsInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Entries" => entries: List<RestoreDeadLetterQueueRecordsRequestEntry, 1, 10>,
    }
}

shape! {
    pub(crate) struct RestoreDeadLetterQueueRecordsRequestEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
    }
}

impl Operation for RestoreDeadLetterQueueRecords {
    type Input = RestoreDeadLetterQueueRecordsInput;
    type Output = EntryResults;
    const ERRORS: &'static [ErrorKind] = receipt::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(
        input: RestoreDeadLetterQueueRecordsInput,
        call: &Call<'_>,
    ) -> Result<EntryResults, ApiError> {
        let entries = input.entries.0.into_iter().map(|entry| (entry.handle, ()));
        let side = Side::DeadLetter;
        receipt::for_each_entry(
            &input.queue_arn,
            side,
            entries,
            call,
            |queue, stream, receipt, ()| queue.restore(stream, receipt, call.now),
        )
    }
}
