//! Requests that are small to send and large to read.

use std::io::Write;

use serde_json::json;

use crate::support::raw::{CBOR, Custom, JSON, Raw, put_input};
use crate::wire::sockets::{answer, connect, emulator_with_a_stream, head, http2, request, stored};

#[tokio::test]
async fn a_giant_uri_is_answered_with_414_and_giant_headers_with_431() {
    let emulator = emulator_with_a_stream().await;
    let good = request("ListStreams", &json!({}));
    for (what, bytes, status, sentence) in [
        ("uri", 17 * 1024, 414, "The URI is longer than 16384 bytes."),
        ("header", 65 * 1024, 431, "The headers are larger than 65536 bytes together."),
    ] {
        let mut socket = connect(&emulator);
        let giant = "g".repeat(bytes);
        let asked = match what {
            "uri" => good.replacen("POST /", &format!("POST /{giant}"), 1),
            _ => good.replacen("\r\n", &format!("\r\nx-giant: {giant}\r\n"), 1),
        };
        socket.write_all(asked.as_bytes()).unwrap();
        let (found, _, body) = answer(&mut socket);
        let body = String::from_utf8(body).unwrap();
        assert_eq!(found, status, "{body}");
        assert!(body.contains(sentence), "{body}");
    }
    // Over HTTP/2 in the same words.
    let client = http2();
    let answer = client.post(emulator.url()).header("x-giant", "g".repeat(65 * 1024)).body("{}");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status(), 431);
    assert!(answer.text().await.unwrap().contains("The headers are larger than"));
    // Beyond what is read at all nothing but the status is left to say.
    for (first_line, status) in [
        (format!("POST /{} HTTP/1.1\r\n\r\n", "g".repeat(100_000)), 414),
        (format!("POST / HTTP/1.1\r\nx: {}\r\n\r\n", "g".repeat(1_000_000)), 431),
    ] {
        let mut socket = connect(&emulator);
        drop(socket.write_all(first_line.as_bytes()));
        assert_eq!(answer_status(&mut socket), status);
    }
    let mut socket = connect(&emulator);
    socket.write_all(good.as_bytes()).unwrap();
    assert_eq!(self::answer(&mut socket).0, 200);
}

fn answer_status(socket: &mut std::net::TcpStream) -> u16 {
    let mut line = [0; 12];
    std::io::Read::read_exact(socket, &mut line).expect("a status line");
    String::from_utf8_lossy(&line[9..]).parse().expect("a number")
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_not_unpacked() {
    let emulator = emulator_with_a_stream().await;
    for (coding, status) in [("gzip", 415), ("br", 415), ("identity", 200)] {
        let mut socket = connect(&emulator);
        let encoded = request("PutRecord", &put_input("s", "k", b"x")).replacen(
            "\r\n",
            &format!("\r\nContent-Encoding: {coding}\r\n"),
            1,
        );
        socket.write_all(encoded.as_bytes()).unwrap();
        let (found, _, body) = answer(&mut socket);
        let body = String::from_utf8(body).unwrap();
        assert_eq!(found, status, "{body}");
        assert_eq!(body.contains("is not taken: send the body as it is."), status == 415, "{body}");
    }
    assert_eq!(stored(&emulator).len(), 1);
}

#[tokio::test]
async fn a_body_of_many_tiny_chunks_is_put_together() {
    let emulator = emulator_with_a_stream().await;
    let body = put_input("s", "k", &[b'x'; 20_000]).to_string();
    let chunked = head("PutRecord", 0).replace("content-length: 0", "transfer-encoding: chunked");
    let chunks: String = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
    let mut socket = connect(&emulator);
    socket.write_all(format!("{chunked}{chunks}0\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    assert_eq!(stored(&emulator).len(), 1);
}

#[test]
fn what_nests_without_end_is_refused_or_passed_over() {
    let raw = Raw::new();
    let cbor = |value: Vec<u8>| {
        // {"Unknown": value}
        let body = [&b"\xa1\x67Unknown"[..], &value].concat();
        raw.send(Custom::signed("ListStreams", CBOR, body)).status.as_u16()
    };
    let json = |member: &str, depth: usize| {
        let body = format!(r#"{{"{member}":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        raw.send(Custom::signed("PutRecords", JSON, body)).expect_error_kind(match member {
            // What nobody knows is passed over without being kept.
            "Unknown" => "ValidationException",
            _ => "SerializationException",
        });
    };
    for (depth, status) in [(100, 200), (129, 400), (1_000_000, 400)] {
        json("Unknown", depth);
        json("Records", depth);
        let lists = [vec![0x81; depth], vec![0]].concat();
        assert_eq!(cbor(lists), status, "lists, {depth}");
        let maps = [b"\xa1\x61a".repeat(depth), vec![0]].concat();
        assert_eq!(cbor(maps), status, "maps, {depth}");
        let indefinite = [vec![0x9f; depth], vec![0xff; depth]].concat();
        assert_eq!(cbor(indefinite), status, "indefinite lists, {depth}");
        // Both in turn: a reader without a limit has to remember each of them.
        let mixed = [b"\x82\x00\x9f".repeat(depth / 2), vec![0xff; depth / 2]].concat();
        assert_eq!(cbor(mixed), status, "lists in lists, {depth}");
    }
    let tags = [vec![0xc1; 1_000_000], vec![0]].concat();
    assert_eq!(cbor(tags), 200, "tags do not nest");
}

#[test]
fn a_length_that_is_declared_takes_no_memory() {
    let raw = Raw::new();
    for head in [0x5b, 0x7b, 0x9b, 0xbb] {
        for length in [u64::MAX, 1 << 62, 1 << 32] {
            let value = [&[head][..], &length.to_be_bytes()].concat();
            for member in ["Records", "Unknown"] {
                let name = [&[0x60 + member.len() as u8][..], member.as_bytes()].concat();
                let body = [&b"\xa1"[..], &name, &value].concat();
                let answer = raw.send(Custom::signed("PutRecords", CBOR, body));
                assert_eq!(answer.status, 400);
                assert!(answer.text().contains("SerializationException"), "{}", answer.text());
            }
        }
    }
}

#[test]
fn a_list_or_map_of_millions_is_not_read_on() {
    let raw = Raw::new();
    let too_many = "There are more than 20000 elements";
    // One byte each in CBOR, and a hundred if they were kept.
    let body = [&b"\xa1\x67Records\x9f"[..], &vec![0xf6; 8_000_000], b"\xff"].concat();
    let answer = raw.send(Custom::signed("PutRecords", CBOR, body));
    assert!(answer.text().contains(too_many), "{}", answer.text());
    let records = vec!["null"; 1_000_000].join(",");
    let body = format!(r#"{{"StreamName":"s","Records":[{records}]}}"#);
    raw.send(Custom::signed("PutRecords", JSON, body))
        .expect_error("SerializationException", too_many);
    // Each key would be looked for among all before it.
    let tags: Vec<_> = (0..500_000).map(|number| format!(r#""{number}":"""#)).collect();
    let body = format!(r#"{{"StreamName":"s","Tags":{{{}}}}}"#, tags.join(","));
    raw.send(Custom::signed("AddTagsToStream", JSON, body))
        .expect_error("SerializationException", "There are more than 1000 entries");
    // A few too many still get AWS's sentence.
    let records = vec![json!({"Data": "", "PartitionKey": "k"}); 501];
    raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
        .expect_error_kind("ValidationException");
}
