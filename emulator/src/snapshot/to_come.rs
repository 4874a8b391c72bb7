//! The changes to come of a file's streams. Each is one that an operation can have
//! begun, and that can be made when its time has come; or it is refused.

use std::collections::BTreeSet;

use crate::engine::lifecycle::Due;
use crate::engine::realm::Realm;
use crate::engine::stream::StreamState;
use crate::engine::topology::{Topology, WARM_THROUGHPUT_MIBPS_MAX, are_neighbours, warm_shards};
use crate::engine::transition::Transition;
use crate::model::hash_key::{HashKey, HashKeyRange};
use crate::model::names::StreamName;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{StreamMode, StreamStatus};

use super::read::Refusal;
use super::rows::{Becomes, Parsed, Text};

/// The most shards that an operation makes at once: those of the warmest stream.
pub(super) const SHARDS_AT_ONCE_MAX: u32 = WARM_THROUGHPUT_MIBPS_MAX;
/// The most shards that all changes of a file lead to, so that a small file does not
/// take all memory: about a hundred of the largest streams, all under way (ours).
const SHARDS_MAX: u64 = 1_000_000;

/// The changes to come, realm by realm.
#[derive(Default)]
pub(crate) struct ToCome {
    /// Streams of the last realm whose status is about to change to ACTIVE.
    settling: BTreeSet<StreamName>,
    /// How many shards all changes of all realms lead to.
    shards: u64,
}

impl ToCome {
    /// What is added from now on is of another realm.
    pub(crate) fn turn_to_next_realm(&mut self) {
        self.settling.clear();
    }

    /// Adds a change to its realm.
    ///
    /// # Errors
    /// If there is no such stream, or it cannot be waiting for the change.
    pub(crate) fn add(
        &mut self,
        realm: &Realm,
        stream: StreamName,
        due: Due,
        becomes: Becomes,
    ) -> Result<(), Refusal> {
        let found = realm.find(&stream).ok_or("a change of no stream")?;
        let change = transition(becomes);
        let refused = |what| format!("{stream} cannot be waiting for a change: {what}");
        let Effect { settles, shards } = effect(&change).map_err(refused)?;
        check(&change, settles, &found.state()).map_err(refused)?;
        self.shards += u64::from(shards);
        if self.shards > SHARDS_MAX {
            return Err(format!("the changes to come make more than {SHARDS_MAX} shards"));
        }
        // The second would be made to other shards than it was meant for.
        if settles && self.settling.contains(&stream) {
            return Err(refused("it waits for another one, which comes first"));
        }
        if settles {
            self.settling.insert(stream);
        }
        realm.lifecycle().schedule_restored(due, found, change);
        Ok(())
    }
}

fn transition(becomes: Becomes) -> Transition {
    match becomes {
        Becomes::Created { shards } => Transition::Created { shards },
        Becomes::Deleted => Transition::Deleted,
        Becomes::Split { parent, upper_start } => Transition::Split {
            parent: ShardIndex::new(parent),
            upper_start: HashKey::new(upper_start.0),
        },
        Becomes::Merged { lower, upper } => {
            Transition::Merged { lower: ShardIndex::new(lower), upper: ShardIndex::new(upper) }
        }
        Becomes::Rescaled { shards } => Transition::Rescaled { shards },
        Becomes::ModeSwitched { mode: Text(mode), warm_throughput } => {
            Transition::ModeSwitched { mode, warm_throughput }
        }
        Becomes::Encrypted { key: Text(key) } => Transition::Encrypted { key },
        Becomes::Decrypted => Transition::Decrypted,
        Becomes::RecordSizeChanged { limit_kib } => {
            Transition::RecordSizeChanged { limit: limit_kib.0 }
        }
        Becomes::BusyShardSplit { parent, shards_max } => {
            Transition::BusyShardSplit { parent: ShardIndex::new(parent), shards_max }
        }
        Becomes::Unchanged => Transition::Unchanged,
        Becomes::Warmed { target, shards } => Transition::Warmed { target, shards },
        Becomes::ChannelReady { id: Text(id) } => Transition::ChannelReady { id },
        Becomes::ChannelGone { id: Text(id) } => Transition::ChannelGone { id },
        Becomes::ConsumerReady { name: Text(name) } => Transition::ConsumerReady { name },
        Becomes::ConsumerGone { name: Text(name) } => Transition::ConsumerGone { name },
        Becomes::QueueGone { id: Parsed(id) } => Transition::QueueGone { id },
        Becomes::QueueReady { id: Parsed(id) } => Transition::QueueReady { id },
    }
}

/// What a change does.
struct Effect {
    /// Whether it ends CREATING or UPDATING.
    settles: bool,
    /// How many shards it leads to, if it says so.
    shards: u32,
}

/// What a change does, whatever the stream.
fn effect(change: &Transition) -> Result<Effect, &'static str> {
    let (settles, shards) = match change {
        Transition::Created { shards } | Transition::Rescaled { shards } => (true, *shards),
        Transition::Warmed { target, shards } => {
            check_warm_throughput(*target)?;
            (true, *shards)
        }
        Transition::ModeSwitched { warm_throughput: Some(target), .. } => {
            check_warm_throughput(*target)?;
            (true, warm_shards(*target))
        }
        Transition::ModeSwitched { warm_throughput: None, .. }
        | Transition::Split { .. }
        | Transition::Merged { .. }
        | Transition::Encrypted { .. }
        | Transition::Decrypted
        | Transition::RecordSizeChanged { .. }
        | Transition::Unchanged => return Ok(Effect { settles: true, shards: 0 }),
        Transition::Deleted
        // By then others may have taken over from the shard, and nothing comes of it.
        | Transition::BusyShardSplit { .. }
        | Transition::ChannelReady { .. }
        | Transition::ChannelGone { .. }
        | Transition::ConsumerReady { .. }
        | Transition::ConsumerGone { .. }
        | Transition::QueueGone { .. }
        | Transition::QueueReady { .. } => return Ok(Effect { settles: false, shards: 0 }),
    };
    if !(1..=SHARDS_AT_ONCE_MAX).contains(&shards) {
        return Err("no operation makes so many shards at once");
    }
    Ok(Effect { settles, shards })
}

/// Refuses a change that nobody can have begun on such a stream: while it is
/// CREATING it can be deleted and nothing else, and what ends UPDATING begins on a
/// stream that is ACTIVE.
fn check(change: &Transition, settles: bool, state: &StreamState) -> Result<(), &'static str> {
    let topology = &state.topology;
    match (change, state.status) {
        (Transition::Deleted, StreamStatus::Deleting) => return Ok(()),
        (Transition::Deleted, _) => return Err("it is not DELETING"),
        (Transition::Created { .. }, StreamStatus::Creating | StreamStatus::Deleting)
            if topology.shards().is_empty() =>
        {
            return Ok(());
        }
        (Transition::Created { .. }, _) => return Err("it has been made"),
        _ if topology.open_count() == 0 => return Err("it has no shards yet"),
        (_, StreamStatus::Updating | StreamStatus::Deleting) => {}
        (_, StreamStatus::Active | StreamStatus::Creating) if settles => {
            return Err("it is not UPDATING");
        }
        (_, StreamStatus::Active | StreamStatus::Creating) => {}
    }
    let possible = match change {
        // Shards of an on-demand stream may be split meanwhile, because they are busy.
        Transition::Split { .. } | Transition::Merged { .. }
            if state.mode == StreamMode::OnDemand =>
        {
            return Err("shards of an on-demand stream are not split or merged");
        }
        Transition::Split { parent, upper_start } => open_range(topology, *parent)
            .is_some_and(|range| range.start < *upper_start && *upper_start <= range.end),
        Transition::Merged { lower, upper } => open_range(topology, *lower)
            .zip(open_range(topology, *upper))
            .is_some_and(|(lower, upper)| are_neighbours(lower, upper)),
        _ => true,
    };
    if possible { Ok(()) } else { Err("its shards are not such that it could be made") }
}

/// Refuses more than any stream can be asked to be ready for.
pub(super) fn check_warm_throughput(mib_per_second: u32) -> Result<(), &'static str> {
    if mib_per_second > WARM_THROUGHPUT_MIBPS_MAX {
        return Err("no stream is ready for so many MiB per second");
    }
    Ok(())
}

fn open_range(topology: &Topology, shard: ShardIndex) -> Option<HashKeyRange> {
    let open = topology.shard(shard).filter(|shard| shard.closed.is_none());
    open.map(|shard| shard.hash_keys)
}
