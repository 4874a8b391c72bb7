//! All that an emulator gives away of its streams, by calls.

use serde_json::{Value, json};

use crate::support::raw::{Raw, list};

/// Every stream with its shards and the oldest records of each.
pub(super) fn contents(raw: &Raw) -> Vec<Value> {
    let mut found = Vec::new();
    for stream in list(&raw.ok("ListStreams", json!({}))["StreamNames"]) {
        found.push(stream.clone());
        let shards = raw.call("ListShards", json!({"StreamName": stream})).json();
        let Value::Array(shards) = &shards["Shards"] else { continue };
        for shard in shards {
            found.push(shard.clone());
            let iterator = raw.call(
                "GetShardIterator",
                json!({
                    "StreamName": stream,
                    "ShardId": shard["ShardId"],
                    "ShardIteratorType": "TRIM_HORIZON",
                }),
            );
            if let Value::String(iterator) = &iterator.json()["ShardIterator"] {
                found.push(raw.read(iterator)["Records"].clone());
            }
        }
    }
    found
}
