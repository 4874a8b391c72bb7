//! The only place that reads the clock or sleeps.
//!
//! The emulator takes its time as an argument; a benchmark is the one program
//! whose business is real time: it is a real client of a real endpoint.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A running stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts a stopwatch.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the benchmark's clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits before asking a real endpoint again: its clock cannot be moved.
#[allow(clippy::disallowed_methods, reason = "an endpoint offers nothing to wait on")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Blocks a pacing thread; the operating system's timer is finer than the runtime's.
#[allow(clippy::disallowed_methods, reason = "the thread exists to keep the pace")]
pub fn block(duration: Duration) {
    std::thread::sleep(duration);
}

/// The time of day, for signatures, time stamps in payloads and the start of a run.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the benchmark's clock")]
pub fn since_epoch() -> Duration {
    // A clock before 1970 signs nothing that anyone accepts, zero included.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The runtime's time, which load falls due by: a test makes it stand still.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the benchmark's clock")]
pub fn runtime_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
