//! One receive: what a queue has to hand out now, or a wait until there is
//! something.
//!
//! Asked at a time, it says what there is at that time, or until when there is
//! nothing to do. It knows no clock.

use std::sync::Arc;
use std::task::Waker;

use crate::model::arn::QueueAddress;
use crate::model::error::ApiError;
use crate::model::limits::Limits;
use crate::model::numbers::{ReceiveLimit, VisibilityTimeoutSeconds};
use crate::model::status::StreamStatus;
use crate::model::timestamp::Timestamp;

use super::deliveries::{Asked, Delivered, Side, Waiter};
use super::realm::Realm;
use super::stream::Stream;
use super::topology::Shard;
use super::watchers::Woken;

/// A receive, until it is answered or its client has gone.
#[derive(Debug)]
pub(crate) struct Receive {
    realm: Arc<Realm>,
    stream: Arc<Stream>,
    queue: QueueAddress,
    side: Side,
    limit: ReceiveLimit,
    /// In place of the queue's own.
    visibility: Option<VisibilityTimeoutSeconds>,
    /// When the wait ends.
    until: Timestamp,
    /// Tells who waits from all others who do.
    id: u64,
    /// Whether wakers of ours may be anywhere.
    waits: bool,
}

/// What a receive has come to at a time.
#[derive(Debug)]
pub(crate) enum Poll {
    /// Records; none if the wait has ended.
    Ready(Vec<Delivered>),
    /// Nothing before this time, unless somebody wakes the reader.
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    WaitUntil(Timestamp),
}

impl Receive {
    pub(crate) fn new(
        (realm, stream): (Arc<Realm>, Arc<Stream>),
        queue: QueueAddress,
        side: Side,
        limit: ReceiveLimit,
        visibility: Option<VisibilityTimeoutSeconds>,
        until: Timestamp,
        id: u64,
    ) -> Self {
        Self { realm, stream, queue, side, limit, visibility, until, id, waits: false }
    }

    /// The queue that is received from.
    pub(crate) fn queue(&self) -> &QueueAddress {
        &self.queue
    }

    /// Which of its records are wanted.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// What there is to receive now. If there is nothing, `waker` is woken by the
    /// next record, by any change of the stream and by what others do to the
    /// queue.
    ///
    /// # Errors
    /// If the queue is not there, or hands nothing out.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        limits: Option<&Limits>,
        waker: Option<&Waker>,
    ) -> Result<Poll, ApiError> {
        let mut waiter = waker.map(|waker| Waiter { id: self.id, waker, replaced: Vec::new() });
        if let Some(waker) = waker {
            self.waits = true;
            // In this order, so that no change falls between looking and waiting.
            self.stream.watch(self.id, waker);
        }
        self.realm.settle(now);
        let polled = self.poll_queue(now, limits, waiter.as_mut());
        drop(waiter);
        polled
    }

    fn poll_queue(
        &self,
        now: Timestamp,
        limits: Option<&Limits>,
        waiter: Option<&mut Waiter<'_>>,
    ) -> Result<Poll, ApiError> {
        let state = self.stream.state();
        let queue = state
            .queue(&self.queue.id)
            // Of a stream that another one has taken the place of, nothing is left.
            .filter(|queue| queue.is_readable() && state.status != StreamStatus::Deleting)
            .ok_or_else(|| ApiError::queue_not_found(&self.queue.to_string()))?;
        let visibility = self.visibility.unwrap_or(queue.visibility).duration();
        let in_flight_max = limits.and_then(|limits| limits.queue_records_in_flight);
        let asked = Asked {
            side: self.side,
            records_max: self.limit.get() as usize,
            visibility,
            in_flight_max: in_flight_max.map(|most| most as usize),
        };
        let mut deliveries = queue.deliveries.lock();
        let delivered = deliveries.receive(&state, asked, now, waiter);
        if let Some(listener) = state.listener.as_ref().filter(|_| !delivered.is_empty()) {
            let mut places = delivered.iter().map(|delivered| delivered.place);
            listener.deliveries_changed(&self.stream, queue, &deliveries, &mut places);
        }
        let next_timeout = deliveries.next_timeout();
        // What is not hidden at all is there for others, too.
        let others = match visibility.is_zero() && !delivered.is_empty() {
            true => deliveries.take_watchers(),
            false => Woken::default(),
        };
        drop(deliveries);
        drop(state);
        drop(others);
        if !delivered.is_empty() || now >= self.until {
            return Ok(Poll::Ready(delivered));
        }
        let next = self.until.min(self.realm.next_deadline());
        Ok(Poll::WaitUntil(next_timeout.map_or(next, |timeout| next.min(timeout))))
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        if !self.waits {
            return;
        }
        self.stream.unwatch(self.id);
        let state = self.stream.state();
        let shards = state.topology.shards().iter();
        let forget = |shard: &Shard| shard.log.lock().readers_at_end.remove(self.id);
        let mut wakers: Vec<_> = shards.filter_map(forget).collect();
        let queue = state.queue(&self.queue.id);
        wakers.extend(queue.and_then(|queue| queue.deliveries.lock().unwatch(self.id)));
        drop(state);
        drop(wakers);
    }
}
