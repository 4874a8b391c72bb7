//! Channels of a stream: what the service delivers, and where to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::arn::ChannelAddress;
use crate::model::channel::{
    BucketArn, BucketOwner, ChannelDestinationType, ChannelName, ChannelStatus, ErrorOutputPrefix,
    LogGroupName, LogStreamName, OutputKeyTemplate, PartitionSourceName, RecordFormatType, RoleArn,
    S3CompressionType, S3StorageClass, S3TablesCompressionType, SchemaArn, TableBucketArn,
    TableName, TableNamespace,
};
use crate::model::names::{KeyId, PolicyText, TagKey, TagValue};
use crate::model::timestamp::Timestamp;

/// A delivery job, from CreateChannel to the end of DELETING.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) address: ChannelAddress,
    pub(crate) name: ChannelName,
    pub(crate) created: Timestamp,
    pub(crate) status: ChannelStatus,
    pub(crate) role: RoleArn,
    pub(crate) format: RecordFormatType,
    pub(crate) schema: Option<SchemaArn>,
    pub(crate) destination: Destination,
    /// How old data may become before it is delivered.
    pub(crate) freshness: Duration,
    pub(crate) dead_letters: DeadLetterBucket,
    /// The key that delivered data is encrypted with, if there is one.
    pub(crate) key: Option<KeyId>,
    pub(crate) logging: Logging,
    pub(crate) tags: BTreeMap<TagKey, TagValue>,
    pub(crate) policy: Option<PolicyText>,
}

/// Where a channel delivers to.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    Bucket(Bucket),
    Table(Table),
}

impl Destination {
    /// Its kind, as the API names it.
    pub(crate) fn kind(&self) -> ChannelDestinationType {
        match self {
            Self::Bucket(_) => ChannelDestinationType::S3,
            Self::Table(_) => ChannelDestinationType::S3Tables,
        }
    }
}

/// Objects in a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) arn: BucketArn,
    pub(crate) owner: BucketOwner,
    pub(crate) key_template: OutputKeyTemplate,
    pub(crate) storage_class: S3StorageClass,
    pub(crate) compression: S3CompressionType,
}

/// A table that the service makes.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) bucket: TableBucketArn,
    pub(crate) namespace: TableNamespace,
    pub(crate) name: TableName,
    pub(crate) compression: S3TablesCompressionType,
    /// The columns whose hour it is partitioned by, if it is.
    pub(crate) partitioned_by: Option<Vec<PartitionSourceName>>,
}

/// Where records go that cannot be delivered.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetterBucket {
    pub(crate) arn: BucketArn,
    pub(crate) owner: BucketOwner,
    pub(crate) prefix: Option<ErrorOutputPrefix>,
}

/// What a channel would tell CloudWatch Logs.
#[derive(Debug, Clone)]
pub(crate) struct Logging {
    pub(crate) enabled: bool,
    pub(crate) group: LogGroupName,
    pub(crate) stream: LogStreamName,
}
