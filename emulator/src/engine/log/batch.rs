//! Records that were read from a log.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::model::record::KeptText;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

use super::header::take_record;
use super::segment::{Place, Segment};

/// Records read from a log: segments shared with it, and a copy of what was
/// taken from its open end and of records in two segments. Held without any lock.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(super) shard: ShardIndex,
    pub(super) shard_created_seconds: u64,
    /// A reader that keeps up has one.
    pub(super) pieces: SmallVec<[Piece; 1]>,
    pub(super) records: usize,
    /// Data and keys of the records.
    pub(super) bytes: usize,
    /// Index of the first record that was not taken.
    pub(crate) next: u64,
}

/// Consecutive records of one segment.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) tape: Tape,
    /// Index of the first record.
    pub(super) first: u64,
    /// What the records' times count from.
    pub(super) base: Timestamp,
}

/// Where the bytes of a piece are.
#[derive(Debug)]
pub(super) enum Tape {
    Shared { segment: Arc<Segment>, from: Place, to: Place },
    Copied(Vec<u8>),
}

impl Tape {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared { segment, from, to } => segment.tape(*from, *to),
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Batch {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records
    }

    /// How many bytes of data and keys there are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The records, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = StoredRecord<'_>> {
        self.pieces.iter().flat_map(move |piece| {
            let (mut tape, mut next) = (piece.tape.bytes(), piece.first);
            std::iter::from_fn(move || {
                let (header, partition_key, data) = take_record(&mut tape)?;
                let index = next;
                next += 1;
                let micros = piece.base.as_micros() + header.micros_after_base;
                let arrival = Timestamp::from_micros(micros);
                Some(StoredRecord {
                    sequence_number: SequenceNumber {
                        shard_created_seconds: self.shard_created_seconds,
                        index,
                        seconds: arrival.as_seconds().max(self.shard_created_seconds),
                        shard: self.shard,
                    },
                    arrival,
                    partition_key,
                    data,
                    encryption: header.encryption,
                })
            })
        })
    }
}

/// A record as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredRecord<'a> {
    pub(crate) sequence_number: SequenceNumber,
    pub(crate) arrival: Timestamp,
    pub(crate) partition_key: Option<KeptText<'a>>,
    pub(crate) data: &'a [u8],
    pub(crate) encryption: EncryptionType,
}

impl StoredRecord<'_> {
    /// Data and key.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.map_or(0, KeptText::len)
    }
}
