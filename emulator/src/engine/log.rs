//! A shard's records, in the order in which they arrived.
//!
//! * Drawing a sequence number and storing the record is one step, so order in
//!   the log *is* the order of the numbers, and a reader that has passed an
//!   index will never find a record before it.
//! * Indices are dense and begin at 1: a record's index is its place, so every
//!   starting position is arithmetic or one binary search by arrival time.
//! * Arrival times never go back within a shard.
//! * Segments that are closed are shared, never changed: readers hold them
//!   without a lock. Trimming drops whole segments and gives their memory back.
//! * A fork shares all segments, so it costs the same for any number of records.
//!
//! Knows no clock and no lock: callers pass `now` and hold the shard's lock.

use std::ops::Range;
use std::sync::Arc;

use crate::model::record::KeptText;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

use super::limits::ShardUsage;
use super::shared_list::SharedList;
use super::watchers::Watchers;

/// Room for data and keys in a segment, in bytes, is a part of what the log
/// holds, so that what is not used yet is little beside what is: a fourth in a
/// log that begins, later a sixteenth, and never less or more than a bound.
const SEGMENT_BYTES_MIN: usize = 512;
const SEGMENT_BYTES_OF_SMALL_LOG_MAX: usize = 4 * 1024;
const SEGMENT_BYTES_MAX: usize = 512 * 1024;
/// A segment is closed when it holds this many records, however small they are.
const SEGMENT_RECORDS_MAX: usize = 8192;
/// So large are the records that a new segment expects at least.
const SMALL_RECORD_BYTES: usize = 32;
/// A record as large as this begins in what is left of a segment and goes on in
/// the next one, for what it would leave unused is much. A reader gets a copy of
/// it; smaller ones are in one segment each, and are never copied once it is
/// closed.
const LARGE_RECORD_BYTES: usize = 1024;
/// What an allocator may keep beside a block, so that block and this fill pages.
const BYTES_BESIDE_BLOCK: usize = 32;
/// A reader that wants more bytes of the open segment closes it, and so shares
/// what it would have copied; fewer are copied under the shard's lock.
const COPIED_BYTES_MAX: usize = 16 * 1024;
/// For more pieces of a batch than this no room is made beforehand.
const PIECES_EXPECTED_MAX: usize = 32;

/// The log of one shard.
#[derive(Debug)]
pub(crate) struct Log {
    shard: ShardIndex,
    shard_created_seconds: u64,
    closed: SharedList<Arc<Segment>>,
    /// Data and keys in the closed segments, in bytes.
    closed_bytes: usize,
    open: Segment,
    /// Index of the oldest record that has not been trimmed.
    start: u64,
    /// When that record arrived; the end of time if there is none. What every
    /// put and read looks at to see that nothing has expired.
    oldest: Timestamp,
    newest: Timestamp,
    /// Readers that have read everything and wait for more.
    pub(crate) readers_at_end: Watchers,
    /// What has been used up of the shard since limits are in force.
    usage: Option<Box<ShardUsage>>,
}

impl Log {
    /// An empty log of a shard that was made at a second.
    pub(crate) fn new(shard: ShardIndex, shard_created_seconds: u64) -> Self {
        Self {
            shard,
            shard_created_seconds,
            closed: SharedList::new(),
            closed_bytes: 0,
            open: Segment::starting_at(1),
            start: 1,
            oldest: NEVER,
            newest: Timestamp::EPOCH,
            readers_at_end: Watchers::default(),
            usage: None,
        }
    }

    /// A log that goes on where another one, told record by record, had begun:
    /// its next record has this index.
    pub(crate) fn resumed(shard: ShardIndex, shard_created_seconds: u64, start: u64) -> Self {
        let open = Segment::starting_at(start);
        Self { open, start, ..Self::new(shard, shard_created_seconds) }
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
            closed: self.closed.clone(),
            closed_bytes: self.closed_bytes,
            open: Segment::starting_at(self.end()),
            start: self.start,
            oldest: self.oldest,
            newest: self.newest,
            readers_at_end: Watchers::default(),
            usage: self.usage.clone(),
        }
    }

    /// What has been used up of the shard. Only asked for while limits are on.
    pub(crate) fn usage(&mut self) -> &mut ShardUsage {
        self.usage.get_or_insert_default()
    }

    /// Stores a record and draws its number. A record never arrives before the
    /// one before it, and its number never says so of the shard's making, which
    /// lies a second ahead after a split.
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
            let head_bytes = self.open.fill(&record);
            self.close();
            self.open.begin(&record, head_bytes, self.closed_bytes);
        }
        self.open.push(&record);
        SequenceNumber {
            shard_created_seconds: self.shard_created_seconds,
            index,
            seconds: arrival.as_seconds().max(self.shard_created_seconds),
            shard: self.shard,
        }
    }

    /// Closes the open segment, so that it can be shared. The next record begins
    /// another one.
    fn close(&mut self) {
        if self.open.entries.is_empty() {
            return;
        }
        let next = Segment::starting_at(self.end());
        let full = std::mem::replace(&mut self.open, next).compact();
        self.closed_bytes += full.bytes.len();
        self.closed.push_back(Arc::new(full));
    }

    /// Up to `records_max` records from an index on, and as many as fit into
    /// `bytes_max` of data and keys, but at least one if there is one.
    pub(crate) fn read(&mut self, from: u64, records_max: usize, bytes_max: usize) -> Batch {
        let from = from.clamp(self.start, self.end());
        let mut batch = Batch {
            shard: self.shard,
            shard_created_seconds: self.shard_created_seconds,
            pieces: Vec::new(),
            records: 0,
            bytes: 0,
            next: from,
        };
        let mut bytes_left = bytes_max;
        let mut place = self.place_of(from);
        let pieces = if from < self.end() { self.closed.len() + 1 - place } else { 0 };
        batch.pieces.reserve_exact(pieces.min(records_max).min(PIECES_EXPECTED_MAX));
        while batch.records < records_max && batch.next < self.end() {
            let segment = self.segment_at(place);
            let first = segment.offset_of(batch.next);
            let is_divided = segment.begins_divided_at(batch.next);
            let most = if is_divided { 1 } else { records_max - batch.records };
            let wanted = first..segment.entries.len().min(first.saturating_add(most));
            let taken = segment.fitting(wanted, bytes_left, batch.records == 0);
            if taken.is_empty() {
                break;
            }
            let bytes = segment.bytes_of(&taken);
            let is_at_segment_end = taken.end == segment.entries.len();
            let piece = match segment {
                _ if is_divided => (Arc::new(segment.joined(&self.segment_at(place - 1))), 0..1),
                SegmentRef::Closed(shared) => (Arc::clone(shared), taken.clone()),
                SegmentRef::Open(_) if bytes > COPIED_BYTES_MAX => {
                    self.close();
                    // The same place again, where there is a closed segment now.
                    continue;
                }
                SegmentRef::Open(open) => (Arc::new(open.slice(&taken)), 0..taken.len()),
            };
            place += usize::from(is_at_segment_end);
            batch.pieces.push(piece);
            batch.records += taken.len();
            batch.bytes += bytes;
            batch.next += taken.len() as u64;
            bytes_left = bytes_left.saturating_sub(bytes);
        }
        batch
    }

    /// Data and keys of the records, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.closed_bytes + self.open.bytes.len()
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
        self.open.first + self.open.entries.len() as u64
    }

    /// When the record at an index arrived; `None` at the end of the log.
    pub(crate) fn arrival_at(&self, index: u64) -> Option<Timestamp> {
        (self.start..self.end()).contains(&index).then(|| {
            let segment = self.segment_of(index);
            segment.arrival(segment.offset_of(index))
        })
    }

    /// Index of the first record that arrived at a time or later.
    pub(crate) fn index_at(&self, time: Timestamp) -> u64 {
        let segment = if !self.open.entries.is_empty() && self.open.base < time {
            &self.open
        } else {
            let begun_earlier = self.closed.partition_point(|segment| segment.base < time);
            match begun_earlier.checked_sub(1).and_then(|last| self.closed.get(last)) {
                Some(last) => last,
                None => return self.start,
            }
        };
        let millis = segment.millis_after_base(time);
        let earlier = |entry: &Entry| u64::from(entry.millis_after_base) < millis;
        let within = segment.entries.partition_point(earlier);
        (segment.first + within as u64).max(self.start)
    }

    /// Forgets records that arrived before a time.
    pub(crate) fn trim(&mut self, horizon: Timestamp) {
        if self.oldest >= horizon {
            return;
        }
        self.start = self.index_at(horizon);
        self.oldest = self.arrival_at(self.start).unwrap_or(NEVER);
        while self.closed.front().is_some_and(|oldest| oldest.end() <= self.start)
            && !self.segment_at(1).begins_divided_at(self.start)
            && let Some(expired) = self.closed.pop_front()
        {
            self.closed_bytes -= expired.bytes.len();
        }
        if self.start == self.end() {
            self.open = Segment::starting_at(self.start);
        }
    }

    fn segment_of(&self, index: u64) -> SegmentRef<'_> {
        self.segment_at(self.place_of(index))
    }

    /// How many closed segments there are before the one that has an index.
    fn place_of(&self, index: u64) -> usize {
        if index >= self.open.first {
            return self.closed.len();
        }
        self.closed.partition_point(|segment| segment.first <= index) - 1
    }

    /// The segment after so many closed ones.
    fn segment_at(&self, place: usize) -> SegmentRef<'_> {
        self.closed.get(place).map_or(SegmentRef::Open(&self.open), SegmentRef::Closed)
    }
}

/// Records read from a log: segments shared with it, and a copy of what was
/// taken from its open end and of records in two segments. Held without any lock.
#[derive(Debug)]
pub(crate) struct Batch {
    shard: ShardIndex,
    shard_created_seconds: u64,
    pieces: Vec<(Arc<Segment>, Range<usize>)>,
    records: usize,
    /// Data and keys of the records.
    bytes: usize,
    /// Index of the first record that was not taken.
    pub(crate) next: u64,
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
        self.pieces.iter().flat_map(move |(segment, range)| {
            range.clone().map(move |offset| {
                let arrival = segment.arrival(offset);
                let (partition_key, data) = segment.key_and_data(offset);
                StoredRecord {
                    sequence_number: SequenceNumber {
                        shard_created_seconds: self.shard_created_seconds,
                        index: segment.first + offset as u64,
                        seconds: arrival.as_seconds().max(self.shard_created_seconds),
                        shard: self.shard,
                    },
                    arrival,
                    partition_key,
                    data,
                    encryption: segment.entries[offset].encryption,
                }
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

/// A record on its way into the log.
#[derive(Debug, Clone, Copy)]
struct Incoming<'a> {
    arrival: Timestamp,
    partition_key: Option<KeptText<'a>>,
    data: &'a [u8],
    encryption: EncryptionType,
}

impl<'a> Incoming<'a> {
    /// Data and key.
    fn bytes(&self) -> usize {
        self.key().len() + self.data.len()
    }

    fn key(&self) -> &'a [u8] {
        self.partition_key.unwrap_or_default().as_bytes()
    }

    /// Key and data without the first so many bytes.
    fn after(&self, head_bytes: usize) -> [&'a [u8]; 2] {
        let of_key = head_bytes.min(self.key().len());
        [&self.key()[of_key..], &self.data[head_bytes - of_key..]]
    }
}

/// Consecutive records: their bytes, and what is known of each beside.
#[derive(Debug)]
struct Segment {
    /// Index of the first record.
    first: u64,
    /// When the first record arrived.
    base: Timestamp,
    /// So many bytes of the first record are the last ones of the segment before.
    head_bytes: u32,
    /// Key and data of each record in turn. Never grows: there is room for all
    /// from the beginning.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// What is known of a record beside its bytes, which begin where those of the
/// record before end: 12 bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    millis_after_base: u32,
    /// Where the record ends, counted from where the segment's first one begins.
    end: u32,
    /// How long the key is, in bytes; data follows.
    key_bytes: u16,
    has_partition_key: bool,
    encryption: EncryptionType,
}

/// How many bytes of room a new segment has in a log of so many bytes.
fn room_beside(log_bytes: usize) -> usize {
    let beginning = (log_bytes / 4).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_OF_SMALL_LOG_MAX);
    // Allocators have blocks of these sizes.
    beginning.max(log_bytes / 16).min(SEGMENT_BYTES_MAX).next_power_of_two()
}

/// So many bytes, or the few more with which a block is as large as allocators
/// have them, four sizes between one power of two and the next.
fn block_bytes(wanted: usize) -> usize {
    let block = wanted + BYTES_BESIDE_BLOCK;
    block.next_multiple_of(block.next_power_of_two() / 8) - BYTES_BESIDE_BLOCK
}

/// The end of time.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

impl Segment {
    /// A segment that takes no memory until its first record comes.
    fn starting_at(first: u64) -> Self {
        let base = Timestamp::EPOCH;
        Self { first, base, head_bytes: 0, bytes: Vec::new(), entries: Vec::new() }
    }

    /// Makes room for the first record, of which so many bytes are in the segment
    /// before, and for those after it.
    fn begin(&mut self, record: &Incoming<'_>, head_bytes: usize, log_bytes: usize) {
        self.base = record.arrival;
        self.head_bytes = u32::try_from(head_bytes).expect("a record has at most 10 MiB");
        let (room, own_bytes) = (room_beside(log_bytes), record.bytes() - head_bytes);
        let capacity = if record.bytes() < LARGE_RECORD_BYTES {
            // For whole records, of which most streams have equal ones: then there is
            // nothing to give back when the segment is closed.
            (room - room % record.bytes().max(1)).max(own_bytes)
        } else {
            block_bytes(own_bytes.max(room - BYTES_BESIDE_BLOCK))
        };
        self.bytes.reserve_exact(capacity);
        let expected = (capacity + head_bytes) / record.bytes().max(SMALL_RECORD_BYTES);
        self.entries.reserve_exact(expected.clamp(1, SEGMENT_RECORDS_MAX));
    }

    /// Whether a record can be added.
    fn has_room(&self, record: &Incoming<'_>) -> bool {
        record.bytes() <= self.room_bytes()
            && self.entries.len() < SEGMENT_RECORDS_MAX
            && self.millis_after_base(record.arrival) <= u32::MAX.into()
    }

    /// Room that nothing is in yet.
    fn room_bytes(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Takes as much of the beginning of a large record as there is room for, if
    /// that is not all of it. Returns how many bytes.
    fn fill(&mut self, record: &Incoming<'_>) -> usize {
        let room = self.room_bytes();
        if record.bytes() < LARGE_RECORD_BYTES || record.bytes() <= room {
            return 0;
        }
        for part in record.after(0) {
            let head = &part[..part.len().min(self.room_bytes())];
            self.bytes.extend_from_slice(head);
        }
        room
    }

    fn push(&mut self, record: &Incoming<'_>) {
        let elsewhere = if self.entries.is_empty() { self.head_bytes as usize } else { 0 };
        for part in record.after(elsewhere) {
            self.bytes.extend_from_slice(part);
        }
        let millis = u32::try_from(self.millis_after_base(record.arrival));
        let end = u32::try_from(self.head_bytes as usize + self.bytes.len());
        let key_bytes = u16::try_from(record.key().len());
        self.entries.push(Entry {
            millis_after_base: millis.expect("a segment covers at most 49 days"),
            end: end.expect("a segment has hardly more than 512 KiB, or one record"),
            key_bytes: key_bytes.expect("a key is at most 256 UTF-16 units"),
            has_partition_key: record.partition_key.is_some(),
            encryption: record.encryption,
        });
    }

    /// The same records in hardly more memory than they need.
    fn compact(mut self) -> Self {
        fn shrink<T>(list: &mut Vec<T>) {
            if list.capacity() - list.len() > list.len() / 32 {
                list.shrink_to_fit();
            }
        }
        shrink(&mut self.bytes);
        shrink(&mut self.entries);
        self
    }

    /// Index after the last record.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn arrival(&self, offset: usize) -> Timestamp {
        let millis = self.entries[offset].millis_after_base;
        Timestamp::from_millis(self.base.as_millis() + u64::from(millis))
    }

    /// How long after the first record a time is; zero before it.
    fn millis_after_base(&self, time: Timestamp) -> u64 {
        time.as_millis().saturating_sub(self.base.as_millis())
    }

    fn offset_of(&self, index: u64) -> usize {
        assert!((self.first..self.end()).contains(&index), "an index is looked up in its segment");
        (index - self.first) as usize
    }

    /// Where a record begins, counted from where the first one does; those after
    /// the last one, where that ends.
    fn bytes_before(&self, offset: usize) -> usize {
        offset.checked_sub(1).map_or(0, |before| self.entries[before].end as usize)
    }

    /// Whether the record at an index is the first one and begins in the segment
    /// before.
    fn begins_divided_at(&self, index: u64) -> bool {
        self.head_bytes > 0 && self.first == index
    }

    /// A copy of the first record, which begins in the segment before.
    fn joined(&self, before: &Self) -> Self {
        let head = &before.bytes[before.bytes.len() - self.head_bytes as usize..];
        let bytes = [head, self.bytes_in(&(0..1))].concat();
        let Self { first, base, .. } = *self;
        Self { first, base, head_bytes: 0, bytes, entries: vec![self.entries[0]] }
    }

    /// What some of the records have of the segment's bytes.
    fn bytes_in(&self, range: &Range<usize>) -> &[u8] {
        let place = |end: usize| end.saturating_sub(self.head_bytes as usize);
        &self.bytes[place(self.bytes_before(range.start))..place(self.bytes_before(range.end))]
    }

    /// As much of a range as fits into so many bytes; with `first`, at least one
    /// record.
    fn fitting(&self, range: Range<usize>, bytes_max: usize, first: bool) -> Range<usize> {
        let bytes_end = self.bytes_before(range.start).saturating_add(bytes_max);
        let fits = |entry: &Entry| entry.end as usize <= bytes_end;
        let count = self.entries[range.clone()].partition_point(fits);
        let count = if first { count.max(1).min(range.len()) } else { count };
        range.start..range.start + count
    }

    /// How many bytes some of the records have.
    fn bytes_of(&self, range: &Range<usize>) -> usize {
        self.bytes_before(range.end) - self.bytes_before(range.start)
    }

    /// A copy of some of the records, all of which begin here.
    fn slice(&self, range: &Range<usize>) -> Self {
        let before = self.bytes_before(range.start) as u32;
        let taken = self.entries[range.clone()].iter();
        Self {
            first: self.first + range.start as u64,
            base: self.base,
            head_bytes: 0,
            bytes: self.bytes_in(range).to_vec(),
            entries: taken.map(|entry| Entry { end: entry.end - before, ..*entry }).collect(),
        }
    }

    /// Of a record that begins here.
    fn key_and_data(&self, offset: usize) -> (Option<KeptText<'_>>, &[u8]) {
        debug_assert!(offset > 0 || self.head_bytes == 0, "a record in two segments is joined");
        let entry = &self.entries[offset];
        let bytes = self.bytes_in(&(offset..offset + 1));
        let (key, data) = bytes.split_at(entry.key_bytes.into());
        (entry.has_partition_key.then(|| KeptText::of_kept(key)), data)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CREATED: u64 = 1_700_000_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(CREATED * 1000 + millis)
    }

    fn log_of(arrivals: &[u64], data_bytes: usize) -> Log {
        let mut log = Log::new(ShardIndex::new(3), CREATED);
        for (nth, arrival) in arrivals.iter().enumerate() {
            let data = vec![nth as u8; data_bytes];
            log.append(
                at(*arrival),
                Some(format!("key-{nth}").as_str().into()),
                &data,
                EncryptionType::None,
            );
        }
        log
    }

    fn all(log: &mut Log) -> Vec<u64> {
        log.read(0, usize::MAX, usize::MAX).iter().map(|r| r.sequence_number.index).collect()
    }

    #[test]
    fn numbers_rise_and_lie_above_the_shards_own() {
        let mut log = Log::new(ShardIndex::new(3), CREATED);
        let start = SequenceNumber {
            shard_created_seconds: CREATED,
            index: 0,
            seconds: CREATED,
            shard: ShardIndex::new(3),
        };
        let first = log.append(at(0), None, b"", EncryptionType::None);
        let second = log.append(at(0), None, b"", EncryptionType::None);
        assert!(start < first && first < second);
    }

    #[test]
    fn arrival_never_goes_back_even_if_the_clock_does() {
        let mut log = Log::new(ShardIndex::new(0), CREATED);
        log.append(at(500), None, b"a", EncryptionType::None);
        log.append(at(100), None, b"b", EncryptionType::None);
        assert_eq!(log.arrival_at(2), Some(at(500)));
    }

    #[test]
    fn a_read_stops_at_the_byte_limit_but_returns_at_least_one_record() {
        let mut log = log_of(&[0; 10], 1000);
        assert_eq!(log.read(1, 100, 1).len(), 1);
        assert_eq!(log.read(1, 100, 2 * 1005).len(), 2);
        assert_eq!(log.read(1, 100, 2 * 1005 + 1004).len(), 2);
        assert_eq!(log.read(1, 3, usize::MAX).len(), 3);
        assert_eq!(log.read(11, 3, usize::MAX).len(), 0);
    }

    #[test]
    fn trimming_gives_whole_segments_back() {
        let mut log = log_of(&(0..5000).collect::<Vec<_>>(), 100);
        assert!(log.closed.len() > 4);
        log.trim(at(4000));
        assert_eq!(log.start(), 4001);
        assert!(log.closed.front().is_some_and(|segment| segment.end() > 4001));
        log.trim(at(9000));
        assert_eq!((log.start(), log.end()), (5001, 5001));
        assert!(log.closed.len() == 0 && log.open.room_bytes() == 0);
        assert_eq!(log.append(at(9000), None, b"", EncryptionType::None).index, 5001);
    }

    #[test]
    fn a_batch_outlives_the_trimming_of_its_records() {
        let mut log = log_of(&(0..3000).collect::<Vec<_>>(), 100);
        let batch = log.read(1, usize::MAX, usize::MAX);
        log.trim(at(10_000));
        assert_eq!(batch.iter().count(), 3000);
        assert_eq!(
            batch.iter().last().unwrap().partition_key.map(KeptText::as_str),
            Some("key-2999")
        );
    }

    #[test]
    fn a_fork_shares_all_bytes_and_nobody_waits_at_its_end() {
        let mut log = log_of(&[0], 1000);
        drop(log.readers_at_end.register(1, std::task::Waker::noop()));
        let mut fork = log.fork();
        let shared = Arc::clone(log.closed.front().unwrap());
        for log in [&log, &fork] {
            assert!(Arc::ptr_eq(log.closed.front().unwrap(), &shared));
            assert_eq!((log.closed.len(), log.open.entries.len()), (1, 0));
        }
        assert_eq!((log.readers_at_end.take().count(), fork.readers_at_end.take().count()), (1, 0));
        log.fork();
        assert_eq!(log.closed.len(), 1, "what is empty is not closed");
    }

    #[test]
    fn a_large_record_takes_little_beside_its_bytes() {
        for data_bytes in [LARGE_RECORD_BYTES, 3000, 10 * 1024, 100_000] {
            let log = log_of(&[0; 2000], data_bytes);
            let closed = (0..log.closed.len()).filter_map(|place| log.closed.get(place));
            let beside = |segment: &Segment| {
                let entries = segment.entries.capacity() * size_of::<Entry>();
                size_of::<Segment>() + entries + segment.room_bytes()
            };
            let records = log.open.first as usize - 1;
            let beside: usize = closed.map(|segment| beside(segment)).sum();
            assert!(beside <= records * 40, "{beside} beside {records} of {data_bytes}");
        }
    }

    #[test]
    fn a_record_in_two_segments_is_read_whole_for_as_long_as_it_is_kept() {
        let arrivals: Vec<_> = (0..100).collect();
        let whole = log_of(&arrivals, 5000).read(1, 100, usize::MAX);
        let expected: Vec<_> = whole.iter().collect();
        let mut log = log_of(&arrivals, 5000);
        let divided = (0..log.closed.len()).filter(|place| log.segment_at(*place).head_bytes > 0);
        assert!(divided.count() > 10);
        for oldest in 1..=100 {
            log.trim(at(oldest - 1));
            let left = log.read(1, 100, usize::MAX);
            assert!(left.iter().eq(expected[oldest as usize - 1..].iter().cloned()));
            assert_eq!(log.read(oldest, 1, usize::MAX).iter().next(), left.iter().next());
            assert_eq!(log.fork().read(oldest, 1, 1).iter().next(), left.iter().next());
        }
        log.trim(at(100));
        assert_eq!((log.bytes(), log.closed.len()), (0, 0));
    }

    #[test]
    fn what_is_not_used_of_a_segment_is_a_small_part_of_the_log() {
        for data_bytes in [20, 100, 1000, 10 * 1024] {
            let mut log = Log::new(ShardIndex::new(0), CREATED);
            let record = vec![0; data_bytes];
            for count in 1..20_000 {
                log.append(at(0), None, &record, EncryptionType::None);
                let stored = count * data_bytes;
                let unused = log.open.room_bytes();
                let bound = (stored / 2).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_OF_SMALL_LOG_MAX);
                assert!(unused <= bound.max(stored / 8), "{unused} beside {stored}");
            }
            for segment in (0..log.closed.len()).filter_map(|place| log.closed.get(place)) {
                assert!(segment.room_bytes() <= segment.bytes.len() / 32);
            }
            assert_eq!(log.closed_bytes + log.open.bytes.len(), 19_999 * data_bytes);
            log.trim(at(1));
            assert_eq!((log.closed_bytes, log.open.room_bytes()), (0, 0));
        }
    }

    #[test]
    fn many_readers_of_much_that_is_open_share_it() {
        let mut log = log_of(&(0..20_000).collect::<Vec<_>>(), 100);
        log.close();
        while log.open.bytes.len() <= COPIED_BYTES_MAX {
            log.append(at(20_000), None, &[7; 100], EncryptionType::None);
        }
        let (few, all) = (log.end() - 2, log.open.first);
        assert_eq!(log.read(few, usize::MAX, usize::MAX).len(), 2);
        assert!(!log.open.entries.is_empty(), "little is copied");
        let [one, other] = [(); 2].map(|()| log.read(all, usize::MAX, usize::MAX));
        assert!(Arc::ptr_eq(&one.pieces[0].0, &other.pieces[0].0));
        assert_eq!((one.len(), one.next), ((log.end() - all) as usize, log.end()));
        log.append(at(20_000), None, b"", EncryptionType::None);
        assert_eq!(log.read(one.next, usize::MAX, usize::MAX).len(), 1);
    }

    #[test]
    fn records_may_be_apart_for_longer_than_a_segment_covers() {
        const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;
        let arrivals: Vec<_> = (0..5).flat_map(|year| [year * YEAR, year * YEAR + 1]).collect();
        let mut log = log_of(&arrivals, 10);
        let batch = log.read(0, usize::MAX, usize::MAX);
        let read: Vec<_> = batch.iter().map(|record| record.arrival).collect();
        assert_eq!(read, arrivals.iter().copied().map(at).collect::<Vec<_>>());
        assert_eq!(log.index_at(at(2 * YEAR + 1)), 6);
        assert_eq!(log.index_at(at(2 * YEAR + 2)), 7);
    }

    /// What can happen to a log, for the laws of forks.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Append {
            records: usize,
            data_bytes: usize,
        },
        Trim {
            millis_ago: u64,
        },
        /// The fork is kept and never touched again.
        Fork,
        /// The fork goes on in the log's place; the log is kept.
        ForkAndSwitch,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1usize..300, 0usize..2000)
                .prop_map(|(records, data_bytes)| Step::Append { records, data_bytes }),
            2 => (0u64..1500).prop_map(|millis_ago| Step::Trim { millis_ago }),
            2 => Just(Step::Fork),
            1 => Just(Step::ForkAndSwitch),
        ]
    }

    type Read = Vec<(u64, Timestamp, Vec<u8>)>;

    /// All that can be read of a log, by every way to read.
    fn everything(log: &mut Log) -> (u64, u64, Read) {
        let mut found = Read::new();
        let mut next = 0;
        loop {
            let batch = log.read(next, 97, 100_000);
            for record in batch.iter() {
                let index = record.sequence_number.index;
                assert_eq!(log.arrival_at(index), Some(record.arrival));
                found.push((index, record.arrival, record.data.to_vec()));
            }
            next = batch.next;
            if batch.len() == 0 {
                break;
            }
        }
        for (_, arrival, _) in found.iter().step_by(50) {
            let first = found.iter().find(|(_, other, _)| other >= arrival).unwrap().0;
            assert_eq!(log.index_at(*arrival), first);
        }
        (log.start(), log.end(), found)
    }

    proptest! {
        #[test]
        fn forks_at_any_moments_change_nothing_of_what_is_read_and_never_change_themselves(
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let mut plain = Log::new(ShardIndex::new(3), CREATED);
            let mut forked = Log::new(ShardIndex::new(3), CREATED);
            let mut kept = Vec::new();
            let mut millis = 0;
            for step in steps {
                match step {
                    Step::Append { records, data_bytes } => for _ in 0..records {
                        millis += 7;
                        let data = vec![millis as u8; data_bytes];
                        let number = plain.append(at(millis), None, &data, EncryptionType::None);
                        prop_assert_eq!(number, forked.append(at(millis), None, &data, EncryptionType::None));
                    },
                    Step::Trim { millis_ago } => {
                        let horizon = at(millis.saturating_sub(millis_ago));
                        plain.trim(horizon);
                        forked.trim(horizon);
                    }
                    Step::Fork => {
                        let fork = forked.fork();
                        kept.push((fork, everything(&mut plain)));
                    }
                    Step::ForkAndSwitch => {
                        let fork = forked.fork();
                        kept.push((std::mem::replace(&mut forked, fork), everything(&mut plain)));
                    }
                }
            }
            prop_assert_eq!(everything(&mut forked), everything(&mut plain));
            prop_assert_eq!(forked.newest(), plain.newest());
            for (mut log, expected) in kept {
                prop_assert_eq!(everything(&mut log), expected);
            }
        }

        #[test]
        fn what_is_appended_is_read_back_in_pages_of_any_size(
            sizes in prop::collection::vec(0usize..40_000, 0..60),
            page in 1usize..20,
        ) {
            let mut log = Log::new(ShardIndex::new(0), CREATED);
            let mut expected = Vec::new();
            for (nth, size) in sizes.iter().enumerate() {
                let data = vec![nth as u8; *size];
                let key = (nth % 3 != 0).then(|| format!("k{nth}"));
                let number = log.append(at(nth as u64), key.as_deref().map(Into::into), &data, EncryptionType::Kms);
                expected.push((number, key, data));
            }
            let mut read = Vec::new();
            let mut next = 0;
            loop {
                let batch = log.read(next, page, 100_000);
                read.extend(batch.iter().map(|r| (r.sequence_number, r.partition_key.map(|key| key.as_str().to_owned()), r.data.to_vec())));
                next = batch.next;
                if batch.len() == 0 { break; }
            }
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn a_time_finds_the_first_record_that_is_not_older(
            mut arrivals in prop::collection::vec(0u64..200, 0..3000),
            time in 0u64..220,
            trimmed in 0u64..200,
        ) {
            arrivals.sort_unstable();
            let mut log = log_of(&arrivals, 40);
            log.trim(at(trimmed));
            let expected = arrivals.iter().position(|arrival| *arrival >= time.max(trimmed)).unwrap_or(arrivals.len());
            prop_assert_eq!(log.index_at(at(time)), expected as u64 + 1);
            let kept = arrivals.iter().filter(|arrival| **arrival >= trimmed).count();
            prop_assert_eq!(all(&mut log).len(), kept);
        }
    }
}
