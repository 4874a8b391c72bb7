//! The ledger: who read which records, and when. One line per read, whatever
//! the number of records: they are a range of indices in a shard.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::model::arn::StreamAddress;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::ShardIteratorType;
use crate::model::timestamp::Timestamp;
use crate::operations::BatchRead;

use super::iso;
use super::journal::Caller;

/// How many reads are kept: when another one comes, the oldest goes. Reads that
/// found nothing are not kept.
pub(crate) const READS_MAX: usize = 1_000_000;
/// How many iterators are remembered by their tokens.
const TOKENS_MAX: usize = 100_000;

/// Records of a shard that were read together, as the
/// [ledger](crate::inspect::Ledger) keeps it.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// # use kinesis_emulator::inspect::Read;
/// let kinesis = Emulator::builder().journal().in_process();
/// let reads: Vec<Read> = kinesis.ledger().reads("orders");
/// assert!(reads.is_empty(), "nobody has read anything");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Read {
    /// When it was, on the emulator's clock.
    pub time: Timestamp,
    /// Who read.
    pub reader: Reader,
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard_id: String,
    /// The number of the first record.
    pub first_sequence_number: String,
    /// The number of the last record.
    pub last_sequence_number: String,
    /// How many records there were.
    pub records: usize,
}

/// Who read records: an iterator, a registered consumer's subscription, or those
/// who received them from a queue.
///
/// ```
/// # use kinesis_emulator::inspect::Reader;
/// assert_eq!(Reader::Consumer("billing".to_owned()).to_string(), "consumer billing");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reader {
    /// `GetRecords`.
    Iterator {
        /// The iterator that the reader began with; `None` if it was handed out
        /// before recording began, or very long ago.
        origin: Option<Origin>,
        /// Whose call it was.
        caller: Caller,
    },
    /// `SubscribeToShard`: the consumer's name.
    Consumer(String),
    /// `ReceiveQueueRecords` and `ReceiveDeadLetterQueueRecords`: the queue's
    /// name. Each record is a read of its own.
    Queue(String),
}

/// The iterator that a reader began with. Those that follow from it by
/// `NextShardIterator` are the same reader.
///
/// ```
/// # use kinesis_emulator::inspect::{Origin, Reader};
/// fn began_at_the_horizon(reader: &Reader) -> bool {
///     let horizon = kinesis_emulator::ShardIteratorType::TrimHorizon;
///     matches!(reader, Reader::Iterator { origin: Some(Origin { start, .. }), .. } if *start == horizon)
/// }
/// assert!(!began_at_the_horizon(&Reader::Consumer("billing".to_owned())));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Origin {
    /// Counts the iterators that `GetShardIterator` has handed out, from 1.
    pub number: u64,
    /// Where it started.
    pub start: ShardIteratorType,
}

impl Reader {
    /// The reader as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Iterator { origin, caller } => json!({
                "operation": "GetRecords",
                "iterator": origin.map(|origin| origin.number),
                "start": origin.map(|origin| origin.start.as_str()),
                "caller": caller.to_json(),
            }),
            Self::Consumer(name) => json!({ "operation": "SubscribeToShard", "consumer": name }),
            Self::Queue(name) => json!({ "operation": "ReceiveQueueRecords", "queue": name }),
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iterator { origin: Some(Origin { number, start }), caller } => {
                write!(f, "iterator {number} ({start}) of {caller}")
            }
            Self::Iterator { origin: None, caller } => write!(f, "an older iterator of {caller}"),
            Self::Consumer(name) => write!(f, "consumer {name}"),
            Self::Queue(name) => write!(f, "queue {name}"),
        }
    }
}

impl Read {
    /// The read as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "time": iso(self.time),
            "reader": self.reader.to_json(),
            "stream": self.stream,
            "shard_id": self.shard_id,
            "first_sequence_number": self.first_sequence_number,
            "last_sequence_number": self.last_sequence_number,
            "records": self.records,
        })
    }
}

/// When, how much, and by whom.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, records, stream, shard_id, reader, .. } = self;
        let plural = if *records == 1 { "" } else { "s" };
        write!(f, "{} {records} record{plural} of {stream} {shard_id} by {reader}", iso(*time))
    }
}

/// The shard that records are read from, told from others that had its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShardIdentity {
    pub(crate) shard: ShardIndex,
    pub(crate) created_seconds: u64,
}

/// A line of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct ReadEntry {
    pub(crate) time: Timestamp,
    pub(crate) stream: StreamAddress,
    pub(crate) reader: Reader,
    first: SequenceNumber,
    last: SequenceNumber,
}

impl ReadEntry {
    /// The shard that was read.
    pub(crate) fn shard(&self) -> ShardIdentity {
        ShardIdentity { shard: self.first.shard, created_seconds: self.first.shard_created_seconds }
    }

    /// The records' indices in the shard.
    pub(crate) fn indices(&self) -> RangeInclusive<u64> {
        self.first.index..=self.last.index
    }

    /// The line as users see it.
    pub(crate) fn to_read(&self) -> Read {
        Read {
            time: self.time,
            reader: self.reader.clone(),
            stream: self.stream.name.to_string(),
            shard_id: self.first.shard.to_string(),
            first_sequence_number: self.first.to_string(),
            last_sequence_number: self.last.to_string(),
            records: (self.last.index - self.first.index + 1) as usize,
        }
    }
}

/// The newest reads, oldest first, and where iterators come from.
#[derive(Debug, Default)]
pub(crate) struct ReadLog {
    reads: VecDeque<ReadEntry>,
    /// How many there have been, whether or not they are kept.
    made: u64,
    /// How many went because there were too many.
    pub(crate) dropped: u64,
    /// The reader that each token belongs to, by the token's hash.
    origins: HashMap<u64, Origin>,
    /// The tokens in the order in which they were handed out.
    tokens: VecDeque<u64>,
    iterators: u64,
}

impl ReadLog {
    /// Keeps a read, unless it found nothing.
    pub(super) fn push(
        &mut self,
        stream: &StreamAddress,
        read: &BatchRead,
        reader: Reader,
        time: Timestamp,
    ) {
        let Some((first, last)) = read.ends else { return };
        self.made += 1;
        if self.reads.len() == READS_MAX {
            self.reads.pop_front();
            self.dropped += 1;
        }
        self.reads.push_back(ReadEntry { time, stream: stream.clone(), reader, first, last });
    }

    /// How many reads there have been.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// The reads that are kept, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &ReadEntry> {
        self.reads.iter()
    }

    /// Forgets all reads.
    pub(crate) fn clear(&mut self) {
        self.reads.clear();
        self.dropped = 0;
    }

    /// A reader that begins.
    pub(super) fn new_origin(&mut self, start: ShardIteratorType) -> Origin {
        self.iterators += 1;
        Origin { number: self.iterators, start }
    }

    /// Remembers whose iterator a token is.
    pub(super) fn handed_out(&mut self, token: &str, origin: Origin) {
        if self.tokens.len() == TOKENS_MAX
            && let Some(oldest) = self.tokens.pop_front()
        {
            self.origins.remove(&oldest);
        }
        let hash = hash_of(token);
        // After a snapshot was restored, tokens come again.
        if self.origins.insert(hash, origin).is_none() {
            self.tokens.push_back(hash);
        }
    }

    /// Whose iterator a token is.
    pub(super) fn origin_of(&self, token: &str) -> Option<Origin> {
        self.origins.get(&hash_of(token)).copied()
    }
}

/// A token's hash. A token may be wrapped in literal double quotes.
fn hash_of(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.trim_matches('"').hash(&mut hasher);
    hasher.finish()
}
