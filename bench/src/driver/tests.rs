//! Both drivers say the same to the same target, and the native one signs for real.

use std::time::Duration;

use bytes::Bytes;
use kinesis_emulator::{Emulator, Rule, Secret};
use tokio::net::TcpStream;

use super::{Driver, DriverKind, Outgoing, Placed, Position, Refusal};
use crate::driver::http1::{Answer, Connection};
use crate::driver::native::{Address, NativeDriver, Way};
use crate::driver::replay::Prepared;
use crate::driver::sdk::SdkDriver;
use crate::driver::sign::Signer;
use crate::measure::counters::Counters;
use crate::target::trust::Trust;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn native(emulator: &Emulator, way: Way, secret: &str) -> Driver {
    native_with_token(emulator, way, secret, None)
}

fn native_with_token(emulator: &Emulator, way: Way, secret: &str, token: Option<&str>) -> Driver {
    let counters = Counters::default();
    let host = emulator.url().trim_start_matches("http://").to_owned();
    let signer = Signer::new("AKIDEXAMPLE", secret, token, "us-east-1", &host);
    let client = emulator.client();
    Driver::Native(NativeDriver::new(client, counters, signer, way, Duration::from_secs(10)))
}

fn address(emulator: &Emulator) -> Address {
    let (host, port) = emulator.url().trim_start_matches("http://").rsplit_once(':').unwrap();
    Address { host: host.to_owned(), port: port.parse().unwrap(), tls: None }
}

/// The same port with TLS, whose certificate is believed or not.
fn address_with_tls(emulator: &Emulator, is_trusted: bool) -> Address {
    let pem = emulator.certificate_authority_pem().unwrap().as_bytes().to_vec();
    let trust = if is_trusted { Trust::with_pem(pem) } else { Trust::default() };
    Address { tls: Some(trust.connector().unwrap()), ..address(emulator) }
}

fn record(key: &str, data: &'static [u8]) -> Outgoing {
    Outgoing {
        partition_key: key.to_owned(),
        explicit_hash_key: None,
        data: Bytes::from_static(data),
    }
}

/// Puts three records, one of them by hash key, and reads them back.
async fn converse(driver: &Driver) {
    let first = driver.put_record("orders", &record("\"ä\"\n", b"one")).await.unwrap();
    let by_hash = Outgoing { explicit_hash_key: Some(0), ..record("k", b"two\0") };
    let others = [by_hash, record("k", b"")];
    let placed = driver.put_records("orders", &others[..1]).await.unwrap();
    assert_eq!(placed[0].as_ref().unwrap().shard_id, "shardId-000000000000");
    let refused = driver.put_records("nowhere", &others[..1]).await.unwrap_err();
    assert_eq!(refused.code, "ResourceNotFoundException");
    assert!(!refused.message.is_empty());

    let shards = driver.list_shards("orders").await.unwrap();
    assert_eq!((shards[0].first, shards.last().unwrap().last), (0, u128::MAX));
    let mut read = Vec::new();
    for shard in &shards {
        let position = Position::Oldest;
        let iterator =
            driver.get_shard_iterator("orders", &shard.shard_id, &position).await.unwrap();
        let fetched = driver.get_records(&iterator).await.unwrap();
        assert!(fetched.next.is_some() && fetched.children.is_empty());
        read.extend(fetched.records);
    }
    let numbers: Vec<&str> = read.iter().map(|record| &*record.sequence_number).collect();
    assert!(numbers.contains(&&*first.sequence_number));
    let one = read.iter().find(|record| record.data == b"one"[..]).unwrap();
    assert_eq!(one.partition_key, "\"ä\"\n");
    assert!(read.iter().any(|record| record.data == b"two\0"[..]));
    let counted = driver.counters().counted();
    // A put, two batches, a list, and an iterator and a get for each shard.
    assert_eq!((counted.calls, counted.retries), (4 + 2 * shards.len() as u64, 0));
}

async fn signed_emulator() -> Emulator {
    let secret = SECRET.parse::<Secret>().unwrap();
    let emulator = Emulator::builder().verify_signatures(secret).start().await.unwrap();
    let host = emulator.url().trim_start_matches("http://").to_owned();
    let url = format!("http://{host}");
    // The SDK makes the stream with the same secret.
    let credentials =
        aws_sdk_kinesis::config::Credentials::new("AKIDEXAMPLE", SECRET, None, None, "test");
    let config = emulator.client().config().to_builder();
    let config = config.endpoint_url(url).credentials_provider(credentials).build();
    let client = aws_sdk_kinesis::Client::from_conf(config);
    client.create_stream().stream_name("orders").shard_count(2).send().await.unwrap();
    emulator
}

#[tokio::test]
async fn the_native_driver_s_signatures_are_verified_over_http1_tls_and_http2() {
    let ways: [fn(&Emulator) -> Way; 3] = [
        |emulator| Way::http1(address(emulator)),
        |emulator| Way::http1(address_with_tls(emulator, true)),
        |emulator| Way::http2(address(emulator), 2),
    ];
    for way in ways {
        let emulator = signed_emulator().await;
        let driver = native(&emulator, way(&emulator), SECRET);
        assert_eq!(driver.kind(), DriverKind::Native);
        converse(&driver).await;
        let token = Some("IQoJb3JpZ2luX2VjE/token==");
        let guest = native_with_token(&emulator, way(&emulator), SECRET, token);
        guest.put_record("orders", &record("k", b"one")).await.unwrap();

        let forger = native(&emulator, way(&emulator), "another secret");
        let refused = forger.put_record("orders", &record("k", b"one")).await.unwrap_err();
        assert!(refused.code.contains("Signature"), "{refused}");
    }
}

#[tokio::test]
async fn the_sdk_says_the_same() {
    let emulator = Emulator::in_process();
    let client = emulator.client();
    client.create_stream().stream_name("orders").shard_count(2).send().await.unwrap();
    let counters = Counters::default();
    let config = client.config().to_builder().interceptor(counters.clone()).build();
    let driver = SdkDriver::new(aws_sdk_kinesis::Client::from_conf(config), counters);
    converse(&Driver::Sdk(driver)).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let emulator = Emulator::start().await;
    let client = emulator.client();
    client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    let (host, port) = (address(&emulator).host, address(&emulator).port);
    let driver = native(&emulator, Way::http1(address(&emulator)), SECRET);
    driver.put_record("orders", &record("k", b"one")).await.unwrap();
    drop(client);
    drop(emulator);
    let again = Emulator::builder().port(port).start().await.unwrap();
    assert_eq!(address(&again).host, host);
    again.client().create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    driver.put_record("orders", &record("k", b"two")).await.unwrap();
    assert_eq!(driver.counters().counted().retries, 1);
}

#[tokio::test]
async fn nobody_at_the_other_end_is_an_answer_too() {
    let emulator = Emulator::start().await;
    let driver = native(&emulator, Way::http1(address(&emulator)), SECRET);
    drop(emulator);
    let refused = driver.put_record("orders", &record("k", b"one")).await.unwrap_err();
    assert!(refused.to_string().starts_with("PutRecord was not answered: "), "{refused}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let emulator = signed_emulator().await;
    let driver = native(&emulator, Way::http1(address_with_tls(&emulator, false)), SECRET);
    let refused = driver.put_record("orders", &record("k", b"one")).await.unwrap_err();
    assert!(refused.message.contains("certificate"), "{refused}");
}

/// A target that hangs up on the first put of key `k`, and is asked for two more.
#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_is_an_error_and_the_next_call_has_another() {
    for is_tls in [false, true] {
        let emulator = signed_emulator().await;
        let rule = r#"[{"partition_key": "k", "nth": 1, "drop_connection_before_commit": true}]"#;
        for rule in Rule::list_from_json(rule).unwrap() {
            emulator.faults().add(rule).unwrap();
        }
        let address = if is_tls { address_with_tls(&emulator, true) } else { address(&emulator) };
        let driver = native(&emulator, Way::http1(address), SECRET);
        let refused = driver.put_record("orders", &record("k", b"one")).await.unwrap_err();
        assert!(refused.to_string().starts_with("PutRecord was not answered: "), "{refused}");
        for _ in 0..2 {
            driver.put_record("orders", &record("k", b"two")).await.unwrap();
        }
        let counted = driver.counters().counted();
        assert_eq!((counted.calls, counted.retries), (3, 0), "TLS: {is_tls}");
    }
}

/// Two puts to a stream, and how the driver has read the answer to the first.
async fn prepare(
    emulator: &Emulator,
    connection: &mut Connection,
    stream: &str,
) -> Result<(Prepared, Placed), Refusal> {
    let Driver::Native(driver) = native(emulator, Way::http1(address(emulator)), SECRET) else {
        unreachable!("it was just made");
    };
    let records = [record("k", b"one"), record("k", b"two")];
    let put =
        async |driver: &Driver, number: usize| driver.put_record(stream, &records[number]).await;
    Prepared::new(&driver, connection, "PutRecord", records.len(), put).await
}

async fn connect(emulator: &Emulator) -> Connection {
    let Address { host, port, .. } = address(emulator);
    Connection::new(Box::new(TcpStream::connect((host, port)).await.unwrap()))
}

#[tokio::test]
async fn prepared_requests_are_signed_once_and_sent_again_and_again() {
    let emulator = signed_emulator().await;
    let mut connection = connect(&emulator).await;
    let (puts, placed) = prepare(&emulator, &mut connection, "orders").await.unwrap();
    for number in 0..3 {
        let answer = connection.send(puts.request(number)).await.unwrap();
        puts.check(&answer).unwrap();
    }
    let driver = native(&emulator, Way::http1(address(&emulator)), SECRET);
    let oldest = Position::Oldest;
    let iterator = driver.get_shard_iterator("orders", &placed.shard_id, &oldest).await.unwrap();
    let read = driver.get_records(&iterator).await.unwrap().records;
    assert_eq!(read[0].sequence_number, placed.sequence_number);
    let data: Vec<&[u8]> = read.iter().map(|record| &*record.data).collect();
    // The first was sent before, for its answer.
    assert_eq!(data, [&b"one"[..], b"one", b"two", b"one"]);
}

#[tokio::test]
async fn what_is_refused_is_not_prepared() {
    let emulator = signed_emulator().await;
    let mut connection = connect(&emulator).await;
    let refused = prepare(&emulator, &mut connection, "nowhere").await.unwrap_err();
    assert_eq!(refused.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn an_answer_unlike_the_first_is_an_error_that_shows_it() {
    let emulator = signed_emulator().await;
    let mut connection = connect(&emulator).await;
    let (puts, placed) = prepare(&emulator, &mut connection, "orders").await.unwrap();
    let check =
        |status, body: &str| puts.check(&Answer { status, body: body.as_bytes(), is_kept: true });
    let answer = |number: &str| {
        format!(r#"{{"SequenceNumber":"{number}","ShardId":"{}"}}"#, placed.shard_id)
    };
    let good = answer(&placed.sequence_number);
    check(200, &good).unwrap();
    check(200, &answer("1")).unwrap();
    for (status, body) in [
        (500, &*good),
        (200, ""),
        (200, &format!("{good} ")),
        (200, r#"{"ErrorCode":"InternalFailure","ErrorMessage":"Internal Service Failure."}"#),
    ] {
        let refusal = check(status, body).unwrap_err();
        let expected = format!(
            "PutRecord was not answered: status {status} with {} bytes, where 200 with {} was \
             due: {body}",
            body.len(),
            good.len(),
        );
        assert_eq!(refusal.to_string(), expected);
    }
    let refusal = check(200, &"x".repeat(1_000)).unwrap_err();
    assert!(refusal.to_string().len() < 300, "{refusal}");
}

#[test]
fn no_secret_is_ever_printed() {
    let signer = Signer::new("AKIDEXAMPLE", SECRET, Some("a token"), "us-east-1", "localhost");
    assert_eq!(format!("{signer:?}"), "Signer(AKIDEXAMPLE for localhost in us-east-1)");
}
