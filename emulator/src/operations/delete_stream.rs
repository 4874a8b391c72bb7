//! `DeleteStream`: remove a stream with everything in it.
//!
//! * Works while the stream is CREATING (recorded) or UPDATING; a second call
//!   while it is DELETING is refused (ours).
//! * Consumers block it unless `EnforceConsumerDeletion` is true (recorded);
//!   channels (model text) and queues (guide) block it always, whatever their
//!   status (inferred).
//! * The stream is DELETING for the state delay, then it is gone.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::status::StreamStatus;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct DeleteStream;

shape! {
    pub(crate) struct DeleteStreamInput {
        "StreamName" => stream_name: Option<StreamName>,
        "EnforceConsumerDeletion" => enforce_consumer_deletion: Option<bool>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for DeleteStream {
    type Input = DeleteStreamInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, LimitExceeded, ResourceInUse, InvalidArgument, AccessDenied];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: DeleteStreamInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let enforced = input.enforce_consumer_deletion == Some(true);
        stream.change(|state| match state.status {
            StreamStatus::Creating | StreamStatus::Active | StreamStatus::Updating
                if !state.channels.is_empty() =>
            {
                Err(ApiError::stream_has_channels(&stream.address.name, stream.account()))
            }
            StreamStatus::Creating | StreamStatus::Active | StreamStatus::Updating
                if !state.consumers.is_empty() && !enforced =>
            {
                Err(ApiError::stream_has_consumers(&stream.address.name, stream.account()))
            }
            StreamStatus::Creating | StreamStatus::Active | StreamStatus::Updating
                if !state.queues.is_empty() =>
            {
                Err(ApiError::stream_has_queues(
                    "DeleteStream can't delete",
                    &stream.address.name,
                    stream.account(),
                ))
            }
            StreamStatus::Creating | StreamStatus::Active | StreamStatus::Updating => {
                state.status = StreamStatus::Deleting;
                Ok(())
            }
            StreamStatus::Deleting => stream.require_active(state),
        })?;
        realm.begin(&stream, Transition::Deleted, call.settings(), call.now);
        Ok(())
    }
}
