//! A stream that is being put to: which shard each record goes to, and how it
//! gets there.
//!
//! A put routes and appends under one read guard, so that it can never land in
//! a shard that a split has closed meanwhile.

use smallvec::SmallVec;

use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::hash_key::HashKey;
use crate::model::limits::Limits;
use crate::model::record::KeptText;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::StreamMode;
use crate::model::timestamp::Timestamp;

use super::chronicle::Added;
use super::limits::ShardUsage;
use super::stream::{Stream, StreamState};
use super::sync::ReadGuard;
use super::watchers::Woken;

/// A record on its way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewRecord<'a> {
    pub(crate) partition_key: Option<KeptText<'a>>,
    pub(crate) data: &'a [u8],
}

impl NewRecord<'_> {
    /// Data and key, as limits count them.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.map_or(0, KeptText::len)
    }
}

/// What decides on a record's shard.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// The service's choice.
    Anywhere,
    /// The hash key that was given.
    At(HashKey),
    /// The MD5 of the partition key.
    OfKey(KeptText<'a>),
}

/// The shards of a request's records.
#[derive(Debug)]
pub(crate) struct Routes(SmallVec<[Route; RECORDS_MAX]>);

/// A request has 500 records at most: their routes lie on the stack.
const RECORDS_MAX: usize = 512;

/// A record's shard and its place in the request in one number, which sorts several
/// times as fast as a pair does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Route(u64);

impl Route {
    /// In place of the shard that is chosen when the record is stored.
    const ANY_SHARD: u32 = u32::MAX;

    fn new(shard: Option<ShardIndex>, place: u32) -> Self {
        let shard = shard.map_or(Self::ANY_SHARD, ShardIndex::number);
        Self(u64::from(shard) << 32 | u64::from(place))
    }

    fn shard(self) -> Option<ShardIndex> {
        let shard = (self.0 >> 32) as u32;
        (shard != Self::ANY_SHARD).then(|| ShardIndex::new(shard))
    }

    fn place(self) -> u32 {
        self.0 as u32
    }
}

impl Routes {
    /// Forgets the records at all other places.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(usize) -> bool) {
        self.0.retain(|route| is_kept(route.place() as usize));
    }
}

/// A stream whose topology stays as it is while records are added.
pub(crate) struct Writable<'a> {
    pub(crate) stream: &'a Stream,
    pub(crate) state: ReadGuard<'a, StreamState>,
    /// Shards that have become too busy for an on-demand stream.
    busy: Vec<ShardIndex>,
    /// Readers of what was added. After `state`: they are woken when its lock is gone.
    readers: Woken,
}

impl<'a> Writable<'a> {
    pub(super) fn new(stream: &'a Stream, state: ReadGuard<'a, StreamState>) -> Self {
        Self { stream, state, busy: Vec::new(), readers: Woken::default() }
    }

    /// Lets go of the stream, and says which shards have become too busy.
    pub(crate) fn into_busy(self) -> Vec<ShardIndex> {
        self.busy
    }

    /// Stores a record, as far as limits allow it.
    ///
    /// # Errors
    /// If the shard has taken all that it takes; then nothing has happened.
    pub(crate) fn append(
        &mut self,
        now: Timestamp,
        destination: Destination<'_>,
        record: NewRecord<'_>,
        limits: Option<&Limits>,
    ) -> Result<SequenceNumber, ApiError> {
        let mut placed = None;
        let shard = self.shard_for(destination, HashKey::of_partition_key);
        let shard = shard.unwrap_or_else(|| self.next_in_turn());
        self.append_to(shard, now, std::iter::once((0, record)), limits, |_, place| {
            placed = Some(place);
        });
        placed.expect("one in, one out")
    }

    /// Finds the shards of a request's records, and changes nothing.
    ///
    /// # Errors
    /// The first that is among the destinations.
    pub(crate) fn routes<'r>(
        &self,
        destinations: impl Iterator<Item = Result<Destination<'r>, ApiError>>,
    ) -> Result<Routes, ApiError> {
        let mut destinations = destinations.fuse();
        let mut routes = SmallVec::new();
        // As many as are hashed side by side.
        let mut block = SmallVec::<[_; HashKey::SIDE_BY_SIDE]>::new();
        loop {
            block.clear();
            for destination in destinations.by_ref().take(HashKey::SIDE_BY_SIDE) {
                block.push(destination?);
            }
            if block.is_empty() {
                return Ok(Routes(routes));
            }
            let mut hashed =
                HashKey::of_partition_keys(block.iter().filter_map(
                    |destination| match destination {
                        Destination::OfKey(key) => Some(*key),
                        Destination::Anywhere | Destination::At(_) => None,
                    },
                ));
            for destination in &block {
                let next = |_: KeptText<'_>| hashed.next().expect("every key has been hashed");
                routes.push(Route::new(self.shard_for(*destination, next), routes.len() as u32));
            }
        }
    }

    /// Stores the records that have these routes, taking each shard's lock once, as
    /// far as limits allow it, and tells what becomes of the one at each place. Those
    /// of one shard are numbered in the order of their places.
    pub(crate) fn append_all<'r>(
        &mut self,
        now: Timestamp,
        routes: Routes,
        record_at: impl Fn(usize) -> NewRecord<'r> + Copy,
        limits: Option<&Limits>,
        mut tell: impl FnMut(usize, Result<SequenceNumber, ApiError>),
    ) {
        let Routes(mut routes) = routes;
        for route in routes.iter_mut().filter(|route| route.shard().is_none()) {
            *route = Route::new(Some(self.next_in_turn()), route.place());
        }
        routes.sort_unstable();
        for group in routes.chunk_by(|one, other| one.shard() == other.shard()) {
            let shard = group[0].shard().expect("one has been chosen");
            let places = group.iter().map(|route| route.place() as usize);
            let records = places.map(|place| (place, record_at(place)));
            self.append_to(shard, now, records, limits, &mut tell);
        }
    }

    /// The shard of a record, if it is not the service's choice.
    fn shard_for(
        &self,
        destination: Destination<'_>,
        hash: impl FnOnce(KeptText<'_>) -> HashKey,
    ) -> Option<ShardIndex> {
        let topology = &self.state.topology;
        match destination {
            Destination::Anywhere => None,
            Destination::At(hash_key) => Some(topology.route(hash_key)),
            Destination::OfKey(key) => Some(topology.route(hash(key))),
        }
    }

    /// The service's choice: the open shards take turns.
    fn next_in_turn(&self) -> ShardIndex {
        self.state.topology.nth_open(self.stream.take_auto_turn())
    }

    /// Stores records in one shard under one lock, and tells what becomes of
    /// each.
    fn append_to<'r>(
        &mut self,
        shard: ShardIndex,
        now: Timestamp,
        records: impl Iterator<Item = (usize, NewRecord<'r>)> + Clone,
        limits: Option<&Limits>,
        mut tell: impl FnMut(usize, Result<SequenceNumber, ApiError>),
    ) {
        let mut busy = false;
        let mut log = self.state.topology.shards()[shard.as_usize()].log.lock();
        log.trim(self.state.horizon(now));
        let first = log.end();
        // In order, as the places are.
        let mut refused = Vec::new();
        for (place, record) in records.clone() {
            let admitted = match limits {
                Some(limits) => self.admit(record, shard, log.usage(), limits, now),
                None => Ok(false),
            };
            let result = admitted.map(|too_busy| {
                busy |= too_busy;
                log.append(now, record.partition_key, record.data, self.state.encryption)
            });
            if result.is_err() && self.state.listener.is_some() {
                refused.push(place);
            }
            tell(place, result);
        }
        if let Some(listener) = self.state.listener.as_ref().filter(|_| first < log.end()) {
            let stored = records.filter(|(place, _)| refused.binary_search(place).is_err());
            listener.records_added(
                self.stream,
                &mut Added {
                    shard,
                    first,
                    // All arrive at the time at which the last one does.
                    arrival: log.newest(),
                    encryption: self.state.encryption,
                    records: &mut stored.map(|(_, record)| (record.partition_key, record.data)),
                },
            );
        }
        let readers = log.readers_at_end.take();
        drop(log);
        self.readers.and(readers);
        self.busy.extend(busy.then_some(shard));
    }

    /// Takes a record's share of its shard, and says whether the shard has
    /// become too busy for an on-demand stream.
    fn admit(
        &self,
        record: NewRecord<'_>,
        shard: ShardIndex,
        usage: &mut ShardUsage,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        let bytes = record.bytes();
        if !usage.admit_record(bytes, self.state.max_record_size.bytes(), limits, now) {
            let StreamAddress { name, realm } = &self.stream.address;
            return Err(ApiError::shard_rate_exceeded(shard, name, &realm.account));
        }
        let watched = self.state.mode == StreamMode::OnDemand;
        Ok(watched && usage.watch_record(bytes, limits, now))
    }
}
