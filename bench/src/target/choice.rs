//! Targets by name, as `run` and `compare` take them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::aws::Aws;
use super::endpoint::{self, Endpoint, EndpointUrl};
use super::null::{NullServer, NullTarget};
use super::trust::Trust;
use super::{ATTEMPT_MAX, Profile, Target, TargetKind};
use crate::driver::native::{Address, NativeDriver, Way};
use crate::driver::sdk::SdkDriver;
use crate::driver::sign::Signer;
use crate::driver::{Driver, DriverKind};
use crate::failure::Failure;
use crate::measure::counters::Counters;
use crate::report::run;

/// A target, before anything has been started or called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetChoice {
    /// Our emulator without a socket.
    InProcess,
    /// Our emulator on a loopback socket.
    Loopback,
    /// Canned answers without a socket.
    Null,
    /// Canned answers on a loopback socket.
    NullTcp,
    /// Kinesis itself.
    Aws,
    /// Whatever listens at a URL.
    Endpoint(EndpointUrl),
}

/// How requests are made.
#[derive(Debug, Clone)]
pub struct Access {
    /// By whom.
    pub driver: DriverKind,
    /// Over HTTP/2 without TLS; the native driver only.
    pub is_http2: bool,
    /// HTTP/2 connections.
    pub connections: usize,
    /// Whether the owner has agreed.
    pub is_owned: bool,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// The most shards a stream will have.
    pub shards: usize,
    /// What our own emulator is to be like.
    pub profile: Profile,
}

impl FromStr for TargetChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "in-process" => Ok(Self::InProcess),
            "loopback" => Ok(Self::Loopback),
            "null" => Ok(Self::Null),
            "null-tcp" => Ok(Self::NullTcp),
            "aws" => Ok(Self::Aws),
            url if url.contains("://") => url.parse().map(Self::Endpoint),
            _ => Err("a target is in-process, loopback, null, null-tcp, aws or a URL such as \
                      http://127.0.0.1:4566"
                .to_owned()),
        }
    }
}

impl fmt::Display for TargetChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("in-process"),
            Self::Loopback => f.write_str("loopback"),
            Self::Null => f.write_str("null"),
            Self::NullTcp => f.write_str("null-tcp"),
            Self::Aws => f.write_str("aws"),
            Self::Endpoint(url) => url.fmt(f),
        }
    }
}

impl TargetChoice {
    /// Starts the target, or makes sure that it can be called.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn open(&self, access: &Access) -> Result<Target, Failure> {
        match self {
            Self::InProcess => Target::in_process(access.shards, &access.profile),
            Self::Loopback => Target::loopback(access.shards, &access.profile).await,
            Self::Null => Ok(Target::Null(NullTarget::default())),
            Self::NullTcp => match NullServer::start(0) {
                Ok(server) => Ok(Target::NullTcp(server)),
                Err(error) => Err(Failure::Start(error.to_string())),
            },
            Self::Aws => Ok(Target::Aws(Box::new(Aws::open(access.is_owned).await?))),
            Self::Endpoint(url) => {
                let trust = access.trust.clone();
                let endpoint = Endpoint::open_trusting(url, access.is_owned, trust).await?;
                Ok(Target::Endpoint(endpoint))
            }
        }
    }

    /// Whether it is our own emulator, started here and made as it is to be.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        match self {
            Self::InProcess | Self::Loopback => true,
            Self::Null | Self::NullTcp | Self::Aws | Self::Endpoint(_) => false,
        }
    }

    /// Whether its answers are canned, so that nothing can be read back.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null | Self::NullTcp => true,
            Self::InProcess | Self::Loopback | Self::Aws | Self::Endpoint(_) => false,
        }
    }

    /// Whether calls to it may cost money or disturb others.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        match self {
            Self::InProcess | Self::Loopback | Self::Null | Self::NullTcp => false,
            Self::Aws => true,
            // Decided by its addresses when it is opened; by its name here.
            Self::Endpoint(url) => {
                !matches!(url.host(), "localhost" | "::1") && !url.host().starts_with("127.")
            }
        }
    }
}

impl Target {
    /// A driver of this target with counters of its own.
    ///
    /// # Errors
    /// When the target cannot be reached in that way.
    pub fn driver(&self, access: &Access) -> Result<Driver, Failure> {
        let counters = Counters::default();
        let client = self.client(&counters);
        if access.driver == DriverKind::Sdk {
            return Ok(Driver::Sdk(SdkDriver::new(client, counters)));
        }
        let way = match self {
            Self::InProcess(emulator) => {
                let emulator = Arc::clone(emulator);
                Way::Call(Arc::new(move |request| emulator.call(request)))
            }
            Self::Null(target) => {
                let target = target.clone();
                Way::Call(Arc::new(move |request| target.answer(&request)))
            }
            Self::Loopback(_) | Self::Endpoint(_) | Self::Aws(_) | Self::NullTcp(_) => {
                self.way_over_tcp(access)?
            }
        };
        // What is not measured is not counted: the SDK's own control calls included.
        let signer = self.signer();
        let native = NativeDriver::new(
            self.client(&Counters::default()),
            counters,
            signer,
            way,
            ATTEMPT_MAX,
        );
        Ok(Driver::Native(native))
    }

    /// How requests travel.
    #[must_use]
    pub fn protocol(&self, access: &Access) -> run::Protocol {
        match self {
            Self::InProcess(_) | Self::Null(_) => run::Protocol::InProcess,
            _ if access.is_http2 => run::Protocol::Http2,
            // With TLS the SDK takes HTTP/2 where the other side offers it, as AWS does.
            Self::Aws(_) if access.driver == DriverKind::Sdk => run::Protocol::Http2,
            _ => run::Protocol::Http1,
        }
    }

    /// What a saved run says of this target.
    #[must_use]
    pub fn told(&self, access: &Access, poll_interval_ms: f64) -> run::Target {
        let kind = match self.kind() {
            TargetKind::Loopback => "loopback",
            TargetKind::InProcess => "in-process",
            TargetKind::Endpoint => "endpoint",
            TargetKind::Aws => "aws",
            TargetKind::Null => "null",
        };
        let own = match self {
            Self::Loopback(emulator) | Self::InProcess(emulator) => Some(emulator),
            _ => None,
        };
        run::Target {
            kind: kind.to_owned(),
            endpoint: self.url().map(str::to_owned),
            region: Some(self.region()),
            protocol: self.protocol(access),
            driver: match access.driver {
                DriverKind::Sdk => run::Driver::Sdk,
                DriverKind::Native => run::Driver::Native,
            },
            limits: own.map(|emulator| emulator.limits().name().to_owned()),
            latency: own.map(|emulator| emulator.latency().name()),
            poll_interval_ms: Some(poll_interval_ms),
        }
    }

    fn region(&self) -> String {
        match self {
            Self::Aws(aws) => aws.region().to_owned(),
            Self::Endpoint(_) => endpoint::region(),
            _ => "us-east-1".to_owned(),
        }
    }

    fn signer(&self) -> Signer {
        let authority = self.url().and_then(|url| url.split_once("://"));
        let host = authority.map_or("in-process.invalid", |(_, authority)| authority);
        let credentials = match self {
            Self::Aws(aws) => aws.credentials().clone(),
            Self::Endpoint(_) => endpoint::credentials(),
            _ => aws_credential_types::Credentials::new("test", "test", None, None, "bench"),
        };
        Signer::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token(),
            &self.region(),
            host,
        )
    }

    fn way_over_tcp(&self, access: &Access) -> Result<Way, Failure> {
        let (url, trust) = match self {
            Self::Endpoint(endpoint) => (endpoint.parts().clone(), endpoint.trust().clone()),
            _ => {
                let url = self.url().unwrap_or_default();
                (url.parse().map_err(Failure::Start)?, Trust::default())
            }
        };
        let tls = if url.is_tls() { Some(trust.connector()?) } else { None };
        if tls.is_some() && access.is_http2 {
            return Err(Failure::Start(
                "the native driver speaks HTTP/2 without TLS only: leave out --h2c, or use \
                 an http:// endpoint"
                    .to_owned(),
            ));
        }
        let address = Address { host: url.host().to_owned(), port: url.port(), tls };
        Ok(if access.is_http2 {
            Way::http2(address, access.connections)
        } else {
            Way::http1(address)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TargetChoice;

    #[test]
    fn targets_have_names_that_are_read_back() {
        for (text, is_elsewhere) in [
            ("in-process", false),
            ("loopback", false),
            ("null", false),
            ("null-tcp", false),
            ("aws", true),
            ("http://127.0.0.1:4566", false),
            ("https://kinesis.example.com", true),
        ] {
            let choice: TargetChoice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
            assert_eq!(choice.is_elsewhere(), is_elsewhere, "{text}");
        }
        let error = "localstack".parse::<TargetChoice>().unwrap_err();
        assert!(error.contains("null-tcp") && error.contains("http://127.0.0.1:4566"), "{error}");
    }
}
