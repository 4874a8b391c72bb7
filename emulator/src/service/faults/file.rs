//! Rules as JSON: members are named as the methods that say the same.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::error::ErrorKind;
use crate::model::settings::parse_duration;
use crate::operations::OperationName as Operation;

use super::rule::{Action, InvalidRule, Rule};

/// Every member but the actions.
const CONDITIONS: &[&str] = &[
    "operation",
    "stream",
    "shard",
    "consumer",
    "partition_key",
    "record",
    "caller",
    "region",
    "after",
    "nth",
    "every",
    "probability",
    "times",
];

/// The members that say what becomes of a call, of which a rule has one.
const ACTIONS: &[&str] = &[
    "reject",
    "fail_records",
    "internal_failure",
    "service_unavailable",
    "delay",
    "drop_connection_before_commit",
    "drop_connection_after_commit",
    "cut_stream_after",
    "end_stream_with",
    "hold",
    "hold_until",
];

/// What is wrong with a member.
type Wrong = (String, String);

impl Rule {
    /// Reads a rule, as [`Faults::load`](super::Faults::load) shows them.
    ///
    /// # Errors
    /// If it makes no sense; the error names the member.
    pub fn from_json(text: &str) -> Result<Self, InvalidRule> {
        Self::from_value(&parse(text)?)
    }

    /// Reads a list of rules, or an object that has it as `rules`.
    ///
    /// # Errors
    /// If a rule makes no sense; the error names the rule, counted from 1, and
    /// the member.
    pub fn list_from_json(text: &str) -> Result<Vec<Self>, InvalidRule> {
        let value = parse(text)?;
        let list = match &value {
            Value::Object(object) if object.len() == 1 => object.get("rules"),
            other => Some(other),
        };
        let Some(Value::Array(list)) = list else {
            return Err(InvalidRule::new(
                "fault rules are a list, or an object with the list as its only member, `rules`",
            ));
        };
        let read = |(place, rule)| {
            Self::from_value(rule).map_err(|error| error.within(format_args!("rule {}", place + 1)))
        };
        list.iter().enumerate().map(read).collect()
    }

    /// Writes the rule as [`from_json`](Self::from_json) reads it.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, InvalidRule> {
        let Value::Object(members) = value else {
            return Err(InvalidRule::new("a rule is an object"));
        };
        let wrong = |(member, problem): Wrong| match member.as_str() {
            "" => InvalidRule::new(problem),
            _ => InvalidRule::new(format!("`{member}`: {problem}")),
        };
        let rule = read(members).map_err(wrong)?;
        rule.check().map_err(|(member, problem)| wrong((member.to_owned(), problem)))?;
        Ok(rule)
    }

    pub(crate) fn to_value(&self) -> Value {
        let Self { calls, schedule, action } = self;
        let mut members = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let operations: Vec<_> = calls.operations.iter().map(|known| known.as_str()).collect();
        set("operation", (!operations.is_empty()).then(|| json!(operations)));
        for (name, text) in [
            ("stream", &calls.stream),
            ("shard", &calls.shard),
            ("consumer", &calls.consumer),
            ("partition_key", &calls.partition_key),
            ("caller", &calls.caller),
            ("region", &calls.region),
        ] {
            set(name, text.as_ref().map(|text| json!(text)));
        }
        set("record", (!calls.records.is_empty()).then(|| json!(calls.records)));
        set("after", (schedule.after > 0).then(|| json!(schedule.after)));
        set("every", schedule.every.map(|every| json!(every)));
        set("probability", schedule.probability.map(|probability| json!(probability)));
        set("times", schedule.times.map(|times| json!(times)));
        set(action.member(), Some(action.to_value()));
        Value::Object(members)
    }
}

fn parse(text: &str) -> Result<Value, InvalidRule> {
    serde_json::from_str(text).map_err(|error| InvalidRule::new(format!("no JSON: {error}")))
}

fn read(members: &Map<String, Value>) -> Result<Rule, Wrong> {
    for name in members.keys() {
        if !CONDITIONS.contains(&name.as_str()) && !ACTIONS.contains(&name.as_str()) {
            let known = [CONDITIONS, ACTIONS].concat().join(", ");
            return Err((name.clone(), format!("there is no such member; there are {known}")));
        }
    }
    let given = ACTIONS.iter().copied().filter(|name| members.contains_key(*name));
    let given: Vec<_> = given.collect();
    let [action] = given[..] else {
        let (member, has) = match given[..] {
            [_, second, ..] => (second, format!("{} actions, {}", given.len(), given.join(", "))),
            _ => ("", "no action".to_owned()),
        };
        let actions = ACTIONS.join(", ");
        let problem = format!("a rule has exactly one of {actions}; this one has {has}");
        return Err((member.to_owned(), problem));
    };
    let members = Members(members);
    let mut rule = Rule::new(members.read(action, |value| read_action(action, value))?);
    for operation in members.list("operation", operation)? {
        rule = rule.operation(operation);
    }
    for (name, place) in [
        ("stream", &mut rule.calls.stream),
        ("shard", &mut rule.calls.shard),
        ("consumer", &mut rule.calls.consumer),
        ("partition_key", &mut rule.calls.partition_key),
        ("caller", &mut rule.calls.caller),
        ("region", &mut rule.calls.region),
    ] {
        *place = members.optional(name, |value| text(value).map(str::to_owned))?;
    }
    rule.calls.records = members.list("record", |value| {
        number(value).map(|place| usize::try_from(place).unwrap_or(usize::MAX))
    })?;
    if let Some(after) = members.optional("after", number)? {
        rule = rule.after(after);
    }
    if let Some(n) = members.optional("nth", positive)? {
        rule = rule.nth(n);
    }
    rule.schedule.every = members.optional("every", positive)?;
    rule.schedule.probability = members.optional("probability", probability)?;
    if let Some(times) = members.optional("times", positive)? {
        rule = rule.times(times);
    }
    Ok(rule)
}

fn read_action(name: &str, value: &Value) -> Result<Action, String> {
    match name {
        "reject" => {
            let Failure { error, message, .. } = failure(value, false)?;
            Ok(Action::Reject { error, message })
        }
        "fail_records" if !value.is_string() && !value.is_object() => {
            Err(format!("{}; `record` says which records", no_error(value)))
        }
        "fail_records" => {
            let Failure { error, message, .. } = failure(value, false)?;
            Ok(Action::FailRecords { error, message })
        }
        "end_stream_with" => {
            let Failure { error, message, after_events } = failure(value, true)?;
            Ok(Action::EndStream { after_events, error, message })
        }
        "delay" => match value.as_str() {
            Some(duration) => parse_duration(duration).map(Action::Delay),
            None => Err(format!("{value} is not a duration: write a text such as \"250ms\"")),
        },
        "cut_stream_after" => number(value).map(|after_events| Action::CutStream { after_events }),
        "hold_until" => operation(value).map(Action::HoldUntil),
        _ if *value != Value::Bool(true) => Err("write true, or leave it out".to_owned()),
        "internal_failure" => {
            Ok(Action::Reject { error: ErrorKind::InternalFailure, message: None })
        }
        "service_unavailable" => {
            Ok(Action::Reject { error: ErrorKind::ServiceUnavailable, message: None })
        }
        "drop_connection_before_commit" => Ok(Action::DropBeforeCommit),
        "drop_connection_after_commit" => Ok(Action::DropAfterCommit),
        _ => Ok(Action::Hold),
    }
}

/// An error as a rule gives it: its name, or an object with more.
struct Failure {
    error: ErrorKind,
    message: Option<String>,
    after_events: u64,
}

fn failure(value: &Value, of_a_stream: bool) -> Result<Failure, String> {
    let Value::Object(object) = value else {
        let error = error_kind(value)?;
        return Ok(Failure { error, message: None, after_events: 0 });
    };
    let known = |name: &&String| {
        !matches!(name.as_str(), "error" | "message") && (*name != "after_events" || !of_a_stream)
    };
    if let Some(name) = object.keys().find(known) {
        let more = if of_a_stream { ", after_events" } else { "" };
        return Err(format!("there is no member `{name}` in it; there are error, message{more}"));
    }
    let members = Members(object);
    let within = |(member, problem)| format!("`{member}`: {problem}");
    let error = members.optional("error", error_kind).map_err(within)?;
    Ok(Failure {
        error: error.ok_or_else(|| {
            format!("it needs the member `error`, as in {}", r#"{"error": "InternalFailure"}"#)
        })?,
        message: members
            .optional("message", |value| text(value).map(str::to_owned))
            .map_err(within)?,
        after_events: members.optional("after_events", number).map_err(within)?.unwrap_or(0),
    })
}

impl Action {
    fn to_value(&self) -> Value {
        let failure = |error: &ErrorKind, message: &Option<String>| match message {
            None => json!(error.wire_name()),
            Some(message) => json!({"error": error.wire_name(), "message": message}),
        };
        match self {
            Self::Reject { error, message } | Self::FailRecords { error, message } => {
                failure(error, message)
            }
            Self::EndStream { after_events, error, message } => {
                let mut value = json!({"error": error.wire_name(), "after_events": after_events});
                if let Some(message) = message {
                    value["message"] = json!(message);
                }
                value
            }
            Self::Delay(duration) => json!(write_duration(*duration)),
            Self::CutStream { after_events } => json!(after_events),
            Self::HoldUntil(operation) => json!(operation.as_str()),
            Self::DropBeforeCommit | Self::DropAfterCommit | Self::Hold => json!(true),
        }
    }
}

/// The emulator's clock counts milliseconds.
fn write_duration(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

struct Members<'a>(&'a Map<String, Value>);

impl Members<'_> {
    fn read<T>(&self, name: &str, read: impl Fn(&Value) -> Result<T, String>) -> Result<T, Wrong> {
        read(&self.0[name]).map_err(|problem| (name.to_owned(), problem))
    }

    fn optional<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, Wrong> {
        if self.0.contains_key(name) { self.read(name, read).map(Some) } else { Ok(None) }
    }

    /// One, or a list of them.
    fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Result<Vec<T>, Wrong> {
        let list = self.optional(name, |value| match value {
            Value::Array(list) => list.iter().map(&read).collect(),
            one => read(one).map(|one| vec![one]),
        })?;
        Ok(list.unwrap_or_default())
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| match value {
        Value::Number(_) | Value::Bool(_) => format!("{value} is not a text: write \"{value}\""),
        _ => format!("{value} is not a text: write one in double quotes"),
    })
}

fn operation(value: &Value) -> Result<Operation, String> {
    let read = |name: &str| name.parse::<Operation>();
    let no_operation = || format!("{value} is not an operation");
    let known = value.as_str().ok_or_else(no_operation).and_then(read);
    known.map_err(|problem| format!("{problem}: write one such as \"PutRecord\""))
}

fn error_kind(value: &Value) -> Result<ErrorKind, String> {
    let name = value.as_str().ok_or_else(|| no_error(value))?;
    name.parse().map_err(|problem| {
        format!("{problem}: write one such as \"ProvisionedThroughputExceededException\"")
    })
}

fn no_error(value: &Value) -> String {
    let example = r#"{"error": "InternalFailure", "message": "why"}"#;
    format!("{value} is not an error: write its name, such as \"InternalFailure\", or {example}")
}

fn number(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("{value} is not a number from 0 up: write one such as 3"))
}

fn positive(value: &Value) -> Result<u64, String> {
    let number = value.as_u64().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{value} is not a number from 1 up: write one such as 3"))
}

fn probability(value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| format!("{value} is not a number from 0 to 1: write one such as 0.5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_together_with_what_to_write() {
        for (rule, expected) in [
            ("{}", "exactly one of reject, fail_records, "),
            ("{}", "; this one has no action"),
            (r#"{"delay": "1s", "hold": true}"#, "; this one has 2 actions, delay, hold"),
            (r#"{"places": [3, 7]}"#, "there is no such member; there are operation, stream, "),
            (r#"{"fail_records": [3]}"#, "[3] is not an error: write its name, such as "),
            (r#"{"fail_records": [3]}"#, "; `record` says which records"),
            (r#"{"reject": 400}"#, r#"or {"error": "InternalFailure", "message": "why"}"#),
            (r#"{"reject": "Teapot"}"#, r#"such as "ProvisionedThroughputExceededException""#),
            (r#"{"reject": {"error": 1}}"#, "`error`: 1 is not an error: write its name"),
            (r#"{"reject": {}}"#, r#"`error`, as in {"error": "InternalFailure"}"#),
            (r#"{"reject": {"why": 1}}"#, "`why` in it; there are error, message"),
            (r#"{"end_stream_with": {"why": 1}}"#, "; there are error, message, after_events"),
            (r#"{"delay": 250}"#, "250 is not a duration: write a text such as \"250ms\""),
            (r#"{"hold_until": "Put"}"#, "write one such as \"PutRecord\""),
            (r#"{"hold": true, "operation": 7}"#, "7 is not an operation: write one such as"),
            (r#"{"hold": true, "partition_key": 7}"#, "7 is not a text: write \"7\""),
            (r#"{"hold": true, "stream": ["s"]}"#, "not a text: write one in double quotes"),
            (r#"{"hold": true, "after": "2"}"#, "not a number from 0 up: write one such as 3"),
            (r#"{"hold": true, "times": 0}"#, "0 is not a number from 1 up: write one such as 3"),
            (r#"{"hold": true, "every": 0}"#, "0 is not a number from 1 up: write one such as 3"),
            (r#"{"hold": true, "probability": 2}"#, "from 0 to 1: write one such as 0.5"),
        ] {
            let error = Rule::from_json(rule).expect_err(rule).to_string();
            assert!(error.contains(expected), "{rule}: {error}");
        }
    }
}
