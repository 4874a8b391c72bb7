//! Whether the target kept its promises: a pure function of what was
//! acknowledged and what was read.
//!
//! Laws checked: each acknowledged record is read, once, unaltered, after the
//! earlier records of its key, on the shard that owns its hash key.
//! Absent: calls and clocks.

pub mod marks;

use std::collections::HashMap;

use crate::load::keys::KeyPlan;
use crate::load::payload;
use crate::load::shard_map::ShardMap;

/// A put that the target acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// Which record.
    pub record: usize,
    /// The shard the target named.
    pub shard_id: String,
    /// The sequence number the target gave.
    pub sequence_number: String,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Its place among all records read by all tasks.
    pub turn: usize,
    /// Its partition key.
    pub partition_key: String,
    /// Its sequence number.
    pub sequence_number: String,
    /// Its data.
    pub data: Vec<u8>,
}

/// All that was read from one shard, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReading {
    /// The shard that was read.
    pub shard_id: String,
    /// What came.
    pub records: Vec<Read>,
}

/// One law, how often it was broken, and the first case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breach {
    /// How many records broke the law.
    pub count: u64,
    first: Option<String>,
}

/// The laws, and how often each was broken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and never read.
    pub lost: Breach,
    /// Read more than once.
    pub duplicated: Breach,
    /// Acknowledged or read on a shard that does not own the hash key.
    pub misrouted: Breach,
    /// Read after a later record of the same key.
    pub out_of_order: Breach,
    /// Read with data, key or sequence number that were never acknowledged.
    pub altered: Breach,
}

impl Verdict {
    /// Compares what was read with what was acknowledged.
    #[must_use]
    pub fn new(plan: &KeyPlan, map: &ShardMap, acks: &[Acked], readings: &[ShardReading]) -> Self {
        let mut verdict = Self::default();
        let mut fates = vec![Fate::default(); plan.records()];
        for ack in acks {
            fates[ack.record].ack = Some(ack);
            verdict.check_shard(plan, map, ack.record, &ack.shard_id, "acknowledged by");
        }
        for reading in readings {
            verdict.check_reading(plan, map, &mut fates, reading);
        }
        for (record, fate) in fates.iter().enumerate() {
            if let Fate { ack: Some(ack), times_read: 0 } = fate {
                verdict.lost.add(|| {
                    let shard = &ack.shard_id;
                    format!("{} was acknowledged by {shard} and never read", name(record))
                });
            }
        }
        verdict
    }

    /// Whether every law held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.laws().iter().all(|(_, breach)| breach.count == 0)
    }

    /// One sentence for each law that was broken.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let broken = self.laws().into_iter().filter_map(|(law, breach)| {
            let first = breach.first.as_ref()?;
            let noun = if breach.count == 1 { "record" } else { "records" };
            Some(format!("{} {noun} {law}: {first}", breach.count))
        });
        broken.collect()
    }

    fn laws(&self) -> [(&'static str, &Breach); 5] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("misrouted", &self.misrouted),
            ("out of order", &self.out_of_order),
            ("altered", &self.altered),
        ]
    }

    fn check_reading(
        &mut self,
        plan: &KeyPlan,
        map: &ShardMap,
        fates: &mut [Fate<'_>],
        reading: &ShardReading,
    ) {
        let shard = &reading.shard_id;
        let mut last_of_key: HashMap<&str, usize> = HashMap::new();
        for read in &reading.records {
            let Some(record) = identify(plan, read) else {
                self.altered.add(|| {
                    let data = String::from_utf8_lossy(&read.data);
                    format!("{} ⇒ {data} was read from {shard} and never put", read.partition_key)
                });
                continue;
            };
            let fate = &mut fates[record];
            fate.times_read += 1;
            if fate.times_read > 1 {
                self.duplicated.add(|| format!("{} was read again from {shard}", name(record)));
                continue;
            }
            if fate.ack.is_none_or(|ack| ack.sequence_number != read.sequence_number) {
                self.altered.add(|| {
                    let number = &read.sequence_number;
                    format!("{} has sequence number {number}, its ack had not", name(record))
                });
            }
            self.check_shard(plan, map, record, shard, "read from");
            let last = last_of_key.entry(&read.partition_key).or_insert(record);
            if record < *last {
                self.out_of_order.add(|| {
                    let key = &read.partition_key;
                    format!("{} of key {key} was read after {}", name(record), name(*last))
                });
            }
            *last = record.max(*last);
        }
    }

    fn check_shard(
        &mut self,
        plan: &KeyPlan,
        map: &ShardMap,
        record: usize,
        shard_id: &str,
        seen: &str,
    ) {
        let owner = &map.shards()[map.owner(plan.key(record).hash_key())].shard_id;
        if owner != shard_id {
            self.misrouted.add(|| {
                format!("{} was {seen} {shard_id}, its hash key is {owner}'s", name(record))
            });
        }
    }
}

impl Breach {
    fn add(&mut self, tell: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(tell);
    }
}

/// What became of one record.
#[derive(Debug, Clone, Default)]
struct Fate<'a> {
    ack: Option<&'a Acked>,
    times_read: u32,
}

/// The record of the plan that has this key and this data.
fn identify(plan: &KeyPlan, read: &Read) -> Option<usize> {
    let record = payload::record_of(&read.data)?;
    let planned = record < plan.records() && plan.key(record).partition_key == read.partition_key;
    planned.then_some(record)
}

fn name(record: usize) -> String {
    payload::data(record)
}

#[cfg(test)]
mod tests;
