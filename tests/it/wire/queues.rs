//! Queues: made, listed, changed and removed; records received, acknowledged,
//! hidden, set aside and restored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::inspect::{Read, Reader};
use kinesis_emulator::{ErrorKind, Limits, Operation};
use serde_json::{Value, json};

use crate::support::raw::{
    ACCOUNT, Answer, CBOR, Custom, Raw, START, each, list, members, put_input, text,
};

const STATE_DELAY: Duration = Duration::from_secs(1);

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn create_on_demand(raw: &Raw, stream: &str) {
    let mode = json!({"StreamMode": "ON_DEMAND"});
    raw.done("CreateStream", json!({"StreamName": stream, "StreamModeDetails": mode}));
}

/// An emulator with an on-demand stream `s`, where nothing takes time.
fn with_stream() -> Raw {
    let raw = Raw::new();
    create_on_demand(&raw, "s");
    raw
}

/// The same, where a change of a status takes a second.
fn with_slow_stream(
    set: impl FnOnce(kinesis_emulator::Builder) -> kinesis_emulator::Builder,
) -> Raw {
    let raw = Raw::with(|builder| set(builder.state_delay(STATE_DELAY)));
    create_on_demand(&raw, "s");
    raw.advance(STATE_DELAY);
    raw
}

fn input(name: &str) -> Value {
    json!({"QueueName": name, "StreamConfigurationList": [{"StreamARN": arn("s")}]})
}

fn with(mut input: Value, member: &str, value: Value) -> Value {
    input[member] = value;
    input
}

/// Makes a queue over `s` and returns its ARN.
#[track_caller]
fn create(raw: &Raw, input: Value) -> String {
    text(&raw.ok("CreateQueue", input)["QueueDescription"]["QueueARN"])
}

#[track_caller]
fn describe(raw: &Raw, queue: &str) -> Value {
    raw.ok("DescribeQueue", json!({"QueueARN": queue}))["QueueDescription"].clone()
}

#[track_caller]
fn receive(raw: &Raw, queue: &str) -> Vec<Value> {
    received(raw, json!({"QueueARN": queue}))
}

#[track_caller]
fn received(raw: &Raw, input: Value) -> Vec<Value> {
    list(&raw.ok("ReceiveQueueRecords", input)["QueueRecords"]).clone()
}

#[track_caller]
fn dead_letters(raw: &Raw, queue: &str) -> Vec<Value> {
    let answer = raw.ok("ReceiveDeadLetterQueueRecords", json!({"QueueARN": queue}));
    list(&answer["QueueRecords"]).clone()
}

fn data(records: &[Value]) -> Vec<String> {
    let decode = |record: &Value| STANDARD.decode(text(&record["Data"])).expect("it is base64");
    records.iter().map(|record| String::from_utf8(decode(record)).expect("a text")).collect()
}

fn handle(record: &Value) -> String {
    text(&record["ReceiptHandle"])
}

/// Calls one of the operations on handles, each of which stands alone.
#[track_caller]
fn entries(raw: &Raw, operation: &str, queue: &str, handles: &[&str]) -> Value {
    let entry = |handle: &&str| json!({"ReceiptHandle": handle});
    let entries: Vec<_> = handles.iter().map(entry).collect();
    raw.ok(operation, json!({"QueueARN": queue, "Entries": entries}))
}

#[track_caller]
fn acknowledge(raw: &Raw, queue: &str, handle: &str) -> String {
    code(&entries(raw, "AcknowledgeQueueRecords", queue, &[handle]))
}

#[track_caller]
fn hide(raw: &Raw, queue: &str, handle: &str, seconds: u32) -> String {
    let entry = json!({"ReceiptHandle": handle, "VisibilityTimeoutSeconds": seconds});
    code(&raw.ok("UpdateQueueRecordsVisibility", json!({"QueueARN": queue, "Entries": [entry]})))
}

/// What became of the only entry.
#[track_caller]
fn code(answer: &Value) -> String {
    assert_eq!(members(answer), ["Failed", "Successful"]);
    match (&list(&answer["Successful"])[..], &list(&answer["Failed"])[..]) {
        ([done], []) => {
            assert_eq!(members(done), ["ReceiptHandle"]);
            "done".to_owned()
        }
        ([], [failed]) => {
            assert_eq!(members(failed), ["ErrorCode", "ErrorMessage", "ReceiptHandle"]);
            text(&failed["ErrorCode"])
        }
        _ => panic!("one entry has one result: {answer}"),
    }
}

/// A queue's name, id and status as any answer shows them.
fn shown(raw: &Raw, queue: &str) -> String {
    text(&describe(raw, queue)["QueueStatus"])
}

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

// behaviours 161
#[test]
fn a_record_has_everything_and_is_hidden_until_its_timeout_ends() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    let number = raw.put("s", "key", b"one");
    raw.advance(seconds(5));
    let records = receive(&raw, &queue);
    let first = &records[0];
    let expected = json!({
        "ReceiptHandle": first["ReceiptHandle"],
        "RecordId": first["RecordId"],
        "PartitionKey": "key",
        "Data": STANDARD.encode("one"),
        "ApproximateArrivalTimestamp": START.as_seconds() as f64,
        "FirstReceiveTimestamp": START.as_seconds() as f64 + 5.0,
        "ReceiveCount": 1,
    });
    assert_eq!(records, std::slice::from_ref(&expected));
    let id = text(&first["RecordId"]);
    assert_eq!(crate::support::raw::decimal(&id), number, "the number in hexadecimal");
    let handle_length = handle(first).len();
    assert!((1..=1024).contains(&handle_length), "{handle_length}");
    assert_eq!(receive(&raw, &queue), [] as [Value; 0]);
    raw.advance(seconds(30) - Duration::from_millis(1));
    assert_eq!(receive(&raw, &queue), [] as [Value; 0]);
    raw.advance(Duration::from_millis(1));
    let again = receive(&raw, &queue);
    let mut expected = with(expected, "ReceiveCount", json!(2));
    expected["ReceiptHandle"] = again[0]["ReceiptHandle"].clone();
    assert_eq!(again, [expected]);
    assert_ne!(handle(first), handle(&again[0]));
    assert_eq!(acknowledge(&raw, &queue, &handle(&again[0])), "done");
    raw.advance(seconds(3600));
    assert_eq!(receive(&raw, &queue), [] as [Value; 0], "acknowledged ones never return");
    assert_eq!(raw.read_all("s", &placed(&raw)), ["one"], "the stream keeps it");
}

/// The shard that has records.
fn placed(raw: &Raw) -> String {
    let shards = raw.shards("s");
    let ids = shards.iter().map(|shard| text(&shard["ShardId"]));
    ids.into_iter().find(|id| !raw.read_all("s", id).is_empty()).expect("there is a record")
}

// operations.md, section 7.5
#[test]
fn a_queue_begins_where_it_was_told_to() {
    let raw = with_slow_stream(|builder| builder);
    let from = |name: &str, start: Value| {
        let streams = json!([{"StreamARN": arn("s"), "StartingPosition": start}]);
        create(&raw, with(input(name), "StreamConfigurationList", streams))
    };
    for record in ["1", "2", "3"] {
        raw.put("s", record, record.as_bytes());
        raw.advance(seconds(10));
    }
    let at = START.as_seconds() + 11;
    let latest = create(&raw, input("default"));
    let also_latest = from("latest", json!({"Type": "LATEST"}));
    let all = from("all", json!({"Type": "TRIM_HORIZON"}));
    let some = from("some", json!({"Type": "AT_TIMESTAMP", "Timestamp": at}));
    let early = from("early", json!({"Type": "AT_TIMESTAMP", "Timestamp": 5}));
    let start = |queue: &str| {
        describe(&raw, queue)["StreamConfigurationList"][0]["StartingPosition"].clone()
    };
    assert_eq!(start(&early), json!({"Type": "AT_TIMESTAMP", "Timestamp": 5.0}), "as asked for");
    assert_eq!(start(&all), json!({"Type": "TRIM_HORIZON"}));
    raw.call("ReceiveQueueRecords", json!({"QueueARN": all}))
        .expect_error("ResourceNotFoundException", &format!("Queue {all} not found."));
    raw.put("s", "4", b"4");
    raw.advance(STATE_DELAY);
    raw.put("s", "5", b"5");
    assert_eq!(data(&receive(&raw, &latest)), ["4", "5"], "from the call on");
    assert_eq!(data(&receive(&raw, &also_latest)), ["4", "5"]);
    assert_eq!(data(&receive(&raw, &all)), ["1", "2", "3", "4", "5"]);
    assert_eq!(data(&receive(&raw, &some)), ["2", "3", "4", "5"]);
    assert_eq!(data(&receive(&raw, &early)), ["1", "2", "3", "4", "5"]);
    let born = START.as_seconds() as f64;
    assert_eq!(start(&early)["Timestamp"], born, "the stream is no older");
    assert_eq!(start(&all)["Timestamp"], born);
    assert_eq!(start(&some)["Timestamp"], at as f64);
    assert_eq!(start(&latest)["Timestamp"], born + 31.0);
}

#[test]
fn the_oldest_arrivals_come_first_ten_at_a_time_also_when_they_come_again() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    let numbers: Vec<_> = (10..35).map(|number| number.to_string()).collect();
    for number in &numbers {
        raw.put("s", number, number.as_bytes());
        raw.advance(Duration::from_millis(1));
    }
    let limited = json!({"QueueARN": queue, "Limit": 3, "VisibilityTimeoutSeconds": 1});
    assert_eq!(data(&received(&raw, limited)), numbers[..3]);
    assert_eq!(data(&receive(&raw, &queue)), numbers[3..13]);
    raw.advance(seconds(1));
    let mut expected = numbers[..3].to_vec();
    expected.extend_from_slice(&numbers[13..20]);
    assert_eq!(data(&receive(&raw, &queue)), expected);
    assert_eq!(data(&receive(&raw, &queue)), numbers[20..]);
}

#[test]
fn a_receive_of_large_records_ends_before_ten_mebibytes() {
    let raw = with_stream();
    raw.done("UpdateMaxRecordSize", json!({"StreamARN": arn("s"), "MaxRecordSizeInKiB": 10240}));
    let queue = create(&raw, input("q"));
    for size in [4, 4, 4] {
        raw.put("s", "k", &vec![b'x'; size * 1024 * 1024]);
    }
    raw.put("s", "k", &vec![b'x'; 10 * 1024 * 1024 - 1]);
    assert_eq!([0; 3].map(|_| receive(&raw, &queue).len()), [2, 1, 1]);
}

#[test]
fn queues_of_a_stream_are_independent_and_call_a_record_the_same() {
    let raw = with_stream();
    let [one, other] = ["one", "other"].map(|name| create(&raw, input(name)));
    raw.put("s", "k", b"x");
    let of_one = receive(&raw, &one);
    let of_other = receive(&raw, &other);
    assert_eq!(of_one[0]["RecordId"], of_other[0]["RecordId"]);
    assert_eq!(acknowledge(&raw, &one, &handle(&of_one[0])), "done");
    assert_eq!(acknowledge(&raw, &other, &handle(&of_one[0])), "InvalidArgumentException");
    raw.advance(seconds(30));
    assert_eq!(receive(&raw, &one).len(), 0);
    assert_eq!(receive(&raw, &other)[0]["ReceiveCount"], 2);
}

#[test]
fn under_auto_a_record_without_a_key_comes_without_one() {
    let raw = with_stream();
    let strategy = json!({"StreamARN": arn("s"), "RecordDistributionStrategy": "AUTO"});
    raw.done("UpdateStreamRecordDistributionStrategy", strategy);
    let queue = create(&raw, input("q"));
    raw.ok("PutRecord", json!({"StreamName": "s", "Data": ""}));
    let record = &receive(&raw, &queue)[0];
    assert_eq!(record.get("PartitionKey"), None);
    assert_eq!(record["Data"], "");
}

// operations.md, section 7.4
#[test]
fn what_a_handle_is_good_for() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    let (invalid, missing) = ("InvalidArgumentException", "ResourceNotFoundException");
    raw.put("s", "k", b"x");
    let first = handle(&receive(&raw, &queue)[0]);
    assert_eq!(hide(&raw, &queue, &first, 10), "done", "in flight");
    raw.advance(seconds(10));
    assert_eq!(hide(&raw, &queue, &first, 10), invalid, "its timeout has ended");
    let second = handle(&receive(&raw, &queue)[0]);
    assert_eq!(acknowledge(&raw, &queue, &first), invalid, "there is a newer handle");
    assert_eq!(hide(&raw, &queue, &first, 10), invalid);
    raw.advance(seconds(30));
    assert_eq!(acknowledge(&raw, &queue, &second), "done", "not received again since");
    assert_eq!(acknowledge(&raw, &queue, &second), "done", "once more does no harm");
    assert_eq!(hide(&raw, &queue, &second, 10), missing, "it is done");
    assert_eq!(acknowledge(&raw, &queue, &first), invalid);
    for nonsense in ["x", "AAAA", &format!("{second}A"), &second.to_lowercase()] {
        assert_eq!(acknowledge(&raw, &queue, nonsense), invalid, "{nonsense}");
    }
    let wrong_side = entries(&raw, "AcknowledgeDeadLetterQueueRecords", &queue, &[&second]);
    assert_eq!(code(&wrong_side), invalid);

    raw.put("s", "k", b"y");
    let third = handle(&receive(&raw, &queue)[0]);
    let both = entries(&raw, "AcknowledgeQueueRecords", &queue, &["x", &third, &first, &third]);
    assert_eq!(each(&both["Successful"], "ReceiptHandle"), [&third, &third]);
    assert_eq!(each(&both["Failed"], "ReceiptHandle"), ["x", &first]);

    raw.put("s", "k", b"z");
    let fourth = handle(&receive(&raw, &queue)[0]);
    raw.advance(seconds(25 * 3600));
    assert_eq!(acknowledge(&raw, &queue, &fourth), missing, "past retention");
    assert_eq!(acknowledge(&raw, &queue, &third), missing);
}

// operations.md, section 7.4: constraints come first
#[test]
fn batches_are_of_one_to_ten_entries() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    for operation in [
        "AcknowledgeQueueRecords",
        "AcknowledgeDeadLetterQueueRecords",
        "UpdateQueueRecordsVisibility",
        "UpdateDeadLetterQueueRecordsVisibility",
        "RestoreDeadLetterQueueRecords",
    ] {
        let entry = json!({"ReceiptHandle": "x", "VisibilityTimeoutSeconds": 1});
        let call = |count: usize| {
            let entries = vec![entry.clone(); count];
            raw.call(operation, json!({"QueueARN": queue, "Entries": entries}))
        };
        call(0).expect_error_kind("ValidationException");
        call(11).expect_error_kind("ValidationException");
        assert_eq!(list(&call(10).expect_ok()["Failed"]).len(), 10);
        let unknown = json!({"QueueARN": format!("{queue}x"), "Entries": [entry]});
        raw.call(operation, unknown).expect_error_kind("ResourceNotFoundException");
    }
}

#[test]
fn visibility_is_the_receives_or_the_queues_and_can_be_changed() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    raw.put("s", "k", b"x");
    let unhidden = json!({"QueueARN": queue, "VisibilityTimeoutSeconds": 0});
    assert_eq!(received(&raw, unhidden.clone())[0]["ReceiveCount"], 1);
    assert_eq!(received(&raw, unhidden)[0]["ReceiveCount"], 2, "visible again at once");
    let third = handle(&receive(&raw, &queue)[0]);
    assert_eq!(hide(&raw, &queue, &third, 43200), "done");
    raw.advance(seconds(43199));
    assert_eq!(receive(&raw, &queue).len(), 0);
    assert_eq!(hide(&raw, &queue, &third, 0), "done");
    let fourth = receive(&raw, &queue);
    assert_eq!(fourth[0]["ReceiveCount"], 4);
    let attributes = json!({"VisibilityTimeoutSeconds": 2});
    raw.ok("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": attributes}));
    raw.advance(seconds(2));
    assert_eq!(receive(&raw, &queue).len(), 0, "what is in flight keeps its timeout");
    raw.advance(seconds(28));
    assert_eq!(receive(&raw, &queue)[0]["ReceiveCount"], 5);
    raw.advance(seconds(2));
    assert_eq!(receive(&raw, &queue)[0]["ReceiveCount"], 6);
}

// behaviours 161; operations.md, section 7.3
#[test]
fn a_record_is_a_dead_letter_when_its_last_timeout_ends() {
    let raw = with_stream();
    let attributes =
        json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 2}});
    let queue = create(&raw, with(input("q"), "QueueAttributes", attributes));
    raw.put("s", "k", b"poison");
    let first_received = receive(&raw, &queue)[0]["FirstReceiveTimestamp"].clone();
    raw.advance(seconds(30));
    let last = handle(&receive(&raw, &queue)[0]);
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "it can still be acknowledged");
    assert_eq!(hide(&raw, &queue, &last, 60), "done");
    raw.advance(seconds(60));
    assert_eq!(receive(&raw, &queue).len(), 0);
    assert_eq!(acknowledge(&raw, &queue, &last), "InvalidArgumentException");
    let dead = dead_letters(&raw, &queue);
    assert_eq!((data(&dead), &dead[0]["ReceiveCount"]), (vec!["poison".to_owned()], &json!(3)));
    assert_eq!(dead[0]["FirstReceiveTimestamp"], first_received);
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "in flight");
    let entry = json!({"ReceiptHandle": handle(&dead[0]), "VisibilityTimeoutSeconds": 0});
    let input = json!({"QueueARN": queue, "Entries": [entry]});
    assert_eq!(code(&raw.ok("UpdateDeadLetterQueueRecordsVisibility", input)), "done");
    let dead = handle(&dead_letters(&raw, &queue)[0]);

    let restored = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&restored), "done");
    for operation in ["RestoreDeadLetterQueueRecords", "AcknowledgeDeadLetterQueueRecords"] {
        let again = entries(&raw, operation, &queue, &[&dead]);
        assert_eq!(code(&again), "InvalidArgumentException", "{operation}");
    }
    for count in [1, 2] {
        let again = receive(&raw, &queue);
        assert_eq!(again[0]["ReceiveCount"], count);
        assert_eq!(again[0]["FirstReceiveTimestamp"], first_received);
        assert_eq!(hide(&raw, &queue, &handle(&again[0]), 0), "done");
    }
    assert_eq!(receive(&raw, &queue).len(), 0);
    let dead = handle(&dead_letters(&raw, &queue)[0]);
    let done = entries(&raw, "AcknowledgeDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&done), "done");
    let late = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&late), "ResourceNotFoundException");
    raw.advance(seconds(3600));
    assert_eq!((receive(&raw, &queue).len(), dead_letters(&raw, &queue).len()), (0, 0));
}

#[test]
fn six_receives_are_the_default_and_without_a_target_there_is_no_end() {
    let raw = with_stream();
    let poisoned = create(&raw, input("poisoned"));
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "NONE"}});
    let endless = create(&raw, with(input("endless"), "QueueAttributes", attributes));
    raw.put("s", "k", b"x");
    let unhidden =
        |queue: &str| received(&raw, json!({"QueueARN": queue, "VisibilityTimeoutSeconds": 0}));
    let counts: Vec<_> = (0..20).map(|_| unhidden(&poisoned).len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 6);
    assert_eq!(dead_letters(&raw, &poisoned).len(), 1);
    assert!((0..20).all(|_| unhidden(&endless).len() == 1));
    assert_eq!(dead_letters(&raw, &endless).len(), 0);
}

// operations.md, section 7.10, UpdateQueue
#[test]
fn another_number_of_receives_is_in_force_when_the_update_ends() {
    let raw = with_slow_stream(|builder| builder);
    let queue = create(&raw, input("q"));
    raw.advance(STATE_DELAY);
    let update = |configuration: Value| {
        let attributes = json!({"DeadLetterConfiguration": configuration});
        raw.ok("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": attributes}));
    };
    raw.put("s", "k", b"visible");
    let unhidden = json!({"QueueARN": queue, "VisibilityTimeoutSeconds": 0});
    assert_eq!(received(&raw, unhidden).len(), 1);
    raw.put("s", "k", b"in flight");
    let in_flight = received(&raw, json!({"QueueARN": queue}));
    assert_eq!(data(&in_flight), ["visible", "in flight"]);
    assert_eq!(hide(&raw, &queue, &handle(&in_flight[0]), 0), "done");
    update(json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 1}));
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "while UPDATING");
    raw.advance(STATE_DELAY);
    assert_eq!(receive(&raw, &queue).len(), 0);
    assert_eq!(data(&dead_letters(&raw, &queue)), ["visible"]);
    raw.advance(seconds(30));
    assert_eq!(data(&dead_letters(&raw, &queue)), ["visible", "in flight"]);
    update(json!({"TargetType": "NONE"}));
    raw.advance(STATE_DELAY + seconds(30));
    assert_eq!(receive(&raw, &queue).len(), 0, "dead letters stay dead letters");
    let dead = dead_letters(&raw, &queue);
    assert_eq!(dead.len(), 2);
    let restored = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&handle(&dead[0])]);
    assert_eq!(code(&restored), "done");
    assert_eq!(data(&receive(&raw, &queue)), ["visible"]);
}

// operations.md, section 7.5: resharding and retention
#[test]
fn scaling_is_invisible_and_what_the_stream_forgets_is_gone() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    let put = |from: usize, to: usize| {
        for number in from..to {
            raw.put("s", &number.to_string(), number.to_string().as_bytes());
            raw.advance(Duration::from_millis(1));
        }
    };
    let expected = |from: usize, to: usize| (from..to).map(|n| n.to_string()).collect::<Vec<_>>();
    raw.ok(
        "UpdateAccountSettings",
        json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}}),
    );
    put(0, 5);
    let scale = |target: u32| {
        let input = json!({"StreamName": "s", "WarmThroughputMiBps": target});
        raw.ok("UpdateStreamWarmThroughput", input);
    };
    scale(9);
    put(5, 10);
    scale(4);
    put(10, 15);
    assert_eq!(data(&receive(&raw, &queue)), expected(0, 10));
    assert_eq!(data(&receive(&raw, &queue)), expected(10, 15));
    raw.advance(seconds(12 * 3600));
    put(15, 20);
    assert_eq!(data(&received(&raw, json!({"QueueARN": queue, "Limit": 1}))), expected(0, 1));
    raw.advance(seconds(12 * 3600));
    assert_eq!(data(&receive(&raw, &queue)), expected(15, 20), "the others have expired");
}

#[test]
fn a_shorter_retention_takes_records_and_dead_letters_and_a_longer_one_gives_none_back() {
    let raw = with_stream();
    let retention = |direction: &str, hours: u32| {
        let operation = format!("{direction}StreamRetentionPeriod");
        raw.done(&operation, json!({"StreamName": "s", "RetentionPeriodHours": hours}));
    };
    retention("Increase", 72);
    let attributes =
        json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}});
    let queue = create(&raw, with(input("q"), "QueueAttributes", attributes));
    raw.put("s", "k", b"dead");
    receive(&raw, &queue);
    raw.put("s", "k", b"old");
    raw.advance(seconds(48 * 3600));
    retention("Decrease", 24);
    assert_eq!((receive(&raw, &queue).len(), dead_letters(&raw, &queue).len()), (0, 0));
    retention("Increase", 72);
    assert_eq!((receive(&raw, &queue).len(), dead_letters(&raw, &queue).len()), (0, 0));
    raw.put("s", "k", b"new");
    assert_eq!(data(&receive(&raw, &queue)), ["new"]);
}

#[test]
fn no_more_records_are_in_flight_than_the_limit_allows() {
    let mut limits = Limits::off();
    limits.queue_records_in_flight = Some(3);
    let raw = Raw::with(|builder| builder.limits(limits));
    create_on_demand(&raw, "s");
    let queue = create(&raw, input("q"));
    for number in 0..5 {
        raw.put("s", "k", number.to_string().as_bytes());
    }
    let records = receive(&raw, &queue);
    assert_eq!(data(&records), ["0", "1", "2"]);
    assert_eq!(receive(&raw, &queue).len(), 0, "nothing is refused");
    assert_eq!(acknowledge(&raw, &queue, &handle(&records[1])), "done");
    assert_eq!(data(&receive(&raw, &queue)), ["3"]);
    raw.advance(seconds(30));
    assert_eq!(data(&receive(&raw, &queue)), ["0", "2", "3"]);
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

// behaviours 146, 147, 149
#[test]
fn queues_speak_cbor_too() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    raw.ok("PutRecord", put_input("s", "k", b"\x00\xff"));
    let call = |operation: &str, write: &dyn Fn(&mut minicbor::Encoder<&mut Vec<u8>>)| -> Answer {
        let mut body = Vec::new();
        write(&mut minicbor::Encoder::new(&mut body));
        raw.send(Custom::signed(operation, CBOR, body))
    };
    let answer = call("ReceiveQueueRecords", &|encoder| {
        let map = encoder.map(1).expect("memory takes it");
        map.str("QueueARN").and_then(|map| map.str(&queue)).expect("memory takes it");
    });
    assert_eq!((answer.status.as_u16(), answer.content_type()), (200, Some(CBOR)));
    let find = |key: &str| {
        let place = answer.body.windows(key.len()).position(|window| window == key.as_bytes());
        &answer.body[place.expect("the member is there") + key.len()..]
    };
    assert_eq!(find("Data")[..3], [0x42, 0x00, 0xff], "a byte string");
    assert_eq!(find("ReceiveCount")[0], 1);
    assert_eq!(find("FirstReceiveTimestamp")[0], 0xc1, "tag 1");
    let handle = minicbor::Decoder::new(find("ReceiptHandle")).str().expect("a text").to_owned();
    let answer = call("AcknowledgeQueueRecords", &|encoder| {
        let map = encoder.map(2).expect("memory takes it");
        map.str("QueueARN").and_then(|map| map.str(&queue)).expect("memory takes it");
        let entries = map.str("Entries").and_then(|map| map.array(1)).expect("memory takes it");
        let entry = entries.map(1).and_then(|entry| entry.str("ReceiptHandle"));
        entry.and_then(|entry| entry.str(&handle)).expect("memory takes it");
    });
    assert_eq!(answer.status.as_u16(), 200);
    raw.advance(seconds(3600));
    assert_eq!(receive(&raw, &queue).len(), 0);
}

#[test]
fn the_journal_and_the_ledger_know_what_a_queue_handed_out() {
    let raw = Raw::with(|builder| builder.journal());
    create_on_demand(&raw, "s");
    let queue = create(&raw, input("q"));
    raw.put("s", "ab", b"xyz");
    let record = receive(&raw, &queue).remove(0);
    acknowledge(&raw, &queue, &handle(&record));
    let about = |operation: Operation| {
        let call = raw.emulator.journal().calls_of(operation).remove(0);
        (call.stream, call.queue, call.shards, call.records, call.bytes)
    };
    let (stream, queue) = (Some("s".to_owned()), Some("q".to_owned()));
    let created = (stream.clone(), queue.clone(), Vec::new(), 0, 0);
    assert_eq!(about(Operation::CreateQueue), created);
    assert_eq!(about(Operation::AcknowledgeQueueRecords), created);
    let received = (stream, queue, vec![placed(&raw)], 1, 5);
    assert_eq!(about(Operation::ReceiveQueueRecords), received);
    let by_queue = |read: &Read| read.reader == Reader::Queue("q".to_owned());
    let reads = raw.emulator.ledger().reads("s");
    let reads: Vec<_> = reads.iter().filter(|read| by_queue(read)).collect();
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].to_string().split(" by ").last(), Some("queue q"));
}

#[test]
fn fault_rules_are_about_queues_too() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    raw.put("s", "k", b"x");
    let rule = raw.emulator.faults().on(Operation::ReceiveQueueRecords).stream("s");
    let guard = rule.reject(ErrorKind::Throttling).times(1);
    raw.call("ReceiveQueueRecords", json!({"QueueARN": queue}))
        .expect_error_kind("ThrottlingException");
    drop(guard);
    assert_eq!(receive(&raw, &queue)[0]["ReceiveCount"], 1, "it was not handed out");
    raw.put("s", "k", b"y");
    let guard = raw.emulator.faults().on(Operation::ReceiveQueueRecords);
    let guard = guard.drop_connection_after_commit().times(1);
    let lost = raw.call("ReceiveQueueRecords", json!({"QueueARN": queue}));
    assert_eq!(lost.status.as_u16(), 502);
    drop(guard);
    raw.advance(seconds(30));
    let again = receive(&raw, &queue);
    assert_eq!(data(&again), ["x", "y"]);
    assert_eq!(again[1]["ReceiveCount"], 2, "it was handed out to nobody");
}
