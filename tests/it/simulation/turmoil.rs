//! The emulator as a host of a turmoil simulation: its network, its time, and
//! one seed for everything.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kinesis_emulator::{Clock, Emulator};
use serde_json::{Value, json};
use turmoil::net::{TcpListener, TcpStream};

use crate::support::START;

const PORT: u16 = 4567;

/// Answers, each with the simulated time at which it came.
type Transcript = Rc<RefCell<String>>;

#[test]
fn one_seed_gives_the_same_bytes_at_the_same_times() {
    let first = simulate(7);
    assert_eq!(first.matches("HTTP/").count(), 2 * 12, "{first}");
    assert!(first.contains("x-amzn-requestid") && first.contains("SequenceNumber"), "{first}");
    assert_eq!(simulate(7), first);
    assert_ne!(simulate(8), first, "another seed, other ids and delays");
}

#[test]
fn a_subscription_goes_by_the_simulations_time() {
    let mut world = world(1, Duration::from_millis(100));
    host(&mut world, 1);
    world.client("reader", async {
        let mut kinesis = Http2::connect().await;
        kinesis.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1})).await;
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let consumer = json!({"StreamARN": arn, "ConsumerName": "reader"});
        let (_, registered) = kinesis.call("RegisterStreamConsumer", consumer).await;
        let registered: Value = serde_json::from_str(&registered)?;
        let began = turmoil::elapsed();
        let subscription = json!({
            "ConsumerARN": registered["Consumer"]["ConsumerARN"],
            "ShardId": "shardId-000000000000",
            "StartingPosition": {"Type": "LATEST"},
        });
        // The answer is whole when the subscription has ended.
        let (_, events) = kinesis.call("SubscribeToShard", subscription).await;
        assert!(events.matches("MillisBehindLatest").count() > 10);
        let lasted = turmoil::elapsed() - began;
        assert!((300..302).contains(&lasted.as_secs()), "{lasted:?}");
        Ok(())
    });
    world.run().expect("the reader has read");
}

/// Two writers, one over HTTP/1.1, one over HTTP/2, and what they were answered.
fn simulate(seed: u64) -> String {
    let transcript = Transcript::default();
    let mut world = world(seed, Duration::from_millis(5));
    host(&mut world, seed);
    for name in ["one", "two"] {
        let transcript = Rc::clone(&transcript);
        world.client(name, async move {
            let mut kinesis = Http::connect(name).await;
            let say = |(head, body): (String, String)| {
                let at = turmoil::elapsed().as_millis();
                *transcript.borrow_mut() += &format!("{name} at {at} ms: {head}\n{body}\n");
            };
            let stream = format!("stream-{name}");
            say(kinesis.call("CreateStream", json!({"StreamName": stream, "ShardCount": 2})).await);
            for key in 0..10 {
                let record = json!({"StreamName": stream, "PartitionKey": key.to_string(),
                    "Data": "AAAA"});
                say(kinesis.call("PutRecord", record).await);
            }
            let start = json!({"StreamName": stream, "ShardId": "shardId-000000000000",
                "ShardIteratorType": "TRIM_HORIZON"});
            say(kinesis.call("GetShardIterator", start).await);
            Ok(())
        });
    }
    world.run().expect("the writers are answered");
    transcript.take()
}

fn world(seed: u64, tick: Duration) -> turmoil::Sim<'static> {
    let mut builder = turmoil::Builder::new();
    builder.tick_duration(tick);
    builder.rng_seed(seed).simulation_duration(Duration::from_secs(600));
    builder.max_message_latency(Duration::from_millis(50)).build()
}

fn host(world: &mut turmoil::Sim<'static>, seed: u64) {
    world.host("kinesis", move || async move {
        let builder = Emulator::builder().seed(seed).clock(Clock::tokio_from(START));
        let kinesis = builder.in_process();
        let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(kinesis.serve(connection));
        }
    });
}

/// A client, whichever HTTP it speaks.
enum Http {
    One(hyper::client::conn::http1::SendRequest<Full<Bytes>>),
    Two(Http2),
}

struct Http2(hyper::client::conn::http2::SendRequest<Full<Bytes>>);

impl Http {
    async fn connect(name: &str) -> Self {
        if name == "two" {
            return Self::Two(Http2::connect().await);
        }
        let io = TokioIo::new(TcpStream::connect(("kinesis", PORT)).await.expect("it listens"));
        let (client, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP");
        tokio::spawn(connection);
        Self::One(client)
    }

    async fn call(&mut self, operation: &str, input: Value) -> (String, String) {
        match self {
            Self::One(client) => {
                read(client.send_request(request(operation, &input)).await.expect("an answer"))
                    .await
            }
            Self::Two(client) => client.call(operation, input).await,
        }
    }
}

impl Http2 {
    async fn connect() -> Self {
        let io = TokioIo::new(TcpStream::connect(("kinesis", PORT)).await.expect("it listens"));
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (client, connection) = handshake.await.expect("HTTP/2");
        tokio::spawn(connection);
        Self(client)
    }

    async fn call(&mut self, operation: &str, input: Value) -> (String, String) {
        read(self.0.send_request(request(operation, &input)).await.expect("an answer")).await
    }
}

fn request(operation: &str, input: &Value) -> Request<Full<Bytes>> {
    Request::post("http://kinesis/")
        .header("host", "kinesis")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")
        .body(Full::new(Bytes::from(input.to_string())))
        .expect("a valid request")
}

/// The head and the body of an answer that has to be a good one.
async fn read(answer: http::Response<hyper::body::Incoming>) -> (String, String) {
    assert_eq!(answer.status(), 200, "{answer:?}");
    let head = format!("{:?} {:?}", answer.version(), answer.headers());
    let body = answer.into_body().collect().await.expect("the body is whole").to_bytes();
    (head, String::from_utf8_lossy(&body).into_owned())
}
