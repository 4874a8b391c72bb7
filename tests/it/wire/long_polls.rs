//! Receives that wait, over real sockets: what ends a wait, and what is left of
//! one whose client has gone. The clock stands still until a test moves it.

use std::io::Write;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::{Builder, Clock, Emulator, Operation};
use serde_json::{Value, json};

use super::sockets::{answer, connect, request};
use crate::support::raw::{START, put_input, text};

const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// An emulator on a port with an on-demand stream `s` and a queue over it.
struct Waited {
    emulator: Emulator,
    queue: String,
}

impl Waited {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = set(Emulator::builder().clock(Clock::manual(START)));
        let emulator = builder.start_blocking().expect("there is a free port");
        let mut waited = Self { emulator, queue: String::new() };
        let mode = json!({"StreamMode": "ON_DEMAND"});
        waited.call("CreateStream", &json!({"StreamName": "s", "StreamModeDetails": mode}));
        let dead_letters = json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 1});
        let created = waited.call(
            "CreateQueue",
            &json!({
                "QueueName": "q",
                "StreamConfigurationList": [{"StreamARN": STREAM}],
                "QueueAttributes": {"DeadLetterConfiguration": dead_letters},
            }),
        );
        waited.queue = text(&created["QueueDescription"]["QueueARN"]);
        waited
    }

    /// Calls an operation on a connection of its own.
    #[track_caller]
    fn call(&self, operation: &str, input: &Value) -> Value {
        let (status, body) = call(&self.emulator, operation, input);
        assert_eq!(status, 200, "{body}");
        body
    }

    fn put(&self, data: &str) {
        self.call("PutRecord", &put_input("s", "k", data.as_bytes()));
    }

    /// Has a thread call a receive, and returns when it waits: until when is the
    /// clock's next timer.
    fn receive(&self, operation: &'static str, until: Duration) -> JoinHandle<(u16, Value)> {
        let mut socket = connect(&self.emulator);
        let request = request(operation, &json!({"QueueARN": self.queue}));
        let receiving = thread::spawn(move || {
            socket.write_all(request.as_bytes()).expect("the connection is open");
            let (status, head, body) = answer(&mut socket);
            assert!(head.contains("content-length: "), "{head}");
            (status, serde_json::from_slice(&body).expect("it is JSON"))
        });
        self.until_next_timer_is(Some(until));
        receiving
    }

    fn until_next_timer_is(&self, after_start: Option<Duration>) {
        let expected = after_start.map(|after| START.plus(after));
        let timer = || self.emulator.clock().next_timer();
        // Seconds, even if nothing else runs.
        for _ in 0..20_000_000 {
            if timer() == expected {
                return;
            }
            thread::yield_now();
        }
        panic!("the next timer is {:?}, not {expected:?}", timer());
    }

    fn advance(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    /// The only record of the answer to a receive that has to be there now.
    fn received(&self, operation: &str) -> Value {
        let answer = self.call(operation, &json!({"QueueARN": self.queue}));
        answer["QueueRecords"][0].clone()
    }

    fn entry(&self, record: &Value) -> Value {
        let handle = &record["ReceiptHandle"];
        let entry = json!({"ReceiptHandle": handle, "VisibilityTimeoutSeconds": 0});
        json!({"QueueARN": self.queue, "Entries": [entry]})
    }
}

fn call(emulator: &Emulator, operation: &str, input: &Value) -> (u16, Value) {
    let mut socket = connect(emulator);
    socket.write_all(request(operation, input).as_bytes()).expect("the connection is open");
    let (status, _, body) = answer(&mut socket);
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn data(received: JoinHandle<(u16, Value)>) -> Vec<String> {
    let (status, answer) = received.join().expect("it was answered");
    assert_eq!(status, 200, "{answer}");
    let records = answer["QueueRecords"].as_array().expect("a list").iter();
    let decode = |record: &Value| STANDARD.decode(text(&record["Data"])).expect("it is base64");
    records.map(|record| String::from_utf8(decode(record)).expect("a text")).collect()
}

#[test]
fn the_put_that_stores_a_record_ends_a_wait() {
    let waited = Waited::new();
    let receiving = waited.receive("ReceiveQueueRecords", 9 * SECOND);
    waited.put("x");
    assert_eq!(data(receiving), ["x"]);
    assert_eq!(waited.emulator.clock().next_timer(), None);
}

#[test]
fn a_record_goes_to_one_of_those_who_wait() {
    let waited = Waited::new();
    let receiving: Vec<_> =
        (0..3).map(|_| waited.receive("ReceiveQueueRecords", 9 * SECOND)).collect();
    for record in ["a", "b", "c"] {
        waited.put(record);
    }
    // Whoever comes late finds less, and goes on waiting.
    waited.advance(9);
    let mut all: Vec<_> = receiving.into_iter().flat_map(data).collect();
    all.sort();
    assert_eq!(all, ["a", "b", "c"]);
}

#[test]
fn a_wait_ends_empty_when_the_clock_is_moved_past_it() {
    let waited = Waited::with(Builder::journal);
    let receiving = waited.receive("ReceiveQueueRecords", 9 * SECOND);
    waited.advance(8);
    waited.until_next_timer_is(Some(9 * SECOND));
    waited.advance(1);
    assert_eq!(data(receiving), [] as [String; 0]);
    let journal = waited.emulator.journal();
    let call = &journal.calls_of(Operation::ReceiveQueueRecords)[0];
    assert_eq!((call.time, call.took), (START, 9 * SECOND));
    assert_eq!((call.stream.as_deref(), call.records), (Some("s"), 0));
}

#[test]
fn the_end_of_a_visibility_timeout_ends_a_wait() {
    let waited = Waited::new();
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "NONE"}});
    waited.call("UpdateQueue", &json!({"QueueARN": waited.queue, "QueueAttributes": attributes}));
    waited.put("x");
    let short = json!({"QueueARN": waited.queue, "VisibilityTimeoutSeconds": 3});
    waited.call("ReceiveQueueRecords", &short);
    let receiving = waited.receive("ReceiveQueueRecords", 3 * SECOND);
    waited.advance(3);
    assert_eq!(data(receiving), ["x"]);
}

#[test]
fn what_others_do_to_a_queue_ends_a_wait() {
    let waited = Waited::new();
    waited.put("x");
    let in_flight = waited.received("ReceiveQueueRecords");
    let dead = waited.receive("ReceiveDeadLetterQueueRecords", 9 * SECOND);
    waited.call("UpdateQueueRecordsVisibility", &waited.entry(&in_flight));
    assert_eq!(data(dead), ["x"], "it has been received as often as allowed");
    waited.advance(30);
    let dead = waited.received("ReceiveDeadLetterQueueRecords");
    let receiving = waited.receive("ReceiveQueueRecords", 39 * SECOND);
    waited.call("RestoreDeadLetterQueueRecords", &waited.entry(&dead));
    assert_eq!(data(receiving), ["x"]);
}

#[test]
fn a_receive_that_hides_nothing_ends_the_waits_of_others() {
    let waited = Waited::new();
    let dead = waited.receive("ReceiveDeadLetterQueueRecords", 9 * SECOND);
    waited.put("x");
    let unhidden = json!({"QueueARN": waited.queue, "VisibilityTimeoutSeconds": 0});
    waited.call("ReceiveQueueRecords", &unhidden);
    assert_eq!(data(dead), ["x"]);
}

#[test]
fn a_record_in_a_shard_that_has_opened_meanwhile_ends_a_wait() {
    let waited = Waited::new();
    let commitment = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    waited.call("UpdateAccountSettings", &commitment);
    let receiving = waited.receive("ReceiveQueueRecords", 9 * SECOND);
    let warm = json!({"StreamName": "s", "WarmThroughputMiBps": 9});
    waited.call("UpdateStreamWarmThroughput", &warm);
    waited.put("x");
    assert_eq!(data(receiving), ["x"]);
}

#[test]
fn a_wait_for_a_queue_that_is_deleted_fails() {
    let waited = Waited::new();
    let receiving = waited.receive("ReceiveQueueRecords", 9 * SECOND);
    waited.call("DeleteQueue", &json!({"QueueARN": waited.queue}));
    let (status, answer) = receiving.join().expect("it was answered");
    assert_eq!(status, 400);
    assert_eq!(answer["__type"], "ResourceNotFoundException");
}

#[test]
fn a_wait_ends_when_a_snapshot_takes_the_place_of_everything() {
    let waited = Waited::new();
    let snapshot = waited.emulator.snapshot();
    let receiving = waited.receive("ReceiveQueueRecords", 9 * SECOND);
    waited.emulator.restore(&snapshot);
    let (status, answer) = receiving.join().expect("it was answered");
    assert_eq!((status, &answer["__type"]), (400, &json!("ResourceNotFoundException")));
    waited.put("x");
    assert_eq!(waited.received("ReceiveQueueRecords")["ReceiveCount"], 1);
}

#[test]
fn a_client_that_goes_away_takes_its_wait_with_it() {
    let waited = Waited::new();
    let mut socket = connect(&waited.emulator);
    let request = request("ReceiveQueueRecords", &json!({"QueueARN": waited.queue}));
    socket.write_all(request.as_bytes()).expect("the connection is open");
    waited.until_next_timer_is(Some(9 * SECOND));
    drop(socket);
    waited.until_next_timer_is(None);
    waited.put("x");
    assert_eq!(waited.received("ReceiveQueueRecords")["ReceiveCount"], 1, "nobody has had it");
}
