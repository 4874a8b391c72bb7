//! Queues: made, listed, changed and removed; records received, acknowledged,
//! hidden, set aside and restored.

mod control;
mod dead_letters;
mod delivery;
mod surroundings;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::raw::{ACCOUNT, Raw, list, members, text};

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

/// The shard that has records.
fn placed(raw: &Raw) -> String {
    let shards = raw.shards("s");
    let ids = shards.iter().map(|shard| text(&shard["ShardId"]));
    ids.into_iter().find(|id| !raw.read_all("s", id).is_empty()).expect("there is a record")
}
