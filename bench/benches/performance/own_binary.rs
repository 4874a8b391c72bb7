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
    let arguments = ["build", "--release", "--locked", "--quiet", "-p", "kinesis-emulator"];
    let features: &[&str] =
        if cfg!(feature = "jemalloc") { &["--features", "jemalloc"] } else { &[] };
    let status = cargo().args(arguments).args(features).status()?;
    if !status.success() {
        return Err("the emulator does not build".into());
    }
    // A bench is target/release/deps/NAME-….
    let bench = env::current_exe()?;
    let release = bench.ancestors().nth(2).ok_or("the bench is in a target folder")?;
    Ok(release.join("kinesis-emulator"))
}

/// cargo, as if it were called by whoever called the one that runs this bench. That one tells
/// what it runs of its package, and build scripts of dependencies look at the same variables:
/// with them, these and all that is built on them would be built anew each time that cargo is
/// called by hand and by a bench in turns.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let shown = name.to_string_lossy();
        if OF_A_PACKAGE.iter().any(|beginning| shown.starts_with(beginning)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// How the names of such variables begin.
const OF_A_PACKAGE: [&str; 3] = ["CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"];
