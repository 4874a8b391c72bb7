//! Time is virtual here: it moves when every task waits, and costs nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{Arrivals, Dues, Extent, Queueing, Schedule, Spacing};
use crate::measure::latency::Latencies;

const TEN_SECONDS: Extent = Extent { items: None, duration: Some(Duration::from_secs(10)) };

/// A target that answers after a millisecond, but nothing between two moments.
#[derive(Debug, Clone, Copy)]
struct Stalling {
    from: Instant,
    until: Instant,
}

impl Stalling {
    async fn call(self) {
        let answered = crate::measure::clock::runtime_now() + Duration::from_millis(1);
        let is_stalled = answered > self.from && answered < self.until;
        sleep_until(if is_stalled { self.until } else { answered }).await;
    }
}

struct Seen {
    corrected: Latencies,
    uncorrected: Latencies,
    numbers: Vec<u64>,
    queueing: Queueing,
}

/// Ten seconds against a target that stalls from second 4 to second 5.
async fn run(arrivals: Arrivals, tasks: usize) -> Seen {
    let schedule = Arc::new(Schedule::start(arrivals, TEN_SECONDS));
    let from = schedule.started() + Duration::from_secs(4);
    let target = Stalling { from, until: from + Duration::from_secs(1) };
    let mut workers = JoinSet::new();
    for _ in 0..tasks {
        let schedule = Arc::clone(&schedule);
        workers.spawn(async move {
            let (mut corrected, mut uncorrected) = (Latencies::new(), Latencies::new());
            let mut numbers = Vec::new();
            while let Some(item) = schedule.take().await {
                let sent = crate::measure::clock::runtime_now();
                target.call().await;
                corrected.record(item.intended.elapsed());
                uncorrected.record(sent.elapsed());
                numbers.push(item.number);
            }
            (corrected, uncorrected, numbers)
        });
    }
    schedule.pace().await;
    let (mut corrected, mut uncorrected) = (Latencies::new(), Latencies::new());
    let mut numbers = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let (c, u, n) = worker.unwrap();
        corrected.merge(&c);
        uncorrected.merge(&u);
        numbers.extend(n);
    }
    numbers.sort_unstable();
    Seen { corrected, uncorrected, numbers, queueing: schedule.queueing() }
}

fn open(rate: &str) -> Arrivals {
    Arrivals::Open { shape: rate.parse().unwrap(), spacing: Spacing::Even, records_per_item: 1.0 }
}

#[tokio::test(start_paused = true)]
async fn a_stall_shows_in_the_corrected_tail_and_no_sample_is_missing() {
    let seen = run(open("100"), 1).await;
    assert_eq!(seen.numbers, (0..1_000).collect::<Vec<_>>(), "every item was sent and counted");
    let (corrected, uncorrected) = (seen.corrected.summary(), seen.uncorrected.summary());
    // The item due at the start of the stall waited for all of it, and those behind it for the rest.
    assert!((990_000..=1_010_000).contains(&corrected.p999), "{corrected:?}");
    assert!(corrected.p99 > 850_000, "{corrected:?}");
    assert!(corrected.p50 <= 1_100, "{corrected:?}");
    // Counted from the send, one call in a thousand was slow, and the others look well.
    assert!(uncorrected.p99 < 10_000, "{uncorrected:?}");
    assert!(uncorrected.max >= 990_000, "{uncorrected:?}");
    // While one item was at work the others of that second queued.
    assert!((95..=100).contains(&seen.queueing.backlog_max), "{:?}", seen.queueing);
    assert!(seen.queueing.waited >= 99, "{:?}", seen.queueing);
    assert_eq!(seen.queueing.left_over, 0);
}

#[tokio::test(start_paused = true)]
async fn enough_tasks_send_during_a_stall_as_at_any_time() {
    let seen = run(open("100"), 128).await;
    assert_eq!(seen.numbers.len(), 1_000);
    assert!(seen.queueing.backlog_max <= 1, "{:?}", seen.queueing);
    let (corrected, uncorrected) = (seen.corrected.summary(), seen.uncorrected.summary());
    // Nobody waited for a task, so both tell the same story.
    assert!(corrected.p99 > 850_000 && uncorrected.p99 > 850_000, "{corrected:?} {uncorrected:?}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_leaves_out_what_it_would_have_sent() {
    let seen = run(Arrivals::Closed, 1).await;
    // A call a millisecond, but one for the stalled second: its latency is a lonely sample.
    assert!((8_990..=9_010).contains(&seen.numbers.len()), "{}", seen.numbers.len());
    let corrected = seen.corrected.summary();
    assert!(corrected.p999 < 10_000 && corrected.max >= 990_000, "{corrected:?}");
    assert_eq!(seen.queueing, Queueing::default());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_stopped_hands_out_nothing_more_and_says_what_is_left() {
    let schedule = Schedule::start(open("10"), TEN_SECONDS);
    let pacing = async {
        tokio::time::advance(Duration::from_millis(2_050)).await;
        schedule.stop();
    };
    tokio::join!(schedule.pace(), pacing);
    assert_eq!(schedule.take().await, None);
    assert!(schedule.queueing().left_over <= 21);
}

#[tokio::test]
async fn the_thread_offers_the_items_that_the_task_would() {
    let extent = Extent { items: Some(5), duration: None };
    let schedule = Schedule::start(open("1000000"), extent);
    schedule.pace_on_this_thread();
    let mut numbers = Vec::new();
    while let Some(item) = schedule.take().await {
        numbers.push(item.number);
    }
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[test]
fn poisson_arrivals_repeat_with_their_seed_and_keep_the_rate() {
    let dues = |seed| {
        let shape = "200".parse().unwrap();
        Dues::new(shape, Spacing::Poisson(seed), 1.0, TEN_SECONDS).collect::<Vec<_>>()
    };
    assert_eq!(dues(7), dues(7));
    assert_ne!(dues(7), dues(8));
    let arrivals = dues(7);
    // 2,000 are expected with a standard deviation of 45.
    assert!((1_800..=2_200).contains(&arrivals.len()), "{}", arrivals.len());
    let gaps: Vec<f64> =
        arrivals.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_secs_f64() * 200.0).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // Exponential gaps have the variance 1, even ones 0.
    assert!((0.8..1.2).contains(&variance), "{variance}");
}

#[test]
fn an_extent_ends_by_number_or_by_time() {
    let count = |extent| Dues::new("100".parse().unwrap(), Spacing::Even, 1.0, extent).count();
    assert_eq!(count(TEN_SECONDS), 1_000);
    assert_eq!(count(Extent { items: Some(7), ..TEN_SECONDS }), 7);
}
