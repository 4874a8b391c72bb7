//! Registered consumers of a stream (enhanced fan-out).

use std::collections::BTreeMap;

use crate::model::arn::ConsumerAddress;
use crate::model::names::{PolicyText, TagKey, TagValue};
use crate::model::status::ConsumerStatus;
use crate::model::timestamp::Timestamp;

/// A registration, from RegisterStreamConsumer to the end of DELETING.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) address: ConsumerAddress,
    pub(crate) created: Timestamp,
    pub(crate) status: ConsumerStatus,
    pub(crate) tags: BTreeMap<TagKey, TagValue>,
    pub(crate) policy: Option<PolicyText>,
}
