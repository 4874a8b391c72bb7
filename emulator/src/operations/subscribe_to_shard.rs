//! `SubscribeToShard`: have a shard's records pushed to a registered consumer.
//!
//! * The answer is an event stream for up to five minutes: an event as soon as
//!   a record arrives, and a sign of life at least every five seconds.
//! * Another call for the same consumer and shard is refused for five seconds
//!   and takes over after that: the older subscription ends with
//!   ResourceInUseException.
//! * At the end of a closed shard the last event has `ChildShards` and no
//!   `ContinuationSequenceNumber`, which is what the KCL needs.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html>

use std::sync::Arc;

use crate::engine::consumer::{Consumer, LiveSubscription};
use crate::engine::log::Batch;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::subscription::{Event, Subscription, TAKE_OVER_AFTER};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, DryRunOperation, InvalidArgument, LimitExceeded, ResourceInUse,
    ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{ConsumerName, GivenConsumerArn, GivenShardId, GivenStreamId};
use crate::model::sequence_number::{GivenSequenceNumber, SequenceNumber};
use crate::model::shard_id::ShardIndex;
use crate::model::status::{ConsumerStatus, ShardIteratorType};
use crate::wire::Protocol;
use crate::wire::description::{Description, MemberDescription};
use crate::wire::emit::{Emit, answer};
use crate::wire::primitive::Epoch;
use crate::wire::request_bytes::RequestBytes;
use crate::wire::shape::shape;

use super::describe_stream_consumer::Meant;
use super::get_shard_iterator::starting_position;
use super::shapes::ChildShard;
use super::split_shard::resolve;
use super::{Answer, Call, Operation, Reply};

pub(crate) struct SubscribeToShard;

shape! {
    pub(crate) struct SubscribeToShardInput {
        "ConsumerARN" => consumer_arn: GivenConsumerArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "ShardId" => shard_id: GivenShardId,
        "StartingPosition" => start: StartingPosition,
        "DryRun" => dry_run: Option<bool>,
    }
}

shape! {
    pub(crate) struct StartingPosition {
        "Type" => kind: ShardIteratorType,
        "SequenceNumber" => number: Option<GivenSequenceNumber>,
        "Timestamp" => timestamp: Option<Epoch>,
    }
}

answer! {
    /// What is pushed.
    pub(crate) struct SubscribeToShardEvent {
        "Records" => records: Batch,
        "ContinuationSequenceNumber" => continuation: Option<SequenceNumber>,
        "MillisBehindLatest" => millis_behind_latest: u64,
        "ChildShards" => children: Option<Vec<ChildShard>>,
    }
}

/// The one answer that is not a body but a stream of events.
impl Answer for Subscription {
    const DESCRIPTION: Option<Description> = Some(Description::Structure(&[MemberDescription {
        name: "EventStream",
        required: true,
        shape: Description::Structure(&[MemberDescription {
            name: "SubscribeToShardEvent",
            required: true,
            shape: <SubscribeToShardEvent as Emit>::DESCRIPTION,
        }]),
    }]));

    fn reply(self, _: Protocol, _: RequestBytes) -> Reply {
        Reply::Subscription(Box::new(self))
    }
}

impl Operation for SubscribeToShard {
    type Input = SubscribeToShardInput;
    type Output = Subscription;
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        ResourceInUse,
        LimitExceeded,
        AccessDenied,
        DryRunOperation,
    ];
    const ON_DATA_PATH: bool = true;
    const WRITES: bool = false;
    /// Once a second for a consumer and shard, which the five seconds
    /// before a take-over imply.
    const RATE: Option<Rate> = None;

    fn handle(input: SubscribeToShardInput, call: &Call<'_>) -> Result<Subscription, ApiError> {
        let meant = Meant::from_arn(&input.consumer_arn)?;
        let index = resolve(&input.shard_id, &meant.stream)?;
        let (realm, stream) = call.stream_at(&meant.stream)?;
        let (name, account) = (&stream.address.name, stream.account());
        let id = call.engine.next_reader();
        let (consumer, next_index) = stream.change_of_reader(|state| {
            let consumer = meant.find(&stream, state)?.clone();
            require_active(&stream, &state.consumers[&consumer])?;
            let shard = state
                .live_shard(index, call.now)
                .ok_or_else(|| ApiError::shard_does_not_exist(index, name, account))?;
            let StartingPosition { kind, number, timestamp } = &input.start;
            let start =
                starting_position(*kind, number.as_ref(), *timestamp, &stream, shard, call.now)?;
            let next_index = start.resolve(shard, state.horizon(call.now));
            let dry_run = input.dry_run == Some(true);
            let replaced = take_over(&stream, state, &consumer, index, id, dry_run, call)?;
            Ok(((consumer, next_index), replaced))
        })?;
        Ok(Subscription::new(realm, Arc::clone(&stream), consumer, index, id, next_index, call.now))
    }
}

/// A consumer subscribes when it is ACTIVE (recorded while it is CREATING).
fn require_active(stream: &Stream, consumer: &Consumer) -> Result<(), ApiError> {
    let (name, account) = (&stream.address.name, stream.account());
    let consumer_name = &consumer.address.name;
    match consumer.status {
        ConsumerStatus::Active => Ok(()),
        ConsumerStatus::Creating | ConsumerStatus::Deleting => Err(ApiError::consumer_not_active(
            consumer_name,
            consumer.address.created_seconds,
            name,
            account,
        )),
    }
}

/// Makes this the consumer's subscription to the shard, unless one is too
/// young to be taken over. Returns the reader whose place it has taken.
fn take_over(
    stream: &Stream,
    state: &mut StreamState,
    consumer: &ConsumerName,
    shard: ShardIndex,
    id: u64,
    dry_run: bool,
    call: &Call<'_>,
) -> Result<Option<u64>, ApiError> {
    let known = state.consumers.get_mut(consumer).expect("the consumer has just been found");
    let young = known
        .subscriptions
        .get(&shard)
        .is_some_and(|current| call.now.since(current.opened) < TAKE_OVER_AFTER);
    if young {
        let (name, account) = (&stream.address.name, stream.account());
        return Err(ApiError::another_subscription(consumer, shard, name, account));
    }
    if dry_run {
        return Err(ApiError::dry_run());
    }
    let own = LiveSubscription { id, opened: call.now };
    Ok(known.subscriptions.insert(shard, own).map(|replaced| replaced.id))
}

/// Writes an event's payload into its frame.
pub(crate) fn event_frame(event: Event, stream: &Stream, protocol: Protocol) -> Vec<u8> {
    let state = stream.state();
    let child = |index: &ShardIndex| state.topology.shard(*index).map(ChildShard::from);
    let event = SubscribeToShardEvent {
        records: event.batch,
        continuation: event.continuation,
        millis_behind_latest: event.millis_behind_latest,
        children: event.children.map(|list| list.iter().filter_map(child).collect()),
    };
    drop(state);
    crate::wire::event_stream::event("SubscribeToShardEvent", protocol, &event)
}
