//! State and its laws: streams, shards, records, and what becomes of them.
//!
//! Synchronous, and blind to clocks, encodings and HTTP: `now` comes in by
//! argument and answers are the model's values. Its only locks are a stream's,
//! a queue's and a shard's, taken in that order and never across a wait, and a
//! realm's for control calls. Whatever a caller can see listed comes out sorted.

pub(crate) mod account;
pub(crate) mod channel;
pub(crate) mod chronicle;
pub(crate) mod consumer;
pub(crate) mod deliveries;
pub(crate) mod entropy;
pub(crate) mod frozen;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod log;
mod made_seconds;
mod map;
pub(crate) mod position;
pub(crate) mod queue;
pub(crate) mod realm;
pub(crate) mod receive;
pub(crate) mod rolling;
pub(crate) mod shared_list;
pub(crate) mod storage;
pub(crate) mod stream;
pub(crate) mod subscription;
pub(crate) mod sync;
pub(crate) mod topology;
pub(crate) mod transition;
pub(crate) mod watchers;
pub(crate) mod writable;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::model::arn::RealmId;
use crate::model::seal::Seal;
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;

use chronicle::Listener;
use entropy::Entropy;
use limits::LimitsInForce;
use map::Map;
use realm::Realm;
use storage::Storage;
use sync::{ReadGuard, RwLock};

/// So many realms are kept whether they are needed or not (ours).
const REALMS_KEPT: usize = 1_024;

/// All realms of one emulator.
#[derive(Debug)]
pub(crate) struct Engine {
    realms: Map<RealmId, Arc<Realm>>,
    /// How many realms there may be before those are forgotten that are like new.
    realms_max: AtomicUsize,
    pub(crate) settings: Settings,
    pub(crate) limits: LimitsInForce,
    pub(crate) entropy: Entropy,
    /// Held for reading by calls that change several things in turn, so that a
    /// freeze finds none of them half done.
    control: RwLock<()>,
    /// How many readers there have been: their numbers never repeat, not even
    /// when the draws do.
    readers: AtomicU64,
    storage: Storage,
    /// Who is told of every change.
    listener: Listener,
}

impl Engine {
    /// An engine without any streams, and who is told of its changes.
    pub(crate) fn new(settings: Settings, listener: Listener) -> Self {
        let entropy = Entropy::new(settings.seed);
        // The first draws are the seal's key.
        let _key = entropy.draw_16_bytes();
        let limits = LimitsInForce::new(settings.limits.clone());
        Self {
            realms: Map::default(),
            realms_max: AtomicUsize::new(REALMS_KEPT),
            storage: Storage::new(settings.storage_limit),
            settings,
            limits,
            entropy,
            control: RwLock::new(()),
            readers: AtomicU64::new(0),
            listener,
        }
    }

    /// What iterators and page tokens are sealed with.
    pub(crate) fn seal(&self) -> Seal {
        Seal::new(self.entropy.first_16_bytes())
    }

    /// Held while a call begins a change in several steps. Calls that put or
    /// read records do without.
    pub(crate) fn control_call(&self) -> ReadGuard<'_, ()> {
        self.control.read()
    }

    /// A number for somebody who waits: it tells readers apart.
    pub(crate) fn next_reader(&self) -> u64 {
        self.readers.fetch_add(1, Ordering::Relaxed)
    }

    /// Brings every realm to `now`; when the next change is due after that, the
    /// end of time if none is.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(crate) fn next_deadline(&self, now: Timestamp) -> Timestamp {
        // Settling wakes readers: the map's lock is gone by then.
        let realms: Vec<_> = self.realms.iter().map(|realm| Arc::clone(&realm)).collect();
        let deadlines = realms.iter().map(|realm| {
            realm.settle(now);
            realm.next_deadline()
        });
        deadlines.min().unwrap_or(Timestamp::from_millis(u64::MAX))
    }

    /// A realm, brought to `now`. Realms exist as soon as they are named.
    pub(crate) fn realm(&self, id: &RealmId, now: Timestamp) -> Arc<Realm> {
        let known = self.realms.get(id).map(|realm| Arc::clone(&realm));
        let realm = known.unwrap_or_else(|| {
            self.forget_realms(now);
            let entry = self.realms.entry(id.clone());
            let new = || Arc::new(Realm::new(id.clone(), self.listener.clone()));
            Arc::clone(&entry.or_insert_with(new))
        });
        realm.settle(now);
        realm
    }

    /// Callers name any account and Region: what they leave behind does not pile up.
    fn forget_realms(&self, now: Timestamp) {
        if self.realms.len() < self.realms_max.load(Ordering::Relaxed) {
            return;
        }
        // Whoever has one in hand may be about to change it. Nobody can get hold of it
        // here, where its part of the map is locked.
        self.realms.retain(|_, realm| Arc::strong_count(realm) > 1 || !realm.is_like_new(now));
        let next = REALMS_KEPT.max(self.realms.len() * 2);
        self.realms_max.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::model::constraint::Constrained;
    use crate::model::limits::{Limits, Rate};
    use crate::model::names::StreamName;
    use crate::model::status::StreamMode;

    use super::stream::StreamState;
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn id(account: u64) -> RealmId {
        RealmId {
            account: format!("{account:012}").parse().expect("twelve digits"),
            region: "eu-west-1".parse().expect("a Region"),
        }
    }

    #[test]
    fn realms_that_were_only_named_are_forgotten() {
        let engine = Engine::new(Settings::default(), None);
        let day = Duration::from_secs(24 * 60 * 60);
        let state =
            StreamState { planned_shards: 1, ..StreamState::creating(StreamMode::OnDemand, day) };
        let name = StreamName::from_checked("s".into());
        let with_stream = engine.realm(&id(0), START);
        with_stream
            .create(name, state, 1, &engine.settings, &Limits::off(), START)
            .expect("there is room");
        engine.realm(&id(1), START).commitment(START, |commitment| commitment.enable(START));
        let in_hand = engine.realm(&id(2), START);
        let rate = Rate::per_account(1);
        let take = |realm: &Realm, now| realm.call_usage.lock().admit("ListStreams", rate, now);
        assert!(take(&engine.realm(&id(3), START), START));
        for account in 10..10_000 {
            engine.realm(&id(account), START);
        }
        assert!(engine.realms.len() <= REALMS_KEPT, "{}", engine.realms.len());
        assert_eq!(engine.realm(&id(0), START).streams().len(), 1);
        assert!(engine.realm(&id(1), START).has_commitment(START));
        assert!(Arc::ptr_eq(&engine.realm(&id(2), START), &in_hand));
        assert!(!take(&engine.realm(&id(3), START), START), "its calls are still counted");
        let later = START.plus(Duration::from_secs(1));
        for account in 10..10_000 {
            engine.realm(&id(account), later);
        }
        assert!(engine.realms.get(&id(3)).is_none());
    }
}
