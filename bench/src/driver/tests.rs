//! Both drivers say the same to the same target, and the native one signs for real.

use std::time::Duration;

use bytes::Bytes;
use kinesis_emulator::{Emulator, Secret};

use super::{Driver, DriverKind, Outgoing, Position};
use crate::driver::native::{Address, NativeDriver, Way};
use crate::driver::sdk::SdkDriver;
use crate::driver::sign::Signer;
use crate::measure::counters::Counters;

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
async fn the_native_driver_s_signatures_are_verified_over_http1_and_http2() {
    for is_http2 in [false, true] {
        let emulator = signed_emulator().await;
        let way = |address| if is_http2 { Way::http2(address, 2) } else { Way::http1(address) };
        let driver = native(&emulator, way(address(&emulator)), SECRET);
        assert_eq!(driver.kind(), DriverKind::Native);
        converse(&driver).await;
        let token = Some("IQoJb3JpZ2luX2VjE/token==");
        let guest = native_with_token(&emulator, way(address(&emulator)), SECRET, token);
        guest.put_record("orders", &record("k", b"one")).await.unwrap();

        let forger = native(&emulator, way(address(&emulator)), "another secret");
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
