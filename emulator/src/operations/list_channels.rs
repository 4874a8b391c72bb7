//! `ListChannels`: the account's channels by name, in pages of at most 100.
//!
//! * Several filters: a channel passes if it passes one of them (inferred).
//! * A page token carries the streams that the filters meant; the filters may
//!   be sent again with it, as the SDK's paginator does, or left out.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListChannels.html>

use std::collections::BTreeSet;

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

use super::call::parse_arn;
use super::page::SealedToken;
use super::{Call, Operation, page};

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
        let filters = input.filters.map(|List(filters)| read(&filters)).transpose()?;
        let (after, paged) = match &input.next_token {
            Some(token) => page::open(call, TokenKind::ChannelPage, token, |fields| {
                let after = ChannelName::from_token(fields.next()?)?;
                let paged = match fields.next() {
                    Some(field) => Some(incarnations(field)?),
                    None => None,
                };
                Some((Some(after), paged))
            })?,
            None => (None, None),
        };
        let mut streams = call.own_realm().streams();
        streams.retain(|stream| {
            let passes = |filters: &Vec<Filter>| filters.iter().any(|filter| filter.means(stream));
            filters.as_ref().is_none_or(passes)
                && paged.as_ref().is_none_or(|paged| paged.contains(&stream.incarnation))
        });
        let mut channels: Vec<_> = streams
            .iter()
            .flat_map(|stream| {
                let state = stream.state();
                let channels = state.channels.values();
                channels.map(|channel| ChannelSummary::of(channel, stream)).collect::<Vec<_>>()
            })
            .filter(|channel| after.as_ref().is_none_or(|after| channel.name > *after))
            .collect();
        channels.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let size = input.max_results.map_or(CHANNELS_PER_PAGE, |limit| limit.get() as usize);
        let (channels, more) = page::cut(channels.into_iter(), size.min(CHANNELS_PER_PAGE));
        let next_token = channels.last().filter(|_| more).map(|last| {
            let filtered = filters.is_some() || paged.is_some();
            let meant = streams.iter().filter(|_| filtered);
            let meant: Vec<_> = meant.map(|stream| stream.incarnation.to_string()).collect();
            let meant = meant.join(",");
            let fields: [&dyn std::fmt::Display; 2] = [&last.name, &meant];
            page::seal(call, TokenKind::ChannelPage, &fields[..1 + usize::from(filtered)])
        });
        Ok(ListChannelsOutput { channels, next_token })
    }
}

/// Which streams of a name a channel may belong to.
struct Filter {
    stream: StreamAddress,
    /// The second in which it was made, if that matters.
    created_seconds: Option<i64>,
}

impl Filter {
    fn means(&self, stream: &Stream) -> bool {
        let made = stream.created.as_seconds() as i64;
        self.stream == stream.address && self.created_seconds.is_none_or(|asked| asked == made)
    }
}

/// # Errors
/// If an ARN is not a stream's.
fn read(filters: &[StreamFilter]) -> Result<Vec<Filter>, ApiError> {
    let read = |filter: &StreamFilter| {
        Ok(Filter {
            stream: parse_arn(&filter.stream_arn)?,
            created_seconds: filter.stream_created.map(Epoch::as_seconds),
        })
    };
    filters.iter().map(read).collect()
}

/// The streams that a page token carries.
fn incarnations(field: &str) -> Option<BTreeSet<u64>> {
    field.split(',').map(|incarnation| incarnation.parse().ok()).collect()
}
