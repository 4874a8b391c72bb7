//! Gate 1: values as they stand in a request, before any constraint.
//!
//! Each primitive knows what it can be made of; everything else is a *clash*,
//! which carries AWS's sentence (recorded by kinesalite) and becomes a
//! SerializationException. Null counts as absent everywhere. JSON and CBOR are
//! told apart by serde's `is_human_readable`: base64 and seconds in the one,
//! bytes and milliseconds in the other. Payloads are decoded once, straight into
//! a buffer that all of a request's share.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::model::record::Payload;
use crate::model::timestamp::Timestamp;

use super::request_bytes::{Kept, RequestBytes};

/// What a request may hold, seen from the type that wants to be made of it.
///
/// Every method has a default: the clash with that kind of value.
pub(crate) trait Decode<'de>: Sized {
    /// The clash with text, numbers and booleans.
    const CLASH: Clash;

    fn text<E: Error>(_text: Cow<'de, str>, _decoding: &mut Decoding) -> Result<Self, E> {
        Err(Self::CLASH.with("java.lang.String"))
    }

    fn number<E: Error>(_number: f64, _decoding: &Decoding) -> Result<Self, E> {
        Err(Self::CLASH.with("com.amazon.coral.value.json.numbers.TruncatingBigNumber"))
    }

    fn boolean<E: Error>(_value: bool) -> Result<Self, E> {
        Err(Self::CLASH.with("java.lang.Boolean"))
    }

    fn bytes<E: Error>(_bytes: &[u8], _decoding: &mut Decoding) -> Result<Self, E> {
        Err(Self::CLASH.with("java.nio.HeapByteBuffer"))
    }

    fn list<A: SeqAccess<'de>>(_list: A, _decoding: &mut Decoding) -> Result<Self, A::Error> {
        Err(A::Error::custom("Start of list found where not expected"))
    }

    fn structure<A: MapAccess<'de>>(_map: A, _decoding: &mut Decoding) -> Result<Self, A::Error> {
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

/// The state of decoding one request.
#[derive(Debug)]
pub(crate) struct Decoding {
    /// Whether payloads are base64 and times seconds.
    human_readable: bool,
    pub(crate) request: RequestBytes,
}

impl Decoding {
    /// Begins to decode a body of so many bytes.
    pub(crate) fn of_body(bytes: usize) -> Self {
        Self { human_readable: false, request: RequestBytes::of_body(bytes) }
    }

    /// What decodes a value: nothing if it is null.
    pub(crate) fn value<T>(&mut self) -> Value<'_, T> {
        Value { decoding: self, target: PhantomData }
    }
}

/// Decodes one value.
pub(crate) struct Value<'a, T> {
    decoding: &'a mut Decoding,
    target: PhantomData<T>,
}

impl<'de, T: Decode<'de>> DeserializeSeed<'de> for Value<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        self.decoding.human_readable = deserializer.is_human_readable();
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Decode<'de>> Visitor<'de> for Value<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of a request")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Option<T>, E> {
        T::text(Cow::Borrowed(text), self.decoding).map(Some)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Option<T>, E> {
        T::text(Cow::Owned(text), self.decoding).map(Some)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Option<T>, E> {
        T::bytes(bytes, self.decoding).map(Some)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<T>, E> {
        T::number(number, self.decoding).map(Some)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Option<T>, E> {
        T::boolean(value).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Option<T>, A::Error> {
        T::list(list, self.decoding).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::structure(map, self.decoding).map(Some)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}

/// Text.
impl<'de> Decode<'de> for Cow<'de, str> {
    const CLASH: Clash = Clash::Conversion("an String");

    fn text<E: Error>(text: Cow<'de, str>, _: &mut Decoding) -> Result<Self, E> {
        Ok(text)
    }
}

/// A 32-bit number: fractions are floored and what is out of range is clamped
/// (recorded).
impl<'de> Decode<'de> for i32 {
    const CLASH: Clash = Clash::Conversion("an Integer");

    fn number<E: Error>(number: f64, _: &Decoding) -> Result<Self, E> {
        // `as` clamps to the range of the target.
        Ok(number.floor() as i32)
    }
}

impl<'de> Decode<'de> for bool {
    const CLASH: Clash = Clash::Conversion("an Boolean");

    fn boolean<E: Error>(value: bool) -> Result<Self, E> {
        Ok(value)
    }

    /// Some words are understood, as kinesalite has noted. The sentence about all
    /// others was recorded with DynamoDB, which decodes alike.
    fn text<E: Error>(text: Cow<'de, str>, _: &mut Decoding) -> Result<Self, E> {
        match text.to_uppercase().as_str() {
            "TRUE" | "YES" | "1" => Ok(true),
            "FALSE" | "NO" | "0" => Ok(false),
            other => Err(E::custom(format_args!("'{other}' can not be converted to an Boolean"))),
        }
    }
}

/// A point in time as a request gives it, in microseconds since the epoch, as the
/// service's own times are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    micros: i128,
}

impl Epoch {
    /// In milliseconds, without the fraction of one.
    pub(crate) fn as_millis(self) -> i128 {
        self.micros.div_euclid(1000)
    }

    /// In seconds, without the fraction of one.
    pub(crate) fn as_seconds(self) -> i64 {
        i64::try_from(self.micros.div_euclid(1_000_000)).unwrap_or(i64::MAX)
    }

    /// Whether it is still to come. Within the millisecond that is running nothing is.
    pub(crate) fn is_after(self, now: Timestamp) -> bool {
        self.as_millis() > now.as_millis().into()
    }

    /// The time of the service's, which begins with the epoch.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_micros(u64::try_from(self.micros.max(0)).unwrap_or(u64::MAX))
    }
}

impl<'de> Decode<'de> for Epoch {
    const CLASH: Clash = Clash::Conversion("milliseconds since epoch");

    fn number<E: Error>(number: f64, decoding: &Decoding) -> Result<Self, E> {
        let per_unit = if decoding.human_readable { 1_000_000 } else { 1000 };
        // Seconds and their fraction by themselves: together they would not fit.
        let whole = number.floor();
        let fraction = ((number - whole) * f64::from(per_unit)).round();
        Ok(Self { micros: (whole as i128).saturating_mul(per_unit.into()) + fraction as i128 })
    }
}

impl<'de> Decode<'de> for Kept<Payload> {
    const CLASH: Clash = Clash::Conversion("a Blob");

    fn text<E: Error>(text: Cow<'de, str>, decoding: &mut Decoding) -> Result<Self, E> {
        if !decoding.human_readable {
            return Err(Self::CLASH.with("java.lang.String"));
        }
        decoding.request.keep_base64(&text).ok_or_else(|| {
            let fault = base64_fault(&text);
            E::custom(format_args!("'{text}' can not be converted to a Blob: {fault}"))
        })
    }

    fn bytes<E: Error>(bytes: &[u8], decoding: &mut Decoding) -> Result<Self, E> {
        Ok(decoding.request.keep_payload(bytes))
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
/// What a body only promises is not made room for.
const ELEMENTS_EXPECTED_MAX: usize = 1024;

/// The elements of a list; null elements are kept as such.
#[derive(Debug)]
pub(crate) struct RawList<T>(pub(crate) Vec<Option<T>>);

impl<'de, T: Decode<'de>> Decode<'de> for RawList<T> {
    const CLASH: Clash = Clash::Fixed("Expected list or null");

    fn list<A: SeqAccess<'de>>(mut list: A, decoding: &mut Decoding) -> Result<Self, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(decoding.value())? {
            if elements.len() == ELEMENTS_MAX {
                return Err(too_many("elements", ELEMENTS_MAX));
            }
            if elements.is_empty() {
                // Now that there is one, the body's length says how many there are. In
                // eights, the memory is a whole number of the records that these
                // elements become, too, and is taken over as it is.
                let more = list.size_hint().unwrap_or_default().min(ELEMENTS_EXPECTED_MAX);
                elements.reserve_exact((1 + more).next_multiple_of(8));
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

    fn structure<A: MapAccess<'de>>(mut map: A, decoding: &mut Decoding) -> Result<Self, A::Error> {
        let mut entries: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let Some(value) = map.next_value_seed(decoding.value::<Cow<'de, str>>())? else {
                continue;
            };
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
    use std::time::Duration;

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
        let millis = |json| decode::<Epoch>(json).map(|time| time.map(Epoch::as_millis));
        assert_eq!(millis("1459799926.48"), Ok(Some(1_459_799_926_480)));
        assert_eq!(millis("1459799926"), Ok(Some(1_459_799_926_000)));
        assert_eq!(millis("-0.5"), Ok(Some(-500)));
        // Milliseconds that were taken for seconds.
        assert_eq!(millis("1795948929673"), Ok(Some(1_795_948_929_673_000)));
        assert_eq!(millis("1e20"), Ok(Some(100_000_000_000_000_000_000_000)));
        assert_eq!(
            decode::<Epoch>("\"2026-01-01T00:00:00Z\""),
            Err("class java.lang.String can not be converted to milliseconds since epoch"
                .to_owned())
        );
    }

    #[test]
    fn a_time_within_the_running_millisecond_is_not_to_come() {
        let time = |json| decode::<Epoch>(json).unwrap().unwrap();
        let now = Timestamp::from_millis(1_459_799_926_480);
        for within in ["1459799926.48", "1459799926.480001", "1459799926.480999"] {
            assert!(!time(within).is_after(now), "{within}");
        }
        assert!(time("1459799926.481").is_after(now));
        // Yet what arrived at the beginning of that millisecond was before it.
        assert_eq!(time("1459799926.48").timestamp(), now);
        assert_eq!(time("1459799926.480001").timestamp(), now.plus(Duration::from_micros(1)));
        assert_eq!(time("-1").timestamp(), Timestamp::EPOCH);
    }

    #[test]
    fn blobs_say_what_is_wrong_with_their_base64() {
        for (json, bytes) in [("\"aGk=\"", &b"hi"[..]), ("\"\"", b"")] {
            let mut decoding = Decoding::of_body(json.len());
            let kept = super::super::json::parse(json.as_bytes(), decoding.value()).unwrap();
            assert_eq!(decoding.request.payload(&kept.unwrap()), bytes);
        }
        for (text, fault) in [
            ("23456", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
            ("=+/=", "Invalid Base64 character: '='"),
            ("+/+=", "Invalid last non-pad Base64 character dectected"),
            ("aGk ", "Invalid Base64 character: ' '"),
        ] {
            assert_eq!(
                decode::<Kept<Payload>>(&format!("\"{text}\"")),
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
