//! When the binary is asked to end.

use std::future::Future;
use std::io;

/// Listens for SIGINT and SIGTERM from now on (for Ctrl-C where there is no
/// SIGTERM); the future is ready when one has come.
///
/// # Errors
/// If the system does not let us listen.
#[cfg(unix)]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens for Ctrl-C; the future is ready when it has come.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
