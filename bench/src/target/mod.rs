//! What is measured.
//!
//! Every target is driven by the same calls with the same retries and timeouts;
//! only the way a request travels differs.

pub mod aws;
pub mod choice;
pub mod endpoint;
pub mod in_process;
pub mod loopback;
pub mod null;
pub mod trust;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use kinesis_emulator::Emulator;
use serde::Serialize;

use crate::cli::Settings;
use crate::failure::Failure;
use crate::measure::counters::Counters;
use endpoint::Endpoint;

/// A target that is ready for calls.
#[derive(Debug)]
pub enum Target {
    /// Our emulator on a loopback socket, in this process.
    Loopback(Arc<Emulator>),
    /// Our emulator without a socket.
    InProcess(Arc<Emulator>),
    /// Whatever listens at a URL.
    Endpoint(Endpoint),
    /// Kinesis itself, as the credential chain finds it.
    Aws(Box<aws::Aws>),
    /// Canned answers without a socket.
    Null(null::NullTarget),
    /// Canned answers on a loopback socket.
    NullTcp(null::NullServer),
}

/// The kind of a target, as reports name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// Our emulator over TCP.
    Loopback,
    /// Our emulator without a socket.
    InProcess,
    /// Any emulator at a URL.
    Endpoint,
    /// Kinesis itself.
    Aws,
    /// Canned answers, which measure the client.
    Null,
}

impl Target {
    /// Starts the emulator, or makes sure that something listens at the endpoint.
    ///
    /// # Errors
    /// When the target cannot be used.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        match &settings.endpoint {
            Some(url) => {
                let endpoint = Endpoint::open(url, settings.i_own_this_endpoint).await?;
                Ok(Self::Endpoint(endpoint))
            }
            None if settings.in_process => Ok(Self::in_process(settings.shards)),
            None => Self::loopback(settings.shards).await,
        }
    }

    /// Our emulator without a socket.
    #[must_use]
    pub fn in_process(shards: usize) -> Self {
        Self::InProcess(Arc::new(in_process::start(shards)))
    }

    /// Our emulator on a loopback socket.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn loopback(shards: usize) -> Result<Self, Failure> {
        Ok(Self::Loopback(Arc::new(loopback::start(shards).await?)))
    }

    /// A client of this target whose calls are counted.
    #[must_use]
    pub fn client(&self, counters: &Counters) -> Client {
        let client = match self {
            Self::Loopback(emulator) | Self::InProcess(emulator) => emulator.client(),
            Self::Endpoint(endpoint) => endpoint.client(),
            Self::Aws(aws) => aws.client(),
            Self::Null(target) => target.client(),
            Self::NullTcp(server) => {
                null::client(server.url(), aws_smithy_http_client::Builder::new().build_http())
            }
        };
        let config = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::standard())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_MAX).build())
            .interceptor(counters.clone());
        Client::from_conf(config.build())
    }

    /// What kind of target this is.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Loopback(_) => TargetKind::Loopback,
            Self::InProcess(_) => TargetKind::InProcess,
            Self::Endpoint(_) => TargetKind::Endpoint,
            Self::Aws(_) => TargetKind::Aws,
            Self::Null(_) | Self::NullTcp(_) => TargetKind::Null,
        }
    }

    /// Where it listens, if it does.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Loopback(emulator) => Some(emulator.url()),
            Self::InProcess(_) | Self::Null(_) => None,
            Self::Endpoint(endpoint) => Some(endpoint.url()),
            Self::Aws(aws) => Some(aws.url()),
            Self::NullTcp(server) => Some(server.url()),
        }
    }
}

/// A target that takes longer than this for one answer is taken for hung.
pub(crate) const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Up to here the emulator is measured as it comes; beyond, its shard limit is raised.
const SHARDS_AS_IT_COMES_MAX: usize = 200;

/// The shard limit a stream of `shards` needs beyond the default, if it does.
fn raised_shard_limit(shards: usize) -> Option<u32> {
    let limit = u32::try_from(shards).expect("the command line allows far fewer shards");
    (shards > SHARDS_AS_IT_COMES_MAX).then_some(limit)
}
