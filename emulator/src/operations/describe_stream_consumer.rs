//! `DescribeStreamConsumer`: a registered consumer, by its ARN or by stream and
//! name; all three are taken if they agree.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamConsumer.html>

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::{ConsumerAddress, StreamAddress};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{self, InvalidArgument, LimitExceeded, ResourceNotFound};
use crate::model::limits::Rate;
use crate::model::names::{ConsumerName, GivenConsumerArn, GivenStreamArn, GivenStreamId};
use crate::model::status::ConsumerStatus;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::call::parse_arn;
use super::{Call, Operation};

pub(crate) struct DescribeStreamConsumer;

shape! {
    pub(crate) struct StreamConsumerInput {
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "ConsumerName" => name: Option<ConsumerName>,
        "ConsumerARN" => consumer_arn: Option<GivenConsumerArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct DescribeStreamConsumerOutput {
        "ConsumerDescription" => description: ConsumerDescription,
    }
}

answer! {
    pub(crate) struct ConsumerDescription {
        "ConsumerName" => name: ConsumerName,
        "ConsumerARN" => arn: ConsumerAddress,
        "ConsumerStatus" => status: ConsumerStatus,
        "ConsumerCreationTimestamp" => created: Timestamp,
        "StreamARN" => stream_arn: StreamAddress,
    }
}

impl Operation for DescribeStreamConsumer {
    type Input = StreamConsumerInput;
    type Output = DescribeStreamConsumerOutput;
    const ERRORS: &'static [ErrorKind] = &[LimitExceeded, ResourceNotFound, InvalidArgument];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_stream(20));

    fn handle(input: StreamConsumerInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let meant = input.meant()?;
        let (_, stream) = call.stream_at(&meant.stream)?;
        let state = stream.state();
        let consumer = &state.consumers[meant.find(&stream, &state)?];
        Ok(DescribeStreamConsumerOutput {
            description: ConsumerDescription {
                name: consumer.address.name.clone(),
                arn: consumer.address.clone(),
                status: consumer.status,
                created: consumer.created,
                stream_arn: stream.address.clone(),
            },
        })
    }
}

/// Which consumer a request means.
pub(super) struct Meant {
    pub(super) stream: StreamAddress,
    name: ConsumerName,
    /// Which registration of that name, if the ARN said so.
    created_seconds: Option<u64>,
}

impl StreamConsumerInput {
    /// # Errors
    /// If the request names no consumer, or two.
    pub(super) fn meant(&self) -> Result<Meant, ApiError> {
        let stream = self.stream_arn.as_ref().map(parse_arn).transpose()?;
        match (&self.consumer_arn, stream, &self.name) {
            (Some(arn), stream, name) => {
                let meant = Meant::from_arn(arn)?;
                let agrees = stream.is_none_or(|stream| stream == meant.stream)
                    && name.as_ref().is_none_or(|name| *name == meant.name);
                if agrees {
                    Ok(meant)
                } else {
                    Err(ApiError::consumer_contradicts_arn(arn.as_str()))
                }
            }
            (None, Some(stream), Some(name)) => {
                Ok(Meant { stream, name: name.clone(), created_seconds: None })
            }
            (None, _, _) => Err(ApiError::consumer_not_named()),
        }
    }
}

impl Meant {
    /// # Errors
    /// If the ARN is not exactly a consumer's.
    pub(super) fn from_arn(arn: &GivenConsumerArn) -> Result<Self, ApiError> {
        let address = ConsumerAddress::parse(arn.as_str())
            .ok_or_else(|| ApiError::not_a_consumer_arn(arn.as_str()))?;
        Ok(address.into())
    }

    /// The name under which the stream knows the consumer.
    ///
    /// # Errors
    /// If it does not, or if that name has been registered anew.
    pub(super) fn find(
        &self,
        stream: &Stream,
        state: &StreamState,
    ) -> Result<&ConsumerName, ApiError> {
        registered(&self.name, self.created_seconds, stream, state)
    }
}

/// The name under which the stream knows a consumer: of any registration, or of the one
/// that an ARN says.
///
/// # Errors
/// If it does not, or if that name has been registered anew.
pub(super) fn registered<'n>(
    name: &'n ConsumerName,
    created_seconds: Option<u64>,
    stream: &Stream,
    state: &StreamState,
) -> Result<&'n ConsumerName, ApiError> {
    let known = state.consumers.get(name).is_some_and(|consumer| {
        created_seconds.is_none_or(|seconds| seconds == consumer.address.created_seconds)
    });
    let (stream, account) = (&stream.address.name, stream.account());
    match created_seconds {
        _ if known => Ok(name),
        Some(created) => Err(ApiError::consumer_of_arn_not_found(name, created, stream, account)),
        None => Err(ApiError::consumer_not_found(name, stream, account)),
    }
}

impl From<ConsumerAddress> for Meant {
    fn from(address: ConsumerAddress) -> Self {
        let ConsumerAddress { stream, name, created_seconds } = address;
        Self { stream, name, created_seconds: Some(created_seconds) }
    }
}
