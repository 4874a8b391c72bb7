//! Output shapes: how answers are written.
//!
//! `answer!` declares an operation's output once. Absent members are left out,
//! never written as null.

use std::borrow::Borrow;

use crate::model::arn::{ChannelAddress, ConsumerAddress, QueueAddress, StreamAddress};
use crate::model::channel::GivenChannelArn;
use crate::model::constraint::Constrained;
use crate::model::hash_key::{GivenHashKey, HashKey};
use crate::model::names::{GivenConsumerArn, GivenQueueArn, GivenShardId, GivenStreamArn};
use crate::model::record::KeptText;
use crate::model::seal::Token;
use crate::model::sequence_number::{GivenSequenceNumber, SequenceNumber};
use crate::model::shard_id::ShardIndex;
use crate::model::shard_iterator::GivenShardIterator;
use crate::model::timestamp::Timestamp;

use super::description::Description;
use super::shape::ScalarBase;
use super::writer::Writer;

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

    /// About how many bytes it takes, so that a long answer is written into a
    /// buffer that need not grow.
    fn bytes_about(&self) -> usize {
        SCALAR_BYTES
    }

    /// Writes the value, which is present.
    fn emit(&self, writer: &mut impl Writer);
}

/// Room for a text or number of the usual length.
const SCALAR_BYTES: usize = 32;

impl<T: Emit> Emit for Option<T> {
    const REQUIRED: bool = false;
    const DESCRIPTION: Description = T::DESCRIPTION;

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn bytes_about(&self) -> usize {
        self.as_ref().map_or(0, T::bytes_about)
    }

    fn emit(&self, writer: &mut impl Writer) {
        self.as_ref().expect("what is absent is left out").emit(writer);
    }
}

/// Texts and integers with declared constraints.
impl<T: Constrained> Emit for T
where
    for<'a> T::Base<'a>: ScalarBase,
{
    const DESCRIPTION: Description = if <T::Base<'static> as ScalarBase>::IS_TEXT {
        Description::Text(T::CONSTRAINTS)
    } else {
        Description::Integer(T::CONSTRAINTS)
    };

    fn emit(&self, writer: &mut impl Writer) {
        self.base().write(writer);
    }
}

/// Values that the service makes and writes as text: the constraint of the
/// same member in requests describes them.
macro_rules! emitted_as_text {
    ($($type:ty as $given:ty, $value:ident => $text:expr;)*) => {$(
        impl Emit for $type {
            const DESCRIPTION: Description = Description::Text(<$given as Constrained>::CONSTRAINTS);

            fn emit(&self, writer: &mut impl Writer) {
                let $value = self;
                writer.ascii($text.as_ref());
            }
        }
    )*};
}

emitted_as_text! {
    ChannelAddress as GivenChannelArn, channel => channel.to_string();
    ConsumerAddress as GivenConsumerArn, consumer => consumer.to_string();
    HashKey as GivenHashKey, key => key.to_string();
    QueueAddress as GivenQueueArn, queue => queue.to_string();
    SealedIterator as GivenShardIterator, iterator => iterator.0.as_bytes();
    SequenceDigits as GivenSequenceNumber, digits => digits.0;
    SequenceNumber as GivenSequenceNumber, number => number.digits();
    ShardIndex as GivenShardId, shard => shard.id();
    StreamAddress as GivenStreamArn, stream => stream.to_string();
}

/// A sequence number whose digits are there already.
#[derive(Debug)]
pub(crate) struct SequenceDigits(pub(crate) [u8; SequenceNumber::DIGITS]);

/// A shard iterator on its way out.
#[derive(Debug)]
pub(crate) struct SealedIterator(pub(crate) Token);

/// A text made by the service with no declared form.
#[derive(Debug)]
pub(crate) struct PlainText<T>(pub(crate) T);

impl<T: AsRef<str>> Emit for PlainText<T> {
    const DESCRIPTION: Description = Description::Text(&[]);

    fn bytes_about(&self) -> usize {
        self.0.as_ref().len()
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.text(self.0.as_ref());
    }
}

impl Emit for bool {
    const DESCRIPTION: Description = Description::Boolean;

    fn emit(&self, writer: &mut impl Writer) {
        writer.boolean(*self);
    }
}

/// A count that the service makes.
impl Emit for u32 {
    const DESCRIPTION: Description = Description::Integer(&[]);

    fn emit(&self, writer: &mut impl Writer) {
        writer.count(u64::from(*self));
    }
}

/// A number of milliseconds.
impl Emit for u64 {
    const DESCRIPTION: Description = Description::Long;

    fn emit(&self, writer: &mut impl Writer) {
        writer.count(*self);
    }
}

impl Emit for Timestamp {
    const DESCRIPTION: Description = Description::Timestamp;

    fn emit(&self, writer: &mut impl Writer) {
        writer.time(*self);
    }
}

/// Stored bytes.
impl Emit for &[u8] {
    const DESCRIPTION: Description =
        Description::Blob { bytes_max: crate::model::record::Payload::BYTES_MAX };

    fn bytes_about(&self) -> usize {
        base64_simd::STANDARD.encoded_length(self.len())
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.blob(self);
    }
}

impl Emit for &str {
    const DESCRIPTION: Description = Description::Text(&[]);

    fn bytes_about(&self) -> usize {
        self.len()
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.text(self);
    }
}

/// A partition key as it was stored.
impl Emit for KeptText<'_> {
    const DESCRIPTION: Description = Description::Text(&[]);

    fn bytes_about(&self) -> usize {
        self.len()
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.utf8(self.as_bytes());
    }
}

impl<T: Emit> Emit for Vec<T> {
    const DESCRIPTION: Description =
        Description::List { at_least: 0, at_most: usize::MAX, element: &T::DESCRIPTION };

    fn bytes_about(&self) -> usize {
        self.iter().map(T::bytes_about).sum()
    }

    fn emit(&self, writer: &mut impl Writer) {
        emit_all::<T>(writer, self.len(), self.iter());
    }
}

/// Writes a list of values that are borrowed or made on the way.
pub(crate) fn emit_all<T: Emit>(
    writer: &mut impl Writer,
    elements: usize,
    values: impl Iterator<Item = impl Borrow<T>>,
) {
    writer.begin_list(elements);
    for value in values {
        writer.element();
        value.borrow().emit(writer);
    }
    writer.end_list();
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

            fn bytes_about(&self) -> usize {
                2 $(+ $wire.len() + 8 + $crate::wire::emit::Emit::bytes_about(&self.$field))*
            }

            fn emit(&self, writer: &mut impl $crate::wire::writer::Writer) {
                writer.begin_map(0 $(+ usize::from($crate::wire::emit::Emit::is_present(&self.$field)))*);
                $(if $crate::wire::emit::Emit::is_present(&self.$field) {
                    writer.name(&$crate::wire::writer::name!($wire));
                    $crate::wire::emit::Emit::emit(&self.$field, writer);
                })*
                writer.end_map();
            }
        }
    };
}

pub(crate) use answer;
