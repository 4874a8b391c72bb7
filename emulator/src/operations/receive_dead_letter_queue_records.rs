//! `ReceiveDeadLetterQueueRecords`: up to ten records that a queue has set
//! aside, as ReceiveQueueRecords hands out the others.
//!
//! * `ReceiveCount` goes on counting here, without any threshold (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ReceiveDeadLetterQueueRecords.html>

use crate::engine::deliveries::Side;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;

use super::receive_queue_records::{ReceiveInput, ReceiveOutput, ReceiveQueueRecords, receive};
use super::{Call, Operation};

pub(crate) struct ReceiveDeadLetterQueueRecords;

impl Operation for ReceiveDeadLetterQueueRecords {
    type Input = ReceiveInput;
    type Output = ReceiveOutput;
    const ERRORS: &'static [ErrorKind] = ReceiveQueueRecords::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(input: ReceiveInput, call: &Call<'_>) -> Result<ReceiveOutput, ApiError> {
        receive(input, Side::DeadLetter, call)
    }
}
