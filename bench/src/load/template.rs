//! Payloads from a template in the style of the Kinesis Data Generator.
//!
//! `{"sensor": {{random.number(50)}}, "at": "{{date.now}}"}` is text with fields.
//! The fields are the documented subset in [`FIELDS`]; an unknown one is refused
//! with the list, before anything is sent.
//!
//! Law: the data of record *n* is a function of template, seed and *n*, but for
//! `date.*`, which is the time it is sent at.

use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

/// The fields that a template may use, with an example of each.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "random.number",
        "{{random.number}}, {{random.number(100)}}, {{random.number({\"min\":10,\"max\":20})}}",
    ),
    ("random.arrayElement", "{{random.arrayElement([\"red\",\"green\"])}}"),
    (
        "random.weightedArrayElement",
        "{{random.weightedArrayElement({\"weights\":[0.2,0.8],\"data\":[\"a\",\"b\"]})}}",
    ),
    ("random.boolean", "{{random.boolean}}"),
    ("random.uuid", "{{random.uuid}}"),
    ("random.alphaNumeric", "{{random.alphaNumeric(12)}}"),
    ("date.now", "{{date.now}}, {{date.now(\"YYYY-MM-DD HH:mm:ss\")}}"),
    ("date.utc", "{{date.utc}}"),
    ("date.epoch", "{{date.epoch}} (milliseconds)"),
    ("record.number", "{{record.number}} (0, 1, 2 …)"),
    ("name.firstName", "{{name.firstName}}"),
    ("name.lastName", "{{name.lastName}}"),
    ("name.findName", "{{name.findName}}"),
    ("internet.ip", "{{internet.ip}}"),
    ("internet.email", "{{internet.email}}"),
    ("internet.userName", "{{internet.userName}}"),
    ("address.city", "{{address.city}}"),
    ("address.country", "{{address.country}}"),
    ("commerce.product", "{{commerce.product}}"),
    ("commerce.price", "{{commerce.price}}"),
    ("company.companyName", "{{company.companyName}}"),
    ("lorem.word", "{{lorem.word}}"),
    ("lorem.sentence", "{{lorem.sentence}}"),
];

/// A template that can be filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Number {
        min: i64,
        max: i64,
    },
    Element(Vec<String>),
    /// Each element with the sum of the weights up to and including its own.
    Weighted(Vec<(f64, String)>),
    Boolean,
    Uuid,
    AlphaNumeric(usize),
    /// A `strftime` format.
    Date(String),
    Epoch,
    RecordNumber,
    FirstName,
    LastName,
    FullName,
    Ip,
    Email,
    UserName,
    City,
    Country,
    Product,
    Price,
    Company,
    Word,
    Sentence,
}

impl Template {
    /// The text of one record, sent at `now` after 1970.
    #[must_use]
    pub fn fill(&self, seed: u64, record: u64, now: Duration) -> String {
        // Odd and far from small numbers, so that neighbours get unlike draws.
        let mut draws = StdRng::seed_from_u64(seed ^ record.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut text = String::new();
        for part in &self.0 {
            part.write(&mut text, &mut draws, record, now);
        }
        text
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut parts, mut unknown) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let (before, field) = rest.split_at(start);
            let end = field_end(field)
                .ok_or_else(|| format!("`{}` has no end: close it with }}}}", shorten(field)))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let field_text = field[2..end].trim();
            let (name, arguments) = split_call(field_text)?;
            match part(name, arguments)? {
                Some(part) => parts.push(part),
                None => unknown.push(name.to_owned()),
            }
            rest = &field[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if unknown.is_empty() {
            return Ok(Self(parts));
        }
        let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        Err(format!(
            "the template uses {}, which this benchmark does not know; it knows {}",
            unknown.join(", "),
            known.join(", ")
        ))
    }
}

/// Where the `}}` of a field begins, past any that belongs to its arguments.
fn field_end(field: &str) -> Option<usize> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let bytes = field.as_bytes();
    for at in 2..bytes.len() {
        match bytes[at] {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' if depth == 0 && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// `random.number(50)` as its name and its argument in JSON.
fn split_call(field: &str) -> Result<(&str, Option<Value>), String> {
    let Some((name, rest)) = field.split_once('(') else {
        return Ok((field, None));
    };
    let arguments = rest
        .strip_suffix(')')
        .ok_or_else(|| format!("`{}` lacks its closing bracket", shorten(field)))?
        .trim();
    if arguments.is_empty() {
        return Ok((name.trim(), None));
    }
    let value = serde_json::from_str(arguments).map_err(|error| {
        format!("the argument of {} is not JSON ({error}): {}", name.trim(), shorten(arguments))
    })?;
    Ok((name.trim(), Some(value)))
}

fn part(name: &str, argument: Option<Value>) -> Result<Option<Part>, String> {
    let misused = || {
        let example = FIELDS.iter().find(|(field, _)| *field == name).map_or("", |field| field.1);
        format!("{name} is used like {example}")
    };
    let takes_nothing = |part: Part| if argument.is_none() { Ok(part) } else { Err(misused()) };
    let part = match name {
        "random.number" => number(argument.as_ref()).ok_or_else(misused)?,
        "random.arrayElement" => {
            let elements = argument.as_ref().and_then(elements).ok_or_else(misused)?;
            Part::Element(elements)
        }
        "random.weightedArrayElement" => {
            Part::Weighted(argument.as_ref().and_then(weighted).ok_or_else(misused)?)
        }
        "random.alphaNumeric" => {
            let length = argument.as_ref().map_or(Some(1), Value::as_u64);
            let length = length.and_then(|length| usize::try_from(length).ok());
            Part::AlphaNumeric(length.filter(|length| *length <= 65_536).ok_or_else(misused)?)
        }
        "date.now" | "date.utc" => Part::Date(match &argument {
            None => "%Y-%m-%dT%H:%M:%S.%3fZ".to_owned(),
            Some(Value::String(format)) => strftime(format),
            Some(_) => return Err(misused()),
        }),
        "date.epoch" => takes_nothing(Part::Epoch)?,
        "record.number" => takes_nothing(Part::RecordNumber)?,
        "random.boolean" => takes_nothing(Part::Boolean)?,
        "random.uuid" => takes_nothing(Part::Uuid)?,
        "name.firstName" => takes_nothing(Part::FirstName)?,
        "name.lastName" => takes_nothing(Part::LastName)?,
        "name.findName" => takes_nothing(Part::FullName)?,
        "internet.ip" => takes_nothing(Part::Ip)?,
        "internet.email" => takes_nothing(Part::Email)?,
        "internet.userName" => takes_nothing(Part::UserName)?,
        "address.city" => takes_nothing(Part::City)?,
        "address.country" => takes_nothing(Part::Country)?,
        "commerce.product" => takes_nothing(Part::Product)?,
        "commerce.price" => takes_nothing(Part::Price)?,
        "company.companyName" => takes_nothing(Part::Company)?,
        "lorem.word" => takes_nothing(Part::Word)?,
        "lorem.sentence" => takes_nothing(Part::Sentence)?,
        _ => return Ok(None),
    };
    Ok(Some(part))
}

/// faker's rule: up to and including the number, 99,999 if there is none.
fn number(argument: Option<&Value>) -> Option<Part> {
    let (min, max) = match argument {
        None => (0, 99_999),
        Some(Value::Number(max)) => (0, max.as_i64()?),
        Some(Value::Object(range)) => (
            range.get("min").map_or(Some(0), Value::as_i64)?,
            range.get("max").map_or(Some(99_999), Value::as_i64)?,
        ),
        Some(_) => return None,
    };
    (min <= max).then_some(Part::Number { min, max })
}

fn elements(argument: &Value) -> Option<Vec<String>> {
    let elements: Vec<String> = argument.as_array()?.iter().map(plain).collect();
    (!elements.is_empty()).then_some(elements)
}

fn weighted(argument: &Value) -> Option<Vec<(f64, String)>> {
    let data = elements(argument.get("data")?)?;
    let weights = argument.get("weights")?.as_array()?;
    let mut sum = 0.0;
    let sums: Option<Vec<f64>> = weights
        .iter()
        .map(|weight| {
            sum += weight.as_f64().filter(|weight| *weight >= 0.0)?;
            Some(sum)
        })
        .collect();
    let sums = sums?;
    (sum > 0.0 && sums.len() == data.len()).then(|| sums.into_iter().zip(data).collect())
}

/// A string without its quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A format of moment.js, as far as its common tokens go, for `strftime`.
fn strftime(moment: &str) -> String {
    const TOKENS: &[(&str, &str)] = &[
        ("YYYY", "%Y"),
        ("YY", "%y"),
        ("MMMM", "%B"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("DD", "%d"),
        ("HH", "%H"),
        ("hh", "%I"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("SSS", "%3f"),
        ("ZZ", "%z"),
        ("A", "%p"),
        ("X", "%s"),
        ("%", "%%"),
    ];
    let (mut format, mut rest) = (String::new(), moment);
    while let Some(first) = rest.chars().next() {
        match TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            Some((token, meaning)) => {
                format.push_str(meaning);
                rest = &rest[token.len()..];
            }
            None => {
                format.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    format
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Part {
    fn write(&self, out: &mut String, draws: &mut StdRng, record: u64, now: Duration) {
        let written = match self {
            Self::Text(text) => write!(out, "{text}"),
            Self::Number { min, max } => write!(out, "{}", draws.random_range(*min..=*max)),
            Self::Element(elements) => {
                write!(out, "{}", elements[draws.random_range(0..elements.len())])
            }
            Self::Weighted(elements) => {
                let total = elements.last().map_or(0.0, |(sum, _)| *sum);
                let at = draws.random::<f64>() * total;
                let place = elements.partition_point(|(sum, _)| *sum <= at);
                write!(out, "{}", elements[place.min(elements.len() - 1)].1)
            }
            Self::Boolean => write!(out, "{}", draws.random::<bool>()),
            Self::Uuid => {
                let bits = draws.random::<u128>();
                // Version 4, variant 1 (RFC 9562).
                let bits = bits & !(0xF << 76) | 4 << 76;
                let bits = bits & !(0x3 << 62) | 2 << 62;
                let hex = format!("{bits:032x}");
                let (a, b, c) = (&hex[..8], &hex[8..12], &hex[12..16]);
                write!(out, "{a}-{b}-{c}-{}-{}", &hex[16..20], &hex[20..])
            }
            Self::AlphaNumeric(length) => {
                const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
                out.extend((0..*length).map(|_| char::from(ALPHABET[draws.random_range(0..36)])));
                Ok(())
            }
            Self::Date(format) => {
                let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
                let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
                write!(out, "{}", now.strftime(format))
            }
            Self::Epoch => write!(out, "{}", now.as_millis()),
            Self::RecordNumber => write!(out, "{record}"),
            Self::FirstName => write!(out, "{}", one_of(FIRST_NAMES, draws)),
            Self::LastName => write!(out, "{}", one_of(LAST_NAMES, draws)),
            Self::FullName => {
                write!(out, "{} {}", one_of(FIRST_NAMES, draws), one_of(LAST_NAMES, draws))
            }
            Self::Ip => {
                let [a, b, c, d] = draws.random::<u32>().to_be_bytes();
                write!(out, "{a}.{b}.{c}.{d}")
            }
            Self::Email => {
                let (first, last) = (one_of(FIRST_NAMES, draws), one_of(LAST_NAMES, draws));
                let (first, last) = (first.to_lowercase(), last.to_lowercase());
                write!(out, "{first}.{last}@example.com")
            }
            Self::UserName => {
                let number = draws.random_range(0..100);
                write!(out, "{}{number}", one_of(FIRST_NAMES, draws).to_lowercase())
            }
            Self::City => write!(out, "{}", one_of(CITIES, draws)),
            Self::Country => write!(out, "{}", one_of(COUNTRIES, draws)),
            Self::Product => write!(out, "{}", one_of(PRODUCTS, draws)),
            Self::Price => {
                let cents = draws.random_range(100..100_000);
                write!(out, "{}.{:02}", cents / 100, cents % 100)
            }
            Self::Company => write!(out, "{} Inc", one_of(LAST_NAMES, draws)),
            Self::Word => write!(out, "{}", one_of(WORDS, draws)),
            Self::Sentence => {
                let count = draws.random_range(4..=9);
                let words: Vec<&str> = (0..count).map(|_| one_of(WORDS, draws)).collect();
                write!(out, "{}.", words.join(" "))
            }
        };
        // A String takes whatever is written, and the formats come from `strftime` above.
        written.unwrap_or_else(|_| out.push('?'));
    }
}

fn one_of(list: &[&'static str], draws: &mut StdRng) -> &'static str {
    list[draws.random_range(0..list.len())]
}

const FIRST_NAMES: &[&str] = &[
    "Ada",
    "Alan",
    "Barbara",
    "Carlos",
    "Chen",
    "Dana",
    "Edsger",
    "Fatima",
    "Grace",
    "Hiro",
    "Ines",
    "Jamal",
    "Katherine",
    "Linus",
    "Maria",
    "Niklaus",
    "Olga",
    "Priya",
    "Radia",
    "Tim",
];
const LAST_NAMES: &[&str] = &[
    "Allen", "Becker", "Cohen", "Diaz", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen",
    "Kim", "Lopez", "Mueller", "Nguyen", "Okafor", "Patel", "Rossi", "Silva", "Tanaka", "Weber",
];
const CITIES: &[&str] = &[
    "Accra", "Berlin", "Bogota", "Dublin", "Hanoi", "Lagos", "Lima", "Madrid", "Mumbai", "Oslo",
    "Prague", "Quito", "Seattle", "Seoul", "Sydney", "Tokyo",
];
const COUNTRIES: &[&str] = &[
    "Australia",
    "Brazil",
    "Canada",
    "Chile",
    "Egypt",
    "France",
    "Germany",
    "Ghana",
    "India",
    "Ireland",
    "Japan",
    "Kenya",
    "Mexico",
    "Norway",
    "Peru",
    "Vietnam",
];
const PRODUCTS: &[&str] = &[
    "Bike", "Chair", "Computer", "Gloves", "Keyboard", "Lamp", "Mouse", "Shirt", "Shoes", "Table",
];
const WORDS: &[&str] = &[
    "amet",
    "consectetur",
    "dolor",
    "elit",
    "eos",
    "et",
    "facere",
    "ipsum",
    "lorem",
    "magna",
    "nisi",
    "odit",
    "qui",
    "sed",
    "tempor",
    "ut",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FIELDS, Template};

    const NOON: Duration = Duration::from_millis(1_700_000_000_123);

    fn filled(template: &str) -> String {
        template.parse::<Template>().unwrap().fill(1, 41, NOON)
    }

    #[test]
    fn a_template_of_the_generator_becomes_json() {
        let template = r#"{"id": {{random.number({"min":10,"max":20})}}, "on": "{{date.now}}",
            "day": "{{date.utc("YYYY/MM/DD HH:mm")}}", "who": "{{ name.firstName }}",
            "state": "{{random.weightedArrayElement({"weights":[0,1],"data":["OK","}}FAIL"]})}}",
            "n": {{record.number}}}"#;
        let value: serde_json::Value = serde_json::from_str(&filled(template)).unwrap();
        assert!((10..=20).contains(&value["id"].as_i64().unwrap()), "{value}");
        assert_eq!(value["on"], "2023-11-14T22:13:20.123Z");
        assert_eq!(value["day"], "2023/11/14 22:13");
        assert_eq!(value["state"], "}}FAIL", "brackets in quotes end nothing");
        assert_eq!(value["n"], 41);
    }

    #[test]
    fn each_documented_example_can_be_used() {
        for (name, example) in FIELDS {
            assert!(example.starts_with(&format!("{{{{{name}")), "{example}");
            let text = filled(example);
            assert!(!text.contains("{{") && !text.contains('?'), "{example} gave {text}");
        }
    }

    #[test]
    fn a_record_repeats_with_seed_and_number() {
        let template: Template = "{{random.uuid}} {{internet.ip}}".parse().unwrap();
        assert_eq!(template.fill(1, 5, NOON), template.fill(1, 5, NOON));
        assert_ne!(template.fill(1, 5, NOON), template.fill(1, 6, NOON));
        assert_ne!(template.fill(1, 5, NOON), template.fill(2, 5, NOON));
    }

    #[test]
    fn unknown_fields_are_refused_with_the_list() {
        let error = "{{name.firstName}} {{pet.name}} {{x}}".parse::<Template>().unwrap_err();
        assert!(error.contains("uses pet.name, x, which"), "{error}");
        assert!(error.contains("random.number") && error.contains("lorem.word"), "{error}");
    }

    #[test]
    fn misuse_is_explained_by_example() {
        for (template, advice) in [
            ("{{random.number(\"many\")}}", "is used like {{random.number}}"),
            ("{{random.arrayElement([])}}", "is used like {{random.arrayElement"),
            ("{{random.number(5}}", "has no end"),
            ("{{random.number({bad})}}", "is not JSON"),
            ("{{random.boolean(1)}}", "is used like {{random.boolean}}"),
            ("{{name.firstName", "has no end"),
        ] {
            let error = template.parse::<Template>().unwrap_err();
            assert!(error.contains(advice), "{template} said: {error}");
        }
    }
}
