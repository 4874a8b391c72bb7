//! Each way to break a promise is caught, and an honest run is not accused.

use super::{Acked, Read, ShardReading, Verdict};
use crate::load::keys::{KeyMode, KeyPlan};
use crate::load::payload;
use crate::load::shard_map::ShardMap;
use crate::load::shard_map::tests::even;

/// A run of eight records over two shards, two keys, as an honest target answers it.
struct Run {
    plan: KeyPlan,
    map: ShardMap,
    acks: Vec<Acked>,
    readings: Vec<ShardReading>,
}

impl Run {
    fn honest() -> Self {
        let map = even(2);
        let plan = KeyPlan::new(KeyMode::Uniform, &map, 8, 1).unwrap();
        let mut readings: Vec<ShardReading> = map
            .shards()
            .iter()
            .map(|shard| ShardReading { shard_id: shard.shard_id.clone(), records: vec![] })
            .collect();
        let acks = (0..8).map(|record| {
            let key = plan.key(record);
            let reading = &mut readings[map.owner(key.hash_key())];
            reading.records.push(Read {
                turn: record,
                partition_key: key.partition_key.clone(),
                sequence_number: format!("4965{record}"),
                data: payload::data(record).into_bytes(),
            });
            Acked {
                record,
                shard_id: reading.shard_id.clone(),
                sequence_number: format!("4965{record}"),
            }
        });
        let acks = acks.collect();
        Self { plan, map, acks, readings }
    }

    fn verdict(&self) -> Verdict {
        Verdict::new(&self.plan, &self.map, &self.acks, &self.readings)
    }

    /// Lost, duplicated, misrouted, out of order, altered.
    fn counts(&self) -> [u64; 5] {
        self.verdict().laws().map(|(_, breach)| breach.count)
    }
}

#[test]
fn an_honest_run_holds() {
    let verdict = Run::honest().verdict();
    assert!(verdict.holds());
    assert!(verdict.sentences().is_empty());
}

#[test]
fn a_record_never_read_is_lost() {
    let mut run = Run::honest();
    run.readings[0].records.pop();
    assert_eq!(run.counts(), [1, 0, 0, 0, 0]);
}

#[test]
fn a_record_read_twice_is_duplicated() {
    let mut run = Run::honest();
    let again = run.readings[1].records[0].clone();
    run.readings[1].records.push(again);
    assert_eq!(run.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn a_record_on_both_shards_is_duplicated() {
    let mut run = Run::honest();
    let again = run.readings[0].records[0].clone();
    run.readings[1].records.push(again);
    assert_eq!(run.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn a_record_read_from_another_shard_is_misrouted() {
    let mut run = Run::honest();
    let astray = run.readings[0].records.pop().unwrap();
    run.readings[1].records.push(astray);
    assert_eq!(run.counts(), [0, 0, 1, 0, 0]);
}

#[test]
fn a_record_acknowledged_by_another_shard_is_misrouted() {
    let mut run = Run::honest();
    let other = run.acks[1].shard_id.clone();
    run.acks[0].shard_id = other;
    assert_eq!(run.counts(), [0, 0, 1, 0, 0]);
}

#[test]
fn two_records_of_a_key_swapped_are_out_of_order() {
    let mut run = Run::honest();
    run.readings[0].records.swap(1, 2);
    assert_eq!(run.counts(), [0, 0, 0, 1, 0]);
}

#[test]
fn data_that_was_never_put_is_altered() {
    let mut run = Run::honest();
    run.readings[0].records[0].data = b"hello-9999".to_vec();
    assert_eq!(run.counts(), [1, 0, 0, 0, 1], "and the record itself is lost");
}

#[test]
fn a_key_that_is_not_the_record_s_is_altered() {
    let mut run = Run::honest();
    run.readings[0].records[0].partition_key = "pk-x".into();
    assert_eq!(run.counts(), [1, 0, 0, 0, 1], "and the record itself is lost");
}

#[test]
fn a_sequence_number_that_is_not_the_ack_s_is_altered() {
    let mut run = Run::honest();
    run.readings[0].records[0].sequence_number = "1".into();
    assert_eq!(run.counts(), [0, 0, 0, 0, 1]);
}

#[test]
fn a_breach_is_told_with_its_first_case() {
    let mut run = Run::honest();
    run.readings[0].records.drain(2..);
    let sentences = run.verdict().sentences();
    assert_eq!(sentences.len(), 1);
    assert!(sentences[0].starts_with("2 records lost: hello-"), "{sentences:?}");
    assert!(sentences[0].ends_with("acknowledged by shardId-000000000000 and never read"));
}
