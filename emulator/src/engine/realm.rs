//! One account in one Region: its streams, and what is about to happen to them.

use std::collections::BTreeMap;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::arn::{QueueId, RealmId, StreamAddress};
use crate::model::channel::{ChannelId, ChannelName};
use crate::model::error::ApiError;
use crate::model::limits::Limits;
use crate::model::names::StreamName;
use crate::model::settings::Settings;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{StreamMode, StreamStatus};
use crate::model::timestamp::Timestamp;

use super::account::Commitment;
use super::chronicle::Listener;
use super::lifecycle::{Lifecycle, Pending};
use super::limits::CallUsage;
use super::made_seconds::MadeSeconds;
use super::map::Map;
use super::stream::{Stream, StreamState};
use super::sync::Mutex;
use super::transition::Transition;
use super::watchers::Woken;

/// How long before CreateStream the first shards' numbers say they were made
/// (recorded by kinesalite: two to seven seconds).
const SHARDS_MADE_BEFORE_SECONDS: u64 = 2;

/// How long it is known when streams were made. A stream made later has one of these
/// seconds only if as many are made at once.
const MADE_KNOWN_SECONDS: u64 = 24 * 60 * 60;

/// How often the memory of expired records is given back that are in shards
/// which nobody writes to or reads any more (ours).
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// The streams of one account in one Region.
#[derive(Debug)]
pub(crate) struct Realm {
    id: RealmId,
    streams: Map<StreamName, Arc<Stream>>,
    /// Which stream each queue reads.
    queues: Map<QueueId, Arc<Stream>>,
    lifecycle: Lifecycle,
    /// Held by calls that check a quota and then use it up.
    quota: Mutex<()>,
    /// When streams were made, living ones and those that are gone.
    made: Mutex<MadeSeconds>,
    /// When the last stream of each deleted name was made.
    retired: Map<StreamName, u64>,
    commitment: Mutex<Commitment>,
    /// When the next call sweeps expired records out of all shards, in
    /// milliseconds.
    next_sweep_millis: AtomicU64,
    /// How often operations were called that are limited per account.
    pub(crate) call_usage: Mutex<CallUsage>,
    /// Who is told of every change.
    listener: Listener,
}

impl Realm {
    pub(crate) fn new(id: RealmId, listener: Listener) -> Self {
        Self {
            id,
            streams: Map::default(),
            queues: Map::default(),
            lifecycle: Lifecycle::told_to(listener.clone()),
            quota: Mutex::new(()),
            made: Mutex::default(),
            retired: Map::default(),
            commitment: Mutex::new(Commitment::default()),
            next_sweep_millis: AtomicU64::new(0),
            call_usage: Mutex::new(CallUsage::default()),
            listener,
        }
    }

    /// A realm as it was put down in a file: without streams. Nobody is told of
    /// its changes.
    pub(crate) fn restored(
        id: RealmId,
        commitment: Commitment,
        retired: impl IntoIterator<Item = (StreamName, u64)>,
    ) -> Self {
        let retired: Map<_, _> = retired.into_iter().collect();
        let mut made = MadeSeconds::default();
        retired.iter().for_each(|entry| made.insert(*entry.value()));
        Self {
            commitment: Mutex::new(commitment),
            made: Mutex::new(made),
            retired,
            ..Self::new(id, None)
        }
    }

    /// Adds a stream as it was put down in a file.
    pub(crate) fn add_restored(&self, stream: Arc<Stream>) {
        for queue in stream.state().queues.values() {
            self.add_queue(queue.address.id.clone(), &stream);
        }
        self.made.lock().insert(stream.created_seconds);
        self.streams.insert(stream.address.name.clone(), stream);
    }

    /// The same realm for another emulator. Whoever calls holds the pending
    /// changes and all streams, which are given with their twins.
    pub(crate) fn fork(
        &self,
        pending: &Pending,
        twins: &[(Arc<Stream>, Arc<Stream>)],
        listener: Listener,
    ) -> Self {
        let twins: BTreeMap<_, _> =
            twins.iter().map(|(own, twin)| (&own.address.name, (own, twin))).collect();
        let twin_of = |stream: &Arc<Stream>| {
            let (own, twin) = twins.get(&stream.address.name)?;
            Arc::ptr_eq(own, stream).then(|| Arc::clone(twin))
        };
        let queues = self
            .queues
            .iter()
            .filter_map(|entry| Some((entry.key().clone(), twin_of(entry.value())?)));
        Self {
            id: self.id.clone(),
            streams: twins.values().map(|(_, t)| (t.address.name.clone(), Arc::clone(t))).collect(),
            queues: queues.collect(),
            lifecycle: pending.fork(twin_of, listener.clone()),
            quota: Mutex::new(()),
            made: Mutex::new(self.made.lock().clone()),
            retired: self.retired.clone(),
            commitment: Mutex::new(*self.commitment.lock()),
            next_sweep_millis: AtomicU64::new(0),
            call_usage: Mutex::new(self.call_usage.lock().clone()),
            listener,
        }
    }

    /// Ends every stream: another realm takes this one's place. Nobody is told
    /// of this, nor of anything that happens here later.
    pub(crate) fn retire(&self) {
        self.lifecycle.fall_silent();
        for stream in self.streams() {
            stream.retire();
        }
    }

    /// What is about to happen.
    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// When the last stream of each deleted name was made, by name.
    pub(crate) fn retired(&self) -> BTreeMap<StreamName, u64> {
        self.retired.iter().map(|entry| (entry.key().clone(), *entry.value())).collect()
    }

    /// The realm's account and Region.
    pub(crate) fn id(&self) -> &RealmId {
        &self.id
    }

    /// Brings every stream to `now`. Now and then it gives the memory of expired
    /// records back, too: nobody can tell, so it need not be to the second.
    pub(crate) fn settle(&self, now: Timestamp) {
        self.make_due_changes(now);
        let due = self.next_sweep_millis.load(Ordering::Relaxed);
        if due > now.as_millis() {
            return;
        }
        let next = now.plus(SWEEP_EVERY).as_millis();
        // Of calls at the same time one sweeps.
        let order = Ordering::Relaxed;
        if self.next_sweep_millis.compare_exchange(due, next, order, order).is_ok() {
            self.streams().iter().for_each(|stream| stream.sweep(now));
            self.forget_old_names(now);
        }
    }

    fn forget_old_names(&self, now: Timestamp) {
        let earliest = now.as_seconds().saturating_sub(MADE_KNOWN_SECONDS);
        self.made.lock().forget_before(earliest);
        self.retired.retain(|_, seconds| *seconds >= earliest);
    }

    /// Whether a new realm would be the same.
    pub(crate) fn is_like_new(&self, now: Timestamp) -> bool {
        self.forget_old_names(now);
        self.streams.is_empty()
            && self.retired.is_empty()
            && *self.commitment.lock() == Commitment::default()
            && self.call_usage.lock().is_at_rest(now)
    }

    fn make_due_changes(&self, now: Timestamp) {
        let mut woken = Woken::default();
        self.lifecycle.settle(now, |due, stream, transition| {
            let deleted = matches!(transition, Transition::Deleted);
            if let Transition::QueueGone { id } = &transition {
                self.queues.remove(id);
            }
            woken.and(stream.settle(due, transition));
            if deleted {
                let name = &stream.address.name;
                // First this: a namesake may be made as soon as the name is free.
                self.retired.insert(name.clone(), stream.created_seconds);
                self.streams.remove_if(name, |_, held| Arc::ptr_eq(held, &stream));
            }
        });
        drop(woken);
    }

    /// When the next change is due.
    pub(crate) fn next_deadline(&self) -> Timestamp {
        self.lifecycle.next_deadline()
    }

    /// A stream by name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn stream(&self, name: &StreamName) -> Result<Arc<Stream>, ApiError> {
        self.find(name).ok_or_else(|| ApiError::stream_not_found(name, &self.id.account))
    }

    /// A stream by name, if there is one.
    pub(crate) fn find(&self, name: &StreamName) -> Option<Arc<Stream>> {
        self.streams.get(name).map(|stream| Arc::clone(&stream))
    }

    /// The stream that a queue reads, if there is such a queue.
    pub(crate) fn stream_of_queue(&self, id: &QueueId) -> Option<Arc<Stream>> {
        self.queues.get(id).map(|stream| Arc::clone(&stream))
    }

    /// Has a queue of a stream found by its id.
    pub(crate) fn add_queue(&self, id: QueueId, stream: &Arc<Stream>) {
        self.queues.insert(id, Arc::clone(stream));
    }

    /// All streams, by name.
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        let mut streams: Vec<_> = self.streams.iter().map(|entry| Arc::clone(&entry)).collect();
        streams.sort_unstable_by(|one, other| one.address.name.cmp(&other.address.name));
        streams
    }

    /// The stream that a channel delivers from, if there is such a channel.
    pub(crate) fn stream_of_channel(&self, id: &ChannelId) -> Option<Arc<Stream>> {
        self.streams().into_iter().find(|stream| stream.state().channels.contains_key(id))
    }

    /// Whether a channel has a name.
    pub(crate) fn has_channel_named(&self, name: &ChannelName) -> bool {
        let named =
            |stream: &Arc<Stream>| stream.state().channels.values().any(|c| c.name == *name);
        self.streams().iter().any(named)
    }

    /// How many channels there are, whatever their status.
    pub(crate) fn channel_count(&self) -> u32 {
        self.streams().iter().map(|stream| stream.state().channels.len() as u32).sum()
    }

    /// Begins to make a stream of as many shards as its state plans.
    ///
    /// # Errors
    /// If the name is taken or a limit would be exceeded.
    pub(crate) fn create(
        &self,
        name: StreamName,
        state: StreamState,
        incarnation: u64,
        settings: &Settings,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let shards = state.planned_shards;
        let _quota = self.hold_quota();
        if self.find(&name).is_some() {
            return Err(ApiError::stream_exists(&name, &self.id.account));
        }
        if let Some(limit) = limits.streams_in_transition
            && self.streams_in_transition() >= limit
        {
            return Err(ApiError::streams_in_transition(&self.id.account, limit));
        }
        self.check_limits(shards, state.mode, settings, limits)?;
        let latest = now.as_seconds().saturating_sub(SHARDS_MADE_BEFORE_SECONDS);
        let namesake = self.retired.get(&name).map(|seconds| *seconds);
        let created_seconds = self.made.lock().take(latest, namesake);
        let address = StreamAddress { realm: self.id.clone(), name };
        // AWS tells whole seconds (in every answer that users have quoted).
        let created = Timestamp::from_seconds(now.as_seconds());
        let stream = Arc::new(Stream::new(address, incarnation, created, created_seconds, state));
        // Before anybody finds it, and changes it.
        stream.listen(self.listener.clone());
        self.streams.insert(stream.address.name.clone(), Arc::clone(&stream));
        self.lifecycle.schedule(
            now.plus(settings.state_delay),
            stream,
            Transition::Created { shards },
        );
        Ok(())
    }

    /// The account's commitment at `now`, changed if need be.
    pub(crate) fn commitment(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Commitment),
    ) -> Commitment {
        let mut commitment = self.commitment.lock();
        let before = *commitment;
        commitment.settle(now);
        change(&mut commitment);
        if let Some(listener) = self.listener.as_ref().filter(|_| *commitment != before) {
            listener.commitment_changed(&self.id, &commitment);
        }
        *commitment
    }

    /// Whether the account has the commitment to a minimum of throughput.
    pub(crate) fn has_commitment(&self, now: Timestamp) -> bool {
        self.commitment(now, |_| {}).is_on()
    }

    /// Has a change that a stream has just begun end after the state delay.
    ///
    /// The stream's lock must not be held: settling takes it after this one.
    pub(crate) fn begin(
        &self,
        stream: &Arc<Stream>,
        transition: Transition,
        settings: &Settings,
        now: Timestamp,
    ) {
        self.lifecycle.schedule(now.plus(settings.state_delay), Arc::clone(stream), transition);
        // Readers that wait learn of the new deadline.
        drop(stream.watchers());
    }

    /// Has an on-demand stream split shards that have become too busy.
    ///
    /// The stream's lock must not be held.
    pub(crate) fn split_busy_shards(
        &self,
        stream: &Arc<Stream>,
        busy: Vec<ShardIndex>,
        limits: &Limits,
        now: Timestamp,
    ) {
        let after = Duration::from_secs(limits.on_demand_split_after_seconds);
        let shards_max = limits.on_demand_shards_in(&self.id.region);
        for parent in busy {
            let split = Transition::BusyShardSplit { parent, shards_max };
            self.lifecycle.schedule(now.plus(after), Arc::clone(stream), split);
            drop(stream.watchers());
        }
    }

    /// Refuses more shards or on-demand streams than the settings allow, or the
    /// limits where the settings say nothing.
    ///
    /// # Errors
    /// If a limit that is enforced would be exceeded.
    pub(crate) fn check_limits(
        &self,
        additional_shards: u32,
        mode: StreamMode,
        settings: &Settings,
        limits: &Limits,
    ) -> Result<(), ApiError> {
        let RealmId { account, region } = &self.id;
        if let Some(limit) = settings.shard_limit.or(limits.shards_in(region)) {
            self.check_shard_limit(additional_shards, limit)?;
        }
        let stream_limit = settings.stream_limit.or(limits.on_demand_streams);
        if let (Some(limit), StreamMode::OnDemand) = (stream_limit, mode) {
            let streams = self.on_demand_stream_count();
            if streams >= limit {
                return Err(ApiError::on_demand_stream_limit(account, region, streams, limit));
            }
        }
        Ok(())
    }

    /// Refuses more shards than so many in all.
    ///
    /// # Errors
    /// If there would be more.
    pub(crate) fn check_shard_limit(
        &self,
        additional_shards: u32,
        limit: u32,
    ) -> Result<(), ApiError> {
        let RealmId { account, region } = &self.id;
        let open = self.shard_count_for_quota();
        if open.saturating_add(additional_shards) > limit {
            return Err(ApiError::shard_limit(account, region, open, limit, additional_shards));
        }
        Ok(())
    }

    /// How many streams are being made or removed.
    fn streams_in_transition(&self) -> u32 {
        let in_transition = |stream: &Arc<Stream>| match stream.state().status {
            StreamStatus::Creating | StreamStatus::Deleting => true,
            StreamStatus::Active | StreamStatus::Updating => false,
        };
        self.streams().iter().filter(|stream| in_transition(stream)).count() as u32
    }

    /// How many streams let the service decide on their shards.
    pub(crate) fn on_demand_stream_count(&self) -> u32 {
        let on_demand = |stream: &Arc<Stream>| stream.state().mode == StreamMode::OnDemand;
        self.streams().iter().filter(|stream| on_demand(stream)).count() as u32
    }

    /// How many shards a quota counts: those that are about to open, too.
    fn shard_count_for_quota(&self) -> u32 {
        self.sum_of_streams(|state| state.topology.open_count().max(state.planned_shards))
    }

    /// Keeps others from using up a quota between a check and its use.
    pub(crate) fn hold_quota(&self) -> impl DerefMut<Target = ()> + '_ {
        self.quota.lock()
    }

    /// How many shards take records, over all streams that are not on their
    /// way out.
    pub(crate) fn open_shard_count(&self) -> u32 {
        self.sum_of_streams(|state| state.topology.open_count())
    }

    fn sum_of_streams(&self, shards: impl Fn(&StreamState) -> u32) -> u32 {
        let counted = |stream: Arc<Stream>| match stream.state() {
            state if state.status == StreamStatus::Deleting => 0,
            state => shards(&state),
        };
        self.streams().into_iter().map(counted).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    use crate::model::constraint::Constrained;
    use crate::model::hash_key::HashKey;

    use super::super::writable::{Destination, NewRecord};
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

    fn realm_with_a_stream() -> (Realm, Arc<Stream>) {
        let settings = Settings::default();
        let id = RealmId { account: settings.account_id.clone(), region: settings.region.clone() };
        let realm = Realm::new(id, None);
        let name = StreamName::from_checked("orders".into());
        let creating = StreamState::creating(StreamMode::Provisioned, RETENTION);
        let state = StreamState { planned_shards: 2, ..creating };
        realm.create(name.clone(), state, 1, &settings, &Limits::off(), START).unwrap();
        realm.settle(START);
        let stream = realm.stream(&name).unwrap();
        (realm, stream)
    }

    #[test]
    fn expired_records_go_within_an_hour_although_nobody_touches_their_shard() {
        let (realm, stream) = realm_with_a_stream();
        let record = NewRecord { partition_key: None, data: &[7; 1000] };
        let mut writable = stream.writable().unwrap();
        writable.append(START, Destination::At(HashKey::MIN), record, None).unwrap();
        drop(writable);
        let kept = || {
            let state = stream.state();
            let log = state.topology.shards()[0].log.lock();
            log.end() - log.start()
        };
        realm.settle(START.plus(RETENTION));
        assert_eq!(kept(), 1);
        realm.settle(START.plus(RETENTION).plus(SWEEP_EVERY));
        assert_eq!(kept(), 0);
    }

    /// Wakes by running at once what it wakes, which looks at everything.
    struct RunsAtOnce(Arc<Realm>, Arc<Stream>, AtomicUsize);

    impl Wake for RunsAtOnce {
        fn wake(self: Arc<Self>) {
            let Self(realm, stream, times) = &*self;
            drop(realm.lifecycle().hold());
            drop(stream.hold());
            times.fetch_add(1, Ordering::Relaxed);
        }
    }

    // It would wait for itself forever.
    #[test]
    fn who_is_woken_may_look_at_once() {
        let (realm, stream) = realm_with_a_stream();
        let realm = Arc::new(realm);
        let reader =
            Arc::new(RunsAtOnce(Arc::clone(&realm), Arc::clone(&stream), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&reader));
        let woken = || reader.2.load(Ordering::Relaxed);
        stream.watch(1, &waker);
        stream.change(|_| Ok::<_, ()>(())).unwrap();
        assert_eq!(woken(), 1);
        stream.watch(1, &waker);
        realm.begin(&stream, Transition::Unchanged, &Settings::default(), START);
        assert_eq!(woken(), 2);
        stream.watch(1, &waker);
        realm.settle(START);
        assert_eq!(woken(), 3);
        let state = stream.state();
        drop(state.topology.shards()[0].log.lock().readers_at_end.register(1, &waker));
        drop(state);
        let mut writable = stream.writable().unwrap();
        let record = NewRecord { partition_key: None, data: b"x" };
        writable.append(START, Destination::At(HashKey::MIN), record, None).unwrap();
        assert_eq!(woken(), 3, "the stream is still held");
        drop(writable);
        assert_eq!(woken(), 4);
    }

    #[test]
    fn a_change_of_one_reader_wakes_that_reader_alone() {
        struct Counted(AtomicUsize);
        impl Wake for Counted {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (_, stream) = realm_with_a_stream();
        let readers = [(); 2].map(|()| Arc::new(Counted(AtomicUsize::new(0))));
        for (id, reader) in (0..).zip(&readers) {
            stream.watch(id, &Waker::from(Arc::clone(reader)));
        }
        let woken = || readers.each_ref().map(|reader| reader.0.load(Ordering::Relaxed));
        stream.change_of_reader(|_| Ok::<_, ()>(((), None))).unwrap();
        assert_eq!(woken(), [0, 0]);
        stream.change_of_reader(|_| Ok::<_, ()>(((), Some(1)))).unwrap();
        assert_eq!(woken(), [0, 1]);
        stream.change(|_| Err::<(), _>(())).unwrap_err();
        assert_eq!(woken(), [0, 1]);
        stream.change(|_| Ok::<_, ()>(())).unwrap();
        assert_eq!(woken(), [1, 1]);
    }
}
