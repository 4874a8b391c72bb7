//! Enhanced fan-out, as the real SDK sees it.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEvent,
    SubscribeToShardEventStream,
};
use kinesis_emulator::{Clock, Emulator, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const SHARD: &str = "shardId-000000000000";

fn manual() -> Emulator {
    Emulator::builder().clock(Clock::manual(NOW)).in_process()
}

/// A stream of one shard with a consumer, and the consumer's ARN.
async fn consumer_of(client: &Client, stream: &str) -> String {
    client.create_stream().stream_name(stream).shard_count(1).send().await.unwrap();
    let described = client.describe_stream_summary().stream_name(stream).send().await.unwrap();
    let stream_arn = described.stream_description_summary().unwrap().stream_arn().to_owned();
    let registered = client
        .register_stream_consumer()
        .stream_arn(stream_arn)
        .consumer_name("reader")
        .send()
        .await
        .unwrap();
    let consumer = registered.consumer().unwrap();
    assert_eq!(consumer.consumer_status(), &ConsumerStatus::Creating);
    consumer.consumer_arn().to_owned()
}

fn from(kind: ShardIteratorType) -> StartingPosition {
    StartingPosition::builder().r#type(kind).build().unwrap()
}

async fn subscribe(
    client: &Client,
    consumer: &str,
    start: StartingPosition,
) -> SubscribeToShardOutput {
    client
        .subscribe_to_shard()
        .consumer_arn(consumer)
        .shard_id(SHARD)
        .starting_position(start)
        .send()
        .await
        .unwrap()
}

async fn put(client: &Client, stream: &str, data: &str) -> String {
    let placed = client
        .put_record()
        .stream_name(stream)
        .partition_key("key")
        .data(Blob::new(data))
        .send()
        .await
        .unwrap();
    placed.sequence_number().to_owned()
}

async fn next(output: &mut SubscribeToShardOutput) -> Option<SubscribeToShardEvent> {
    match output.event_stream.recv().await.unwrap()? {
        SubscribeToShardEventStream::SubscribeToShardEvent(event) => Some(event),
        other => panic!("not an event: {other:?}"),
    }
}

fn data(event: &SubscribeToShardEvent) -> Vec<String> {
    let text = |record: &aws_sdk_kinesis::types::Record| {
        String::from_utf8(record.data().as_ref().to_vec()).unwrap()
    };
    event.records().iter().map(text).collect()
}

async fn a_record_is_pushed_when_it_arrives(kinesis: Emulator) {
    let client = kinesis.client();
    let consumer = consumer_of(&client, "pushed").await;
    put(&client, "pushed", "before").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::Latest)).await;
    let (event, number) = tokio::join!(next(&mut events), put(&client, "pushed", "after"));
    let event = event.expect("the subscription is open");
    assert_eq!(data(&event), ["after"]);
    assert_eq!(event.continuation_sequence_number(), number);
    assert_eq!(event.millis_behind_latest(), 0);
}

#[tokio::test]
async fn a_record_is_pushed_when_it_arrives_in_process() {
    a_record_is_pushed_when_it_arrives(manual()).await;
}

#[tokio::test]
async fn a_record_is_pushed_when_it_arrives_over_tcp() {
    a_record_is_pushed_when_it_arrives(Emulator::start().await).await;
}

#[tokio::test]
async fn every_starting_position_is_honoured() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "positions").await;
    let first = put(&client, "positions", "1").await;
    kinesis.clock().advance(Duration::from_secs(10));
    let second = put(&client, "positions", "2").await;
    put(&client, "positions", "3").await;
    let numbered = |kind, number: &str| {
        StartingPosition::builder().r#type(kind).sequence_number(number).build().unwrap()
    };
    let at_time = StartingPosition::builder()
        .r#type(ShardIteratorType::AtTimestamp)
        .timestamp(aws_sdk_kinesis::primitives::DateTime::from_secs(1_700_000_005))
        .build()
        .unwrap();
    for (start, expected) in [
        (from(ShardIteratorType::TrimHorizon), &["1", "2", "3"][..]),
        (numbered(ShardIteratorType::AtSequenceNumber, &second), &["2", "3"]),
        (numbered(ShardIteratorType::AfterSequenceNumber, &first), &["2", "3"]),
        (at_time, &["2", "3"]),
    ] {
        kinesis.clock().advance(Duration::from_secs(6));
        let mut events = subscribe(&client, &consumer, start).await;
        assert_eq!(data(&next(&mut events).await.unwrap()), expected);
    }
}

#[tokio::test]
async fn an_idle_reader_gets_signs_of_life_and_the_end_after_five_minutes() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "idle").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::Latest)).await;
    let mut seconds = 0;
    let mut signs_of_life = 0;
    loop {
        let waiting = next(&mut events);
        tokio::pin!(waiting);
        // One turn of the reader, then the clock moves and wakes it.
        let event = match futures::poll!(&mut waiting) {
            std::task::Poll::Ready(event) => event,
            std::task::Poll::Pending => {
                kinesis.clock().advance(Duration::from_secs(5));
                seconds += 5;
                waiting.await
            }
        };
        match event {
            Some(event) => {
                signs_of_life += 1;
                assert!(event.records().is_empty());
                assert_eq!(event.millis_behind_latest(), 0);
            }
            None => break,
        }
    }
    assert_eq!((seconds, signs_of_life), (300, 59));
}

#[tokio::test]
async fn a_continuation_goes_on_without_loss_or_repetition() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "resumed").await;
    put(&client, "resumed", "1").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::TrimHorizon)).await;
    assert_eq!(data(&next(&mut events).await.unwrap()), ["1"]);
    kinesis.clock().advance(Duration::from_secs(6));
    let idle = next(&mut events).await.unwrap();
    assert!(idle.records().is_empty());
    drop(events);
    put(&client, "resumed", "2").await;
    let after = StartingPosition::builder()
        .r#type(ShardIteratorType::AfterSequenceNumber)
        .sequence_number(idle.continuation_sequence_number())
        .build()
        .unwrap();
    let mut events = subscribe(&client, &consumer, after).await;
    assert_eq!(data(&next(&mut events).await.unwrap()), ["2"]);
}

#[tokio::test]
async fn a_second_subscription_is_refused_for_five_seconds_and_then_takes_over() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "taken").await;
    let mut first = subscribe(&client, &consumer, from(ShardIteratorType::Latest)).await;
    kinesis.clock().advance(Duration::from_millis(4999));
    let refused = client
        .subscribe_to_shard()
        .consumer_arn(&consumer)
        .shard_id(SHARD)
        .starting_position(from(ShardIteratorType::Latest))
        .send()
        .await
        .expect_err("it is too soon");
    assert!(refused.into_service_error().is_resource_in_use_exception());
    kinesis.clock().advance(Duration::from_millis(1));
    let mut second = subscribe(&client, &consumer, from(ShardIteratorType::Latest)).await;
    let ended = first.event_stream.recv().await.expect_err("the second has taken over");
    assert!(ended.into_service_error().is_resource_in_use_exception());
    put(&client, "taken", "for the second").await;
    assert_eq!(data(&next(&mut second).await.unwrap()), ["for the second"]);
}

#[tokio::test]
async fn the_end_of_a_shard_names_its_children_and_ends_the_subscription() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "split").await;
    put(&client, "split", "last").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::TrimHorizon)).await;
    assert_eq!(data(&next(&mut events).await.unwrap()), ["last"]);
    let split = client
        .split_shard()
        .stream_name("split")
        .shard_to_split(SHARD)
        .new_starting_hash_key("170141183460469231731687303715884105728")
        .send();
    // A waiting reader learns of it at once: no clock has to move.
    let (event, split) = tokio::join!(next(&mut events), split);
    split.unwrap();
    let event = event.unwrap();
    let children: Vec<_> = event.child_shards().iter().map(|child| child.shard_id()).collect();
    assert_eq!(children, ["shardId-000000000001", "shardId-000000000002"]);
    assert!(event.child_shards().iter().all(|child| child.parent_shards() == [SHARD]));
    assert!(next(&mut events).await.is_none());
}

#[tokio::test]
async fn deregistering_ends_a_subscription_with_an_error() {
    let kinesis = manual();
    let client = kinesis.client();
    let consumer = consumer_of(&client, "gone").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::Latest)).await;
    client.deregister_stream_consumer().consumer_arn(&consumer).send().await.unwrap();
    let ended = events.event_stream.recv().await.expect_err("the consumer is gone");
    assert!(ended.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_consumer_that_is_not_active_cannot_subscribe() {
    let kinesis = Emulator::builder()
        .clock(Clock::manual(NOW))
        .state_delay(Duration::from_secs(1))
        .in_process();
    let client = kinesis.client();
    client.create_stream().stream_name("early").shard_count(1).send().await.unwrap();
    kinesis.clock().advance(Duration::from_secs(1));
    let registered = client
        .register_stream_consumer()
        .stream_arn("arn:aws:kinesis:us-east-1:000000000000:stream/early")
        .consumer_name("reader")
        .send()
        .await
        .unwrap();
    let refused = client
        .subscribe_to_shard()
        .consumer_arn(registered.consumer().unwrap().consumer_arn())
        .shard_id(SHARD)
        .starting_position(from(ShardIteratorType::Latest))
        .send()
        .await
        .expect_err("it is CREATING");
    let error = refused.into_service_error();
    assert!(error.is_resource_in_use_exception());
    assert_eq!(
        error.to_string(),
        "ResourceInUseException: Consumer reader with creation timestamp 1700000001 under stream \
         early and account 000000000000 is not in ACTIVE status."
    );
}

#[tokio::test]
async fn hundreds_of_records_come_once_and_in_order() {
    let kinesis = Emulator::start().await;
    let client = kinesis.client();
    let consumer = consumer_of(&client, "many").await;
    let mut events = subscribe(&client, &consumer, from(ShardIteratorType::TrimHorizon)).await;
    let expected: Vec<_> = (0..500).map(|number| format!("record {number}")).collect();
    let writing = async {
        for text in &expected {
            put(&client, "many", text).await;
        }
    };
    let reading = async {
        let mut read = Vec::new();
        while read.len() < expected.len() {
            read.extend(data(&next(&mut events).await.expect("the subscription is open")));
        }
        read
    };
    let ((), read) = tokio::join!(writing, reading);
    assert_eq!(read, expected);
}
