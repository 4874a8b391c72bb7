//! What TagResource and PutResourcePolicy work on: a stream, or something that
//! belongs to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::stream::{Stream, StreamState};
use crate::model::arn::{ChannelAddress, ConsumerAddress, QueueAddress, ResourceAddress};
use crate::model::channel::ChannelStatus;
use crate::model::error::ApiError;
use crate::model::names::{ConsumerName, GivenResourceArn, PolicyText, TagKey, TagValue};
use crate::model::status::{ConsumerStatus, QueueStatus};
use crate::model::tags::TAGS_MAX;

use super::Call;
use super::add_tags_to_stream::{check_tag_count, require_taggable};
use super::describe_stream_consumer::registered;

/// A stream, or something that belongs to one.
pub(super) struct Resource {
    stream: Arc<Stream>,
    part: Part,
}

/// What of a stream is meant.
enum Part {
    Whole,
    Channel(ChannelAddress),
    Consumer(ConsumerAddress),
    Queue(QueueAddress),
}

/// The parts of a resource that its tags and policy live in.
struct Attachments<'a> {
    tags: &'a mut BTreeMap<TagKey, TagValue>,
    policy: &'a mut Option<PolicyText>,
}

impl Resource {
    /// # Errors
    /// If the ARN is not exactly a resource's, or there is no such resource.
    pub(super) fn find(arn: &GivenResourceArn, call: &Call<'_>) -> Result<Self, ApiError> {
        let malformed = || ApiError::not_a_resource_arn(arn.as_str());
        let missing = || ApiError::resource_not_found(arn.as_str());
        match ResourceAddress::parse(arn.as_str()).ok_or_else(malformed)? {
            ResourceAddress::Stream(address) => {
                let (_, stream) = call.stream_at(&address)?;
                Ok(Self { stream, part: Part::Whole })
            }
            ResourceAddress::Channel(address) => {
                let (_, stream) = call.channel_at(&address).ok_or_else(missing)?;
                Ok(Self { stream, part: Part::Channel(address) })
            }
            ResourceAddress::Consumer(address) => Self::find_consumer(address, call),
            ResourceAddress::Queue(address) => {
                let (_, stream) = call.queue_at(&address).ok_or_else(missing)?;
                Ok(Self { stream, part: Part::Queue(address) })
            }
        }
    }

    fn find_consumer(address: ConsumerAddress, call: &Call<'_>) -> Result<Self, ApiError> {
        let (_, stream) = call.stream_at(&address.stream)?;
        known_name(&address, &stream, &stream.state())?;
        Ok(Self { stream, part: Part::Consumer(address) })
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
            Part::Whole => look(&state.tags, state.policy.as_ref()),
            Part::Channel(address) => {
                let channel = state.channels.get(&address.id).ok_or_else(|| missing(address))?;
                look(&channel.tags, channel.policy.as_ref())
            }
            Part::Consumer(address) => {
                let consumer = &state.consumers[known_name(address, &self.stream, &state)?];
                look(&consumer.tags, consumer.policy.as_ref())
            }
            Part::Queue(address) => {
                let queue = state.queue(&address.id).ok_or_else(|| missing(address))?;
                look(&queue.tags, queue.policy.as_ref())
            }
        })
    }

    /// Changes the resource's tags, as both APIs allow it for streams.
    ///
    /// # Errors
    /// While the resource is CREATING or DELETING, if it has gone meanwhile, and
    /// whatever `change` says.
    pub(super) fn change_tags<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<TagKey, TagValue>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| {
            self.require_taggable(state)?;
            change(self.attachments(state)?.tags)
        })
    }

    /// Tags can be changed while what they are on is ACTIVE or UPDATING; for a
    /// consumer its stream counts (ours).
    fn require_taggable(&self, state: &StreamState) -> Result<(), ApiError> {
        match &self.part {
            Part::Whole | Part::Consumer(_) => require_taggable(&self.stream, state),
            Part::Channel(address) => {
                let channel = state.channels.get(&address.id).ok_or_else(|| missing(address))?;
                match channel.status {
                    ChannelStatus::Active | ChannelStatus::Updating | ChannelStatus::Failed => {
                        Ok(())
                    }
                    status @ (ChannelStatus::Creating | ChannelStatus::Deleting) => {
                        let account = self.stream.account();
                        Err(ApiError::channel_not_active(&channel.name, account, status))
                    }
                }
            }
            Part::Queue(address) => {
                let queue = state.queue(&address.id).ok_or_else(|| missing(address))?;
                match queue.status {
                    QueueStatus::Active | QueueStatus::Updating => Ok(()),
                    status @ (QueueStatus::Creating | QueueStatus::Deleting) => {
                        Err(ApiError::queue_not_active(&queue.name, self.stream.account(), status))
                    }
                }
            }
        }
    }

    /// Refuses more tags than a resource can have.
    ///
    /// # Errors
    /// If there are more.
    pub(super) fn check_tag_count(&self, count: usize) -> Result<(), ApiError> {
        match &self.part {
            Part::Whole => check_tag_count(count, &self.stream.address.name, self.stream.account()),
            Part::Consumer(address) => check_tag_count_of(address, count),
            Part::Channel(address) => check_tag_count_of(address, count),
            Part::Queue(address) => check_tag_count_of(address, count),
        }
    }

    /// Changes the resource's policy.
    ///
    /// # Errors
    /// While the resource is CREATING or DELETING (for consumers quoted by users of
    /// CloudFormation), or if a part of the stream has gone meanwhile.
    pub(super) fn change_policy<T>(
        &self,
        change: impl FnOnce(&mut Option<PolicyText>) -> T,
    ) -> Result<T, ApiError> {
        self.stream.change(|state| {
            self.require_taggable(state)?;
            self.require_consumer_active(state)?;
            Ok(change(self.attachments(state)?.policy))
        })
    }

    fn require_consumer_active(&self, state: &StreamState) -> Result<(), ApiError> {
        let Part::Consumer(address) = &self.part else { return Ok(()) };
        let consumer = &state.consumers[known_name(address, &self.stream, state)?];
        match consumer.status {
            ConsumerStatus::Active => Ok(()),
            ConsumerStatus::Creating | ConsumerStatus::Deleting => {
                let ConsumerAddress { name, created_seconds, .. } = &consumer.address;
                let stream = &self.stream.address.name;
                let account = self.stream.account();
                Err(ApiError::consumer_not_active(name, *created_seconds, stream, account))
            }
        }
    }

    fn attachments<'a>(&self, state: &'a mut StreamState) -> Result<Attachments<'a>, ApiError> {
        let (tags, policy) = match &self.part {
            Part::Whole => (&mut state.tags, &mut state.policy),
            Part::Channel(address) => {
                let channel = state.channels.get_mut(&address.id);
                let channel = channel.ok_or_else(|| missing(address))?;
                (&mut channel.tags, &mut channel.policy)
            }
            Part::Consumer(address) => {
                let name = known_name(address, &self.stream, state)?;
                let consumer = state.consumers.get_mut(name).expect("it has just been found");
                (&mut consumer.tags, &mut consumer.policy)
            }
            Part::Queue(address) => {
                let queue = state.queue_mut(&address.id).ok_or_else(|| missing(address))?;
                (&mut queue.tags, &mut queue.policy)
            }
        };
        Ok(Attachments { tags, policy })
    }
}

/// The name under which the stream knows a consumer.
fn known_name<'a>(
    address: &'a ConsumerAddress,
    stream: &Stream,
    state: &StreamState,
) -> Result<&'a ConsumerName, ApiError> {
    registered(&address.name, Some(address.created_seconds), stream, state)
}

fn missing(address: &impl std::fmt::Display) -> ApiError {
    ApiError::resource_not_found(&address.to_string())
}

/// Refuses more tags than what has an ARN of its own can have.
///
/// # Errors
/// If there are more.
pub(super) fn check_tag_count_of(
    arn: &impl std::fmt::Display,
    count: usize,
) -> Result<(), ApiError> {
    if count > TAGS_MAX {
        return Err(ApiError::too_many_tags_on(&arn.to_string(), TAGS_MAX));
    }
    Ok(())
}
