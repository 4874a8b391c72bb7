//! The MD5 (RFC 1321) of many short texts at once.
//!
//! MD5 is one chain of steps that wait for each other, which leaves most of a
//! processor idle. Texts that go through it side by side, one in each lane of an
//! array, take a fifth of the time of one after the other: the compiler makes
//! vector instructions of the loops over the lanes.

/// How many texts go side by side.
pub(super) const LANES: usize = 32;
/// A longer text would take more than one block.
pub(super) const BYTES_MAX: usize = 55;

/// One 32-bit word of every text.
type Words = [u32; LANES];

/// The MD5 of each text, as a number.
///
/// # Panics
/// If a text is longer than [`BYTES_MAX`].
pub(super) fn digests(texts: [&[u8]; LANES]) -> [u128; LANES] {
    let mut block = [[0; LANES]; 16];
    for (lane, text) in texts.into_iter().enumerate() {
        let mut padded = [0_u8; 64];
        padded[..text.len()].copy_from_slice(text);
        padded[text.len()] = 0x80;
        padded[56..].copy_from_slice(&(text.len() as u64 * 8).to_le_bytes());
        for (words, bytes) in block.iter_mut().zip(padded.as_chunks().0) {
            words[lane] = u32::from_le_bytes(*bytes);
        }
    }
    let mut state = START.map(|word| [word; LANES]);
    round::<First>(&mut state, &block);
    round::<Second>(&mut state, &block);
    round::<Third>(&mut state, &block);
    round::<Fourth>(&mut state, &block);
    std::array::from_fn(|lane| {
        let sum = |word: usize| state[word][lane].wrapping_add(START[word]).to_le_bytes();
        let bytes: [[u8; 4]; 4] = std::array::from_fn(sum);
        u128::from_be_bytes(bytes.as_flattened().try_into().expect("four words are 16 bytes"))
    })
}

const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// What tells the four rounds of sixteen steps apart.
trait Round {
    /// floor(2^32 × |sin(n)|) for the n of each step, which count from 1.
    const SINES: [u32; 16];
    /// By how many bits a step turns its sum, over and over.
    const TURNS: [u32; 4];
    /// Which word of the block the first step takes, and how far on the next is.
    const WORDS: (usize, usize);

    fn mix(b: u32, c: u32, d: u32) -> u32;
}

struct First;
struct Second;
struct Third;
struct Fourth;

impl Round for First {
    const SINES: [u32; 16] = [
        0xd76a_a478,
        0xe8c7_b756,
        0x2420_70db,
        0xc1bd_ceee,
        0xf57c_0faf,
        0x4787_c62a,
        0xa830_4613,
        0xfd46_9501,
        0x6980_98d8,
        0x8b44_f7af,
        0xffff_5bb1,
        0x895c_d7be,
        0x6b90_1122,
        0xfd98_7193,
        0xa679_438e,
        0x49b4_0821,
    ];
    const TURNS: [u32; 4] = [7, 12, 17, 22];
    const WORDS: (usize, usize) = (0, 1);

    fn mix(b: u32, c: u32, d: u32) -> u32 {
        d ^ (b & (c ^ d))
    }
}

impl Round for Second {
    const SINES: [u32; 16] = [
        0xf61e_2562,
        0xc040_b340,
        0x265e_5a51,
        0xe9b6_c7aa,
        0xd62f_105d,
        0x0244_1453,
        0xd8a1_e681,
        0xe7d3_fbc8,
        0x21e1_cde6,
        0xc337_07d6,
        0xf4d5_0d87,
        0x455a_14ed,
        0xa9e3_e905,
        0xfcef_a3f8,
        0x676f_02d9,
        0x8d2a_4c8a,
    ];
    const TURNS: [u32; 4] = [5, 9, 14, 20];
    const WORDS: (usize, usize) = (1, 5);

    fn mix(b: u32, c: u32, d: u32) -> u32 {
        c ^ (d & (b ^ c))
    }
}

impl Round for Third {
    const SINES: [u32; 16] = [
        0xfffa_3942,
        0x8771_f681,
        0x6d9d_6122,
        0xfde5_380c,
        0xa4be_ea44,
        0x4bde_cfa9,
        0xf6bb_4b60,
        0xbebf_bc70,
        0x289b_7ec6,
        0xeaa1_27fa,
        0xd4ef_3085,
        0x0488_1d05,
        0xd9d4_d039,
        0xe6db_99e5,
        0x1fa2_7cf8,
        0xc4ac_5665,
    ];
    const TURNS: [u32; 4] = [4, 11, 16, 23];
    const WORDS: (usize, usize) = (5, 3);

    fn mix(b: u32, c: u32, d: u32) -> u32 {
        b ^ c ^ d
    }
}

impl Round for Fourth {
    const SINES: [u32; 16] = [
        0xf429_2244,
        0x432a_ff97,
        0xab94_23a7,
        0xfc93_a039,
        0x655b_59c3,
        0x8f0c_cc92,
        0xffef_f47d,
        0x8584_5dd1,
        0x6fa8_7e4f,
        0xfe2c_e6e0,
        0xa301_4314,
        0x4e08_11a1,
        0xf753_7e82,
        0xbd3a_f235,
        0x2ad7_d2bb,
        0xeb86_d391,
    ];
    const TURNS: [u32; 4] = [6, 10, 15, 21];
    const WORDS: (usize, usize) = (0, 7);

    fn mix(b: u32, c: u32, d: u32) -> u32 {
        c ^ (b | !d)
    }
}

fn round<R: Round>([a, b, c, d]: &mut [Words; 4], block: &[Words; 16]) {
    let (first, stride) = R::WORDS;
    for number in (0..16).step_by(4) {
        let input = |ahead: usize| {
            let number = number + ahead;
            (&block[(first + number * stride) % 16], R::SINES[number])
        };
        step::<R, 0>(a, b, c, d, input(0));
        step::<R, 1>(d, a, b, c, input(1));
        step::<R, 2>(c, d, a, b, input(2));
        step::<R, 3>(b, c, d, a, input(3));
    }
}

/// Changes one of the four words of every text by the three others.
// Inlined, the lanes would be taken apart into so many variables that no vector
// is made of them any more.
#[inline(never)]
fn step<R: Round, const NTH: usize>(
    a: &mut Words,
    b: &Words,
    c: &Words,
    d: &Words,
    (words, sine): (&Words, u32),
) {
    for lane in 0..LANES {
        let sum = words[lane]
            .wrapping_add(sine)
            .wrapping_add(a[lane])
            .wrapping_add(R::mix(b[lane], c[lane], d[lane]));
        a[lane] = sum.rotate_left(R::TURNS[NTH]).wrapping_add(b[lane]);
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_at_once_are_what_each_is_alone(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=BYTES_MAX), LANES)
        ) {
            let found = digests(std::array::from_fn(|lane| texts[lane].as_slice()));
            for (text, found) in texts.iter().zip(found) {
                prop_assert_eq!(found, u128::from_be_bytes(Md5::digest(text).into()));
            }
        }
    }
}
