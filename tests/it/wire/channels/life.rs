//! Channels are made, changed and deleted; what they count for and block.

use kinesis_emulator::Snapshot;
use serde_json::{Value, json};

use super::super::streams::arn;
use super::{
    KEY, SECOND, create, create_stream, created, delete, describe, described, fresh, not_found,
    slow, status, to_bucket, to_table, update, with, with_stream,
};
use crate::support::raw::{Raw, members};

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
