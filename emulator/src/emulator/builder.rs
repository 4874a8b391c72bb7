//! `Builder`: what an emulator is to be like, before it starts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::durable::Durability;
use crate::durable::store::{DataDir, SPARE_BYTES};
use crate::model::arn::{AccountId, Region};
use crate::model::limits::Limits;
use crate::model::settings::{Secret, Settings};
#[cfg(feature = "server")]
use crate::server::ClientLimits;
use crate::service::Service;
use crate::service::begin::Beginning;
use crate::service::clock::Clock;
use crate::service::init::Init;
use crate::service::latency::Latency;
use crate::snapshot::Snapshot;

#[cfg(feature = "server")]
use super::tcp;
use super::{Emulator, IN_PROCESS_URL, StartError};

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
    ///
    /// # Panics
    /// If `calls_per_second` names what is not an operation.
    #[track_caller]
    pub fn limits(mut self, limits: Limits) -> Self {
        limits.check().unwrap_or_else(|error| panic!("{error}"));
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
