//! A record as it lies in a segment: ten bytes of what is known of it, its key and
//! its data.

use crate::model::record::KeptText;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

/// How many bits a time within a segment has, in microseconds: twelve days. In what
/// eight bytes have left there is room for lengths of 16 MiB.
pub(super) const TIME_BITS: u32 = 40;
pub(super) const MICROS_MAX: u64 = (1 << TIME_BITS) - 1;
pub(super) const BYTES_MAX: usize = (1 << (u64::BITS - TIME_BITS)) - 1;

/// A record on its way into the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) arrival: Timestamp,
    pub(super) partition_key: Option<KeptText<'a>>,
    pub(super) data: &'a [u8],
    pub(super) encryption: EncryptionType,
}

impl<'a> Incoming<'a> {
    /// Data and key.
    pub(super) fn bytes(&self) -> usize {
        self.key().len() + self.data.len()
    }

    fn key(&self) -> &'a [u8] {
        self.partition_key.unwrap_or_default().as_bytes()
    }

    /// Key and data without the first so many bytes.
    pub(super) fn after(&self, head_bytes: usize) -> [&'a [u8]; 2] {
        let of_key = head_bytes.min(self.key().len());
        [&self.key()[of_key..], &self.data[head_bytes - of_key..]]
    }
}

/// What is known of a record: ten bytes in front of its key and data, five for its
/// time, three for its length and two for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) micros_after_base: u64,
    /// Key and data, those in the segment before included.
    pub(super) bytes: u32,
    key_bytes: u16,
    has_partition_key: bool,
    pub(super) encryption: EncryptionType,
}

impl Header {
    pub(super) const BYTES: usize = 10;
    /// Beside a key's length, which has eleven bits.
    const HAS_PARTITION_KEY: u16 = 1 << 15;
    const IS_ENCRYPTED: u16 = 1 << 14;

    pub(super) fn of(record: &Incoming<'_>, micros_after_base: u64) -> Self {
        assert!(micros_after_base <= MICROS_MAX, "a segment covers at most 12 days");
        assert!(record.bytes() <= BYTES_MAX, "a record has at most 10 MiB");
        let key_bytes = u16::try_from(record.key().len());
        Self {
            micros_after_base,
            bytes: record.bytes() as u32,
            key_bytes: key_bytes.expect("a key is at most 256 UTF-16 units"),
            has_partition_key: record.partition_key.is_some(),
            encryption: record.encryption,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let has_key = if self.has_partition_key { Self::HAS_PARTITION_KEY } else { 0 };
        let encrypted = match self.encryption {
            EncryptionType::None => 0,
            EncryptionType::Kms => Self::IS_ENCRYPTED,
        };
        let mut bytes = [0; Self::BYTES];
        let time_and_length = self.micros_after_base | u64::from(self.bytes) << TIME_BITS;
        bytes[..8].copy_from_slice(&time_and_length.to_le_bytes());
        bytes[8..].copy_from_slice(&(self.key_bytes | has_key | encrypted).to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [time_and_length @ .., i, j] = bytes;
        let time_and_length = u64::from_le_bytes(time_and_length);
        let key = u16::from_le_bytes([i, j]);
        let is_encrypted = key & Self::IS_ENCRYPTED != 0;
        Self {
            micros_after_base: time_and_length & MICROS_MAX,
            bytes: (time_and_length >> TIME_BITS) as u32,
            key_bytes: key & !(Self::HAS_PARTITION_KEY | Self::IS_ENCRYPTED),
            has_partition_key: key & Self::HAS_PARTITION_KEY != 0,
            encryption: if is_encrypted { EncryptionType::Kms } else { EncryptionType::None },
        }
    }
}

/// Takes the first record off a tape of whole ones.
#[inline]
pub(super) fn take_record<'a>(
    tape: &mut &'a [u8],
) -> Option<(Header, Option<KeptText<'a>>, &'a [u8])> {
    let (header, rest) = tape.split_first_chunk()?;
    let header = Header::from_bytes(*header);
    let (record, rest) = rest.split_at(header.bytes as usize);
    *tape = rest;
    let (key, data) = record.split_at(header.key_bytes.into());
    Some((header, header.has_partition_key.then(|| KeptText::of_kept(key)), data))
}
