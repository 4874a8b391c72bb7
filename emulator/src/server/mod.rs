//! The only room with sockets, TLS and signals: hyper in front of the service,
//! and axum for the control API.

mod app;
mod call;
mod client_limits;
mod connection;
mod control;
mod descriptors;
mod ending;
mod in_flight;
mod patience;
mod receiving;
mod refusal;
mod shutdown;
mod signals;
#[cfg(feature = "tls")]
mod tls;
mod visitors;

pub use client_limits::ClientLimits;
pub(crate) use descriptors::ask_for as ask_for_descriptors;
pub(crate) use in_flight::CALL_BYTES;
pub(crate) use shutdown::signal;
pub(crate) use signals::Signals;
#[cfg(feature = "tls")]
pub(crate) use tls::Certificates;
pub(crate) use visitors::{Allowed, host_name, origin};

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::service::Service;

use app::App;
use connection::Connections;
use ending::OpenConnections;
use refusal::Refusal;
use visitors::Visitors;

/// How long a shutdown waits for calls that have been accepted.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Connections beyond the limit that are told so at a time; those beyond these
/// are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// How long one that is turned away may take to read why.
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(1);

/// What answers the connections of one listener.
#[derive(Debug)]
pub(crate) struct Server {
    service: Arc<Service>,
    clients: Clients,
    #[cfg(feature = "tls")]
    certificates: Arc<Certificates>,
}

/// Who is served, and with what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clients {
    /// Whether the control API answers, too.
    pub(crate) have_control: bool,
    pub(crate) limits: ClientLimits,
    pub(crate) allowed: Allowed,
}

impl Server {
    pub(crate) fn new(
        service: Arc<Service>,
        clients: Clients,
        #[cfg(feature = "tls")] certificates: Arc<Certificates>,
    ) -> Self {
        Self {
            service,
            clients,
            #[cfg(feature = "tls")]
            certificates,
        }
    }

    /// Serves connections until `stop` is ready, then finishes the calls that
    /// have been accepted: those that wait for what may come wait no more.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Clients { have_control, limits, allowed } = self.clients;
        let control = have_control.then(|| control::routes(Arc::clone(&self.service)));
        let on_loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
        let settings = self.service.settings();
        let know_the_secret = settings.verify_secret.is_some() && !settings.allow_anonymous;
        let visitors = Visitors::new(allowed, on_loopback, know_the_secret);
        let in_flight_max = limits.in_flight_bytes_max;
        let service = Arc::clone(&self.service);
        let connections = Connections::new(
            App::new(self.service, control, visitors, in_flight_max, Some(limits.body_within)),
            limits,
            #[cfg(feature = "tls")]
            self.certificates,
        );
        let mut open = OpenConnections::new();
        let connections_max = limits.connections_max.min(Semaphore::MAX_PERMITS);
        let admitted = Arc::new(Semaphore::new(connections_max));
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        let Ok(place) = Arc::clone(&admitted).try_acquire_owned() else {
                            if let Ok(place) = Arc::clone(&turned_away).try_acquire_owned() {
                                tokio::spawn(async move {
                                    turn_away(socket).await;
                                    drop(place);
                                });
                            }
                            continue;
                        };
                        let connection = Arc::clone(&connections);
                        let served = connection.serve(socket, control::Peer(peer.ip()), open.add());
                        tokio::spawn(async move {
                            served.await;
                            drop(place);
                        });
                    }
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        drop(listener);
        service.end_waits();
        drop(tokio::time::timeout(DRAIN_MAX, open.end()).await);
    }
}

/// Serves one connection that somebody else has opened, to its end.
pub(crate) async fn serve_connection(
    service: Arc<Service>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let visitors = Visitors::new(Allowed::default(), false, false);
    let in_flight_max = ClientLimits::default().in_flight_bytes_max;
    let app = App::new(service, None, visitors, in_flight_max, None);
    connection::serve_opened(app, stream).await;
}

/// Tells a client why it is not served. What it has sent is read, as far as it
/// comes: a socket that is closed with something unread takes our words back.
async fn turn_away(mut socket: TcpStream) {
    let told = async {
        socket.write_all(Refusal::TooManyConnections.unasked().as_bytes()).await?;
        socket.shutdown().await?;
        let mut unread = [0; 1024];
        while socket.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    drop(tokio::time::timeout(TURNED_AWAY_WITHIN, told).await);
}

/// Out of file descriptors, most likely: some will be free in a while.
#[allow(clippy::disallowed_methods, reason = "a real socket needs real time to recover")]
async fn after_failed_accept(error: &io::Error) {
    eprintln!("kinesis-emulator: a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
