//! `ListStreams`: the caller's streams by name, in pages of at most 100.
//!
//! * Pages go on by `NextToken` or by `ExclusiveStartStreamName`, which need
//!   not exist; both together are refused (ours).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreams.html>

use crate::engine::stream::Stream;
use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{self, ExpiredNextToken, InvalidArgument, LimitExceeded};
use crate::model::limits::Rate;
use crate::model::names::{GivenNextToken, StreamName};
use crate::model::numbers::ListStreamsLimit;
use crate::model::seal::TokenKind;
use crate::model::status::StreamStatus;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::page::SealedToken;
use super::shapes::StreamModeDescription;
use super::{Call, Operation, page};

/// Most streams in one answer (model text).
const STREAMS_PER_PAGE: usize = 100;

pub(crate) struct ListStreams;

shape! {
    pub(crate) struct ListStreamsInput {
        "Limit" => limit: Option<ListStreamsLimit>,
        "ExclusiveStartStreamName" => exclusive_start: Option<StreamName>,
        "NextToken" => next_token: Option<GivenNextToken>,
    }
}

answer! {
    pub(crate) struct ListStreamsOutput {
        "StreamNames" => names: Vec<StreamName>,
        "HasMoreStreams" => has_more_streams: bool,
        "NextToken" => next_token: Option<SealedToken>,
        "StreamSummaries" => summaries: Option<Vec<StreamSummary>>,
    }
}

answer! {
    pub(crate) struct StreamSummary {
        "StreamName" => name: StreamName,
        "StreamARN" => arn: StreamAddress,
        "StreamStatus" => status: StreamStatus,
        "StreamModeDetails" => mode: Option<StreamModeDescription>,
        "StreamCreationTimestamp" => created: Option<Timestamp>,
    }
}

impl Operation for ListStreams {
    type Input = ListStreamsInput;
    type Output = ListStreamsOutput;
    const ERRORS: &'static [ErrorKind] = &[LimitExceeded, ExpiredNextToken, InvalidArgument];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ListStreamsInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let after = match (input.exclusive_start, input.next_token) {
            (Some(_), Some(_)) => {
                return Err(ApiError::token_together_with("ExclusiveStartStreamName"));
            }
            (Some(name), None) => Some(name),
            (None, Some(token)) => {
                Some(page::open(call, TokenKind::StreamPage, &token, |fields| {
                    fields.next().and_then(StreamName::from_arn_resource)
                })?)
            }
            (None, None) => None,
        };
        let size = input.limit.map_or(STREAMS_PER_PAGE, |limit| limit.get() as usize);
        let streams = call.own_realm().streams();
        let follows =
            |stream: &Stream| after.as_ref().is_none_or(|name| stream.address.name > *name);
        let (streams, has_more_streams) =
            page::cut(streams.iter().filter(|stream| follows(stream)), size.min(STREAMS_PER_PAGE));
        let names: Vec<_> = streams.iter().map(|stream| stream.address.name.clone()).collect();
        let next_token = match names.last() {
            Some(last) if has_more_streams => {
                Some(page::seal(call, TokenKind::StreamPage, &[last]))
            }
            _ => None,
        };
        Ok(ListStreamsOutput {
            names,
            has_more_streams,
            next_token,
            summaries: Some(streams.into_iter().map(|stream| StreamSummary::of(stream)).collect()),
        })
    }
}

impl StreamSummary {
    fn of(stream: &Stream) -> Self {
        let state = stream.state();
        Self {
            name: stream.address.name.clone(),
            arn: stream.address.clone(),
            status: state.status,
            mode: Some(StreamModeDescription { mode: state.mode }),
            created: Some(stream.created),
        }
    }
}
