//! Where some of a segment's records begin, so that the others are near.

use super::header::{BYTES_MAX, MICROS_MAX, TIME_BITS};
use super::segment::RECORDS_MAX;

/// Of so many records one has a mark. More marks take memory, two bytes a record as
/// it is; fewer have readers that begin anywhere walk over more records, which are in
/// no cache if the log is large.
pub(super) const MARK_EVERY: usize = 4;
/// A segment that has so many records at most has no marks: a list takes more memory
/// than it is worth.
pub(super) const UNMARKED_MAX: usize = 16;

/// Where every fourth record of a block begins, but for the first, and when it
/// arrived, so that a search looks at no record. Kept outside of the segment, for
/// those of few records have none.
#[derive(Debug, Default)]
pub(super) struct Marks(Option<Box<MarkList>>);

#[derive(Debug)]
struct MarkList(Vec<Mark>);

/// A position and a time in eight bytes, as a header has a length and a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn new(position: usize, micros_after_base: u64) -> Self {
        assert!(position <= BYTES_MAX, "a segment hardly has more than 512 KiB, or one record");
        Self(micros_after_base | (position as u64) << TIME_BITS)
    }

    pub(super) fn position(self) -> usize {
        (self.0 >> TIME_BITS) as usize
    }

    pub(super) fn micros_after_base(self) -> u64 {
        self.0 & MICROS_MAX
    }
}

impl Marks {
    /// Adds a mark to a block of so many bytes: the first one says how many more
    /// there may be. A few more than that, for a list that runs out doubles.
    pub(super) fn push(&mut self, mark: Mark, block_bytes: usize) {
        let list = self.0.get_or_insert_with(|| {
            let expected = block_bytes.div_ceil(mark.position()) * 17 / 16;
            Box::new(MarkList(Vec::with_capacity(expected.min(RECORDS_MAX / MARK_EVERY))))
        });
        list.0.push(mark);
    }

    pub(super) fn all(&self) -> &[Mark] {
        self.0.as_ref().map_or(&[], |list| &list.0)
    }
}
