//! An emulator inside a program: `cargo run --example embed`.
//!
//! It listens on a port of its own until it is dropped, so that any client, in
//! any language, can use it meanwhile.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use kinesis_emulator::Emulator;

fn main() -> Result<(), http::Error> {
    let kinesis = Emulator::start_blocking();
    println!("listening at {}; for other programs:", kinesis.url());
    for (name, value) in kinesis.environment() {
        println!("export {name}={value}");
    }

    // Requests can also be handed to it as they are.
    for (operation, input) in [
        ("CreateStream", r#"{"StreamName":"orders","ShardCount":2}"#),
        ("PutRecord", r#"{"StreamName":"orders","PartitionKey":"customer 7","Data":"aGVsbG8="}"#),
    ] {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")
            .body(Bytes::from_static(input.as_bytes()))?;
        let answer = kinesis.call(request).into_body();
        println!("{operation}: {}", String::from_utf8_lossy(&answer));
    }

    // A day passes at once: the record is gone.
    kinesis.clock().advance(Duration::from_secs(24 * 60 * 60 + 1));
    Ok(())
}
