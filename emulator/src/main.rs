//! The `kinesis-emulator` binary: arguments in, exit code out.

use std::process::ExitCode;

use kinesis_emulator::cli::{Arguments, run};

fn main() -> ExitCode {
    match run(Arguments::read()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kinesis-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}
