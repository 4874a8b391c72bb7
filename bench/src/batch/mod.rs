//! `PutRecords` in batches, where each record has its own fate.
//!
//! A `PutRecords` call can store some of its records and refuse others: it answers
//! 200 with an error for each that it refused. A producer that looks at the status
//! alone loses records; one that sends the whole batch again stores records twice.
//! This batcher sends again *exactly the refused ones*, by their index.
//!
//! ```
//! use std::time::Duration;
//! use kinesis_bench::batch::{Batcher, Entry, EntryError, Placed, Settings, Step};
//!
//! let mut batcher = Batcher::new(Settings { records_max: 2, ..Settings::default() })?;
//! let at = Duration::from_millis;
//! batcher.push(at(0), Entry::new("user-1", "hello", 1)).unwrap();
//! batcher.push(at(0), Entry::new("user-2", "world", 2)).unwrap();
//!
//! // Two are a full batch, so nothing waits for the linger.
//! let Step::Send(batch) = batcher.poll(at(0)) else { panic!("it is full") };
//! assert_eq!(batch.entries.len(), 2);
//!
//! // The first is stored, the second is refused: only the second goes again.
//! let placed = Placed { shard_id: "shardId-000000000000".into(), sequence_number: "49".into() };
//! let refused = EntryError::new("ProvisionedThroughputExceededException", "slow down");
//! batcher.handle_answer(at(5), batch.id, Ok(vec![Ok(placed), Err(refused)]));
//! assert_eq!(batcher.poll_outcome().unwrap().tag, 1);
//! let Step::WaitUntil(retry) = batcher.poll(at(5)) else { panic!("it backs off") };
//! let Step::Send(again) = batcher.poll(retry) else { panic!("it is time") };
//! assert_eq!(again.entries[0].tag, 2);
//! # Ok::<(), String>(())
//! ```
//!
//! # When a batch goes
//!
//! * It is full: [`Settings::records_max`] or [`Settings::bytes_max`]. A call takes
//!   500 records and 10 MiB, data and partition keys; streams behind older limits,
//!   or the wish to stay below them, ask for 5 MiB ([`BYTES_5_MIB`]).
//! * Its oldest record has waited for [`Settings::linger`].
//! * [`Batcher::flush`] or [`Batcher::finish`] was called.
//! * A refused record's time has come. It takes along what waits.
//!
//! # When a record is sent again
//!
//! Each refusal of a record doubles its wait, up to [`Backoff::max`]; chance takes up
//! to half of it off, so that producers do not come back in step. Whatever the
//! reason, the batcher tries until [`Settings::time_to_live`] is over, as the KPL
//! does: then the record is given up, with the last error. A call that fails as a
//! whole is tried again the same way, unless its failure will not go away
//! ([`CallError::is_permanent`]), such as a stream that is not there.
//!
//! A call that timed out may have stored its records all the same. Sending again
//! then stores them twice: this is at-least-once, as with every Kinesis producer.
//!
//! # Order
//!
//! `PutRecords` promises no order, and a refused record would be overtaken by later
//! ones of its key. [`Order::PerKey`] prevents it: a record is not sent while an
//! earlier one of its key is under way or waits for another attempt. The price is
//! one record per key and call, so put aggregates where keys are few. An aggregate
//! holds many keys: name its shard as the key to go by ([`Entry::in_order_with`]).
//!
//! # Driving it
//!
//! [`Batcher`] is a state machine: it takes the time as an argument, sends nothing
//! and waits for nothing. [`drive`] runs it with tokio's timer and any
//! [`PutRecords`]: [`SdkSender`] is the one for the AWS SDK.
//!
//! ```
//! use std::sync::Arc;
//! use kinesis_bench::batch::{Batcher, Entry, Fate, SdkSender, Settings, drive};
//! # use kinesis_emulator::Emulator;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let kinesis = Emulator::in_process();
//! # let client = kinesis.client();
//! # client.create_stream().stream_name("orders").shard_count(2).send().await?;
//! # kinesis.clock().advance(std::time::Duration::from_secs(1));
//! let (input, entries) = tokio::sync::mpsc::channel(1_000);
//! let sender = Arc::new(SdkSender::new(client, "orders"));
//! let producing = tokio::spawn(async move {
//!     for n in 0..1_200 {
//!         input.send(Entry::new(format!("user-{n}"), "hello", n)).await.expect("it is driven");
//!     }
//! });
//! let mut stored = 0;
//! drive(Batcher::new(Settings::default())?, sender, entries, |outcome| match outcome.fate {
//!     Fate::Stored(placed) => {
//!         assert!(placed.shard_id.starts_with("shardId-"));
//!         stored += 1;
//!     }
//!     Fate::GivenUp { .. } => panic!("lost: {outcome:?}"),
//! })
//! .await;
//! producing.await?;
//! assert_eq!(stored, 1_200);
//! # Ok(())
//! # }
//! ```
//!
//! Absent: reading the clock and drawing unseeded chance; the count of what came
//! of it all, which the caller keeps from the outcomes.

mod backoff;
mod driver;
mod queue;
mod send;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use backoff::Backoff;
pub use driver::drive;
pub use queue::{Batch, BatchId, Batcher, NotTaken, Step};
pub use send::{CallError, EntryAnswer, EntryError, PutRecords, SdkSender};

use crate::aggregation::Aggregated;
pub use crate::driver::Placed;

/// The most records of one call.
pub const RECORDS_MAX: usize = 500;

/// The most bytes of one call, data and partition keys.
pub const BYTES_10_MIB: usize = 10 * 1_024 * 1_024;

/// What a call could carry before records of 10 MiB came; the KPL still keeps to it.
pub const BYTES_5_MIB: usize = 5 * 1_024 * 1_024;

/// How a [`Batcher`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most records of a call: 1 to [`RECORDS_MAX`].
    pub records_max: usize,
    /// The most bytes of a call: 1 to [`BYTES_10_MIB`].
    pub bytes_max: usize,
    /// How long a record waits for others to go with.
    pub linger: Duration,
    /// How long a record is tried before it is given up.
    pub time_to_live: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// Whether the order of a key's records is kept.
    pub order: Order,
    /// Calls under way at once.
    pub in_flight_max: usize,
    /// Records taken and not settled; more are not taken.
    pub buffered_max: usize,
    /// The seed of the jitter.
    pub seed: u64,
}

impl Default for Settings {
    /// 500 records or 10 MiB, and the KPL's times: linger 100 ms, time to live 30 s.
    fn default() -> Self {
        Self {
            records_max: RECORDS_MAX,
            bytes_max: BYTES_10_MIB,
            linger: Duration::from_millis(100),
            time_to_live: Duration::from_secs(30),
            backoff: Backoff::default(),
            order: Order::AsItComes,
            in_flight_max: 4,
            buffered_max: 20_000,
            seed: 1,
        }
    }
}

/// Whether the order of a key's records is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// A record that is sent again may be overtaken by later ones of its key.
    #[default]
    AsItComes,
    /// A record waits until all earlier ones of its key are settled.
    PerKey,
}

/// A record to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The partition key.
    pub partition_key: String,
    /// The hash key to go by in place of the partition key's MD5.
    pub explicit_hash_key: Option<u128>,
    /// The payload.
    pub data: Vec<u8>,
    /// What [`Order::PerKey`] goes by in place of the partition key.
    pub order_key: Option<String>,
    /// The caller's own number; its outcome carries it.
    pub tag: u64,
}

impl Entry {
    /// A record that goes by its partition key.
    #[must_use]
    pub fn new(partition_key: impl Into<String>, data: impl Into<Vec<u8>>, tag: u64) -> Self {
        Self {
            partition_key: partition_key.into(),
            explicit_hash_key: None,
            data: data.into(),
            order_key: None,
            tag,
        }
    }

    /// An aggregate, with the keys it wants to be put with.
    #[must_use]
    pub fn aggregate(aggregated: Aggregated, tag: u64) -> Self {
        Self {
            explicit_hash_key: aggregated.explicit_hash_key,
            ..Self::new(aggregated.partition_key, aggregated.data, tag)
        }
    }

    /// The same record; its order is kept among those with this key.
    #[must_use]
    pub fn in_order_with(self, key: impl Into<String>) -> Self {
        Self { order_key: Some(key.into()), ..self }
    }

    /// What counts against the limits of calls and shards.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    fn order_key(&self) -> &str {
        self.order_key.as_ref().unwrap_or(&self.partition_key)
    }
}

/// What came of a record, in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The caller's number for it.
    pub tag: u64,
    /// How often it was sent.
    pub attempts: u32,
    /// From when it was taken until this was known.
    pub took: Duration,
    /// Stored or not.
    pub fate: Fate,
}

/// Whether a record was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was, here.
    Stored(Placed),
    /// It was not.
    GivenUp {
        /// Who gave up.
        why: GiveUp,
        /// What the last attempt met, if there was one.
        last_error: Option<EntryError>,
    },
}

/// Why a record was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// No call takes it: its key is empty or too long, or it is too large.
    Invalid,
    /// Its time to live was over.
    Expired,
    /// The call failed in a way that does not go away.
    Permanent,
    /// The call was answered for another number of records than it had, so which
    /// answer is whose cannot be known; the KPL gives up here, too.
    Mismatch,
}
