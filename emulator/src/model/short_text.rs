//! Short ASCII texts that take no memory of their own.

use std::fmt;
use std::hash::{Hash, Hasher};

/// An ASCII text of at most `MAX` bytes, none of them zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShortText<const MAX: usize> {
    /// Zeros at the end: texts are in the order of their bytes.
    bytes: [u8; MAX],
    length: u8,
}

impl<const MAX: usize> ShortText<MAX> {
    /// Takes a text; `None` if it is too long or not of such bytes.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let fits = text.len() <= MAX && text.iter().all(|byte| byte.is_ascii() && *byte != 0);
        fits.then(|| {
            let mut bytes = [0; MAX];
            bytes[..text.len()].copy_from_slice(text);
            let length = u8::try_from(text.len()).expect("a short text has less than 256 bytes");
            Self { bytes, length }
        })
    }

    pub(super) fn as_str(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.length)];
        std::str::from_utf8(bytes).expect("ASCII is UTF-8")
    }
}

impl<const MAX: usize> Hash for ShortText<MAX> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes[..usize::from(self.length)].hash(state);
    }
}

impl<const MAX: usize> fmt::Debug for ShortText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_texts_are_kept_and_ordered_as_texts_are(one in "[!-~]{0,9}", other in "[!-~]{0,9}") {
            let short = |text: &str| ShortText::<8>::new(text.as_bytes());
            prop_assert_eq!(short(&one).is_some(), one.len() <= 8);
            if let (Some(a), Some(b)) = (short(&one), short(&other)) {
                prop_assert_eq!(a.as_str(), &one);
                prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            }
        }
    }

    #[test]
    fn what_is_not_ascii_is_no_short_text() {
        assert_eq!(ShortText::<8>::new("é".as_bytes()), None);
        assert_eq!(ShortText::<8>::new(b"\0"), None);
    }
}
