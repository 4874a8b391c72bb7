//! A whole engine at one moment, and engines that go on from there.
//!
//! To freeze is to fork every stream: settings are copied, records are shared,
//! so it costs what streams and shards cost and nothing for records. A frozen
//! engine is a fork that nobody calls; to restore is to fork it again.
//!
//! While threads write, a frozen engine is still one moment of all streams:
//! 1. calls that change several things in turn have ended, no new one begins;
//! 2. every realm's pending changes are held, then every stream, in the order
//!    in which calls take these locks. A put holds its stream while it appends.

use std::sync::Arc;

use crate::model::arn::{AccountId, RealmId, Region};
use crate::model::timestamp::Timestamp;

use super::Engine;
use super::chronicle::Listener;
use super::entropy::Drawn;
use super::realm::Realm;

/// An engine as it was at one moment. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Frozen(Arc<Moment>);

#[derive(Debug)]
struct Moment {
    taken: Timestamp,
    drawn: Drawn,
    realms: Vec<Arc<Realm>>,
}

impl Frozen {
    pub(crate) fn new(taken: Timestamp, drawn: Drawn, realms: Vec<Realm>) -> Self {
        Self(Arc::new(Moment { taken, drawn, realms: realms.into_iter().map(Arc::new).collect() }))
    }

    /// When this was the present.
    pub(crate) fn taken(&self) -> Timestamp {
        self.0.taken
    }

    /// How far chance had got.
    pub(crate) fn drawn(&self) -> Drawn {
        self.0.drawn
    }

    /// Realms of one's own, by account and Region.
    pub(crate) fn realms(&self) -> Vec<Realm> {
        self.realms_told_to(None)
    }

    fn realms_told_to(&self, listener: Listener) -> Vec<Realm> {
        fork(&self.0.realms, &listener, || ()).0
    }
}

impl Engine {
    /// The engine as it is. `now` is asked while everything stands still, so
    /// that nothing in it is younger.
    pub(crate) fn freeze(&self, now: impl FnOnce() -> Timestamp) -> Frozen {
        let _nothing_half_done = self.control.write();
        let realms = self.realms();
        let (realms, (taken, drawn)) = fork(&realms, &None, || (now(), self.entropy.drawn()));
        Frozen::new(taken, drawn, realms)
    }

    /// Goes on from a frozen engine. The streams that were there until now are
    /// DELETING for those who still use them.
    pub(crate) fn restore(&self, frozen: &Frozen) {
        let _nothing_half_done = self.control.write();
        // First this: nothing of them is told after what takes their place.
        self.realms().iter().for_each(|realm| realm.retire());
        if let Some(listener) = &self.listener {
            listener.restored(frozen);
        }
        self.become_frozen(frozen);
    }

    /// Begins with what has been kept of another engine. Nobody is told: whoever
    /// is told of changes is where it comes from.
    pub(crate) fn resume(&self, frozen: &Frozen) {
        let _nothing_half_done = self.control.write();
        self.become_frozen(frozen);
    }

    fn become_frozen(&self, frozen: &Frozen) {
        let mut restored = frozen.realms_told_to(self.listener.clone());
        self.entropy.go_on_from(frozen.drawn());
        self.storage.count_anew();
        // Nobody finds a realm missing: what is not in the snapshot is empty.
        for old in self.realms() {
            if restored.iter().all(|realm| realm.id() != old.id()) {
                restored.push(Realm::new(old.id().clone(), self.listener.clone()));
            }
        }
        for realm in restored {
            self.realms.insert(realm.id().clone(), Arc::new(realm));
        }
    }

    /// The realms that were ever named, by account and Region.
    pub(crate) fn realms(&self) -> Vec<Arc<Realm>> {
        let mut realms: Vec<_> = self.realms.iter().map(|realm| Arc::clone(&realm)).collect();
        realms.sort_unstable_by(|one, other| order(one.id()).cmp(&order(other.id())));
        realms
    }
}

fn order(id: &RealmId) -> (&AccountId, &Region) {
    (&id.account, &id.region)
}

/// Twins of realms, all of one moment, and what there is to be said of it.
fn fork<T>(
    realms: &[Arc<Realm>],
    listener: &Listener,
    meanwhile: impl FnOnce() -> T,
) -> (Vec<Realm>, T) {
    let pending: Vec<_> = realms.iter().map(|realm| realm.lifecycle().hold()).collect();
    let streams: Vec<_> = realms.iter().map(|realm| realm.streams()).collect();
    let held: Vec<Vec<_>> = streams
        .iter()
        .map(|streams| streams.iter().map(|stream| stream.hold()).collect())
        .collect();
    let seen = meanwhile();
    let twins = realms.iter().zip(&pending).zip(streams.iter().zip(&held));
    let twins = twins.map(|((realm, pending), (streams, states))| {
        let twins = streams.iter().zip(states);
        let twins: Vec<_> = twins
            .map(|(stream, state)| {
                (Arc::clone(stream), Arc::new(stream.fork(state, listener.clone())))
            })
            .collect();
        realm.fork(pending, &twins, listener.clone())
    });
    (twins.collect(), seen)
}
