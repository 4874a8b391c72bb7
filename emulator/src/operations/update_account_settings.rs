//! `UpdateAccountSettings`: begin or end the account's commitment.
//!
//! * A commitment lasts 24 hours at least: ending it earlier takes effect then,
//!   and enabling it again meanwhile cancels that. Ending what is not on changes
//!   nothing (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateAccountSettings.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{self, InvalidArgument, LimitExceeded, Validation};
use crate::model::limits::Rate;
use crate::model::status::CommitmentRequest;
use crate::wire::shape::shape;

use super::describe_account_settings::AccountSettingsOutput;
use super::{Call, Operation};

pub(crate) struct UpdateAccountSettings;

shape! {
    pub(crate) struct UpdateAccountSettingsInput {
        "MinimumThroughputBillingCommitment" => commitment: CommitmentInput,
    }
}

shape! {
    pub(crate) struct CommitmentInput {
        "Status" => status: CommitmentRequest,
    }
}

impl Operation for UpdateAccountSettings {
    type Input = UpdateAccountSettingsInput;
    type Output = AccountSettingsOutput;
    const ERRORS: &'static [ErrorKind] = &[InvalidArgument, Validation, LimitExceeded];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(
        input: UpdateAccountSettingsInput,
        call: &Call<'_>,
    ) -> Result<Self::Output, ApiError> {
        let commitment =
            call.own_realm().commitment(call.now, |commitment| match input.commitment.status {
                CommitmentRequest::Enabled => commitment.enable(call.now),
                CommitmentRequest::Disabled => commitment.disable(call.now),
            });
        Ok(commitment.into())
    }
}
