//! What a server says to requests that it does not hand on, in plain words.
//!
//! AWS's own layers would answer some of them; what they say is not recorded,
//! so the form is that of the API's errors and the sentences are ours.

use http::request::Parts;
use http::{Response, StatusCode};

use crate::service::Service;
use crate::service::body::Body;

/// Why a request is not handed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nobody else may hear of this emulator: why, and what to do about it.
    NotForYou(String),
    UriTooLong,
    HeadTooLarge,
    /// The body is compressed, or otherwise not what it is: how.
    Encoded(String),
    /// It has more bytes than this.
    BodyTooLarge(usize),
    BodyTooSlow,
    BodyCutShort,
    Busy,
    TooManyConnections,
}

/// More bytes in a URI are refused; calls have a path of one byte, and a
/// signature in the query takes about 500 bytes.
pub(super) const URI_BYTES_MAX: usize = 16 * 1024;
/// More bytes of headers are refused; what SDKs send is below two KiB, session
/// tokens below another few.
pub(super) const HEADERS_BYTES_MAX: usize = 64 * 1024;

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotForYou(_) => StatusCode::FORBIDDEN,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Encoded(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyCutShort => StatusCode::BAD_REQUEST,
            Self::Busy | Self::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What kind of error it is, in the names that AWS's services have.
    fn kind(&self) -> &'static str {
        match self {
            Self::NotForYou(_) => "AccessDeniedException",
            Self::UriTooLong => "RequestUriTooLong",
            Self::HeadTooLarge => "RequestHeaderFieldsTooLarge",
            Self::Encoded(_) => "UnsupportedMediaType",
            Self::BodyTooLarge(_) => "RequestEntityTooLarge",
            Self::BodyTooSlow => "RequestTimeout",
            Self::BodyCutShort => "IncompleteBody",
            Self::Busy | Self::TooManyConnections => "ServiceUnavailable",
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NotForYou(why) => why.clone(),
            Self::UriTooLong => format!("The URI is longer than {URI_BYTES_MAX} bytes."),
            Self::HeadTooLarge => {
                format!("The headers are larger than {HEADERS_BYTES_MAX} bytes together.")
            }
            Self::Encoded(coding) => {
                format!("Content-Encoding {coding:?} is not taken: send the body as it is.")
            }
            Self::BodyTooLarge(bytes_max) => {
                format!("The body is larger than {bytes_max} bytes.")
            }
            Self::BodyTooSlow => {
                "The body took longer to come than --body-timeout allows.".to_owned()
            }
            Self::BodyCutShort => "The body ended before its end.".to_owned(),
            Self::Busy => "The calls in flight take more memory than --max-in-flight allows: \
                           try again."
                .to_owned(),
            Self::TooManyConnections => "There are more connections than --max-connections \
                                         or the system's file descriptors allow: try again."
                .to_owned(),
        }
    }

    fn body(&self) -> String {
        serde_json::json!({"__type": self.kind(), "message": self.sentence()}).to_string()
    }

    /// What the request gets in place of the service's answer.
    pub(super) fn response(&self, request: Parts, service: &Service) -> Response<Body> {
        service.refusal(request, self.status(), CONTENT_TYPE_OF_ERRORS, self.body())
    }

    /// The answer as it goes over a connection that no request was read from.
    pub(super) fn unasked(&self) -> String {
        let body = self.body();
        format!(
            "HTTP/1.1 {}\r\ncontent-type: {CONTENT_TYPE_OF_ERRORS}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            self.status(),
            body.len()
        )
    }
}

const CONTENT_TYPE_OF_ERRORS: &str = "application/x-amz-json-1.1";
