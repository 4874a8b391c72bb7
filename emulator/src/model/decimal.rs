//! Decimal digits, two at a time.

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Fills a buffer with the last digits of a number, zeros in front.
pub(crate) fn fill(digits: &mut [u8], mut number: u64) {
    let mut pairs = digits.rchunks_exact_mut(2);
    for pair in &mut pairs {
        pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if let [first] = pairs.into_remainder() {
        *first = b'0' + (number % 10) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fill;

    proptest! {
        #[test]
        fn digits_are_those_of_the_number_padded_or_cut(number in any::<u64>(), width in 0_usize..24) {
            let mut digits = vec![b'x'; width];
            fill(&mut digits, number);
            let text = format!("{number:024}");
            prop_assert_eq!(&digits[..], &text.as_bytes()[24 - width..]);
        }
    }
}
