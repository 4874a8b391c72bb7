//! Records are handed out, hidden and acknowledged.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::Limits;
use serde_json::{Value, json};

use super::{
    STATE_DELAY, acknowledge, arn, code, create, create_on_demand, data, dead_letters, describe,
    entries, handle, hide, input, placed, receive, received, seconds, with, with_slow_stream,
    with_stream,
};
use crate::support::raw::{Raw, START, each, list, text};

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
