//! How it ends: by which signals, with which code, and after whose calls.

use std::net::TcpStream;
use std::thread::JoinHandle;

use crate::running::{Document, Running, exchange, get, send};

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
