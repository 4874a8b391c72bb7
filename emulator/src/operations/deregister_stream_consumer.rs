//! `DeregisterStreamConsumer`: remove a consumer; its subscriptions end.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeregisterStreamConsumer.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::status::ConsumerStatus;

use super::describe_stream_consumer::{DescribeStreamConsumer, StreamConsumerInput};
use super::{Call, Operation};

pub(crate) struct DeregisterStreamConsumer;

impl Operation for DeregisterStreamConsumer {
    type Input = StreamConsumerInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = DescribeStreamConsumer::ERRORS;

    fn handle(input: StreamConsumerInput, call: &Call<'_>) -> Result<(), ApiError> {
        let meant = input.meant()?;
        let (realm, stream) = call.stream_at(&meant.stream)?;
        let name = stream.change(|state| {
            let name = meant.find(&stream, state)?.clone();
            if let Some(consumer) = state.consumers.get_mut(&name) {
                consumer.status = ConsumerStatus::Deleting;
            }
            Ok(name)
        })?;
        realm.begin(&stream, Transition::ConsumerGone { name }, call.settings(), call.now);
        Ok(())
    }
}
