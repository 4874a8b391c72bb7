//! `DescribeChannel`: a channel with everything that was asked for or filled in.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeChannel.html>

use crate::engine::channel::{Bucket, Channel, DeadLetterBucket, Destination, Logging, Table};
use crate::engine::stream::Stream;
use crate::model::arn::{ChannelAddress, StreamAddress};
use crate::model::channel::{
    BucketArn, BucketOwner, ChannelEncryptionType, ChannelId, ChannelName, ChannelStatus,
    ErrorOutputPrefix, GivenChannelArn, LogGroupName, LogStreamName, OutputKeyTemplate,
    PartitionSourceName, PartitionTransform, RecordFormatType, RoleArn, S3CompressionType,
    S3StorageClass, S3TablesCompressionType, SchemaArn, TableBucketArn, TableName, TableNamespace,
};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::KeyId;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::create_channel::ChannelOutput;
use super::{Call, Operation};

pub(crate) struct DescribeChannel;

shape! {
    pub(crate) struct ChannelInput {
        "ChannelARN" => arn: GivenChannelArn,
    }
}

answer! {
    pub(crate) struct ChannelDescription {
        "ChannelName" => name: ChannelName,
        "ChannelARN" => arn: ChannelAddress,
        "ChannelId" => id: ChannelId,
        "ChannelStatus" => status: ChannelStatus,
        "ChannelCreationTimestamp" => created: Timestamp,
        "ServiceExecutionRoleARN" => role: RoleArn,
        "StreamConfigurationList" => streams: Vec<ChannelStreamDescription>,
        "S3DestinationConfiguration" => bucket: Option<S3DestinationDescription>,
        "S3TablesDestinationConfiguration" => table: Option<S3TablesDestinationDescription>,
        "EncryptionConfiguration" => encryption: Option<ChannelEncryption>,
        "LoggingConfiguration" => logging: ChannelLogging,
    }
}

answer! {
    pub(crate) struct ChannelStreamDescription {
        "StreamARN" => arn: StreamAddress,
        "StreamCreationTimestamp" => created: Timestamp,
        "RecordConfiguration" => records: RecordDescription,
    }
}

answer! {
    pub(crate) struct RecordDescription {
        "RecordFormatType" => format: RecordFormatType,
        "GSRSchemaARN" => schema: Option<SchemaArn>,
    }
}

answer! {
    pub(crate) struct S3DestinationDescription {
        "DataFreshnessInSeconds" => freshness_seconds: u32,
        "DeadLetterQueueS3Configuration" => dead_letters: DeadLetterDescription,
        "StorageConfiguration" => storage: S3StorageDescription,
    }
}

answer! {
    pub(crate) struct S3StorageDescription {
        "BucketARN" => arn: BucketArn,
        "ExpectedBucketOwner" => owner: BucketOwner,
        "OutputKeyTemplate" => key_template: Option<OutputKeyTemplate>,
        "StorageClass" => storage_class: Option<S3StorageClass>,
        "CompressionType" => compression: S3CompressionType,
    }
}

answer! {
    pub(crate) struct DeadLetterDescription {
        "BucketARN" => arn: BucketArn,
        "ExpectedBucketOwner" => owner: BucketOwner,
        "ErrorOutputPrefix" => prefix: Option<ErrorOutputPrefix>,
    }
}

answer! {
    pub(crate) struct S3TablesDestinationDescription {
        "DataFreshnessInSeconds" => freshness_seconds: u32,
        "DeadLetterQueueS3Configuration" => dead_letters: DeadLetterDescription,
        "S3TablesConfigurationList" => tables: Vec<TableDescription>,
    }
}

answer! {
    pub(crate) struct TableDescription {
        "TableBucketARN" => bucket: TableBucketArn,
        "Namespace" => namespace: TableNamespace,
        "TableName" => name: TableName,
        "CompressionType" => compression: S3TablesCompressionType,
        "PartitionSpec" => partitions: Option<PartitionDescription>,
    }
}

answer! {
    pub(crate) struct PartitionDescription {
        "PartitionFields" => fields: Vec<PartitionFieldDescription>,
    }
}

answer! {
    pub(crate) struct PartitionFieldDescription {
        "Transform" => transform: PartitionTransform,
        "SourceName" => source: PartitionSourceName,
    }
}

answer! {
    pub(crate) struct ChannelEncryption {
        "EncryptionType" => kind: ChannelEncryptionType,
        "KeyId" => key: KeyId,
    }
}

answer! {
    pub(crate) struct ChannelLogging {
        "CloudWatchLogs" => logs: CloudWatchLogsDescription,
    }
}

answer! {
    pub(crate) struct CloudWatchLogsDescription {
        "Enabled" => enabled: bool,
        "LogGroupName" => group: Option<LogGroupName>,
        "LogStreamName" => stream: Option<LogStreamName>,
    }
}

impl Operation for DescribeChannel {
    type Input = ChannelInput;
    type Output = ChannelOutput;
    const ERRORS: &'static [ErrorKind] =
        &[Validation, ResourceNotFound, LimitExceeded, InvalidArgument, AccessDenied];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ChannelInput, call: &Call<'_>) -> Result<ChannelOutput, ApiError> {
        let (_, stream, id) = call.channel(&input.arn)?;
        let state = stream.state();
        let channel = state.channels.get(&id);
        let channel = channel.ok_or_else(|| ApiError::channel_not_found(input.arn.as_str()))?;
        Ok(ChannelOutput { description: ChannelDescription::of(channel, &stream) })
    }
}

impl ChannelDescription {
    /// Describes a channel of a stream.
    pub(super) fn of(channel: &Channel, stream: &Stream) -> Self {
        let (bucket, table) = match &channel.destination {
            Destination::Bucket(bucket) => (Some(of_bucket(bucket, channel)), None),
            Destination::Table(table) => (None, Some(of_table(table, channel))),
        };
        let Logging { enabled, group, stream: log_stream } = channel.logging.clone();
        Self {
            name: channel.name.clone(),
            arn: channel.address.clone(),
            id: channel.address.id.clone(),
            status: channel.status,
            created: channel.created,
            role: channel.role.clone(),
            streams: vec![ChannelStreamDescription {
                arn: stream.address.clone(),
                created: stream.created,
                records: RecordDescription {
                    format: channel.format,
                    schema: channel.schema.clone(),
                },
            }],
            bucket,
            table,
            encryption: channel
                .key
                .clone()
                .map(|key| ChannelEncryption { kind: ChannelEncryptionType::Kms, key }),
            logging: ChannelLogging {
                logs: CloudWatchLogsDescription {
                    enabled,
                    group: Some(group),
                    stream: Some(log_stream),
                },
            },
        }
    }
}

fn of_bucket(bucket: &Bucket, channel: &Channel) -> S3DestinationDescription {
    let Bucket { arn, owner, key_template, storage_class, compression } = bucket.clone();
    S3DestinationDescription {
        freshness_seconds: channel.freshness.as_secs() as u32,
        dead_letters: of_dead_letters(&channel.dead_letters),
        storage: S3StorageDescription {
            arn,
            owner,
            key_template: Some(key_template),
            storage_class: Some(storage_class),
            compression,
        },
    }
}

fn of_table(table: &Table, channel: &Channel) -> S3TablesDestinationDescription {
    let Table { bucket, namespace, name, compression, partitioned_by } = table.clone();
    let transform = PartitionTransform::TimeHour;
    let field = |source| PartitionFieldDescription { transform, source };
    let partitions = partitioned_by
        .map(|sources| PartitionDescription { fields: sources.into_iter().map(field).collect() });
    S3TablesDestinationDescription {
        freshness_seconds: channel.freshness.as_secs() as u32,
        dead_letters: of_dead_letters(&channel.dead_letters),
        tables: vec![TableDescription { bucket, namespace, name, compression, partitions }],
    }
}

fn of_dead_letters(bucket: &DeadLetterBucket) -> DeadLetterDescription {
    let DeadLetterBucket { arn, owner, prefix } = bucket.clone();
    DeadLetterDescription { arn, owner, prefix }
}
