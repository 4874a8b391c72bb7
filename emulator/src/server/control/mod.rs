//! The control API: clock, limits, faults, snapshots and what is inside, over
//! HTTP, for tests in other languages.
//!
//! Every path begins with [`PREFIX`]; `GET` of it lists them. Bodies and answers
//! are JSON. A request that makes no sense is answered with 400 and
//! `{"error": "what to write instead"}`; every other refusal has that form, too.
//! Bodies come under the rules for all bodies, but a snapshot may be as large as
//! the memory for calls in flight. It is for tests on this machine: only loopback
//! callers are heard, and none that a browser sends for another page.

mod inside;
mod path;
mod rules;
mod snapshots;
mod time;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Map, Value, json};

use crate::durable::durability::Refusal as Unkept;
use crate::service::{BODY_BYTES_MAX, Service};

use super::refusal::Refusal;
use super::visitors::host_of;
use snapshots::Shelf;

/// Where the control API begins.
pub(super) const PREFIX: &str = "/_emulator";

/// Whether a path is the control API's.
pub(super) fn is_path(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What there is: method, path, and what it does.
const PATHS: &[(&str, &str, &str)] = &[
    ("GET", "/clock", "the emulator's time"),
    ("POST", "/clock", r#"move it: {"advance": "25h"} or {"advance_to_millis": 1767225600000}"#),
    ("GET", "/limits", "the name of the limits that are enforced"),
    ("PUT", "/limits", r#"enforce others: "aws", "off" or {"base": "aws", ...}"#),
    ("GET", "/latency", "how long calls take"),
    ("PUT", "/latency", r#"have them take longer: "aws", "none" or "15ms""#),
    ("GET", "/faults", "the rules, and how often each has fired"),
    ("POST", "/faults", "add a rule, or a list of rules; answers with their ids"),
    ("DELETE", "/faults", "remove all rules"),
    ("GET", "/faults/{id}", "one rule"),
    ("DELETE", "/faults/{id}", "remove a rule"),
    ("POST", "/faults/{id}/release", "let the calls go that the rule holds"),
    ("GET", "/streams", "the streams' names"),
    ("GET", "/streams/{name}", "status, shards and consumers of a stream"),
    (
        "GET",
        "/streams/{name}/records",
        "its records; ?at_least=3&within=10s waits for them, &shard=shardId-000000000000 is about \
         one shard",
    ),
    ("GET", "/journal", "the calls; needs --journal, or PUT"),
    ("PUT", "/journal", "keep journal, ledger and metrics from now on"),
    ("DELETE", "/journal", "forget the calls"),
    ("GET", "/ledger/{name}", "who read which records of a stream; of a deleted one, too"),
    ("DELETE", "/ledger", "forget the reads"),
    ("GET", "/metrics", "CloudWatch's counters"),
    ("DELETE", "/metrics", "count from zero"),
    ("GET", "/snapshots", "the snapshots that are kept"),
    ("POST", "/snapshots", "take one, or keep the one that is sent; answers with its id"),
    ("GET", "/snapshots/{id}", "the snapshot as a file"),
    ("DELETE", "/snapshots/{id}", "forget it"),
    ("POST", "/snapshots/{id}/restore", "put everything back to it"),
    (
        "POST",
        "/reset",
        "put streams, faults, limits, latency and what was recorded back to the start",
    ),
];

/// What the control API works on.
#[derive(Clone)]
struct Controlled {
    service: Arc<Service>,
    snapshots: Arc<Shelf>,
}

/// Who sends a request, as far as the socket knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// The routes of the control API.
pub(super) fn routes(service: Arc<Service>) -> Router {
    let snapshots = Arc::new(Shelf::new(&service));
    let api = Router::new()
        .route("/", get(index))
        .merge(time::routes())
        .merge(rules::routes())
        .merge(inside::routes())
        .merge(snapshots::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(Controlled { service, snapshots });
    Router::new()
        .nest(PREFIX, api)
        .route(&format!("{PREFIX}/"), get(index))
        .method_not_allowed_fallback(unknown_method)
        // Bodies are whole when they come here, and were small enough then.
        .layer(DefaultBodyLimit::disable())
}

/// The control API of a listener.
#[derive(Debug)]
pub(super) struct Control {
    routes: TowerToHyperService<Router>,
    /// What was exported can be imported, whatever its size, as far as there is memory
    /// for calls in flight. So that is its limit: what is more could never be taken.
    snapshot_bytes_max: usize,
}

impl Control {
    pub(super) fn new(routes: Router, in_flight_bytes_max: usize) -> Self {
        let routes = TowerToHyperService::new(routes);
        Self { routes, snapshot_bytes_max: in_flight_bytes_max }
    }

    /// How many bytes the body of a request may have.
    pub(super) fn body_bytes_max<B>(&self, request: &Request<B>) -> usize {
        match brings_snapshot(request.method(), request.uri().path()) {
            true => self.snapshot_bytes_max,
            false => BODY_BYTES_MAX,
        }
    }

    /// Answers a request that is let in and has come whole.
    pub(super) async fn answer(&self, request: Request<Bytes>) -> Response {
        let Ok(response) = self.routes.call(request.map(Body::from)).await;
        response
    }

    /// What a request gets that is not let in, or does not come whole.
    pub(super) fn refuse(refusal: &Refusal, request: &Parts) -> Response {
        let mut error = refusal.sentence();
        if matches!(refusal, Refusal::BodyTooLarge(_))
            && brings_snapshot(&request.method, request.uri.path())
        {
            error += " A snapshot is taken up to --max-in-flight: start the emulator with more.";
        }
        answer(refusal.status(), &json!({"error": error}))
    }
}

fn brings_snapshot(method: &Method, path: &str) -> bool {
    *method == Method::POST && path.strip_prefix(PREFIX) == Some(snapshots::PATH)
}

/// Lets in who sits at this machine and knows where they are.
///
/// # Errors
/// Why, and what to do about it.
pub(super) fn admit<B>(request: &Request<B>, peer: Option<Peer>) -> Result<(), Refusal> {
    let refusal = if !peer.is_some_and(|peer| peer.0.is_loopback()) {
        "the control API answers callers on this machine only"
    } else if request.headers().contains_key(ORIGIN) {
        "the control API answers no web page"
    } else if !names_this_machine(request) {
        "the control API answers as localhost, 127.0.0.1 or [::1]: send such a Host header"
    } else {
        return Ok(());
    };
    Err(Refusal::NotForYou(refusal.to_owned()))
}

/// A name that somebody has pointed at this machine is a way in for web pages.
fn names_this_machine<B>(request: &Request<B>) -> bool {
    host_of(request).is_some_and(|host| {
        let address = host.parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

async fn index() -> Response {
    let paths = PATHS.iter().map(|(method, path, does)| {
        json!({"method": method, "path": format!("{PREFIX}{path}"), "does": does})
    });
    ok(&json!({"paths": paths.collect::<Vec<_>>()}))
}

async fn unknown_path() -> Response {
    let error = format!("there is no such path: GET {PREFIX} lists them");
    answer(StatusCode::NOT_FOUND, &json!({"error": error}))
}

async fn unknown_method() -> Response {
    let error = format!("the path takes other methods: GET {PREFIX} lists them");
    answer(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": error}))
}

/// A request that makes no sense, or cannot be served: why.
#[derive(Debug)]
struct Refused(StatusCode, String);

impl Refused {
    fn because(why: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }

    fn missing(what: impl ToString) -> Self {
        Self(StatusCode::NOT_FOUND, what.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        answer(self.0, &json!({"error": self.1}))
    }
}

type Answered = Result<Response, Refused>;

/// Waits until what was done is safe in the data directory, if there is one.
///
/// # Errors
/// If it cannot be written now: it is in force all the same.
async fn kept(of: &Controlled) -> Result<(), Refused> {
    let unkept = |why: Unkept| Refused(StatusCode::INTERNAL_SERVER_ERROR, why.to_string());
    of.service.kept().await.map_err(unkept)
}

fn ok(value: &Value) -> Response {
    answer(StatusCode::OK, value)
}

fn answer(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], value.to_string() + "\n").into_response()
}

/// The body as JSON.
fn parse(body: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::because(format!("the body is not JSON: {error}")))
}

/// The members of a body that is an object.
fn members(body: &Bytes) -> Result<Map<String, Value>, Refused> {
    match parse(body)? {
        Value::Object(members) => Ok(members),
        _ => Err(Refused::because("the body is a JSON object")),
    }
}

/// The state, where nothing else is taken from a request.
type Of = State<Controlled>;
