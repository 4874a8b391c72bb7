//! The real AWS SDK, with its retries and its time limits.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, Record, ShardIteratorType, StartingPosition,
    SubscribeToShardEventStream,
};
use bytes::Bytes;

use super::{
    Fetched, Incoming, Listed, Outgoing, PAGES_MAX, Placed, Position, Refusal, UNANSWERED,
};
use crate::failure::with_causes;
use crate::measure::counters::Counters;

/// Calls through the SDK.
#[derive(Debug, Clone)]
pub struct SdkDriver {
    client: Client,
    counters: Counters,
}

/// An open subscription to a shard.
pub struct Subscription(SubscribeToShardOutput);

impl SdkDriver {
    /// A driver over a client that counts into `counters`.
    #[must_use]
    pub fn new(client: Client, counters: Counters) -> Self {
        Self { client, counters }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) async fn put_record(
        &self,
        stream: &str,
        record: &Outgoing,
    ) -> Result<Placed, Refusal> {
        let answer = self
            .client
            .put_record()
            .stream_name(stream)
            .partition_key(&record.partition_key)
            .set_explicit_hash_key(record.explicit_hash_key.map(|key| key.to_string()))
            .data(Blob::new(record.data.as_ref()))
            .send()
            .await
            .map_err(|error| refusal("PutRecord", &error))?;
        Ok(Placed { shard_id: answer.shard_id, sequence_number: answer.sequence_number })
    }

    pub(super) async fn put_records(
        &self,
        stream: &str,
        records: &[Outgoing],
    ) -> Result<Vec<Result<Placed, Refusal>>, Refusal> {
        let entries = records.iter().map(|record| {
            PutRecordsRequestEntry::builder()
                .partition_key(&record.partition_key)
                .set_explicit_hash_key(record.explicit_hash_key.map(|key| key.to_string()))
                .data(Blob::new(record.data.as_ref()))
                .build()
                .expect("data and key are set")
        });
        let answer = self
            .client
            .put_records()
            .stream_name(stream)
            .set_records(Some(entries.collect()))
            .send()
            .await
            .map_err(|error| refusal("PutRecords", &error))?;
        let answers = answer.records.into_iter().map(|entry| {
            let (code, message) = (entry.error_code, entry.error_message);
            Placed::or_refused(entry.shard_id, entry.sequence_number, code, message)
        });
        Ok(answers.collect())
    }

    pub(super) async fn get_shard_iterator(
        &self,
        stream: &str,
        shard_id: &str,
        position: &Position,
    ) -> Result<String, Refusal> {
        let call = self.client.get_shard_iterator().stream_name(stream).shard_id(shard_id);
        let call = match position {
            Position::Oldest => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Position::Since(time) => call
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_secs_f64(time.as_secs_f64())),
            Position::After(number) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number),
        };
        let answer = call.send().await.map_err(|error| refusal("GetShardIterator", &error))?;
        answer.shard_iterator.ok_or_else(|| empty("GetShardIterator"))
    }

    pub(super) async fn get_records(&self, iterator: &str) -> Result<Fetched, Refusal> {
        let answer = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .send()
            .await
            .map_err(|error| refusal("GetRecords", &error))?;
        let children = answer.child_shards.unwrap_or_default();
        Ok(Fetched {
            records: answer.records.into_iter().map(incoming).collect(),
            next: answer.next_shard_iterator,
            millis_behind: millis(answer.millis_behind_latest),
            children: children.into_iter().map(|child| child.shard_id).collect(),
        })
    }

    pub(super) async fn list_shards(&self, stream: &str) -> Result<Vec<Listed>, Refusal> {
        let mut listed = Vec::new();
        let mut page = self.client.list_shards().stream_name(stream);
        for _ in 0..PAGES_MAX {
            let answer = page.send().await.map_err(|error| refusal("ListShards", &error))?;
            for shard in answer.shards() {
                let range = shard.hash_key_range();
                let bounds = range.and_then(|range| {
                    let first = range.starting_hash_key().parse().ok()?;
                    Some((first, range.ending_hash_key().parse().ok()?))
                });
                let (first, last) = bounds.ok_or_else(|| empty("ListShards"))?;
                let numbers = shard.sequence_number_range();
                let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
                listed.push(Listed {
                    shard_id: shard.shard_id().to_owned(),
                    first,
                    last,
                    is_closed: numbers.is_some_and(|n| n.ending_sequence_number().is_some()),
                    parents: parents.into_iter().flatten().map(str::to_owned).collect(),
                });
            }
            match answer.next_token() {
                Some(token) => page = self.client.list_shards().next_token(token),
                None => return Ok(listed),
            }
        }
        Err(empty("ListShards"))
    }

    pub(super) async fn subscribe_to_shard(
        &self,
        consumer_arn: &str,
        shard_id: &str,
        position: &Position,
    ) -> Result<Subscription, Refusal> {
        let start = StartingPosition::builder();
        let start = match position {
            Position::Oldest => start.r#type(ShardIteratorType::TrimHorizon),
            Position::Since(time) => start
                .r#type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_secs_f64(time.as_secs_f64())),
            Position::After(number) => {
                start.r#type(ShardIteratorType::AfterSequenceNumber).sequence_number(number)
            }
        };
        let start = start.build().expect("the type is set");
        self.client
            .subscribe_to_shard()
            .consumer_arn(consumer_arn)
            .shard_id(shard_id)
            .starting_position(start)
            .send()
            .await
            .map(Subscription)
            .map_err(|error| refusal("SubscribeToShard", &error))
    }
}

impl Subscription {
    /// The next event; nothing when the subscription has ended, after five minutes
    /// at the latest.
    ///
    /// # Errors
    /// When the stream of events breaks.
    pub async fn next(&mut self) -> Result<Option<Fetched>, Refusal> {
        loop {
            let event = self.0.event_stream.recv().await.map_err(|error| {
                let message = error.to_string();
                Refusal { operation: "SubscribeToShard", code: UNANSWERED.to_owned(), message }
            })?;
            match event {
                None => return Ok(None),
                Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) => {
                    let children = event.child_shards.unwrap_or_default();
                    return Ok(Some(Fetched {
                        records: event.records.into_iter().map(incoming).collect(),
                        next: Some(event.continuation_sequence_number),
                        millis_behind: millis(Some(event.millis_behind_latest)),
                        children: children.into_iter().map(|child| child.shard_id).collect(),
                    }));
                }
                // A kind of event that this SDK does not know carries no record.
                Some(_) => {}
            }
        }
    }
}

fn incoming(record: Record) -> Incoming {
    Incoming {
        partition_key: record.partition_key.unwrap_or_default(),
        sequence_number: record.sequence_number,
        data: Bytes::from(record.data.into_inner()),
    }
}

fn millis(behind: Option<i64>) -> u64 {
    behind.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0)
}

fn empty(operation: &'static str) -> Refusal {
    let message = "the answer lacks what it must have".to_owned();
    Refusal { operation, code: UNANSWERED.to_owned(), message }
}

/// The failure of one SDK call, told without the SDK's debug dump.
pub(crate) fn refusal<E>(operation: &'static str, error: &SdkError<E>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.as_service_error() {
        Some(refusal) => Refusal {
            operation,
            code: refusal.code().unwrap_or("an error without a code").to_owned(),
            message: refusal.message().unwrap_or_default().to_owned(),
        },
        None => Refusal { operation, code: UNANSWERED.to_owned(), message: with_causes(error) },
    }
}
