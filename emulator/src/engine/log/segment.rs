//! Consecutive records in one block: of each what is known, its key and its data,
//! one after the other.
//!
//! A record's place in the block is found from a *mark*, of which there is one for
//! every few records, and from how long each record after it is. So a put writes
//! to one place in memory, and a reader reads from one.

use crate::model::timestamp::Timestamp;

use super::block::{Block, MAPPED_BYTES_MIN, PAGE_BYTES};
use super::header::{Header, Incoming, MICROS_MAX};
use super::marks::{MARK_EVERY, Mark, Marks, UNMARKED_MAX};

/// A segment is closed when it holds this many records, however small they are.
pub(super) const RECORDS_MAX: usize = 8192;
/// A record as large as this begins in what is left of a segment and goes on in
/// the next one, for what it would leave unused is much. A reader gets a copy of
/// it; smaller ones are in one segment each, and are never copied once it is
/// closed.
pub(super) const LARGE_RECORD_BYTES: usize = 1024;

/// A record of a segment, or the end of the last one: how many there are before,
/// and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) position: usize,
}

/// Consecutive records.
#[derive(Debug)]
pub(super) struct Segment {
    /// Index of the first record.
    pub(super) first: u64,
    /// When the first record arrived.
    pub(super) base: Timestamp,
    /// Has room for all from the beginning.
    block: Block,
    marks: Marks,
    /// So many bytes of the block are written.
    written: u32,
    records: u32,
    /// So many bytes of the first record are the last ones of the segment before.
    head_bytes: u32,
    /// So many bytes at the end are the first ones of a record in the next segment.
    tail_bytes: u32,
}

impl Segment {
    /// A segment that takes no memory until its first record comes.
    pub(super) fn starting_at(first: u64) -> Self {
        Self {
            first,
            base: Timestamp::EPOCH,
            block: Block::empty(),
            marks: Marks::default(),
            written: 0,
            records: 0,
            head_bytes: 0,
            tail_bytes: 0,
        }
    }

    /// Makes room for the first record, of which so many bytes are in the segment
    /// before, and for those after it: about so many bytes in all.
    pub(super) fn begin(&mut self, record: &Incoming<'_>, head_bytes: usize, room: usize) {
        self.base = record.arrival;
        self.head_bytes = u32::try_from(head_bytes).expect("a record has at most 10 MiB");
        let taken = Header::BYTES + record.bytes();
        let own_bytes = taken - head_bytes;
        // What fills pages has pages of its own.
        let room = if taken < PAGE_BYTES { room } else { room.max(MAPPED_BYTES_MIN) };
        let is_small = room < MAPPED_BYTES_MIN && record.bytes() < LARGE_RECORD_BYTES;
        self.block = Block::of(if is_small {
            // For whole records, of which most streams have equal ones: then there is
            // nothing to give back when the segment is closed.
            (room - room % taken).max(own_bytes)
        } else {
            Block::full_size(own_bytes.max(room))
        });
    }

    /// Whether a record can be added.
    #[inline]
    pub(super) fn has_room(&self, record: &Incoming<'_>) -> bool {
        Header::BYTES + record.bytes() <= self.room_bytes()
            && self.len() < RECORDS_MAX
            && self.micros_after_base(record.arrival) <= MICROS_MAX
    }

    /// Room that nothing is in yet.
    pub(super) fn room_bytes(&self) -> usize {
        self.block.len() - self.written()
    }

    /// What is written takes so many bytes of mapped memory.
    #[cfg(feature = "measure")]
    pub(super) fn mapped_bytes(&self) -> usize {
        self.block.mapped_bytes(self.written())
    }

    /// Room that takes memory, though nothing is in it yet.
    #[cfg(test)]
    pub(super) fn unused_bytes(&self) -> usize {
        match self.block.mapped_bytes(self.written()) {
            0 => self.room_bytes(),
            mapped => mapped - self.written(),
        }
    }

    /// Takes as much of the beginning of a large record as there is room for.
    /// Returns how many bytes.
    pub(super) fn fill(&mut self, record: &Incoming<'_>) -> usize {
        if record.bytes() < LARGE_RECORD_BYTES {
            return 0;
        }
        let before = self.written();
        for part in record.after(0) {
            self.write(&part[..part.len().min(self.room_bytes())]);
        }
        let taken = self.written() - before;
        self.tail_bytes = u32::try_from(taken).expect("a record has at most 10 MiB");
        taken
    }

    /// Adds a record, for which there is room.
    #[inline]
    pub(super) fn push(&mut self, record: &Incoming<'_>) {
        let header = Header::of(record, self.micros_after_base(record.arrival));
        if self.len().is_multiple_of(MARK_EVERY) && self.len() >= UNMARKED_MAX {
            if self.len() == UNMARKED_MAX {
                self.mark_first_records();
            }
            self.mark(self.written(), header.micros_after_base);
        }
        let elsewhere = if self.records == 0 { self.head_bytes as usize } else { 0 };
        self.write(&header.to_bytes());
        for part in record.after(elsewhere) {
            self.write(part);
        }
        self.records += 1;
    }

    /// Marks the records that had none while they were few.
    fn mark_first_records(&mut self) {
        let mut place = Place::START;
        while place.offset + 1 < UNMARKED_MAX {
            place = self.after(place);
            if place.offset.is_multiple_of(MARK_EVERY) {
                self.mark(place.position, self.header(place.position).micros_after_base);
            }
        }
    }

    fn mark(&mut self, position: usize, micros_after_base: u64) {
        self.marks.push(Mark::new(position, micros_after_base), self.block.len());
    }

    /// Writes bytes behind what is written, for which there is room.
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let begin = self.written();
        self.block[begin..begin + bytes.len()].copy_from_slice(bytes);
        self.written += bytes.len() as u32;
    }

    fn written(&self) -> usize {
        self.written as usize
    }

    /// The same records in hardly more memory than they need.
    pub(super) fn compact(mut self) -> Self {
        if self.room_bytes() > self.written() / 32 {
            self.block = self.block.cut(self.written as usize);
        }
        self
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.records as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Index after the last record.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.records)
    }

    /// Data and keys, in bytes: what is here of them.
    pub(super) fn stored_bytes(&self) -> usize {
        self.written() - Header::BYTES * self.len()
    }

    /// Whether the record at an index is the first one and begins in the segment
    /// before.
    pub(super) fn begins_divided_at(&self, index: u64) -> bool {
        self.head_bytes > 0 && self.first == index
    }

    /// A copy of the first record, which begins in the segment before.
    pub(super) fn joined(&self, before: &Self) -> Vec<u8> {
        let (header, own) = self.block[..self.after(Place::START).position].split_at(Header::BYTES);
        let head = &before.block[before.end_place().position..before.written()];
        [header, head, own].concat()
    }

    /// The bytes of whole records.
    pub(super) fn tape(&self, from: Place, to: Place) -> &[u8] {
        &self.block[from.position..to.position]
    }

    /// What is known of a record.
    fn header(&self, position: usize) -> Header {
        let header = self.block[position..].first_chunk();
        Header::from_bytes(*header.expect("a record begins with a header"))
    }

    /// The place after a record.
    fn after(&self, Place { offset, position }: Place) -> Place {
        let elsewhere = if offset == 0 { self.head_bytes as usize } else { 0 };
        let bytes = self.header(position).bytes as usize - elsewhere;
        Place { offset: offset + 1, position: position + Header::BYTES + bytes }
    }

    /// The place after all records.
    pub(super) fn end_place(&self) -> Place {
        Place { offset: self.len(), position: self.written() - self.tail_bytes as usize }
    }

    /// Where the last of so many marks points; to the first record if there are none.
    fn marked(&self, marks: usize) -> Place {
        let marks = marks.min(self.marks.all().len());
        match marks.checked_sub(1) {
            None => Place::START,
            Some(last) => {
                let position = self.marks.all()[last].position();
                Place { offset: marks * MARK_EVERY, position }
            }
        }
    }

    /// Where the record with an index is.
    pub(super) fn place_of(&self, index: u64) -> Place {
        assert!((self.first..self.end()).contains(&index), "an index is looked up in its segment");
        let offset = (index - self.first) as usize;
        let mut place = self.marked(offset / MARK_EVERY);
        while place.offset < offset {
            place = self.after(place);
        }
        place
    }

    /// When a record arrived.
    pub(super) fn arrival(&self, place: Place) -> Timestamp {
        let micros = self.header(place.position).micros_after_base;
        Timestamp::from_micros(self.base.as_micros() + micros)
    }

    /// How long after the first record a time is; zero before it.
    fn micros_after_base(&self, time: Timestamp) -> u64 {
        time.as_micros().saturating_sub(self.base.as_micros())
    }

    /// The index of the first record that arrived at a time or later.
    pub(super) fn index_at(&self, time: Timestamp) -> u64 {
        let micros = self.micros_after_base(time);
        let is_earlier = |micros_after_base: u64| micros_after_base < micros;
        let marks = self.marks.all().partition_point(|mark| is_earlier(mark.micros_after_base()));
        let (mut place, end) = (self.marked(marks), self.end_place());
        while place.offset < end.offset && is_earlier(self.header(place.position).micros_after_base)
        {
            place = self.after(place);
        }
        self.first + place.offset as u64
    }

    /// Data and keys of the records between two places, in bytes, those in the
    /// segment before included.
    pub(super) fn bytes_between(&self, from: Place, to: Place) -> usize {
        let elsewhere =
            if from.offset == 0 && to.offset > 0 { self.head_bytes as usize } else { 0 };
        let headers = Header::BYTES * (to.offset - from.offset);
        to.position - from.position - headers + elsewhere
    }

    /// The place up to which so many records and bytes are, from a place on; with
    /// `first`, after one record at least.
    pub(super) fn fitting(
        &self,
        from: Place,
        records_max: usize,
        bytes_max: usize,
        first: bool,
    ) -> Place {
        let fits = |to: Place| {
            to.offset - from.offset <= records_max && self.bytes_between(from, to) <= bytes_max
        };
        let end = self.end_place();
        if fits(end) {
            return end;
        }
        // To the last mark that fits, and on from there record by record.
        let (before, mut after) = (from.offset / MARK_EVERY, self.marks.all().len());
        let mut last = before;
        while last < after {
            let middle = after - (after - last) / 2;
            if fits(self.marked(middle)) { last = middle } else { after = middle - 1 }
        }
        let mut place = if last > before { self.marked(last) } else { from };
        if first && place == from {
            place = self.after(place);
        }
        while place.offset < end.offset {
            let next = self.after(place);
            if !fits(next) {
                break;
            }
            place = next;
        }
        place
    }
}

impl Place {
    const START: Self = Self { offset: 0, position: 0 };
}
