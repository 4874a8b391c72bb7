//! What a put costs in instructions, with limits, faults, latency and the
//! journal off, there but not concerned, and on.
//!
//! `cargo bench -p kinesis-bench --bench instructions`
//!
//! `cargo bench -p kinesis-bench --bench instructions -- --base 6629d1e` counts a
//! put with everything off at that commit, too: one that has none of this in it
//! shows what it costs to have it.
//!
//! Counts, not times: they hardly differ from run to run, whatever else the
//! machine does. They do differ between machines and compilers. The program runs
//! itself under valgrind's callgrind with N and with 3N calls of
//! `Emulator::call`; what is counted is these calls and nothing around them, and
//! a put's share is (I(3N) - I(N)) / 2N. Without valgrind the exit status is 3.

mod base;
mod callgrind;
mod puts;
mod variant;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use clap::{Parser, ValueEnum};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use variant::Variant;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a put costs in instructions.
#[derive(Debug, Parser)]
struct Arguments {
    /// Counts a put with everything off at this commit and in this tree, instead.
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
    /// Makes the calls that are counted: this runs under valgrind.
    #[arg(long, hide = true, requires = "puts")]
    variant: Option<Variant>,
    #[arg(hide = true, requires = "variant")]
    puts: Option<u64>,
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
    if let (Some(variant), Some(puts)) = (arguments.variant, arguments.puts) {
        variant.put(puts);
        return Ok(());
    }
    let valgrind = callgrind::version()?;
    let scratch = Scratch::make()?;
    let (heading, rows) = match &arguments.base {
        None => ("", variants(&scratch)?),
        Some(revision) => (", everything off", base::compare(revision, &scratch)?.into()),
    };
    println!("PutRecord of 100 bytes in process{heading}, counted by {valgrind}");
    println!("{}", table(&rows));
    Ok(())
}

fn variants(scratch: &Scratch) -> Outcome<Vec<(String, f64)>> {
    let program = env::current_exe()?;
    let count = |variant: Variant| {
        let arguments = ["--bench", "--variant", &variant.name()];
        callgrind::per_put(&program, &arguments, scratch.folder())
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
