//! Who makes the call: anything that can `PutRecords`.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::put_records::PutRecordsError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};

use super::Entry;
use crate::driver::{Placed, Refusal};
use crate::failure::with_causes;
use crate::measure::counters::is_throttle;

/// Makes one `PutRecords` call. It need not try again: the batcher does.
pub trait PutRecords: Send + Sync + 'static {
    /// Puts these entries in one call and answers for each, in their order.
    fn put_records(
        &self,
        entries: Vec<Arc<Entry>>,
    ) -> impl Future<Output = Result<Vec<EntryAnswer>, CallError>> + Send;
}

/// The answer to one entry of a call.
pub type EntryAnswer = Result<Placed, EntryError>;

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryError {
    /// Such as `ProvisionedThroughputExceededException`.
    pub code: String,
    /// The target's words.
    pub message: String,
}

impl EntryError {
    /// An error of this code.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for EntryError {}

/// Why a whole call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What came back, or why nothing did.
    pub error: EntryError,
    /// Whether trying again is pointless.
    pub is_permanent: bool,
}

/// Puts through the AWS SDK.
///
/// The SDK tries again, too, when a *whole* call fails; a client for this sender
/// does well with few such retries, as the batcher's own waits come on top.
#[derive(Debug, Clone)]
pub struct SdkSender {
    client: Client,
    stream: String,
}

impl SdkSender {
    /// Puts into a stream by its name.
    #[must_use]
    pub fn new(client: Client, stream: impl Into<String>) -> Self {
        Self { client, stream: stream.into() }
    }
}

impl PutRecords for SdkSender {
    async fn put_records(&self, entries: Vec<Arc<Entry>>) -> Result<Vec<EntryAnswer>, CallError> {
        let call = self.client.put_records().stream_name(&self.stream);
        let answer = call.set_records(Some(entries.iter().map(|entry| request(entry)).collect()));
        let answer = answer.send().await.map_err(|error| CallError::of(&error))?;
        Ok(answer.records.into_iter().map(entry_answer).collect())
    }
}

fn request(entry: &Entry) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry::builder()
        .partition_key(&entry.partition_key)
        .set_explicit_hash_key(entry.explicit_hash_key.map(|key| key.to_string()))
        .data(Blob::new(entry.data.clone()))
        .build()
        .expect("data is given")
}

fn entry_answer(entry: PutRecordsResultEntry) -> EntryAnswer {
    let PutRecordsResultEntry { shard_id, sequence_number, error_code, error_message, .. } = entry;
    let answer = Placed::or_refused(shard_id, sequence_number, error_code, error_message);
    answer.map_err(|Refusal { code, message, .. }| EntryError { code, message })
}

impl CallError {
    fn of(error: &SdkError<PutRecordsError>) -> Self {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        match error {
            SdkError::ServiceError(_) => {
                let code = error.code().unwrap_or("an error without a code");
                let message = error.message().unwrap_or_default();
                Self {
                    error: EntryError::new(code, message),
                    is_permanent: status < 500 && !is_throttle(error) && !WILL_PASS.contains(&code),
                }
            }
            other => Self {
                error: EntryError::new("NoAnswer", with_causes(other)),
                is_permanent: matches!(other, SdkError::ConstructionFailure(_)),
            },
        }
    }
}

/// Refusals with a status below 500 that are no throttles and pass all the same.
const WILL_PASS: &[&str] = &["KMSThrottlingException", "InternalFailure", "ServiceUnavailable"];
