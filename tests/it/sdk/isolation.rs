//! Emulators, accounts and Regions do not see each other.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;
use futures::future::join_all;
use kinesis_emulator::Emulator;

use crate::support::{
    Endpoint, create_stream, iterator, list_shards, read_shard, shard_id, stories,
};

stories! {
    accounts_and_regions_are_worlds_of_their_own,
    tokens_of_one_emulator_mean_nothing_to_another,
    the_builder_names_account_and_region,
}

#[tokio::test]
async fn three_hundred_emulators_in_one_process_do_not_interfere() {
    many(Endpoint::InProcess, 300).await;
}

#[tokio::test]
async fn a_hundred_emulators_over_tcp_do_not_interfere() {
    many(Endpoint::Tcp, 100).await;
}

/// Runs many emulators at once, each with a stream of the same name, other
/// records and another number of shards.
async fn many(endpoint: Endpoint, count: usize) {
    let emulators: Vec<_> = (0..count).map(|_| endpoint.start()).collect();
    let stories = emulators.iter().enumerate().map(async |(number, emulator)| {
        let client = emulator.client();
        let shards = number % 3 + 1;
        create_stream(&client, "same", shards as i32).await;
        for place in 0..3 {
            put(&client, "same", &format!("{number} {place}")).await;
        }
        let mut found = Vec::new();
        for shard in list_shards(&client, "same").await {
            found.extend(read_shard(&client, "same", &shard.shard_id).await.records);
        }
        let mut data: Vec<_> = found.iter().map(|r| r.data.as_ref()).collect();
        data.sort_unstable();
        let expected: Vec<_> = (0..3).map(|place| format!("{number} {place}")).collect();
        assert_eq!(data, expected.iter().map(String::as_bytes).collect::<Vec<_>>());
        let streams = client.list_streams().send().await.expect("ok").stream_names;
        assert_eq!(streams, ["same"]);
        assert_eq!(list_shards(&client, "same").await.len(), shards);
    });
    join_all(stories).await;
    let mut urls: Vec<_> = emulators.iter().map(Emulator::url).collect();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), if endpoint == Endpoint::Tcp { count } else { 1 });
}

async fn accounts_and_regions_are_worlds_of_their_own(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = |account: &str, region: &str| {
        let config = aws_sdk_kinesis::config::Builder::from(&emulator.sdk_config())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(account, "secret", None, None, "stories"));
        Client::from_conf(config.build())
    };
    let worlds = [
        ("111111111111", "us-east-1"),
        ("111111111111", "eu-west-1"),
        ("222222222222", "us-east-1"),
        ("AKIDNOACCOUNT", "us-east-1"),
    ];
    for (account, region) in worlds {
        let client = client(account, region);
        assert!(client.list_streams().send().await.expect("ok").stream_names.is_empty());
        create_stream(&client, "s", 1).await;
        put(&client, "s", &format!("{account} {region}")).await;
    }
    for (account, region) in worlds {
        let client = client(account, region);
        let answer = client.describe_stream_summary().stream_name("s").send().await.expect("ok");
        let arn = answer.stream_description_summary.expect("a summary").stream_arn;
        let named = if account.len() == 12 { account } else { "000000000000" };
        assert_eq!(arn, format!("arn:aws:kinesis:{region}:{named}:stream/s"));
        let found = read_shard(&client, "s", &shard_id(0)).await;
        assert_eq!(found.data(), [format!("{account} {region}").as_bytes()]);
    }
    // By its ARN a stream can be reached from anywhere.
    let arn = "arn:aws:kinesis:eu-west-1:111111111111:stream/s";
    let stranger = client("222222222222", "us-east-1");
    let token = stranger.get_shard_iterator().stream_arn(arn).shard_id(shard_id(0));
    let token = token.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
    let token = token.expect("the ARN names it").shard_iterator.expect("an iterator");
    let read = stranger.get_records().stream_arn(arn).shard_iterator(&token).send().await;
    assert_eq!(read.expect("the ARN names it").records().len(), 1);
    let read = stranger.get_records().shard_iterator(token).send().await;
    assert!(read.expect_err("not without").into_service_error().is_invalid_argument_exception());
}

async fn tokens_of_one_emulator_mean_nothing_to_another(endpoint: Endpoint) {
    let (one, other) = (endpoint.start(), endpoint.start());
    for emulator in [&one, &other] {
        create_stream(&emulator.client(), "s", 2).await;
    }
    let token = iterator(&one.client(), "s", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    let read = other.client().get_records().shard_iterator(token).send().await;
    let error = read.expect_err("it is foreign").into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
    let page = one.client().list_shards().stream_name("s").max_results(1).send().await;
    let token = page.expect("ok").next_token.expect("there is another shard");
    let read = other.client().list_shards().next_token(token).send().await;
    let error = read.expect_err("it is foreign").into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
}

async fn the_builder_names_account_and_region(endpoint: Endpoint) {
    let builder = Emulator::builder()
        .region("cn-north-1".parse().expect("a Region"))
        .account_id("123456789012".parse().expect("an account id"));
    let emulator = endpoint.start_with(builder);
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let answer = client.describe_stream_summary().stream_name("s").send().await.expect("ok");
    let arn = answer.stream_description_summary.expect("a summary").stream_arn;
    assert_eq!(arn, "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s");
}

async fn put(client: &Client, stream: &str, data: &str) {
    let call = client.put_record().stream_name(stream).partition_key(data);
    call.data(Blob::new(data)).send().await.expect("it fits");
}
