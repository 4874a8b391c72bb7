//! The life of the stream a run uses: create, wait, look, delete.
//!
//! Law: only a stream that this run created is ever deleted.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{ConsumerStatus, ScalingType, Shard, StreamStatus};

use crate::failure::Failure;
use crate::load::shard_map::{ShardMap, ShardRange};
use crate::measure::clock::{Stopwatch, pause};

/// A stream that this run created.
#[derive(Debug)]
pub struct OwnStream {
    client: Client,
    name: String,
    is_adopted: bool,
}

impl OwnStream {
    /// Creates a stream.
    ///
    /// # Errors
    /// When a stream of that name exists, or the target refuses.
    pub async fn create(client: &Client, name: &str, shards: usize) -> Result<Self, Failure> {
        let count = i32::try_from(shards).expect("the command line allows far fewer shards");
        let created = client.create_stream().stream_name(name).shard_count(count).send().await;
        match created {
            Ok(_) => Ok(Self { client: client.clone(), name: name.to_owned(), is_adopted: false }),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_resource_in_use_exception() => {
                    Err(Failure::StreamExists { name: name.to_owned() })
                }
                _ => Err(Failure::call("CreateStream", &error)),
            },
        }
    }

    /// Uses a stream that is there and will stay.
    ///
    /// # Errors
    /// When there is none.
    pub async fn adopt(client: &Client, name: &str) -> Result<Self, Failure> {
        let stream = Self { client: client.clone(), name: name.to_owned(), is_adopted: true };
        match stream.status().await? {
            Some(_) => Ok(stream),
            None => Err(Failure::Answer(format!(
                "there is no stream {name} in that account and region: check AWS_REGION, create \
                 it, or leave out --existing to have one made and deleted"
            ))),
        }
    }

    /// Lets the stream take records up to a size.
    ///
    /// # Errors
    /// When the target refuses.
    pub async fn allow_records_of(&self, kib: i32) -> Result<(), Failure> {
        let summary = self.client.describe_stream_summary().stream_name(&self.name).send().await;
        let summary = summary.map_err(|error| Failure::call("DescribeStreamSummary", &error))?;
        let arn = summary.stream_description_summary().map(|summary| summary.stream_arn());
        self.client
            .update_max_record_size()
            .set_stream_arn(arn.map(str::to_owned))
            .max_record_size_in_kib(kib)
            .send()
            .await
            .map_err(|error| Failure::call("UpdateMaxRecordSize", &error))?;
        self.wait_until_active().await
    }

    /// Doubles the shards and waits until that is done.
    ///
    /// # Errors
    /// When the target refuses.
    pub async fn double(&self, shards: usize) -> Result<(), Failure> {
        let target = i32::try_from(shards * 2).unwrap_or(i32::MAX);
        self.client
            .update_shard_count()
            .stream_name(&self.name)
            .target_shard_count(target)
            .scaling_type(ScalingType::UniformScaling)
            .send()
            .await
            .map_err(|error| Failure::call("UpdateShardCount", &error))?;
        self.wait_until_active().await
    }

    /// Registers a consumer and waits until it can subscribe; its ARN.
    ///
    /// # Errors
    /// When the target refuses.
    pub async fn register_consumer(&self, consumer: &str) -> Result<String, Failure> {
        let summary = self.client.describe_stream_summary().stream_name(&self.name).send().await;
        let summary = summary.map_err(|error| Failure::call("DescribeStreamSummary", &error))?;
        let arn = summary.stream_description_summary().map(|summary| summary.stream_arn());
        let registered = self
            .client
            .register_stream_consumer()
            .set_stream_arn(arn.map(str::to_owned))
            .consumer_name(consumer)
            .send()
            .await
            .map_err(|error| Failure::call("RegisterStreamConsumer", &error))?;
        let arn = registered.consumer().map(|consumer| consumer.consumer_arn().to_owned());
        let arn = arn.ok_or_else(|| {
            Failure::Answer("RegisterStreamConsumer names no consumer".to_owned())
        })?;
        let stopwatch = Stopwatch::start();
        while stopwatch.elapsed() < CHANGE_WITHIN {
            let described = self.client.describe_stream_consumer().consumer_arn(&arn).send().await;
            let described =
                described.map_err(|error| Failure::call("DescribeStreamConsumer", &error))?;
            let status =
                described.consumer_description().map(|consumer| consumer.consumer_status());
            if status == Some(&ConsumerStatus::Active) {
                return Ok(arn);
            }
            pause(STATUS_POLL).await;
        }
        Err(Failure::Answer(format!("the consumer is not ACTIVE after {CHANGE_WITHIN:?}")))
    }

    /// Deregisters a consumer.
    ///
    /// # Errors
    /// When the target refuses; the sentence says what is left behind.
    pub async fn deregister_consumer(&self, arn: &str) -> Result<(), Failure> {
        let gone = self.client.deregister_stream_consumer().consumer_arn(arn).send().await;
        gone.map(drop).map_err(|error| {
            let failure = Failure::call("DeregisterStreamConsumer", &error);
            Failure::Answer(format!("{failure}; the consumer {arn} is left behind"))
        })
    }

    /// Waits until the stream is ACTIVE.
    ///
    /// # Errors
    /// When it is not after a minute, or cannot be described.
    pub async fn wait_until_active(&self) -> Result<(), Failure> {
        self.wait_until("ACTIVE", |status| *status == Some(StreamStatus::Active)).await
    }

    /// Which shard owns which hash keys.
    ///
    /// # Errors
    /// When the target reports anything but the shards that were asked for.
    pub async fn shard_map(&self, shards: usize) -> Result<ShardMap, Failure> {
        let mut ranges = Vec::with_capacity(shards);
        let mut page = self.client.list_shards().stream_name(&self.name);
        loop {
            let answer = page.send().await.map_err(|error| Failure::call("ListShards", &error))?;
            for shard in answer.shards() {
                ranges.push(range(shard)?);
            }
            // More shards than were asked for end the loop, so a token that never ends does too.
            match answer.next_token() {
                Some(token) if ranges.len() <= shards && !answer.shards().is_empty() => {
                    page = self.client.list_shards().next_token(token);
                }
                _ => break,
            }
        }
        if ranges.len() != shards {
            return Err(Failure::Answer(format!(
                "ListShards reports {} shards of a stream created with {shards}",
                ranges.len()
            )));
        }
        ShardMap::new(ranges)
    }

    /// Deletes the stream and waits until it is gone, so that the next run finds its name free.
    ///
    /// # Errors
    /// When the target refuses; the sentence says what is left behind.
    pub async fn delete(self) -> Result<(), Failure> {
        if self.is_adopted {
            return Ok(());
        }
        // A consumer that is on its way out must not keep the stream.
        let delete = self.client.delete_stream().stream_name(&self.name);
        let deleted = match delete.enforce_consumer_deletion(true).send().await {
            Ok(_) => self.wait_until("gone", Option::is_none).await,
            Err(error) => Err(Failure::call("DeleteStream", &error)),
        };
        deleted.map_err(|failure| {
            Failure::Answer(format!("{failure}; the stream {} is left behind", self.name))
        })
    }

    async fn wait_until(
        &self,
        awaited: &str,
        is_reached: fn(&Option<StreamStatus>) -> bool,
    ) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        while !is_reached(&self.status().await?) {
            if stopwatch.elapsed() > CHANGE_WITHIN {
                return Err(Failure::Answer(format!(
                    "{} is not {awaited} after {CHANGE_WITHIN:?}",
                    self.name
                )));
            }
            pause(STATUS_POLL).await;
        }
        Ok(())
    }

    /// The status by `DescribeStreamSummary`, or by `DescribeStream` where that is
    /// unknown; nothing if there is no such stream.
    async fn status(&self) -> Result<Option<StreamStatus>, Failure> {
        match self.client.describe_stream_summary().stream_name(&self.name).send().await {
            Ok(answer) => {
                let summary = answer.stream_description_summary();
                Ok(summary.map(|summary| summary.stream_status().clone()))
            }
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_resource_not_found_exception() => Ok(None),
                Some(_) => self.status_in_full().await,
                None => Err(Failure::call("DescribeStreamSummary", &error)),
            },
        }
    }

    async fn status_in_full(&self) -> Result<Option<StreamStatus>, Failure> {
        match self.client.describe_stream().stream_name(&self.name).send().await {
            Ok(answer) => {
                let description = answer.stream_description();
                Ok(description.map(|description| description.stream_status().clone()))
            }
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_resource_not_found_exception() => Ok(None),
                _ => Err(Failure::call("DescribeStream", &error)),
            },
        }
    }
}

/// Streams are made and deleted within seconds, on AWS too.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
const STATUS_POLL: Duration = Duration::from_millis(50);

fn range(shard: &Shard) -> Result<ShardRange, Failure> {
    let parsed = shard.hash_key_range().and_then(|range| {
        Some(ShardRange {
            shard_id: shard.shard_id().to_owned(),
            first: range.starting_hash_key().parse().ok()?,
            last: range.ending_hash_key().parse().ok()?,
        })
    });
    parsed.ok_or_else(|| {
        let shard = shard.shard_id();
        Failure::Answer(format!("ListShards reports no usable hash key range for {shard}"))
    })
}
