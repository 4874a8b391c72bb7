//! The calls that are counted. They need no more of the emulator than it has
//! ever had, so that older commits can be counted by the same file.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use kinesis_emulator::{Builder, Clock, Emulator, Timestamp};

/// What a function's name has to match to be counted, with all that it calls.
#[allow(dead_code, reason = "the program that is built for another commit only makes the calls")]
pub(crate) const COUNTED: &str = "*counted_call*";

/// The one stream, of one shard.
pub(crate) const STREAM: &str = "orders";

/// The content types of the two encodings.
pub(crate) const JSON: &str = "application/x-amz-json-1.1";
#[allow(dead_code, reason = "the program that is built for another commit speaks JSON only")]
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";

const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// A shard takes a thousand records per second at most.
const BETWEEN_PUTS: Duration = Duration::from_millis(1);
/// 100 bytes in base64: `a` a hundred times.
const DATA: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\
    YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ==";

/// What every emulator that is counted has in common.
pub(crate) fn builder() -> Builder {
    Emulator::builder().seed(7).clock(Clock::manual(START))
}

/// Makes the stream. This is not counted.
pub(crate) fn create_stream(emulator: &Emulator) {
    let body = format!(r#"{{"StreamName":"{STREAM}","ShardCount":1}}"#);
    let answer = emulator.call(signed("CreateStream", JSON, body.into()));
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
}

/// Puts the same record so many times, and moves the clock after each. Only the
/// calls are counted.
pub(crate) fn put(emulator: &Emulator, puts: u64, expected: StatusCode) {
    let body =
        format!(r#"{{"StreamName":"{STREAM}","PartitionKey":"customer-17","Data":"{DATA}"}}"#);
    let request = signed("PutRecord", JSON, body.into());
    for _ in 0..puts {
        let status = counted_call(emulator, request.clone());
        assert_eq!(status, expected);
        emulator.clock().advance(BETWEEN_PUTS);
    }
}

/// What a caller in process pays for: the call, and being rid of the answer.
#[inline(never)]
pub(crate) fn counted_call(emulator: &Emulator, request: Request<Bytes>) -> StatusCode {
    emulator.call(request).status()
}

/// A request as the SDK sends it.
pub(crate) fn signed(operation: &str, content_type: &str, body: Bytes) -> Request<Bytes> {
    Request::post("/")
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header(CONTENT_TYPE, content_type)
        .header("x-amz-date", "20260101T000000Z")
        .header(HOST, "localhost:4567")
        .header(CONTENT_LENGTH, body.len())
        .header(USER_AGENT, "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0")
        .header(
            "x-amz-user-agent",
            "aws-sdk-rust/1.3.9 api/kinesis/1.130.0 os/linux lang/rust/1.95.0",
        )
        .header("amz-sdk-invocation-id", "5f1c1a3e-5f0f-4d2b-9d63-0d7a3c3f2b11")
        .header("amz-sdk-request", "attempt=1; max=3")
        .header(
            AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0",
        )
        .body(body)
        .expect("a request")
}
