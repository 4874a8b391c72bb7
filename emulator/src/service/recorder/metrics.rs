//! CloudWatch's metrics of the namespace `AWS/Kinesis`, by the developer
//! guide's definitions ("Monitor the Amazon Kinesis Data Streams service with
//! Amazon CloudWatch").

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::arn::StreamAddress;
use crate::model::error::{ApiError, ErrorKind};
use crate::model::names::ConsumerName;
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;
use crate::operations::{BatchRead, Effect, OperationName, Placed, Subject};

/// What CloudWatch tells about the samples of a metric.
///
/// ```
/// # use kinesis_emulator::inspect::Statistics;
/// assert_eq!(Statistics::default().average(), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// How many samples there are.
    pub sample_count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest; 0 if there is none.
    pub minimum: u64,
    /// The largest; 0 if there is none.
    pub maximum: u64,
}

impl Statistics {
    fn add(&mut self, sample: u64) {
        self.minimum = if self.sample_count == 0 { sample } else { self.minimum.min(sample) };
        self.maximum = self.maximum.max(sample);
        self.sum = self.sum.saturating_add(sample);
        self.sample_count += 1;
    }

    /// The samples' average, if there are any.
    pub fn average(&self) -> Option<f64> {
        (self.sample_count > 0).then(|| self.sum as f64 / self.sample_count as f64)
    }

    /// The statistics as JSON, under CloudWatch's names.
    pub fn to_json(&self) -> Value {
        json!({
            "SampleCount": self.sample_count,
            "Sum": self.sum,
            "Minimum": self.minimum,
            "Maximum": self.maximum,
            "Average": self.average(),
        })
    }
}

macro_rules! metrics {
    ($($(#[$meta:meta])* $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $wire:literal),* $(,)?
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_meta])* $variant),* }

        impl $name {
            /// Every metric, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name as CloudWatch spells it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

metrics! {
    /// A metric of a stream. The samples are those of single calls or events.
    ///
    /// ```
    /// # use kinesis_emulator::inspect::StreamMetric;
    /// assert_eq!(StreamMetric::PutRecordsThrottledRecords.as_str(), "PutRecords.ThrottledRecords");
    /// ```
    StreamMetric {
        /// Bytes read by a `GetRecords`: data and keys.
        GetRecordsBytes = "GetRecords.Bytes",
        /// Age of the last record that a `GetRecords` read; 0 if there was none.
        GetRecordsIteratorAgeMilliseconds = "GetRecords.IteratorAgeMilliseconds",
        /// How long a `GetRecords` that succeeded took, in milliseconds.
        GetRecordsLatency = "GetRecords.Latency",
        /// Records read by a `GetRecords`.
        GetRecordsRecords = "GetRecords.Records",
        /// 1 for a `GetRecords` that succeeded, otherwise 0.
        GetRecordsSuccess = "GetRecords.Success",
        /// Bytes stored by a call: data and keys.
        IncomingBytes = "IncomingBytes",
        /// Records stored by a call.
        IncomingRecords = "IncomingRecords",
        /// Bytes stored by a `PutRecord`.
        PutRecordBytes = "PutRecord.Bytes",
        /// How long a `PutRecord` that succeeded took, in milliseconds.
        PutRecordLatency = "PutRecord.Latency",
        /// 1 for a `PutRecord` that succeeded, otherwise 0.
        PutRecordSuccess = "PutRecord.Success",
        /// Bytes stored by a `PutRecords`.
        PutRecordsBytes = "PutRecords.Bytes",
        /// How long a `PutRecords` that was not refused took, in milliseconds.
        PutRecordsLatency = "PutRecords.Latency",
        /// 1 for a `PutRecords` that stored at least one record, otherwise 0.
        PutRecordsSuccess = "PutRecords.Success",
        /// Records that a `PutRecords` was to store.
        PutRecordsTotalRecords = "PutRecords.TotalRecords",
        /// Records that a `PutRecords` stored.
        PutRecordsSuccessfulRecords = "PutRecords.SuccessfulRecords",
        /// Records that a `PutRecords` refused for internal failures.
        PutRecordsFailedRecords = "PutRecords.FailedRecords",
        /// Records that a `PutRecords` refused for throughput.
        PutRecordsThrottledRecords = "PutRecords.ThrottledRecords",
        /// 1 for a `GetRecords` that was refused for throughput, otherwise 0.
        ReadProvisionedThroughputExceeded = "ReadProvisionedThroughputExceeded",
        /// Records that a call refused for throughput.
        WriteProvisionedThroughputExceeded = "WriteProvisionedThroughputExceeded",
        /// 1 for a `SubscribeToShard` that was refused because the consumer has
        /// a subscription or calls too often, otherwise 0.
        SubscribeToShardRateExceeded = "SubscribeToShard.RateExceeded",
        /// 1 for a `SubscribeToShard` that succeeded, otherwise 0.
        SubscribeToShardSuccess = "SubscribeToShard.Success",
        /// Bytes of an event.
        SubscribeToShardEventBytes = "SubscribeToShardEvent.Bytes",
        /// How far an event's reader is behind the tip, in milliseconds.
        SubscribeToShardEventMillisBehindLatest = "SubscribeToShardEvent.MillisBehindLatest",
        /// Records of an event.
        SubscribeToShardEventRecords = "SubscribeToShardEvent.Records",
        /// 1 for each event.
        SubscribeToShardEventSuccess = "SubscribeToShardEvent.Success",
    }

    /// A metric of a shard: CloudWatch has them with enhanced monitoring, the
    /// emulator always.
    ///
    /// ```
    /// # use kinesis_emulator::inspect::ShardMetric;
    /// assert_eq!(ShardMetric::ALL.len(), 7);
    /// ```
    ShardMetric {
        /// Bytes stored by a call: data and keys.
        IncomingBytes = "IncomingBytes",
        /// Records stored by a call.
        IncomingRecords = "IncomingRecords",
        /// Age of the last record that a `GetRecords` read; 0 if there was none.
        IteratorAgeMilliseconds = "IteratorAgeMilliseconds",
        /// Bytes read by a `GetRecords` or sent in an event.
        OutgoingBytes = "OutgoingBytes",
        /// Records read by a `GetRecords` or sent in an event.
        OutgoingRecords = "OutgoingRecords",
        /// 1 for a `GetRecords` that was refused for throughput, otherwise 0.
        ReadProvisionedThroughputExceeded = "ReadProvisionedThroughputExceeded",
        /// Records that a call refused for throughput.
        WriteProvisionedThroughputExceeded = "WriteProvisionedThroughputExceeded",
    }
}

type StreamStatistics = [Statistics; StreamMetric::ALL.len()];
type ShardStatistics = [Statistics; ShardMetric::ALL.len()];

/// The metrics of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamMeters {
    pub(crate) stream: MeterSet,
    pub(crate) shards: BTreeMap<ShardIndex, ShardStatistics>,
    /// Subscriptions alone: CloudWatch has them by consumer.
    pub(crate) consumers: BTreeMap<ConsumerName, MeterSet>,
}

/// A statistic set for each metric of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MeterSet(pub(crate) StreamStatistics);

impl MeterSet {
    fn add(&mut self, metric: StreamMetric, sample: u64) {
        self.0[metric as usize].add(sample);
    }
}

impl StreamMeters {
    fn add(&mut self, metric: StreamMetric, sample: u64) {
        self.stream.add(metric, sample);
    }

    fn add_of_shard(&mut self, shard: ShardIndex, metric: ShardMetric, sample: u64) {
        self.shards.entry(shard).or_default()[metric as usize].add(sample);
    }

    /// Counts for the stream and for one of its consumers.
    fn add_of_consumer(&mut self, consumer: &ConsumerName, metric: StreamMetric, sample: u64) {
        self.add(metric, sample);
        if !self.consumers.contains_key(consumer) {
            self.consumers.insert(consumer.clone(), MeterSet::default());
        }
        if let Some(meters) = self.consumers.get_mut(consumer) {
            meters.add(metric, sample);
        }
    }
}

/// The metrics of all streams. As in CloudWatch a stream is its name: one that
/// is made anew goes on counting.
#[derive(Debug, Default)]
pub(crate) struct Meters(HashMap<StreamAddress, StreamMeters>);

impl Meters {
    pub(crate) fn of(&self, stream: &StreamAddress) -> Option<&StreamMeters> {
        self.0.get(stream)
    }

    /// All streams that have metrics.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &StreamAddress> {
        self.0.keys()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn of_mut(&mut self, stream: &StreamAddress) -> &mut StreamMeters {
        if !self.0.contains_key(stream) {
            self.0.insert(stream.clone(), StreamMeters::default());
        }
        self.0.get_mut(stream).expect("it has just been made sure of")
    }

    /// Counts a call that has been handled. Calls on streams that do not exist
    /// and dry runs are not the stream's.
    pub(super) fn count(
        &mut self,
        operation: OperationName,
        stream: &StreamAddress,
        subject: &Subject,
        effect: &Effect,
        error: Option<&ApiError>,
        now: Timestamp,
    ) {
        let error = error.map(ApiError::kind);
        if matches!(error, Some(ErrorKind::ResourceNotFound | ErrorKind::DryRunOperation)) {
            return;
        }
        match operation {
            OperationName::PutRecord => self.of_mut(stream).put_record(subject, effect, error),
            OperationName::PutRecords => self.of_mut(stream).put_records(subject, effect, error),
            OperationName::GetRecords => {
                self.of_mut(stream).get_records(subject, effect, error, now)
            }
            OperationName::SubscribeToShard => self.of_mut(stream).subscribe(subject, error),
            _ => {}
        }
    }

    /// Counts how long a call took that was not refused.
    pub(super) fn answered(
        &mut self,
        operation: OperationName,
        stream: &StreamAddress,
        took: Duration,
    ) {
        let metric = match operation {
            OperationName::PutRecord => StreamMetric::PutRecordLatency,
            OperationName::PutRecords => StreamMetric::PutRecordsLatency,
            OperationName::GetRecords => StreamMetric::GetRecordsLatency,
            _ => return,
        };
        self.of_mut(stream).add(metric, took.as_millis() as u64);
    }

    /// Counts an event of a subscription.
    pub(super) fn pushed(
        &mut self,
        stream: &StreamAddress,
        consumer: &ConsumerName,
        shard: ShardIndex,
        read: &BatchRead,
        millis_behind_latest: u64,
    ) {
        let meters = self.of_mut(stream);
        for (metric, sample) in [
            (StreamMetric::SubscribeToShardEventBytes, read.bytes as u64),
            (StreamMetric::SubscribeToShardEventMillisBehindLatest, millis_behind_latest),
            (StreamMetric::SubscribeToShardEventRecords, read.records as u64),
            (StreamMetric::SubscribeToShardEventSuccess, 1),
        ] {
            meters.add_of_consumer(consumer, metric, sample);
        }
        meters.add_of_shard(shard, ShardMetric::OutgoingBytes, read.bytes as u64);
        meters.add_of_shard(shard, ShardMetric::OutgoingRecords, read.records as u64);
    }
}

/// What a call stored in a shard, or was refused there.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    records: u64,
    bytes: u64,
    throttled: u64,
}

impl StreamMeters {
    fn put_record(&mut self, subject: &Subject, effect: &Effect, error: Option<ErrorKind>) {
        self.add(StreamMetric::PutRecordSuccess, u64::from(error.is_none()));
        let written = self.write(subject, effect, error);
        if error.is_none() {
            self.add(StreamMetric::PutRecordBytes, written.bytes);
        }
    }

    fn put_records(&mut self, subject: &Subject, effect: &Effect, error: Option<ErrorKind>) {
        let total = subject.records.len() as u64;
        let written = self.write(subject, effect, error);
        let throttled = written.throttled;
        self.add(StreamMetric::PutRecordsSuccess, u64::from(written.records > 0));
        self.add(StreamMetric::PutRecordsTotalRecords, total);
        self.add(StreamMetric::PutRecordsSuccessfulRecords, written.records);
        self.add(StreamMetric::PutRecordsThrottledRecords, throttled);
        let failed = match error {
            None | Some(ErrorKind::InternalFailure) => total - written.records - throttled,
            Some(_) => 0,
        };
        self.add(StreamMetric::PutRecordsFailedRecords, failed);
        if written.records > 0 {
            self.add(StreamMetric::PutRecordsBytes, written.bytes);
        }
    }

    /// Counts what both kinds of put have in common, and sums it up.
    fn write(&mut self, subject: &Subject, effect: &Effect, error: Option<ErrorKind>) -> Written {
        let all_throttled = error == Some(ErrorKind::ProvisionedThroughputExceeded);
        let mut by_shard: BTreeMap<Option<ShardIndex>, Written> = BTreeMap::new();
        for (place, record) in subject.records.iter().enumerate() {
            let (shard, stored) = match effect.placed.get(place) {
                Some(Placed::Stored(number)) => (Some(number.shard), true),
                Some(Placed::Throttled | Placed::Failed) | None => (record.shard, false),
            };
            let throttled = all_throttled || effect.placed.get(place) == Some(&Placed::Throttled);
            let written = by_shard.entry(shard).or_default();
            written.records += u64::from(stored);
            written.bytes += if stored { record.bytes as u64 } else { 0 };
            written.throttled += u64::from(throttled);
        }
        let mut all = Written::default();
        for (shard, written) in by_shard {
            all.records += written.records;
            all.bytes += written.bytes;
            all.throttled += written.throttled;
            let Some(shard) = shard else { continue };
            if written.records > 0 {
                self.add_of_shard(shard, ShardMetric::IncomingBytes, written.bytes);
                self.add_of_shard(shard, ShardMetric::IncomingRecords, written.records);
            }
            self.add_of_shard(
                shard,
                ShardMetric::WriteProvisionedThroughputExceeded,
                written.throttled,
            );
        }
        if all.records > 0 {
            self.add(StreamMetric::IncomingBytes, all.bytes);
            self.add(StreamMetric::IncomingRecords, all.records);
        }
        self.add(StreamMetric::WriteProvisionedThroughputExceeded, all.throttled);
        all
    }

    fn get_records(
        &mut self,
        subject: &Subject,
        effect: &Effect,
        error: Option<ErrorKind>,
        now: Timestamp,
    ) {
        let throttled = u64::from(error == Some(ErrorKind::ProvisionedThroughputExceeded));
        self.add(StreamMetric::GetRecordsSuccess, u64::from(error.is_none()));
        self.add(StreamMetric::ReadProvisionedThroughputExceeded, throttled);
        if let Some(shard) = subject.shard {
            self.add_of_shard(shard, ShardMetric::ReadProvisionedThroughputExceeded, throttled);
        }
        let Some(read) = &effect.read else { return };
        let (bytes, records) = (read.bytes as u64, read.records as u64);
        let age = read.newest.map_or(0, |newest| now.since(newest).as_millis() as u64);
        self.add(StreamMetric::GetRecordsBytes, bytes);
        self.add(StreamMetric::GetRecordsRecords, records);
        self.add(StreamMetric::GetRecordsIteratorAgeMilliseconds, age);
        if let Some(shard) = subject.shard {
            self.add_of_shard(shard, ShardMetric::OutgoingBytes, bytes);
            self.add_of_shard(shard, ShardMetric::OutgoingRecords, records);
            self.add_of_shard(shard, ShardMetric::IteratorAgeMilliseconds, age);
        }
    }

    fn subscribe(&mut self, subject: &Subject, error: Option<ErrorKind>) {
        let Some(consumer) = &subject.consumer else { return };
        let too_often = matches!(error, Some(ErrorKind::ResourceInUse | ErrorKind::LimitExceeded));
        for (metric, happened) in [
            (StreamMetric::SubscribeToShardSuccess, error.is_none()),
            (StreamMetric::SubscribeToShardRateExceeded, too_often),
        ] {
            self.add_of_consumer(consumer, metric, u64::from(happened));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arn::ResourceAddress;
    use crate::model::sequence_number::SequenceNumber;

    #[test]
    fn statistics_begin_with_the_first_sample() {
        let mut statistics = Statistics::default();
        for sample in [7, 3, 8] {
            statistics.add(sample);
        }
        let expected = Statistics { sample_count: 3, sum: 18, minimum: 3, maximum: 8 };
        assert_eq!(statistics, expected);
        assert_eq!(statistics.average(), Some(6.0));
    }

    fn stream() -> StreamAddress {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
        match ResourceAddress::parse(arn) {
            Some(ResourceAddress::Stream(stream)) => stream,
            other => panic!("not a stream: {other:?}"),
        }
    }

    /// Four records of 10, 20, 30 and 40 bytes, in shards 0, 0, 1 and 1.
    fn four_records() -> Subject {
        let mut subject = Subject::default();
        for (bytes, shard) in [(10, 0), (20, 0), (30, 1), (40, 1)] {
            subject.records.push(Default::default());
            let record = subject.records.last_mut().expect("it has just been added");
            (record.bytes, record.shard) = (bytes, Some(ShardIndex::new(shard)));
        }
        subject
    }

    fn stored(shard: u32) -> Placed {
        let (index, seconds) = (1, 1_700_000_000);
        let shard = ShardIndex::new(shard);
        Placed::Stored(SequenceNumber { shard_created_seconds: seconds, index, seconds, shard })
    }

    #[test]
    fn records_refused_one_by_one_are_counted_by_their_reason() {
        let mut meters = Meters::default();
        let placed = vec![stored(0), Placed::Throttled, Placed::Failed, stored(1)];
        let effect = Effect { placed, ..Effect::default() };
        let operation = OperationName::PutRecords;
        meters.count(operation, &stream(), &four_records(), &effect, None, Timestamp::EPOCH);
        let of_stream = meters.of(&stream()).expect("it was counted");
        for (metric, expected) in [
            (StreamMetric::PutRecordsTotalRecords, 4),
            (StreamMetric::PutRecordsSuccessfulRecords, 2),
            (StreamMetric::PutRecordsThrottledRecords, 1),
            (StreamMetric::PutRecordsFailedRecords, 1),
            (StreamMetric::PutRecordsSuccess, 1),
            (StreamMetric::PutRecordsBytes, 50),
            (StreamMetric::IncomingBytes, 50),
            (StreamMetric::IncomingRecords, 2),
            (StreamMetric::WriteProvisionedThroughputExceeded, 1),
        ] {
            assert_eq!((metric, of_stream.stream.0[metric as usize].sum), (metric, expected));
        }
        let of_shard = |shard, metric: ShardMetric| {
            of_stream.shards[&ShardIndex::new(shard)][metric as usize].sum
        };
        assert_eq!(of_shard(0, ShardMetric::IncomingBytes), 10);
        assert_eq!(of_shard(0, ShardMetric::WriteProvisionedThroughputExceeded), 1);
        assert_eq!(of_shard(1, ShardMetric::IncomingBytes), 40);
        assert_eq!(of_shard(1, ShardMetric::WriteProvisionedThroughputExceeded), 0);
    }

    #[test]
    fn throttled_calls_are_counted_and_their_latency_is_not() {
        let mut meters = Meters::default();
        let throttled = ApiError::new(ErrorKind::ProvisionedThroughputExceeded, "");
        let shard = Some(ShardIndex::new(0));
        let read = Subject { shard, ..Subject::default() };
        let mut one_record = four_records();
        one_record.records.truncate(1);
        for (operation, subject) in
            [(OperationName::GetRecords, &read), (OperationName::PutRecord, &one_record)]
        {
            let (effect, now) = (Effect::default(), Timestamp::EPOCH);
            meters.count(operation, &stream(), subject, &effect, Some(&throttled), now);
        }
        let of_stream = meters.of(&stream()).expect("it was counted");
        let statistics = |metric: StreamMetric| of_stream.stream.0[metric as usize];
        assert_eq!(statistics(StreamMetric::ReadProvisionedThroughputExceeded).sum, 1);
        assert_eq!(statistics(StreamMetric::WriteProvisionedThroughputExceeded).sum, 1);
        for metric in [StreamMetric::GetRecordsSuccess, StreamMetric::PutRecordSuccess] {
            assert_eq!((statistics(metric).sum, statistics(metric).sample_count), (0, 1));
        }
        for metric in [StreamMetric::GetRecordsLatency, StreamMetric::PutRecordLatency] {
            assert_eq!(statistics(metric).sample_count, 0);
        }
        let of_shard = of_stream.shards[&ShardIndex::new(0)];
        assert_eq!(of_shard[ShardMetric::ReadProvisionedThroughputExceeded as usize].sum, 1);
        assert_eq!(of_shard[ShardMetric::WriteProvisionedThroughputExceeded as usize].sum, 1);
    }

    #[test]
    fn calls_on_streams_that_do_not_exist_and_dry_runs_are_nobodys() {
        let mut meters = Meters::default();
        for kind in [ErrorKind::ResourceNotFound, ErrorKind::DryRunOperation] {
            let (error, effect, now) =
                (ApiError::new(kind, ""), Effect::default(), Timestamp::EPOCH);
            let (operation, subject) = (OperationName::PutRecords, four_records());
            meters.count(operation, &stream(), &subject, &effect, Some(&error), now);
        }
        assert!(meters.of(&stream()).is_none());
    }

    #[test]
    fn names_of_metrics_are_unique_and_in_the_place_of_their_number() {
        for (place, metric) in StreamMetric::ALL.iter().enumerate() {
            assert_eq!(*metric as usize, place);
        }
        let mut names: Vec<_> = StreamMetric::ALL.iter().map(|metric| metric.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), StreamMetric::ALL.len());
    }
}
