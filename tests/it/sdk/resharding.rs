//! Splitting and merging: reading across the boundary, order, refusals.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardFilter, ShardFilterType, ShardIteratorType, StreamStatus};
use kinesis_emulator::{Clock, Emulator};

use crate::support::{
    Endpoint, START, create_stream, iterator, list_shards, read_on, read_shard, shard_id, stories,
};

stories! {
    a_reader_follows_a_split_into_its_children,
    a_reader_follows_a_merge_into_its_child,
    the_order_of_a_key_survives_splits_and_merges,
    until_a_split_is_done_the_parent_takes_records,
    shards_that_cannot_be_split_or_merged_are_refused,
    filters_tell_open_shards_from_closed_ones,
    a_closed_shard_goes_when_its_records_have_gone,
}

const MIDDLE: u128 = 1 << 127;

async fn a_reader_follows_a_split_into_its_children(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    put(&client, "before", 0).await;
    put(&client, "before", u128::MAX).await;
    let tail = iterator(&client, "s", &shard_id(0), ShardIteratorType::Latest).await;
    split(&client, 0, MIDDLE).await;
    assert_eq!(put(&client, "lower", MIDDLE - 1).await.0, shard_id(1));
    assert_eq!(put(&client, "upper", MIDDLE).await.0, shard_id(2));

    let parent = read_shard(&client, "s", &shard_id(0)).await;
    assert_eq!(parent.data(), [b"before", b"before"]);
    assert_eq!(parent.children, Some(vec![shard_id(1), shard_id(2)]));
    let tail = read_on(&client, tail).await;
    assert!(tail.records.is_empty());
    assert_eq!(tail.children, parent.children);
    let [lower, upper] = [
        read_shard(&client, "s", &shard_id(1)).await,
        read_shard(&client, "s", &shard_id(2)).await,
    ];
    assert_eq!((lower.data(), upper.data()), (vec![&b"lower"[..]], vec![&b"upper"[..]]));
    assert!(parent.numbers().last() < lower.numbers().first(), "numbers rise over the boundary");
    assert!(parent.numbers().last() < upper.numbers().first(), "numbers rise over the boundary");

    let shards = list_shards(&client, "s").await;
    let end = |place: usize| {
        let range = shards[place].sequence_number_range.as_ref().expect("a range");
        range.ending_sequence_number.clone()
    };
    let end_of_parent = end(0).expect("a closed shard has an end");
    assert!(parent.numbers().last().is_some_and(|last| **last < *end_of_parent));
    assert_eq!((end(1), end(2)), (None, None), "open shards have no end");
    for (place, range) in [(1, [0, MIDDLE - 1]), (2, [MIDDLE, u128::MAX])] {
        let child = &shards[place];
        assert_eq!(child.parent_shard_id, Some(shard_id(0)));
        assert_eq!(child.adjacent_parent_shard_id, None);
        let found = child.hash_key_range.as_ref().expect("a range");
        assert_eq!(found.starting_hash_key, range[0].to_string());
        assert_eq!(found.ending_hash_key, range[1].to_string());
    }
}

async fn a_reader_follows_a_merge_into_its_child(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 2).await;
    put(&client, "lower", 0).await;
    put(&client, "upper", MIDDLE).await;
    merge(&client, 0, 1).await;
    for key in [0, MIDDLE] {
        assert_eq!(put(&client, "after", key).await.0, shard_id(2));
    }
    for (parent, data) in [(0, b"lower"), (1, b"upper")] {
        let found = read_shard(&client, "s", &shard_id(parent)).await;
        assert_eq!(found.data(), [data]);
        assert_eq!(found.children, Some(vec![shard_id(2)]));
    }
    assert_eq!(read_shard(&client, "s", &shard_id(2)).await.data(), [b"after", b"after"]);
    let child = &list_shards(&client, "s").await[2];
    assert_eq!(child.parent_shard_id, Some(shard_id(0)));
    assert_eq!(child.adjacent_parent_shard_id, Some(shard_id(1)));
}

async fn the_order_of_a_key_survives_splits_and_merges(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let mut numbers = Vec::new();
    let mut way = Vec::new();
    let mut next_child = 1;
    for round in 0..6 {
        for _ in 0..3 {
            let (shard, number) = put(&client, "x", MIDDLE).await;
            way.push(shard);
            numbers.push(number);
        }
        if round % 2 == 0 {
            split(&client, next_child - 1, MIDDLE).await;
            next_child += 2;
        } else {
            merge(&client, next_child - 2, next_child - 1).await;
            next_child += 1;
        }
    }
    way.dedup();
    assert_eq!(way.len(), 6, "each round wrote to a shard of its own");
    let mut found = Vec::new();
    for shard in way {
        found.extend(
            read_shard(&client, "s", &shard).await.records.into_iter().map(|r| r.sequence_number),
        );
    }
    assert_eq!(found, numbers);
    assert!(numbers.is_sorted_by(|one, next| one < next));
}

async fn until_a_split_is_done_the_parent_takes_records(endpoint: Endpoint) {
    let delay = Duration::from_secs(30);
    let builder = Emulator::builder().state_delay(delay).clock(Clock::manual(START));
    let emulator = endpoint.start_with(builder);
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    emulator.clock().advance(delay);
    split(&client, 0, MIDDLE).await;
    let status = async || {
        let answer = client.describe_stream_summary().stream_name("s").send().await.expect("ok");
        answer.stream_description_summary.expect("a summary").stream_status
    };
    assert_eq!(status().await, StreamStatus::Updating);
    assert_eq!(put(&client, "x", MIDDLE).await.0, shard_id(0));
    let second = client.split_shard().stream_name("s").shard_to_split(shard_id(0));
    let error = second.new_starting_hash_key("99").send().await.expect_err("it is UPDATING");
    assert!(error.into_service_error().is_resource_in_use_exception());
    emulator.clock().advance(delay);
    assert_eq!(put(&client, "x", MIDDLE).await.0, shard_id(2));
    assert_eq!(status().await, StreamStatus::Active);
    assert_eq!(read_shard(&client, "s", &shard_id(0)).await.records.len(), 1);
}

async fn shards_that_cannot_be_split_or_merged_are_refused(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 3).await;
    let shards = list_shards(&client, "s").await;
    let edges = shards[1].hash_key_range.clone().expect("a range");
    for key in [&edges.starting_hash_key, &edges.ending_hash_key, &"0".to_owned()] {
        let call = client.split_shard().stream_name("s").shard_to_split(shard_id(1));
        let error = call.new_starting_hash_key(key).send().await.expect_err("it does not divide");
        assert!(error.into_service_error().is_invalid_argument_exception(), "{key}");
    }
    merge(&client, 0, 1).await;
    // The closed one, itself, the wrong way round, and no neighbours.
    for (one, other) in [(0, 2), (2, 2), (2, 3), (1, 0)] {
        let call = client.merge_shards().stream_name("s").shard_to_merge(shard_id(one));
        let refused = call.adjacent_shard_to_merge(shard_id(other)).send().await;
        let error = refused.expect_err("they cannot be merged").into_service_error();
        assert!(error.is_invalid_argument_exception(), "{one} {other}: {error:?}");
    }
    let call = client.split_shard().stream_name("s").shard_to_split(shard_id(0));
    let error = call.new_starting_hash_key("99").send().await.expect_err("it is closed");
    assert!(error.into_service_error().is_invalid_argument_exception());
    assert_eq!(list_shards(&client, "s").await.len(), 4, "nothing has come of it");
}

async fn filters_tell_open_shards_from_closed_ones(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 2).await;
    emulator.clock().advance(Duration::from_secs(100));
    split(&client, 0, MIDDLE / 2).await;
    emulator.clock().advance(Duration::from_secs(100));
    let at = |seconds: u64| {
        let millis = START.plus(Duration::from_secs(seconds)).as_millis();
        aws_sdk_kinesis::primitives::DateTime::from_millis(millis as i64)
    };
    let filter = |kind| ShardFilter::builder().r#type(kind);
    for (filter, expected) in [
        (filter(ShardFilterType::AtLatest), &[1, 2, 3][..]),
        (filter(ShardFilterType::AtTrimHorizon), &[0, 1]),
        (filter(ShardFilterType::FromTrimHorizon), &[0, 1, 2, 3]),
        (filter(ShardFilterType::AtTimestamp).timestamp(at(50)), &[0, 1]),
        (filter(ShardFilterType::AtTimestamp).timestamp(at(150)), &[1, 2, 3]),
        (filter(ShardFilterType::FromTimestamp).timestamp(at(50)), &[0, 1, 2, 3]),
        (filter(ShardFilterType::FromTimestamp).timestamp(at(150)), &[1, 2, 3]),
        (filter(ShardFilterType::AfterShardId).shard_id(shard_id(1)), &[2, 3]),
    ] {
        let filter = filter.build().expect("it has a type");
        let case = format!("{filter:?}");
        let answer = client.list_shards().stream_name("s").shard_filter(filter).send().await;
        let shards = answer.expect(&case).shards.expect("a page has shards");
        let ids: Vec<_> = shards.into_iter().map(|shard| shard.shard_id).collect();
        assert_eq!(ids, expected.iter().copied().map(shard_id).collect::<Vec<_>>(), "{case}");
    }
}

async fn a_closed_shard_goes_when_its_records_have_gone(endpoint: Endpoint) {
    let day = Duration::from_secs(24 * 3600);
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    put(&client, "x", 0).await;
    split(&client, 0, MIDDLE).await;
    emulator.clock().advance(day);
    assert_eq!(list_shards(&client, "s").await.len(), 3);
    let token = iterator(&client, "s", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    emulator.clock().advance(Duration::from_secs(60));
    let left: Vec<_> = list_shards(&client, "s").await.into_iter().map(|s| s.shard_id).collect();
    assert_eq!(left, [shard_id(1), shard_id(2)]);
    let error = client.get_records().shard_iterator(token).send().await;
    assert!(error.expect_err("gone").into_service_error().is_resource_not_found_exception());
}

async fn put(client: &Client, data: &str, hash_key: u128) -> (String, String) {
    let call = client.put_record().stream_name("s").partition_key("k").data(Blob::new(data));
    let placed = call.explicit_hash_key(hash_key.to_string()).send().await.expect("it fits");
    (placed.shard_id, placed.sequence_number)
}

async fn split(client: &Client, shard: usize, at: u128) {
    let call = client.split_shard().stream_name("s").shard_to_split(shard_id(shard));
    call.new_starting_hash_key(at.to_string()).send().await.expect("the key divides the shard");
}

async fn merge(client: &Client, lower: usize, upper: usize) {
    let call = client.merge_shards().stream_name("s").shard_to_merge(shard_id(lower));
    let call = call.adjacent_shard_to_merge(shard_id(upper));
    call.send().await.expect("they are neighbours");
}
