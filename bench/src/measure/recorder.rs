//! What a task writes down about its calls, and what becomes of it.
//!
//! Each task has a [`Pen`] of its own; it shares a lock with others once a second,
//! so that recording a call takes none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::latency::Latencies;
use crate::driver::Refusal;
use crate::report::run::{Sample, Second, ShardSecond};

/// Records, bytes and throttles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Records acknowledged or read.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Answers that said: come back later.
    pub throttles: u64,
}

impl Amount {
    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.throttles += other.throttles;
    }
}

/// What all tasks of a phase saw, second by second.
#[derive(Debug, Clone)]
pub struct Seconds {
    origin: Instant,
    buckets: Arc<Mutex<BTreeMap<u64, Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    amount: Amount,
    latencies: Histogram<u32>,
    shards: BTreeMap<String, Amount>,
}

/// Takes the record of every call, if someone asked for them.
pub type Samples = Option<UnboundedSender<Sample>>;

/// One task's own records.
#[derive(Debug)]
pub struct Pen {
    seconds: Seconds,
    samples: Samples,
    task: u64,
    second: u64,
    now: Amount,
    now_latencies: Vec<u64>,
    now_shards: BTreeMap<String, Amount>,
    total: Totals,
}

/// Everything that tasks wrote down, without the time at which.
#[derive(Debug, Default)]
pub struct Totals {
    /// From the intended start of each call.
    pub corrected: Latencies,
    /// From its actual start.
    pub uncorrected: Latencies,
    /// Calls made.
    pub calls: u64,
    /// What they brought.
    pub amount: Amount,
    /// Calls that failed in the end, by code.
    pub errors: BTreeMap<String, u64>,
    /// What one of them said.
    pub first_error: Option<Refusal>,
}

/// One call.
#[derive(Debug)]
pub struct Called<'a> {
    /// Such as `PutRecord`.
    pub operation: &'static str,
    /// When it was due.
    pub intended: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// When it was answered.
    pub answered: Instant,
    /// What it brought.
    pub amount: Amount,
    /// Shard and sequence number of its record, if it is one.
    pub placed: Option<(&'a str, &'a str)>,
    /// Why it failed.
    pub refusal: Option<&'a Refusal>,
}

impl Seconds {
    /// Seconds that count from `origin`.
    #[must_use]
    pub fn since(origin: Instant) -> Self {
        Self { origin, buckets: Arc::default() }
    }

    /// A pen for one task.
    #[must_use]
    pub fn pen(&self, task: u64, samples: Samples) -> Pen {
        Pen {
            seconds: self.clone(),
            samples,
            task,
            second: 0,
            now: Amount::default(),
            now_latencies: Vec::new(),
            now_shards: BTreeMap::new(),
            total: Totals::default(),
        }
    }

    /// The series of the phase, without gaps.
    #[must_use]
    pub fn series(&self) -> Vec<Second> {
        let buckets = self.buckets.lock().expect("nobody panics while holding the seconds");
        let length = buckets.keys().next_back().map_or(0, |last| last + 1);
        let second = |second| {
            let Some(bucket) = buckets.get(&second) else {
                return Second { second, ..Second::default() };
            };
            let at = |quantile| {
                let is_known = !bucket.latencies.is_empty();
                is_known.then(|| bucket.latencies.value_at_quantile(quantile))
            };
            Second {
                second,
                records: bucket.amount.records,
                bytes: bucket.amount.bytes,
                throttles: bucket.amount.throttles,
                p50_us: at(0.5),
                p99_us: at(0.99),
                max_us: at(1.0),
            }
        };
        (0..length).map(second).collect()
    }

    /// The series of each shard, by id.
    #[must_use]
    pub fn shards(&self) -> BTreeMap<String, Vec<ShardSecond>> {
        let buckets = self.buckets.lock().expect("nobody panics while holding the seconds");
        let mut shards: BTreeMap<String, Vec<ShardSecond>> = BTreeMap::new();
        for (second, bucket) in &*buckets {
            for (shard, amount) in &bucket.shards {
                shards.entry(shard.clone()).or_default().push(ShardSecond {
                    second: *second,
                    records: amount.records,
                    bytes: amount.bytes,
                    throttles: amount.throttles,
                });
            }
        }
        shards
    }
}

impl Pen {
    /// A call has ended.
    pub fn called(&mut self, call: &Called<'_>) {
        let corrected = call.answered.saturating_duration_since(call.intended);
        let uncorrected = call.answered.saturating_duration_since(call.sent);
        self.turn_to(call.answered);
        self.total.calls += 1;
        if let Some(refusal) = call.refusal {
            *self.total.errors.entry(refusal.code.clone()).or_default() += 1;
            self.total.first_error.get_or_insert_with(|| refusal.clone());
        } else {
            self.total.corrected.record(corrected);
            self.total.uncorrected.record(uncorrected);
            self.now_latencies.push(micros(corrected));
        }
        self.total.amount.add(call.amount);
        self.now.add(call.amount);
        if let Some(samples) = &self.samples {
            // Whoever stops listening to samples has no use for them.
            let _ = samples.send(self.sample(call, uncorrected));
        }
    }

    /// Part of a call concerned this shard.
    pub fn touched(&mut self, shard_id: &str, amount: Amount) {
        match self.now_shards.get_mut(shard_id) {
            Some(total) => total.add(amount),
            None => {
                self.now_shards.insert(shard_id.to_owned(), amount);
            }
        }
    }

    /// Closes the last second and hands out the totals.
    #[must_use]
    pub fn finish(mut self) -> Totals {
        self.flush();
        std::mem::take(&mut self.total)
    }

    fn sample(&self, call: &Called<'_>, latency: Duration) -> Sample {
        let millis =
            |at: Instant| at.saturating_duration_since(self.seconds.origin).as_secs_f64() * 1e3;
        Sample {
            at_ms: millis(call.sent),
            intended_ms: (call.intended < call.sent).then(|| millis(call.intended)),
            latency_us: micros(latency),
            operation: call.operation.to_owned(),
            shard_id: call.placed.map(|(shard_id, _)| shard_id.to_owned()),
            sequence_number: call.placed.map(|(_, number)| number.to_owned()),
            error: call.refusal.map(|refusal| refusal.code.clone()),
            message: call.refusal.map(|refusal| refusal.message.clone()),
            bytes: call.amount.bytes,
            task: self.task,
        }
    }

    fn turn_to(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.seconds.origin).as_secs();
        if second != self.second {
            self.flush();
            self.second = second;
        }
    }

    fn flush(&mut self) {
        if self.now == Amount::default() && self.now_latencies.is_empty() {
            return;
        }
        let mut buckets = self.seconds.buckets.lock().expect("nobody panics while holding it");
        let bucket = buckets.entry(self.second).or_insert_with(Bucket::new);
        bucket.amount.add(std::mem::take(&mut self.now));
        for latency in self.now_latencies.drain(..) {
            bucket.latencies.record(latency).expect("the histogram grows as it must");
        }
        for (shard_id, amount) in std::mem::take(&mut self.now_shards) {
            bucket.shards.entry(shard_id).or_default().add(amount);
        }
    }
}

impl Bucket {
    fn new() -> Self {
        let latencies = Histogram::new(2).expect("two digits are within a histogram's limits");
        Self { amount: Amount::default(), latencies, shards: BTreeMap::new() }
    }
}

impl Totals {
    /// Adds what another task wrote down.
    pub fn merge(&mut self, other: Self) {
        self.corrected.merge(&other.corrected);
        self.uncorrected.merge(&other.uncorrected);
        self.calls += other.calls;
        self.amount.add(other.amount);
        for (code, count) in other.errors {
            *self.errors.entry(code).or_default() += count;
        }
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Amount, Called, Seconds};

    #[tokio::test(start_paused = true)]
    async fn each_second_has_its_own_figures_and_gaps_are_zeros() {
        let origin = crate::measure::clock::runtime_now();
        let seconds = Seconds::since(origin);
        let at = |ms| origin + Duration::from_millis(ms);
        let mut pens = [seconds.pen(0, None), seconds.pen(1, None)];
        let amount = Amount { records: 1, bytes: 10, throttles: 0 };
        for (pen, sent, answered) in [(0, 100, 200), (1, 150, 950), (0, 1_900, 3_100)] {
            let call = Called {
                operation: "PutRecord",
                intended: at(sent),
                sent: at(sent),
                answered: at(answered),
                amount,
                placed: None,
                refusal: None,
            };
            pens[pen].called(&call);
            pens[pen].touched("shardId-000000000000", amount);
        }
        let totals = pens.map(super::Pen::finish);
        assert_eq!(totals.iter().map(|total| total.calls).sum::<u64>(), 3);
        let series = seconds.series();
        let records: Vec<u64> = series.iter().map(|second| second.records).collect();
        assert_eq!(records, [2, 0, 0, 1]);
        assert!(series[0].max_us.unwrap().abs_diff(800_000) < 8_000, "{:?}", series[0]);
        assert_eq!(series[1].p50_us, None);
        assert_eq!(seconds.shards()["shardId-000000000000"].len(), 2);
    }
}
