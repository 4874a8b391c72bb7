//! Clients that keep the emulator waiting, for longer than a limit that is tiny
//! here. How long each limit lasts exactly is tested beside the code, in tokio's
//! paused time.

use std::io::Write;
use std::time::Duration;

use kinesis_emulator::Latency;
use serde_json::json;

use crate::support::raw::put_input;
use crate::wire::sockets::{answer, call, connect, head, request, stored, until_closed};

use super::limited;

/// Long enough for a test that gets its turn late.
const TINY: Duration = Duration::from_millis(250);

#[test]
fn a_client_that_says_nothing_is_let_go() {
    let emulator = limited(|limits| limits.head_within = TINY);
    assert_eq!(until_closed(&mut connect(&emulator)), "");
}

#[test]
fn a_handshake_that_stops_is_let_go() {
    let emulator = limited(|limits| limits.head_within = TINY);
    let mut socket = connect(&emulator);
    socket.write_all(&[0x16, 3, 1]).unwrap();
    assert_eq!(until_closed(&mut socket), "");
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let emulator = limited(|limits| limits.head_within = TINY);
    let whole = request("PutRecord", &put_input("s", "k", b"x"));
    for length in [1, 60] {
        let mut socket = connect(&emulator);
        socket.write_all(&whole.as_bytes()[..length]).unwrap();
        assert_eq!(until_closed(&mut socket), "");
        // The same after a call that was answered.
        let mut socket = connect(&emulator);
        call(&mut socket, "PutRecord", &put_input("s", "k", b"first"));
        socket.write_all(&whole.as_bytes()[..length]).unwrap();
        assert_eq!(until_closed(&mut socket), "");
    }
    assert_eq!(stored(&emulator).len(), 2);
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408_and_stores_nothing() {
    let emulator = limited(|limits| limits.body_within = TINY);
    let whole = request("PutRecord", &put_input("s", "k", b"x"));
    let mut socket = connect(&emulator);
    socket.write_all(&whole.as_bytes()[..whole.len() - 1]).unwrap();
    let (status, _, body) = answer(&mut socket);
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 408, "{body}");
    assert!(body.contains("The body took longer to come than --body-timeout allows."), "{body}");
    assert_eq!(until_closed(&mut socket), "", "the connection ends with it");
    assert!(stored(&emulator).is_empty());
}

#[test]
fn a_connection_without_calls_is_closed_and_one_whose_call_takes_longer_is_not() {
    let emulator = limited(|limits| limits.idle_within = TINY);
    emulator.set_latency(Latency::fixed(TINY * 3));
    let mut socket = connect(&emulator);
    call(&mut socket, "PutRecord", &put_input("s", "k", b"x"));
    assert_eq!(until_closed(&mut socket), "", "and then it was idle");
}

#[test]
fn a_client_that_does_not_take_its_answers_is_cut_off() {
    let emulator = limited(|limits| limits.idle_within = TINY);
    for _ in 0..8 {
        call(&mut connect(&emulator), "PutRecord", &put_input("s", "k", &[b'x'; 1024 * 1024 - 1]));
    }
    let mut socket = connect(&emulator);
    let position = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = call(&mut socket, "GetShardIterator", &position);
    let read = request("GetRecords", &json!({"ShardIterator": iterator["ShardIterator"]}));
    // Together much more than the system keeps for us.
    socket.write_all(read.repeat(8).as_bytes()).unwrap();
    socket.peek(&mut [0]).expect("the first answer is on its way");
    // Nothing is taken until another call, which takes its time, is answered.
    emulator.set_latency(Latency::fixed(TINY * 3));
    call(&mut connect(&emulator), "ListStreams", &json!({}));
    let taken = until_closed(&mut socket).len();
    assert!(taken < 8 * 1024 * 1024 * 4 / 3, "{taken} bytes are a whole answer or more");
    // Who reads is served as ever.
    assert_eq!(call(&mut connect(&emulator), "ListStreams", &json!({}))["StreamNames"][0], "s");
}

#[test]
fn slow_clients_keep_nobody_waiting() {
    let emulator = limited(|_| ());
    let mut slow: Vec<_> = (0..200).map(|_| connect(&emulator)).collect();
    for (number, socket) in slow.iter_mut().enumerate() {
        let begun = match number % 4 {
            0 => String::new(),
            1 => "POST / HT".to_owned(),
            2 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            _ => head("PutRecord", 1000) + "{",
        };
        socket.write_all(begun.as_bytes()).unwrap();
    }
    call(&mut connect(&emulator), "PutRecord", &put_input("s", "k", b"x"));
    assert_eq!(stored(&emulator).len(), 1);
}
