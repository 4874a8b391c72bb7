//! What a repetition has to do, with everything decided.

use std::time::Duration;

use tokio::sync::watch;

use super::catalogue::{Produce, Scenario};
use crate::load::content::Content;
use crate::load::keys::KeyMode;
use crate::load::rate::Shape;
use crate::load::schedule::{Arrivals, Extent, Spacing};

/// A scenario with all choices made.
#[derive(Debug, Clone)]
pub struct Work {
    /// What it is about.
    pub scenario: Scenario,
    /// The stream's name.
    pub stream: String,
    /// Whether the stream is there already and stays.
    pub is_adopted: bool,
    /// Shards of a stream that is made; of one that is there, if it must have so many.
    pub shards: Option<usize>,
    /// Keys.
    pub keys: KeyMode,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Payloads.
    pub content: Content,
    /// Records to put, unless time ends the run before.
    pub records: Option<u64>,
    /// How long to put records.
    pub duration: Option<Duration>,
    /// The rate in records a second; none for a closed loop.
    pub rate: Option<Shape>,
    /// Whether arrivals are drawn.
    pub is_poisson: bool,
    /// Producers at work at once.
    pub tasks: usize,
    /// Records of a PutRecords call.
    pub batch: usize,
    /// User messages of a record.
    pub merge: usize,
    /// Wait of a reader after an empty answer.
    pub poll_interval: Duration,
    /// Give up when no record has moved for this long.
    pub patience: Duration,
    /// Whether records can be read back at all.
    pub is_verified: bool,
}

/// Hears of Ctrl-C.
pub type Interrupt = watch::Receiver<bool>;

impl Work {
    /// Records that one item of work is, on average.
    #[must_use]
    pub fn records_per_item(&self) -> f64 {
        match self.scenario.produce {
            Produce::Single | Produce::Aggregated | Produce::Merged => 1.0,
            Produce::Batch | Produce::Preload => self.batch as f64,
            Produce::Mixed => (4 + self.batch) as f64 / 5.0,
        }
    }

    /// Records of one item.
    #[must_use]
    pub fn records_of(&self, item: u64) -> u64 {
        match self.scenario.produce {
            Produce::Single | Produce::Aggregated | Produce::Merged => 1,
            Produce::Batch | Produce::Preload => self.batch as u64,
            Produce::Mixed if item % 5 == 4 => self.batch as u64,
            Produce::Mixed => 1,
        }
    }

    /// The number of an item's first record.
    #[must_use]
    pub fn first_record(&self, item: u64) -> u64 {
        match self.scenario.produce {
            Produce::Single | Produce::Aggregated | Produce::Merged => item,
            Produce::Batch | Produce::Preload => item * self.batch as u64,
            Produce::Mixed => item / 5 * (4 + self.batch as u64) + item % 5,
        }
    }

    /// How items arrive. A preload is not measured, so it is as fast as it can be.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        match &self.rate {
            Some(shape) if self.scenario.produce != Produce::Preload => Arrivals::Open {
                shape: shape.clone(),
                spacing: if self.is_poisson { Spacing::Poisson(self.seed) } else { Spacing::Even },
                records_per_item: self.records_per_item(),
            },
            _ => Arrivals::Closed,
        }
    }

    /// Where items end.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let items = |records: u64| {
            let mut items = (records as f64 / self.records_per_item()) as u64;
            while self.first_record(items) < records {
                items += 1;
            }
            items
        };
        Extent { items: self.records.map(items), duration: self.duration }
    }

    /// Records that the run will put, as far as that can be known beforehand.
    #[must_use]
    pub fn records_expected(&self) -> Option<u64> {
        let by_rate = self
            .duration
            .and_then(|duration| Some(self.rate.as_ref()?.count(duration).ceil() as u64));
        match (self.records, by_rate) {
            (Some(records), Some(by_rate)) => Some(records.min(by_rate)),
            (records, by_rate) => records.or(by_rate),
        }
    }
}
