//! Opaque tokens: shard iterators and page tokens.
//!
//! A token is base64 of its fields and a keyed tag over them. The tag keeps
//! forged and damaged tokens, and those of another emulator, from being read;
//! it is not meant to withstand an attacker with the seed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use smallvec::SmallVec;

use super::timestamp::Timestamp;

/// Seals and opens the tokens of one emulator.
#[derive(Debug)]
pub(crate) struct Seal {
    key: [u8; 16],
}

/// What a token is for: a token of one kind is never read as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    ShardIterator = 1,
    StreamPage = 2,
    ShardPage = 3,
    ConsumerPage = 4,
    QueuePage = 5,
    ReceiptHandle = 6,
    ChannelPage = 7,
}

/// The fields of a token, which take memory only if they are longer than most.
pub(crate) type Fields = SmallVec<[u8; 256]>;

/// A token's text, which takes memory only if it is longer than most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(SmallVec<[u8; 320]>);

impl Token {
    /// A token as it has come back.
    pub(super) fn given(text: &str) -> Self {
        Self(SmallVec::from_slice(text.as_bytes()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a token is a text")
    }
}

/// Kind, time and nonce. The kind takes eight bytes, as it seems to do at AWS, whose
/// iterators begin with a one (recorded).
const HEAD_BYTES: usize = 8 + 8 + 8;
const TAG_BYTES: usize = 12;
/// What a token takes beside its fields, before base64.
pub(super) const BESIDE_FIELDS_BYTES: usize = HEAD_BYTES + TAG_BYTES;

impl Seal {
    /// A seal whose tokens no other key opens.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// Makes a token. `nonce` makes tokens with equal fields differ.
    pub(crate) fn seal(
        &self,
        kind: TokenKind,
        issued: Timestamp,
        nonce: u64,
        fields: &[u8],
    ) -> Token {
        let mut bytes = Fields::new();
        bytes.extend_from_slice(&(kind as u64).to_be_bytes());
        bytes.extend_from_slice(&issued.as_millis().to_be_bytes());
        bytes.extend_from_slice(&nonce.to_be_bytes());
        bytes.extend_from_slice(fields);
        let tag = self.tag(&bytes);
        bytes.extend_from_slice(&tag);
        let length = base64::encoded_len(bytes.len(), true).expect("fields are short");
        let mut token = SmallVec::from_elem(0, length);
        let written = STANDARD.encode_slice(bytes, &mut token);
        debug_assert_eq!(written, Ok(length));
        Token(token)
    }

    /// Opens a token of a kind: when it was issued and its fields. `None` if
    /// it is anything but a token that this seal made, unchanged.
    pub(crate) fn open(&self, kind: TokenKind, token: &str) -> Option<(Timestamp, Fields)> {
        let mut bytes = Fields::from_elem(0, base64::decoded_len_estimate(token.len()));
        let decoded_bytes = STANDARD.decode_slice(token, &mut bytes).ok()?;
        bytes.truncate(decoded_bytes);
        let (sealed, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
        if self.tag(sealed) != *tag {
            return None;
        }
        let (head, fields) = sealed.split_first_chunk::<HEAD_BYTES>()?;
        let (found_kind, times) = head.split_first_chunk()?;
        let issued = Timestamp::from_millis(u64::from_be_bytes(*times.first_chunk()?));
        let end = HEAD_BYTES + fields.len();
        (u64::from_be_bytes(*found_kind) == kind as u64).then(|| {
            bytes.truncate(end);
            bytes.drain(..HEAD_BYTES);
            (issued, bytes)
        })
    }

    fn tag(&self, bytes: &[u8]) -> [u8; TAG_BYTES] {
        let inner = Md5::new().chain_update(self.key).chain_update(bytes).finalize();
        let outer = Md5::new().chain_update(inner).chain_update(self.key).finalize();
        outer[..TAG_BYTES].try_into().expect("an MD5 is longer than a tag")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    #[test]
    fn a_token_opens_with_its_own_key_and_kind_only() {
        let seal = Seal::new([7; 16]);
        let token = seal.seal(TokenKind::ShardIterator, NOW, 1, b"fields");
        assert_eq!(
            seal.open(TokenKind::ShardIterator, token.as_str()),
            Some((NOW, Fields::from_slice(b"fields")))
        );
        assert_eq!(seal.open(TokenKind::ShardPage, token.as_str()), None);
        assert_eq!(Seal::new([8; 16]).open(TokenKind::ShardIterator, token.as_str()), None);
        assert_ne!(token, seal.seal(TokenKind::ShardIterator, NOW, 2, b"fields"));
    }

    proptest! {
        #[test]
        fn a_changed_token_does_not_open(fields in proptest::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let seal = Seal::new([1; 16]);
            let mut bytes = STANDARD.decode(seal.seal(TokenKind::StreamPage, NOW, 3, &fields).as_bytes()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(seal.open(TokenKind::StreamPage, &STANDARD.encode(bytes)), None);
        }

        #[test]
        fn garbage_does_not_open(text in ".{0,80}") {
            prop_assert_eq!(Seal::new([1; 16]).open(TokenKind::StreamPage, &text), None);
        }
    }
}
