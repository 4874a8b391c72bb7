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

    /// Takes everybody who waits.
    pub(crate) fn take(&mut self) -> Woken {
        Woken(self.0.take().map_or_else(Vec::new, |waiting| waiting.0.into_values().collect()))
    }
}

/// Those who have waited long enough. They are woken when this is dropped, which has
/// to be after all locks: a waker may run the task that it wakes.
#[derive(Debug, Default)]
#[must_use = "dropped when all locks are gone"]
pub(crate) struct Woken(Vec<Waker>);

impl Woken {
    /// Wakes others, too.
    #[inline]
    pub(crate) fn and(&mut self, mut others: Self) {
        // Mostly there is nobody.
        if !others.0.is_empty() {
            self.0.append(&mut others.0);
        }
    }
}

impl Extend<Waker> for Woken {
    fn extend<T: IntoIterator<Item = Waker>>(&mut self, wakers: T) {
        self.0.extend(wakers);
    }
}

impl Drop for Woken {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_empty() {
            std::mem::take(&mut self.0).into_iter().for_each(Waker::wake);
        }
    }
}
