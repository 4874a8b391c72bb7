//! The `kinesis-emulator` binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use kinesis_emulator::cli::{Arguments, run};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinesis-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}
