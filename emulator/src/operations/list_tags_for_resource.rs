//! `ListTagsForResource`: all tags of a stream, channel, consumer or queue, by key.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForResource.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenResourceArn, GivenStreamId};
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::resource::Resource;
use super::shapes::Tag;
use super::tag_resource::TagResource;
use super::{Call, Operation};

pub(crate) struct ListTagsForResource;

shape! {
    pub(crate) struct ResourceInput {
        "ResourceARN" => arn: GivenResourceArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct ListTagsForResourceOutput {
        "Tags" => tags: Option<Vec<Tag>>,
    }
}

impl Operation for ListTagsForResource {
    type Input = ResourceInput;
    type Output = ListTagsForResourceOutput;
    const ERRORS: &'static [ErrorKind] = TagResource::ERRORS;
    const WRITES: bool = false;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ResourceInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        Resource::find(&input.arn, call)?.look(|tags, _| ListTagsForResourceOutput {
            tags: Some(tags.iter().map(Tag::from).collect()),
        })
    }
}
