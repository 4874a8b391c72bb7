//! Signatures, when the emulator is told the secret.
//!
//! The constants were computed apart, with Python's hashlib and hmac.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{Builder, Credentials};
use kinesis_emulator::{Clock, Emulator, Secret};
use serde_json::json;

use crate::support::raw::{Custom, Raw, START};

const RIGHT: &str = "8975e1a9b467c943dd2a1caccc0f8c71a2b837a1fcc54baeb8f4d63882784ac6";
const OF_ANOTHER_SECRET: &str = "14f5378cc46f74e28df42b47c935804c95a9c96f8e1abeac55fa22f617cee381";
const RIGHT_IN_QUERY: &str = "9a1a45e91d7793ab287a6b4412f4353cf7e8be261783dc0757c0a083377163d4";
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
                        provided. Check your AWS Secret Access Key and signing method. Consult \
                        the service documentation for details.";
const SKEW: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);

fn strict() -> Raw {
    Raw::with(|builder| builder.verify_signatures(Secret::new("the secret")))
}

/// ListStreams, signed at [`START`].
fn signed(signature: &str) -> Custom {
    let credential = "AKIDEXAMPLE/20150122/us-east-1/kinesis/aws4_request";
    let names = "content-type;host;x-amz-date;x-amz-target";
    Custom::json("ListStreams", &json!({})).header("host", "kinesis.test").header(
        "authorization",
        &format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
        ),
    )
}

// behaviours 20: unless it is asked for
#[test]
fn only_a_signature_by_the_secret_is_taken() {
    let raw = strict();
    raw.send(signed(RIGHT)).expect_ok();
    let upper = RIGHT.to_uppercase();
    for wrong in [OF_ANOTHER_SECRET, "0", &RIGHT[1..], &upper] {
        raw.send(signed(wrong)).expect_error("InvalidSignatureException", MISMATCH);
    }
    Raw::new().send(signed("0")).expect_ok();
}

#[test]
fn a_signature_covers_body_headers_and_date() {
    let raw = strict();
    for changed in [
        signed(RIGHT).body("{ }"),
        signed(RIGHT).header("host", "elsewhere.test"),
        signed(RIGHT).header("content-type", "application/x-amz-json-1.1; charset=utf-8"),
        signed(RIGHT).header("x-amz-target", "Kinesis_20131202.DescribeLimits"),
        signed(RIGHT).header("x-amz-date", "20150122T012203Z"),
        signed(RIGHT).uri("/?a=b"),
        signed(RIGHT).without("host"),
    ] {
        raw.send(changed).expect_error("InvalidSignatureException", MISMATCH);
    }
    // What is not signed may change.
    raw.send(signed(RIGHT).header("user-agent", "any")).expect_ok();
}

#[test]
fn a_signature_is_good_for_five_minutes_either_way() {
    let raw = strict();
    raw.advance(SKEW);
    raw.send(signed(RIGHT)).expect_ok();
    raw.advance(SECOND);
    raw.send(signed(RIGHT)).expect_error(
        "InvalidSignatureException",
        "Signature expired: 20150122T012202Z is now earlier than 20150122T012203Z \
         (20150122T012703Z - 5 min.)",
    );
    let early = Raw::with(|builder| {
        let clock = Clock::manual(START.minus(SKEW + SECOND));
        builder.verify_signatures(Secret::new("the secret")).clock(clock)
    });
    early.send(signed(RIGHT)).expect_error(
        "InvalidSignatureException",
        "Signature not yet current: 20150122T012202Z is still later than 20150122T012201Z \
         (20150122T011701Z + 5 min.)",
    );
    early.advance(SECOND);
    early.send(signed(RIGHT)).expect_ok();
}

#[test]
fn a_query_can_be_signed_too() {
    let raw = strict();
    let uri = |signature: &str| {
        format!(
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIDEXAMPLE%2F20150122%2Fus-east-1%2Fkinesis%2Faws4_request\
             &X-Amz-Date=20150122T012202Z&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
        )
    };
    let request = || {
        Custom::json("ListStreams", &json!({}))
            .anonymous()
            .without("x-amz-date")
            .header("host", "kinesis.test")
    };
    raw.send(request().uri(&uri(RIGHT_IN_QUERY))).expect_ok();
    raw.send(request().uri(&uri(RIGHT))).expect_error("InvalidSignatureException", MISMATCH);
}

/// As botocore's `SigV4QueryAuth` writes it, for an hour.
#[test]
fn a_query_says_which_headers_it_signs_and_for_how_long() {
    const URI: &str = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20150122%2Fus-east-1%2Fkinesis%2Faws4_request\
         &X-Amz-Date=20150122T012202Z&X-Amz-Expires=3600\
         &X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-target\
         &X-Amz-Signature=f0f22f03907e3aec0e863c33d37c60b0f5376563702f5f6f229866887b6dc4f5";
    let raw = strict();
    let request = |host: &str, uri: &str| {
        let request = Custom::json("ListStreams", &json!({})).anonymous().without("x-amz-date");
        request.header("host", host).uri(uri)
    };
    let right = || raw.send(request("kinesis.test", URI));
    right().expect_ok();
    for (host, uri) in [
        ("elsewhere.test", URI.to_owned()),
        ("kinesis.test", URI.replace("=3600", "=7200")),
        ("kinesis.test", URI.replace("%3Bx-amz-target", "")),
    ] {
        raw.send(request(host, &uri)).expect_error("InvalidSignatureException", MISMATCH);
    }
    raw.advance(SECOND * 3600);
    right().expect_ok();
    raw.advance(SECOND);
    right().expect_error(
        "InvalidSignatureException",
        "Signature expired: 20150122T012202Z is now earlier than 20150122T012203Z \
         (20150122T022203Z - 3600 sec.)",
    );
}

// behaviours 17: a secret does not change what is said of no signature at all
#[test]
fn a_missing_signature_is_still_missing() {
    strict()
        .send(Custom::json("ListStreams", &json!({})).anonymous())
        .expect_error("MissingAuthenticationTokenException", "Missing Authentication Token");
}

/// The SDK with a secret of its own choice, which takes the first answer.
fn client_with(emulator: &Emulator, secret: &str) -> Client {
    let credentials = Credentials::new("AKIDEXAMPLE", secret, None, None, "test");
    let config = Builder::from(&emulator.sdk_config())
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

#[tokio::test]
async fn the_sdk_signs_as_the_emulator_verifies() {
    let strict = || Emulator::builder().verify_signatures(Secret::new("the secret"));
    for emulator in [strict().in_process(), strict().start_blocking().expect("a free port")] {
        let right = client_with(&emulator, "the secret");
        right.create_stream().stream_name("s").shard_count(1).send().await.expect("it is signed");
        let wrong = client_with(&emulator, "another");
        let refused = wrong.list_streams().send().await.expect_err("another secret");
        assert_eq!(refused.into_service_error().meta().code(), Some("InvalidSignatureException"));
        // The SDK signs by the emulator's clock, wherever that is; a client with a
        // clock of its own does not know that the emulator's has been moved.
        emulator.clock().advance(Duration::from_secs(25 * 3600));
        right.list_streams().send().await.expect("it goes by the same clock");
        let by = |clock: Clock| {
            Client::from_conf(right.config().to_builder().time_source(clock).build())
        };
        by(Clock::system()).list_streams().send().await.expect("it goes by the time that it is");
        let six_minutes_ago = Clock::system().now().minus(Duration::from_secs(360));
        let late = by(Clock::manual(six_minutes_ago)).list_streams().send().await;
        let late = late.expect_err("it is late by both clocks");
        let message = late.into_service_error().meta().message().unwrap_or_default().to_owned();
        assert!(message.starts_with("Signature expired: "), "{message}");
    }
}
