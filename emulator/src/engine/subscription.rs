//! One reader that is pushed to: a consumer's subscription to a shard.
//!
//! Asked at a time, it says what there is to send at that time, or until when
//! there is nothing to do. It knows no clock and sends nothing itself.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::model::error::ApiError;
use crate::model::limits::Limits;
use crate::model::names::ConsumerName;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{ConsumerStatus, StreamStatus};
use crate::model::timestamp::Timestamp;

use super::limits::{Pace, piece_bytes};
use super::log::Batch;
use super::position::{self, ReadLimits};
use super::realm::Realm;
use super::stream::{Stream, StreamState};
use super::topology::Shard;

/// How long a subscription lasts (API reference).
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// An idle reader hears from us this often. AWS sends an empty event about
/// every five seconds, and clients give up after five: this stays below.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long after a successful call another for the same shard is refused.
pub(crate) const TAKE_OVER_AFTER: Duration = Duration::from_secs(5);
/// Most records and bytes in one event (ours).
const EVENT_MAX: ReadLimits = ReadLimits { records_max: 10_000, bytes_max: 1024 * 1024 };

/// A subscription, from a successful SubscribeToShard to its end.
#[derive(Debug)]
pub(crate) struct Subscription {
    realm: Arc<Realm>,
    stream: Arc<Stream>,
    consumer: ConsumerName,
    shard: ShardIndex,
    id: u64,
    next_index: u64,
    opened: Timestamp,
    last_event: Timestamp,
    pace: Pace,
    finished: bool,
}

/// What a subscription has to say at a time.
#[derive(Debug)]
pub(crate) enum Poll {
    /// Records, or a sign of life.
    Event(Event),
    /// Nothing before this time, unless somebody wakes the reader.
    WaitUntil(Timestamp),
    /// It is over.
    End,
    /// It is over, and this is why.
    Failed(ApiError),
}

/// What is pushed to a reader.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) batch: Batch,
    /// Where to go on later; nothing at the end of a shard.
    pub(crate) continuation: Option<SequenceNumber>,
    pub(crate) millis_behind_latest: u64,
    /// At the end of a shard, the shards that took over.
    pub(crate) children: Option<Vec<ShardIndex>>,
}

impl Subscription {
    pub(crate) fn new(
        realm: Arc<Realm>,
        stream: Arc<Stream>,
        consumer: ConsumerName,
        shard: ShardIndex,
        id: u64,
        next_index: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            realm,
            stream,
            consumer,
            shard,
            id,
            next_index,
            opened: now,
            last_event: now,
            pace: Pace::starting(now),
            finished: false,
        }
    }

    /// The stream that is read.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The consumer that reads.
    pub(crate) fn consumer(&self) -> &ConsumerName {
        &self.consumer
    }

    /// The shard that is read.
    pub(crate) fn shard(&self) -> ShardIndex {
        self.shard
    }

    /// What there is to send now. If there is nothing, `waker` is woken at the
    /// next record and at any change of the stream. `limits` say how fast it may
    /// go, if that is limited.
    pub(crate) fn poll(&mut self, now: Timestamp, limits: Option<&Limits>, waker: &Waker) -> Poll {
        // In this order, so that no change falls between looking and waiting.
        self.stream.watch(self.id, waker);
        self.realm.settle(now);
        if self.finished {
            return Poll::End;
        }
        let stream = Arc::clone(&self.stream);
        let state = stream.state();
        match self.check(&state, now) {
            Ok(shard) if now < self.opened.plus(LIFETIME) => {
                self.poll_shard(shard, &state, now, limits, waker)
            }
            Ok(_) => self.finish(Poll::End),
            Err(error) => self.finish(Poll::Failed(error)),
        }
    }

    /// The shard, if the subscription is still the consumer's own.
    fn check<'a>(&self, state: &'a StreamState, now: Timestamp) -> Result<&'a Shard, ApiError> {
        let (name, account) = (&self.stream.address.name, self.stream.account());
        if state.status == StreamStatus::Deleting {
            return Err(ApiError::stream_not_found(name, account));
        }
        let consumer = state
            .consumers
            .get(&self.consumer)
            .filter(|consumer| consumer.status != ConsumerStatus::Deleting)
            .ok_or_else(|| ApiError::consumer_not_found(&self.consumer, name, account))?;
        if consumer.subscriptions.get(&self.shard).is_none_or(|current| current.id != self.id) {
            let (consumer, shard) = (&self.consumer, self.shard);
            return Err(ApiError::another_subscription(consumer, shard, name, account));
        }
        state
            .live_shard(self.shard, now)
            .ok_or_else(|| ApiError::shard_does_not_exist(self.shard, name, account))
    }

    fn poll_shard(
        &mut self,
        shard: &Shard,
        state: &StreamState,
        now: Timestamp,
        limits: Option<&Limits>,
        waker: &Waker,
    ) -> Poll {
        let bytes_per_second = limits.and_then(|limits| limits.fan_out_bytes_per_second);
        let blocked_until = bytes_per_second.and_then(|rate| self.pace.blocked_until(rate, now));
        let event_max = match (blocked_until, bytes_per_second) {
            // Signs of life and the end of a shard cost nothing.
            (Some(_), _) => ReadLimits { records_max: 0, ..EVENT_MAX },
            (None, Some(rate)) => {
                let bytes_max = EVENT_MAX.bytes_max.min(piece_bytes(rate));
                ReadLimits { bytes_max, ..EVENT_MAX }
            }
            (None, None) => EVENT_MAX,
        };
        let progress = position::read_or_wait(
            shard,
            self.next_index,
            event_max,
            now,
            state.horizon(now),
            (self.id, waker),
        );
        if blocked_until.is_none() && progress.batch.len() == 0 {
            self.pace.rest();
        }
        let due = self.last_event.plus(HEARTBEAT);
        if progress.batch.len() == 0 && !progress.at_shard_end && now < due {
            let end = self.opened.plus(LIFETIME);
            let next = due.min(end).min(self.realm.next_deadline());
            return Poll::WaitUntil(blocked_until.map_or(next, |turn| next.min(turn)));
        }
        if bytes_per_second.is_some() {
            self.pace.charge(progress.batch.bytes());
        }
        let is_empty = progress.batch.len() == 0;
        self.next_index = progress.batch.next;
        self.last_event = now;
        // The last records have an event of their own.
        self.finished = is_empty && progress.at_shard_end;
        let (continuation, children) = if self.finished {
            let children = state.topology.children(shard.index).map(|child| child.index);
            (None, Some(children.collect()))
        } else {
            (Some(self.passed(shard, is_empty, now)), None)
        };
        Poll::Event(Event {
            batch: progress.batch,
            continuation,
            millis_behind_latest: progress.millis_behind_latest,
            children,
        })
    }

    /// Where a reader starts that goes on without loss or repetition: after the last
    /// record, or, if the reader has waited since, at or after a number between that
    /// and the next one, whose time tells how far the reader has waited.
    fn passed(&self, shard: &Shard, has_waited: bool, now: Timestamp) -> SequenceNumber {
        let index = self.next_index - 1;
        let record = shard.log.lock().sequence_number_at(index);
        let earliest = record.map_or(shard.created_seconds, |record| record.seconds + 1);
        match record {
            Some(record) if !has_waited => record,
            _ => SequenceNumber {
                shard_created_seconds: shard.created_seconds,
                index,
                seconds: now.as_seconds().max(earliest),
                shard: shard.index,
            },
        }
    }

    fn finish(&mut self, last: Poll) -> Poll {
        self.finished = true;
        last
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.stream.unwatch(self.id);
        let forget = |shard: &Shard| shard.log.lock().readers_at_end.remove(self.id);
        let waker = self.stream.state().topology.shard(self.shard).and_then(forget);
        drop(waker);
    }
}
