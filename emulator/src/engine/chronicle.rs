//! What an engine tells of its changes to somebody who keeps them.
//!
//! Each change is told once, under the lock that orders it among those of the
//! same stream or realm: told in the same order again, they lead to the same
//! state. A change that consists of several is told in as many steps, and the
//! call that makes it sees to it that they are kept together.

use std::fmt::Debug;
use std::sync::Arc;

use crate::model::arn::RealmId;
use crate::model::record::KeptText;
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

use super::account::Commitment;
use super::deliveries::{Deliveries, Place};
use super::frozen::Frozen;
use super::lifecycle::Due;
use super::queue::Queue;
use super::stream::{Stream, StreamState};
use super::transition::Transition;

/// Nobody, or whom to tell.
pub(crate) type Listener = Option<Arc<dyn Chronicle>>;

/// Somebody who is told of every change.
pub(crate) trait Chronicle: Debug + Send + Sync {
    /// Records were stored in a shard. Told under the shard's lock.
    fn records_added(&self, stream: &Stream, added: &mut Added<'_>);

    /// A stream is as it is given, and so are those of its shards that are told,
    /// but for their records. Told under the stream's lock.
    ///
    /// `settled` is the change to come that has brought it about, if one has: it
    /// is not to come any more.
    fn stream_changed(
        &self,
        stream: &Stream,
        state: &StreamState,
        shards: &[ShardIndex],
        settled: Option<Due>,
    );

    /// A stream is not there any more, nor is any change of it to come. Told
    /// under the stream's lock.
    fn stream_gone(&self, stream: &Stream);

    /// A change of a stream is to come. Told under the lock of all changes to
    /// come of the realm.
    fn change_scheduled(&self, stream: &Stream, due: Due, change: &Transition);

    /// A realm's commitment is as it is given. Told under its lock.
    fn commitment_changed(&self, realm: &RealmId, commitment: &Commitment);

    /// What a queue knows of these records has changed. Told under the queue's
    /// lock.
    fn deliveries_changed(
        &self,
        stream: &Stream,
        queue: &Queue,
        deliveries: &Deliveries,
        places: &mut dyn Iterator<Item = Place>,
    );

    /// Nothing of what was told before is left: the engine is what was frozen.
    fn restored(&self, frozen: &Frozen);
}

/// Consecutive records of one shard that arrived at one time.
pub(crate) struct Added<'a> {
    pub(crate) shard: ShardIndex,
    /// Index of the first of them.
    pub(crate) first: u64,
    pub(crate) arrival: Timestamp,
    pub(crate) encryption: EncryptionType,
    /// Partition key and data of each.
    pub(crate) records: &'a mut dyn Iterator<Item = (Option<KeptText<'a>>, &'a [u8])>,
}
