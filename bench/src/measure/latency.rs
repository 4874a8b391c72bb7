//! Latencies of calls, as a histogram with three significant digits.
//!
//! One per worker, merged at the end, so that recording takes no lock.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The latencies seen by one worker, or by several after merging.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

/// The latencies of a run in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LatencySummary {
    /// Half of the calls took at most this long.
    pub p50: u64,
    /// 99 of 100 calls took at most this long.
    pub p99: u64,
    /// 999 of 1,000 calls took at most this long.
    pub p999: u64,
    /// The longest call.
    pub max: u64,
}

impl Latencies {
    /// No latencies yet.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self(histogram.expect("an hour at three digits is within a histogram's limits"))
    }

    /// Adds one latency; longer than an hour counts as an hour.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros);
    }

    /// Adds the latencies of another worker.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all latencies share one range");
    }

    /// Everything recorded, in microseconds.
    #[must_use]
    pub fn recorded(&self) -> &Histogram<u64> {
        &self.0
    }

    /// The quantiles that are reported.
    #[must_use]
    pub fn summary(&self) -> LatencySummary {
        LatencySummary {
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

const LONGEST_US: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latencies, LatencySummary};

    #[test]
    fn merged_latencies_are_those_of_both_workers() {
        let (mut fast, mut slow) = (Latencies::new(), Latencies::new());
        (1..=990).for_each(|_| fast.record(Duration::from_micros(100)));
        (1..=10).for_each(|_| slow.record(Duration::from_micros(900)));
        fast.merge(&slow);
        assert_eq!(fast.summary(), LatencySummary { p50: 100, p99: 100, p999: 900, max: 900 });
    }

    #[test]
    fn no_latencies_are_zero() {
        assert_eq!(Latencies::new().summary(), LatencySummary::default());
    }
}
