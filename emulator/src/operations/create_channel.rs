//! `CreateChannel`: have the service deliver what a stream takes from now on.
//!
//! * One stream and one destination per channel; two channels per stream, one
//!   per type of destination (guide). On-demand streams only.
//! * Roles, buckets, tables, schemas and keys are stored and shown, never looked
//!   for: nothing fails for want of them.
//! * What the request leaves out is filled in, and shown (model text).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateChannel.html>

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::channel::{Bucket, Channel, DeadLetterBucket, Destination, Logging, Table};
use crate::engine::transition::Transition;
use crate::model::arn::ChannelAddress;
use crate::model::channel::{
    BucketArn, BucketOwner, ChannelDestinationType, ChannelEncryptionType, ChannelId, ChannelName,
    ChannelStatus, DataFreshnessInSeconds, ErrorOutputPrefix, LogGroupName, LogStreamName,
    OutputKeyTemplate, PartitionSourceName, PartitionTransform, RecordFormatType, RoleArn,
    S3CompressionType, S3StorageClass, S3TablesCompressionType, SchemaArn, TableBucketArn,
    TableName, TableNamespace,
};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, KmsAccessDenied, KmsDisabled, KmsInvalidState,
    KmsNotFound, KmsOptInRequired, KmsThrottling, LimitExceeded, ResourceInUse, ResourceNotFound,
    Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, KeyId};
use crate::model::status::StreamMode;
use crate::model::tags;
use crate::wire::emit::answer;
use crate::wire::shape::{List, TagMap, shape};

use super::add_tags_to_stream::require_taggable;
use super::call::parse_arn;
use super::describe_channel::ChannelDescription;
use super::resource::check_tag_count_of;
use super::{Call, Operation};

pub(crate) struct CreateChannel;

shape! {
    pub(crate) struct CreateChannelInput {
        "ChannelName" => name: ChannelName,
        "ServiceExecutionRoleARN" => role: RoleArn,
        "StreamConfigurationList" => streams: List<ChannelStreamConfiguration, 1, 10000>,
        "S3DestinationConfiguration" => bucket: Option<S3DestinationConfiguration>,
        "S3TablesDestinationConfiguration" => table: Option<S3TablesDestinationConfiguration>,
        "EncryptionConfiguration" => encryption: Option<ChannelEncryptionConfiguration>,
        "Tags" => tags: Option<TagMap>,
        "LoggingConfiguration" => logging: Option<ChannelLoggingConfiguration>,
    }
}

shape! {
    pub(crate) struct ChannelStreamConfiguration {
        "StreamARN" => stream_arn: GivenStreamArn,
        "RecordConfiguration" => records: RecordConfiguration,
    }
}

shape! {
    pub(crate) struct RecordConfiguration {
        "RecordFormatType" => format: RecordFormatType,
        "GSRSchemaARN" => schema: Option<SchemaArn>,
    }
}

shape! {
    pub(crate) struct S3DestinationConfiguration {
        "DataFreshnessInSeconds" => freshness: Option<DataFreshnessInSeconds>,
        "DeadLetterQueueS3Configuration" => dead_letters: Option<DeadLetterQueueS3Configuration>,
        "StorageConfiguration" => storage: S3StorageConfiguration,
    }
}

shape! {
    pub(crate) struct S3StorageConfiguration {
        "BucketARN" => arn: BucketArn,
        "ExpectedBucketOwner" => owner: BucketOwner,
        "OutputKeyTemplate" => key_template: Option<OutputKeyTemplate>,
        "StorageClass" => storage_class: Option<S3StorageClass>,
        "CompressionType" => compression: S3CompressionType,
    }
}

shape! {
    pub(crate) struct DeadLetterQueueS3Configuration {
        "BucketARN" => arn: BucketArn,
        "ExpectedBucketOwner" => owner: BucketOwner,
        "ErrorOutputPrefix" => prefix: Option<ErrorOutputPrefix>,
    }
}

shape! {
    pub(crate) struct S3TablesDestinationConfiguration {
        "DataFreshnessInSeconds" => freshness: Option<DataFreshnessInSeconds>,
        "DeadLetterQueueS3Configuration" => dead_letters: DeadLetterQueueS3Configuration,
        "S3TablesConfigurationList" => tables: List<S3TablesConfiguration, 1, 10000>,
    }
}

shape! {
    pub(crate) struct S3TablesConfiguration {
        "TableBucketARN" => bucket: TableBucketArn,
        "Namespace" => namespace: TableNamespace,
        "TableName" => name: TableName,
        "CompressionType" => compression: S3TablesCompressionType,
        "PartitionSpec" => partitions: Option<PartitionSpec>,
    }
}

shape! {
    pub(crate) struct PartitionSpec {
        "PartitionFields" => fields: List<PartitionField, 1, 10>,
    }
}

shape! {
    pub(crate) struct PartitionField {
        "Transform" => _transform: PartitionTransform,
        "SourceName" => source: PartitionSourceName,
    }
}

shape! {
    pub(crate) struct ChannelEncryptionConfiguration {
        "EncryptionType" => _kind: ChannelEncryptionType,
        "KeyId" => key: KeyId,
    }
}

shape! {
    pub(crate) struct ChannelLoggingConfiguration {
        "CloudWatchLogs" => logs: CloudWatchLogs,
    }
}

shape! {
    pub(crate) struct CloudWatchLogs {
        "Enabled" => enabled: bool,
        "LogGroupName" => group: Option<LogGroupName>,
        "LogStreamName" => stream: Option<LogStreamName>,
    }
}

answer! {
    /// What is answered when a channel is made, changed or described.
    pub(crate) struct ChannelOutput {
        "ChannelDescription" => description: ChannelDescription,
    }
}

impl Operation for CreateChannel {
    type Input = CreateChannelInput;
    type Output = ChannelOutput;
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ResourceInUse,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        KmsDisabled,
        KmsInvalidState,
        KmsAccessDenied,
        KmsNotFound,
        KmsOptInRequired,
        KmsThrottling,
        AccessDenied,
    ];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: CreateChannelInput, call: &Call<'_>) -> Result<ChannelOutput, ApiError> {
        let source = only_one(input.streams, "StreamConfigurationList")?;
        let id = ChannelId::new(call.engine.entropy.draw_16_bytes());
        let delivery = match (input.bucket, input.table) {
            (Some(bucket), None) => Delivery::to_bucket(bucket, &input.name, &id)?,
            (None, Some(table)) => Delivery::to_table(table)?,
            _ => return Err(ApiError::one_destination()),
        };
        let kind = delivery.destination.kind();
        check_format(&source.records, kind)?;
        let key = input.encryption.map(|encryption| encryption.key);
        check_key(key.as_ref(), kind)?;
        let tags = input.tags.map_or_else(BTreeMap::new, |TagMap(tags)| tags);
        tags::check(&tags)?;
        tags::refuse_percent(&tags)?;

        let (realm, stream) = call.stream_at(&parse_arn(&source.stream_arn)?)?;
        let (stream_name, account) = (&stream.address.name, stream.account());
        let address = ChannelAddress { realm: realm.id().clone(), id: id.clone() };
        check_tag_count_of(&address, tags.len())?;
        // Names and channels are counted for the account.
        let _quota = realm.hold_quota();
        let taken = realm.has_channel_named(&input.name);
        let description = stream.change(|state| {
            if state.mode != StreamMode::OnDemand {
                return Err(ApiError::channels_need_on_demand(stream_name));
            }
            require_taggable(&stream, state)?;
            if taken {
                return Err(ApiError::channel_exists(&input.name, account));
            }
            if state.channels.values().any(|channel| channel.destination.kind() == kind) {
                return Err(ApiError::channel_limit(stream_name, account, kind));
            }
            let channel = Channel {
                address,
                created: call.now,
                status: ChannelStatus::Creating,
                role: input.role,
                format: source.records.format,
                schema: source.records.schema,
                destination: delivery.destination,
                freshness: delivery.freshness,
                dead_letters: delivery.dead_letters,
                key,
                logging: logging(input.logging, &input.name, &id),
                name: input.name,
                tags,
                policy: None,
            };
            let description = ChannelDescription::of(&channel, &stream);
            state.channels.insert(id.clone(), channel);
            Ok(description)
        })?;
        realm.begin(&stream, Transition::ChannelReady { id }, call.settings(), call.now);
        Ok(ChannelOutput { description })
    }
}

/// What the two types of destination have in common.
struct Delivery {
    destination: Destination,
    freshness: Duration,
    dead_letters: DeadLetterBucket,
}

impl Delivery {
    fn to_bucket(
        asked: S3DestinationConfiguration,
        name: &ChannelName,
        id: &ChannelId,
    ) -> Result<Self, ApiError> {
        let S3StorageConfiguration { arn, owner, key_template, storage_class, compression } =
            asked.storage;
        let key_template = key_template.unwrap_or_else(OutputKeyTemplate::standard);
        key_template.check()?;
        let dead_letters = asked.dead_letters.map_or_else(
            || DeadLetterBucket {
                arn: arn.clone(),
                owner: owner.clone(),
                prefix: Some(ErrorOutputPrefix::standard(name, id)),
            },
            DeadLetterBucket::from,
        );
        let storage_class = storage_class.unwrap_or(S3StorageClass::Standard);
        let bucket = Bucket { arn, owner, key_template, storage_class, compression };
        let freshness = freshness(asked.freshness)?;
        Ok(Self { destination: Destination::Bucket(bucket), freshness, dead_letters })
    }

    fn to_table(asked: S3TablesDestinationConfiguration) -> Result<Self, ApiError> {
        let S3TablesConfiguration { bucket, namespace, name, compression, partitions } =
            only_one(asked.tables, "S3TablesConfigurationList")?;
        let partitioned_by =
            partitions.map(|spec| spec.fields.0.into_iter().map(|field| field.source).collect());
        let table = Table { bucket, namespace, name, compression, partitioned_by };
        Ok(Self {
            destination: Destination::Table(table),
            freshness: freshness(asked.freshness)?,
            dead_letters: asked.dead_letters.into(),
        })
    }
}

impl From<DeadLetterQueueS3Configuration> for DeadLetterBucket {
    fn from(asked: DeadLetterQueueS3Configuration) -> Self {
        let DeadLetterQueueS3Configuration { arn, owner, prefix } = asked;
        Self { arn, owner, prefix }
    }
}

/// The only element of a list that the model lets be longer.
fn only_one<T, const MIN: usize, const MAX: usize>(
    list: List<T, MIN, MAX>,
    member: &str,
) -> Result<T, ApiError> {
    <[T; 1]>::try_from(list.0).map(|[only]| only).map_err(|_| ApiError::one_element(member))
}

fn freshness(asked: Option<DataFreshnessInSeconds>) -> Result<Duration, ApiError> {
    asked.map_or(Ok(DataFreshnessInSeconds::DEFAULT), DataFreshnessInSeconds::checked)
}

/// Which formats a destination takes (model text). A table needs a schema; with
/// GSR_JSON each record names its own (guide).
fn check_format(
    records: &RecordConfiguration,
    destination: ChannelDestinationType,
) -> Result<(), ApiError> {
    use ChannelDestinationType::{S3, S3Tables};
    use RecordFormatType::{ByteArray, GsrJson, Json, String};

    match (destination, records.format) {
        (S3, GsrJson) | (S3Tables, String | ByteArray) => {
            Err(ApiError::record_format_unsupported(records.format, destination))
        }
        (S3Tables, Json) if records.schema.is_none() => Err(ApiError::schema_missing()),
        (S3, Json | String | ByteArray) | (S3Tables, Json | GsrJson) => Ok(()),
    }
}

/// The service's own key is refused (model text), and a table needs the ARN of
/// a key (guide).
fn check_key(key: Option<&KeyId>, destination: ChannelDestinationType) -> Result<(), ApiError> {
    let Some(key) = key.map(KeyId::as_str) else { return Ok(()) };
    let alias = key.rsplit_once(":alias/").map_or(key, |(_, alias)| alias);
    if alias.strip_prefix("alias/").unwrap_or(alias) == "aws/kinesis" {
        return Err(ApiError::channel_key_is_services_own());
    }
    let is_key_arn = key.starts_with("arn:") && key.contains(":key/");
    if destination == ChannelDestinationType::S3Tables && !is_key_arn {
        return Err(ApiError::channel_key_needs_arn());
    }
    Ok(())
}

/// Off unless it is asked for (inferred); the names are filled in either way.
fn logging(
    asked: Option<ChannelLoggingConfiguration>,
    name: &ChannelName,
    id: &ChannelId,
) -> Logging {
    let (enabled, group, stream) = asked.map_or((false, None, None), |asked| {
        let CloudWatchLogs { enabled, group, stream } = asked.logs;
        (enabled, group, stream)
    });
    Logging {
        enabled,
        group: group.unwrap_or_else(|| LogGroupName::standard(name, id)),
        stream: stream.unwrap_or_else(LogStreamName::standard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::constraint::Constrained;

    #[test]
    fn the_services_own_key_is_known_by_each_of_its_names_and_no_other() {
        let accepts = |key: &str| {
            let key = KeyId::from_checked(key.into());
            check_key(Some(&key), ChannelDestinationType::S3).is_ok()
        };
        for own in [
            "aws/kinesis",
            "alias/aws/kinesis",
            "arn:aws:kms:us-east-1:000000000000:alias/aws/kinesis",
        ] {
            assert!(!accepts(own), "{own}");
        }
        for other in ["alias/laws/kinesis", "alias/orders", "1234", "arn:aws:kms:eu:0:key/1"] {
            assert!(accepts(other), "{other}");
        }
    }
}
