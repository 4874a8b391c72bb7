//! Waiting for a time: by itself, or because somebody moves the clock.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Clock, Source};
use crate::model::timestamp::Timestamp;

/// Who waits for a time, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Timers {
    waiting: Mutex<BTreeMap<(Timestamp, u64), Waker>>,
    next_id: AtomicU64,
}

impl Timers {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(Timestamp, u64), Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // A waker may be all that holds a task, and the task a timer of its own: it is
    // dropped when the lock is gone.

    fn register(&self, timer: (Timestamp, u64), waker: &Waker) {
        let before = self.waiting().insert(timer, waker.clone());
        drop(before);
    }

    fn remove(&self, timer: (Timestamp, u64)) {
        let waker = self.waiting().remove(&timer);
        drop(waker);
    }

    /// Wakes everybody: who has to wait longer has less to wait than before.
    pub(super) fn wake(&self) {
        let wakers: Vec<_> = self.waiting().values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Ready when its clock shows a time: by itself if the clock runs by itself,
/// and at once when the clock is moved there. Needs a tokio runtime, unless the
/// clock is manual. It is one of its clock's timers from its first poll on.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    time: Timestamp,
    id: u64,
    alarm: Option<Alarm>,
}

/// The runtime's own timer.
#[derive(Debug)]
struct Alarm {
    sleep: Pin<Box<tokio::time::Sleep>>,
    /// How far the clock had been moved when it was set.
    offset_micros: u64,
}

impl Clock {
    /// Waits for a time.
    pub(crate) fn timer(&self, time: Timestamp) -> Timer {
        let id = self.0.timers.next_id.fetch_add(1, Ordering::Relaxed);
        Timer { clock: self.clone(), time, id, alarm: None }
    }

    /// The next time that somebody waits for on this clock: a retry or a timeout
    /// of an SDK client that has it, or a subscription's next event.
    ///
    /// A task waits from the moment it has been polled, not before.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.0.timers.waiting().keys().next().map(|(time, _)| *time)
    }

    /// Moves the clock to the next time that somebody waits for and that has not come
    /// yet, and says whether anybody did. Whoever waited has been woken, but has not
    /// run yet.
    pub fn advance_to_next_timer(&self) -> bool {
        let now = self.now();
        let next = self.0.timers.waiting().keys().map(|(time, _)| *time).find(|time| *time > now);
        if let Some(time) = next {
            self.advance_to(time);
        }
        next.is_some()
    }
}

impl Timer {
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // First this, then a look at the clock: a move in between is not missed.
        self.clock.0.timers.register((self.time, self.id), context.waker());
        if self.clock.now() >= self.time || self.poll_alarm(context).is_ready() {
            self.stop();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Source::Manual { .. } = self.clock.0.source {
            return Poll::Pending;
        }
        let offset_micros = self.clock.0.offset_micros.load(Ordering::Acquire);
        let alarm = match self.alarm.take() {
            Some(alarm) if alarm.offset_micros == offset_micros => alarm,
            _ => {
                let rest = self.time.since(self.clock.now());
                Alarm { sleep: Box::pin(sleep(rest)), offset_micros }
            }
        };
        self.alarm.insert(alarm).sleep.as_mut().poll(context)
    }

    fn stop(&self) {
        self.clock.0.timers.remove((self.time, self.id));
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Timer::poll(self.get_mut(), context)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the clock")]
fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(100);

    fn poll(timer: &mut Timer) -> Poll<()> {
        timer.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_timer_whose_task_has_not_run_yet_is_not_moved_to_again() {
        let clock = Clock::manual(START);
        let mut timer = clock.timer(START.plus(Duration::from_secs(10)));
        assert!(poll(&mut timer).is_pending());
        assert!(clock.advance_to_next_timer());
        assert!(!clock.advance_to_next_timer(), "it has come");
        assert_eq!(clock.now(), START.plus(Duration::from_secs(10)));
    }

    #[test]
    fn a_manual_clocks_timer_is_ready_when_the_clock_is_moved_far_enough() {
        let clock = Clock::manual(START);
        let mut timer = clock.timer(START.plus(Duration::from_secs(10)));
        assert_eq!(clock.next_timer(), None, "nobody has polled it");
        assert_eq!(poll(&mut timer), Poll::Pending);
        assert_eq!(clock.next_timer(), Some(START.plus(Duration::from_secs(10))));
        clock.advance(Duration::from_millis(9_999));
        assert_eq!(poll(&mut timer), Poll::Pending);
        clock.advance(Duration::from_millis(1));
        assert_eq!(poll(&mut timer), Poll::Ready(()));
        assert_eq!(clock.next_timer(), None);
    }

    #[test]
    fn a_clock_is_moved_from_timer_to_timer() {
        let clock = Clock::manual(START);
        let [mut late, mut early, mut dropped] =
            [9, 4, 1].map(|seconds| clock.timer(START.plus(Duration::from_secs(seconds))));
        for timer in [&mut late, &mut early, &mut dropped] {
            assert_eq!(poll(timer), Poll::Pending);
        }
        drop(dropped);
        assert!(clock.advance_to_next_timer());
        assert_eq!(clock.now(), START.plus(Duration::from_secs(4)));
        assert_eq!((poll(&mut early), poll(&mut late)), (Poll::Ready(()), Poll::Pending));
        assert!(clock.advance_to_next_timer());
        assert_eq!(poll(&mut late), Poll::Ready(()));
        assert!(!clock.advance_to_next_timer());
        assert_eq!(clock.now(), START.plus(Duration::from_secs(9)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tokio_clock_follows_a_paused_runtime() {
        let clock = Clock::tokio_from(START);
        clock.timer(START.plus(Duration::from_secs(3600))).await;
        assert_eq!(clock.now(), START.plus(Duration::from_secs(3600)));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), START.plus(Duration::from_secs(3660)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_moved_shortens_the_waits_on_it() {
        let clock = Clock::tokio_from(START);
        let runtime = Clock::tokio_from(START);
        let waiting = tokio::spawn(clock.timer(START.plus(Duration::from_secs(10))));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(7));
        waiting.await.expect("it ran");
        assert_eq!(runtime.now(), START.plus(Duration::from_secs(3)), "the rest of the wait");
        assert_eq!(clock.now(), START.plus(Duration::from_secs(10)));
    }

    #[tokio::test]
    async fn moving_the_system_clock_ends_a_wait_at_once() {
        let clock = Clock::system();
        let waiting = tokio::spawn(clock.timer(clock.now().plus(Duration::from_secs(86_400))));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(86_400));
        waiting.await.expect("it ran");
    }
}
