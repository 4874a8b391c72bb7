//! A caller that says exactly what goes out and sees exactly what comes back.
//!
//! No socket and no SDK: requests go through `Emulator::call`, time stands
//! still until a test moves it, and nothing is retried.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use kinesis_emulator::{Builder, Clock, Emulator, Timestamp};
use serde_json::{Value, json};

/// When the emulator of a [`Raw`] begins: Thu Jan 22 01:22:02 UTC 2015.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_421_889_722);
/// The account of callers who name none.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The two protocols' content types.
pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";
/// A header that has every part of a signature.
pub(crate) const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150122/us-east-1/kinesis/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=0";

/// An emulator and a caller with credentials of its own.
pub(crate) struct Raw {
    pub(crate) emulator: Emulator,
}

impl Raw {
    /// An emulator with default settings whose clock stands at [`START`].
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same with other settings.
    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = Emulator::builder().clock(Clock::manual(START));
        Self { emulator: set(builder).in_process() }
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, duration: Duration) {
        self.emulator.clock().advance(duration);
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, request: impl Into<Request<Bytes>>) -> Answer {
        let (parts, body) = self.emulator.call(request.into()).into_parts();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Calls an operation with a JSON body.
    pub(crate) fn call(&self, operation: &str, input: Value) -> Answer {
        self.send(Custom::json(operation, &input))
    }

    /// Calls an operation that has to succeed with an output.
    #[track_caller]
    pub(crate) fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).expect_ok()
    }

    /// Calls an operation that has to succeed with an empty body.
    #[track_caller]
    pub(crate) fn done(&self, operation: &str, input: Value) {
        self.call(operation, input).expect_empty();
    }

    /// Makes a stream of provisioned shards.
    #[track_caller]
    pub(crate) fn create_stream(&self, name: &str, shards: u32) {
        self.done("CreateStream", json!({"StreamName": name, "ShardCount": shards}));
    }

    /// Stores a record and returns its sequence number.
    #[track_caller]
    pub(crate) fn put(&self, stream: &str, key: &str, data: &[u8]) -> String {
        let placed = self.ok("PutRecord", put_input(stream, key, data));
        text(&placed["SequenceNumber"])
    }

    /// An iterator that needs no further argument.
    #[track_caller]
    pub(crate) fn iterator(&self, stream: &str, shard: &str, kind: &str) -> String {
        self.iterator_of(json!({"StreamName": stream, "ShardId": shard, "ShardIteratorType": kind}))
    }

    /// An iterator.
    #[track_caller]
    pub(crate) fn iterator_of(&self, input: Value) -> String {
        text(&self.ok("GetShardIterator", input)["ShardIterator"])
    }

    /// Reads an iterator.
    #[track_caller]
    pub(crate) fn read(&self, iterator: &str) -> Value {
        self.ok("GetRecords", json!({"ShardIterator": iterator}))
    }

    /// The data of every record of a shard, as text.
    #[track_caller]
    pub(crate) fn read_all(&self, stream: &str, shard: &str) -> Vec<String> {
        let answer = self.read(&self.iterator(stream, shard, "TRIM_HORIZON"));
        data_of(&answer)
    }

    /// A stream's shards, as DescribeStream lists them.
    #[track_caller]
    pub(crate) fn shards(&self, stream: &str) -> Vec<Value> {
        let answer = self.ok("DescribeStream", json!({"StreamName": stream}));
        list(&answer["StreamDescription"]["Shards"]).clone()
    }

    /// A stream's status.
    #[track_caller]
    pub(crate) fn status(&self, stream: &str) -> String {
        let answer = self.ok("DescribeStream", json!({"StreamName": stream}));
        text(&answer["StreamDescription"]["StreamStatus"])
    }
}

/// A request in the making.
pub(crate) struct Custom(Request<Bytes>);

impl Custom {
    /// A method and nothing else.
    pub(crate) fn bare(method: Method) -> Self {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        Self(request)
    }

    /// Asks for another path than `/`.
    pub(crate) fn path(mut self, path: &str) -> Self {
        *self.0.uri_mut() = path.parse().expect("a path");
        self
    }

    /// A whole call: method, target, content type, authentication.
    pub(crate) fn signed(operation: &str, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::bare(Method::POST)
            .header("x-amz-target", &format!("Kinesis_20131202.{operation}"))
            .header("content-type", content_type)
            .header("authorization", SIGNED)
            .header("x-amz-date", "20150122T012202Z")
            .body(body)
    }

    /// A whole call in JSON.
    pub(crate) fn json(operation: &str, input: &Value) -> Self {
        Self::signed(operation, JSON, input.to_string())
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.0.headers_mut().insert(name, value);
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.headers_mut().remove(name);
        self
    }

    /// Leaves the authentication out.
    pub(crate) fn anonymous(self) -> Self {
        self.without(AUTHORIZATION.as_str())
    }

    /// Signs for another account and Region.
    pub(crate) fn by(self, account: &str, region: &str) -> Self {
        let credential = format!("{account}/20150122/{region}/kinesis/aws4_request");
        self.header(
            "authorization",
            &format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
    }

    /// Sets path and query.
    pub(crate) fn uri(mut self, uri: &str) -> Self {
        *self.0.uri_mut() = uri.parse().expect("a URI");
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.0.body_mut() = body.into();
        self
    }
}

impl From<Custom> for Request<Bytes> {
    fn from(custom: Custom) -> Self {
        custom.0
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {:?}", self.text()),
        }
    }

    /// The body as text, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers are ASCII"))
    }

    /// The content type, if there is one.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE.as_str())
    }

    /// Success with an output.
    #[track_caller]
    pub(crate) fn expect_ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }

    /// Success with no output.
    #[track_caller]
    pub(crate) fn expect_empty(&self) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        assert_eq!(self.text(), "");
    }

    /// A client error with exactly these members and this text.
    #[track_caller]
    pub(crate) fn expect_error(&self, kind: &str, message: &str) {
        let message_name = if kind == "SerializationException" { "Message" } else { "message" };
        self.expect_body(400, json!({"__type": kind, message_name: message}));
    }

    /// A client error that is only a name.
    #[track_caller]
    pub(crate) fn expect_bare_error(&self, kind: &str) {
        self.expect_body(400, json!({"__type": kind}));
    }

    /// A client error whose text is the emulator's own.
    #[track_caller]
    pub(crate) fn expect_error_kind(&self, kind: &str) {
        assert_eq!(
            (self.status.as_u16(), self.json()["__type"].as_str()),
            (400, Some(kind)),
            "{}",
            self.text()
        );
    }

    #[track_caller]
    fn expect_body(&self, status: u16, body: Value) {
        assert_eq!((self.status.as_u16(), self.json()), (status, body));
    }

    /// Exactly these violations, in any order.
    #[track_caller]
    pub(crate) fn expect_violations(&self, expected: &[&str]) {
        self.expect_error_kind("ValidationException");
        let (found, distinct) = self.violations();
        let expected: BTreeSet<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(distinct, expected);
        assert_eq!(found, expected.len(), "violations are counted: {}", self.text());
    }

    /// How many violations a ValidationException counts, and which they are.
    #[track_caller]
    pub(crate) fn violations(&self) -> (usize, BTreeSet<String>) {
        let message = text(&self.json()["message"]);
        let (head, tail) = message.split_once(" detected: ").expect("the frame of violations");
        let (count, noun) = head.split_once(' ').expect("a count and a noun");
        let count = count.parse().expect("the count is a number");
        let plural = if count == 1 { "validation error" } else { "validation errors" };
        assert_eq!(noun, plural);
        (count, tail.split("; ").map(str::to_owned).collect())
    }
}

/// The name of a stream's shard with a number.
pub(crate) fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// A PutRecord request.
pub(crate) fn put_input(stream: &str, key: &str, data: &[u8]) -> Value {
    json!({"StreamName": stream, "PartitionKey": key, "Data": STANDARD.encode(data)})
}

/// A text that has to be there.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A list that has to be there.
#[track_caller]
pub(crate) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// The sorted names of a structure's members.
#[track_caller]
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let members = value.as_object().unwrap_or_else(|| panic!("{value} is no structure"));
    let mut names: Vec<_> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// A member of each element of a list.
#[track_caller]
pub(crate) fn each<'v>(values: &'v Value, member: &str) -> Vec<&'v str> {
    list(values).iter().map(|value| value[member].as_str().expect("a text member")).collect()
}

/// The data of the records in an answer, as text.
#[track_caller]
pub(crate) fn data_of(answer: &Value) -> Vec<String> {
    each(&answer["Records"], "Data")
        .into_iter()
        .map(|data| {
            let bytes = STANDARD.decode(data).expect("data is base64");
            String::from_utf8(bytes).expect("these tests store text")
        })
        .collect()
}

/// The fields of a sequence number, in AWS's present layout unless `version`
/// says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    pub(crate) lead: u8,
    pub(crate) created_seconds: u64,
    pub(crate) index: u64,
    pub(crate) seconds: u64,
    pub(crate) shard: u32,
    pub(crate) version: u8,
}

impl Number {
    /// All fields zero, version 2.
    pub(crate) const ZERO: Self =
        Self { lead: 2, created_seconds: 0, index: 0, seconds: 0, shard: 0, version: 2 };

    /// The number as 47 hexadecimal digits.
    fn hex(self) -> String {
        let Self { lead, created_seconds, index, seconds, shard, version } = self;
        let nibble = shard & 0xf;
        format!(
            "{lead:x}{created_seconds:09x}{nibble:x}{index:016x}00{seconds:09x}{shard:08x}{version:x}"
        )
    }

    /// The number as callers write it.
    pub(crate) fn decimal(self) -> String {
        decimal(&self.hex())
    }

    /// Reads what the emulator handed out.
    pub(crate) fn read(decimal: &str) -> Self {
        let hex = hexadecimal(decimal);
        assert_eq!(hex.len(), 47, "{decimal} is not in the present layout");
        let field = |from: usize, digits: usize| {
            u64::from_str_radix(&hex[from..from + digits], 16).expect("hexadecimal digits")
        };
        assert_eq!(field(27, 2), 0, "the byte of unknown use is zero");
        assert_eq!(field(10, 1), field(38, 8) & 0xf, "the shard's nibble");
        Self {
            lead: field(0, 1) as u8,
            created_seconds: field(1, 9),
            index: field(11, 16),
            seconds: field(29, 9),
            shard: field(38, 8) as u32,
            version: field(46, 1) as u8,
        }
    }
}

/// A hexadecimal number of any length in decimal.
pub(crate) fn decimal(hex: &str) -> String {
    rebase(hex, 16, 10)
}

fn hexadecimal(decimal: &str) -> String {
    rebase(decimal, 10, 16)
}

fn rebase(text: &str, from: u32, to: u32) -> String {
    let mut digits = vec![0];
    for letter in text.chars() {
        let mut carry = letter.to_digit(from).expect("a digit");
        for digit in &mut digits {
            carry += *digit * from;
            *digit = carry % to;
            carry /= to;
        }
        while carry > 0 {
            digits.push(carry % to);
            carry /= to;
        }
    }
    digits.iter().rev().map(|digit| char::from_digit(*digit, to).expect("a digit")).collect()
}
