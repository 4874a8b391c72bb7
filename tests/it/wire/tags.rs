//! Tags on streams.

use serde_json::{Value, json};

use crate::support::raw::{Answer, Raw, each, list, members};

fn tagged(tags: Value) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.done("AddTagsToStream", json!({"StreamName": "s", "Tags": tags}));
    raw
}

fn add(raw: &Raw, tags: Value) -> Answer {
    raw.call("AddTagsToStream", json!({"StreamName": "s", "Tags": tags}))
}

fn remove(raw: &Raw, keys: Value) -> Answer {
    raw.call("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": keys}))
}

#[track_caller]
fn tags(raw: &Raw) -> Vec<(String, String)> {
    let answer = raw.ok("ListTagsForStream", json!({"StreamName": "s"}));
    each(&answer["Tags"], "Key")
        .into_iter()
        .zip(each(&answer["Tags"], "Value"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn numbered(range: std::ops::Range<u32>) -> Value {
    Value::Object(range.map(|number| (format!("k{number:03}"), json!("v"))).collect())
}

// behaviours 127
#[test]
fn an_untagged_stream_has_an_empty_list() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    assert_eq!(
        raw.ok("ListTagsForStream", json!({"StreamName": "s"})),
        json!({"Tags": [], "HasMoreTags": false})
    );
}

// behaviours 128
#[test]
fn tags_are_listed_by_code_point() {
    let raw = tagged(json!({
        "ÿ": "", "a": "", "_": "", "Zb": "", "@": "", "=": "", "0": "", "/": "", "+": "", " ": "",
    }));
    let answer = raw.ok("ListTagsForStream", json!({"StreamName": "s"}));
    assert_eq!(members(&answer), ["HasMoreTags", "Tags"]);
    assert_eq!(each(&answer["Tags"], "Key"), [" ", "+", "/", "0", "=", "@", "Zb", "_", "a", "ÿ"]);
    assert!(list(&answer["Tags"]).iter().all(|tag| members(tag) == ["Key", "Value"]));
}

// behaviours 128
#[test]
fn pages_of_tags_go_on_after_a_key_that_need_not_exist() {
    let raw = tagged(json!({"a": "1", "b": "2", "c": "3", "d": "4"}));
    for (after, limit, keys, more) in [
        (json!(null), json!(2), &["a", "b"][..], true),
        (json!("b"), json!(2), &["c", "d"], false),
        (json!("b"), json!(1), &["c"], true),
        (json!("bb;\n%"), json!(50), &["c", "d"], false),
        (json!("d"), json!(null), &[], false),
        (json!(null), json!(4), &["a", "b", "c", "d"], false),
    ] {
        let input = json!({"StreamName": "s", "ExclusiveStartTagKey": after, "Limit": limit});
        let answer = raw.ok("ListTagsForStream", input);
        assert_eq!(each(&answer["Tags"], "Key"), keys, "{after} {limit}");
        assert_eq!(answer["HasMoreTags"], more, "{after} {limit}");
    }
}

// behaviours 129
#[test]
fn tags_are_overwritten_and_removed() {
    let raw = tagged(json!({"a": "1", "b": ""}));
    add(&raw, json!({"a": "2", "c": "3"})).expect_empty();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags(&raw), [pair("a", "2"), pair("b", ""), pair("c", "3")]);
    remove(&raw, json!(["b", "unknown", "c", "c"])).expect_empty();
    assert_eq!(tags(&raw), [pair("a", "2")]);
}

const INVALID: &str = "Some tags contain invalid characters. Valid characters: \
                       Unicode letters, digits, white space, _ . / = + - % @.";

fn percent(change: &str) -> String {
    format!(
        "Failed to {change} stream s under account 000000000000 because some tags contained \
         illegal characters. The allowed characters are Unicode letters, white-spaces, \
         '_',',','/','=','+','-','@'."
    )
}

// behaviours 130, 131
#[test]
fn illegal_characters_are_told_apart() {
    let raw = tagged(json!({"a": "1"}));
    for letter in [";", ",", "\t", "\n", "%;"] {
        add(&raw, json!({letter: "b"})).expect_error("InvalidArgumentException", INVALID);
        add(&raw, json!({"b": letter})).expect_error("InvalidArgumentException", INVALID);
        remove(&raw, json!([letter])).expect_error("InvalidArgumentException", INVALID);
    }
    for tags in [json!({"%": "b"}), json!({"b": "x%y"})] {
        add(&raw, tags).expect_error("InvalidArgumentException", &percent("add tags to"));
    }
    remove(&raw, json!(["a", "%"]))
        .expect_error("InvalidArgumentException", &percent("remove tags from"));
    assert_eq!(tags(&raw).len(), 1, "a refused call changes nothing");
}

// behaviours 130
#[test]
fn letters_of_all_scripts_and_some_signs_are_legal() {
    let raw = tagged(json!({"ü統 9": "Ω", "_./=+-@:": "_./=+-@:"}));
    assert_eq!(tags(&raw).len(), 2);
    remove(&raw, json!(["ü統 9", "_./=+-@:"])).expect_empty();
    assert!(tags(&raw).is_empty());
}

// behaviours 132
#[test]
fn a_stream_has_at_most_50_tags() {
    let too_many = "Failed to add tags to stream s under account 000000000000 because a given \
                    stream cannot have more than 10 tags associated with it.";
    let raw = tagged(numbered(0..50));
    assert_eq!(tags(&raw).len(), 50);
    add(&raw, json!({"one more": ""})).expect_error("InvalidArgumentException", too_many);
    add(&raw, json!({"k000": "new"})).expect_empty();
    assert_eq!(tags(&raw)[0].1, "new");
    remove(&raw, json!(["k001"])).expect_empty();
    add(&raw, numbered(50..52)).expect_error("InvalidArgumentException", too_many);
    add(&raw, json!({"one more": ""})).expect_empty();
    let raw = Raw::new();
    raw.create_stream("s", 1);
    add(&raw, numbered(0..51)).expect_error("InvalidArgumentException", too_many);
    assert!(tags(&raw).is_empty());
}

// behaviours 54
#[test]
fn tags_can_be_given_at_creation() {
    let raw = Raw::new();
    let create = |tags: Value| {
        raw.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1, "Tags": tags}))
    };
    create(numbered(0..51)).expect_error_kind("InvalidArgumentException");
    create(json!({"a;": "b"})).expect_error("InvalidArgumentException", INVALID);
    create(numbered(0..50)).expect_empty();
    assert_eq!(tags(&raw).len(), 50);
}

// Inferred from behaviours 131: otherwise the tag could not even be removed.
#[test]
fn percent_is_refused_at_creation_as_it_is_later() {
    let raw = Raw::new();
    raw.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1, "Tags": {"a": "100%"}}))
        .expect_error_kind("InvalidArgumentException");
}
