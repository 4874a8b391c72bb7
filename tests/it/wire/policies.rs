//! Resource policies: stored, shown, never evaluated.

use serde_json::{Value, json};

use super::consumers::registered;
use super::streams::arn;
use crate::support::raw::{Answer, Raw, text};

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

fn put(raw: &Raw, resource: &str, policy: &str) -> Answer {
    raw.call("PutResourcePolicy", json!({"ResourceARN": resource, "Policy": policy}))
}

fn get(raw: &Raw, resource: &str) -> Answer {
    raw.call("GetResourcePolicy", json!({"ResourceARN": resource}))
}

fn delete(raw: &Raw, resource: &str) -> Answer {
    raw.call("DeleteResourcePolicy", json!({"ResourceARN": resource}))
}

/// A policy that lets an account write, blanks and all.
fn policy(account: &str) -> String {
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{{\"Effect\": \"Allow\", \
         \"Principal\": {{\"AWS\": \"{account}\"}}, \"Action\": \"kinesis:PutRecord\", \
         \"Resource\": \"*\"}}]\n}}"
    )
}

// behaviours 143, 4
#[test]
fn a_policy_comes_back_letter_for_letter() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    for resource in [&arn("s"), &consumer] {
        assert_eq!(get(&raw, resource).expect_ok(), json!({"Policy": "{}"}), "none is empty");
        put(&raw, resource, &policy("111111111111")).expect_empty();
        assert_eq!(get(&raw, resource).expect_ok(), json!({"Policy": policy("111111111111")}));
        put(&raw, resource, &policy("222222222222")).expect_empty();
        assert_eq!(get(&raw, resource).expect_ok(), json!({"Policy": policy("222222222222")}));
    }
    delete(&raw, &consumer).expect_empty();
    assert_eq!(get(&raw, &consumer).expect_ok(), json!({"Policy": "{}"}));
    assert_ne!(get(&raw, &arn("s")).expect_ok(), json!({"Policy": "{}"}), "each has its own");
    delete(&raw, &arn("s")).expect_empty();
    delete(&raw, &arn("s")).expect_error_kind("ResourceNotFoundException");
}

// behaviours 143
#[test]
fn an_unknown_resource_has_no_policy() {
    let raw = with_stream();
    for answer in
        [put(&raw, &arn("x"), &policy("1")), get(&raw, &arn("x")), delete(&raw, &arn("x"))]
    {
        answer.expect_error(
            "ResourceNotFoundException",
            "Stream x under account 000000000000 not found.",
        );
    }
    let gone = format!("{}/consumer/c:1", arn("s"));
    for answer in [put(&raw, &gone, &policy("1")), get(&raw, &gone), delete(&raw, &gone)] {
        answer.expect_error_kind("ResourceNotFoundException");
    }
}

// behaviours 143
#[test]
fn what_is_no_json_object_is_no_policy() {
    let raw = with_stream();
    for text in ["", "x", "{", "[]", "\"text\"", "1", "null", "{} {}", "{'a': 1}"] {
        let answer = put(&raw, &arn("s"), text);
        answer.expect_error_kind("InvalidArgumentException");
    }
    let long = json!({"a": "b".repeat(20 * 1024)}).to_string();
    put(&raw, &arn("s"), &long).expect_error_kind("InvalidArgumentException");
    assert_eq!(get(&raw, &arn("s")).expect_ok(), json!({"Policy": "{}"}));
}

// behaviours 143, 145
#[test]
fn a_malformed_arn_is_refused_by_its_pattern() {
    let raw = with_stream();
    let arns: [Value; 3] = [
        json!("s"),
        json!("arn:aws:kinesis:us-east-1:00000:stream/s"),
        json!("arn:aws:sqs:us-east-1:000000000000:stream/s"),
    ];
    for resource in arns {
        for operation in ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"] {
            let input = json!({"ResourceARN": resource, "Policy": "{}"});
            raw.call(operation, input).expect_error_kind("ValidationException");
        }
    }
}

#[test]
fn what_is_being_made_or_removed_has_no_policy() {
    let delay = std::time::Duration::from_secs(1);
    let raw = Raw::with(|builder| builder.state_delay(delay));
    raw.create_stream("s", 1);
    let not_active = "Stream s under account 000000000000 not ACTIVE, instead in state CREATING";
    put(&raw, &arn("s"), &policy("1")).expect_error("ResourceInUseException", not_active);
    raw.advance(delay);
    let made =
        raw.ok("RegisterStreamConsumer", json!({"StreamARN": arn("s"), "ConsumerName": "c"}));
    let consumer = text(&made["Consumer"]["ConsumerARN"]);
    let (_, created) = consumer.rsplit_once(':').expect("a second at its end");
    let not_active = format!(
        "Consumer c with creation timestamp {created} under stream s and account 000000000000 \
         is not in ACTIVE status."
    );
    put(&raw, &consumer, &policy("1")).expect_error("ResourceInUseException", &not_active);
    raw.advance(delay);
    put(&raw, &consumer, &policy("1")).expect_empty();
    raw.done("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}));
    put(&raw, &consumer, &policy("1")).expect_error("ResourceInUseException", &not_active);
}

#[test]
fn a_namesake_inherits_no_policy() {
    let raw = with_stream();
    put(&raw, &arn("s"), &policy("1")).expect_empty();
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    raw.create_stream("s", 1);
    assert_eq!(get(&raw, &arn("s")).expect_ok(), json!({"Policy": "{}"}));
}
