//! How many shards a load needs, which limit says so, and what a month costs.
//!
//! Law: with `n` shards as estimated and keys as described, no limit of the busiest
//! shard is passed; with one fewer, at least one is.

use serde::Serialize;

use super::bill::{Bill, Usage};
use super::keys::KeyDistribution;
use super::prices::PriceBasis;
use super::{PlanError, payload_units, rounded_to_kib};

/// A steady load on one stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workload {
    /// Data and partition key of a record.
    pub record_bytes: u64,
    /// Records put in a second.
    pub records_per_second: f64,
    /// Consumers that share each shard's 2 MiB/s by `GetRecords`.
    pub shared_consumers: u64,
    /// Consumers with 2 MiB/s each by `SubscribeToShard`.
    pub fan_out_consumers: u64,
    /// How often a shared consumer polls each shard in a second.
    pub polls_per_second: f64,
    /// How records spread over shards.
    pub keys: KeyDistribution,
    /// How long records are kept.
    pub retention_hours: f64,
    /// The part of every limit to leave free, 0 to 0.95.
    pub headroom: f64,
    /// Whether sizes are rounded up to a KiB before shards are counted, as AWS's
    /// guide and console do. Shards count bytes as they are.
    pub rounds_to_kib: bool,
}

impl Default for Workload {
    /// 1,000 records of 1 KiB for one shared consumer that polls once a second.
    fn default() -> Self {
        Self {
            record_bytes: 1_024,
            records_per_second: 1_000.0,
            shared_consumers: 1,
            fan_out_consumers: 0,
            polls_per_second: 1.0,
            keys: KeyDistribution::Even,
            retention_hours: 24.0,
            headroom: 0.0,
            rounds_to_kib: false,
        }
    }
}

/// What a shard takes and gives in a second.
///
/// <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// 1,000 records put.
    WriteRecords,
    /// 1 MiB put.
    WriteBytes,
    /// 2 MiB read by `GetRecords`, over all consumers.
    SharedReadBytes,
    /// 2 MiB read by `SubscribeToShard`, each consumer.
    FanOutBytes,
    /// 5 `GetRecords` calls, over all consumers. More shards do not help.
    SharedReadCalls,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::WriteRecords,
        Self::WriteBytes,
        Self::SharedReadBytes,
        Self::FanOutBytes,
        Self::SharedReadCalls,
    ];

    /// What one shard has of it in a second.
    #[must_use]
    pub fn per_shard(self) -> f64 {
        match self {
            Self::WriteRecords => 1_000.0,
            Self::WriteBytes => 1_048_576.0,
            Self::SharedReadBytes | Self::FanOutBytes => 2_097_152.0,
            Self::SharedReadCalls => 5.0,
        }
    }

    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteRecords => "records put",
            Self::WriteBytes => "bytes put",
            Self::SharedReadBytes => "bytes read, shared",
            Self::FanOutBytes => "bytes read, each fan-out",
            Self::SharedReadCalls => "GetRecords calls",
        }
    }
}

/// One limit and what the load asks of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// The limit.
    pub limit: Limit,
    /// What the whole load asks for in a second.
    pub asked_per_second: f64,
    /// What one shard has.
    pub per_shard: f64,
    /// Shards for this limit alone; none for one that shards do not help.
    pub shards: Option<u64>,
    /// How much of it the busiest shard uses, of 1, with the estimated shards.
    pub utilisation: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// What was asked.
    pub workload: Workload,
    /// Shards of a provisioned stream.
    pub shards: u64,
    /// The limit that asks for the most.
    pub binding: Limit,
    /// Every limit.
    pub needs: Vec<Need>,
    /// The share of the records on the busiest shard.
    pub busiest_share: f64,
    /// Begun 25 KB of one record.
    pub payload_units_per_record: u64,
    /// What a month uses.
    pub monthly_usage: Usage,
    /// What a month costs, in each mode.
    pub monthly: Vec<Bill>,
    /// Where the prices are from.
    pub prices: PriceBasis,
    /// What else to know.
    pub notes: Vec<String>,
}

/// The most shards `UpdateShardCount` gives a stream.
pub const SHARDS_MAX: u64 = 10_000;

/// The largest record a stream can be set to take.
pub const RECORD_BYTES_MAX: u64 = 10 * 1_024 * 1_024;

/// What a stream takes unless it is set to take more.
const RECORD_BYTES_DEFAULT: u64 = 1_024 * 1_024;

/// Fan-out consumers of a stream: as it comes, and with On-demand Advantage.
const FAN_OUT_CONSUMERS: (u64, u64) = (20, 50);

/// What a new on-demand stream takes in a second, records and bytes.
const ON_DEMAND_AT_FIRST: (f64, f64) = (4_000.0, 4.0 * 1_048_576.0);

impl Workload {
    /// Shards and monthly costs.
    ///
    /// # Errors
    /// When the load makes no sense, or no number of shards carries it.
    pub fn estimate(&self, prices: &PriceBasis) -> Result<Estimate, PlanError> {
        self.check()?;
        let mut shards = 1;
        let mut binding = None;
        let mut needs = Vec::new();
        for limit in Limit::ALL {
            let asked = self.asked(limit);
            let helped = limit != Limit::SharedReadCalls;
            let need = if helped { Some(self.shards_for(limit)?) } else { None };
            // The busiest in equal need: the one with the least to spare.
            let pressure = asked / limit.per_shard();
            if let Some(need) = need {
                shards = shards.max(need);
                if binding.is_none_or(|(most, hardest, _)| (need, pressure) > (most, hardest)) {
                    binding = Some((need, pressure, limit));
                }
            }
            let per_shard = limit.per_shard();
            needs.push(Need {
                limit,
                asked_per_second: asked,
                per_shard,
                shards: need,
                utilisation: 0.0,
            });
        }
        let busiest_share = self.keys.busiest_share(shards);
        for need in &mut needs {
            let share = if need.limit == Limit::SharedReadCalls { 1.0 } else { busiest_share };
            need.utilisation = need.asked_per_second * share / need.per_shard;
        }
        let monthly_usage = self.usage(shards, prices.hours_per_month);
        let (_, _, binding) = binding.expect("there are limits");
        Ok(Estimate {
            workload: self.clone(),
            shards,
            binding,
            notes: self.notes(shards, &needs),
            needs,
            busiest_share,
            payload_units_per_record: payload_units(self.record_bytes),
            monthly: monthly_usage.bills(prices),
            monthly_usage,
            prices: prices.clone(),
        })
    }

    /// What this load uses in so many hours on so many shards.
    #[must_use]
    pub fn usage(&self, shards: u64, hours: f64) -> Usage {
        let records = self.records_per_second * hours * 3_600.0;
        let in_bytes = records * self.record_bytes as f64;
        Usage {
            hours,
            shards,
            payload_units: records * payload_units(self.record_bytes) as f64,
            in_rounded_bytes: records * rounded_to_kib(self.record_bytes) as f64,
            in_bytes,
            out_bytes: in_bytes * self.shared_consumers as f64,
            fan_out_consumers: self.fan_out_consumers,
            fan_out_bytes: in_bytes * self.fan_out_consumers as f64,
            retention_hours: self.retention_hours,
        }
    }

    /// What the whole load asks of a limit in a second; of calls, each shard.
    fn asked(&self, limit: Limit) -> f64 {
        let bytes =
            if self.rounds_to_kib { rounded_to_kib(self.record_bytes) } else { self.record_bytes };
        let bytes_per_second = self.records_per_second * bytes as f64;
        match limit {
            Limit::WriteRecords => self.records_per_second,
            Limit::WriteBytes => bytes_per_second,
            Limit::SharedReadBytes => bytes_per_second * self.shared_consumers as f64,
            Limit::FanOutBytes if self.fan_out_consumers == 0 => 0.0,
            Limit::FanOutBytes => bytes_per_second,
            Limit::SharedReadCalls => self.polls_per_second * self.shared_consumers as f64,
        }
    }

    fn shards_for(&self, limit: Limit) -> Result<u64, PlanError> {
        let asked = self.asked(limit);
        let given = limit.per_shard() * (1.0 - self.headroom);
        if asked <= given {
            return Ok(1);
        }
        self.keys.shards_for(given / asked, SHARDS_MAX).ok_or_else(|| {
            let advice = match self.keys {
                KeyDistribution::Even => "split the load over several streams",
                KeyDistribution::Hot { .. } | KeyDistribution::Keys { .. } => {
                    "a key has one shard, however many there are: use more keys, \
                     merge messages, or split the load over several streams"
                }
            };
            PlanError::Question(format!(
                "no stream of up to {SHARDS_MAX} shards carries this load with {}: \
                 {} would pass {given:.0} a second on the busiest shard; {advice}",
                self.keys,
                limit.name()
            ))
        })
    }

    fn check(&self) -> Result<(), PlanError> {
        let amounts = [self.records_per_second, self.polls_per_second, self.retention_hours];
        let sentence = if !(1..=RECORD_BYTES_MAX).contains(&self.record_bytes) {
            format!("a record has 1 to {RECORD_BYTES_MAX} bytes, not {}", self.record_bytes)
        } else if amounts.iter().any(|amount| !amount.is_finite() || *amount <= 0.0) {
            "rates and retention are above zero".to_owned()
        } else if !(24.0..=8_760.0).contains(&self.retention_hours) {
            "records are kept for 24 to 8,760 hours".to_owned()
        } else if !(0.0..=0.95).contains(&self.headroom) {
            "headroom is 0 to 95 %".to_owned()
        } else {
            return Ok(());
        };
        Err(PlanError::Question(sentence))
    }

    fn notes(&self, shards: u64, needs: &[Need]) -> Vec<String> {
        let mut notes = Vec::new();
        let calls = needs.iter().find(|need| need.limit == Limit::SharedReadCalls);
        if calls.is_some_and(|need| need.asked_per_second > need.per_shard) {
            notes.push(format!(
                "{} shared consumers at {} polls a second make more than 5 GetRecords calls a \
                 second on each shard, which more shards do not change: poll less often, or use \
                 fan-out",
                self.shared_consumers, self.polls_per_second
            ));
        }
        if self.fan_out_consumers > FAN_OUT_CONSUMERS.0 {
            notes.push(format!(
                "a stream has at most {} fan-out consumers, {} with On-demand Advantage",
                FAN_OUT_CONSUMERS.0, FAN_OUT_CONSUMERS.1
            ));
        }
        if self.record_bytes > RECORD_BYTES_DEFAULT {
            notes.push(
                "records above 1 MiB need UpdateMaxRecordSize, and use a shard's bytes of \
                 several seconds at once: leave headroom"
                    .to_owned(),
            );
        }
        let in_bytes = self.records_per_second * self.record_bytes as f64;
        if self.records_per_second > ON_DEMAND_AT_FIRST.0 || in_bytes > ON_DEMAND_AT_FIRST.1 {
            notes.push(
                "a new on-demand stream takes 4,000 records and 4 MiB a second; it grows to \
                 twice its peak, so it would throttle at first"
                    .to_owned(),
            );
        }
        if !self.rounds_to_kib {
            let rounded = Self { rounds_to_kib: true, ..self.clone() };
            let as_guided = [Limit::WriteBytes, Limit::SharedReadBytes, Limit::WriteRecords]
                .iter()
                .filter_map(|limit| rounded.shards_for(*limit).ok())
                .max();
            if let Some(more) = as_guided.filter(|as_guided| *as_guided > shards) {
                notes.push(format!(
                    "AWS's guide rounds each record up to a KiB and would say {more} shards; \
                     shards count bytes as they are"
                ));
            }
        }
        notes
    }
}
