//! `http::Request` → `http::Response`: the envelope, the clock, the ids.
//!
//! The only room with the clock. It speaks `http` types, so that the SDK's
//! connector and the socket share it; it knows neither axum nor sockets.

pub(crate) mod body;
pub(crate) mod clock;
mod envelope;
mod fan_out;
mod health;
pub(crate) mod init;
mod signature;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, ORIGIN,
};
use http::{Method, Request, Response, StatusCode};

use crate::engine::Engine;
use crate::engine::entropy::Entropy;
use crate::model::arn::RealmId;
use crate::model::error::ApiError;
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;
use crate::operations::{Call, OperationName, Prepared, Reply};
use crate::wire::{Protocol, event_stream};

use body::Body;
use clock::Clock;
use envelope::{Admitted, Refusal};
use fan_out::Events;

/// Larger request bodies are answered with 413. Ten MiB of data are about
/// 14 MiB of base64 (ours: AWS documents no limit on the body itself).
#[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
/// What pages of other origins may read (recorded).
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
);

/// One emulator, seen from a request.
#[derive(Debug)]
pub(crate) struct Service {
    engine: Engine,
    clock: Clock,
    /// Apart from the engine's, so that its draws do not depend on who asked.
    request_ids: Entropy,
    /// Set when a call has panicked: the emulator has a bug and says so.
    broken: AtomicBool,
}

/// A call that may go on to its operation.
struct LetIn {
    operation: OperationName,
    protocol: Protocol,
    caller: RealmId,
    prepared: Box<dyn Prepared>,
}

impl Service {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        let request_ids = Entropy::new(settings.seed.map(|seed| !seed));
        Self { engine: Engine::new(settings), clock, request_ids, broken: AtomicBool::new(false) }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    /// Whether a call has panicked.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Answers a request, whatever it is.
    pub(crate) fn call(self: &Arc<Self>, request: Request<Bytes>) -> Response<Body> {
        let now = self.clock.now();
        let (parts, body) = request.into_parts();
        if is_preflight(&parts) {
            return self.complete(empty(StatusCode::OK), &parts, now);
        }
        let response = match self.let_in(&parts, &body, now) {
            Ok(admitted) => self.serve(admitted, now),
            Err(refusal) => refuse(refusal),
        };
        self.complete(response, &parts, now)
    }

    /// What stands before an operation: the envelope and the first two gates.
    fn let_in(
        &self,
        parts: &http::request::Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<LetIn, Refusal> {
        let Admitted { operation, protocol, caller } =
            envelope::admit(parts, body, self.settings(), now)?;
        match self.guarded(|| (operation.prepare)(protocol, body)) {
            Ok(prepared) => Ok(LetIn { operation: operation.name, protocol, caller, prepared }),
            Err(error) => Err(Refusal::Api(protocol, error)),
        }
    }

    /// Runs the operation.
    fn serve(self: &Arc<Self>, let_in: LetIn, now: Timestamp) -> Response<Body> {
        let LetIn { protocol, caller, prepared, .. } = let_in;
        let call = Call { now, caller: &caller, engine: &self.engine };
        match self.guarded(|| prepared.handle(&call)) {
            Ok(Reply::Body(answer)) => with_body(StatusCode::OK, protocol.content_type(), answer),
            Ok(Reply::Subscription(subscription)) => {
                let events = Events::new(Arc::clone(self), subscription, protocol);
                let mut response = empty(StatusCode::OK);
                *response.body_mut() = Body::Events(Box::new(events));
                let content_type = HeaderValue::from_static(event_stream::CONTENT_TYPE);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                response
            }
            Err(error) => api_error(protocol, &error),
        }
    }

    /// Makes a panic an InternalFailure, and remembers it.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
            // The panic's own message has been printed by its hook.
            self.broken.store(true, Ordering::Release);
            Err(ApiError::internal_failure())
        })
    }

    /// Adds what every answer carries: length, date, ids, CORS.
    fn complete(
        &self,
        mut response: Response<Body>,
        request: &http::request::Parts,
        now: Timestamp,
    ) -> Response<Body> {
        let length = match response.body() {
            Body::Full(bytes) => Some(bytes.len()),
            Body::Events(_) => None,
        };
        let preflight = is_preflight(request);
        let headers = response.headers_mut();
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        headers.insert(DATE, header(&now.http_date()));
        headers.insert(REQUEST_ID, header(&self.request_id()));
        if !preflight {
            headers.insert(EXTENDED_REQUEST_ID, header(&self.extended_request_id()));
        }
        add_cors(headers, &request.headers, preflight);
        response
    }

    /// A random UUID (RFC 9562, version 4).
    fn request_id(&self) -> String {
        let mut bytes = self.request_ids.draw_16_bytes();
        bytes[6] = 0x40 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let [a, b] =
            [u128::from_be_bytes(bytes) >> 64, u128::from_be_bytes(bytes)].map(|half| half as u64);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xffff,
            b >> 48,
            b & 0xffff_ffff_ffff
        )
    }

    /// 72 bytes of base64, as recorded.
    fn extended_request_id(&self) -> String {
        let mut bytes = [0; 72];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.request_ids.draw().to_be_bytes());
        }
        STANDARD.encode(bytes)
    }
}

fn is_preflight(request: &http::request::Parts) -> bool {
    request.method == Method::OPTIONS && request.headers.contains_key(ORIGIN)
}

fn refuse(refusal: Refusal) -> Response<Body> {
    match refusal {
        Refusal::Api(protocol, error) => api_error(protocol, &error),
        Refusal::Health(page) => with_body(StatusCode::OK, "application/json", page),
        Refusal::AccessDenied => without_type(
            StatusCode::FORBIDDEN,
            "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
             authorized</Message>\n</AccessDeniedException>\n",
        ),
        Refusal::UnknownContentType => {
            without_type(StatusCode::NOT_FOUND, "<UnknownOperationException/>\n")
        }
        Refusal::PlainJson(status, kind) => with_body(
            status,
            "application/json",
            format!(
                r#"{{"Output":{{"__type":"com.amazon.coral.service#{kind}"}},"Version":"1.0"}}"#
            ),
        ),
    }
}

fn api_error(protocol: Protocol, error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.kind().status()).expect("the table has real statuses");
    with_body(status, protocol.content_type(), protocol.encode_error(error))
}

fn with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::Full(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The refusals in XML carry no Content-Type (recorded).
fn without_type(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Full(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    without_type(status, "")
}

fn add_cors(headers: &mut HeaderMap, request: &HeaderMap, preflight: bool) {
    if !request.contains_key(ORIGIN) {
        return;
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if !preflight {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        return;
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
    for (asked, allowed) in [
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
    ] {
        if let Some(value) = request.get(asked) {
            headers.insert(allowed, value.clone());
        }
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids and dates are plain ASCII")
}
