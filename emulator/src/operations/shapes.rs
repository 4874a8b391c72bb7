//! Structures that several operations share.

use crate::engine::log::{Batch, StoredRecord};
use crate::engine::stream::StreamState;
use crate::engine::topology;
use crate::model::hash_key;
use crate::model::names::{TagKey, TagValue};
use crate::model::record::KeptText;
use crate::model::sequence_number::{SequenceNumber, Succession};
use crate::model::shard_id::ShardIndex;
use crate::model::status::{EncryptionType, MetricsName, StreamMode};
use crate::model::timestamp::Timestamp;
use crate::wire::description::Description;
use crate::wire::emit::{Emit, SequenceDigits, answer, emit_all};
use crate::wire::shape::shape;
use crate::wire::writer::Writer;

shape! {
    /// Who decides on the number of shards, as asked for.
    pub(crate) struct StreamModeDetails {
        "StreamMode" => mode: StreamMode,
    }
}

answer! {
    /// Who decides on the number of shards.
    pub(crate) struct StreamModeDescription {
        "StreamMode" => mode: StreamMode,
    }
}

answer! {
    /// What an on-demand stream is ready for, in MiB per second.
    pub(crate) struct WarmThroughput {
        "TargetMiBps" => target: Option<u32>,
        "CurrentMiBps" => current: Option<u32>,
    }
}

answer! {
    /// A tag.
    pub(crate) struct Tag {
        "Key" => key: TagKey,
        "Value" => value: Option<TagValue>,
    }
}

impl From<(&TagKey, &TagValue)> for Tag {
    fn from((key, value): (&TagKey, &TagValue)) -> Self {
        Self { key: key.clone(), value: Some(value.clone()) }
    }
}

answer! {
    /// Which shard-level metrics are on.
    pub(crate) struct EnhancedMetrics {
        "ShardLevelMetrics" => names: Vec<MetricsName>,
    }
}

impl EnhancedMetrics {
    /// The list of one element that describe calls return.
    pub(crate) fn of(state: &StreamState) -> Vec<Self> {
        vec![Self { names: state.shard_level_metrics.iter().copied().collect() }]
    }
}

answer! {
    pub(crate) struct HashKeyRange {
        "StartingHashKey" => start: hash_key::HashKey,
        "EndingHashKey" => end: hash_key::HashKey,
    }
}

impl From<hash_key::HashKeyRange> for HashKeyRange {
    fn from(range: hash_key::HashKeyRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

answer! {
    pub(crate) struct SequenceNumberRange {
        "StartingSequenceNumber" => start: SequenceNumber,
        "EndingSequenceNumber" => end: Option<SequenceNumber>,
    }
}

answer! {
    /// A shard as describe and list calls show it.
    pub(crate) struct Shard {
        "ShardId" => shard_id: ShardIndex,
        "ParentShardId" => parent: Option<ShardIndex>,
        "AdjacentParentShardId" => adjacent_parent: Option<ShardIndex>,
        "HashKeyRange" => hash_keys: HashKeyRange,
        "SequenceNumberRange" => sequence_numbers: SequenceNumberRange,
    }
}

impl From<&topology::Shard> for Shard {
    fn from(shard: &topology::Shard) -> Self {
        Self {
            shard_id: shard.index,
            parent: shard.parent,
            adjacent_parent: shard.adjacent_parent,
            hash_keys: shard.hash_keys.into(),
            sequence_numbers: SequenceNumberRange {
                start: shard.starting_sequence_number(),
                end: shard.ending_sequence_number(),
            },
        }
    }
}

answer! {
    /// A shard that took over from the one that was read to its end.
    pub(crate) struct ChildShard {
        "ShardId" => shard_id: ShardIndex,
        "ParentShards" => parents: Vec<ShardIndex>,
        "HashKeyRange" => hash_keys: HashKeyRange,
    }
}

impl From<&topology::Shard> for ChildShard {
    fn from(shard: &topology::Shard) -> Self {
        Self {
            shard_id: shard.index,
            parents: shard.parent.into_iter().chain(shard.adjacent_parent).collect(),
            hash_keys: shard.hash_keys.into(),
        }
    }
}

answer! {
    /// A record as readers get it.
    pub(crate) struct Record<'a> {
        "SequenceNumber" => sequence_number: SequenceDigits,
        "ApproximateArrivalTimestamp" => arrival: Timestamp,
        "Data" => data: &'a [u8],
        "PartitionKey" => partition_key: Option<KeptText<'a>>,
        "EncryptionType" => encryption: Option<EncryptionType>,
    }
}

impl<'a> Record<'a> {
    fn of(stored: StoredRecord<'a>, numbers: &mut Succession) -> Self {
        Self {
            sequence_number: SequenceDigits(numbers.digits(stored.sequence_number)),
            arrival: stored.arrival,
            data: stored.data,
            partition_key: stored.partition_key,
            encryption: reported(stored.encryption),
        }
    }
}

/// About what a record takes in an answer beside its data and key.
const RECORD_BYTES_AROUND: usize = 192;

/// Records are written straight from the log's segments.
impl Emit for Batch {
    const DESCRIPTION: Description =
        Description::List { at_least: 0, at_most: usize::MAX, element: &Record::DESCRIPTION };

    fn bytes_about(&self) -> usize {
        base64_simd::STANDARD.encoded_length(self.bytes()) + self.len() * RECORD_BYTES_AROUND
    }

    fn emit(&self, writer: &mut impl Writer) {
        let mut numbers = Succession::default();
        let records = self.iter().map(|stored| Record::of(stored, &mut numbers));
        emit_all::<Record<'_>>(writer, self.len(), records);
    }
}

/// Encryption as records report it: nothing is said of records that are not
/// encrypted (recorded).
pub(crate) fn reported(encryption: EncryptionType) -> Option<EncryptionType> {
    match encryption {
        EncryptionType::None => None,
        EncryptionType::Kms => Some(EncryptionType::Kms),
    }
}
