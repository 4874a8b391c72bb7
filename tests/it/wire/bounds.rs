//! Every constraint of every member of every operation, broken one by one.
//!
//! The input is made from the declarations: a legal request in which one value
//! is wrong. AWS's sentence about that value has to be among the findings. The
//! other way round, a value that just satisfies its rules is not complained of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::declarations::{Constraint, Description, MemberDescription, operations};
use serde_json::{Map, Value, json};

use super::validation::{finding, null};
use crate::support::raw::Raw;

/// A value that breaks a rule, and how AWS's sentence about it begins and ends:
/// between the two may be what Java prints of a structure.
struct Breach {
    value: Value,
    begins: String,
    ends: String,
}

impl Breach {
    fn exact(value: Value, sentence: String) -> Self {
        Self { value, ends: sentence.clone(), begins: sentence }
    }

    fn is(&self, found: &str) -> bool {
        found.starts_with(&self.begins) && found.ends_with(&self.ends)
    }

    /// The same with the value in its surroundings.
    fn within(self, surround: impl FnOnce(Value) -> Value) -> Self {
        Self { value: surround(self.value), ..self }
    }
}

// behaviours 29, 30, 31, 32, 33, 34, 42, 43
#[test]
fn every_broken_bound_of_every_member_is_found() {
    let mut broken = 0;
    for operation in operations() {
        let raw = Raw::new();
        for breach in breaches(&operation.input, "") {
            let answer = raw.call(operation.name, breach.value.clone());
            assert_eq!(answer.status, 400, "{}: {}", operation.name, breach.begins);
            assert_eq!(answer.json()["__type"], "ValidationException", "{}", breach.begins);
            let (_, found) = answer.violations();
            assert!(
                found.iter().any(|finding| breach.is(finding)),
                "{}: no {} among {found:?}",
                operation.name,
                breach.begins
            );
            broken += 1;
        }
    }
    assert!(broken > 500, "only {broken} rules were broken: the walk has lost its way");
}

// behaviours 31
#[test]
fn a_value_just_within_its_bounds_is_not_complained_of() {
    let mut tried = 0;
    for operation in operations() {
        let Description::Structure(members) = operation.input else {
            panic!("{} takes no structure", operation.name)
        };
        for member in members {
            for value in extremes(&member.shape) {
                // State may refuse it, so every value meets an empty emulator.
                let input = with(members, member.name, value);
                let answer = Raw::new().call(operation.name, input).text();
                let finding = format!("at '{}", lower_first(member.name));
                assert!(!answer.contains(&finding), "{}: {answer}", operation.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "only {tried} values were tried: the walk has lost its way");
}

/// An operation and a small input that it refuses, whatever the state.
pub(crate) fn refused_inputs() -> Vec<(&'static str, String)> {
    let mut inputs = Vec::new();
    for operation in operations() {
        let breaches = breaches(&operation.input, "").into_iter();
        let bodies = breaches.map(|breach| breach.value.to_string());
        inputs.extend(bodies.filter(|body| body.len() < 2000).map(|body| (operation.name, body)));
    }
    inputs
}

/// What breaks a rule of a shape that stands at a path.
fn breaches(shape: &Description, at: &str) -> Vec<Breach> {
    match shape {
        Description::Text(rules) => {
            rules.iter().flat_map(|rule| broken_texts(rule, rules, at)).collect()
        }
        Description::Integer(rules) => {
            rules.iter().flat_map(|rule| broken_numbers(rule, at)).collect()
        }
        Description::Long | Description::Boolean | Description::Timestamp => Vec::new(),
        Description::Blob { bytes_max } => {
            let bytes = bytes_max + 1;
            let printed = format!("java.nio.HeapByteBuffer[pos=0 lim={bytes} cap={bytes}]");
            let sentence = finding(&printed, at, &length_at_most(*bytes_max));
            vec![Breach::exact(json!(STANDARD.encode(vec![0; bytes])), sentence)]
        }
        Description::List { at_least, at_most, element } => {
            broken_lists(*at_least, *at_most, element, at)
        }
        Description::Map { at_least, at_most, key, value } => {
            broken_maps(*at_least, *at_most, key, value, at)
        }
        Description::Structure(members) => {
            members.iter().flat_map(|member| broken_members(members, member, at)).collect()
        }
    }
}

fn broken_texts(rule: &Constraint, rules: &[Constraint], at: &str) -> Vec<Breach> {
    let texts = match rule {
        Constraint::LengthAtLeast(0) => Vec::new(),
        Constraint::LengthAtLeast(least) => vec!["a".repeat(least - 1)],
        Constraint::LengthAtMost(most) => {
            vec![padded(&sample(rules), most + 1), "😀".repeat(most / 2 + 1)]
        }
        // The one pattern that blanks and nothing at all satisfy.
        Constraint::Pattern(pattern) if pattern.text == "[^:*]*" => {
            vec![":".to_owned(), "a*".to_owned()]
        }
        Constraint::Pattern(_) => {
            let legal = sample(rules);
            vec![String::new(), " ".to_owned(), format!("{legal}\n"), format!(" {legal}")]
        }
        Constraint::OneOf(values) => {
            vec!["nonsense".to_owned(), String::new(), format!("{} ", values[0])]
        }
        Constraint::ValueAtLeast(_) | Constraint::ValueAtMost(_) => panic!("a rule on numbers"),
    };
    let breach = |text: String| Breach::exact(json!(text), finding(&text, at, &sentence(rule)));
    texts.into_iter().map(breach).collect()
}

fn broken_numbers(rule: &Constraint, at: &str) -> Vec<Breach> {
    // What is beyond 32 bits is clamped before it is checked and printed.
    let numbers = match rule {
        Constraint::ValueAtLeast(least) => {
            let below = i64::from(*least) - 1;
            vec![(below, below), (-100_000_000_000, i64::from(i32::MIN))]
        }
        Constraint::ValueAtMost(most) => {
            let above = i64::from(*most) + 1;
            vec![(above, above), (100_000_000_000, i64::from(i32::MAX))]
        }
        _ => panic!("a rule on texts"),
    };
    let breach = |(given, printed): (i64, i64)| {
        Breach::exact(json!(given), finding(&printed.to_string(), at, &sentence(rule)))
    };
    numbers.into_iter().map(breach).collect()
}

fn broken_lists(least: usize, most: usize, element: &Description, at: &str) -> Vec<Breach> {
    let legal = legal(element);
    let of = |count: usize| Value::Array(vec![legal.clone(); count]);
    let mut broken = vec![Breach::exact(json!([null]), null(&format!("{at}.1.member")))];
    if least > 0 {
        assert_eq!(least, 1, "the walk knows lists that must not be empty");
        broken.push(Breach::exact(
            of(0),
            finding("[]", at, "Member must have length greater than or equal to 1"),
        ));
    }
    let ends = format!("]' at '{at}' failed to satisfy constraint: {}", length_at_most(most));
    broken.push(Breach { value: of(most + 1), begins: "Value '[".to_owned(), ends });
    let (Description::Text(rules) | Description::Integer(rules)) = element else {
        let inside = breaches(element, &format!("{at}.1.member")).into_iter();
        broken.extend(inside.map(|breach| breach.within(|value| json!([value]))));
        return broken;
    };
    // AWS reports elements that are texts or numbers on the whole list.
    for rule in *rules {
        for breach in broken_texts(rule, rules, at) {
            let printed = format!("[{}]", breach.value.as_str().expect("a text"));
            let rule = format!("Member must satisfy constraint: {}", parts(rules));
            broken.push(Breach::exact(json!([breach.value]), finding(&printed, at, &rule)));
        }
    }
    broken
}

fn broken_maps(
    least: usize,
    most: usize,
    key: &[Constraint],
    value: &[Constraint],
    at: &str,
) -> Vec<Breach> {
    assert_eq!(least, 1, "the walk knows maps that must not be empty");
    let many: Map<_, _> = (0..=most).map(|place| (format!("k{place:04}"), json!("v"))).collect();
    let ends = format!("}}' at '{at}' failed to satisfy constraint: {}", length_at_most(most));
    let mut breaches = vec![
        Breach::exact(
            json!({}),
            finding("{}", at, "Member must have length greater than or equal to 1"),
        ),
        Breach { value: Value::Object(many), begins: "Value '{k0000=v, ".to_owned(), ends },
    ];
    let mut of_parts = |rules: &[Constraint], noun: &str, entry: fn(&str) -> (String, String)| {
        let rule = format!("Map {noun} must satisfy constraint: {}", parts(rules));
        for breach in rules.iter().flat_map(|rule| broken_texts(rule, rules, at)) {
            let (key, value) = entry(breach.value.as_str().expect("a text"));
            let sentence = finding(&format!("{{{key}={value}}}"), at, &rule);
            breaches.push(Breach::exact(json!({key: value}), sentence));
        }
    };
    of_parts(key, "keys", |key| (key.to_owned(), "v".to_owned()));
    of_parts(value, "value", |value| ("k".to_owned(), value.to_owned()));
    breaches
}

fn broken_members(
    members: &'static [MemberDescription],
    member: &MemberDescription,
    at: &str,
) -> Vec<Breach> {
    let path = match at {
        "" => lower_first(member.name),
        _ => format!("{at}.{}", lower_first(member.name)),
    };
    let mut broken: Vec<_> = breaches(&member.shape, &path)
        .into_iter()
        .map(|breach| breach.within(|value| with(members, member.name, value)))
        .collect();
    if member.required {
        let absent = with(members, member.name, Value::Null);
        let mut left_out = absent.clone();
        left_out.as_object_mut().expect("a structure").remove(member.name);
        broken.extend([absent, left_out].map(|value| Breach::exact(value, null(&path))));
    }
    broken
}

/// A legal structure in which one member is as given.
fn with(members: &[MemberDescription], name: &str, value: Value) -> Value {
    let mut structure = legal(&Description::Structure(&[]));
    for member in members.iter().filter(|member| member.required) {
        structure[member.name] = legal(&member.shape);
    }
    structure[name] = value;
    structure
}

/// A value that breaks no rule.
fn legal(shape: &Description) -> Value {
    match shape {
        Description::Text(rules) => json!(sample(rules)),
        Description::Integer(rules) => {
            let least = rules.iter().find_map(|rule| match rule {
                Constraint::ValueAtLeast(least) => Some(*least),
                _ => None,
            });
            json!(least.unwrap_or(1))
        }
        Description::Long | Description::Timestamp => json!(1),
        Description::Boolean => json!(true),
        Description::Blob { .. } => json!(""),
        Description::List { at_least, element, .. } => {
            Value::Array(vec![legal(element); (*at_least).max(1)])
        }
        Description::Map { .. } => json!({"k": "v"}),
        Description::Structure(members) => members
            .iter()
            .filter(|member| member.required)
            .map(|member| (member.name.to_owned(), legal(&member.shape)))
            .collect(),
    }
}

/// Values that just satisfy their rules.
fn extremes(shape: &Description) -> Vec<Value> {
    match shape {
        Description::Text(rules) => {
            let of = |rule: &Constraint| match rule {
                Constraint::LengthAtMost(most) => vec![json!(padded(&sample(rules), *most))],
                Constraint::OneOf(values) => values.iter().map(|value| json!(value)).collect(),
                _ => vec![json!(sample(rules))],
            };
            rules.iter().flat_map(of).collect()
        }
        Description::Integer(rules) => {
            let of = |rule: &Constraint| match rule {
                Constraint::ValueAtLeast(bound) | Constraint::ValueAtMost(bound) => json!(bound),
                _ => panic!("a rule on texts"),
            };
            rules.iter().map(of).collect()
        }
        Description::List { at_least, at_most, element } => {
            let of = |count: usize| Value::Array(vec![legal(element); count]);
            vec![of(*at_least), of(*at_most)]
        }
        Description::Map { at_most, .. } => {
            vec![(0..*at_most).map(|place| (format!("k{place:04}"), json!("v"))).collect()]
        }
        Description::Structure(_) => vec![legal(shape)],
        Description::Long | Description::Timestamp | Description::Boolean => vec![legal(shape)],
        Description::Blob { .. } => vec![json!("")],
    }
}

/// A text that satisfies all rules.
fn sample(rules: &[Constraint]) -> String {
    for rule in rules {
        match rule {
            Constraint::OneOf(values) => return values[0].to_owned(),
            Constraint::Pattern(pattern) => {
                let candidates = [
                    "0",
                    "s",
                    "abcdefghij0123456789-a1b",
                    "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                    "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1",
                    "arn:aws:kinesis:us-east-1:000000000000:channel/c",
                    "000000000000",
                    "arn:aws:iam::000000000000:role/r",
                    "arn:aws:s3:::abc",
                    "arn:aws:s3tables:us-east-1:000000000000:bucket/abc",
                    "arn:aws:glue:us-east-1:000000000000:schema/r/s",
                    "arn:aws:kinesis:us-east-1:000000000000:queue/q",
                ];
                let legal = candidates.into_iter().find(|text| (pattern.matches)(text));
                return legal.unwrap_or_else(|| panic!("no sample of {}", pattern.text)).to_owned();
            }
            _ => {}
        }
    }
    "a".to_owned()
}

/// A text made longer by its last letter, which keeps all patterns happy.
fn padded(text: &str, units: usize) -> String {
    let last = text.chars().last().expect("samples are not empty");
    let missing = units.checked_sub(text.len()).expect("samples are short");
    format!("{text}{}", last.to_string().repeat(missing))
}

fn length_at_most(most: usize) -> String {
    format!("Member must have length less than or equal to {most}")
}

/// A rule as AWS words it.
fn sentence(rule: &Constraint) -> String {
    match rule {
        Constraint::LengthAtLeast(least) => {
            format!("Member must have length greater than or equal to {least}")
        }
        Constraint::LengthAtMost(most) => length_at_most(*most),
        Constraint::ValueAtLeast(least) => {
            format!("Member must have value greater than or equal to {least}")
        }
        Constraint::ValueAtMost(most) => {
            format!("Member must have value less than or equal to {most}")
        }
        Constraint::Pattern(pattern) => {
            format!("Member must satisfy regular expression pattern: {}", pattern.text)
        }
        Constraint::OneOf(values) => {
            format!("Member must satisfy enum value set: [{}]", values.join(", "))
        }
    }
}

/// The rules of a list's or map's parts: the upper bound comes first.
fn parts(rules: &[Constraint]) -> String {
    let sentences: Vec<_> = rules.iter().rev().map(sentence).collect();
    format!("[{}]", sentences.join(", "))
}

fn lower_first(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_lowercase() + rest
}
