//! `RegisterStreamConsumer`: register a consumer for enhanced fan-out.
//!
//! * 20 consumers per stream, queues included; 50 for on-demand streams with the
//!   account's commitment.
//! * Its ARN ends with the second of its registration; a name registered anew
//!   gets another.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html>

use std::collections::BTreeMap;

use crate::engine::consumer::Consumer;
use crate::engine::transition::Transition;
use crate::model::arn::ConsumerAddress;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{ConsumerName, GivenStreamArn, GivenStreamId};
use crate::model::status::ConsumerStatus;
use crate::model::tags;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::{TagMap, shape};

use super::add_tags_to_stream::require_taggable;
use super::resource::check_tag_count_of;
use super::{Call, Operation};

pub(crate) struct RegisterStreamConsumer;

shape! {
    pub(crate) struct RegisterStreamConsumerInput {
        "StreamARN" => stream_arn: GivenStreamArn,
        "ConsumerName" => name: ConsumerName,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "Tags" => tags: Option<TagMap>,
    }
}

answer! {
    pub(crate) struct RegisterStreamConsumerOutput {
        "Consumer" => consumer: ConsumerSummary,
    }
}

answer! {
    /// A consumer as lists show it.
    pub(crate) struct ConsumerSummary {
        "ConsumerName" => name: ConsumerName,
        "ConsumerARN" => arn: ConsumerAddress,
        "ConsumerStatus" => status: ConsumerStatus,
        "ConsumerCreationTimestamp" => created: Timestamp,
    }
}

impl From<&Consumer> for ConsumerSummary {
    fn from(consumer: &Consumer) -> Self {
        Self {
            name: consumer.address.name.clone(),
            arn: consumer.address.clone(),
            status: consumer.status,
            created: consumer.created,
        }
    }
}

impl Operation for RegisterStreamConsumer {
    type Input = RegisterStreamConsumerInput;
    type Output = RegisterStreamConsumerOutput;
    const ERRORS: &'static [ErrorKind] =
        &[InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound];
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(
        input: RegisterStreamConsumerInput,
        call: &Call<'_>,
    ) -> Result<Self::Output, ApiError> {
        let (realm, stream) = call.stream(None, Some(&input.stream_arn))?;
        let (stream_name, account) = (&stream.address.name, stream.account());
        let tags = input.tags.map_or_else(BTreeMap::new, |TagMap(tags)| tags);
        tags::check(&tags)?;
        tags::refuse_percent(&tags)?;
        check_tag_count_of(&format_args!("Consumer {}", input.name), tags.len())?;
        let has_commitment = realm.has_commitment(call.now);
        let in_creation_max = call.limits().consumers_in_creation;
        let name = input.name;
        let consumer = stream.change(|state| {
            require_taggable(&stream, state)?;
            if state.consumers.contains_key(&name) {
                return Err(ApiError::consumer_exists(&name, stream_name, account));
            }
            let limit = state.consumers_max(has_commitment);
            if state.consumers.len() + state.queues.len() >= limit {
                return Err(ApiError::consumer_limit(stream_name, account, limit));
            }
            let creating = |consumer: &&Consumer| consumer.status == ConsumerStatus::Creating;
            if let Some(limit) = in_creation_max
                && state.consumers.values().filter(creating).count() >= limit as usize
            {
                return Err(ApiError::consumers_in_creation(stream_name, account, limit));
            }
            let last = state.registrations.get(&name).map_or(0, |seconds| seconds + 1);
            let created_seconds = call.now.as_seconds().max(last);
            // Whoever registers from now on is later than these anyway.
            state.registrations.retain(|_, seconds| *seconds >= call.now.as_seconds());
            state.registrations.insert(name.clone(), created_seconds);
            let consumer = Consumer {
                address: ConsumerAddress {
                    stream: stream.address.clone(),
                    name: name.clone(),
                    created_seconds,
                },
                created: Timestamp::from_seconds(created_seconds),
                status: ConsumerStatus::Creating,
                tags,
                policy: None,
                subscriptions: BTreeMap::new(),
            };
            let summary = ConsumerSummary::from(&consumer);
            state.consumers.insert(name.clone(), consumer);
            Ok(summary)
        })?;
        realm.begin(&stream, Transition::ConsumerReady { name }, call.settings(), call.now);
        Ok(RegisterStreamConsumerOutput { consumer })
    }
}
