//! Snapshots, as the real SDK sees the emulators that come from them.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ConsumerStatus, ShardIteratorType, StartingPosition, StreamStatus, SubscribeToShardEventStream,
};
use kinesis_emulator::{Clock, Emulator, Snapshot, Timestamp};

use crate::support::{
    Endpoint, START, create_stream, iterator, list_shards, read_on, read_shard, shard_id, stories,
};

stories! {
    many_emulators_begin_with_one_snapshot_and_go_their_own_ways,
    restoring_puts_everything_back,
    readers_go_on_in_a_clone_and_after_a_restore,
    what_was_under_way_ends_in_the_clone,
    lineage_and_consumers_are_there,
    what_expires_in_a_clone_stays_in_the_original,
    a_restore_ends_subscriptions_and_new_ones_take_their_place,
    a_snapshot_outlives_its_emulator_and_can_be_taken_of_a_clone,
    the_clock_never_lies_before_the_snapshot,
}

const MIDDLE: u128 = 1 << 127;
const DELAY: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn many_emulators_begin_with_one_snapshot_and_go_their_own_ways(endpoint: Endpoint) {
    let original = endpoint.start_at_rest();
    let client = original.client();
    create_stream(&client, "s", 1).await;
    for data in ["one", "two"] {
        put(&client, "s", data).await;
    }
    let snapshot = original.snapshot();
    let clones: Vec<_> = (0..10).map(|_| clone_of(&snapshot, endpoint)).collect();
    put(&client, "s", "the original's own").await;
    for (number, clone) in clones.iter().enumerate() {
        for _ in 0..number {
            put(&clone.client(), "s", &format!("{number}")).await;
        }
    }
    for (number, clone) in clones.iter().enumerate() {
        let mut expected = vec!["one".to_owned(), "two".to_owned()];
        expected.extend((0..number).map(|_| number.to_string()));
        assert_eq!(data(&clone.client(), "s", 0).await, expected);
    }
    assert_eq!(data(&client, "s", 0).await, ["one", "two", "the original's own"]);
    let late = clone_of(&snapshot, endpoint);
    assert_eq!(data(&late.client(), "s", 0).await, ["one", "two"]);
}

async fn restoring_puts_everything_back(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "kept", 1).await;
    create_stream(&client, "deleted", 1).await;
    put(&client, "kept", "before").await;
    put(&client, "deleted", "before").await;
    let snapshot = emulator.snapshot();
    let mut numbers = Vec::new();
    // As often as one likes.
    for _ in 0..3 {
        create_stream(&client, "made", 1).await;
        client.delete_stream().stream_name("deleted").send().await.expect("it is there");
        split(&client, "kept").await;
        numbers.push(put(&client, "kept", "after").await);
        emulator.restore(&snapshot);
        let streams = client.list_streams().send().await.expect("ok").stream_names;
        assert_eq!(streams, ["deleted", "kept"]);
        assert_eq!(list_shards(&client, "kept").await.len(), 1);
        for stream in ["deleted", "kept"] {
            assert_eq!(data(&client, stream, 0).await, ["before"]);
        }
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "the same call gives the same number again");
}

async fn readers_go_on_in_a_clone_and_after_a_restore(endpoint: Endpoint) {
    let original = endpoint.start_at_rest();
    let client = original.client();
    create_stream(&client, "s", 1).await;
    let number = put(&client, "s", "read").await;
    let tail = iterator(&client, "s", &shard_id(0), ShardIteratorType::Latest).await;
    put(&client, "s", "unread").await;
    let snapshot = original.snapshot();
    let clone = clone_of(&snapshot, endpoint);
    let later = put(&client, "s", "later").await;
    let beyond = iterator(&client, "s", &shard_id(0), ShardIteratorType::Latest).await;
    create_stream(&client, "unknown", 1).await;
    let unknown = iterator(&client, "unknown", &shard_id(0), ShardIteratorType::Latest).await;

    assert_eq!(read_on(&clone.client(), &tail).await.data(), [b"unread"]);
    let after = async |client: &Client, number: &str| {
        let request = client.get_shard_iterator().stream_name("s").shard_id(shard_id(0));
        let request = request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber);
        let answer = request.starting_sequence_number(number).send().await.expect("it is known");
        read_on(client, answer.shard_iterator.expect("an iterator")).await
    };
    assert_eq!(after(&clone.client(), &number).await.data(), [b"unread"]);
    assert_eq!(put(&clone.client(), "s", "later").await, later, "clones draw the same numbers");

    original.restore(&snapshot);
    assert_eq!(read_on(&client, &tail).await.data(), [b"unread"]);
    // It stands where nothing is any more, and reads what comes there.
    assert!(read_on(&client, &beyond).await.records.is_empty());
    put(&client, "s", "anew").await;
    assert_eq!(read_on(&client, &tail).await.data(), [&b"unread"[..], b"anew"]);
    let error = client.get_records().shard_iterator(unknown).send().await.expect_err("it is gone");
    assert!(error.into_service_error().is_resource_not_found_exception());
}

async fn what_was_under_way_ends_in_the_clone(endpoint: Endpoint) {
    let builder = Emulator::builder().state_delay(DELAY).clock(Clock::manual(START));
    let original = endpoint.start_with(builder);
    let client = original.client();
    create_stream(&client, "split", 1).await;
    original.clock().advance(DELAY);
    split(&client, "split").await;
    original.clock().advance(DELAY / 2);
    create_stream(&client, "made", 2).await;
    let arn = arn(&client, "split").await;
    let consumer = client.register_stream_consumer().stream_arn(&arn).consumer_name("reader");
    consumer.send().await.expect("it is new");
    // The clone makes new streams without a delay: what is under way keeps its own.
    let clone = clone_of(&original.snapshot(), endpoint);
    let own = clone.client();
    assert_eq!(status(&own, "split").await, StreamStatus::Updating);
    assert_eq!(list_shards(&own, "split").await.len(), 1);
    clone.clock().advance(DELAY / 2);
    assert_eq!(status(&own, "split").await, StreamStatus::Active);
    assert_eq!(list_shards(&own, "split").await.len(), 3);
    assert_eq!(status(&own, "made").await, StreamStatus::Creating);
    clone.clock().advance(DELAY / 2);
    assert_eq!(status(&own, "made").await, StreamStatus::Active);
    let consumers = own.list_stream_consumers().stream_arn(&arn).send().await.expect("ok");
    assert_eq!(consumers.consumers()[0].consumer_status, ConsumerStatus::Active);
    assert_eq!(
        status(&client, "split").await,
        StreamStatus::Updating,
        "the original's time stands"
    );
    original.clock().advance(DELAY / 2);
    assert_eq!(list_shards(&own, "split").await, list_shards(&client, "split").await);
}

async fn lineage_and_consumers_are_there(endpoint: Endpoint) {
    let original = endpoint.start_at_rest();
    let client = original.client();
    create_stream(&client, "s", 1).await;
    put(&client, "s", "parent").await;
    let arn = arn(&client, "s").await;
    let request = client.register_stream_consumer().stream_arn(&arn).consumer_name("reader");
    let consumer = request.send().await.expect("it is new").consumer.expect("a consumer");
    split(&client, "s").await;
    let open = subscribe(&client, &consumer.consumer_arn, ShardIteratorType::TrimHorizon).await;
    let clone = clone_of(&original.snapshot(), endpoint);
    let own = clone.client();
    assert_eq!(list_shards(&own, "s").await, list_shards(&client, "s").await);
    let parent = read_shard(&own, "s", &shard_id(0)).await;
    assert_eq!(parent.data(), [b"parent"]);
    assert_eq!(parent.children, Some(vec![shard_id(1), shard_id(2)]));
    // The original's subscription is not the clone's: it does not stand in the way.
    let mut events = subscribe(&own, &consumer.consumer_arn, ShardIteratorType::TrimHorizon).await;
    drop(open);
    assert_eq!(next(&mut events).await.expect("an event"), ["parent"]);
    let merge = own.merge_shards().stream_name("s").shard_to_merge(shard_id(1));
    merge.adjacent_shard_to_merge(shard_id(2)).send().await.expect("they are neighbours");
    assert_eq!(list_shards(&own, "s").await.len(), 4);
    assert_eq!(list_shards(&client, "s").await.len(), 3);
}

async fn what_expires_in_a_clone_stays_in_the_original(endpoint: Endpoint) {
    let original = endpoint.start_at_rest();
    let client = original.client();
    create_stream(&client, "s", 1).await;
    for number in 0..5 {
        put(&client, "s", &number.to_string()).await;
    }
    let snapshot = original.snapshot();
    let clone = clone_of(&snapshot, endpoint);
    clone.clock().advance(DAY + Duration::from_secs(1));
    assert!(data(&clone.client(), "s", 0).await.is_empty());
    put(&clone.client(), "s", "new").await;
    assert_eq!(data(&clone.client(), "s", 0).await, ["new"]);
    assert_eq!(data(&client, "s", 0).await.len(), 5);
    assert_eq!(data(&clone_of(&snapshot, endpoint).client(), "s", 0).await.len(), 5);
    original.clock().advance(DAY + Duration::from_secs(1));
    original.restore(&snapshot);
    assert!(data(&client, "s", 0).await.is_empty(), "a restore does not turn the clock back");
}

async fn a_restore_ends_subscriptions_and_new_ones_take_their_place(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let arn = arn(&client, "s").await;
    let request = client.register_stream_consumer().stream_arn(&arn).consumer_name("reader");
    let consumer = request.send().await.expect("it is new").consumer.expect("a consumer");
    client.describe_stream().stream_name("s").send().await.expect("it is there");
    let snapshot = emulator.snapshot();
    let mut old = subscribe(&client, &consumer.consumer_arn, ShardIteratorType::Latest).await;
    // It waits, and the restore wakes it.
    let (ended, ()) = tokio::join!(old.event_stream.recv(), async { emulator.restore(&snapshot) });
    let error = ended.expect_err("its stream has been replaced").into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    // At once, although the other is younger than five seconds: nobody knows it.
    let mut new = subscribe(&client, &consumer.consumer_arn, ShardIteratorType::Latest).await;
    let (event, _) = tokio::join!(next(&mut new), put(&client, "s", "pushed"));
    assert_eq!(event.expect("an event"), ["pushed"]);
    let (event, ()) = tokio::join!(next(&mut new), async {
        // What the old one leaves behind is not the new one's.
        drop(old);
        emulator.clock().advance(Duration::from_secs(5));
    });
    assert!(event.expect("a sign of life, because the clock was moved").is_empty());
}

async fn a_snapshot_outlives_its_emulator_and_can_be_taken_of_a_clone(endpoint: Endpoint) {
    let mut snapshot = endpoint.start_at_rest().snapshot();
    for generation in 0..20 {
        let emulator = clone_of(&snapshot, endpoint);
        let client = emulator.client();
        if generation == 0 {
            create_stream(&client, "s", 1).await;
        }
        put(&client, "s", &generation.to_string()).await;
        snapshot = emulator.snapshot();
    }
    let last = clone_of(&snapshot, endpoint);
    let expected: Vec<_> = (0..20).map(|generation| generation.to_string()).collect();
    assert_eq!(data(&last.client(), "s", 0).await, expected);
}

async fn the_clock_never_lies_before_the_snapshot(endpoint: Endpoint) {
    let original = endpoint.start_at_rest();
    original.clock().advance(DAY);
    let snapshot = original.snapshot();
    assert_eq!(snapshot.taken(), START.plus(DAY));
    for (clock, expected) in [
        (Clock::manual(Timestamp::EPOCH), START.plus(DAY)),
        (Clock::manual(START.plus(DAY * 2)), START.plus(DAY * 2)),
    ] {
        let clone = endpoint.start_with(Emulator::builder().clock(clock).snapshot(&snapshot));
        assert_eq!(clone.clock().now(), expected);
    }
    let behind = endpoint.start_at_rest();
    behind.restore(&snapshot);
    assert_eq!(behind.clock().now(), START.plus(DAY));
}

fn clone_of(snapshot: &Snapshot, endpoint: Endpoint) -> Emulator {
    endpoint.start_with(Emulator::builder().clock(Clock::manual(START)).snapshot(snapshot))
}

async fn put(client: &Client, stream: &str, data: &str) -> String {
    let request = client.put_record().stream_name(stream).partition_key("key");
    let placed = request.data(Blob::new(data)).send().await.expect("there is room");
    placed.sequence_number
}

async fn data(client: &Client, stream: &str, shard: usize) -> Vec<String> {
    let found = read_shard(client, stream, &shard_id(shard)).await;
    let text = |data: &&[u8]| String::from_utf8(data.to_vec()).expect("these stories store text");
    found.data().iter().map(text).collect()
}

async fn split(client: &Client, stream: &str) {
    let request = client.split_shard().stream_name(stream).shard_to_split(shard_id(0));
    request.new_starting_hash_key(MIDDLE.to_string()).send().await.expect("it can be split");
}

async fn status(client: &Client, stream: &str) -> StreamStatus {
    let answer = client.describe_stream_summary().stream_name(stream).send().await.expect("ok");
    answer.stream_description_summary.expect("a summary").stream_status
}

async fn arn(client: &Client, stream: &str) -> String {
    let answer = client.describe_stream_summary().stream_name(stream).send().await.expect("ok");
    answer.stream_description_summary.expect("a summary").stream_arn
}

async fn subscribe(
    client: &Client,
    consumer: &str,
    kind: ShardIteratorType,
) -> SubscribeToShardOutput {
    let start = StartingPosition::builder().r#type(kind).build().expect("it has a type");
    let request = client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard_id(0));
    request.starting_position(start).send().await.expect("nobody else subscribes")
}

/// The data of the next event.
async fn next(output: &mut SubscribeToShardOutput) -> Option<Vec<String>> {
    // A reader that nobody wakes fails its story and does not hang it.
    let event = tokio::time::timeout(Duration::from_secs(60), output.event_stream.recv()).await;
    match event.expect("the reader is woken").expect("no error")? {
        SubscribeToShardEventStream::SubscribeToShardEvent(event) => {
            let text = |record: &aws_sdk_kinesis::types::Record| {
                String::from_utf8(record.data.as_ref().to_vec()).expect("text")
            };
            Some(event.records.iter().map(text).collect())
        }
        other => panic!("not an event: {other:?}"),
    }
}
