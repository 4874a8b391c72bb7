//! The same laws for runs of any size and payload: every record leaves a mark of
//! fixed size when it is acknowledged and another one when it is read.
//!
//! A mark has hashes in place of texts. They are 64 bits wide: among ten million
//! records two are mistaken for each other once in 300,000 runs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Verdict;

/// What is kept of an acknowledged record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckMark {
    /// Its number; numbers of one task rise in the order of their calls.
    pub number: u64,
    /// The task that put it.
    pub task: u32,
    /// The hash key that decides its shard.
    pub hash_key: u128,
    /// Of the partition key.
    pub key: u64,
    /// Of the shard's id.
    pub shard: u64,
    /// Of the sequence number.
    pub sequence: u64,
    /// Of the data.
    pub data: u64,
}

/// What is kept of a record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// Of the partition key.
    pub key: u64,
    /// Of the sequence number.
    pub sequence: u64,
    /// Of the data.
    pub data: u64,
}

/// A shard, what it owns, and what was read from it in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMarks {
    /// Its id.
    pub shard_id: String,
    /// The least hash key it owns.
    pub first: u128,
    /// The greatest hash key it owns.
    pub last: u128,
    /// What came.
    pub reads: Vec<ReadMark>,
}

/// Which laws hold for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Laws {
    /// Records of a key that one task put one after the other come in that order.
    pub is_ordered: bool,
    /// Nobody else writes to the stream.
    pub is_alone: bool,
}

impl Laws {
    /// All of them.
    pub const ALL: Self = Self { is_ordered: true, is_alone: true };
}

/// The hash that marks are made of.
#[must_use]
pub fn mark(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Compares what was read with what was acknowledged.
#[must_use]
pub fn judge(acks: &[AckMark], shards: &[ShardMarks], laws: Laws) -> Verdict {
    let mut verdict = Verdict::default();
    let names: HashMap<u64, &ShardMarks> =
        shards.iter().map(|shard| (mark(&*shard.shard_id), shard)).collect();
    let mut fates: HashMap<(u64, u64), (&AckMark, u32)> = HashMap::with_capacity(acks.len());
    for ack in acks {
        let number = ack.number;
        match names.get(&ack.shard) {
            Some(shard) if shard.owns(ack.hash_key) => {}
            Some(shard) => verdict.misrouted.add(|| {
                format!(
                    "record {number} was acknowledged by {}, which does not own its hash key",
                    shard.shard_id
                )
            }),
            None => verdict.misrouted.add(|| {
                format!("record {number} was acknowledged by a shard that ListShards does not know")
            }),
        }
        if let Some((other, _)) = fates.insert((ack.shard, ack.sequence), (ack, 0)) {
            verdict.altered.add(|| {
                format!("records {} and {number} were given the same sequence number", other.number)
            });
        }
    }
    for shard in shards {
        judge_shard(&mut verdict, &mut fates, shard, laws);
    }
    for (ack, _) in fates.values().filter(|(_, reads)| *reads == 0) {
        let shard = names.get(&ack.shard).map_or("a shard", |shard| &*shard.shard_id);
        let number = ack.number;
        verdict.lost.add(|| format!("record {number} was acknowledged by {shard} and never read"));
    }
    verdict
}

fn judge_shard(
    verdict: &mut Verdict,
    fates: &mut HashMap<(u64, u64), (&AckMark, u32)>,
    shard: &ShardMarks,
    laws: Laws,
) {
    let id = &shard.shard_id;
    let here = mark(&**id);
    let mut last_of: HashMap<(u64, u32), u64> = HashMap::new();
    for read in &shard.reads {
        let Some((ack, reads)) = fates.get_mut(&(here, read.sequence)) else {
            if laws.is_alone {
                verdict.altered.add(|| format!("{id} holds a record that was never acknowledged"));
            }
            continue;
        };
        *reads += 1;
        let number = ack.number;
        if *reads > 1 {
            verdict.duplicated.add(|| format!("record {number} was read again from {id}"));
            continue;
        }
        if ack.data != read.data || ack.key != read.key {
            verdict.altered.add(|| format!("record {number} came back from {id} as another one"));
        }
        let last = last_of.entry((ack.key, ack.task)).or_insert(number);
        if laws.is_ordered && number < *last {
            let last = *last;
            verdict
                .out_of_order
                .add(|| format!("record {number} was read after {last} of its key from {id}"));
        }
        *last = number.max(*last);
    }
}

impl ShardMarks {
    fn owns(&self, hash_key: u128) -> bool {
        (self.first..=self.last).contains(&hash_key)
    }
}

#[cfg(test)]
mod tests {
    use super::{AckMark, Laws, ReadMark, ShardMarks, judge, mark};

    /// Eight records of two tasks over two shards, as an honest target answers them.
    fn honest() -> (Vec<AckMark>, Vec<ShardMarks>) {
        let half = u128::MAX / 2;
        let mut shards = [("shardId-0", 0, half), ("shardId-1", half + 1, u128::MAX)].map(
            |(shard_id, first, last)| ShardMarks {
                shard_id: shard_id.to_owned(),
                first,
                last,
                reads: vec![],
            },
        );
        let acks = (0..8_u64).map(|number| {
            let shard = (number % 2) as usize;
            let read = ReadMark {
                key: mark(&shard),
                sequence: mark(&("sequence", number)),
                data: mark(&("data", number)),
            };
            shards[shard].reads.push(read);
            let ReadMark { key, sequence, data } = read;
            AckMark {
                number,
                task: u32::from(number > 3),
                hash_key: shards[shard].first,
                key,
                shard: mark(&*shards[shard].shard_id),
                sequence,
                data,
            }
        });
        (acks.collect(), shards.into())
    }

    /// Lost, duplicated, misrouted, out of order, altered.
    fn counts(acks: &[AckMark], shards: &[ShardMarks]) -> [u64; 5] {
        judge(acks, shards, Laws::ALL).laws().map(|(_, breach)| breach.count)
    }

    #[test]
    fn an_honest_run_holds() {
        let (acks, shards) = honest();
        assert_eq!(counts(&acks, &shards), [0; 5]);
        // Two tasks that share a key may come in any order.
        let (acks, mut shards) = honest();
        shards[0].reads.rotate_left(2);
        assert_eq!(counts(&acks, &shards), [0; 5]);
    }

    #[test]
    fn each_broken_law_is_counted() {
        type Break = fn(&mut Vec<AckMark>, &mut Vec<ShardMarks>);
        let broken: [(Break, [u64; 5]); 8] = [
            (|_, shards| shards[0].reads.truncate(3), [1, 0, 0, 0, 0]),
            (|_, shards| shards[1].reads.extend_from_within(..1), [0, 1, 0, 0, 0]),
            (|_, shards| shards[0].reads.swap(0, 1), [0, 0, 0, 1, 0]),
            (|_, shards| shards[0].reads[1].data += 1, [0, 0, 0, 0, 1]),
            (|_, shards| shards[0].reads[1].key += 1, [0, 0, 0, 0, 1]),
            (|acks, _| acks[0].hash_key = u128::MAX, [0, 0, 1, 0, 0]),
            (|acks, _| acks.truncate(7), [0, 0, 0, 0, 1]),
            (
                |_, shards| {
                    let astray = shards[0].reads.pop().unwrap();
                    shards[1].reads.push(astray);
                },
                [1, 0, 0, 0, 1],
            ),
        ];
        for (case, (break_it, expected)) in broken.into_iter().enumerate() {
            let (mut acks, mut shards) = honest();
            break_it(&mut acks, &mut shards);
            assert_eq!(counts(&acks, &shards), expected, "case {case}");
        }
    }

    #[test]
    fn records_of_others_are_theirs_on_a_stream_that_is_shared() {
        let (mut acks, shards) = honest();
        acks.pop();
        let verdict = judge(&acks, &shards, Laws { is_alone: false, ..Laws::ALL });
        assert!(verdict.holds());
    }
}
