//! Queues are made, listed, changed and removed; what they count for and block.

use kinesis_emulator::Limits;
use serde_json::{Value, json};

use super::{
    STATE_DELAY, arn, create, create_on_demand, describe, handle, input, receive, seconds, shown,
    with, with_slow_stream, with_stream,
};
use crate::support::raw::{ACCOUNT, Custom, Raw, START, each, list, text};

// behaviours 161
#[test]
fn a_queue_is_creating_and_then_active_with_the_defaults() {
    let raw = with_slow_stream(|builder| builder);
    let created = raw.ok("CreateQueue", input("q"))["QueueDescription"].clone();
    let queue = text(&created["QueueARN"]);
    let expected = json!({
        "QueueName": "q",
        "QueueARN": queue,
        "QueueStatus": "CREATING",
        "QueueCreationTimestamp": START.as_seconds() as f64 + 1.0,
        "StreamConfigurationList": [
            {"StreamARN": arn("s"), "StartingPosition": {"Type": "LATEST"}},
        ],
        "QueueAttributes": {
            "VisibilityTimeoutSeconds": 30,
            "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 6},
        },
    });
    assert_eq!(created, expected);
    assert_eq!(describe(&raw, &queue), expected);
    raw.advance(STATE_DELAY);
    let mut active = expected;
    active["QueueStatus"] = json!("ACTIVE");
    active["StreamConfigurationList"][0]["StartingPosition"]["Timestamp"] =
        active["QueueCreationTimestamp"].clone();
    assert_eq!(describe(&raw, &queue), active);
}

#[test]
fn a_queues_arn_ends_with_a_host_label_and_never_comes_again() {
    let raw = with_stream();
    let first = create(&raw, input("q"));
    let (head, id) = first.rsplit_once('/').expect("an id");
    assert_eq!(head, format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:queue"));
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    assert!((1..=63).contains(&id.len()) && id.bytes().all(legal), "{id}");
    raw.done("DeleteQueue", json!({"QueueARN": first}));
    assert_ne!(create(&raw, input("q")), first);
    raw.call("DescribeQueue", json!({"QueueARN": first}))
        .expect_error("ResourceNotFoundException", &format!("Queue {first} not found."));
}

// behaviours 161; operations.md, section 7.10
#[test]
fn a_queue_that_cannot_be_is_refused() {
    let raw = with_slow_stream(|builder| builder);
    raw.create_stream("provisioned", 1);
    create_on_demand(&raw, "young");
    let on = |stream: &str| {
        with(input("q"), "StreamConfigurationList", json!([{"StreamARN": arn(stream)}]))
    };
    let twice = json!([{"StreamARN": arn("s")}, {"StreamARN": arn("s")}]);
    let from = |start: Value| {
        let streams = json!([{"StreamARN": arn("s"), "StartingPosition": start}]);
        with(input("q"), "StreamConfigurationList", streams)
    };
    let dead_letters = |configuration: Value| {
        let attributes = json!({"DeadLetterConfiguration": configuration});
        with(input("q"), "QueueAttributes", attributes)
    };
    let many: Value = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    let later = START.as_seconds() + 3;
    let cases = [
        (with(input("q"), "StreamConfigurationList", twice), "ValidationException"),
        (from(json!({"Type": "AT_TIMESTAMP"})), "ValidationException"),
        (from(json!({"Type": "LATEST", "Timestamp": 1})), "ValidationException"),
        (from(json!({"Type": "TRIM_HORIZON", "Timestamp": 1})), "ValidationException"),
        (from(json!({"Type": "AT_TIMESTAMP", "Timestamp": later})), "ValidationException"),
        (dead_letters(json!({"TargetType": "BUILT_IN"})), "ValidationException"),
        (dead_letters(json!({"TargetType": "NONE", "MaxReceiveCount": 1})), "ValidationException"),
        (with(input("q"), "Tags", json!({"aws:a": "b"})), "InvalidArgumentException"),
        (with(input("q"), "Tags", many), "InvalidArgumentException"),
        (on("young"), "ResourceInUseException"),
        (on("none"), "ResourceNotFoundException"),
        (on("s/consumer/c:1"), "InvalidArgumentException"),
    ];
    for (input, kind) in cases {
        raw.call("CreateQueue", input).expect_error_kind(kind);
    }
    raw.advance(STATE_DELAY);
    raw.call("CreateQueue", on("provisioned")).expect_error_kind("ValidationException");
    assert_eq!(list(&raw.ok("ListQueues", json!({}))["QueueSummaries"]).len(), 0);
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    assert_eq!(summary["StreamDescriptionSummary"]["QueueCount"], 0);
}

#[test]
fn a_name_is_taken_until_its_queue_is_gone_over_all_streams_of_the_account() {
    let raw = with_slow_stream(|builder| builder);
    create_on_demand(&raw, "t");
    raw.advance(STATE_DELAY);
    let queue = create(&raw, input("q"));
    let other = with(input("q"), "StreamConfigurationList", json!([{"StreamARN": arn("t")}]));
    let taken = |raw: &Raw| {
        raw.call("CreateQueue", other.clone()).expect_error(
            "ResourceInUseException",
            &format!("Queue q under account {ACCOUNT} already exists."),
        );
    };
    taken(&raw);
    raw.done("DeleteQueue", json!({"QueueARN": queue}));
    assert_eq!(shown(&raw, &queue), "DELETING");
    taken(&raw);
    raw.done("DeleteQueue", json!({"QueueARN": queue}));
    raw.advance(STATE_DELAY);
    create(&raw, other);
    let foreign = Custom::json("CreateQueue", &input("q")).by("123456789012", "us-east-1");
    raw.send(foreign).expect_error_kind("ResourceInUseException");
    let listed = raw.send(Custom::json("ListQueues", &json!({})).by("123456789012", "us-east-1"));
    assert_eq!(list(&listed.expect_ok()["QueueSummaries"]).len(), 0, "an account of its own");
}

#[test]
fn queues_are_listed_by_name_in_pages_and_by_stream() {
    let raw = with_stream();
    create_on_demand(&raw, "t");
    for name in ["c", "a", "b"] {
        create(&raw, input(name));
    }
    let of_t = with(input("d"), "StreamConfigurationList", json!([{"StreamARN": arn("t")}]));
    let queue = create(&raw, of_t);
    let page = raw.ok("ListQueues", json!({"MaxResults": 3}));
    assert_eq!(each(&page["QueueSummaries"], "QueueName"), ["a", "b", "c"]);
    let token = text(&page["NextToken"]);
    let last = raw.ok("ListQueues", json!({"NextToken": token}));
    let created = START.as_seconds() as f64;
    let summary = json!({
        "QueueName": "d",
        "QueueARN": queue,
        "QueueStatus": "ACTIVE",
        "QueueCreationTimestamp": created,
        "Streams": [{"StreamARN": arn("t"), "StreamCreationTimestamp": created}],
    });
    assert_eq!(last, json!({"QueueSummaries": [summary]}));
    let names = |filter: Value| {
        let answer = raw.ok("ListQueues", json!({"StreamFilter": filter}));
        each(&answer["QueueSummaries"], "QueueName").join("")
    };
    let named = |stream: &str| json!({"StreamARN": arn(stream)});
    let made =
        |stream: &str, at: u64| json!({"StreamARN": arn(stream), "StreamCreationTimestamp": at});
    assert_eq!(names(json!([named("t")])), "d");
    assert_eq!(names(json!([named("t"), named("s")])), "abcd");
    assert_eq!(names(json!([named("none")])), "");
    assert_eq!(names(json!([made("s", START.as_seconds())])), "abc");
    assert_eq!(names(json!([made("s", START.as_seconds() + 1)])), "");
    // A page token carries the filter, whether or not it is sent again.
    for again in [None, Some(json!([named("s")]))] {
        let first = json!({"StreamFilter": [named("s")], "MaxResults": 2});
        let next = raw.ok("ListQueues", first)["NextToken"].clone();
        let rest = raw.ok("ListQueues", json!({"NextToken": next, "StreamFilter": again}));
        assert_eq!(each(&rest["QueueSummaries"], "QueueName"), ["c"]);
    }
    raw.call("ListQueues", json!({"NextToken": "x"})).expect_error_kind("InvalidArgumentException");
    raw.advance(seconds(301));
    raw.call("ListQueues", json!({"NextToken": token}))
        .expect_error_kind("ExpiredNextTokenException");
}

// behaviours 161
#[test]
fn an_update_leaves_what_it_does_not_name_and_ends_in_active() {
    let raw = with_slow_stream(|builder| builder);
    let attributes = json!({
        "VisibilityTimeoutSeconds": 60,
        "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 3},
    });
    let queue = create(&raw, with(input("q"), "QueueAttributes", attributes.clone()));
    let update = |attributes: Value| {
        raw.call("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": attributes}))
    };
    update(json!({"VisibilityTimeoutSeconds": 1})).expect_error(
        "ResourceInUseException",
        &format!("Queue q under account {ACCOUNT} not ACTIVE, instead in state CREATING"),
    );
    raw.advance(STATE_DELAY);
    update(json!({})).expect_error_kind("ValidationException");
    update(json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN"}}))
        .expect_error_kind("ValidationException");
    let updating = update(json!({"VisibilityTimeoutSeconds": 0})).expect_ok();
    let updating = &updating["QueueDescription"];
    assert_eq!(updating["QueueStatus"], "UPDATING");
    let expected = with(attributes, "VisibilityTimeoutSeconds", json!(0));
    assert_eq!(updating["QueueAttributes"], expected);
    update(json!({"VisibilityTimeoutSeconds": 1})).expect_error_kind("ResourceInUseException");
    raw.advance(STATE_DELAY);
    assert_eq!(shown(&raw, &queue), "ACTIVE");
    let none = json!({"DeadLetterConfiguration": {"TargetType": "NONE"}});
    let updated = update(none.clone()).expect_ok()["QueueDescription"]["QueueAttributes"].clone();
    assert_eq!(updated, with(none, "VisibilityTimeoutSeconds", json!(0)));
}

// operations.md, section 8: what blocks
#[test]
fn a_stream_with_queues_is_not_deleted_and_stays_on_demand() {
    let raw = with_slow_stream(|builder| builder);
    let queue = create(&raw, input("q"));
    let count = || {
        let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
        let summary = &summary["StreamDescriptionSummary"];
        (summary["QueueCount"].clone(), summary["ConsumerCount"].clone())
    };
    assert_eq!(count(), (json!(1), json!(0)));
    let refused = || {
        let delete = json!({"StreamName": "s", "EnforceConsumerDeletion": true});
        raw.call("DeleteStream", delete).expect_error_kind("ResourceInUseException");
        let provisioned = json!({"StreamMode": "PROVISIONED"});
        let switch = json!({"StreamARN": arn("s"), "StreamModeDetails": provisioned});
        raw.call("UpdateStreamMode", switch).expect_error_kind("ResourceInUseException");
    };
    refused();
    raw.done("DeleteQueue", json!({"QueueARN": queue}));
    refused();
    assert_eq!(count(), (json!(1), json!(0)), "until it is gone");
    raw.advance(STATE_DELAY);
    assert_eq!(count(), (json!(0), json!(0)));
    raw.done("DeleteStream", json!({"StreamName": "s"}));
}

#[test]
fn queues_and_consumers_of_a_stream_are_counted_together() {
    let raw = with_stream();
    let consumer = |name: &str| {
        raw.call("RegisterStreamConsumer", json!({"StreamARN": arn("s"), "ConsumerName": name}))
    };
    for place in 0..10 {
        create(&raw, input(&format!("q{place}")));
        consumer(&format!("c{place}")).expect_ok();
    }
    consumer("more").expect_error_kind("LimitExceededException");
    raw.call("CreateQueue", input("more")).expect_error_kind("LimitExceededException");
    raw.ok(
        "UpdateAccountSettings",
        json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}}),
    );
    create(&raw, input("more"));
    consumer("more").expect_ok();
}

#[test]
fn five_queues_are_in_transition_at_once_and_control_calls_are_counted() {
    let raw = with_slow_stream(|builder| {
        let mut limits = Limits::aws();
        limits.call_rates = false;
        builder.limits(limits)
    });
    let first = create(&raw, input("q0"));
    for place in 1..5 {
        create(&raw, input(&format!("q{place}")));
    }
    raw.call("CreateQueue", input("q5")).expect_error_kind("LimitExceededException");
    raw.advance(STATE_DELAY);
    raw.done("DeleteQueue", json!({"QueueARN": first}));
    for place in 5..9 {
        create(&raw, input(&format!("q{place}")));
    }
    raw.call("CreateQueue", input("q9")).expect_error_kind("LimitExceededException");

    raw.emulator.set_limits(Limits::aws());
    raw.advance(STATE_DELAY);
    for _ in 0..5 {
        raw.ok("ListQueues", json!({}));
    }
    raw.call("ListQueues", json!({})).expect_error_kind("LimitExceededException");

    let mut limits = Limits::off();
    limits.calls_per_second.insert("ReceiveQueueRecords".to_owned(), 1);
    raw.emulator.set_limits(limits);
    let queues = raw.ok("ListQueues", json!({}));
    let queue = text(&queues["QueueSummaries"][0]["QueueARN"]);
    receive(&raw, &queue);
    raw.call("ReceiveQueueRecords", json!({"QueueARN": queue}))
        .expect_error_kind("ThrottlingException");
}

// behaviours 157
#[test]
fn queues_have_tags_and_policies() {
    let raw = with_slow_stream(|builder| builder);
    let queue = create(&raw, with(input("q"), "Tags", json!({"from": "birth"})));
    let tags = || raw.ok("ListTagsForResource", json!({"ResourceARN": queue}))["Tags"].clone();
    assert_eq!(tags(), json!([{"Key": "from", "Value": "birth"}]));
    let tag = |tags: Value| raw.call("TagResource", json!({"ResourceARN": queue, "Tags": tags}));
    tag(json!({"a": "b"})).expect_error_kind("ResourceInUseException");
    raw.advance(STATE_DELAY);
    tag(json!({"a": "b", "from": "now"})).expect_empty();
    assert_eq!(tags(), json!([{"Key": "a", "Value": "b"}, {"Key": "from", "Value": "now"}]));
    let many: Value = (0..49).map(|n| (format!("k{n}"), json!("v"))).collect();
    tag(many).expect_error(
        "InvalidArgumentException",
        &format!("{queue} cannot have more than 50 tags."),
    );
    raw.done("UntagResource", json!({"ResourceARN": queue, "TagKeys": ["from", "none"]}));
    assert_eq!(tags(), json!([{"Key": "a", "Value": "b"}]));

    let policy = || raw.ok("GetResourcePolicy", json!({"ResourceARN": queue}))["Policy"].clone();
    assert_eq!(policy(), "{}");
    let text = r#"{"Version":"2012-10-17","Statement":[]}"#;
    raw.done("PutResourcePolicy", json!({"ResourceARN": queue, "Policy": text}));
    assert_eq!(policy(), text);
    let of_stream = raw.ok("GetResourcePolicy", json!({"ResourceARN": arn("s")}));
    assert_eq!(of_stream["Policy"], "{}", "the stream has one of its own");
    raw.done("DeleteResourcePolicy", json!({"ResourceARN": queue}));
    assert_eq!(policy(), "{}");
    let unknown = queue.replace("queue/", "queue/x");
    for operation in ["ListTagsForResource", "GetResourcePolicy"] {
        raw.call(operation, json!({"ResourceARN": unknown}))
            .expect_error_kind("ResourceNotFoundException");
    }
}

#[test]
fn a_queue_that_is_being_deleted_hands_nothing_out_and_takes_no_handles() {
    let raw = with_slow_stream(|builder| builder);
    let queue = create(&raw, input("q"));
    raw.advance(STATE_DELAY);
    raw.put("s", "k", b"x");
    let handle = handle(&receive(&raw, &queue)[0]);
    raw.done("DeleteQueue", json!({"QueueARN": queue}));
    let entry = json!({"ReceiptHandle": handle});
    for (operation, input) in [
        ("ReceiveQueueRecords", json!({"QueueARN": queue})),
        ("ReceiveDeadLetterQueueRecords", json!({"QueueARN": queue})),
        ("AcknowledgeQueueRecords", json!({"QueueARN": queue, "Entries": [entry]})),
    ] {
        raw.call(operation, input).expect_error_kind("ResourceNotFoundException");
    }
    raw.advance(STATE_DELAY);
    raw.call("DeleteQueue", json!({"QueueARN": queue}))
        .expect_error_kind("ResourceNotFoundException");
}
