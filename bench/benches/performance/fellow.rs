//! What other benches of this package measure for the table: each is run as a process
//! of its own and writes its figures to a file.

use std::env;
use std::fs;
use std::process::{self, Stdio};

use serde::Deserialize;

use crate::row::{Bound, Row, Unit};
use crate::{Outcome, own_binary};

/// A figure as such a bench writes it.
#[derive(Debug, Deserialize)]
struct Written {
    what: String,
    value: f64,
    unit: String,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// The rows of a bench that takes `--json FILE`.
pub(crate) fn rows(bench: &str, ours: &str) -> Outcome<Vec<Row>> {
    let file = env::temp_dir().join(format!("kinesis-{bench}-{}.json", process::id()));
    // On the allocator that the servers have, too.
    let features: &[&str] =
        if cfg!(feature = "jemalloc") { &["--features", "jemalloc"] } else { &[] };
    let status = own_binary::cargo()
        .args(["bench", "--quiet", "-p", env!("CARGO_PKG_NAME"), "--bench", bench])
        .args(features)
        .args(["--", "--json"])
        .arg(&file)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("cargo bench --bench {bench}: {status}").into());
    }
    let written: Vec<Written> = serde_json::from_slice(&fs::read(&file)?)?;
    fs::remove_file(&file)?;
    Ok(written.into_iter().map(|figure| figure.into_row(ours)).collect())
}

impl Written {
    fn into_row(self, ours: &str) -> Row {
        let row = Row::new(self.what, Unit::Named(self.unit)).figure(ours, vec![self.value]);
        match self.target {
            Some(Target::AtLeast(least)) => row.bound(Bound::AtLeast(least)),
            Some(Target::AtMost(most)) => row.bound(Bound::AtMost(most)),
            None => row,
        }
    }
}
