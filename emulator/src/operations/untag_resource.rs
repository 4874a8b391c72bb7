//! `UntagResource`: remove tags from a stream, channel, consumer or queue; unknown
//! keys are ignored.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UntagResource.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenResourceArn, GivenStreamId, TagKey};
use crate::wire::shape::{List, shape};

use super::resource::Resource;
use super::tag_resource::TagResource;
use super::{Call, Operation};

pub(crate) struct UntagResource;

shape! {
    pub(crate) struct UntagResourceInput {
        "TagKeys" => keys: List<TagKey, 1, 50>,
        "ResourceARN" => arn: GivenResourceArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for UntagResource {
    type Input = UntagResourceInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = TagResource::ERRORS;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: UntagResourceInput, call: &Call<'_>) -> Result<(), ApiError> {
        let List(keys) = input.keys;
        Resource::find(&input.arn, call)?.change_tags(|tags| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }
}
