//! The only room with sockets, TLS and signals: axum in front of the service.

mod connection;
mod shutdown;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use shutdown::signal;
#[cfg(feature = "tls")]
pub(crate) use tls::Certificates;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use crate::service::{BODY_BYTES_MAX, Service};

use connection::Connections;

/// How long a shutdown waits for calls that have been accepted.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// What answers the connections of one listener.
#[derive(Debug)]
pub(crate) struct Server {
    service: Arc<Service>,
    #[cfg(feature = "tls")]
    certificates: Arc<Certificates>,
}

impl Server {
    pub(crate) fn new(
        service: Arc<Service>,
        #[cfg(feature = "tls")] certificates: Arc<Certificates>,
    ) -> Self {
        Self {
            service,
            #[cfg(feature = "tls")]
            certificates,
        }
    }

    /// Serves connections until `stop` is ready, then finishes the calls that
    /// have been accepted.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let app = Router::new().fallback(answer).with_state(self.service);
        let connections = Connections::new(
            app,
            #[cfg(feature = "tls")]
            self.certificates,
        );
        let open = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        tokio::spawn(Arc::clone(&connections).serve(socket, open.watcher()));
                    }
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        drop(listener);
        drop(tokio::time::timeout(DRAIN_MAX, open.shutdown()).await);
    }
}

/// Out of file descriptors, most likely: some will be free in a while.
#[allow(clippy::disallowed_methods, reason = "a real socket needs real time to recover")]
async fn after_failed_accept(error: &io::Error) {
    eprintln!("kinesis-emulator: a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(bytes) => service.call(Request::from_parts(parts, bytes)).map(Body::new),
        Err(_too_long_or_cut) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}
