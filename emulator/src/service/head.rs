//! What the head of every answer says: length, date, ids, and what pages of other
//! origins may do (CORS).

use base64_simd::AsOut as _;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, ORIGIN,
};
use http::{Method, Response};

use crate::model::decimal;
use crate::model::timestamp::Timestamp;
use crate::wire::ROOM_FOR_HEAD_BYTES;

use super::Service;
use super::body::Body;
use super::unsent::{Content, Unsent};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
/// What pages of other origins may read (recorded).
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
);

/// How many digits the length of an answer may have.
const LENGTH_DIGITS: usize = 16;
const DATE_BYTES: usize = 29;
const REQUEST_ID_BYTES: usize = 36;
const EXTENDED_REQUEST_ID_BYTES: usize = 96;
const _: () = assert!(
    LENGTH_DIGITS + DATE_BYTES + REQUEST_ID_BYTES + EXTENDED_REQUEST_ID_BYTES
        <= ROOM_FOR_HEAD_BYTES
);

impl Service {
    /// Answers a request that is refused before anybody looks at what it asks for.
    #[cfg(feature = "server")]
    pub(crate) fn refusal(
        &self,
        request: http::request::Parts,
        status: http::StatusCode,
        content_type: &'static str,
        body: String,
    ) -> Response<Body> {
        let now = self.clock.now();
        self.complete(Unsent::new(status, content_type, body), request, now, now)
    }

    /// Adds what every answer carries. Its head takes the place of the request's, in
    /// the same memory.
    pub(super) fn complete(
        &self,
        answer: Unsent,
        request: http::request::Parts,
        received: Timestamp,
        now: Timestamp,
    ) -> Response<Body> {
        let preflight = is_preflight(&request);
        let (request_id, extended_id) = ids(self.request_ids.draws());
        self.recorder.answered(answer.call, &request_id, received, now);
        let (mut bytes, events) = match answer.content {
            Content::Whole(bytes) => (bytes, None),
            Content::Events(events) => (Vec::new(), Some(events)),
        };
        let body_bytes = bytes.len();
        let length = events.is_none().then(|| decimal::digits(body_bytes as u64));
        let lines = [
            (CONTENT_LENGTH, length.as_ref().map_or(&[][..], without_zeros)),
            (DATE, &now.http_date()),
            (REQUEST_ID, &request_id),
            (EXTENDED_REQUEST_ID, if preflight { &[] } else { &extended_id }),
        ];
        // Behind the body, in its buffer, of which each value is a part.
        lines.iter().for_each(|(_, value)| bytes.extend_from_slice(value));
        let mut values = Bytes::from(bytes);
        let body = values.split_to(body_bytes);
        let mut response = Response::new(events.map_or(Body::Full(body), Body::Events));
        *response.status_mut() = answer.status;
        let allowed = Allowed::to(&request.headers, preflight);
        let mut headers = request.headers;
        headers.clear();
        if let Some(content_type) = answer.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in lines {
            if !value.is_empty() {
                headers.insert(name, header(values.split_to(value.len())));
            }
        }
        allowed.tell(&mut headers);
        *response.headers_mut() = headers;
        if answer.wrote {
            self.mark_as_written(&mut response);
        }
        response
    }
}

/// A random UUID (RFC 9562, version 4), and 72 bytes of base64, as recorded: in one
/// draw.
fn ids(drawn: [u64; 11]) -> ([u8; REQUEST_ID_BYTES], [u8; EXTENDED_REQUEST_ID_BYTES]) {
    /// Where the digits of each byte stand.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let drawn = drawn.map(u64::to_be_bytes);
    let (uuid, extended) = drawn.as_flattened().split_at(PLACES.len());
    let mut request_id = *b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for ((position, byte), place) in (0..).zip(uuid).zip(PLACES) {
        let byte = match position {
            6 => 0x40 | (byte & 0x0f),
            8 => 0x80 | (byte & 0x3f),
            _ => *byte,
        };
        request_id[place] = DIGITS[usize::from(byte >> 4)];
        request_id[place + 1] = DIGITS[usize::from(byte & 0x0f)];
    }
    let mut extended_id = [0; EXTENDED_REQUEST_ID_BYTES];
    let _all_of_it = base64_simd::STANDARD.encode(extended, extended_id[..].as_out());
    (request_id, extended_id)
}

/// Whether a browser asks if a page of another origin may call.
pub(super) fn is_preflight(request: &http::request::Parts) -> bool {
    request.method == Method::OPTIONS && request.headers.contains_key(ORIGIN)
}

/// The digits of a number without the zeros in front; one digit at least.
fn without_zeros(digits: &[u8; LENGTH_DIGITS]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros.min(LENGTH_DIGITS - 1)..]
}

/// What a page may do (CORS).
enum Allowed {
    /// Nobody asks: no page of another origin is calling.
    Unasked,
    /// To read the answer.
    Reading,
    /// To call, with the headers and by the method that it has named.
    Calling { headers: Option<HeaderValue>, method: Option<HeaderValue> },
}

impl Allowed {
    fn to(request: &HeaderMap, preflight: bool) -> Self {
        match (request.contains_key(ORIGIN), preflight) {
            (false, _) => Self::Unasked,
            (true, false) => Self::Reading,
            (true, true) => Self::Calling {
                headers: request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
                method: request.get(ACCESS_CONTROL_REQUEST_METHOD).cloned(),
            },
        }
    }

    fn tell(self, answer: &mut HeaderMap) {
        const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
        match self {
            Self::Unasked => {}
            Self::Reading => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
                answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            }
            Self::Calling { headers, method } => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
                answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
                let headers = headers.map(|names| (ACCESS_CONTROL_ALLOW_HEADERS, names));
                let method = method.map(|name| (ACCESS_CONTROL_ALLOW_METHODS, name));
                answer.extend(headers.into_iter().chain(method));
            }
        }
    }
}

fn header(ascii: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(ascii).expect("ids and dates are plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_no_zeros_in_front_but_is_never_empty() {
        for length in [0, 7, 10, 110, 341_191, 9_000_000_000_000_000] {
            let digits = decimal::digits(length);
            assert_eq!(without_zeros(&digits), length.to_string().as_bytes());
        }
    }
}
