//! Faults and latency as code under test meets them.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ShardIteratorType, StartingPosition, SubscribeToShardEvent,
    SubscribeToShardEventStream,
};
use kinesis_emulator::{Emulator, ErrorKind, Latency, Operation};

use crate::support::{Endpoint, create_stream, impatient_client, read_shard, shard_id, stories};

stories! {
    the_sdk_retries_a_throttle_and_succeeds,
    chosen_records_of_a_batch_fail_once_and_are_sent_again,
    a_connection_dropped_after_the_commit_makes_the_retry_a_duplicate,
    a_connection_dropped_before_the_commit_makes_none,
    a_delayed_call_waits_for_the_clock,
    every_call_takes_its_latency,
    a_cut_subscription_is_continued_without_loss,
    an_exception_ends_a_subscription,
    a_held_call_is_overtaken,
    a_call_is_held_until_another_has_been_answered,
    a_poisoned_consumer_does_not_concern_the_others,
    faults_of_the_service_are_retried,
}

/// A client that retries at once.
fn eager_client(kinesis: &Emulator) -> Client {
    let config = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config());
    let retry =
        RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    Client::from_conf(config.retry_config(retry).build())
}

async fn put(client: &Client, data: &str) -> Result<String, aws_sdk_kinesis::Error> {
    let put = client.put_record().stream_name("s").partition_key(data).data(Blob::new(data));
    Ok(put.send().await?.sequence_number)
}

async fn stored(client: &Client) -> Vec<String> {
    let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
    read_shard(client, "s", &shard_id(0)).await.data().into_iter().map(text).collect()
}

async fn the_sdk_retries_a_throttle_and_succeeds(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = eager_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let throttle = kinesis
        .faults()
        .on(Operation::PutRecord)
        .stream("s")
        .reject(ErrorKind::ProvisionedThroughputExceeded)
        .times(2)
        .must_fire();
    put(&client, "a").await.expect("the third attempt succeeds");
    assert_eq!(throttle.fired(), 2);
    assert_eq!(stored(&client).await, ["a"]);
}

async fn chosen_records_of_a_batch_fail_once_and_are_sent_again(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = kinesis.client();
    create_stream(&client, "s", 1).await;
    let throttle = kinesis
        .faults()
        .on(Operation::PutRecords)
        .record(1)
        .record(3)
        .fail_records(ErrorKind::ProvisionedThroughputExceeded)
        .times(1);
    let mut batch: Vec<_> = ["a", "b", "c", "d"].map(entry).into();
    let mut calls = 0;
    while !batch.is_empty() {
        let request = client.put_records().stream_name("s").set_records(Some(batch.clone()));
        let answer = request.send().await.unwrap();
        calls += 1;
        let failed = answer.records.iter().map(|record| record.error_code.is_some());
        let again: Vec<_> = batch.into_iter().zip(failed).filter(|(_, failed)| *failed).collect();
        assert_eq!(again.len(), answer.failed_record_count.unwrap() as usize);
        batch = again.into_iter().map(|(entry, _)| entry).collect();
    }
    assert_eq!((calls, throttle.fired()), (2, 1));
    assert_eq!(stored(&client).await, ["a", "c", "b", "d"], "each once");
}

fn entry(data: &str) -> PutRecordsRequestEntry {
    let entry = PutRecordsRequestEntry::builder().partition_key(data).data(Blob::new(data));
    entry.build().unwrap()
}

async fn a_connection_dropped_after_the_commit_makes_the_retry_a_duplicate(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = eager_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let dropped = kinesis.faults().on(Operation::PutRecord).drop_connection_after_commit().times(1);
    put(&client, "a").await.expect("the second attempt succeeds");
    assert_eq!(dropped.fired(), 1);
    assert_eq!(stored(&client).await, ["a", "a"], "as it happens on AWS");
}

async fn a_connection_dropped_before_the_commit_makes_none(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = eager_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let dropped =
        kinesis.faults().on(Operation::PutRecord).drop_connection_before_commit().times(2);
    put(&client, "a").await.expect("the third attempt succeeds");
    assert_eq!(dropped.fired(), 2);
    assert_eq!(stored(&client).await, ["a"]);
}

async fn a_delayed_call_waits_for_the_clock(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let slow = kinesis.faults().on(Operation::PutRecord).delay(Duration::from_secs(10));
    let slow_client = client.clone();
    let delayed = tokio::spawn(async move { put(&slow_client, "late").await });
    slow.arrived().await;
    kinesis.clock().advance(Duration::from_millis(9_999));
    assert_eq!(stored(&client).await, [""; 0]);
    assert!(!delayed.is_finished());
    kinesis.clock().advance(Duration::from_millis(1));
    delayed.await.unwrap().unwrap();
    assert_eq!(stored(&client).await, ["late"]);
}

async fn every_call_takes_its_latency(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    kinesis.set_latency(Latency::fixed(Duration::from_millis(15)));
    let mut call = Box::pin(put(&client, "a"));
    let before = kinesis.clock().now();
    let sequence_number = loop {
        // Over TCP the call takes a while to arrive; only then time counts.
        match futures::poll!(&mut call) {
            std::task::Poll::Ready(answer) => break answer,
            std::task::Poll::Pending => kinesis.clock().advance(Duration::from_millis(1)),
        }
        tokio::task::yield_now().await;
    };
    assert!(sequence_number.is_ok());
    assert!(kinesis.clock().now() >= before.plus(Duration::from_millis(15)));
    kinesis.set_latency(Latency::none());
    let before = kinesis.clock().now();
    assert_eq!(stored(&client).await, ["a"]);
    assert_eq!(kinesis.clock().now(), before);
}

async fn consumer_of(client: &Client, name: &str) -> String {
    let described = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let arn = described.stream_description_summary.unwrap().stream_arn;
    let registered =
        client.register_stream_consumer().stream_arn(arn).consumer_name(name).send().await;
    registered.unwrap().consumer.unwrap().consumer_arn
}

/// Reads a subscription until it has `wanted` records, subscribing again from the
/// last continuation number whenever it breaks. Returns the data, and the errors.
async fn consume(
    kinesis: &Emulator,
    client: &Client,
    consumer: &str,
    wanted: usize,
) -> (Vec<String>, Vec<String>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut continuation: Option<String> = None;
    while found.len() < wanted {
        let start = match &continuation {
            None => StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon),
            Some(number) => StartingPosition::builder()
                .r#type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(number),
        };
        let request = client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard_id(0));
        let opened = request.starting_position(start.build().unwrap()).send().await;
        let mut opened = opened.expect("the subscription is taken");
        while found.len() < wanted {
            match opened.event_stream.recv().await {
                Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event))) => {
                    found.extend(data(&event));
                    continuation = Some(event.continuation_sequence_number);
                }
                Ok(other) => panic!("an error was to come, not {other:?}"),
                Err(error) => {
                    let exception = error.as_service_error();
                    errors.push(exception.map_or("cut".to_owned(), |kind| format!("{kind}")));
                    break;
                }
            }
        }
        // Nobody may subscribe again sooner.
        kinesis.clock().advance(Duration::from_secs(6));
    }
    (found, errors)
}

fn data(event: &SubscribeToShardEvent) -> Vec<String> {
    let text =
        |data: &Blob| String::from_utf8(data.as_ref().to_vec()).expect("the records are text");
    event.records().iter().map(|record| text(record.data())).collect()
}

/// Records of half a MiB come one or two an event.
async fn put_large(client: &Client, count: usize) -> Vec<String> {
    let all: Vec<_> = (0..count).map(|number| format!("{number}").repeat(512 * 1024)).collect();
    for data in &all {
        let put = client.put_record().stream_name("s").partition_key("k");
        put.data(Blob::new(data.as_bytes())).send().await.unwrap();
    }
    all
}

async fn a_cut_subscription_is_continued_without_loss(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let consumer = consumer_of(&client, "c").await;
    let sent = put_large(&client, 6).await;
    let cut =
        kinesis.faults().on(Operation::SubscribeToShard).consumer("c").cut_stream_after(2).times(2);
    let (found, errors) = consume(&kinesis, &client, &consumer, sent.len()).await;
    assert!(found == sent, "every record once, in order");
    assert_eq!(errors, ["cut", "cut"]);
    assert_eq!(cut.fired(), 2);
}

async fn an_exception_ends_a_subscription(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let consumer = consumer_of(&client, "c").await;
    let sent = put_large(&client, 4).await;
    let _ended = kinesis
        .faults()
        .on(Operation::SubscribeToShard)
        .end_stream_after(1, ErrorKind::KmsThrottling)
        .times(1);
    let (found, errors) = consume(&kinesis, &client, &consumer, sent.len()).await;
    assert!(found == sent, "every record once, in order");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("KmsThrottlingException"), "{errors:?}");
}

async fn a_held_call_is_overtaken(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let held = kinesis.faults().on(Operation::PutRecord).hold().times(1);
    let first = {
        let client = client.clone();
        tokio::spawn(async move { put(&client, "first").await })
    };
    held.arrived().await;
    put(&client, "second").await.unwrap();
    assert_eq!(kinesis.faults().list()[0].holding, 1);
    held.release();
    first.await.unwrap().unwrap();
    assert_eq!(stored(&client).await, ["second", "first"]);
}

async fn a_call_is_held_until_another_has_been_answered(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let held = kinesis.faults().on(Operation::PutRecord).hold_until(Operation::PutRecords);
    let first = {
        let client = client.clone();
        tokio::spawn(async move { put(&client, "one").await })
    };
    held.arrived().await;
    let batch = client.put_records().stream_name("s").records(entry("batch"));
    batch.send().await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(stored(&client).await, ["batch", "one"]);
}

async fn a_poisoned_consumer_does_not_concern_the_others(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let [healthy, poisoned] =
        [consumer_of(&client, "healthy").await, consumer_of(&client, "poisoned").await];
    put(&client, "a").await.unwrap();
    let poison = kinesis
        .faults()
        .on(Operation::SubscribeToShard)
        .consumer("poisoned")
        .end_stream_with(ErrorKind::InternalFailure)
        .times(3);
    let (found, errors) = consume(&kinesis, &client, &healthy, 1).await;
    assert_eq!((found.as_slice(), errors.len()), (&["a".to_owned()][..], 0));
    let (found, errors) = consume(&kinesis, &client, &poisoned, 1).await;
    assert_eq!((found.as_slice(), errors.len()), (&["a".to_owned()][..], 3), "{errors:?}");
    assert_eq!(poison.fired(), 3);
}

async fn faults_of_the_service_are_retried(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = eager_client(&kinesis);
    create_stream(&client, "s", 1).await;
    let unavailable = kinesis.faults().on(Operation::PutRecord).service_unavailable().times(1);
    let failure = kinesis.faults().on(Operation::PutRecord).internal_failure().times(1);
    put(&client, "a").await.expect("the third attempt succeeds");
    assert_eq!((unavailable.fired(), failure.fired()), (1, 1));
}
