//! Who wants to know when something changes.

use std::task::Waker;

/// Readers that wait, each under an id of its own.
///
/// A waker may be all that holds a task, and the task a reader of this very
/// lock: what is taken out is handed back, to be dropped when the lock is gone.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Vec<(u64, Waker)>);

impl Watchers {
    /// Has a reader woken at the next change; a reader waits once.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn register(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        match self.0.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) if known.will_wake(waker) => None,
            Some((_, known)) => Some(std::mem::replace(known, waker.clone())),
            None => {
                self.0.push((id, waker.clone()));
                None
            }
        }
    }

    /// Forgets a reader.
    #[must_use = "dropped when the lock is gone"]
    pub(crate) fn remove(&mut self, id: u64) -> Option<Waker> {
        let place = self.0.iter().position(|(known, _)| *known == id)?;
        Some(self.0.remove(place).1)
    }

    /// Takes everybody who waits, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(_, waker)| waker)
    }
}
