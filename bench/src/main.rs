//! `kinesis-bench`: parse, run, print, and say by the exit code how it went.
//!
//! * 0: measured, and every check held.
//! * 1: measured, and a check broke.
//! * 2: not measured: bad usage, or the target could not be used.
//! * 130: interrupted; what was made has been deleted.

use std::process::ExitCode;

use clap::Parser;
use kinesis_bench::report::Outcome;
use kinesis_bench::{Failure, Settings, report};

fn main() -> ExitCode {
    let settings = Settings::parse();
    match measure(&settings) {
        Ok(outcome) if outcome.report.holds() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("kinesis-bench: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn measure(settings: &Settings) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.worker_threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(error.to_string()))?;
    let outcome = runtime.block_on(kinesis_bench::run(settings))?;
    report::deliver(&outcome, settings).map_err(Failure::Output)?;
    Ok(outcome)
}
