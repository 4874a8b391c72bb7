//! One stream: its settings and shards under one lock, read by data calls and
//! written by control calls. Each shard has a short lock of its own inside.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::DerefMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use crate::model::arn::{AccountId, QueueId, StreamAddress};
use crate::model::channel::ChannelId;
use crate::model::error::ApiError;
use crate::model::names::{ConsumerName, KeyId, PolicyText, QueueName, TagKey, TagValue};
use crate::model::numbers::MaxRecordSizeInKiB;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{
    EncryptionType, MetricsName, RecordDistributionStrategy, StreamMode, StreamStatus,
};
use crate::model::timestamp::Timestamp;

use super::channel::Channel;
use super::chronicle::Listener;
use super::consumer::Consumer;
use super::lifecycle::Due;
use super::limits::CallUsage;
use super::queue::Queue;
use super::rolling::RollingDay;
use super::sync::{Mutex, ReadGuard, RwLock};
use super::topology::{Shard, Topology};
use super::transition::Transition;
use super::watchers::{Watchers, Woken};
use super::writable::Writable;

/// A stream, from CreateStream to the end of DELETING.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) address: StreamAddress,
    /// Tells the stream from others that had its name.
    pub(crate) incarnation: u64,
    /// `StreamCreationTimestamp`.
    pub(crate) created: Timestamp,
    /// The second that the first shards' sequence numbers carry.
    pub(crate) created_seconds: u64,
    state: RwLock<StreamState>,
    /// Whose turn it is under the strategy AUTO.
    auto_turn: AtomicU64,
    /// How often operations were called that are limited per stream.
    pub(crate) call_usage: Mutex<CallUsage>,
    /// Readers that want to know of any change but new records.
    watchers: Mutex<Watchers>,
}

/// What can change about a stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamState {
    pub(crate) status: StreamStatus,
    pub(crate) mode: StreamMode,
    pub(crate) retention: Duration,
    /// What arrived before this had expired when the retention was last changed.
    pub(crate) expired_before: Timestamp,
    pub(crate) encryption: EncryptionType,
    /// The key while records are encrypted.
    pub(crate) key: Option<KeyId>,
    pub(crate) distribution: RecordDistributionStrategy,
    pub(crate) max_record_size: MaxRecordSizeInKiB,
    pub(crate) tags: BTreeMap<TagKey, TagValue>,
    pub(crate) shard_level_metrics: BTreeSet<MetricsName>,
    pub(crate) policy: Option<PolicyText>,
    pub(crate) channels: BTreeMap<ChannelId, Channel>,
    pub(crate) consumers: BTreeMap<ConsumerName, Consumer>,
    /// When each name was last registered, so that ARNs never repeat.
    pub(crate) registrations: BTreeMap<ConsumerName, u64>,
    pub(crate) queues: BTreeMap<QueueName, Queue>,
    /// What an on-demand stream is to be ready for, in MiB per second.
    pub(crate) warm_throughput: Option<u32>,
    /// How many shards the stream will have when it is ACTIVE again, if that is
    /// known: quotas count them from the beginning.
    pub(crate) planned_shards: u32,
    pub(crate) rescalings: RollingDay,
    pub(crate) mode_switches: RollingDay,
    pub(crate) encryption_starts: RollingDay,
    pub(crate) encryption_stops: RollingDay,
    pub(crate) topology: Topology,
    /// Who is told of every change; nobody once the stream is gone.
    pub(crate) listener: Listener,
}

impl StreamState {
    /// A stream that is being made.
    pub(crate) fn creating(mode: StreamMode, retention: Duration) -> Self {
        Self {
            status: StreamStatus::Creating,
            mode,
            retention,
            expired_before: Timestamp::EPOCH,
            encryption: EncryptionType::None,
            key: None,
            distribution: RecordDistributionStrategy::UserPartitionKey,
            max_record_size: MaxRecordSizeInKiB::DEFAULT,
            tags: BTreeMap::new(),
            shard_level_metrics: BTreeSet::new(),
            policy: None,
            channels: BTreeMap::new(),
            consumers: BTreeMap::new(),
            registrations: BTreeMap::new(),
            queues: BTreeMap::new(),
            warm_throughput: None,
            planned_shards: 0,
            rescalings: RollingDay::default(),
            mode_switches: RollingDay::default(),
            encryption_starts: RollingDay::default(),
            encryption_stops: RollingDay::default(),
            topology: Topology::empty(),
            listener: None,
        }
    }

    /// How many consumers and queues the stream can have together: on-demand streams
    /// take more where the account has its commitment (API reference,
    /// RegisterStreamConsumer).
    pub(crate) fn consumers_max(&self, has_commitment: bool) -> usize {
        match self.mode {
            StreamMode::OnDemand if has_commitment => 50,
            StreamMode::OnDemand | StreamMode::Provisioned => 20,
        }
    }

    /// How long records are kept, in hours.
    pub(crate) fn retention_hours(&self) -> u32 {
        (self.retention.as_secs() / 3600) as u32
    }

    /// Records that arrived before this are gone.
    pub(crate) fn horizon(&self, now: Timestamp) -> Timestamp {
        now.minus(self.retention).max(self.expired_before)
    }

    /// Keeps records for longer or shorter from now on; what has expired stays
    /// gone.
    pub(crate) fn set_retention(&mut self, retention: Duration, now: Timestamp) {
        self.expired_before = self.horizon(now);
        self.retention = retention;
    }

    /// A queue that reads the stream.
    pub(crate) fn queue(&self, id: &QueueId) -> Option<&Queue> {
        self.queues.values().find(|queue| queue.address.id == *id)
    }

    /// The same to change it.
    pub(crate) fn queue_mut(&mut self, id: &QueueId) -> Option<&mut Queue> {
        self.queues.values_mut().find(|queue| queue.address.id == *id)
    }

    /// A shard that exists and whose records have not all expired with it.
    pub(crate) fn live_shard(&self, index: ShardIndex, now: Timestamp) -> Option<&Shard> {
        let horizon = self.horizon(now);
        self.topology.shard(index).filter(|shard| shard.was_open_after(horizon))
    }

    /// The shards within retention, oldest first.
    pub(crate) fn live_shards(&self, now: Timestamp) -> impl Iterator<Item = &Shard> {
        self.live_shards_after(now, |_| false)
    }

    /// The shards within retention, oldest first, without the oldest ones that a
    /// page before has shown. These are not looked at one by one.
    pub(crate) fn live_shards_after(
        &self,
        now: Timestamp,
        was_shown: impl Fn(&Shard) -> bool,
    ) -> impl Iterator<Item = &Shard> {
        let horizon = self.horizon(now);
        let shards = self.topology.shards();
        let first = shards.partition_point(was_shown);
        shards[first..].iter().filter(move |shard| shard.was_open_after(horizon))
    }
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) shards: u64,
    pub(crate) records: u64,
    /// Data and keys of the records.
    pub(crate) bytes: u64,
}

impl Stream {
    pub(crate) fn new(
        address: StreamAddress,
        incarnation: u64,
        created: Timestamp,
        created_seconds: u64,
        state: StreamState,
    ) -> Self {
        Self {
            address,
            incarnation,
            created,
            created_seconds,
            state: RwLock::new(state),
            auto_turn: AtomicU64::new(0),
            call_usage: Mutex::new(CallUsage::default()),
            watchers: Mutex::new(Watchers::default()),
        }
    }

    /// The same stream for another emulator, from the state that is held here.
    /// Nobody watches it, and no subscription is open.
    pub(crate) fn fork(&self, held: &StreamState, listener: Listener) -> Self {
        let mut state = held.clone();
        state.listener = listener;
        for consumer in state.consumers.values_mut() {
            consumer.subscriptions.clear();
        }
        Self {
            address: self.address.clone(),
            incarnation: self.incarnation,
            created: self.created,
            created_seconds: self.created_seconds,
            state: RwLock::new(state),
            auto_turn: AtomicU64::new(self.auto_turn()),
            call_usage: Mutex::new(self.call_usage.lock().clone()),
            watchers: Mutex::new(Watchers::default()),
        }
    }

    /// Keeps everybody else away from the stream, puts and reads included.
    pub(crate) fn hold(&self) -> impl DerefMut<Target = StreamState> + '_ {
        self.state.write()
    }

    /// Tells somebody of the stream as it is, and of every change from now on.
    pub(crate) fn listen(&self, listener: Listener) {
        let mut state = self.state.write();
        state.listener = listener;
        self.tell(&state, 0, None);
    }

    /// Ends the stream for everybody who still has it in hands: another one
    /// takes its place. Nobody is told.
    pub(crate) fn retire(&self) {
        let mut state = self.state.write();
        state.listener = None;
        state.status = StreamStatus::Deleting;
        let mut woken = self.watchers();
        for shard in state.topology.shards() {
            woken.and(shard.log.lock().readers_at_end.take());
        }
        drop(state);
        drop(woken);
    }

    /// How often the strategy AUTO has chosen a shard.
    pub(crate) fn auto_turn(&self) -> u64 {
        self.auto_turn.load(Ordering::Relaxed)
    }

    /// Has the strategy AUTO choose once more: which turn that is.
    pub(super) fn take_auto_turn(&self) -> u64 {
        self.auto_turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Has the strategy AUTO go on from a turn.
    pub(crate) fn set_auto_turn(&self, turn: u64) {
        self.auto_turn.store(turn, Ordering::Relaxed);
    }

    /// The account that owns the stream.
    pub(crate) fn account(&self) -> &AccountId {
        &self.address.realm.account
    }

    /// The stream as it is now, held still while it is looked at.
    pub(crate) fn state(&self) -> ReadGuard<'_, StreamState> {
        self.state.read()
    }

    /// Changes the stream; whoever looks at it waits. A change that is refused
    /// has changed nothing, and nobody is told of it.
    ///
    /// # Errors
    /// Those of the change.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut StreamState) -> Result<T, E>,
    ) -> Result<T, E> {
        let (changed, woken) = self.change_when_due(None, change)?;
        drop(woken);
        Ok(changed)
    }

    /// The same, with those who are to be told when all locks are gone; `settled` is
    /// the change to come that this is, if it is one.
    fn change_when_due<T, E>(
        &self,
        settled: Option<Due>,
        change: impl FnOnce(&mut StreamState) -> Result<T, E>,
    ) -> Result<(T, Woken), E> {
        let mut state = self.state.write();
        let shards_before = state.topology.shards().len();
        let changed = change(&mut state)?;
        self.tell(&state, shards_before, settled);
        drop(state);
        Ok((changed, self.watchers()))
    }

    /// Tells what the stream is now. Shards are added at the end of their list:
    /// those from `before` on are new, and their parents have changed, too.
    fn tell(&self, state: &StreamState, before: usize, settled: Option<Due>) {
        let Some(listener) = &state.listener else { return };
        let new = &state.topology.shards()[before..];
        let parents = new.iter().flat_map(|shard| [shard.parent, shard.adjacent_parent]).flatten();
        let changed: BTreeSet<_> = new.iter().map(|shard| shard.index).chain(parents).collect();
        let changed: Vec<_> = changed.into_iter().collect();
        listener.stream_changed(self, state, &changed, settled);
    }

    /// Makes a change that concerns one reader, if any: it is told, and nobody
    /// else is. Nothing of it outlives the reader.
    pub(crate) fn change_of_reader<T, E>(
        &self,
        change: impl FnOnce(&mut StreamState) -> Result<(T, Option<u64>), E>,
    ) -> Result<T, E> {
        let (changed, reader) = change(&mut self.state.write())?;
        let waker = reader.and_then(|id| self.watchers.lock().remove(id));
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(changed)
    }

    /// Gives the memory of all records back that have expired.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let state = self.state();
        let horizon = state.horizon(now);
        for shard in state.topology.shards() {
            shard.log.lock().trim(horizon);
        }
    }

    /// How much the stream holds, what has expired and is not trimmed included.
    pub(crate) fn holdings(&self) -> Holdings {
        let state = self.state();
        let shards = state.topology.shards();
        let mut holdings = Holdings { shards: shards.len() as u64, ..Holdings::default() };
        for shard in shards {
            let log = shard.log.lock();
            holdings.records += log.end() - log.start();
            holdings.bytes += log.bytes() as u64;
        }
        holdings
    }

    /// Those who watch the stream, to be told that something has changed.
    pub(crate) fn watchers(&self) -> Woken {
        self.watchers.lock().take()
    }

    /// Has a reader woken at the next change.
    pub(crate) fn watch(&self, id: u64, waker: &Waker) {
        let before = self.watchers.lock().register(id, waker);
        drop(before);
    }

    /// Forgets a reader.
    pub(crate) fn unwatch(&self, id: u64) {
        let waker = self.watchers.lock().remove(id);
        drop(waker);
    }

    /// Makes a change whose time has come. Who is to be told of it is told when all
    /// locks are gone.
    pub(crate) fn settle(&self, due: Due, transition: Transition) -> Woken {
        let at = due.0;
        if let Transition::Deleted = transition {
            let mut state = self.state.write();
            if let Some(listener) = state.listener.take() {
                listener.stream_gone(self);
            }
            drop(state);
            return self.watchers();
        }
        let changed = self.change_when_due(Some(due), |state| {
            transition.apply(self, state, at);
            Ok::<_, Infallible>(())
        });
        let Ok(((), woken)) = changed;
        woken
    }

    /// Begins a change of an ACTIVE stream: checks it, and marks the stream as
    /// UPDATING if the check agrees.
    ///
    /// # Errors
    /// If the stream is not ACTIVE, and whatever the check says.
    pub(crate) fn begin_update<T>(
        &self,
        check: impl FnOnce(&mut StreamState) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.change(|state| {
            self.require_active(state)?;
            let checked = check(state)?;
            state.status = StreamStatus::Updating;
            Ok(checked)
        })
    }

    /// The stream, held ready for writing.
    ///
    /// # Errors
    /// While it is CREATING or DELETING it is not found (recorded).
    pub(crate) fn writable(&self) -> Result<Writable<'_>, ApiError> {
        let state = self.state();
        match state.status {
            StreamStatus::Active | StreamStatus::Updating => Ok(Writable::new(self, state)),
            StreamStatus::Creating | StreamStatus::Deleting => {
                Err(ApiError::stream_not_found(&self.address.name, self.account()))
            }
        }
    }

    /// The stream, if it can be changed.
    ///
    /// # Errors
    /// Unless it is ACTIVE (recorded for split and merge).
    pub(crate) fn require_active(&self, state: &StreamState) -> Result<(), ApiError> {
        match state.status {
            StreamStatus::Active => Ok(()),
            status => Err(ApiError::stream_not_active(&self.address.name, self.account(), status)),
        }
    }
}
