//! Chance, from a seed: the same seed and the same draws give the same values.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of well-mixed numbers that many threads can draw from. In a line of its
/// own: each draw takes it away from the other processors, and only it.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Entropy {
    seed: AtomicU64,
    draws: AtomicU64,
}

/// How far a source has got: whoever goes on from here draws the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) seed: u64,
    pub(crate) draws: u64,
}

/// How much is drawn, at most, until it is noted again how far a source has got:
/// more than a process can draw.
const DRAWS_UNTIL_NOTED: u64 = 1 << 40;

impl Drawn {
    /// Beyond all that was drawn since this was noted.
    pub(crate) fn ahead(self) -> Self {
        Self { draws: self.draws.wrapping_add(DRAWS_UNTIL_NOTED), ..self }
    }
}

impl Entropy {
    /// A source that repeats itself for equal seeds, or a new one without.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0_u64));
        Self { seed: AtomicU64::new(seed), draws: AtomicU64::new(0) }
    }

    /// How far the source has got.
    pub(crate) fn drawn(&self) -> Drawn {
        Drawn { seed: self.seed.load(Ordering::Relaxed), draws: self.draws.load(Ordering::Relaxed) }
    }

    /// Goes on from where another source was.
    pub(crate) fn go_on_from(&self, drawn: Drawn) {
        self.seed.store(drawn.seed, Ordering::Relaxed);
        self.draws.store(drawn.draws, Ordering::Relaxed);
    }

    /// The first 128 bits that the source ever drew.
    pub(crate) fn first_16_bytes(&self) -> [u8; 16] {
        let seed = self.seed.load(Ordering::Relaxed);
        (u128::from(nth(seed, 0)) << 64 | u128::from(nth(seed, 1))).to_be_bytes()
    }

    /// The next number.
    pub(crate) fn draw(&self) -> u64 {
        let [number] = self.draws();
        number
    }

    /// The next numbers, in one draw.
    pub(crate) fn draws<const N: usize>(&self) -> [u64; N] {
        let first = self.draws.fetch_add(N as u64, Ordering::Relaxed);
        let seed = self.seed.load(Ordering::Relaxed);
        std::array::from_fn(|place| nth(seed, first.wrapping_add(place as u64)))
    }

    /// The next number from 0 to 1, without 1 itself.
    pub(crate) fn draw_fraction(&self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next 128 bits.
    pub(crate) fn draw_16_bytes(&self) -> [u8; 16] {
        let [high, low] = self.draws();
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }
}

/// The number that a source draws after so many others.
pub(crate) fn nth(seed: u64, draw: u64) -> u64 {
    splitmix64(seed.wrapping_add(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_draw_equal_numbers() {
        let (a, b, c) = (Entropy::new(Some(1)), Entropy::new(Some(1)), Entropy::new(Some(2)));
        let draws = |source: &Entropy| (0..100).map(|_| source.draw()).collect::<Vec<_>>();
        let first = draws(&a);
        assert_eq!(first, draws(&b));
        assert_ne!(first, draws(&c));
        let drawn = a.drawn();
        let second = draws(&a);
        assert_ne!(first, second, "a source does not repeat itself");
        c.go_on_from(drawn);
        assert_eq!(draws(&c), second);
        assert_eq!(c.first_16_bytes(), Entropy::new(Some(1)).draw_16_bytes());
    }
}
