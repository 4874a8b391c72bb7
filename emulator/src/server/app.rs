//! What answers requests: the service, and the control API under its own path.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{Method, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Either};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::service::body::{Body, Dropped};
use crate::service::{BODY_BYTES_MAX, Service};

use super::call::OpenCall;
use super::control::{self, Peer};
use super::in_flight::{InFlight, Share};
use super::refusal::{HEADERS_BYTES_MAX, Refusal, URI_BYTES_MAX};
use super::visitors::Visitors;

/// Answers the requests of all connections of a listener.
#[derive(Debug)]
pub(super) struct App {
    service: Arc<Service>,
    control: Option<TowerToHyperService<Router>>,
    visitors: Visitors,
    pub(super) in_flight: InFlight,
    /// How long a body may take; nothing is waited for in vain if there is none.
    body_within: Option<Duration>,
}

impl App {
    pub(super) fn new(
        service: Arc<Service>,
        control: Option<Router>,
        visitors: Visitors,
        in_flight_bytes_max: usize,
        body_within: Option<Duration>,
    ) -> Arc<Self> {
        let control = control.map(TowerToHyperService::new);
        let in_flight = InFlight::new(in_flight_bytes_max);
        Arc::new(Self { service, control, visitors, in_flight, body_within })
    }

    /// Answers a request. The call is open until its answer has been taken.
    ///
    /// # Errors
    /// If the connection is to be dropped in place of an answer.
    pub(super) async fn answer(
        request: Request<Incoming>,
        mut call: OpenCall,
    ) -> Result<Response<AppBody>, Dropped> {
        let OpenCall { client, share } = &mut call;
        let response = match client.app.hand_on(request, client.peer, share).await? {
            Ok(response) => response,
            Err(refusal) => refusal.response().map(Either::Left),
        };
        let bytes = response.body().size_hint().exact().unwrap_or_default();
        call.become_answer(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(response.map(|body| AppBody { body, call }))
    }

    async fn hand_on(
        &self,
        mut request: Request<Incoming>,
        peer: Option<Peer>,
        share: &mut Share,
    ) -> Result<Result<Response<EitherBody>, Refusal>, Dropped> {
        if !self.in_flight.grow(share, 0) {
            return Ok(Err(Refusal::Busy));
        }
        if let Err(refusal) = self.admit(&request) {
            return Ok(Err(refusal));
        }
        if let Some(control) = &self.control
            && control::is_path(request.uri().path())
        {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let Ok(response) = control.call(request).await;
            return Ok(Ok(response.map(Either::Right)));
        }
        let (parts, body) = request.into_parts();
        let body = match self.receive(body, share).await {
            Ok(body) => body,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let wants_head_alone = parts.method == Method::HEAD;
        let mut response = self.service.answer(Request::from_parts(parts, body)).await?;
        if wants_head_alone {
            *response.body_mut() = Body::Full(Bytes::new());
        }
        Ok(Ok(response.map(Either::Left)))
    }

    /// Looks at a request's head.
    fn admit(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
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
        self.visitors.admit(request)
    }

    /// Reads a body whole.
    async fn receive(&self, body: Incoming, share: &mut Share) -> Result<Bytes, Refusal> {
        let mut collected = pin!(self.collect(body, share));
        // Most bodies have come with their heads: no clock is read for these.
        let at_once = poll_fn(|context| Poll::Ready(collected.as_mut().poll(context))).await;
        match (at_once, self.body_within) {
            (Poll::Ready(collected), _) => collected,
            (Poll::Pending, None) => collected.await,
            (Poll::Pending, Some(within)) => {
                tokio::time::timeout(within, collected).await.unwrap_or(Err(Refusal::BodyTooSlow))
            }
        }
    }

    /// Puts the pieces of a body together. One that came in one piece, as most do,
    /// is not copied; many tiny ones take no more memory than a large one.
    async fn collect(&self, mut body: Incoming, share: &mut Share) -> Result<Bytes, Refusal> {
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > BODY_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            // The client has gone in the middle of its body: nobody reads this.
            let frame = frame.map_err(|_cut_short| Refusal::BodyCutShort)?;
            let Ok(piece) = frame.into_data() else { continue };
            let bytes = first.len().max(all.len()) + piece.len();
            if bytes > BODY_BYTES_MAX {
                return Err(Refusal::BodyTooLarge);
            }
            if !self.in_flight.grow(share, bytes) {
                return Err(Refusal::Busy);
            }
            if first.is_empty() {
                first = piece;
                continue;
            }
            if all.is_empty() {
                all.reserve(declared.max(bytes));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&piece);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

type EitherBody = Either<Body, axum::body::Body>;

/// The body of an answer: the service's, or the control API's. What it keeps is
/// given back when the client has taken it, or has gone.
#[derive(Debug)]
pub(super) struct AppBody {
    body: EitherBody,
    call: OpenCall,
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
