//! Decimal digits, eight at a time.

/// The last digits of a number, zeros in front. How many is part of the type, so
/// that none is copied by a loop.
#[inline]
pub(crate) fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    let (first, eights) = digits.as_rchunks_mut();
    for digits in eights.iter_mut().rev() {
        *digits = eight((number % 100_000_000) as u32);
        number /= 100_000_000;
    }
    let last = eight((number % 100_000_000) as u32);
    first.copy_from_slice(&last[8 - first.len()..]);
    digits
}

/// The digits of a number below 10^8.
///
/// The number is halved into groups of four, two and one digits, all groups of a
/// size at once. Dividing by multiplying is exact for numbers as small as these.
#[inline]
fn eight(number: u32) -> [u8; 8] {
    let (upper, lower) = (u64::from(number / 10_000), u64::from(number % 10_000));
    let fours = upper | lower << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens | (twos - tens * 10) << 8;
    (ones | u64::from_le_bytes([b'0'; 8])).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{digits, eight};

    fn are_the_last_digits<const N: usize>(number: u64) -> bool {
        digits::<N>(number)[..] == format!("{number:024}").as_bytes()[24 - N..]
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_number_padded_or_cut(number in any::<u64>()) {
            prop_assert!(are_the_last_digits::<0>(number) && are_the_last_digits::<3>(number));
            prop_assert!(are_the_last_digits::<8>(number) && are_the_last_digits::<12>(number));
            prop_assert!(are_the_last_digits::<19>(number) && are_the_last_digits::<24>(number));
        }
    }

    #[test]
    fn every_group_of_four_digits_is_right_in_either_half() {
        for number in 0..10_000 {
            assert_eq!(eight(number), *format!("{number:08}").as_bytes());
            assert_eq!(eight(number * 10_000), *format!("{number:04}0000").as_bytes());
        }
    }
}
