//! Bounded integers of the service model.

use std::time::Duration;

use super::constraint::integers;

integers! {
    /// A count of shards asked for: at least 1 (model: `PositiveIntegerObject`).
    PositiveInteger { at_least 1 }
    /// A number that may be zero (model: `NaturalIntegerObject`).
    NaturalInteger { at_least 0 }
    /// DescribeStream's page size (model: `DescribeStreamInputLimit`).
    DescribeStreamLimit { at_least 1, at_most 10000 }
    /// ListStreams' page size (model: `ListStreamsInputLimit`).
    ListStreamsLimit { at_least 1, at_most 10000 }
    /// ListShards' page size (model: `ListShardsInputLimit`).
    ListShardsLimit { at_least 1, at_most 10000 }
    /// ListTagsForStream's page size (model: `ListTagsForStreamInputLimit`).
    ListTagsLimit { at_least 1, at_most 50 }
    /// GetRecords' record limit (model: `GetRecordsInputLimit`).
    GetRecordsLimit { at_least 1, at_most 10000 }
    /// How long records are kept, in hours (model: `RetentionPeriodHours`,
    /// which declares no bounds).
    RetentionHours { }
    /// ListStreamConsumers' page size (model: `ListStreamConsumersInputLimit`).
    ListConsumersLimit { at_least 1, at_most 10000 }
    /// ListQueues' page size (model: `ListQueuesInputLimit`).
    ListQueuesLimit { at_least 1, at_most 10000 }
    /// How often a record is received before it is a dead letter (model:
    /// `MaxReceiveCount`).
    MaxReceiveCount { at_least 1, at_most 1000 }
    /// How many records a queue hands out at once (model:
    /// `ReceiveQueueRecordsInputLimit`).
    ReceiveLimit { at_least 1, at_most 10 }
    /// How long a receive waits for records, in seconds (model:
    /// `ReceiveQueueRecordsWaitTimeSeconds`).
    WaitTimeSeconds { at_least 1, at_most 20 }
    /// How long a record that was received stays hidden, in seconds (model:
    /// `VisibilityTimeoutSeconds`).
    VisibilityTimeoutSeconds { at_least 0, at_most 43200 }
    /// A stream's largest record, in KiB (model: `MaxRecordSizeInKiB`).
    MaxRecordSizeInKiB { at_least 1024, at_most 10240 }
}

impl RetentionHours {
    /// The number of hours asked for, possibly negative.
    pub(crate) fn hours(self) -> i32 {
        self.0
    }
}

impl MaxReceiveCount {
    /// What a queue has when nothing else was asked for (guide).
    pub(crate) const DEFAULT: Self = Self(6);
}

impl ReceiveLimit {
    /// What a receive has when nothing else was asked for (guide).
    pub(crate) const DEFAULT: Self = Self(10);
}

impl WaitTimeSeconds {
    /// What a receive has when nothing else was asked for (guide).
    pub(crate) const DEFAULT: Self = Self(9);
}

impl VisibilityTimeoutSeconds {
    /// What a queue has when nothing else was asked for (guide).
    pub(crate) const DEFAULT: Self = Self(30);

    /// The same as a duration.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.get().into())
    }
}

impl MaxRecordSizeInKiB {
    /// What a stream takes when nothing else was asked for: 1 MiB.
    pub(crate) const DEFAULT: Self = Self(1024);

    /// The size in bytes: data before base64 plus the partition key's UTF-8.
    pub(crate) fn bytes(self) -> usize {
        self.get() as usize * 1024
    }
}
