//! The bytes of an aggregate: the frame, and the protobuf message inside.
//!
//! Law: whatever the bytes, reading answers and never panics.
//! Absent: what keys mean; see [`deaggregate`](super::deaggregate).

use md5::{Digest, Md5};
use prost::Message;

/// What an aggregate begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// What it ends with: an MD5.
pub const DIGEST_BYTES: usize = 16;

/// What the frame adds to the message.
pub(super) const FRAME_BYTES: usize = MAGIC.len() + DIGEST_BYTES;

/// The message. Keys are bytes here: the KCL reads proto2 strings, in which a
/// byte that is no UTF-8 becomes U+FFFD instead of making the message unreadable.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AggregateMessage {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) partition_key_table: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) explicit_hash_key_table: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub(super) records: Vec<RecordMessage>,
}

/// A user record in the message. The first and third member are required, which
/// [`AggregateMessage::is_complete`] checks, as prost does not.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RecordMessage {
    #[prost(uint64, optional, tag = "1")]
    pub(super) partition_key_index: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(super) data: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "4")]
    pub(super) tags: Vec<TagMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TagMessage {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) key: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) value: Option<Vec<u8>>,
}

/// A word about a user record, and what it is about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The word.
    pub key: String,
    /// What it says, if anything.
    pub value: Option<String>,
}

impl AggregateMessage {
    /// Frames the message.
    pub(super) fn encode_framed(&self) -> Vec<u8> {
        let mut framed = Vec::with_capacity(FRAME_BYTES + self.encoded_len());
        framed.extend_from_slice(&MAGIC);
        self.encode(&mut framed).expect("a vector takes any message");
        let digest = Md5::digest(&framed[MAGIC.len()..]);
        framed.extend_from_slice(&digest);
        framed
    }

    /// The message of an aggregate; nothing if these bytes are not one, in the
    /// sense in which the KCL passes them on as they are.
    pub(super) fn decode_framed(data: &[u8]) -> Option<Self> {
        let inside = data.strip_prefix(&MAGIC)?;
        // An empty message is none: the KCL asks for more than the digest.
        let message_bytes = inside.len().checked_sub(DIGEST_BYTES).filter(|bytes| *bytes > 0)?;
        let (message, digest) = inside.split_at(message_bytes);
        if Md5::digest(message).as_slice() != digest {
            return None;
        }
        Self::decode(message).ok().filter(Self::is_complete)
    }

    /// Whether every required member is there.
    fn is_complete(&self) -> bool {
        self.records.iter().all(|record| {
            record.partition_key_index.is_some()
                && record.data.is_some()
                && record.tags.iter().all(|tag| tag.key.is_some())
        })
    }
}

impl From<Tag> for TagMessage {
    fn from(tag: Tag) -> Self {
        Self { key: Some(tag.key.into_bytes()), value: tag.value.map(String::into_bytes) }
    }
}

impl From<TagMessage> for Tag {
    fn from(tag: TagMessage) -> Self {
        Self { key: text(&tag.key.unwrap_or_default()), value: tag.value.as_deref().map(text) }
    }
}

/// Bytes as text, with U+FFFD for what is none.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
