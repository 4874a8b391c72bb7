//! The command line: arguments and environment variables to settings.
//!
//! The only room that reads the environment.

mod aliases;
mod exec;
mod health;
mod host;
mod sense;
mod variables;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, value_parser};
use tokio::net::TcpListener;

use crate::durable::Durability;
use crate::durable::recovery::Cut;
use crate::durable::replay::Contents;
use crate::durable::store::{DataDir, Resumed, SPARE_BYTES};
use crate::emulator::{StartError, environment};
use crate::model::arn::Region;
use crate::model::limits::Limits;
use crate::model::settings::{Secret, Settings};
use crate::server;
use crate::service::Service;
use crate::service::begin::Beginning;
use crate::service::clock::Clock;
use crate::service::faults::Rule;
use crate::service::init::Init;
use crate::service::latency::Latency;
use crate::snapshot::Snapshot;

use host::Host;

/// An Amazon Kinesis Data Streams emulator.
///
/// Every flag can also be given as the environment variable that stands beside
/// it. The emulator ends on SIGINT or SIGTERM, after the calls it has accepted.
#[derive(Debug, Parser)]
#[command(
    name = "kinesis-emulator",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "The environment variables of kinesis-mock and LocalStack are understood where \
                  they mean something here; each is said on standard error."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "KINESIS_PORT", default_value_t = PORT)]
    port: u16,

    #[command(flatten)]
    serving: Serving,
}

const PORT: u16 = 4567;
const LOCALHOST: Host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a command with an emulator of its own
    ///
    /// The command finds the emulator by the variables that AWS SDKs and tools
    /// read. The emulator is empty, or as --init says, and ends with the command,
    /// whose exit code it passes on (128 and the signal's number if a signal has
    /// ended it; 127 if there is no such command). Signals are handed on.
    Exec {
        /// Port to listen on [default: a free one]
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,

        #[command(flatten)]
        serving: Box<Serving>,

        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Print the variables that point AWS SDKs and tools at an emulator
    ///
    /// For the shell: eval "$(kinesis-emulator env)"
    Env {
        /// Address or name of the emulator
        #[arg(long, env = "KINESIS_HOST", default_value_t = LOCALHOST)]
        host: Host,

        /// Port of the emulator
        #[arg(
            long, env = "KINESIS_PORT", default_value_t = PORT,
            value_parser = value_parser!(u16).range(1..),
        )]
        port: u16,

        /// Region of callers
        #[arg(long, env = "KINESIS_REGION", default_value = Region::DEFAULT)]
        region: Region,

        /// What the emulator verifies signatures with; it is not printed
        #[arg(long, env = "KINESIS_VERIFY_SECRET", value_name = "SECRET", hide_env_values = true)]
        verify_secret: Option<Secret>,
    },
    /// Ask an emulator whether it is up; the exit code is 0 if it is
    ///
    /// For health checks of containers: the image has no other program.
    Health {
        /// Address or name of the emulator
        #[arg(long, env = "KINESIS_HOST", default_value_t = LOCALHOST)]
        host: Host,

        /// Port of the emulator
        #[arg(
            long, env = "KINESIS_PORT", default_value_t = PORT,
            value_parser = value_parser!(u16).range(1..),
        )]
        port: u16,
    },
}

/// What an emulator is served with.
#[derive(Debug, clap::Args)]
struct Serving {
    /// Address to listen on, or a name of this machine
    #[arg(
        long, env = "KINESIS_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST),
        value_parser = host::address,
    )]
    host: IpAddr,

    /// File to write the certificate to that clients with TLS have to trust
    #[cfg(feature = "tls")]
    #[arg(long, env = "KINESIS_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// JSON file of streams, consumers and records to start with
    ///
    /// {"streams": [{"name": "orders", "shards": 2}]}
    ///
    /// Every member, with an example that runs: docs/files.md
    #[arg(long = "init", env = "KINESIS_INIT", value_name = "FILE")]
    init_file: Option<PathBuf>,

    /// What an alias of `--init` says.
    #[arg(skip)]
    init: Init,

    /// What aliases of `--state-delay` say: each is of another state.
    #[arg(skip)]
    longest_state: Option<Duration>,

    /// Snapshot file to start from
    #[arg(long, env = "KINESIS_SNAPSHOT", value_name = "FILE")]
    snapshot: Option<PathBuf>,

    /// Directory to keep everything in, so that it survives the process; without it,
    /// all is in memory alone
    #[arg(long, env = "KINESIS_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// When a write is answered: when it is on the disk (every-write), or when the
    /// operating system has it, which syncs every second (every-second) or as it likes (os)
    #[arg(long, env = "KINESIS_DURABILITY", value_name = "MODE", default_value_t)]
    durability: Durability,

    /// How much larger the data directory may be than what is in it twice over, in bytes.
    #[arg(long, env = "KINESIS_DATA_DIR_SPARE", hide = true, default_value_t = SPARE_BYTES)]
    data_dir_spare: u64,

    /// How long calls take: none, aws, a duration such as 15ms, or a JSON file
    ///
    /// {"operations": {"PutRecord": {"50": "12ms", "99": "40ms"}}, "other": "15ms"}
    ///
    /// Every member, with an example that runs: docs/files.md
    #[arg(
        long, env = "KINESIS_CALL_LATENCY", value_name = "PROFILE", default_value = "none",
        value_parser = Latency::from_argument,
    )]
    latency: Latency,

    /// JSON file of fault rules: calls to refuse, delay, hold or cut off
    ///
    /// [{"operation": "PutRecord", "times": 2, "reject": "ProvisionedThroughputExceededException"}]
    ///
    /// Every member, with an example that runs: docs/files.md
    #[arg(long, env = "KINESIS_FAULTS", value_name = "FILE")]
    faults: Option<PathBuf>,

    /// What an alias of `--faults` says.
    #[arg(skip)]
    rules: Vec<Rule>,

    /// Do not answer the control API (GET /_emulator), which callers on this machine have
    #[arg(long, env = "KINESIS_NO_CONTROL_API")]
    no_control_api: bool,

    #[command(flatten)]
    client_limits: server::ClientLimits,

    #[command(flatten)]
    allowed: server::Allowed,

    /// Limits to enforce: off, aws, or a JSON file
    ///
    /// {"base": "aws", "write_records_per_second": 500}
    ///
    /// Every member, with an example that runs: docs/files.md
    #[arg(
        long, env = "KINESIS_LIMITS", value_name = "off|aws|FILE", default_value = "off",
        value_parser = Limits::load,
    )]
    limits: Limits,

    #[command(flatten)]
    settings: Settings,
}

impl Arguments {
    /// Reads arguments and environment; ends the process if they cannot be used,
    /// or if they ask for help.
    pub fn read() -> Self {
        let command = Self::command();
        let matches = variables::read(&command);
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let (called, given) = called(&command, &matches);
        let read = |variable: &str| std::env::var(variable).ok();
        let applied = aliases::apply(&mut arguments, called, given, read);
        let sensible = arguments.serving().map_or(Ok(()), |s| sense::check(s, &command, given));
        match applied.and_then(|lines| sensible.map(|()| lines)) {
            Ok(lines) => lines.iter().for_each(|line| eprintln!("kinesis-emulator: {line}")),
            Err(error) => {
                Self::command().error(clap::error::ErrorKind::ValueValidation, error).exit()
            }
        }
        arguments
    }

    /// What is served with, if anything is.
    fn serving(&self) -> Option<&Serving> {
        match &self.command {
            None => Some(&self.serving),
            Some(Command::Exec { serving, .. }) => Some(serving),
            Some(Command::Env { .. } | Command::Health { .. }) => None,
        }
    }
}

/// The command that was called, or the program itself, and what it was given.
fn called<'a>(
    program: &'a clap::Command,
    matches: &'a ArgMatches,
) -> (&'a clap::Command, &'a ArgMatches) {
    matches
        .subcommand()
        .and_then(|(name, given)| Some((program.find_subcommand(name)?, given)))
        .unwrap_or((program, matches))
}

/// Does what the arguments say: serves until it is asked to end, runs a command,
/// or prints variables.
///
/// # Errors
/// If the address cannot be had, or there is something wrong with a file, with
/// what to do about it.
pub fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let Arguments { command, port, serving } = arguments;
    match command {
        None => in_runtime(SocketAddr::new(serving.host, port), serve(serving, port)),
        Some(Command::Exec { port, serving, command }) => {
            let address = SocketAddr::new(serving.host, port);
            in_runtime(address, execute(&serving, port, &command))
        }
        Some(Command::Env { host, port, region, verify_secret }) => {
            let settings = Settings { region, verify_secret, ..Settings::default() };
            let url = format!("http://{host}:{port}");
            export(&mut io::stdout().lock(), &url, &settings).map_err(StartError::because)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Health { host, port }) => Ok(health::ask(&host, port)),
    }
}

fn in_runtime(
    address: SocketAddr,
    work: impl Future<Output = Result<ExitCode, StartError>>,
) -> Result<ExitCode, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| StartError::new(address, source))?.block_on(work)
}

async fn serve(mut serving: Serving, port: u16) -> Result<ExitCode, StartError> {
    let most = &mut serving.client_limits.connections_max;
    if let Some(allowed) = server::ask_for_descriptors(*most) {
        eprintln!(
            "kinesis-emulator: the system allows this process {allowed} connections at a time, \
             not {most}: raise its limit on open files (ulimit -n) for more"
        );
        *most = allowed;
    }
    let Listening { server, service, listener, address } = serving.listen(port).await?;
    let failed = |source| StartError::new(address, source);
    // Before the ready line: whoever reads it may ask us to end at once.
    let stop = server::signal().map_err(failed)?;
    announce(&mut io::stdout().lock(), address, &serving, &service).map_err(failed)?;
    server.serve(listener, stop).await;
    Ok(close(&service))
}

async fn execute(
    serving: &Serving,
    port: u16,
    command: &[OsString],
) -> Result<ExitCode, StartError> {
    let Listening { server, service, listener, address } = serving.listen(port).await?;
    let variables = environment(&url(address), &serving.settings);
    // It is dropped with the runtime, connections and all.
    drop(tokio::spawn(server.serve(listener, std::future::pending())));
    let code = exec::run(command, variables).await;
    close(&service);
    Ok(code)
}

/// Keeps what is to survive the process.
fn close(service: &Service) -> ExitCode {
    match service.close() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("kinesis-emulator: not everything could be kept: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A server that is about to serve.
struct Listening {
    server: server::Server,
    service: Arc<Service>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Serving {
    async fn listen(&self, port: u16) -> Result<Listening, StartError> {
        let wanted = SocketAddr::new(self.host, port);
        let failed = |source| StartError::new(wanted, source);
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        #[cfg(feature = "tls")]
        let certificates = Arc::new(server::Certificates::of_hosts(&self.allowed.hosts));
        #[cfg(feature = "tls")]
        if let Some(file) = &self.ca_file {
            std::fs::write(file, certificates.authority_pem())
                .map_err(|error| StartError::unwritable(file, error))?;
        }
        let service = self.service()?;
        let clients = server::Clients {
            have_control: !self.no_control_api,
            limits: self.client_limits,
            allowed: self.allowed.clone(),
        };
        let server = server::Server::new(
            Arc::clone(&service),
            clients,
            #[cfg(feature = "tls")]
            certificates,
        );
        Ok(Listening { server, service, listener, address })
    }

    fn service(&self) -> Result<Arc<Service>, StartError> {
        let from_file = self.init_file.as_ref().map(Init::from_file).transpose();
        let init = from_file.map_err(StartError::because)?;
        let init = init.as_ref().unwrap_or(&self.init);
        let snapshot = self.snapshot.as_ref().map(Snapshot::read_from).transpose();
        let snapshot = snapshot.map_err(StartError::because)?;
        let settings = Settings { limits: self.limits.clone(), ..self.settings.clone() };
        let data_dir = self.data_dir.clone().map(|directory| DataDir {
            directory,
            durability: self.durability,
            spare_bytes: self.data_dir_spare,
        });
        let (data_dir, snapshot) = (data_dir.as_ref(), snapshot.as_ref());
        let beginning = Beginning { data_dir, snapshot, init };
        let service = Service::begin(settings, Clock::system(), &beginning)?;
        service.set_latency(self.latency.clone());
        for rule in &self.rules {
            service.faults().add(rule.clone()).map_err(StartError::because)?;
        }
        if let Some(file) = &self.faults {
            service.faults().load(file).map_err(StartError::because)?;
        }
        Ok(service)
    }
}

/// Says where the emulator is, and how to point an SDK at it.
fn announce(
    out: &mut impl Write,
    address: SocketAddr,
    Serving { settings, limits, data_dir, snapshot, .. }: &Serving,
    service: &Service,
) -> io::Result<()> {
    writeln!(out, "kinesis-emulator is ready at http://{address}")?;
    export(out, &url(address), settings)?;
    if *limits != Limits::off() {
        writeln!(out, "The limits in force are those of {}.", limits.name())?;
    }
    if let (Some(directory), Some((resumed, took))) = (data_dir, service.resumed()) {
        let Resumed { contents: Contents { streams, records }, found } = resumed;
        writeln!(
            out,
            "Goes on with {} (streams: {streams}, records: {records}; {} bytes read in {:.3} s).",
            directory.display(),
            found.bytes,
            took.as_secs_f64()
        )?;
        if let Some(Cut { file, offset, bytes }) = &found.cut {
            writeln!(
                out,
                "Left out the last {bytes} bytes of {file}, from byte {offset} on: a failure has \
                 torn them off, before anybody was told that they were written."
            )?;
        }
        if let Some(snapshot) = snapshot {
            writeln!(
                out,
                "Did not look at {}: a snapshot is what a new data directory begins with.",
                snapshot.display()
            )?;
        }
    }
    let anybody = settings.verify_secret.is_none() || settings.allow_anonymous;
    if anybody && !address.ip().is_loopback() {
        writeln!(
            out,
            "Anyone who reaches {} can use it: nothing is checked but the form of the credentials.",
            address.ip()
        )?;
    }
    out.flush()
}

fn export(out: &mut impl Write, url: &str, settings: &Settings) -> io::Result<()> {
    for (name, value) in environment(url, settings) {
        if name == "AWS_SECRET_ACCESS_KEY" && settings.verify_secret.is_some() {
            // Terminals and logs keep what is printed.
            writeln!(out, "# {name}: the one of --verify-secret")?;
        } else {
            writeln!(out, "export {name}={value}")?;
        }
    }
    Ok(())
}

/// Where a client on this machine finds who listens at an address.
fn url(address: SocketAddr) -> String {
    format!("http://{}:{}", Host::Address(address.ip()), address.port())
}
