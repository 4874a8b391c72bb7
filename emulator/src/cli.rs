//! The command line: arguments and environment variables to settings.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Parser;

use crate::emulator::{StartError, environment};
use crate::model::settings::Settings;
use crate::server;
use crate::service::Service;
use crate::service::clock::Clock;
use crate::service::latency::Latency;

/// An Amazon Kinesis Data Streams emulator.
///
/// Every flag can also be given as the environment variable that stands beside
/// it. The emulator ends on SIGINT or SIGTERM, after the calls it has accepted.
#[derive(Debug, Parser)]
#[command(name = "kinesis-emulator", version)]
pub struct Arguments {
    /// Address to listen on
    #[arg(long, env = "KINESIS_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "KINESIS_PORT", default_value_t = 4567)]
    port: u16,

    /// File to write the certificate to that clients with TLS have to trust
    #[cfg(feature = "tls")]
    #[arg(long, env = "KINESIS_CA_FILE", value_name = "FILE")]
    ca_file: Option<std::path::PathBuf>,

    /// How long calls take: none, aws, a duration such as 15ms, or a file
    #[arg(
        long, env = "KINESIS_LATENCY", value_name = "PROFILE", default_value = "none",
        value_parser = Latency::from_argument,
    )]
    latency: Latency,

    /// File of fault rules, in JSON
    #[arg(long, env = "KINESIS_FAULTS", value_name = "FILE")]
    faults: Option<std::path::PathBuf>,

    #[command(flatten)]
    settings: Settings,
}

/// Runs the emulator until it is asked to end.
///
/// # Errors
/// If the address cannot be had, with what to do about it.
pub fn run(arguments: Arguments) -> Result<(), StartError> {
    let Arguments { host, port, settings, .. } = &arguments;
    let (host, port) = (*host, *port);
    let wanted = SocketAddr::new(host, port);
    let failed = |source| StartError::new(wanted, source);
    let service = Arc::new(Service::new(settings.clone(), Clock::system()));
    service.set_latency(arguments.latency.clone());
    if let Some(file) = &arguments.faults {
        service.faults().load(file).map_err(StartError::because)?;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        #[cfg(feature = "tls")]
        let certificates = Arc::new(server::Certificates::default());
        #[cfg(feature = "tls")]
        if let Some(file) = &arguments.ca_file {
            std::fs::write(file, certificates.authority_pem())
                .map_err(|error| StartError::unwritable(file, error))?;
        }
        // Before the ready line: whoever reads it may ask us to end at once.
        let stop = server::signal().map_err(failed)?;
        announce(&mut io::stdout().lock(), address, settings).map_err(failed)?;
        let server = server::Server::new(
            service,
            #[cfg(feature = "tls")]
            certificates,
        );
        server.serve(listener, stop).await;
        Ok(())
    })
}

/// Says where the emulator is, and how to point an SDK at it.
fn announce(out: &mut impl Write, address: SocketAddr, settings: &Settings) -> io::Result<()> {
    writeln!(out, "kinesis-emulator is ready at http://{address}")?;
    for (name, value) in environment(&format!("http://{address}"), settings) {
        writeln!(out, "export {name}={value}")?;
    }
    if !address.ip().is_loopback() {
        writeln!(
            out,
            "Anyone who reaches {} can use it: nothing is checked but the form of the credentials.",
            address.ip()
        )?;
    }
    out.flush()
}
