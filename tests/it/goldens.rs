//! Whole answers, byte by byte, in files that people can read.
//!
//! A golden file is one conversation with a fresh emulator whose clock stands
//! still and whose seed is fixed. Its first lines say what it shows and where
//! the answer is known from; `>` lines are calls that lead up to it, of which
//! `=> NAME` keeps a member for `{{NAME}}` in later lines; then comes the request,
//! and after `---` the answer with all its headers but the two random ids.
//! CBOR bodies are written in hexadecimal.
//!
//! `UPDATE_GOLDENS=1 cargo test -p kinesis-tests goldens` writes the answers anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use kinesis_emulator::declarations::operations;
use kinesis_emulator::{Clock, Emulator, Timestamp};
use serde_json::Value;

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";
/// Operations whose requests and answers are kept in CBOR, too: the data plane.
const IN_CBOR: [&str; 7] = [
    "AcknowledgeQueueRecords",
    "GetRecords",
    "GetShardIterator",
    "PutRecord",
    "PutRecords",
    "ReceiveQueueRecords",
    "SubscribeToShard",
];
const SOURCES: [&str; 4] = ["recorded", "model", "guide", "inferred"];

#[test]
fn every_golden_conversation_is_repeated_to_the_byte() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    let mut differences = String::new();
    for path in files() {
        let text = fs::read_to_string(&path).expect("a golden file is text");
        let golden = Golden::parse(&text, &path);
        let answer = golden.play();
        if update {
            fs::write(&path, format!("{}---\n{answer}", golden.head)).expect("it can be written");
        } else if answer != golden.answer {
            let _ = write!(
                differences,
                "\n{}\n--- expected\n{}--- answered\n{answer}",
                path.display(),
                golden.answer
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn every_operation_has_a_golden_file_and_the_data_plane_one_in_cbor() {
    let mut covered = BTreeSet::new();
    for path in files() {
        let text = fs::read_to_string(&path).expect("a golden file is text");
        let golden = Golden::parse(&text, &path);
        covered.insert((golden.operation.to_owned(), golden.content_type()));
    }
    for operation in operations() {
        assert!(covered.contains(&(operation.name.to_owned(), JSON)), "{}", operation.name);
    }
    for operation in IN_CBOR {
        assert!(covered.contains(&(operation.to_owned(), CBOR)), "{operation} in CBOR");
    }
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
    let mut files: Vec<_> = entries(&root).iter().flat_map(|folder| entries(folder)).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    assert!(!files.is_empty(), "there are no golden files in {}", root.display());
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder can be listed").path()).collect()
}

struct Golden<'a> {
    /// Everything before the answer.
    head: &'a str,
    setup: Vec<&'a str>,
    operation: &'a str,
    /// JSON, or hexadecimal CBOR.
    body: &'a str,
    answer: &'a str,
}

impl<'a> Golden<'a> {
    fn parse(text: &'a str, path: &Path) -> Self {
        let (head, answer) = text.split_once("---\n").unwrap_or((text, ""));
        let source = head.lines().find_map(|line| line.strip_prefix("# source: ")).unwrap_or("");
        assert!(SOURCES.contains(&source), "{}: {source:?} is no source", path.display());
        let setup = head.lines().filter_map(|line| line.strip_prefix("> ")).collect();
        let request = head.lines().rfind(|line| !line.starts_with(['#', '>']) && !line.is_empty());
        let (operation, body) = request
            .and_then(|line| line.split_once(' '))
            .unwrap_or_else(|| panic!("{}: there is no request", path.display()));
        assert!(
            path.parent().is_some_and(|folder| folder.ends_with(operation)),
            "{}: a golden file lies in the folder of its operation",
            path.display()
        );
        Self { head, setup, operation, body, answer }
    }

    fn content_type(&self) -> &'static str {
        if self.body.starts_with('{') { JSON } else { CBOR }
    }

    fn play(&self) -> String {
        let clock = Clock::manual(Timestamp::from_millis(1_767_225_600_123));
        let kinesis = Emulator::builder().seed(1).clock(clock).in_process();
        let mut kept = BTreeMap::new();
        for line in &self.setup {
            if let Some(seconds) = line.strip_prefix("wait ") {
                let seconds = seconds.parse().expect("a number of seconds");
                kinesis.clock().advance(Duration::from_secs(seconds));
                continue;
            }
            let (call, keep) = match line.split_once(" => ") {
                Some((call, name)) => (call, Some(name)),
                None => (*line, None),
            };
            let (operation, body) = call.split_once(' ').expect("an operation and its input");
            let answer = send(&kinesis, operation, JSON, fill(body, &kept).into());
            assert_eq!(answer.status(), 200, "{line}: {:?}", answer.body());
            if let Some(name) = keep {
                let answer: Value = serde_json::from_slice(answer.body()).expect("it is JSON");
                kept.insert(name.to_owned(), find(&answer, name).expect("the member is there"));
            }
        }
        let body = match self.content_type() {
            JSON => fill(self.body, &kept).into(),
            _ => cbor_of(self.body, &kept),
        };
        print(&send(&kinesis, self.operation, self.content_type(), body))
    }
}

/// Puts kept values in place.
fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

/// Hexadecimal with kept values in quotes, which become CBOR texts.
fn cbor_of(text: &str, kept: &BTreeMap<String, String>) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut bytes);
    for word in text.split_whitespace() {
        match word.strip_prefix("{{").and_then(|word| word.strip_suffix("}}")) {
            Some(name) => drop(encoder.str(&kept[name]).expect("memory takes it")),
            None => match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
                Some(literal) => drop(encoder.str(literal).expect("memory takes it")),
                None => encoder.writer_mut().extend((0..word.len()).step_by(2).map(|at| {
                    u8::from_str_radix(&word[at..at + 2], 16).expect("it is hexadecimal")
                })),
            },
        }
    }
    bytes.into()
}

/// The first text member of a name, at whatever depth.
fn find(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(members) => match members.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => members.values().find_map(|member| find(member, name)),
        },
        Value::Array(elements) => elements.iter().find_map(|element| find(element, name)),
        _ => None,
    }
}

fn send(kinesis: &Emulator, operation: &str, content_type: &str, body: Bytes) -> Response<Bytes> {
    let request = Request::post("/")
        .header("content-type", content_type)
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(body)
        .expect("the request is well-formed");
    kinesis.call(request)
}

/// An answer as golden files have it.
fn print(answer: &Response<Bytes>) -> String {
    let mut text = format!("{}\n", answer.status());
    let mut headers: Vec<_> = answer.headers().iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    let random = ["x-amzn-requestid", "x-amz-id-2"];
    for (name, value) in headers.into_iter().filter(|(name, _)| !random.contains(&name.as_str())) {
        let _ = writeln!(text, "{name}: {}", value.to_str().expect("headers are text"));
    }
    let is_text = answer.headers().get("content-type").is_some_and(|value| value == JSON);
    text.push('\n');
    if is_text {
        text += std::str::from_utf8(answer.body()).expect("JSON is text");
    } else {
        for line in answer.body().chunks(32) {
            for byte in line {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
