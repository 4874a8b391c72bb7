//! Sequence numbers in AWS's layout.
//!
//! A sequence number is the decimal form of 47 hexadecimal digits, which is
//! always 56 decimal digits long. The layout is as reverse-engineered by
//! kinesalite against the real service (version 2):
//!
//! | digits | bits | content |
//! |---|---|---|
//! | 1 | 184…187 | `2` |
//! | 9 | 148…183 | when the shard was made, in seconds |
//! | 1 | 144…147 | lowest digit of the shard's number |
//! | 16 | 80…143 | index of the record in the shard |
//! | 2 | 72…79 | `00` |
//! | 9 | 36…71 | when the record arrived, in seconds |
//! | 8 | 4…35 | the shard's number |
//! | 1 | 0…3 | version `2` |

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::constraint::{Constrained, Constraint, Pattern};
use super::decimal;
use super::hash_key::is_plain_decimal;
use super::shard_id::ShardIndex;

/// The place of a record in its shard, of a shard's start or of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SequenceNumber {
    /// When the shard was made, in whole seconds.
    pub(crate) shard_created_seconds: u64,
    /// The record's index in the shard. Index 0 is the shard's own starting
    /// number, records begin at 1.
    pub(crate) index: u64,
    /// When the record arrived, in whole seconds.
    pub(crate) seconds: u64,
    /// The shard the number belongs to.
    pub(crate) shard: ShardIndex,
}

impl SequenceNumber {
    /// The index in the number that ends a closed shard (recorded).
    pub(crate) const INDEX_MAX: u64 = 0x7fff_ffff_ffff_ffff;
    /// How many decimal digits every number has.
    pub(crate) const DIGITS: usize = 56;
    /// The largest second that fits into nine hexadecimal digits.
    pub(crate) const SECONDS_MAX: u64 = 0xf_ffff_ffff;

    /// The number as 188 bits: the upper 60 and the lower 128.
    fn bits(self) -> (u64, u128) {
        let shard = self.shard.number();
        let high = (2 << 56)
            | ((self.shard_created_seconds & Self::SECONDS_MAX) << 20)
            | (u64::from(shard & 0xf) << 16)
            | (self.index >> 48);
        let low = (u128::from(self.index) << 80)
            | (u128::from(self.seconds & Self::SECONDS_MAX) << 36)
            | (u128::from(shard) << 4)
            | 2;
        (high, low)
    }

    /// The number as 47 hexadecimal digits.
    pub(crate) fn hexadecimal(self) -> String {
        let (high, low) = self.bits();
        format!("{high:x}{low:032x}")
    }

    /// Reads a number of the present layout; `None` for anything else.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Reading { version: Version::Two, shard_created_seconds, index, seconds, shard } =
            Reading::of(text)?
        else {
            return None;
        };
        Some(Self { shard_created_seconds, index, seconds, shard })
    }
}

/// Which of AWS's layouts a number follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 124 bits of the service's first years; small numbers count as one too.
    Zero,
    /// With a random part in place of the index.
    One,
    /// The present one, see the module's table.
    Two,
}

/// What a number from a caller says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) version: Version,
    pub(crate) shard_created_seconds: u64,
    /// Zero in versions without one.
    pub(crate) index: u64,
    /// Zero in versions without one.
    pub(crate) seconds: u64,
    pub(crate) shard: ShardIndex,
}

impl Reading {
    /// Numbers whose shard was made at this second or later are refused
    /// (recorded): it lies beyond what nine hexadecimal digits are used for.
    const CREATED_SECONDS_END: u64 = 16_025_175_000;

    /// Reads a plain decimal; `None` if AWS would not accept it as a number.
    fn of(text: &str) -> Option<Self> {
        let (high, low) = parse_192(text)?;
        let bits = |from: u32, width: u32| -> u64 {
            let shifted = match from.checked_sub(128) {
                Some(above) => u128::from(high) >> above,
                None if from == 0 => low,
                None => (low >> from) | (u128::from(high) << (128 - from)),
            };
            (shifted & ((1 << width) - 1)) as u64
        };
        let shard = |from, width| ShardIndex::new(bits(from, width) as u32);
        let reading = if high < 2 {
            Self {
                version: Version::Zero,
                shard_created_seconds: bits(88, 36),
                index: 0,
                seconds: 0,
                shard: shard(0, 16),
            }
        } else if bits(184, 8) != 2 {
            return None;
        } else {
            match bits(0, 4) {
                1 => Self {
                    version: Version::One,
                    shard_created_seconds: bits(148, 36),
                    index: 0,
                    seconds: bits(100, 36),
                    shard: shard(4, 32),
                },
                2 => Self {
                    version: Version::Two,
                    shard_created_seconds: bits(148, 36),
                    index: bits(80, 64),
                    seconds: bits(36, 36),
                    shard: shard(4, 32),
                },
                _ => return None,
            }
        };
        let legal = reading.index <= SequenceNumber::INDEX_MAX
            && (reading.version == Version::One
                || reading.shard_created_seconds < Self::CREATED_SECONDS_END);
        legal.then_some(reading)
    }
}

/// Reads a decimal below 2^192 as its upper 64 and lower 128 bits.
fn parse_192(text: &str) -> Option<(u64, u128)> {
    const LIMB: u128 = u64::MAX as u128;
    let (mut high, mut low) = (0_u64, 0_u128);
    for chunk in text.as_bytes().chunks(18) {
        let digits = chunk.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let scale = u128::from(10_u64.pow(chunk.len() as u32));
        // (high, low) × scale + digits, in 64-bit limbs.
        let bottom = (low & LIMB) * scale + u128::from(digits);
        let middle = (low >> 64) * scale + (bottom >> 64);
        let top = u128::from(high) * scale + (middle >> 64);
        low = (middle << 64) | (bottom & LIMB);
        high = u64::try_from(top).ok()?;
    }
    Some((high, low))
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits().cmp(&other.bits())
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl SequenceNumber {
    /// The number's decimal digits.
    pub(crate) fn digits(self) -> [u8; Self::DIGITS] {
        Self::digits_of(self.groups())
    }

    fn digits_of([first, middle, last]: [u64; 3]) -> [u8; Self::DIGITS] {
        let mut digits = [0; Self::DIGITS];
        digits[..18].copy_from_slice(&decimal::digits::<18>(first));
        digits[18..37].copy_from_slice(&decimal::digits::<19>(middle));
        digits[37..].copy_from_slice(&decimal::digits::<19>(last));
        digits
    }

    /// The number in groups of nineteen digits, the first of which has eighteen.
    fn groups(self) -> [u64; 3] {
        // 188 bits are three groups of nineteen digits, and the upper 60 bits
        // are less than one, so that each division has a quotient of 64 bits.
        let (high, low) = self.bits();
        let (upper, rest) = divide_by_group(high, (low >> 64) as u64);
        let (lower, last) = divide_by_group(rest, low as u64);
        let (first, middle) = divide_by_group(upper, lower);
        [first, middle, last]
    }
}

/// The digits of the numbers of a shard's records, one after the other: those of a
/// record that follows on another in the same second come of a sum, and most stay.
#[derive(Debug, Default)]
pub(crate) struct Succession(Option<Told>);

#[derive(Debug)]
struct Told {
    number: SequenceNumber,
    digits: [u8; SequenceNumber::DIGITS],
    /// What the last nineteen digits say, and the eight before them.
    last: u64,
    before_last: u64,
}

impl Succession {
    const EIGHT_DIGITS_END: u64 = 100_000_000;
    const BEFORE_LAST: usize = SequenceNumber::DIGITS - 19 - 8;
    const LAST: usize = SequenceNumber::DIGITS - 19;

    /// The digits of the next number.
    pub(crate) fn digits(&mut self, number: SequenceNumber) -> [u8; SequenceNumber::DIGITS] {
        if let Some(told) = &mut self.0
            && told.go_on_to(number)
        {
            return told.digits;
        }
        let groups @ [_, middle, last] = number.groups();
        let before_last = middle % Self::EIGHT_DIGITS_END;
        let digits = SequenceNumber::digits_of(groups);
        self.0 = Some(Told { number, digits, last, before_last });
        digits
    }
}

/// The same for the records of several shards by turns.
#[derive(Debug, Default)]
pub(crate) struct Successions([Succession; Self::SHARDS]);

impl Successions {
    /// Of more neighbouring shards than this, some forget each other's numbers.
    const SHARDS: usize = 16;

    /// The digits of the next number.
    pub(crate) fn digits(&mut self, number: SequenceNumber) -> [u8; SequenceNumber::DIGITS] {
        self.0[number.shard.as_usize() % Self::SHARDS].digits(number)
    }
}

impl Told {
    /// Goes on to the next number, unless it is another one or changes more digits.
    fn go_on_to(&mut self, number: SequenceNumber) -> bool {
        /// What one index more is, in groups of nineteen digits.
        const STEP: (u64, u64) = ((INDEX / GROUP as u128) as u64, (INDEX % GROUP as u128) as u64);
        const INDEX: u128 = 1 << 80;
        let follows = SequenceNumber { index: self.number.index + 1, ..self.number } == number;
        let sum = self.last + STEP.1;
        let carry = u64::from(sum >= GROUP);
        let before_last = self.before_last + STEP.0 + carry;
        if !follows || before_last >= Succession::EIGHT_DIGITS_END {
            return false;
        }
        let last = sum - carry * GROUP;
        self.digits[Succession::BEFORE_LAST..Succession::LAST]
            .copy_from_slice(&decimal::digits::<8>(before_last));
        self.digits[Succession::LAST..].copy_from_slice(&decimal::digits::<19>(last));
        (self.number, self.last, self.before_last) = (number, last, before_last);
        true
    }
}

/// What nineteen digits are less than.
const GROUP: u64 = 10_000_000_000_000_000_000;

/// Quotient and remainder of `high × 2^64 + low` by 10^19, for a `high` below that.
///
/// By multiplying with the reciprocal: Möller and Granlund, "Improved division by
/// invariant integers" (2011), algorithm 4. Processors take several times as long
/// to divide.
#[inline]
fn divide_by_group(high: u64, low: u64) -> (u64, u64) {
    const RECIPROCAL: u64 = (u128::MAX / GROUP as u128 - (1 << 64)) as u64;
    let estimate =
        u128::from(RECIPROCAL) * u128::from(high) + (u128::from(high) << 64 | u128::from(low));
    let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let mut remainder = low.wrapping_sub(quotient.wrapping_mul(GROUP));
    if remainder > estimate as u64 {
        quotient = quotient.wrapping_sub(1);
        remainder = remainder.wrapping_add(GROUP);
    }
    if remainder >= GROUP {
        (quotient.wrapping_add(1), remainder - GROUP)
    } else {
        (quotient, remainder)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

/// A sequence number as a caller wrote it: decimal without leading zeros, at
/// most 129 digits (model: `SequenceNumber`). Refusals quote it as given.
#[derive(Debug, Clone)]
pub(crate) struct GivenSequenceNumber(Box<str>);

impl GivenSequenceNumber {
    /// What the number says about itself; `None` if AWS would not accept it.
    pub(crate) fn read(&self) -> Option<Reading> {
        Reading::of(&self.0)
    }

    /// The text as the caller gave it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Constrained for GivenSequenceNumber {
    type Base<'a> = Cow<'a, str>;
    const CONSTRAINTS: &'static [Constraint] = &[Constraint::Pattern(&DECIMAL)];
    fn from_checked(base: Cow<'_, str>) -> Self {
        Self(base.into())
    }
    fn base(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

/// The model writes the pattern with anchors, the service prints it without.
static DECIMAL: Pattern =
    Pattern { text: r"0|([1-9]\d{0,128})", matches: |text| is_plain_decimal(text, 129) };

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_number() -> impl Strategy<Value = SequenceNumber> {
        (
            0..Reading::CREATED_SECONDS_END,
            0..=SequenceNumber::INDEX_MAX,
            0..=SequenceNumber::SECONDS_MAX,
            any::<u32>(),
        )
            .prop_map(|(shard_created_seconds, index, seconds, shard)| SequenceNumber {
                shard_created_seconds,
                index,
                seconds,
                shard: ShardIndex::new(shard),
            })
    }

    proptest! {
        #[test]
        fn numbers_round_trip_through_their_56_digits(number in any_number()) {
            let text = number.to_string();
            prop_assert_eq!(text.len(), 56);
            prop_assert!(!text.starts_with('0'));
            prop_assert_eq!(SequenceNumber::parse(&text), Some(number));
        }

        #[test]
        fn the_reciprocal_divides_as_division_does(
            high in prop_oneof![0..10_000_000_000_000_000_000_u64, Just(0), Just(9_999_999_999_999_999_999)],
            low in prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)],
        ) {
            let (number, group) = (u128::from(high) << 64 | u128::from(low), 10_u128.pow(19));
            let expected = ((number / group) as u64, (number % group) as u64);
            prop_assert_eq!(divide_by_group(high, low), expected);
        }

        #[test]
        fn the_digits_in_a_succession_are_those_of_each_number(
            mut number in any_number(),
            steps in prop::collection::vec((0u64..3, 0u64..50), 0..200),
        ) {
            number.index %= SequenceNumber::INDEX_MAX - 1000;
            let mut succession = Succession::default();
            for (step, chance) in steps {
                prop_assert_eq!(succession.digits(number), number.digits());
                number.index += step;
                number.seconds = (number.seconds + u64::from(chance == 0)) % SequenceNumber::SECONDS_MAX;
            }
        }

        #[test]
        fn a_long_succession_is_right_throughout(mut number in any_number()) {
            number.index %= SequenceNumber::INDEX_MAX - 10_000;
            let mut succession = Succession::default();
            for _ in 0..2000 {
                prop_assert_eq!(succession.digits(number), number.digits());
                number.index += 1;
            }
        }

        #[test]
        fn text_order_is_number_order(a in any_number(), b in any_number()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn a_later_index_is_a_larger_number(mut a in any_number(), step in 1u64..1000, seconds in 0..=SequenceNumber::SECONDS_MAX) {
            a.index %= SequenceNumber::INDEX_MAX - 1000;
            let b = SequenceNumber { index: a.index + step, seconds, ..a };
            prop_assert!(a < b);
        }

        #[test]
        fn any_digits_are_read_or_refused_without_panic(text in "0|[1-9][0-9]{0,128}") {
            let _ = Reading::of(&text);
        }
    }

    #[test]
    fn the_layout_is_the_recorded_one() {
        // Made by AWS: the developer guide's tutorial puts it into the first shard.
        let text = "49546986683135544286507457936321625675700192471156785154";
        let number = SequenceNumber::parse(text).expect("it is AWS's own");
        assert_eq!((number.shard.number(), number.index), (0, 469));
        assert_eq!((number.shard_created_seconds, number.seconds), (1_421_279_230, 1_421_279_386));
        assert_eq!(number.to_string(), text);
    }

    #[test]
    fn neighbouring_shards_start_a_constant_apart() {
        let start = |shard| SequenceNumber {
            shard_created_seconds: 1_459_799_926,
            index: 0,
            seconds: 1_459_799_926,
            shard: ShardIndex::new(shard),
        };
        // 22300745198530623141535718272648361505980432 = 2^144 + 2^4, as recorded.
        let (first, second) = (start(0).bits(), start(1).bits());
        assert_eq!(second.0 - first.0, 1 << (144 - 128));
        assert_eq!(second.1 - first.1, 1 << 4);
    }

    #[test]
    fn numbers_are_accepted_and_refused_as_recorded() {
        let hex = |digits: &str| {
            let high = u64::from_str_radix(&digits[..digits.len() - 32], 16).unwrap_or(0);
            decimal_of(high, u128::from_str_radix(&digits[digits.len() - 32..], 16).unwrap())
        };
        let zeros = |head: &str, tail: &str| {
            format!("{head}{}{tail}", "0".repeat(47 - head.len() - tail.len()))
        };
        for (digits, version) in [
            (zeros("2", "2"), Some(Version::Two)),
            (zeros("2", "1"), Some(Version::One)),
            (zeros("2", "0800000002"), Some(Version::Two)),
            (zeros("2", "0"), None),
            (zeros("2", "3"), None),
            (zeros("2", "4"), None),
            (zeros("3", "2"), None),
            (zeros("1", "2"), None),
            (zeros("200000000008", "2"), None),
            ("0000013bb2cc3d80000000000000000000000".to_owned(), None),
        ] {
            let read = Reading::of(&hex(&digits));
            assert_eq!(read.map(|reading| reading.version), version, "{digits}");
        }
        assert_eq!(
            Reading::of("5").map(|five| (five.version, five.shard.number())),
            Some((Version::Zero, 5))
        );
        assert_eq!(Reading::of("26227199374822427428162556223570313216"), None);
    }

    fn decimal_of(high: u64, low: u128) -> String {
        let mut digits = Vec::new();
        let mut limbs = [high, (low >> 64) as u64, low as u64];
        while limbs.iter().any(|limb| *limb != 0) {
            let mut remainder = 0_u128;
            for limb in &mut limbs {
                let value = (remainder << 64) | u128::from(*limb);
                *limb = (value / 10) as u64;
                remainder = value % 10;
            }
            digits.push(b'0' + remainder as u8);
        }
        digits.reverse();
        String::from_utf8(digits).unwrap()
    }
}
