//! The data of a record: of a size, from a file, line by line, or from a template.
//!
//! Law: the data of record *n* is a function of the choice, the seed and *n*, but
//! for the time of sending, which a [`Stamp`] or `{{date.now}}` puts into it.

use std::io::Write as _;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

use super::payload;
use super::template::Template;

/// Where the data of records comes from.
#[derive(Debug, Clone)]
pub enum Content {
    /// `hello-0042`, as the measurement this package began with has it.
    Hello,
    /// So many bytes of text, different for each record.
    Sized(Size),
    /// The same bytes each time.
    Fixed(Bytes),
    /// One after the other, and again from the first.
    InTurn(Vec<Bytes>),
    /// A template, filled anew for each record.
    Template(Template),
}

/// A number of bytes, such as `512`, `1KiB` or `10MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub usize);

/// What a record carries so that whoever reads it knows when it was due and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The number of the record.
    pub record: u64,
    /// When it was due, in microseconds since the run began.
    pub intended_us: u64,
    /// When it was sent, in microseconds since the run began.
    pub sent_us: u64,
}

impl Content {
    /// The data of one record, sent at `now` after 1970.
    #[must_use]
    pub fn data(&self, seed: u64, record: u64, now: Duration) -> Bytes {
        match self {
            Self::Hello => Bytes::from(payload::data(usize::try_from(record).unwrap_or(0))),
            Self::Sized(size) => Bytes::from(filler(*size, seed, record)),
            Self::Fixed(bytes) => bytes.clone(),
            Self::InTurn(lines) => lines[(record % lines.len() as u64) as usize].clone(),
            Self::Template(template) => Bytes::from(template.fill(seed, record, now)),
        }
    }

    /// The same behind a stamp. Data of a given size keeps that size if it can.
    #[must_use]
    pub fn stamped(&self, seed: u64, stamp: Stamp, now: Duration) -> Bytes {
        let head = stamp.to_head();
        let data = match self {
            Self::Sized(Size(bytes)) => {
                Bytes::from(filler(Size(bytes.saturating_sub(head.len())), seed, stamp.record))
            }
            other => other.data(seed, stamp.record, now),
        };
        [head.as_bytes(), &data].concat().into()
    }

    /// The most bytes of one record's data; of a template those of its first.
    #[must_use]
    pub fn bytes_max(&self, seed: u64) -> usize {
        match self {
            Self::Sized(Size(bytes)) => *bytes,
            Self::InTurn(lines) => lines.iter().map(Bytes::len).max().unwrap_or(0),
            Self::Hello | Self::Fixed(_) | Self::Template(_) => self.bytes_about(seed),
        }
    }

    /// What a stamp adds to data at most. Data of a given size holds it.
    #[must_use]
    pub fn stamp_bytes_max(&self) -> usize {
        match self {
            Self::Sized(_) => 0,
            Self::Hello | Self::Fixed(_) | Self::InTurn(_) | Self::Template(_) => STAMP_BYTES_MAX,
        }
    }

    /// Bytes of a record, to plan with; of a template and of lines that of the first.
    #[must_use]
    pub fn bytes_about(&self, seed: u64) -> usize {
        self.data(seed, 0, Duration::ZERO).len()
    }
}

const MAGIC: &str = "kb1:";

impl Stamp {
    /// Its text, such as `kb1:7:1000:1002;`.
    #[must_use]
    pub fn to_head(self) -> String {
        format!("{MAGIC}{}:{}:{};", self.record, self.intended_us, self.sent_us)
    }

    /// The stamp that data begins with.
    #[must_use]
    pub fn read(data: &[u8]) -> Option<Self> {
        let data = data.strip_prefix(MAGIC.as_bytes())?;
        let end = data.iter().take(STAMP_BYTES_MAX).position(|byte| *byte == b';')?;
        let mut numbers = std::str::from_utf8(&data[..end]).ok()?.split(':').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { record: next()?, intended_us: next()?, sent_us: next()? })
    }
}

/// Three numbers of 64 bits, and what is between them.
const STAMP_BYTES_MAX: usize = 64;

/// Text that begins with the record's number and goes on pseudo-randomly.
fn filler(Size(bytes): Size, seed: u64, record: u64) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Sixteen digits at most, and the point.
    let mut data = Vec::with_capacity(bytes.max(17));
    write!(data, "{record:x}.").expect("a Vec takes whatever is written");
    data.truncate(bytes);
    let mut state = mix(seed ^ mix(record));
    while data.len() < bytes {
        state = mix(state);
        let left = (bytes - data.len()).min(10);
        data.extend((0..left).map(|n| ALPHABET[(state >> (6 * n) & 63) as usize]));
    }
    data
}

/// One step of SplitMix64: neighbours become unlike.
#[must_use]
pub fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ state >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ state >> 31
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || "a size is a number of bytes, such as 512, 1KiB or 1MB".to_owned();
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let factor = match unit.trim() {
            "" | "B" => 1,
            "KiB" | "K" => 1_024,
            "MiB" | "M" => 1_048_576,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            _ => return Err(wanted()),
        };
        let bytes = number.parse::<usize>().map_err(|_| wanted())?;
        match bytes.checked_mul(factor) {
            Some(bytes @ 1..=RECORD_BYTES_MAX) => Ok(Self(bytes)),
            _ => Err("a record has at least 1 byte and less than 10MiB".to_owned()),
        }
    }
}

/// The most that `UpdateMaxRecordSize` allows a record, its partition key included.
pub const RECORD_BYTES_MAX: usize = 10 * 1_048_576;
/// What a stream takes that has not been told otherwise, the partition key included.
pub const RECORD_BYTES_DEFAULT: usize = 1_048_576;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::{Content, Size, Stamp};

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("512", 512), ("1KiB", 1_024), ("10MiB", 10_485_760), ("2KB", 2_000)]
        {
            assert_eq!(text.parse::<Size>().unwrap(), Size(bytes));
        }
        for text in ["", "KiB", "1GiB", "-1", "1.5KiB"] {
            assert!(text.parse::<Size>().unwrap_err().contains("1KiB"), "{text}");
        }
        for text in ["0", "11MiB", "10485761"] {
            assert!(text.parse::<Size>().unwrap_err().contains("less than 10MiB"), "{text}");
        }
    }

    #[test]
    fn sized_data_has_its_size_with_and_without_a_stamp() {
        let stamp = Stamp { record: 77, intended_us: 5, sent_us: 9 };
        for bytes in [1, 2, 10, 100, 1_024, 70_000] {
            let content = Content::Sized(Size(bytes));
            let data = content.data(1, 77, Duration::ZERO);
            assert_eq!(data.len(), bytes);
            assert_eq!(data, content.data(1, 77, Duration::ZERO), "it repeats");
            let stamped = content.stamped(1, stamp, Duration::ZERO);
            assert_eq!(stamped.len(), bytes.max(stamp.to_head().len()));
            assert_eq!(Stamp::read(&stamped), Some(stamp));
        }
        let big = Content::Sized(Size(100));
        assert_ne!(big.data(1, 1, Duration::ZERO), big.data(2, 1, Duration::ZERO));
        assert_ne!(big.data(1, 1, Duration::ZERO), big.data(1, 2, Duration::ZERO));
    }

    #[test]
    fn lines_come_in_turn() {
        let content = Content::InTurn(vec![Bytes::from("a"), Bytes::from("b")]);
        let data: Vec<_> = (0..3).map(|n| content.data(1, n, Duration::ZERO)).collect();
        assert_eq!(data, ["a", "b", "a"]);
    }

    #[test]
    fn what_is_no_stamp_is_not_read_as_one() {
        for data in [&b""[..], b"hello-0001", b"kb1:", b"kb1:1:2;", b"kb1:a:2:3;", b"kb1:1:2:3"] {
            assert_eq!(Stamp::read(data), None);
        }
    }
}
