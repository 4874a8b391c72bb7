//! SubscribeToShard: the frames of an event stream, byte by byte.
//!
//! `Raw` gets the events that there are at the moment of the call; what comes
//! later is read from a socket while the clock is moved.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::{Clock, Emulator};
use minicbor::{Decoder, Encoder};
use serde_json::{Value, json};

use super::cbor::Item;
use super::consumers::registered;
use super::streams::arn;
use crate::support::frames::{Frame, frames};
use crate::support::raw::{
    Answer, CBOR, Custom, JSON, Number, Raw, START, data_of, each, list, members, text,
};

const TRIM_HORIZON: &str = "TRIM_HORIZON";
const SHARD: &str = "shardId-000000000000";
const SECOND: Duration = Duration::from_secs(1);
const AN_EVENT_IS_DUE: Duration = Duration::from_secs(10);

pub(super) fn with_consumer() -> (Raw, String) {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let consumer = registered(&raw, "s", "c");
    (raw, consumer)
}

pub(super) fn subscription(consumer: &str, shard: &str, start: Value) -> Value {
    json!({"ConsumerARN": consumer, "ShardId": shard, "StartingPosition": start})
}

fn subscribe(raw: &Raw, consumer: &str, shard: &str, start: Value) -> Answer {
    raw.call("SubscribeToShard", subscription(consumer, shard, start))
}

/// The payloads of the events that there are now.
#[track_caller]
fn events(raw: &Raw, consumer: &str, shard: &str, start: Value) -> Vec<Value> {
    let answer = subscribe(raw, consumer, shard, start);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (frames, rest) = frames(&answer.body);
    assert!(rest.is_empty(), "no frame is cut");
    frames[0].expect_event("initial-response", JSON);
    for frame in &frames[1..] {
        frame.expect_event("SubscribeToShardEvent", JSON);
    }
    frames[1..].iter().map(Frame::json).collect()
}

/// The data of all records in events.
#[track_caller]
fn data(events: &[Value]) -> Vec<String> {
    events.iter().flat_map(data_of).collect()
}

pub(super) fn kind(kind: &str) -> Value {
    json!({"Type": kind})
}

// behaviours 116, 117, 118
#[test]
fn a_stream_of_events_begins_with_the_initial_response() {
    let (raw, consumer) = with_consumer();
    let number = raw.put("s", "key", b"\0\xff");
    let answer = subscribe(&raw, &consumer, SHARD, kind(TRIM_HORIZON));
    assert_eq!(answer.content_type(), Some("application/vnd.amazon.eventstream"));
    let (frames, rest) = frames(&answer.body);
    assert!(rest.is_empty());
    assert_eq!(frames.len(), 2, "{frames:?}");
    frames[0].expect_event("initial-response", JSON);
    assert_eq!(frames[0].payload, b"{}");
    frames[1].expect_event("SubscribeToShardEvent", JSON);
    let event = frames[1].json();
    assert_eq!(members(&event), ["ContinuationSequenceNumber", "MillisBehindLatest", "Records"]);
    assert_eq!(event["MillisBehindLatest"], 0);
    let record = &event["Records"][0];
    assert_eq!(
        members(record),
        ["ApproximateArrivalTimestamp", "Data", "PartitionKey", "SequenceNumber"]
    );
    assert_eq!((text(&record["Data"]), text(&record["SequenceNumber"])), ("AP8=".into(), number));
}

// behaviours 118, 139
#[test]
fn records_of_an_encrypted_stream_say_so_in_events() {
    let (raw, consumer) = with_consumer();
    let key = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/a"});
    raw.done("StartStreamEncryption", key);
    raw.put("s", "key", b"");
    let events = events(&raw, &consumer, SHARD, kind(TRIM_HORIZON));
    assert_eq!(events[0]["Records"][0]["EncryptionType"], "KMS");
}

// behaviours 119
#[test]
fn every_starting_position_is_honoured() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let numbers: Vec<_> = ["a", "b", "c"]
        .map(|letter| {
            raw.advance(SECOND);
            raw.put("s", letter, letter.as_bytes())
        })
        .into();
    let at = |kind: &str, number: &str| json!({"Type": kind, "SequenceNumber": number});
    let since = |seconds: u64| json!({"Type": "AT_TIMESTAMP", "Timestamp": seconds});
    let start = text(&raw.shards("s")[0]["SequenceNumberRange"]["StartingSequenceNumber"]);
    let rows = [
        (kind(TRIM_HORIZON), "abc"),
        (kind("LATEST"), ""),
        (at("AT_SEQUENCE_NUMBER", &start), "abc"),
        (at("AT_SEQUENCE_NUMBER", &numbers[1]), "bc"),
        (at("AFTER_SEQUENCE_NUMBER", &numbers[1]), "c"),
        (at("AFTER_SEQUENCE_NUMBER", &numbers[2]), ""),
        (since(1), "abc"),
        (since(START.as_seconds() + 2), "bc"),
        (since(START.as_seconds() + 3), "c"),
    ];
    for (place, (position, expected)) in rows.into_iter().enumerate() {
        // Each row has a consumer of its own: nobody waits for five seconds.
        let consumer = registered(&raw, "s", &format!("c{place}"));
        let events = events(&raw, &consumer, "0", position.clone());
        assert_eq!(data(&events).concat(), expected, "{position}");
    }
}

// behaviours 119, 73: the same refusals as for an iterator
#[test]
fn a_starting_position_has_to_fit_its_type() {
    let (raw, consumer) = with_consumer();
    let number = Number::ZERO.decimal();
    for start in [
        json!({"Type": "LATEST", "SequenceNumber": number}),
        json!({"Type": "AT_SEQUENCE_NUMBER"}),
        json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}),
        json!({"Type": "AT_TIMESTAMP"}),
        json!({"Type": "AT_TIMESTAMP", "Timestamp": START.as_seconds() + 1}),
    ] {
        subscribe(&raw, &consumer, SHARD, start).expect_error_kind("InvalidArgumentException");
    }
    // A refused call is no subscription: the next one need not wait.
    events(&raw, &consumer, SHARD, kind("LATEST"));
}

// behaviours 43
#[test]
fn a_subscription_names_consumer_shard_and_position() {
    let null = |at: &str| {
        format!("Value null at '{at}' failed to satisfy constraint: Member must not be null")
    };
    let (raw, consumer) = with_consumer();
    let nulls = ["consumerARN", "shardId", "startingPosition"].map(null);
    raw.call("SubscribeToShard", json!({})).expect_violations(&[&nulls[0], &nulls[1], &nulls[2]]);
    subscribe(&raw, &consumer, SHARD, json!({}))
        .expect_violations(&[&null("startingPosition.type")]);
}

// behaviours 120
#[test]
fn a_continuation_goes_on_without_loss_or_repetition() {
    let (raw, consumer) = with_consumer();
    let mut start = kind(TRIM_HORIZON);
    let mut read = Vec::new();
    for round in 0..3 {
        for place in 0..4 {
            raw.put("s", "key", format!("{round}.{place}").as_bytes());
        }
        let events = events(&raw, &consumer, SHARD, start);
        read.extend(data(&events));
        let last = events.last().expect("there are records");
        let number = text(&last["ContinuationSequenceNumber"]);
        start = json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number});
        raw.advance(SECOND * 5);
    }
    let expected: Vec<_> =
        (0..3).flat_map(|round| (0..4).map(move |place| format!("{round}.{place}"))).collect();
    assert_eq!(read, expected);
}

const ANOTHER_SUBSCRIPTION: &str = "Another active subscription exists for this consumer: \
     000000000000:s:shardId-000000000000:c";

// behaviours 121
#[test]
fn a_second_call_within_five_seconds_is_refused() {
    let (raw, consumer) = with_consumer();
    raw.create_stream("t", 2);
    let other = registered(&raw, "t", "c");
    events(&raw, &consumer, SHARD, kind("LATEST"));
    let again = || subscribe(&raw, &consumer, SHARD, kind("LATEST"));
    again().expect_error("ResourceInUseException", ANOTHER_SUBSCRIPTION);
    raw.advance(SECOND * 5 - Duration::from_millis(1));
    again().expect_error_kind("ResourceInUseException");
    raw.advance(Duration::from_millis(1));
    assert_eq!(again().status, 200, "a refused call does not count");
    // Each shard and each consumer counts apart.
    for shard in ["0", "1"] {
        events(&raw, &other, shard, kind("LATEST"));
        subscribe(&raw, &other, shard, kind("LATEST")).expect_error_kind("ResourceInUseException");
    }
}

// behaviours 122, 126
#[test]
fn consumers_read_apart_and_each_reads_all_in_order() {
    let (raw, first) = with_consumer();
    let second = registered(&raw, "s", "d");
    let expected: Vec<_> = (0..600).map(|number| number.to_string()).collect();
    for text in &expected {
        raw.put("s", text, text.as_bytes());
    }
    for consumer in [first, second] {
        let events = events(&raw, &consumer, SHARD, kind(TRIM_HORIZON));
        assert_eq!(data(&events), expected);
        assert_eq!(events.last().map(|event| &event["MillisBehindLatest"]), Some(&json!(0)));
    }
}

// behaviours 123
#[test]
fn at_the_end_of_a_closed_shard_the_children_are_named() {
    let (raw, consumer) = with_consumer();
    raw.put("s", "a", b"last");
    let half = (1_u128 << 127).to_string();
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": half});
    raw.done("SplitShard", split);
    let events = events(&raw, &consumer, SHARD, kind(TRIM_HORIZON));
    assert_eq!(data(&events), ["last"]);
    let [before, end] = events.as_slice() else { panic!("an event of records, and an end") };
    assert_eq!(before.get("ChildShards"), None);
    assert_eq!(before["ContinuationSequenceNumber"], before["Records"][0]["SequenceNumber"]);
    assert_eq!(end["Records"], json!([]));
    assert_eq!(end.get("ContinuationSequenceNumber"), None, "the KCL needs exactly that");
    expect_children(end, &half);
}

/// Two children that share the whole range at a key.
#[track_caller]
fn expect_children(event: &Value, key: &str) {
    let below = (key.parse::<u128>().expect("a key") - 1).to_string();
    let child = |number: u32, start: &str, end: &str| {
        json!({
            "ShardId": format!("shardId-{number:012}"), "ParentShards": [SHARD],
            "HashKeyRange": {"StartingHashKey": start, "EndingHashKey": end},
        })
    };
    let children = [child(1, "0", &below), child(2, key, &u128::MAX.to_string())];
    assert_eq!(event["ChildShards"], json!(children));
}

// behaviours 124
#[test]
fn only_an_active_consumer_subscribes() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    raw.create_stream("s", 1);
    raw.advance(SECOND);
    let consumer = registered(&raw, "s", "c");
    let created = START.plus(SECOND).as_seconds();
    let is_not_active = || {
        subscribe(&raw, &consumer, SHARD, kind("LATEST")).expect_error(
            "ResourceInUseException",
            &format!(
                "Consumer c with creation timestamp {created} under stream s and account \
                 000000000000 is not in ACTIVE status."
            ),
        );
    };
    is_not_active();
    raw.advance(SECOND);
    events(&raw, &consumer, SHARD, kind("LATEST"));
    raw.done("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}));
    is_not_active();
    raw.advance(SECOND * 5);
    subscribe(&raw, &consumer, SHARD, kind("LATEST"))
        .expect_error_kind("ResourceNotFoundException");
}

// operations.md, section 4.3
#[test]
fn an_unknown_consumer_stream_or_shard_is_not_found() {
    let (raw, consumer) = with_consumer();
    for unknown in [format!("{}/consumer/x:1", arn("s")), format!("{}/consumer/c:1", arn("x"))] {
        subscribe(&raw, &unknown, SHARD, kind("LATEST"))
            .expect_error_kind("ResourceNotFoundException");
    }
    subscribe(&raw, &consumer, "1", kind("LATEST")).expect_error(
        "ResourceNotFoundException",
        "Shard shardId-000000000001 in stream s under account 000000000000 does not exist",
    );
    subscribe(&raw, &consumer, "x", kind("LATEST")).expect_error(
        "ResourceNotFoundException",
        "Could not find shard x in stream s under account 000000000000.",
    );
}

// behaviours 159
#[test]
fn a_dry_run_opens_nothing_and_real_errors_come_first() {
    let (raw, consumer) = with_consumer();
    let dry = |shard: &str| {
        let mut input = subscription(&consumer, shard, kind("LATEST"));
        input["DryRun"] = json!(true);
        raw.call("SubscribeToShard", input)
    };
    dry("1").expect_error_kind("ResourceNotFoundException");
    dry(SHARD).expect_error_kind("DryRunOperationException");
    events(&raw, &consumer, SHARD, kind("LATEST"));
    dry(SHARD).expect_error_kind("ResourceInUseException");
}

// behaviours 125
#[test]
fn in_cbor_the_payloads_are_cbor_and_data_is_bytes() {
    let (raw, consumer) = with_consumer();
    raw.put("s", "key", b"\0\xff");
    let mut body = Vec::new();
    let mut out = Encoder::new(&mut body);
    out.map(3).unwrap().str("ConsumerARN").unwrap().str(&consumer).unwrap();
    out.str("ShardId").unwrap().str(SHARD).unwrap();
    out.str("StartingPosition").unwrap().map(1).unwrap();
    out.str("Type").unwrap().str(TRIM_HORIZON).unwrap();
    let answer = raw.send(Custom::signed("SubscribeToShard", CBOR, body));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.content_type(), Some("application/vnd.amazon.eventstream"));
    let (frames, rest) = frames(&answer.body);
    assert!(rest.is_empty());
    assert_eq!(frames.len(), 2);
    frames[0].expect_event("initial-response", CBOR);
    assert_eq!(frames[0].payload, [0xa0]);
    frames[1].expect_event("SubscribeToShardEvent", CBOR);
    let mut decoder = Decoder::new(&frames[1].payload);
    let event = Item::read(&mut decoder);
    assert_eq!(decoder.position(), frames[1].payload.len(), "nothing follows the event");
    assert_eq!(event.names(), ["ContinuationSequenceNumber", "MillisBehindLatest", "Records"]);
    let record = &event.get("Records").items()[0];
    assert_eq!(*record.get("Data"), Item::Bytes(vec![0, 0xff]));
    let millis = i64::try_from(START.as_millis()).unwrap();
    assert_eq!(*record.get("ApproximateArrivalTimestamp"), Item::Time(millis));
}

/// A subscription that is read from a socket.
struct Live {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Live {
    /// Subscribes; the initial response has been read.
    async fn open(emulator: &Emulator, consumer: &str, start: Value) -> Self {
        // reqwest asks the process for a provider; whoever was first is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let request: http::Request<bytes::Bytes> =
            Custom::json("SubscribeToShard", &subscription(consumer, SHARD, start)).into();
        let (parts, body) = request.into_parts();
        let client = reqwest::Client::new();
        let request = client.post(emulator.url()).headers(parts.headers).body(body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let mut live = Self { response, buffer: Vec::new() };
        live.frame().await.expect("a frame").expect_event("initial-response", JSON);
        live
    }

    /// The next frame, or none at the end.
    async fn frame(&mut self) -> Option<Frame> {
        loop {
            if self.buffer.len() >= 4 {
                let length = u32::from_be_bytes(self.buffer[..4].try_into().unwrap()) as usize;
                if self.buffer.len() >= length {
                    let bytes: Vec<_> = self.buffer.drain(..length).collect();
                    return frames(&bytes).0.pop();
                }
            }
            match self.response.chunk().await.expect("the connection holds") {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => {
                    assert!(self.buffer.is_empty(), "the last frame is whole");
                    return None;
                }
            }
        }
    }

    async fn event(&mut self) -> Value {
        let frame = self.frame().await.expect("the subscription is open");
        frame.expect_event("SubscribeToShardEvent", JSON);
        frame.json()
    }
}

/// An emulator with a socket whose clock only the test moves.
pub(super) fn with_socket() -> (Raw, String) {
    let builder = Emulator::builder().clock(Clock::manual(START));
    let raw = Raw { emulator: builder.start_blocking().expect("a free port") };
    raw.create_stream("s", 1);
    let consumer = registered(&raw, "s", "c");
    (raw, consumer)
}

// behaviours 120
#[tokio::test]
async fn an_idle_reader_hears_of_it_and_goes_on_from_there() {
    let (raw, consumer) = with_socket();
    let mut last = raw.put("s", "a", b"earlier");
    let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    for _ in 0..3 {
        raw.advance(AN_EVENT_IS_DUE);
        let event = live.event().await;
        assert_eq!((&event["Records"], &event["MillisBehindLatest"]), (&json!([]), &json!(0)));
        let number = text(&event["ContinuationSequenceNumber"]);
        assert!(number > last, "the position moves on with time");
        last = number;
    }
    drop(live);
    assert!(last < raw.put("s", "a", b"meanwhile"));
    for kind in ["AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER"] {
        let start = json!({"Type": kind, "SequenceNumber": last});
        let mut live = Live::open(&raw.emulator, &consumer, start).await;
        assert_eq!(data_of(&live.event().await), ["meanwhile"], "{kind}");
        raw.advance(SECOND * 5);
    }
}

// behaviours 126
#[tokio::test]
async fn records_are_pushed_as_they_arrive() {
    let (raw, consumer) = with_socket();
    let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    for number in 0..300 {
        raw.put("s", "a", format!("{number}").as_bytes());
    }
    let mut read = Vec::new();
    while read.len() < 300 {
        read.extend(data_of(&live.event().await));
    }
    let expected: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(read, expected, "once and in order");
}

// behaviours 123
#[tokio::test]
async fn a_split_during_the_subscription_ends_it_with_the_children() {
    let (raw, consumer) = with_socket();
    let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    raw.put("s", "a", b"last");
    assert_eq!(data_of(&live.event().await), ["last"]);
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": "7"});
    raw.done("SplitShard", split);
    let end = live.event().await;
    assert!(list(&end["Records"]).is_empty());
    expect_children(&end, "7");
    assert_eq!(live.frame().await, None);
}

// behaviours 105, 123
#[tokio::test]
async fn a_merge_during_the_subscription_names_both_parents() {
    let (raw, _) = with_socket();
    raw.create_stream("m", 2);
    let consumer = registered(&raw, "m", "c");
    let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    let merge = json!({"StreamName": "m", "ShardToMerge": "0", "AdjacentShardToMerge": "1"});
    raw.done("MergeShards", merge);
    let end = live.event().await;
    assert_eq!(each(&end["ChildShards"], "ShardId"), ["shardId-000000000002"]);
    assert_eq!(end["ChildShards"][0]["ParentShards"], json!([SHARD, "shardId-000000000001"]));
    assert_eq!(live.frame().await, None);
}

// behaviours 121: five seconds later the newer call takes over
#[tokio::test]
async fn whoever_is_taken_over_is_told_so() {
    let (raw, consumer) = with_socket();
    let mut first = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    raw.advance(SECOND * 5);
    first.event().await;
    let mut second = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    let last = first.frame().await.expect("a last frame");
    last.expect_exception("ResourceInUseException");
    assert_eq!(last.json()["message"], ANOTHER_SUBSCRIPTION);
    assert_eq!(first.frame().await, None);
    raw.put("s", "a", b"for the second");
    assert_eq!(data_of(&second.event().await), ["for the second"]);
}

// behaviours 124; operations.md, section 4.3
#[tokio::test]
async fn a_consumer_or_stream_that_goes_ends_its_subscriptions() {
    for deletion in [
        |consumer: &str| ("DeregisterStreamConsumer", json!({"ConsumerARN": consumer})),
        |_: &str| ("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": true})),
    ] {
        let (raw, consumer) = with_socket();
        let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
        let (operation, input) = deletion(&consumer);
        raw.done(operation, input);
        let last = live.frame().await.expect("a last frame");
        last.expect_exception("ResourceNotFoundException");
        assert_eq!(live.frame().await, None);
    }
}

// operations.md, section 4.3: five minutes
#[tokio::test]
async fn a_subscription_ends_after_five_minutes() {
    let (raw, consumer) = with_socket();
    let mut live = Live::open(&raw.emulator, &consumer, kind("LATEST")).await;
    raw.advance(SECOND * 299);
    live.event().await;
    raw.advance(SECOND);
    assert_eq!(live.frame().await, None);
}

// behaviours 67, 117
#[test]
fn data_of_any_kind_comes_back_in_base64() {
    let (raw, consumer) = with_consumer();
    let every_byte: Vec<u8> = (0..=255).collect();
    for data in [&b""[..], b"\0", &every_byte, "統😀".as_bytes()] {
        raw.put("s", "key", data);
    }
    let events = events(&raw, &consumer, SHARD, kind(TRIM_HORIZON));
    let found: Vec<_> = events
        .iter()
        .flat_map(|event| list(&event["Records"]))
        .map(|record| STANDARD.decode(text(&record["Data"])).expect("base64"))
        .collect();
    assert_eq!(found, [&b""[..], b"\0", &every_byte, "統😀".as_bytes()]);
}
