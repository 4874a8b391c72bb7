//! `UpdateChannel`: change how old data may become, or the logging.
//!
//! * The description shows the new values at once, with UPDATING (model text).
//! * What the request leaves out stays as it is.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateChannel.html>

use crate::engine::transition::Transition;
use crate::model::channel::{
    ChannelDestinationType, ChannelStatus, DataFreshnessInSeconds, GivenChannelArn, LogGroupName,
    LogStreamName,
};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::wire::shape::shape;

use super::create_channel::ChannelOutput;
use super::describe_channel::ChannelDescription;
use super::{Call, Operation};

pub(crate) struct UpdateChannel;

shape! {
    pub(crate) struct UpdateChannelInput {
        "ChannelARN" => arn: GivenChannelArn,
        "S3DestinationConfiguration" => bucket: Option<DestinationUpdate>,
        "S3TablesDestinationConfiguration" => table: Option<DestinationUpdate>,
        "LoggingConfiguration" => logging: Option<ChannelLoggingUpdate>,
    }
}

shape! {
    pub(crate) struct DestinationUpdate {
        "DataFreshnessInSeconds" => freshness: DataFreshnessInSeconds,
    }
}

shape! {
    pub(crate) struct ChannelLoggingUpdate {
        "CloudWatchLogs" => logs: CloudWatchLogsUpdate,
    }
}

shape! {
    pub(crate) struct CloudWatchLogsUpdate {
        "Enabled" => enabled: bool,
        "LogGroupName" => group: Option<LogGroupName>,
        "LogStreamName" => stream: Option<LogStreamName>,
    }
}

impl Operation for UpdateChannel {
    type Input = UpdateChannelInput;
    type Output = ChannelOutput;
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ResourceInUse,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        AccessDenied,
    ];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: UpdateChannelInput, call: &Call<'_>) -> Result<ChannelOutput, ApiError> {
        let UpdateChannelInput { arn, bucket, table, logging } = input;
        if bucket.is_none() && table.is_none() && logging.is_none() {
            return Err(ApiError::channel_update_empty());
        }
        let checked = |update: DestinationUpdate| update.freshness.checked();
        let of_bucket = bucket.map(checked).transpose()?;
        let of_table = table.map(checked).transpose()?;
        let (realm, stream, id) = call.channel(&arn)?;
        let description = stream.change(|state| {
            let channel = state.channels.get_mut(&id);
            let channel = channel.ok_or_else(|| ApiError::channel_not_found(arn.as_str()))?;
            let kind = channel.destination.kind();
            let (freshness, other) = match kind {
                ChannelDestinationType::S3 => (of_bucket, of_table),
                ChannelDestinationType::S3Tables => (of_table, of_bucket),
            };
            let account = stream.account();
            if other.is_some() {
                return Err(ApiError::channel_delivers_elsewhere(&channel.name, account, kind));
            }
            if channel.status != ChannelStatus::Active {
                return Err(ApiError::channel_not_active(&channel.name, account, channel.status));
            }
            channel.freshness = freshness.unwrap_or(channel.freshness);
            if let Some(ChannelLoggingUpdate { logs }) = logging {
                channel.logging.enabled = logs.enabled;
                if let Some(group) = logs.group {
                    channel.logging.group = group;
                }
                if let Some(stream) = logs.stream {
                    channel.logging.stream = stream;
                }
            }
            channel.status = ChannelStatus::Updating;
            Ok(ChannelDescription::of(channel, &stream))
        })?;
        realm.begin(&stream, Transition::ChannelReady { id }, call.settings(), call.now);
        Ok(ChannelOutput { description })
    }
}
