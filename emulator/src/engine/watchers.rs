//! Who wants to know when something changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::task::Waker;

/// Readers that wait, each under an id of its own.
///
/// A waker may be all that holds a task, and the task a reader of this very
/// lock: what is taken out is handed back, to be dropped when the lock is gone.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Option<Box<Waiting>>);

/// There while somebody waits: mostly nobody does, and to see that costs one look.
#[derive(Debug, Default)]
struct Waiting(BTreeMap<u64, Waker>);

impl Watchers {
    /// Has a reader woken at the next change; a reader waits once.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn register(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        match self.0.get_or_insert_default().0.entry(id) {
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
        self.0.as_mut()?.0.remove(&id)
    }

    /// Takes everybody who waits, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.0.take().into_iter().flat_map(|waiting| waiting.0.into_values())
    }
}
