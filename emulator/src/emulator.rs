//! `Emulator`: start it, call it, move its clock, drop it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::model::arn::{AccountId, Region};
use crate::model::settings::{Secret, Settings};
use crate::service::Service;
use crate::service::body::Body;
use crate::service::clock::Clock;
use crate::service::init::Init;
#[cfg(feature = "server")]
use crate::service::init::InitError;

/// What in-process clients call: no name that any network resolves.
const IN_PROCESS_URL: &str = "http://kinesis.in-process.invalid";

/// A running emulator with state of its own. Dropping it ends it.
///
/// Over TCP it runs on a thread of its own, so that it works from any async
/// runtime and from blocking code, and may be shared by many tests.
pub struct Emulator {
    service: Arc<Service>,
    url: String,
    /// Serves for as long as it is held.
    #[cfg(feature = "server")]
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    server: Option<tcp::Server>,
}

impl Emulator {
    /// Starts an emulator on a free port of the loopback interface.
    ///
    /// # Panics
    /// If no port can be had. Use [`Builder::start`] to handle that.
    #[cfg(feature = "server")]
    pub async fn start() -> Self {
        Self::start_blocking()
    }

    /// The same from code that is not async.
    ///
    /// # Panics
    /// If no port can be had. Use [`Builder::start_blocking`] to handle that.
    #[cfg(feature = "server")]
    pub fn start_blocking() -> Self {
        match Self::builder().start_blocking() {
            Ok(emulator) => emulator,
            Err(error) => panic!("{error}"),
        }
    }

    /// An emulator with no socket: call it through [`call`](Self::call), or
    /// through the AWS SDK with the feature `sdk`.
    pub fn in_process() -> Self {
        Self::builder().in_process()
    }

    /// An emulator with other settings than the default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The endpoint, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The endpoint with TLS, on the same port; `None` in process.
    #[cfg(feature = "tls")]
    pub fn tls_url(&self) -> Option<String> {
        self.server.as_ref().map(tcp::Server::tls_url)
    }

    /// The certificate, in PEM, that clients of [`tls_url`](Self::tls_url) have
    /// to trust; `None` in process. Every emulator makes its own.
    #[cfg(feature = "tls")]
    pub fn certificate_authority_pem(&self) -> Option<&str> {
        self.server.as_ref().map(tcp::Server::certificate_authority_pem)
    }

    /// The clock that everything in the emulator goes by.
    pub fn clock(&self) -> &Clock {
        self.service.clock()
    }

    /// What the emulator was started with.
    pub fn settings(&self) -> &Settings {
        self.service.settings()
    }

    /// Environment variables that point AWS SDKs and tools at the emulator.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        environment(&self.url, self.settings())
    }

    /// Answers one HTTP request without any socket.
    ///
    /// Of a subscription it returns the events that there are now.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.service.call(request).map(Body::available)
    }

    /// Serves a connection that somebody else has opened: one end of a
    /// `tokio::io::duplex`, or a socket of a simulated network such as turmoil's.
    /// HTTP/1.1 and HTTP/2, no TLS. It runs in the caller's runtime, so that
    /// [`Clock::tokio`] is its clock, and ends when the client does or when the
    /// future is dropped.
    ///
    /// ```
    /// # use kinesis_emulator::Emulator;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let kinesis = Emulator::in_process();
    /// let (client, server) = tokio::io::duplex(64 * 1024);
    /// tokio::spawn(kinesis.serve(server));
    /// # drop(client);
    /// # }
    /// ```
    #[cfg(feature = "server")]
    pub fn serve(
        &self,
        connection: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        crate::server::serve_connection(Arc::clone(&self.service), connection)
    }

    #[cfg(feature = "sdk")]
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    #[cfg(feature = "sdk")]
    pub(crate) fn is_in_process(&self) -> bool {
        self.url == IN_PROCESS_URL
    }
}

/// Environment variables that point AWS SDKs and tools at a URL.
pub(crate) fn environment(url: &str, settings: &Settings) -> [(&'static str, String); 5] {
    [
        ("AWS_ENDPOINT_URL_KINESIS", url.to_owned()),
        ("AWS_REGION", settings.region.to_string()),
        // What the AWS CLI v1 and boto3 read.
        ("AWS_DEFAULT_REGION", settings.region.to_string()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ]
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A test must not pass by luck on an emulator that has failed.
        if self.service.is_broken() && !std::thread::panicking() {
            panic!(
                "a call to the emulator panicked: this is a bug in kinesis-emulator, \
                 and its message is above"
            );
        }
    }
}

/// Settings of an emulator that is about to start.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder starts nothing until `start`, `start_blocking` or `in_process` is called"]
pub struct Builder {
    settings: Settings,
    clock: Clock,
    init: Init,
    #[cfg(feature = "server")]
    port: u16,
}

impl Builder {
    /// The Region of callers whose credentials name none.
    pub fn region(mut self, region: Region) -> Self {
        self.settings.region = region;
        self
    }

    /// The account of callers whose access key is not itself an account id.
    pub fn account_id(mut self, account_id: AccountId) -> Self {
        self.settings.account_id = account_id;
        self
    }

    /// Enforces a limit on open shards per account and Region.
    pub fn shard_limit(mut self, shards: u32) -> Self {
        self.settings.shard_limit = Some(shards);
        self
    }

    /// Enforces a limit on on-demand streams per account and Region.
    pub fn stream_limit(mut self, streams: u32) -> Self {
        self.settings.stream_limit = Some(streams);
        self
    }

    /// How long CREATING, UPDATING and DELETING last on the emulator's clock.
    /// Nothing by default: streams are ACTIVE at once.
    pub fn state_delay(mut self, delay: Duration) -> Self {
        self.settings.state_delay = delay;
        self
    }

    /// Makes ids and tokens repeat from run to run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Verifies signatures: every caller has to sign with this secret, by a
    /// clock that is at most five minutes off the emulator's.
    pub fn verify_signatures(mut self, secret: Secret) -> Self {
        self.settings.verify_secret = Some(secret);
        self
    }

    /// Answers requests without authentication, too.
    pub fn allow_anonymous(mut self) -> Self {
        self.settings.allow_anonymous = true;
        self
    }

    /// The clock to go by: the system's, unless said otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Streams, consumers and records to have from the start. They are ACTIVE
    /// and readable when the emulator has started, whatever the state delay.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// The port on the loopback interface; 0, the default, takes a free one.
    #[cfg(feature = "server")]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the emulator over TCP.
    ///
    /// # Errors
    /// If the port cannot be had, or AWS's rules do not allow what
    /// [`init`](Self::init) asks for.
    #[cfg(feature = "server")]
    pub async fn start(self) -> Result<Emulator, StartError> {
        self.start_blocking()
    }

    /// The same from code that is not async. It does not block for long: the
    /// port takes connections as soon as this returns.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    #[cfg(feature = "server")]
    pub fn start_blocking(self) -> Result<Emulator, StartError> {
        let service = Service::with_init(self.settings, self.clock, &self.init)
            .map_err(StartError::from_init)?;
        let server = tcp::Server::start(self.port, Arc::clone(&service))?;
        Ok(Emulator { service, url: server.url(), server: Some(server) })
    }

    /// Makes the emulator without any socket.
    ///
    /// # Panics
    /// If AWS's rules do not allow what [`init`](Self::init) asks for.
    pub fn in_process(self) -> Emulator {
        let service = match Service::with_init(self.settings, self.clock, &self.init) {
            Ok(service) => service,
            Err(error) => panic!("{error}"),
        };
        Emulator {
            service,
            url: IN_PROCESS_URL.to_owned(),
            #[cfg(feature = "server")]
            server: None,
        }
    }
}

/// Why an emulator could not start.
#[derive(Debug)]
pub struct StartError {
    message: String,
    source: std::io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(feature = "server")]
impl StartError {
    pub(crate) fn new(address: std::net::SocketAddr, source: std::io::Error) -> Self {
        let message = format!(
            "the emulator cannot listen on {address}: {source}; \
             choose another port, or 0 for a free one"
        );
        Self { message, source }
    }

    pub(crate) fn from_init(error: InitError) -> Self {
        let message = error.to_string();
        Self { message, source: std::io::Error::new(std::io::ErrorKind::InvalidData, error) }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn unwritable(file: &std::path::Path, source: std::io::Error) -> Self {
        let message = format!(
            "the certificate cannot be written to {}: {source}; choose another file",
            file.display()
        );
        Self { message, source }
    }
}

/// The emulator's own thread, runtime and socket.
#[cfg(feature = "server")]
mod tcp {
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
        pub(super) fn start(port: u16, service: Arc<Service>) -> Result<Self, StartError> {
            let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let failed = |source| StartError::new(wanted, source);
            let listener = TcpListener::bind(wanted).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            let (stop, stopped) = oneshot::channel();
            #[cfg(feature = "tls")]
            let certificates = Arc::new(server::Certificates::default());
            let server = server::Server::new(
                service,
                #[cfg(feature = "tls")]
                Arc::clone(&certificates),
            );
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(failed)?;
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
}
