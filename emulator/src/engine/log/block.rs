//! The memory that a segment's records are in.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;

/// Blocks from this size on are pages that the system maps: each takes memory when
/// it is first written to, and all are the system's again with the block, whatever
/// an allocator would keep.
pub(super) const MAPPED_BYTES_MIN: usize = 64 * 1024;
/// Systems bound how many mappings a process has, Linux to 65,530 unless it is told
/// otherwise, and allocators and threads need some. Blocks beyond are allocated.
const MAPPINGS_MAX: usize = 16 * 1024;
/// How many there are in this process, whose bound it is.
static MAPPINGS: AtomicUsize = AtomicUsize::new(0);
/// What memory comes in, on most systems.
pub(super) const PAGE_BYTES: usize = 4096;
/// What an allocator may keep beside a block, so that block and this fill pages.
const BYTES_BESIDE_BLOCK: usize = 32;

/// Bytes whose number never changes, all zero at first.
#[derive(Debug)]
pub(super) enum Block {
    Allocated(Box<[u8]>),
    Mapped(Mapping),
}

#[derive(Debug)]
pub(super) struct Mapping {
    pages: MmapMut,
    _counted: Counted,
}

/// One of the mappings that there are.
#[derive(Debug)]
struct Counted;

impl Counted {
    /// One more, if there may be so many.
    fn one_more(mappings_max: usize) -> Option<Self> {
        let before = MAPPINGS.fetch_add(1, Ordering::Relaxed);
        Some(Self).filter(|_| before < mappings_max)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        MAPPINGS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Mapping {
    fn new(bytes: usize, mappings_max: usize) -> Option<Self> {
        let counted = Counted::one_more(mappings_max)?;
        let pages = MmapMut::map_anon(bytes).ok()?;
        Some(Self { pages, _counted: counted })
    }
}

impl Block {
    /// A block of no bytes, which takes no memory.
    pub(super) fn empty() -> Self {
        Self::Allocated(Box::default())
    }

    /// A block of so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self::with_mappings(bytes, MAPPINGS_MAX)
    }

    fn with_mappings(bytes: usize, mappings_max: usize) -> Self {
        let mapping = (bytes >= MAPPED_BYTES_MIN).then(|| Mapping::new(bytes, mappings_max));
        let allocated = || Self::Allocated(vec![0; bytes].into());
        mapping.flatten().map_or_else(allocated, Self::Mapped)
    }

    /// So many bytes, or the few more for which a block takes the same memory.
    pub(super) fn full_size(wanted: usize) -> usize {
        if wanted >= MAPPED_BYTES_MIN {
            return wanted.next_multiple_of(PAGE_BYTES);
        }
        // Allocators have four sizes between one power of two and the next.
        let block = wanted + BYTES_BESIDE_BLOCK;
        block.next_multiple_of(block.next_power_of_two() / 8) - BYTES_BESIDE_BLOCK
    }

    /// The first bytes, which are all that have been written to, in hardly more
    /// memory than they need.
    pub(super) fn cut(self, bytes: usize) -> Self {
        match self {
            Self::Allocated(memory) => {
                let mut memory = memory.into_vec();
                memory.truncate(bytes);
                Self::Allocated(memory.into())
            }
            Self::Mapped(mapping) if bytes < MAPPED_BYTES_MIN => {
                Self::Allocated(mapping.pages[..bytes].into())
            }
            // The pages behind have never been written to.
            mapped => mapped,
        }
    }

    /// How many bytes of mapped memory a block takes whose first bytes have been
    /// written to.
    #[cfg(any(test, feature = "measure"))]
    pub(super) fn mapped_bytes(&self, written: usize) -> usize {
        match self {
            Self::Allocated(_) => 0,
            Self::Mapped(_) => written.next_multiple_of(PAGE_BYTES),
        }
    }
}

impl Deref for Block {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Allocated(memory) => memory,
            Self::Mapped(mapping) => &mapping.pages,
        }
    }
}

impl DerefMut for Block {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Allocated(memory) => memory,
            Self::Mapped(mapping) => &mut mapping.pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_bytes_mapped_or_not() {
        let is_mapped = |mut block: Block, bytes: usize| {
            block[bytes - 1] = 7;
            let is_mapped = matches!(block, Block::Mapped(_));
            let cut = block.cut(bytes);
            assert_eq!((cut.len(), cut[0], cut[bytes - 1]), (bytes, 0, 7));
            is_mapped
        };
        for (bytes, expected) in
            [(2, false), (MAPPED_BYTES_MIN - 1, false), (MAPPED_BYTES_MIN, true), (10 << 20, true)]
        {
            assert_eq!(is_mapped(Block::of(bytes), bytes), expected);
            assert!(!is_mapped(Block::with_mappings(bytes, 0), bytes));
        }
    }

    #[test]
    fn a_mapping_that_is_gone_counts_no_longer() {
        let is_mapped = |_| matches!(Block::of(MAPPED_BYTES_MIN), Block::Mapped(_));
        assert!((0..2 * MAPPINGS_MAX).all(is_mapped));
    }

    #[test]
    fn what_is_cut_off_takes_no_memory() {
        let much = Block::of(512 * 1024).cut(100_000);
        assert_eq!(much.mapped_bytes(100_000), 102_400);
        let little = Block::of(512 * 1024).cut(1000);
        assert!(matches!(&little, Block::Allocated(memory) if memory.len() == 1000));
    }
}
