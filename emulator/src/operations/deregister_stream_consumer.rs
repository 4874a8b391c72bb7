//! `DeregisterStreamConsumer`: remove a consumer; its subscriptions end.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeregisterStreamConsumer.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::status::ConsumerStatus;

use super::describe_stream_consumer::{DescribeStreamConsumer, StreamConsumerInput};
use super::{Call, Operation};

pub(crate) struct DeregisterStreamConsumer;

impl Operation for DeregisterStreamConsumer {
    type Input = StreamConsumerInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = DescribeStreamConsumer::ERRORS;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_stream(5));

    fn handle(input: StreamConsumerInput, call: &Call<'_>) -> Result<(), ApiError> {
        let meant = input.meant()?;
        let (realm, stream) = call.stream_at(&meant.stream)?;
        let gone = stream.change(|state| {
            let name = meant.find(&stream, state)?.clone();
            let consumer = state.consumers.get_mut(&name);
            let newly = consumer.filter(|consumer| consumer.status != ConsumerStatus::Deleting);
            Ok(newly.map(|consumer| {
                consumer.status = ConsumerStatus::Deleting;
                Transition::ConsumerGone { name }
            }))
        })?;
        // A second call changes nothing: the first has seen to the removal.
        if let Some(gone) = gone {
            realm.begin(&stream, gone, call.settings(), call.now);
        }
        Ok(())
    }
}
