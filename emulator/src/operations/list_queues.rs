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

use super::page::SealedToken;
use super::stream_filter::{Listed, StreamFilter};
use super::{Call, Operation};

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
        let filters = input.filter.map(|List(filters)| {
            let read =
                |filter: &QueueStreamFilter| StreamFilter::new(&filter.stream_arn, filter.created);
            filters.iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        let (kind, token) = (TokenKind::QueuePage, input.next_token.as_ref());
        let filters = filters.transpose()?;
        let listed = Listed::new(filters.as_deref(), token, kind, QueueName::from_token, call)?;
        let mut summaries = Vec::new();
        for stream in &listed.streams {
            let state = stream.state();
            summaries.extend(state.queues.values().map(|queue| QueueSummary::of(queue, stream)));
        }
        let size = input.max_results.map_or(QUEUES_PER_PAGE, |limit| limit.get() as usize);
        let size = size.min(QUEUES_PER_PAGE);
        let (summaries, next_token) = listed.page(summaries, |queue| &queue.name, size, kind, call);
        Ok(ListQueuesOutput { summaries, next_token })
    }
}
