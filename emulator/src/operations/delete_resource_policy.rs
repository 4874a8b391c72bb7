//! `DeleteResourcePolicy`: remove the policy of a stream, channel, consumer or
//! queue.
//!
//! * Where there is none the call fails (recorded).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteResourcePolicy.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;

use super::list_tags_for_resource::ResourceInput;
use super::put_resource_policy::PutResourcePolicy;
use super::resource::Resource;
use super::{Call, Operation};

pub(crate) struct DeleteResourcePolicy;

impl Operation for DeleteResourcePolicy {
    type Input = ResourceInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = PutResourcePolicy::ERRORS;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ResourceInput, call: &Call<'_>) -> Result<(), ApiError> {
        let resource = Resource::find(&input.arn, call)?;
        match resource.change_policy(Option::take)? {
            Some(_removed) => Ok(()),
            None => Err(ApiError::policy_not_found(input.arn.as_str())),
        }
    }
}
