//! How many files may be open at once: a connection is one, on either side.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for so many, for this process and those it starts; how many there may be.
pub(crate) fn raise(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let current = Some(limit.current.unwrap_or(u64::MAX).max(wanted.min(allowed)));
    // Where it is refused, what is allowed already is what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
