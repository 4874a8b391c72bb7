//! The one place that reads the time.
//!
//! Every call reads it once and hands it on as `now`. It never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::timestamp::Timestamp;

/// An emulator's clock, in the test's hands.
///
/// Stream states, retention and the expiry of iterators and tokens go by it,
/// so that a day passes as soon as a test says so:
///
/// ```
/// # use std::time::Duration;
/// # use kinesis_emulator::{Clock, Timestamp};
/// let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
/// clock.advance(Duration::from_secs(24 * 60 * 60));
/// assert_eq!(clock.now(), Timestamp::from_seconds(1_700_086_400));
/// ```
///
/// Clones share the time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Time>);

#[derive(Debug)]
struct Time {
    source: Source,
    /// How far `advance` has moved the clock beyond its source.
    offset_millis: AtomicU64,
    /// The latest time that was ever read.
    latest_millis: AtomicU64,
}

#[derive(Debug)]
enum Source {
    System,
    Manual { start: Timestamp },
}

impl Clock {
    /// The system's time, plus whatever [`advance`](Self::advance) adds.
    pub fn system() -> Self {
        Self::from_source(Source::System)
    }

    /// A time that moves only when [`advance`](Self::advance) is called.
    pub fn manual(start: Timestamp) -> Self {
        Self::from_source(Source::Manual { start })
    }

    fn from_source(source: Source) -> Self {
        Self(Arc::new(Time {
            source,
            offset_millis: AtomicU64::new(0),
            latest_millis: AtomicU64::new(0),
        }))
    }

    /// The time now. Never earlier than any time read before.
    pub fn now(&self) -> Timestamp {
        let offset = Duration::from_millis(self.0.offset_millis.load(Ordering::Acquire));
        let read = match self.0.source {
            Source::System => system_time().plus(offset),
            Source::Manual { start } => start.plus(offset),
        };
        let before = self.0.latest_millis.fetch_max(read.as_millis(), Ordering::AcqRel);
        read.max(Timestamp::from_millis(before))
    }

    /// Lets time pass at once. Whatever is due by then has happened when the
    /// next call is answered.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.0.offset_millis.fetch_add(millis, Ordering::AcqRel);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the clock")]
fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_advanced() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        let shared = clock.clone();
        assert_eq!(clock.now(), Timestamp::from_seconds(100));
        shared.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_seconds(105));
    }

    #[test]
    fn the_system_clock_can_be_moved_ahead() {
        let clock = Clock::system();
        let before = clock.now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now().since(before) >= Duration::from_secs(3600));
    }
}
