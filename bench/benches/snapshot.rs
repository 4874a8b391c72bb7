//! What a snapshot costs, beside the number of records that are in it.
//!
//! `cargo bench -p kinesis-bench --bench snapshot`
//!
//! One stream of four shards and records of 100 bytes. Freezing is measured
//! right after a put, and while an older snapshot is alive: then there is
//! something to close, and something that is shared already. The figures of
//! files are those of a release build on a file system that is synced.

use std::env;
use std::error::Error;
use std::fs;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use kinesis_bench::measure::clock::Stopwatch;
use kinesis_emulator::{Clock, Emulator, Snapshot, Timestamp};

type Outcome<T> = Result<T, Box<dyn Error>>;

const RECORDS: [usize; 3] = [1_000, 100_000, 1_000_000];
const SHARDS: i32 = 4;
const RECORD_BYTES: usize = 100;
const BATCH: usize = 500;
const REPETITIONS: usize = 201;
const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("snapshot: measures under `cargo bench` only");
        return Ok(());
    }
    let mut measured = Vec::new();
    for records in RECORDS {
        measured.push(measure(records).await?);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let mut header = vec!["median".to_owned()];
    header.extend(RECORDS.map(|records| format!("{records} records")));
    header.push("last / first".to_owned());
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for place in 0..measured[0].len() {
        let durations: Vec<_> = measured.iter().map(|column| column[place].1).collect();
        let mut row = vec![measured[0][place].0.to_owned()];
        row.extend(durations.iter().map(|duration| format!("{duration:.1?}")));
        let ratio = durations[2].as_secs_f64() / durations[0].as_secs_f64();
        row.push(format!("{ratio:.2}"));
        table.add_row(row);
    }
    println!("{table}");
    Ok(())
}

async fn measure(records: usize) -> Outcome<Vec<(&'static str, Duration)>> {
    let original = Emulator::builder().clock(Clock::manual(START)).in_process();
    let client = original.client();
    client.create_stream().stream_name("s").shard_count(SHARDS).send().await?;
    for first in (0..records).step_by(BATCH) {
        put(&client, first, BATCH.min(records - first)).await?;
    }
    let builder = || Emulator::builder().clock(Clock::manual(START));
    let (mut freezes, mut thaws, mut restores, mut puts) = (vec![], vec![], vec![], vec![]);
    let mut kept = original.snapshot();
    for _ in 0..REPETITIONS {
        // The first put after a freeze goes to a segment that has just begun.
        let stopwatch = Stopwatch::start();
        put(&client, 0, 1).await?;
        puts.push(stopwatch.elapsed());
        let stopwatch = Stopwatch::start();
        let snapshot = original.snapshot();
        freezes.push(stopwatch.elapsed());
        let stopwatch = Stopwatch::start();
        let clone = builder().snapshot(&snapshot).in_process();
        thaws.push(stopwatch.elapsed());
        let stopwatch = Stopwatch::start();
        clone.restore(&kept);
        restores.push(stopwatch.elapsed());
        kept = snapshot;
    }
    let empty = (0..REPETITIONS).map(|_| {
        let stopwatch = Stopwatch::start();
        drop(builder().in_process());
        stopwatch.elapsed()
    });
    let empty = median(empty.collect());
    let file = env::temp_dir().join(format!("kinesis-bench-{}.snapshot", std::process::id()));
    let stopwatch = Stopwatch::start();
    kept.write_to(&file)?;
    let written = stopwatch.elapsed();
    let stopwatch = Stopwatch::start();
    let read = Snapshot::read_from(&file);
    let read_in = stopwatch.elapsed();
    fs::remove_file(&file)?;
    drop(read?);
    Ok(vec![
        ("freeze: Emulator::snapshot", median(freezes)),
        ("thaw: Builder::snapshot, in process", median(thaws)),
        ("  without a snapshot", empty),
        ("restore: Emulator::restore", median(restores)),
        ("the next PutRecord, with the SDK", median(puts)),
        ("Snapshot::write_to (once)", written),
        ("Snapshot::read_from (once)", read_in),
    ])
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

async fn put(client: &Client, first: usize, count: usize) -> Outcome<()> {
    let mut batch = client.put_records().stream_name("s");
    for number in first..first + count {
        let data = Blob::new(vec![number as u8; RECORD_BYTES]);
        let entry = PutRecordsRequestEntry::builder().partition_key(number.to_string()).data(data);
        batch = batch.records(entry.build()?);
    }
    batch.send().await?;
    Ok(())
}
