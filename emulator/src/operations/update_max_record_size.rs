//! `UpdateMaxRecordSize`: set the largest record that a stream takes, 1,024 to 10,240 KiB.
//!
//! * Takes effect when the stream is ACTIVE again; stored records stay readable
//!   (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId};
use crate::model::numbers::MaxRecordSizeInKiB;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct UpdateMaxRecordSize;

shape! {
    pub(crate) struct UpdateMaxRecordSizeInput {
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "MaxRecordSizeInKiB" => limit: MaxRecordSizeInKiB,
    }
}

impl Operation for UpdateMaxRecordSize {
    type Input = UpdateMaxRecordSizeInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = &[
        ResourceInUse,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        AccessDenied,
        Validation,
    ];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: UpdateMaxRecordSizeInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (realm, stream) = call.stream(None, input.stream_arn.as_ref())?;
        stream.begin_update(|_| Ok(()))?;
        let change = Transition::RecordSizeChanged { limit: input.limit };
        realm.begin(&stream, change, call.settings(), call.now);
        Ok(())
    }
}
