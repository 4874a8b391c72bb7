//! Channels. AWS documents only the kinds: every sentence is ours.

use crate::model::arn::AccountId;
use crate::model::channel::{ChannelDestinationType, ChannelName, ChannelStatus, RecordFormatType};
use crate::model::names::StreamName;

use super::ApiError;
use super::ErrorKind::{
    InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};

/// Describing and changing channels.
impl ApiError {
    pub(crate) fn channel_not_found(arn: &str) -> Self {
        Self::new(ResourceNotFound, format!("Channel {arn} not found."))
    }

    pub(crate) fn channel_not_active(
        channel: &ChannelName,
        account: &AccountId,
        status: ChannelStatus,
    ) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Channel {channel} under account {account} not ACTIVE, instead in state {status}"
            ),
        )
    }

    pub(crate) fn channel_delivers_elsewhere(
        channel: &ChannelName,
        account: &AccountId,
        destination: ChannelDestinationType,
    ) -> Self {
        Self::new(
            InvalidArgument,
            format!(
                "Channel {channel} under account {account} has a destination of type \
                 {destination}; the configuration of the other type cannot be updated."
            ),
        )
    }

    pub(crate) fn channel_update_empty() -> Self {
        Self::new(
            Validation,
            "At least one of S3DestinationConfiguration, S3TablesDestinationConfiguration and \
             LoggingConfiguration must be provided.",
        )
    }

    pub(crate) fn stream_has_channels(stream: &StreamName, account: &AccountId) -> Self {
        Self::new(
            ResourceInUse,
            format!(
                "Stream {stream} under account {account} has channels. Delete them with \
                 DeleteChannel first."
            ),
        )
    }
}

/// Making channels.
impl ApiError {
    pub(crate) fn channel_exists(channel: &ChannelName, account: &AccountId) -> Self {
        Self::new(
            ResourceInUse,
            format!("Channel {channel} under account {account} already exists."),
        )
    }

    pub(crate) fn channel_limit(
        stream: &StreamName,
        account: &AccountId,
        destination: ChannelDestinationType,
    ) -> Self {
        Self::new(
            LimitExceeded,
            format!(
                "Stream {stream} under account {account} already has a channel with a destination \
                 of type {destination}, which is the limit."
            ),
        )
    }

    pub(crate) fn one_destination() -> Self {
        Self::new(
            Validation,
            "Exactly one of S3DestinationConfiguration and S3TablesDestinationConfiguration must \
             be provided.",
        )
    }

    pub(crate) fn one_element(member: &str) -> Self {
        Self::new(Validation, format!("{member} must have exactly one element."))
    }

    pub(crate) fn channels_need_on_demand(stream: &StreamName) -> Self {
        Self::new(
            Validation,
            format!(
                "Channels are supported for streams with StreamMode ON_DEMAND only; \
                 stream {stream} is provisioned."
            ),
        )
    }

    pub(crate) fn record_format_unsupported(
        format: RecordFormatType,
        destination: ChannelDestinationType,
    ) -> Self {
        Self::new(
            Validation,
            format!(
                "RecordFormatType {format} is not supported for destinations of type {destination}."
            ),
        )
    }

    pub(crate) fn schema_missing() -> Self {
        Self::new(
            Validation,
            "GSRSchemaARN is required for RecordFormatType JSON and a destination of type \
             S3_TABLES.",
        )
    }

    pub(crate) fn data_freshness_out_of_range(seconds: i32) -> Self {
        Self::new(
            Validation,
            format!("DataFreshnessInSeconds must be between 300 and 900; {seconds} was given."),
        )
    }

    pub(crate) fn key_template_malformed(template: &str) -> Self {
        Self::new(
            Validation,
            format!("OutputKeyTemplate {template} has a variable without a name or an end."),
        )
    }

    pub(crate) fn channel_key_is_services_own() -> Self {
        Self::new(
            Validation,
            "EncryptionConfiguration needs a customer managed key; aws/kinesis is not one.",
        )
    }

    pub(crate) fn channel_key_needs_arn() -> Self {
        Self::new(
            Validation,
            "EncryptionConfiguration of a destination of type S3_TABLES needs the ARN of a key.",
        )
    }
}
