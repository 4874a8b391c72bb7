//! The SDK's time is the emulator's: back-off, timeouts and signatures move with
//! the clock.

use std::net::TcpListener;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use futures::future::join_all;
use kinesis_emulator::{Clock, Emulator, Secret, Timestamp};

use crate::support::{Endpoint, START, create_stream, list_shards, stories};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

stories!(
    a_retry_waits_for_a_clock_that_is_moved_by_hand,
    moving_the_system_clock_ends_a_back_off,
    requests_are_signed_by_the_emulators_clock,
    credentials_are_as_good_after_years,
    a_clock_that_jumps_breaks_no_call,
    an_operation_times_out_by_the_clock,
);

#[tokio::test(start_paused = true)]
async fn with_paused_time_a_throttled_call_is_retried_in_no_time() {
    let kinesis = Emulator::builder().clock(Clock::tokio_from(START)).shard_limit(1).in_process();
    let client = retrying(&kinesis, 3, DAY);
    create_stream(&client, "first", 1).await;
    let (_, freed) = tokio::join!(
        create_stream(&client, "second", 1),
        // Between the call and its last retry.
        async {
            tokio::time::advance(Duration::from_secs(1)).await;
            client.delete_stream().stream_name("first").send().await
        },
    );
    freed.expect("the stream exists");
    assert!(kinesis.clock().now() > START.plus(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn with_paused_time_a_subscription_lives_its_five_minutes_in_no_time() {
    let kinesis = Emulator::builder().clock(Clock::tokio_from(START)).in_process();
    let client = kinesis.client();
    create_stream(&client, "s", 1).await;
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let arn = summary.stream_description_summary.unwrap().stream_arn;
    let register = client.register_stream_consumer().stream_arn(arn).consumer_name("reader");
    let consumer = register.send().await.unwrap().consumer.unwrap();
    let latest = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().unwrap();
    let subscribe = client.subscribe_to_shard().consumer_arn(consumer.consumer_arn);
    let subscribe = subscribe.shard_id("shardId-000000000000").starting_position(latest);
    let mut events = subscribe.send().await.unwrap().event_stream;

    let (mut heartbeats, mut records) = (0, 0);
    let read = async {
        while let Some(event) = events.recv().await.expect("nothing goes wrong") {
            let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else {
                panic!("not an event: {event:?}");
            };
            heartbeats += usize::from(event.records.is_empty());
            records += event.records.len();
        }
    };
    let write = async {
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(61)).await;
            let put = client.put_record().stream_name("s").partition_key("k");
            put.data(Blob::new("x")).send().await.expect("it fits");
        }
    };
    tokio::join!(read, write);
    assert_eq!(records, 4);
    assert!(heartbeats > 10, "{heartbeats}");
    assert_eq!(kinesis.clock().now(), START.plus(Duration::from_secs(300)));
}

async fn a_retry_waits_for_a_clock_that_is_moved_by_hand(endpoint: Endpoint) {
    let builder = Emulator::builder().clock(Clock::manual(START)).shard_limit(1);
    let kinesis = endpoint.start_with(builder);
    let client = retrying(&kinesis, 2, DAY);
    create_stream(&client, "first", 1).await;
    tokio::join!(create_stream(&client, "second", 1), async {
        let retry = next_timer(kinesis.clock()).await;
        assert!(retry <= START.plus(DAY), "{retry:?}");
        delete_stream(&kinesis, "first").await;
        assert!(kinesis.clock().advance_to_next_timer());
        assert_eq!(kinesis.clock().now(), retry);
    });
    assert_eq!(kinesis.clock().next_timer(), None, "nobody waits any more");
}

async fn moving_the_system_clock_ends_a_back_off(endpoint: Endpoint) {
    let kinesis = endpoint.start_with(Emulator::builder().shard_limit(1));
    let client = retrying(&kinesis, 2, 1000 * DAY);
    create_stream(&client, "first", 1).await;
    tokio::join!(create_stream(&client, "second", 1), async {
        next_timer(kinesis.clock()).await;
        delete_stream(&kinesis, "first").await;
        kinesis.clock().advance(1000 * DAY);
    });
}

async fn requests_are_signed_by_the_emulators_clock(endpoint: Endpoint) {
    // `sdk_config` has the secret; any time but now.
    let builder = Emulator::builder().verify_signatures(Secret::new("a secret of its own"));
    let clock = Clock::manual(Timestamp::from_seconds(1_000_000_000));
    let kinesis = endpoint.start_with(builder.clock(clock));
    let client = retrying(&kinesis, 1, DAY);
    create_stream(&client, "s", 1).await;
    kinesis.clock().advance(10_000 * DAY);
    assert_eq!(list_shards(&client, "s").await.len(), 1);
}

async fn credentials_are_as_good_after_years(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = kinesis.client();
    create_stream(&client, "s", 1).await;
    for _ in 0..3 {
        kinesis.clock().advance(400 * DAY);
        assert_eq!(list_shards(&client, "s").await.len(), 1);
    }
}

async fn a_clock_that_jumps_breaks_no_call(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    // The first answer counts; every client connects anew.
    create_stream(&kinesis.client(), "s", 4).await;
    let calls = join_all((0..40).map(|_| {
        let client = retrying(&kinesis, 1, DAY);
        async move {
            for _ in 0..5 {
                assert_eq!(list_shards(&client, "s").await.len(), 4);
            }
        }
    }));
    let jumps = async {
        loop {
            kinesis.clock().advance(Duration::from_secs(15));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = calls => {}
        () = jumps => {}
    }
}

async fn an_operation_times_out_by_the_clock(endpoint: Endpoint) {
    let builder = Emulator::builder().clock(Clock::manual(START)).shard_limit(1);
    let kinesis = endpoint.start_with(builder);
    let timeout = TimeoutConfig::builder().operation_timeout(Duration::from_millis(1)).build();
    let config = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config());
    let config = config.retry_config(backing_off(2, DAY)).timeout_config(timeout);
    let client = Client::from_conf(config.build());
    let create = client.create_stream().stream_name("too-wide").shard_count(2).send();
    let (answer, ()) = tokio::join!(create, async {
        next_timer(kinesis.clock()).await;
        assert!(kinesis.clock().advance_to_next_timer());
    });
    assert!(matches!(answer, Err(SdkError::TimeoutError(_))), "{answer:?}");
    assert_eq!(kinesis.clock().now(), START.plus(Duration::from_millis(1)));
}

#[tokio::test]
async fn reading_times_out_by_the_clock() {
    // It takes connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = silent.local_addr().expect("it is bound");
    for builder in [Emulator::builder(), Emulator::builder().clock(Clock::manual(START))] {
        let kinesis = builder.start().await.expect("there is a free port");
        let timeout = TimeoutConfig::builder().read_timeout(DAY).build();
        let config = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config());
        let config = config.retry_config(RetryConfig::disabled()).timeout_config(timeout);
        let client = Client::from_conf(config.endpoint_url(format!("http://{address}")).build());
        let (answer, ()) = tokio::join!(client.list_streams().send(), async {
            next_timer(kinesis.clock()).await;
            kinesis.clock().advance(DAY);
        });
        let error = answer.expect_err("nobody answered");
        let SdkError::DispatchFailure(failure) = &error else { panic!("{error:?}") };
        assert!(failure.is_timeout(), "{error:?}");
    }
}

/// A client that takes this many attempts, and backs off for up to `backoff` in
/// between.
fn retrying(kinesis: &Emulator, attempts: u32, backoff: Duration) -> Client {
    let config = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config());
    Client::from_conf(config.retry_config(backing_off(attempts, backoff)).build())
}

fn backing_off(attempts: u32, backoff: Duration) -> RetryConfig {
    let config = RetryConfig::standard().with_max_attempts(attempts);
    config.with_initial_backoff(backoff).with_max_backoff(backoff)
}

/// The next timer, as soon as there is one.
async fn next_timer(clock: &Clock) -> Timestamp {
    loop {
        match clock.next_timer() {
            Some(time) => return time,
            None => tokio::task::yield_now().await,
        }
    }
}

async fn delete_stream(kinesis: &Emulator, name: &str) {
    kinesis.client().delete_stream().stream_name(name).send().await.expect("it exists");
}
