//! The machine, the build and the choices that a number belongs to.
//!
//! Absent: host names, user names and paths, so that a report can be published.

use std::fs;

use serde::Serialize;

use crate::cli::Settings;
use crate::load::keys::KeyMode;

/// Everything one must know to repeat a run, or to distrust a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Environment {
    /// The processor.
    pub cpu_model: Option<String>,
    /// Hardware threads this process may use.
    pub cpu_cores: Option<usize>,
    /// The operating system.
    pub os: String,
    /// The kernel release.
    pub kernel: Option<String>,
    /// Load averages over 1, 5 and 15 minutes, before the run.
    pub load_average: Option<[f64; 3]>,
    /// The version of this package.
    pub package_version: &'static str,
    /// The commit this was built from, with `-dirty` if files differed from it; none of a
    /// debug build.
    pub git_commit: Option<&'static str>,
    /// The compiler.
    pub rustc: Option<&'static str>,
    /// `release` or `debug`.
    pub build_profile: Option<&'static str>,
    /// The version of `aws-sdk-kinesis`.
    pub sdk_version: &'static str,
    /// Worker threads of the runtime.
    pub worker_threads: usize,
    /// Producers at work at once.
    pub concurrency: usize,
    /// The wait of a reader after an empty answer.
    pub poll_interval_ms: f64,
    /// How keys were chosen.
    pub keys: KeyMode,
    /// The seed of random keys.
    pub seed: u64,
}

impl Environment {
    /// Load averages over 1, 5 and 15 minutes, now.
    #[must_use]
    pub fn load_average_now() -> Option<[f64; 3]> {
        line("/proc/loadavg").and_then(|line| load_average(&line))
    }

    /// Looks around; what cannot be found out is left out.
    #[must_use]
    pub fn capture(settings: &Settings) -> Self {
        Self {
            cpu_model: field("/proc/cpuinfo", ':', "model name"),
            cpu_cores: std::thread::available_parallelism().ok().map(Into::into),
            os: field("/etc/os-release", '=', "PRETTY_NAME")
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            kernel: line("/proc/sys/kernel/osrelease"),
            load_average: Self::load_average_now(),
            package_version: env!("CARGO_PKG_VERSION"),
            git_commit: option_env!("KINESIS_BENCH_COMMIT"),
            rustc: option_env!("KINESIS_BENCH_RUSTC"),
            build_profile: option_env!("KINESIS_BENCH_PROFILE"),
            sdk_version: aws_sdk_kinesis::meta::PKG_VERSION,
            worker_threads: settings.worker_threads,
            concurrency: settings.concurrency,
            poll_interval_ms: settings.poll_interval.as_secs_f64() * 1e3,
            keys: settings.keys,
            seed: settings.seed,
        }
    }
}

fn line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

/// The value of the first line `name <separator> value`, without quotes.
fn field(path: &str, separator: char, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// `0.52 0.58 0.59 1/467 12345` begins with the three averages.
fn load_average(line: &str) -> Option<[f64; 3]> {
    let mut averages = line.split(' ').map(|word| word.parse().ok());
    Some([averages.next()??, averages.next()??, averages.next()??])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Environment, load_average};
    use crate::cli::Settings;

    #[test]
    fn a_debug_build_knows_its_profile_and_no_commit() {
        let environment = Environment::capture(&Settings::parse_from(["kinesis-bench"]));
        assert!(environment.rustc.is_some_and(|rustc| rustc.starts_with("rustc ")));
        match environment.build_profile {
            Some("debug") => assert_eq!(environment.git_commit, None),
            profile => assert_eq!(profile, Some("release")),
        }
    }

    #[test]
    fn a_load_average_is_three_numbers() {
        assert_eq!(load_average("0.52 0.58 0.59 1/467 12345"), Some([0.52, 0.58, 0.59]));
        assert_eq!(load_average("0.52"), None);
    }
}
