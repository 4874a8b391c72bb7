//! What a queue has handed out: single records, and what became of each.
//!
//! * A queue holds no records. It knows how far it has come in each shard, and
//!   for the records behind that point only what is not over: a record that is
//!   acknowledged leaves nothing behind, unless it took several deliveries.
//! * The oldest arrival goes first, whether or not it was handed out before.
//! * A record that has been received as often as allowed becomes a dead letter
//!   when its last visibility timeout ends.
//! * What the stream forgets is gone from the queue, too.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;
use std::time::Duration;

use crate::model::arn::QueueId;
use crate::model::error::ApiError;
use crate::model::numbers::MaxReceiveCount;
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;

use super::log::Batch;
use super::queue::QueueStart;
use super::stream::StreamState;
use super::topology::{Shard, Topology};
use super::watchers::{Watchers, Woken};

/// Most bytes of data and keys in one receive; one record is handed out even
/// if it is larger (ours, as GetRecords does).
const RECEIVE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Whose turn it is: those who work on records, or those who look after the
/// ones that were set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Normal = 0,
    DeadLetter = 1,
}

/// A record's place in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) shard: ShardIndex,
    pub(crate) index: u64,
}

/// What a receipt handle stands for: one delivery of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: QueueId,
    pub(crate) side: Side,
    pub(crate) place: Place,
    /// How often the record had been handed out, this time included.
    pub(crate) delivery: u32,
}

/// What is known of a record that was handed out and is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) arrival: Timestamp,
    pub(crate) first_received: Timestamp,
    /// Until when it is in flight; `None` if it is visible.
    pub(crate) hidden_until: Option<Timestamp>,
    pub(crate) side: Side,
    /// Receives without acknowledgement: `ReceiveCount`.
    pub(crate) receives: u32,
    /// How often it was handed out in all: the number of its newest handle.
    pub(crate) handed_out: u32,
}

/// A record that was acknowledged after several deliveries: its older handles
/// have to be told from the one that acknowledged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) arrival: Timestamp,
    pub(crate) handed_out: u32,
}

/// How far a queue has come, and what is in its hands.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// The index of the next record of each shard that was never handed out; a
    /// shard that is not listed is handed out from its beginning.
    next: BTreeMap<ShardIndex, u64>,
    records: BTreeMap<Place, Delivery>,
    acknowledged: BTreeMap<Place, Acknowledged>,
    /// The records in flight, by the end of their timeouts.
    hidden: BTreeSet<(Timestamp, Place)>,
    /// The records that wait to be handed out again, of either side.
    visible: [BTreeSet<(Timestamp, Place)>; 2],
    /// After how many receives a record is set aside: what is in force, which
    /// an update changes when it ends.
    set_aside_after: Option<u32>,
    /// Receives that wait.
    watchers: Watchers,
}

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) side: Side,
    pub(crate) records_max: usize,
    pub(crate) visibility: Duration,
    /// Most records in flight, if that is limited.
    pub(crate) in_flight_max: Option<usize>,
}

/// A record that is handed out.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The record alone.
    pub(crate) record: Batch,
    pub(crate) place: Place,
    pub(crate) known: Delivery,
}

/// Somebody who waits until there is something to receive.
pub(crate) struct Waiter<'a> {
    pub(crate) id: u64,
    pub(crate) waker: &'a Waker,
    /// Wakers that were replaced, to be dropped when all locks are gone.
    pub(crate) replaced: Vec<Waker>,
}

impl Deliveries {
    /// A queue that begins where it was asked to, in the shards of this moment.
    pub(crate) fn starting(start: QueueStart, stream: &StreamState, now: Timestamp) -> Self {
        let horizon = stream.horizon(now);
        let place = |shard: &Shard| (shard.index, start.in_shard().resolve(shard, horizon));
        Self { next: stream.topology.shards().iter().map(place).collect(), ..Self::default() }
    }

    /// Deliveries as they were put down in a file, with the arrivals that the
    /// shards know; `None` if they contradict each other or the shards. Those of
    /// records that are gone are left out.
    pub(crate) fn restored(
        next: BTreeMap<ShardIndex, u64>,
        records: impl IntoIterator<Item = (Place, Delivery)>,
        acknowledged: impl IntoIterator<Item = (Place, Acknowledged)>,
        set_aside_after: Option<u32>,
        topology: &Topology,
    ) -> Option<Self> {
        let mut restored = Self { next, set_aside_after, ..Self::default() };
        for (shard, next) in &restored.next {
            let end = topology.shard(*shard)?.log.lock().end();
            if !(1..=end).contains(next) {
                return None;
            }
        }
        let arrival = |place: Place| {
            let shard = topology.shard(place.shard).expect("it is one of those with a place");
            shard.log.lock().arrival_at(place.index)
        };
        for (place, done) in acknowledged {
            if !restored.was_handed_out(place) {
                return None;
            }
            let done = arrival(place).map(|arrival| Acknowledged { arrival, ..done });
            restored.acknowledged.extend(done.map(|done| (place, done)));
        }
        for (place, delivery) in records {
            if !restored.was_handed_out(place)
                || restored.records.contains_key(&place)
                || restored.acknowledged.contains_key(&place)
            {
                return None;
            }
            if let Some(arrival) = arrival(place) {
                restored.keep(place, Delivery { arrival, ..delivery });
            }
        }
        Some(restored)
    }

    /// The same for another emulator.
    pub(super) fn fork(&self) -> Self {
        Self {
            next: self.next.clone(),
            records: self.records.clone(),
            acknowledged: self.acknowledged.clone(),
            hidden: self.hidden.clone(),
            visible: self.visible.clone(),
            set_aside_after: self.set_aside_after,
            watchers: Watchers::default(),
        }
    }

    /// How far the queue has come in each shard.
    pub(crate) fn next(&self) -> &BTreeMap<ShardIndex, u64> {
        &self.next
    }

    /// The records that were handed out and are not done.
    pub(crate) fn records(&self) -> &BTreeMap<Place, Delivery> {
        &self.records
    }

    /// The records that took several deliveries and are done.
    pub(crate) fn acknowledged(&self) -> &BTreeMap<Place, Acknowledged> {
        &self.acknowledged
    }

    /// After how many receives a record is set aside.
    pub(crate) fn in_force(&self) -> Option<u32> {
        self.set_aside_after
    }

    /// When the next timeout ends.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// Takes those who wait.
    pub(crate) fn take_watchers(&mut self) -> Woken {
        self.watchers.take()
    }

    /// Forgets somebody who waited.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn unwatch(&mut self, id: u64) -> Option<Waker> {
        self.watchers.remove(id)
    }

    /// Has records set aside after so many receives from a time on.
    pub(super) fn set_aside_after(&mut self, count: Option<MaxReceiveCount>, at: Timestamp) {
        self.end_timeouts(at);
        self.set_aside_after = count.map(MaxReceiveCount::get);
        let [normal, _] = &self.visible;
        let spent: Vec<_> = normal
            .iter()
            .map(|(_, place)| *place)
            .filter(|place| self.is_spent(&self.records[place]))
            .collect();
        for place in spent {
            let delivery = self.forget(place).expect("what is visible is known");
            self.show(place, delivery);
        }
    }

    /// Hands out what there is, the oldest arrivals first. If that is nothing,
    /// `waiter` is woken when there may be something.
    pub(crate) fn receive(
        &mut self,
        stream: &StreamState,
        asked: Asked,
        now: Timestamp,
        mut waiter: Option<&mut Waiter<'_>>,
    ) -> Vec<Delivered> {
        self.settle(stream, now);
        let room = asked.in_flight_max.map(|most| most.saturating_sub(self.hidden.len()));
        let records_max = room.map_or(asked.records_max, |room| room.min(asked.records_max));
        let taken = self.take(stream, asked.side, records_max, now, waiter.as_deref_mut());
        if let (true, Some(waiter)) = (taken.is_empty(), waiter) {
            waiter.replaced.extend(self.watchers.register(waiter.id, waiter.waker));
        }
        let until = now.plus(asked.visibility);
        let hand_out = |(record, place, known): (Batch, Place, Option<Delivery>)| {
            let arrival = record.iter().next().expect("one record was taken").arrival;
            let known = known.unwrap_or(Delivery {
                arrival,
                first_received: now,
                hidden_until: None,
                side: asked.side,
                receives: 0,
                handed_out: 0,
            });
            let known = Delivery {
                hidden_until: Some(until),
                receives: known.receives.saturating_add(1),
                handed_out: known.handed_out.saturating_add(1),
                ..known
            };
            self.keep(place, known);
            Delivered { record, place, known }
        };
        let delivered = taken.into_iter().map(hand_out).collect();
        // Those that are not to be hidden at all.
        self.end_timeouts(now);
        delivered
    }

    /// Removes the oldest visible records of a side from where they wait.
    fn take(
        &mut self,
        stream: &StreamState,
        side: Side,
        records_max: usize,
        now: Timestamp,
        waiter: Option<&mut Waiter<'_>>,
    ) -> Vec<(Batch, Place, Option<Delivery>)> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        let mut fresh = match side {
            Side::Normal => self.fresh(stream, now, waiter),
            Side::DeadLetter => BTreeSet::new(),
        };
        while taken.len() < records_max {
            let again = self.visible[side as usize].first().copied();
            let Some(first) = fresh.first().copied().into_iter().chain(again).min() else { break };
            let (_, place) = first;
            let shard = stream.topology.shard(place.shard).expect("shards are never forgotten");
            let mut log = shard.log.lock();
            let record = log.read(place.index, 1, usize::MAX);
            let found = record.iter().next().map(|record| record.sequence_number.index);
            let following = log.arrival_at(record.next);
            drop(log);
            let is_again = again == Some(first);
            // A call with a later time may have trimmed the shard meanwhile.
            if found != Some(place.index) {
                if is_again {
                    self.forget(place);
                } else {
                    fresh.remove(&first);
                }
                continue;
            }
            if !taken.is_empty() && bytes + record.bytes() > RECEIVE_BYTES_MAX {
                break;
            }
            bytes += record.bytes();
            let known = if is_again {
                self.forget(place)
            } else {
                fresh.remove(&first);
                self.next.insert(place.shard, record.next);
                let next = Place { index: record.next, ..place };
                fresh.extend(following.map(|arrival| (arrival, next)));
                None
            };
            taken.push((record, place, known));
        }
        taken
    }

    /// The next record of each shard that was never handed out, if there is one.
    /// Where there is none yet, `waiter` is woken by the next.
    fn fresh(
        &self,
        stream: &StreamState,
        now: Timestamp,
        mut waiter: Option<&mut Waiter<'_>>,
    ) -> BTreeSet<(Timestamp, Place)> {
        let horizon = stream.horizon(now);
        let mut fresh = BTreeSet::new();
        for shard in stream.live_shards(now) {
            let mut log = shard.log.lock();
            log.trim(horizon);
            let index = self.next.get(&shard.index).copied().unwrap_or(0).max(log.start());
            match (log.arrival_at(index), waiter.as_deref_mut()) {
                (Some(arrival), _) => {
                    fresh.insert((arrival, Place { shard: shard.index, index }));
                }
                (None, Some(waiter)) if shard.closed.is_none() => {
                    let before = log.readers_at_end.register(waiter.id, waiter.waker);
                    waiter.replaced.extend(before);
                }
                (None, _) => {}
            }
        }
        fresh
    }

    /// Brings the queue to `now`: what has expired is gone, timeouts have ended.
    fn settle(&mut self, stream: &StreamState, now: Timestamp) {
        self.end_timeouts(now);
        let horizon = stream.horizon(now);
        for place in expired(&self.records, horizon, |delivery| delivery.arrival) {
            self.forget(place);
        }
        for place in expired(&self.acknowledged, horizon, |done| done.arrival) {
            self.acknowledged.remove(&place);
        }
    }

    /// Shows the records whose timeouts have ended.
    fn end_timeouts(&mut self, now: Timestamp) {
        while let Some((until, place)) = self.hidden.first().copied()
            && until <= now
        {
            let delivery = self.forget(place).expect("what is hidden is known");
            self.show(place, delivery);
        }
    }

    /// Whether a record has been received as often as it may.
    fn is_spent(&self, delivery: &Delivery) -> bool {
        self.set_aside_after.is_some_and(|count| delivery.receives >= count)
    }

    /// Lets a record be handed out again, or sets it aside.
    fn show(&mut self, place: Place, delivery: Delivery) {
        let side = if self.is_spent(&delivery) { Side::DeadLetter } else { delivery.side };
        self.keep(place, Delivery { hidden_until: None, side, ..delivery });
    }

    fn keep(&mut self, place: Place, delivery: Delivery) {
        match delivery.hidden_until {
            Some(until) => self.hidden.insert((until, place)),
            None => self.visible[delivery.side as usize].insert((delivery.arrival, place)),
        };
        self.records.insert(place, delivery);
    }

    fn forget(&mut self, place: Place) -> Option<Delivery> {
        let delivery = self.records.remove(&place)?;
        match delivery.hidden_until {
            Some(until) => self.hidden.remove(&(until, place)),
            None => self.visible[delivery.side as usize].remove(&(delivery.arrival, place)),
        };
        Some(delivery)
    }

    /// Whether a record was ever handed out.
    fn was_handed_out(&self, place: Place) -> bool {
        self.next.get(&place.shard).is_some_and(|next| place.index < *next)
    }

    /// Takes a record off the queue for good.
    ///
    /// # Errors
    /// If the handle is not the record's newest, or the record is gone. Once
    /// more with the same handle is fine, so that a retry does no harm.
    pub(crate) fn acknowledge(
        &mut self,
        stream: &StreamState,
        receipt: &Receipt,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if let Held::Done = self.held(stream, receipt, now)? {
            return Ok(());
        }
        let delivery = self.forget(receipt.place).expect("it is held");
        if delivery.handed_out > 1 {
            let Delivery { arrival, handed_out, .. } = delivery;
            self.acknowledged.insert(receipt.place, Acknowledged { arrival, handed_out });
        }
        Ok(())
    }

    /// Has a record in flight stay hidden for so long from now on.
    ///
    /// # Errors
    /// If the handle is not the record's newest, the record is not in flight any
    /// more, or it is gone.
    pub(crate) fn hide_for(
        &mut self,
        stream: &StreamState,
        receipt: &Receipt,
        visibility: Duration,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let delivery = self.held(stream, receipt, now)?.not_done()?;
        if delivery.hidden_until.is_none() {
            return Err(ApiError::record_not_in_flight());
        }
        self.forget(receipt.place);
        self.keep(receipt.place, Delivery { hidden_until: Some(now.plus(visibility)), ..delivery });
        self.end_timeouts(now);
        Ok(())
    }

    /// Gives a dead letter back to those who work on records, as if it had never
    /// been received.
    ///
    /// # Errors
    /// If the handle is not the record's newest, or the record is gone.
    pub(crate) fn restore(
        &mut self,
        stream: &StreamState,
        receipt: &Receipt,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let delivery = self.held(stream, receipt, now)?.not_done()?;
        self.forget(receipt.place);
        self.show(receipt.place, Delivery { side: Side::Normal, receives: 0, ..delivery });
        Ok(())
    }

    /// What a handle's record is doing now.
    fn held(
        &mut self,
        stream: &StreamState,
        receipt: &Receipt,
        now: Timestamp,
    ) -> Result<Held, ApiError> {
        self.settle(stream, now);
        let Receipt { place, side, delivery, .. } = *receipt;
        let newest = match self.records.get(&place) {
            Some(known) if known.side != side => return Err(ApiError::receipt_handle_invalid()),
            Some(known) if known.handed_out == delivery => return Ok(Held::Known(*known)),
            Some(known) => known.handed_out,
            // It comes from an emulator that has been put back since.
            None if !self.was_handed_out(place) => return Err(ApiError::receipt_handle_invalid()),
            None => {
                let shard = stream.topology.shard(place.shard);
                let shard = shard.ok_or_else(ApiError::receipt_handle_invalid)?;
                let mut log = shard.log.lock();
                log.trim(stream.horizon(now));
                if place.index < log.start() {
                    return Err(ApiError::queue_record_not_found());
                }
                self.acknowledged.get(&place).map_or(1, |done| done.handed_out)
            }
        };
        match delivery.cmp(&newest) {
            std::cmp::Ordering::Less => Err(ApiError::receipt_handle_stale()),
            std::cmp::Ordering::Equal => Ok(Held::Done),
            std::cmp::Ordering::Greater => Err(ApiError::receipt_handle_invalid()),
        }
    }
}

/// What the record of a newest handle is doing.
enum Held {
    /// It is in flight, or visible again.
    Known(Delivery),
    /// It has been acknowledged with this very handle.
    Done,
}

impl Held {
    fn not_done(self) -> Result<Delivery, ApiError> {
        match self {
            Self::Known(delivery) => Ok(delivery),
            Self::Done => Err(ApiError::queue_record_not_found()),
        }
    }
}

/// The places of what arrived before the horizon.
fn expired<T>(
    known: &BTreeMap<Place, T>,
    horizon: Timestamp,
    arrival: impl Fn(&T) -> Timestamp,
) -> Vec<Place> {
    let mut expired = Vec::new();
    let mut from = Place { shard: ShardIndex::new(0), index: 0 };
    // Within a shard the older record has the lower index: the first one that
    // has not expired leads on to the next shard.
    while let Some((place, value)) = known.range(from..).next() {
        from = if arrival(value) < horizon {
            expired.push(*place);
            Place { index: place.index + 1, ..*place }
        } else {
            Place { shard: ShardIndex::new(place.shard.number() + 1), index: 0 }
        };
    }
    expired
}

#[cfg(test)]
mod tests;
