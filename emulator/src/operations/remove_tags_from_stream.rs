//! `RemoveTagsFromStream`: remove tags by their keys; unknown keys are ignored.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RemoveTagsFromStream.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName, TagKey};
use crate::model::tags;
use crate::wire::shape::{List, shape};

use super::add_tags_to_stream::{AddTagsToStream, require_taggable};
use super::{Call, Operation};

pub(crate) struct RemoveTagsFromStream;

shape! {
    pub(crate) struct RemoveTagsFromStreamInput {
        "StreamName" => stream_name: Option<StreamName>,
        "TagKeys" => keys: List<TagKey, 1, 50>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for RemoveTagsFromStream {
    type Input = RemoveTagsFromStreamInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = AddTagsToStream::ERRORS;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: RemoveTagsFromStreamInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let List(keys) = input.keys;
        tags::check_characters(keys.iter().map(TagKey::as_str))?;
        if keys.iter().any(|key| key.as_str().contains('%')) {
            let name = &stream.address.name;
            return Err(ApiError::tag_percent("remove tags from", name, stream.account()));
        }
        stream.change(|state| {
            require_taggable(&stream, state)?;
            for key in &keys {
                state.tags.remove(key);
            }
            Ok(())
        })
    }
}
