//! The lines of a snapshot's file, and how the model's values are spelled there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

use crate::model::arn::{AccountId, QueueId, Region};
use crate::model::channel::{
    BucketArn, BucketOwner, ChannelId, ChannelName, ChannelStatus, ErrorOutputPrefix, LogGroupName,
    LogStreamName, OutputKeyTemplate, PartitionSourceName, RecordFormatType, RoleArn,
    S3CompressionType, S3StorageClass, S3TablesCompressionType, SchemaArn, TableBucketArn,
    TableName, TableNamespace,
};
use crate::model::constraint::{Constrained, Measured};
use crate::model::names::{
    ConsumerName, KeyId, PolicyText, QueueName, StreamName, TagKey, TagValue,
};
use crate::model::numbers::{MaxReceiveCount, MaxRecordSizeInKiB, VisibilityTimeoutSeconds};
use crate::model::status::{
    ConsumerStatus, EncryptionType, MetricsName, QueueStartingPositionType, QueueStatus,
    RecordDistributionStrategy, StreamMode, StreamStatus,
};

/// What the first line says.
pub(crate) const FORMAT: &str = "kinesis-emulator-snapshot";
/// The version that is written, and the newest that is read.
pub(crate) const VERSION: u64 = 1;

/// What every version's first line has.
#[derive(serde::Deserialize)]
pub(crate) struct Announcement<'a> {
    #[serde(borrow)]
    pub(crate) format: Cow<'a, str>,
    pub(crate) version: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) format: String,
    pub(crate) version: u64,
    pub(crate) taken: u64,
    pub(crate) ids: DrawnRow,
    pub(crate) request_ids: DrawnRow,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawnRow {
    pub(crate) seed: u64,
    pub(crate) draws: u64,
}

/// A line after the first.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row<'a> {
    Realm(RealmRow),
    Stream(Box<StreamRow>),
    Shard(ShardRow),
    #[serde(borrow)]
    Record(RecordRow<'a>),
    Change(ChangeRow),
    End(EndRow),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RealmRow {
    pub(crate) account: Parsed<AccountId>,
    pub(crate) region: Parsed<Region>,
    pub(crate) commitment: CommitmentRow,
    /// Names that are free again, with the second at which the last stream of
    /// each was made.
    pub(crate) retired_seconds: BTreeMap<Text<StreamName>, u64>,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommitmentRow {
    pub(crate) started: Option<u64>,
    pub(crate) ended: Option<u64>,
    pub(crate) ends_early: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamRow {
    pub(crate) name: Text<StreamName>,
    pub(crate) incarnation: u64,
    pub(crate) created: u64,
    pub(crate) created_seconds: u64,
    pub(crate) auto_turn: u64,
    pub(crate) status: Text<StreamStatus>,
    pub(crate) mode: Text<StreamMode>,
    pub(crate) retention_seconds: u64,
    pub(crate) expired_before: u64,
    pub(crate) encryption: Text<EncryptionType>,
    pub(crate) key: Option<Text<KeyId>>,
    pub(crate) distribution: Text<RecordDistributionStrategy>,
    pub(crate) max_record_size_kib: Number<MaxRecordSizeInKiB>,
    pub(crate) tags: Tags,
    pub(crate) shard_level_metrics: Vec<Text<MetricsName>>,
    pub(crate) policy: Option<Text<PolicyText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) channels: Vec<ChannelRow>,
    pub(crate) consumers: Vec<ConsumerRow>,
    pub(crate) registrations_seconds: BTreeMap<Text<ConsumerName>, u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) queues: Vec<QueueRow>,
    pub(crate) warm_throughput: Option<u32>,
    pub(crate) planned_shards: u32,
    pub(crate) rescalings: Vec<u64>,
    pub(crate) mode_switches: Vec<u64>,
    pub(crate) encryption_starts: Vec<u64>,
    pub(crate) encryption_stops: Vec<u64>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelRow {
    pub(crate) id: Text<ChannelId>,
    pub(crate) name: Text<ChannelName>,
    pub(crate) created: u64,
    pub(crate) status: Text<ChannelStatus>,
    pub(crate) role: Text<RoleArn>,
    pub(crate) format: Text<RecordFormatType>,
    pub(crate) schema: Option<Text<SchemaArn>>,
    pub(crate) destination: DestinationRow,
    pub(crate) freshness_seconds: u64,
    pub(crate) dead_letters: DeadLettersRow,
    pub(crate) key: Option<Text<KeyId>>,
    pub(crate) logging: LoggingRow,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<Text<PolicyText>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DestinationRow {
    Bucket {
        arn: Text<BucketArn>,
        owner: Text<BucketOwner>,
        key_template: Text<OutputKeyTemplate>,
        storage_class: Text<S3StorageClass>,
        compression: Text<S3CompressionType>,
    },
    Table {
        bucket: Text<TableBucketArn>,
        namespace: Text<TableNamespace>,
        name: Text<TableName>,
        compression: Text<S3TablesCompressionType>,
        partitioned_by: Option<Vec<Text<PartitionSourceName>>>,
    },
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLettersRow {
    pub(crate) bucket: Text<BucketArn>,
    pub(crate) owner: Text<BucketOwner>,
    pub(crate) prefix: Option<Text<ErrorOutputPrefix>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoggingRow {
    pub(crate) enabled: bool,
    pub(crate) group: Text<LogGroupName>,
    pub(crate) stream: Text<LogStreamName>,
}

pub(crate) type Tags = BTreeMap<Text<TagKey>, Text<TagValue>>;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsumerRow {
    pub(crate) name: Text<ConsumerName>,
    pub(crate) created_seconds: u64,
    pub(crate) created: u64,
    pub(crate) status: Text<ConsumerStatus>,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<Text<PolicyText>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueRow {
    pub(crate) name: Text<QueueName>,
    pub(crate) id: Parsed<QueueId>,
    pub(crate) created: u64,
    pub(crate) status: Text<QueueStatus>,
    pub(crate) start: Text<QueueStartingPositionType>,
    pub(crate) start_asked: Option<u64>,
    pub(crate) start_effective: u64,
    pub(crate) visibility_seconds: Number<VisibilityTimeoutSeconds>,
    pub(crate) max_receive_count: Option<Number<MaxReceiveCount>>,
    /// The same as it is in force: an update changes it when it ends.
    pub(crate) set_aside_after: Option<u32>,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<Text<PolicyText>>,
    /// By shard, the index of the next record that was never handed out.
    pub(crate) next: BTreeMap<u32, u64>,
    /// Records that were handed out and are not done.
    pub(crate) records: Vec<DeliveryRow>,
    /// Records that are done: shard, index, and how often they were handed out.
    pub(crate) acknowledged: Vec<(u32, u64, u32)>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryRow {
    pub(crate) shard: u32,
    pub(crate) index: u64,
    pub(crate) first_received: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hidden_until: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dead: bool,
    pub(crate) receives: u32,
    pub(crate) handed_out: u32,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardRow {
    pub(crate) number: u32,
    pub(crate) first_hash_key: Parsed<u128>,
    pub(crate) last_hash_key: Parsed<u128>,
    pub(crate) parent: Option<u32>,
    pub(crate) adjacent_parent: Option<u32>,
    pub(crate) created_seconds: u64,
    pub(crate) opened: u64,
    pub(crate) closed: Option<u64>,
    pub(crate) ended_seconds: u64,
    /// Index of the oldest record, or of the next one if there is none.
    pub(crate) first_index: u64,
    /// When the newest record arrived that there ever was.
    pub(crate) newest: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordRow<'a> {
    pub(crate) arrival: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) encrypted: bool,
    #[serde(borrow)]
    pub(crate) data: Cow<'a, str>,
}

/// A change that is under way: when it ends, of which stream, and what it is.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRow {
    pub(crate) at: u64,
    pub(crate) stream: Text<StreamName>,
    pub(crate) becomes: Becomes,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Becomes {
    Created { shards: u32 },
    Deleted,
    Split { parent: u32, upper_start: Parsed<u128> },
    Merged { lower: u32, upper: u32 },
    BusyShardSplit { parent: u32, shards_max: u32 },
    Rescaled { shards: u32 },
    ModeSwitched { mode: Text<StreamMode>, warm_throughput: Option<u32> },
    Encrypted { key: Text<KeyId> },
    Decrypted,
    RecordSizeChanged { limit_kib: Number<MaxRecordSizeInKiB> },
    Unchanged,
    Warmed { target: u32, shards: u32 },
    ChannelReady { id: Text<ChannelId> },
    ChannelGone { id: Text<ChannelId> },
    ConsumerReady { name: Text<ConsumerName> },
    ConsumerGone { name: Text<ConsumerName> },
    QueueGone { id: Parsed<QueueId> },
    QueueReady { id: Parsed<QueueId> },
}

/// How many of each there are, and the checksum of all lines before this one.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndRow {
    pub(crate) realms: u64,
    pub(crate) streams: u64,
    pub(crate) shards: u64,
    pub(crate) records: u64,
    pub(crate) changes: u64,
    pub(crate) crc32: u32,
}

/// A text of the model within its constraints.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T> Serialize for Text<T>
where
    T: for<'a> Constrained<Base<'a> = Cow<'a, str>>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.base())
    }
}

impl<'de, T> Deserialize<'de> for Text<T>
where
    T: for<'a> Constrained<Base<'a> = Cow<'a, str>>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Cow<'static, str> = Cow::Owned(String::deserialize(deserializer)?);
        if T::CONSTRAINTS.iter().all(|constraint| text.satisfies(constraint)) {
            Ok(Self(T::from_checked(text)))
        } else {
            Err(D::Error::custom(format!("{text:?} breaks a constraint")))
        }
    }
}

/// An integer of the model within its bounds.
#[derive(Debug)]
pub(crate) struct Number<T>(pub(crate) T);

impl<T> Serialize for Number<T>
where
    T: for<'a> Constrained<Base<'a> = i32>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.0.base())
    }
}

impl<'de, T> Deserialize<'de> for Number<T>
where
    T: for<'a> Constrained<Base<'a> = i32>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i32::deserialize(deserializer)?;
        if T::CONSTRAINTS.iter().all(|constraint| number.satisfies(constraint)) {
            Ok(Self(T::from_checked(number)))
        } else {
            Err(D::Error::custom(format!("{number} is out of bounds")))
        }
    }
}

/// A value that is spelled as it displays.
#[derive(Debug)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<T: Display> Serialize for Parsed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}
