//! This emulator's binary.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;

/// What `KINESIS_EMULATOR_BIN` names, else a fresh release build, with the allocator that
/// this bench is built with.
pub(crate) fn path() -> Outcome<PathBuf> {
    if let Some(named) = env::var_os("KINESIS_EMULATOR_BIN") {
        return Ok(named.into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--locked", "--quiet", "-p", "kinesis-emulator"];
    let features: &[&str] =
        if cfg!(feature = "jemalloc") { &["--features", "jemalloc"] } else { &[] };
    let status = Command::new(cargo).args(arguments).args(features).status()?;
    if !status.success() {
        return Err("the emulator does not build".into());
    }
    // A bench is target/release/deps/NAME-….
    let bench = env::current_exe()?;
    let release = bench.ancestors().nth(2).ok_or("the bench is in a target folder")?;
    Ok(release.join("kinesis-emulator"))
}
