//! The one place that reads the time.
//!
//! Every call reads it once and hands it on as `now`. It never goes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::watchers::Watchers;

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
    /// Who waits for a time, and wants to know when the clock is moved.
    watchers: Mutex<Watchers>,
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
            watchers: Mutex::default(),
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
        let watchers = self.watchers().take();
        watchers.for_each(Waker::wake);
    }

    /// Lets time pass until a moment, unless it has come already.
    pub(crate) fn not_before(&self, moment: Timestamp) {
        let missing = moment.since(self.now());
        if !missing.is_zero() {
            self.advance(missing);
        }
    }

    /// Has somebody who waits woken when the clock is moved.
    pub(crate) fn watch(&self, id: u64, waker: &Waker) {
        self.watchers().register(id, waker);
    }

    /// Forgets somebody who waited.
    pub(crate) fn unwatch(&self, id: u64) {
        self.watchers().remove(id);
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(any(feature = "server", feature = "sdk"))]
pub(crate) use timer::Timer;

/// Waiting for a time to come by itself.
#[cfg(any(feature = "server", feature = "sdk"))]
mod timer {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use super::{Clock, Source};
    use crate::model::timestamp::Timestamp;

    /// Ready when a clock that runs by itself reaches a time; never, if the
    /// clock is moved by hand. Whoever waits watches the clock as well.
    #[derive(Debug)]
    pub(crate) struct Timer(Option<Pin<Box<tokio::time::Sleep>>>);

    impl Timer {
        pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
            match &mut self.0 {
                Some(sleep) => sleep.as_mut().poll(context),
                None => Poll::Pending,
            }
        }
    }

    impl Clock {
        /// Waits for a time. Needs a tokio runtime.
        pub(crate) fn timer(&self, time: Timestamp) -> Timer {
            match self.0.source {
                Source::System => Timer(Some(Box::pin(sleep(time.since(self.now()))))),
                Source::Manual { .. } => Timer(None),
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(duration: Duration) -> tokio::time::Sleep {
        tokio::time::sleep(duration)
    }
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
