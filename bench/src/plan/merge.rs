//! What merging messages saves: calls, payload units, shards, money.
//!
//! Every figure is counted, not reckoned by a formula: messages are merged by
//! [`Framing`], aggregated by [`StreamAggregator`], compressed by gzip, and the
//! resulting records are packed into `PutRecords` calls of 500 records and 10 MiB.
//!
//! ```
//! use kinesis_bench::plan::merge::{Messages, Method};
//! use kinesis_bench::plan::prices::Prices;
//!
//! let comparison = Messages::default().compare(&Prices::published().region("us-east-1")?)?;
//! let [unmerged, merged] = &comparison.methods[..2] else { unreachable!() };
//! assert_eq!((unmerged.calls, unmerged.payload_units), (60, 30_000));
//! assert_eq!((merged.calls, merged.payload_units), (6, 3_000));
//! # Ok::<(), kinesis_bench::plan::PlanError>(())
//! ```

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::estimate::{Limit, RECORD_BYTES_MAX};
use super::prices::PriceBasis;
use super::{PlanError, payload_units};
use crate::aggregation::merged::Framing;
use crate::aggregation::{Limits, StreamAggregator, UserRecord};
use crate::batch::{BYTES_10_MIB, RECORDS_MAX};
use crate::load::shard_map::{ShardMap, ShardRange};

/// Messages to be put.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Messages {
    /// How many.
    pub count: u64,
    /// The size of each, unless a sample says otherwise.
    pub bytes: usize,
    /// How many are merged into one record.
    pub group: u64,
    /// What tells merged messages apart.
    pub framing: Framing,
    /// How many partition keys they have, in turn.
    pub keys: u32,
    /// Shards of the stream; aggregates do not span them.
    pub shards: u64,
    /// How large an aggregate may get.
    pub aggregate_bytes_max: usize,
    /// How many come in a second, if that is known.
    pub messages_per_second: Option<f64>,
    /// Messages to take in turn, in place of made up ones.
    #[serde(skip)]
    pub sample: Vec<Vec<u8>>,
}

impl Default for Messages {
    /// 30,000 messages of 1 KiB, merged by 10.
    fn default() -> Self {
        Self {
            count: 30_000,
            bytes: 1_024,
            group: 10,
            framing: Framing::Newline,
            keys: 100,
            shards: 1,
            aggregate_bytes_max: Limits::BYTES_DEFAULT,
            messages_per_second: None,
            sample: Vec::new(),
        }
    }
}

/// How messages become records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Each is a record.
    Unmerged,
    /// A group is a record.
    Merged,
    /// As many as fit are an aggregate of the KPL's format.
    Aggregated,
    /// A group is a record, compressed by gzip.
    MergedGzip,
}

impl Method {
    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unmerged => "unmerged",
            Self::Merged => "merged",
            Self::Aggregated => "KPL aggregation",
            Self::MergedGzip => "merged + gzip",
        }
    }
}

/// What came of one method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// The method.
    pub method: Method,
    /// Stream records.
    pub records: u64,
    /// Messages in a record, on average.
    pub messages_per_record: f64,
    /// Bytes of all records, data and partition keys.
    pub bytes: u64,
    /// `PutRecords` calls.
    pub calls: u64,
    /// What is billed.
    pub payload_units: u64,
    /// What the payload units cost.
    pub cost: f64,
    /// The share of the unmerged cost that is saved.
    pub saved: f64,
    /// With a known rate: shards by what is put.
    pub shards: Option<u64>,
    /// With a known rate: what the payload units of a month cost.
    pub monthly_cost: Option<f64>,
    /// With a known rate: how long a record's first message waits for its last.
    pub added_latency_ms: Option<f64>,
}

/// All methods beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What was asked.
    pub messages: Messages,
    /// Unmerged first.
    pub methods: Vec<Merged>,
    /// Where the prices are from.
    pub prices: PriceBasis,
    /// What else to know.
    pub notes: Vec<String>,
}

/// Every message is made and merged in memory; more take too long.
const MESSAGES_MAX: u64 = 1_000_000;
/// So many groups are compressed; the others are taken for as small on average.
const COMPRESSED_MAX: u64 = 500;
/// Gzip as its users get it.
const LEVEL: u32 = 6;

impl Messages {
    /// Merges in every way and counts.
    ///
    /// # Errors
    /// When a record would be larger than a stream takes, or a message cannot be
    /// framed as asked.
    pub fn compare(&self, prices: &PriceBasis) -> Result<Comparison, PlanError> {
        self.check()?;
        let source = Source::new(self);
        let mut methods: Vec<Merged> = Vec::new();
        for method in [Method::Unmerged, Method::Merged, Method::Aggregated, Method::MergedGzip] {
            let records = match method {
                Method::Unmerged => (0..self.count)
                    .map(|n| (source.key(n).len() + source.message(n).len()) as u64)
                    .collect(),
                Method::Merged => self.merged(&source)?,
                Method::Aggregated => self.aggregated(&source)?,
                Method::MergedGzip => self.compressed(&source)?,
            };
            if let Some(too_large) = records.iter().find(|bytes| **bytes > RECORD_BYTES_MAX) {
                return Err(PlanError::Question(format!(
                    "{} makes records of {too_large} bytes, and no stream takes more than \
                     {RECORD_BYTES_MAX}: merge fewer messages",
                    method.name()
                )));
            }
            let unmerged = methods.first().map(|merged| merged.payload_units);
            methods.push(self.count_up(method, &records, unmerged, prices));
        }
        Ok(Comparison {
            messages: self.clone(),
            methods,
            prices: prices.clone(),
            notes: self.notes(),
        })
    }

    fn merged(&self, source: &Source<'_>) -> Result<Vec<u64>, PlanError> {
        self.groups()
            .map(|group| {
                Ok(self.group(source, group)?.1.len() as u64 + self.group_key(source, group))
            })
            .collect()
    }

    fn compressed(&self, source: &Source<'_>) -> Result<Vec<u64>, PlanError> {
        let compressed: Vec<u64> = self
            .groups()
            .take(COMPRESSED_MAX as usize)
            .map(|group| {
                let (_, merged) = self.group(source, group)?;
                let mut gzip = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
                gzip.write_all(&merged)?;
                Ok(gzip.finish()?.len() as u64 + self.group_key(source, group))
            })
            .collect::<Result<_, PlanError>>()?;
        let mean = compressed.iter().sum::<u64>().div_ceil(compressed.len() as u64);
        let groups = self.groups().count();
        Ok(compressed.into_iter().chain(std::iter::repeat(mean)).take(groups).collect())
    }

    fn aggregated(&self, source: &Source<'_>) -> Result<Vec<u64>, PlanError> {
        let limits =
            Limits::new(self.aggregate_bytes_max, usize::MAX).map_err(PlanError::Question)?;
        let mut stream = StreamAggregator::new(equal_shards(self.shards), limits);
        let mut records = Vec::new();
        for n in 0..self.count {
            let record = UserRecord::new(source.key(n), source.message(n));
            let full =
                stream.add(record).map_err(|error| PlanError::Question(error.to_string()))?;
            records.extend(full.map(|aggregate| aggregate.bytes() as u64));
        }
        records.extend(stream.flush().iter().map(|aggregate| aggregate.bytes() as u64));
        Ok(records)
    }

    /// The first messages of the groups.
    fn groups(&self) -> impl Iterator<Item = u64> {
        (0..self.count).step_by(usize::try_from(self.group).expect("a group is checked"))
    }

    fn group(&self, source: &Source<'_>, first: u64) -> Result<(u64, Vec<u8>), PlanError> {
        let last = (first + self.group).min(self.count);
        let messages = (first..last).map(|n| source.message(n));
        let merged = self.framing.merge(messages);
        Ok((last - first, merged.map_err(|error| PlanError::Question(error.to_string()))?))
    }

    /// The bytes of the partition key of a group: its first message's.
    fn group_key(&self, source: &Source<'_>, first: u64) -> u64 {
        source.key(first).len() as u64
    }

    fn count_up(
        &self,
        method: Method,
        records: &[u64],
        unmerged_units: Option<u64>,
        basis: &PriceBasis,
    ) -> Merged {
        let units: u64 = records.iter().map(|bytes| payload_units(*bytes)).sum();
        let bytes: u64 = records.iter().sum();
        let unit_price = basis.prices.provisioned.million_put_payload_units / 1e6;
        let messages_per_record = self.count as f64 / records.len() as f64;
        let share = |part: f64| part / self.count as f64;
        let shards = |rate: f64| {
            let by_records = rate * share(records.len() as f64) / Limit::WriteRecords.per_shard();
            let by_bytes = rate * share(bytes as f64) / Limit::WriteBytes.per_shard();
            (by_records.max(by_bytes) - 1e-9).ceil().max(1.0) as u64
        };
        let seconds_per_month = basis.hours_per_month * 3_600.0;
        let rate = self.messages_per_second;
        // An aggregate waits for messages of its own shard only.
        let gathered = if method == Method::Aggregated { self.shards as f64 } else { 1.0 };
        Merged {
            method,
            records: records.len() as u64,
            messages_per_record,
            bytes,
            calls: calls(records),
            payload_units: units,
            cost: units as f64 * unit_price,
            saved: unmerged_units.map_or(0.0, |unmerged| 1.0 - units as f64 / unmerged as f64),
            shards: rate.map(shards),
            monthly_cost: rate
                .map(|rate| rate * seconds_per_month * share(units as f64) * unit_price),
            added_latency_ms: rate
                .map(|rate| (messages_per_record - 1.0).max(0.0) * gathered / rate * 1e3),
        }
    }

    fn check(&self) -> Result<(), PlanError> {
        let sentence = if !(1..=MESSAGES_MAX).contains(&self.count) {
            format!("1 to {MESSAGES_MAX} messages can be merged here, not {}", self.count)
        } else if self.bytes == 0 || self.bytes as u64 > RECORD_BYTES_MAX {
            format!("a message has 1 to {RECORD_BYTES_MAX} bytes")
        } else if !(1..=MESSAGES_MAX).contains(&self.group) || self.keys == 0 {
            "a group has one message at least, and messages have one key at least".to_owned()
        } else if !(1..=super::estimate::SHARDS_MAX).contains(&self.shards) {
            format!("a stream has 1 to {} shards", super::estimate::SHARDS_MAX)
        } else if self.messages_per_second.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
            "a rate is above zero".to_owned()
        } else if self.count * self.bytes as u64 > BYTES_MAX {
            format!(
                "the messages have {} bytes together; {BYTES_MAX} can be merged here: take fewer",
                self.count * self.bytes as u64
            )
        } else {
            return Ok(());
        };
        Err(PlanError::Question(sentence))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "merged messages share the partition key of their first; aggregates keep each key, \
             and readers need the KCL or another de-aggregation"
                .to_owned(),
        ];
        notes.push(if self.sample.is_empty() {
            "gzip is measured on made-up JSON: pass a sample of your messages".to_owned()
        } else {
            format!("gzip is measured on a sample of {} messages", self.sample.len())
        });
        notes
    }
}

/// More bytes take too long.
const BYTES_MAX: u64 = 2 * 1_024 * 1_024 * 1_024;

/// How many `PutRecords` calls these records take, in their order.
#[must_use]
pub fn calls(record_bytes: &[u64]) -> u64 {
    let (mut calls, mut records, mut bytes) = (0, 0, 0);
    for record in record_bytes {
        if calls == 0 || records == RECORDS_MAX || bytes + record > BYTES_10_MIB as u64 {
            calls += 1;
            (records, bytes) = (0, 0);
        }
        records += 1;
        bytes += record;
    }
    calls
}

/// Shards of the same size.
fn equal_shards(shards: u64) -> ShardMap {
    let width = u128::MAX / u128::from(shards);
    let shard = |n: u64| ShardRange {
        shard_id: format!("shardId-{n:012}"),
        first: width * u128::from(n),
        last: if n + 1 == shards { u128::MAX } else { width * (u128::from(n) + 1) - 1 },
    };
    ShardMap::new((0..shards).map(shard).collect()).expect("equal shards tile the hash keys")
}

/// Where messages come from.
enum Source<'a> {
    /// In turn.
    Sample { messages: &'a [Vec<u8>], keys: u32 },
    /// Made up once, then told apart by their first bytes.
    MadeUp { texts: Vec<Vec<u8>>, keys: u32 },
}

/// So many different made-up messages.
const MADE_UP: usize = 256;

impl<'a> Source<'a> {
    fn new(messages: &'a Messages) -> Self {
        let keys = messages.keys;
        if !messages.sample.is_empty() {
            return Self::Sample { messages: &messages.sample, keys };
        }
        let mut random = StdRng::seed_from_u64(1);
        let texts = (0..MADE_UP).map(|_| made_up(messages.bytes, &mut random)).collect();
        Self::MadeUp { texts, keys }
    }

    fn key(&self, n: u64) -> String {
        let (Self::Sample { keys, .. } | Self::MadeUp { keys, .. }) = self;
        format!("user-{}", n % u64::from(*keys))
    }

    fn message(&self, n: u64) -> &[u8] {
        let messages = match self {
            Self::Sample { messages, .. } => messages,
            Self::MadeUp { texts, .. } => texts.as_slice(),
        };
        &messages[(n % messages.len() as u64) as usize]
    }
}

/// A message as applications write them: JSON with ids, numbers and words.
fn made_up(bytes: usize, random: &mut StdRng) -> Vec<u8> {
    const WORDS: [&str; 8] =
        ["checkout", "basket", "viewed", "paid", "shipped", "returned", "search", "login"];
    let mut text = format!(
        r#"{{"id":"{:016x}","at":{}"#,
        random.random::<u64>(),
        random.random_range(1_700_000_000_000_u64..1_800_000_000_000)
    );
    let mut n = 0;
    while text.len() < bytes {
        let word = WORDS[random.random_range(0..WORDS.len())];
        text.push_str(&format!(
            r#","event{n}":"{word}","amount{n}":{}"#,
            random.random_range(0..100_000)
        ));
        n += 1;
    }
    // Cut to size: what counts is how it compresses, not that it can be parsed.
    text.truncate(bytes);
    text.into_bytes()
}
