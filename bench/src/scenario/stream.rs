//! The life of the stream a run uses: create, wait, look, delete.
//!
//! Law: only a stream that this run created is ever deleted.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Shard, StreamStatus};

use crate::failure::Failure;
use crate::load::shard_map::{ShardMap, ShardRange};
use crate::measure::clock::{Stopwatch, pause};

/// A stream that this run created.
#[derive(Debug)]
pub struct OwnStream {
    client: Client,
    name: String,
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
            Ok(_) => Ok(Self { client: client.clone(), name: name.to_owned() }),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_resource_in_use_exception() => {
                    Err(Failure::StreamExists { name: name.to_owned() })
                }
                _ => Err(Failure::call("CreateStream", &error)),
            },
        }
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
        let deleted = match self.client.delete_stream().stream_name(&self.name).send().await {
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
