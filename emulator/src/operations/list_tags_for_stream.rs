//! `ListTagsForStream`: a stream's tags by key, in pages of at most 50.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForStream.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName, TagKey};
use crate::model::numbers::ListTagsLimit;
use crate::model::tags::TAGS_MAX;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::shapes::Tag;
use super::{Call, Operation, page};

pub(crate) struct ListTagsForStream;

shape! {
    pub(crate) struct ListTagsForStreamInput {
        "StreamName" => stream_name: Option<StreamName>,
        "ExclusiveStartTagKey" => exclusive_start: Option<TagKey>,
        "Limit" => limit: Option<ListTagsLimit>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

answer! {
    pub(crate) struct ListTagsForStreamOutput {
        "Tags" => tags: Vec<Tag>,
        "HasMoreTags" => has_more_tags: bool,
    }
}

impl Operation for ListTagsForStream {
    type Input = ListTagsForStreamInput;
    type Output = ListTagsForStreamOutput;
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, InvalidArgument, LimitExceeded, AccessDenied];
    const WRITES: bool = false;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ListTagsForStreamInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let state = stream.state();
        let size = input.limit.map_or(TAGS_MAX, |limit| limit.get() as usize);
        let follows = |key: &TagKey| input.exclusive_start.as_ref().is_none_or(|start| key > start);
        let (tags, has_more_tags) =
            page::cut(state.tags.iter().filter(|(key, _)| follows(key)).map(Tag::from), size);
        Ok(ListTagsForStreamOutput { tags, has_more_tags })
    }
}
