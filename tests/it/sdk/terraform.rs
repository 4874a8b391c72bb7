//! The calls that Terraform makes for `aws_kinesis_stream`, in its order, with
//! its waits: a delay of ten seconds, then a look every three.
//!
//! Source: the provider's `stream.go`, 6.x. No Terraform is needed to see that
//! it would converge, and that a second plan would find nothing to do.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{
    EncryptionType, MetricsName, ScalingType, StreamDescriptionSummary, StreamMode,
    StreamModeDetails, StreamStatus,
};
use kinesis_emulator::{Clock, Emulator};

use crate::support::{Endpoint, START, impatient_client, stories};

stories! {
    a_stream_is_applied_changed_and_destroyed,
    a_plan_without_changes_changes_nothing,
    a_stream_with_consumers_is_destroyed,
}

/// Longer than the provider's first look, so that every wait has to go on.
const STATE_DELAY: Duration = Duration::from_secs(12);
const FIRST_LOOK: Duration = Duration::from_secs(10);
const NEXT_LOOK: Duration = Duration::from_secs(3);

/// `resource "aws_kinesis_stream"`.
#[derive(Debug, Clone, PartialEq)]
struct Resource {
    mode: StreamMode,
    /// Of provisioned streams only.
    shard_count: Option<i32>,
    retention_hours: i32,
    metrics: Vec<MetricsName>,
    key: Option<String>,
    max_record_size_in_kib: i32,
    tags: HashMap<String, String>,
}

fn first_version() -> Resource {
    Resource {
        mode: StreamMode::Provisioned,
        shard_count: Some(2),
        retention_hours: 24,
        metrics: vec![MetricsName::IncomingBytes, MetricsName::IteratorAgeMilliseconds],
        key: Some("alias/aws/kinesis".to_owned()),
        max_record_size_in_kib: 2048,
        tags: HashMap::from([("team".to_owned(), "orders".to_owned())]),
    }
}

async fn a_stream_is_applied_changed_and_destroyed(endpoint: Endpoint) {
    let terraform = Terraform::new(endpoint);
    let mut state = first_version();
    terraform.create(&state).await;
    assert_eq!(terraform.read().await, Some(state.clone()));

    let larger = Resource {
        shard_count: Some(4),
        retention_hours: 72,
        metrics: vec![MetricsName::IncomingRecords, MetricsName::IteratorAgeMilliseconds],
        key: Some("alias/orders".to_owned()),
        max_record_size_in_kib: 10_240,
        ..state.clone()
    };
    let on_demand = Resource {
        mode: StreamMode::OnDemand,
        shard_count: None,
        retention_hours: 48,
        metrics: Vec::new(),
        key: None,
        max_record_size_in_kib: 1024,
        ..state.clone()
    };
    // Mode and shard count change together on the way back: the mode first.
    let provisioned_again =
        Resource { mode: StreamMode::Provisioned, shard_count: Some(3), ..on_demand.clone() };
    for wanted in [larger, on_demand, provisioned_again] {
        terraform.update(&state, &wanted).await;
        assert_eq!(terraform.read().await, Some(wanted.clone()));
        state = wanted;
    }
    terraform.delete().await;
    assert_eq!(terraform.read().await, None);
    // The name is free again.
    terraform.create(&first_version()).await;
    assert_eq!(terraform.read().await, Some(first_version()));
}

async fn a_plan_without_changes_changes_nothing(endpoint: Endpoint) {
    let terraform = Terraform::new(endpoint);
    let state = first_version();
    terraform.create(&state).await;
    let before = terraform.summary().await;
    terraform.update(&state, &state).await;
    // What a provider sends that does not compare is accepted, too.
    let client = &terraform.client;
    let same = client.update_shard_count().stream_name("s").target_shard_count(2);
    same.scaling_type(ScalingType::UniformScaling).send().await.expect("the present count");
    terraform.wait_until_updated(true).await;
    for _ in 0..2 {
        let same = client.increase_stream_retention_period().stream_name("s");
        same.retention_period_hours(24).send().await.expect("the present retention");
        let same = client.decrease_stream_retention_period().stream_name("s");
        same.retention_period_hours(24).send().await.expect("the present retention");
        terraform.wait_until_updated(false).await;
    }
    assert_eq!(terraform.summary().await, before);
    let shards = client.list_shards().stream_name("s").send().await.unwrap();
    assert_eq!(shards.shards().len(), 2, "nothing was resharded");
}

async fn a_stream_with_consumers_is_destroyed(endpoint: Endpoint) {
    let terraform = Terraform::new(endpoint);
    let client = &terraform.client;
    terraform.create(&first_version()).await;
    let arn = terraform.summary().await.unwrap().stream_arn;
    // `resource "aws_kinesis_stream_consumer"`.
    let register = client.register_stream_consumer().stream_arn(arn).consumer_name("c");
    let consumer = register.send().await.unwrap().consumer.unwrap().consumer_arn;
    let consumer = || client.describe_stream_consumer().consumer_arn(&consumer).send();
    let status = || async {
        consumer().await.unwrap().consumer_description.unwrap().consumer_status.to_string()
    };
    assert_eq!(status().await, "CREATING");
    terraform.clock.advance(STATE_DELAY);
    assert_eq!(status().await, "ACTIVE");
    terraform.delete().await;
    let error = consumer().await.expect_err("it went with its stream").into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

/// The provider: everything it does is a call or a wait.
struct Terraform {
    _emulator: Emulator,
    client: Client,
    clock: Clock,
}

impl Terraform {
    fn new(endpoint: Endpoint) -> Self {
        let builder = Emulator::builder().state_delay(STATE_DELAY).clock(Clock::manual(START));
        let emulator = endpoint.start_with(builder);
        let (client, clock) = (impatient_client(&emulator), emulator.clock().clone());
        Self { _emulator: emulator, client, clock }
    }

    async fn create(&self, wanted: &Resource) {
        let limits = self.client.describe_limits().send().await.expect("plans look at limits");
        let shards = wanted.shard_count.unwrap_or(0);
        assert!(limits.open_shard_count + shards <= limits.shard_limit);
        assert!(limits.on_demand_stream_count < limits.on_demand_stream_count_limit);

        let create =
            self.client.create_stream().stream_name("s").set_tags(Some(wanted.tags.clone()));
        let create = create.set_shard_count(wanted.shard_count);
        let create = create.stream_mode_details(mode(&wanted.mode));
        let create = create.max_record_size_in_kib(wanted.max_record_size_in_kib);
        create.send().await.expect("the name is free");
        self.wait(&[StreamStatus::Creating], true).await;

        // Always, even with the value that the stream has already.
        let retention = self.client.increase_stream_retention_period().stream_name("s");
        retention.retention_period_hours(wanted.retention_hours).send().await.unwrap();
        self.wait_until_updated(false).await;
        self.change_metrics(&[], &wanted.metrics).await;
        self.change_encryption(&None, &wanted.key).await;
    }

    /// Reads the stream as the provider does, into what it compares.
    async fn read(&self) -> Option<Resource> {
        let summary = self.summary().await?;
        assert_eq!(summary.stream_status, StreamStatus::Active);
        let tags = self.client.list_tags_for_stream().stream_name("s").send().await.unwrap();
        let tags = tags.tags.into_iter().map(|tag| (tag.key, tag.value.unwrap())).collect();
        let mode = summary.stream_mode_details.expect("a mode").stream_mode;
        let encrypted = summary.encryption_type == Some(EncryptionType::Kms);
        assert_eq!(encrypted, summary.key_id.is_some());
        let metrics = summary.enhanced_monitoring.into_iter();
        Some(Resource {
            shard_count: (mode == StreamMode::Provisioned).then_some(summary.open_shard_count),
            mode,
            retention_hours: summary.retention_period_hours,
            metrics: metrics.flat_map(|m| m.shard_level_metrics.unwrap_or_default()).collect(),
            key: summary.key_id,
            max_record_size_in_kib: summary.max_record_size_in_kib.expect("a size"),
            tags,
        })
    }

    async fn update(&self, current: &Resource, wanted: &Resource) {
        let arn = self.summary().await.expect("it exists").stream_arn;
        if wanted.mode != current.mode {
            let switch = self.client.update_stream_mode().stream_arn(&arn);
            switch.stream_mode_details(mode(&wanted.mode)).send().await.unwrap();
            self.wait_until_updated(true).await;
        }
        if let (Some(target), true) =
            (wanted.shard_count, wanted.shard_count != current.shard_count)
        {
            let rescale = self.client.update_shard_count().stream_name("s");
            let rescale = rescale.target_shard_count(target);
            rescale.scaling_type(ScalingType::UniformScaling).send().await.unwrap();
            self.wait_until_updated(true).await;
        }
        let hours = wanted.retention_hours;
        if hours > current.retention_hours {
            let increase = self.client.increase_stream_retention_period().stream_name("s");
            increase.retention_period_hours(hours).send().await.unwrap();
            self.wait_until_updated(false).await;
        } else if hours < current.retention_hours {
            let decrease = self.client.decrease_stream_retention_period().stream_name("s");
            decrease.retention_period_hours(hours).send().await.unwrap();
            self.wait_until_updated(false).await;
        }
        self.change_metrics(&current.metrics, &wanted.metrics).await;
        self.change_encryption(&current.key, &wanted.key).await;
        if wanted.max_record_size_in_kib != current.max_record_size_in_kib {
            let resize = self.client.update_max_record_size().stream_arn(&arn);
            let resize = resize.max_record_size_in_kib(wanted.max_record_size_in_kib);
            resize.send().await.unwrap();
            self.wait_until_updated(true).await;
        }
    }

    async fn change_metrics(&self, current: &[MetricsName], wanted: &[MetricsName]) {
        let beyond = |these: &[MetricsName], those: &[MetricsName]| -> Vec<MetricsName> {
            these.iter().filter(|metric| !those.contains(metric)).cloned().collect()
        };
        let (off, on) = (beyond(current, wanted), beyond(wanted, current));
        if !off.is_empty() {
            let disable = self.client.disable_enhanced_monitoring().stream_name("s");
            disable.set_shard_level_metrics(Some(off)).send().await.unwrap();
            self.wait_until_updated(false).await;
        }
        if !on.is_empty() {
            let enable = self.client.enable_enhanced_monitoring().stream_name("s");
            enable.set_shard_level_metrics(Some(on)).send().await.unwrap();
            self.wait_until_updated(false).await;
        }
    }

    async fn change_encryption(&self, current: &Option<String>, wanted: &Option<String>) {
        match (current, wanted) {
            (current, wanted) if current == wanted => return,
            (_, Some(key)) => {
                let start = self.client.start_stream_encryption().stream_name("s").key_id(key);
                start.encryption_type(EncryptionType::Kms).send().await.unwrap();
            }
            (Some(key), None) => {
                let stop = self.client.stop_stream_encryption().stream_name("s").key_id(key);
                stop.encryption_type(EncryptionType::Kms).send().await.unwrap();
            }
            (None, None) => unreachable!("they are equal"),
        }
        self.wait_until_updated(true).await;
    }

    async fn delete(&self) {
        let delete = self.client.delete_stream().stream_name("s").enforce_consumer_deletion(true);
        delete.send().await.expect("it exists");
        self.clock.advance(FIRST_LOOK);
        let mut looks = 1;
        while let Some(summary) = self.summary().await {
            assert_eq!(summary.stream_status, StreamStatus::Deleting);
            self.clock.advance(NEXT_LOOK);
            looks += 1;
        }
        assert_eq!(looks, 2, "DELETING lasts for the state delay");
    }

    /// `takes_time` tells changes that make the stream UPDATING from those that
    /// take effect at once.
    async fn wait_until_updated(&self, takes_time: bool) {
        self.wait(&[StreamStatus::Updating], takes_time).await;
    }

    /// Waits until the stream is ACTIVE, over the pending statuses alone: any
    /// other would have the provider give up.
    async fn wait(&self, pending: &[StreamStatus], takes_time: bool) {
        self.clock.advance(FIRST_LOOK);
        let mut looks = 1;
        loop {
            let status = self.summary().await.expect("it exists").stream_status;
            if status == StreamStatus::Active {
                break;
            }
            assert!(pending.contains(&status), "unexpected state {status:?}");
            self.clock.advance(NEXT_LOOK);
            looks += 1;
        }
        assert_eq!(looks, if takes_time { 2 } else { 1 });
    }

    /// DescribeStreamSummary; not found is an answer, anything else is not.
    async fn summary(&self) -> Option<StreamDescriptionSummary> {
        match self.client.describe_stream_summary().stream_name("s").send().await {
            Ok(answer) => Some(answer.stream_description_summary.expect("a summary")),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_resource_not_found_exception(), "{error:?}");
                None
            }
        }
    }
}

fn mode(mode: &StreamMode) -> StreamModeDetails {
    StreamModeDetails::builder().stream_mode(mode.clone()).build().expect("it is complete")
}
