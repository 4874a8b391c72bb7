//! What is secret stays so.

use std::io::Write;

use kinesis_emulator::{Emulator, Secret};
use serde_json::json;

use crate::wire::sockets::{answer, connect, request};

const SECRET: &str = "hunter2/hunter2+hunter2";

#[test]
fn a_secret_is_in_nothing_that_is_shown_answered_or_saved() {
    let secret = Secret::new(SECRET);
    let builder = Emulator::builder().verify_signatures(secret.clone()).control_api().journal();
    let mut shown = format!("{secret:?} {builder:?} {builder:#?}");
    let emulator = builder.start_blocking().expect("there is a free port");
    shown += &format!("{emulator:?} {:?}", emulator.settings());
    // What clients are started with is the one thing that has it.
    let [.., (name, value)] = emulator.environment();
    assert_eq!((name, value.as_str()), ("AWS_SECRET_ACCESS_KEY", SECRET));
    let mut socket = connect(&emulator);
    for operation in ["ListStreams", "CreateStream", "Whatever"] {
        socket.write_all(request(operation, &json!({"StreamName": "s"})).as_bytes()).unwrap();
        let (status, head, body) = answer(&mut socket);
        assert_eq!(status, 400, "it was not signed with the secret");
        shown += &head;
        shown += &String::from_utf8_lossy(&body);
    }
    for path in ["", "/clock", "/limits", "/faults", "/streams", "/journal", "/metrics"] {
        let asked = format!("GET /_emulator{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(asked.as_bytes()).unwrap();
        let (status, _, body) = answer(&mut socket);
        assert_eq!(status, 200, "{path}");
        shown += &String::from_utf8_lossy(&body);
    }
    shown += &format!("{:?}", emulator.journal().calls());
    shown += &String::from_utf8_lossy(&emulator.snapshot().to_bytes());
    assert!(!shown.contains("hunter2"), "{shown}");
    // A signature that a caller sent is not kept either: it is good for five minutes.
    assert!(!emulator.journal().to_json().to_string().contains("Signature="));
}

#[test]
fn what_clients_have_to_trust_has_no_key() {
    let emulator = Emulator::start_blocking();
    let pem = emulator.certificate_authority_pem().expect("over TCP there is one");
    assert_eq!(pem.matches("-----BEGIN ").count(), 1, "{pem}");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!format!("{emulator:?}").contains("KEY"));
}
