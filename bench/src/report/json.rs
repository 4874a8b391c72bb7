//! The report as JSON.

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::Path;

use super::Report;

/// Writes the report to a file, or to stdout if the path is `-`.
///
/// # Errors
/// When the file cannot be written.
pub fn write(report: &Report, path: &Path) -> io::Result<()> {
    if path.as_os_str() == "-" {
        return write_to(stdout().lock(), report);
    }
    let file = File::create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    write_to(BufWriter::new(file), report)
}

fn write_to(mut out: impl Write, report: &Report) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)?;
    out.flush()
}
