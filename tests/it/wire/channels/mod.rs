//! Channels: making, describing, listing, changing and deleting them, and what
//! they keep their streams from.

mod life;
mod listing;
mod shape;

use std::time::Duration;

use serde_json::{Value, json};

use super::streams::arn;
use crate::support::raw::{Answer, Raw, each, text};

const SECOND: Duration = Duration::from_secs(1);
const ROLE: &str = "arn:aws:iam::000000000000:role/deliver";
const BUCKET: &str = "arn:aws:s3:::orders-archive";
const OWNER: &str = "000000000000";
const SCHEMA: &str = "arn:aws:glue:us-east-1:000000000000:schema/registry/orders";
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1234";

/// An on-demand stream `s`.
fn with_stream() -> Raw {
    let raw = Raw::new();
    create_stream(&raw, "s");
    raw
}

/// The same, with changes that take a second.
fn slow() -> Raw {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    create_stream(&raw, "s");
    raw.advance(SECOND);
    raw
}

#[track_caller]
fn create_stream(raw: &Raw, name: &str) {
    let mode = json!({"StreamMode": "ON_DEMAND"});
    raw.done("CreateStream", json!({"StreamName": name, "StreamModeDetails": mode}));
}

/// The smallest channel to a bucket.
pub(crate) fn to_bucket(name: &str, stream: &str) -> Value {
    json!({
        "ChannelName": name,
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": [{
            "StreamARN": arn(stream), "RecordConfiguration": {"RecordFormatType": "JSON"},
        }],
        "S3DestinationConfiguration": {"StorageConfiguration": {
            "BucketARN": BUCKET, "ExpectedBucketOwner": OWNER, "CompressionType": "NONE",
        }},
    })
}

/// The smallest channel to a table.
pub(crate) fn to_table(name: &str, stream: &str) -> Value {
    json!({
        "ChannelName": name,
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": [{
            "StreamARN": arn(stream),
            "RecordConfiguration": {"RecordFormatType": "JSON", "GSRSchemaARN": SCHEMA},
        }],
        "S3TablesDestinationConfiguration": {
            "DeadLetterQueueS3Configuration": {"BucketARN": BUCKET, "ExpectedBucketOwner": OWNER},
            "S3TablesConfigurationList": [{
                "TableBucketARN": "arn:aws:s3tables:us-east-1:000000000000:bucket/tables",
                "Namespace": "sales", "TableName": "orders", "CompressionType": "ZSTD",
            }],
        },
    })
}

/// An input in which one member, at a path of names and places, is another.
fn with(mut input: Value, path: &str, value: Value) -> Value {
    match path.rsplit_once('/') {
        Some((parent, member)) => {
            let parent = input.pointer_mut(parent).expect("there is such a member");
            parent[member] = value;
        }
        None => panic!("{path} begins with a slash"),
    }
    input
}

fn create(raw: &Raw, input: Value) -> Answer {
    raw.call("CreateChannel", input)
}

/// Makes a channel and returns its ARN.
#[track_caller]
pub(crate) fn created(raw: &Raw, input: Value) -> String {
    text(&create(raw, input).expect_ok()["ChannelDescription"]["ChannelARN"])
}

fn describe(raw: &Raw, channel: &str) -> Answer {
    raw.call("DescribeChannel", json!({"ChannelARN": channel}))
}

#[track_caller]
fn described(raw: &Raw, channel: &str) -> Value {
    describe(raw, channel).expect_ok()["ChannelDescription"].clone()
}

#[track_caller]
fn status(raw: &Raw, channel: &str) -> String {
    text(&described(raw, channel)["ChannelStatus"])
}

fn update(raw: &Raw, channel: &str, mut input: Value) -> Answer {
    input["ChannelARN"] = json!(channel);
    raw.call("UpdateChannel", input)
}

fn fresh(seconds: i64) -> Value {
    json!({"S3DestinationConfiguration": {"DataFreshnessInSeconds": seconds}})
}

fn delete(raw: &Raw, channel: &str) -> Answer {
    raw.call("DeleteChannel", json!({"ChannelARN": channel}))
}

#[track_caller]
fn names(raw: &Raw, input: Value) -> String {
    each(&raw.ok("ListChannels", input)["ChannelSummaries"], "ChannelName").join(" ")
}

fn not_found(channel: &str) -> String {
    format!("Channel {channel} not found.")
}
