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
pub(super) const FORMAT: &str = "kinesis-emulator-snapshot";
/// The version that is written, and the newest that is read.
pub(super) const VERSION: u64 = 1;

/// What every version's first line has.
#[derive(serde::Deserialize)]
pub(super) struct Announcement<'a> {
    #[serde(borrow)]
    pub(super) format: Cow<'a, str>,
    pub(super) version: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u64,
    pub(super) taken: u64,
    pub(super) ids: DrawnRow,
    pub(super) request_ids: DrawnRow,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DrawnRow {
    pub(super) seed: u64,
    pub(super) draws: u64,
}

/// A line after the first.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Row<'a> {
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
pub(super) struct RealmRow {
    pub(super) account: Parsed<AccountId>,
    pub(super) region: Parsed<Region>,
    pub(super) commitment: CommitmentRow,
    /// Names that are free again, with the second at which the last stream of
    /// each was made.
    pub(super) retired_seconds: BTreeMap<Text<StreamName>, u64>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitmentRow {
    pub(super) started: Option<u64>,
    pub(super) ended: Option<u64>,
    pub(super) ends_early: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamRow {
    pub(super) name: Text<StreamName>,
    pub(super) incarnation: u64,
    pub(super) created: u64,
    pub(super) created_seconds: u64,
    pub(super) auto_turn: u64,
    pub(super) status: Text<StreamStatus>,
    pub(super) mode: Text<StreamMode>,
    pub(super) retention_seconds: u64,
    pub(super) expired_before: u64,
    pub(super) encryption: Text<EncryptionType>,
    pub(super) key: Option<Text<KeyId>>,
    pub(super) distribution: Text<RecordDistributionStrategy>,
    pub(super) max_record_size_kib: Number<MaxRecordSizeInKiB>,
    pub(super) tags: Tags,
    pub(super) shard_level_metrics: Vec<Text<MetricsName>>,
    pub(super) policy: Option<Text<PolicyText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) channels: Vec<ChannelRow>,
    pub(super) consumers: Vec<ConsumerRow>,
    pub(super) registrations_seconds: BTreeMap<Text<ConsumerName>, u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) queues: Vec<QueueRow>,
    pub(super) warm_throughput: Option<u32>,
    pub(super) planned_shards: u32,
    pub(super) rescalings: Vec<u64>,
    pub(super) mode_switches: Vec<u64>,
    pub(super) encryption_starts: Vec<u64>,
    pub(super) encryption_stops: Vec<u64>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelRow {
    pub(super) id: Text<ChannelId>,
    pub(super) name: Text<ChannelName>,
    pub(super) created: u64,
    pub(super) status: Text<ChannelStatus>,
    pub(super) role: Text<RoleArn>,
    pub(super) format: Text<RecordFormatType>,
    pub(super) schema: Option<Text<SchemaArn>>,
    pub(super) destination: DestinationRow,
    pub(super) freshness_seconds: u64,
    pub(super) dead_letters: DeadLettersRow,
    pub(super) key: Option<Text<KeyId>>,
    pub(super) logging: LoggingRow,
    pub(super) tags: Tags,
    pub(super) policy: Option<Text<PolicyText>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum DestinationRow {
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
pub(super) struct DeadLettersRow {
    pub(super) bucket: Text<BucketArn>,
    pub(super) owner: Text<BucketOwner>,
    pub(super) prefix: Option<Text<ErrorOutputPrefix>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoggingRow {
    pub(super) enabled: bool,
    pub(super) group: Text<LogGroupName>,
    pub(super) stream: Text<LogStreamName>,
}

pub(super) type Tags = BTreeMap<Text<TagKey>, Text<TagValue>>;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsumerRow {
    pub(super) name: Text<ConsumerName>,
    pub(super) created_seconds: u64,
    pub(super) created: u64,
    pub(super) status: Text<ConsumerStatus>,
    pub(super) tags: Tags,
    pub(super) policy: Option<Text<PolicyText>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueRow {
    pub(super) name: Text<QueueName>,
    pub(super) id: Parsed<QueueId>,
    pub(super) created: u64,
    pub(super) status: Text<QueueStatus>,
    pub(super) start: Text<QueueStartingPositionType>,
    pub(super) start_asked: Option<u64>,
    pub(super) start_effective: u64,
    pub(super) visibility_seconds: Number<VisibilityTimeoutSeconds>,
    pub(super) max_receive_count: Option<Number<MaxReceiveCount>>,
    /// The same as it is in force: an update changes it when it ends.
    pub(super) set_aside_after: Option<u32>,
    pub(super) tags: Tags,
    pub(super) policy: Option<Text<PolicyText>>,
    /// By shard, the index of the next record that was never handed out.
    pub(super) next: BTreeMap<u32, u64>,
    /// Records that were handed out and are not done.
    pub(super) records: Vec<DeliveryRow>,
    /// Records that are done: shard, index, and how often they were handed out.
    pub(super) acknowledged: Vec<(u32, u64, u32)>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryRow {
    pub(super) shard: u32,
    pub(super) index: u64,
    pub(super) first_received: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hidden_until: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dead: bool,
    pub(super) receives: u32,
    pub(super) handed_out: u32,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardRow {
    pub(super) number: u32,
    pub(super) first_hash_key: Parsed<u128>,
    pub(super) last_hash_key: Parsed<u128>,
    pub(super) parent: Option<u32>,
    pub(super) adjacent_parent: Option<u32>,
    pub(super) created_seconds: u64,
    pub(super) opened: u64,
    pub(super) closed: Option<u64>,
    pub(super) ended_seconds: u64,
    /// Index of the oldest record, or of the next one if there is none.
    pub(super) first_index: u64,
    /// When the newest record arrived that there ever was.
    pub(super) newest: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordRow<'a> {
    pub(super) arrival: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) encrypted: bool,
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
}

/// A change that is under way: when it ends, of which stream, and what it is.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRow {
    pub(super) at: u64,
    pub(super) stream: Text<StreamName>,
    pub(super) becomes: Becomes,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Becomes {
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
pub(super) struct EndRow {
    pub(super) realms: u64,
    pub(super) streams: u64,
    pub(super) shards: u64,
    pub(super) records: u64,
    pub(super) changes: u64,
    pub(super) crc32: u32,
}

/// A text of the model within its constraints.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

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
pub(super) struct Number<T>(pub(super) T);

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
pub(super) struct Parsed<T>(pub(super) T);

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
