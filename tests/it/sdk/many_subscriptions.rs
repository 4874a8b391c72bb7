//! Hundreds of subscriptions on one HTTP/2 connection.

use futures::future::join_all;
use kinesis_emulator::Emulator;
use reqwest::{Client, Response, Version};
use serde_json::{Value, json};

const SHARDS: usize = 300;
const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/wide";

async fn call(client: &Client, url: &str, operation: &str, input: Value) -> Response {
    let answer = client
        .post(url)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")
        .body(input.to_string())
        .send()
        .await
        .expect("it answers");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2), "{operation}");
    answer
}

/// Reads a subscription until a frame with a record has come.
async fn first_record(mut subscription: Response) -> bool {
    let mut seen = Vec::new();
    while let Some(chunk) = subscription.chunk().await.expect("the stream goes on") {
        seen.extend_from_slice(&chunk);
        if seen.windows(8).any(|window| window == b"\"Data\":\"") {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_carries_a_subscription_for_each_of_300_shards() {
    let kinesis = Emulator::start().await;
    let url = kinesis.url();
    let client = crate::support::http_client().http2_prior_knowledge().build().expect("a client");
    call(&client, url, "CreateStream", json!({"StreamName": "wide", "ShardCount": SHARDS})).await;
    let consumer = json!({"StreamARN": STREAM_ARN, "ConsumerName": "reader"});
    let registered = call(&client, url, "RegisterStreamConsumer", consumer).await;
    let registered: Value =
        serde_json::from_slice(&registered.bytes().await.expect("a body")).expect("it is JSON");

    let subscriptions = join_all((0..SHARDS).map(|shard| {
        let input = json!({
            "ConsumerARN": registered["Consumer"]["ConsumerARN"],
            "ShardId": format!("shardId-{shard:012}"),
            "StartingPosition": {"Type": "LATEST"},
        });
        call(&client, url, "SubscribeToShard", input)
    }))
    .await;
    let readers: Vec<_> =
        subscriptions.into_iter().map(|answer| tokio::spawn(first_record(answer))).collect();

    // The middle of each shard's range.
    let step = u128::MAX / SHARDS as u128;
    for shard in 0..SHARDS as u128 {
        let hash_key = (shard * step + step / 2).to_string();
        let record = json!({
            "StreamName": "wide", "PartitionKey": "k", "ExplicitHashKey": hash_key, "Data": "eA==",
        });
        call(&client, url, "PutRecord", record).await;
    }
    for reader in readers {
        assert!(reader.await.expect("a reader does not fail"), "each gets its record");
    }
}
