//! What can happen to a stream when its time has come.

use crate::model::arn::QueueId;
use crate::model::channel::ChannelId;
use crate::model::hash_key::HashKey;
use crate::model::names::{ConsumerName, KeyId};
use crate::model::numbers::MaxRecordSizeInKiB;
use crate::model::shard_id::ShardIndex;
use crate::model::status::StreamMode;

/// A change that ends a transient status.
#[derive(Debug, Clone)]
pub(crate) enum Transition {
    /// CREATING ends: the shards appear.
    Created { shards: u32 },
    /// DELETING ends: the stream is gone.
    Deleted,
    /// UPDATING ends: one shard has become two.
    Split { parent: ShardIndex, upper_start: HashKey },
    /// UPDATING ends: two shards have become one.
    Merged { lower: ShardIndex, upper: ShardIndex },
    /// UPDATING ends: the open shards are this many, of equal ranges.
    Rescaled { shards: u32 },
    /// UPDATING ends: somebody else decides on the shards.
    ModeSwitched { mode: StreamMode, warm_throughput: Option<u32> },
    /// UPDATING ends: new records are encrypted.
    Encrypted { key: KeyId },
    /// UPDATING ends: new records are not encrypted any more.
    Decrypted,
    /// UPDATING ends: records may be this large.
    RecordSizeChanged { limit: MaxRecordSizeInKiB },
    /// UPDATING ends, and nothing is different.
    Unchanged,
    /// UPDATING ends: the stream is ready for this many MiB per second, with at
    /// least that many shards.
    Warmed { target: u32, shards: u32 },
    /// An on-demand stream splits a shard that was too busy, unless it has as
    /// many shards as it can have. Its status is not touched.
    BusyShardSplit { parent: ShardIndex, shards_max: u32 },
    /// A channel's CREATING or UPDATING ends.
    ChannelReady { id: ChannelId },
    /// A channel's DELETING ends.
    ChannelGone { id: ChannelId },
    /// A consumer's CREATING ends.
    ConsumerReady { name: ConsumerName },
    /// A consumer's DELETING ends.
    ConsumerGone { name: ConsumerName },
    /// A queue's DELETING ends.
    QueueGone { id: QueueId },
    /// A queue's CREATING or UPDATING ends.
    QueueReady { id: QueueId },
}
