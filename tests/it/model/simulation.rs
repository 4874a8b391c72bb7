//! A million calls: the workload from many seeds, on every core.
//!
//! A failure prints its seed and the command that repeats it. `SEED=n` runs one
//! seed, `CALLS=n` makes so many calls in all.

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::workload::{Seen, Workload};

const CALLS_PER_SEED: usize = 500;
/// Calls of a plain `cargo test`; `.ci/run` asks for a million.
const CALLS: usize = 50_000;
/// The same where the process ends now and then.
const CALLS_OF_KEPT: usize = 10_000;
/// Seeds that stay, so that what was found once is looked at again; the others
/// nobody has tried yet.
const SEEDS_THAT_STAY: usize = 24;

#[test]
fn whatever_is_called_the_auditor_agrees() {
    if let Some(seed) = number("SEED") {
        println!("{:?}", run(seed as u64));
        return;
    }
    let runs = number("CALLS").unwrap_or(CALLS).div_ceil(CALLS_PER_SEED);
    let next = AtomicUsize::new(0);
    let fresh = RandomState::new();
    let work = || {
        let mut seen = Seen::default();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= runs {
                return seen;
            }
            let is_old = turn < SEEDS_THAT_STAY;
            seen.add(run(if is_old { turn as u64 } else { fresh.hash_one(turn) >> 32 }));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(runs);
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            seen.add(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    println!("{seen:?}");
    seen.assert_interesting();
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..8 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(0).digest, run(1).digest);
}

#[test]
fn whatever_is_called_survives_the_end_of_the_process() {
    if let Some(seed) = number("SEED") {
        println!("{:?}", run_kept(seed as u64));
        return;
    }
    let fresh = RandomState::new();
    let mut restarts = 0;
    for turn in 0..number("CALLS").unwrap_or(CALLS_OF_KEPT).div_ceil(CALLS_PER_SEED) {
        let is_old = turn < SEEDS_THAT_STAY;
        let seed = if is_old { turn as u64 } else { fresh.hash_one(turn) >> 32 };
        restarts += run_kept(seed).restarts;
    }
    assert!(restarts > 100, "{restarts}");
}

fn run_kept(seed: u64) -> Seen {
    let run = catch_unwind(AssertUnwindSafe(|| Workload::kept(seed).run(CALLS_PER_SEED)));
    run.unwrap_or_else(|panic| {
        eprintln!("repeat with: SEED={seed} cargo test -p kinesis-tests survives_the_end");
        resume_unwind(panic);
    })
}

fn run(seed: u64) -> Seen {
    let run = catch_unwind(AssertUnwindSafe(|| Workload::new(seed).run(CALLS_PER_SEED)));
    run.unwrap_or_else(|panic| {
        eprintln!("repeat with: SEED={seed} cargo test -p kinesis-tests whatever_is_called");
        resume_unwind(panic);
    })
}

fn number(variable: &str) -> Option<usize> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}
