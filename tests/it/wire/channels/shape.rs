//! What a channel says of itself, and which shapes are refused.

use serde_json::{Value, json};

use super::super::cbor::{self, Item};
use super::super::streams::arn;
use super::{
    BUCKET, KEY, OWNER, ROLE, SCHEMA, SECOND, create, created, delete, described, names, slow,
    to_bucket, to_table, with, with_stream,
};
use crate::support::raw::{START, each, members, text};

// behaviours 160; operations.md, section 6.5: what was left out is filled in
#[test]
fn a_channel_to_a_bucket_is_described_with_everything_that_was_filled_in() {
    let raw = with_stream();
    raw.advance(SECOND);
    let answer = create(&raw, to_bucket("archive", "s")).expect_ok();
    assert_eq!(members(&answer), ["ChannelDescription"]);
    let channel = &answer["ChannelDescription"];
    let id = text(&channel["ChannelId"]);
    let label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    assert!(id.len() <= 63 && id.bytes().all(label), "{id} is no label of a host name");
    let mut expected = json!({
        "ChannelName": "archive",
        "ChannelARN": format!("arn:aws:kinesis:us-east-1:000000000000:channel/{id}"),
        "ChannelId": id,
        "ChannelStatus": "CREATING",
        "ChannelCreationTimestamp": START.plus(SECOND).as_seconds() as f64,
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": [{
            "StreamARN": arn("s"),
            "StreamCreationTimestamp": START.as_seconds() as f64,
            "RecordConfiguration": {"RecordFormatType": "JSON"},
        }],
        "S3DestinationConfiguration": {
            "DataFreshnessInSeconds": 300,
            "DeadLetterQueueS3Configuration": {
                "BucketARN": BUCKET, "ExpectedBucketOwner": OWNER,
                "ErrorOutputPrefix": format!("kinesis-channel-errors/archive/{id}/"),
            },
            "StorageConfiguration": {
                "BucketARN": BUCKET, "ExpectedBucketOwner": OWNER,
                "OutputKeyTemplate": "kinesis-channel/!{channel-name}/!{channel-id}/!{yyyy}/!{MM}/!{dd}/!{HH}/!{channel-name}-!{channel-id}-!{yyyy}-!{MM}-!{dd}-!{HH}-!{mm}!{extension}",
                "StorageClass": "STANDARD",
                "CompressionType": "NONE",
            },
        },
        "LoggingConfiguration": {"CloudWatchLogs": {
            "Enabled": false,
            "LogGroupName": format!("/aws/kinesis/archive/{id}"),
            "LogStreamName": "DestinationDelivery",
        }},
    });
    assert_eq!(*channel, expected);
    expected["ChannelStatus"] = json!("ACTIVE");
    assert_eq!(described(&raw, &text(&channel["ChannelARN"])), expected);
}

// behaviours 147, 149
#[test]
fn channels_are_the_same_in_cbor() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("archive", "s"));
    let in_json = described(&raw, &channel);
    let body = cbor::body(|out| {
        out.map(1).unwrap().str("ChannelARN").unwrap().str(&channel).unwrap();
    });
    let answer = cbor::ok(&raw, "DescribeChannel", body);
    let in_cbor = answer.get("ChannelDescription");
    let mut names = members(&in_json);
    names.sort_unstable();
    assert_eq!(in_cbor.names(), names);
    let made = Item::Time(START.as_millis() as i64);
    assert_eq!(*in_cbor.get("ChannelCreationTimestamp"), made);
    let [stream] = in_cbor.get("StreamConfigurationList").items() else { panic!("one stream") };
    assert_eq!(*stream.get("StreamCreationTimestamp"), made);

    let listed = |made_millis: u64| {
        let body = cbor::body(|out| {
            out.map(1).unwrap().str("StreamFilter").unwrap().array(1).unwrap().map(2).unwrap();
            out.str("StreamARN").unwrap().str(&arn("s")).unwrap();
            out.str("StreamCreationTimestamp").unwrap().u64(made_millis).unwrap();
        });
        cbor::ok(&raw, "ListChannels", body).get("ChannelSummaries").items().len()
    };
    assert_eq!((listed(START.as_millis()), listed(START.as_millis() - 1)), (1, 0));
}

// operations.md, section 6.5
#[test]
fn a_channel_to_a_table_shows_what_was_asked_for() {
    let raw = with_stream();
    let input = with(
        to_table("lake", "s"),
        "/LoggingConfiguration",
        json!({"CloudWatchLogs": {
            "Enabled": true, "LogGroupName": "group", "LogStreamName": "stream",
        }}),
    );
    let input = with(
        input,
        "/EncryptionConfiguration",
        json!({
            "EncryptionType": "KMS", "KeyId": KEY,
        }),
    );
    let input = with(input, "/S3TablesDestinationConfiguration/DataFreshnessInSeconds", json!(900));
    let spec = json!({"PartitionFields": [{"Transform": "TIME_HOUR", "SourceName": "sold_at"}]});
    let table = "/S3TablesDestinationConfiguration/S3TablesConfigurationList/0/PartitionSpec";
    let input = with(input, table, spec);
    let channel = described(&raw, &created(&raw, input.clone()));
    for member in [
        "ServiceExecutionRoleARN",
        "S3TablesDestinationConfiguration",
        "EncryptionConfiguration",
        "LoggingConfiguration",
    ] {
        assert_eq!(channel[member], input[member], "{member}");
    }
    let records = &channel["StreamConfigurationList"][0]["RecordConfiguration"];
    assert_eq!(*records, json!({"RecordFormatType": "JSON", "GSRSchemaARN": SCHEMA}));
    assert_eq!(channel.get("S3DestinationConfiguration"), None, "there is one destination");
}

// operations.md, section 6.5
#[test]
fn a_channel_to_a_bucket_shows_what_was_asked_for() {
    let raw = with_stream();
    let destination = json!({
        "DataFreshnessInSeconds": 600,
        "DeadLetterQueueS3Configuration": {"BucketARN": BUCKET, "ExpectedBucketOwner": OWNER},
        "StorageConfiguration": {
            "BucketARN": BUCKET, "ExpectedBucketOwner": "123456789012",
            "OutputKeyTemplate": "orders/!{yyyy}/!{MM}!{extension}",
            "StorageClass": "GLACIER_IR", "CompressionType": "GZIP",
        },
    });
    let input = with(to_bucket("archive", "s"), "/S3DestinationConfiguration", destination.clone());
    let input = with(
        input,
        "/EncryptionConfiguration",
        json!({
            "EncryptionType": "KMS", "KeyId": "alias/orders",
        }),
    );
    let channel = described(&raw, &created(&raw, input));
    assert_eq!(channel["S3DestinationConfiguration"], destination);
    assert_eq!(channel["EncryptionConfiguration"]["KeyId"], "alias/orders");
    assert_eq!(channel.get("S3TablesDestinationConfiguration"), None, "there is one destination");
}

// behaviours 160
#[test]
fn there_is_exactly_one_destination() {
    let raw = with_stream();
    let mut both = to_bucket("c", "s");
    both["S3TablesDestinationConfiguration"] =
        to_table("c", "s")["S3TablesDestinationConfiguration"].clone();
    let mut neither = both.clone();
    for member in ["S3DestinationConfiguration", "S3TablesDestinationConfiguration"] {
        neither.as_object_mut().expect("a structure").remove(member);
    }
    for input in [both, neither] {
        create(&raw, input).expect_error(
            "ValidationException",
            "Exactly one of S3DestinationConfiguration and S3TablesDestinationConfiguration must \
             be provided.",
        );
    }
    assert_eq!(names(&raw, json!({})), "", "a refused call makes nothing");
}

// operations.md, section 6.5
#[test]
fn combinations_that_the_service_does_not_support_are_refused() {
    let raw = with_stream();
    let (bucket, table) = (to_bucket("c", "s"), to_table("c", "s"));
    let records = "/StreamConfigurationList/0/RecordConfiguration";
    let source = bucket["StreamConfigurationList"][0].clone();
    let target = table["S3TablesDestinationConfiguration"]["S3TablesConfigurationList"][0].clone();
    let template = "/S3DestinationConfiguration/StorageConfiguration/OutputKeyTemplate";
    let key = |key: &str| json!({"EncryptionType": "KMS", "KeyId": key});
    for (why, input) in [
        ("two streams", with(bucket.clone(), "/StreamConfigurationList", json!([source, source]))),
        (
            "two tables",
            with(
                table.clone(),
                "/S3TablesDestinationConfiguration/S3TablesConfigurationList",
                json!([target, target]),
            ),
        ),
        (
            "GSR_JSON for a bucket",
            with(
                bucket.clone(),
                records,
                json!({"RecordFormatType": "GSR_JSON", "GSRSchemaARN": SCHEMA}),
            ),
        ),
        ("text for a table", with(table.clone(), records, json!({"RecordFormatType": "STRING"}))),
        (
            "bytes for a table",
            with(
                table.clone(),
                records,
                json!({"RecordFormatType": "BYTE_ARRAY", "GSRSchemaARN": SCHEMA}),
            ),
        ),
        ("no schema", with(table.clone(), records, json!({"RecordFormatType": "JSON"}))),
        ("a variable without an end", with(bucket.clone(), template, json!("a/!{yyyy"))),
        ("a variable without a name", with(bucket.clone(), template, json!("a/!{}"))),
        (
            "the service's key",
            with(bucket.clone(), "/EncryptionConfiguration", key("alias/aws/kinesis")),
        ),
        (
            "an alias for a table",
            with(table.clone(), "/EncryptionConfiguration", key("alias/orders")),
        ),
    ] {
        let answer = create(&raw, input);
        assert_eq!(answer.json()["__type"], "ValidationException", "{why}: {}", answer.text());
    }
    for seconds in [299, 901, 0, -1] {
        for (input, destination) in [
            (&bucket, "/S3DestinationConfiguration/DataFreshnessInSeconds"),
            (&table, "/S3TablesDestinationConfiguration/DataFreshnessInSeconds"),
        ] {
            create(&raw, with(input.clone(), destination, json!(seconds))).expect_error(
                "ValidationException",
                &format!(
                    "DataFreshnessInSeconds must be between 300 and 900; {seconds} was given."
                ),
            );
        }
    }
    assert_eq!(names(&raw, json!({})), "", "a refused call makes nothing");
    // What is next to it is legal.
    created(&raw, with(table, records, json!({"RecordFormatType": "GSR_JSON"})));
    created(
        &raw,
        with(
            with(bucket, records, json!({"RecordFormatType": "BYTE_ARRAY"})),
            "/ChannelName",
            json!("d"),
        ),
    );
}

// model: Tags of CreateChannel; operations.md, section 5: TagResource takes channels
#[test]
fn a_channel_has_tags_from_the_start_and_later() {
    let raw = slow();
    let many: Value =
        Value::Object((0..51).map(|number| (format!("k{number}"), json!(""))).collect());
    for tags in [many, json!({"a;": "b"}), json!({"aws:a": "b"}), json!({"a": "100%"})] {
        create(&raw, with(to_bucket("c", "s"), "/Tags", tags))
            .expect_error_kind("InvalidArgumentException");
    }
    assert_eq!(names(&raw, json!({})), "", "a refused call makes nothing");
    let tags = json!({"b": "2", "a": "1"});
    let channel = created(&raw, with(to_bucket("c", "s"), "/Tags", tags));
    let listed = || raw.ok("ListTagsForResource", json!({"ResourceARN": channel}))["Tags"].clone();
    let tag = |tags: Value| raw.call("TagResource", json!({"ResourceARN": channel, "Tags": tags}));
    assert_eq!(each(&listed(), "Key"), ["a", "b"]);
    tag(json!({"c": "3"})).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    tag(json!({"c": "3", "a": "4"})).expect_empty();
    let untag = json!({"ResourceARN": channel, "TagKeys": ["b", "unknown"]});
    raw.done("UntagResource", untag);
    assert_eq!(listed(), json!([{"Key": "a", "Value": "4"}, {"Key": "c", "Value": "3"}]));
    let of_stream = raw.ok("ListTagsForResource", json!({"ResourceARN": arn("s")}));
    assert_eq!(of_stream, json!({"Tags": []}), "its tags are its own");
    delete(&raw, &channel).expect_empty();
    tag(json!({"d": ""})).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    tag(json!({"d": ""}))
        .expect_error("ResourceNotFoundException", &format!("Resource {channel} not found."));
}

// operations.md, section 9: the pattern of ResourceARN admits channels
#[test]
fn a_channel_has_a_policy_of_its_own() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    let policy = r#"{"Statement": []}"#;
    raw.done("PutResourcePolicy", json!({"ResourceARN": channel, "Policy": policy}));
    let of = |resource: &str| {
        text(&raw.ok("GetResourcePolicy", json!({"ResourceARN": resource}))["Policy"])
    };
    assert_eq!((of(&channel).as_str(), of(&arn("s")).as_str()), (policy, "{}"));
    raw.done("DeleteResourcePolicy", json!({"ResourceARN": channel}));
    assert_eq!(of(&channel), "{}");
    raw.call("DeleteResourcePolicy", json!({"ResourceARN": channel}))
        .expect_error_kind("ResourceNotFoundException");
}
