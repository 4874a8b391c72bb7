//! What stands around a request: who calls, what for, in which encoding; and
//! how requests that fail at that level are refused.
//!
//! The order of refusals is the recorded one (kinesalite): method, empty body,
//! content type, a body that does not parse, the operation, authentication.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use memchr::memchr2;

use crate::model::arn::{AccountId, RealmId, Region};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    IncompleteSignature, InvalidSignature, MissingAuthenticationToken, Serialization,
    UnknownOperation,
};
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;
use crate::operations::{self, Entry};
use crate::wire::Protocol;

use super::health;
use super::recorder::journal::{Caller, JournaledCall, Outcome};
use super::signature::{self, Claim};

pub(super) const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TARGET_PREFIX: &str = "Kinesis_20131202.";

/// A request that may go on to its operation.
pub(super) struct Admitted {
    pub(super) operation: &'static Entry,
    pub(super) protocol: Protocol,
    pub(super) caller: RealmId,
}

/// A request that may not.
pub(super) enum Refusal {
    /// An error in the API's own form.
    Api(Protocol, ApiError),
    /// No call at all, but a question that has an answer.
    Health(&'static str),
    /// Not even a service and operation could be made out.
    AccessDenied,
    /// A content type that no API speaks.
    UnknownContentType,
    /// The answers that plain `application/json` still gets from an older
    /// layer of the service.
    PlainJson(StatusCode, &'static str),
}

impl Refusal {
    /// The error, if it is one of the API's.
    pub(super) fn error(&self) -> Option<&ApiError> {
        match self {
            Self::Api(_, error) => Some(error),
            Self::Health(_)
            | Self::AccessDenied
            | Self::UnknownContentType
            | Self::PlainJson(..) => None,
        }
    }
}

/// Reads the envelope.
pub(super) fn admit(
    request: &http::request::Parts,
    body: &[u8],
    settings: &Settings,
    times: impl FnOnce() -> [Timestamp; 2],
) -> Result<Admitted, Refusal> {
    if request.method != Method::POST {
        return Err(health::page(request).map_or(Refusal::AccessDenied, Refusal::Health));
    }
    let target = bytes_of(&request.headers, TARGET);
    let operation = find_operation(target.unwrap_or_default());
    let content_type = ContentType::of(&request.headers);
    if body.is_empty() {
        let protocol = match content_type {
            ContentType::Api(Protocol::Json) => Protocol::Json,
            ContentType::Api(Protocol::Cbor) | ContentType::PlainJson | ContentType::Other => {
                Protocol::Cbor
            }
        };
        let kind = if operation.is_ok() { Serialization } else { UnknownOperation };
        return Err(Refusal::Api(protocol, ApiError::new(kind, "")));
    }
    let protocol = match content_type {
        ContentType::Api(protocol) => protocol,
        ContentType::PlainJson if Protocol::Json.is_object(body) => {
            return Err(Refusal::PlainJson(StatusCode::NOT_FOUND, "UnknownOperationException"));
        }
        ContentType::PlainJson => {
            return Err(Refusal::PlainJson(StatusCode::BAD_REQUEST, "SerializationException"));
        }
        ContentType::Other if target.is_some_and(names_service_and_operation) => {
            return Err(Refusal::UnknownContentType);
        }
        ContentType::Other => return Err(Refusal::AccessDenied),
    };
    let identity = authenticate(request, body, settings, times);
    match (operation, identity) {
        // Whether the body parses shows when it is decoded.
        (Ok(operation), Ok(caller)) => Ok(Admitted { operation, protocol, caller }),
        _ if !protocol.is_object(body) => {
            Err(Refusal::Api(protocol, ApiError::new(Serialization, "")))
        }
        (Err(error), _) | (Ok(_), Err(error)) => Err(Refusal::Api(protocol, error)),
    }
}

enum ContentType {
    Api(Protocol),
    PlainJson,
    Other,
}

impl ContentType {
    /// Parameters and blanks around the type are ignored.
    fn of(headers: &HeaderMap) -> Self {
        let value = bytes_of(headers, CONTENT_TYPE).unwrap_or_default();
        if value == Protocol::Json.content_type().as_bytes() {
            return Self::Api(Protocol::Json);
        }
        let bare = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is = |name: &str| bare.eq_ignore_ascii_case(name.as_bytes());
        if is(Protocol::Json.content_type()) {
            Self::Api(Protocol::Json)
        } else if is(Protocol::Cbor.content_type()) {
            Self::Api(Protocol::Cbor)
        } else if is("application/json") {
            Self::PlainJson
        } else {
            Self::Other
        }
    }
}

fn find_operation(target: &[u8]) -> Result<&'static Entry, ApiError> {
    let name = target.strip_prefix(TARGET_PREFIX.as_bytes());
    name.and_then(operations::find).ok_or_else(operations::unknown)
}

fn names_service_and_operation(target: &[u8]) -> bool {
    let dot = target.iter().position(|byte| *byte == b'.');
    dot.is_some_and(|dot| dot > 0 && dot + 1 < target.len())
}

/// Whose request it is. A signature's parts have to be there; it is verified if
/// the settings have a secret. It was made by the emulator's clock, or by one that
/// nobody has moved: those are the two times.
fn authenticate(
    request: &http::request::Parts,
    body: &[u8],
    settings: &Settings,
    times: impl FnOnce() -> [Timestamp; 2],
) -> Result<RealmId, ApiError> {
    // An empty one is none.
    let header = bytes_of(&request.headers, AUTHORIZATION).filter(|header| !header.is_empty());
    let query = request.uri.query().unwrap_or_default();
    let (query_credential, query_headers);
    let claim = match (header, query_value(query, "X-Amz-Algorithm")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                InvalidSignature,
                "Found both 'X-Amz-Algorithm' as a query-string param and \
                 'Authorization' as HTTP header.",
            ));
        }
        (Some(header), None) => from_header(header, &request.headers)?,
        (None, Some(_)) => {
            query_credential = query_value(query, "X-Amz-Credential").map(unescape);
            query_headers = query_value(query, "X-Amz-SignedHeaders").map(unescape);
            from_query(query, query_credential.as_deref(), query_headers.as_deref())?
        }
        (None, None) if settings.allow_anonymous => return Ok(realm_of(b"", settings)),
        (None, None) => {
            return Err(ApiError::new(MissingAuthenticationToken, "Missing Authentication Token"));
        }
    };
    if let Some(secret) = &settings.verify_secret {
        signature::verify(&claim, secret.reveal(), request, body, times())?;
    }
    Ok(realm_of(claim.credential, settings))
}

/// The credential that a request names, whether or not the rest of it holds.
fn claimed_credential(request: &http::request::Parts) -> Option<String> {
    match text_of(&request.headers, AUTHORIZATION).filter(|header| !header.is_empty()) {
        Some(header) => {
            let mut parts = header.split([',', ' ']);
            parts.find_map(|part| part.strip_prefix("Credential=")).map(str::to_owned)
        }
        None => query_value(request.uri.query()?, "X-Amz-Credential").map(unescape),
    }
}

fn access_key_of(credential: &str) -> Option<String> {
    credential.split('/').next().filter(|key| !key.is_empty()).map(str::to_owned)
}

/// The access key id of a request's credential, as far as one can be made out.
pub(super) fn access_key(request: &http::request::Parts) -> Option<String> {
    access_key_of(&claimed_credential(request)?)
}

fn from_header<'a>(header: &'a [u8], headers: &'a HeaderMap) -> Result<Claim<'a>, ApiError> {
    const NAMES: [&str; 3] = ["Credential", "Signature", "SignedHeaders"];
    let mut values = [None; 3];
    let (_algorithm, mut rest) = split_at_separator(header);
    while let Some(start) = rest.iter().position(|byte| !is_separator(*byte)) {
        let (part, after) = split_at_separator(&rest[start..]);
        rest = after;
        for (name, found) in NAMES.iter().zip(&mut values) {
            let value = part.strip_prefix(name.as_bytes());
            *found = found.or(value.and_then(|value| value.strip_prefix(b"=")));
        }
    }
    let values = values.map(|value| value.filter(|value| !value.is_empty()));
    let date = headers.get(AMZ_DATE).or_else(|| headers.get(DATE)).map(HeaderValue::as_bytes);
    if let ([Some(credential), Some(signature), Some(signed_headers)], Some(date)) = (values, date)
    {
        return Ok(Claim { credential, signed_headers, signature, date, valid: None });
    }
    let mut missing = String::new();
    for (name, value) in NAMES.iter().zip(values) {
        if value.is_none() {
            missing += &format!("Authorization header requires '{name}' parameter. ");
        }
    }
    if date.is_none() {
        missing +=
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    }
    // AWS echoes the header; what is not text is shown as such.
    let header = String::from_utf8_lossy(header);
    Err(ApiError::new(IncompleteSignature, format!("{missing}Authorization={header}")))
}

/// Commas and blanks stand between the parts of the header.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b' ')
}

/// What is before the first separator, and what is after it.
fn split_at_separator(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr2(b',', b' ', text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// A header as it came.
fn bytes_of(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

/// A header as a text.
fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| str::from_utf8(value.as_bytes()).ok())
}

fn from_query<'a>(
    query: &'a str,
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
) -> Result<Claim<'a>, ApiError> {
    let given = |name| query_value(query, name).filter(|value| !value.is_empty());
    let mut missing = String::new();
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ] {
        if given(name).is_none() {
            missing += &format!("AWS query-string parameters must include '{name}'. ");
        }
    }
    if !missing.is_empty() {
        missing += "Re-examine the query-string parameters.";
        return Err(ApiError::new(IncompleteSignature, missing));
    }
    let given = |name| given(name).unwrap_or_default();
    Ok(Claim {
        credential: credential.unwrap_or_default().as_bytes(),
        signed_headers: signed_headers.unwrap_or_default().as_bytes(),
        signature: given("X-Amz-Signature").as_bytes(),
        date: given("X-Amz-Date").as_bytes(),
        valid: given("X-Amz-Expires").parse().ok().map(Duration::from_secs),
    })
}

/// What separates the parts of a credential, or signed headers and `:authority`
/// among them, is escaped in a query.
fn unescape(value: &str) -> String {
    let escaped =
        [("%2F", "/"), ("%2f", "/"), ("%3B", ";"), ("%3b", ";"), ("%3A", ":"), ("%3a", ":")];
    escaped.iter().fold(value.to_owned(), |value, (escape, sign)| value.replace(escape, sign))
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The realm of a credential `KEY/DATE/REGION/kinesis/aws4_request`: an access
/// key of twelve digits is an account; what is not said is as configured.
fn realm_of(credential: &[u8], settings: &Settings) -> RealmId {
    let mut parts = credential.split(|byte| *byte == b'/');
    let (key, _date, region) = (parts.next(), parts.next(), parts.next());
    let account = key.and_then(AccountId::from_bytes);
    let region = region.and_then(Region::from_bytes);
    RealmId {
        account: account.unwrap_or_else(|| settings.account_id.clone()),
        region: region.unwrap_or_else(|| settings.region.clone()),
    }
}

/// Who a request says it is from, whether or not that is true.
pub(super) fn claimed_caller(request: &http::request::Parts, settings: &Settings) -> Caller {
    let credential = claimed_credential(request).unwrap_or_default();
    let RealmId { account, region } = realm_of(credential.as_bytes(), settings);
    Caller { access_key: access_key_of(&credential), account, region }
}

/// A request that no operation has seen, as the journal keeps it.
pub(super) fn refused_call(
    request: &http::request::Parts,
    error: Option<ApiError>,
    status: StatusCode,
    settings: &Settings,
    now: Timestamp,
) -> JournaledCall {
    let target = text_of(&request.headers, TARGET);
    let target = target.unwrap_or_default();
    let name = target.strip_prefix(TARGET_PREFIX);
    let operation = name.map(str::as_bytes).and_then(operations::find).map(|entry| entry.name);
    JournaledCall {
        number: 0,
        time: now,
        operation,
        target: name.unwrap_or(target).to_owned(),
        caller: claimed_caller(request, settings),
        stream: None,
        stream_arn: None,
        shards: Vec::new(),
        consumer: None,
        queue: None,
        records: 0,
        bytes: 0,
        outcome: match error {
            Some(error) => Outcome::refused(&error),
            None => Outcome::Unreadable { status: status.as_u16() },
        },
        request_id: None,
        took: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_names_region_and_account() {
        let settings = Settings::default();
        for (credential, account, region) in [
            ("AKIDEXAMPLE/20260101/eu-west-1/kinesis/aws4_request", "000000000000", "eu-west-1"),
            ("123456789012/20260101/us-west-2/kinesis/aws4_request", "123456789012", "us-west-2"),
            ("a", "000000000000", "us-east-1"),
            ("", "000000000000", "us-east-1"),
            ("a/b/NOT A REGION/c", "000000000000", "us-east-1"),
        ] {
            let realm = realm_of(credential.as_bytes(), &settings);
            assert_eq!(
                (realm.account.to_string(), realm.region.to_string()),
                (account.to_owned(), region.to_owned()),
                "{credential}"
            );
        }
    }
}
