//! Any endpoint that speaks Kinesis: a rival, a container, our own binary.
//!
//! Law: an endpoint that is not on this machine is loaded only when its owner
//! says so. With https, certificates are checked against the machine's roots and
//! those of `--ca-file`.

use std::env;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::{Client, Config};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::trust::Trust;
use crate::failure::Failure;

/// A URL such as `http://127.0.0.1:4566`, checked by shape only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    text: String,
    host: String,
    port: u16,
    is_tls: bool,
}

impl EndpointUrl {
    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, that of the scheme if none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it begins with https.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Host and port as a request names them.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or(&self.text, |(_, authority)| authority)
    }
}

impl FromStr for EndpointUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || "an endpoint looks like http://127.0.0.1:4566".to_owned();
        let uri: http::Uri = text.parse().map_err(|_| wanted())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wanted()),
        };
        // A path would be lost by the SDK's requests, and credentials do not belong in a URL.
        if uri.path() != "/" || uri.query().is_some() || text.contains('@') {
            return Err(wanted());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wanted)?;
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
        })
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An endpoint that accepted a connection.
#[derive(Debug)]
pub struct Endpoint {
    url: EndpointUrl,
    trust: Trust,
}

impl Endpoint {
    /// Makes sure that the endpoint may be loaded and that something listens there.
    ///
    /// # Errors
    /// When it is neither on this machine nor `owned`, or when nothing answers.
    pub async fn open(url: &EndpointUrl, owned: bool) -> Result<Self, Failure> {
        Self::open_trusting(url, owned, Trust::default()).await
    }

    /// The same with certificates to trust beside the machine's own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_trusting(
        url: &EndpointUrl,
        owned: bool,
        trust: Trust,
    ) -> Result<Self, Failure> {
        let unreachable = |reason: String| Failure::Unreachable { url: url.to_string(), reason };
        let host = (url.host.as_str(), url.port);
        let addresses: Vec<_> =
            lookup_host(host).await.map_err(|error| unreachable(error.to_string()))?.collect();
        let on_this_machine =
            addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
        if !on_this_machine && !owned {
            return Err(Failure::NotLoopback { host: url.host.clone() });
        }
        match timeout(CONNECT_MAX, TcpStream::connect(&addresses[..])).await {
            Ok(Ok(_)) => Ok(Self { url: url.clone(), trust }),
            Ok(Err(error)) => Err(unreachable(error.to_string())),
            Err(_) => Err(unreachable(format!("no answer within {CONNECT_MAX:?}"))),
        }
    }

    /// The URL as it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url.text
    }

    /// What [`url`](Self::url) consists of.
    #[must_use]
    pub fn parts(&self) -> &EndpointUrl {
        &self.url
    }

    /// Whose certificates are believed.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// A client with the region and credentials of the environment, or stand-ins.
    #[must_use]
    pub fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.url())
            .region(Region::new(region()))
            .credentials_provider(credentials())
            .http_client(if self.url.is_tls {
                self.trust.sdk_client()
            } else {
                aws_smithy_http_client::Builder::new().build_http()
            });
        Client::from_conf(config.build())
    }
}

/// How long a listener has to accept.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// The region of the environment, or the one that emulators take for granted.
pub(super) fn region() -> String {
    env::var("AWS_REGION")
        .or_else(|_| env::var("AWS_DEFAULT_REGION"))
        .unwrap_or_else(|_| "us-east-1".to_owned())
}

/// Emulators accept any credentials; a set pair wins, half a pair does not.
pub(super) fn credentials() -> Credentials {
    let from_environment = (env::var("AWS_ACCESS_KEY_ID"), env::var("AWS_SECRET_ACCESS_KEY"));
    match from_environment {
        (Ok(id), Ok(secret)) => {
            let token = env::var("AWS_SESSION_TOKEN").ok();
            Credentials::new(id, secret, token, None, "environment")
        }
        _ => Credentials::new("test", "test", None, None, "kinesis-bench"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointUrl};
    use crate::failure::Failure;

    #[test]
    fn a_url_is_host_and_port() {
        for (text, host, port) in [
            ("http://127.0.0.1:4566", "127.0.0.1", 4566),
            ("http://localhost:4566/", "localhost", 4566),
            ("http://[::1]:4566", "::1", 4566),
            ("http://kinesis", "kinesis", 80),
            ("https://kinesis", "kinesis", 443),
            ("https://localhost:4567", "localhost", 4567),
        ] {
            let url: EndpointUrl = text.parse().unwrap();
            assert_eq!((url.host.as_str(), url.port), (host, port));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in
            ["", "4566", "localhost", "ftp://localhost", "http://", "http://h/path", "http://u@h"]
        {
            let error = text.parse::<EndpointUrl>().unwrap_err();
            assert!(error.contains("http://127.0.0.1:4566"), "{text} said: {error}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_elsewhere_needs_an_owner() {
        // TEST-NET-1 (RFC 5737): an address that is nobody's; it is refused before any connect.
        let url = "http://192.0.2.1:4566".parse().unwrap();
        let failure = Endpoint::open(&url, false).await.unwrap_err();
        assert!(matches!(failure, Failure::NotLoopback { .. }), "{failure}");
    }

    #[tokio::test]
    async fn an_endpoint_without_a_listener_is_unreachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}").parse().unwrap();
        let failure = Endpoint::open(&url, false).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable { .. }), "{failure}");
    }
}
