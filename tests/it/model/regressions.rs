//! What the model tests have found, each in its smallest form.

use std::time::Duration;

use serde_json::json;

use crate::support::raw::{Raw, each, list};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// IncreaseStreamRetentionPeriod: "what has expired stays gone". It used to
/// come back unless a read or a write had trimmed the shard in between.
#[test]
fn what_has_expired_stays_gone_when_retention_is_increased() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.put("s", "key", b"old");
    raw.advance(Duration::from_secs(25 * 3600));
    raw.done(
        "IncreaseStreamRetentionPeriod",
        json!({"StreamName": "s", "RetentionPeriodHours": 48}),
    );
    assert_eq!(raw.read_all("s", "shardId-000000000000"), [] as [&str; 0]);
}

/// The same of closed shards, which nothing ever removes.
#[test]
fn a_shard_that_has_expired_stays_gone_when_retention_is_increased() {
    let raw = Raw::new();
    raw.create_stream("s", 2);
    let input = json!({
        "StreamName": "s",
        "ShardToMerge": "shardId-000000000000",
        "AdjacentShardToMerge": "shardId-000000000001",
    });
    raw.done("MergeShards", input);
    raw.advance(Duration::from_secs(25 * 3600));
    assert_eq!(raw.shards("s").len(), 1, "the parents have expired");
    raw.done(
        "IncreaseStreamRetentionPeriod",
        json!({"StreamName": "s", "RetentionPeriodHours": 48}),
    );
    assert_eq!(raw.shards("s").len(), 1, "they stay gone");
}

/// A second DeregisterStreamConsumer while the consumer is DELETING schedules
/// a second removal by name, which hits a consumer of that name made since.
#[test]
fn deregistering_twice_does_not_remove_the_next_consumer_of_that_name() {
    let raw = Raw::with(|builder| builder.state_delay(Duration::from_secs(10)));
    raw.create_stream("s", 1);
    raw.advance(Duration::from_secs(10));
    let consumer = json!({"StreamARN": ARN, "ConsumerName": "c"});
    raw.ok("RegisterStreamConsumer", consumer.clone());
    raw.advance(Duration::from_secs(10));
    raw.done("DeregisterStreamConsumer", consumer.clone());
    raw.advance(Duration::from_secs(5));
    // Whether this is accepted or refused is another question.
    raw.call("DeregisterStreamConsumer", consumer.clone());
    raw.advance(Duration::from_secs(5));
    let answer = raw.ok("ListStreamConsumers", json!({"StreamARN": ARN}));
    assert!(list(&answer["Consumers"]).is_empty(), "the first has gone");
    raw.ok("RegisterStreamConsumer", consumer);
    raw.advance(Duration::from_secs(5));
    let answer = raw.ok("ListStreamConsumers", json!({"StreamARN": ARN}));
    assert_eq!(each(&answer["Consumers"], "ConsumerName"), ["c"]);
}
