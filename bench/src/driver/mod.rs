//! Who makes the calls: the AWS SDK, or a client of our own that signs for real.
//!
//! Scenarios speak to a [`Driver`] and know neither. Both count calls, attempts
//! and throttles apart in the same [`Counters`].
//!
//! | | SDK | native |
//! |---|---|---|
//! | stands for | what applications use | what the target can take |
//! | retries | the SDK's standard ones, counted | none but that of a connection closed while idle: each throttle is seen, and none is hidden by a wait |
//! | wire | JSON 1.1 over HTTP/1.1; with TLS what ALPN chooses | JSON 1.1 over HTTP/1.1 or HTTP/2 without TLS, or HTTP/1.1 with it |
//! | SubscribeToShard | its event stream | handed to the SDK |
//!
//! Absent: creating and deleting streams. That is never measured, and the SDK does it.

pub mod http1;
pub mod native;
pub mod replay;
pub mod sdk;
pub mod sign;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use bytes::Bytes;
use clap::ValueEnum;

use crate::failure::Failure;
use crate::measure::counters::Counters;

/// Which client makes the calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DriverKind {
    /// The AWS SDK for Rust, as applications use it
    #[default]
    Sdk,
    /// A lean HTTP client that signs each request, for rates the SDK cannot reach
    Native,
}

/// A client of one target; a clone shares connections and counters.
#[derive(Debug, Clone)]
pub enum Driver {
    /// The AWS SDK.
    Sdk(sdk::SdkDriver),
    /// Our own.
    Native(native::NativeDriver),
}

/// A record on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its partition key.
    pub partition_key: String,
    /// The hash key in place of the partition key's MD5.
    pub explicit_hash_key: Option<u128>,
    /// Its data.
    pub data: Bytes,
}

impl Outgoing {
    /// Bytes as a shard's limits count them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.data.len() + self.partition_key.len()) as u64
    }
}

/// Where a record was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its shard.
    pub shard_id: String,
    /// Its sequence number.
    pub sequence_number: String,
}

impl Placed {
    /// What PutRecords says of one record: its place, or why it has none.
    pub(crate) fn or_refused(
        shard_id: Option<String>,
        sequence_number: Option<String>,
        error_code: Option<String>,
        error_message: Option<String>,
    ) -> Result<Self, Refusal> {
        match (shard_id, sequence_number, error_code) {
            (Some(shard_id), Some(sequence_number), None) => Ok(Self { shard_id, sequence_number }),
            (_, _, error_code) => Err(Refusal {
                operation: "PutRecords",
                code: error_code.unwrap_or_else(|| UNANSWERED.to_owned()),
                message: error_message.unwrap_or_default(),
            }),
        }
    }
}

/// A record on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its partition key.
    pub partition_key: String,
    /// Its sequence number.
    pub sequence_number: String,
    /// Its data.
    pub data: Bytes,
}

/// One answer of `GetRecords`, or one event of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// In the shard's order.
    pub records: Vec<Incoming>,
    /// Where to go on: an iterator, or a sequence number in a subscription; nothing
    /// at the end of a closed shard.
    pub next: Option<String>,
    /// How far behind the tip of the shard this is.
    pub millis_behind: u64,
    /// The shards that go on where a closed one ends.
    pub children: Vec<String>,
}

/// Where a reader begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// At the oldest record.
    Oldest,
    /// At the first record that arrived at or after this time since 1970.
    Since(Duration),
    /// Behind this sequence number.
    After(String),
}

/// A call that was not answered as hoped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The operation.
    pub operation: &'static str,
    /// The error's code, or `unanswered` if there was no answer.
    pub code: String,
    /// What was said.
    pub message: String,
}

/// The code of a [`Refusal`] without an answer.
pub const UNANSWERED: &str = "unanswered";

impl Refusal {
    /// Whether the caller is asked to come back later.
    #[must_use]
    pub fn is_throttle(&self) -> bool {
        is_throttle_code(&self.code)
    }
}

/// Whether an error code asks the caller to come back later.
#[must_use]
pub fn is_throttle_code(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "LimitExceededException"
            | "ThrottlingException"
            | "KMSThrottlingException"
    )
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, code, message } = self;
        match code.as_str() {
            UNANSWERED => write!(f, "{operation} was not answered: {message}"),
            _ if message.is_empty() => write!(f, "{operation} was refused: {code}"),
            _ => write!(f, "{operation} was refused: {code}: {message}"),
        }
    }
}

impl Error for Refusal {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { operation, code, message } = refusal;
        let reason = if message.is_empty() { code } else { format!("{code}: {message}") };
        Self::Call { operation, reason }
    }
}

impl Driver {
    /// Which one it is.
    #[must_use]
    pub fn kind(&self) -> DriverKind {
        match self {
            Self::Sdk(_) => DriverKind::Sdk,
            Self::Native(_) => DriverKind::Native,
        }
    }

    /// The SDK client for everything that is not measured.
    #[must_use]
    pub fn client(&self) -> &Client {
        match self {
            Self::Sdk(driver) => driver.client(),
            Self::Native(driver) => driver.client(),
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        match self {
            Self::Sdk(driver) => driver.counters(),
            Self::Native(driver) => driver.counters(),
        }
    }

    /// `PutRecord`.
    ///
    /// # Errors
    /// When the target refuses or does not answer.
    pub async fn put_record(&self, stream: &str, record: &Outgoing) -> Result<Placed, Refusal> {
        match self {
            Self::Sdk(driver) => driver.put_record(stream, record).await,
            Self::Native(driver) => driver.put_record(stream, record).await,
        }
    }

    /// `PutRecords`: an answer for each record, in order.
    ///
    /// # Errors
    /// When the target refuses all of them or does not answer.
    pub async fn put_records(
        &self,
        stream: &str,
        records: &[Outgoing],
    ) -> Result<Vec<Result<Placed, Refusal>>, Refusal> {
        let answers = match self {
            Self::Sdk(driver) => driver.put_records(stream, records).await,
            Self::Native(driver) => driver.put_records(stream, records).await,
        }?;
        if answers.len() == records.len() {
            return Ok(answers);
        }
        let message = format!("{} answers to {} records", answers.len(), records.len());
        Err(Refusal { operation: "PutRecords", code: UNANSWERED.to_owned(), message })
    }

    /// `GetShardIterator`.
    ///
    /// # Errors
    /// When the target refuses or does not answer.
    pub async fn get_shard_iterator(
        &self,
        stream: &str,
        shard_id: &str,
        position: &Position,
    ) -> Result<String, Refusal> {
        match self {
            Self::Sdk(driver) => driver.get_shard_iterator(stream, shard_id, position).await,
            Self::Native(driver) => driver.get_shard_iterator(stream, shard_id, position).await,
        }
    }

    /// `GetRecords`.
    ///
    /// # Errors
    /// When the target refuses or does not answer.
    pub async fn get_records(&self, iterator: &str) -> Result<Fetched, Refusal> {
        match self {
            Self::Sdk(driver) => driver.get_records(iterator).await,
            Self::Native(driver) => driver.get_records(iterator).await,
        }
    }

    /// `ListShards`, all pages: the shards that are open and those that are closed.
    ///
    /// # Errors
    /// When the target refuses or does not answer.
    pub async fn list_shards(&self, stream: &str) -> Result<Vec<Listed>, Refusal> {
        match self {
            Self::Sdk(driver) => driver.list_shards(stream).await,
            Self::Native(driver) => driver.list_shards(stream).await,
        }
    }

    /// `SubscribeToShard`; the native driver leaves its event stream to the SDK.
    ///
    /// # Errors
    /// When the target refuses or does not answer.
    pub async fn subscribe_to_shard(
        &self,
        consumer_arn: &str,
        shard_id: &str,
        position: &Position,
    ) -> Result<sdk::Subscription, Refusal> {
        match self {
            Self::Sdk(driver) => driver.subscribe_to_shard(consumer_arn, shard_id, position).await,
            Self::Native(driver) => {
                let sdk = sdk::SdkDriver::new(driver.client().clone(), driver.counters().clone());
                sdk.subscribe_to_shard(consumer_arn, shard_id, position).await
            }
        }
    }
}

/// A shard as `ListShards` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub shard_id: String,
    /// The least hash key it owns.
    pub first: u128,
    /// The greatest hash key it owns.
    pub last: u128,
    /// Whether it takes no more records.
    pub is_closed: bool,
    /// The shards it came from.
    pub parents: Vec<String>,
}

/// More pages of shards than this are no list.
pub(crate) const PAGES_MAX: usize = 1_000;

#[cfg(test)]
mod tests;
