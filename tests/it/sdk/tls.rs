//! TLS on the emulator's one port, trusted by its certificate alone.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::SharedHttpClient;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider};
use kinesis_emulator::Emulator;

/// A client that trusts one authority and nothing else.
pub(super) fn client_trusting(kinesis: &Emulator, authority_pem: &str) -> Client {
    let trust = TrustStore::empty().with_pem_certificate(authority_pem.as_bytes());
    let context = TlsContext::builder().with_trust_store(trust).build().expect("a PEM certificate");
    let http: SharedHttpClient = Builder::new()
        .tls_provider(Provider::Rustls(rustls_provider::CryptoMode::Ring))
        .tls_context(context)
        .build_https();
    let config = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config())
        .endpoint_url(kinesis.tls_url().expect("it listens"))
        .http_client(http)
        .retry_config(aws_sdk_kinesis::config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn the_sdk_talks_tls_once_it_trusts_the_emulators_authority() {
    let kinesis = Emulator::start().await;
    let client = client_trusting(&kinesis, kinesis.certificate_authority_pem().unwrap());
    client.create_stream().stream_name("secret").shard_count(1).send().await.unwrap();
    let data = Blob::new("over TLS");
    client.put_record().stream_name("secret").partition_key("k").data(data).send().await.unwrap();
    // The same state is there without TLS, on the same port.
    let plain = kinesis.client().list_streams().send().await.unwrap();
    assert_eq!(plain.stream_names(), ["secret"]);
}

#[tokio::test]
async fn a_subscription_is_pushed_over_tls() {
    let kinesis = Emulator::start().await;
    let client = client_trusting(&kinesis, kinesis.certificate_authority_pem().unwrap());
    client.create_stream().stream_name("pushed").shard_count(1).send().await.unwrap();
    let consumer = client
        .register_stream_consumer()
        .stream_arn("arn:aws:kinesis:us-east-1:000000000000:stream/pushed")
        .consumer_name("reader")
        .send()
        .await
        .unwrap();
    let start = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().unwrap();
    let mut events = client
        .subscribe_to_shard()
        .consumer_arn(consumer.consumer().unwrap().consumer_arn())
        .shard_id("shardId-000000000000")
        .starting_position(start)
        .send()
        .await
        .unwrap();
    let put = client.put_record().stream_name("pushed").partition_key("k").data(Blob::new("x"));
    let (event, put) = tokio::join!(events.event_stream.recv(), put.send());
    put.unwrap();
    let Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) = event.unwrap() else {
        panic!("an event comes first");
    };
    assert_eq!(event.records().len(), 1);
}

#[tokio::test]
async fn another_emulators_authority_is_not_trusted() {
    let (kinesis, other) = (Emulator::start().await, Emulator::start().await);
    let client = client_trusting(&kinesis, other.certificate_authority_pem().unwrap());
    let refused = client.list_streams().send().await.expect_err("the certificate is not trusted");
    assert!(refused.as_service_error().is_none(), "no answer can have come: {refused:?}");
}

#[tokio::test]
async fn both_http_versions_are_offered() {
    let kinesis = Emulator::start().await;
    let authority = kinesis.certificate_authority_pem().unwrap();
    let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    let client = crate::support::http_client().tls_certs_only([certificate]).build().unwrap();
    let answer = client.get(kinesis.tls_url().unwrap()).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.status(), 403, "an unsigned GET is nobody's call");
}
