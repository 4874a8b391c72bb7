//! Input shapes: what a type looks like in a request, and how it is checked.
//!
//! `shape!` declares an operation's input once. From the one declaration come
//! the decoder of gate 1, the checks of gate 2 and the description that tests
//! compare with the service model. The decoded but unchecked form has no name
//! outside the macro: handlers never see an unchecked value.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::constraint::{Constrained, Constraint, Measured};
use crate::model::names::{TagKey, TagValue};
use crate::model::record::Payload;

use super::description::Description;
use super::primitive::{Decode, Epoch, RawList, RawMap};
use super::request_bytes::{Kept, RequestBytes};
use super::violation::{Path, Violations, parts_rule};
use super::writer::Writer;

/// A type that can stand in a request.
pub(crate) trait Shape: Any + Send + Sized {
    /// The decoded, unchecked form.
    type Raw<'de>: Decode<'de>;
    /// Whether a request without it is refused.
    const REQUIRED: bool = true;
    /// The declaration as data.
    const DESCRIPTION: Description;
    /// The rules of a scalar: in a list AWS reports them once, on the list.
    const SCALAR_RULES: &'static [Constraint] = &[];

    /// Makes the value, or says what is wrong and makes none. What a request may
    /// have hundreds of is kept among its bytes.
    fn check(
        raw: Self::Raw<'_>,
        at: &Path<'_>,
        request: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self>;

    /// What stands for the value if it is not there.
    fn absent(at: &Path<'_>, found: &mut Violations) -> Option<Self> {
        found.null(at);
        None
    }

    /// Prints the value as Java does, for a finding about it or its list.
    fn print(raw: &Self::Raw<'_>, out: &mut String);

    /// Shows every member of a structure, those of its members and elements
    /// included, in the order of their declaration. Scalars have none.
    fn each_member(&self, _see: &mut dyn FnMut(&dyn Any)) {}
}

/// A member that may be left out.
impl<T: Shape> Shape for Option<T> {
    type Raw<'de> = T::Raw<'de>;
    const REQUIRED: bool = false;
    const DESCRIPTION: Description = T::DESCRIPTION;

    fn check(
        raw: Self::Raw<'_>,
        at: &Path<'_>,
        request: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        T::check(raw, at, request, found).map(Some)
    }

    fn absent(_: &Path<'_>, _: &mut Violations) -> Option<Self> {
        Some(None)
    }

    fn print(raw: &Self::Raw<'_>, out: &mut String) {
        T::print(raw, out);
    }

    fn each_member(&self, see: &mut dyn FnMut(&dyn Any)) {
        self.iter().for_each(|value| value.each_member(see));
    }
}

/// Texts and integers with declared constraints.
impl<T: Constrained + Send + 'static> Shape for T
where
    for<'a> T::Base<'a>: ScalarBase + Decode<'a>,
{
    type Raw<'de> = T::Base<'de>;
    const DESCRIPTION: Description = if <T::Base<'static> as ScalarBase>::IS_TEXT {
        Description::Text(T::CONSTRAINTS)
    } else {
        Description::Integer(T::CONSTRAINTS)
    };
    const SCALAR_RULES: &'static [Constraint] = T::CONSTRAINTS;

    fn check(
        raw: Self::Raw<'_>,
        at: &Path<'_>,
        _: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        keeps_rules(&raw, T::CONSTRAINTS, at, found).then(|| T::from_checked(raw))
    }

    fn print(raw: &Self::Raw<'_>, out: &mut String) {
        out.push_str(&raw.printed());
    }
}

/// Whether a scalar satisfies its constraints; what is wrong is among the findings.
fn keeps_rules(
    raw: &impl ScalarBase,
    rules: &[Constraint],
    at: &Path<'_>,
    found: &mut Violations,
) -> bool {
    let mut legal = true;
    for rule in rules {
        if !raw.satisfies(rule) {
            found.broken(&raw.printed(), at, rule);
            legal = false;
        }
    }
    legal
}

/// A text with declared constraints that stays among the request's bytes.
impl<T: for<'a> Constrained<Base<'a> = Cow<'a, str>> + Send + 'static> Shape for Kept<T> {
    type Raw<'de> = Cow<'de, str>;
    const DESCRIPTION: Description = Description::Text(T::CONSTRAINTS);
    const SCALAR_RULES: &'static [Constraint] = T::CONSTRAINTS;

    fn check(
        raw: Cow<'_, str>,
        at: &Path<'_>,
        request: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        keeps_rules(&raw, T::CONSTRAINTS, at, found).then(|| request.keep_text(&raw))
    }

    fn print(raw: &Cow<'_, str>, out: &mut String) {
        out.push_str(raw);
    }
}

/// What the bases of constrained types have in common on the wire.
pub(crate) trait ScalarBase: Measured {
    /// Whether it is a text; a number otherwise.
    const IS_TEXT: bool;
    /// The value as Java prints it.
    fn printed(&self) -> Cow<'_, str>;
    /// Writes the value into an answer.
    fn write(&self, writer: &mut impl Writer);
}

impl ScalarBase for Cow<'_, str> {
    const IS_TEXT: bool = true;
    fn printed(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
    fn write(&self, writer: &mut impl Writer) {
        writer.text(self);
    }
}

impl ScalarBase for i32 {
    const IS_TEXT: bool = false;
    fn printed(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
    fn write(&self, writer: &mut impl Writer) {
        writer.integer(i64::from(*self));
    }
}

impl Shape for bool {
    type Raw<'de> = bool;
    const DESCRIPTION: Description = Description::Boolean;

    fn check(raw: bool, _: &Path<'_>, _: &mut RequestBytes, _: &mut Violations) -> Option<Self> {
        Some(raw)
    }

    fn print(raw: &bool, out: &mut String) {
        let _ = write!(out, "{raw}");
    }
}

impl Shape for Epoch {
    type Raw<'de> = Epoch;
    const DESCRIPTION: Description = Description::Timestamp;

    fn check(raw: Epoch, _: &Path<'_>, _: &mut RequestBytes, _: &mut Violations) -> Option<Self> {
        Some(raw)
    }

    fn print(raw: &Epoch, out: &mut String) {
        let _ = write!(out, "{}", raw.as_millis());
    }
}

impl Shape for Kept<Payload> {
    type Raw<'de> = Self;
    const DESCRIPTION: Description = Description::Blob { bytes_max: Payload::BYTES_MAX };

    fn check(
        raw: Self,
        at: &Path<'_>,
        _: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        if raw.len() <= Payload::BYTES_MAX {
            return Some(raw);
        }
        let mut printed = String::new();
        Self::print(&raw, &mut printed);
        found.broken(&printed, at, Constraint::LengthAtMost(Payload::BYTES_MAX));
        None
    }

    fn print(raw: &Self, out: &mut String) {
        let bytes = raw.len();
        let _ = write!(out, "java.nio.HeapByteBuffer[pos=0 lim={bytes} cap={bytes}]");
    }
}

/// A list of `MIN` to `MAX` elements.
#[derive(Debug)]
pub(crate) struct List<T, const MIN: usize, const MAX: usize>(pub(crate) Vec<T>);

impl<T: Shape, const MIN: usize, const MAX: usize> Shape for List<T, MIN, MAX> {
    type Raw<'de> = RawList<T::Raw<'de>>;
    const DESCRIPTION: Description =
        Description::List { at_least: MIN, at_most: MAX, element: &T::DESCRIPTION };

    fn check(
        raw: Self::Raw<'_>,
        at: &Path<'_>,
        request: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        let rule = match raw.0.len() {
            short if short < MIN => Some(Constraint::LengthAtLeast(MIN)),
            long if long > MAX => Some(Constraint::LengthAtMost(MAX)),
            _ => None,
        };
        if let Some(rule) = rule {
            let mut printed = String::new();
            Self::print(&raw, &mut printed);
            found.broken(&printed, at, rule);
        }
        let mut legal = rule.is_none();
        let printed = Self::printed_scalars(&raw);
        let mut of_elements = Violations::default();
        // Collected in place: the elements take the memory of the raw ones.
        let elements = raw.0.into_iter().enumerate().filter_map(|(position, raw)| {
            if found.is_full() {
                return None;
            }
            let at = at.element(position);
            let element = match raw {
                Some(raw) if printed.is_some() => T::check(raw, &at, request, &mut of_elements),
                Some(raw) => T::check(raw, &at, request, found),
                None => T::absent(&at, found),
            };
            legal &= element.is_some();
            element
        });
        let elements = elements.collect();
        if let (Some(printed), Some(_)) = (printed, of_elements.into_error()) {
            let rules = parts_rule(T::SCALAR_RULES);
            found.broken(&printed, at, format_args!("Member must satisfy constraint: {rules}"));
        }
        legal.then_some(Self(elements))
    }

    fn print(raw: &Self::Raw<'_>, out: &mut String) {
        out.push('[');
        for (position, element) in raw.0.iter().enumerate() {
            if position > 0 {
                out.push_str(", ");
            }
            match element {
                Some(element) => T::print(element, out),
                None => out.push_str("null"),
            }
        }
        out.push(']');
    }

    fn each_member(&self, see: &mut dyn FnMut(&dyn Any)) {
        self.0.iter().for_each(|element| element.each_member(see));
    }
}

impl<T: Shape, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// The list as Java prints it, if its elements are scalars.
    fn printed_scalars(raw: &RawList<T::Raw<'_>>) -> Option<String> {
        (!T::SCALAR_RULES.is_empty()).then(|| {
            let mut printed = String::new();
            Self::print(raw, &mut printed);
            printed
        })
    }
}

/// Tags to add: 1 to 200 entries by the model (`TagMap`).
#[derive(Debug)]
pub(crate) struct TagMap(pub(crate) BTreeMap<TagKey, TagValue>);

impl TagMap {
    const ENTRIES_MIN: usize = 1;
    const ENTRIES_MAX: usize = 200;
}

impl Shape for TagMap {
    type Raw<'de> = RawMap<'de>;
    const DESCRIPTION: Description = Description::Map {
        at_least: Self::ENTRIES_MIN,
        at_most: Self::ENTRIES_MAX,
        key: TagKey::CONSTRAINTS,
        value: TagValue::CONSTRAINTS,
    };

    fn check(
        raw: Self::Raw<'_>,
        at: &Path<'_>,
        _: &mut RequestBytes,
        found: &mut Violations,
    ) -> Option<Self> {
        let mut printed = String::new();
        Self::print(&raw, &mut printed);
        let entries = raw.0.len();
        let breaks = |rules: &'static [Constraint], text: &Cow<'_, str>| {
            rules.iter().any(|rule| !text.satisfies(rule))
        };
        let mut legal = true;
        let mut broken = |broken: bool, rule: String| {
            if broken {
                legal = false;
                found.broken(&printed, at, rule);
            }
        };
        broken(
            entries < Self::ENTRIES_MIN,
            Constraint::LengthAtLeast(Self::ENTRIES_MIN).to_string(),
        );
        broken(
            entries > Self::ENTRIES_MAX,
            Constraint::LengthAtMost(Self::ENTRIES_MAX).to_string(),
        );
        broken(
            raw.0.iter().any(|(key, _)| breaks(TagKey::CONSTRAINTS, key)),
            format!("Map keys must satisfy constraint: {}", parts_rule(TagKey::CONSTRAINTS)),
        );
        broken(
            raw.0.iter().any(|(_, value)| breaks(TagValue::CONSTRAINTS, value)),
            format!("Map value must satisfy constraint: {}", parts_rule(TagValue::CONSTRAINTS)),
        );
        let tags = raw.0.into_iter();
        legal.then(|| {
            Self(tags.map(|(k, v)| (TagKey::from_checked(k), TagValue::from_checked(v))).collect())
        })
    }

    fn print(raw: &Self::Raw<'_>, out: &mut String) {
        let entries: Vec<_> = raw.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let _ = write!(out, "{{{}}}", entries.join(", "));
    }
}

/// Declares a structure of a request.
///
/// ```text
/// shape! {
///     pub(crate) struct SplitShardInput {
///         "StreamName" => stream_name: Option<StreamName>,
///         "ShardToSplit" => shard: GivenShardId,
///     }
/// }
/// ```
///
/// A member of type `Option<T>` may be left out; null is the same as absent,
/// and unknown members are skipped.
macro_rules! shape {
    (
        $(#[$meta:meta])*
        pub(crate) struct $name:ident {
            $($(#[$member_meta:meta])* $wire:literal => $field:ident : $type:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[$member_meta])* pub(crate) $field: $type),*
        }

        #[allow(unused_mut, unused_variables, reason = "a structure may have no members")]
        const _: () = {
            use $crate::wire::{description, primitive, request_bytes, shape::Shape, violation};

            #[derive(Default)]
            pub(crate) struct Raw<'de> {
                $($field: Option<<$type as Shape>::Raw<'de>>,)*
                lifetime: ::std::marker::PhantomData<&'de ()>,
            }

            impl<'de> primitive::Decode<'de> for Raw<'de> {
                const CLASH: primitive::Clash = primitive::Clash::Fixed("Expected null");

                fn structure<A: ::serde::de::MapAccess<'de>>(
                    mut map: A,
                    decoding: &mut primitive::Decoding,
                ) -> Result<Self, A::Error> {
                    let mut raw = Self::default();
                    while let Some(primitive::Key(key)) = map.next_key()? {
                        match &*key {
                            $($wire => raw.$field = map.next_value_seed(decoding.value())?,)*
                            _ => primitive::skip_value(&mut map)?,
                        }
                    }
                    Ok(raw)
                }
            }

            impl Shape for $name {
                type Raw<'de> = Raw<'de>;
                const DESCRIPTION: description::Description =
                    description::Description::Structure(&[$(description::MemberDescription {
                        name: $wire,
                        required: <$type as Shape>::REQUIRED,
                        shape: <$type as Shape>::DESCRIPTION,
                    }),*]);

                fn check(
                    raw: Raw<'_>,
                    at: &violation::Path<'_>,
                    request: &mut request_bytes::RequestBytes,
                    found: &mut violation::Violations,
                ) -> Option<Self> {
                    $(let $field = {
                        let at = at.member($wire);
                        match raw.$field {
                            Some(raw) => <$type as Shape>::check(raw, &at, request, found),
                            None => <$type as Shape>::absent(&at, found),
                        }
                    };)*
                    Some(Self { $($field: $field?),* })
                }

                fn print(_: &Raw<'_>, out: &mut String) {
                    // Java prints an object's class and hash; this one was recorded.
                    out.push_str(concat!(
                        "com.amazonaws.kinesis.v20131202.", stringify!($name), "@c965e310"
                    ));
                }

                fn each_member(&self, see: &mut dyn FnMut(&dyn ::std::any::Any)) {
                    $(
                        see(&self.$field);
                        self.$field.each_member(see);
                    )*
                }
            }
        };
    };
}

pub(crate) use shape;
