//! Output shapes: how answers are written.
//!
//! `answer!` declares an operation's output once. Absent members are left out,
//! never written as null.

use std::fmt::Display;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::model::arn::{ChannelAddress, ConsumerAddress, QueueAddress, StreamAddress};
use crate::model::channel::GivenChannelArn;
use crate::model::constraint::Constrained;
use crate::model::hash_key::{GivenHashKey, HashKey};
use crate::model::names::{
    GivenConsumerArn, GivenQueueArn, GivenShardId, GivenShardIterator, GivenStreamArn,
};
use crate::model::sequence_number::{GivenSequenceNumber, SequenceNumber};
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;

use super::description::Description;
use super::shape::ScalarBase;

/// The name under which a time in milliseconds goes through serde: CBOR writes
/// it under a tag.
pub(crate) const EPOCH_MILLIS: &str = "epoch milliseconds";

/// A type that can stand in an answer.
pub(crate) trait Emit {
    /// Whether an answer always has it.
    const REQUIRED: bool = true;
    /// The declaration as data.
    const DESCRIPTION: Description;

    /// Whether the member is written at all.
    fn is_present(&self) -> bool {
        true
    }

    /// Writes the value.
    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// Hands an answer to serde.
pub(crate) struct AsSerde<'a, T>(pub(crate) &'a T);

impl<T: Emit> Serialize for AsSerde<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.emit(serializer)
    }
}

impl<T: Emit> Emit for Option<T> {
    const REQUIRED: bool = false;
    const DESCRIPTION: Description = T::DESCRIPTION;

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.emit(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Texts and integers with declared constraints.
impl<T: Constrained> Emit for T
where
    for<'a> T::Base<'a>: ScalarBase + Serialize,
{
    const DESCRIPTION: Description = if <T::Base<'static> as ScalarBase>::IS_TEXT {
        Description::Text(T::CONSTRAINTS)
    } else {
        Description::Integer(T::CONSTRAINTS)
    };

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.base().serialize(serializer)
    }
}

/// Values that the service makes and writes as text: the constraint of the
/// same member in requests describes them.
macro_rules! emitted_as_text {
    ($($type:ty as $given:ty),* $(,)?) => {$(
        impl Emit for $type {
            const DESCRIPTION: Description = Description::Text(<$given as Constrained>::CONSTRAINTS);

            fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

emitted_as_text! {
    ChannelAddress as GivenChannelArn,
    ConsumerAddress as GivenConsumerArn,
    HashKey as GivenHashKey,
    QueueAddress as GivenQueueArn,
    SequenceNumber as GivenSequenceNumber,
    ShardIndex as GivenShardId,
    StreamAddress as GivenStreamArn,
}

/// A shard iterator on its way out.
#[derive(Debug)]
pub(crate) struct SealedIterator(pub(crate) String);

/// A text made by the service with no declared form.
#[derive(Debug)]
pub(crate) struct PlainText<T>(pub(crate) T);

impl Emit for SealedIterator {
    const DESCRIPTION: Description = Description::Text(GivenShardIterator::CONSTRAINTS);

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<T: Display> Emit for PlainText<T> {
    const DESCRIPTION: Description = Description::Text(&[]);

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Emit for bool {
    const DESCRIPTION: Description = Description::Boolean;

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }
}

/// A count that the service makes.
impl Emit for u32 {
    const DESCRIPTION: Description = Description::Integer(&[]);

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*self)
    }
}

/// A number of milliseconds.
impl Emit for u64 {
    const DESCRIPTION: Description = Description::Long;

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*self)
    }
}

/// Seconds with their fraction where people read, milliseconds in CBOR.
impl Emit for Timestamp {
    const DESCRIPTION: Description = Description::Timestamp;

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.as_millis() as f64 / 1000.0)
        } else {
            serializer.serialize_newtype_struct(EPOCH_MILLIS, &self.as_millis())
        }
    }
}

/// Stored bytes: base64 where people read, bytes in CBOR.
impl Emit for &[u8] {
    const DESCRIPTION: Description =
        Description::Blob { bytes_max: crate::model::record::Payload::BYTES_MAX };

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&Base64Display::new(self, &STANDARD))
        } else {
            serializer.serialize_bytes(self)
        }
    }
}

impl Emit for &str {
    const DESCRIPTION: Description = Description::Text(&[]);

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<T: Emit> Emit for Vec<T> {
    const DESCRIPTION: Description =
        Description::List { at_least: 0, at_most: usize::MAX, element: &T::DESCRIPTION };

    fn emit<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        emit_all::<S, T>(serializer, self.len(), self.iter())
    }
}

/// Writes a list of values that are borrowed or made on the way.
pub(crate) fn emit_all<S: Serializer, T: Emit>(
    serializer: S,
    len: usize,
    values: impl Iterator<Item = impl std::borrow::Borrow<T>>,
) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(len))?;
    for value in values {
        list.serialize_element(&AsSerde(value.borrow()))?;
    }
    list.end()
}

/// Declares a structure of an answer.
///
/// ```text
/// answer! {
///     pub(crate) struct PutRecordOutput {
///         "ShardId" => shard_id: ShardIndex,
///         "EncryptionType" => encryption_type: Option<EncryptionType>,
///     }
/// }
/// ```
macro_rules! answer {
    (
        $(#[$meta:meta])*
        pub(crate) struct $name:ident $(<$lifetime:lifetime>)? {
            $($(#[$member_meta:meta])* $wire:literal => $field:ident : $type:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name $(<$lifetime>)? {
            $($(#[$member_meta])* pub(crate) $field: $type),*
        }

        impl $(<$lifetime>)? $crate::wire::emit::Emit for $name $(<$lifetime>)? {
            const DESCRIPTION: $crate::wire::description::Description =
                $crate::wire::description::Description::Structure(&[$(
                    $crate::wire::description::MemberDescription {
                        name: $wire,
                        required: <$type as $crate::wire::emit::Emit>::REQUIRED,
                        shape: <$type as $crate::wire::emit::Emit>::DESCRIPTION,
                    }
                ),*]);

            fn emit<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap;
                use $crate::wire::emit::AsSerde;

                let members = 0 $(+ usize::from(self.$field.is_present()))*;
                let mut map = serializer.serialize_map(Some(members))?;
                $(if self.$field.is_present() {
                    map.serialize_entry($wire, &AsSerde(&self.$field))?;
                })*
                map.end()
            }
        }
    };
}

pub(crate) use answer;
