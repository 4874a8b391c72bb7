//! A shard's records, in the order in which they arrived.
//!
//! * Drawing a sequence number and storing the record is one step, so order in
//!   the log *is* the order of the numbers, and a reader that has passed an
//!   index will never find a record before it.
//! * Indices are dense and begin at 1: every starting position is arithmetic or a
//!   binary search, and a few records further.
//! * Arrival times never go back within a shard.
//! * Segments that are closed are shared, never changed: readers hold them
//!   without a lock. Trimming drops whole segments and gives their memory back.
//! * A fork shares all segments, so it costs the same for any number of records.
//! * What a put touches lies side by side: two lines of memory, and the end of
//!   the open segment.
//!
//! Knows no clock and no lock: callers pass `now` and hold the shard's lock.

mod batch;
mod block;
mod header;
mod marks;
mod segment;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::model::record::KeptText;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

use super::limits::ShardUsage;
use super::shared_list::SharedList;
use super::watchers::Watchers;

pub(crate) use batch::{Batch, StoredRecord};
use batch::{Piece, Tape};
use block::MAPPED_BYTES_MIN;
use header::Incoming;
use segment::Segment;

/// Room in a segment, in bytes, is a part of what the log holds, so that what is
/// not used yet is little beside what is: half of it in a log that begins, later a
/// sixteenth, and never less or more than a bound. From a size of the log on it is
/// at least what is mapped, for there it takes no memory until it is used.
const SEGMENT_BYTES_MIN: usize = 512;
const SEGMENT_BYTES_OF_SMALL_LOG_MAX: usize = 4 * 1024;
const SEGMENT_BYTES_MAX: usize = 512 * 1024;
const SMALL_LOG_BYTES: usize = 2 * MAPPED_BYTES_MIN;
/// A reader that wants more bytes of the open segment closes it, and so shares
/// what it would have copied; fewer are copied under the shard's lock.
const COPIED_BYTES_MAX: usize = 16 * 1024;
/// For more pieces of a batch than this no room is made beforehand.
const PIECES_EXPECTED_MAX: usize = 32;
/// The end of time.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

/// The log of one shard.
#[derive(Debug)]
pub(crate) struct Log {
    shard: ShardIndex,
    shard_created_seconds: u64,
    /// Index of the oldest record that has not been trimmed.
    start: u64,
    /// When that record arrived; the end of time if there is none. What every
    /// put and read looks at to see that nothing has expired.
    oldest: Timestamp,
    newest: Timestamp,
    open: Segment,
    /// Readers that have read everything and wait for more.
    pub(crate) readers_at_end: Watchers,
    /// What most puts do not touch; not there before there is any.
    rest: Option<Box<Rest>>,
}

/// What a log has besides its open end.
#[derive(Debug, Clone)]
struct Rest {
    closed: SharedList<Arc<Segment>>,
    /// Data and keys in the closed segments, in bytes.
    closed_bytes: usize,
    /// What has been used up of the shard since limits are in force.
    usage: Option<ShardUsage>,
}

impl Rest {
    const fn new() -> Self {
        Self { closed: SharedList::new(), closed_bytes: 0, usage: None }
    }
}

/// What a log of an open segment alone has.
const NO_REST: &Rest = &Rest::new();

impl Log {
    /// An empty log of a shard that was made at a second.
    pub(crate) fn new(shard: ShardIndex, shard_created_seconds: u64) -> Self {
        Self::resumed(shard, shard_created_seconds, 1)
    }

    /// A log that goes on where another one, told record by record, had begun:
    /// its next record has this index.
    pub(crate) fn resumed(shard: ShardIndex, shard_created_seconds: u64, start: u64) -> Self {
        Self {
            shard,
            shard_created_seconds,
            start,
            oldest: NEVER,
            newest: Timestamp::EPOCH,
            open: Segment::starting_at(start),
            readers_at_end: Watchers::default(),
            rest: None,
        }
    }

    fn rest(&self) -> &Rest {
        self.rest.as_deref().unwrap_or(NO_REST)
    }

    fn rest_mut(&mut self) -> &mut Rest {
        self.rest.get_or_insert_with(|| Box::new(Rest::new()))
    }

    /// Lets no record arrive before a time from now on.
    pub(crate) fn not_before(&mut self, time: Timestamp) {
        self.newest = self.newest.max(time);
    }

    /// Another log of the same records, which from here on goes its own way.
    /// Nobody waits at its end. What is open is closed, so that both share it:
    /// no closed segment is looked at, however many there are.
    pub(crate) fn fork(&mut self) -> Self {
        self.close();
        Self {
            shard: self.shard,
            shard_created_seconds: self.shard_created_seconds,
            start: self.start,
            oldest: self.oldest,
            newest: self.newest,
            open: Segment::starting_at(self.end()),
            readers_at_end: Watchers::default(),
            rest: self.rest.clone(),
        }
    }

    /// What has been used up of the shard. Only asked for while limits are on.
    pub(crate) fn usage(&mut self) -> &mut ShardUsage {
        self.rest_mut().usage.get_or_insert_default()
    }

    /// Stores a record and draws its number. A record never arrives before the
    /// one before it, and its number never says so of the shard's making, which
    /// lies a second ahead after a split.
    #[inline]
    pub(crate) fn append(
        &mut self,
        now: Timestamp,
        partition_key: Option<KeptText<'_>>,
        data: &[u8],
        encryption: EncryptionType,
    ) -> SequenceNumber {
        let arrival = now.max(self.newest);
        self.newest = arrival;
        self.oldest = self.oldest.min(arrival);
        let index = self.end();
        let record = Incoming { arrival, partition_key, data, encryption };
        if !self.open.has_room(&record) {
            self.go_on_with_another_segment(&record);
        }
        self.open.push(&record);
        self.sequence_number(index, arrival)
    }

    fn sequence_number(&self, index: u64, arrival: Timestamp) -> SequenceNumber {
        SequenceNumber {
            shard_created_seconds: self.shard_created_seconds,
            index,
            seconds: arrival.as_seconds().max(self.shard_created_seconds),
            shard: self.shard,
        }
    }

    #[cold]
    fn go_on_with_another_segment(&mut self, record: &Incoming<'_>) {
        let head_bytes = self.open.fill(record);
        self.close();
        self.open.begin(record, head_bytes, room_beside(self.rest().closed_bytes));
    }

    /// Closes the open segment, so that it can be shared. The next record begins
    /// another one.
    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let next = Segment::starting_at(self.end());
        let full = std::mem::replace(&mut self.open, next).compact();
        let rest = self.rest_mut();
        rest.closed_bytes += full.stored_bytes();
        rest.closed.push_back(Arc::new(full));
    }

    /// Up to `records_max` records from an index on, and as many as fit into
    /// `bytes_max` of data and keys, but at least one if there is one.
    pub(crate) fn read(&mut self, from: u64, records_max: usize, bytes_max: usize) -> Batch {
        let from = from.clamp(self.start, self.end());
        let mut batch = Batch {
            shard: self.shard,
            shard_created_seconds: self.shard_created_seconds,
            pieces: smallvec::SmallVec::new(),
            records: 0,
            bytes: 0,
            next: from,
        };
        let mut number = self.number_of(from);
        if from < self.end() {
            let pieces = self.rest().closed.len() + 1 - number;
            batch.pieces.reserve_exact(pieces.min(records_max).min(PIECES_EXPECTED_MAX));
        }
        while batch.records < records_max && batch.next < self.end() {
            let segment = self.segment(number);
            let is_divided = segment.begins_divided_at(batch.next);
            let most = if is_divided { 1 } else { records_max - batch.records };
            let bytes_left = bytes_max.saturating_sub(batch.bytes);
            let from = segment.place_of(batch.next);
            let to = segment.fitting(from, most, bytes_left, batch.records == 0);
            if from == to {
                break;
            }
            let (records, bytes) = (to.offset - from.offset, segment.bytes_between(from, to));
            let is_at_segment_end = to.offset == segment.len();
            let base = segment.base;
            let tape = match segment {
                _ if is_divided => Tape::Copied(segment.joined(&self.segment(number - 1))),
                SegmentRef::Closed(shared) => {
                    Tape::Shared { segment: Arc::clone(shared), from, to }
                }
                SegmentRef::Open(_) if bytes > COPIED_BYTES_MAX => {
                    self.close();
                    // The same number again, which a closed segment has now.
                    continue;
                }
                SegmentRef::Open(open) => Tape::Copied(open.tape(from, to).to_vec()),
            };
            batch.pieces.push(Piece { tape, first: batch.next, base });
            batch.records += records;
            batch.bytes += bytes;
            batch.next += records as u64;
            number += usize::from(is_at_segment_end);
        }
        batch
    }

    /// Data and keys of the records, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rest().closed_bytes + self.open.stored_bytes()
    }

    /// What records take of mapped memory, which no allocator knows of.
    #[cfg(feature = "measure")]
    pub(crate) fn mapped_bytes(&self) -> usize {
        let segments = (0..=self.rest().closed.len()).map(|number| self.segment(number));
        segments.map(|segment| segment.mapped_bytes()).sum()
    }

    /// When the newest record arrived that there ever was.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Index of the oldest readable record.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Index that the next record will have.
    pub(crate) fn end(&self) -> u64 {
        self.open.end()
    }

    /// When the record at an index arrived; `None` at the end of the log.
    pub(crate) fn arrival_at(&self, index: u64) -> Option<Timestamp> {
        (self.start..self.end()).contains(&index).then(|| {
            let segment = self.segment(self.number_of(index));
            segment.arrival(segment.place_of(index))
        })
    }

    /// The number of the record at an index; `None` if there is none.
    pub(crate) fn sequence_number_at(&self, index: u64) -> Option<SequenceNumber> {
        self.arrival_at(index).map(|arrival| self.sequence_number(index, arrival))
    }

    /// Index of the first record that arrived at a time or later.
    pub(crate) fn index_at(&self, time: Timestamp) -> u64 {
        if !self.open.is_empty() && self.open.base < time {
            return self.open.index_at(time).max(self.start);
        }
        let closed = &self.rest().closed;
        let begun_earlier = closed.partition_point(|segment| segment.base < time);
        let last = begun_earlier.checked_sub(1).and_then(|last| closed.get(last));
        last.map_or(self.start, |segment| segment.index_at(time).max(self.start))
    }

    /// Forgets records that arrived before a time.
    #[inline]
    pub(crate) fn trim(&mut self, horizon: Timestamp) {
        if self.oldest < horizon {
            self.forget_before(horizon);
        }
    }

    #[cold]
    fn forget_before(&mut self, horizon: Timestamp) {
        self.start = self.index_at(horizon);
        self.oldest = self.arrival_at(self.start).unwrap_or(NEVER);
        while self.rest().closed.front().is_some_and(|oldest| oldest.end() <= self.start)
            && !self.segment(1).begins_divided_at(self.start)
        {
            let rest = self.rest_mut();
            let expired = rest.closed.pop_front().expect("there is an oldest one");
            rest.closed_bytes -= expired.stored_bytes();
        }
        if self.start == self.end() {
            self.open = Segment::starting_at(self.start);
            self.rest.take_if(|rest| rest.usage.is_none());
        }
    }

    /// How many closed segments there are before the one that has an index.
    fn number_of(&self, index: u64) -> usize {
        let closed = &self.rest().closed;
        if index >= self.open.first {
            return closed.len();
        }
        closed.partition_point(|segment| segment.first <= index) - 1
    }

    /// The segment after so many closed ones.
    fn segment(&self, number: usize) -> SegmentRef<'_> {
        self.rest().closed.get(number).map_or(SegmentRef::Open(&self.open), SegmentRef::Closed)
    }
}

/// Where a segment stands: shared, or still growing.
enum SegmentRef<'a> {
    Closed(&'a Arc<Segment>),
    Open(&'a Segment),
}

impl std::ops::Deref for SegmentRef<'_> {
    type Target = Segment;
    fn deref(&self) -> &Segment {
        match self {
            Self::Closed(shared) => shared,
            Self::Open(open) => open,
        }
    }
}

/// How many bytes of room a new segment has in a log of so many bytes.
fn room_beside(log_bytes: usize) -> usize {
    let beginning = (log_bytes / 2).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_OF_SMALL_LOG_MAX);
    let least = if log_bytes < SMALL_LOG_BYTES { beginning } else { MAPPED_BYTES_MIN };
    // Allocators have blocks of these sizes.
    least.max(log_bytes / 16).min(SEGMENT_BYTES_MAX).next_power_of_two()
}
