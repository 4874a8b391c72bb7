//! The API's enumerations.

use super::constraint::enumerations;

impl MetricsName {
    /// What `ALL` stands for.
    pub(crate) const EACH: [Self; 7] = [
        Self::IncomingBytes,
        Self::IncomingRecords,
        Self::OutgoingBytes,
        Self::OutgoingRecords,
        Self::WriteProvisionedThroughputExceeded,
        Self::ReadProvisionedThroughputExceeded,
        Self::IteratorAgeMilliseconds,
    ];
}

enumerations! {
    /// Where a stream stands in its life.
    StreamStatus {
        /// Being made: describe works, data calls do not find it.
        Creating = "CREATING",
        /// Being removed.
        Deleting = "DELETING",
        /// Ready for everything.
        Active = "ACTIVE",
        /// Being changed: reads and writes go on.
        Updating = "UPDATING",
    }
    /// Where a registered consumer stands in its life.
    ConsumerStatus {
        /// Being registered: it cannot subscribe yet.
        Creating = "CREATING",
        /// Being removed.
        Deleting = "DELETING",
        /// Ready to subscribe.
        Active = "ACTIVE",
    }
    /// Where a queue stands in its life.
    QueueStatus {
        /// Being made: nothing is handed out yet.
        Creating = "CREATING",
        /// Ready for everything.
        Active = "ACTIVE",
        /// Being changed: records are handed out all the same.
        Updating = "UPDATING",
        /// Being removed: nothing is handed out any more.
        Deleting = "DELETING",
    }
    /// Where a queue begins in its stream.
    QueueStartingPositionType {
        /// At the oldest record.
        TrimHorizon = "TRIM_HORIZON",
        /// After the newest record.
        Latest = "LATEST",
        /// At the first record that arrived at a time or later.
        AtTimestamp = "AT_TIMESTAMP",
    }
    /// What becomes of a queue's records that nobody acknowledges.
    TargetType {
        /// The queue sets them aside.
        BuiltIn = "BUILT_IN",
        /// They are handed out for as long as the stream keeps them.
        None = "NONE",
    }
    /// How shards are rescaled.
    ScalingType {
        /// To ranges of equal length.
        UniformScaling = "UNIFORM_SCALING",
    }
    /// Whether the account's commitment is wanted.
    CommitmentRequest {
        /// From now on.
        Enabled = "ENABLED",
        /// As soon as it may end.
        Disabled = "DISABLED",
    }
    /// Whether the account's commitment is on.
    CommitmentStatus {
        /// It is on.
        Enabled = "ENABLED",
        /// It is off.
        Disabled = "DISABLED",
        /// It is on until it may end.
        EnabledUntilEarliestAllowedEnd = "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
    }
    /// Who decides on the number of shards.
    StreamMode {
        /// The owner does.
        Provisioned = "PROVISIONED",
        /// The service does.
        OnDemand = "ON_DEMAND",
    }
    /// Whether records are encrypted at rest.
    EncryptionType {
        /// They are not.
        None = "NONE",
        /// With a KMS key.
        Kms = "KMS",
    }
    /// How an on-demand stream places records on shards.
    RecordDistributionStrategy {
        /// Evenly, whatever the keys say.
        Auto = "AUTO",
        /// By the MD5 of the partition key.
        UserPartitionKey = "USER_PARTITION_KEY",
    }
    /// Where a reader starts; in the order in which AWS lists them (recorded).
    ShardIteratorType {
        /// Just after the record with a sequence number.
        AfterSequenceNumber = "AFTER_SEQUENCE_NUMBER",
        /// After the newest record.
        Latest = "LATEST",
        /// At the first record that arrived at a time or later.
        AtTimestamp = "AT_TIMESTAMP",
        /// At the record with a sequence number.
        AtSequenceNumber = "AT_SEQUENCE_NUMBER",
        /// At the oldest record.
        TrimHorizon = "TRIM_HORIZON",
    }
    /// Which shards ListShards returns.
    ShardFilterType {
        /// Those after a shard id.
        AfterShardId = "AFTER_SHARD_ID",
        /// Those open at the trim horizon.
        AtTrimHorizon = "AT_TRIM_HORIZON",
        /// All within retention.
        FromTrimHorizon = "FROM_TRIM_HORIZON",
        /// Those open now.
        AtLatest = "AT_LATEST",
        /// Those open at a time.
        AtTimestamp = "AT_TIMESTAMP",
        /// Those open at a time or later.
        FromTimestamp = "FROM_TIMESTAMP",
    }
    /// A shard-level metric (enhanced monitoring).
    MetricsName {
        /// Bytes written.
        IncomingBytes = "IncomingBytes",
        /// Records written.
        IncomingRecords = "IncomingRecords",
        /// Bytes read.
        OutgoingBytes = "OutgoingBytes",
        /// Records read.
        OutgoingRecords = "OutgoingRecords",
        /// Writes refused for throughput.
        WriteProvisionedThroughputExceeded = "WriteProvisionedThroughputExceeded",
        /// Reads refused for throughput.
        ReadProvisionedThroughputExceeded = "ReadProvisionedThroughputExceeded",
        /// Age of the last record read.
        IteratorAgeMilliseconds = "IteratorAgeMilliseconds",
        /// All seven.
        All = "ALL",
    }
}
