//! The ledger as tests see it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::service::Service;
use crate::service::recorder::ledger::ReadEntry;

use super::{Read, Record, StreamView, address, require_recording};

/// Who read which records; see [`Emulator::ledger`](crate::Emulator::ledger).
/// Streams go by name, or by ARN outside the default account and Region. It
/// keeps the newest 1,000,000 reads: [`dropped`](Self::dropped) counts those
/// that went. A read that found nothing is none.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use aws_sdk_kinesis::primitives::Blob;
/// # use kinesis_emulator::Emulator;
/// let kinesis = Emulator::builder().journal().in_process();
/// # let client = kinesis.client();
/// # client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// client.put_record().stream_name("orders").partition_key("k").data(Blob::new("first"))
///     .send().await.unwrap();
/// let record = &kinesis.stream("orders").records()[0];
/// assert!(kinesis.ledger().reads_of(record).is_empty());
/// assert_eq!(kinesis.ledger().unread("orders"), [record.clone()]);
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Ledger(Arc<Service>);

impl Ledger {
    #[track_caller]
    pub(crate) fn new(service: Arc<Service>) -> Self {
        require_recording(&service);
        Self(service)
    }

    /// The reads of a record, oldest first.
    pub fn reads_of(&self, record: &Record) -> Vec<Read> {
        let recording = self.0.recorder().recording();
        let its = |read: &&ReadEntry| covers(read, record);
        recording.reads.iter().filter(its).map(ReadEntry::to_read).collect()
    }

    /// All reads of a stream, oldest first.
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn reads(&self, stream: &str) -> Vec<Read> {
        let Some(address) = address(&self.0, stream) else { return Vec::new() };
        let recording = self.0.recorder().recording();
        let its = |read: &&ReadEntry| read.stream == address;
        recording.reads.iter().filter(its).map(ReadEntry::to_read).collect()
    }

    /// The records of a stream that nobody has read, by no iterator and by no
    /// consumer.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn unread(&self, stream: &str) -> Vec<Record> {
        let mut records = StreamView::new(Arc::clone(&self.0), stream).records();
        let recording = self.0.recorder().recording();
        records.retain(|record| !recording.reads.iter().any(|read| covers(read, record)));
        records
    }

    /// How many reads went because there were too many.
    pub fn dropped(&self) -> u64 {
        self.0.recorder().recording().reads.dropped
    }

    /// Forgets all reads.
    pub fn clear(&self) {
        self.0.recorder().recording().reads.clear();
    }

    /// The reads of a stream as JSON.
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn to_json(&self, stream: &str) -> Value {
        json!({
            "reads": self.reads(stream).iter().map(Read::to_json).collect::<Vec<_>>(),
            "dropped": self.dropped(),
        })
    }
}

fn covers(read: &ReadEntry, record: &Record) -> bool {
    read.indices().contains(&record.number.index)
        && read.shard() == record.shard()
        && read.stream == record.stream
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads: Vec<_> = {
            let recording = self.0.recorder().recording();
            recording.reads.iter().map(ReadEntry::to_read).collect()
        };
        write!(f, "Ledger{}", super::listed(reads.iter(), "  "))
    }
}
