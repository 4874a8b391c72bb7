//! What a call has done: the records it stored or read and the iterator it
//! handed out, made out from its answer, so that no operation has to say it.

use std::any::Any;

use crate::engine::deliveries::Delivered;
use crate::engine::log::Batch;
use crate::model::error::ErrorKind;
use crate::model::sequence_number::SequenceNumber;
use crate::model::timestamp::Timestamp;

use super::Answer;
use super::get_records::GetRecordsOutput;
use super::get_shard_iterator::GetShardIteratorOutput;
use super::put_record::PutRecordOutput;
use super::put_records::{PutRecordsOutput, Results};
use super::receive_queue_records::{ReceiveOutput, Received};

/// What a call has done.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// What became of each record to be put, in the order of the request.
    pub(crate) placed: Vec<Placed>,
    /// The records that were read.
    pub(crate) read: Option<BatchRead>,
    /// The records that a queue handed out, each by itself.
    pub(crate) received: Vec<BatchRead>,
    /// The iterator that was handed out.
    pub(crate) iterator: Option<String>,
}

/// What became of a record on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    Stored(SequenceNumber),
    /// Refused for throughput.
    Throttled,
    /// Refused for any other reason.
    Failed,
}

/// Records that were read together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BatchRead {
    /// The numbers of the first and the last; `None` if there are no records.
    pub(crate) ends: Option<(SequenceNumber, SequenceNumber)>,
    pub(crate) records: usize,
    /// Data and keys.
    pub(crate) bytes: usize,
    /// When the last one arrived.
    pub(crate) newest: Option<Timestamp>,
}

impl Effect {
    /// Reads what a call has done from its answer.
    pub(super) fn of(answer: &impl Answer) -> Self {
        let answer: &dyn Any = answer;
        let mut effect = Self::default();
        if let Some(put) = answer.downcast_ref::<PutRecordOutput>() {
            effect.placed.push(Placed::Stored(put.sequence_number));
        } else if let Some(put) = answer.downcast_ref::<PutRecordsOutput>() {
            let Results(results) = &put.records;
            effect.placed.extend(results.iter().map(|result| match result {
                Ok(number) => Placed::Stored(*number),
                Err(error) if error.kind() == ErrorKind::ProvisionedThroughputExceeded => {
                    Placed::Throttled
                }
                Err(_) => Placed::Failed,
            }));
        } else if let Some(got) = answer.downcast_ref::<GetRecordsOutput>() {
            effect.read = Some(BatchRead::of(&got.records));
            effect.iterator = got.next.as_ref().map(|iterator| iterator.0.as_str().to_owned());
        } else if let Some(ReceiveOutput::Records(got)) = answer.downcast_ref::<ReceiveOutput>() {
            let Received(records) = &got.records;
            let read = |(_, delivered): &(_, Delivered)| BatchRead::of(&delivered.record);
            effect.received = records.iter().map(read).collect();
        } else if let Some(got) = answer.downcast_ref::<GetShardIteratorOutput>() {
            effect.iterator = got.iterator.as_ref().map(|iterator| iterator.0.as_str().to_owned());
        }
        effect
    }
}

impl BatchRead {
    /// Reads what is in a batch.
    pub(crate) fn of(batch: &Batch) -> Self {
        let mut read = Self::default();
        for record in batch.iter() {
            let number = record.sequence_number;
            read.ends = Some((read.ends.map_or(number, |(first, _)| first), number));
            read.records += 1;
            read.bytes += record.bytes();
            read.newest = Some(record.arrival);
        }
        read
    }
}
