//! The `kinesis-emulator` binary: arguments in, exit code out.

use std::process::ExitCode;

use kinesis_emulator::cli::{Arguments, run};

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(Arguments::read()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kinesis-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}
