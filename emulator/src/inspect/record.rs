//! A record as tests see it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::engine::log::StoredRecord;
use crate::model::arn::StreamAddress;
use crate::model::record::KeptText;
use crate::model::sequence_number::SequenceNumber;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;
use crate::service::recorder::iso;
use crate::service::recorder::ledger::ShardIdentity;

/// Most letters of data that a record shows of itself.
const PREVIEW_LETTERS_MAX: usize = 60;

/// A record that is stored in a stream.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use aws_sdk_kinesis::primitives::Blob;
/// # let kinesis = kinesis_emulator::Emulator::in_process();
/// # let client = kinesis.client();
/// # client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// client.put_record().stream_name("orders").partition_key("customer-7")
///     .data(Blob::new(r#"{"total": 12}"#)).send().await.unwrap();
///
/// let record = &kinesis.stream("orders").records()[0];
/// assert_eq!(record.partition_key, "customer-7");
/// assert_eq!(record.text(), r#"{"total": 12}"#);
/// assert_eq!(record.json::<serde_json::Value>()["total"], 12);
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The partition key; empty if it was left out, as it may be under AUTO.
    pub partition_key: String,
    /// The data, as they were before any base64.
    pub data: Bytes,
    /// The sequence number.
    pub sequence_number: String,
    /// The id of the shard that stores it.
    pub shard_id: String,
    /// When it arrived, on the emulator's clock.
    pub approximate_arrival: Timestamp,
    /// Whether it is encrypted at rest.
    pub encryption: EncryptionType,
    pub(super) stream: StreamAddress,
    pub(super) number: SequenceNumber,
}

impl Record {
    pub(super) fn new(stream: &StreamAddress, stored: &StoredRecord<'_>) -> Self {
        Self {
            partition_key: stored
                .partition_key
                .map(KeptText::as_str)
                .unwrap_or_default()
                .to_owned(),
            data: Bytes::copy_from_slice(stored.data),
            sequence_number: stored.sequence_number.to_string(),
            shard_id: stored.sequence_number.shard.to_string(),
            approximate_arrival: stored.arrival,
            encryption: stored.encryption,
            stream: stream.clone(),
            number: stored.sequence_number,
        }
    }

    /// The data as text.
    ///
    /// # Panics
    /// If they are not UTF-8: [`data`](Self::data) has them as they are.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.data) {
            Ok(text) => text,
            Err(error) => panic!("the data of {self} are not text: {error}"),
        }
    }

    /// The data, read as JSON.
    ///
    /// # Panics
    /// If they are not, or not of this type. Use [`try_json`](Self::try_json)
    /// to handle that.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match self.try_json() {
            Ok(value) => value,
            Err(error) => {
                let wanted = std::any::type_name::<T>();
                panic!("the data of {self} are not JSON of a {wanted}: {error}")
            }
        }
    }

    /// The data, read as JSON.
    ///
    /// # Errors
    /// If they are not, or not of this type.
    pub fn try_json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.data)
    }

    /// The record as JSON, with its data in base64.
    pub fn to_json(&self) -> Value {
        json!({
            "partition_key": self.partition_key,
            "data": STANDARD.encode(&self.data),
            "sequence_number": self.sequence_number,
            "shard_id": self.shard_id,
            "approximate_arrival": iso(self.approximate_arrival),
            "encryption_type": self.encryption.as_str(),
        })
    }

    /// The shard that stores it.
    pub(super) fn shard(&self) -> ShardIdentity {
        ShardIdentity {
            shard: self.number.shard,
            created_seconds: self.number.shard_created_seconds,
        }
    }
}

/// Where it is, its key, and the beginning of its data.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard_id, sequence_number, partition_key, .. } = self;
        write!(f, "{shard_id} {sequence_number} key {partition_key:?} ")?;
        match std::str::from_utf8(&self.data) {
            Ok(text) => match text.char_indices().nth(PREVIEW_LETTERS_MAX) {
                Some((end, _)) => write!(f, "{:?}…", &text[..end]),
                None => write!(f, "{text:?}"),
            },
            Err(_) => write!(f, "[{} bytes]", self.data.len()),
        }
    }
}
