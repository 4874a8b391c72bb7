//! What requests cost in instructions: PutRecord, PutRecords and GetRecords, as JSON and
//! as CBOR; what storing and reading takes of that; and what a put costs with limits, faults, latency and the journal off,
//! there but not concerned, and on.
//!
//! `cargo bench -p kinesis-bench --bench instructions`
//!
//! `-- --check` counts the requests alone and fails where one takes more than 3 % above
//! what `baseline.json` says; `-- --renew` writes that file anew. It says what it was
//! counted with, too: elsewhere nothing is checked.
//!
//! `-- --base 6629d1e` counts a put with everything off at that commit and in this tree:
//! one that has none of this in it shows what it costs to have it.
//!
//! Counts, not times: they hardly differ from run to run, whatever else the
//! machine does. They do differ between machines and compilers. The program runs
//! itself under valgrind's callgrind with N and with 3N calls of
//! `Emulator::call`; what is counted is these calls and nothing around them, and
//! a call's share is (I(3N) - I(N)) / 2N. Without valgrind the exit status is 3.

mod base;
mod baseline;
mod callgrind;
mod engine;
mod puts;
mod requests;
mod variant;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use clap::{Parser, ValueEnum};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use baseline::{Baseline, RENEW};
use engine::EngineCall;
use requests::Kind;
use variant::{PUTS, Variant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What requests cost in instructions.
#[derive(Debug, Parser)]
struct Arguments {
    /// Fails where a request takes over 3 % more than the baseline says
    #[arg(long, conflicts_with_all = ["renew", "base"])]
    check: bool,
    /// Writes the baseline anew
    #[arg(long, conflicts_with = "base")]
    renew: bool,
    /// Counts a put with everything off at this commit and in this tree, instead
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
    /// Makes the puts that are counted: this runs under valgrind.
    #[arg(long, hide = true, requires = "calls")]
    variant: Option<Variant>,
    /// Makes the requests that are counted: this runs under valgrind.
    #[arg(long, hide = true, requires = "calls", conflicts_with = "variant")]
    request: Option<Kind>,
    /// Makes the calls of the engine that are counted: this runs under valgrind.
    #[arg(long, hide = true, requires = "calls", conflicts_with_all = ["variant", "request"])]
    engine: Option<EngineCall>,
    #[arg(hide = true)]
    calls: Option<u64>,
}

/// What calls of a kind take.
#[derive(Debug)]
struct Count {
    name: String,
    label: &'static str,
    instructions: f64,
    /// Records of one call.
    records: usize,
}

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("instructions: counts under `cargo bench` only");
        return ExitCode::SUCCESS;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(if error.is::<callgrind::Missing>() { 3 } else { 1 })
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    if let Some(calls) = arguments.calls {
        if let Some(variant) = arguments.variant {
            variant.put(calls);
        } else if let Some(kind) = arguments.request {
            kind.call(calls);
        } else if let Some(kind) = arguments.engine {
            kind.call(calls);
        }
        return Ok(());
    }
    let valgrind = callgrind::version()?;
    let scratch = Scratch::make()?;
    if arguments.check {
        let Some(kept) = Baseline::kept()? else {
            println!("instructions: not checked, because nothing is kept: {RENEW}");
            return Ok(());
        };
        if let Some(difference) = kept.unlike_here(&valgrind) {
            println!("instructions: not checked, because {difference}");
            return Ok(());
        }
        return kept.check(&requests(&scratch)?);
    }
    if arguments.renew {
        return Baseline::of_here(&valgrind, &requests(&scratch)?).keep();
    }
    if let Some(revision) = &arguments.base {
        let rows = base::compare(revision, &scratch)?;
        println!("PutRecord of 100 bytes in process, everything off, counted by {valgrind}");
        println!("{}", table(&rows));
        return Ok(());
    }
    let counts = requests(&scratch)?;
    println!("Requests in process, records of 100 bytes, counted by {valgrind}");
    println!("{}", table_of_requests(&counts));
    println!("PutRecord of 100 bytes in process, counted by {valgrind}");
    println!("{}", table(&variants(&scratch)?));
    Ok(())
}

/// Instructions of a request of each kind, and of a call of the engine.
fn requests(scratch: &Scratch) -> Outcome<Vec<Count>> {
    let program = env::current_exe()?;
    let per_call = |arguments: [&str; 3], calls| {
        callgrind::per_call(&program, &arguments, calls, scratch.folder())
    };
    let mut counts = Vec::new();
    for kind in Kind::value_variants() {
        let name = kind.name();
        let instructions = per_call(["--bench", "--request", &name], kind.calls())?;
        counts.push(Count { name, label: kind.label(), instructions, records: kind.records() });
    }
    for kind in EngineCall::value_variants() {
        let name = kind.name();
        let instructions = per_call(["--bench", "--engine", &name], kind.calls())?;
        counts.push(Count { name, label: kind.label(), instructions, records: kind.records() });
    }
    Ok(counts)
}

fn table_of_requests(counts: &[Count]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["", "instructions per call", "per record"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for Count { label, instructions, records, .. } in counts {
        let per_record = instructions / *records as f64;
        table.add_row([*label, &format!("{instructions:.0}"), &format!("{per_record:.0}")]);
    }
    table
}

fn variants(scratch: &Scratch) -> Outcome<Vec<(String, f64)>> {
    let program = env::current_exe()?;
    let count = |variant: Variant| {
        let arguments = ["--bench", "--variant", &variant.name()];
        callgrind::per_call(&program, &arguments, PUTS, scratch.folder())
    };
    let mut rows = Vec::new();
    for variant in Variant::value_variants() {
        rows.push((variant.label().to_owned(), count(*variant)?));
    }
    // How far two counts of the same can be apart.
    rows.push(("off, once more".to_owned(), count(Variant::Off)?));
    Ok(rows)
}

/// Everything beside the first row.
fn table(rows: &[(String, f64)]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["", "instructions per put", "difference", "ratio"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let first = rows[0].1;
    for (label, count) in rows {
        let (difference, ratio) = (count - first, count / first);
        table.add_row([
            label.clone(),
            format!("{count:.1}"),
            format!("{difference:+.1}"),
            format!("{ratio:.4}"),
        ]);
    }
    table
}

/// A folder for temporary files, removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Outcome<Self> {
        let folder = env::temp_dir().join(format!("kinesis-instructions-{}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Temporary files that are left behind do no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
