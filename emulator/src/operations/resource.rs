//! What TagResource and PutResourcePolicy work on: a stream or a consumer.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::{ConsumerAddress, ResourceAddress};
use crate::model::error::ApiError;
use crate::model::names::{ConsumerName, GivenResourceArn, PolicyText, TagKey, TagValue};

use super::Call;
use super::add_tags_to_stream::require_taggable;
use super::describe_stream_consumer::Meant;

/// A stream, or one of its consumers.
pub(super) struct Resource {
    pub(super) stream: Arc<Stream>,
    consumer: Option<Meant>,
}

/// The parts of a resource that its tags and policy live in.
pub(super) struct Attachments<'a> {
    pub(super) tags: &'a mut BTreeMap<TagKey, TagValue>,
    pub(super) policy: &'a mut Option<PolicyText>,
}

impl Resource {
    /// # Errors
    /// If there is no such resource. Channels and queues are not emulated yet,
    /// so none is found.
    pub(super) fn find(arn: &GivenResourceArn, call: &Call<'_>) -> Result<Self, ApiError> {
        let missing = || ApiError::resource_not_found(arn.as_str());
        match ResourceAddress::parse(arn.as_str()).ok_or_else(missing)? {
            ResourceAddress::Stream(address) => {
                let (_, stream) = call.stream_at(&address)?;
                Ok(Self { stream, consumer: None })
            }
            ResourceAddress::Consumer(address) => Self::find_consumer(address, call),
        }
    }

    fn find_consumer(address: ConsumerAddress, call: &Call<'_>) -> Result<Self, ApiError> {
        let (_, stream) = call.stream_at(&address.stream)?;
        let meant = Meant::from(address);
        meant.find(&stream, &stream.state())?;
        Ok(Self { stream, consumer: Some(meant) })
    }

    /// Changes the resource's tags, as both APIs allow it for streams.
    ///
    /// # Errors
    /// While the stream is CREATING or DELETING, and as for
    /// [`change`](Self::change).
    pub(super) fn change_tags<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<TagKey, TagValue>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        require_taggable(&self.stream, &self.stream.state())?;
        self.change(|resource| change(resource.tags))
    }

    /// Looks at or changes the resource's tags and policy.
    ///
    /// # Errors
    /// If the consumer has gone meanwhile, and whatever `change` says.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(Attachments<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| {
            let name = match &self.consumer {
                Some(meant) => Some(meant.find(&self.stream, state)?),
                None => None,
            };
            change(attachments(state, name))
        })
    }
}

fn attachments<'a>(state: &'a mut StreamState, consumer: Option<&ConsumerName>) -> Attachments<'a> {
    match consumer.and_then(|name| state.consumers.get_mut(name)) {
        Some(consumer) => Attachments { tags: &mut consumer.tags, policy: &mut consumer.policy },
        None => Attachments { tags: &mut state.tags, policy: &mut state.policy },
    }
}
