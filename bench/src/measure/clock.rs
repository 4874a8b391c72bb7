//! The only place that reads the clock or sleeps.
//!
//! The emulator takes its time as an argument; a benchmark is the one program
//! whose business is real time: it is a real client of a real endpoint.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::Sleep;

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

/// A limit to how long each of many things takes that come one after the other: one timer
/// that is put off again and again, which is cheaper than one for each.
#[derive(Debug)]
pub struct Limit(Pin<Box<Sleep>>);

impl Limit {
    /// A limit that is not set yet.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "an endpoint that hangs offers nothing to wait on"
    )]
    pub fn new() -> Self {
        Self(Box::pin(tokio::time::sleep(Duration::ZERO)))
    }

    /// What comes of `task`; nothing if it takes longer than `max`.
    pub async fn hold<T>(&mut self, max: Duration, task: impl Future<Output = T>) -> Option<T> {
        self.0.as_mut().reset(runtime_now() + max);
        tokio::select! {
            biased;
            done = task => Some(done),
            () = self.0.as_mut() => None,
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::new()
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Limit, pause};

    #[tokio::test(start_paused = true)]
    async fn a_limit_counts_anew_for_each_task() {
        let second = Duration::from_secs(1);
        let mut limit = Limit::new();
        for _ in 0..3 {
            assert_eq!(limit.hold(second, pause(second.mul_f64(0.9))).await, Some(()));
        }
        assert_eq!(limit.hold(second, pause(second * 2)).await, None);
        // Having been passed once, it holds again.
        assert_eq!(limit.hold(second, pause(second.mul_f64(0.9))).await, Some(()));
    }
}
