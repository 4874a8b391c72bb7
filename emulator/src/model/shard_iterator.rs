//! Shard iterators: where a reader stands, as an opaque token.

use std::borrow::Cow;
use std::io::Write as _;
use std::time::Duration;

use super::arn::{RealmId, StreamAddress};
use super::constraint::{Constrained, Constraint};
use super::error::ApiError;
use super::names::StreamName;
use super::seal::{BESIDE_FIELDS_BYTES, Fields, Seal, Token, TokenKind};
use super::shard_id::ShardIndex;
use super::timestamp::Timestamp;

/// How long an iterator is valid (API reference, GetShardIterator).
pub(crate) const ITERATOR_AGE_MAX: Duration = Duration::from_millis(300_000);

/// An iterator has so many bytes before base64, or some sixteens more (recorded): its
/// length tells as little of what is in it as AWS's does.
const BYTES_MIN: usize = 152;
const BYTES_STEP: usize = 16;
/// Ends the stream's name, and fills what is left.
const PADDING: u8 = b'/';

/// A shard iterator as the caller sent it back (model: `ShardIterator`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenShardIterator(Token);

impl Constrained for GivenShardIterator {
    type Base<'a> = Cow<'a, str>;
    const CONSTRAINTS: &'static [Constraint] =
        &[Constraint::LengthAtLeast(1), Constraint::LengthAtMost(512)];

    fn from_checked(base: Cow<'_, str>) -> Self {
        Self(Token::given(&base))
    }

    fn base(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0.as_str())
    }
}

/// A reader's place in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardIterator {
    /// The stream read.
    pub(crate) stream: StreamAddress,
    /// Which of the streams that ever had this name.
    pub(crate) incarnation: u64,
    /// The shard read.
    pub(crate) shard: ShardIndex,
    /// Index of the next record.
    pub(crate) next_index: u64,
}

impl ShardIterator {
    /// The token for callers. `nonce` makes every token differ, as AWS's do.
    pub(crate) fn seal(&self, seal: &Seal, now: Timestamp, nonce: u64) -> Token {
        let StreamAddress { realm: RealmId { account, region }, name } = &self.stream;
        let mut fields = Fields::new();
        fields.extend_from_slice(&self.incarnation.to_be_bytes());
        fields.extend_from_slice(&self.shard.number().to_be_bytes());
        fields.extend_from_slice(&self.next_index.to_be_bytes());
        write!(fields, "{account}/{region}/{name}").expect("memory takes every token");
        let beyond_min = (BESIDE_FIELDS_BYTES + fields.len()).saturating_sub(BYTES_MIN);
        let token_bytes = BYTES_MIN + beyond_min.next_multiple_of(BYTES_STEP);
        fields.resize(token_bytes - BESIDE_FIELDS_BYTES, PADDING);
        seal.seal(TokenKind::ShardIterator, now, nonce, &fields)
    }

    /// Reads a token. AWS also takes it wrapped in literal double quotes
    /// (recorded).
    ///
    /// # Errors
    /// If it is not one of this emulator's, or older than 300 s.
    pub(crate) fn open(
        token: &GivenShardIterator,
        seal: &Seal,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let token = token.0.as_str();
        let token =
            token.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(token);
        let (issued, fields) =
            seal.open(TokenKind::ShardIterator, token).ok_or_else(ApiError::iterator_invalid)?;
        if now.since(issued) > ITERATOR_AGE_MAX {
            return Err(ApiError::iterator_expired(issued, now));
        }
        Self::decode(&fields).ok_or_else(ApiError::iterator_invalid)
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let (incarnation, rest) = fields.split_first_chunk()?;
        let (shard, rest) = rest.split_first_chunk()?;
        let (next_index, rest) = rest.split_first_chunk()?;
        let mut names = std::str::from_utf8(rest).ok()?.split('/');
        let account = names.next()?.parse().ok()?;
        let region = names.next()?.parse().ok()?;
        let name = StreamName::from_arn_resource(names.next()?)?;
        Some(Self {
            stream: StreamAddress { realm: RealmId { account, region }, name },
            incarnation: u64::from_be_bytes(*incarnation),
            shard: ShardIndex::new(u32::from_be_bytes(*shard)),
            next_index: u64::from_be_bytes(*next_index),
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::model::error::ErrorKind;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    fn iterator(name: &str) -> ShardIterator {
        ShardIterator {
            stream: StreamAddress {
                realm: RealmId {
                    account: "123456789012".parse().unwrap(),
                    region: "eu-central-1".parse().unwrap(),
                },
                name: StreamName::from_arn_resource(name).unwrap(),
            },
            incarnation: 42,
            shard: ShardIndex::new(7),
            next_index: 99,
        }
    }

    fn open(token: &str, now: Timestamp) -> Result<ShardIterator, ErrorKind> {
        ShardIterator::open(
            &GivenShardIterator::from_checked(token.into()),
            &Seal::new([1; 16]),
            now,
        )
        .map_err(|error| error.kind())
    }

    #[test]
    fn iterators_of_the_longest_names_fit_into_512_characters() {
        let token = iterator(&"n".repeat(128)).seal(&Seal::new([1; 16]), NOW, 1);
        assert!(token.len() <= 512, "{}", token.len());
        assert_eq!(open(token.as_str(), NOW), Ok(iterator(&"n".repeat(128))));
    }

    #[test]
    fn iterators_are_as_long_as_awss_and_begin_alike() {
        for name_bytes in 1..=128 {
            let token = iterator(&"n".repeat(name_bytes)).seal(&Seal::new([1; 16]), NOW, 1);
            let bytes = STANDARD.decode(token.as_bytes()).unwrap();
            assert!(bytes.len() >= 152 && (bytes.len() - 152).is_multiple_of(16));
            assert_eq!(bytes[..8], [0, 0, 0, 0, 0, 0, 0, 1]);
        }
    }

    #[test]
    fn an_iterator_lives_for_300_seconds_to_the_millisecond() {
        let token = iterator("s").seal(&Seal::new([1; 16]), NOW, 1);
        let token = token.as_str();
        assert_eq!(open(token, NOW.plus(ITERATOR_AGE_MAX)), Ok(iterator("s")));
        let late = NOW.plus(ITERATOR_AGE_MAX + Duration::from_millis(1));
        assert_eq!(open(token, late), Err(ErrorKind::ExpiredIterator));
    }

    #[test]
    fn literal_quotes_around_an_iterator_are_taken() {
        let token = iterator("s").seal(&Seal::new([1; 16]), NOW, 1);
        let token = token.as_str();
        assert_eq!(open(&format!("\"{token}\""), NOW), Ok(iterator("s")));
        assert_eq!(open(&format!("\"{token}"), NOW), Err(ErrorKind::InvalidArgument));
    }
}
