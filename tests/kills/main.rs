//! Kills the emulator again and again while it is being used, and looks whether
//! all that it had answered is there.
//!
//! `KILLS=2000 cargo test -p kinesis-tests --test kills` kills 2,000 times, a few
//! dozen times without. `SEED=7` repeats what is called and when; which call a kill
//! falls into is up to the machine. `EMULATOR=PROGRAM` kills that one; without,
//! this very program is the emulator's binary.
//!
//! One thread per worker, each with streams of its own, so that what was called
//! has one order. SIGKILL comes after a random number of answers, or in the
//! middle of a start. After each the next emulator has the same directory, and
//! everything in it is read and held against what was answered:
//! * every acknowledged record is there once, in its shard, in order, with its
//!   sequence number;
//! * a call that was not answered did all or nothing;
//! * every acknowledged control call is in force;
//! * no record comes out of a queue again that was acknowledged there.

#[path = "../it/model/chance.rs"]
#[allow(dead_code, reason = "the model tests use more of it")]
mod chance;
mod emulator;
mod http;
mod queue;
mod stream;
mod worker;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use chance::Chance;
use emulator::{Emulator, SERVES};
use worker::{Counts, Worker};

/// Kills if nobody asks for more: a few seconds.
const KILLS: u64 = 30;
const WORKERS: u64 = 5;

/// Nobody is told that the emulator is up until it answers, so long at most.
const LIFE_MAX: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    if env::var_os(SERVES).is_some() {
        return emulator::serve();
    }
    // `cargo test WORD` runs only what has the word in its name.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let name = "kills: all that was answered survives";
    if env::args().any(|word| word == "--list")
        || !(words.is_empty() || words.iter().any(|word| name.contains(word.as_str())))
    {
        return ExitCode::SUCCESS;
    }
    let kills = number("KILLS").unwrap_or(KILLS);
    let seed = number("SEED").unwrap_or_else(any_seed);
    println!("{name}: {kills} kills, SEED={seed}");
    let folder = env::temp_dir().join(format!("kinesis-kills-{}", std::process::id()));
    let mut run = Run::new(seed, folder.clone());
    for kill in 0..kills {
        run.live_and_die(kill);
        if (kill + 1).is_multiple_of(100) {
            println!("{} kills: {}", kill + 1, run.counts());
        }
    }
    run.audit();
    let (counts, starts) = (run.counts(), run.killed_in_starts);
    println!("{kills} kills, {starts} of them in a start: {counts}");
    drop(run);
    // What is left tells why it failed, so it goes only now.
    std::fs::remove_dir_all(&folder).expect("the folder is there");
    ExitCode::SUCCESS
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[expect(clippy::disallowed_methods, reason = "a seed that nobody has tried; it is printed")]
fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64 % 1_000_000)
}

/// All lives on one directory.
struct Run {
    chance: Chance,
    folder: PathBuf,
    workers: Vec<Worker>,
    killed_in_starts: u64,
}

impl Run {
    fn new(seed: u64, folder: PathBuf) -> Self {
        let mut chance = Chance::new(seed);
        let workers = (0..WORKERS).map(|id| Worker::new(id, chance.next())).collect();
        Self { chance, folder, workers, killed_in_starts: 0 }
    }

    fn counts(&self) -> Counts {
        self.workers.iter().map(|worker| worker.counts).sum()
    }

    /// Starts, audits what the life before has left, calls, and is killed.
    fn live_and_die(&mut self, kill: u64) {
        let checkpoints_are_frequent = self.chance.one_in(2);
        if self.chance.one_in(6) {
            self.killed_in_starts += 1;
            let mut emulator = Emulator::spawn(&self.folder, checkpoints_are_frequent);
            let (_never, end) = mpsc::channel::<()>();
            let within = Duration::from_micros(self.chance.below(60_000));
            // Nobody sends: it is a kill after some time, whatever is done by then.
            let _ = end.recv_timeout(within);
            emulator.kill();
            return;
        }
        let mut emulator = Emulator::start(&self.folder, checkpoints_are_frequent);
        let address = emulator.address();
        let calls = 1 + self.chance.below(400);
        let (answered, answers) = mpsc::channel();
        thread::scope(|scope| {
            for worker in &mut self.workers {
                let answered = answered.clone();
                scope.spawn(move || worker.live(address, &answered));
            }
            drop(answered);
            for _ in 0..calls {
                if answers.recv_timeout(LIFE_MAX).is_err() {
                    // Workers end before their emulator only when they panic.
                    break;
                }
            }
            emulator.kill();
        });
        if kill.is_multiple_of(50) {
            self.audit();
        }
    }

    /// Starts once more to look, and ends in peace.
    fn audit(&mut self) {
        let mut emulator = Emulator::start(&self.folder, false);
        for worker in &mut self.workers {
            worker.audit(emulator.address()).expect("nobody kills it");
        }
        emulator.end();
    }
}
