//! The saved run: everything a measurement found, in one versioned model.
//!
//! Laws: every report is rendered from these values and nothing else, so that a
//! run that was saved yesterday can be shown today in another form; what is
//! written can be read back to an equal value; and a reader takes fields it does
//! not know for news and leaves them aside.
//!
//! Units are the last part of a name. `schema/run.schema.json` publishes the shape.
//! Absent: how any of it is measured, and how any of it is shown.

mod from_report;
mod histogram;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rises when a field changes its meaning or goes away; new fields do not raise it.
pub const SCHEMA_VERSION: u32 = 2;

/// What marks a file as ours.
pub const TOOL: &str = "kinesis-bench";

/// One target under one scenario, repeated as often as was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Always [`TOOL`], so that a foreign file is told apart.
    pub tool: String,
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What a reader calls this run: a target's name, or what the user chose.
    pub label: String,
    /// The scenario's name, such as `thousand-four`.
    pub scenario: String,
    /// Shared by runs whose repetitions took turns, which are compared in pairs.
    #[serde(default)]
    pub session: Option<String>,
    /// What was measured.
    pub target: Target,
    /// What repeats it.
    pub settings: Settings,
    /// The machine and the build that the numbers belong to.
    pub environment: Environment,
    /// When the first repetition began.
    pub started: Timestamp,
    /// In the order in which they ran, warm-ups too.
    pub repetitions: Vec<Repetition>,
    /// What the client alone costs, from the `null` target.
    #[serde(default)]
    pub self_overhead: Option<SelfOverhead>,
    /// A sentence for each promise that was broken.
    pub breaches: Vec<String>,
    /// A sentence for each thing a reader should know, such as uneven keys.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// `loopback`, `in-process`, `endpoint`, `aws`, `null`.
    pub kind: String,
    /// Where it listened; none in process.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The AWS region that requests were signed for, where that means anything.
    #[serde(default)]
    pub region: Option<String>,
    /// How requests travelled.
    pub protocol: Protocol,
    /// Who made them.
    pub driver: Driver,
    /// The limit profile, such as `off` or `aws`; none if it is the target's own secret.
    #[serde(default)]
    pub limits: Option<String>,
    /// The latency profile, such as `none`; none if it is the target's own secret.
    #[serde(default)]
    pub latency: Option<String>,
    /// The wait of a reader after an empty answer.
    #[serde(default)]
    pub poll_interval_ms: Option<f64>,
}

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/1.1.
    #[serde(rename = "h1")]
    Http1,
    /// HTTP/2.
    #[serde(rename = "h2")]
    Http2,
    /// Without a socket.
    #[serde(rename = "in-process")]
    InProcess,
}

/// Who makes the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// The AWS SDK for Rust.
    Sdk,
    /// Our own HTTP client, which signs each request.
    Native,
}

/// What repeats the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The command line, word by word.
    pub command: Vec<String>,
    /// Records to put in each repetition; none if a duration ended it.
    #[serde(default)]
    pub records: Option<u64>,
    /// Shards of the stream at the start.
    pub shards: u64,
    /// Producers at work at once.
    pub concurrency: u64,
    /// Whether producers wait for their answers.
    pub load: Load,
    /// The intended rate of an open loop, as given: `500/s`, or a shape.
    #[serde(default)]
    pub rate: Option<String>,
    /// How keys were chosen.
    pub keys: String,
    /// Bytes of one payload, where all are of one size.
    #[serde(default)]
    pub payload_bytes: Option<u64>,
    /// The seed of everything drawn at random.
    pub seed: u64,
    /// Worker threads of the runtime.
    pub worker_threads: u64,
    /// Whatever else was chosen, by its flag's name.
    #[serde(default)]
    pub others: BTreeMap<String, String>,
}

/// Whether producers wait for their answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Each producer sends when its last call was answered.
    #[default]
    Closed,
    /// Calls are due at times that do not depend on answers.
    Open,
}

/// The machine and the build that numbers belong to.
///
/// Absent: host names, user names and paths, so that a run can be published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The processor.
    #[serde(default)]
    pub cpu_model: Option<String>,
    /// Hardware threads the process may use.
    #[serde(default)]
    pub cpu_cores: Option<u64>,
    /// The operating system.
    pub os: String,
    /// The kernel release.
    #[serde(default)]
    pub kernel: Option<String>,
    /// Load averages over 1, 5 and 15 minutes, before the run.
    #[serde(default)]
    pub load_average_before: Option<[f64; 3]>,
    /// The same after the run.
    #[serde(default)]
    pub load_average_after: Option<[f64; 3]>,
    /// The part of the machine's processor time, 0 to 1, that others took during the run.
    #[serde(default)]
    pub busy_share: Option<f64>,
    /// The version of this package.
    pub package_version: String,
    /// The commit it was built from, with `-dirty` if files differed from it.
    #[serde(default)]
    pub git_commit: Option<String>,
    /// The compiler.
    #[serde(default)]
    pub rustc: Option<String>,
    /// `release` or `debug`.
    #[serde(default)]
    pub build_profile: Option<String>,
    /// The version of `aws-sdk-kinesis`.
    pub sdk_version: String,
}

/// The scenario from its beginning to its end, once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Repetition {
    /// Whether it only warms up: it is kept, and no figure counts it.
    pub is_warm_up: bool,
    /// When it began, since [`Run::started`].
    #[serde(default)]
    pub began_ms: f64,
    /// In the order in which they began.
    pub phases: Vec<Phase>,
    /// From the intended send of a record to its arrival at a reader.
    #[serde(default)]
    pub end_to_end: Option<Latency>,
    /// By hash key.
    #[serde(default)]
    pub per_shard: Vec<Shard>,
    /// What AWS would bill: each begun 25 KB of a record.
    #[serde(default)]
    pub payload_units: Option<u64>,
    /// What a local target used.
    #[serde(default)]
    pub process: Option<Process>,
    /// What broke; none if nothing was verified, for a target that only pretends to store
    /// records has none to be read back.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Each call, if asked for.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// A part of a repetition with a clock of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `produce`, `consume`, `drain`, `fan-out`, …
    pub name: String,
    /// By the wall.
    pub elapsed_ms: f64,
    /// Records acknowledged or read.
    pub records: u64,
    /// Bytes of their data and partition keys.
    pub bytes: u64,
    /// Calls made, whatever they took.
    pub calls: u64,
    /// Attempts after the first of each call.
    pub retries: u64,
    /// Answers that said: come back later. Of a batch, each record so refused.
    pub throttles: u64,
    /// Calls that failed in the end, by error code.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
    /// What an open loop meant to send each second.
    #[serde(default)]
    pub intended_records_per_second: Option<f64>,
    /// Of the phase's calls.
    #[serde(default)]
    pub latency: Option<Latency>,
    /// One entry for each second since the phase began.
    #[serde(default)]
    pub series: Vec<Second>,
}

/// The same calls, timed from two starting points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// From the intended start, so that waiting for a stalled target counts. None in a
    /// closed loop, which intends no starts.
    #[serde(default)]
    pub corrected: Option<Histogram>,
    /// From the actual start.
    pub uncorrected: Histogram,
}

/// A distribution of times in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The figures that reports quote.
    pub summary: Summary,
    /// The percentile curve, rising.
    pub curve: Vec<Point>,
    /// All of it in HdrHistogram's compressed V2 encoding as base64, as its logs have it,
    /// for merging.
    #[serde(default)]
    pub v2_base64: Option<String>,
}

/// The figures of a distribution that reports quote, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many times were recorded.
    pub count: u64,
    /// The shortest.
    pub min_us: u64,
    /// The average.
    pub mean_us: f64,
    /// The standard deviation.
    pub stddev_us: f64,
    /// Half took at most this long.
    pub p50_us: u64,
    /// 90 of 100 took at most this long.
    pub p90_us: u64,
    /// 95 of 100 took at most this long.
    pub p95_us: u64,
    /// 99 of 100 took at most this long.
    pub p99_us: u64,
    /// 999 of 1,000 took at most this long.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// A point of a percentile curve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// From 0 to 1.
    pub quantile: f64,
    /// That part took at most this long.
    pub us: u64,
    /// So many are that part.
    pub count: u64,
}

/// What happened in one second of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Seconds since the phase began, rounded down.
    pub second: u64,
    /// Records acknowledged or read.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Throttles.
    pub throttles: u64,
    /// The median latency of calls that ended then; none if none did.
    #[serde(default)]
    pub p50_us: Option<u64>,
    /// The 99th percentile; corrected where the phase's latency is.
    #[serde(default)]
    pub p99_us: Option<u64>,
    /// The longest.
    #[serde(default)]
    pub max_us: Option<u64>,
}

/// What one shard saw of a repetition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// Its id.
    pub shard_id: String,
    /// The part of all hash keys that it owns, 0 to 1.
    #[serde(default)]
    pub hash_share: Option<f64>,
    /// Records that went there.
    pub records: u64,
    /// Bytes of their data and partition keys, as a shard's limits count them.
    pub bytes: u64,
    /// The part of all records that went there, 0 to 1.
    pub share: f64,
    /// Throttles it answered.
    pub throttles: u64,
    /// The farthest a reader was behind.
    #[serde(default)]
    pub iterator_age_ms_max: Option<f64>,
    /// One entry for each second since the repetition's first phase began.
    #[serde(default)]
    pub series: Vec<ShardSecond>,
}

/// What one shard saw in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardSecond {
    /// Seconds since the repetition's first phase began, rounded down.
    pub second: u64,
    /// Records put, or read where nothing is put.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Throttles it answered.
    pub throttles: u64,
}

/// What a local target used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// The most memory that was resident.
    pub peak_rss_bytes: u64,
}

/// What broke, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
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
}

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was sent, since the repetition began.
    pub at_ms: f64,
    /// When it was due, in an open loop.
    #[serde(default)]
    pub intended_ms: Option<f64>,
    /// From the actual start to the answer.
    pub latency_us: u64,
    /// Such as `PutRecord`.
    pub operation: String,
    /// Where its record went, if it is one record.
    #[serde(default)]
    pub shard_id: Option<String>,
    /// The number its record was given.
    #[serde(default)]
    pub sequence_number: Option<String>,
    /// The error code, if it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// What the target said about it.
    #[serde(default)]
    pub message: Option<String>,
    /// Bytes of data and partition keys.
    pub bytes: u64,
    /// Which producer or reader.
    pub task: u64,
}

/// What the client alone costs: the same load against a target that does nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SelfOverhead {
    /// Half of its calls took at most this long.
    pub p50_us: u64,
    /// 99 of 100 took at most this long.
    pub p99_us: u64,
    /// What it reached.
    pub records_per_second: f64,
}

impl Run {
    /// A run with nothing in it yet.
    #[must_use]
    pub fn new(
        label: String,
        scenario: String,
        target: Target,
        settings: Settings,
        environment: Environment,
        started: Timestamp,
    ) -> Self {
        Self {
            tool: TOOL.to_owned(),
            schema_version: SCHEMA_VERSION,
            label,
            scenario,
            session: None,
            target,
            settings,
            environment,
            started,
            repetitions: Vec::new(),
            self_overhead: None,
            breaches: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The repetitions that count.
    pub fn measured(&self) -> impl Iterator<Item = &Repetition> {
        self.repetitions.iter().filter(|repetition| !repetition.is_warm_up)
    }

    /// Whether the target kept every promise, as far as they were verified.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaches.is_empty()
    }

    /// Whether the records were read back and compared with what was put.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.measured().all(|repetition| repetition.verdict.is_some())
    }
}

impl Phase {
    /// Records per second; 0 of a phase that took no time.
    #[must_use]
    pub fn records_per_second(&self) -> f64 {
        per_second(self.records as f64, self.elapsed_ms)
    }

    /// Bytes per second; 0 of a phase that took no time.
    #[must_use]
    pub fn bytes_per_second(&self) -> f64 {
        per_second(self.bytes as f64, self.elapsed_ms)
    }

    /// Calls that failed in the end.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}

impl Latency {
    /// The one to quote: corrected where there is such a thing.
    #[must_use]
    pub fn headline(&self) -> &Histogram {
        self.corrected.as_ref().unwrap_or(&self.uncorrected)
    }
}

impl Verdict {
    /// Each count with its name.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("misrouted", self.misrouted),
            ("out of order", self.out_of_order),
            ("altered", self.altered),
        ]
    }
}

fn per_second(amount: f64, elapsed_ms: f64) -> f64 {
    if elapsed_ms > 0.0 { amount * 1e3 / elapsed_ms } else { 0.0 }
}
