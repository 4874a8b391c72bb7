//! Feature `sdk`: the AWS SDK over the emulator, with or without a socket.

mod time;

use std::io;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_kinesis::config::{BehaviorVersion, SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use http_body_util::{BodyExt, Limited};

use crate::Emulator;
use crate::service::body::Body;
use crate::service::{BODY_BYTES_MAX, Service};

impl Emulator {
    /// A configuration with which any AWS SDK client talks to this emulator:
    /// endpoint, Region, credentials, HTTP client, and the emulator's clock for
    /// signing, back-off and timeouts (see [`Clock`](crate::Clock)).
    ///
    /// The SDK's protection from stalled streams is off: it measures how fast a
    /// socket is, and would take a clock that jumps for a socket that stands.
    pub fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.url())
            .region(Region::new(self.settings().region.to_string()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test",
                self.settings().client_secret(),
                None,
                None,
                "kinesis-emulator",
            )))
            .http_client(self.http_client())
            .time_source(self.clock().clone())
            .sleep_impl(SharedAsyncSleep::new(self.clock().clone()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// A client of this emulator.
    pub fn client(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.sdk_config())
    }

    fn http_client(&self) -> SharedHttpClient {
        let client = if self.is_in_process() {
            SharedHttpClient::new(InProcess(Arc::clone(self.service())))
        } else {
            time::over_tcp()
        };
        SharedHttpClient::new(time::ReadTimeouts { client, clock: self.clock().clone() })
    }
}

/// The SDK's HTTP client, answered by the service itself.
#[derive(Debug, Clone)]
struct InProcess(Arc<Service>);

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX)
                .collect()
                .await
                .map_err(ConnectorError::user)?
                .to_bytes();
            let response = service.answer(http::Request::from_parts(parts, body)).wait().await;
            // As a connection that the other side has reset.
            let response = response.map_err(|dropped| {
                ConnectorError::io(io::Error::new(io::ErrorKind::ConnectionReset, dropped).into())
            })?;
            HttpResponse::try_from(response.map(|body| match body {
                Body::Full(bytes) => SdkBody::from(bytes),
                events @ Body::Events(_) => SdkBody::from_body_1_x(events),
            }))
            .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
