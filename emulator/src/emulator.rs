//! `Emulator`: start it, call it, move its clock, drop it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::durable::store::{DataDir, SPARE_BYTES};
use crate::durable::{DataDirError, Durability};
use crate::inspect::{Expectations, Journal, Ledger, Metrics, StreamView};
use crate::model::arn::{AccountId, Region};
use crate::model::limits::Limits;
use crate::model::settings::{Secret, Settings};
#[cfg(feature = "server")]
use crate::server::ClientLimits;
use crate::service::Service;
use crate::service::begin::{BeginError, Beginning};
use crate::service::body::Body;
use crate::service::clock::Clock;
use crate::service::faults::Faults;
use crate::service::init::Init;
use crate::service::latency::Latency;
use crate::snapshot::Snapshot;

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
    pub fn set_limits(&self, limits: Limits) {
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

/// Settings of an emulator that is about to start.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder starts nothing until `start`, `start_blocking` or `in_process` is called"]
pub struct Builder {
    settings: Settings,
    clock: Clock,
    latency: Latency,
    snapshot: Option<Snapshot>,
    init: Init,
    data_dir: Option<PathBuf>,
    durability: Durability,
    spare_bytes: Option<u64>,
    #[cfg(feature = "server")]
    port: u16,
    #[cfg(feature = "server")]
    clients: crate::server::Clients,
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

    /// Enforces limits on throughput, calls and accounts: [`Limits::aws`], or
    /// any of them with other numbers. None by default.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Enforces a limit on open shards per account and Region, whatever the
    /// limits say of it.
    pub fn shard_limit(mut self, shards: u32) -> Self {
        self.settings.shard_limit = Some(shards);
        self
    }

    /// Enforces a limit on on-demand streams per account and Region, whatever
    /// the limits say of it.
    pub fn stream_limit(mut self, streams: u32) -> Self {
        self.settings.stream_limit = Some(streams);
        self
    }

    /// The most bytes of records, data and keys, that all streams together may
    /// hold; beyond them puts fail with `InternalFailure`, and reads go on. None by
    /// default: what AWS takes is taken, until it expires.
    pub fn storage_limit(mut self, bytes: usize) -> Self {
        self.settings.storage_limit = Some(bytes);
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

    /// Keeps a [journal](Emulator::journal) of calls, a
    /// [ledger](Emulator::ledger) of reads, and CloudWatch's
    /// [metrics](Emulator::metrics).
    pub fn journal(mut self) -> Self {
        self.settings.journal = true;
        self
    }

    /// The clock to go by: the system's, unless said otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long calls take: nothing, unless said otherwise.
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Begins with everything that is in a snapshot: streams and records, ids and
    /// tokens, which go on as the snapshot's would, whatever the seed. Settings
    /// are the builder's own. The clock is moved up to the snapshot's time if it
    /// is behind it.
    pub fn snapshot(mut self, snapshot: &Snapshot) -> Self {
        self.snapshot = Some(snapshot.clone());
        self
    }

    /// Keeps everything in a directory, which is made if it is not there, so that
    /// it survives the process: streams and records, iterators, consumers,
    /// queues and what they have handed out, settings of accounts. A call that
    /// writes is answered when what it wrote is as safe as
    /// [`durability`](Self::durability) says, and one emulator at a time can have
    /// a directory.
    ///
    /// A directory that has something is gone on with. Then a
    /// [`snapshot`](Self::snapshot) is not looked at, streams of
    /// [`init`](Self::init) that are there stay as they are, and the seed is the
    /// directory's. Settings, faults and the journal are not kept.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(directory.into());
        self
    }

    /// How safe what was written is when it is answered: on the disk, unless said
    /// otherwise. It says nothing without a [`data_dir`](Self::data_dir).
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How much larger the data directory may be than what is in it twice over:
    /// for tests of what becomes of it.
    #[doc(hidden)]
    pub fn data_dir_spare_bytes(mut self, bytes: u64) -> Self {
        self.spare_bytes = Some(bytes);
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

    /// Answers the control API, too: clock, limits, faults, snapshots and what is
    /// inside, below `/_emulator`, for callers on this machine in any language.
    /// `GET` that path for the list.
    #[cfg(feature = "server")]
    pub fn control_api(mut self) -> Self {
        self.clients.have_control = true;
        self
    }

    /// How many clients the emulator bears over TCP, and how slow they may be.
    #[cfg(feature = "server")]
    pub fn client_limits(mut self, limits: ClientLimits) -> Self {
        self.clients.limits = limits;
        self
    }

    /// Lets clients call the emulator by a name of yours, such as
    /// `kinesis.example.com`, beside localhost, IP addresses, names without a dot
    /// and AWS's. Others could be names that a web page has pointed here.
    ///
    /// # Panics
    /// If it is not a name alone.
    #[cfg(feature = "server")]
    #[track_caller]
    pub fn allow_host(mut self, name: &str) -> Self {
        self.clients.allowed.hosts.push(valid(crate::server::host_name(name)));
        self
    }

    /// Lets the web pages of an origin use the emulator, such as
    /// `https://app.example.com`, beside those of localhost; `*` is any.
    ///
    /// # Panics
    /// If it is not an origin.
    #[cfg(feature = "server")]
    #[track_caller]
    pub fn allow_origin(mut self, origin: &str) -> Self {
        self.clients.allowed.origins.push(valid(crate::server::origin(origin)));
        self
    }

    /// Starts the emulator over TCP.
    ///
    /// # Errors
    /// If the port cannot be had, the [`data_dir`](Self::data_dir) cannot be used,
    /// or AWS's rules do not allow what [`init`](Self::init) asks for.
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
        let (port, clients) = (self.port, self.clients.clone());
        let service = self.service()?;
        let server = tcp::Server::start(port, clients, Arc::clone(&service))?;
        Ok(Emulator { service, url: server.url(), server: Some(server) })
    }

    /// Makes the emulator without any socket.
    ///
    /// # Panics
    /// If the [`data_dir`](Self::data_dir) cannot be used, or AWS's rules do not
    /// allow what [`init`](Self::init) asks for. Use
    /// [`try_in_process`](Self::try_in_process) to handle that.
    pub fn in_process(self) -> Emulator {
        match self.try_in_process() {
            Ok(emulator) => emulator,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes the emulator without any socket.
    ///
    /// # Errors
    /// If the [`data_dir`](Self::data_dir) cannot be used, or AWS's rules do not
    /// allow what [`init`](Self::init) asks for.
    pub fn try_in_process(self) -> Result<Emulator, StartError> {
        Ok(Emulator {
            service: self.service()?,
            url: IN_PROCESS_URL.to_owned(),
            #[cfg(feature = "server")]
            server: None,
        })
    }

    fn service(self) -> Result<Arc<Service>, StartError> {
        let Self { settings, clock, latency, snapshot, init, durability, .. } = self;
        let spare_bytes = self.spare_bytes.unwrap_or(SPARE_BYTES);
        let data_dir =
            self.data_dir.map(|directory| DataDir { directory, durability, spare_bytes });
        let (data_dir, snapshot) = (data_dir.as_ref(), snapshot.as_ref());
        let beginning = Beginning { data_dir, snapshot, init: &init };
        let service = Service::begin(settings, clock, &beginning)?;
        service.set_latency(latency);
        Ok(service)
    }
}

#[cfg(feature = "server")]
#[track_caller]
fn valid<T>(read: Result<T, String>) -> T {
    read.unwrap_or_else(|error| panic!("{error}"))
}

/// Why an emulator could not start.
#[derive(Debug)]
pub struct StartError {
    message: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl StartError {
    /// Why the data directory cannot be used, if that is why.
    pub fn data_dir_error(&self) -> Option<&DataDirError> {
        self.source.downcast_ref()
    }
}

impl From<BeginError> for StartError {
    fn from(error: BeginError) -> Self {
        let message = error.to_string();
        let source: Box<dyn std::error::Error + Send + Sync> = match error {
            BeginError::DataDir(error) => error.into(),
            BeginError::Init(error) => error.into(),
            BeginError::NoThread(error) => error.into(),
            BeginError::NotKept(why) => why.to_string().into(),
        };
        Self { message, source }
    }
}

#[cfg(feature = "server")]
impl StartError {
    pub(crate) fn new(address: std::net::SocketAddr, source: std::io::Error) -> Self {
        let message = format!(
            "the emulator cannot listen on {address}: {source}; \
             choose another port, or 0 for a free one"
        );
        Self { message, source: source.into() }
    }

    /// What was to be set makes no sense, and says so itself.
    pub(crate) fn because(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { message: source.to_string(), source: source.into() }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn unwritable(file: &std::path::Path, source: std::io::Error) -> Self {
        let message = format!(
            "the certificate cannot be written to {}: {source}; choose another file",
            file.display()
        );
        Self { message, source: source.into() }
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
            let certificates = Arc::new(server::Certificates::default());
            let server = server::Server::new(
                service,
                clients,
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
