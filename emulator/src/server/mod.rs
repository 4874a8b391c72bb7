//! The only room with sockets and signals: axum in front of the service.
//!
//! One port speaks HTTP/1.1 and, with prior knowledge, HTTP/2.

mod shutdown;

pub(crate) use shutdown::signal;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use crate::service::{BODY_BYTES_MAX, Service};

/// How long a shutdown waits for calls that have been accepted.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Requests at a time on one HTTP/2 connection: every shard of a large stream
/// can have its subscription.
const STREAMS_PER_CONNECTION_MAX: u32 = 10_000;
/// HTTP/2 flow control windows: a whole record of the default size.
const WINDOW_BYTES: u32 = 1024 * 1024;

/// Serves connections until `stop` is ready, then finishes the calls that have
/// been accepted.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()>,
) {
    let app = Router::new().fallback(answer).with_state(service);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let socket = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(error) => {
                    after_failed_accept(&error).await;
                    continue;
                }
            },
        };
        let io = TokioIo::new(prepared(socket));
        let calls = TowerToHyperService::new(app.clone());
        let connection = builder.serve_connection_with_upgrades(io, calls).into_owned();
        let connection = connections.watch(connection);
        // A connection that fails concerns its client alone.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    drop(tokio::time::timeout(DRAIN_MAX, connections.shutdown()).await);
}

/// Answers are small and wanted at once.
fn prepared(socket: TcpStream) -> TcpStream {
    // Without it a call is slower, nothing else.
    drop(socket.set_nodelay(true));
    socket
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
