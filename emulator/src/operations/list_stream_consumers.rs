//! `ListStreamConsumers`: a stream's consumers by name, in pages of at most 100.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreamConsumers.html>

use crate::engine::consumer::Consumer;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, ExpiredNextToken, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{ConsumerName, GivenNextToken, GivenStreamArn, GivenStreamId};
use crate::model::numbers::ListConsumersLimit;
use crate::model::seal::TokenKind;
use crate::wire::emit::answer;
use crate::wire::primitive::Epoch;
use crate::wire::shape::shape;

use super::page::SealedToken;
use super::register_stream_consumer::ConsumerSummary;
use super::{Call, Operation, page};

/// Most consumers in one answer (model text).
const CONSUMERS_PER_PAGE: usize = 100;

pub(crate) struct ListStreamConsumers;

shape! {
    pub(crate) struct ListStreamConsumersInput {
        "StreamARN" => stream_arn: GivenStreamArn,
        "NextToken" => next_token: Option<GivenNextToken>,
        "MaxResults" => max_results: Option<ListConsumersLimit>,
        "StreamCreationTimestamp" => stream_created: Option<Epoch>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct ListStreamConsumersOutput {
        "Consumers" => consumers: Option<Vec<ConsumerSummary>>,
        "NextToken" => next_token: Option<SealedToken>,
    }
}

impl Operation for ListStreamConsumers {
    type Input = ListStreamConsumersInput;
    type Output = ListStreamConsumersOutput;
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, InvalidArgument, LimitExceeded, ExpiredNextToken, ResourceInUse];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_stream(5));

    fn handle(input: ListStreamConsumersInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        if input.next_token.is_some() && input.stream_created.is_some() {
            return Err(ApiError::token_together_with("StreamCreationTimestamp"));
        }
        let (_, stream) = call.stream(None, Some(&input.stream_arn))?;
        if let Some(created) = input.stream_created
            && created.as_seconds() != stream.created.as_seconds() as i64
        {
            let name = &stream.address.name;
            return Err(ApiError::stream_of_another_time(name, stream.account()));
        }
        let after = match &input.next_token {
            Some(token) => Some(page::open(call, TokenKind::ConsumerPage, token, |fields| {
                let incarnation: u64 = fields.next()?.parse().ok()?;
                let name = ConsumerName::from_arn_resource(fields.next()?)?;
                (incarnation == stream.incarnation).then_some(name)
            })?),
            None => None,
        };
        let state = stream.state();
        let size = input.max_results.map_or(CONSUMERS_PER_PAGE, |limit| limit.get() as usize);
        let follows = |consumer: &&Consumer| {
            after.as_ref().is_none_or(|after| consumer.address.name > *after)
        };
        let (consumers, more) = page::cut(
            state.consumers.values().filter(follows).map(ConsumerSummary::from),
            size.min(CONSUMERS_PER_PAGE),
        );
        let next_token = match consumers.last() {
            Some(last) if more => {
                Some(page::seal(call, TokenKind::ConsumerPage, &[&stream.incarnation, &last.name]))
            }
            _ => None,
        };
        Ok(ListStreamConsumersOutput { consumers: Some(consumers), next_token })
    }
}
