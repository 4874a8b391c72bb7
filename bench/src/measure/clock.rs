//! The only place that reads the clock or sleeps.
//!
//! The emulator takes its time as an argument; a benchmark is the one program
//! whose business is real time: it is a real client of a real endpoint.

use std::time::{Duration, Instant};

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
