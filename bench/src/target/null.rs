//! A target that does nothing: canned, valid answers, so that what remains is
//! the client itself. In process, or over TCP on a thread of its own.
//!
//! Only that streams exist from creation to deletion is remembered. Records are
//! acknowledged and forgotten: a run against it verifies nothing and says so.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_kinesis::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The target; a clone has the same streams.
#[derive(Debug, Clone, Default)]
pub struct NullTarget(Arc<Mutex<BTreeMap<String, u64>>>);

impl NullTarget {
    /// Answers a request.
    #[must_use]
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let operation = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok());
        let operation = operation.and_then(|name| name.rsplit('.').next()).unwrap_or("");
        let (status, body) = self.answer_to(operation, request.body());
        Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
            .body(body)
            .expect("the head is well formed")
    }

    fn answer_to(&self, operation: &str, body: &Bytes) -> (u16, Bytes) {
        match operation {
            "PutRecord" => (200, Bytes::from_static(PLACED.as_bytes())),
            "PutRecords" => {
                let records = count(body, b"\"PartitionKey\"");
                let placed = vec![PLACED; records].join(",");
                (200, format!("{{\"FailedRecordCount\":0,\"Records\":[{placed}]}}").into())
            }
            "GetShardIterator" => (200, Bytes::from_static(b"{\"ShardIterator\":\"null\"}")),
            "GetRecords" => (200, Bytes::from_static(NO_RECORDS.as_bytes())),
            _ => self.answer_control(operation, body),
        }
    }

    fn answer_control(&self, operation: &str, body: &Bytes) -> (u16, Bytes) {
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let name = input["StreamName"].as_str().unwrap_or("");
        let mut streams = self.0.lock().expect("nobody panics while holding the streams");
        let shards = streams.get(name).copied();
        let answer = match (operation, shards) {
            ("CreateStream", None) => {
                streams.insert(name.to_owned(), input["ShardCount"].as_u64().unwrap_or(1));
                json!({})
            }
            ("CreateStream", Some(_)) => {
                return refusal("ResourceInUseException", "the stream exists");
            }
            ("DescribeStreamSummary", Some(shards)) => json!({"StreamDescriptionSummary": {
                "StreamName": name, "StreamARN": arn(name), "StreamStatus": "ACTIVE",
                "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0.0,
                "EnhancedMonitoring": [], "OpenShardCount": shards,
            }}),
            ("ListShards", Some(shards)) => json!({"Shards": shard_list(shards)}),
            ("DeleteStream", Some(_)) => {
                streams.remove(name);
                json!({})
            }
            ("DescribeStreamSummary" | "ListShards" | "DeleteStream", None) => {
                return refusal("ResourceNotFoundException", "there is no such stream");
            }
            _ => return refusal("UnknownOperationException", "the null target does not know that"),
        };
        (200, answer.to_string().into())
    }

    /// An SDK client whose requests never leave the process.
    #[must_use]
    pub fn client(&self) -> Client {
        client("http://null.invalid", SharedHttpClient::new(self.clone()))
    }
}

const PLACED: &str = "{\"ShardId\":\"shardId-000000000000\",\
    \"SequenceNumber\":\"49600000000000000000000000000000000000000000000000000002\"}";
const NO_RECORDS: &str = "{\"Records\":[],\"NextShardIterator\":\"null\",\"MillisBehindLatest\":0}";

fn refusal(code: &str, message: &str) -> (u16, Bytes) {
    (400, json!({"__type": code, "message": message}).to_string().into())
}

fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}")
}

fn shard_list(shards: u64) -> Vec<Value> {
    let shards = u128::from(shards.max(1));
    let width = u128::MAX / shards;
    let shard = |n: u128| {
        let first = width * n + u128::from(n > 0);
        let last = if n + 1 == shards { u128::MAX } else { width * (n + 1) };
        json!({
            "ShardId": format!("shardId-{n:012}"),
            "HashKeyRange":
                {"StartingHashKey": first.to_string(), "EndingHashKey": last.to_string()},
            "SequenceNumberRange": {"StartingSequenceNumber": "49600000000000"},
        })
    };
    (0..shards).map(shard).collect()
}

fn count(text: &[u8], wanted: &[u8]) -> usize {
    text.windows(wanted.len()).filter(|window| *window == wanted).count()
}

/// An SDK client of something that accepts any credentials.
pub(super) fn client(url: &str, http_client: SharedHttpClient) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "kinesis-bench"))
        .http_client(http_client);
    Client::from_conf(config.build())
}

impl HttpClient for NullTarget {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for NullTarget {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = self.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
            let answer = target.answer(&Request::from_parts(parts, body));
            HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The null target on a loopback port, HTTP/1.1 and HTTP/2, until it is dropped.
#[derive(Debug)]
pub struct NullServer {
    address: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl NullServer {
    /// Listens on a port of the loopback interface; 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("null target".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = serve(listener) => served.expect("a listening socket accepts"),
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self {
            address,
            url: format!("http://{address}"),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let target = NullTarget::default();
    loop {
        let (socket, _) = listener.accept().await?;
        // A socket that cannot be told so is only slower.
        let _ = socket.set_nodelay(true);
        let target = target.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let target = target.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map(|body| body.to_bytes());
                    let request = Request::from_parts(parts, body.unwrap_or_default());
                    Ok::<_, Infallible>(target.answer(&request).map(Full::new))
                }
            });
            let connection = auto::Builder::new(TokioExecutor::new());
            // A client that hangs up in the middle is the client's business.
            drop(connection.serve_connection(TokioIo::new(socket), answer).await);
        });
    }
}
