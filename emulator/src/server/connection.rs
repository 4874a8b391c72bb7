//! One connection, from its first byte: plain HTTP or, with the feature `tls`,
//! TLS. HTTP/1.1 and HTTP/2 are told apart by their first bytes, too.

use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::service::body::Dropped;

use super::app::{App, AppBody};
use super::control::Peer;

/// Requests at a time on one HTTP/2 connection: every shard of a large stream
/// can have its subscription.
const STREAMS_PER_CONNECTION_MAX: u32 = 10_000;
/// HTTP/2 flow control windows: a whole record of the default size.
const WINDOW_BYTES: u32 = 1024 * 1024;

/// What a server's connections have in common.
#[derive(Debug)]
pub(super) struct Connections {
    app: Arc<App>,
    http: auto::Builder<TokioExecutor>,
    #[cfg(feature = "tls")]
    certificates: Arc<super::tls::Certificates>,
}

/// A connection that has said what it speaks.
enum Opened {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

impl Connections {
    pub(super) fn new(
        app: Arc<App>,
        #[cfg(feature = "tls")] certificates: Arc<super::tls::Certificates>,
    ) -> Arc<Self> {
        Arc::new(Self {
            app,
            http: http(),
            #[cfg(feature = "tls")]
            certificates,
        })
    }

    /// Serves a connection to its end. One that fails concerns its client alone;
    /// one that has not begun to speak when the server closes is dropped.
    pub(super) async fn serve(
        self: Arc<Self>,
        socket: TcpStream,
        peer: Peer,
        watcher: Watcher,
        mut closing: watch::Receiver<()>,
    ) {
        // Answers are small and wanted at once; without it they are only slower.
        drop(socket.set_nodelay(true));
        let opened = tokio::select! {
            opened = self.open(socket) => opened,
            _ = closing.changed() => return,
        };
        match opened {
            Ok(Opened::Plain(socket)) => self.serve_http(socket, peer, watcher).await,
            #[cfg(feature = "tls")]
            Ok(Opened::Tls(stream)) => self.serve_http(stream, peer, watcher).await,
            Err(_gone_or_not_trusting) => {}
        }
    }

    /// Waits for the first byte, and for the handshake if it begins one.
    async fn open(&self, socket: TcpStream) -> io::Result<Opened> {
        #[cfg(feature = "tls")]
        {
            let mut first = [0];
            socket.peek(&mut first).await?;
            if first[0] == super::tls::HANDSHAKE {
                return self.certificates.accept(socket).await.map(Box::new).map(Opened::Tls);
            }
        }
        Ok(Opened::Plain(socket))
    }

    async fn serve_http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        watcher: Watcher,
    ) {
        let calls = calls(Arc::clone(&self.app), Some(peer));
        let connection = self.http.serve_connection_with_upgrades(TokioIo::new(stream), calls);
        drop(watcher.watch(connection.into_owned()).await);
    }
}

/// Serves a connection that somebody else has opened, without TLS, to its end.
pub(super) async fn serve_opened(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let calls = calls(app, None);
    drop(http().serve_connection_with_upgrades(TokioIo::new(stream), calls).await);
}

/// The calls of one connection: each knows who sent it, and may be dropped in
/// place of an answer. Then hyper closes an HTTP/1 connection without an answer,
/// and resets the stream of an HTTP/2 connection.
fn calls(
    app: Arc<App>,
    peer: Option<Peer>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<AppBody>,
    Error = Dropped,
    Future = impl Future<Output = Result<Response<AppBody>, Dropped>> + Send,
> + Clone {
    service_fn(move |request| Arc::clone(&app).answer(request, peer))
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http2()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES);
    http
}
