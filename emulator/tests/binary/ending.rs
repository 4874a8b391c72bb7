//! How it ends: by which signals, with which code, and after whose calls.

use std::io::Read;
use std::net::TcpStream;
use std::thread::JoinHandle;

use crate::running::{Document, Running, ask, exchange, get, read_answer, send};

#[test]
fn sigterm_and_sigint_end_it_with_code_0() {
    for signal in ["TERM", "INT"] {
        let emulator = Running::start(&["--port", "0"], &[]);
        let address = emulator.address.clone();
        assert_eq!(emulator.end(signal).code(), Some(0), "SIG{signal}");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    }
}

#[test]
fn sigterm_ends_it_though_a_client_keeps_its_connection() {
    let emulator = Running::start(&["--port", "0"], &[]);
    let idle = TcpStream::connect(&emulator.address).expect("it listens");
    let mut used = TcpStream::connect(&emulator.address).expect("it listens");
    let (status, _) = exchange(&mut used, "ListStreams", "{}");
    assert_eq!(status, 200);
    assert_eq!(emulator.end("TERM").code(), Some(0));
    drop((idle, used));
}

#[test]
fn sigterm_ends_it_after_the_calls_that_it_has_accepted() {
    let rule = r#"[{"operation": "PutRecord", "delay": "2s"}]"#;
    let file = Document::new("slow.json", rule);
    let streams = ("INITIALIZE_STREAMS", "s:1");
    let emulator = Running::start(&["--port", "0", "--faults", file.path()], &[streams]);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let mut socket = TcpStream::connect(&emulator.address).expect("it listens");
            let put = r#"{"StreamName":"s","PartitionKey":"k","Data":"eA=="}"#;
            std::thread::spawn(move || exchange(&mut socket, "PutRecord", put))
        })
        .collect();
    let mut control = TcpStream::connect(&emulator.address).expect("it listens");
    // Until all of them have arrived and are on their way.
    let mut have_arrived = || get(&mut control, "/_emulator/faults").contains(r#""fired":8"#);
    assert!((0..100_000).any(|_| have_arrived()), "some calls do not arrive");
    send("TERM", &emulator.child);
    assert!(!calls.iter().any(JoinHandle::is_finished), "a call was over before the signal");
    assert_eq!(emulator.ended().code(), Some(0));
    for call in calls {
        let (status, body) = call.join().expect("it was answered");
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("SequenceNumber"), "{body}");
    }
}

/// A call whose answer is read to the end of the connection.
fn listen(emulator: &Running, operation: &str, input: &str) -> TcpStream {
    let mut socket = TcpStream::connect(&emulator.address).expect("it listens");
    ask(&mut socket, operation, input);
    socket
}

// Docker and CI runners kill what has not ended after ten seconds.
#[test]
fn sigterm_ends_subscriptions_and_long_polls_in_good_order() {
    let variables = [("INITIALIZE_STREAMS", "s:1"), ("KINESIS_STATE_DELAY", "0")];
    let rule = r#"[{"operation": "ReceiveQueueRecords", "delay": "1ms"}]"#;
    let file = Document::new("counting.json", rule);
    let emulator = Running::start(&["--port", "0", "--faults", file.path()], &variables);
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let ok = |operation: &str, input: String| {
        let (status, body) = emulator.call(operation, &input);
        assert_eq!(status, 200, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        body
    };
    let on_demand = r#"{"StreamMode":"ON_DEMAND"}"#;
    ok(
        "UpdateStreamMode",
        format!(r#"{{"StreamARN":"{stream}","StreamModeDetails":{on_demand}}}"#),
    );
    let consumer =
        ok("RegisterStreamConsumer", format!(r#"{{"StreamARN":"{stream}","ConsumerName":"c"}}"#));
    let consumer = consumer["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned();
    let queue = ok(
        "CreateQueue",
        format!(
            r#"{{"QueueName":"q","StreamConfigurationList":[{{"StreamARN":"{stream}"}}],
                "QueueAttributes":{{"DeadLetterConfiguration":
                    {{"TargetType":"BUILT_IN","MaxReceiveCount":1}}}}}}"#
        ),
    );
    let queue = queue["QueueDescription"]["QueueARN"].as_str().expect("an ARN").to_owned();
    let position = r#"{"Type":"LATEST"}"#;
    let mut subscription = listen(
        &emulator,
        "SubscribeToShard",
        &format!(r#"{{"ConsumerARN":"{consumer}","ShardId":"0","StartingPosition":{position}}}"#),
    );
    // The head and the first frame have come: it runs.
    let mut events = vec![0; 1024];
    let begun = subscription.read(&mut events).expect("it answers");
    events.truncate(begun);
    let mut poll = listen(
        &emulator,
        "ReceiveQueueRecords",
        &format!(r#"{{"QueueARN":"{queue}","WaitTimeSeconds":20}}"#),
    );
    let mut control = TcpStream::connect(&emulator.address).expect("it listens");
    let mut has_arrived = || get(&mut control, "/_emulator/faults").contains(r#""fired":1"#);
    assert!((0..100_000).any(|_| has_arrived()), "the poll does not arrive");
    assert_eq!(emulator.end("TERM").code(), Some(0));
    subscription.read_to_end(&mut events).expect("it is closed");
    assert!(events.ends_with(b"\r\n0\r\n\r\n"), "cut off: {} bytes", events.len());
    let (status, body) = read_answer(&mut poll);
    assert_eq!((status, body.as_str()), (200, r#"{"QueueRecords":[]}"#));
}
