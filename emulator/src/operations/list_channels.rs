//! `ListChannels`: the account's channels by name, in pages of at most 100.
//!
//! * Several filters: a channel passes if it passes one of them (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListChannels.html>

use crate::engine::channel::Channel;
use crate::engine::stream::Stream;
use crate::model::arn::{ChannelAddress, StreamAddress};
use crate::model::channel::{
    ChannelDestinationType, ChannelId, ChannelName, ChannelStatus, ListChannelsLimit,
};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, ExpiredNextToken, InvalidArgument, LimitExceeded, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenNextToken, GivenStreamArn};
use crate::model::seal::TokenKind;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::primitive::Epoch;
use crate::wire::shape::{List, shape};

use super::page::SealedToken;
use super::stream_filter::Listed;
use super::{Call, Operation, stream_filter};

/// Most channels in one answer (model text).
const CHANNELS_PER_PAGE: usize = 100;

pub(crate) struct ListChannels;

shape! {
    pub(crate) struct ListChannelsInput {
        "StreamFilter" => filters: Option<List<StreamFilter, 1, 10000>>,
        "MaxResults" => max_results: Option<ListChannelsLimit>,
        "NextToken" => next_token: Option<GivenNextToken>,
    }
}

shape! {
    pub(crate) struct StreamFilter {
        "StreamARN" => stream_arn: GivenStreamArn,
        "StreamCreationTimestamp" => stream_created: Option<Epoch>,
    }
}

answer! {
    pub(crate) struct ListChannelsOutput {
        "ChannelSummaries" => channels: Vec<ChannelSummary>,
        "NextToken" => next_token: Option<SealedToken>,
    }
}

answer! {
    pub(crate) struct ChannelSummary {
        "ChannelName" => name: ChannelName,
        "ChannelARN" => arn: ChannelAddress,
        "ChannelId" => id: ChannelId,
        "ChannelStatus" => status: ChannelStatus,
        "ChannelCreationTimestamp" => created: Timestamp,
        "ChannelDestinationType" => destination: ChannelDestinationType,
        "Streams" => streams: Vec<ChannelStreamIdentifier>,
    }
}

answer! {
    pub(crate) struct ChannelStreamIdentifier {
        "StreamARN" => arn: StreamAddress,
        "StreamCreationTimestamp" => created: Timestamp,
    }
}

impl ChannelSummary {
    fn of(channel: &Channel, stream: &Stream) -> Self {
        Self {
            name: channel.name.clone(),
            arn: channel.address.clone(),
            id: channel.address.id.clone(),
            status: channel.status,
            created: channel.created,
            destination: channel.destination.kind(),
            streams: vec![ChannelStreamIdentifier {
                arn: stream.address.clone(),
                created: stream.created,
            }],
        }
    }
}

impl Operation for ListChannels {
    type Input = ListChannelsInput;
    type Output = ListChannelsOutput;
    const ERRORS: &'static [ErrorKind] =
        &[Validation, ExpiredNextToken, LimitExceeded, InvalidArgument, AccessDenied];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ListChannelsInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let filters = input.filters.map(|List(filters)| {
            let read = |filter: &StreamFilter| {
                stream_filter::StreamFilter::new(&filter.stream_arn, filter.stream_created)
            };
            filters.iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        let (kind, token) = (TokenKind::ChannelPage, input.next_token.as_ref());
        let filters = filters.transpose()?;
        let listed = Listed::new(filters.as_deref(), token, kind, ChannelName::from_token, call)?;
        let mut channels = Vec::new();
        for stream in &listed.streams {
            let state = stream.state();
            channels.extend(state.channels.values().map(|c| ChannelSummary::of(c, stream)));
        }
        let size = input.max_results.map_or(CHANNELS_PER_PAGE, |limit| limit.get() as usize);
        let size = size.min(CHANNELS_PER_PAGE);
        let (channels, next_token) =
            listed.page(channels, |channel| &channel.name, size, kind, call);
        Ok(ListChannelsOutput { channels, next_token })
    }
}
