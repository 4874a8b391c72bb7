//! Who wants to know when something changes.

use std::task::Waker;

/// Readers that wait, each under an id of its own.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Vec<(u64, Waker)>);

impl Watchers {
    /// Has a reader woken at the next change; a reader waits once.
    pub(crate) fn register(&mut self, id: u64, waker: &Waker) {
        match self.0.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) => known.clone_from(waker),
            None => self.0.push((id, waker.clone())),
        }
    }

    /// Forgets a reader.
    pub(crate) fn remove(&mut self, id: u64) {
        self.0.retain(|(known, _)| *known != id);
    }

    /// Takes everybody who waits, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(_, waker)| waker)
    }
}
