//! The 128-bit hash key space and its division among shards.

use std::array;
use std::fmt;
use std::iter;

use md5::{Digest, Md5};

use super::constraint::{Constrained, Constraint, Pattern};
use super::md5_lanes::{self, LANES};
use super::record::KeptText;
use super::short_text::ShortText;

/// Fewer keys are hashed sooner one after the other.
const LANES_WORTH_FILLING: usize = LANES / 4;

/// A point in the hash key space 0 … 2^128−1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HashKey(u128);

impl HashKey {
    #[cfg(test)]
    /// The first hash key.
    pub(crate) const MIN: Self = Self(0);
    #[cfg(test)]
    /// The last hash key, 2^128−1.
    pub(crate) const MAX: Self = Self(u128::MAX);

    /// The point with this number.
    pub(crate) const fn new(number: u128) -> Self {
        Self(number)
    }

    /// Where a partition key lands: its UTF-8 bytes' MD5, read big-endian.
    pub(crate) fn of_partition_key(partition_key: KeptText<'_>) -> Self {
        Self(u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()))
    }

    /// How many keys are hashed at once.
    pub(crate) const SIDE_BY_SIDE: usize = LANES;

    /// The same for many keys, in their order.
    pub(crate) fn of_partition_keys<'k>(
        mut keys: impl Iterator<Item = KeptText<'k>>,
    ) -> impl Iterator<Item = Self> {
        iter::from_fn(move || Self::of_next_keys(&mut keys)).flatten()
    }

    /// The same for as many keys as are hashed side by side; `None` if there are no
    /// more.
    fn of_next_keys<'k>(
        keys: &mut impl Iterator<Item = KeptText<'k>>,
    ) -> Option<iter::Take<array::IntoIter<Self, LANES>>> {
        let mut lanes = [KeptText::default(); LANES];
        let mut filled = 0;
        for (lane, key) in lanes.iter_mut().zip(keys) {
            *lane = key;
            filled += 1;
        }
        let are_short = lanes.iter().all(|key| key.len() <= md5_lanes::BYTES_MAX);
        let found = if are_short && filled >= LANES_WORTH_FILLING {
            md5_lanes::digests(lanes.map(KeptText::as_bytes)).map(Self)
        } else {
            let mut found = [Self(0); LANES];
            for (key, found) in lanes[..filled].iter().zip(&mut found) {
                *found = Self::of_partition_key(*key);
            }
            found
        };
        (filled > 0).then(|| found.into_iter().take(filled))
    }

    /// The point as a number.
    pub(crate) const fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The hash keys from `start` to `end`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKeyRange {
    /// The first hash key of the range.
    pub start: HashKey,
    /// The last hash key of the range.
    pub end: HashKey,
}

impl HashKeyRange {
    #[cfg(test)]
    /// The whole space.
    pub(crate) const ALL: Self = Self { start: HashKey::MIN, end: HashKey::MAX };

    /// Cuts the space into `count` ranges as AWS does: each
    /// floor(2^128 / count) keys long, the last one up to the end (recorded).
    ///
    /// # Panics
    /// If `count` is zero.
    pub(crate) fn uniform(count: u32) -> impl ExactSizeIterator<Item = Self> {
        let count_wide = u128::from(count);
        // 2^128 does not fit: floor(2^128 / n) is floor((2^128 − 1) / n), and
        // one more where n divides 2^128. For n = 1 the step is never used.
        let step = (u128::MAX / count_wide)
            .wrapping_add(u128::from(u128::MAX % count_wide == count_wide - 1));
        (0..count).map(move |index| {
            let start = u128::from(index).wrapping_mul(step);
            let end = if index + 1 == count { u128::MAX } else { start + (step - 1) };
            Self { start: HashKey(start), end: HashKey(end) }
        })
    }

    #[cfg(test)]
    /// Whether a point lies in the range.
    pub(crate) fn contains(self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }
}

/// A hash key as a caller wrote it: decimal without leading zeros, at most 39
/// digits (model: `HashKey`). It may still be beyond 2^128−1.
#[derive(Debug, Clone)]
pub(crate) struct GivenHashKey(ShortText<{ Self::DIGITS_MAX }>);

impl GivenHashKey {
    const DIGITS_MAX: usize = 39;

    /// The point meant, or `None` beyond 2^128−1.
    pub(crate) fn resolve(&self) -> Option<HashKey> {
        self.0.as_str().parse().ok().map(HashKey)
    }

    /// The text as the caller gave it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Constrained for GivenHashKey {
    type Base<'a> = std::borrow::Cow<'a, str>;
    const CONSTRAINTS: &'static [Constraint] = &[Constraint::Pattern(&DECIMAL)];
    fn from_checked(base: std::borrow::Cow<'_, str>) -> Self {
        Self(ShortText::new(base.as_bytes()).expect("a decimal has so many digits at most"))
    }
    fn base(&self) -> std::borrow::Cow<'_, str> {
        std::borrow::Cow::Borrowed(self.0.as_str())
    }
}

/// The model writes the pattern with anchors, the service prints it without.
static DECIMAL: Pattern = Pattern {
    text: r"0|([1-9]\d{0,38})",
    matches: |text| is_plain_decimal(text, GivenHashKey::DIGITS_MAX),
};

/// Whether a text is a decimal number of 1 to `digits_max` digits without
/// leading zeros.
pub(super) fn is_plain_decimal(text: &str, digits_max: usize) -> bool {
    match text.as_bytes() {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < digits_max && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn uniform_ranges_cover_the_space_without_gap_or_overlap(count in 1u32..=10_000) {
            let ranges: Vec<_> = HashKeyRange::uniform(count).collect();
            prop_assert_eq!(ranges.len(), count as usize);
            prop_assert_eq!(ranges[0].start, HashKey::MIN);
            prop_assert_eq!(ranges[ranges.len() - 1].end, HashKey::MAX);
            for pair in ranges.windows(2) {
                prop_assert_eq!(pair[0].end.number() + 1, pair[1].start.number());
            }
        }

        #[test]
        fn many_keys_land_where_each_does_alone(
            keys in prop::collection::vec("[a-z]{0,8}|[a-zé]{50,60}", 0..80),
        ) {
            let alone: Vec<_> = keys.iter().map(|key| HashKey::of_partition_key(key.as_str().into())).collect();
            let together = HashKey::of_partition_keys(keys.iter().map(|key| key.as_str().into()));
            prop_assert!(together.eq(alone));
        }

        #[test]
        fn every_range_but_the_last_has_the_same_length(count in 2u32..=10_000) {
            let lengths: Vec<_> = HashKeyRange::uniform(count)
                .map(|range| range.end.number() - range.start.number())
                .collect();
            prop_assert!(lengths[..lengths.len() - 1].iter().all(|length| *length == lengths[0]));
            prop_assert!(lengths[lengths.len() - 1] >= lengths[0]);
        }
    }

    #[test]
    fn ranges_are_the_ones_aws_makes() {
        let ends =
            |count| HashKeyRange::uniform(count).map(|r| r.end.to_string()).collect::<Vec<_>>();
        assert_eq!(ends(1), ["340282366920938463463374607431768211455"]);
        assert_eq!(
            ends(3),
            [
                "113427455640312821154458202477256070484",
                "226854911280625642308916404954512140969",
                "340282366920938463463374607431768211455",
            ]
        );
        assert_eq!(ends(2)[0], "170141183460469231731687303715884105727");
    }

    #[test]
    fn a_partition_key_lands_on_its_md5() {
        // echo -n a | md5sum: 0cc175b9c0f1b6a831c399e269772661
        assert_eq!(
            HashKey::of_partition_key("a".into()).number(),
            0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661
        );
    }

    #[test]
    fn decimals_have_no_sign_and_no_leading_zero() {
        for (text, expected) in
            [("0", true), ("10", true), ("", false), ("-1", false), ("01", false), ("1x", false)]
        {
            assert_eq!(is_plain_decimal(text, 39), expected, "{text:?}");
        }
        assert!(is_plain_decimal(&"9".repeat(39), 39));
        assert!(!is_plain_decimal(&"9".repeat(40), 39));
    }
}
