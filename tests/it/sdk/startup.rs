//! Starting, sharing and ending emulators.

use std::error::Error as _;
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;

use aws_sdk_kinesis::primitives::Blob;
use kinesis_emulator::Emulator;

use crate::support::{create_stream, impatient_client, read_shard, shard_id};

#[tokio::test]
async fn an_emulator_starts_with_one_call() {
    let emulator = Emulator::start().await;
    assert!(emulator.url().starts_with("http://127.0.0.1:"), "{}", emulator.url());
    write_and_read(&emulator, "s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_starts_on_a_runtime_of_many_threads() {
    let emulator = Emulator::start().await;
    tokio::spawn(async move { write_and_read(&emulator, "s").await }).await.expect("it ran");
}

#[test]
fn an_emulator_starts_without_any_runtime() {
    let emulator = Emulator::start_blocking();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(write_and_read(&emulator, "s"));
    drop(runtime);
    // It is not tied to the runtime that used it.
    let another = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    another.block_on(write_and_read(&emulator, "t"));
}

/// One emulator for many tests, each with a runtime of its own.
fn shared() -> &'static Emulator {
    static SHARED: OnceLock<Emulator> = OnceLock::new();
    SHARED.get_or_init(Emulator::start_blocking)
}

#[tokio::test]
async fn an_emulator_is_shared_by_this_test() {
    write_and_read(shared(), "first").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_is_shared_by_this_test_too() {
    write_and_read(shared(), "second").await;
}

#[test]
fn an_emulator_is_shared_by_tests_that_are_not_async() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(write_and_read(shared(), "third"));
}

#[tokio::test]
async fn a_dropped_emulator_refuses_connections() {
    let (emulator, port) = at_a_port_of_its_own();
    write_and_read(&emulator, "s").await;
    let client = impatient_client(&emulator);
    drop(emulator);
    let refused = TcpStream::connect(("127.0.0.1", port)).map(|_| ());
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    client.list_streams().send().await.expect_err("its open connection has ended, too");
}

#[test]
fn the_port_of_a_dropped_emulator_is_free_at_once() {
    let (mut emulator, port) = at_a_port_of_its_own();
    for _ in 0..20 {
        assert_eq!(emulator.url(), format!("http://127.0.0.1:{port}"));
        drop(emulator);
        emulator = Emulator::builder().port(port).start_blocking().expect("the port is free");
    }
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let error = Emulator::builder().port(port).start_blocking().expect_err("the port is taken");
    let text = error.to_string();
    assert!(text.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{text}");
    assert!(text.contains("choose another port"), "{text}");
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::AddrInUse));
}

#[test]
fn the_environment_points_at_the_emulator() {
    let emulator = Emulator::start_blocking();
    let [endpoint, region, ..] = emulator.environment();
    assert_eq!(endpoint, ("AWS_ENDPOINT_URL_KINESIS", emulator.url().to_owned()));
    assert_eq!(region, ("AWS_REGION", "us-east-1".to_owned()));
}

async fn write_and_read(emulator: &Emulator, stream: &str) {
    let client = emulator.client();
    create_stream(&client, stream, 1).await;
    let put = client.put_record().stream_name(stream).partition_key("k");
    put.data(Blob::new(stream)).send().await.expect("it fits");
    let found = read_shard(&client, stream, &shard_id(0)).await;
    assert_eq!(found.data(), [stream.as_bytes()]);
}

/// An emulator at a port that nobody else gets by asking for a free one: it is
/// below those that systems hand out.
fn at_a_port_of_its_own() -> (Emulator, u16) {
    (20_000..30_000)
        .find_map(|port| Some((Emulator::builder().port(port).start_blocking().ok()?, port)))
        .expect("one of ten thousand ports is free")
}
