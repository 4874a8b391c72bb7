//! The planning commands, ready to be made subcommands of a program.
//!
//! Each is a `clap::Args` with a `run` that writes to what it is given.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::bill::{Bill, Usage};
use super::estimate::Workload;
use super::keys::KeyDistribution;
use super::merge::Messages;
use super::prices::{PriceBasis, Prices};
use super::{PlanError, payload_units, rounded_to_kib, text};
use crate::aggregation::Limits;
use crate::aggregation::merged::Framing;
use crate::report::run::{Phase, Run};
use crate::report::saved;

/// Where prices come from and how the answer looks.
#[derive(Debug, Clone, Args)]
pub struct PlanOutput {
    /// Region whose prices apply
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    pub region: String,

    /// Your own price list, in the format of bench/src/plan/prices.json
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Table,
    /// JSON for programs
    Json,
}

impl PlanOutput {
    fn basis(&self) -> Result<PriceBasis, PlanError> {
        let prices = match &self.prices {
            Some(path) => Prices::read(path)?,
            None => Prices::published(),
        };
        prices.region(&self.region)
    }
}

/// How many shards a load needs, which limit decides, and what a month costs.
#[derive(Debug, Clone, Args)]
pub struct EstimateArgs {
    /// Size of a record with its partition key, such as 512, 5KiB or 1MiB
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = size)]
    pub record_size: u64,

    /// Records put per second
    #[arg(long, value_name = "N", default_value_t = 1_000.0)]
    pub rate: f64,

    /// Consumers that share each shard's 2 MiB/s
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub consumers: u64,

    /// Consumers with enhanced fan-out, 2 MiB/s each
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub fan_out: u64,

    /// How many times per second a shared consumer polls each shard
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub polls: f64,

    /// `even`, `hot:40%` (one key has that share), or a number of keys
    #[arg(long, value_name = "KEYS", default_value = "even")]
    pub keys: KeyDistribution,

    /// How long records are kept, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    pub retention: f64,

    /// Percentage of each limit to leave free
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub headroom: f64,

    /// Round record sizes up to a KiB before counting shards, as AWS's guide does
    #[arg(long)]
    pub round_to_kib: bool,

    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own text")]
    pub output: PlanOutput,
}

impl EstimateArgs {
    /// Estimates and writes the answer.
    ///
    /// # Errors
    /// When there is no answer, or it cannot be written.
    pub fn run(&self, out: &mut dyn Write) -> Result<(), PlanError> {
        let workload = Workload {
            record_bytes: self.record_size,
            records_per_second: self.rate,
            shared_consumers: self.consumers,
            fan_out_consumers: self.fan_out,
            polls_per_second: self.polls,
            keys: self.keys,
            retention_hours: self.retention,
            headroom: self.headroom / 100.0,
            rounds_to_kib: self.round_to_kib,
        };
        let estimate = workload.estimate(&self.output.basis()?)?;
        match self.output.format {
            Format::Table => Ok(text::estimate(out, &estimate)?),
            Format::Json => json(out, &estimate),
        }
    }
}

/// What a finished run costs, had it been on AWS.
#[derive(Debug, Clone, Args)]
pub struct CostArgs {
    /// A file written by --json
    #[arg(value_name = "FILE")]
    pub saved_run: PathBuf,

    /// How long records are kept, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    pub retention: f64,

    /// Number of registered fan-out consumers [default: 1 if one read any record]
    #[arg(long, value_name = "N")]
    pub fan_out: Option<u64>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own text")]
    pub output: PlanOutput,
}

/// What a finished run costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunCost {
    /// Records put, warm-up and all repetitions.
    pub records: u64,
    /// The time of all phases.
    pub elapsed_ms: f64,
    /// What was used.
    pub usage: Usage,
    /// What it costs, in each mode.
    pub bills: Vec<Bill>,
    /// Where the prices are from.
    pub prices: PriceBasis,
    /// What else to know.
    pub notes: Vec<String>,
}

impl CostArgs {
    /// Reads the run and writes what it costs.
    ///
    /// # Errors
    /// When the run cannot be read, or the answer not be written.
    pub fn run(&self, out: &mut dyn Write) -> Result<(), PlanError> {
        let runs = saved::read(&self.saved_run)
            .map_err(|unreadable| PlanError::Question(unreadable.to_string()))?;
        let basis = self.output.basis()?;
        let cost = |run: &Run| RunCost::of(run, self.retention, self.fan_out, &basis);
        let costs = runs.iter().map(cost).collect::<Result<Vec<_>, _>>()?;
        match (self.output.format, &*costs) {
            (Format::Json, [cost]) => json(out, cost),
            (Format::Json, costs) => json(out, &costs),
            (Format::Table, costs) => {
                for (run, cost) in runs.iter().zip(costs) {
                    if costs.len() > 1 {
                        writeln!(out, "{}:", run.label)?;
                    }
                    text::run_cost(out, cost)?;
                }
                Ok(())
            }
        }
    }
}

impl RunCost {
    /// What a run costs with its repetitions and its warm-up.
    ///
    /// # Errors
    /// When it says that it took no time at all.
    pub fn of(
        run: &Run,
        retention_hours: f64,
        fan_out_consumers: Option<u64>,
        prices: &PriceBasis,
    ) -> Result<Self, PlanError> {
        let phases = || run.repetitions.iter().flat_map(|repetition| &repetition.phases);
        let elapsed_ms: f64 = phases().map(|phase| phase.elapsed_ms).sum();
        if elapsed_ms == 0.0 {
            return Err(PlanError::Question(
                "the run took no time, so it costs nothing".to_owned(),
            ));
        }
        let sum = |of: fn(&Phase) -> bool| -> u64 {
            phases().filter(|phase| of(phase)).map(|phase| phase.bytes).sum()
        };
        let by_average = |bill: fn(u64) -> u64| -> f64 {
            let billed = |phase: &Phase| match phase.bytes.checked_div(phase.records) {
                Some(_) => phase.records * bill(phase.bytes.div_ceil(phase.records)),
                None => 0,
            };
            phases().filter(|phase| is_put(phase)).map(billed).sum::<u64>() as f64
        };
        let counted: Option<u64> =
            run.repetitions.iter().map(|repetition| repetition.payload_units).sum();
        let fan_out_bytes = sum(is_fan_out) as f64;
        let consumers = fan_out_consumers.unwrap_or(u64::from(fan_out_bytes > 0.0));
        let usage = Usage {
            hours: (elapsed_ms / 3_600_000.0).ceil(),
            shards: run.settings.shards,
            payload_units: counted.map_or_else(|| by_average(payload_units), |units| units as f64),
            in_rounded_bytes: by_average(rounded_to_kib),
            in_bytes: sum(is_put) as f64,
            out_bytes: sum(|phase| !is_put(phase) && !is_fan_out(phase)) as f64,
            fan_out_consumers: consumers,
            fan_out_bytes,
            retention_hours,
        };
        let mut notes = vec![
            "every hour that was begun counts whole; a stream that lived on costs on".to_owned(),
            "sizes are rounded up by the average record of each phase".to_owned(),
        ];
        if counted.is_none() {
            notes.push(
                "the run did not count payload units: reckoned by the average, too".to_owned(),
            );
        }
        Ok(Self {
            records: phases().filter(|phase| is_put(phase)).map(|phase| phase.records).sum(),
            elapsed_ms,
            bills: usage.bills(prices),
            usage,
            prices: prices.clone(),
            notes,
        })
    }
}

fn is_put(phase: &Phase) -> bool {
    matches!(&*phase.name, "produce" | "load")
}

fn is_fan_out(phase: &Phase) -> bool {
    phase.name == "fan-out"
}

/// What merging messages into fewer records saves.
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// Messages to put
    #[arg(long, value_name = "N", default_value_t = 30_000)]
    pub messages: u64,

    /// Size of a message, such as 300 or 1KiB
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = size)]
    pub message_size: u64,

    /// Messages merged into one record
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub group: u64,

    /// What tells merged messages apart
    #[arg(long, value_enum, default_value_t = Framing::Newline)]
    pub framing: Framing,

    /// Number of partition keys, which the messages have in turn
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub keys: u32,

    /// Shards of the stream; each aggregate goes to one shard
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub shards: u64,

    /// Largest size of an aggregate in the KPL's format
    #[arg(long, value_name = "SIZE", default_value_t = Limits::BYTES_DEFAULT as u64, value_parser = size)]
    pub aggregate_size: u64,

    /// Messages per second; with it, also show shards, monthly cost and added latency
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,

    /// Take the messages from the lines of this file, in turn, instead of making them up
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own text")]
    pub output: PlanOutput,
}

impl MergeArgs {
    /// Merges in every way and writes the comparison.
    ///
    /// # Errors
    /// When there is no answer, or it cannot be written.
    pub fn run(&self, out: &mut dyn Write) -> Result<(), PlanError> {
        let sample = match &self.sample {
            None => Vec::new(),
            Some(path) => {
                let name = path.display();
                let file = std::fs::read(path).map_err(|error| {
                    PlanError::Io(format!("could not read the sample {name}"), error)
                })?;
                let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let sample: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
                if sample.is_empty() {
                    let sentence = format!("{name} has no message: write one on each line");
                    return Err(PlanError::Question(sentence));
                }
                sample
            }
        };
        let too_large = |_| PlanError::Question("that is too large".to_owned());
        let messages = Messages {
            count: self.messages,
            bytes: usize::try_from(self.message_size).map_err(too_large)?,
            group: self.group,
            framing: self.framing,
            keys: self.keys,
            shards: self.shards,
            aggregate_bytes_max: usize::try_from(self.aggregate_size).map_err(too_large)?,
            messages_per_second: self.rate,
            sample,
        };
        let comparison = messages.compare(&self.output.basis()?)?;
        match self.output.format {
            Format::Table => Ok(text::comparison(out, &comparison)?),
            Format::Json => json(out, &comparison),
        }
    }
}

fn json(out: &mut dyn Write, plan: &impl Serialize) -> Result<(), PlanError> {
    let text = serde_json::to_string_pretty(plan).expect("a plan has string keys only");
    Ok(writeln!(out, "{text}")?)
}

/// A size such as 512, 512B, 5KiB, 5KB, 1MiB; a K is 1,024 in every spelling.
fn size(text: &str) -> Result<u64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| "write it like 512, 5KiB or 1MiB".to_owned())?;
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1_024,
        "m" | "mb" | "mib" => 1_024 * 1_024,
        _ => return Err("the unit is one of B, KiB and MiB, as in 5KiB".to_owned()),
    };
    match number.checked_mul(scale) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("it must be larger than zero, and fit a record".to_owned()),
    }
}
