//! Requests in JSON and CBOR: whatever the body is, there is a well-formed
//! answer in the caller's encoding, and nothing but the caller is to blame.

use std::sync::LazyLock;

use kinesis_emulator::declarations::operations;
use kinesis_emulator::{Clock, Emulator, Snapshot};
use minicbor::Decoder;
use serde_json::{Value, json};

use super::data::Data;
use crate::support::raw::{Answer, CBOR, Custom, JSON, Raw, START};
use crate::wire::cbor::Item;

/// Streams, records, a consumer and a queue, so that there is something to name.
static FURNISHED: LazyLock<Snapshot> = LazyLock::new(|| {
    let raw = Raw::new();
    raw.create_stream("s", 2);
    let mode = json!({"StreamMode": "ON_DEMAND"});
    raw.done("CreateStream", json!({"StreamName": "o", "StreamModeDetails": mode}));
    for stream in ["s", "o"] {
        raw.put(stream, "key", b"data");
    }
    raw.ok("RegisterStreamConsumer", json!({"StreamARN": arn("s"), "ConsumerName": "c"}));
    let streams = json!([{"StreamARN": arn("o"), "StartingPosition": {"Type": "TRIM_HORIZON"}}]);
    raw.ok("CreateQueue", json!({"QueueName": "q", "StreamConfigurationList": streams}));
    raw.emulator.snapshot()
});

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}")
}

fn furnished() -> Raw {
    let builder = Emulator::builder().clock(Clock::manual(START)).snapshot(&FURNISHED);
    Raw { emulator: builder.in_process() }
}

/// The first byte is the operation, the rest is the body.
pub(super) fn json_is_answered(bytes: &[u8]) {
    let answer = answer_to(bytes, JSON);
    if answer.status != 200 {
        let error: Value = answer.json();
        assert!(error["__type"].is_string(), "{error}");
    } else if answer.content_type() == Some(JSON) && !answer.body.is_empty() {
        assert!(answer.json().is_object(), "{}", answer.text());
    }
}

/// The same in CBOR.
pub(super) fn cbor_is_answered(bytes: &[u8]) {
    let answer = answer_to(bytes, CBOR);
    if answer.content_type() == Some(CBOR) && !answer.body.is_empty() {
        let mut decoder = Decoder::new(&answer.body);
        let Item::Map(members) = Item::read(&mut decoder) else { panic!("an answer is a map") };
        assert_eq!(decoder.position(), answer.body.len(), "one answer and no more");
        let is_error = members.iter().any(|(name, _)| name == "__type");
        assert_eq!(is_error, answer.status != 200);
    }
}

fn answer_to(bytes: &[u8], content_type: &str) -> Answer {
    let mut data = Data::new(bytes);
    let operation = operations()[data.below(operations().len())].name;
    let answer = furnished().send(Custom::signed(operation, content_type, data.rest().to_vec()));
    // AWS fails at some sequence numbers (recorded). A bug here has the emulator panic
    // when it is dropped.
    assert!(matches!(answer.status.as_u16(), 200 | 400 | 500), "{operation}: {answer:?}");
    answer
}
