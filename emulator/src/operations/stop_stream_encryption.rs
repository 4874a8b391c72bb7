//! `StopStreamEncryption`: stop encrypting new records.
//!
//! * Records that were written encrypted keep reporting it.
//! * Another key than the stream's is refused; a stream that is not encrypted
//!   stays so (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StopStreamEncryption.html>

use crate::engine::transition::Transition;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;

use super::start_stream_encryption::{StreamEncryptionInput, require_kms};
use super::{Call, Operation};

pub(crate) struct StopStreamEncryption;

impl Operation for StopStreamEncryption {
    type Input = StreamEncryptionInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, AccessDenied];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: StreamEncryptionInput, call: &Call<'_>) -> Result<(), ApiError> {
        require_kms(input.kind)?;
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let (name, account) = (&stream.address.name, stream.account());
        let limits = call.limits();
        stream.begin_update(|state| {
            if state.key.as_ref().is_some_and(|key| *key != input.key) {
                return Err(ApiError::key_is_another(name, account));
            }
            if let Some(limit) = limits.encryption_changes_per_day
                && !state.encryption_stops.has_room(call.now, limit)
            {
                return Err(ApiError::daily_limit("stops of encryption", name, account, limit));
            }
            state.encryption_stops.add(call.now);
            Ok(())
        })?;
        realm.begin(&stream, Transition::Decrypted, call.settings(), call.now);
        Ok(())
    }
}
