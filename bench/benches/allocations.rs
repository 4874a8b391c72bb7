//! How many allocations a request takes, in process: decode, check, handle, encode.
//!
//! `cargo bench -p kinesis-bench --bench allocations [-- --json FILE]`
//!
//! Counted by the allocator, so they do not differ from run to run. What stays when a
//! call is over is what it has stored, and counts apart; growing a buffer counts as
//! one more.

#[allow(dead_code, reason = "the bench `instructions` needs more of it")]
#[path = "instructions/puts.rs"]
mod puts;
#[allow(dead_code, reason = "the bench `instructions` needs more of it")]
#[path = "instructions/requests.rs"]
mod requests;

use std::alloc::System;
use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use http::StatusCode;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use requests::{Kind, Prepared};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls before anything is counted: what is made once is there then.
const WARM_UP: u64 = 100;
const CALLS: u64 = 100;
/// A handful for the request itself, whatever the number of its records.
const PER_REQUEST_MAX: f64 = 5.0;

/// How many allocations a request takes.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes the rows to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("allocations: counts under `cargo bench` only");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["allocations per request", "of its own", "that stay", "per record"]);
    let mut rows: Vec<Value> = Vec::new();
    for kind in Kind::value_variants() {
        let Counted { own, stored } = per_call(*kind);
        let (label, per_record) = (kind.label(), own / kind.records() as f64);
        let figures = [own, stored].map(|count| format!("{count:.2}"));
        table.add_row(
            [label.to_owned()].into_iter().chain(figures).chain([format!("{per_record:.3}")]),
        );
        rows.push(json!({
            "what": format!("{label}: allocations per request, beside what is stored"),
            "value": own, "unit": "", "target": {"at_most": PER_REQUEST_MAX},
        }));
        rows.push(json!({
            "what": format!("{label}: allocations per request that store something"),
            "value": stored, "unit": "",
        }));
    }
    println!("{table}");
    if let Some(file) = Arguments::parse().json {
        fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
}

/// What a call allocates, on average.
struct Counted {
    own: f64,
    /// What is still there when all calls are over.
    stored: f64,
}

fn per_call(kind: Kind) -> Counted {
    let Prepared { emulator, request, between } = kind.prepare();
    let call = || {
        let request = request.clone();
        let region = Region::new(ALLOCATOR);
        let status = puts::counted_call(&emulator, request);
        let change = region.change();
        assert_eq!(status, StatusCode::OK);
        emulator.clock().advance(between);
        change.allocations + change.reallocations
    };
    let _before: usize = (0..WARM_UP).map(|_| call()).sum();
    let all = Region::new(ALLOCATOR);
    let allocations: usize = (0..CALLS).map(|_| call()).sum();
    let change = all.change();
    // Requests come and go meanwhile, and leave no difference.
    let stored = change.allocations as f64 - change.deallocations as f64;
    let per_call = |count: f64| count / CALLS as f64;
    Counted { own: per_call(allocations as f64 - stored), stored: per_call(stored) }
}
