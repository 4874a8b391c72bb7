//! What is measured.
//!
//! Every target is driven by the same calls with the same retries and timeouts;
//! only the way a request travels differs.

pub mod aws;
pub mod choice;
pub mod endpoint;
pub mod null;
pub mod process;
pub mod trust;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use kinesis_emulator::{Builder, Emulator, Latency, Limits, Rule};
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
    /// Starts the emulator under limits, or makes sure that something listens at the endpoint.
    ///
    /// # Errors
    /// When the target cannot be used.
    pub async fn open(settings: &Settings, limits: Option<Limits>) -> Result<Self, Failure> {
        match &settings.endpoint {
            Some(url) => {
                let endpoint = Endpoint::open(url, settings.i_own_this_endpoint).await?;
                Ok(Self::Endpoint(endpoint))
            }
            None => {
                let profile = Profile { limits: limits.unwrap_or_default(), ..Profile::default() };
                if settings.in_process {
                    Self::in_process(settings.shards, &profile)
                } else {
                    Self::loopback(settings.shards, &profile).await
                }
            }
        }
    }

    /// Our emulator without a socket.
    ///
    /// # Errors
    /// When a fault rule makes no sense.
    pub fn in_process(shards: usize, profile: &Profile) -> Result<Self, Failure> {
        let emulator = profile.builder(shards).in_process();
        profile.arm(&emulator)?;
        Ok(Self::InProcess(Arc::new(emulator)))
    }

    /// Our emulator on a loopback socket.
    ///
    /// # Errors
    /// When no port can be bound, or a fault rule makes no sense.
    pub async fn loopback(shards: usize, profile: &Profile) -> Result<Self, Failure> {
        let started = profile.builder(shards).start().await;
        let emulator = started.map_err(|error| Failure::Start(error.to_string()))?;
        profile.arm(&emulator)?;
        Ok(Self::Loopback(Arc::new(emulator)))
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

    /// The name of the limits that it enforces.
    #[must_use]
    pub fn limits(&self) -> String {
        match self {
            Self::Loopback(emulator) | Self::InProcess(emulator) => {
                emulator.limits().name().to_owned()
            }
            Self::Endpoint(_) | Self::Aws(_) => "unknown (the endpoint's own)".to_owned(),
            Self::Null(_) | Self::NullTcp(_) => "off".to_owned(),
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

/// What our own emulator is to be like.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// What it enforces.
    pub limits: Limits,
    /// How long its calls take.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: Vec<Rule>,
}

impl Profile {
    /// Whether calls may take longer, or be cut off, by order.
    #[must_use]
    pub fn delays(&self) -> bool {
        self.latency != Latency::none() || !self.faults.is_empty()
    }

    /// An emulator like this, allowed a stream of `shards`.
    fn builder(&self, shards: usize) -> Builder {
        let builder = Emulator::builder().limits(self.limits.clone()).latency(self.latency.clone());
        let limit = u32::try_from(shards).expect("the command line allows far fewer shards");
        if shards > SHARDS_AS_IT_COMES_MAX { builder.shard_limit(limit) } else { builder }
    }

    fn arm(&self, emulator: &Emulator) -> Result<(), Failure> {
        for rule in &self.faults {
            let added = emulator.faults().add(rule.clone());
            added.map_err(|error| Failure::Start(error.to_string()))?;
        }
        Ok(())
    }
}
