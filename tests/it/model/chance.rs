//! Chance that repeats: everything random in a model test comes from its seed,
//! or from choices that somebody has made beforehand.

use std::vec::IntoIter;

/// Chance, from choices as long as there are any, then from a seed (SplitMix64).
#[derive(Debug)]
pub(super) struct Chance {
    state: u64,
    /// What a fuzzer has chosen: it learns which byte leads where.
    choices: IntoIter<u8>,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self::chosen(Vec::new(), seed)
    }

    pub(super) fn chosen(choices: Vec<u8>, seed: u64) -> Self {
        Self { state: seed, choices: choices.into_iter() }
    }

    /// Whether choices are left.
    pub(super) fn is_chosen(&self) -> bool {
        !self.choices.as_slice().is_empty()
    }

    pub(super) fn next(&mut self) -> u64 {
        if self.is_chosen() {
            return self
                .choices
                .by_ref()
                .take(8)
                .fold(0, |number, byte| number << 8 | u64::from(byte));
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        // One byte is one choice, as far as it can be.
        match self.choices.next() {
            Some(byte) if end <= 256 => u64::from(byte) % end,
            Some(byte) => (self.next() << 8 | u64::from(byte)) % end,
            None => self.next() % end,
        }
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Somewhere in the hash key space, its ends included.
    pub(super) fn hash_key(&mut self) -> u128 {
        let anywhere = (u128::from(self.next()) << 64) | u128::from(self.next());
        self.pick(&[0, u128::MAX, anywhere, anywhere, anywhere, anywhere])
    }
}
