//! The emulator's clock as the AWS SDK's: the time it signs with, its back-off
//! and its timeouts.
//!
//! One wait stays real: connecting a socket takes the time that it takes, so a
//! clock that is moved meanwhile does not end it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::service::clock::Clock;

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(Clock::now(self).as_micros())
    }
}

impl AsyncSleep for Clock {
    /// Counts from this call, not from the first poll.
    fn sleep(&self, duration: Duration) -> Sleep {
        // A part of a microsecond is a whole one: a wait is never too short.
        let duration = duration.saturating_add(Duration::from_nanos(999));
        Sleep::new(self.timer(Clock::now(self).plus(duration)))
    }
}

/// An HTTP client over sockets, with connect timeouts in real time and none for
/// reading.
pub(super) fn over_tcp() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, _| {
        let mut own = HttpConnectorSettings::builder();
        own.set_connect_timeout(settings.and_then(HttpConnectorSettings::connect_timeout));
        // Without an `AsyncSleep` of ours it takes tokio's.
        Connector::builder().connector_settings(own.build()).build_http()
    })
}

/// An HTTP client whose read timeouts go by a clock.
#[derive(Debug)]
pub(super) struct ReadTimeouts {
    pub(super) client: SharedHttpClient,
    pub(super) clock: Clock,
}

impl HttpClient for ReadTimeouts {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        match settings.read_timeout() {
            Some(timeout) => {
                let clock = self.clock.clone();
                SharedHttpConnector::new(ReadTimeout { connector, clock, timeout })
            }
            None => connector,
        }
    }
}

/// Gives up on an answer that does not begin in time.
#[derive(Debug)]
struct ReadTimeout {
    connector: SharedHttpConnector,
    clock: Clock,
    timeout: Duration,
}

impl HttpConnector for ReadTimeout {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.connector.call(request);
        let (elapsed, timeout) = (self.clock.sleep(self.timeout), self.timeout);
        HttpConnectorFuture::new(async move {
            tokio::select! {
                // An answer that is there has come in time.
                biased;
                answer = answer => answer,
                () = elapsed => {
                    let error = format!("HTTP read timeout occurred after {timeout:?}");
                    Err(ConnectorError::timeout(error.into()))
                }
            }
        })
    }
}
