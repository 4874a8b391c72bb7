//! `ListQueues`: the caller's queues by name, in pages of at most 100.
//!
//! * A queue is listed if its stream is any of those in `StreamFilter`; a stream
//!   that does not exist has none (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListQueues.html>

use crate::engine::queue::Queue;
use crate::engine::stream::Stream;
use crate::model::arn::{QueueAddress, StreamAddress};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, ExpiredNextToken, InternalFailure, InvalidArgument, LimitExceeded,
    Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenNextToken, GivenStreamArn, QueueName};
use crate::model::numbers::ListQueuesLimit;
use crate::model::seal::TokenKind;
use crate::model::status::QueueStatus;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::primitive::Epoch;
use crate::wire::shape::{List, shape};

use super::call::parse_arn;
use super::page::SealedToken;
use super::{Call, Operation, page};

/// Most queues in one answer (ours, as for consumers).
const QUEUES_PER_PAGE: usize = 100;

pub(crate) struct ListQueues;

shape! {
    pub(crate) struct ListQueuesInput {
        "MaxResults" => max_results: Option<ListQueuesLimit>,
        "NextToken" => next_token: Option<GivenNextToken>,
        "StreamFilter" => filter: Option<List<QueueStreamFilter, 1, 10000>>,
    }
}

shape! {
    pub(crate) struct QueueStreamFilter {
        "StreamARN" => stream_arn: GivenStreamArn,
        "StreamCreationTimestamp" => created: Option<Epoch>,
    }
}

answer! {
    pub(crate) struct ListQueuesOutput {
        "QueueSummaries" => summaries: Vec<QueueSummary>,
        "NextToken" => next_token: Option<SealedToken>,
    }
}

answer! {
    pub(crate) struct QueueSummary {
        "QueueName" => name: QueueName,
        "QueueARN" => arn: QueueAddress,
        "QueueStatus" => status: QueueStatus,
        "QueueCreationTimestamp" => created: Timestamp,
        "Streams" => streams: Vec<QueueStreamIdentifier>,
    }
}

answer! {
    pub(crate) struct QueueStreamIdentifier {
        "StreamARN" => stream_arn: StreamAddress,
        "StreamCreationTimestamp" => created: Timestamp,
    }
}

impl QueueSummary {
    fn of(queue: &Queue, stream: &Stream) -> Self {
        Self {
            name: queue.name.clone(),
            arn: queue.address.clone(),
            status: queue.status,
            created: queue.created,
            streams: vec![QueueStreamIdentifier {
                stream_arn: stream.address.clone(),
                created: stream.created,
            }],
        }
    }
}

impl Operation for ListQueues {
    type Input = ListQueuesInput;
    type Output = ListQueuesOutput;
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ExpiredNextToken,
        LimitExceeded,
        InvalidArgument,
        AccessDenied,
        InternalFailure,
    ];
    const WRITES: bool = false;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ListQueuesInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let after = match &input.next_token {
            Some(token) => Some(page::open(call, TokenKind::QueuePage, token, |fields| {
                fields.next().and_then(QueueName::from_token)
            })?),
            None => None,
        };
        let mut wanted = Vec::new();
        for filter in input.filter.iter().flat_map(|List(filters)| filters) {
            let second = filter.created.map(Epoch::as_seconds);
            wanted.push((parse_arn(&filter.stream_arn)?, second));
        }
        let is_wanted = |stream: &Stream| {
            let agrees = |(address, second): &(StreamAddress, Option<i64>)| {
                let created = stream.created.as_seconds() as i64;
                *address == stream.address && second.is_none_or(|second| second == created)
            };
            wanted.is_empty() || wanted.iter().any(agrees)
        };
        let mut summaries = Vec::new();
        for stream in call.own_realm().streams().iter().filter(|stream| is_wanted(stream)) {
            let state = stream.state();
            let following = |queue: &&Queue| after.as_ref().is_none_or(|name| queue.name > *name);
            let queues = state.queues.values().filter(following);
            summaries.extend(queues.map(|queue| QueueSummary::of(queue, stream)));
        }
        summaries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let size = input.max_results.map_or(QUEUES_PER_PAGE, |limit| limit.get() as usize);
        let (summaries, more) = page::cut(summaries.into_iter(), size.min(QUEUES_PER_PAGE));
        let next_token = match summaries.last() {
            Some(last) if more => Some(page::seal(call, TokenKind::QueuePage, &[&last.name])),
            _ => None,
        };
        Ok(ListQueuesOutput { summaries, next_token })
    }
}
