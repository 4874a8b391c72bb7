//! `AddTagsToStream`: add tags to a stream, or give them new values.
//!
//! * At most 50 tags in all; setting an existing one anew is always possible.
//! * `%` is refused with a sentence of its own (recorded).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html>

use std::collections::BTreeMap;

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::AccountId;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName, TagKey, TagValue};
use crate::model::status::StreamStatus;
use crate::model::tags;
use crate::wire::shape::{TagMap, shape};

use super::{Call, Operation};

pub(crate) struct AddTagsToStream;

shape! {
    pub(crate) struct AddTagsToStreamInput {
        "StreamName" => stream_name: Option<StreamName>,
        "Tags" => tags: TagMap,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for AddTagsToStream {
    type Input = AddTagsToStreamInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[ResourceNotFound, ResourceInUse, InvalidArgument, LimitExceeded, AccessDenied];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: AddTagsToStreamInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let TagMap(added) = input.tags;
        let (name, account) = (&stream.address.name, stream.account());
        tags::check(&added)?;
        refuse_percent(&added, name, account)?;
        stream.change(|state| {
            require_taggable(&stream, state)?;
            let new = added.keys().filter(|key| !state.tags.contains_key(key)).count();
            check_tag_count(state.tags.len() + new, name, account)?;
            state.tags.extend(added);
            Ok(())
        })
    }
}

/// The older API refuses `%` with a sentence of its own (recorded).
pub(super) fn refuse_percent(
    added: &BTreeMap<TagKey, TagValue>,
    stream: &StreamName,
    account: &AccountId,
) -> Result<(), ApiError> {
    if tags::texts(added).any(|text| text.contains('%')) {
        return Err(ApiError::tag_percent("add tags to", stream, account));
    }
    Ok(())
}

/// Refuses more tags than a resource can have.
pub(super) fn check_tag_count(
    count: usize,
    stream: &StreamName,
    account: &AccountId,
) -> Result<(), ApiError> {
    if count > tags::TAGS_MAX {
        return Err(ApiError::too_many_tags(stream, account));
    }
    Ok(())
}

/// Tags can be changed while the stream is ACTIVE or UPDATING (ours: AWS
/// documents ACTIVE).
pub(super) fn require_taggable(stream: &Stream, state: &StreamState) -> Result<(), ApiError> {
    match state.status {
        StreamStatus::Active | StreamStatus::Updating => Ok(()),
        StreamStatus::Creating | StreamStatus::Deleting => stream.require_active(state),
    }
}
