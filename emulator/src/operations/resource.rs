//! What TagResource and PutResourcePolicy work on: a stream or a consumer.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::{ConsumerAddress, ResourceAddress};
use crate::model::error::ApiError;
use crate::model::names::{GivenResourceArn, PolicyText, TagKey, TagValue};

use super::Call;
use super::add_tags_to_stream::require_taggable;
use super::describe_stream_consumer::Meant;

/// A stream, or one of its consumers.
pub(super) struct Resource {
    pub(super) stream: Arc<Stream>,
    consumer: Option<Meant>,
}

/// The parts of a resource that its tags and policy live in.
struct Attachments<'a> {
    tags: &'a mut BTreeMap<TagKey, TagValue>,
    policy: &'a mut Option<PolicyText>,
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

    /// Looks at the resource's tags and policy, and disturbs nobody.
    ///
    /// # Errors
    /// If the consumer has gone meanwhile.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&BTreeMap<TagKey, TagValue>, Option<&PolicyText>) -> T,
    ) -> Result<T, ApiError> {
        let state = self.stream.state();
        Ok(match &self.consumer {
            Some(meant) => {
                let consumer = &state.consumers[meant.find(&self.stream, &state)?];
                look(&consumer.tags, consumer.policy.as_ref())
            }
            None => look(&state.tags, state.policy.as_ref()),
        })
    }

    /// Changes the resource's tags, as both APIs allow it for streams.
    ///
    /// # Errors
    /// While the stream is CREATING or DELETING, if the consumer has gone
    /// meanwhile, and whatever `change` says.
    pub(super) fn change_tags<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<TagKey, TagValue>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| {
            require_taggable(&self.stream, state)?;
            change(self.attachments(state)?.tags)
        })
    }

    /// Changes the resource's policy.
    ///
    /// # Errors
    /// If the consumer has gone meanwhile.
    pub(super) fn change_policy<T>(
        &self,
        change: impl FnOnce(&mut Option<PolicyText>) -> T,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| Ok(change(self.attachments(state)?.policy)))
    }

    fn attachments<'a>(&self, state: &'a mut StreamState) -> Result<Attachments<'a>, ApiError> {
        let name = match &self.consumer {
            Some(meant) => Some(meant.find(&self.stream, state)?),
            None => None,
        };
        Ok(match name.and_then(|name| state.consumers.get_mut(name)) {
            Some(consumer) => {
                Attachments { tags: &mut consumer.tags, policy: &mut consumer.policy }
            }
            None => Attachments { tags: &mut state.tags, policy: &mut state.policy },
        })
    }
}
