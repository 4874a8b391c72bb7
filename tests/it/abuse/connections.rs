//! More clients than there is room for.

use std::io::{Read, Write};
use std::net::Shutdown;

use serde_json::json;

use crate::support::raw::put_input;
use crate::wire::sockets::{answer, call, connect, head, request, stored, until_closed};

use super::limited;

#[test]
fn connections_beyond_the_limit_are_told_so_and_those_that_come_later_are_served() {
    let emulator = limited(|limits| limits.connections_max = 3);
    let mut served: Vec<_> = (0..)
        .map(|_| connect(&emulator))
        .filter_map(|mut socket| {
            // The connection that made the stream may still be there.
            socket.write_all(request("ListStreams", &json!({})).as_bytes()).ok()?;
            let mut status = [0; 12];
            socket.read_exact(&mut status).ok()?;
            (status == *b"HTTP/1.1 200").then_some(socket)
        })
        .take(3)
        .collect();
    let mut refused = connect(&emulator);
    drop(refused.write_all(request("ListStreams", &json!({})).as_bytes()));
    drop(refused.shutdown(Shutdown::Write));
    let told = until_closed(&mut refused);
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    assert!(told.contains("There are more connections than --max-connections"), "{told}");
    drop(served.pop());
    // The place is free as soon as the emulator has seen that its client has gone.
    while {
        let mut socket = connect(&emulator);
        drop(socket.write_all(request("ListStreams", &json!({})).as_bytes()));
        drop(socket.shutdown(Shutdown::Write));
        until_closed(&mut socket).starts_with("HTTP/1.1 503 ")
    } {}
}

#[test]
fn calls_beyond_the_memory_for_them_are_refused_and_take_nothing_with_them() {
    let emulator = limited(|limits| limits.in_flight_bytes_max = 512 * 1024);
    let mut large = connect(&emulator);
    large.write_all(head("PutRecord", 1024 * 1024).as_bytes()).unwrap();
    // It may be refused before it is all sent.
    drop(large.write_all(&vec![b' '; 1024 * 1024]));
    let (status, _, body) = answer(&mut large);
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("more memory than --max-in-flight allows: try again"), "{body}");
    // It has given back what it had.
    for _ in 0..100 {
        call(&mut connect(&emulator), "PutRecord", &put_input("s", "k", &[b'x'; 64 * 1024]));
    }
    assert_eq!(stored_count(&emulator), 100);
}

/// Counts records in pages that the small memory lets through.
fn stored_count(emulator: &kinesis_emulator::Emulator) -> usize {
    emulator.stream("s").records().len()
}

#[test]
fn a_call_that_no_memory_is_left_for_is_answered_at_once() {
    let emulator = limited(|limits| limits.in_flight_bytes_max = 64 * 1024);
    // Each of these is a call that has begun and waits for its body.
    let mut waiting: Vec<_> = (0..64).map(|_| connect(&emulator)).collect();
    let mut refused = 0;
    for socket in &mut waiting {
        socket.write_all(head("PutRecord", 10).as_bytes()).unwrap();
    }
    for socket in &mut waiting {
        socket.shutdown(Shutdown::Write).unwrap();
        refused += usize::from(until_closed(socket).starts_with("HTTP/1.1 503 "));
    }
    assert!(refused >= 32, "{refused}: half of them found no room");
    drop(waiting);
    call(&mut connect(&emulator), "PutRecord", &put_input("s", "k", b"x"));
    assert_eq!(stored(&emulator).len(), 1);
}
