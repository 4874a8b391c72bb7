//! The emulator's own thread, runtime and socket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use super::StartError;
use crate::server;
use crate::service::Service;

pub(super) struct Server {
    address: SocketAddr,
    #[cfg(feature = "tls")]
    certificates: Arc<server::Certificates>,
    /// Dropping it asks the thread to end.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Server {
    /// Waits for the thread, which ends at once: then the port is free.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Server {
    pub(super) fn start(
        port: u16,
        clients: server::Clients,
        service: Arc<Service>,
    ) -> Result<Self, StartError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |source| StartError::new(wanted, source);
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        #[cfg(feature = "tls")]
        let certificates = Arc::new(server::Certificates::of_hosts(&clients.allowed.hosts));
        let server = server::Server::new(
            service,
            clients,
            #[cfg(feature = "tls")]
            Arc::clone(&certificates),
        );
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let thread = thread::Builder::new()
            .name("kinesis-emulator".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)
                        .expect("a nonblocking listener registers with its runtime");
                    let serving = server.serve(listener, std::future::pending());
                    tokio::select! {
                        () = serving => {}
                        // The emulator is dropped: connections end with it.
                        _ = stopped => {}
                    }
                });
            })
            .map_err(failed)?;
        Ok(Self {
            address,
            #[cfg(feature = "tls")]
            certificates,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls_url(&self) -> String {
        format!("https://{}", self.address)
    }

    #[cfg(feature = "tls")]
    pub(super) fn certificate_authority_pem(&self) -> &str {
        self.certificates.authority_pem()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
