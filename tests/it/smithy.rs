//! What the operations declare is what the service model declares.
//!
//! The facts of the model are vendored in `api-model/`; deviations are listed
//! here one by one, each with its reason, and in FIDELITY.md.

use std::collections::BTreeSet;

use kinesis_emulator::declarations::{
    Constraint, Description, MemberDescription, OperationDescription, operations,
};
use serde_json::Value;

const MODEL: &str = include_str!("../api-model/kinesis-model.json");
const FIDELITY: &str = include_str!("../../FIDELITY.md");

/// Members that answers never have, on purpose or not yet.
const LEFT_OUT_OF_ANSWERS: &[(&str, &str)] = &[
    // Clients would send it back and then call AWS in place of the emulator.
    ("StreamDescriptionSummary", "StreamId"),
    // No channel fails here.
    ("ChannelDescription", "ChannelStatusReason"),
    ("ChannelSummary", "ChannelStatusReason"),
    // Exceptions in an event stream are frames of their own.
    ("SubscribeToShardEventStream", "InternalFailureException"),
    ("SubscribeToShardEventStream", "KMSAccessDeniedException"),
    ("SubscribeToShardEventStream", "KMSDisabledException"),
    ("SubscribeToShardEventStream", "KMSInvalidStateException"),
    ("SubscribeToShardEventStream", "KMSNotFoundException"),
    ("SubscribeToShardEventStream", "KMSOptInRequired"),
    ("SubscribeToShardEventStream", "KMSThrottlingException"),
    ("SubscribeToShardEventStream", "ResourceInUseException"),
    ("SubscribeToShardEventStream", "ResourceNotFoundException"),
];

/// Members that are required by the model and left out in one situation.
const SOMETIMES_ABSENT: &[(&str, &str)] = &[
    // Null at the end of a shard: the KCL needs exactly that.
    ("SubscribeToShardEvent", "ContinuationSequenceNumber"),
];

#[test]
fn the_operations_are_those_of_the_model() {
    let model = model();
    let modelled: Vec<_> = model["operations"].as_object().expect("operations").keys().collect();
    let emulated: Vec<_> = operations().iter().map(|operation| operation.name).collect();
    assert_eq!(emulated, modelled);
}

#[test]
fn inputs_have_the_members_and_constraints_of_the_model() {
    let mut differences = Vec::new();
    for operation in operations() {
        let declared = &model()["operations"][operation.name];
        match declared["input"].as_str() {
            Some(shape) => compare_input(shape, &operation.input, operation.name, &mut differences),
            None => assert!(matches!(operation.input, Description::Structure([]))),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn outputs_have_the_members_of_the_model() {
    let mut differences = Vec::new();
    for operation in operations() {
        let declared = model()["operations"][operation.name]["output"].clone();
        match (declared.as_str(), operation.output) {
            (Some(shape), Some(output)) => {
                compare_output(shape, &output, operation.name, &mut differences)
            }
            (None, None) => {}
            (declared, output) => differences.push(format!(
                "{}: the model's output is {declared:?}, ours is {}",
                operation.name,
                if output.is_some() { "a structure" } else { "empty" }
            )),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn errors_are_those_of_the_model() {
    for OperationDescription { name, errors, .. } in operations() {
        let declared: BTreeSet<String> = model()["operations"][name]["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| {
                error
                    .as_str()
                    .map(|error| error.replace("InternalFailureException", "InternalFailure"))
            })
            .collect();
        let ours: BTreeSet<String> =
            errors.iter().map(|error| error.wire_name().to_owned()).collect();
        assert_eq!(ours, declared, "{name}");
    }
}

#[test]
fn fidelity_has_a_row_for_every_operation_and_for_every_deviation() {
    let rows: Vec<Vec<&str>> = FIDELITY
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let states = ["exact", "approximate"];
    let listed: BTreeSet<_> =
        rows.iter().filter(|row| states.contains(&row[1])).map(|row| row[0]).collect();
    let emulated: BTreeSet<_> = operations().iter().map(|operation| operation.name).collect();
    assert_eq!(listed, emulated);
    for (structure, member) in LEFT_OUT_OF_ANSWERS.iter().chain(SOMETIMES_ABSENT) {
        let exception = *structure == "SubscribeToShardEventStream";
        let named =
            |row: &&Vec<&str>| row[0] == *structure && (row[1].contains(member) || exception);
        assert!(rows.iter().any(|row| named(&row)), "{structure}.{member}");
    }
}

/// A request must require exactly what the model requires; an answer may always
/// have what the model makes optional.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Answer,
}

fn model() -> Value {
    serde_json::from_str(MODEL).expect("the vendored model is JSON")
}

fn shape(name: &str) -> Value {
    let shape = model()["shapes"][name].clone();
    assert!(shape.is_object(), "the model has no shape {name}");
    shape
}

fn compare_input(name: &str, ours: &Description, at: &str, differences: &mut Vec<String>) {
    let theirs = shape(name);
    let kind = theirs["type"].as_str().unwrap_or_default();
    let mut differ = |what: String| differences.push(format!("{at} ({name}): {what}"));
    match (kind, ours) {
        ("string", Description::Text(rules)) | ("integer", Description::Integer(rules)) => {
            let (ours, theirs) = (rules_of(rules), rules_in(&theirs));
            if ours != theirs {
                differ(format!("we check {ours:?}, the model declares {theirs:?}"));
            }
        }
        ("boolean", Description::Boolean) | ("timestamp", Description::Timestamp) => {}
        ("blob", Description::Blob { bytes_max }) => {
            if theirs["max"] != *bytes_max {
                differ(format!("at most {bytes_max} bytes, {} in the model", theirs["max"]));
            }
        }
        ("list", Description::List { at_least, at_most, element }) => {
            if theirs["min"] != *at_least || theirs["max"] != *at_most {
                differ(format!("{at_least} to {at_most} elements, not as in {theirs}"));
            }
            let member = theirs["member"]["shape"].as_str().unwrap_or_default();
            compare_input(member, element, &format!("{at}.member"), differences);
        }
        ("map", Description::Map { at_least, at_most, key, value }) => {
            if theirs["min"] != *at_least || theirs["max"] != *at_most {
                differ(format!("{at_least} to {at_most} entries, not as in {theirs}"));
            }
            for (rules, part) in [(key, "key"), (value, "value")] {
                let member = theirs[part]["shape"].as_str().unwrap_or_default();
                compare_input(
                    member,
                    &Description::Text(rules),
                    &format!("{at}.{part}"),
                    differences,
                );
            }
        }
        ("structure", Description::Structure(members)) => {
            compare_members(&theirs, members, at, differences, Side::Request, &[]);
        }
        (kind, ours) => differ(format!("a {kind} in the model is {ours:?} here")),
    }
}

fn compare_output(name: &str, ours: &Description, at: &str, differences: &mut Vec<String>) {
    let theirs = shape(name);
    let kind = theirs["type"].as_str().unwrap_or_default();
    match (kind, ours) {
        ("structure", Description::Structure(members)) => {
            let left_out: Vec<_> = LEFT_OUT_OF_ANSWERS
                .iter()
                .filter_map(|(structure, member)| (*structure == name).then_some(*member))
                .collect();
            compare_members(&theirs, members, name, differences, Side::Answer, &left_out);
        }
        ("list", Description::List { element, .. }) => {
            let member = theirs["member"]["shape"].as_str().unwrap_or_default();
            compare_output(member, element, &format!("{at}.member"), differences);
        }
        ("string", Description::Text(_))
        | ("integer" | "long", Description::Integer(_) | Description::Long)
        | ("boolean", Description::Boolean)
        | ("timestamp", Description::Timestamp)
        | ("blob", Description::Blob { .. }) => {}
        (kind, ours) => {
            differences.push(format!("{at} ({name}): a {kind} in the model is {ours:?} here"));
        }
    }
}

fn compare_members(
    theirs: &Value,
    ours: &[MemberDescription],
    at: &str,
    differences: &mut Vec<String>,
    side: Side,
    left_out: &[&str],
) {
    let required: BTreeSet<_> =
        theirs["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let declared = theirs["members"].as_object().expect("a structure has members");
    for (name, member) in declared {
        let Some(found) = ours.iter().find(|ours| ours.name == name) else {
            if !left_out.contains(&name.as_str()) {
                differences.push(format!("{at}.{name} is missing"));
            }
            continue;
        };
        let at = format!("{at}.{name}");
        let optional_here = SOMETIMES_ABSENT.iter().any(|(s, m)| at == format!("{s}.{m}"));
        let agrees = match (side, required.contains(name.as_str())) {
            (Side::Request, required) => found.required == required,
            (Side::Answer, required) => found.required || !required,
        };
        if !agrees && !optional_here {
            differences.push(format!("{at}: required is {} here", found.required));
        }
        let compare = match side {
            Side::Request => compare_input,
            Side::Answer => compare_output,
        };
        compare(member["shape"].as_str().unwrap_or_default(), &found.shape, &at, differences);
    }
    for extra in ours.iter().filter(|ours| !declared.contains_key(ours.name)) {
        differences.push(format!("{at}.{} is not in the model", extra.name));
    }
}

/// Rules in one spelling, whatever their order.
fn rules_of(rules: &[Constraint]) -> BTreeSet<String> {
    rules
        .iter()
        .map(|rule| match rule {
            Constraint::LengthAtLeast(units) => format!("min {units}"),
            Constraint::LengthAtMost(units) => format!("max {units}"),
            Constraint::ValueAtLeast(number) => format!("min {number}"),
            Constraint::ValueAtMost(number) => format!("max {number}"),
            Constraint::Pattern(pattern) => format!("pattern {}", bare(pattern.text)),
            Constraint::OneOf(values) => {
                format!("enum {:?}", values.iter().copied().collect::<BTreeSet<_>>())
            }
        })
        .collect()
}

fn rules_in(shape: &Value) -> BTreeSet<String> {
    let number = |key: &str| shape[key].as_i64().map(|number| format!("{key} {number}"));
    let pattern = shape["pattern"].as_str().map(|text| format!("pattern {}", bare(text)));
    let values = shape["enum"].as_array().map(|values| {
        format!("enum {:?}", values.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>())
    });
    [number("min"), number("max"), pattern, values].into_iter().flatten().collect()
}

/// The model anchors some patterns; the service prints them without.
fn bare(pattern: &str) -> &str {
    pattern
        .strip_prefix("^(")
        .and_then(|text| text.strip_suffix(")$"))
        .filter(|text| text.starts_with('0'))
        .unwrap_or(pattern)
}
