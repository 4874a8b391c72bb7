//! What all cores store and read together.

use std::thread;

use kinesis_emulator::Timestamp;
use kinesis_emulator::measure::{BareEngine, BareRecord, Hashing};
use stats_alloc::Region;

use super::row::Row;
use super::workload::{BATCH, DATA_BYTES, START, Taken, batches, measure};
use super::{ALLOCATOR, Outcome};

const SHARDS: u32 = 4096;
const RUNS: usize = 3;
/// Batches that each thread puts: enough for every shard to close segments.
const ROUNDS: usize = 3000;
const PAGE: usize = 10_000;

/// Puts by every thread at once. A run before those that count is not counted: in a
/// fresh process it waits for the system to give the memory out.
pub(crate) fn puts() -> Outcome<Vec<Row>> {
    let threads = thread::available_parallelism()?.get();
    let mut rows = Vec::new();
    let ways: [(&str, Put, Option<f64>); 3] = [
        ("PutRecords of 500, keys hashed before", put_batch, Some(5e6)),
        ("PutRecords of 500, with the MD5", hash_and_put_batch, None),
        ("PutRecord, keys hashed before", put_each, None),
    ];
    for (name, put, target) in ways {
        rows.extend(rates(name, threads, &taken(threads, put), target));
    }
    Ok(rows)
}

/// Records per second on the clock, and what that would be if all cores had
/// nothing else to do.
fn rates(what: &str, threads: usize, taken: &Taken, target: Option<f64>) -> [Row; 2] {
    let records = (threads * ROUNDS * BATCH) as f64;
    let row = |how: &str, per_second| {
        let row = Row::new(format!("{what}, {threads} threads, {how}"), per_second, "records/s");
        match target {
            Some(bound) => row.at_least(bound),
            None => row,
        }
    };
    let alone = records / taken.cpu * threads as f64;
    [row("as it went", records / taken.wall), row("by processor time", alone)]
}

type Put = fn(&BareEngine, &[BareRecord], Timestamp);

fn put_batch(engine: &BareEngine, batch: &[BareRecord], now: Timestamp) {
    assert_eq!(engine.append_all(batch, Hashing::Before, now), batch.len());
}

fn hash_and_put_batch(engine: &BareEngine, batch: &[BareRecord], now: Timestamp) {
    assert_eq!(engine.append_all(batch, Hashing::Included, now), batch.len());
}

fn put_each(engine: &BareEngine, batch: &[BareRecord], now: Timestamp) {
    for record in batch {
        engine.append(record, now);
    }
}

fn taken(threads: usize, put: Put) -> Taken {
    let ready = || {
        let own = |thread| batches(thread as u64, DATA_BYTES);
        (BareEngine::new(SHARDS, START), (0..threads).map(own).collect::<Vec<_>>())
    };
    let run = |(engine, batches): &mut (BareEngine, Vec<Vec<Vec<BareRecord>>>)| {
        let engine = &*engine;
        thread::scope(|scope| {
            for own in batches {
                scope.spawn(move || put_rounds(engine, own, put));
            }
        });
    };
    run(&mut ready());
    measure(RUNS, ready, run)
}

fn put_rounds(engine: &BareEngine, batches: &[Vec<BareRecord>], put: Put) {
    for round in 0..ROUNDS {
        let batch = round % batches.len();
        put(engine, &batches[batch], START);
    }
}

/// Reads by every thread at once, each of its own shards.
pub(crate) fn reads() -> Outcome<Vec<Row>> {
    let threads = thread::available_parallelism()?.get();
    let engine = BareEngine::new(SHARDS, START);
    for thread in 0..threads {
        put_rounds(&engine, &batches(thread as u64, DATA_BYTES), put_batch);
    }
    let taken = measure(
        RUNS,
        || (),
        |()| {
            thread::scope(|scope| {
                for thread in 0..threads as u32 {
                    let engine = &engine;
                    scope.spawn(move || {
                        (thread..SHARDS).step_by(threads).for_each(|shard| read(engine, shard));
                    });
                }
            });
        },
    );
    Ok(rates("GetRecords to the end of each shard", threads, &taken, Some(20e6)).into())
}

fn read(engine: &BareEngine, shard: u32) {
    let mut next = 1;
    loop {
        let reading = engine.read(shard, next, PAGE, START);
        assert_eq!(reading.bytes, reading.records * (DATA_BYTES + "customer-00000000".len()));
        next = reading.next_index;
        if reading.millis_behind_latest == 0 {
            break;
        }
    }
}

/// Calls of the allocator, by one thread.
pub(crate) fn allocations() -> Outcome<Vec<Row>> {
    let engine = BareEngine::new(SHARDS, START);
    let own = batches(1, DATA_BYTES);
    put_rounds(&engine, &own, put_batch);
    let mut rows = Vec::new();
    let ways: [(&str, Put); 2] = [("PutRecords of 500", put_batch), ("PutRecord", put_each)];
    for (name, put) in ways {
        let region = Region::new(&ALLOCATOR);
        put_rounds(&engine, &own, put);
        let change = region.change();
        let calls = (change.allocations + change.reallocations) as f64;
        rows.push(Row::new(name, calls / (ROUNDS * BATCH) as f64, "allocations per record"));
    }
    Ok(rows)
}
