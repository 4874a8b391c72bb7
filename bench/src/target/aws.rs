//! Kinesis itself, by the default chain of credentials and regions.
//!
//! Law: it is loaded only when its owner says so, as any endpoint elsewhere is.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_kinesis::Client;

use super::trust::Trust;
use crate::failure::Failure;

/// An account and a region that can be called.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    credentials: Credentials,
    region: String,
    url: String,
}

impl Aws {
    /// Finds region and credentials.
    ///
    /// # Errors
    /// When there is no consent, no region, or no credentials.
    pub async fn open(owned: bool) -> Result<Self, Failure> {
        if !owned {
            return Err(Failure::NotLoopback { host: "AWS".to_owned() });
        }
        let http_client = Trust::default().sdk_client();
        let config =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).load().await;
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            Failure::Start(
                "no AWS region is set: set AWS_REGION, or choose a profile with AWS_PROFILE"
                    .to_owned(),
            )
        })?;
        let missing = |reason: String| {
            Failure::Start(format!(
                "no AWS credentials were found ({reason}): log in, set AWS_PROFILE, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ))
        };
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(|| missing("there is no provider".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| missing(error.to_string()))?;
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = format!("https://kinesis.{region}.amazonaws.com{suffix}");
        Ok(Self { config, credentials, region, url })
    }

    /// An SDK client with the chain's own renewal of credentials.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.config)
    }

    /// Credentials as they are now; the native driver does not renew them.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where Kinesis listens in that region.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
