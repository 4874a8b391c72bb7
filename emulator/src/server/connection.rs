//! One connection, from its first byte: plain HTTP or, with the feature `tls`,
//! TLS. HTTP/1.1 and HTTP/2 are told apart by their first bytes, too.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::service::body::Dropped;

use super::app::{Answering, App, AppBody};
use super::call::{Client, OpenCall};
use super::client_limits::ClientLimits;
use super::control::Peer;
use super::ending::Ending;
use super::patience::Patient;
use super::refusal::HEADERS_BYTES_MAX;

/// Requests at a time on one HTTP/2 connection: every shard of a large stream
/// can have its subscription.
const STREAMS_PER_CONNECTION_MAX: u32 = 10_000;
/// HTTP/2 flow control windows: a whole record of the default size.
const WINDOW_BYTES: u32 = 1024 * 1024;
/// Streams of one HTTP/2 connection that a client has opened and given up again
/// before they were looked at; more end the connection ("rapid reset").
const RESET_STREAMS_MAX: usize = 100;
/// What is kept of answers that an HTTP/2 client has not taken, per stream; the
/// rest is not asked for before.
const UNSENT_BYTES_PER_STREAM_MAX: usize = 64 * 1024;
/// When the system begins to ask whether a silent client's machine is still
/// there, and how often.
const ASKED_AFTER: Duration = Duration::from_secs(60);
const ASKED_EVERY: Duration = Duration::from_secs(15);

/// What a server's connections have in common.
#[derive(Debug)]
pub(super) struct Connections {
    app: Arc<App>,
    http: auto::Builder<TokioExecutor>,
    limits: ClientLimits,
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
        limits: ClientLimits,
        #[cfg(feature = "tls")] certificates: Arc<super::tls::Certificates>,
    ) -> Arc<Self> {
        Arc::new(Self {
            app,
            http: http(),
            limits,
            #[cfg(feature = "tls")]
            certificates,
        })
    }

    /// Serves a connection to its end. One that fails concerns its client alone;
    /// one that has not begun to speak when the server closes is dropped.
    pub(super) async fn serve(self: Arc<Self>, socket: TcpStream, peer: Peer, mut ending: Ending) {
        // Answers are small and wanted at once; without it they are only slower.
        drop(socket.set_nodelay(true));
        // A machine that has vanished says nothing; a program that is stopped in
        // its debugger has a machine that answers.
        let asking = TcpKeepalive::new().with_time(ASKED_AFTER).with_interval(ASKED_EVERY);
        drop(SockRef::from(&socket).set_tcp_keepalive(&asking));
        let opened = tokio::select! {
            opened = tokio::time::timeout(self.limits.head_within, self.open(socket)) => opened,
            () = &mut ending => return,
        };
        match opened {
            Ok(Ok(Opened::Plain(socket))) => self.serve_http(socket, peer, ending).await,
            #[cfg(feature = "tls")]
            Ok(Ok(Opened::Tls(stream))) => self.serve_http(stream, peer, ending).await,
            Ok(Err(_gone_or_not_trusting)) => {}
            Err(_too_slow) => {}
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
        mut ending: Ending,
    ) {
        let client = Client { app: Arc::clone(&self.app), peer: Some(peer), calls: Arc::default() };
        let stream = Patient::new(stream, Arc::clone(&client.calls), &self.limits);
        let answering = answering(client);
        let serving = self.http.serve_connection_with_upgrades(TokioIo::new(stream), answering);
        let mut serving = pin!(serving);
        let mut is_ending = false;
        let served = poll_fn(|context| {
            if !is_ending && Pin::new(&mut ending).poll(context).is_ready() {
                is_ending = true;
                serving.as_mut().graceful_shutdown();
            }
            serving.as_mut().poll(context)
        });
        drop(served.await);
    }
}

/// Serves a connection that somebody else has opened, without TLS, to its end.
/// Its client is the test's own, and its time may be simulated: it can be as slow
/// as it likes.
pub(super) async fn serve_opened(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let answering = answering(Client { app, peer: None, calls: Arc::default() });
    drop(http().serve_connection_with_upgrades(TokioIo::new(stream), answering).await);
}

/// What answers the calls of one connection. A call may be dropped in place of an
/// answer: then hyper closes an HTTP/1 connection without one, and resets the
/// stream of an HTTP/2 connection.
fn answering(
    client: Client,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<AppBody>,
    Error = Dropped,
    Future = Answering,
> + Clone {
    let client = Arc::new(client);
    service_fn(move |request| Answering::Asked(request, OpenCall::begin(&client)))
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http2()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(RESET_STREAMS_MAX)
        .max_send_buf_size(UNSENT_BYTES_PER_STREAM_MAX)
        // A little more than is taken, so that it is we who say what is too much.
        .max_header_list_size(2 * HEADERS_BYTES_MAX as u32);
    http
}
