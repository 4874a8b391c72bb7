//! When each item of work is due, and who does it.
//!
//! Closed loop: a task takes its next item when it has finished its last one.
//! Open loop: items fall due by the clock, whether or not anyone is free; a task
//! that is free takes the oldest one. The intended start travels with the item,
//! so that the latency counted from it includes the time it waited.
//!
//! Laws: every item that fell due is taken or counted as left over; no more
//! items are at work than there are tasks; what waits is counted.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::{Instant, sleep_until};

use super::rate::Shape;

/// How work arrives.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// As fast as answers come.
    Closed,
    /// By the clock.
    Open {
        /// The rate over time.
        shape: Shape,
        /// How items are spread within that rate.
        spacing: Spacing,
        /// What an item counts in that rate.
        records_per_item: f64,
    },
}

/// How the items of an open loop are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// At even distances.
    Even,
    /// As independent callers would come: a Poisson process with this seed.
    Poisson(u64),
}

/// Where a schedule ends; at whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// After so many items.
    pub items: Option<u64>,
    /// After so much time.
    pub duration: Option<Duration>,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number, from 0.
    pub number: u64,
    /// When it was due.
    pub intended: Instant,
}

/// The items of an open loop, each with its time since the start.
#[derive(Debug)]
pub struct Dues {
    shape: Shape,
    draws: Option<StdRng>,
    extent: Extent,
    number: u64,
    records_per_item: f64,
    /// Where the next item lies on the shape's own scale of items.
    place: f64,
}

impl Dues {
    /// The items due by a shape.
    #[must_use]
    pub fn new(shape: Shape, spacing: Spacing, records_per_item: f64, extent: Extent) -> Self {
        let draws = match spacing {
            Spacing::Even => None,
            Spacing::Poisson(seed) => Some(StdRng::seed_from_u64(seed)),
        };
        let mut dues = Self { shape, draws, extent, number: 0, records_per_item, place: 0.0 };
        if dues.draws.is_some() {
            dues.place = dues.gap();
        }
        dues
    }

    /// The distance to the next item: one, or drawn with mean one.
    fn gap(&mut self) -> f64 {
        match &mut self.draws {
            None => 1.0,
            // 1 − [0, 1) is never zero, so the logarithm is finite.
            Some(draws) => -(1.0 - draws.random::<f64>()).ln(),
        }
    }
}

impl Iterator for Dues {
    type Item = (u64, Duration);

    fn next(&mut self) -> Option<Self::Item> {
        let due = self.shape.due(self.place * self.records_per_item);
        let is_over = self.extent.items.is_some_and(|items| self.number >= items)
            || self.extent.duration.is_some_and(|duration| due >= duration);
        if is_over {
            return None;
        }
        let item = (self.number, due);
        self.number += 1;
        // Even places are counted, not summed up, so that no error grows.
        self.place =
            if self.draws.is_some() { self.place + self.gap() } else { self.number as f64 };
        Some(item)
    }
}

/// What lets the items of an open loop fall due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pacing {
    /// A thread of its own, see [`Schedule::pace_on_this_thread`].
    #[default]
    Thread,
    /// The runtime's timer, see [`Schedule::pace`]: for runs in a time that is paused.
    Runtime,
}

/// Hands the items of a run to its tasks.
#[derive(Debug)]
pub struct Schedule {
    start: Instant,
    arrivals: Arrivals,
    extent: Extent,
    stopped: AtomicBool,
    /// Closed loop: the next number.
    next: AtomicU64,
    /// Open loop: what is due and not taken.
    due: Mutex<VecDeque<Item>>,
    due_count: Semaphore,
    backlog_max: AtomicU64,
    waited: AtomicU64,
}

/// How much an open loop had to queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queueing {
    /// The most items that were due and not taken, at once.
    pub backlog_max: u64,
    /// Items that waited for a free task for a millisecond or more.
    pub waited: u64,
    /// Items that were due and that nobody took before the run was ended.
    pub left_over: u64,
}

impl Schedule {
    /// A schedule that starts now.
    #[must_use]
    pub fn start(arrivals: Arrivals, extent: Extent) -> Self {
        Self {
            start: crate::measure::clock::runtime_now(),
            arrivals,
            extent,
            stopped: AtomicBool::new(false),
            next: AtomicU64::new(0),
            due: Mutex::new(VecDeque::new()),
            due_count: Semaphore::new(0),
            backlog_max: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        }
    }

    /// When it started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.start
    }

    /// The next item for a task that is free; nothing when there will be no more.
    pub async fn take(&self) -> Option<Item> {
        match self.arrivals {
            Arrivals::Closed => self.take_closed(),
            Arrivals::Open { .. } => self.take_due().await,
        }
    }

    /// No more items from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
        self.due_count.close();
    }

    /// Whether someone has called [`stop`](Self::stop).
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// What had to queue.
    #[must_use]
    pub fn queueing(&self) -> Queueing {
        let due = self.due.lock().expect("nobody panics while holding the queue");
        Queueing {
            backlog_max: self.backlog_max.load(Relaxed),
            waited: self.waited.load(Relaxed),
            left_over: due.len() as u64,
        }
    }

    /// Lets items fall due by tokio's clock, which tests can move.
    pub async fn pace(&self) {
        for (number, due) in self.dues() {
            let intended = self.start + due;
            sleep_until(intended).await;
            if self.is_stopped() {
                return;
            }
            self.offer(Item { number, intended });
        }
        self.due_count.close();
    }

    /// Lets items fall due on a thread of its own: the runtime's timer knows
    /// milliseconds only, and a busy runtime would be late with its own schedule.
    pub fn pace_on_this_thread(&self) {
        for (number, due) in self.dues() {
            let intended = self.start + due;
            loop {
                let wait = intended.saturating_duration_since(crate::measure::clock::runtime_now());
                if wait.is_zero() || self.is_stopped() {
                    break;
                }
                crate::measure::clock::block(wait.min(STOP_SEEN_WITHIN));
            }
            if self.is_stopped() {
                return;
            }
            self.offer(Item { number, intended });
        }
        self.due_count.close();
    }

    fn dues(&self) -> Box<dyn Iterator<Item = (u64, Duration)> + Send + '_> {
        match &self.arrivals {
            Arrivals::Closed => Box::new(std::iter::empty()),
            Arrivals::Open { shape, spacing, records_per_item } => {
                Box::new(Dues::new(shape.clone(), *spacing, *records_per_item, self.extent))
            }
        }
    }

    fn offer(&self, item: Item) {
        let backlog = {
            let mut due = self.due.lock().expect("nobody panics while holding the queue");
            due.push_back(item);
            due.len() as u64
        };
        self.backlog_max.fetch_max(backlog, Relaxed);
        self.due_count.add_permits(1);
    }

    fn take_closed(&self) -> Option<Item> {
        let intended = crate::measure::clock::runtime_now();
        let is_over = self.is_stopped()
            || self.extent.duration.is_some_and(|duration| intended - self.start >= duration);
        if is_over {
            return None;
        }
        let number = self.next.fetch_add(1, Relaxed);
        let is_within = self.extent.items.is_none_or(|items| number < items);
        is_within.then_some(Item { number, intended })
    }

    async fn take_due(&self) -> Option<Item> {
        // What is there already has waited for a task; later it is the task that waits.
        let is_queued = match self.due_count.try_acquire() {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(TryAcquireError::NoPermits) => match self.due_count.acquire().await {
                Ok(permit) => {
                    permit.forget();
                    false
                }
                Err(_) => true,
            },
            // The last item has fallen due, which does not mean that it was taken.
            Err(TryAcquireError::Closed) => true,
        };
        if self.is_stopped() {
            return None;
        }
        let item = self.due.lock().expect("nobody panics while holding the queue").pop_front()?;
        if is_queued && item.intended.elapsed() >= WAITED_FROM {
            self.waited.fetch_add(1, Relaxed);
        }
        Some(item)
    }
}

/// A pacing thread looks this often whether the run has been stopped.
const STOP_SEEN_WITHIN: Duration = Duration::from_millis(50);
/// Below this a wait is that of waking a task, not of a queue.
const WAITED_FROM: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
