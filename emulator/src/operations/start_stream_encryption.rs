//! `StartStreamEncryption`: encrypt new records, or change the key.
//!
//! * Nothing is encrypted here: the key is stored and shown, and records report
//!   `KMS`. Any key is accepted.
//! * At most 25 times in 24 hours (model text).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, KmsAccessDenied, KmsDisabled, KmsInvalidState,
    KmsNotFound, KmsOptInRequired, KmsThrottling, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, KeyId, StreamName};
use crate::model::status::EncryptionType;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct StartStreamEncryption;

shape! {
    pub(crate) struct StreamEncryptionInput {
        "StreamName" => stream_name: Option<StreamName>,
        "EncryptionType" => kind: EncryptionType,
        "KeyId" => key: KeyId,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for StartStreamEncryption {
    type Input = StreamEncryptionInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = &[
        InvalidArgument,
        LimitExceeded,
        ResourceInUse,
        ResourceNotFound,
        KmsDisabled,
        KmsInvalidState,
        KmsAccessDenied,
        KmsNotFound,
        KmsOptInRequired,
        KmsThrottling,
        AccessDenied,
    ];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: StreamEncryptionInput, call: &Call<'_>) -> Result<(), ApiError> {
        require_kms(input.kind)?;
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let limits = call.limits();
        stream.begin_update(|state| {
            if let Some(limit) = limits.encryption_changes_per_day
                && !state.encryption_starts.has_room(call.now, limit)
            {
                return Err(ApiError::daily_limit(
                    "starts of encryption",
                    &stream.address.name,
                    stream.account(),
                    limit,
                ));
            }
            state.encryption_starts.add(call.now);
            Ok(())
        })?;
        realm.begin(&stream, Transition::Encrypted { key: input.key }, call.settings(), call.now);
        Ok(())
    }
}

/// Both calls name the type of encryption, and there is only one.
///
/// # Errors
/// If it is `NONE`.
pub(super) fn require_kms(kind: EncryptionType) -> Result<(), ApiError> {
    match kind {
        EncryptionType::Kms => Ok(()),
        EncryptionType::None => Err(ApiError::encryption_type_must_be_kms()),
    }
}
