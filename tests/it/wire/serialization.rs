//! Members of the wrong type.

use kinesis_emulator::declarations::{Description, MemberDescription, operations};
use serde_json::{Value, json};

use crate::support::raw::{Custom, JSON, Raw};

const BOOLEAN: &str = "class java.lang.Boolean";
const NUMBER: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
const TEXT: &str = "class java.lang.String";
const LIST: &str = "Start of list found where not expected";
const STRUCTURE: &str = "Start of structure or map found where not expected.";

/// What a member holds, and so what it refuses.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Boolean,
    Time,
    Blob,
    List,
    Map,
    Structure,
}

impl Kind {
    /// Each value that is not of the kind, with AWS's sentence.
    fn clashes(self) -> Vec<(Value, String)> {
        let (boolean, number, text) = (json!(true), json!(34.56), json!("2013"));
        let converted = |class: &str, to: &str| format!("{class} can not be converted to {to}");
        let scalars = |to: &str, refused: &[(&Value, &str)]| {
            let sentences =
                refused.iter().map(|(value, class)| ((*value).clone(), converted(class, to)));
            sentences.collect::<Vec<_>>()
        };
        let fixed = |sentence: &str| {
            [&boolean, &number, &text].map(|value| (value.clone(), sentence.to_owned())).to_vec()
        };
        let list = (json!([]), LIST.to_owned());
        let structure = (json!({}), STRUCTURE.to_owned());
        let mut clashes = match self {
            Self::Text => scalars("an String", &[(&boolean, BOOLEAN), (&number, NUMBER)]),
            Self::Integer => scalars("an Integer", &[(&boolean, BOOLEAN), (&text, TEXT)]),
            Self::Boolean => {
                let own = (json!("Hello"), "'HELLO' can not be converted to an Boolean".to_owned());
                [scalars("an Boolean", &[(&number, NUMBER)]), vec![own]].concat()
            }
            Self::Time => {
                scalars("milliseconds since epoch", &[(&boolean, BOOLEAN), (&text, TEXT)])
            }
            Self::Blob => scalars("a Blob", &[(&boolean, BOOLEAN), (&number, NUMBER)]),
            Self::List => fixed("Expected list or null"),
            Self::Map => fixed("Expected map or null"),
            Self::Structure => fixed("Expected null"),
        };
        if !matches!(self, Self::List) {
            clashes.push(list);
        }
        if !matches!(self, Self::Map | Self::Structure) {
            clashes.push(structure);
        }
        clashes
    }
}

/// Every member of a structure with its kind, at whatever depth. A path such as
/// `Records.0.Data` stands for a member of a list's first element.
fn members_of(shape: &Description, at: &str, found: &mut Vec<(String, Kind)>) {
    let below = |step: &str| if at.is_empty() { step.to_owned() } else { format!("{at}.{step}") };
    match shape {
        Description::Structure(members) => {
            for MemberDescription { name, shape, .. } in *members {
                found.push((below(name), kind_of(shape)));
                members_of(shape, &below(name), found);
            }
        }
        Description::List { element, .. } => {
            found.push((below("0"), kind_of(element)));
            members_of(element, &below("0"), found);
        }
        Description::Map { .. } => found.push((below("a"), Kind::Text)),
        Description::Text(_)
        | Description::Integer(_)
        | Description::Long
        | Description::Boolean
        | Description::Timestamp
        | Description::Blob { .. } => {}
    }
}

fn kind_of(shape: &Description) -> Kind {
    match shape {
        Description::Text(_) => Kind::Text,
        Description::Integer(_) | Description::Long => Kind::Integer,
        Description::Boolean => Kind::Boolean,
        Description::Timestamp => Kind::Time,
        Description::Blob { .. } => Kind::Blob,
        Description::List { .. } => Kind::List,
        Description::Map { .. } => Kind::Map,
        Description::Structure(_) => Kind::Structure,
    }
}

/// An input in which only the member at a path is set.
fn input_with(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |inner, step| match step.parse::<usize>() {
        Ok(_) => json!([inner]),
        Err(_) => json!({ step: inner }),
    })
}

#[track_caller]
pub(super) fn check(raw: &Raw, operation: &str, path: &str, value: Value, sentence: &str) {
    let input = input_with(path, value);
    let answer = raw.call(operation, input.clone());
    let expected = json!({"__type": "SerializationException", "Message": sentence});
    assert_eq!((answer.status.as_u16(), answer.json()), (400, expected), "{operation} {input}");
}

// behaviours 10, 24, 25, 26, 27, 28
#[test]
fn every_member_refuses_every_other_type() {
    let raw = Raw::new();
    let mut clashes = 0;
    for operation in operations() {
        let mut members = Vec::new();
        members_of(&operation.input, "", &mut members);
        for (path, kind) in members {
            for (value, sentence) in kind.clashes() {
                check(&raw, operation.name, &path, value, &sentence);
                clashes += 1;
            }
        }
    }
    assert!(clashes > 500, "{clashes} clashes are too few for forty operations");
}

// kinesalite's validations name the words; other texts are among the clashes
#[test]
fn some_words_are_booleans() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let put = |word: &str| {
        let input = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "DryRun": word});
        raw.call("PutRecord", input)
    };
    for word in ["true", "TRUE", "yes", "1"] {
        put(word).expect_error_kind("DryRunOperationException");
    }
    assert!(raw.read_all("s", "0").is_empty());
    for word in ["false", "False", "no", "0"] {
        put(word).expect_ok();
    }
}

// behaviours 27, 28: the same sentences, however deep
#[test]
fn clashes_are_found_in_later_elements() {
    let raw = Raw::new();
    let good = json!({"Data": "", "PartitionKey": "a"});
    for (bad, sentence) in [
        (
            json!({"Data": "", "PartitionKey": 1}),
            format!("{NUMBER} can not be converted to an String"),
        ),
        (json!({"Data": {}, "PartitionKey": "a"}), STRUCTURE.to_owned()),
        (json!([]), LIST.to_owned()),
        (json!("a"), "Expected null".to_owned()),
    ] {
        let input = json!({"StreamName": "s", "Records": [good, good, bad]});
        raw.call("PutRecords", input).expect_error("SerializationException", &sentence);
    }
    raw.call("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b", "c": 1}}))
        .expect_error(
            "SerializationException",
            &format!("{NUMBER} can not be converted to an String"),
        );
    raw.call("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": ["a", []]}))
        .expect_error("SerializationException", LIST);
}

// behaviours 24: whatever the number looks like
#[test]
fn all_numbers_are_truncating_big_numbers() {
    let raw = Raw::new();
    for number in ["0", "-1", "34.56", "1e3", "12345678901234567890123", "-0.0"] {
        let request = Custom::signed("ListStreams", JSON, format!(r#"{{"NextToken":{number}}}"#));
        raw.send(request).expect_error(
            "SerializationException",
            &format!("{NUMBER} can not be converted to an String"),
        );
    }
}
