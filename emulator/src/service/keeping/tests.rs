//! An emulator on a disk that is full, fails and forgets.

use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::durable::Durability;
use crate::durable::faulty_files::{Faults, FaultyFiles};
use crate::durable::store::{DataDir, SPARE_BYTES};
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;
use crate::service::begin::Beginning;
use crate::service::clock::Clock;
use crate::service::fan_out::Step;
use crate::service::init::Init;

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20150122/us-east-1/kinesis/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=0";
const FULL: Faults = Faults { one_in: 0, room_bytes: Some(0), dies_after_calls: None };

/// An emulator on a disk, with checkpoints as often as there may be.
fn on(files: &FaultyFiles) -> Arc<Service> {
    on_with_spare(files, 2000)
}

/// An emulator on a disk.
fn on_with_spare(files: &FaultyFiles, spare_bytes: u64) -> Arc<Service> {
    let durability = Durability::EveryWrite;
    let data_dir = DataDir { directory: "disk".into(), durability, spare_bytes };
    let opened = Store::on(files, &data_dir).expect("the directory is whole");
    let beginning = Beginning { data_dir: None, snapshot: None, init: &Init::new() };
    let settings = Settings { seed: Some(7), ..Settings::default() };
    let clock = Clock::manual(START);
    Service::begin_over(settings, clock, Some(opened), Duration::ZERO, &beginning)
        .expect("the disk is well")
}

fn request(operation: &str, input: &Value) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(input.to_string()));
    *request.method_mut() = Method::POST;
    let target = format!("Kinesis_20131202.{operation}");
    for (name, value) in [
        (http::HeaderName::from_static("x-amz-target"), target.as_str()),
        (CONTENT_TYPE, "application/x-amz-json-1.1"),
        (AUTHORIZATION, SIGNED),
        (http::HeaderName::from_static("x-amz-date"), "20150122T000000Z"),
    ] {
        request.headers_mut().insert(name, value.parse().expect("a header"));
    }
    request
}

fn call(service: &Arc<Service>, operation: &str, input: &Value) -> (StatusCode, Value) {
    let (parts, body) = service.call(request(operation, input)).into_parts();
    let body = body.available();
    assert_eq!(parts.headers[CONTENT_LENGTH], body.len().to_string().as_str());
    (parts.status, serde_json::from_slice(&body).unwrap_or_default())
}

fn put(service: &Arc<Service>, data: &str) -> (StatusCode, Value) {
    let data = STANDARD.encode(data);
    let input = json!({"StreamName": "orders", "PartitionKey": "k", "Data": data});
    call(service, "PutRecord", &input)
}

fn create(service: &Arc<Service>) {
    let input = json!({"StreamName": "orders", "ShardCount": 1});
    assert_eq!(call(service, "CreateStream", &input).0, StatusCode::OK);
}

/// The data of all records.
fn read(service: &Arc<Service>) -> Vec<String> {
    let input = json!({
        "StreamName": "orders", "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let (status, iterator) = call(service, "GetShardIterator", &input);
    assert_eq!(status, StatusCode::OK, "{iterator}");
    let (status, read) = call(service, "GetRecords", &iterator);
    assert_eq!(status, StatusCode::OK, "{read}");
    let records = read["Records"].as_array().expect("a list").iter();
    let data = |record: &Value| {
        let data = STANDARD.decode(record["Data"].as_str().expect("base64")).expect("base64");
        String::from_utf8(data).expect("a text")
    };
    records.map(data).collect()
}

#[test]
fn a_full_disk_refuses_writes_before_they_change_anything_and_reads_go_on() {
    let files = FaultyFiles::new(0);
    let service = on(&files);
    create(&service);
    assert_eq!(put(&service, "one").0, StatusCode::OK);
    files.set_faults(FULL);
    // Nobody knows yet: this one finds out.
    let (status, error) = put(&service, "two");
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(error["__type"], "InternalFailure");
    let sentence = error["message"].as_str().expect("a sentence");
    assert!(sentence.contains("has no room left"), "{sentence}");
    let (status, error) = put(&service, "three");
    assert_eq!(
        (status, &error["__type"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("InternalFailure"))
    );
    assert_eq!(read(&service), ["one", "two"]);
    files.set_faults(Faults::default());
    while put(&service, "four").0 != StatusCode::OK {
        std::thread::yield_now();
    }
    assert_eq!(read(&service), ["one", "two", "four"]);
    let again = on(&files.fail_power());
    assert_eq!(read(&again), ["one", "two", "four"]);
}

#[test]
fn what_was_answered_survives_a_power_failure_at_any_call_of_the_disk() {
    let mut ended_well = false;
    for calls in (5..).step_by(3) {
        let files = FaultyFiles::new(calls);
        let service = on(&files);
        create(&service);
        files.set_faults(Faults { dies_after_calls: Some(calls), ..Faults::default() });
        let mut answered = Vec::new();
        for number in 0..40 {
            let data = format!("{number}");
            if put(&service, &data).0 == StatusCode::OK {
                answered.push(data);
            }
        }
        ended_well = !files.is_dead();
        let again = on(&files.fail_power());
        let kept = read(&again);
        assert!(kept.starts_with(&answered), "after {calls} calls: {answered:?}, {kept:?}");
        if ended_well {
            break;
        }
    }
    assert!(ended_well, "the last run had no failure");
}

#[test]
fn a_subscriber_sees_no_record_that_can_still_be_lost() {
    let files = FaultyFiles::new(0);
    // A checkpoint would wait for the group below, and who puts for the checkpoint.
    let service = on_with_spare(&files, SPARE_BYTES);
    create(&service);
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    let register = json!({"StreamARN": stream, "ConsumerName": "reader"});
    let (_, registered) = call(&service, "RegisterStreamConsumer", &register);
    let subscribe = json!({
        "ConsumerARN": registered["Consumer"]["ConsumerARN"], "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "LATEST"},
    });
    let Body::Events(mut events) =
        service.call(request("SubscribeToShard", &subscribe)).into_body()
    else {
        panic!("the consumer is ACTIVE")
    };
    let mut next = move || events.next(Waker::noop());
    assert!(matches!(next(), Step::Send(_)), "the initial response");
    assert!(matches!(next(), Step::WaitUntil(_)), "there is no record");
    let store = service.store.clone().expect("there is a disk");
    let before = store.written();
    // While a group is held, nothing is written.
    let group = store.group();
    std::thread::scope(|scope| {
        let put = scope.spawn(|| put(&service, "one").0);
        while store.written() == before {
            std::thread::yield_now();
        }
        assert!(matches!(next(), Step::Keep));
        assert!(matches!(next(), Step::Keep), "it is not sent before it is kept");
        assert!(!put.is_finished());
        drop(group);
        assert_eq!(put.join().expect("it ends"), StatusCode::OK);
    });
}

#[cfg(any(feature = "server", feature = "sdk"))]
#[test]
fn a_receive_that_waits_is_refused_as_well_and_hands_nothing_out() {
    let files = FaultyFiles::new(0);
    let service = on(&files);
    let create = json!({"StreamName": "orders"});
    assert_eq!(call(&service, "CreateStream", &create).0, StatusCode::OK);
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    let create = json!({"QueueName": "work", "StreamConfigurationList": [{"StreamARN": stream}]});
    let (status, created) = call(&service, "CreateQueue", &create);
    assert_eq!(status, StatusCode::OK, "{created}");
    let receive = json!({"QueueARN": created["QueueDescription"]["QueueARN"]});
    let mut context = Context::from_waker(Waker::noop());
    let answer = service.answer(request("ReceiveQueueRecords", &receive));
    let mut answer = Box::pin(answer.wait());
    assert!(answer.as_mut().poll(&mut context).is_pending(), "there is nothing to receive");
    assert_eq!(put(&service, "one").0, StatusCode::OK);
    files.set_faults(FULL);
    // This one finds out.
    assert_eq!(put(&service, "two").0, StatusCode::INTERNAL_SERVER_ERROR);
    let Poll::Ready(Ok(answer)) = answer.as_mut().poll(&mut context) else {
        panic!("the wait is over")
    };
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    files.set_faults(Faults::default());
    while put(&service, "three").0 != StatusCode::OK {
        std::thread::yield_now();
    }
    let (_, received) = call(&service, "ReceiveQueueRecords", &receive);
    let first = &received["QueueRecords"][0];
    assert_eq!(first["Data"], STANDARD.encode("one"), "{received}");
    assert_eq!(first["ReceiveCount"], 1, "{received}");
}
