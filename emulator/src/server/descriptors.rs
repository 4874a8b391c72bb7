//! A connection is a file descriptor, and systems hand out few unless asked.

/// Descriptors that are no connections: the listener, standard streams, files,
/// the runtime's own.
#[cfg(unix)]
const OTHERS: u64 = 64;

/// Asks the system for as many descriptors as so many connections need. Returns
/// how many connections it allows, if those are fewer.
///
/// The limit is the process's, and its children inherit it.
#[cfg(unix)]
pub(crate) fn ask_for(connections: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let had = current.unwrap_or(u64::MAX);
    if had >= needed {
        return None;
    }
    let wanted = needed.min(maximum.unwrap_or(u64::MAX));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    let allowed = if raised.is_ok() { wanted } else { had };
    let allowed = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX);
    (allowed < connections).then_some(allowed.max(1))
}

/// Asks for nothing: sockets are no scarce descriptors here.
#[cfg(not(unix))]
pub(crate) fn ask_for(_connections: usize) -> Option<usize> {
    None
}
