//! What could keep an emulator's writes: its own commit log beside embedded
//! stores, each asked for the same.
//!
//! `cargo bench -p kinesis-bench --features stores --bench stores [-- --markdown FILE]`
//!
//! Threads write records of 100 bytes and wait until each is synced to the disk.
//! The stores are measured as they are, every writer committing for itself, and
//! with one thread that commits for all what has piled up, as the log does. All
//! of it happens on one file system in one run, in turns: compare ratios.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use clap::Parser;
use fjall::{KeyspaceCreateOptions, PersistMode};
use kinesis_bench::measure::clock::{Stopwatch, block};
use kinesis_emulator::measure::BareLog;
use redb::TableDefinition;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const RECORD: [u8; 100] = [b'r'; 100];
const WRITERS: [usize; 3] = [1, 16, 256];
const ROUNDS: usize = 3;
const WINDOW: Duration = Duration::from_millis(1_500);
/// Between one store and the next.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);
/// Stacks of writers that do little.
const STACK_BYTES: usize = 256 * 1024;

/// What could keep an emulator's writes.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes the table to this file, too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where to write; what syncs fast or not at all says nothing
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Something that keeps records.
trait Store: Sync {
    /// Returns when all of them are synced.
    fn keep(&self, first: u64, records: u64) -> Outcome<()>;
}

type Open = fn(&Path) -> Outcome<Box<dyn Store + Send>>;

/// Name, how it is opened, and whether one thread commits for all.
const STORES: [(&str, Open, bool); 5] = [
    ("commit log", open_log, false),
    ("fjall, each writer commits", open_fjall, false),
    ("fjall, one commits for all", open_fjall, true),
    ("redb, each writer commits", open_redb, false),
    ("redb, one commits for all", open_redb, true),
];

fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("stores: measures under `cargo bench` only");
        return Ok(());
    }
    let arguments = Arguments::parse();
    let folder = arguments.folder.unwrap_or_else(env::temp_dir);
    let folder = folder.join(format!("kinesis-stores-{}", std::process::id()));
    let mut rates = vec![vec![Vec::new(); WRITERS.len()]; STORES.len()];
    let mut bytes = vec![0.0; STORES.len()];
    for round in 0..ROUNDS {
        for (place, writers) in WRITERS.into_iter().enumerate() {
            for turn in 0..STORES.len() {
                // Another one comes first in each round: large files that have just been
                // removed keep the disk busy for a while.
                let store = (turn + round * 2) % STORES.len();
                let (name, open, one_commits) = STORES[store];
                block(SETTLES_WITHIN);
                eprintln!("{name}, {writers} writers");
                fs::create_dir_all(&folder)?;
                let opened = open(&folder)?;
                let kept = measure(&*opened, writers, one_commits)?;
                drop(opened);
                rates[store][place].push(kept as f64 / WINDOW.as_secs_f64());
                bytes[store] = bytes_of(&folder)? as f64 / kept as f64;
                fs::remove_dir_all(&folder)?;
            }
        }
    }
    let table = table(&rates, &bytes);
    println!("{table}");
    if let Some(file) = arguments.markdown {
        fs::write(file, table)?;
    }
    Ok(())
}

/// How many records were kept within the window.
fn measure(store: &dyn Store, writers: usize, one_commits: bool) -> Outcome<u64> {
    let (kept, numbers, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (send, receive) = mpsc::sync_channel::<SyncSender<()>>(writers);
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        if one_commits {
            let (receive, numbers) = (&receive, &numbers);
            workers.push(scope.spawn(move || commit_for_all(store, receive, numbers)));
        }
        for _ in 0..writers {
            let (kept, numbers, is_over, send) = (&kept, &numbers, &is_over, send.clone());
            let write = move || -> Outcome<()> {
                let (done, told) = mpsc::sync_channel(1);
                while !is_over.load(Ordering::Relaxed) {
                    if one_commits {
                        send.send(done.clone())?;
                        told.recv()?;
                    } else {
                        store.keep(numbers.fetch_add(1, Ordering::Relaxed), 1)?;
                    }
                    kept.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            let writer = thread::Builder::new().stack_size(STACK_BYTES);
            workers.push(writer.spawn_scoped(scope, write)?);
        }
        drop(send);
        let watch = Stopwatch::start();
        block(WINDOW.saturating_sub(watch.elapsed()));
        let within = kept.load(Ordering::Relaxed);
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("a worker does not panic")?;
        }
        Ok(within)
    })
}

/// Commits what has piled up until nobody writes any more.
fn commit_for_all(
    store: &dyn Store,
    receive: &Mutex<Receiver<SyncSender<()>>>,
    numbers: &AtomicU64,
) -> Outcome<()> {
    let receive = receive.lock().expect("nobody else takes it");
    while let Ok(first) = receive.recv() {
        let waiting: Vec<_> = [first].into_iter().chain(receive.try_iter()).collect();
        let records = waiting.len() as u64;
        store.keep(numbers.fetch_add(records, Ordering::Relaxed), records)?;
        for writer in waiting {
            writer.send(())?;
        }
    }
    Ok(())
}

fn open_log(folder: &Path) -> Outcome<Box<dyn Store + Send>> {
    Ok(Box::new(BareLog::open(folder)?))
}

impl Store for BareLog {
    fn keep(&self, _first: u64, records: u64) -> Outcome<()> {
        (0..records).for_each(|_| self.push(&RECORD));
        Ok(self.sync()?)
    }
}

struct Fjall {
    database: fjall::Database,
    records: fjall::Keyspace,
}

fn open_fjall(folder: &Path) -> Outcome<Box<dyn Store + Send>> {
    let database = fjall::Database::builder(folder).open()?;
    let records = database.keyspace("records", KeyspaceCreateOptions::default)?;
    Ok(Box::new(Fjall { database, records }))
}

impl Store for Fjall {
    fn keep(&self, first: u64, records: u64) -> Outcome<()> {
        for number in first..first + records {
            self.records.insert(number.to_be_bytes(), RECORD)?;
        }
        Ok(self.database.persist(PersistMode::SyncData)?)
    }
}

const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");

fn open_redb(folder: &Path) -> Outcome<Box<dyn Store + Send>> {
    Ok(Box::new(redb::Database::create(folder.join("redb"))?))
}

impl Store for redb::Database {
    fn keep(&self, first: u64, records: u64) -> Outcome<()> {
        // It is synced when it is committed, unless it is told otherwise.
        let transaction = self.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for number in first..first + records {
                table.insert(number, RECORD.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }
}

fn bytes_of(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn table(rates: &[Vec<Vec<f64>>], bytes: &[f64]) -> String {
    let median = |figures: &Vec<f64>| {
        let mut sorted = figures.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let mut table = "| synced records per second |".to_owned();
    for writers in WRITERS {
        table += &format!(" {writers} writer{} |", if writers == 1 { "" } else { "s" });
    }
    table += " bytes per record |\n|:--|--:|--:|--:|--:|\n";
    for (store, (name, ..)) in STORES.iter().enumerate() {
        table += &format!("| {name} |");
        for (rates, ours) in rates[store].iter().zip(&rates[0]) {
            let (rate, ours) = (median(rates), median(ours));
            table += &format!(" {rate:.0} ({:.2} ×) |", rate / ours);
        }
        table += &format!(" {:.0} |\n", bytes[store]);
    }
    table
}
