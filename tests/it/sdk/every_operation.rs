//! One story that needs every operation, told in-process, over TCP and over
//! TLS. What went over the wire is counted, so that an operation that nobody
//! drives is a failure and not an oversight.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::BoxError;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{
    ChannelStatus, Consumer, ConsumerStatus, EncryptionType, MetricsName,
    MinimumThroughputBillingCommitmentInput, MinimumThroughputBillingCommitmentInputStatus,
    MinimumThroughputBillingCommitmentOutput, MinimumThroughputBillingCommitmentOutputStatus,
    PutRecordsRequestEntry, RecordDistributionStrategy, S3DestinationUpdateInput, ScalingType,
    ShardIteratorType, StartingPosition, StreamMode, StreamModeDetails, StreamStatus,
    SubscribeToShardEventStream, Tag,
};
use kinesis_emulator::{Clock, Emulator, declarations};

use super::channels::create_channel;
use super::tls::client_trusting;
use crate::support::{Endpoint, START, list_shards, read_shard, shard_id};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
const FREE_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/free";
const MIDDLE: u128 = 1 << 127;

#[tokio::test]
async fn in_process() {
    let emulator = Endpoint::InProcess.start_at_rest();
    drive_everything(&emulator, emulator.client()).await;
}

#[tokio::test]
async fn over_tcp() {
    let emulator = Endpoint::Tcp.start_at_rest();
    drive_everything(&emulator, emulator.client()).await;
}

#[tokio::test]
async fn over_tls() {
    let emulator = Endpoint::Tcp.start_at_rest();
    let client = client_trusting(&emulator, emulator.certificate_authority_pem().unwrap());
    drive_everything(&emulator, client).await;
}

/// Tells the whole story and compares the operations that it sent with those
/// that the emulator declares.
async fn drive_everything(emulator: &Emulator, client: Client) {
    let sent = Sent::default();
    let config = client.config().to_builder();
    // Whatever the emulator refuses is a failure here, not a reason to retry.
    let config = config.interceptor(sent.clone()).retry_config(RetryConfig::disabled());
    let client = Client::from_conf(config.build());

    create_and_describe(&client).await;
    settings(&client).await;
    tags(&client).await;
    policy(&client).await;
    write_and_read(&client).await;
    let consumer = consumers(&client, emulator.clock()).await;
    reshard(&client).await;
    on_demand(&client, emulator.clock()).await;
    channels(&client).await;
    delete(&client, consumer).await;

    // The SDK does not know queues.
    let known = |name: &&str| !name.contains("Queue");
    let declared: BTreeSet<_> =
        declarations::operations().iter().map(|operation| operation.name).filter(known).collect();
    let declared: BTreeSet<_> = declared.into_iter().map(str::to_owned).collect();
    let sent = sent.0.lock().unwrap().clone();
    let undriven: Vec<_> = declared.difference(&sent).collect();
    assert_eq!(sent, declared, "not driven: {undriven:?}");
    assert_eq!(sent.len(), 45, "the operations on streams and channels");
}

/// Notes the operation of every request that leaves the SDK.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<BTreeSet<String>>>);

impl Intercept for Sent {
    fn name(&self) -> &'static str {
        "sent"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").expect("it names one");
        let (_, operation) = target.split_once('.').expect("a version and an operation");
        self.0.lock().unwrap().insert(operation.to_owned());
        Ok(())
    }
}

/// CreateStream, DescribeStream, DescribeStreamSummary, ListStreams,
/// ListShards, DescribeLimits.
async fn create_and_describe(client: &Client) {
    let create = client.create_stream().stream_name("orders").shard_count(2);
    create.tags("from", "birth").max_record_size_in_kib(2048).send().await.unwrap();

    let described = client.describe_stream().stream_name("orders").send().await.unwrap();
    let stream = described.stream_description.unwrap();
    assert_eq!((stream.stream_name.as_str(), stream.stream_arn.as_str()), ("orders", ARN));
    assert_eq!(stream.stream_status, StreamStatus::Active);
    assert_eq!(stream.stream_creation_timestamp, now(START));
    assert_eq!((stream.retention_period_hours, stream.has_more_shards), (24, false));
    let ranges: Vec<_> = stream
        .shards
        .iter()
        .map(|shard| shard.hash_key_range().unwrap())
        .map(|range| (range.starting_hash_key(), range.ending_hash_key()))
        .collect();
    let (below, middle, last) =
        ((MIDDLE - 1).to_string(), MIDDLE.to_string(), u128::MAX.to_string());
    assert_eq!(ranges, [("0", below.as_str()), (middle.as_str(), last.as_str())]);
    let listed = client.list_shards().stream_name("orders").send().await.unwrap();
    assert_eq!(listed.shards(), stream.shards);

    let summary = summary(client, "orders").await;
    assert_eq!((summary.stream_name.as_str(), summary.stream_arn.as_str()), ("orders", ARN));
    assert_eq!(summary.stream_mode_details.unwrap().stream_mode, StreamMode::Provisioned);
    assert_eq!((summary.open_shard_count, summary.consumer_count), (2, Some(0)));
    assert_eq!(summary.max_record_size_in_kib, Some(2048));
    assert_eq!(summary.encryption_type, Some(EncryptionType::None));

    let streams = client.list_streams().send().await.unwrap();
    assert_eq!((streams.stream_names(), streams.has_more_streams), (&["orders".into()][..], false));
    let summaries = streams.stream_summaries();
    assert_eq!((summaries.len(), summaries[0].stream_arn()), (1, ARN));

    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!((limits.open_shard_count, limits.on_demand_stream_count), (2, 0));
    assert_eq!((limits.shard_limit, limits.on_demand_stream_count_limit), (20_000, 50));
}

/// Retention, monitoring, encryption, record size: up and down again.
async fn settings(client: &Client) {
    let increase = client.increase_stream_retention_period().stream_name("orders");
    increase.retention_period_hours(48).send().await.unwrap();
    assert_eq!(summary(client, "orders").await.retention_period_hours, 48);
    let decrease = client.decrease_stream_retention_period().stream_arn(ARN);
    decrease.retention_period_hours(36).send().await.unwrap();
    assert_eq!(summary(client, "orders").await.retention_period_hours, 36);

    let monitored = async || {
        let mut monitoring = summary(client, "orders").await.enhanced_monitoring;
        assert_eq!(monitoring.len(), 1, "the metrics come as one structure");
        monitoring.remove(0).shard_level_metrics.unwrap_or_default()
    };
    let both = [MetricsName::IncomingBytes, MetricsName::OutgoingBytes];
    let enable = client.enable_enhanced_monitoring().stream_name("orders");
    let enabled = enable.set_shard_level_metrics(Some(both.to_vec())).send().await.unwrap();
    assert_eq!((enabled.stream_name(), enabled.stream_arn()), (Some("orders"), Some(ARN)));
    assert_eq!(enabled.current_shard_level_metrics(), []);
    assert_eq!(enabled.desired_shard_level_metrics(), both);
    assert_eq!(monitored().await, both);
    let disable = client.disable_enhanced_monitoring().stream_name("orders");
    let disabled = disable.shard_level_metrics(MetricsName::IncomingBytes).send().await.unwrap();
    assert_eq!(disabled.current_shard_level_metrics(), both);
    assert_eq!(disabled.desired_shard_level_metrics(), [MetricsName::OutgoingBytes]);
    assert_eq!(monitored().await, [MetricsName::OutgoingBytes]);

    let start = client.start_stream_encryption().stream_name("orders").key_id("alias/orders");
    start.encryption_type(EncryptionType::Kms).send().await.unwrap();
    let encrypted = summary(client, "orders").await;
    assert_eq!(encrypted.encryption_type, Some(EncryptionType::Kms));
    assert_eq!(encrypted.key_id.as_deref(), Some("alias/orders"));
    let put = client.put_record().stream_name("orders").partition_key("k").data(Blob::new("x"));
    assert_eq!(put.send().await.unwrap().encryption_type, Some(EncryptionType::Kms));
    let stop = client.stop_stream_encryption().stream_name("orders").key_id("alias/orders");
    stop.encryption_type(EncryptionType::Kms).send().await.unwrap();
    let plain = summary(client, "orders").await;
    assert_eq!((plain.encryption_type, plain.key_id), (Some(EncryptionType::None), None));

    let resize = client.update_max_record_size().stream_arn(ARN).max_record_size_in_kib(1024);
    resize.send().await.unwrap();
    assert_eq!(summary(client, "orders").await.max_record_size_in_kib, Some(1024));
}

/// Both ways to tag see the same tags.
async fn tags(client: &Client) {
    let assert_tags = async |expected: &[(&str, &str)]| {
        let pairs = |tags: &[Tag]| -> Vec<(String, String)> {
            let value = |tag: &Tag| tag.value().expect("it has one").to_owned();
            tags.iter().map(|tag| (tag.key().to_owned(), value(tag))).collect()
        };
        let expected: Vec<_> =
            expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let of_stream = client.list_tags_for_stream().stream_name("orders").send().await.unwrap();
        assert_eq!((pairs(of_stream.tags()), of_stream.has_more_tags), (expected.clone(), false));
        let of_resource = client.list_tags_for_resource().resource_arn(ARN).send().await.unwrap();
        assert_eq!(pairs(of_resource.tags()), expected);
    };
    assert_tags(&[("from", "birth")]).await;
    let add = client.add_tags_to_stream().stream_name("orders").tags("team", "a").tags("x", "");
    add.send().await.unwrap();
    assert_tags(&[("from", "birth"), ("team", "a"), ("x", "")]).await;
    client.tag_resource().resource_arn(ARN).tags("team", "b").send().await.unwrap();
    assert_tags(&[("from", "birth"), ("team", "b"), ("x", "")]).await;
    let remove = client.remove_tags_from_stream().stream_name("orders").tag_keys("from");
    remove.tag_keys("unknown").send().await.unwrap();
    client.untag_resource().resource_arn(ARN).tag_keys("x").send().await.unwrap();
    assert_tags(&[("team", "b")]).await;
}

/// A policy is stored, shown as it is, and removed.
async fn policy(client: &Client) {
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    client.put_resource_policy().resource_arn(ARN).policy(policy).send().await.unwrap();
    let found = async || {
        let answer = client.get_resource_policy().resource_arn(ARN).send().await;
        answer.unwrap().policy
    };
    assert_eq!(found().await, policy);
    client.delete_resource_policy().resource_arn(ARN).send().await.unwrap();
    assert_eq!(found().await, "{}", "nothing is left of it");
}

/// PutRecord, PutRecords, GetShardIterator, GetRecords.
async fn write_and_read(client: &Client) {
    let put = client.put_record().stream_arn(ARN).partition_key("one").data(Blob::new("first"));
    let placed = put.explicit_hash_key("0").send().await.unwrap();
    assert_eq!(placed.shard_id, shard_id(0));
    assert_eq!(placed.encryption_type, None, "said only of encrypted records");
    let entry = |key: &str, hash: u128, data: &str| {
        let entry = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data));
        entry.explicit_hash_key(hash.to_string()).build().unwrap()
    };
    let put = client.put_records().stream_name("orders");
    let put = put.records(entry("two", 0, "second")).records(entry("three", MIDDLE, "third"));
    let answer = put.send().await.unwrap();
    assert_eq!(answer.failed_record_count, Some(0));
    let shards: Vec<_> = answer.records.iter().map(|entry| entry.shard_id().unwrap()).collect();
    assert_eq!(shards, [shard_id(0), shard_id(1)]);

    let iterator = client.get_shard_iterator().stream_name("orders").shard_id(shard_id(0));
    let iterator = iterator.shard_iterator_type(ShardIteratorType::AtSequenceNumber);
    let iterator = iterator.starting_sequence_number(&placed.sequence_number).send().await;
    let iterator = iterator.unwrap().shard_iterator.unwrap();
    let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
    let found: Vec<_> = read
        .records()
        .iter()
        .map(|record| (record.partition_key(), record.data().as_ref()))
        .collect();
    assert_eq!(found, [(Some("one"), &b"first"[..]), (Some("two"), b"second")]);
    assert_eq!(read.records()[0].sequence_number, placed.sequence_number);
    assert_eq!(read.records()[0].approximate_arrival_timestamp, Some(now(START)));
    assert_eq!(
        read.records()[1].sequence_number,
        answer.records[0].sequence_number.clone().unwrap()
    );
    assert_eq!(read.millis_behind_latest, Some(0));
    assert!(read.next_shard_iterator.is_some() && read.child_shards.is_none());
}

/// Registers, finds, lists and subscribes a consumer, and removes another.
async fn consumers(client: &Client, clock: &Clock) -> String {
    let register = async |name: &str| {
        let call = client.register_stream_consumer().stream_arn(ARN).consumer_name(name);
        call.tags("for", name).send().await.unwrap().consumer.unwrap()
    };
    let reader = register("reader").await;
    assert_eq!(reader.consumer_arn(), consumer_arn("reader"));
    assert_eq!(reader.consumer_status(), &ConsumerStatus::Creating);
    let other = register("other").await;
    let tags = client.list_tags_for_resource().resource_arn(other.consumer_arn()).send().await;
    assert_eq!(tags.unwrap().tags()[0].value(), Some("other"));

    let call = client.describe_stream_consumer().consumer_arn(reader.consumer_arn());
    let described = call.send().await.unwrap().consumer_description.unwrap();
    assert_eq!(described.consumer_name(), "reader");
    assert_eq!(described.consumer_status(), &ConsumerStatus::Active);
    assert_eq!(described.consumer_creation_timestamp(), &now(START));
    assert_eq!(described.stream_arn(), ARN);

    let listed = async || {
        let answer = client.list_stream_consumers().stream_arn(ARN).send().await.unwrap();
        assert_eq!(answer.next_token, None);
        answer.consumers.unwrap()
    };
    let names = |consumers: &[Consumer]| -> Vec<String> {
        consumers.iter().map(|consumer| consumer.consumer_name().to_owned()).collect()
    };
    assert_eq!(names(&listed().await), ["other", "reader"]);
    let deregister = client.deregister_stream_consumer().stream_arn(ARN).consumer_name("other");
    deregister.send().await.unwrap();
    assert_eq!(names(&listed().await), ["reader"]);
    assert_eq!(summary(client, "orders").await.consumer_count, Some(1));

    // The records of `write_and_read`, and one that arrives meanwhile.
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon);
    let subscribe = client.subscribe_to_shard().consumer_arn(reader.consumer_arn());
    let subscribe = subscribe.shard_id(shard_id(1)).starting_position(start.build().unwrap());
    let mut events = subscribe.send().await.unwrap().event_stream;
    let mut pushed = Vec::new();
    while !pushed.iter().any(|data| data == b"pushed") {
        let put = client.put_record().stream_name("orders").partition_key("k");
        let put = put.explicit_hash_key(u128::MAX.to_string()).data(Blob::new("pushed"));
        let (event, put) = tokio::join!(events.recv(), async {
            if pushed.is_empty() { Some(put.send().await) } else { None }
        });
        assert!(put.is_none_or(|put| put.is_ok()));
        let Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) = event.unwrap() else {
            panic!("the subscription is open and pushes events");
        };
        assert_eq!(event.millis_behind_latest(), 0);
        pushed.extend(event.records.into_iter().map(|record| record.data.into_inner()));
    }
    assert_eq!(pushed.last().unwrap(), b"pushed");
    assert!(pushed.contains(&b"third".to_vec()));
    assert_eq!(pushed.len(), read_shard(client, "orders", &shard_id(1)).await.records.len());
    clock.advance(Duration::from_secs(300));
    assert!(events.recv().await.unwrap().is_none(), "it ends after five minutes");
    reader.consumer_arn
}

/// SplitShard, MergeShards, UpdateShardCount.
async fn reshard(client: &Client) {
    let split = client.split_shard().stream_name("orders").shard_to_split(shard_id(0));
    split.new_starting_hash_key((MIDDLE / 2).to_string()).send().await.unwrap();
    let merge = client.merge_shards().stream_arn(ARN).shard_to_merge(shard_id(2));
    merge.adjacent_shard_to_merge(shard_id(3)).send().await.unwrap();
    let shards = list_shards(client, "orders").await;
    assert_eq!(shards.len(), 5);
    assert_eq!(shards[2].parent_shard_id(), Some(shard_id(0).as_str()));
    assert_eq!(shards[3].parent_shard_id(), Some(shard_id(0).as_str()));
    assert_eq!(shards[4].parent_shard_id(), Some(shard_id(2).as_str()));
    assert_eq!(shards[4].adjacent_parent_shard_id(), Some(shard_id(3).as_str()));
    assert_eq!(shards[4].hash_key_range(), shards[0].hash_key_range());
    let found = read_shard(client, "orders", &shard_id(0)).await;
    assert_eq!(found.children.unwrap(), [shard_id(2), shard_id(3)]);

    let rescale = client.update_shard_count().stream_name("orders").target_shard_count(4);
    let rescale = rescale.scaling_type(ScalingType::UniformScaling).send().await.unwrap();
    assert_eq!((rescale.current_shard_count, rescale.target_shard_count), (Some(2), Some(4)));
    assert_eq!((rescale.stream_name(), rescale.stream_arn()), (Some("orders"), Some(ARN)));
    assert_eq!(summary(client, "orders").await.open_shard_count, 4);
}

/// The mode, what only on-demand streams have, and the account's commitment.
async fn on_demand(client: &Client, clock: &Clock) {
    let mode = |mode| StreamModeDetails::builder().stream_mode(mode).build().unwrap();
    client.create_stream().stream_name("free").shard_count(1).send().await.unwrap();
    let switch = client.update_stream_mode().stream_arn(FREE_ARN);
    switch.stream_mode_details(mode(StreamMode::OnDemand)).send().await.unwrap();
    let free = summary(client, "free").await;
    assert_eq!(free.stream_mode_details, Some(mode(StreamMode::OnDemand)));
    assert_eq!(free.open_shard_count, 1, "the shards stay as they are");

    let distribute = client.update_stream_record_distribution_strategy().stream_arn(FREE_ARN);
    let distribute = distribute.record_distribution_strategy(RecordDistributionStrategy::Auto);
    distribute.send().await.unwrap();
    let free = summary(client, "free").await;
    assert_eq!(free.record_distribution_strategy, Some(RecordDistributionStrategy::Auto));

    let before = commitment(client).await;
    assert_eq!(before.status(), &MinimumThroughputBillingCommitmentOutputStatus::Disabled);
    let enabled = MinimumThroughputBillingCommitmentInputStatus::Enabled;
    let enabled = MinimumThroughputBillingCommitmentInput::builder().status(enabled).build();
    let update = client.update_account_settings();
    let update = update.minimum_throughput_billing_commitment(enabled.unwrap()).send().await;
    let answered = update.unwrap().minimum_throughput_billing_commitment.unwrap();
    let after = commitment(client).await;
    assert_eq!(answered, after);
    assert_eq!(after.status(), &MinimumThroughputBillingCommitmentOutputStatus::Enabled);
    assert_eq!(after.started_at(), Some(&now(clock.now())));

    let warm = client.update_stream_warm_throughput().stream_name("free");
    let warm = warm.warm_throughput_mibps(6).send().await.unwrap();
    assert_eq!((warm.stream_name(), warm.stream_arn()), (Some("free"), Some(FREE_ARN)));
    assert_eq!(warm.warm_throughput().unwrap().target_mibps(), Some(6));
    let free = summary(client, "free").await;
    assert_eq!(free.warm_throughput.unwrap().target_mibps(), Some(6));
    assert_eq!(free.open_shard_count, 6);
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!((limits.open_shard_count, limits.on_demand_stream_count), (10, 1));
}

/// CreateChannel, DescribeChannel, ListChannels, UpdateChannel, DeleteChannel.
async fn channels(client: &Client) {
    let made = create_channel(client, "archive", FREE_ARN).await.unwrap();
    let channel = made.channel_description.unwrap();
    assert_eq!(channel.channel_status, ChannelStatus::Creating);
    let arn = channel.channel_arn.as_str();
    let described = client.describe_channel().channel_arn(arn).send().await.unwrap();
    let channel = described.channel_description.unwrap();
    assert_eq!(channel.channel_status, ChannelStatus::Active);
    let destination = channel.s3_destination_configuration.unwrap();
    assert_eq!(destination.data_freshness_in_seconds, 300);
    let freshness = S3DestinationUpdateInput::builder().data_freshness_in_seconds(600);
    let update = client.update_channel().channel_arn(arn);
    let update = update.s3_destination_configuration(freshness.build().unwrap()).send().await;
    let channel = update.unwrap().channel_description.unwrap();
    assert_eq!(channel.s3_destination_configuration.unwrap().data_freshness_in_seconds, 600);
    let listed = client.list_channels().send().await.unwrap().channel_summaries;
    assert_eq!((listed.len(), listed[0].channel_arn.as_str()), (1, arn));
    assert_eq!(summary(client, "free").await.channel_count, Some(1));
    client.delete_channel().channel_arn(arn).send().await.unwrap();
    assert_eq!(client.list_channels().send().await.unwrap().channel_summaries(), []);
}

/// DeleteStream, which a consumer stands in the way of.
async fn delete(client: &Client, consumer: String) {
    let refused = client.delete_stream().stream_name("orders").send().await;
    let error = refused.expect_err("it has a consumer").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    let delete = client.delete_stream().stream_arn(ARN).enforce_consumer_deletion(true);
    delete.send().await.unwrap();
    client.delete_stream().stream_name("free").send().await.unwrap();
    assert_eq!(client.list_streams().send().await.unwrap().stream_names(), &[] as &[String]);
    let gone = client.describe_stream_consumer().consumer_arn(consumer).send().await;
    let error = gone.expect_err("it went with its stream").into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

async fn summary(
    client: &Client,
    stream: &str,
) -> aws_sdk_kinesis::types::StreamDescriptionSummary {
    let call = client.describe_stream_summary().stream_name(stream).send().await;
    call.expect("the stream exists").stream_description_summary.expect("a summary")
}

async fn commitment(client: &Client) -> MinimumThroughputBillingCommitmentOutput {
    let answer = client.describe_account_settings().send().await.unwrap();
    answer.minimum_throughput_billing_commitment.unwrap()
}

fn consumer_arn(name: &str) -> String {
    format!("{ARN}/consumer/{name}:{}", START.as_seconds())
}

fn now(time: kinesis_emulator::Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millis() as i64)
}
