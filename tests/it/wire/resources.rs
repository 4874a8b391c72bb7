//! Tags by ARN: one set with the older calls for streams, and consumers' own.

use std::time::Duration;

use serde_json::{Value, json};

use super::consumers::registered;
use super::streams::arn;
use crate::support::raw::{Answer, Raw};

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

fn tag(raw: &Raw, resource: &str, tags: Value) -> Answer {
    raw.call("TagResource", json!({"ResourceARN": resource, "Tags": tags}))
}

fn untag(raw: &Raw, resource: &str, keys: Value) -> Answer {
    raw.call("UntagResource", json!({"ResourceARN": resource, "TagKeys": keys}))
}

fn tags(raw: &Raw, resource: &str) -> Answer {
    raw.call("ListTagsForResource", json!({"ResourceARN": resource}))
}

fn pairs(pairs: &[(&str, &str)]) -> Value {
    let tags: Vec<_> =
        pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({"Tags": tags})
}

fn numbered(range: std::ops::Range<u32>) -> Value {
    Value::Object(range.map(|number| (format!("k{number:03}"), json!("v"))).collect())
}

// behaviours 157
#[test]
fn streams_and_consumers_have_tags_of_their_own() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    for resource in [&arn("s"), &consumer] {
        assert_eq!(tags(&raw, resource).expect_ok(), json!({"Tags": []}));
        tag(&raw, resource, json!({"b": "1", "a": ""})).expect_empty();
        tag(&raw, resource, json!({"b": "2", "C": "3"})).expect_empty();
        assert_eq!(
            tags(&raw, resource).expect_ok(),
            pairs(&[("C", "3"), ("a", ""), ("b", "2")]),
            "by code point, with new values"
        );
        untag(&raw, resource, json!(["C", "unknown"])).expect_empty();
    }
    untag(&raw, &consumer, json!(["a"])).expect_empty();
    assert_eq!(tags(&raw, &arn("s")).expect_ok(), pairs(&[("a", ""), ("b", "2")]));
    assert_eq!(tags(&raw, &consumer).expect_ok(), pairs(&[("b", "2")]));
}

// behaviours 157, 129
#[test]
fn a_stream_has_one_set_of_tags_for_both_ways() {
    let raw = with_stream();
    tag(&raw, &arn("s"), json!({"new": "1"})).expect_empty();
    raw.done("AddTagsToStream", json!({"StreamName": "s", "Tags": {"old": "2"}}));
    let both = pairs(&[("new", "1"), ("old", "2")]);
    assert_eq!(tags(&raw, &arn("s")).expect_ok(), both);
    let older = raw.ok("ListTagsForStream", json!({"StreamName": "s"}));
    assert_eq!(older["Tags"], both["Tags"]);
    untag(&raw, &arn("s"), json!(["old"])).expect_empty();
    raw.done("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": ["new"]}));
    assert_eq!(tags(&raw, &arn("s")).expect_ok(), json!({"Tags": []}));
}

// behaviours 157
#[test]
fn a_resource_has_at_most_50_tags() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    for resource in [&arn("s"), &consumer] {
        tag(&raw, resource, numbered(0..51)).expect_error_kind("InvalidArgumentException");
        tag(&raw, resource, numbered(0..50)).expect_empty();
        tag(&raw, resource, json!({"more": ""})).expect_error_kind("InvalidArgumentException");
        tag(&raw, resource, json!({"k000": "changed"})).expect_empty();
        let found = tags(&raw, resource).expect_ok();
        assert_eq!(found["Tags"].as_array().map(Vec::len), Some(50));
        assert_eq!(found["Tags"][0]["Value"], "changed");
    }
}

// behaviours 157
#[test]
fn an_unknown_resource_is_not_found() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    raw.done("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}));
    let channel = format!("{}/channel/c", arn("s")).replace("stream/s/", "");
    for resource in [&arn("x"), &consumer, &channel] {
        tag(&raw, resource, json!({"a": "b"})).expect_error_kind("ResourceNotFoundException");
        untag(&raw, resource, json!(["a"])).expect_error_kind("ResourceNotFoundException");
        tags(&raw, resource).expect_error_kind("ResourceNotFoundException");
    }
}

// behaviours 157, 145
#[test]
fn an_arn_of_no_resource_is_refused_by_its_pattern() {
    let raw = with_stream();
    let pattern = r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+";
    for resource in [
        "s",
        "arn:aws:kinesis:us-east-1:00000:stream/s",
        "arn:aws:sqs:us-east-1:000000000000:queue/s",
        "arn:aws:kinesis:us-east-1:000000000000:stream/",
        "arn:aws:kinesis:us-east-1:000000000000:table/s",
    ] {
        let finding = format!(
            "Value '{resource}' at 'resourceARN' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: {pattern}"
        );
        tag(&raw, resource, json!({"a": "b"})).expect_violations(&[&finding]);
        untag(&raw, resource, json!(["a"])).expect_violations(&[&finding]);
        tags(&raw, resource).expect_violations(&[&finding]);
    }
}

// behaviours 145: what passes the pattern and is still no ARN is not "not found"
#[test]
fn an_arn_that_is_no_resources_is_an_invalid_argument() {
    let raw = with_stream();
    for resource in [
        format!("{}/", arn("s")),
        format!("{}/x", arn("s")),
        format!("{}/consumer/x", arn("s")),
        format!("{}/consumer/x:abc", arn("s")),
        arn("s").replace("stream/", "xstream/"),
        arn("s").replace("us-east-1", ""),
    ] {
        let message = format!("{resource} is not the ARN of a stream, consumer, channel or queue.");
        tag(&raw, &resource, json!({"a": "b"})).expect_error("InvalidArgumentException", &message);
        tags(&raw, &resource).expect_error("InvalidArgumentException", &message);
    }
    let consumer = format!("{}/consumer/c:1", arn("s").replace("stream/", "xstream/"));
    raw.call("DescribeStreamConsumer", json!({"ConsumerARN": consumer})).expect_error(
        "InvalidArgumentException",
        &format!("{consumer} is not the ARN of a consumer."),
    );
}

// behaviours 130, 157; operations.md, section 5: reserved keys
#[test]
fn illegal_characters_and_reserved_keys_change_nothing() {
    let raw = with_stream();
    tag(&raw, &arn("s"), json!({"ü統 9": "_./=+-@:"})).expect_empty();
    for tags in [
        json!({"a;": "b"}),
        json!({"a": "b,"}),
        json!({"a": "\t"}),
        json!({"a": "100%"}),
        json!({"aws:a": "b"}),
    ] {
        tag(&raw, &arn("s"), tags).expect_error_kind("InvalidArgumentException");
    }
    tag(&raw, &arn("s"), json!({"100%": "b"})).expect_error(
        "InvalidArgumentException",
        "Some tags contain invalid characters. Valid characters: \
         Unicode letters, digits, white space, _ . : / = + - @.",
    );
    assert_eq!(tags(&raw, &arn("s")).expect_ok(), pairs(&[("ü統 9", "_./=+-@:")]));
}

// operations.md, section 5: not ACTIVE is in use, as for the older calls
#[test]
fn a_creating_stream_is_not_tagged_by_either_way() {
    let raw = Raw::with(|builder| builder.state_delay(Duration::from_secs(1)));
    raw.create_stream("s", 1);
    raw.call("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b"}}))
        .expect_error_kind("ResourceInUseException");
    tag(&raw, &arn("s"), json!({"a": "b"})).expect_error_kind("ResourceInUseException");
}
