//! Emulators that have streams from the start.

use std::time::Duration;

use aws_sdk_kinesis::types::{ConsumerStatus, StreamMode, StreamStatus};
use kinesis_emulator::{Clock, Emulator, Init, InitialStream, Secret};

use crate::support::{Endpoint, START, list_shards, read_shard, shard_id, stories};

stories!(streams_tags_consumers_and_records_are_there_from_the_start);

const DOCUMENT: &str = r#"{
    "streams": [
        {
            "name": "orders", "shards": 2, "retention_hours": 48, "tags": {"team": "checkout"},
            "consumers": ["billing"],
            "records": [
                {"key": "a", "explicit_hash_key": "0", "text": "first"},
                {"key": "b", "explicit_hash_key": "0", "data": "c2Vjb25k"},
                {"key": "c", "explicit_hash_key": "0", "json": {"n": [3, null]}}
            ]
        },
        {"name": "clicks", "region": "eu-west-1", "account": "123456789012"}
    ]
}"#;

async fn streams_tags_consumers_and_records_are_there_from_the_start(endpoint: Endpoint) {
    // The delay and the signatures hold for what comes later.
    let builder = Emulator::builder()
        .clock(Clock::manual(START))
        .state_delay(Duration::from_secs(60))
        .verify_signatures(Secret::new("a secret of its own"))
        .init(Init::from_json(DOCUMENT).expect("it is of the schema"));
    let client = endpoint.start_with(builder);
    let client = client.client();
    let orders = client.describe_stream_summary().stream_name("orders").send().await.unwrap();
    let orders = orders.stream_description_summary.unwrap();
    assert_eq!(orders.stream_status, StreamStatus::Active);
    assert_eq!((orders.open_shard_count, orders.retention_period_hours), (2, 48));
    assert_eq!(
        read_shard(&client, "orders", &shard_id(0)).await.data(),
        [&b"first"[..], b"second", br#"{"n":[3,null]}"#,]
    );
    let tags = client.list_tags_for_stream().stream_name("orders").send().await.unwrap().tags;
    assert_eq!((tags[0].key.as_str(), tags[0].value.as_deref()), ("team", Some("checkout")));
    let consumers = client.list_stream_consumers().stream_arn(orders.stream_arn);
    let consumers = consumers.send().await.unwrap().consumers.unwrap();
    assert_eq!(consumers[0].consumer_name, "billing");
    assert_eq!(consumers[0].consumer_status, ConsumerStatus::Active);

    let elsewhere = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
    let clicks = client.describe_stream_summary().stream_arn(elsewhere).send().await.unwrap();
    let clicks = clicks.stream_description_summary.unwrap();
    assert_eq!(clicks.stream_mode_details.unwrap().stream_mode, StreamMode::OnDemand);

    client.create_stream().stream_name("later").shard_count(1).send().await.unwrap();
    let later = client.describe_stream_summary().stream_name("later").send().await.unwrap();
    assert_eq!(later.stream_description_summary.unwrap().stream_status, StreamStatus::Creating);
}

#[tokio::test]
async fn streams_are_written_down_in_rust_too() {
    let events = InitialStream::provisioned("events", 1).record("k", "one").record("k", "two");
    let lowest = InitialStream::provisioned("lowest", 2).record_at("k", "0", "x");
    let kinesis = Emulator::builder().init(Init::new().stream(events).stream(lowest)).in_process();
    let client = kinesis.client();
    assert_eq!(list_shards(&client, "events").await.len(), 1);
    assert_eq!(read_shard(&client, "events", &shard_id(0)).await.data(), [b"one", b"two"]);
    assert_eq!(read_shard(&client, "lowest", &shard_id(0)).await.data(), [b"x"]);
}

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_place_and_aws_sentence() {
    for (document, expected) in [
        (
            r#"{"streams": [{"name": "s", "shards": 1}, {"name": "s", "shards": 1}]}"#,
            "streams[1]: ResourceInUseException: Stream s under account 000000000000 already exists.",
        ),
        (
            r#"{"streams": [{"name": "a b", "shards": 1}]}"#,
            "streams[0]: ValidationException: 1 validation error detected: ",
        ),
        (
            r#"{"streams": [{"name": "s", "retention_hours": 12}]}"#,
            "streams[0].retention_hours: InvalidArgumentException: ",
        ),
        (
            r#"{"streams": [{"name": "s", "records": [
                {"key": "k", "text": "x"}, {"key": "", "text": "x"}]}]}"#,
            "streams[0].records[1]: ValidationException: ",
        ),
    ] {
        let init = Init::from_json(document).expect("it is of the schema");
        let refused = Emulator::builder().init(init).start().await.expect_err("AWS refuses it");
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
}
