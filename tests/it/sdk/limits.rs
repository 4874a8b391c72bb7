//! Limits as programs meet them.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ScalingType, ShardIteratorType, StartingPosition,
    SubscribeToShardEventStream,
};
use futures::FutureExt as _;
use kinesis_emulator::{Clock, Emulator, Limits};

use crate::support::raw::{Custom, JSON, put_input};
use crate::support::{
    Endpoint, START, create_stream, impatient_client, read_shard, shard_id, stories,
};

stories! {
    what_was_refused_is_put_again_until_all_is_there,
    one_hot_key_is_throttled_where_many_keys_are_not,
    twice_the_shards_take_twice_as_much,
    a_throttled_call_has_a_code_that_sdks_retry,
}

const SECOND: Duration = Duration::from_secs(1);

fn limited(endpoint: Endpoint, records_per_second: u64) -> Emulator {
    let mut limits = Limits::aws();
    limits.write_records_per_second = Some(records_per_second);
    endpoint.start_with(Emulator::builder().clock(Clock::manual(START)).limits(limits))
}

/// Puts records with these keys, and says which were refused.
async fn put(client: &Client, keys: &[String]) -> Vec<String> {
    let entry = |key: &String| {
        let entry = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(&**key));
        entry.build().expect("a whole entry")
    };
    let batch = client.put_records().stream_name("s");
    let batch = batch.set_records(Some(keys.iter().map(entry).collect()));
    let answer = batch.send().await.expect("the call itself succeeds");
    let refused: Vec<_> = keys
        .iter()
        .zip(answer.records())
        .filter(|(_, result)| result.error_code().is_some())
        .map(|(key, _)| key.clone())
        .collect();
    assert_eq!(answer.failed_record_count(), Some(refused.len() as i32));
    refused
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:03}")).collect()
}

// behaviours 151
async fn what_was_refused_is_put_again_until_all_is_there(endpoint: Endpoint) {
    let emulator = limited(endpoint, 100);
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let mut left = keys(350);
    let mut turns = 0;
    while !left.is_empty() {
        left = put(&client, &left).await;
        emulator.clock().advance(SECOND);
        turns += 1;
    }
    assert_eq!(turns, 4, "a hundred in a second");
    emulator.set_limits(Limits::off());
    let found = read_shard(&client, "s", &shard_id(0)).await;
    let expected = keys(350);
    assert!(found.data().iter().copied().eq(expected.iter().map(|key| key.as_bytes())));
}

// behaviours 151
async fn one_hot_key_is_throttled_where_many_keys_are_not(endpoint: Endpoint) {
    let emulator = limited(endpoint, 100);
    let client = emulator.client();
    create_stream(&client, "s", 8).await;
    assert!(put(&client, &keys(400)).await.len() < 40, "spread over eight shards");
    emulator.clock().advance(SECOND);
    assert_eq!(put(&client, &vec!["hot".to_owned(); 400]).await.len(), 300);
}

// behaviours 153
async fn twice_the_shards_take_twice_as_much(endpoint: Endpoint) {
    let emulator = limited(endpoint, 50);
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    assert_eq!(put(&client, &keys(500)).await.len(), 450);
    let scale = client.update_shard_count().stream_name("s").target_shard_count(2);
    scale.scaling_type(ScalingType::UniformScaling).send().await.expect("twice is allowed");
    assert_eq!(put(&client, &keys(500)).await.len(), 400);
}

// behaviours 151, 152
async fn a_throttled_call_has_a_code_that_sdks_retry(endpoint: Endpoint) {
    let emulator = limited(endpoint, 1);
    let client = impatient_client(&emulator);
    create_stream(&client, "s", 1).await;
    let put =
        || client.put_record().stream_name("s").partition_key("k").data(Blob::new("x")).send();
    put().await.expect("the first fits");
    let error = put().await.expect_err("the second does not").into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception());
    for _ in 0..5 {
        client.list_streams().send().await.expect("five a second");
    }
    let error = client.list_streams().send().await.expect_err("six").into_service_error();
    assert!(error.is_limit_exceeded_exception());
    assert_eq!(error.message(), Some("Rate exceeded for account 000000000000."));
}

/// A stream with so many MiB on its one shard, and a subscription from its start.
async fn backlog(
    mebibytes: usize,
) -> (Emulator, aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput) {
    let emulator = Emulator::builder().clock(Clock::manual(START)).in_process();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    // Not by the SDK, which signs every byte: it is not what is measured.
    let body = put_input("s", "k", &vec![0; 128 * 1024 - 1]).to_string();
    for _ in 0..mebibytes * 8 {
        let put = Custom::signed("PutRecord", JSON, body.clone());
        assert_eq!(emulator.call(put.into()).status(), 200, "nothing is limited yet");
    }
    emulator.set_limits(Limits::aws());
    let described = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let arn = described.stream_description_summary().unwrap().stream_arn().to_owned();
    let register = client.register_stream_consumer().stream_arn(arn).consumer_name("c");
    let consumer = register.send().await.unwrap().consumer.unwrap().consumer_arn;
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().unwrap();
    let subscribe = client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard_id(0));
    let events = subscribe.starting_position(start).send().await.expect("it is ACTIVE");
    (emulator, events)
}

/// The sequence numbers of what is pushed without more time passing.
fn pushed_now(
    events: &mut aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput,
) -> Vec<String> {
    let mut numbers = Vec::new();
    while let Some(event) = events.event_stream.recv().now_or_never() {
        match event.expect("no refusal").expect("it goes on") {
            SubscribeToShardEventStream::SubscribeToShardEvent(event) => {
                numbers.extend(event.records.into_iter().map(|record| record.sequence_number));
            }
            other => panic!("not an event: {other:?}"),
        }
    }
    numbers
}

// limits.md, section 5: paced, never refused, in order
#[tokio::test]
async fn a_subscription_is_paced_to_two_mebibytes_a_second() {
    let (emulator, mut events) = backlog(128).await;
    let mut numbers = pushed_now(&mut events);
    let before = numbers.len();
    for step in 0..600 {
        emulator.clock().advance(Duration::from_millis(100));
        numbers.extend(pushed_now(&mut events));
        let bytes = (numbers.len() - before) * 128 * 1024;
        let due = (step + 1) * 2 * 1024 * 1024 / 10;
        assert!(bytes.abs_diff(due) <= 512 * 1024, "{bytes} of {due}");
    }
    let accepted = (numbers.len() - before) * 128 * 1024;
    let expected = 60 * 2 * 1024 * 1024;
    assert!(accepted.abs_diff(expected) * 100 <= expected, "{accepted} of {expected}");
    let in_order = |pair: &[String]| (pair[0].len(), &pair[0]) < (pair[1].len(), &pair[1]);
    assert!(numbers.windows(2).all(in_order), "none twice, none too late");
}

// limits.md, section 5
#[tokio::test]
async fn a_clock_that_jumps_lets_flow_what_was_due_meanwhile() {
    let (emulator, mut events) = backlog(16).await;
    let first = pushed_now(&mut events).len();
    emulator.clock().advance(SECOND * 2);
    let second = pushed_now(&mut events).len();
    assert!((28..=36).contains(&second), "four MiB in two seconds: {second} records");
    emulator.clock().advance(SECOND * 60);
    let third = pushed_now(&mut events).len();
    assert_eq!(first + second + third, 128, "nothing is lost");
}
