//! Registered consumers: their names, ARNs, states and pages.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, START, each, list, members, text};

const SECOND: Duration = Duration::from_secs(1);

fn with_stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

/// A stream `s` whose changes take a second.
fn slow() -> Raw {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    raw.advance(SECOND);
    raw
}

fn register(raw: &Raw, stream: &str, name: &str) -> Answer {
    let input = json!({"StreamARN": arn(stream), "ConsumerName": name});
    raw.call("RegisterStreamConsumer", input)
}

/// Registers a consumer and returns its ARN.
#[track_caller]
pub(super) fn registered(raw: &Raw, stream: &str, name: &str) -> String {
    text(&register(raw, stream, name).expect_ok()["Consumer"]["ConsumerARN"])
}

fn describe(raw: &Raw, consumer: &str) -> Answer {
    raw.call("DescribeStreamConsumer", json!({"ConsumerARN": consumer}))
}

fn deregister(raw: &Raw, consumer: &str) -> Answer {
    raw.call("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}))
}

#[track_caller]
fn listed(raw: &Raw, stream: &str) -> Vec<Value> {
    let answer = raw.ok("ListStreamConsumers", json!({"StreamARN": arn(stream)}));
    assert_eq!(members(&answer), ["Consumers"], "a complete list has no token");
    list(&answer["Consumers"]).clone()
}

fn not_found(name: &str) -> String {
    format!("Consumer {name} under stream s and account 000000000000 not found.")
}

/// What is said of a consumer `c` that an ARN names.
fn gone(arn: &str) -> String {
    let (_, created) = arn.rsplit_once(':').expect("a second at its end");
    format!(
        "Consumer c with creation timestamp {created} under stream: s, account 000000000000 \
         not found."
    )
}

// behaviours 111, 112
#[test]
fn a_consumer_is_creating_first_and_active_later() {
    let raw = slow();
    let created = START.plus(SECOND).as_seconds();
    let consumer_arn = format!("{}/consumer/c:{created}", arn("s"));
    let summary = |status: &str| {
        json!({
            "ConsumerName": "c", "ConsumerARN": consumer_arn, "ConsumerStatus": status,
            "ConsumerCreationTimestamp": created as f64,
        })
    };
    let of = |mut summary: Value| {
        summary["StreamARN"] = json!(arn("s"));
        json!({"ConsumerDescription": summary})
    };
    let answer = register(&raw, "s", "c").expect_ok();
    assert_eq!(whole(&answer), whole(&json!({"Consumer": summary("CREATING")})));
    assert_eq!(whole(&describe(&raw, &consumer_arn).expect_ok()), whole(&of(summary("CREATING"))));
    raw.advance(SECOND);
    assert_eq!(whole(&describe(&raw, &consumer_arn).expect_ok()), whole(&of(summary("ACTIVE"))));
    assert_eq!(whole(&json!(listed(&raw, "s"))), whole(&json!([summary("ACTIVE")])));
    deregister(&raw, &consumer_arn).expect_empty();
    assert_eq!(whole(&describe(&raw, &consumer_arn).expect_ok()), whole(&of(summary("DELETING"))));
    raw.advance(SECOND);
    describe(&raw, &consumer_arn).expect_error("ResourceNotFoundException", &gone(&consumer_arn));
    assert!(listed(&raw, "s").is_empty());
}

/// Whole seconds may be written with a fraction of zero.
fn whole(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(whole).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), whole(value))).collect()
        }
        other => other.clone(),
    }
}

// behaviours 111, 113, 115
#[test]
fn an_arn_is_one_registration_and_not_just_a_name() {
    let raw = with_stream();
    let first = registered(&raw, "s", "c");
    register(&raw, "s", "c").expect_error(
        "ResourceInUseException",
        "Consumer c under stream s already exists for account 000000000000.",
    );
    deregister(&raw, &first).expect_empty();
    // Even within one second the name gets another ARN.
    let second = registered(&raw, "s", "c");
    assert_ne!(first, second);
    for stale in [&first, &format!("{}/consumer/c:1", arn("s"))] {
        describe(&raw, stale).expect_error("ResourceNotFoundException", &gone(stale));
        deregister(&raw, stale).expect_error("ResourceNotFoundException", &gone(stale));
    }
    assert_eq!(each(&json!(listed(&raw, "s")), "ConsumerARN"), [&second]);
    describe(&raw, &second).expect_ok();
}

// behaviours 113
#[test]
fn a_consumer_is_named_by_arn_or_by_stream_and_name() {
    let raw = with_stream();
    raw.create_stream("t", 1);
    let consumer = registered(&raw, "s", "c");
    registered(&raw, "s", "d");
    let (stream, other) = (arn("s"), arn("t"));
    for input in [
        json!({"ConsumerARN": consumer}),
        json!({"StreamARN": stream, "ConsumerName": "c"}),
        json!({"StreamARN": stream, "ConsumerName": "c", "ConsumerARN": consumer}),
        json!({"StreamARN": stream, "ConsumerARN": consumer}),
    ] {
        let answer = raw.ok("DescribeStreamConsumer", input);
        assert_eq!(answer["ConsumerDescription"]["ConsumerARN"], consumer);
    }
    for operation in ["DescribeStreamConsumer", "DeregisterStreamConsumer"] {
        for input in [
            json!({}),
            json!({"ConsumerName": "c"}),
            json!({"StreamARN": stream}),
            json!({"StreamARN": other, "ConsumerARN": consumer}),
            json!({"ConsumerName": "d", "ConsumerARN": consumer}),
        ] {
            raw.call(operation, input).expect_error_kind("InvalidArgumentException");
        }
        raw.call(operation, json!({"StreamARN": stream, "ConsumerName": "x"}))
            .expect_error("ResourceNotFoundException", &not_found("x"));
    }
    raw.done("DeregisterStreamConsumer", json!({"StreamARN": stream, "ConsumerName": "c"}));
    assert_eq!(each(&json!(listed(&raw, "s")), "ConsumerName"), ["d"]);
}

// behaviours 114
#[test]
fn consumers_of_an_unknown_stream_are_not_found() {
    let raw = Raw::new();
    let unknown = "Stream nowhere under account 000000000000 not found.";
    register(&raw, "nowhere", "c").expect_error("ResourceNotFoundException", unknown);
    raw.call("ListStreamConsumers", json!({"StreamARN": arn("nowhere")}))
        .expect_error("ResourceNotFoundException", unknown);
    describe(&raw, &format!("{}/consumer/c:1", arn("nowhere")))
        .expect_error_kind("ResourceNotFoundException");
}

// behaviours 115
#[test]
fn a_stream_has_at_most_20_consumers_and_50_on_demand_with_a_commitment() {
    let raw = with_stream();
    raw.create_stream("t", 1);
    let on_demand = json!({"StreamName": "d", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    raw.done("CreateStream", on_demand);
    let fill = |stream: &str, range: std::ops::Range<u32>| {
        for number in range {
            registered(&raw, stream, &format!("c{number:02}"));
        }
    };
    fill("s", 0..20);
    fill("d", 0..20);
    register(&raw, "d", "one-more").expect_error_kind("LimitExceededException");
    register(&raw, "s", "one-more").expect_error_kind("LimitExceededException");
    assert_eq!(listed(&raw, "s").len(), 20);
    // The limit and the names are the stream's own.
    registered(&raw, "t", "c00");
    raw.done("DeregisterStreamConsumer", json!({"StreamARN": arn("s"), "ConsumerName": "c07"}));
    registered(&raw, "s", "c07");
    let commitment = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    raw.ok("UpdateAccountSettings", commitment);
    fill("d", 20..50);
    register(&raw, "d", "one-more").expect_error_kind("LimitExceededException");
    assert_eq!(listed(&raw, "d").len(), 50);
    register(&raw, "s", "one-more").expect_error_kind("LimitExceededException");
}

// behaviours 112
#[test]
fn consumers_are_listed_by_name_in_pages() {
    let raw = with_stream();
    assert!(listed(&raw, "s").is_empty());
    for name in ["b", "a", "C", "d", "e"] {
        registered(&raw, "s", name);
    }
    let mut pages = Vec::new();
    let mut input = json!({"StreamARN": arn("s"), "MaxResults": 2});
    loop {
        let page = raw.ok("ListStreamConsumers", input.clone());
        pages.push(each(&page["Consumers"], "ConsumerName").join(" "));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(pages, ["C a", "b d", "e"]);
    let exactly = raw.ok("ListStreamConsumers", json!({"StreamARN": arn("s"), "MaxResults": 5}));
    assert_eq!(members(&exactly), ["Consumers"]);
}

// operations.md, section 4.4: a token lives for 300 seconds and is the stream's
#[test]
fn tokens_of_consumer_pages_expire_and_cannot_be_forged() {
    let raw = with_stream();
    raw.create_stream("t", 1);
    for name in ["a", "b"] {
        registered(&raw, "s", name);
        registered(&raw, "t", name);
    }
    let page = raw.ok("ListStreamConsumers", json!({"StreamARN": arn("s"), "MaxResults": 1}));
    let token = page["NextToken"].clone();
    let with = |stream: &str, token: &Value| {
        raw.call("ListStreamConsumers", json!({"StreamARN": arn(stream), "NextToken": token}))
    };
    with("t", &token).expect_error_kind("InvalidArgumentException");
    with("s", &json!("nonsense")).expect_error_kind("InvalidArgumentException");
    raw.call(
        "ListStreamConsumers",
        json!({"StreamARN": arn("s"), "NextToken": token, "StreamCreationTimestamp": 1}),
    )
    .expect_error_kind("InvalidArgumentException");
    raw.advance(Duration::from_secs(300));
    assert_eq!(each(&with("s", &token).expect_ok()["Consumers"], "ConsumerName"), ["b"]);
    raw.advance(SECOND);
    with("s", &token).expect_error_kind("ExpiredNextTokenException");
}

// operations.md, section 4.4
#[test]
fn the_creation_time_has_to_be_the_streams_own() {
    let raw = with_stream();
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let created = &summary["StreamDescriptionSummary"]["StreamCreationTimestamp"];
    let with = |time: &Value| {
        let input = json!({"StreamARN": arn("s"), "StreamCreationTimestamp": time});
        raw.call("ListStreamConsumers", input)
    };
    with(created).expect_ok();
    with(&json!(1)).expect_error_kind("ResourceNotFoundException");
}

// behaviours 53
#[test]
fn a_stream_with_consumers_is_deleted_by_force_only() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    let refusal = "DeleteStream can't delete 000000000000:s because there are consumers associated \
                   with this data stream. To delete s anyway, set the EnforceConsumerDeletion \
                   parameter to true to force the deletion of all the consumers that are \
                   associated with it.";
    for enforce in [json!(null), json!(false)] {
        let input = json!({"StreamName": "s", "EnforceConsumerDeletion": enforce});
        raw.call("DeleteStream", input).expect_error("ResourceInUseException", refusal);
    }
    assert_eq!(listed(&raw, "s").len(), 1);
    raw.done("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": true}));
    describe(&raw, &consumer).expect_error_kind("ResourceNotFoundException");
    raw.create_stream("s", 1);
    assert!(listed(&raw, "s").is_empty(), "a namesake inherits no consumers");
    raw.done("DeleteStream", json!({"StreamName": "s"}));
}

#[test]
fn the_summary_counts_consumers() {
    let raw = with_stream();
    let count = || {
        let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
        answer["StreamDescriptionSummary"]["ConsumerCount"].clone()
    };
    assert_eq!(count(), 0);
    let consumer = registered(&raw, "s", "c");
    registered(&raw, "s", "d");
    assert_eq!(count(), 2);
    deregister(&raw, &consumer).expect_empty();
    assert_eq!(count(), 1);
}

// operations.md, section 4.4: the stream must be ACTIVE
#[test]
fn a_stream_that_is_creating_takes_no_consumers() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    register(&raw, "s", "c").expect_error(
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state CREATING",
    );
    raw.advance(SECOND);
    registered(&raw, "s", "c");
}

// behaviours 157
#[test]
fn a_consumer_can_be_tagged_as_it_is_registered() {
    let raw = with_stream();
    let register = |tags: Value| {
        let input = json!({"StreamARN": arn("s"), "ConsumerName": "c", "Tags": tags});
        raw.call("RegisterStreamConsumer", input)
    };
    let many: Value =
        Value::Object((0..51).map(|number| (format!("k{number}"), json!(""))).collect());
    register(many).expect_error_kind("InvalidArgumentException");
    register(json!({"a;": "b"})).expect_error_kind("InvalidArgumentException");
    assert!(listed(&raw, "s").is_empty(), "a refused call registers nothing");
    let consumer = register(json!({"b": "2", "a": "1"})).expect_ok();
    let consumer = &consumer["Consumer"]["ConsumerARN"];
    let tags = raw.ok("ListTagsForResource", json!({"ResourceARN": consumer}));
    assert_eq!(tags, json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}));
}

// Inferred, as for streams: otherwise TagResource could not set the tag again.
#[test]
fn percent_is_refused_at_registration_as_it_is_later() {
    let raw = with_stream();
    let consumer = registered(&raw, "s", "c");
    let tags = json!({"a": "100%"});
    raw.call("TagResource", json!({"ResourceARN": consumer, "Tags": tags}))
        .expect_error_kind("InvalidArgumentException");
    let input = json!({"StreamARN": arn("s"), "ConsumerName": "d", "Tags": tags});
    raw.call("RegisterStreamConsumer", input).expect_error_kind("InvalidArgumentException");
}

#[test]
fn a_consumer_has_at_most_50_tags() {
    let raw = with_stream();
    let of = |count: usize| -> serde_json::Map<_, _> {
        (0..count).map(|number| (format!("k{number}"), json!(""))).collect()
    };
    let input =
        |name: &str, count| json!({"StreamARN": arn("s"), "ConsumerName": name, "Tags": of(count)});
    raw.call("RegisterStreamConsumer", input("c", 51))
        .expect_error("InvalidArgumentException", "Consumer c cannot have more than 50 tags.");
    let consumer =
        text(&raw.ok("RegisterStreamConsumer", input("c", 50))["Consumer"]["ConsumerARN"]);
    raw.call("TagResource", json!({"ResourceARN": consumer, "Tags": {"one more": ""}}))
        .expect_error(
            "InvalidArgumentException",
            &format!("{consumer} cannot have more than 50 tags."),
        );
}

// behaviours 115
#[test]
fn many_registrations_of_one_name_have_as_many_arns() {
    let raw = with_stream();
    let mut arns = BTreeSet::new();
    for _ in 0..5 {
        let consumer = registered(&raw, "s", "c");
        deregister(&raw, &consumer).expect_empty();
        arns.insert(consumer);
    }
    assert_eq!(arns.len(), 5);
}
