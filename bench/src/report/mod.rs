//! One [`Report`], shown as a table to people and as JSON to programs.
//!
//! Law: both are rendered from the same values, so they cannot disagree.

pub mod commands;
pub mod compare;
pub mod digest;
pub mod fail_if;
pub mod format;
pub mod json;
pub mod measures;
pub mod progress;
pub mod run;
#[doc(hidden)]
pub mod sample;
pub mod saved;
pub mod schema;
pub mod statistics;
pub mod table;
pub mod units;

use std::io::{self, Write, stderr, stdout};
use std::time::Duration;

use serde::Serialize;

use crate::cli::Settings;
use crate::environment::Environment;
use crate::load::keys::KeyMode;
use crate::measure::counters::CallCounts;
use crate::measure::latency::LatencySummary;
use crate::scenario::thousand_four::Measurement;
use crate::target::{Target, TargetKind};
use crate::verify::{Read, ShardReading};

/// Rises when a field changes its meaning or goes away; new fields do not raise it.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a run found, ready to be written.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was measured.
    pub target: TargetKind,
    /// Where it listened; none in process.
    pub endpoint: Option<String>,
    /// The limits that were enforced, by name.
    pub limits: String,
    /// Records put.
    pub records: usize,
    /// Records read; the same, if nothing broke.
    pub records_read: usize,
    /// Shards of the stream.
    pub shards: usize,
    /// From the first put to the last acknowledgement.
    pub produce_ms: f64,
    /// The headline: from the start of consuming until all tasks were done.
    pub consume_ms: f64,
    /// Latency of `PutRecord` calls, retries included.
    pub put_latency_us: LatencySummary,
    /// What was read from each shard.
    pub per_shard: Vec<ShardLoad>,
    /// The calls of each phase.
    pub calls: PhaseCalls,
    /// Attempts after the first of a call, in both phases.
    pub retries: u64,
    /// Attempts that were throttled, in both phases.
    pub throttles: u64,
    /// Records acknowledged and never read.
    pub lost: u64,
    /// Records read more than once.
    pub duplicated: u64,
    /// Records on a shard that does not own their hash key.
    pub misrouted: u64,
    /// Records read after a later one of their key.
    pub out_of_order: u64,
    /// Records that were read other than they were acknowledged.
    pub altered: u64,
    /// A sentence for each promise that was broken.
    pub breaches: Vec<String>,
    /// What the numbers belong to.
    pub environment: Environment,
    /// The same measurement under other limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Report>,
}

/// What was read from one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardLoad {
    /// The shard.
    pub shard_id: String,
    /// Records read from it.
    pub records: u64,
    /// Bytes of data and partition keys, as a shard's limits count them.
    pub bytes: u64,
}

/// The SDK calls of each phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PhaseCalls {
    /// `PutRecord`.
    pub produce: CallCounts,
    /// `GetShardIterator` and `GetRecords`, until the clock stopped.
    pub consume: CallCounts,
}

/// A report and what is behind it.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// The same, and what is beside it, as saved runs.
    pub runs: Vec<run::Run>,
    /// Everything that was read, by shard.
    pub readings: Vec<ShardReading>,
}

impl Report {
    /// Puts together what a run found.
    #[must_use]
    pub fn new(
        settings: &Settings,
        target: &Target,
        measurement: &Measurement,
        environment: Environment,
    ) -> Self {
        let Measurement { produce_calls: produce, consume_calls: consume, verdict, .. } =
            measurement;
        Self {
            schema_version: SCHEMA_VERSION,
            target: target.kind(),
            endpoint: target.url().map(str::to_owned),
            limits: target.limits(),
            records: settings.records,
            records_read: measurement.readings.iter().map(|shard| shard.records.len()).sum(),
            shards: settings.shards,
            produce_ms: millis(measurement.produce_elapsed),
            consume_ms: millis(measurement.consume_elapsed),
            put_latency_us: measurement.put_latencies.summary(),
            per_shard: measurement.readings.iter().map(ShardLoad::new).collect(),
            calls: PhaseCalls { produce: *produce, consume: *consume },
            retries: produce.retries + consume.retries,
            throttles: produce.throttles + consume.throttles,
            lost: verdict.lost.count,
            duplicated: verdict.duplicated.count,
            misrouted: verdict.misrouted.count,
            out_of_order: verdict.out_of_order.count,
            altered: verdict.altered.count,
            breaches: verdict.sentences(),
            environment,
            beside: Vec::new(),
        }
    }

    /// Whether the target kept every promise, under all limits.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.all().all(|report| report.breaches.is_empty())
    }

    /// This report and those beside it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.beside)
    }

    /// The last line: the headline, or what broke.
    #[must_use]
    pub fn last_line(&self) -> String {
        if self.breaches.is_empty() {
            let consume = Duration::from_secs_f64(self.consume_ms / 1e3);
            format!("✅ Read {} records in {consume:.1?}", self.records_read)
        } else {
            format!("❌ {}", self.breaches.join("; "))
        }
    }

    /// What the keys did to the shards, if they did not load them evenly.
    #[must_use]
    pub fn skew(&self) -> Option<String> {
        let keys = match self.environment.keys {
            KeyMode::Seed => "pk-0…pk-3",
            KeyMode::Random => "the random keys",
            KeyMode::Hot => "the hot key",
            // Even by design, but for a remainder.
            KeyMode::Uniform | KeyMode::ExplicitHash => return None,
        };
        let mut counts: Vec<u64> = self.per_shard.iter().map(|shard| shard.records).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let (most, least) = (counts.first()?, counts.last()?);
        if most - least <= 1 {
            return None;
        }
        let busy: Vec<String> =
            counts.iter().filter(|count| **count > 0).map(u64::to_string).collect();
        let spread = match busy.len() {
            0..=4 => busy.join(" + "),
            _ => format!("{least} to {most}"),
        };
        Some(format!(
            "MD5 lands {keys} on {} of {} shards ({spread} records); \
             for an even load pass --keys uniform",
            busy.len(),
            counts.len()
        ))
    }
}

impl ShardLoad {
    fn new(reading: &ShardReading) -> Self {
        let bytes = |read: &Read| (read.data.len() + read.partition_key.len()) as u64;
        Self {
            shard_id: reading.shard_id.clone(),
            records: reading.records.len() as u64,
            bytes: reading.records.iter().map(bytes).sum(),
        }
    }
}

/// Writes everything that was asked for; the headline comes last.
///
/// # Errors
/// When a file or a stream cannot be written.
pub fn deliver(outcome: &Outcome, settings: &Settings) -> io::Result<()> {
    let mut people: Box<dyn Write> = if settings.json_on_stdout() {
        Box::new(stderr().lock())
    } else {
        Box::new(stdout().lock())
    };
    if settings.print_records {
        print_records(&mut people, &outcome.readings)?;
    }
    // A file that cannot be written does not cost the figures.
    let saved = settings.json.as_ref().map_or(Ok(()), |path| json::write(outcome, path));
    table::write(&mut people, &outcome.report)?;
    people.flush()?;
    saved
}

/// A line per record, in the order in which the tasks read them.
fn print_records(out: &mut impl Write, readings: &[ShardReading]) -> io::Result<()> {
    let mut records: Vec<&Read> = readings.iter().flat_map(|shard| &shard.records).collect();
    records.sort_unstable_by_key(|read| read.turn);
    for read in records {
        writeln!(out, "{} ⇒ {}", read.partition_key, String::from_utf8_lossy(&read.data))?;
    }
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests;
