//! Channels from CREATING to gone, with the SDK's own waiter and paginator.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::client::Waiters;
use aws_sdk_kinesis::config::StalledStreamProtectionConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::create_channel::{CreateChannelError, CreateChannelOutput};
use aws_sdk_kinesis::types::{
    ChannelDestinationType, ChannelStatus, ChannelStreamConfiguration, RecordConfiguration,
    RecordFormatType, S3CompressionType, S3DestinationConfiguration, S3DestinationUpdateInput,
    S3StorageConfiguration, StreamFilter, StreamMode, StreamModeDetails,
};
use kinesis_emulator::{Clock, Emulator};

use super::lifecycle::SleepMovesTheClock;
use crate::support::{Endpoint, START, impatient_client, stories};

stories! {
    a_channel_lives_as_the_clock_says,
    the_waiter_waits_for_a_channel_and_gives_up_on_one_that_goes,
    channels_are_listed_over_all_pages,
}

const DELAY: Duration = Duration::from_secs(30);

/// Makes a channel to a bucket.
pub(super) async fn create_channel(
    client: &Client,
    name: &str,
    stream_arn: &str,
) -> Result<CreateChannelOutput, SdkError<CreateChannelError>> {
    let records = RecordConfiguration::builder().record_format_type(RecordFormatType::Json);
    let stream = ChannelStreamConfiguration::builder().stream_arn(stream_arn);
    let stream = stream.record_configuration(records.build().unwrap()).build().unwrap();
    let storage = S3StorageConfiguration::builder().bucket_arn("arn:aws:s3:::archive");
    let storage = storage.expected_bucket_owner("000000000000");
    let storage = storage.compression_type(S3CompressionType::None).build().unwrap();
    let destination = S3DestinationConfiguration::builder().storage_configuration(storage).build();
    let create = client.create_channel().channel_name(name);
    let create = create.service_execution_role_arn("arn:aws:iam::000000000000:role/deliver");
    create.stream_configuration_list(stream).s3_destination_configuration(destination).send().await
}

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}")
}

/// Makes an on-demand stream that is ACTIVE when this returns.
async fn create_stream(emulator: &Emulator, client: &Client, name: &str) {
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name(name).stream_mode_details(mode).send().await.unwrap();
    emulator.clock().advance(DELAY);
}

async fn status(client: &Client, channel: &str) -> Option<ChannelStatus> {
    match client.describe_channel().channel_arn(channel).send().await {
        Ok(answer) => Some(answer.channel_description.expect("a description").channel_status),
        Err(error) => {
            let error = error.into_service_error();
            assert!(error.is_resource_not_found_exception(), "{error:?}");
            None
        }
    }
}

async fn a_channel_lives_as_the_clock_says(endpoint: Endpoint) {
    let builder = Emulator::builder().state_delay(DELAY).clock(Clock::manual(START));
    let emulator = endpoint.start_with(builder);
    let client = impatient_client(&emulator);
    create_stream(&emulator, &client, "s").await;
    let made = create_channel(&client, "archive", &arn("s")).await.unwrap();
    let channel = made.channel_description.unwrap().channel_arn;
    let almost = || emulator.clock().advance(DELAY - Duration::from_millis(1));
    let at_last = || emulator.clock().advance(Duration::from_millis(1));
    almost();
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Creating));
    at_last();
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Active));

    let update = || {
        let update = S3DestinationUpdateInput::builder().data_freshness_in_seconds(600);
        let call = client.update_channel().channel_arn(&channel);
        call.s3_destination_configuration(update.build().unwrap()).send()
    };
    update().await.unwrap();
    almost();
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Updating));
    let error = update().await.expect_err("one at a time").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    at_last();
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Active));

    let again = create_channel(&client, "archive", &arn("s")).await;
    let error = again.expect_err("the name is taken").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    let again = create_channel(&client, "second", &arn("s")).await;
    let error = again.expect_err("one of a type").into_service_error();
    assert!(error.is_limit_exceeded_exception(), "{error:?}");
    let delete = client.delete_stream().stream_name("s").send().await;
    let error = delete.expect_err("it has a channel").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");

    client.delete_channel().channel_arn(&channel).send().await.unwrap();
    almost();
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Deleting));
    at_last();
    assert_eq!(status(&client, &channel).await, None);
    client.delete_stream().stream_name("s").send().await.unwrap();
}

async fn the_waiter_waits_for_a_channel_and_gives_up_on_one_that_goes(endpoint: Endpoint) {
    let builder = Emulator::builder().state_delay(DELAY).clock(Clock::manual(START));
    let emulator = endpoint.start_with(builder);
    // No timeouts: they would sleep, too.
    let config = aws_sdk_kinesis::config::Builder::from(&emulator.sdk_config())
        .sleep_impl(SleepMovesTheClock(emulator.clock().clone()))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let client = Client::from_conf(config.build());
    create_stream(&emulator, &client, "s").await;
    let made = create_channel(&client, "archive", &arn("s")).await.unwrap();
    let channel = made.channel_description.unwrap().channel_arn;
    let active = || {
        let waiter = client.wait_until_channel_active().channel_arn(&channel);
        waiter.wait(Duration::from_secs(300))
    };
    active().await.expect("the channel becomes ACTIVE");
    assert_eq!(status(&client, &channel).await, Some(ChannelStatus::Active));
    client.delete_channel().channel_arn(&channel).send().await.unwrap();
    active().await.expect_err("it does not come back");
}

async fn channels_are_listed_over_all_pages(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    for number in 0..5 {
        let stream = format!("s{number}");
        create_stream(&emulator, &client, &stream).await;
        create_channel(&client, &format!("c{number}"), &arn(&stream)).await.unwrap();
    }
    let list = async |filters: Option<Vec<StreamFilter>>| {
        let list = client.list_channels().max_results(2).set_stream_filter(filters);
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            for channel in page.expect("a page").channel_summaries {
                assert_eq!(channel.channel_destination_type, ChannelDestinationType::S3);
                names.push(channel.channel_name);
            }
        }
        names
    };
    assert_eq!(list(None).await, ["c0", "c1", "c2", "c3", "c4"]);
    let filter = |stream: &str| StreamFilter::builder().stream_arn(arn(stream)).build().unwrap();
    let filters = ["s4", "s1", "s2"].map(filter).to_vec();
    assert_eq!(list(Some(filters)).await, ["c1", "c2", "c4"]);
}
