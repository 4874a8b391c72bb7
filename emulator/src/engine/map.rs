//! What the engine looks names up in.

use dashmap::DashMap;

/// A map for many threads. Every call looks a realm and a stream up by name, so
/// names are hashed by what is made for short texts; its seed is the process's.
pub(super) type Map<K, V> = DashMap<K, V, foldhash::fast::RandomState>;
