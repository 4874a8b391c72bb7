//! Faults: which calls a rule takes, and what becomes of them, byte by byte.

use std::io::Write;
use std::time::Duration;

use kinesis_emulator::{Action, ErrorKind, Latency, Operation, Rule};
use serde_json::{Value, json};

use super::fan_out::{kind, subscription, with_consumer, with_socket};
use super::sockets::{
    answer, call_http2, connect, drain, emulator_with_a_stream, http2, request, stored,
};
use super::streams::arn;
use crate::support::frames::frames;
use crate::support::raw::{ACCOUNT, Answer, Custom, JSON, Raw, SIGNED, list, put_input};

const THROTTLE: ErrorKind = ErrorKind::ProvisionedThroughputExceeded;
const SHARD: &str = "shardId-000000000000";

fn put(raw: &Raw, key: &str) -> Answer {
    raw.call("PutRecord", put_input("s", key, b"x"))
}

fn batch(keys: &[&str]) -> Value {
    let records: Vec<_> = keys.iter().map(|key| json!({"Data": "", "PartitionKey": key})).collect();
    json!({"StreamName": "s", "Records": records})
}

fn throttled(shard: u32) -> String {
    format!("Rate exceeded for shard shardId-{shard:012} in stream s under account {ACCOUNT}.")
}

fn with_stream(shards: u32) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", shards);
    raw
}

#[test]
fn a_throttle_is_worded_as_on_aws_and_names_the_shard() {
    let raw = with_stream(3);
    let _throttle = raw.emulator.faults().on(Operation::PutRecord).reject(THROTTLE);
    // Keys and shards as recorded, see `writing`.
    for (key, shard) in [("a", 0), ("b", 1), ("e", 2)] {
        put(&raw, key).expect_error("ProvisionedThroughputExceededException", &throttled(shard));
    }
}

#[test]
fn a_read_is_throttled_with_the_shard_of_its_iterator() {
    let raw = with_stream(3);
    let iterator = raw.iterator("s", "shardId-000000000002", "TRIM_HORIZON");
    let _throttle = raw.emulator.faults().on(Operation::GetRecords).shard("2").reject(THROTTLE);
    let read = raw.call("GetRecords", json!({"ShardIterator": iterator}));
    read.expect_error("ProvisionedThroughputExceededException", &throttled(2));
    raw.read(&raw.iterator("s", "shardId-000000000001", "TRIM_HORIZON"));
}

#[test]
fn errors_of_the_service_have_no_text_and_the_right_status() {
    let raw = with_stream(1);
    let faults = raw.emulator.faults();
    for (fault, status, kind) in [
        (faults.on(Operation::PutRecord).internal_failure(), 500, "InternalFailure"),
        (faults.on(Operation::PutRecord).service_unavailable(), 503, "ServiceUnavailable"),
    ] {
        // The rules stand behind one another: each answers once.
        let _fault = fault.times(1);
        let refused = put(&raw, "k");
        assert_eq!((refused.status.as_u16(), refused.json()), (status, json!({"__type": kind})));
    }
    put(&raw, "k").expect_ok();
}

#[test]
fn an_expired_iterator_and_a_missing_stream_are_worded_as_ever() {
    let raw = with_stream(1);
    let iterator = raw.iterator("s", SHARD, "TRIM_HORIZON");
    let _expired =
        raw.emulator.faults().on(Operation::GetRecords).reject(ErrorKind::ExpiredIterator);
    raw.call("GetRecords", json!({"ShardIterator": iterator})).expect_error(
        "ExpiredIteratorException",
        "Iterator expired. The iterator was created at time Thu Jan 22 01:17:01 UTC 2015 while \
         right now it is Thu Jan 22 01:22:02 UTC 2015 which is further in the future than the \
         tolerated delay of 300000 milliseconds.",
    );
    let faults = raw.emulator.faults();
    let _missing = faults.on(Operation::PutRecord).reject(ErrorKind::ResourceNotFound);
    put(&raw, "k").expect_error(
        "ResourceNotFoundException",
        &format!("Stream s under account {ACCOUNT} not found."),
    );
    let own = faults.on(Operation::ListShards).reject_with(ErrorKind::LimitExceeded, "mine");
    raw.call("ListShards", json!({"StreamName": "s"}))
        .expect_error("LimitExceededException", "mine");
    assert_eq!(own.fired(), 1);
}

#[test]
fn a_refused_call_does_nothing_and_takes_no_sequence_number() {
    let [with, without] = [with_stream(1), with_stream(1)];
    let throttle = with.emulator.faults().on(Operation::PutRecord).reject(THROTTLE).times(3);
    for _ in 0..3 {
        put(&with, "k").expect_error_kind("ProvisionedThroughputExceededException");
    }
    assert_eq!(put(&with, "k").expect_ok(), put(&without, "k").expect_ok());
    assert_eq!(throttle.fired(), 3);
}

#[test]
fn chosen_records_of_a_batch_fail_and_the_others_are_stored() {
    let raw = with_stream(3);
    let fault = raw
        .emulator
        .faults()
        .on(Operation::PutRecords)
        .partition_key("b")
        .fail_records(THROTTLE)
        .times(1);
    let answer = raw.ok("PutRecords", batch(&["a", "b", "e", "b"]));
    assert_eq!(answer["FailedRecordCount"], 2);
    let failed = json!({
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": throttled(1),
    });
    let records = list(&answer["Records"]);
    assert_eq!([&records[1], &records[3]], [&failed; 2], "nothing but the error");
    assert_eq!(
        [&records[0]["ShardId"], &records[2]["ShardId"]],
        [SHARD, "shardId-000000000002"],
        "answers are in the order of the request"
    );
    assert_eq!(raw.read_all("s", "shardId-000000000001"), [""; 0]);
    assert_eq!((raw.read_all("s", SHARD).len(), fault.fired()), (1, 1));
    // Once was all.
    assert_eq!(raw.ok("PutRecords", batch(&["b"]))["FailedRecordCount"], 0);
}

#[test]
fn records_are_chosen_by_place_key_and_shard_together() {
    let raw = with_stream(3);
    let faults = raw.emulator.faults();
    let failing = |keys: &[&str]| {
        let answer = raw.ok("PutRecords", batch(keys));
        let failed = list(&answer["Records"]).iter().map(|record| record.get("ErrorCode"));
        let places = failed.enumerate().filter(|(_, code)| code.is_some());
        places.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let rule = faults.on(Operation::PutRecords).record(0).record(2).partition_key("a");
    let fault = rule.fail_records(ErrorKind::InternalFailure);
    assert_eq!(failing(&["a", "a", "a", "b"]), [0, 2]);
    assert_eq!(failing(&["b", "a", "b"]), [] as [usize; 0]);
    assert_eq!(fault.fired(), 1, "a batch without such a record is no call of the rule");
    drop(fault);
    let _of_a_shard =
        faults.on(Operation::PutRecords).shard("1").fail_records(ErrorKind::InternalFailure);
    assert_eq!(failing(&["a", "b", "e", "f"]), [1, 3]);
    let answer = raw.ok("PutRecords", batch(&["b"]));
    assert_eq!(
        answer["Records"][0],
        json!({"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"})
    );
}

#[test]
fn a_rule_for_records_refuses_a_single_put() {
    let raw = with_stream(3);
    let _fault = raw.emulator.faults().on_any().partition_key("b").fail_records(THROTTLE);
    put(&raw, "b").expect_error("ProvisionedThroughputExceededException", &throttled(1));
    put(&raw, "a").expect_ok();
    raw.ok("ListStreams", json!({}));
}

#[test]
fn everything_that_a_rule_says_has_to_be_true_of_the_call() {
    let raw = with_stream(1);
    raw.create_stream("other", 1);
    let by = |account: &str, region: &str| {
        Custom::json("PutRecord", &put_input("s", "k", b"x")).by(account, region)
    };
    for (rule, expected) in [
        (Rule::new(Action::DropBeforeCommit).stream("s"), [true, false, true, true]),
        (Rule::new(Action::DropBeforeCommit).partition_key("k"), [true, true, true, true]),
        (Rule::new(Action::DropBeforeCommit).partition_key("l"), [false; 4]),
        (Rule::new(Action::DropBeforeCommit).caller("AKIDEXAMPLE"), [true, true, false, false]),
        (Rule::new(Action::DropBeforeCommit).caller("123456789012"), [false, false, true, false]),
        (Rule::new(Action::DropBeforeCommit).caller(ACCOUNT), [true, true, false, true]),
        (Rule::new(Action::DropBeforeCommit).region("eu-west-1"), [false, false, true, false]),
        (
            Rule::new(Action::DropBeforeCommit).stream("s").caller("AKIDEXAMPLE"),
            [true, false, false, false],
        ),
        (Rule::new(Action::DropBeforeCommit).operation(Operation::PutRecords), [false; 4]),
        (
            Rule::new(Action::DropBeforeCommit)
                .operation(Operation::PutRecords)
                .operation(Operation::PutRecord)
                .record(0),
            [true; 4],
        ),
        (Rule::new(Action::DropBeforeCommit).record(1), [false; 4]),
        (Rule::new(Action::DropBeforeCommit).consumer("c"), [false; 4]),
    ] {
        let id = raw.emulator.faults().add(rule.clone()).unwrap();
        let answers = [
            put(&raw, "k"),
            raw.call("PutRecord", put_input("other", "k", b"x")),
            raw.send(by("123456789012", "eu-west-1")),
            raw.send(by("someone", "us-east-1")),
        ];
        assert_eq!(answers.map(|answer| answer.status == 502), expected, "{}", rule.to_json());
        assert!(raw.emulator.faults().remove(id));
    }
}

#[test]
fn a_stream_is_found_by_its_arn_and_a_consumer_by_its_own() {
    let (raw, consumer) = with_consumer();
    let fault = raw.emulator.faults().on_any().stream("s").consumer("c").reject(THROTTLE);
    raw.call("DescribeStreamConsumer", json!({"ConsumerARN": consumer}))
        .expect_error_kind("ProvisionedThroughputExceededException");
    raw.ok("DescribeStreamSummary", json!({"StreamARN": arn("s")}));
    assert_eq!(fault.fired(), 1);
    let _by_arn = raw.emulator.faults().on_any().stream("s").reject(THROTTLE);
    raw.call("DescribeStreamSummary", json!({"StreamARN": arn("s")}))
        .expect_error_kind("ProvisionedThroughputExceededException");
}

#[test]
fn ill_formed_and_unauthenticated_calls_come_before_any_rule() {
    let raw = with_stream(1);
    let fault = raw.emulator.faults().on_any().drop_connection_before_commit();
    raw.call("PutRecord", json!({"StreamName": "s"})).expect_error_kind("ValidationException");
    raw.send(Custom::json("ListStreams", &json!({})).anonymous())
        .expect_error_kind("MissingAuthenticationTokenException");
    assert_eq!(fault.fired(), 0);
}

#[test]
fn the_direct_call_says_502_for_a_dropped_connection() {
    let raw = with_stream(1);
    let before = raw.emulator.faults().on(Operation::PutRecord).drop_connection_before_commit();
    let dropped = put(&raw, "k");
    assert_eq!(dropped.status, 502);
    assert_eq!(dropped.text(), "A fault rule of kinesis-emulator drops the connection here.\n");
    assert_eq!(raw.read_all("s", SHARD).len(), 0);
    drop(before);
    let _after = raw.emulator.faults().on(Operation::PutRecord).drop_connection_after_commit();
    assert_eq!(put(&raw, "k").status, 502);
    assert_eq!(raw.read_all("s", SHARD).len(), 1);
}

#[test]
fn the_direct_call_does_not_wait() {
    let raw = with_stream(1);
    let faults = raw.emulator.faults();
    let waits = [
        faults.on(Operation::PutRecord).delay(Duration::from_secs(1)),
        faults.on(Operation::PutRecord).hold(),
        faults.on(Operation::PutRecord).hold_until(Operation::PutRecords),
    ];
    raw.emulator.set_latency(Latency::aws());
    let before = raw.emulator.clock().now();
    put(&raw, "k").expect_ok();
    assert_eq!(raw.emulator.clock().now(), before);
    assert_eq!(waits.map(|fault| fault.fired()), [0; 3]);
}

#[test]
fn a_subscription_ends_when_a_rule_says_so() {
    let (raw, consumer) = with_consumer();
    let faults = raw.emulator.faults();
    let open = || {
        raw.advance(Duration::from_secs(6));
        raw.call("SubscribeToShard", subscription(&consumer, SHARD, kind("TRIM_HORIZON")))
    };
    let cut = faults.on(Operation::SubscribeToShard).cut_stream_after(0);
    let answer = open();
    let (sent, rest) = frames(&answer.body);
    assert_eq!((sent.len(), rest.len()), (1, 0), "the initial response alone");
    drop(cut);
    let _ended = faults.on(Operation::SubscribeToShard).end_stream_with(ErrorKind::InternalFailure);
    let answer = open();
    let (sent, rest) = frames(&answer.body);
    assert_eq!((sent.len(), rest.len()), (2, 0));
    assert!(format!("{:?}", sent[1]).contains(r#"(":exception-type", "InternalFailure")"#));
}

#[tokio::test]
async fn a_dropped_connection_is_closed_without_a_byte() {
    let emulator = emulator_with_a_stream().await;
    let faults = emulator.faults();
    for (fault, expected) in [
        (faults.on(Operation::PutRecord).drop_connection_before_commit(), 0),
        (faults.on(Operation::PutRecord).drop_connection_after_commit(), 1),
    ] {
        let fault = fault.times(1);
        let mut socket = connect(&emulator);
        // The connection is good until then.
        socket.write_all(request("ListStreams", &json!({})).as_bytes()).unwrap();
        assert_eq!(answer(&mut socket).0, 200);
        socket.write_all(request("PutRecord", &put_input("s", "k", b"x")).as_bytes()).unwrap();
        assert_eq!(drain(&mut socket), "");
        assert_eq!((stored(&emulator).len(), fault.fired()), (expected, 1));
    }
}

#[tokio::test]
async fn what_was_answered_before_a_drop_arrives_whole() {
    let emulator = emulator_with_a_stream().await;
    let _fault = emulator.faults().on(Operation::PutRecord).nth(2).drop_connection_after_commit();
    let mut socket = connect(&emulator);
    let put = request("PutRecord", &put_input("s", "k", b"x"));
    socket.write_all(put.repeat(3).as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    assert_eq!(drain(&mut socket), "", "nothing of the second, and the third is never read");
    assert_eq!(stored(&emulator).len(), 2);
}

#[tokio::test]
async fn over_http2_only_the_calls_own_stream_is_reset() {
    let emulator = emulator_with_a_stream().await;
    let client = http2();
    let input = put_input("s", "k", b"x");
    let held = emulator.faults().on(Operation::ListShards).hold();
    let url = emulator.url().to_owned();
    let other = {
        let client = client.clone();
        let list = json!({"StreamName": "s"});
        tokio::spawn(async move { call_http2(&client, &url, "ListShards", list).await })
    };
    held.arrived().await;
    let dropped =
        emulator.faults().on(Operation::PutRecord).drop_connection_after_commit().times(1);
    let request = client
        .post(emulator.url())
        .header("x-amz-target", "Kinesis_20131202.PutRecord")
        .header("content-type", JSON)
        .header("authorization", SIGNED)
        .header("x-amz-date", "20150122T012202Z")
        .body(input.to_string());
    request.send().await.expect_err("the stream is reset");
    held.release();
    let shards = other.await.expect("the other call on the connection goes on");
    assert_eq!(list(&shards["Shards"]).len(), 1);
    assert_eq!((stored(&emulator).len(), dropped.fired()), (1, 1));
}

#[tokio::test]
async fn a_held_call_whose_client_goes_is_counted_out() {
    let emulator = emulator_with_a_stream().await;
    let held = emulator.faults().on(Operation::PutRecord).hold();
    let mut socket = connect(&emulator);
    socket.write_all(request("PutRecord", &put_input("s", "k", b"x")).as_bytes()).unwrap();
    held.arrived().await;
    drop(socket);
    // The server sees it sooner or later; a second call shows that it goes on.
    let mut other = connect(&emulator);
    while emulator.faults().list()[0].holding > 0 {
        other.write_all(request("ListStreams", &json!({})).as_bytes()).unwrap();
        assert_eq!(answer(&mut other).0, 200);
    }
    drop(held);
    assert!(stored(&emulator).is_empty());
}

#[tokio::test]
async fn a_cut_subscription_breaks_off_after_whole_events() {
    let (raw, consumer) = with_socket();
    raw.put("s", "k", b"x");
    let _cut = raw.emulator.faults().on(Operation::SubscribeToShard).cut_stream_after(1);
    for client in [crate::support::http_client().build().unwrap(), http2()] {
        raw.advance(Duration::from_secs(6));
        let input = subscription(&consumer, SHARD, kind("TRIM_HORIZON"));
        let request: http::Request<bytes::Bytes> = Custom::json("SubscribeToShard", &input).into();
        let (parts, body) = request.into_parts();
        let request = client.post(raw.emulator.url()).headers(parts.headers).body(body);
        let mut response = request.send().await.expect("the answer begins");
        let mut bytes = Vec::new();
        while let Ok(chunk) = response.chunk().await {
            bytes.extend_from_slice(&chunk.expect("the stream does not end in good order"));
        }
        let (sent, rest) = frames(&bytes);
        assert_eq!((sent.len(), rest.len()), (2, 0), "{:?}", response.version());
    }
}
