//! Registered consumers of a stream (enhanced fan-out).

use std::collections::BTreeMap;

use crate::model::arn::ConsumerAddress;
use crate::model::names::{PolicyText, TagKey, TagValue};
use crate::model::shard_id::ShardIndex;
use crate::model::status::ConsumerStatus;
use crate::model::timestamp::Timestamp;

/// A registration, from RegisterStreamConsumer to the end of DELETING.
#[derive(Debug, Clone)]
pub(crate) struct Consumer {
    pub(crate) address: ConsumerAddress,
    pub(crate) created: Timestamp,
    pub(crate) status: ConsumerStatus,
    pub(crate) tags: BTreeMap<TagKey, TagValue>,
    pub(crate) policy: Option<PolicyText>,
    /// The newest subscription to each shard.
    pub(crate) subscriptions: BTreeMap<ShardIndex, LiveSubscription>,
}

/// What a consumer knows of a subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LiveSubscription {
    pub(crate) id: u64,
    pub(crate) opened: Timestamp,
}
