//! `GetResourcePolicy`: the policy of a stream, channel, consumer or queue; `{}` if
//! it has none (recorded).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetResourcePolicy.html>

use crate::model::constraint::Constrained;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::PolicyText;
use crate::wire::emit::answer;

use super::list_tags_for_resource::ResourceInput;
use super::put_resource_policy::PutResourcePolicy;
use super::resource::Resource;
use super::{Call, Operation};

pub(crate) struct GetResourcePolicy;

answer! {
    pub(crate) struct GetResourcePolicyOutput {
        "Policy" => policy: PolicyText,
    }
}

impl Operation for GetResourcePolicy {
    type Input = ResourceInput;
    type Output = GetResourcePolicyOutput;
    const ERRORS: &'static [ErrorKind] = PutResourcePolicy::ERRORS;
    const WRITES: bool = false;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ResourceInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        Resource::find(&input.arn, call)?.look(|_, attached| {
            let none = || PolicyText::from_checked("{}".into());
            GetResourcePolicyOutput { policy: attached.cloned().unwrap_or_else(none) }
        })
    }
}
