//! What answers requests: the service, and the control API under its own path.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, EXPECT};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Either;
use hyper::body::Incoming;

use crate::service::body::{Body, Dropped};
use crate::service::soon::{Later, Soon};
use crate::service::{BODY_BYTES_MAX, Service};

use super::call::OpenCall;
use super::control::{self, Control};
use super::in_flight::InFlight;
use super::receiving::Receiving;
use super::refusal::{HEADERS_BYTES_MAX, Refusal, URI_BYTES_MAX};
use super::visitors::Visitors;

/// Answers the requests of all connections of a listener.
#[derive(Debug)]
pub(super) struct App {
    service: Arc<Service>,
    control: Option<Arc<Control>>,
    visitors: Visitors,
    pub(super) in_flight: InFlight,
    /// How long a body may take; nothing is waited for in vain if there is none.
    pub(super) body_within: Option<Duration>,
}

impl App {
    pub(super) fn new(
        service: Arc<Service>,
        control: Option<Router>,
        visitors: Visitors,
        in_flight_bytes_max: usize,
        body_within: Option<Duration>,
    ) -> Arc<Self> {
        let control = control.map(|routes| Arc::new(Control::new(routes, in_flight_bytes_max)));
        let in_flight = InFlight::new(in_flight_bytes_max);
        Arc::new(Self { service, control, visitors, in_flight, body_within })
    }

    /// Answers a request, or begins to: most calls have all they need by now. The
    /// call is open until its answer has been taken.
    fn answer(
        request: Request<Incoming>,
        mut call: OpenCall,
        context: &mut Context<'_>,
    ) -> Soon<Answer> {
        if let Some(control) = &call.client.app.control
            && control::is_path(request.uri().path())
        {
            return Soon::later(Self::have_control_answer(Arc::clone(control), request, call));
        }
        let admitted = call.grow(0).and_then(|()| call.client.app.admit(&request, BODY_BYTES_MAX));
        if let Err(refusal) = admitted {
            return refused(&refusal, request.into_parts().0, call);
        }
        let (parts, body) = request.into_parts();
        let mut receiving = Receiving::new(body, BODY_BYTES_MAX);
        match receiving.poll(&mut call, context) {
            Poll::Ready(body) => Self::hand_on(parts, body, call),
            Poll::Pending => Soon::later(async move {
                let body = receiving.rest(&mut call).await;
                Self::hand_on(parts, body, call).wait().await
            }),
        }
    }

    /// Has the control API answer, under the rules for all bodies and in words of its own.
    async fn have_control_answer(
        control: Arc<Control>,
        request: Request<Incoming>,
        mut call: OpenCall,
    ) -> Answer {
        let body_bytes_max = control.body_bytes_max(&request);
        let admitted = call
            .grow(0)
            .and_then(|()| control::admit(&request, call.client.peer))
            .and_then(|()| call.client.app.admit(&request, body_bytes_max));
        let (parts, body) = request.into_parts();
        let body = match admitted {
            Ok(()) => Receiving::new(body, body_bytes_max).rest(&mut call).await,
            Err(refusal) => Err(refusal),
        };
        let response = match body {
            Ok(body) => control.answer(Request::from_parts(parts, body)).await,
            Err(refusal) => Control::refuse(&refusal, &parts),
        };
        Ok(AppBody::of(response.map(Either::Right), call))
    }

    /// Has the service answer.
    fn hand_on(parts: Parts, body: Result<Bytes, Refusal>, call: OpenCall) -> Soon<Answer> {
        let body = match body {
            Ok(body) => body,
            Err(refusal) => return refused(&refusal, parts, call),
        };
        let wants_head_alone = parts.method == Method::HEAD;
        let answer = call.client.app.service.answer(Request::from_parts(parts, body));
        answer.map(move |answer| {
            let mut response = answer?;
            if wants_head_alone {
                *response.body_mut() = Body::Full(Bytes::new());
            }
            Ok(AppBody::of(response.map(Either::Left), call))
        })
    }

    /// Looks at the head of a request whose body may have so many bytes.
    fn admit(&self, request: &Request<Incoming>, body_bytes_max: usize) -> Result<(), Refusal> {
        let uri = request.uri();
        let uri_bytes = uri.path().len() + uri.query().map_or(0, str::len);
        if uri_bytes > URI_BYTES_MAX {
            return Err(Refusal::UriTooLong);
        }
        let headers = request.headers().iter();
        let header_bytes: usize =
            headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > HEADERS_BYTES_MAX {
            return Err(Refusal::HeadTooLarge);
        }
        if let Some(coding) = request.headers().get(CONTENT_ENCODING)
            && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            // Nothing is ever unpacked here, so nothing can swell.
            let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
            return Err(Refusal::Encoded(coding));
        }
        if request.headers().contains_key(EXPECT)
            && request.body().size_hint().lower() > body_bytes_max as u64
        {
            // The client waits to be told whether to send it.
            return Err(Refusal::BodyTooLarge(body_bytes_max));
        }
        self.visitors.admit(request)
    }
}

/// The answer, or that the connection is to be dropped in place of one.
pub(super) type Answer = Result<Response<AppBody>, Dropped>;

/// A call until its answer is there.
///
/// hyper keeps it beside its connection, in memory that is in no cache when there
/// are many. So this has room for what has been asked; what has to wait is elsewhere.
#[allow(clippy::large_enum_variant, reason = "the large variant is what every call begins as")]
pub(super) enum Answering {
    Asked(Request<Incoming>, OpenCall),
    Waiting(Later<Answer>),
    Answered,
}

impl Future for Answering {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut waiting = match mem::replace(&mut *self, Self::Answered) {
            Self::Asked(request, call) => match App::answer(request, call, context) {
                Soon::Now(answer) => return Poll::Ready(answer),
                Soon::Later(waiting) => waiting,
            },
            Self::Waiting(waiting) => waiting,
            Self::Answered => panic!("an answer has been asked for again"),
        };
        let polled = waiting.as_mut().poll(context);
        if polled.is_pending() {
            *self = Self::Waiting(waiting);
        }
        polled
    }
}

fn refused(refusal: &Refusal, request: Parts, call: OpenCall) -> Soon<Answer> {
    let response = refusal.response(request, &call.client.app.service);
    Soon::Now(Ok(AppBody::of(response.map(Either::Left), call)))
}

type EitherBody = Either<Body, axum::body::Body>;

/// The body of an answer: the service's, or the control API's. What it keeps is
/// given back when the client has taken it, or has gone.
#[derive(Debug)]
pub(super) struct AppBody {
    body: EitherBody,
    call: OpenCall,
}

impl AppBody {
    /// The answer to a call.
    fn of(response: Response<EitherBody>, mut call: OpenCall) -> Response<Self> {
        let bytes = response.body().size_hint().exact().unwrap_or_default();
        call.become_answer(usize::try_from(bytes).unwrap_or(usize::MAX));
        response.map(|body| Self { body, call })
    }
}

impl http_body::Body for AppBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        // Of a subscription the client has one event at a time to take.
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(event) = frame.data_ref()
        {
            this.call.become_answer(event.len());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
