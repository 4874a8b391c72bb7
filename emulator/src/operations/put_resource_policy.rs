//! `PutResourcePolicy`: attach a policy to a stream, channel, consumer or queue, or
//! replace it.
//!
//! * Stored and shown, never evaluated. It has to be a JSON object of at most
//!   20 KiB (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutResourcePolicy.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenResourceArn, GivenStreamId, PolicyText};
use crate::wire::json;
use crate::wire::shape::shape;

use super::resource::Resource;
use super::tag_resource::TagResource;
use super::{Call, Operation};

/// Longer policies are refused (inferred).
const POLICY_BYTES_MAX: usize = 20 * 1024;

pub(crate) struct PutResourcePolicy;

shape! {
    pub(crate) struct PutResourcePolicyInput {
        "ResourceARN" => arn: GivenResourceArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "Policy" => policy: PolicyText,
    }
}

impl Operation for PutResourcePolicy {
    type Input = PutResourcePolicyInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = TagResource::ERRORS;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: PutResourcePolicyInput, call: &Call<'_>) -> Result<(), ApiError> {
        let text = input.policy.as_str();
        if !json::is_object(text.as_bytes()) {
            return Err(ApiError::policy_unusable("it is not a JSON object"));
        }
        if text.len() > POLICY_BYTES_MAX {
            return Err(ApiError::policy_unusable("it is longer than 20 KiB"));
        }
        Resource::find(&input.arn, call)?.change_policy(|policy| *policy = Some(input.policy))
    }
}
