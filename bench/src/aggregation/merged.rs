//! Merged messages: several in one record, without keys of their own.
//!
//! What many producers do without the KPL: a consumer splits at newlines, or at
//! lengths where messages may hold newlines. All messages of a record share its
//! partition key.
//!
//! ```
//! use kinesis_bench::aggregation::merged::Framing;
//!
//! let record = Framing::Newline.merge(["a=1", "a=2"])?;
//! assert_eq!(record, b"a=1\na=2\n");
//! assert_eq!(Framing::Newline.split(&record)?, [&b"a=1"[..], b"a=2"]);
//! # Ok::<(), kinesis_bench::aggregation::merged::NotMerged>(())
//! ```

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What tells one message from the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// A newline after each message; a message must not contain one
    #[default]
    Newline,
    /// The length in four bytes, big-endian, before each message
    Length,
}

/// Why messages cannot be merged or a record not be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMerged {
    /// This message holds the newline that would end it.
    NewlineInside {
        /// Its position.
        message: usize,
    },
    /// This message is longer than four bytes can say.
    TooLong {
        /// Its position.
        message: usize,
    },
    /// The record ends before this message does.
    CutOff {
        /// Its position.
        message: usize,
    },
}

impl fmt::Display for NotMerged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewlineInside { message } => {
                write!(f, "message {message} holds a newline: frame messages by their length")
            }
            Self::TooLong { message } => {
                write!(f, "message {message} is longer than 4 GiB: no record holds it")
            }
            Self::CutOff { message } => write!(
                f,
                "the record ends within message {message}: it was cut off, \
                 or merged with another framing"
            ),
        }
    }
}

impl std::error::Error for NotMerged {}

impl Framing {
    /// One record's data from several messages.
    ///
    /// # Errors
    /// When a message holds what would end it.
    pub fn merge<M: AsRef<[u8]>>(
        self,
        messages: impl IntoIterator<Item = M>,
    ) -> Result<Vec<u8>, NotMerged> {
        let mut record = Vec::new();
        for (message, data) in messages.into_iter().enumerate() {
            let data = data.as_ref();
            match self {
                Self::Newline if data.contains(&b'\n') => {
                    return Err(NotMerged::NewlineInside { message });
                }
                Self::Newline => {
                    record.extend_from_slice(data);
                    record.push(b'\n');
                }
                Self::Length => {
                    let length =
                        u32::try_from(data.len()).map_err(|_| NotMerged::TooLong { message })?;
                    record.extend_from_slice(&length.to_be_bytes());
                    record.extend_from_slice(data);
                }
            }
        }
        Ok(record)
    }

    /// The messages of a record.
    ///
    /// # Errors
    /// When the record ends within a message.
    pub fn split(self, record: &[u8]) -> Result<Vec<&[u8]>, NotMerged> {
        let mut messages = Vec::new();
        let mut rest = record;
        while !rest.is_empty() {
            let cut_off = NotMerged::CutOff { message: messages.len() };
            let (message, after) = match self {
                Self::Newline => {
                    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(cut_off)?;
                    (&rest[..end], &rest[end + 1..])
                }
                Self::Length => {
                    let (length, after) = rest.split_first_chunk::<4>().ok_or(cut_off)?;
                    let length = u32::from_be_bytes(*length) as usize;
                    after.split_at_checked(length).ok_or(cut_off)?
                }
            };
            messages.push(message);
            rest = after;
        }
        Ok(messages)
    }

    /// What framing adds to each message.
    #[must_use]
    pub fn overhead_bytes(self) -> usize {
        match self {
            Self::Newline => 1,
            Self::Length => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Framing, NotMerged};

    proptest! {
        #[test]
        fn messages_come_back(messages: Vec<Vec<u8>>) {
            let record = Framing::Length.merge(&messages).unwrap();
            prop_assert_eq!(Framing::Length.split(&record).unwrap(), messages.clone());
            let bytes: usize = messages.iter().map(|m| m.len() + 4).sum();
            prop_assert_eq!(record.len(), bytes);
            let lines: Vec<Vec<u8>> = messages
                .into_iter()
                .map(|message| message.into_iter().filter(|byte| *byte != b'\n').collect())
                .collect();
            let record = Framing::Newline.merge(&lines).unwrap();
            prop_assert_eq!(Framing::Newline.split(&record).unwrap(), lines);
        }

        #[test]
        fn no_record_makes_splitting_panic(record: Vec<u8>) {
            let _ = Framing::Length.split(&record);
            let _ = Framing::Newline.split(&record);
        }
    }

    #[test]
    fn what_cannot_be_split_again_is_not_merged() {
        let refused = Framing::Newline.merge(["one", "two\nlines"]);
        assert_eq!(refused, Err(NotMerged::NewlineInside { message: 1 }));
        assert_eq!(Framing::Newline.split(b"one\ntw"), Err(NotMerged::CutOff { message: 1 }));
        assert_eq!(
            Framing::Length.split(&[0, 0, 0, 1, 7, 0, 0, 0, 2, 7]),
            Err(NotMerged::CutOff { message: 1 })
        );
    }
}
