//! What TagResource and PutResourcePolicy work on: a stream, or something that
//! belongs to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::ResourceAddress;
use crate::model::channel::{ChannelId, ChannelStatus};
use crate::model::error::ApiError;
use crate::model::names::{GivenResourceArn, PolicyText, TagKey, TagValue};

use super::Call;
use super::add_tags_to_stream::require_taggable;
use super::describe_stream_consumer::Meant;

/// A stream, or a part of it.
pub(super) struct Resource<'a> {
    arn: &'a GivenResourceArn,
    pub(super) stream: Arc<Stream>,
    part: Part,
}

/// What of a stream is meant.
enum Part {
    Channel(ChannelId),
    Consumer(Meant),
    Whole,
}

/// The parts of a resource that its tags and policy live in.
struct Attachments<'a> {
    tags: &'a mut BTreeMap<TagKey, TagValue>,
    policy: &'a mut Option<PolicyText>,
}

impl<'a> Resource<'a> {
    /// # Errors
    /// If there is no such resource. Queues are not emulated yet, so none is
    /// found.
    pub(super) fn find(arn: &'a GivenResourceArn, call: &Call<'_>) -> Result<Self, ApiError> {
        let missing = || ApiError::resource_not_found(arn.as_str());
        let (stream, part) = match ResourceAddress::parse(arn.as_str()).ok_or_else(missing)? {
            ResourceAddress::Channel(address) => {
                let (_, stream, id) = call.channel_at(address).ok_or_else(missing)?;
                (stream, Part::Channel(id))
            }
            ResourceAddress::Consumer(address) => {
                let (_, stream) = call.stream_at(&address.stream)?;
                let meant = Meant::from(address);
                meant.find(&stream, &stream.state())?;
                (stream, Part::Consumer(meant))
            }
            ResourceAddress::Stream(address) => (call.stream_at(&address)?.1, Part::Whole),
        };
        Ok(Self { arn, stream, part })
    }

    /// Looks at the resource's tags and policy, and disturbs nobody.
    ///
    /// # Errors
    /// If a part of the stream has gone meanwhile.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&BTreeMap<TagKey, TagValue>, Option<&PolicyText>) -> T,
    ) -> Result<T, ApiError> {
        let state = self.stream.state();
        Ok(match &self.part {
            Part::Channel(id) => {
                let channel = state.channels.get(id).ok_or_else(|| self.gone())?;
                look(&channel.tags, channel.policy.as_ref())
            }
            Part::Consumer(meant) => {
                let consumer = &state.consumers[meant.find(&self.stream, &state)?];
                look(&consumer.tags, consumer.policy.as_ref())
            }
            Part::Whole => look(&state.tags, state.policy.as_ref()),
        })
    }

    /// Changes the resource's tags, as both APIs allow it for streams.
    ///
    /// # Errors
    /// While the stream or the channel is CREATING or DELETING, if a part of
    /// the stream has gone meanwhile, and whatever `change` says.
    pub(super) fn change_tags<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<TagKey, TagValue>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| {
            require_taggable(&self.stream, state)?;
            self.require_taggable_channel(state)?;
            change(self.attachments(state)?.tags)
        })
    }

    /// Changes the resource's policy.
    ///
    /// # Errors
    /// If a part of the stream has gone meanwhile.
    pub(super) fn change_policy<T>(
        &self,
        change: impl FnOnce(&mut Option<PolicyText>) -> T,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| Ok(change(self.attachments(state)?.policy)))
    }

    /// As for streams (ours: AWS documents ACTIVE).
    fn require_taggable_channel(&self, state: &StreamState) -> Result<(), ApiError> {
        let Part::Channel(id) = &self.part else { return Ok(()) };
        let channel = state.channels.get(id).ok_or_else(|| self.gone())?;
        match channel.status {
            ChannelStatus::Active | ChannelStatus::Updating | ChannelStatus::Failed => Ok(()),
            status @ (ChannelStatus::Creating | ChannelStatus::Deleting) => {
                Err(ApiError::channel_not_active(&channel.name, self.stream.account(), status))
            }
        }
    }

    fn attachments<'s>(&self, state: &'s mut StreamState) -> Result<Attachments<'s>, ApiError> {
        let (tags, policy) = match &self.part {
            Part::Channel(id) => {
                let channel = state.channels.get_mut(id).ok_or_else(|| self.gone())?;
                (&mut channel.tags, &mut channel.policy)
            }
            Part::Consumer(meant) => {
                let name = meant.find(&self.stream, state)?;
                let consumer = state.consumers.get_mut(name).ok_or_else(|| self.gone())?;
                (&mut consumer.tags, &mut consumer.policy)
            }
            Part::Whole => (&mut state.tags, &mut state.policy),
        };
        Ok(Attachments { tags, policy })
    }

    fn gone(&self) -> ApiError {
        ApiError::resource_not_found(self.arn.as_str())
    }
}
