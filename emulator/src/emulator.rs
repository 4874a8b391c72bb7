//! `Emulator`: start it, call it, move its clock, drop it.

mod builder;
mod start_error;
#[cfg(feature = "server")]
mod tcp;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::inspect::{Expectations, Journal, Ledger, Metrics, StreamView};
use crate::model::limits::Limits;
use crate::model::settings::Settings;
use crate::service::Service;
use crate::service::body::Body;
use crate::service::clock::Clock;
use crate::service::faults::Faults;
use crate::service::latency::Latency;
use crate::snapshot::Snapshot;

pub use builder::Builder;
pub use start_error::StartError;

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

    /// The faults that calls of this emulator meet.
    pub fn faults(&self) -> &Faults {
        self.service.faults()
    }

    /// How long calls take.
    pub fn latency(&self) -> Latency {
        Latency::clone(&self.service.latency())
    }

    /// Sets how long calls take that come from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.service.set_latency(latency);
    }

    /// The whole emulator as it is now, as a value: to build others from it, to
    /// come back to it, or to write it to a file.
    ///
    /// It costs the same for any number of records. Other threads may call the
    /// emulator meanwhile: the snapshot is one moment of all streams, and of a
    /// call that has not been answered yet it has all or nothing.
    ///
    /// ```
    /// # use kinesis_emulator::Emulator;
    /// let kinesis = Emulator::in_process();
    /// let snapshot = kinesis.snapshot();
    /// let twin = Emulator::builder().snapshot(&snapshot).in_process();
    /// kinesis.restore(&snapshot);
    /// # assert!(twin.clock().now() >= snapshot.taken());
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        self.service.snapshot()
    }

    /// Puts everything back to a snapshot, of this emulator or of another.
    ///
    /// * The clock does not go back: what is due since the snapshot happens at
    ///   once. If it is behind the snapshot, it is moved up to it.
    /// * Ids and tokens repeat: the same calls give the same bytes again.
    /// * Open subscriptions end with `ResourceNotFoundException`, as if their
    ///   streams had been deleted.
    /// * Iterators that were made since the snapshot still open if the stream
    ///   was there, and read what there is at their place now.
    /// * A call that is being answered meanwhile sees the emulator before or
    ///   after it, or a stream that is gone.
    /// * With a [data directory](Builder::data_dir) it has been kept when this
    ///   returns, unless the directory cannot be written: then it is as soon as it
    ///   can be, as is all that is written meanwhile.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.service.restore(snapshot);
        // The next call that writes says so, if it cannot be.
        let _kept = self.service.kept_blocking();
    }

    /// What the emulator was started with.
    pub fn settings(&self) -> &Settings {
        self.service.settings()
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        Limits::clone(&self.service.limits())
    }

    /// Puts other limits in force, from the next call on. What shards and
    /// accounts have used up of the old ones still counts.
    ///
    /// # Panics
    /// If `calls_per_second` names what is not an operation.
    #[track_caller]
    pub fn set_limits(&self, limits: Limits) {
        limits.check().unwrap_or_else(|error| panic!("{error}"));
        self.service.set_limits(limits);
    }

    /// Environment variables that point AWS SDKs and tools at the emulator.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        environment(&self.url, self.settings())
    }

    /// A stream, looked at from outside the service: by its name in the default
    /// account and Region, or by its ARN. It need not exist (yet).
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn stream(&self, name_or_arn: &str) -> StreamView {
        StreamView::new(Arc::clone(&self.service), name_or_arn)
    }

    /// What was called, by whom, and what came of it.
    ///
    /// # Panics
    /// Unless a journal is kept: see [`Builder::journal`].
    #[track_caller]
    pub fn journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.service))
    }

    /// Who read which records.
    ///
    /// # Panics
    /// Unless a journal is kept: see [`Builder::journal`].
    #[track_caller]
    pub fn ledger(&self) -> Ledger {
        Ledger::new(Arc::clone(&self.service))
    }

    /// What CloudWatch would have to tell.
    ///
    /// # Panics
    /// Unless a journal is kept: see [`Builder::journal`].
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        Metrics::new(Arc::clone(&self.service))
    }

    /// Begins to expect things, which are verified when the guard is dropped.
    /// From now on a journal is kept.
    #[track_caller]
    pub fn expect(&self) -> Expectations {
        Expectations::new(Arc::clone(&self.service))
    }

    /// Answers one HTTP request without any socket.
    ///
    /// Of a subscription it returns the events that there are now, and of a
    /// queue the records that are visible now.
    ///
    /// It cannot wait and has no connection: latency and faults that delay or
    /// hold a call do not concern it, and where a fault drops the connection it
    /// returns status 502.
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
        ("AWS_SECRET_ACCESS_KEY", settings.client_secret().to_owned()),
    ]
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // What was not kept has been answered with an error.
        let _kept = self.service.close();
        // A test must not pass by luck on an emulator that has failed.
        if self.service.is_broken() && !std::thread::panicking() {
            panic!(
                "a call to the emulator panicked: this is a bug in kinesis-emulator, \
                 and its message is above"
            );
        }
    }
}
