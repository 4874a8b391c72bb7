//! Calls, attempts and throttles, counted inside the SDK by an interceptor.
//!
//! The SDK retries on its own; only from inside can one see that it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aws_sdk_kinesis::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_kinesis::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_kinesis::operation::get_records::GetRecordsError;
use aws_sdk_kinesis::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_sdk_kinesis::operation::put_records::PutRecordsError;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardError;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use serde::Serialize;

use crate::driver::is_throttle_code;

/// Counters shared by all clients of a run; a clone counts into the same.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    calls: AtomicU64,
    attempts: AtomicU64,
    throttles: AtomicU64,
}

/// How often the SDK was called, and what that took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// Calls made by the benchmark.
    pub calls: u64,
    /// Requests sent for them.
    pub attempts: u64,
    /// Attempts after the first of each call.
    pub retries: u64,
    /// Attempts that were answered with a throttle.
    pub throttles: u64,
}

impl Counters {
    /// A call begins.
    pub fn called(&self) {
        self.0.calls.fetch_add(1, Relaxed);
    }

    /// A request is sent for a call.
    pub fn attempted(&self) {
        self.0.attempts.fetch_add(1, Relaxed);
    }

    /// So many answers said: come back later.
    pub fn throttled(&self, answers: u64) {
        self.0.throttles.fetch_add(answers, Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> CallCounts {
        let (calls, attempts) = (self.0.calls.load(Relaxed), self.0.attempts.load(Relaxed));
        CallCounts {
            calls,
            attempts,
            retries: attempts.saturating_sub(calls),
            throttles: self.0.throttles.load(Relaxed),
        }
    }
}

impl CallCounts {
    /// What was counted after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls - earlier.calls,
            attempts: self.attempts - earlier.attempts,
            retries: self.retries - earlier.retries,
            throttles: self.throttles - earlier.throttles,
        }
    }
}

/// Whether an error asks the caller to come back later.
#[must_use]
pub fn is_throttle(error: &impl ProvideErrorMetadata) -> bool {
    error.code().is_some_and(is_throttle_code)
}

impl Intercept for Counters {
    fn name(&self) -> &'static str {
        "kinesis-bench counters"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.called();
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.attempted();
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let refusal = context.output_or_error().and_then(Result::err);
        if refusal.and_then(|error| error.as_operation_error()).is_some_and(is_measured_throttle) {
            self.throttled(1);
        }
        Ok(())
    }
}

/// The SDK erases the type of an operation's error; these are the measured operations.
fn is_measured_throttle(error: &Error) -> bool {
    error.downcast_ref::<PutRecordError>().is_some_and(is_throttle)
        || error.downcast_ref::<PutRecordsError>().is_some_and(is_throttle)
        || error.downcast_ref::<SubscribeToShardError>().is_some_and(is_throttle)
        || error.downcast_ref::<GetRecordsError>().is_some_and(is_throttle)
        || error.downcast_ref::<GetShardIteratorError>().is_some_and(is_throttle)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use aws_sdk_kinesis::config::retry::RetryConfig;
    use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_kinesis::primitives::Blob;
    use aws_sdk_kinesis::{Client, Config};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;

    use super::{CallCounts, Counters};

    /// A target that refuses the first calls with a code, then answers.
    #[derive(Debug)]
    struct Reluctant {
        refusals: AtomicU32,
        code: &'static str,
    }

    impl HttpConnector for Reluctant {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let refuses =
                self.refusals.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
            let (status, body) = if refuses {
                (400, format!(r#"{{"__type":"{}"}}"#, self.code))
            } else {
                (200, r#"{"ShardId":"shardId-000000000000","SequenceNumber":"1"}"#.to_owned())
            };
            let status = status.try_into().expect("a status code");
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
        }
    }

    fn client(counters: &Counters, refusals: u32, code: &'static str) -> Client {
        let connector =
            SharedHttpConnector::new(Reluctant { refusals: AtomicU32::new(refusals), code });
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url("http://in-process.invalid")
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_micros(1)))
            .interceptor(counters.clone())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        Client::from_conf(config.build())
    }

    async fn counts_of_one_put(refusals: u32, code: &'static str) -> CallCounts {
        let counters = Counters::default();
        let put = client(&counters, refusals, code).put_record().stream_name("orders");
        // Refusals are part of the experiment; what was counted is its result.
        let _ = put.partition_key("a").data(Blob::new("b")).send().await;
        counters.counted()
    }

    #[tokio::test]
    async fn a_throttle_that_the_sdk_retries_is_seen() {
        for (refusals, code, expected) in [
            (0, "", [1, 1, 0, 0]),
            (1, "ProvisionedThroughputExceededException", [1, 2, 1, 1]),
            (2, "ThrottlingException", [1, 3, 2, 2]),
            (9, "LimitExceededException", [1, 3, 2, 3]),
            (1, "ValidationException", [1, 1, 0, 0]),
        ] {
            let counted = counts_of_one_put(refusals, code).await;
            let CallCounts { calls, attempts, retries, throttles } = counted;
            assert_eq!([calls, attempts, retries, throttles], expected, "{refusals} × {code}");
        }
    }
}
