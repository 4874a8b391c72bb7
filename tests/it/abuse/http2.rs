//! HTTP/2, frame by frame, as nobody should speak it.

use std::io::Write;
use std::net::TcpStream;

use kinesis_emulator::Emulator;

use crate::support::raw::put_input;
use crate::wire::sockets::{
    call, call_http2, connect, emulator_with_a_stream, http2, stored, until_closed,
};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:method: POST`, `:scheme: http`, `:path: /`, `:authority: localhost`.
const POST: &[u8] = b"\x83\x86\x84\x41\x09localhost";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that has said it speaks HTTP/2.
fn greet(emulator: &Emulator) -> TcpStream {
    let mut socket = connect(emulator);
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, b"")).unwrap();
    socket
}

/// Sends frames until the emulator ends the connection; panics if it takes
/// all of them.
#[track_caller]
fn is_cut_off(emulator: &Emulator, mut frames: impl FnMut(u32) -> Vec<u8>) {
    let mut socket = greet(emulator);
    for number in 0..1_000_000 {
        if socket.write_all(&frames(number)).is_err() {
            return;
        }
    }
    panic!("a million of them were taken");
}

#[tokio::test]
async fn rapid_resets_end_their_connection_and_nothing_else() {
    let emulator = emulator_with_a_stream().await;
    is_cut_off(&emulator, |number| {
        let stream = 2 * number + 1;
        let opened = frame(HEADERS, END_HEADERS, stream, POST);
        [opened, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    is_served(&emulator).await;
}

#[tokio::test]
async fn headers_without_end_end_their_connection_and_nothing_else() {
    let emulator = emulator_with_a_stream().await;
    is_cut_off(&emulator, |number| {
        // A header that is not indexed, of a hundred letters.
        let header = [&b"\x00\x01x\x64"[..], &[b'y'; 100]].concat();
        match number {
            0 => frame(HEADERS, 0, 1, POST),
            _ => frame(CONTINUATION, 0, 1, &header),
        }
    });
    is_served(&emulator).await;
}

#[tokio::test]
async fn streams_that_are_opened_and_never_finished_are_bounded() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = greet(&emulator);
    for number in 0..12_000 {
        if socket.write_all(&frame(HEADERS, END_HEADERS, 2 * number + 1, POST)).is_err() {
            break;
        }
    }
    is_served(&emulator).await;
    drop(socket);
    is_served(&emulator).await;
}

#[tokio::test]
async fn floods_of_pings_and_settings_keep_nobody_waiting() {
    let emulator = emulator_with_a_stream().await;
    for flood in [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, b"\x00\x04\x00\x00\xff\xff")] {
        let mut socket = greet(&emulator);
        // What comes back is not read: the emulator stops to read, too, or ends it.
        socket.set_nonblocking(true).unwrap();
        let flood = flood.repeat(10_000);
        for _ in 0..100 {
            if socket.write_all(&flood).is_err() {
                break;
            }
        }
        is_served(&emulator).await;
    }
}

#[tokio::test]
async fn frames_that_make_no_sense_end_their_connection() {
    let emulator = emulator_with_a_stream().await;
    for nonsense in [
        frame(CONTINUATION, END_HEADERS, 1, POST),
        frame(HEADERS, END_HEADERS, 2, POST),
        frame(HEADERS, END_HEADERS, 0, POST),
        frame(HEADERS, END_HEADERS, 1, &[0xff; 64]),
        frame(SETTINGS, 0, 0, b"abc"),
        frame(PING, 0, 0, b"short"),
        vec![0xff; 1024],
    ] {
        let mut socket = greet(&emulator);
        drop(socket.write_all(&nonsense));
        drop(socket.shutdown(std::net::Shutdown::Write));
        until_closed(&mut socket);
    }
    is_served(&emulator).await;
}

/// Others are answered as ever, over both versions.
async fn is_served(emulator: &Emulator) {
    let before = stored(emulator).len();
    call(&mut connect(emulator), "PutRecord", &put_input("s", "k", b"x"));
    call_http2(&http2(), emulator.url(), "PutRecord", put_input("s", "k", b"x")).await;
    assert_eq!(stored(emulator).len(), before + 2);
}
