//! An answer before its head is written.

use http::StatusCode;

use crate::model::error::ApiError;
use crate::wire::{Protocol, event_stream};

use super::fan_out::Events;
use super::recorder::CallNumber;

/// What goes out as a [`Response`](http::Response) once date, ids and length are
/// known.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) status: StatusCode,
    /// The refusals in XML carry none (recorded).
    pub(super) content_type: Option<&'static str>,
    pub(super) content: Content,
    /// The call that is answered, if calls are recorded.
    pub(super) call: Option<CallNumber>,
    /// Whether the call may have written something: then the answer is no good
    /// unless that is kept.
    pub(super) wrote: bool,
}

/// What there is to tell.
#[derive(Debug)]
pub(super) enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// A subscription's events as they come.
    Events(Box<Events>),
}

impl Unsent {
    pub(super) fn new(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self { content_type: Some(content_type), ..Self::without_type(status, body) }
    }

    pub(super) fn without_type(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        let content = Content::Whole(body.into());
        Self { status, content_type: None, content, call: None, wrote: false }
    }

    /// Success, and nothing to tell.
    pub(super) fn empty() -> Self {
        Self::without_type(StatusCode::OK, "")
    }

    pub(super) fn error(protocol: Protocol, error: &ApiError) -> Self {
        Self::new(status_of(error), protocol.content_type(), protocol.encode_error(error))
    }

    pub(super) fn events(events: Events) -> Self {
        let content = Content::Events(Box::new(events));
        Self { content, content_type: Some(event_stream::CONTENT_TYPE), ..Self::empty() }
    }
}

pub(super) fn status_of(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.kind().status()).expect("the table has real statuses")
}
