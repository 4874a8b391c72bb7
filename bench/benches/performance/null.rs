//! A server that does nothing, for comparison: axum on a runtime with a thread for
//! each core, set up as the emulator sets it up. It reads each body to its end and
//! answers a fixed text, so that what is beyond its cost is the emulator's own.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::request::Parts;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use kinesis_bench::target::null::NullTarget;
use tokio::net::TcpListener;

use crate::Outcome;

/// As the emulator has it.
const STREAMS_PER_CONNECTION_MAX: u32 = 10_000;
const WINDOW_BYTES: u32 = 1024 * 1024;

/// Serves until the process is ended.
pub(crate) fn serve(port: u16) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let app = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(NullTarget::default());
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http2()
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(4 * WINDOW_BYTES);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let (http, app) = (http.clone(), TowerToHyperService::new(app.clone()));
            tokio::spawn(async move {
                let call = service_fn(move |request: Request<Incoming>| hyper_call(&app, request));
                // A client that hangs up in the middle is the client's business.
                drop(http.serve_connection_with_upgrades(TokioIo::new(socket), call).await);
            });
        }
    })
}

fn hyper_call(
    app: &TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response, std::convert::Infallible>> + Send + use<> {
    hyper::service::Service::call(app, request)
}

async fn answer(State(target): State<NullTarget>, parts: Parts, body: Bytes) -> Response {
    target.answer(&Request::from_parts(parts, body)).map(Body::from)
}
