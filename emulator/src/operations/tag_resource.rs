//! `TagResource`: add tags to a stream, channel, consumer or queue, or give them
//! new values.
//!
//! * A stream has one set of tags for both APIs. At most 50.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_TagResource.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InternalFailure, InvalidArgument, LimitExceeded, ResourceInUse,
    ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenResourceArn, GivenStreamId};
use crate::model::tags;
use crate::wire::shape::{TagMap, shape};

use super::resource::Resource;
use super::{Call, Operation};

pub(crate) struct TagResource;

shape! {
    pub(crate) struct TagResourceInput {
        "Tags" => tags: TagMap,
        "ResourceARN" => arn: GivenResourceArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for TagResource {
    type Input = TagResourceInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ResourceNotFound,
        ResourceInUse,
        InvalidArgument,
        LimitExceeded,
        AccessDenied,
        InternalFailure,
    ];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: TagResourceInput, call: &Call<'_>) -> Result<(), ApiError> {
        let TagMap(added) = input.tags;
        let resource = Resource::find(&input.arn, call)?;
        tags::check(&added)?;
        tags::refuse_percent(&added)?;
        resource.change_tags(|tags| {
            let new = added.keys().filter(|key| !tags.contains_key(key)).count();
            resource.check_tag_count(tags.len() + new)?;
            tags.extend(added);
            Ok(())
        })
    }
}
