//! `DescribeAccountSettings`: the account's commitment to a minimum throughput.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeAccountSettings.html>

use crate::engine::account::Commitment;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{self, LimitExceeded};
use crate::model::limits::Rate;
use crate::model::status::CommitmentStatus;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::{Call, Operation};

pub(crate) struct DescribeAccountSettings;

shape! {
    pub(crate) struct DescribeAccountSettingsInput {}
}

answer! {
    pub(crate) struct AccountSettingsOutput {
        "MinimumThroughputBillingCommitment" => commitment: Option<CommitmentDescription>,
    }
}

answer! {
    pub(crate) struct CommitmentDescription {
        "Status" => status: CommitmentStatus,
        "StartedAt" => started: Option<Timestamp>,
        "EndedAt" => ended: Option<Timestamp>,
        "EarliestAllowedEndAt" => earliest_end: Option<Timestamp>,
    }
}

impl Operation for DescribeAccountSettings {
    type Input = DescribeAccountSettingsInput;
    type Output = AccountSettingsOutput;
    const ERRORS: &'static [ErrorKind] = &[LimitExceeded];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(_: DescribeAccountSettingsInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        Ok(call.own_realm().commitment(call.now, |_| {}).into())
    }
}

impl From<Commitment> for AccountSettingsOutput {
    fn from(commitment: Commitment) -> Self {
        Self {
            commitment: Some(CommitmentDescription {
                status: commitment.status(),
                started: commitment.started,
                ended: commitment.ended,
                earliest_end: commitment.earliest_end(),
            }),
        }
    }
}
