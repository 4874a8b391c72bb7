//! Gate 1: values as they stand in a request, before any constraint.
//!
//! Each primitive knows what it can be made of; everything else is a *clash*,
//! which carries AWS's sentence (recorded by kinesalite) and becomes a
//! SerializationException. Null counts as absent everywhere. JSON and CBOR are
//! told apart by serde's `is_human_readable`: base64 and seconds in the one,
//! bytes and milliseconds in the other.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a request may hold, seen from the type that wants to be made of it.
///
/// Every method has a default: the clash with that kind of value.
pub(crate) trait Decode<'de>: Sized {
    /// The clash with text, numbers and booleans.
    const CLASH: Clash;

    fn text<E: Error>(_text: Cow<'de, str>, _human_readable: bool) -> Result<Self, E> {
        Err(Self::CLASH.with("java.lang.String"))
    }

    fn number<E: Error>(_number: f64, _human_readable: bool) -> Result<Self, E> {
        Err(Self::CLASH.with("com.amazon.coral.value.json.numbers.TruncatingBigNumber"))
    }

    fn boolean<E: Error>(_value: bool) -> Result<Self, E> {
        Err(Self::CLASH.with("java.lang.Boolean"))
    }

    fn bytes<E: Error>(_bytes: Cow<'de, [u8]>) -> Result<Self, E> {
        Err(Self::CLASH.with("java.nio.HeapByteBuffer"))
    }

    fn list<A: SeqAccess<'de>>(_list: A) -> Result<Self, A::Error> {
        Err(A::Error::custom("Start of list found where not expected"))
    }

    fn structure<A: MapAccess<'de>>(_map: A) -> Result<Self, A::Error> {
        Err(A::Error::custom("Start of structure or map found where not expected."))
    }
}

/// How a type words a clash with a scalar.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clash {
    /// `class C can not be converted to …`, with the target as AWS names it.
    Conversion(&'static str),
    /// One sentence whatever was found.
    Fixed(&'static str),
}

impl Clash {
    fn with<E: Error>(self, class: &str) -> E {
        match self {
            Self::Conversion(target) => {
                E::custom(format_args!("class {class} can not be converted to {target}"))
            }
            Self::Fixed(sentence) => E::custom(sentence),
        }
    }
}

/// A member as it stands in a request: `None` if it is null.
#[derive(Debug)]
pub(crate) struct Nullable<T>(pub(crate) Option<T>);

impl<'de, T: Decode<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let human_readable = deserializer.is_human_readable();
        deserializer.deserialize_any(DecodeVisitor { human_readable, target: PhantomData })
    }
}

struct DecodeVisitor<T> {
    human_readable: bool,
    target: PhantomData<T>,
}

impl<'de, T: Decode<'de>> Visitor<'de> for DecodeVisitor<T> {
    type Value = Nullable<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of a request")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        T::text(Cow::Borrowed(text), self.human_readable).map(present)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        T::text(Cow::Owned(text), self.human_readable).map(present)
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        T::bytes(Cow::Borrowed(bytes)).map(present)
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
        T::bytes(Cow::Owned(bytes)).map(present)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        T::number(number, self.human_readable).map(present)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        T::boolean(value).map(present)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::list(list).map(present)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::structure(map).map(present)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Nullable(None))
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Nullable(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Nullable::deserialize(deserializer)
    }
}

fn present<T>(value: T) -> Nullable<T> {
    Nullable(Some(value))
}

/// Text.
impl<'de> Decode<'de> for Cow<'de, str> {
    const CLASH: Clash = Clash::Conversion("an String");

    fn text<E: Error>(text: Cow<'de, str>, _: bool) -> Result<Self, E> {
        Ok(text)
    }
}

/// A 32-bit number: fractions are floored and what is out of range is clamped
/// (recorded).
impl<'de> Decode<'de> for i32 {
    const CLASH: Clash = Clash::Conversion("an Integer");

    fn number<E: Error>(number: f64, _: bool) -> Result<Self, E> {
        // `as` clamps to the range of the target.
        Ok(number.floor() as i32)
    }
}

impl<'de> Decode<'de> for bool {
    const CLASH: Clash = Clash::Conversion("an Boolean");

    fn boolean<E: Error>(value: bool) -> Result<Self, E> {
        Ok(value)
    }
}

/// A point in time as a request gives it, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(pub(crate) i64);

impl<'de> Decode<'de> for Epoch {
    const CLASH: Clash = Clash::Conversion("milliseconds since epoch");

    fn number<E: Error>(number: f64, human_readable: bool) -> Result<Self, E> {
        let millis = if human_readable { number * 1000.0 } else { number };
        Ok(Self(millis.round() as i64))
    }
}

/// Bytes, decoded once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl<'de> Decode<'de> for Blob {
    const CLASH: Clash = Clash::Conversion("a Blob");

    fn text<E: Error>(text: Cow<'de, str>, human_readable: bool) -> Result<Self, E> {
        if !human_readable {
            return Err(Self::CLASH.with("java.lang.String"));
        }
        base64_simd::STANDARD.decode_to_vec(text.as_ref()).map(Self).map_err(|_| {
            E::custom(format_args!(
                "'{text}' can not be converted to a Blob: {}",
                base64_fault(&text)
            ))
        })
    }

    fn bytes<E: Error>(bytes: Cow<'de, [u8]>) -> Result<Self, E> {
        Ok(Self(bytes.into_owned()))
    }
}

/// What AWS says of a text that is not base64 (recorded, spelling included).
fn base64_fault(text: &str) -> String {
    let units = text.encode_utf16().count();
    if !units.is_multiple_of(4) {
        return format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {units}"
        );
    }
    let illegal = |letter: char| !letter.is_ascii_alphanumeric() && !"+/=".contains(letter);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let padding_inside = letter == '=' && letters.peek().is_some_and(|next| *next != '=');
        if illegal(letter) || padding_inside {
            return format!("Invalid Base64 character: '{letter}'");
        }
    }
    "Invalid last non-pad Base64 character dectected".to_owned()
}

/// Of a list or a map more is not read: no operation takes more than 10,000 elements
/// or 200 entries, while one byte can be an element that takes a hundred once it is
/// read, and a key is looked for among all before it. A few too many still get
/// AWS's sentence on how many there may be.
const ELEMENTS_MAX: usize = 20_000;
const ENTRIES_MAX: usize = 1_000;

/// What is said of a list or map that is not read on (ours).
fn too_many<E: Error>(what: &str, most: usize) -> E {
    E::custom(format_args!("There are more than {most} {what}"))
}

/// The elements of a list; null elements are kept as such.
#[derive(Debug)]
pub(crate) struct RawList<T>(pub(crate) Vec<Option<T>>);

impl<'de, T: Decode<'de>> Decode<'de> for RawList<T> {
    const CLASH: Clash = Clash::Fixed("Expected list or null");

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut elements = Vec::with_capacity(list.size_hint().unwrap_or_default().min(1024));
        while let Some(Nullable(element)) = list.next_element()? {
            if elements.len() == ELEMENTS_MAX {
                return Err(too_many("elements", ELEMENTS_MAX));
            }
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

/// The entries of a map from text to text, in the order given; null values are
/// dropped.
#[derive(Debug)]
pub(crate) struct RawMap<'de>(pub(crate) Vec<(Cow<'de, str>, Cow<'de, str>)>);

impl<'de> Decode<'de> for RawMap<'de> {
    const CLASH: Clash = Clash::Fixed("Expected map or null");

    fn structure<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let Nullable(Some(value)) = map.next_value()? else { continue };
            match entries.iter().position(|(known, _)| *known == key) {
                Some(known) => entries[known].1 = value,
                None if entries.len() == ENTRIES_MAX => {
                    return Err(too_many("entries", ENTRIES_MAX));
                }
                None => entries.push((key, value)),
            }
        }
        Ok(Self(entries))
    }
}

/// A member's name.
#[derive(Debug)]
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }
            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Skips the value of a member that is not known.
pub(crate) fn skip_value<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|IgnoredAny| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<'de, T: Decode<'de>>(json: &'de str) -> Result<Option<T>, String> {
        super::super::json::decode_member(json.as_bytes())
    }

    #[test]
    fn text_is_not_made_of_anything_else() {
        type Text<'a> = Cow<'a, str>;
        assert_eq!(decode::<Text<'_>>(r#""caf\u00e9""#), Ok(Some("café".into())));
        assert_eq!(decode::<Text<'_>>("null"), Ok(None));
        for (json, sentence) in [
            ("true", "class java.lang.Boolean can not be converted to an String"),
            (
                "34.56",
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
            ),
            ("[]", "Start of list found where not expected"),
            ("{}", "Start of structure or map found where not expected."),
        ] {
            assert_eq!(decode::<Text<'_>>(json), Err(sentence.to_owned()), "{json}");
        }
    }

    #[test]
    fn integers_are_floored_and_clamped() {
        for (json, expected) in
            [("34.56", 34), ("-0.5", -1), ("100000000000", i32::MAX), ("-1e30", i32::MIN), ("7", 7)]
        {
            assert_eq!(decode::<i32>(json), Ok(Some(expected)), "{json}");
        }
        assert_eq!(
            decode::<i32>("\"7\""),
            Err("class java.lang.String can not be converted to an Integer".to_owned())
        );
    }

    #[test]
    fn times_are_seconds_in_json_with_milliseconds_kept() {
        assert_eq!(decode::<Epoch>("1459799926.48"), Ok(Some(Epoch(1_459_799_926_480))));
        assert_eq!(decode::<Epoch>("1459799926"), Ok(Some(Epoch(1_459_799_926_000))));
        assert_eq!(
            decode::<Epoch>("\"2026-01-01T00:00:00Z\""),
            Err("class java.lang.String can not be converted to milliseconds since epoch"
                .to_owned())
        );
    }

    #[test]
    fn blobs_say_what_is_wrong_with_their_base64() {
        assert_eq!(decode::<Blob>("\"aGk=\""), Ok(Some(Blob(b"hi".to_vec()))));
        assert_eq!(decode::<Blob>("\"\""), Ok(Some(Blob(Vec::new()))));
        for (text, fault) in [
            ("23456", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
            ("=+/=", "Invalid Base64 character: '='"),
            ("+/+=", "Invalid last non-pad Base64 character dectected"),
            ("aGk ", "Invalid Base64 character: ' '"),
        ] {
            assert_eq!(
                decode::<Blob>(&format!("\"{text}\"")),
                Err(format!("'{text}' can not be converted to a Blob: {fault}"))
            );
        }
    }

    #[test]
    fn lists_and_maps_word_their_own_clashes() {
        assert_eq!(decode::<RawList<i32>>("3").err().as_deref(), Some("Expected list or null"));
        assert_eq!(decode::<RawMap<'_>>("\"a\"").err().as_deref(), Some("Expected map or null"));
        assert_eq!(
            decode::<RawMap<'_>>("[]").err().as_deref(),
            Some("Start of list found where not expected")
        );
    }
}
