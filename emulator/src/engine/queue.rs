//! A queue: a server-side cursor over all shards of an on-demand stream.

use std::collections::BTreeMap;

use crate::model::arn::QueueAddress;
use crate::model::names::{PolicyText, QueueName, TagKey, TagValue};
use crate::model::numbers::{MaxReceiveCount, VisibilityTimeoutSeconds};
use crate::model::status::{QueueStartingPositionType, QueueStatus};
use crate::model::timestamp::Timestamp;

use super::deliveries::Deliveries;
use super::position::Start;
use super::sync::Mutex;

/// A queue, from CreateQueue to the end of DELETING.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) address: QueueAddress,
    pub(crate) name: QueueName,
    pub(crate) created: Timestamp,
    pub(crate) status: QueueStatus,
    pub(crate) start: QueueStart,
    pub(crate) visibility: VisibilityTimeoutSeconds,
    /// After how many receives a record is a dead letter; `None` if never.
    pub(crate) max_receive_count: Option<MaxReceiveCount>,
    pub(crate) tags: BTreeMap<TagKey, TagValue>,
    pub(crate) policy: Option<PolicyText>,
    pub(crate) deliveries: Mutex<Deliveries>,
}

/// A clone goes its own way from here; nobody waits at it.
impl Clone for Queue {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            name: self.name.clone(),
            created: self.created,
            status: self.status,
            start: self.start,
            visibility: self.visibility,
            max_receive_count: self.max_receive_count,
            tags: self.tags.clone(),
            policy: self.policy.clone(),
            deliveries: Mutex::new(self.deliveries.lock().fork()),
        }
    }
}

impl Queue {
    /// Whether records are handed out.
    pub(crate) fn is_readable(&self) -> bool {
        matches!(self.status, QueueStatus::Active | QueueStatus::Updating)
    }

    /// Ends CREATING or UPDATING at a time: what was asked for is in force.
    pub(crate) fn make_ready(&mut self, at: Timestamp) {
        if matches!(self.status, QueueStatus::Creating | QueueStatus::Updating) {
            self.status = QueueStatus::Active;
            self.deliveries.lock().set_aside_after(self.max_receive_count, at);
        }
    }
}

/// Where a queue began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueStart {
    pub(crate) kind: QueueStartingPositionType,
    /// The time that was asked for.
    pub(crate) asked: Option<Timestamp>,
    /// The time that it came to.
    pub(crate) effective: Timestamp,
}

impl QueueStart {
    /// The position in one shard.
    pub(super) fn in_shard(&self) -> Start {
        match self.kind {
            QueueStartingPositionType::TrimHorizon => Start::TrimHorizon,
            QueueStartingPositionType::Latest => Start::Latest,
            QueueStartingPositionType::AtTimestamp => Start::AtTime(self.effective),
        }
    }
}
