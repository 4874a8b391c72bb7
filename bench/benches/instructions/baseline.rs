//! Counts that are kept with the code, so that a change cannot add to them unseen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{Count, Outcome};

/// How much more a request may take than it did.
const MORE_MAX: f64 = 0.03;
/// What writes the baseline.
pub(crate) const RENEW: &str = "cargo bench -p kinesis-bench --bench instructions -- --renew";

/// The counts, and what they were made with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    counted_with: Surroundings,
    instructions: BTreeMap<String, f64>,
}

/// What counts depend on besides the code. The C library chooses how to copy memory by
/// what the processor can do.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Surroundings {
    rustc: String,
    platform: String,
    c_library: String,
    has_avx2: bool,
    valgrind: String,
}

impl Baseline {
    /// The one that is kept, if one is.
    pub(crate) fn kept() -> Outcome<Option<Self>> {
        match fs::read_to_string(file()) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn of_here(valgrind: &str, counts: &[Count]) -> Self {
        let instructions =
            counts.iter().map(|count| (count.name.clone(), count.instructions.round()));
        Self { counted_with: Surroundings::here(valgrind), instructions: instructions.collect() }
    }

    /// Keeps it in place of the one that is kept.
    pub(crate) fn keep(&self) -> Outcome<()> {
        Ok(fs::write(file(), serde_json::to_string_pretty(self)? + "\n")?)
    }

    /// Why counts from here say nothing beside these, if they do not.
    pub(crate) fn unlike_here(&self, valgrind: &str) -> Option<String> {
        let (kept, here) = (&self.counted_with, Surroundings::here(valgrind));
        (*kept != here)
            .then(|| format!("the baseline was counted with\n  {kept:?}\nand here is\n  {here:?}"))
    }

    /// Fails if a request takes more than it may.
    pub(crate) fn check(&self, counts: &[Count]) -> Outcome<()> {
        let mut grown = String::new();
        for Count { name, label, instructions, .. } in counts {
            let Some(kept) = self.instructions.get(name) else {
                writeln!(grown, "{label} is not in the baseline")?;
                continue;
            };
            let more = instructions / kept - 1.0;
            let told = format!("{label}: {kept:.0} → {instructions:.0} ({:+.2} %)", more * 100.0);
            println!("{told}");
            if more > MORE_MAX {
                writeln!(grown, "{told}")?;
            }
        }
        if grown.is_empty() {
            return Ok(());
        }
        Err(format!(
            "instructions per request, {:.0} % more at most:\n{grown}if that is what the change \
             is worth, `{RENEW}` writes it down",
            MORE_MAX * 100.0
        )
        .into())
    }
}

impl Surroundings {
    fn here(valgrind: &str) -> Self {
        let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            rustc: option_env!("KINESIS_BENCH_RUSTC").unwrap_or_default().to_owned(),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            c_library: c_library(),
            has_avx2: flags.split_whitespace().any(|flag| flag == "avx2"),
            valgrind: valgrind.to_owned(),
        }
    }
}

/// What it calls itself, or nothing where it does not say.
fn c_library() -> String {
    let said = Command::new("ldd").arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    said.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

fn file() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/baseline.json"))
}
