//! `kinesis-bench`: parse, run, print, and say by the exit code how it went.
//!
//! * 0: measured, and every check held.
//! * 1: measured, and a check or a `--fail-if` condition broke.
//! * 2: not measured: bad usage, or the target could not be used.
//! * 130: interrupted; what was made has been deleted.

use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;

use clap::Parser;
use kinesis_bench::commands::{self, Command, CommandLine};
use kinesis_bench::plan::PlanError;
use kinesis_bench::report::Outcome;
use kinesis_bench::{Failure, Settings, report, tell};

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let complaints = match &line.command {
        None => measure(&line.settings).map(|outcome| !outcome.report.holds()),
        Some(Command::Run(arguments)) => {
            with_runtime(arguments.play.worker_threads, tell::run(arguments))
        }
        Some(Command::Produce(arguments)) => {
            with_runtime(arguments.play.worker_threads, tell::produce(arguments))
        }
        Some(Command::Compare(arguments)) if arguments.targets.is_empty() => {
            arguments.saved.execute().map(tell::complain)
        }
        Some(Command::Compare(arguments)) => {
            with_runtime(arguments.play.worker_threads, tell::compare(arguments))
        }
        Some(Command::Report(arguments)) => arguments.execute().map(tell::complain),
        Some(Command::Estimate(arguments)) => plan(|out| arguments.run(out)),
        Some(Command::Cost(arguments)) => plan(|out| arguments.run(out)),
        Some(Command::Merge(arguments)) => plan(|out| arguments.run(out)),
        Some(Command::Scenarios) => print(&commands::scenarios()),
        Some(Command::TemplateFields) => print(&commands::template_fields()),
        Some(Command::Null(arguments)) => with_runtime(1, tell::null(arguments.port)),
    };
    match complaints {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("kinesis-bench: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn measure(settings: &Settings) -> Result<Outcome, Failure> {
    let _made = tell::make_sure_of(&[&settings.json])?;
    let outcome = with_runtime(settings.worker_threads, kinesis_bench::run(settings))?;
    report::deliver(&outcome, settings).map_err(Failure::Output)?;
    Ok(outcome)
}

fn plan(answer: impl FnOnce(&mut dyn Write) -> Result<(), PlanError>) -> Result<bool, Failure> {
    match answer(&mut stdout().lock()) {
        Err(PlanError::Io(_, error)) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        answered => answered.map(|()| false).map_err(|error| Failure::Answer(error.to_string())),
    }
}

fn with_runtime<T>(
    worker_threads: usize,
    task: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(error.to_string()))?;
    runtime.block_on(task)
}

fn print(text: &str) -> Result<bool, Failure> {
    // A reader that has seen enough is no failure.
    let _ = stdout().lock().write_all(text.as_bytes());
    Ok(false)
}
