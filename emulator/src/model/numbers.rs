//! Bounded integers of the service model.

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
    /// A stream's largest record, in KiB (model: `MaxRecordSizeInKiB`).
    MaxRecordSizeInKiB { at_least 1024, at_most 10240 }
}

impl RetentionHours {
    /// The number of hours asked for, possibly negative.
    pub(crate) fn hours(self) -> i32 {
        self.0
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
