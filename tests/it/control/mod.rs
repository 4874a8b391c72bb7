//! The control API, as a test in another language uses it: plain HTTP.

mod bodies;
mod refusals;
mod waiting;

use std::net::{IpAddr, Ipv4Addr};

use kinesis_emulator::{ClientLimits, Clock, Emulator};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::raw::{Custom, START, put_input};
use crate::support::{create_stream, http_client, impatient_client, read_shard, shard_id};

/// An emulator that is controlled from outside.
struct Controlled {
    emulator: Emulator,
    http: Client,
}

impl Controlled {
    fn start() -> Self {
        Self::limited(|_| ())
    }

    /// The same with other limits on clients.
    fn limited(change: impl FnOnce(&mut ClientLimits)) -> Self {
        let mut limits = ClientLimits::default();
        change(&mut limits);
        let builder = Emulator::builder().clock(Clock::manual(START)).control_api().seed(1);
        let builder = builder.client_limits(limits);
        let emulator = builder.start_blocking().expect("there is a free port");
        Self { emulator, http: http_client().build().expect("a client") }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let url = format!("{}/_emulator{path}", self.emulator.url());
        let answer = self.http.request(method, url).body(body).send().await.expect("an answer");
        let status = answer.status();
        let bytes = answer.bytes().await.expect("a whole answer");
        Answer { status, bytes: bytes.to_vec() }
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, "").await.ok()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, body.to_string()).await.ok()
    }

    fn put(&self, key: &str) -> StatusCode {
        self.put_data(key, b"paid")
    }

    fn put_data(&self, key: &str, data: &[u8]) -> StatusCode {
        let request = Custom::json("PutRecord", &put_input("orders", key, data));
        self.emulator.call(request.into()).status()
    }
}

struct Answer {
    status: StatusCode,
    bytes: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    #[track_caller]
    fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()["error"].as_str().expect("a sentence").to_owned()
    }
}

#[tokio::test]
async fn the_index_lists_paths_that_answer() {
    let controlled = Controlled::start();
    let index = controlled.get("").await;
    let paths = index["paths"].as_array().expect("a list");
    assert!(paths.len() > 20);
    for path in paths {
        let (method, path) = (path["method"].as_str().unwrap(), path["path"].as_str().unwrap());
        let path = path.strip_prefix("/_emulator").unwrap();
        let method = method.parse().expect("a method");
        let path = path.replace("{id}", "1").replace("{name}", "orders");
        let answer = controlled.send(method, &path, "").await;
        // There is nothing yet, so some say so; but each says something of its own.
        let says = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!says.contains("no such path"), "{path}: {says}");
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let unknown = controlled.send(Method::GET, "/nothing", "").await.error(404);
    assert!(unknown.contains("no such path"), "{unknown}");
}

#[tokio::test]
async fn the_clock_moves_and_never_goes_back() {
    let controlled = Controlled::start();
    let start = START.as_millis();
    assert_eq!(controlled.get("/clock").await["now_millis"], start);
    let moved = controlled.post("/clock", json!({"advance": "25h"})).await;
    assert_eq!(moved["now_millis"], start + 25 * 3_600_000);
    let moved = controlled.post("/clock", json!({"advance_to_millis": start})).await;
    assert_eq!(moved["now_millis"], start + 25 * 3_600_000);
    // No sequence number could say the time.
    let too_far = [json!({"advance": "19999999h"}), json!({"advance_to_millis": u64::MAX})];
    for wrong in too_far {
        let answer = controlled.send(Method::POST, "/clock", wrong.to_string()).await;
        assert!(answer.error(400).contains("to the year 4147"), "{wrong}");
    }
    assert_eq!(controlled.get("/clock").await, moved);
    for wrong in [json!({}), json!({"advance": 5}), json!({"advance": "5"}), json!([1])] {
        let answer = controlled.send(Method::POST, "/clock", wrong.to_string()).await;
        assert!(!answer.error(400).is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn rules_are_added_counted_and_removed() {
    let controlled = Controlled::start();
    create_stream(&impatient_client(&controlled.emulator), "orders", 1).await;
    let rule = json!({
        "operation": "PutRecord", "times": 1, "reject": "ProvisionedThroughputExceededException",
    });
    let id = controlled.post("/faults", rule).await["id"].as_u64().expect("an id");
    assert_eq!(
        [controlled.put("a"), controlled.put("b")].map(|status| status.as_u16()),
        [400, 200]
    );
    assert_eq!(controlled.get(&format!("/faults/{id}")).await["fired"], 1);
    controlled.send(Method::DELETE, &format!("/faults/{id}"), "").await.ok();
    let gone = controlled.send(Method::DELETE, &format!("/faults/{id}"), "").await.error(404);
    assert!(gone.contains("has been removed"), "{gone}");
    let wrong = controlled.send(Method::POST, "/faults", r#"{"operation": "Putt"}"#).await;
    assert!(wrong.error(400).contains("exactly one of"));
}

#[tokio::test]
async fn rules_that_can_never_fire_are_refused_with_what_to_write() {
    let controlled = Controlled::start();
    for (condition, expected) in [
        (json!({"times": 0}), "`times`: 0 is not a number from 1 up: write one such as 3"),
        (json!({"stream": "a b"}), "`stream`: no stream can be \"a b\": write 1 to 128 letters, "),
        (json!({"region": "nowhere!"}), "such as eu-west-1"),
        (json!({"caller": ""}), "write an access key id such as AKIDEXAMPLE, or an account such"),
        (json!({"consumer": ""}), "`consumer`: no consumer can be \"\": write 1 to 128 letters, "),
        (json!({"partition_key": ""}), "write 1 to 256 characters"),
        (json!({"record": [0, 500]}), "places are from 0 to 499"),
    ] {
        let mut rule = condition;
        rule["reject"] = json!("InternalFailure");
        let answer = controlled.send(Method::POST, "/faults", rule.to_string()).await;
        let refused = answer.error(400);
        assert!(refused.contains(expected), "{rule}: {refused}");
    }
    assert_eq!(controlled.get("/faults").await["rules"], json!([]));
}

#[tokio::test]
async fn limits_and_latency_are_set_and_named() {
    let controlled = Controlled::start();
    assert_eq!(controlled.get("/limits").await["limits"], "off");
    controlled.send(Method::PUT, "/limits", "\"aws\"").await.ok();
    assert_eq!(controlled.emulator.limits().name(), "aws");
    controlled.send(Method::PUT, "/latency", "\"15ms\"").await.ok();
    assert_eq!(controlled.get("/latency").await["latency"], "15ms");
    // A path is not read.
    for (path, body) in [("/limits", "\"/etc/passwd\""), ("/latency", "\"/etc/passwd\"")] {
        controlled.send(Method::PUT, path, body).await.error(400);
    }
    // And no name is looked up among the files, whatever it looks like.
    let refused = controlled.send(Method::PUT, "/latency", "\"innocent\"").await.error(400);
    let expected = "\"innocent\" is no profile: write \"none\", \"aws\", \"15ms\" or an object";
    assert!(refused.starts_with(expected), "{refused}");
    controlled.send(Method::PUT, "/latency", r#"{"other": "2ms"}"#).await.ok();
}

#[tokio::test]
async fn records_are_seen_and_waited_for() {
    let controlled = Controlled::start();
    create_stream(&impatient_client(&controlled.emulator), "orders", 1).await;
    let (waiting, ()) =
        tokio::join!(controlled.get("/streams/orders/records?at_least=2&within=30s"), async {
            assert_eq!(controlled.put("a"), 200);
            assert_eq!(controlled.put("b"), 200);
        },);
    assert_eq!(waiting["records"].as_array().map(Vec::len), Some(2));
    assert_eq!(waiting["records"][1]["partition_key"], "b");
    let answer =
        controlled.send(Method::GET, "/streams/orders/records?at_least=3&within=20ms", "").await;
    assert!(answer.error(408).contains("3 records"), "what is there comes with it");
    assert_eq!(answer.json()["records"].as_array().map(Vec::len), Some(2));
    controlled.send(Method::GET, "/streams/none/records", "").await.error(404);
    assert_eq!(controlled.get("/streams").await["streams"], json!(["orders"]));
}

#[tokio::test]
async fn a_journal_is_kept_from_when_it_is_asked_for() {
    let controlled = Controlled::start();
    let off = controlled.send(Method::GET, "/journal", "").await.error(409);
    assert!(off.contains("--journal"), "{off}");
    controlled.send(Method::PUT, "/journal", "").await.ok();
    controlled.put("a");
    let journal = controlled.get("/journal?operation=PutRecord").await;
    assert_eq!(journal["calls"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_ledger_is_of_streams_that_are_there_or_have_been_read() {
    let controlled = Controlled::start();
    controlled.send(Method::PUT, "/journal", "").await.ok();
    let refused = controlled.send(Method::GET, "/ledger/nosuch", "").await.error(404);
    assert!(refused.contains("there is no stream nosuch"), "{refused}");
    let client = impatient_client(&controlled.emulator);
    create_stream(&client, "orders", 1).await;
    assert_eq!(controlled.get("/ledger/orders").await["reads"], json!([]), "nobody has read it");
    controlled.put("a");
    read_shard(&client, "orders", &shard_id(0)).await;
    client.delete_stream().stream_name("orders").send().await.expect("it is there");
    assert!(!controlled.emulator.stream("orders").exists());
    let reads = controlled.get("/ledger/orders").await["reads"].as_array().map(Vec::len);
    assert_eq!(reads, Some(1), "it has been read, and is gone");
    controlled.send(Method::DELETE, "/ledger", "").await.ok();
    controlled.send(Method::GET, "/ledger/orders", "").await.error(404);
}

#[tokio::test]
async fn snapshots_are_kept_exported_imported_and_gone_back_to() {
    let controlled = Controlled::start();
    create_stream(&impatient_client(&controlled.emulator), "orders", 1).await;
    controlled.put("a");
    let id = controlled.send(Method::POST, "/snapshots", "").await.ok()["id"].as_u64().unwrap();
    let file = controlled.send(Method::GET, &format!("/snapshots/{id}"), "").await.bytes;
    controlled.put("b");
    let stream = controlled.emulator.stream("orders");
    assert_eq!(stream.records().len(), 2);
    controlled.send(Method::POST, &format!("/snapshots/{id}/restore"), "").await.ok();
    assert_eq!(stream.records().len(), 1);
    // Another emulator begins from the file.
    let other = Controlled::start();
    let cut_off = file[..file.len() / 2].to_vec();
    let refused = other.send(Method::POST, "/snapshots", cut_off).await.error(400);
    assert!(refused.starts_with("the snapshot that was given is cut off"), "{refused}");
    let refused = other.send(Method::POST, "/snapshots", "[]").await.error(400);
    assert!(refused.starts_with("what was given is not a snapshot: "), "{refused}");
    assert!(refused.contains("GET /_emulator/snapshots/{id}"), "{refused}");
    let id = other.send(Method::POST, "/snapshots", file).await.ok()["id"].as_u64().unwrap();
    other.send(Method::POST, &format!("/snapshots/{id}/restore"), "").await.ok();
    assert_eq!(other.emulator.stream("orders").records().len(), 1);
    // And back to the very start.
    other.post("/reset", json!({})).await;
    assert!(!other.emulator.stream("orders").exists());
}

#[tokio::test]
async fn web_pages_and_strangers_are_not_let_in() {
    let controlled = Controlled::start();
    let url = format!("{}/_emulator/clock", controlled.emulator.url());
    for (header, value) in [
        ("origin", "http://www.evil.com"),
        ("host", "www.evil.com"),
        ("host", "localhost.www.evil.com"),
        ("host", "localhost.:x"),
    ] {
        let answer = controlled.http.get(&url).header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{header}: {value}");
        let refused: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(refused["error"].as_str().unwrap().starts_with("the control API answers "));
    }
    let address = controlled.emulator.url().parse::<reqwest::Url>().unwrap();
    let port = address.port().expect("a port");
    for host in [
        format!("localhost:{port}"),
        format!("localhost.:{port}"),
        format!("[::1]:{port}"),
        format!("{}", IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ] {
        let answer = controlled.http.get(&url).header("host", &host).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn it_is_off_unless_it_is_asked_for() {
    let emulator = Emulator::start().await;
    let http = http_client().build().expect("a client");
    let answer = http.get(format!("{}/_emulator/clock", emulator.url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "as AWS answers any GET");
}
