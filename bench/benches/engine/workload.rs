//! The records that are stored, and the time at which.

use std::time::Duration;

use kinesis_bench::measure::clock::Stopwatch;
use kinesis_bench::measure::process;
use kinesis_emulator::Timestamp;
use kinesis_emulator::measure::BareRecord;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

pub(crate) const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// What PutRecords takes.
pub(crate) const BATCH: usize = 500;
pub(crate) const DATA_BYTES: usize = 100;
/// More keys than a cache holds, fewer than are slow to make.
const KEYS: usize = 64 * BATCH;

/// Batches of records whose keys fall anywhere.
pub(crate) fn batches(seed: u64, data_bytes: usize) -> Vec<Vec<BareRecord>> {
    let mut chance = chance(seed);
    let mut record = || {
        let key = format!("customer-{:08}", chance.random_range(0..100_000_000));
        BareRecord::new(&key, vec![b'x'; data_bytes])
    };
    let count = (KEYS * DATA_BYTES / data_bytes).max(BATCH) / BATCH;
    (0..count).map(|_| (0..BATCH).map(|_| record()).collect()).collect()
}

pub(crate) fn chance(seed: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed)
}

/// The time so many steps later.
pub(crate) fn later(step: Duration, steps: u64) -> Timestamp {
    START.plus(Duration::from_millis(step.as_millis() as u64 * steps))
}

/// What a run takes, in seconds: the median of several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// On the clock on the wall.
    pub(crate) wall: f64,
    /// Of all processors together, which other processes hardly change. The wall
    /// clock's where the system does not say.
    pub(crate) cpu: f64,
}

/// Makes several runs. Each is made ready without being measured.
pub(crate) fn measure<T>(
    runs: usize,
    mut ready: impl FnMut() -> T,
    mut run: impl FnMut(&mut T),
) -> Taken {
    let cpu_seconds = || process::usage("self").map(|usage| usage.cpu_seconds);
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut prepared = ready();
        let (stopwatch, before) = (Stopwatch::start(), cpu_seconds());
        run(&mut prepared);
        let seconds = stopwatch.elapsed().as_secs_f64();
        wall.push(seconds);
        cpu.push(before.zip(cpu_seconds()).map_or(seconds, |(then, now)| now - then));
    }
    Taken { wall: median(wall), cpu: median(cpu) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
