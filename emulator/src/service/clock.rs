//! The one place that reads the time.
//!
//! Every call reads it once and hands it on as `now`. It never goes back.

#[cfg(any(feature = "server", feature = "sdk"))]
mod timer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::timestamp::Timestamp;

#[cfg(any(feature = "server", feature = "sdk"))]
pub(crate) use timer::Timer;

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
///
/// With the feature `sdk` it is the AWS SDK's clock, too: it is a `TimeSource`
/// and an `AsyncSleep`, and `Emulator::sdk_config` hands it over. Signing time,
/// back-off and timeouts then move with it. A wait of the SDK takes
///
/// * real time with [`system`](Self::system), unless somebody advances the clock;
/// * no time with `tokio`, if the runtime's time is paused;
/// * no time with [`manual`](Self::manual), but then another task has to advance
///   the clock, by `advance_to_next_timer` for example.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Time>);

#[derive(Debug)]
struct Time {
    source: Source,
    /// How far `advance` has moved the clock beyond its source.
    offset_micros: AtomicU64,
    /// The latest time that was ever read.
    latest_micros: AtomicU64,
    /// Who waits for a time.
    #[cfg(any(feature = "server", feature = "sdk"))]
    timers: timer::Timers,
}

#[derive(Debug)]
enum Source {
    System,
    Manual {
        start: Timestamp,
    },
    #[cfg(any(feature = "server", feature = "sdk"))]
    Tokio {
        start: Timestamp,
        origin: tokio::time::Instant,
    },
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

    /// Tokio's time from now on, plus whatever [`advance`](Self::advance) adds.
    ///
    /// In a runtime whose time is paused it stands still while there is
    /// something to do, and jumps to the next timer when everybody waits:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kinesis_emulator::Clock;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// // In a #[tokio::test(start_paused = true)]:
    /// let clock = Clock::tokio();
    /// let before = clock.now();
    /// tokio::time::sleep(Duration::from_secs(3600)).await;
    /// assert_eq!(clock.now(), before.plus(Duration::from_secs(3600)));
    /// # }
    /// ```
    ///
    /// Everybody who goes by it has to be in that one runtime, because every
    /// runtime has a time of its own: use `Emulator::in_process`, with
    /// `Emulator::serve` where connections are wanted. `Emulator::start` has a
    /// thread and a runtime of its own, where this clock shows real time, and so
    /// it does outside of any runtime.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub fn tokio() -> Self {
        Self::tokio_from(system_time())
    }

    /// The same, but it is `start` now: for runs that repeat byte for byte.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub fn tokio_from(start: Timestamp) -> Self {
        Self::from_source(Source::Tokio { start, origin: tokio_time() })
    }

    fn from_source(source: Source) -> Self {
        Self(Arc::new(Time {
            source,
            offset_micros: AtomicU64::new(0),
            latest_micros: AtomicU64::new(0),
            #[cfg(any(feature = "server", feature = "sdk"))]
            timers: timer::Timers::default(),
        }))
    }

    /// The time now. Never earlier than any time read before.
    pub fn now(&self) -> Timestamp {
        let offset = Duration::from_micros(self.0.offset_micros.load(Ordering::Acquire));
        let read = self.0.source.now().plus(offset);
        // Calls that are overtaken only look: what nobody writes, all processors have.
        let latest = &self.0.latest_micros;
        let mut before = latest.load(Ordering::Acquire);
        if before < read.as_micros() {
            before = latest.fetch_max(read.as_micros(), Ordering::AcqRel);
        }
        read.max(Timestamp::from_micros(before))
    }

    /// The time now, had nobody moved the clock. One that only moves when somebody
    /// moves it has no other time than that.
    pub(crate) fn unmoved(&self) -> Timestamp {
        if let Source::Manual { .. } = self.0.source { self.now() } else { self.0.source.now() }
    }

    /// Whether time passes without anybody moving it.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(crate) fn moves_by_itself(&self) -> bool {
        !matches!(self.0.source, Source::Manual { .. })
    }

    /// The time now, for threads that may be outside of the runtime whose time it
    /// is: there tokio's clock stands where it was last read.
    pub(crate) fn now_on_any_thread(&self) -> Timestamp {
        match self.0.source {
            Source::System | Source::Manual { .. } => self.now(),
            #[cfg(any(feature = "server", feature = "sdk"))]
            Source::Tokio { .. } => {
                Timestamp::from_micros(self.0.latest_micros.load(Ordering::Acquire))
            }
        }
    }

    /// Whether it is tokio's time, which may jump when every task waits.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(crate) fn is_tokio(&self) -> bool {
        matches!(self.0.source, Source::Tokio { .. })
    }

    /// Lets time pass at once. Whatever is due by then has happened when the
    /// next call is answered.
    pub fn advance(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        // From the time that was shown last, which a source that has gone back is
        // behind.
        let shown = self.now().as_micros();
        let source = self.0.source.now().as_micros();
        let later = |offset: u64| {
            let behind = shown.saturating_sub(source.saturating_add(offset));
            Some(offset.saturating_add(behind).saturating_add(micros))
        };
        let _always = self.0.offset_micros.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
        self.moved();
    }

    /// Lets time pass at once until it is `time`. The clock never goes back: a
    /// time that has passed changes nothing.
    pub fn advance_to(&self, time: Timestamp) {
        let ahead = time.since(self.0.source.now()).as_micros();
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX);
        self.0.offset_micros.fetch_max(ahead, Ordering::AcqRel);
        self.moved();
    }

    fn moved(&self) {
        #[cfg(any(feature = "server", feature = "sdk"))]
        self.wake_timers();
    }

    /// Has everybody look again who waits for a time.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(crate) fn wake_timers(&self) {
        self.0.timers.wake();
    }
}

impl Source {
    fn now(&self) -> Timestamp {
        match *self {
            Self::System => system_time(),
            Self::Manual { start } => start,
            #[cfg(any(feature = "server", feature = "sdk"))]
            Self::Tokio { start, origin } => {
                start.plus(tokio_time().saturating_duration_since(origin))
            }
        }
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

/// Works outside of a runtime, too: there it is real time.
#[cfg(any(feature = "server", feature = "sdk"))]
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
fn tokio_time() -> tokio::time::Instant {
    tokio::time::Instant::now()
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

    #[test]
    fn a_clock_is_moved_to_a_time_but_never_back() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        clock.advance_to(Timestamp::from_seconds(160));
        assert_eq!(clock.now(), Timestamp::from_seconds(160));
        clock.advance_to(Timestamp::from_seconds(130));
        assert_eq!(clock.now(), Timestamp::from_seconds(160));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(161));
    }

    #[test]
    fn time_passes_although_the_source_has_gone_back() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        // What was shown before somebody set the machine's clock.
        clock.0.latest_micros.store(200_000_000, Ordering::Release);
        assert_eq!(clock.now(), Timestamp::from_seconds(200));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(201));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(202));
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::from_millis(u64::MAX));
    }

    #[cfg(any(feature = "server", feature = "sdk"))]
    #[test]
    fn a_tokio_clock_can_be_read_outside_of_a_runtime() {
        let clock = Clock::tokio_from(Timestamp::from_seconds(100));
        assert!(clock.now() >= Timestamp::from_seconds(100));
        assert!(Clock::tokio().now() > Timestamp::from_seconds(1_700_000_000));
    }
}
