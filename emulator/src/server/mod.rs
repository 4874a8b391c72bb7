//! The only room with sockets, TLS and signals: hyper in front of the service,
//! and axum for the control API.

mod app;
mod connection;
mod control;
mod shutdown;
mod signals;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use shutdown::signal;
pub(crate) use signals::Signals;
#[cfg(feature = "tls")]
pub(crate) use tls::Certificates;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::service::Service;

use app::App;
use connection::Connections;

/// How long a shutdown waits for calls that have been accepted.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// What answers the connections of one listener.
#[derive(Debug)]
pub(crate) struct Server {
    service: Arc<Service>,
    has_control: bool,
    #[cfg(feature = "tls")]
    certificates: Arc<Certificates>,
}

impl Server {
    /// `has_control`: whether the control API answers, too.
    pub(crate) fn new(
        service: Arc<Service>,
        has_control: bool,
        #[cfg(feature = "tls")] certificates: Arc<Certificates>,
    ) -> Self {
        Self {
            service,
            has_control,
            #[cfg(feature = "tls")]
            certificates,
        }
    }

    /// Serves connections until `stop` is ready, then finishes the calls that
    /// have been accepted.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let control = self.has_control.then(|| control::routes(Arc::clone(&self.service)));
        let connections = Connections::new(
            App::new(self.service, control),
            #[cfg(feature = "tls")]
            self.certificates,
        );
        let open = GracefulShutdown::new();
        let (still_open, closing) = watch::channel(());
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        let connection = Arc::clone(&connections);
                        let (peer, watcher) = (control::Peer(peer.ip()), open.watcher());
                        tokio::spawn(connection.serve(socket, peer, watcher, closing.clone()));
                    }
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        drop((listener, still_open));
        drop(tokio::time::timeout(DRAIN_MAX, open.shutdown()).await);
    }
}

/// Serves one connection that somebody else has opened, to its end.
pub(crate) async fn serve_connection(
    service: Arc<Service>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    connection::serve_opened(App::new(service, None), stream).await;
}

/// Out of file descriptors, most likely: some will be free in a while.
#[allow(clippy::disallowed_methods, reason = "a real socket needs real time to recover")]
async fn after_failed_accept(error: &io::Error) {
    eprintln!("kinesis-emulator: a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
