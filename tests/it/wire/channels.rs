//! Channels: making, describing, listing, changing and deleting them, and what
//! they keep their streams from.

use std::time::Duration;

use kinesis_emulator::Snapshot;
use serde_json::{Value, json};

use super::cbor::{self, Item};
use super::streams::arn;
use crate::support::raw::{Answer, Custom, Raw, START, each, list, members, text};

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
pub(super) fn to_bucket(name: &str, stream: &str) -> Value {
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
pub(super) fn to_table(name: &str, stream: &str) -> Value {
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
pub(super) fn created(raw: &Raw, input: Value) -> String {
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

// behaviours 160; model: CreateChannel
#[test]
fn channels_need_an_on_demand_stream_that_takes_records() {
    let raw = Raw::with(|builder| builder.state_delay(SECOND));
    create(&raw, to_bucket("c", "s")).expect_error(
        "ResourceNotFoundException",
        "Stream s under account 000000000000 not found.",
    );
    create_stream(&raw, "s");
    create(&raw, to_bucket("c", "s")).expect_error_kind("ResourceInUseException");
    raw.create_stream("p", 1);
    raw.advance(SECOND);
    create(&raw, to_bucket("c", "p")).expect_error(
        "ValidationException",
        "Channels are supported for streams with StreamMode ON_DEMAND only; stream p is \
         provisioned.",
    );
    raw.done("UpdateMaxRecordSize", json!({"StreamARN": arn("s"), "MaxRecordSizeInKiB": 2048}));
    created(&raw, to_bucket("c", "s"));
    raw.done("DeleteStream", json!({"StreamName": "p"}));
}

// behaviours 160: the second word of the life of a channel is ACTIVE
#[test]
fn a_channel_is_creating_first_updating_when_changed_and_deleting_at_last() {
    let raw = slow();
    let channel = created(&raw, to_bucket("c", "s"));
    assert_eq!(status(&raw, &channel), "CREATING");
    update(&raw, &channel, fresh(600)).expect_error(
        "ResourceInUseException",
        "Channel c under account 000000000000 not ACTIVE, instead in state CREATING",
    );
    raw.advance(SECOND);
    assert_eq!(status(&raw, &channel), "ACTIVE");
    let updating = update(&raw, &channel, fresh(600)).expect_ok();
    assert_eq!(members(&updating), ["ChannelDescription"]);
    assert_eq!(updating["ChannelDescription"]["ChannelStatus"], "UPDATING");
    assert_eq!(updating["ChannelDescription"], described(&raw, &channel));
    update(&raw, &channel, fresh(700)).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    assert_eq!(status(&raw, &channel), "ACTIVE");
    delete(&raw, &channel).expect_empty();
    assert_eq!(status(&raw, &channel), "DELETING");
    delete(&raw, &channel).expect_empty();
    update(&raw, &channel, fresh(700)).expect_error_kind("ResourceInUseException");
    raw.advance(SECOND);
    for answer in
        [describe(&raw, &channel), delete(&raw, &channel), update(&raw, &channel, fresh(700))]
    {
        answer.expect_error("ResourceNotFoundException", &not_found(&channel));
    }
}

// operations.md, section 6.5: any status is accepted
#[test]
fn a_channel_that_is_being_made_or_changed_can_be_deleted() {
    let raw = slow();
    let (one, other) = (created(&raw, to_bucket("c", "s")), created(&raw, to_table("d", "s")));
    delete(&raw, &one).expect_empty();
    raw.advance(SECOND / 2);
    assert_eq!(status(&raw, &one), "DELETING");
    raw.advance(SECOND / 2);
    describe(&raw, &one).expect_error_kind("ResourceNotFoundException");
    let logging = json!({"LoggingConfiguration": {"CloudWatchLogs": {"Enabled": true}}});
    update(&raw, &other, logging).expect_ok();
    raw.advance(SECOND / 2);
    delete(&raw, &other).expect_empty();
    raw.advance(SECOND / 2);
    assert_eq!(status(&raw, &other), "DELETING", "what was begun before does not bring it back");
    raw.advance(SECOND / 2);
    describe(&raw, &other).expect_error_kind("ResourceNotFoundException");
}

// behaviours 160
#[test]
fn an_update_changes_the_freshness_and_the_logging_and_nothing_else() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    let mut expected = described(&raw, &channel);
    update(&raw, &channel, fresh(900)).expect_ok();
    expected["S3DestinationConfiguration"]["DataFreshnessInSeconds"] = json!(900);
    assert_eq!(described(&raw, &channel), expected);

    let logs = |logs: Value| json!({"LoggingConfiguration": {"CloudWatchLogs": logs}});
    update(&raw, &channel, logs(json!({"Enabled": true, "LogGroupName": "g"}))).expect_ok();
    let shown = &mut expected["LoggingConfiguration"]["CloudWatchLogs"];
    shown["Enabled"] = json!(true);
    shown["LogGroupName"] = json!("g");
    assert_eq!(described(&raw, &channel), expected, "names that are left out stay");
    update(&raw, &channel, logs(json!({"Enabled": false, "LogStreamName": "t"}))).expect_ok();
    let shown = &mut expected["LoggingConfiguration"]["CloudWatchLogs"];
    shown["Enabled"] = json!(false);
    shown["LogStreamName"] = json!("t");
    assert_eq!(described(&raw, &channel), expected);
}

// operations.md, section 6.5
#[test]
fn an_update_fits_the_destination_and_changes_something() {
    let raw = with_stream();
    let bucket = created(&raw, to_bucket("c", "s"));
    let table = created(&raw, to_table("d", "s"));
    let before = [described(&raw, &bucket), described(&raw, &table)];
    let of_table = json!({"S3TablesDestinationConfiguration": {"DataFreshnessInSeconds": 600}});
    let mut of_both = of_table.clone();
    of_both["S3DestinationConfiguration"] = json!({"DataFreshnessInSeconds": 600});
    for (channel, input) in
        [(&bucket, &of_table), (&table, &fresh(600)), (&bucket, &of_both), (&table, &of_both)]
    {
        update(&raw, channel, input.clone()).expect_error_kind("InvalidArgumentException");
    }
    update(&raw, &bucket, json!({})).expect_error(
        "ValidationException",
        "At least one of S3DestinationConfiguration, S3TablesDestinationConfiguration and \
         LoggingConfiguration must be provided.",
    );
    for seconds in [299, 901] {
        update(&raw, &bucket, fresh(seconds)).expect_error_kind("ValidationException");
    }
    assert_eq!([described(&raw, &bucket), described(&raw, &table)], before);
    update(&raw, &table, of_table).expect_ok();
    let shown = &described(&raw, &table)["S3TablesDestinationConfiguration"];
    assert_eq!(shown["DataFreshnessInSeconds"], 600);
}

// operations.md, section 6.5; model: the name is unique per account and Region
#[test]
fn names_are_unique_in_the_account_and_types_in_the_stream() {
    let raw = slow();
    create_stream(&raw, "t");
    raw.advance(SECOND);
    let first = created(&raw, to_bucket("c", "s"));
    for input in [to_bucket("c", "s"), to_table("c", "s"), to_bucket("c", "t")] {
        create(&raw, input).expect_error(
            "ResourceInUseException",
            "Channel c under account 000000000000 already exists.",
        );
    }
    create(&raw, to_bucket("d", "s")).expect_error(
        "LimitExceededException",
        "Stream s under account 000000000000 already has a channel with a destination of type S3, \
         which is the limit.",
    );
    created(&raw, to_table("d", "s"));
    created(&raw, to_bucket("e", "t"));
    delete(&raw, &first).expect_empty();
    create(&raw, to_bucket("c", "s")).expect_error_kind("ResourceInUseException");
    create(&raw, to_bucket("f", "s")).expect_error_kind("LimitExceededException");
    raw.advance(SECOND);
    assert_ne!(created(&raw, to_bucket("c", "s")), first, "a namesake is another channel");
}

// behaviours 160
#[test]
fn a_stream_with_channels_is_neither_deleted_nor_provisioned() {
    let raw = slow();
    let channel = created(&raw, to_bucket("c", "s"));
    let refusal = "Stream s under account 000000000000 has channels. Delete them with \
                   DeleteChannel first.";
    let delete_stream = |force: Value| {
        raw.call("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": force}))
    };
    let provision = || {
        let mode = json!({"StreamMode": "PROVISIONED"});
        raw.call("UpdateStreamMode", json!({"StreamARN": arn("s"), "StreamModeDetails": mode}))
    };
    let refused = || {
        for answer in [delete_stream(json!(false)), delete_stream(json!(true)), provision()] {
            answer.expect_error("ResourceInUseException", refusal);
        }
        assert_eq!(raw.status("s"), "ACTIVE");
    };
    refused();
    raw.advance(SECOND);
    refused();
    delete(&raw, &channel).expect_empty();
    refused();
    raw.advance(SECOND);
    provision().expect_empty();
    raw.advance(SECOND);
    delete_stream(json!(false)).expect_empty();
}

// operations.md, section 8: both belong to on-demand streams
#[test]
fn a_channel_that_is_made_during_a_switch_keeps_its_stream_on_demand() {
    let raw = slow();
    let mode = json!({"StreamMode": "PROVISIONED"});
    raw.done("UpdateStreamMode", json!({"StreamARN": arn("s"), "StreamModeDetails": mode}));
    created(&raw, to_bucket("c", "s"));
    raw.advance(SECOND);
    let stream = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let stream = &stream["StreamDescriptionSummary"];
    assert_eq!(stream["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
    assert_eq!(stream["StreamStatus"], "ACTIVE");
}

// model: StreamDescriptionSummary, DescribeLimitsOutput
#[test]
fn channels_are_counted_for_the_stream_and_for_the_account() {
    let raw = with_stream();
    create_stream(&raw, "t");
    let counts = || {
        let of = |stream: &str| {
            let answer = raw.ok("DescribeStreamSummary", json!({"StreamName": stream}));
            answer["StreamDescriptionSummary"]["ChannelCount"].clone()
        };
        let limits = raw.ok("DescribeLimits", json!({}));
        assert_eq!(limits["ChannelCountLimit"], 100, "two for each of 50 streams");
        [of("s"), of("t"), limits["ChannelCount"].clone()]
    };
    assert_eq!(counts(), [0, 0, 0]);
    let channel = created(&raw, to_bucket("c", "s"));
    created(&raw, to_table("d", "s"));
    created(&raw, to_bucket("e", "t"));
    assert_eq!(counts(), [2, 1, 3]);
    delete(&raw, &channel).expect_empty();
    assert_eq!(counts(), [1, 1, 2]);
}

// behaviours 160
#[test]
fn channels_are_listed_by_name_in_pages_with_seven_members_each() {
    let raw = with_stream();
    assert_eq!(raw.ok("ListChannels", json!({})), json!({"ChannelSummaries": []}));
    create_stream(&raw, "t");
    create_stream(&raw, "u");
    created(&raw, to_bucket("b", "s"));
    let table = created(&raw, to_table("a", "s"));
    created(&raw, to_bucket("C", "t"));
    created(&raw, to_table("e", "t"));
    created(&raw, to_bucket("d", "u"));
    let whole = raw.ok("ListChannels", json!({}));
    assert_eq!(members(&whole), ["ChannelSummaries"], "a complete list has no token");
    assert_eq!(each(&whole["ChannelSummaries"], "ChannelName"), ["C", "a", "b", "d", "e"]);
    let described = described(&raw, &table);
    let mut expected = json!({
        "ChannelDestinationType": "S3_TABLES",
        "Streams": [{
            "StreamARN": arn("s"), "StreamCreationTimestamp": START.as_seconds() as f64,
        }],
    });
    for member in
        ["ChannelName", "ChannelARN", "ChannelId", "ChannelStatus", "ChannelCreationTimestamp"]
    {
        expected[member] = described[member].clone();
    }
    assert_eq!(list(&whole["ChannelSummaries"])[1], expected);
    assert_eq!(pages(&raw, json!({"MaxResults": 2})), ["C a", "b d", "e"]);
    assert_eq!(pages(&raw, json!({"MaxResults": 5})), ["C a b d e"]);
}

/// The names of each page, by tokens that are sent with the rest of the input.
#[track_caller]
fn pages(raw: &Raw, mut input: Value) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let page = raw.ok("ListChannels", input.clone());
        pages.push(each(&page["ChannelSummaries"], "ChannelName").join(" "));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return pages,
        }
    }
}

// model: MaxResults is 100 by default, and 100 at most
#[test]
fn a_page_has_at_most_100_channels() {
    let raw = Raw::new();
    for number in 0..51 {
        let stream = format!("s{number:02}");
        create_stream(&raw, &stream);
        created(&raw, to_bucket(&format!("b{number:02}"), &stream));
        created(&raw, to_table(&format!("t{number:02}"), &stream));
    }
    for input in [json!({}), json!({"MaxResults": 10_000})] {
        let sizes: Vec<_> = pages(&raw, input).iter().map(|page| page.split(' ').count()).collect();
        assert_eq!(sizes, [100, 2]);
    }
}

// behaviours 160; operations.md, section 6.5
#[test]
fn a_list_can_be_of_some_streams_only() {
    let raw = with_stream();
    create_stream(&raw, "t");
    created(&raw, to_bucket("a", "s"));
    created(&raw, to_table("b", "t"));
    created(&raw, to_table("c", "s"));
    let filter = |filters: Value| json!({"StreamFilter": filters});
    let of = |stream: &str| json!({"StreamARN": arn(stream)});
    assert_eq!(names(&raw, filter(json!([of("s")]))), "a c");
    assert_eq!(names(&raw, filter(json!([of("t"), of("s"), of("t")]))), "a b c");
    assert_eq!(names(&raw, filter(json!([of("nowhere")]))), "", "which is no error");
    let made_at = |seconds: Value| {
        filter(json!([{"StreamARN": arn("s"), "StreamCreationTimestamp": seconds}]))
    };
    let created = START.as_seconds();
    assert_eq!(names(&raw, made_at(json!(created))), "a c");
    assert_eq!(names(&raw, made_at(json!(created as f64 + 0.5))), "a c");
    assert_eq!(names(&raw, made_at(json!(created - 1))), "");
    assert_eq!(names(&raw, made_at(json!(-1))), "");
    let consumer = json!({"StreamARN": format!("{}/consumer/c:1", arn("s"))});
    raw.call("ListChannels", filter(json!([consumer])))
        .expect_error_kind("InvalidArgumentException");
}

// operations.md, section 2.7: a token stands for the whole query, and for 300 seconds
#[test]
fn a_page_token_keeps_to_its_streams_expires_and_cannot_be_forged() {
    let raw = with_stream();
    create_stream(&raw, "t");
    created(&raw, to_bucket("a", "s"));
    created(&raw, to_table("b", "t"));
    created(&raw, to_table("c", "s"));
    let input = json!({"StreamFilter": [{"StreamARN": arn("s")}], "MaxResults": 1});
    assert_eq!(pages(&raw, input.clone()), ["a", "c"]);
    let token = raw.ok("ListChannels", input)["NextToken"].clone();
    let next = |token: &Value| raw.call("ListChannels", json!({"NextToken": token}));
    next(&json!("nonsense")).expect_error_kind("InvalidArgumentException");
    raw.advance(Duration::from_secs(300));
    let page = next(&token).expect_ok();
    assert_eq!(each(&page["ChannelSummaries"], "ChannelName"), ["c"], "and not b");
    raw.advance(SECOND);
    next(&token).expect_error_kind("ExpiredNextTokenException");
}

#[test]
fn channels_of_others_are_neither_listed_nor_taken() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    let other = |operation: &str, input: &Value| {
        raw.send(Custom::json(operation, input).by("111122223333", "us-east-1"))
    };
    let listed = other("ListChannels", &json!({})).expect_ok();
    assert_eq!(listed, json!({"ChannelSummaries": []}));
    assert_eq!(other("DescribeLimits", &json!({})).expect_ok()["ChannelCount"], 0);
    let filter = json!({"StreamFilter": [{"StreamARN": arn("s")}]});
    assert_eq!(other("ListChannels", &filter).expect_ok(), listed);
    let elsewhere = channel.replace("us-east-1", "eu-west-1");
    describe(&raw, &elsewhere).expect_error("ResourceNotFoundException", &not_found(&elsewhere));
}

// operations.md, sections 2.8, 6.5
#[test]
fn an_arn_that_is_no_channels_names_none() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    for unknown in [
        format!("{channel}0"),
        channel
            .to_uppercase()
            .replace("ARN:AWS:KINESIS:US-EAST-1", "arn:aws:kinesis:us-east-1")
            .replace(":CHANNEL/", ":channel/X"),
    ] {
        describe(&raw, &unknown).expect_error("ResourceNotFoundException", &not_found(&unknown));
    }
    describe(&raw, &arn("s")).expect_error_kind("ValidationException");
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

// operations.md, section 6.5: five calls a second
#[test]
fn channel_calls_are_limited_to_five_a_second() {
    let raw = Raw::with(|builder| builder.limits(kinesis_emulator::Limits::aws()));
    create_stream(&raw, "s");
    for _ in 0..5 {
        raw.ok("ListChannels", json!({}));
    }
    raw.call("ListChannels", json!({}))
        .expect_error("LimitExceededException", "Rate exceeded for account 000000000000.");
    raw.advance(SECOND);
    raw.ok("ListChannels", json!({}));
    let channel = created(&raw, to_bucket("c", "s"));
    for _ in 0..5 {
        described(&raw, &channel);
    }
    // The ARN does not name the stream, and still the call is about it.
    describe(&raw, &channel).expect_error(
        "LimitExceededException",
        "Rate exceeded for stream s under account 000000000000.",
    );
}

#[test]
fn channels_and_their_changes_are_part_of_snapshots() {
    let raw = slow();
    let bucket = created(&raw, with(to_bucket("c", "s"), "/Tags", json!({"a": "1"})));
    let table = with(
        to_table("d", "s"),
        "/S3TablesDestinationConfiguration/S3TablesConfigurationList/0/PartitionSpec",
        json!({"PartitionFields": [{"Transform": "TIME_HOUR", "SourceName": "at"}]}),
    );
    let table = created(
        &raw,
        with(
            table,
            "/EncryptionConfiguration",
            json!({
                "EncryptionType": "KMS", "KeyId": KEY,
            }),
        ),
    );
    raw.advance(SECOND);
    delete(&raw, &table).expect_empty();
    update(&raw, &bucket, fresh(900)).expect_ok();
    raw.done("PutResourcePolicy", json!({"ResourceARN": bucket, "Policy": "{}"}));
    let snapshot = raw.emulator.snapshot();
    let file = std::env::temp_dir().join(format!("channels-{}.snapshot", std::process::id()));
    snapshot.write_to(&file).expect("there is room");
    let from_file = Snapshot::read_from(&file).expect("it is whole");
    std::fs::remove_file(&file).expect("it is there");
    for snapshot in [snapshot, from_file] {
        let clone = Raw::with(|builder| builder.state_delay(SECOND).snapshot(&snapshot));
        for channel in [&bucket, &table] {
            assert_eq!(described(&clone, channel), described(&raw, channel));
        }
        let tags = |raw: &Raw| raw.ok("ListTagsForResource", json!({"ResourceARN": bucket}));
        assert_eq!(tags(&clone), tags(&raw));
        clone.advance(SECOND);
        assert_eq!(status(&clone, &bucket), "ACTIVE");
        describe(&clone, &table).expect_error_kind("ResourceNotFoundException");
    }
}
