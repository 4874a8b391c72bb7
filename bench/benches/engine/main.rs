//! The engine alone, without HTTP or encoding: how fast it stores and reads, how
//! that depends on shards and stored bytes, and how much memory records take.
//!
//! `cargo bench -p kinesis-bench --bench engine [-- --json FILE] [-- --only WORD]`
//!
//! With `--features jemalloc`, on the allocator of the binary that PERFORMANCE.md
//! recommends; without, on the system's.
//!
//! Records of 100 bytes whose keys fall anywhere. Times are medians of several
//! runs, and processor time where nothing else is said, because a machine has
//! other things to do; compare ratios within one run. Memory is measured in a
//! process of its own for each case: what was asked of the allocator and is in
//! use, and what is resident, where Linux says so.

mod memory;
mod row;
mod scaling;
mod throughput;
mod workload;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use stats_alloc::StatsAlloc;
#[cfg(not(all(feature = "jemalloc", not(target_env = "msvc"))))]
use std::alloc::System as Allocator;
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
use tikv_jemallocator::Jemalloc as Allocator;

use row::{Row, table};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Counts what is allocated and freed.
#[global_allocator]
static ALLOCATOR: StatsAlloc<Allocator> = StatsAlloc::new(Allocator);

/// The engine alone.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes the rows to this file, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures only the groups whose names contain this.
    #[arg(long, value_name = "WORD", default_value = "")]
    only: String,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
    /// Measures one case of memory in this process, and prints it.
    #[arg(long, hide = true)]
    memory: Option<String>,
}

type Group = (&'static str, fn() -> Outcome<Vec<Row>>);

const GROUPS: [Group; 9] = [
    ("throughput: puts", throughput::puts),
    ("throughput: reads", throughput::reads),
    ("allocations", throughput::allocations),
    ("scaling: shards", scaling::shards),
    ("scaling: stored bytes", scaling::stored_bytes),
    ("scaling: control", scaling::control),
    ("memory: records", memory::records),
    ("memory: idle shards", memory::idle_shards),
    ("memory: closed shards", memory::closed_shards),
];

fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("engine: measures under `cargo bench` only");
        return Ok(());
    }
    let arguments = Arguments::parse();
    if let Some(case) = &arguments.memory {
        return memory::measure_here(case);
    }
    let mut all = Vec::new();
    for (name, measure) in GROUPS {
        if name.contains(&arguments.only) {
            let rows = measure()?;
            println!("{name}\n{}\n", table(&rows));
            all.extend(rows);
        }
    }
    if let Some(file) = &arguments.json {
        fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    Ok(())
}
