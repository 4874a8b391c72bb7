//! Who wants to know when something changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::task::Waker;

/// Readers that wait, each under an id of its own.
///
/// A waker may be all that holds a task, and the task a reader of this very
/// lock: what is taken out is handed back, to be dropped when the lock is gone.
#[derive(Debug, Default)]
pub(crate) struct Watchers(BTreeMap<u64, Waker>);

impl Watchers {
    /// Has a reader woken at the next change; a reader waits once.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn register(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        match self.0.entry(id) {
            Entry::Occupied(known) if known.get().will_wake(waker) => None,
            Entry::Occupied(mut known) => Some(known.insert(waker.clone())),
            Entry::Vacant(place) => {
                place.insert(waker.clone());
                None
            }
        }
    }

    /// Forgets a reader.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn remove(&mut self, id: u64) -> Option<Waker> {
        self.0.remove(&id)
    }

    /// Takes everybody who waits, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        // Mostly nobody waits: a map that is empty costs more to walk than to look at.
        let waiting = (!self.0.is_empty()).then(|| std::mem::take(&mut self.0));
        waiting.into_iter().flat_map(BTreeMap::into_values)
    }
}
