//! Writes down what the binary is built from, so that every report can say it:
//! the compiler, the profile and, of a release build inside a git checkout, the commit.
//!
//! A debug build has no commit: it is made again and again while files change, and
//! each commit would compile this package anew. No path and no host name is recorded.

use std::path::Path;
use std::process::Command;

fn main() {
    let profile = std::env::var("PROFILE").ok();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    record("KINESIS_BENCH_RUSTC", first_line(&rustc, &["--version"]));
    println!("cargo::rerun-if-changed=build.rs");
    if profile.as_deref() == Some("release") {
        record_commit();
    }
    record("KINESIS_BENCH_PROFILE", profile);
}

/// Of benches, too: their profile is made of the release profile.
fn record_commit() {
    // `--exclude *` keeps tags out: the answer is a hash, with `-dirty` when files differ from it.
    let describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"];
    record("KINESIS_BENCH_COMMIT", first_line("git", &describe));
    println!("cargo::rerun-if-changed=src");
    // The commit moves without any source of this package changing.
    for path in ["../emulator/src".to_owned()]
        .into_iter()
        .chain(first_line("git", &["rev-parse", "--git-path", "logs/HEAD"]))
        .filter(|path| Path::new(path).exists())
    {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn record(name: &str, value: Option<String>) {
    if let Some(value) = value {
        println!("cargo::rustc-env={name}={value}");
    }
}

/// The first line a command prints, or nothing if it is missing or fails.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
