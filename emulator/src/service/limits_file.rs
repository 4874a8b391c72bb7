//! Limits from a file: a JSON object that says how they differ from a profile.
//!
//! ```json
//! {"base": "aws", "write_records_per_second": 500, "calls_per_second": {"DescribeStream": 20}}
//! ```
//!
//! Every member but `base` and `name` is a field of [`Limits`]; `null` stands
//! for "not enforced".

use std::fmt;
use std::fs;

use serde_json::{Map, Value};

use crate::model::limits::Limits;
use crate::operations;

impl Limits {
    /// The profile `off` or `aws`, or the limits that a file has.
    ///
    /// # Errors
    /// If the file cannot be read, or has something else: what, and what to
    /// write instead.
    pub fn load(profile_or_file: &str) -> Result<Self, InvalidLimits> {
        if let Some(limits) = Self::profile(profile_or_file) {
            return Ok(limits);
        }
        let text = fs::read_to_string(profile_or_file).map_err(|error| {
            InvalidLimits(format!(
                "{profile_or_file:?} is neither a profile nor a file that can be read ({error}): \
                 write off, aws or the path of a JSON file"
            ))
        })?;
        let limits = Self::from_json(&text)
            .map_err(|InvalidLimits(why)| InvalidLimits(format!("{profile_or_file}: {why}")))?;
        let named = limits.has_own_name();
        Ok(if named { limits } else { limits.named(profile_or_file) })
    }

    /// Reads limits such as `{"base": "aws", "write_records_per_second": 500}`.
    /// The base is `off` unless it is named.
    ///
    /// # Errors
    /// If the text is not a JSON object of known members: what is wrong, and
    /// what to write instead.
    pub fn from_json(text: &str) -> Result<Self, InvalidLimits> {
        let parsed: Value = serde_json::from_str(text)
            .map_err(|error| InvalidLimits(format!("this is not JSON: {error}")))?;
        let Value::Object(members) = parsed else {
            return Err(InvalidLimits(
                r#"limits are a JSON object, such as {"base": "aws"}"#.to_owned(),
            ));
        };
        let mut limits = base(&members)?;
        for (key, value) in &members {
            set(&mut limits, key, value)?;
        }
        Ok(limits)
    }

    /// # Errors
    /// If a rate is of no operation.
    pub(crate) fn check(&self) -> Result<(), InvalidLimits> {
        self.calls_per_second.keys().try_for_each(|name| require_operation(name))
    }
}

/// Limits that cannot be read, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidLimits(String);

impl fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidLimits {}

/// What the limits start from.
fn base(members: &Map<String, Value>) -> Result<Limits, InvalidLimits> {
    match members.get("base") {
        None => Ok(Limits::off()),
        Some(name) => name
            .as_str()
            .and_then(Limits::profile)
            .ok_or_else(|| wrong("base", name, r#""off" or "aws""#)),
    }
}

macro_rules! members {
    ($($field:ident: $read:ident),* $(,)?) => {
        /// The members that a file may have.
        const MEMBERS: &[&str] = &["base", "name", $(stringify!($field)),*];

        fn set(limits: &mut Limits, key: &str, value: &Value) -> Result<(), InvalidLimits> {
            match key {
                "base" => {}
                "name" => {
                    let name = value.as_str().ok_or_else(|| wrong(key, value, "a text"))?;
                    *limits = limits.clone().named(name);
                }
                $(stringify!($field) => limits.$field = $read(key, value)?,)*
                _ => return Err(unknown(key)),
            }
            Ok(())
        }
    };
}

members! {
    write_records_per_second: optional,
    write_bytes_per_second: optional,
    read_calls_per_second: optional,
    read_bytes_per_second: optional,
    iterator_calls_per_second: optional,
    fan_out_bytes_per_second: optional,
    call_rates: flag,
    calls_per_second: rates,
    streams_in_transition: optional,
    consumers_in_creation: optional,
    queues_in_transition: optional,
    queue_records_in_flight: optional,
    shards_in_large_regions: optional,
    shards_in_other_regions: optional,
    on_demand_streams: optional,
    rescalings_per_day: optional,
    mode_switches_per_day: optional,
    encryption_changes_per_day: optional,
    on_demand_split_bytes_per_second: optional,
    on_demand_split_after_seconds: number,
    on_demand_shards_in_large_regions: number,
    on_demand_shards_in_other_regions: number,
}

fn unknown(key: &str) -> InvalidLimits {
    InvalidLimits(format!("{key:?} is not a limit; those are {}", MEMBERS.join(", ")))
}

fn wrong(key: &str, value: &Value, expected: &str) -> InvalidLimits {
    InvalidLimits(format!("{key} is {value}: write {expected}"))
}

fn optional<T: TryFrom<u64>>(key: &str, value: &Value) -> Result<Option<T>, InvalidLimits> {
    match value {
        Value::Null => Ok(None),
        _ => whole(value)
            .map(Some)
            .ok_or_else(|| wrong(key, value, "a whole number above 0, or null for no limit")),
    }
}

fn number<T: TryFrom<u64>>(key: &str, value: &Value) -> Result<T, InvalidLimits> {
    whole(value).ok_or_else(|| wrong(key, value, "a whole number above 0"))
}

fn whole<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    value.as_u64().filter(|number| *number > 0).and_then(|number| number.try_into().ok())
}

fn flag(key: &str, value: &Value) -> Result<bool, InvalidLimits> {
    value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
}

/// The form of `calls_per_second`.
const RATES: &str = r#"calls by operation, such as {"DescribeStream": 20}"#;

fn rates<T: FromIterator<(String, u64)>>(key: &str, value: &Value) -> Result<T, InvalidLimits> {
    let rates = value.as_object().ok_or_else(|| wrong(key, value, RATES))?;
    let rate = |(operation, calls): (&String, &Value)| {
        require_operation(operation)?;
        Ok((operation.clone(), number(&format!("{key} of {operation}"), calls)?))
    };
    rates.iter().map(rate).collect()
}

/// A misspelt operation would have no limit, and nobody would know.
fn require_operation(name: &str) -> Result<(), InvalidLimits> {
    match operations::find(name.as_bytes()) {
        Some(_) => Ok(()),
        None => Err(InvalidLimits(format!(
            "calls_per_second names {name:?}, which is not an operation: write {RATES}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_only_what_differs_from_its_base() {
        let read = |text| Limits::from_json(text).expect("good limits");
        assert_eq!(read("{}"), Limits::off());
        assert_eq!(read(r#"{"base": "aws"}"#), Limits::aws());
        let mut expected = Limits::aws();
        expected.write_records_per_second = Some(500);
        expected.read_calls_per_second = None;
        expected.calls_per_second.insert("DescribeStream".to_owned(), 20);
        let given = r#"{
            "write_records_per_second": 500, "read_calls_per_second": null, "base": "aws",
            "calls_per_second": {"DescribeStream": 20}
        }"#;
        assert_eq!(read(given), expected);
        assert_eq!(read(given).name(), "custom");
        assert_eq!(read(r#"{"name": "mine", "base": "aws"}"#).name(), "mine");
    }

    #[test]
    fn every_field_can_be_set() {
        let field = |line: &str| {
            let (name, _) = line.trim().strip_prefix("pub ")?.split_once(':')?;
            Some(name.to_owned())
        };
        let text = include_str!("../model/limits.rs");
        let declaration = text.split("pub struct Limits {").nth(1).expect("it is declared");
        let declaration = declaration.split("\n}").next().expect("it ends");
        let fields: Vec<_> = declaration.lines().filter_map(field).collect();
        assert!(fields.len() > 10);
        assert_eq!(MEMBERS[2..].to_vec(), fields);
    }

    #[test]
    fn what_is_wrong_is_said_together_with_what_to_write() {
        for (text, why) in [
            ("{", "this is not JSON"),
            ("[]", r#"such as {"base": "aws"}"#),
            (r#"{"base": "gcp"}"#, r#"base is "gcp": write "off" or "aws""#),
            (r#"{"write_records": 5}"#, r#""write_records" is not a limit; those are base, name"#),
            (r#"{"read_calls_per_second": 0}"#, "read_calls_per_second is 0: write a whole number"),
            (r#"{"read_calls_per_second": 1.5}"#, "or null for no limit"),
            (r#"{"on_demand_streams": 5000000000}"#, "on_demand_streams is 5000000000"),
            (r#"{"on_demand_split_after_seconds": null}"#, "write a whole number above 0"),
            (r#"{"call_rates": 1}"#, "write true or false"),
            (
                r#"{"calls_per_second": {"PutRecrod": 1}}"#,
                r#""PutRecrod", which is not an operation"#,
            ),
            (r#"{"calls_per_second": {"PutRecord": -1}}"#, "calls_per_second of PutRecord is -1"),
            (r#"{"name": 1}"#, "name is 1: write a text"),
        ] {
            let error = Limits::from_json(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text} says {error}");
        }
        let error = Limits::load("asw").expect_err("no such file").to_string();
        assert!(error.contains("write off, aws or the path of a JSON file"), "{error}");
    }
}
