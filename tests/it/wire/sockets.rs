//! Real sockets: connections that are shared, cut, flooded or fed garbage.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use kinesis_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::raw::{JSON, SIGNED, put_input, text};

/// How long a test waits for bytes that never come before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn connect(emulator: &Emulator) -> TcpStream {
    let address = emulator.url().strip_prefix("http://").expect("a plain URL");
    let socket = TcpStream::connect(address).expect("the port is open");
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The head of a call whose body is `length` bytes long.
pub(crate) fn head(operation: &str, length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-AMZ-TARGET: Kinesis_20131202.{operation}\r\n\
         content-type: {JSON}\r\nauthorization: {SIGNED}\r\nx-amz-date: 20150122T012202Z\r\n\
         content-length: {length}\r\n\r\n"
    )
}

pub(crate) fn request(operation: &str, input: &Value) -> String {
    let body = input.to_string();
    head(operation, body.len()) + &body
}

/// Reads one answer: its status, headers in lower case, and body.
pub(crate) fn answer(socket: &mut TcpStream) -> (u16, String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer's head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("a head is ASCII");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let head = head.to_lowercase();
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    socket.read_exact(&mut body).expect("an answer's body");
    (status, head, body)
}

#[track_caller]
pub(crate) fn call(socket: &mut TcpStream, operation: &str, input: &Value) -> Value {
    socket.write_all(request(operation, input).as_bytes()).expect("the request is taken");
    let (status, _, body) = answer(socket);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") }
}

#[track_caller]
pub(crate) fn stored(emulator: &Emulator) -> Vec<Value> {
    let mut socket = connect(emulator);
    let position = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = text(&call(&mut socket, "GetShardIterator", &position)["ShardIterator"]);
    let answer = call(&mut socket, "GetRecords", &json!({"ShardIterator": iterator}));
    answer["Records"].as_array().expect("records").clone()
}

/// Reads until the other side closes or resets; panics if it does neither.
#[track_caller]
pub(crate) fn until_closed(socket: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(count @ 1..) => rest.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the connection is still open: {error}");
            }
            Ok(0) | Err(_) => return String::from_utf8_lossy(&rest).into_owned(),
        }
    }
}

pub(crate) async fn emulator_with_a_stream() -> Emulator {
    let emulator = Emulator::start().await;
    call(&mut connect(&emulator), "CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    emulator
}

/// Reads until the other side closes or resets, or says no more.
pub(crate) fn drain(socket: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut buffer) {
        rest.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&rest).into_owned()
}

// behaviours 1, 12
#[tokio::test]
async fn one_connection_carries_many_calls() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    for number in 0..20 {
        call(&mut socket, "PutRecord", &put_input("s", "k", number.to_string().as_bytes()));
    }
    // Refusals do not end the connection either.
    for (request, expected) in [
        (request("Whatever", &json!({})), 400),
        (request("ListStreams", &json!({"Limit": 0})), 400),
        (head("ListStreams", 0), 400),
        ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(), 403),
        (request("ListStreams", &json!({})).replace(JSON, "text/plain"), 404),
        (request("ListStreams", &json!({})), 200),
    ] {
        socket.write_all(request.as_bytes()).unwrap();
        let (status, head, body) = answer(&mut socket);
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&body));
        for header in ["x-amzn-requestid: ", "x-amz-id-2: ", "content-length: ", "date: "] {
            assert_eq!(head.matches(&format!("\r\n{header}")).count(), 1, "{header} in {head}");
        }
        assert_eq!(head.contains("content-type:"), !matches!(expected, 403 | 404));
    }
    assert_eq!(stored(&emulator).len(), 20);
}

// behaviours 12
#[tokio::test]
async fn calls_may_be_sent_before_the_answers_are_read() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    let requests: String = (0..10)
        .map(|number| request("PutRecord", &put_input("s", "k", number.to_string().as_bytes())))
        .collect();
    socket.write_all(requests.as_bytes()).unwrap();
    let numbers: Vec<_> = (0..10)
        .map(|_| {
            let (status, _, body) = answer(&mut socket);
            assert_eq!(status, 200);
            text(&serde_json::from_slice::<Value>(&body).unwrap()["SequenceNumber"])
        })
        .collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "answers come in order");
    assert_eq!(stored(&emulator).len(), 10);
}

#[tokio::test]
async fn a_body_may_come_in_chunks_and_after_100_continue() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    let body = put_input("s", "k", b"x").to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let chunked = head("PutRecord", 0).replace("content-length: 0", "transfer-encoding: chunked")
        + &format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    socket.write_all(chunked.as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    let expecting = head("PutRecord", body.len())
        .replace("\r\nx-amz-date", "\r\nexpect: 100-continue\r\nx-amz-date");
    socket.write_all(expecting.as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 100);
    socket.write_all(body.as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    assert_eq!(stored(&emulator).len(), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_short_stores_nothing() {
    let emulator = emulator_with_a_stream().await;
    let whole = request("PutRecord", &put_input("s", "k", b"x"));
    let body_start = whole.find("\r\n\r\n").unwrap() + 4;
    for length in [body_start, body_start + 1, whole.len() - 1] {
        // Half closed: the caller still listens.
        let mut socket = connect(&emulator);
        socket.write_all(&whole.as_bytes()[..length]).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let rest = drain(&mut socket);
        assert!(!rest.starts_with("HTTP/1.1 200"), "{rest}");
        assert!(!rest.starts_with("HTTP/1.1 413"), "a body that was cut was not too large: {rest}");
        // Gone altogether.
        let mut socket = connect(&emulator);
        socket.write_all(&whole.as_bytes()[..length]).unwrap();
        drop(socket);
    }
    assert!(stored(&emulator).is_empty());
}

#[tokio::test]
async fn a_connection_that_ends_within_a_head_harms_nothing() {
    let emulator = emulator_with_a_stream().await;
    let whole = request("PutRecord", &put_input("s", "k", b"x"));
    for length in [0, 1, 4, 24, 60] {
        let mut socket = connect(&emulator);
        socket.write_all(&whole.as_bytes()[..length]).unwrap();
        drop(socket);
    }
    // The preface of HTTP/2 and no more, or only its beginning.
    for preface in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HT"] {
        connect(&emulator).write_all(preface.as_bytes()).unwrap();
    }
    assert!(stored(&emulator).is_empty());
}

#[tokio::test]
async fn an_open_connection_without_a_word_keeps_nobody_waiting() {
    let emulator = emulator_with_a_stream().await;
    let silent: Vec<_> = (0..50).map(|_| connect(&emulator)).collect();
    let mut stalled = connect(&emulator);
    stalled.write_all(head("PutRecord", 1000).as_bytes()).unwrap();
    call(&mut connect(&emulator), "PutRecord", &put_input("s", "k", b"x"));
    assert_eq!(stored(&emulator).len(), 1);
    drop((silent, stalled));
}

/// Reads on another thread what the emulator says while a large body goes out:
/// it need not take the body to refuse it.
fn flood(mut socket: TcpStream, request_head: &str, bytes: usize, chunked: bool) -> String {
    let mut reading = socket.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut status = vec![0; 12];
        reading.read_exact(&mut status).map(|()| String::from_utf8(status).unwrap())
    });
    socket.write_all(request_head.as_bytes()).unwrap();
    let piece = vec![b' '; 64 * 1024];
    for _ in 0..bytes / piece.len() {
        let sent = if chunked {
            socket
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .and_then(|()| socket.write_all(&piece))
                .and_then(|()| socket.write_all(b"\r\n"))
        } else {
            socket.write_all(&piece)
        };
        if sent.is_err() {
            break;
        }
    }
    drop(socket.write_all(if chunked { b"0\r\n\r\n" } else { b"" }));
    reader.join().unwrap().unwrap_or_else(|error| panic!("no answer: {error}"))
}

// facts, section 1, step 0; behaviours 14
#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_413() {
    let emulator = emulator_with_a_stream().await;
    let bytes = 17 * 1024 * 1024;
    let known = head("PutRecord", bytes);
    assert_eq!(flood(connect(&emulator), &known, bytes, false), "HTTP/1.1 413");
    let unknown = head("PutRecord", 0).replace("content-length: 0", "transfer-encoding: chunked");
    assert_eq!(flood(connect(&emulator), &unknown, bytes, true), "HTTP/1.1 413");
    // Who asks first is told at once.
    let mut socket = connect(&emulator);
    let asking = known.replace("\r\nx-amz-date", "\r\nexpect: 100-continue\r\nx-amz-date");
    socket.write_all(asking.as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 413);
    assert!(stored(&emulator).is_empty());
}

#[tokio::test]
async fn who_reads_no_answer_before_a_body_that_is_too_large_has_been_sent_reads_it_then() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    let bytes = 40 * 1024 * 1024;
    socket.write_all(head("PutRecord", bytes).as_bytes()).unwrap();
    socket.write_all(&vec![b' '; bytes]).unwrap();
    let (status, _, body) = answer(&mut socket);
    assert_eq!(status, 413);
    assert!(String::from_utf8(body).unwrap().contains("RequestEntityTooLarge"));
}

// behaviours 14
#[tokio::test]
async fn ten_mebibytes_of_records_are_taken() {
    let emulator = emulator_with_a_stream().await;
    let data = STANDARD.encode(vec![0xa5; 1024 * 1024 - 1]);
    let record = json!({"Data": data, "PartitionKey": "k"});
    for count in [5, 10] {
        let records = vec![record.clone(); count];
        let input = json!({"StreamName": "s", "Records": records});
        let answer = call(&mut connect(&emulator), "PutRecords", &input);
        assert_eq!(answer["Records"].as_array().map(Vec::len), Some(count));
    }
    assert_eq!(stored(&emulator).len(), 10, "one read returns ten mebibytes");
}

#[tokio::test]
async fn garbage_is_answered_or_cut_off_and_nothing_else_suffers() {
    let emulator = emulator_with_a_stream().await;
    let good = request("ListStreams", &json!({}));
    for garbage in [
        "garbage\r\n\r\n".to_owned(),
        "\0\x01\x02\x03\x04\x05\x06\x07\r\n\r\n".to_owned(),
        "POST / HTTP/9.9\r\n\r\n".to_owned(),
        "POST\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nhost: a\r\n{}: x\r\n\r\n", "h".repeat(1_000_000)),
        head("ListStreams", 2).replace("content-length: 2", "content-length: -2") + "{}",
        head("ListStreams", 2)
            .replace("content-length: 2", "content-length: 2\r\ncontent-length: 3")
            + "{}",
        head("ListStreams", 2).replace("content-length: 2", "transfer-encoding: chunked")
            + "zz\r\n{}\r\n",
        "\u{16}\u{3}\u{1}\0\u{1}TLS?".to_owned(),
    ] {
        // After a good call, so that the garbage stands where the next one would.
        let mut socket = connect(&emulator);
        socket.write_all(good.as_bytes()).unwrap();
        assert_eq!(answer(&mut socket).0, 200);
        drop(socket.write_all(garbage.as_bytes()));
        drop(socket.shutdown(Shutdown::Write));
        let rest = drain(&mut socket);
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 4"), "{rest}");
        // And at the beginning of a connection.
        let mut socket = connect(&emulator);
        drop(socket.write_all(garbage.as_bytes()));
        drop(socket.shutdown(Shutdown::Write));
        let rest = drain(&mut socket);
        assert!(!rest.contains(" 200 "), "{rest}");
    }
    assert!(stored(&emulator).is_empty());
}

/// A caller that speaks HTTP/2 from the first byte.
pub(crate) fn http2() -> reqwest::Client {
    crate::support::http_client().http2_prior_knowledge().build().expect("a client")
}

pub(crate) async fn call_http2(
    client: &reqwest::Client,
    url: &str,
    operation: &str,
    input: Value,
) -> Value {
    let answer = client
        .post(url)
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("content-type", JSON)
        .header("authorization", SIGNED)
        .header("x-amz-date", "20150122T012202Z")
        .body(input.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert!(answer.headers().contains_key("x-amzn-requestid"));
    assert_eq!(answer.headers()["content-type"], JSON);
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

// behaviours 12, 13
#[tokio::test]
async fn http2_with_prior_knowledge_carries_calls_side_by_side() {
    let emulator = emulator_with_a_stream().await;
    let client = http2();
    let calls = (0..100).map(|number: u32| {
        let input = put_input("s", "k", number.to_string().as_bytes());
        call_http2(&client, emulator.url(), "PutRecord", input)
    });
    let placed = join_all(calls).await;
    let mut numbers: Vec<_> = placed.iter().map(|place| text(&place["SequenceNumber"])).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 100);
    assert_eq!(stored(&emulator).len(), 100);
}

// behaviours 13: bodies larger than the protocol's first window, both ways
#[tokio::test]
async fn large_bodies_flow_over_http2() {
    let emulator = emulator_with_a_stream().await;
    let client = http2();
    let data: Vec<u8> = (0..700 * 1024_u32).map(|place| (place % 251) as u8).collect();
    for _ in 0..3 {
        call_http2(&client, emulator.url(), "PutRecord", put_input("s", "k", &data)).await;
    }
    let position = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = call_http2(&client, emulator.url(), "GetShardIterator", position).await;
    let input = json!({"ShardIterator": iterator["ShardIterator"]});
    let answer = call_http2(&client, emulator.url(), "GetRecords", input).await;
    let records = answer["Records"].as_array().expect("records");
    assert_eq!(records.len(), 3);
    for record in records {
        assert!(STANDARD.decode(record["Data"].as_str().unwrap()).unwrap() == data);
    }
}

#[tokio::test]
async fn http2_refuses_a_body_beyond_the_limit() {
    let emulator = emulator_with_a_stream().await;
    let client = http2();
    let answer = client
        .post(emulator.url())
        .header("x-amz-target", "Kinesis_20131202.PutRecord")
        .header("content-type", JSON)
        .body(vec![b' '; 17 * 1024 * 1024])
        .send()
        .await;
    // The stream may be reset before its whole body was taken.
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), 413);
    }
    call_http2(&client, emulator.url(), "PutRecord", put_input("s", "k", b"x")).await;
    assert_eq!(stored(&emulator).len(), 1);
}

#[tokio::test]
async fn both_versions_share_the_port() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    let client = http2();
    for _ in 0..3 {
        call(&mut socket, "PutRecord", &put_input("s", "k", b"x"));
        call_http2(&client, emulator.url(), "PutRecord", put_input("s", "k", b"x")).await;
    }
    assert_eq!(stored(&emulator).len(), 6);
}

#[tokio::test]
async fn a_dropped_emulator_gives_up_its_connections() {
    let emulator = emulator_with_a_stream().await;
    let mut socket = connect(&emulator);
    call(&mut socket, "ListStreams", &json!({}));
    drop(emulator);
    assert_eq!(drain(&mut socket), "");
}
