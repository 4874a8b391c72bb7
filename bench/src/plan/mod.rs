//! Planning: how many shards, what it costs, what merging saves.
//!
//! Three questions, each a pure function and a command:
//!
//! | question | function | command |
//! |---|---|---|
//! | how many shards does a load need, and what does a month cost? | [`estimate::Workload::estimate`] | [`cli::EstimateArgs`] |
//! | what does a finished run cost on AWS? | [`bill::Usage::bill`] | [`cli::CostArgs`] |
//! | what does merging messages save? | [`merge::Messages::compare`] | [`cli::MergeArgs`] |
//!
//! ```
//! use kinesis_bench::plan::estimate::{Limit, Workload};
//! use kinesis_bench::plan::prices::Prices;
//!
//! // 1,500 records of 512 bytes a second: 0.73 MiB, but more than 1,000 records.
//! let load = Workload { record_bytes: 512, records_per_second: 1_500.0, ..Workload::default() };
//! let estimate = load.estimate(&Prices::published().region("us-east-1")?)?;
//! assert_eq!(estimate.shards, 2);
//! assert_eq!(estimate.binding, Limit::WriteRecords);
//! # Ok::<(), kinesis_bench::plan::PlanError>(())
//! ```
//!
//! Prices come from one file with a date and its sources, `plan/prices.json`; every
//! output repeats the date, and [`Prices::read`](prices::Prices::read) takes another
//! file of the same form. The limits of shards are those of the AWS service quotas
//! page, see [`estimate::Limit`].
//!
//! Units: a GB is 2³⁰ bytes and a payload unit 25 × 1,024 bytes. AWS writes "GB" and
//! "25 KB"; bills that AWS has published come out right this way.
//!
//! Absent: taxes, free tiers and discounts, data transfer, KMS, and CloudWatch.

pub mod bill;
pub mod cli;
pub mod estimate;
pub mod keys;
pub mod merge;
pub mod prices;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

/// What one PUT payload unit holds.
pub const PAYLOAD_UNIT_BYTES: u64 = 25 * 1_024;

/// How many payload units a record is billed for: each begun one counts.
///
/// ```
/// use kinesis_bench::plan::payload_units;
///
/// assert_eq!(payload_units(5 * 1_024), 1);
/// assert_eq!(payload_units(45 * 1_024), 2);
/// assert_eq!(payload_units(1_000 * 1_024), 40);
/// ```
#[must_use]
pub fn payload_units(record_bytes: u64) -> u64 {
    record_bytes.div_ceil(PAYLOAD_UNIT_BYTES).max(1)
}

/// A record's size as on-demand streams bill it: each begun KiB counts.
#[must_use]
pub fn rounded_to_kib(record_bytes: u64) -> u64 {
    record_bytes.div_ceil(1_024).max(1) * 1_024
}

/// Why there is no plan, as a sentence that says what to do.
#[derive(Debug)]
pub enum PlanError {
    /// The prices cannot be used.
    Prices(String),
    /// The question cannot be answered as it was asked.
    Question(String),
    /// A file cannot be read, or the answer not be written.
    Io(String, io::Error),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prices(sentence) | Self::Question(sentence) => f.write_str(sentence),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<io::Error> for PlanError {
    fn from(error: io::Error) -> Self {
        Self::Io("could not write the plan".to_owned(), error)
    }
}
