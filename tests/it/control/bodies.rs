//! Bodies of the control API come under the rules for all bodies, but for the size of
//! snapshots.

use std::io::Write as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::support::{create_stream, impatient_client};
use crate::wire::sockets::{answer, connect, until_closed};

use super::Controlled;

/// The head of a request whose body is `length` bytes long.
fn head(path: &str, length: usize, more: &str) -> String {
    format!(
        "POST /_emulator{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\
         {more}\r\n"
    )
}

/// Sends what is there of a request, and reads what is said to it.
#[track_caller]
fn refused(controlled: &Controlled, request: &[u8], expected: u16) -> String {
    let mut socket = connect(&controlled.emulator);
    // It may be refused before it is all sent.
    drop(socket.write_all(request));
    let (status, head, body) = answer(&mut socket);
    let text = String::from_utf8_lossy(&body);
    assert_eq!(status, expected, "{text}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("JSON: {text}"));
    body["error"].as_str().expect("a sentence").to_owned()
}

#[tokio::test]
async fn a_snapshot_of_many_megabytes_that_was_exported_is_imported() {
    let controlled = Controlled::start();
    create_stream(&impatient_client(&controlled.emulator), "orders", 1).await;
    for _ in 0..13 {
        assert_eq!(controlled.put_data("k", &[b'x'; 1024 * 1024 - 1]), 200);
    }
    controlled.send(Method::POST, "/snapshots", "").await.ok();
    let file = controlled.send(Method::GET, "/snapshots/1", "").await.bytes;
    assert!(file.len() > 16 * 1024 * 1024, "{} bytes are more than a call may have", file.len());
    let other = Controlled::start();
    other.send(Method::POST, "/snapshots", file).await.ok();
    other.send(Method::POST, "/snapshots/1/restore", "").await.ok();
    assert_eq!(other.emulator.stream("orders").records().len(), 13);
}

#[test]
fn a_snapshot_that_no_memory_is_allowed_for_is_refused_with_what_to_do() {
    let controlled = Controlled::limited(|limits| limits.in_flight_bytes_max = 64 * 1024);
    let length = 64 * 1024 + 1;
    let request = [head("/snapshots", length, "").into_bytes(), vec![b' '; length]].concat();
    let why = refused(&controlled, &request, 413);
    assert!(why.starts_with("The body is larger than 65536 bytes. "), "{why}");
    assert!(why.ends_with("--max-in-flight: start the emulator with more."), "{why}");
}

#[test]
fn bodies_count_among_the_calls_in_flight() {
    let controlled = Controlled::limited(|limits| limits.in_flight_bytes_max = 64 * 1024);
    let length = 64 * 1024 + 1;
    let request = [head("/faults", length, "").into_bytes(), vec![b' '; length]].concat();
    let why = refused(&controlled, &request, 503);
    assert!(why.contains("more memory than --max-in-flight allows: try again"), "{why}");
}

#[test]
fn other_bodies_are_as_large_as_those_of_calls_at_most() {
    let controlled = Controlled::start();
    let length = 16 * 1024 * 1024 + 1;
    let request = [head("/faults", length, "").into_bytes(), vec![b' '; length]].concat();
    let why = refused(&controlled, &request, 413);
    assert_eq!(why, "The body is larger than 16777216 bytes.");
}

#[test]
fn a_client_that_asks_first_is_told_to_send_a_large_snapshot_and_nothing_else() {
    let controlled = Controlled::start();
    let length = 64 * 1024 * 1024;
    let asking = "expect: 100-continue\r\n";
    let why = refused(&controlled, head("/faults", length, asking).as_bytes(), 413);
    assert_eq!(why, "The body is larger than 16777216 bytes.");
    let mut socket = connect(&controlled.emulator);
    socket.write_all(head("/snapshots", length, asking).as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 100);
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408() {
    let tiny = Duration::from_millis(250);
    let controlled = Controlled::limited(|limits| limits.body_within = tiny);
    for path in ["/clock", "/snapshots"] {
        let mut socket = connect(&controlled.emulator);
        socket.write_all((head(path, 20, "") + "{").as_bytes()).unwrap();
        let (status, _, body) = answer(&mut socket);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let expected = "The body took longer to come than --body-timeout allows.";
        assert_eq!((status, body["error"].as_str()), (408, Some(expected)));
        assert_eq!(until_closed(&mut socket), "", "the connection ends with it");
    }
}

#[test]
fn a_stranger_is_refused_before_the_body_comes() {
    let controlled = Controlled::start();
    let request = head("/snapshots", 1024 * 1024, "origin: http://www.evil.com\r\n");
    let why = refused(&controlled, request.as_bytes(), 403);
    assert_eq!(why, "the control API answers no web page");
}
