//! A lean client that writes and signs its own requests: the cost of a call is
//! close to that of the socket, so that it can load what the SDK cannot.
//!
//! One request at a time on each HTTP/1.1 connection; there are as many as there
//! are calls at once. HTTP/2 shares a few connections among all calls.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::http1::{Broken, Connection, Wire};
use super::sign::Signer;
use super::{
    Driver, Fetched, Incoming, Listed, Outgoing, PAGES_MAX, Placed, Position, Refusal, UNANSWERED,
};
use crate::measure::clock::{Limit, since_epoch};
use crate::measure::counters::Counters;

/// Calls through our own client.
#[derive(Debug, Clone)]
pub struct NativeDriver {
    client: Client,
    counters: Counters,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    signer: Arc<Signer>,
    way: Way,
    attempt_max: Duration,
}

/// Answers requests without a socket.
pub type Answerer = Arc<dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync>;

/// How requests reach the target.
pub enum Way {
    /// By a function call.
    Call(Answerer),
    /// HTTP/1.1.
    Http1(Address, Mutex<Vec<Kept>>),
    /// HTTP/2 with prior knowledge, over a number of connections.
    Http2(Address, Vec<tokio::sync::Mutex<Option<Http2>>>, AtomicUsize),
}

/// A connection between two calls.
#[derive(Debug)]
pub struct Kept {
    connection: Connection,
    /// Of its answers.
    limit: Limit,
}

type Http2 = http2::SendRequest<Full<Bytes>>;

/// Where to connect to.
#[derive(Clone)]
pub struct Address {
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How to speak TLS; none to speak without.
    pub tls: Option<TlsConnector>,
}

impl Way {
    /// HTTP/1.1 to an address.
    #[must_use]
    pub fn http1(address: Address) -> Self {
        Self::Http1(address, Mutex::default())
    }

    /// HTTP/2 with prior knowledge to an address.
    #[must_use]
    pub fn http2(address: Address, connections: usize) -> Self {
        let slots = (0..connections.max(1)).map(|_| tokio::sync::Mutex::default());
        Self::Http2(address, slots.collect(), AtomicUsize::new(0))
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call(_) => "Call",
            Self::Http1(..) => "Http1",
            Self::Http2(..) => "Http2",
        })
    }
}

impl NativeDriver {
    /// A driver that signs with `signer`; `client` does what is not measured.
    #[must_use]
    pub fn new(
        client: Client,
        counters: Counters,
        signer: Signer,
        way: Way,
        attempt_max: Duration,
    ) -> Self {
        let shared = Shared { signer: Arc::new(signer), way, attempt_max };
        Self { client, counters, shared: Arc::new(shared) }
    }

    /// The same with answers of a function in place of the target's; its calls are not
    /// counted.
    pub(super) fn answered_by(&self, answerer: Answerer) -> Driver {
        let Shared { signer, attempt_max, .. } = &*self.shared;
        let (signer, way) = (Arc::clone(signer), Way::Call(answerer));
        let shared = Arc::new(Shared { signer, way, attempt_max: *attempt_max });
        let (client, counters) = (self.client.clone(), Counters::default());
        Driver::Native(Self { client, counters, shared })
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.shared.signer
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) async fn put_record(
        &self,
        stream: &str,
        record: &Outgoing,
    ) -> Result<Placed, Refusal> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow, rename = "ShardId")]
            shard_id: Cow<'a, str>,
            #[serde(borrow, rename = "SequenceNumber")]
            sequence_number: Cow<'a, str>,
        }
        let mut body = Vec::with_capacity(128 + record.data.len() * 4 / 3);
        body.extend_from_slice(b"{\"StreamName\":");
        push_string(&mut body, stream);
        body.push(b',');
        push_record(&mut body, record);
        body.push(b'}');
        let answer = self.call("PutRecord", body).await?;
        let Answer { shard_id, sequence_number } = parse("PutRecord", &answer)?;
        Ok(Placed {
            shard_id: shard_id.into_owned(),
            sequence_number: sequence_number.into_owned(),
        })
    }

    pub(super) async fn put_records(
        &self,
        stream: &str,
        records: &[Outgoing],
    ) -> Result<Vec<Result<Placed, Refusal>>, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "Records")]
            records: Vec<Entry>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Entry {
            shard_id: Option<String>,
            sequence_number: Option<String>,
            error_code: Option<String>,
            error_message: Option<String>,
        }
        let bytes: usize = records.iter().map(|record| 128 + record.data.len() * 4 / 3).sum();
        let mut body = Vec::with_capacity(64 + bytes);
        body.extend_from_slice(b"{\"StreamName\":");
        push_string(&mut body, stream);
        body.extend_from_slice(b",\"Records\":[");
        for (place, record) in records.iter().enumerate() {
            body.extend_from_slice(if place == 0 { b"{" } else { b",{" });
            push_record(&mut body, record);
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        let answer = self.call("PutRecords", body).await?;
        let answer: Answer = parse("PutRecords", &answer)?;
        let entries = answer.records.into_iter().map(|entry| {
            let (code, message) = (entry.error_code, entry.error_message);
            Placed::or_refused(entry.shard_id, entry.sequence_number, code, message)
        });
        Ok(entries.collect())
    }

    pub(super) async fn get_shard_iterator(
        &self,
        stream: &str,
        shard_id: &str,
        position: &Position,
    ) -> Result<String, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "ShardIterator")]
            iterator: String,
        }
        let mut body = json!({"StreamName": stream, "ShardId": shard_id});
        match position {
            Position::Oldest => body["ShardIteratorType"] = "TRIM_HORIZON".into(),
            Position::Since(time) => {
                body["ShardIteratorType"] = "AT_TIMESTAMP".into();
                body["Timestamp"] = time.as_secs_f64().into();
            }
            Position::After(number) => {
                body["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
                body["StartingSequenceNumber"] = number.as_str().into();
            }
        }
        let answer = self.call("GetShardIterator", body.to_string().into()).await?;
        let Answer { iterator } = parse("GetShardIterator", &answer)?;
        Ok(iterator)
    }

    pub(super) async fn get_records(&self, iterator: &str) -> Result<Fetched, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer<'a> {
            #[serde(borrow)]
            records: Vec<Record<'a>>,
            next_shard_iterator: Option<String>,
            millis_behind_latest: Option<u64>,
            #[serde(default)]
            child_shards: Option<Vec<Child>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Record<'a> {
            #[serde(borrow)]
            data: Cow<'a, str>,
            #[serde(default)]
            partition_key: String,
            sequence_number: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Child {
            shard_id: String,
        }
        let mut body = b"{\"ShardIterator\":".to_vec();
        push_string(&mut body, iterator);
        body.push(b'}');
        let answer = self.call("GetRecords", body).await?;
        let answer: Answer<'_> = parse("GetRecords", &answer)?;
        let records: Result<Vec<Incoming>, base64::DecodeError> = answer
            .records
            .into_iter()
            .map(|record| {
                Ok(Incoming {
                    partition_key: record.partition_key,
                    sequence_number: record.sequence_number,
                    data: STANDARD.decode(record.data.as_bytes())?.into(),
                })
            })
            .collect();
        Ok(Fetched {
            records: records.map_err(|error| unanswered("GetRecords", error))?,
            next: answer.next_shard_iterator,
            millis_behind: answer.millis_behind_latest.unwrap_or(0),
            children: answer
                .child_shards
                .unwrap_or_default()
                .into_iter()
                .map(|child| child.shard_id)
                .collect(),
        })
    }

    pub(super) async fn list_shards(&self, stream: &str) -> Result<Vec<Listed>, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            shards: Vec<Shard>,
            next_token: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Shard {
            shard_id: String,
            hash_key_range: Hashes,
            sequence_number_range: Numbers,
            parent_shard_id: Option<String>,
            adjacent_parent_shard_id: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Hashes {
            starting_hash_key: String,
            ending_hash_key: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Numbers {
            ending_sequence_number: Option<String>,
        }
        let mut listed = Vec::new();
        let mut body = json!({"StreamName": stream});
        for _ in 0..PAGES_MAX {
            let answer = self.call("ListShards", body.to_string().into()).await?;
            let answer: Answer = parse("ListShards", &answer)?;
            for shard in answer.shards {
                let number = |text: &str| {
                    text.parse::<u128>().map_err(|error| unanswered("ListShards", error))
                };
                let parents = [shard.parent_shard_id, shard.adjacent_parent_shard_id];
                listed.push(Listed {
                    first: number(&shard.hash_key_range.starting_hash_key)?,
                    last: number(&shard.hash_key_range.ending_hash_key)?,
                    is_closed: shard.sequence_number_range.ending_sequence_number.is_some(),
                    parents: parents.into_iter().flatten().collect(),
                    shard_id: shard.shard_id,
                });
            }
            match answer.next_token {
                Some(token) => body = json!({"NextToken": token}),
                None => return Ok(listed),
            }
        }
        Err(unanswered("ListShards", "a list of shards without end"))
    }

    /// One call, signed; the body of the answer if it was a good one.
    async fn call(&self, operation: &'static str, body: Vec<u8>) -> Result<Bytes, Refusal> {
        self.counters.called();
        let answer = self.attempt(operation, body).await;
        let (status, body) = answer.map_err(|error| unanswered(operation, error))?;
        if status == 200 {
            return Ok(body);
        }
        let refusal = refusal(operation, status, &body);
        if refusal.is_throttle() {
            self.counters.throttled(1);
        }
        Err(refusal)
    }

    async fn attempt(&self, operation: &'static str, body: Vec<u8>) -> io::Result<(u16, Bytes)> {
        let Shared { signer, way, attempt_max } = &*self.shared;
        match way {
            Way::Call(answer) => {
                self.counters.attempted();
                let answer = answer(request(signer, "/", operation, body)?);
                Ok((answer.status().as_u16(), answer.into_body()))
            }
            Way::Http1(address, idle) => {
                for _ in 0..IDLE_MAX {
                    let kept = idle.lock().expect("nobody panics while holding it").pop();
                    let mut kept = match kept {
                        Some(kept) => kept,
                        None => {
                            let mut limit = Limit::new();
                            let wire = limit.hold(*attempt_max, address.connect()).await;
                            let wire = wire.unwrap_or_else(|| Err(late(*attempt_max)))?;
                            Kept { connection: Connection::new(wire), limit }
                        }
                    };
                    self.counters.attempted();
                    let Kept { connection, limit } = &mut kept;
                    connection.request.clear();
                    let signed = signer.sign(operation, &body, since_epoch());
                    signed.write_head(&mut connection.request, body.len());
                    connection.request.extend_from_slice(&body);
                    match limit.hold(*attempt_max, connection.exchange()).await {
                        Some(Ok(answer)) => {
                            if answer.is_kept {
                                idle.lock().expect("nobody panics while holding it").push(kept);
                            }
                            return Ok((answer.status, answer.body.into()));
                        }
                        Some(Err(Broken::WasIdle)) => {}
                        Some(Err(Broken::Io(error))) => return Err(error),
                        None => return Err(late(*attempt_max)),
                    }
                }
                Err(io::Error::other("each connection was closed as soon as it was used"))
            }
            Way::Http2(address, slots, next) => {
                let slot = &slots[next.fetch_add(1, Relaxed) % slots.len()];
                let exchange = self.exchange_over_http2(address, slot, operation, body);
                let answer = timeout(*attempt_max, exchange).await;
                answer.unwrap_or_else(|_| Err(late(*attempt_max)))
            }
        }
    }

    async fn exchange_over_http2(
        &self,
        address: &Address,
        slot: &tokio::sync::Mutex<Option<Http2>>,
        operation: &'static str,
        body: Vec<u8>,
    ) -> io::Result<(u16, Bytes)> {
        let signer = &self.shared.signer;
        let mut sender = address.http2(slot).await?;
        self.counters.attempted();
        let url = format!("http://{}/", signer.host());
        let request = request(signer, &url, operation, body)?.map(Full::new);
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(io::Error::other)?;
        Ok((status, body.to_bytes()))
    }
}

fn late(attempt_max: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {attempt_max:?}"))
}

/// More connections than this that were closed while idle are no coincidence.
const IDLE_MAX: usize = 1_024;

impl Address {
    async fn socket(&self) -> io::Result<TcpStream> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let socket = self.socket().await?;
        match &self.tls {
            None => Ok(Box::new(socket)),
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
                Ok(Box::new(tls.connect(name, socket).await?))
            }
        }
    }

    /// The connection of a slot, anew if it is closed.
    async fn http2(&self, slot: &tokio::sync::Mutex<Option<Http2>>) -> io::Result<Http2> {
        let mut slot = slot.lock().await;
        if let Some(sender) = slot.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let wire = TokioIo::new(self.socket().await?);
        let opened = http2::handshake(TokioExecutor::new(), wire).await;
        let (sender, connection) = opened.map_err(io::Error::other)?;
        // It ends with the last sender; what broke is told to whoever waits for an answer.
        tokio::spawn(async move { drop(connection.await) });
        *slot = Some(sender.clone());
        Ok(sender)
    }
}

fn request(
    signer: &Signer,
    url: &str,
    operation: &str,
    body: Vec<u8>,
) -> io::Result<Request<Bytes>> {
    let signed = signer.sign(operation, &body, since_epoch());
    let mut request = Request::post(url);
    for (name, value) in signed.headers() {
        // HTTP/2 names the host in the URL.
        if name != "host" || url == "/" {
            request = request.header(name, value);
        }
    }
    request.body(body.into()).map_err(io::Error::other)
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a Vec takes whatever is written");
}

/// The members of a record, without brackets.
fn push_record(out: &mut Vec<u8>, record: &Outgoing) {
    out.extend_from_slice(b"\"PartitionKey\":");
    push_string(out, &record.partition_key);
    if let Some(hash_key) = record.explicit_hash_key {
        out.extend_from_slice(b",\"ExplicitHashKey\":\"");
        out.extend_from_slice(hash_key.to_string().as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b",\"Data\":\"");
    let start = out.len();
    out.resize(start + record.data.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(&record.data, &mut out[start..]);
    out.truncate(start + written.expect("base64 takes four bytes for three"));
    out.push(b'"');
}

fn parse<'a, T: Deserialize<'a>>(operation: &'static str, body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| unanswered(operation, format!("the answer cannot be read: {error}")))
}

pub(super) fn unanswered(operation: &'static str, error: impl fmt::Display) -> Refusal {
    Refusal { operation, code: UNANSWERED.to_owned(), message: error.to_string() }
}

/// What a status other than 200 says; the code stands in `__type`, perhaps behind a `#`.
fn refusal(operation: &'static str, status: u16, body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "__type")]
        kind: String,
        #[serde(default, alias = "Message")]
        message: String,
    }
    match serde_json::from_slice::<Answer>(body) {
        Ok(Answer { kind, message }) => {
            let code = kind.rsplit('#').next().unwrap_or(&kind).to_owned();
            Refusal { operation, code, message }
        }
        Err(_) => Refusal { operation, code: format!("HTTP {status}"), message: String::new() },
    }
}
