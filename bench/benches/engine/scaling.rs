//! How the cost of a record depends on how much there is already.

use std::hint::black_box;
use std::time::Duration;

use kinesis_emulator::Timestamp;
use kinesis_emulator::measure::{BareEngine, BareRecord, Hashing, RETENTION};
use rand::RngExt;

use super::Outcome;
use super::row::Row;
use super::workload::{BATCH, DATA_BYTES, START, Taken, batches, chance, later, measure};

const RUNS: usize = 3;
const SHARDS: [u32; 5] = [1, 16, 256, 4096, 10_000];
/// Batches that are put into each number of shards.
const ROUNDS: usize = 2000;
const STORED_BYTES: [usize; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// Records that are put, looked for and read at each size.
const OPERATIONS: u64 = 200_000;
const PAGE: usize = 8;

/// By one thread, over more and more shards. A record that is put has just been
/// decoded, so each is looked at before; what that takes by itself does not count.
pub(crate) fn shards() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let own = batches(1, DATA_BYTES);
    let records = (ROUNDS * BATCH) as f64;
    let rounds = || own.iter().cycle().take(ROUNDS);
    let looks = measure(RUNS, || (), |()| rounds().flatten().for_each(look_at)).cpu;
    for shards in SHARDS {
        let ready = || BareEngine::new(shards, START);
        let in_batches = measure(RUNS, ready, |engine| {
            for batch in rounds() {
                batch.iter().for_each(look_at);
                black_box(engine.append_all(batch, Hashing::Before, START));
            }
        });
        rows.push(per_record("PutRecords of 500", shards, (in_batches.cpu - looks) / records));
        let singly = measure(RUNS, ready, |engine| {
            for record in rounds().flatten() {
                look_at(record);
                black_box(engine.append(record, START));
            }
        });
        rows.push(per_record("PutRecord", shards, (singly.cpu - looks) / records));
        let engine = ready();
        put(&engine, &own, ROUNDS);
        let read = measure(
            RUNS,
            || (),
            |()| {
                for shard in 0..shards {
                    let mut next = 1;
                    while let reading = engine.read(shard, next, 10_000, START)
                        && reading.records > 0
                    {
                        next = black_box(reading).next_index;
                    }
                }
            },
        );
        rows.push(per_record("GetRecords", shards, read.cpu / records));
    }
    Ok(rows)
}

fn per_record(what: &str, shards: u32, seconds: f64) -> Row {
    let plural = if shards == 1 { "" } else { "s" };
    Row::new(format!("{what}, {shards} shard{plural}"), seconds * 1e9, "ns per record")
}

/// Has the processor fetch a record's bytes.
fn look_at(record: &BareRecord) {
    let bytes = record.partition_key().as_bytes().iter().chain(record.data());
    black_box(bytes.fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
}

fn put(engine: &BareEngine, batches: &[Vec<BareRecord>], rounds: usize) {
    for batch in batches.iter().cycle().take(rounds) {
        black_box(engine.append_all(batch, Hashing::Before, START));
    }
}

/// In one shard that holds more and more.
pub(crate) fn stored_bytes() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let own: Vec<_> = batches(1, DATA_BYTES).into_iter().flatten().collect();
    for stored_bytes in STORED_BYTES {
        let stored = (stored_bytes / own[0].bytes()) as u64;
        // One record expires for each that is put, to the millisecond.
        let step = Duration::from_millis(RETENTION.as_millis() as u64 / stored);
        let filled = || {
            let engine = BareEngine::new(1, START);
            for (record, number) in own.iter().cycle().zip(0..stored) {
                engine.append(record, later(step, number));
            }
            engine
        };
        let mut times = |what: &str, unit, taken: Taken| {
            let what = format!("{what}, {stored_bytes} bytes stored");
            rows.push(Row::new(what, taken.cpu * 1e9 / OPERATIONS as f64, unit));
        };
        let puts = measure(RUNS, filled, |engine| {
            let numbers = stored..stored + OPERATIONS;
            for (record, number) in own.iter().cycle().zip(numbers) {
                black_box(engine.append(record, later(step, number)));
            }
        });
        times("PutRecord, as many expire", "ns per record", puts);
        let engine = filled();
        let now = later(step, stored);
        let places = |seed| {
            let mut chance = chance(seed);
            (0..OPERATIONS).map(move |_| chance.random_range(0..stored))
        };
        let reads = measure(
            RUNS,
            || places(1),
            |places| {
                places.for_each(|place| {
                    let _ = black_box(engine.read(0, place, PAGE, now));
                });
            },
        );
        times("GetRecords of 8 anywhere", "ns per call", reads);
        let by_time = measure(
            RUNS,
            || places(2),
            |places| {
                places.for_each(|place| {
                    black_box(engine.index_at_time(0, later(step, place), now));
                });
            },
        );
        times("AT_TIMESTAMP", "ns per lookup", by_time);
        let by_number = measure(
            RUNS,
            || places(3),
            |places| {
                places.for_each(|place| {
                    black_box(engine.index_at_number(0, place, now));
                });
            },
        );
        times("AT_SEQUENCE_NUMBER", "ns per lookup", by_number);
    }
    Ok(rows)
}

/// What is done to a whole stream, per shard.
pub(crate) fn control() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let now: Timestamp = later(Duration::from_secs(1), 1);
    for shards in [100, 1000, 5000] {
        let ready = || BareEngine::new(shards, START);
        let mut times = |what: &str, taken: Taken| {
            let nanos = taken.wall * 1e9 / f64::from(shards);
            rows.push(Row::new(format!("{what}, {shards} shards"), nanos, "ns per shard"));
        };
        times("CreateStream", measure(RUNS, || (), |()| drop(ready())));
        let up = measure(RUNS, ready, |engine| engine.rescale(shards * 2, now));
        times("UpdateShardCount to twice as many", up);
        let uneven = measure(RUNS, ready, |engine| engine.rescale(shards * 3 / 2, now));
        times("UpdateShardCount to half as many more", uneven);
        let down = measure(RUNS, ready, |engine| engine.rescale(shards / 2, now));
        times("UpdateShardCount to half as many", down);
        times("snapshot", measure(RUNS, ready, |engine| engine.freeze(now)));
    }
    Ok(rows)
}
