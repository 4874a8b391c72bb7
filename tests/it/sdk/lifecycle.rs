//! Streams from CREATING to gone: statuses, waiters, lists, tags, refusals.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::client::Waiters;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{AsyncSleep, Sleep, StalledStreamProtectionConfig};
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StreamMode, StreamModeDetails, StreamStatus};
use kinesis_emulator::{Clock, Emulator};

use crate::support::{
    Endpoint, START, create_stream, impatient_client, iterator, list_shards, read_shard, shard_id,
    stories,
};

stories! {
    a_stream_is_as_the_clock_says,
    a_stream_on_its_way_out_stays_so,
    waiters_wait_for_as_long_as_it_takes,
    streams_are_listed_by_name_over_all_pages,
    shards_are_listed_over_all_pages,
    a_page_token_lives_for_five_minutes,
    what_is_missing_is_not_found,
    what_exists_is_in_use,
    limits_are_enforced_when_set,
    a_stream_without_shard_count_is_on_demand,
    tags_stay_until_they_are_removed,
    a_namesake_is_another_stream,
}

const DELAY: Duration = Duration::from_secs(30);

/// An emulator whose streams take a while, and only by its own clock.
fn slow(endpoint: Endpoint) -> Emulator {
    endpoint.start_with(Emulator::builder().state_delay(DELAY).clock(Clock::manual(START)))
}

async fn status(client: &Client, stream: &str) -> Option<StreamStatus> {
    match client.describe_stream_summary().stream_name(stream).send().await {
        Ok(answer) => Some(answer.stream_description_summary.expect("a summary").stream_status),
        Err(error) => {
            let error = error.into_service_error();
            assert!(error.is_resource_not_found_exception(), "{error:?}");
            None
        }
    }
}

async fn a_stream_is_as_the_clock_says(endpoint: Endpoint) {
    let emulator = slow(endpoint);
    let client = emulator.client();
    let put =
        || client.put_record().stream_name("s").partition_key("k").data(Blob::new("x")).send();
    create_stream(&client, "s", 1).await;
    emulator.clock().advance(DELAY - Duration::from_millis(1));
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Creating));
    let described = client.describe_stream().stream_name("s").send().await.expect("it exists");
    assert!(described.stream_description.expect("a description").shards.is_empty());
    assert!(
        put().await.expect_err("not yet").into_service_error().is_resource_not_found_exception()
    );
    let list = client.list_shards().stream_name("s").send().await.expect_err("not yet");
    assert!(list.into_service_error().is_resource_in_use_exception());

    emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Active));
    put().await.expect("the stream is ACTIVE");

    client.delete_stream().stream_name("s").send().await.expect("it exists");
    emulator.clock().advance(DELAY - Duration::from_millis(1));
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Deleting));
    assert!(
        put().await.expect_err("no more").into_service_error().is_resource_not_found_exception()
    );
    let again = client.create_stream().stream_name("s").shard_count(1).send().await;
    let error = again.expect_err("the name is not free yet").into_service_error();
    assert!(error.is_resource_in_use_exception());

    emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(status(&client, "s").await, None);
    create_stream(&client, "s", 1).await;
}

async fn a_stream_on_its_way_out_stays_so(endpoint: Endpoint) {
    let emulator = slow(endpoint);
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    emulator.clock().advance(DELAY / 2);
    client.delete_stream().stream_name("s").send().await.expect("CREATING is no obstacle");
    emulator.clock().advance(DELAY / 2);
    // Now CREATING would have ended.
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Deleting));
    emulator.clock().advance(DELAY / 2);
    assert_eq!(status(&client, "s").await, None);
}

/// Whoever sleeps moves the emulator's clock instead.
#[derive(Debug)]
pub(super) struct SleepMovesTheClock(pub(super) Clock);

impl AsyncSleep for SleepMovesTheClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.advance(duration);
        Sleep::new(std::future::ready(()))
    }
}

async fn waiters_wait_for_as_long_as_it_takes(endpoint: Endpoint) {
    let emulator = slow(endpoint);
    // No timeouts: they would sleep, too.
    let config = aws_sdk_kinesis::config::Builder::from(&emulator.sdk_config())
        .sleep_impl(SleepMovesTheClock(emulator.clock().clone()))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let client = Client::from_conf(config.build());
    let max = Duration::from_secs(300);

    create_stream(&client, "s", 1).await;
    let exists = client.wait_until_stream_exists().stream_name("s").wait(max).await;
    exists.expect("the stream becomes ACTIVE");
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Active));
    assert!(emulator.clock().now().since(START) >= DELAY);

    client.delete_stream().stream_name("s").send().await.expect("it exists");
    let gone = client.wait_until_stream_not_exists().stream_name("s").wait(max).await;
    gone.expect("the stream is gone in the end");
    assert_eq!(status(&client, "s").await, None);
}

/// A waiter's own pause would be ten seconds; it is not kept that long for a
/// change that takes a fraction of one.
#[tokio::test(start_paused = true)]
async fn a_short_change_is_over_when_a_waiter_has_asked_once() {
    let delay = Duration::from_millis(200);
    let emulator = Emulator::builder().state_delay(delay).clock(Clock::tokio()).in_process();
    let client = Client::new(&emulator.sdk_config());
    let begun = emulator.clock().now();
    create_stream(&client, "s", 1).await;
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Creating));
    let max = Duration::from_secs(300);
    let exists = client.wait_until_stream_exists().stream_name("s").wait(max).await;
    exists.expect("the stream becomes ACTIVE");
    client.delete_stream().stream_name("s").send().await.expect("it exists");
    assert_eq!(status(&client, "s").await, Some(StreamStatus::Deleting));
    let gone = client.wait_until_stream_not_exists().stream_name("s").wait(max).await;
    gone.expect("the stream is gone in the end");
    assert_eq!(emulator.clock().now().since(begun), 2 * delay);

    // Nothing is about to happen: nobody waits.
    create_stream(&client, "s", 1).await;
    emulator.clock().advance(delay);
    let then = emulator.clock().now();
    let exists = client.wait_until_stream_exists().stream_name("s").wait(max).await;
    exists.expect("it is there");
    assert_eq!(emulator.clock().now(), then);
}

async fn streams_are_listed_by_name_over_all_pages(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    // Made in another order than that of their names.
    let mut names: Vec<_> = (0..130).map(|number| format!("s{}", number * 37 % 130)).collect();
    for name in &names {
        create_stream(&client, name, 1).await;
    }
    names.sort();
    for limit in [None, Some(1), Some(64), Some(10_000)] {
        let mut pages = client.list_streams().set_limit(limit).into_paginator().send();
        let (mut listed, mut summarised) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.expect("the token is fresh");
            assert!(page.stream_names.len() <= limit.unwrap_or(100).min(100) as usize);
            assert_eq!(page.has_more_streams, page.next_token.is_some());
            let summaries = page.stream_summaries.expect("names come with summaries");
            summarised.extend(summaries.into_iter().map(|summary| summary.stream_name));
            listed.extend(page.stream_names);
        }
        assert_eq!(listed, names, "{limit:?}");
        assert_eq!(summarised, names, "{limit:?}");
    }
    let after = client.list_streams().exclusive_start_stream_name("s98x").send().await;
    assert_eq!(after.expect("the name need not exist").stream_names, ["s99"]);
}

async fn shards_are_listed_over_all_pages(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 250).await;
    let expected: Vec<_> = (0..250).map(shard_id).collect();
    let whole = list_shards(&client, "s").await;
    assert_eq!(whole.iter().map(|shard| shard.shard_id.clone()).collect::<Vec<_>>(), expected);

    let mut page = client.list_shards().stream_name("s").max_results(7).send().await.expect("ok");
    let mut listed = page.shards().to_vec();
    while let Some(token) = page.next_token {
        assert_eq!(page.shards.expect("a page has shards").len(), 7, "only the last is shorter");
        page = client.list_shards().next_token(token).max_results(7).send().await.expect("fresh");
        listed.extend_from_slice(page.shards());
    }
    assert_eq!(listed, whole);

    let mut described = Vec::new();
    loop {
        let last: Option<String> = described.last().cloned();
        let call = client.describe_stream().stream_name("s").set_exclusive_start_shard_id(last);
        let page = call.send().await.expect("it exists").stream_description.expect("a description");
        assert!(page.shards.len() <= 100);
        described.extend(page.shards.into_iter().map(|shard| shard.shard_id));
        if !page.has_more_shards {
            break;
        }
    }
    assert_eq!(described, expected);
}

async fn a_page_token_lives_for_five_minutes(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "a", 3).await;
    create_stream(&client, "b", 1).await;
    let shards = client.list_shards().stream_name("a").max_results(1).send().await.expect("ok");
    let of_shards = shards.next_token.expect("there are more shards");
    let streams = client.list_streams().limit(1).send().await.expect("ok");
    let of_streams = streams.next_token.expect("there are more streams");
    let read_shards = || client.list_shards().next_token(&of_shards).send();
    let read_streams = || client.list_streams().next_token(&of_streams).send();

    emulator.clock().advance(Duration::from_secs(300));
    assert_eq!(read_shards().await.expect("it is fresh").shards().len(), 2);
    assert_eq!(read_streams().await.expect("it is fresh").stream_names, ["b"]);
    emulator.clock().advance(Duration::from_millis(1));
    let error = read_shards().await.expect_err("it is old").into_service_error();
    assert!(error.is_expired_next_token_exception(), "{error:?}");
    let error = read_streams().await.expect_err("it is old").into_service_error();
    assert!(error.is_expired_next_token_exception(), "{error:?}");
}

async fn what_is_missing_is_not_found(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    macro_rules! assert_not_found {
        ($($call:expr),* $(,)?) => {$(
            let error = $call.send().await.expect_err("it is missing").into_service_error();
            assert!(error.is_resource_not_found_exception(), "{}: {error:?}", stringify!($call));
        )*};
    }
    let data = || Blob::new("x");
    let record = aws_sdk_kinesis::types::PutRecordsRequestEntry::builder()
        .partition_key("k")
        .data(data())
        .build()
        .expect("it is complete");
    assert_not_found!(
        client.put_record().stream_name("none").partition_key("k").data(data()),
        client.put_records().stream_name("none").records(record),
        client.describe_stream().stream_name("none"),
        client.describe_stream_summary().stream_name("none"),
        client.delete_stream().stream_name("none"),
        client.list_shards().stream_name("none"),
        client.list_tags_for_stream().stream_name("none"),
        client.add_tags_to_stream().stream_name("none").tags("k", "v"),
        client.remove_tags_from_stream().stream_name("none").tag_keys("k"),
        client.split_shard().stream_name("none").shard_to_split("0").new_starting_hash_key("9"),
        client.split_shard().stream_name("s").shard_to_split("9").new_starting_hash_key("9"),
        client
            .merge_shards()
            .stream_name("s")
            .shard_to_merge("shardId-0")
            .adjacent_shard_to_merge("shardId-7"),
        client
            .get_shard_iterator()
            .stream_name("s")
            .shard_id("shardId-000000000001")
            .shard_iterator_type(ShardIteratorType::Latest),
    );
    let error = client.get_records().shard_iterator("forged").send().await;
    let error = error.expect_err("nobody handed it out").into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
}

async fn what_exists_is_in_use(endpoint: Endpoint) {
    let emulator = slow(endpoint);
    let client = emulator.client();
    create_stream(&client, "s", 2).await;
    let again = client.create_stream().stream_name("s").shard_count(2).send().await;
    let error = again.expect_err("the name is taken").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    assert_eq!(error.message(), Some("Stream s under account 000000000000 already exists."));
    let split = client.split_shard().stream_name("s").shard_to_split("shardId-0");
    let error = split.new_starting_hash_key("9").send().await.expect_err("it is CREATING");
    assert!(error.into_service_error().is_resource_in_use_exception());
}

async fn limits_are_enforced_when_set(endpoint: Endpoint) {
    let emulator = endpoint.start_with(Emulator::builder().shard_limit(3).stream_limit(1));
    let client = impatient_client(&emulator);
    create_stream(&client, "two", 2).await;
    let create = |name: &str| client.create_stream().stream_name(name);
    let error = create("more").shard_count(2).send().await.expect_err("four are too many");
    assert!(error.into_service_error().is_limit_exceeded_exception());
    let split = || {
        let split = client.split_shard().stream_name("two").shard_to_split("shardId-0");
        split.new_starting_hash_key("99").send()
    };
    split().await.expect("three are allowed");
    create("one").shard_count(1).send().await.expect_err("there are three");
    client.delete_stream().stream_name("two").send().await.expect("it exists");
    create("three").shard_count(3).send().await.expect("the limit is free again");
}

async fn a_stream_without_shard_count_is_on_demand(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    client.create_stream().stream_name("free").send().await.expect("a new name");
    let on_demand = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build();
    let said = client.create_stream().stream_name("said");
    said.stream_mode_details(on_demand.expect("complete")).send().await.expect("a new name");
    create_stream(&client, "counted", 2).await;
    for (name, mode, shards) in [
        ("free", StreamMode::OnDemand, 4),
        ("said", StreamMode::OnDemand, 4),
        ("counted", StreamMode::Provisioned, 2),
    ] {
        let answer = client.describe_stream_summary().stream_name(name).send().await.expect("ok");
        let summary = answer.stream_description_summary.expect("a summary");
        let found = summary.stream_mode_details.expect("a mode").stream_mode;
        assert_eq!((found, summary.open_shard_count), (mode, shards), "{name}");
        assert_eq!(summary.retention_period_hours, 24);
        let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
        assert_eq!(summary.stream_arn, arn);
        let by_arn = client.describe_stream_summary().stream_arn(arn).send().await.expect("ok");
        assert_eq!(by_arn.stream_description_summary.expect("a summary").stream_name, name);
    }
}

async fn tags_stay_until_they_are_removed(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let tags = async || {
        let answer = client.list_tags_for_stream().stream_name("s").send().await.expect("ok");
        let tags = answer.tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default()));
        tags.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    let add = client.add_tags_to_stream().stream_name("s").tags("team", "a").tags("env", "test");
    add.send().await.expect("two tags fit");
    client.add_tags_to_stream().stream_name("s").tags("team", "b").send().await.expect("one fits");
    assert_eq!(tags().await, ["env=test", "team=b"]);
    let remove = client.remove_tags_from_stream().stream_name("s").tag_keys("env");
    remove.tag_keys("never there").send().await.expect("unknown keys are ignored");
    assert_eq!(tags().await, ["team=b"]);
}

async fn a_namesake_is_another_stream(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let put =
        || client.put_record().stream_name("s").partition_key("k").data(Blob::new("x")).send();
    let number = put().await.expect("it fits").sequence_number;
    let token = iterator(&client, "s", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    client.delete_stream().stream_name("s").send().await.expect("it exists");
    // In the same millisecond.
    create_stream(&client, "s", 1).await;
    assert!(read_shard(&client, "s", &shard_id(0)).await.records.is_empty());
    let error = client.get_records().shard_iterator(token).send().await;
    let error = error.expect_err("its stream is gone").into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let at = client.get_shard_iterator().stream_name("s").shard_id(shard_id(0));
    let at = at.shard_iterator_type(ShardIteratorType::AtSequenceNumber);
    let error = at.starting_sequence_number(&number).send().await.expect_err("another stream's");
    assert!(error.into_service_error().is_invalid_argument_exception());
    assert!(put().await.expect("it fits").sequence_number > number, "numbers go on rising");
}
