//! What records and shards take of memory, and what comes back.

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kinesis_bench::measure::clock::block;
use kinesis_emulator::measure::{BareEngine, Hashing, RETENTION};
use serde::{Deserialize, Serialize};

use super::row::Row;
use super::workload::{START, batches, later};
use super::{ALLOCATOR, Outcome};

/// Shards, records in all, and bytes of data in each.
const CASES: [(u32, usize, usize); 6] = [
    (1, 1_000_000, 100),
    (100, 1_000_000, 100),
    (1000, 1_000_000, 100),
    (4096, 1_000_000, 100),
    (1, 20_000, 10 * 1024),
    (100, 20_000, 10 * 1024),
];
const IDLE_SHARDS: u32 = 100_000;
/// How often a stream's shards are doubled and halved, and how many there are.
const RESHARDINGS: u64 = 1000;
const RESHARDED: u32 = 4;
const MINUTE: Duration = Duration::from_secs(60);
/// jemalloc's thread gives the system back what has been free for ten seconds; it may
/// see only ten seconds later that it is free.
const GIVING_BACK: Duration = Duration::from_secs(22);

/// What is in use in a process, in bytes.
#[derive(Debug, Clone, Copy)]
struct InUse {
    /// What was asked of the allocator, and mapped pages that are written to.
    heap: f64,
    resident: Option<f64>,
}

impl InUse {
    fn without_engine() -> Self {
        let stats = ALLOCATOR.stats();
        let heap = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
        Self { heap, resident: resident_bytes() }
    }

    fn now(engine: &BareEngine) -> Self {
        let Self { heap, resident } = Self::without_engine();
        Self { heap: heap + engine.mapped_bytes() as f64, resident }
    }

    fn since(self, before: Self) -> Self {
        let resident = self.resident.zip(before.resident).map(|(now, then)| now - then);
        Self { heap: self.heap - before.heap, resident }
    }
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? * 1024.0)
}

/// What one process has found.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Found {
    heap: f64,
    resident: Option<f64>,
    heap_after: f64,
    resident_after: Option<f64>,
}

/// What a record takes beside its data and key, and what is left of it after
/// all have expired, by any call of the account.
pub(crate) fn records() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    // All at once, for each waits for what the allocator gives back.
    let begin = |(shards, records, data_bytes)| {
        let case = format!("{shards}/{records}/{data_bytes}");
        begin_apart(&case).map(|process| (shards, records, data_bytes, process))
    };
    for begun in CASES.into_iter().map(begin).collect::<Vec<_>>() {
        let (shards, records, data_bytes, process) = begun?;
        let found = finish(process)?;
        let what = format!("{records} records of {data_bytes} bytes in {shards} shards");
        let mut row = |name: &str, bytes: f64| {
            rows.push(Row::new(format!("{what}: {name}"), bytes, "bytes per record").at_most(40.0));
        };
        row("allocated beside data and key", found.heap);
        if let Some(resident) = found.resident {
            row("resident beside data and key", resident);
        }
        row("allocated after all expired", found.heap_after);
        if let Some(resident) = found.resident_after {
            row("resident after all expired", resident);
        }
    }
    Ok(rows)
}

/// What shards take in which nothing has ever been stored.
pub(crate) fn idle_shards() -> Outcome<Vec<Row>> {
    let found = finish(begin_apart(&format!("{IDLE_SHARDS}/0/0"))?)?;
    let bound = f64::from(64 << 20) / f64::from(IDLE_SHARDS);
    let row = |name: &str, bytes: f64| {
        let what = format!("{IDLE_SHARDS} idle shards: {name}");
        Row::new(what, bytes, "bytes per shard").at_most(bound)
    };
    let resident = found.resident.map(|resident| row("resident", resident));
    Ok([row("allocated", found.heap)].into_iter().chain(resident).collect())
}

/// What a shard leaves that was closed and whose records have expired.
pub(crate) fn closed_shards() -> Outcome<Vec<Row>> {
    let found = finish(begin_apart(RESHARDED_CASE)?)?;
    let row = |name: &str, bytes| {
        Row::new(format!("closed shards, expired: {name}"), bytes, "bytes per shard")
    };
    let resident = found.resident.map(|resident| row("resident", resident));
    Ok([row("allocated", found.heap)].into_iter().chain(resident).collect())
}

const RESHARDED_CASE: &str = "resharded";

fn begin_apart(case: &str) -> Outcome<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--bench", "--memory", case]).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

fn finish(process: Child) -> Outcome<Found> {
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures `SHARDS/RECORDS/DATA_BYTES`, or shards that were closed, in this process.
pub(crate) fn measure_here(case: &str) -> Outcome<()> {
    if case == RESHARDED_CASE {
        println!("{}", serde_json::to_string(&resharded())?);
        return Ok(());
    }
    let numbers: Vec<usize> = case.split('/').map(str::parse).collect::<Result<_, _>>()?;
    let [shards, records, data_bytes] = numbers[..] else { return Err("not a case".into()) };
    let found =
        if records == 0 { idle(shards as u32) } else { filled(shards as u32, records, data_bytes) };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

fn idle(shards: u32) -> Found {
    let before = InUse::without_engine();
    let engine = BareEngine::new(shards, START);
    let InUse { heap, resident } = InUse::now(&engine).since(before);
    let per_shard = |bytes: f64| bytes / f64::from(shards);
    Found { heap: per_shard(heap), resident: resident.map(per_shard), ..Found::default() }
}

fn resharded() -> Found {
    let engine = BareEngine::new(RESHARDED, START);
    let before = InUse::now(&engine);
    for minutes in (0..2 * RESHARDINGS).step_by(2) {
        engine.rescale(2 * RESHARDED, later(MINUTE, minutes));
        engine.rescale(RESHARDED, later(MINUTE, minutes + 1));
    }
    engine.settle(later(MINUTE, 2 * RESHARDINGS).plus(RETENTION).plus(60 * MINUTE));
    let InUse { heap, resident } = InUse::now(&engine).since(before);
    let per_shard = |bytes: f64| bytes / f64::from(engine.shards() - RESHARDED);
    Found { heap: per_shard(heap), resident: resident.map(per_shard), ..Found::default() }
}

fn filled(shards: u32, records: usize, data_bytes: usize) -> Found {
    let batches = batches(1, data_bytes);
    // What the calls need for themselves is there before, and hardly anything that
    // has been given back and is taken again.
    BareEngine::new(1, START).append_all(&batches[0][..1], Hashing::Before, START);
    let engine = BareEngine::new(shards, START);
    let before = InUse::now(&engine);
    let mut stored = 0;
    let mut bytes = 0;
    for batch in batches.iter().cycle().take(records.div_ceil(batches[0].len())) {
        stored += engine.append_all(batch, Hashing::Before, START);
        bytes += batch.iter().map(|record| record.bytes()).sum::<usize>();
    }
    let in_use = InUse::now(&engine).since(before);
    engine.settle(START.plus(RETENTION).plus(Duration::from_secs(60 * 60)));
    block(GIVING_BACK);
    let after = InUse::now(&engine).since(before);
    let per_record = |bytes: f64| bytes / stored as f64;
    let beside = |in_use: f64| per_record(in_use - bytes as f64);
    Found {
        heap: beside(in_use.heap),
        resident: in_use.resident.map(beside),
        heap_after: per_record(after.heap),
        resident_after: after.resident.map(per_record),
    }
}
