//! From entries back to an engine. Nothing that stands in a file is trusted: it
//! is refused, or it makes an engine that keeps its laws.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::entropy::Drawn;
use crate::engine::frozen::Frozen;
use crate::engine::lifecycle::Due;
use crate::engine::realm::Realm;
use crate::engine::topology::Shard;
use crate::model::arn::{AccountId, QueueId, RealmId, Region};
use crate::model::names::StreamName;
use crate::model::timestamp::Timestamp;
use crate::snapshot::Snapshot;
use crate::snapshot::read::{self, Refusal};
use crate::snapshot::rows::{
    Becomes, CommitmentRow, DeliveryRow, QueueRow, ShardRow, StreamRow, Text,
};
use crate::snapshot::to_come::ToCome;

use super::entry::{
    Change, CommitmentOf, DeliveriesOf, Entry, Gone, LAID_OUT, Moment, RECORDS, Record, Records,
    StreamOf,
};

/// What has been told so far.
#[derive(Default)]
pub(super) struct Replay {
    drawn: Option<(Drawn, Drawn)>,
    in_force: State,
    /// What is laid out, until it is in force.
    laid_out: Option<State>,
}

/// A state as it has been told.
#[derive(Default)]
struct State {
    /// The latest time that anything was told of.
    now: Timestamp,
    realms: BTreeMap<RealmKey, RealmSoFar>,
    /// By incarnation.
    streams: BTreeMap<u64, StreamSoFar>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    pub(crate) streams: usize,
    pub(crate) records: u64,
}

type RealmKey = (AccountId, Region);

#[derive(Default)]
struct RealmSoFar {
    commitment: CommitmentRow,
    retired_seconds: BTreeMap<Text<StreamName>, u64>,
    changes: BTreeMap<Due, (u64, Becomes)>,
}

struct StreamSoFar {
    realm: RealmKey,
    row: StreamRow,
    /// With the arrival of the newest record that there ever was, which may have
    /// expired; those that are left are told later.
    shards: Vec<(Shard, Timestamp)>,
    /// What the queues know of single records, which their rows are without.
    deliveries: BTreeMap<QueueId, DeliveriesSoFar>,
}

/// By shard and index.
#[derive(Default)]
struct DeliveriesSoFar {
    records: BTreeMap<(u32, u64), DeliveryRow>,
    acknowledged: BTreeMap<(u32, u64), u32>,
}

impl Replay {
    /// Does again what an entry tells.
    ///
    /// # Errors
    /// If it is no entry, or cannot come after those before it.
    pub(super) fn add(&mut self, entry: &[u8]) -> Result<(), Refusal> {
        match entry.split_first() {
            Some((&LAID_OUT, entry)) => self.laid_out()?.add(entry),
            Some((&RECORDS, _)) => self.in_force.add(entry),
            _ => self.tell(read_entry(entry)?),
        }
    }

    fn tell(&mut self, entry: Entry) -> Result<(), Refusal> {
        match entry {
            Entry::Reset => self.in_force.give_way_to(State::default()),
            Entry::Restoring => self.laid_out = Some(State::default()),
            Entry::Restored => {
                let laid_out = std::mem::take(self.laid_out()?);
                self.laid_out = None;
                self.in_force.give_way_to(laid_out);
            }
            Entry::Moment(Moment { now, ids, request_ids }) => {
                self.in_force.saw(Timestamp::from_millis(now));
                self.drawn = Some((ids.into(), request_ids.into()));
            }
            entry => self.in_force.tell(entry)?,
        }
        Ok(())
    }

    fn laid_out(&mut self) -> Result<&mut State, Refusal> {
        self.laid_out.as_mut().ok_or_else(|| "nothing has begun to be restored".to_owned())
    }

    /// What all entries have led to, without what has expired, and far ahead of
    /// all that may have been drawn since; `None` if there were none.
    ///
    /// # Errors
    /// If it breaks a law.
    pub(super) fn finish(self) -> Result<Option<(Snapshot, Contents)>, Refusal> {
        let Self { drawn, in_force, laid_out: _ } = self;
        let Some((ids, request_ids)) = drawn else {
            return match in_force.realms.is_empty() {
                true => Ok(None),
                false => Err("it does not say how far ids have been drawn".to_owned()),
            };
        };
        let (now, realms, contents) = in_force.finish()?;
        let frozen = Frozen::new(now, ids.ahead(), realms);
        Ok(Some((Snapshot::new(frozen, request_ids.ahead()), contents)))
    }
}

fn read_entry(entry: &[u8]) -> Result<Entry, Refusal> {
    serde_json::from_slice(entry).map_err(|error| error.to_string())
}

impl State {
    /// Does again what an entry of the state alone tells.
    fn add(&mut self, entry: &[u8]) -> Result<(), Refusal> {
        match entry.split_first() {
            Some((&RECORDS, rest)) => {
                self.add_records(Records::read(rest).ok_or("records that end too early")?)
            }
            _ => self.tell(read_entry(entry)?),
        }
    }

    fn tell(&mut self, entry: Entry) -> Result<(), Refusal> {
        match entry {
            Entry::Reset | Entry::Restoring | Entry::Restored | Entry::Moment(_) => {
                return Err("what is laid out has an entry of the whole log".to_owned());
            }
            Entry::Realm(row) => {
                let realm = self.realms.entry((row.account.0, row.region.0)).or_default();
                realm.commitment = row.commitment;
                realm.retired_seconds = row.retired_seconds;
            }
            Entry::Commitment(CommitmentOf { account, region, commitment }) => {
                self.realms.entry((account.0, region.0)).or_default().commitment = commitment;
            }
            Entry::Stream(told) => self.change_stream(*told)?,
            Entry::Gone(Gone { incarnation }) => self.remove_stream(incarnation)?,
            Entry::Change(Change { incarnation, due, becomes }) => {
                // A call may begin a change of a stream that has just gone.
                if let Some(stream) = self.streams.get(&incarnation) {
                    let realm = self.realms.entry(stream.realm.clone()).or_default();
                    realm.changes.insert(due.into(), (incarnation, becomes));
                }
            }
            Entry::Deliveries(told) => self.change_deliveries(told)?,
        }
        Ok(())
    }

    /// Is another state from now on. Time does not go back.
    fn give_way_to(&mut self, other: Self) {
        let now = self.now.max(other.now);
        *self = Self { now, ..other };
    }

    fn saw(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }

    fn stream(&mut self, incarnation: u64) -> Result<&mut StreamSoFar, Refusal> {
        self.streams
            .get_mut(&incarnation)
            .ok_or_else(|| format!("there is no stream of the incarnation {incarnation}"))
    }

    fn add_records(&mut self, mut records: Records<'_>) -> Result<(), Refusal> {
        let stream = self.stream(records.incarnation)?;
        let (shard, _) =
            stream.shards.get(records.shard.as_usize()).ok_or("records of no shard")?;
        let mut log = shard.log.lock();
        if log.end() != records.first {
            return Err(format!(
                "a record of the index {} after {} of {}",
                records.first,
                log.end() - 1,
                stream.row.name.0
            ));
        }
        for record in &mut records {
            let Record { arrival, key, data, encryption } = record.ok_or("a record in pieces")?;
            if arrival < log.newest() {
                return Err("a record that arrived before the one before it".to_owned());
            }
            let key = key.map(std::str::from_utf8).transpose();
            let key = key.map_err(|error| format!("a partition key that is no text: {error}"))?;
            read::check_record(key.map(Cow::Borrowed).as_ref(), data)?;
            log.append(arrival, key.map(Into::into), data, encryption);
        }
        let newest = log.newest();
        drop(log);
        self.saw(newest);
        Ok(())
    }

    fn change_stream(&mut self, told: StreamOf) -> Result<(), Refusal> {
        let StreamOf { account, region, mut stream, shards, settled } = told;
        let key = (account.0, region.0);
        let realm = self.realms.entry(key.clone()).or_default();
        if let Some(due) = settled {
            realm.changes.remove(&due.into()).ok_or("a change that was not to come")?;
            self.saw(Timestamp::from_millis(due.0));
        }
        let queues = stream.queues.iter_mut();
        let deliveries =
            queues.map(|row| (row.id.0.clone(), DeliveriesSoFar::take_from(row))).collect();
        let incarnation = stream.incarnation;
        let known = match self.streams.remove(&incarnation) {
            Some(known) if known.realm != key || known.row.name != stream.name => {
                return Err(format!("a second stream of the incarnation {incarnation}"));
            }
            Some(known) => StreamSoFar { row: stream, deliveries, ..known },
            None => StreamSoFar { realm: key, row: stream, shards: Vec::new(), deliveries },
        };
        let known = self.streams.entry(incarnation).or_insert(known);
        shards.iter().try_for_each(|row| known.change_shard(row))
    }

    fn remove_stream(&mut self, incarnation: u64) -> Result<(), Refusal> {
        self.stream(incarnation)?;
        let Some(gone) = self.streams.remove(&incarnation) else { return Ok(()) };
        let realm = self.realms.entry(gone.realm).or_default();
        realm.changes.retain(|_, (of, _)| *of != incarnation);
        realm.retired_seconds.insert(gone.row.name, gone.row.created_seconds);
        Ok(())
    }

    fn change_deliveries(&mut self, told: DeliveriesOf) -> Result<(), Refusal> {
        let DeliveriesOf { incarnation, queue, next, records, acknowledged, forgotten } = told;
        let stream = self.stream(incarnation)?;
        let row = stream.row.queues.iter_mut().find(|row| row.id.0 == queue.0);
        let known = stream.deliveries.get_mut(&queue.0);
        let (row, known) = row.zip(known).ok_or_else(|| format!("no queue {}", queue.0))?;
        row.next.extend(next);
        for (shard, index) in forgotten {
            known.forget((shard, index));
        }
        for delivery in records {
            let place = (delivery.shard, delivery.index);
            known.forget(place);
            known.records.insert(place, delivery);
        }
        for (shard, index, handed_out) in acknowledged {
            known.forget((shard, index));
            known.acknowledged.insert((shard, index), handed_out);
        }
        Ok(())
    }

    /// The realms, and what there is in them at the time that is returned with them.
    fn finish(self) -> Result<(Timestamp, Vec<Realm>, Contents), Refusal> {
        let Self { now, mut realms, streams } = self;
        let mut contents = Contents::default();
        let mut names = BTreeMap::new();
        let mut by_realm: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (incarnation, stream) in streams {
            realms.entry(stream.realm.clone()).or_default();
            names.insert(incarnation, stream.row.name.0.clone());
            by_realm.entry(stream.realm.clone()).or_default().push(stream);
        }
        let (mut finished, mut to_come) = (Vec::new(), ToCome::default());
        for ((account, region), so_far) in realms {
            let key = (account.clone(), region.clone());
            let id = RealmId { account, region };
            let realm = read::realm(id, &so_far.commitment, so_far.retired_seconds)?;
            for stream in by_realm.remove(&key).into_iter().flatten() {
                let (row, shards) = stream.finish();
                read::add_stream(&realm, row, shards)?;
            }
            to_come.turn_to_next_realm();
            for (due, (of, becomes)) in so_far.changes {
                let name = names.get(&of).ok_or("a change of no stream")?.clone();
                to_come.add(&realm, name, due, becomes)?;
            }
            for stream in realm.streams() {
                stream.sweep(now);
                contents.streams += 1;
                contents.records += stream.holdings().records;
            }
            finished.push(realm);
        }
        Ok((now, finished, contents))
    }
}

impl StreamSoFar {
    /// Adds a shard that comes next, or changes one that is there.
    fn change_shard(&mut self, row: &ShardRow) -> Result<(), Refusal> {
        let mut shard = read::shard(row)?;
        let newest = Timestamp::from_millis(row.newest);
        let place = shard.index.as_usize();
        if place > self.shards.len() {
            return Err(format!("a shard {} before others", row.number));
        }
        if place == self.shards.len() {
            self.shards.push((shard, newest));
        } else {
            let known = &mut self.shards[place];
            // The records that it has are told once.
            std::mem::swap(&mut known.0.log, &mut shard.log);
            *known = (shard, newest);
        }
        Ok(())
    }

    /// The stream's row with all that its queues know, and its shards.
    fn finish(self) -> (StreamRow, Vec<Shard>) {
        let Self { mut row, shards, mut deliveries, .. } = self;
        for queue in &mut row.queues {
            let DeliveriesSoFar { records, acknowledged } =
                deliveries.remove(&queue.id.0).unwrap_or_default();
            queue.records = records.into_values().collect();
            queue.acknowledged = acknowledged
                .into_iter()
                .map(|((shard, index), handed_out)| (shard, index, handed_out))
                .collect();
        }
        let finish = |(shard, newest): (Shard, Timestamp)| {
            shard.log.lock().not_before(newest);
            shard
        };
        (row, shards.into_iter().map(finish).collect())
    }
}

impl DeliveriesSoFar {
    /// Takes what a queue's row says of single records.
    fn take_from(row: &mut QueueRow) -> Self {
        let records = std::mem::take(&mut row.records).into_iter();
        let acknowledged = std::mem::take(&mut row.acknowledged).into_iter();
        Self {
            records: records.map(|record| ((record.shard, record.index), record)).collect(),
            acknowledged: acknowledged.map(|(shard, index, n)| ((shard, index), n)).collect(),
        }
    }

    fn forget(&mut self, place: (u32, u64)) {
        self.records.remove(&place);
        self.acknowledged.remove(&place);
    }
}
