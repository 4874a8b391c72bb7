//! The engine's locks, and the only place that knows whose they are.
//!
//! `tests/shuttle` swaps them for shuttle's, which tries many interleavings.
//! A poisoned lock is taken all the same: the panic that poisoned it has been
//! reported, and the emulator marks itself as broken.

use std::ops::DerefMut;
use std::sync::PoisonError;

#[cfg(feature = "shuttle")]
use shuttle::sync as locks;
#[cfg(not(feature = "shuttle"))]
use std::sync as locks;

/// Mutual exclusion for one shard's log, or for the control plane of a realm.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(locks::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(locks::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> impl DerefMut<Target = T> + '_ {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared reading and exclusive writing of a stream's settings and topology.
#[derive(Debug)]
pub(crate) struct RwLock<T>(locks::RwLock<T>);

/// A read lock, held.
pub(crate) type ReadGuard<'a, T> = locks::RwLockReadGuard<'a, T>;

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(locks::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> impl DerefMut<Target = T> + '_ {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
