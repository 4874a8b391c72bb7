//! Where a reader stands: starting positions, and reading on from one.

use std::task::Waker;

use crate::model::limits::Limits;
use crate::model::timestamp::Timestamp;

use super::log::{Batch, Log};
use super::topology::Shard;

/// How much one read returns at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadLimits {
    pub(crate) records_max: usize,
    /// Data and keys; one record is returned even if it is larger.
    pub(crate) bytes_max: usize,
}

/// A starting position whose parameters have been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the oldest record.
    TrimHorizon,
    /// After the newest record.
    Latest,
    /// At a record's index, or the first one after it that is still there.
    AtIndex(u64),
    /// At the record of a number with this index and time. A number of the same index
    /// and a later time is that of no record: it lies before the next one.
    AtNumber { index: u64, seconds: u64 },
    /// At the first record that arrived at a time or later.
    AtTime(Timestamp),
}

impl Start {
    /// The index of the next record to read.
    pub(crate) fn resolve(self, shard: &Shard, horizon: Timestamp) -> u64 {
        self.resolve_locked(&mut shard.log.lock(), horizon)
    }

    /// The same for GetShardIterator, whose calls are limited. `None` if the
    /// shard has answered as many as it does.
    pub(crate) fn resolve_within(
        self,
        shard: &Shard,
        horizon: Timestamp,
        limits: Option<&Limits>,
        now: Timestamp,
    ) -> Option<u64> {
        let mut log = shard.log.lock();
        let admitted = limits.is_none_or(|limits| log.usage().admit_iterator(limits, now));
        admitted.then(|| self.resolve_locked(&mut log, horizon))
    }

    fn resolve_locked(self, log: &mut Log, horizon: Timestamp) -> u64 {
        log.trim(horizon);
        match self {
            Self::TrimHorizon => log.start(),
            Self::Latest => log.end(),
            Self::AtIndex(index) => index.clamp(log.start(), log.end()),
            Self::AtNumber { index, seconds } => {
                let record = log.sequence_number_at(index);
                let is_later = record.is_some_and(|record| record.seconds < seconds);
                (index + u64::from(is_later)).clamp(log.start(), log.end())
            }
            Self::AtTime(time) => log.index_at(time),
        }
    }
}

/// What a reader gets.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) batch: Batch,
    /// How far the reader is behind: 0 only when nothing is left to read.
    pub(crate) millis_behind_latest: u64,
    /// Whether the shard is closed and has been read to its end.
    pub(crate) at_shard_end: bool,
}

/// Reads on from an index, as GetRecords does. `None` if the shard is closed to
/// readers for now: `throughput` says what they may have, if that is limited.
pub(crate) fn read(
    shard: &Shard,
    next_index: u64,
    limits: ReadLimits,
    now: Timestamp,
    horizon: Timestamp,
    throughput: Option<&Limits>,
) -> Option<Progress> {
    let mut log = shard.log.lock();
    if let Some(throughput) = throughput
        && !log.usage().admit_read(throughput, now)
    {
        return None;
    }
    let progress = read_locked(shard, &mut log, next_index, limits, now, horizon);
    if let Some(throughput) = throughput {
        log.usage().charge_read(progress.batch.bytes(), throughput, now);
    }
    Some(progress)
}

/// Reads on from an index; a reader that finds nothing there is woken by the
/// next record, with no gap between looking and waiting.
pub(crate) fn read_or_wait(
    shard: &Shard,
    next_index: u64,
    limits: ReadLimits,
    now: Timestamp,
    horizon: Timestamp,
    (reader, waker): (u64, &Waker),
) -> Progress {
    let mut log = shard.log.lock();
    let progress = read_locked(shard, &mut log, next_index, limits, now, horizon);
    let before = match progress.batch.len() {
        0 => log.readers_at_end.register(reader, waker),
        _ => None,
    };
    drop(log);
    drop(before);
    progress
}

fn read_locked(
    shard: &Shard,
    log: &mut Log,
    next_index: u64,
    limits: ReadLimits,
    now: Timestamp,
    horizon: Timestamp,
) -> Progress {
    log.trim(horizon);
    let batch = log.read(next_index, limits.records_max, limits.bytes_max);
    let millis_behind_latest = millis_behind(log, batch.next, now);
    let at_shard_end = shard.closed.is_some() && batch.next == log.end();
    Progress { batch, millis_behind_latest, at_shard_end }
}

/// How long ago the next record arrived. A record of this very millisecond is
/// still unread, and readers stop at 0: it counts as one.
fn millis_behind(log: &Log, next_index: u64, now: Timestamp) -> u64 {
    match log.arrival_at(next_index) {
        Some(arrival) => (now.since(arrival).as_millis() as u64).max(1),
        None => 0,
    }
}
