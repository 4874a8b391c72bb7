//! CloudWatch's metrics as tests see them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::shard_id::ShardIndex;
use crate::service::Service;
use crate::service::recorder::metrics::{MeterSet, StreamMeters};

use super::{ShardMetric, Statistics, StreamMetric, address, require_recording};

/// What CloudWatch would have in the namespace `AWS/Kinesis`; see
/// [`Emulator::metrics`](crate::Emulator::metrics).
///
/// Streams go by name, or by ARN outside the default account and Region. As in
/// CloudWatch, a stream that is deleted and made again goes on counting.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use aws_sdk_kinesis::primitives::Blob;
/// # use kinesis_emulator::Emulator;
/// use kinesis_emulator::inspect::{ShardMetric, StreamMetric};
/// let kinesis = Emulator::builder().journal().in_process();
/// # let client = kinesis.client();
/// # client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// client.put_record().stream_name("orders").partition_key("k").data(Blob::new("first"))
///     .send().await.unwrap();
/// let orders = kinesis.metrics().stream("orders");
/// assert_eq!(orders.sum(StreamMetric::IncomingBytes), 6);
/// assert_eq!(orders.shard("shardId-000000000000").sum(ShardMetric::IncomingRecords), 1);
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Service>);

impl Metrics {
    #[track_caller]
    pub(crate) fn new(service: Arc<Service>) -> Self {
        require_recording(&service);
        Self(service)
    }

    /// The metrics of a stream as they are now.
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn stream(&self, stream: &str) -> StreamMetrics {
        let address = address(&self.0, stream);
        let recording = self.0.recorder().recording();
        let meters = address.and_then(|address| recording.meters.of(&address).cloned());
        StreamMetrics(meters.unwrap_or_default())
    }

    /// The ARNs of the streams that have metrics.
    pub fn streams(&self) -> Vec<String> {
        let recording = self.0.recorder().recording();
        let mut arns: Vec<_> = recording.meters.streams().map(ToString::to_string).collect();
        arns.sort_unstable();
        arns
    }

    /// Begins to count anew.
    pub fn reset(&self) {
        self.0.recorder().recording().meters.clear();
    }

    /// All metrics as JSON, by the stream's ARN.
    pub fn to_json(&self) -> Value {
        let streams = self.streams().into_iter();
        streams.map(|arn| (arn.clone(), self.stream(&arn).to_json())).collect::<Map<_, _>>().into()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("streams", &self.streams()).finish_non_exhaustive()
    }
}

/// The metrics of a stream at a time, and of its shards and consumers.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// # use kinesis_emulator::inspect::StreamMetric;
/// let kinesis = Emulator::builder().journal().in_process();
/// let orders = kinesis.metrics().stream("orders");
/// assert_eq!(orders.statistics(StreamMetric::GetRecordsSuccess).average(), None);
/// assert_eq!(orders.iter().count(), 0, "nothing has been counted");
/// ```
#[derive(Debug, Clone)]
pub struct StreamMetrics(StreamMeters);

impl StreamMetrics {
    /// The samples' sum.
    pub fn sum(&self, metric: StreamMetric) -> u64 {
        self.statistics(metric).sum
    }

    /// All statistics of a metric.
    pub fn statistics(&self, metric: StreamMetric) -> Statistics {
        self.0.stream.0[metric as usize]
    }

    /// The metrics that have samples.
    pub fn iter(&self) -> impl Iterator<Item = (StreamMetric, Statistics)> {
        counted(&self.0.stream)
    }

    /// The ids of the shards that have metrics.
    pub fn shards(&self) -> Vec<String> {
        self.0.shards.keys().map(ToString::to_string).collect()
    }

    /// The metrics of a shard.
    pub fn shard(&self, shard_id: &str) -> ShardMetrics {
        let known = self.0.shards.iter().find(|(index, _)| index.to_string() == shard_id);
        ShardMetrics(known.map_or_else(Default::default, |(_, statistics)| *statistics))
    }

    /// The names of the consumers that have metrics.
    pub fn consumers(&self) -> Vec<String> {
        self.0.consumers.keys().map(ToString::to_string).collect()
    }

    /// The metrics of a registered consumer: those of `SubscribeToShard`.
    pub fn consumer(&self, name: &str) -> ConsumerMetrics {
        let known = self.0.consumers.iter().find(|(consumer, _)| consumer.as_str() == name);
        ConsumerMetrics(known.map_or_else(MeterSet::default, |(_, meters)| *meters))
    }

    /// The metrics that have samples as JSON, under CloudWatch's names.
    pub fn to_json(&self) -> Value {
        let shard = |index: &ShardIndex| self.shard(&index.to_string()).to_json();
        let shards = self.0.shards.keys().map(|index| (index.to_string(), shard(index)));
        let consumers = self.0.consumers.iter();
        let consumers = consumers.map(|(name, meters)| (name.to_string(), json_of(meters)));
        let mut json = Map::new();
        json.insert("metrics".to_owned(), json_of(&self.0.stream));
        json.insert("shards".to_owned(), shards.collect::<Map<_, _>>().into());
        json.insert("consumers".to_owned(), consumers.collect::<Map<_, _>>().into());
        json.into()
    }
}

/// The metrics of a registered consumer at a time.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// # use kinesis_emulator::inspect::StreamMetric;
/// let kinesis = Emulator::builder().journal().in_process();
/// let billing = kinesis.metrics().stream("orders").consumer("billing");
/// assert_eq!(billing.sum(StreamMetric::SubscribeToShardEventRecords), 0);
/// ```
#[derive(Debug, Clone)]
pub struct ConsumerMetrics(MeterSet);

impl ConsumerMetrics {
    /// The samples' sum.
    pub fn sum(&self, metric: StreamMetric) -> u64 {
        self.statistics(metric).sum
    }

    /// All statistics of a metric.
    pub fn statistics(&self, metric: StreamMetric) -> Statistics {
        self.0.0[metric as usize]
    }

    /// The metrics that have samples.
    pub fn iter(&self) -> impl Iterator<Item = (StreamMetric, Statistics)> {
        counted(&self.0)
    }
}

/// The metrics of a shard at a time.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// # use kinesis_emulator::inspect::ShardMetric;
/// let kinesis = Emulator::builder().journal().in_process();
/// let shard = kinesis.metrics().stream("orders").shard("shardId-000000000000");
/// assert_eq!(shard.sum(ShardMetric::OutgoingRecords), 0);
/// ```
#[derive(Debug, Clone)]
pub struct ShardMetrics([Statistics; ShardMetric::ALL.len()]);

impl ShardMetrics {
    /// The samples' sum.
    pub fn sum(&self, metric: ShardMetric) -> u64 {
        self.statistics(metric).sum
    }

    /// All statistics of a metric.
    pub fn statistics(&self, metric: ShardMetric) -> Statistics {
        self.0[metric as usize]
    }

    /// The metrics that have samples.
    pub fn iter(&self) -> impl Iterator<Item = (ShardMetric, Statistics)> {
        let all = ShardMetric::ALL.iter().map(|metric| (*metric, self.statistics(*metric)));
        all.filter(|(_, statistics)| statistics.sample_count > 0)
    }

    /// The metrics that have samples as JSON, under CloudWatch's names.
    pub fn to_json(&self) -> Value {
        let entries = self.iter().map(|(metric, all)| (metric.to_string(), all.to_json()));
        entries.collect::<Map<_, _>>().into()
    }
}

fn counted(meters: &MeterSet) -> impl Iterator<Item = (StreamMetric, Statistics)> {
    let all = StreamMetric::ALL.iter().map(|metric| (*metric, meters.0[*metric as usize]));
    all.filter(|(_, statistics)| statistics.sample_count > 0)
}

fn json_of(meters: &MeterSet) -> Value {
    let entries = counted(meters).map(|(metric, all)| (metric.to_string(), all.to_json()));
    entries.collect::<Map<_, _>>().into()
}
