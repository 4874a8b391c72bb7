//! `CreateQueue`: make a queue over one on-demand stream.
//!
//! * Its ARN ends with an id of its own; a name used anew gets another.
//! * LATEST is the moment of this call: what is written while the queue is
//!   CREATING is in it (inferred).
//! * Queues and consumers of a stream are counted together: 20, 50 with the
//!   account's commitment.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateQueue.html>

use std::collections::BTreeMap;

use crate::engine::deliveries::Deliveries;
use crate::engine::queue::{Queue, QueueStart};
use crate::engine::realm::Realm;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::sync::Mutex;
use crate::engine::transition::Transition;
use crate::model::arn::{QueueAddress, QueueId};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InternalFailure, InvalidArgument, LimitExceeded, ResourceInUse,
    ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, QueueName};
use crate::model::numbers::{MaxReceiveCount, VisibilityTimeoutSeconds};
use crate::model::status::{
    QueueStartingPositionType, QueueStatus, StreamMode, StreamStatus, TargetType,
};
use crate::model::tags;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::primitive::Epoch;
use crate::wire::shape::{List, TagMap, shape};

use super::describe_queue::QueueDescription;
use super::resource::check_tag_count_of;
use super::{Call, Operation};

pub(crate) struct CreateQueue;

shape! {
    pub(crate) struct CreateQueueInput {
        "QueueName" => name: QueueName,
        "StreamConfigurationList" => streams: List<QueueStreamConfiguration, 1, 10000>,
        "QueueAttributes" => attributes: Option<QueueAttributes>,
        "Tags" => tags: Option<TagMap>,
    }
}

shape! {
    /// What a queue reads, and from where.
    pub(crate) struct QueueStreamConfiguration {
        "StreamARN" => stream_arn: GivenStreamArn,
        "StartingPosition" => start: Option<QueueStartingPosition>,
    }
}

shape! {
    pub(crate) struct QueueStartingPosition {
        "Type" => kind: QueueStartingPositionType,
        "Timestamp" => timestamp: Option<Epoch>,
    }
}

shape! {
    /// What can be changed about a queue.
    pub(crate) struct QueueAttributes {
        "VisibilityTimeoutSeconds" => visibility: Option<VisibilityTimeoutSeconds>,
        "DeadLetterConfiguration" => dead_letters: Option<DeadLetterConfiguration>,
    }
}

shape! {
    pub(crate) struct DeadLetterConfiguration {
        "TargetType" => target: TargetType,
        "MaxReceiveCount" => max_receive_count: Option<MaxReceiveCount>,
    }
}

answer! {
    pub(crate) struct QueueDescriptionOutput {
        "QueueDescription" => description: QueueDescription,
    }
}

impl Operation for CreateQueue {
    type Input = CreateQueueInput;
    type Output = QueueDescriptionOutput;
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ResourceInUse,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        AccessDenied,
        InternalFailure,
    ];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: CreateQueueInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let [configuration] = &input.streams.0[..] else {
            return Err(ApiError::queues_read_one_stream(input.streams.0.len()));
        };
        let start = configuration.start.as_ref();
        let (kind, asked) = match start {
            Some(start) => (start.kind, start.time(call.now)?),
            None => (QueueStartingPositionType::Latest, None),
        };
        let attributes = input.attributes.as_ref();
        let visibility = attributes.and_then(|attributes| attributes.visibility);
        let dead_letters = attributes.and_then(|attributes| attributes.dead_letters.as_ref());
        let max_receive_count = match dead_letters {
            Some(configuration) => configuration.max_receive_count()?,
            None => Some(MaxReceiveCount::DEFAULT),
        };
        let tags = input.tags.map_or_else(BTreeMap::new, |TagMap(tags)| tags);
        tags::check(&tags)?;
        tags::refuse_percent(&tags)?;

        let (realm, stream) = call.stream(None, Some(&configuration.stream_arn))?;
        let id = QueueId::from_bits(call.engine.entropy.draw_16_bytes());
        let address = QueueAddress { realm: realm.id().clone(), id };
        check_tag_count_of(&address, tags.len())?;
        // Names and queues in transition are counted over all streams.
        let quota = realm.hold_quota();
        check_account(&realm, &input.name, call)?;
        let has_commitment = realm.has_commitment(call.now);
        let id = address.id.clone();
        let description = stream.change(|state| {
            require_readable(&stream, state)?;
            let limit = state.consumers_max(has_commitment);
            if state.consumers.len() + state.queues.len() >= limit {
                let name = &stream.address.name;
                return Err(ApiError::consumer_limit(name, stream.account(), limit));
            }
            let oldest = state.horizon(call.now).max(stream.created);
            let effective = match kind {
                QueueStartingPositionType::Latest => call.now,
                QueueStartingPositionType::TrimHorizon => oldest,
                QueueStartingPositionType::AtTimestamp => asked.unwrap_or(oldest).max(oldest),
            };
            let start = QueueStart { kind, asked, effective };
            let queue = Queue {
                address,
                name: input.name.clone(),
                created: call.now,
                status: QueueStatus::Creating,
                start,
                visibility: visibility.unwrap_or(VisibilityTimeoutSeconds::DEFAULT),
                max_receive_count,
                tags,
                policy: None,
                deliveries: Mutex::new(Deliveries::starting(start, state, call.now)),
            };
            let description = QueueDescription::of(&queue, &stream);
            state.queues.insert(input.name, queue);
            Ok(description)
        })?;
        realm.add_queue(id.clone(), &stream);
        drop(quota);
        realm.begin(&stream, Transition::QueueReady { id }, call.settings(), call.now);
        Ok(QueueDescriptionOutput { description })
    }
}

/// Refuses a name that is taken in the account and Region, and more queues than
/// it can have in transition.
fn check_account(realm: &Realm, name: &QueueName, call: &Call<'_>) -> Result<(), ApiError> {
    let account = &realm.id().account;
    let mut in_transition = 0;
    for stream in realm.streams() {
        let state = stream.state();
        if state.queues.contains_key(name) {
            return Err(ApiError::queue_exists(name, account));
        }
        let changing =
            |queue: &&Queue| matches!(queue.status, QueueStatus::Creating | QueueStatus::Deleting);
        in_transition += state.queues.values().filter(changing).count();
    }
    match call.limits().queues_in_transition {
        Some(limit) if in_transition >= limit as usize => {
            Err(ApiError::queues_in_transition(account, limit))
        }
        Some(_) | None => Ok(()),
    }
}

/// A queue reads a stream that is there, and whose shards the service decides on.
fn require_readable(stream: &Stream, state: &StreamState) -> Result<(), ApiError> {
    match (state.status, state.mode) {
        (StreamStatus::Creating | StreamStatus::Deleting, _) => stream.require_active(state),
        (StreamStatus::Active | StreamStatus::Updating, StreamMode::OnDemand) => Ok(()),
        (StreamStatus::Active | StreamStatus::Updating, StreamMode::Provisioned) => {
            Err(ApiError::queue_needs_on_demand(&stream.address.name, stream.account()))
        }
    }
}

impl QueueStartingPosition {
    /// The time that was asked for.
    ///
    /// # Errors
    /// Unless there is one exactly where the type needs it, and not in the future.
    fn time(&self, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        match (self.kind, self.timestamp) {
            (QueueStartingPositionType::AtTimestamp, None) => {
                Err(ApiError::queue_start_needs_timestamp())
            }
            (QueueStartingPositionType::AtTimestamp, Some(time)) if time.is_after(now) => {
                Err(ApiError::queue_start_in_the_future(time.as_millis(), now.as_millis()))
            }
            (QueueStartingPositionType::AtTimestamp, Some(time)) => Ok(Some(time.timestamp())),
            (QueueStartingPositionType::TrimHorizon | QueueStartingPositionType::Latest, None) => {
                Ok(None)
            }
            (kind, Some(_)) => Err(ApiError::queue_start_takes_no_timestamp(kind.as_str())),
        }
    }
}

impl DeadLetterConfiguration {
    /// After how many receives a record is a dead letter; `None` if never.
    ///
    /// # Errors
    /// Unless there is a number exactly where the type needs it.
    pub(super) fn max_receive_count(&self) -> Result<Option<MaxReceiveCount>, ApiError> {
        match (self.target, self.max_receive_count) {
            (TargetType::BuiltIn, None) => Err(ApiError::dead_letters_need_a_count()),
            (TargetType::BuiltIn, count) => Ok(count),
            (TargetType::None, None) => Ok(None),
            (TargetType::None, Some(_)) => Err(ApiError::no_dead_letters_no_count()),
        }
    }
}
