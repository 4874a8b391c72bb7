//! What can happen to a stream when its time has come.

use crate::model::arn::QueueId;
use crate::model::channel::{ChannelId, ChannelStatus};
use crate::model::hash_key::HashKey;
use crate::model::names::{ConsumerName, KeyId};
use crate::model::numbers::MaxRecordSizeInKiB;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{
    ConsumerStatus, EncryptionType, RecordDistributionStrategy, StreamMode, StreamStatus,
};
use crate::model::timestamp::Timestamp;

use super::stream::{Stream, StreamState};
use super::topology::{Topology, warm_shards};

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
    /// UPDATING ends: the stream is ready for this many MiB per second, and the
    /// open shards are this many.
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

impl Transition {
    /// Makes the change to a stream that is still there, at its own deadline.
    pub(super) fn apply(self, stream: &Stream, state: &mut StreamState, at: Timestamp) {
        match self {
            Self::Created { shards } => {
                state.topology = Topology::uniform(shards, stream.created_seconds, stream.created);
            }
            Self::Split { parent, upper_start } => {
                state.topology.split(parent, upper_start, at);
            }
            Self::Merged { lower, upper } => state.topology.merge(lower, upper, at),
            Self::Rescaled { shards } => state.topology.rescale(shards, at),
            // What was made meanwhile keeps its stream on-demand.
            Self::ModeSwitched { mode: StreamMode::Provisioned, .. }
                if !state.channels.is_empty() || !state.queues.is_empty() => {}
            Self::ModeSwitched { mode, warm_throughput } => {
                state.mode = mode;
                // The strategy and warmth belong to on-demand streams (ours).
                state.distribution = RecordDistributionStrategy::UserPartitionKey;
                state.warm_throughput = warm_throughput;
                if let Some(target) = warm_throughput {
                    state.topology.rescale(warm_shards(target), at);
                }
            }
            Self::Encrypted { key } => {
                state.encryption = EncryptionType::Kms;
                state.key = Some(key);
            }
            Self::Decrypted => {
                state.encryption = EncryptionType::None;
                state.key = None;
            }
            Self::Unchanged => {}
            Self::Warmed { target, shards } => {
                state.warm_throughput = Some(target);
                state.topology.rescale(shards, at);
            }
            Self::RecordSizeChanged { limit } => state.max_record_size = limit,
            // The stream's own status has nothing to do with these.
            Self::BusyShardSplit { parent, shards_max } => {
                return split_busy_shard(state, parent, shards_max, at);
            }
            Self::ChannelReady { id } => return make_channel_ready(state, &id),
            Self::ChannelGone { id } => return drop(state.channels.remove(&id)),
            Self::ConsumerReady { name } => return make_consumer_ready(state, &name),
            Self::ConsumerGone { name } => return drop(state.consumers.remove(&name)),
            Self::QueueReady { id } => return make_queue_ready(state, &id, at),
            Self::QueueGone { id } => {
                return state.queues.retain(|_, queue| queue.address.id != id);
            }
            Self::Deleted => unreachable!("a stream that is gone does not change"),
        }
        state.planned_shards = 0;
        // A stream that is being deleted meanwhile stays so.
        if state.status != StreamStatus::Deleting {
            state.status = StreamStatus::Active;
        }
    }
}

fn split_busy_shard(state: &mut StreamState, parent: ShardIndex, shards_max: u32, at: Timestamp) {
    // Meanwhile the owner may have taken over, and split it.
    if state.mode == StreamMode::OnDemand
        && state.status != StreamStatus::Deleting
        && state.topology.open_count() < shards_max
    {
        state.topology.halve(parent, at);
    }
}

fn make_channel_ready(state: &mut StreamState, id: &ChannelId) {
    if let Some(channel) = state.channels.get_mut(id)
        && matches!(channel.status, ChannelStatus::Creating | ChannelStatus::Updating)
    {
        channel.status = ChannelStatus::Active;
    }
}

fn make_consumer_ready(state: &mut StreamState, name: &ConsumerName) {
    if let Some(consumer) = state.consumers.get_mut(name)
        && consumer.status == ConsumerStatus::Creating
    {
        consumer.status = ConsumerStatus::Active;
    }
}

fn make_queue_ready(state: &mut StreamState, id: &QueueId, at: Timestamp) {
    if let Some(queue) = state.queue_mut(id) {
        queue.make_ready(at);
    }
}
