//! Arguments, parsed once into [`Settings`].
//!
//! Absent: any behaviour. Whatever leaves this file is a value the rest trusts.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use kinesis_emulator::Limits;

use crate::load::keys::KeyMode;
use crate::target::endpoint::EndpointUrl;

/// Measure a Kinesis emulator with the real AWS SDK, and check what it answers.
///
/// With no argument: start the emulator on loopback TCP, put 1,000 records one by
/// one into a stream of 4 shards, read them back with one task per shard, and report
/// the results.
#[derive(Debug, Clone, Parser)]
#[command(name = "kinesis-bench", version)]
pub struct Settings {
    /// Records to put, one PutRecord call each
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = count(RECORDS_MAX))]
    pub records: usize,

    /// Shards of the stream, each read by one task
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(SHARDS_MAX))]
    pub shards: usize,

    /// Number of concurrent producers; each has its own keys, so order per key is kept
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(TASKS_MAX))]
    pub concurrency: usize,

    /// Partition keys: `seed` is pk-0…pk-3 in turn, which MD5 spreads unevenly
    #[arg(long, value_enum, default_value_t = KeyMode::Seed)]
    pub keys: KeyMode,

    /// Seed for `--keys random`
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How long a reader waits after an empty answer, such as 20ms or 1s
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration)]
    pub poll_interval: Duration,

    /// Give up when no record is put or read for this long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub patience: Duration,

    /// Worker threads of the runtime, which clients and built-in emulator share [default: cores]
    #[arg(long, value_name = "N", default_value_t = cores(), hide_default_value = true)]
    #[arg(value_parser = count(TASKS_MAX))]
    pub worker_threads: usize,

    /// Name of the stream, which is created and then deleted
    #[arg(long, value_name = "NAME", default_value = "test-stream", value_parser = stream_name)]
    pub stream: String,

    /// Measure the endpoint at this URL instead of the built-in emulator
    #[arg(long, value_name = "URL", conflicts_with = "in_process")]
    pub endpoint: Option<EndpointUrl>,

    /// Allow an endpoint that is not on this machine
    #[arg(long, requires = "endpoint")]
    pub i_own_this_endpoint: bool,

    /// Limits of the built-in emulator: off, aws or a limits file [default: both off and aws,
    /// side by side]
    #[arg(long, value_name = "off|aws|FILE", value_parser = Limits::load)]
    #[arg(conflicts_with = "endpoint")]
    pub limits: Option<Limits>,

    /// Measure the built-in emulator in process, without a socket
    #[arg(long)]
    pub in_process: bool,

    /// Print each record read, such as `pk-3 ⇒ hello-0999`
    #[arg(long)]
    pub print_records: bool,

    /// Save the report as JSON, also for `report`, `compare` and `cost`; `-` is stdout, and the
    /// table then goes to stderr
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Settings {
    /// The limits to measure under, one after the other; an endpoint has its own.
    #[must_use]
    pub fn limits_to_measure(&self) -> Vec<Option<Limits>> {
        match (&self.endpoint, &self.limits) {
            (Some(_), _) => vec![None],
            (None, Some(limits)) => vec![Some(limits.clone())],
            (None, None) => vec![Some(Limits::off()), Some(Limits::aws())],
        }
    }

    /// Whether stdout belongs to the JSON report alone.
    #[must_use]
    pub fn json_on_stdout(&self) -> bool {
        self.json.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }
}

/// Every record read is kept until it is checked; this many take about 2 GiB.
pub(crate) const RECORDS_MAX: u64 = 10_000_000;
/// The most shards `UpdateShardCount` allows a stream.
pub(crate) const SHARDS_MAX: u64 = 10_000;
/// More tasks or threads than this measure the scheduler.
pub(crate) const TASKS_MAX: u64 = 1_024;

pub(crate) fn count(max: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=max)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// A length of time with its unit, such as `20ms`, `10s` or `5m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| "write it like 20ms or 1s".to_owned())?;
    let duration = match unit {
        "us" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        "h" => Duration::from_secs(number.saturating_mul(3_600)),
        _ => return Err("the unit is one of us, ms, s, m and h, as in 20ms".to_owned()),
    };
    if duration.is_zero() { Err("it must be longer than zero".to_owned()) } else { Ok(duration) }
}

pub(crate) fn stream_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if (1..=128).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("a stream name is 1 to 128 of a-z A-Z 0-9 _ . -".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{CommandFactory, Parser};

    use super::Settings;
    use crate::load::keys::KeyMode;

    fn parse(arguments: &[&str]) -> Result<Settings, String> {
        Settings::try_parse_from([&["kinesis-bench"], arguments].concat())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_is_well_formed() {
        Settings::command().debug_assert();
    }

    #[test]
    fn no_argument_is_the_seed_measurement() {
        let settings = parse(&[]).unwrap();
        assert_eq!((settings.records, settings.shards, settings.concurrency), (1_000, 4, 1));
        assert_eq!(settings.poll_interval, Duration::from_millis(20));
        assert_eq!(settings.stream, "test-stream");
        assert_eq!(settings.keys, KeyMode::Seed);
        assert!(settings.endpoint.is_none() && !settings.in_process);
        let names = |arguments: &[&str]| -> Vec<_> {
            let measured = parse(arguments).unwrap().limits_to_measure();
            measured.iter().map(|l| l.as_ref().map(|l| l.name().to_owned())).collect()
        };
        let [off, aws] = ["off", "aws"].map(|name| Some(name.to_owned()));
        assert_eq!(names(&[]), [off, aws.clone()]);
        assert_eq!(names(&["--limits", "aws"]), [aws]);
        assert_eq!(names(&["--endpoint", "http://localhost:1"]), [None]);
    }

    #[test]
    fn durations_carry_their_unit() {
        for (text, expected) in [
            ("250us", Duration::from_micros(250)),
            ("20ms", Duration::from_millis(20)),
            ("1s", Duration::from_secs(1)),
        ] {
            assert_eq!(parse(&["--poll-interval", text]).unwrap().poll_interval, expected);
        }
    }

    #[test]
    fn json_may_own_stdout() {
        assert!(parse(&["--json", "-"]).unwrap().json_on_stdout());
        assert!(!parse(&["--json", "report.json"]).unwrap().json_on_stdout());
    }

    #[test]
    fn bad_input_is_refused_with_a_reason() {
        for (arguments, reason) in [
            (&["--records", "0"][..], "0 is not in 1..="),
            (&["--shards", "0"], "0 is not in 1..="),
            (&["--records", "many"], "invalid digit"),
            (&["--poll-interval", "20"], "the unit is one of"),
            (&["--poll-interval", "ms"], "like 20ms or 1s"),
            (&["--poll-interval", "0ms"], "longer than zero"),
            (&["--keys", "even"], "explicit-hash"),
            (&["--stream", "a b"], "a stream name is"),
            (&["--endpoint", "localhost:4566"], "http://"),
            (&["--endpoint", "http://localhost:1", "--in-process"], "cannot be used with"),
            (&["--i-own-this-endpoint"], "--endpoint"),
            (&["--limits", "asw"], "write off, aws or the path"),
            (&["--limits", "aws", "--endpoint", "http://localhost:1"], "cannot be used with"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(reason), "{arguments:?} said: {error}");
        }
    }
}
