//! Counting a program's instructions with valgrind's callgrind.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::puts::COUNTED;

/// There is no valgrind.
#[derive(Debug)]
pub(crate) struct Missing;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "valgrind is missing, and nothing is counted without it. Install the package \
             `valgrind` (apt install valgrind, dnf install valgrind, pacman -S valgrind), \
             or see https://valgrind.org; it runs on Linux and FreeBSD",
        )
    }
}

impl Error for Missing {}

/// Whether there is a valgrind, and which.
pub(crate) fn version() -> Outcome<String> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("valgrind --version: {}", output.status).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Missing.into()),
        Err(error) => Err(error.into()),
    }
}

/// Instructions per call: what a run of `3 * calls` takes beyond one of `calls`. So
/// nothing is in it that is paid once.
pub(crate) fn per_call(
    program: &Path,
    arguments: &[&str],
    calls: u64,
    scratch: &Path,
) -> Outcome<f64> {
    let few = count(program, arguments, calls, scratch)?;
    let many = count(program, arguments, 3 * calls, scratch)?;
    Ok((many as f64 - few as f64) / (2 * calls) as f64)
}

fn count(program: &Path, arguments: &[&str], calls: u64, scratch: &Path) -> Outcome<u64> {
    let profile = scratch.join("callgrind.out");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(arguments)
        .arg(calls.to_string())
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(
            format!("{} under valgrind: {}\n{said}", program.display(), output.status).into()
        );
    }
    let text = fs::read_to_string(&profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
    match total.and_then(|total| total.trim().parse().ok()) {
        Some(0) => {
            Err(format!("no function's name matches {COUNTED}: is the program stripped?").into())
        }
        Some(total) => Ok(total),
        None => Err("callgrind has written no totals".into()),
    }
}
