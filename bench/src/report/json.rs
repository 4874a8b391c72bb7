//! The report as JSON, with the saved runs that `report`, `compare` and `cost` read.

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::Path;

use serde::Serialize;

use super::run::Run;
use super::{Outcome, Report};

/// The file: the fields of the report, and a saved run for it and each beside it.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    report: &'a Report,
    runs: &'a [Run],
}

/// Writes the report to a file, or to stdout if the path is `-`.
///
/// # Errors
/// When the file cannot be written.
pub fn write(outcome: &Outcome, path: &Path) -> io::Result<()> {
    if path.as_os_str() == "-" {
        return write_to(stdout().lock(), outcome);
    }
    let file = File::create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    write_to(BufWriter::new(file), outcome)
}

fn write_to(mut out: impl Write, outcome: &Outcome) -> io::Result<()> {
    let written = Written { report: &outcome.report, runs: &outcome.runs };
    serde_json::to_writer_pretty(&mut out, &written)?;
    writeln!(out)?;
    out.flush()
}
