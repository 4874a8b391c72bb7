//! Shards and consumers as tests see them.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::engine::consumer;
use crate::engine::topology;
use crate::model::shard_id::ShardIndex;
use crate::model::status::ConsumerStatus;
use crate::model::timestamp::Timestamp;
use crate::operations::BatchRead;
use crate::service::recorder::iso;

/// A shard of a stream.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let kinesis = kinesis_emulator::Emulator::in_process();
/// # let client = kinesis.client();
/// client.create_stream().stream_name("orders").shard_count(2).send().await.unwrap();
/// let shards = kinesis.stream("orders").shards();
/// assert_eq!(shards[1].id, "shardId-000000000001");
/// assert_eq!(shards[1].hash_keys, 1 << 127..=u128::MAX);
/// assert!(shards[1].is_open() && shards[1].record_count == 0);
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shard {
    /// The id, such as `shardId-000000000000`.
    pub id: String,
    /// The hash keys that are (or were) its own.
    pub hash_keys: RangeInclusive<u128>,
    /// The shard it was split off, or one of those it was merged from.
    pub parent: Option<String>,
    /// The other shard it was merged from.
    pub adjacent_parent: Option<String>,
    /// When it began to take records.
    pub opened: Timestamp,
    /// When it stopped to take records, if it did.
    pub closed: Option<Timestamp>,
    /// The number below all of its records'.
    pub starting_sequence_number: String,
    /// The number above all of its records', if it is closed.
    pub ending_sequence_number: Option<String>,
    /// How many records it stores that have not expired.
    pub record_count: usize,
    /// Their data and keys.
    pub bytes: usize,
}

impl Shard {
    pub(super) fn new(shard: &topology::Shard, stored: &BatchRead) -> Self {
        let id = |index: ShardIndex| index.to_string();
        Self {
            id: shard.index.to_string(),
            hash_keys: shard.hash_keys.start.number()..=shard.hash_keys.end.number(),
            parent: shard.parent.map(id),
            adjacent_parent: shard.adjacent_parent.map(id),
            opened: shard.opened,
            closed: shard.closed,
            starting_sequence_number: shard.starting_sequence_number().to_string(),
            ending_sequence_number: shard.ending_sequence_number().map(|end| end.to_string()),
            record_count: stored.records,
            bytes: stored.bytes,
        }
    }

    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// The shard as JSON. Hash keys are texts: they are larger than JSON's
    /// numbers.
    pub fn to_json(&self) -> Value {
        json!({
            "shard_id": self.id,
            "starting_hash_key": self.hash_keys.start().to_string(),
            "ending_hash_key": self.hash_keys.end().to_string(),
            "parent_shard_id": self.parent,
            "adjacent_parent_shard_id": self.adjacent_parent,
            "opened": iso(self.opened),
            "closed": self.closed.map(iso),
            "starting_sequence_number": self.starting_sequence_number,
            "ending_sequence_number": self.ending_sequence_number,
            "record_count": self.record_count,
            "bytes": self.bytes,
        })
    }
}

/// A registered consumer of a stream.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let kinesis = kinesis_emulator::Emulator::in_process();
/// # let client = kinesis.client();
/// # client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
/// client.register_stream_consumer().stream_arn(arn).consumer_name("billing").send().await.unwrap();
/// let consumers = kinesis.stream("orders").consumers();
/// assert_eq!(consumers[0].name, "billing");
/// assert_eq!(consumers[0].status, kinesis_emulator::ConsumerStatus::Active);
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consumer {
    /// The name.
    pub name: String,
    /// The ARN of this registration.
    pub arn: String,
    /// Where it stands in its life.
    pub status: ConsumerStatus,
    /// When it was registered.
    pub created: Timestamp,
}

impl Consumer {
    pub(super) fn new(consumer: &consumer::Consumer) -> Self {
        Self {
            name: consumer.address.name.to_string(),
            arn: consumer.address.to_string(),
            status: consumer.status,
            created: consumer.created,
        }
    }

    /// The consumer as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "arn": self.arn,
            "status": self.status.as_str(),
            "created": iso(self.created),
        })
    }
}
