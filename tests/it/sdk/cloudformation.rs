//! The calls that CloudFormation makes for `AWS::Kinesis::Stream`, which is what
//! the CDK's `Stream` comes to: create, read, update, delete and list, with a
//! look after each change until the stream is stable.
//!
//! The properties are those of the resource type's schema; the order of the calls
//! is inferred, as the handlers' sources are not to be had.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{
    EncryptionType, ScalingType, StreamDescriptionSummary, StreamMode, StreamModeDetails,
    StreamStatus,
};
use kinesis_emulator::{Clock, Emulator};

use crate::support::{Endpoint, START, impatient_client, stories};

stories! {
    a_stack_is_created_updated_and_deleted,
    an_update_that_is_refused_is_rolled_back,
    a_name_that_is_taken_and_a_stream_that_is_gone_are_told_apart,
}

const STATE_DELAY: Duration = Duration::from_secs(7);
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// The properties of the resource.
#[derive(Debug, Clone, PartialEq)]
struct Properties {
    mode: StreamMode,
    /// Of provisioned streams only.
    shard_count: Option<i32>,
    retention_hours: i32,
    key: Option<String>,
    tags: BTreeMap<String, String>,
}

impl Properties {
    /// `new Stream(this, "Orders", { streamMode: PROVISIONED })`: one shard, a
    /// day, the key that Kinesis owns. The stack's tags are on everything in it.
    fn of_the_cdk() -> Self {
        Self {
            mode: StreamMode::Provisioned,
            shard_count: Some(1),
            retention_hours: 24,
            key: Some("alias/aws/kinesis".to_owned()),
            tags: tags(["aws-cdk:id", "team"]),
        }
    }
}

async fn a_stack_is_created_updated_and_deleted(endpoint: Endpoint) {
    let handler = Handler::new(endpoint);
    let mut state = Properties::of_the_cdk();
    handler.create(&state).await.expect("the name is free");
    assert_eq!(handler.read().await, Some(state.clone()));

    let more = Properties { shard_count: Some(2), retention_hours: 168, ..state.clone() };
    let many_tags = (0..50).map(|n| format!("tag-{n:02}"));
    let tagged = Properties { tags: tags(many_tags), key: None, ..more.clone() };
    let on_demand = Properties { mode: StreamMode::OnDemand, shard_count: None, ..tagged.clone() };
    let first_again = Properties::of_the_cdk();
    for wanted in [more, tagged, on_demand, first_again] {
        handler.update(&state, &wanted).await.expect("it is allowed");
        assert_eq!(handler.read().await, Some(wanted.clone()));
        state = wanted;
    }

    // The same once more: nothing changes, and nothing is refused.
    let before = handler.summary().await;
    handler.update(&state, &state).await.expect("nothing is asked for");
    assert_eq!(handler.summary().await, before);
    assert_eq!(handler.list().await, ["orders"]);
    handler.delete().await.expect("it is there");
    assert_eq!(handler.read().await, None);
    assert_eq!(handler.list().await, [""; 0]);
}

async fn an_update_that_is_refused_is_rolled_back(endpoint: Endpoint) {
    let handler = Handler::new(endpoint);
    let state = Properties::of_the_cdk();
    handler.create(&state).await.expect("the name is free");
    let tenfold = Properties { shard_count: Some(10), retention_hours: 48, ..state.clone() };
    // Retention comes before it and stays, until the stack goes back.
    let refused = handler.update(&state, &tenfold).await.expect_err("more than twice as many");
    assert_eq!(refused, "InvalidArgumentException");
    let half_way = Properties { retention_hours: 48, ..state.clone() };
    assert_eq!(handler.read().await, Some(half_way.clone()));
    handler.update(&half_way, &state).await.expect("it was so before");
    assert_eq!(handler.read().await, Some(state));
}

async fn a_name_that_is_taken_and_a_stream_that_is_gone_are_told_apart(endpoint: Endpoint) {
    let handler = Handler::new(endpoint);
    assert_eq!(handler.delete().await, Err("ResourceNotFoundException".to_owned()));
    handler.create(&Properties::of_the_cdk()).await.expect("the name is free");
    let taken = handler.create(&Properties::of_the_cdk()).await;
    assert_eq!(taken, Err("ResourceInUseException".to_owned()), "it says AlreadyExists then");
    // Consumers are no part of the stack, and go with the stream.
    let arn = handler.summary().await.expect("it is there").stream_arn;
    let register = handler.client.register_stream_consumer().stream_arn(arn).consumer_name("c");
    register.send().await.expect("the name is free");
    handler.delete().await.expect("it is there");
}

/// The resource's handlers. Errors are told by their codes.
struct Handler {
    _emulator: Emulator,
    client: Client,
    clock: Clock,
}

/// A call's answer, or the code of its error.
macro_rules! called {
    ($call:expr) => {
        $call.send().await.map_err(|error| {
            error.into_service_error().meta().code().expect("errors have codes").to_owned()
        })
    };
}

impl Handler {
    fn new(endpoint: Endpoint) -> Self {
        let builder = Emulator::builder().state_delay(STATE_DELAY).clock(Clock::manual(START));
        let emulator = endpoint.start_with(builder);
        let (client, clock) = (impatient_client(&emulator), emulator.clock().clone());
        Self { _emulator: emulator, client, clock }
    }

    async fn create(&self, wanted: &Properties) -> Result<(), String> {
        let create = self.client.create_stream().stream_name("orders");
        let create = create.stream_mode_details(mode(&wanted.mode));
        called!(create.set_shard_count(wanted.shard_count))?;
        self.stabilize(&[StreamStatus::Creating]).await;
        let increase = self.client.increase_stream_retention_period().stream_name("orders");
        called!(increase.retention_period_hours(wanted.retention_hours))?;
        self.stabilize(&[StreamStatus::Updating]).await;
        self.change_encryption(&None, &wanted.key).await?;
        self.change_tags(&BTreeMap::new(), &wanted.tags).await
    }

    async fn read(&self) -> Option<Properties> {
        let summary = self.summary().await?;
        let mut tags = BTreeMap::new();
        loop {
            let list = self.client.list_tags_for_stream().stream_name("orders").limit(10);
            let last = tags.last_key_value().map(|(key, _): (&String, _)| key.clone());
            let list = list.set_exclusive_start_tag_key(last);
            let page = called!(list).expect("it is there");
            tags.extend(page.tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())));
            if !page.has_more_tags {
                break;
            }
        }
        let mode = summary.stream_mode_details.expect("a mode").stream_mode;
        Some(Properties {
            shard_count: (mode == StreamMode::Provisioned).then_some(summary.open_shard_count),
            mode,
            retention_hours: summary.retention_period_hours,
            key: summary.key_id,
            tags,
        })
    }

    async fn update(&self, current: &Properties, wanted: &Properties) -> Result<(), String> {
        if wanted.mode != current.mode {
            let arn = self.summary().await.expect("it is there").stream_arn;
            let switch = self.client.update_stream_mode().stream_arn(arn);
            called!(switch.stream_mode_details(mode(&wanted.mode)))?;
            self.stabilize(&[StreamStatus::Updating]).await;
        }
        let hours = wanted.retention_hours;
        if hours > current.retention_hours {
            let increase = self.client.increase_stream_retention_period().stream_name("orders");
            called!(increase.retention_period_hours(hours))?;
        } else if hours < current.retention_hours {
            let decrease = self.client.decrease_stream_retention_period().stream_name("orders");
            called!(decrease.retention_period_hours(hours))?;
        }
        self.stabilize(&[StreamStatus::Updating]).await;
        if let Some(target) = wanted.shard_count {
            // An on-demand stream that becomes provisioned keeps its shards: halve them.
            let mut open = self.summary().await.expect("it is there").open_shard_count;
            while open != target {
                let is_fall = current.shard_count.is_none() && open > target;
                let next = if is_fall { target.max((open + 1) / 2) } else { target };
                let rescale = self.client.update_shard_count().stream_name("orders");
                let rescale = rescale.scaling_type(ScalingType::UniformScaling);
                called!(rescale.target_shard_count(next))?;
                self.stabilize(&[StreamStatus::Updating]).await;
                open = next;
            }
        }
        self.change_encryption(&current.key, &wanted.key).await?;
        self.change_tags(&current.tags, &wanted.tags).await
    }

    async fn change_encryption(
        &self,
        current: &Option<String>,
        wanted: &Option<String>,
    ) -> Result<(), String> {
        match (current, wanted) {
            (current, wanted) if current == wanted => return Ok(()),
            (_, Some(key)) => {
                let start = self.client.start_stream_encryption().stream_name("orders");
                called!(start.encryption_type(EncryptionType::Kms).key_id(key))?;
            }
            (Some(key), None) => {
                let stop = self.client.stop_stream_encryption().stream_name("orders");
                called!(stop.encryption_type(EncryptionType::Kms).key_id(key))?;
            }
            (None, None) => unreachable!("they are equal"),
        }
        self.stabilize(&[StreamStatus::Updating]).await;
        Ok(())
    }

    /// What is gone first: a stream has room for fifty. Ten keys a call.
    async fn change_tags(
        &self,
        current: &BTreeMap<String, String>,
        wanted: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let gone: Vec<_> = current.keys().filter(|key| !wanted.contains_key(*key)).collect();
        for gone in gone.chunks(10) {
            let keys = gone.iter().map(|key| (*key).clone()).collect();
            let remove = self.client.remove_tags_from_stream().stream_name("orders");
            called!(remove.set_tag_keys(Some(keys)))?;
        }
        let new: Vec<_> = wanted.iter().filter(|(key, _)| !current.contains_key(*key)).collect();
        for new in new.chunks(10) {
            let tags = new.iter().map(|(key, value)| ((*key).clone(), (*value).clone())).collect();
            let add = self.client.add_tags_to_stream().stream_name("orders");
            called!(add.set_tags(Some(tags)))?;
        }
        Ok(())
    }

    async fn delete(&self) -> Result<(), String> {
        let delete = self.client.delete_stream().stream_name("orders");
        called!(delete.enforce_consumer_deletion(true))?;
        while let Some(summary) = self.summary().await {
            assert_eq!(summary.stream_status, StreamStatus::Deleting);
            self.clock.advance(BETWEEN_LOOKS);
        }
        Ok(())
    }

    async fn list(&self) -> Vec<String> {
        called!(self.client.list_streams()).expect("always").stream_names
    }

    /// Looks until the stream is ACTIVE, over the pending statuses alone.
    async fn stabilize(&self, pending: &[StreamStatus]) {
        loop {
            let status = self.summary().await.expect("it is there").stream_status;
            if status == StreamStatus::Active {
                return;
            }
            assert!(pending.contains(&status), "unexpected state {status:?}");
            self.clock.advance(BETWEEN_LOOKS);
        }
    }

    async fn summary(&self) -> Option<StreamDescriptionSummary> {
        match called!(self.client.describe_stream_summary().stream_name("orders")) {
            Ok(answer) => answer.stream_description_summary,
            Err(code) => {
                assert_eq!(code, "ResourceNotFoundException");
                None
            }
        }
    }
}

fn mode(mode: &StreamMode) -> StreamModeDetails {
    StreamModeDetails::builder().stream_mode(mode.clone()).build().expect("it is complete")
}

fn tags(keys: impl IntoIterator<Item = impl Into<String>>) -> BTreeMap<String, String> {
    keys.into_iter().map(|key| (key.into(), "x".to_owned())).collect()
}
