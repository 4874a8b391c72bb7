//! What answers requests: the service, and the control API under its own path.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::service::body::{Body, Dropped};
use crate::service::{BODY_BYTES_MAX, Service};

use super::control::{self, Peer};

/// The body of an answer: the service's, or the control API's.
pub(super) type AppBody = Either<Body, axum::body::Body>;

/// Answers the requests of all connections of a listener.
#[derive(Debug)]
pub(super) struct App {
    service: Arc<Service>,
    control: Option<TowerToHyperService<Router>>,
}

impl App {
    pub(super) fn new(service: Arc<Service>, control: Option<Router>) -> Arc<Self> {
        Arc::new(Self { service, control: control.map(TowerToHyperService::new) })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// If the connection is to be dropped in place of an answer.
    pub(super) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        peer: Option<Peer>,
    ) -> Result<Response<AppBody>, Dropped> {
        if let Some(control) = &self.control
            && control::is_path(request.uri().path())
        {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let Ok(response) = control.call(request).await;
            return Ok(response.map(Either::Right));
        }
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE));
            }
            // The client has gone in the middle of its body: nobody reads this.
            Err(_cut_short) => return Ok(empty(StatusCode::BAD_REQUEST)),
        };
        let wants_head_alone = parts.method == Method::HEAD;
        let mut response = self.service.answer(Request::from_parts(parts, body)).await?;
        if wants_head_alone {
            *response.body_mut() = Body::Full(Bytes::new());
        }
        Ok(response.map(Either::Left))
    }
}

fn empty(status: StatusCode) -> Response<AppBody> {
    let mut response = Response::new(Either::Left(Body::Full(Bytes::new())));
    *response.status_mut() = status;
    response
}
