//! The command and its subcommands.
//!
//! Without one, the flags are those of the default measurement, see
//! [`Settings`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kinesis_emulator::{Latency, Limits, Rule};

use crate::cli::{
    RECORDS_MAX, SHARDS_MAX, Settings, TASKS_MAX, cores, count, duration, stream_name,
};
use crate::driver::DriverKind;
use crate::load::content::{Content, Size};
use crate::load::keys::KeyMode;
use crate::load::rate::Shape;
use crate::load::template::{FIELDS, Template};
use crate::plan::cli::{CostArgs, EstimateArgs, MergeArgs};
use crate::report::commands::{BaselineArgs, CompareArgs, JudgementArgs, ReportArgs};
use crate::report::format::Format;
use crate::scenario::catalogue::{self, Scenario};
use crate::target::Profile;
use crate::target::choice::TargetChoice;

/// Measure any Kinesis endpoint, and check what it answers.
///
/// With no argument: start the built-in emulator on loopback TCP, put 1,000 records
/// one by one into a stream of 4 shards with the real AWS SDK, read them back with one
/// task per shard, and report the results.
///
/// Exit codes: 0 measured and all checks passed, 1 a check failed or a --fail-if
/// condition was met, 2 not measured, 130 interrupted.
#[derive(Debug, Clone, Parser)]
#[command(name = "kinesis-bench", version, args_conflicts_with_subcommands = true)]
#[command(after_help = EXAMPLES)]
pub struct CommandLine {
    /// What to do instead of the default measurement.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub settings: Settings,
}

const EXAMPLES: &str = "Examples:
  kinesis-bench --keys uniform
  kinesis-bench scenarios
  kinesis-bench run put --target null --driver native --duration 10s
  kinesis-bench run end-to-end --rate ramp:100..2000/60s --duration 60s --json run.json
  kinesis-bench produce --stream orders --existing --target aws --i-own-this-endpoint --rate 1 --duration 5m
  kinesis-bench compare --target in-process --target loopback --repetitions 10
  kinesis-bench report run.json --format html -o run.html";

/// The subcommands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run a scenario against a target
    Run(Box<RunArgs>),
    /// Put records at a fixed rate and print shard, sequence number and latency of each
    Produce(Box<ProduceArgs>),
    /// Compare saved runs, or run a scenario against several targets in turn
    Compare(Box<CompareTargetsArgs>),
    /// Show saved runs in another format
    Report(ReportArgs),
    /// Estimate how many shards a load needs, which limit decides, and the monthly cost
    Estimate(EstimateArgs),
    /// Calculate what a saved run would have cost on AWS
    Cost(CostArgs),
    /// Calculate what merging small messages into larger records saves
    Merge(MergeArgs),
    /// List the scenarios
    Scenarios,
    /// List the fields that --template understands
    TemplateFields,
    /// Serve canned answers on a port, to measure clients
    Null(NullArgs),
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The scenario to run; `kinesis-bench scenarios` lists them
    #[arg(value_parser = catalogue::named)]
    pub scenario: Scenario,

    /// What to measure: in-process, loopback, null, null-tcp, aws or a URL
    #[arg(long, short, value_name = "TARGET", default_value = "loopback")]
    pub target: TargetChoice,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write the output to this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Save the run, for `report` and `compare`; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub play: PlayArgs,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub judgement: JudgementArgs,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub baseline: BaselineArgs,
}

/// Arguments of `produce`.
#[derive(Debug, Clone, Args)]
pub struct ProduceArgs {
    /// Where to put them: in-process, loopback, null, null-tcp, aws or a URL
    #[arg(long, short, value_name = "TARGET", default_value = "loopback")]
    pub target: TargetChoice,

    /// Print one JSON object per line instead of columns
    #[arg(long)]
    pub json: bool,

    /// Save the run, for `report` and `compare`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub play: PlayArgs,
}

/// Arguments of `compare`: of saved runs, or of targets.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("files", |files| files.conflicts_with("PlayArgs")))]
#[command(mut_arg("repetitions", |repetitions| repetitions.default_value("5")))]
pub struct CompareTargetsArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub saved: CompareArgs,

    /// A target to measure; give two or more, the first is the baseline
    #[arg(long = "target", short, value_name = "TARGET", conflicts_with = "files")]
    pub targets: Vec<TargetChoice>,

    /// The scenario to run against the targets in turn
    #[arg(long, default_value = "thousand-four", value_parser = catalogue::named)]
    #[arg(conflicts_with = "files")]
    pub scenario: Scenario,

    /// Save the runs; `-` is stdout
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub json: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub play: PlayArgs,
}

/// Arguments of `null`.
#[derive(Debug, Clone, Args)]
pub struct NullArgs {
    /// Port on the loopback interface; 0 picks a free one
    #[arg(long, default_value_t = 4569)]
    pub port: u16,
}

/// How a scenario is played; what is left out is the scenario's own.
#[derive(Debug, Clone, Args)]
pub struct PlayArgs {
    /// Records to put; with --duration, whichever comes first ends the run
    #[arg(long, value_name = "N", value_parser = count(RECORDS_MAX), help_heading = LOAD)]
    pub records: Option<usize>,

    /// Put records for this long, such as 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LOAD)]
    pub duration: Option<Duration>,

    /// Records per second, whether or not answers arrive: 100, steps:100x10s,500x10s,
    /// ramp:100..1000/60s, sine:100..1000/60s, spike:100..1000/5s@30s; `max` is as fast as answers
    /// arrive
    #[arg(long, value_name = "RATE", value_parser = rate, help_heading = LOAD)]
    pub rate: Option<Rate>,

    /// With a rate, space the records randomly, as independent callers would
    #[arg(long, help_heading = LOAD)]
    pub poisson: bool,

    /// Number of concurrent producers
    #[arg(long, value_name = "N", value_parser = count(TASKS_MAX), help_heading = LOAD)]
    pub concurrency: Option<usize>,

    /// First run it once against a target that does nothing, to show what the client itself costs
    #[arg(long, help_heading = LOAD)]
    pub self_overhead: bool,

    /// Run it once for this long before anything is counted
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LOAD)]
    pub warm_up: Option<Duration>,

    /// How many times to run it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1_000))]
    #[arg(help_heading = LOAD)]
    pub repetitions: usize,

    /// Shards of the stream [default: 4]
    #[arg(long, value_name = "N", value_parser = count(SHARDS_MAX), help_heading = DATA)]
    pub shards: Option<usize>,

    /// How partition keys are chosen
    #[arg(long, value_enum, help_heading = DATA)]
    pub keys: Option<KeyMode>,

    /// Seed for everything that is random
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = DATA)]
    pub seed: u64,

    /// Payload size, such as 512, 1KiB or 1MB; payload and partition key together are at most
    /// 1 MiB, or 10 MiB in large-records
    #[arg(long, value_name = "SIZE", group = "payload", help_heading = DATA)]
    pub payload_bytes: Option<Size>,

    /// Use this file as the payload of each record; `-` is stdin
    #[arg(long, value_name = "FILE", group = "payload", help_heading = DATA)]
    pub payload_file: Option<PathBuf>,

    /// Use the lines of this file as payloads, in turn; `-` is stdin
    #[arg(long, value_name = "FILE", group = "payload", help_heading = DATA)]
    pub payload_lines: Option<PathBuf>,

    /// Make payloads from a template such as '{"who": "{{name.firstName}}"}', or from @FILE;
    /// `kinesis-bench template-fields` lists the fields
    #[arg(long, value_name = "TEXT", group = "payload", help_heading = DATA)]
    pub template: Option<String>,

    /// Records in a PutRecords call, where a scenario makes such calls
    #[arg(long, value_name = "N", value_parser = count(500), help_heading = DATA)]
    pub batch: Option<usize>,

    /// User messages in a record, where a scenario merges or aggregates
    #[arg(long, value_name = "N", value_parser = count(1_000), help_heading = DATA)]
    pub merge: Option<usize>,

    /// The client that makes the calls
    #[arg(long, value_enum, default_value_t = DriverKind::Sdk, help_heading = TARGET)]
    pub driver: DriverKind,

    /// Use HTTP/2 without TLS; needs --driver native
    #[arg(long, help_heading = TARGET)]
    pub h2c: bool,

    /// Number of HTTP/2 connections, with --h2c
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(TASKS_MAX))]
    #[arg(requires = "h2c", help_heading = TARGET)]
    pub connections: usize,

    /// PEM file of certificates to trust in addition to the system's
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub ca_file: Option<PathBuf>,

    /// Limits of the built-in emulator: off, aws or a limits file [default: off]
    #[arg(long, value_name = "off|aws|FILE", value_parser = Limits::load, help_heading = TARGET)]
    pub limits: Option<Limits>,

    /// Latency of the built-in emulator: none, aws, a time such as 15ms, or a latency file
    /// [default: none]
    #[arg(long, value_name = "PROFILE", value_parser = Latency::from_argument)]
    #[arg(help_heading = TARGET)]
    pub latency: Option<Latency>,

    /// JSON file of fault rules for the built-in emulator
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub faults: Option<PathBuf>,

    /// Allow a target that is not on this machine, and accept what it may cost
    #[arg(long, help_heading = TARGET)]
    pub i_own_this_endpoint: bool,

    /// Name of the stream, which is created and then deleted
    #[arg(long, value_name = "NAME", default_value = "test-stream", value_parser = stream_name)]
    #[arg(help_heading = TARGET)]
    pub stream: String,

    /// Use a stream that exists already, and keep it
    #[arg(long, help_heading = TARGET)]
    pub existing: bool,

    /// Process id of a target on this machine, to report its CPU time and memory; give one for
    /// each target with a URL, in the same order
    #[arg(long = "target-pid", value_name = "PID", help_heading = TARGET)]
    pub target_pids: Vec<u32>,

    /// How long a reader waits after an empty answer, such as 20ms or 1s
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration)]
    #[arg(help_heading = TARGET)]
    pub poll_interval: Duration,

    /// Give up when no record is put or read for this long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    #[arg(help_heading = TARGET)]
    pub patience: Duration,

    /// Worker threads of the runtime [default: cores]
    #[arg(long, value_name = "N", default_value_t = cores(), hide_default_value = true)]
    #[arg(value_parser = count(TASKS_MAX), help_heading = TARGET)]
    pub worker_threads: usize,

    /// Keep each call in the saved run, for --format jtl
    #[arg(long, help_heading = TARGET)]
    pub samples: bool,
}

const LOAD: &str = "Load";
const DATA: &str = "Data";
const TARGET: &str = "Target and driver";

/// A rate, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum Rate {
    /// As fast as answers come.
    Max,
    /// By the clock.
    Shape(Shape),
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" { Ok(Rate::Max) } else { text.parse().map(Rate::Shape) }
}

impl PlayArgs {
    /// What our own emulator is to be like.
    ///
    /// # Errors
    /// When the fault rules cannot be read; the sentence says why.
    pub fn profile(&self) -> Result<Profile, String> {
        let faults = match &self.faults {
            None => Vec::new(),
            Some(path) => {
                let unusable = |reason: &dyn std::fmt::Display| {
                    format!("the fault rules {} cannot be used: {reason}", path.display())
                };
                let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
                Rule::list_from_json(&text).map_err(|error| unusable(&error))?
            }
        };
        let limits = self.limits.clone().unwrap_or_default();
        let latency = self.latency.clone().unwrap_or_default();
        Ok(Profile { limits, latency, faults })
    }

    /// The payloads that were asked for, or the scenario's own.
    ///
    /// # Errors
    /// When a file cannot be read or a template is no good; the sentence says why.
    pub fn content(&self, scenario: &Scenario) -> Result<Content, String> {
        let unreadable = |path: &PathBuf, reason: &dyn std::fmt::Display| {
            format!("the payload {} cannot be used: {reason}", path.display())
        };
        if let Some(size) = self.payload_bytes {
            return Ok(Content::Sized(size));
        }
        if let Some(path) = &self.payload_file {
            let data = read(path).map_err(|error| unreadable(path, &error))?;
            return match data.len() {
                0..=crate::load::content::RECORD_BYTES_MAX => Ok(Content::Fixed(data.into())),
                _ => Err(unreadable(path, &"it is larger than 10 MiB")),
            };
        }
        if let Some(path) = &self.payload_lines {
            let data = read(path).map_err(|error| unreadable(path, &error))?;
            let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let lines: Vec<bytes::Bytes> = lines.map(|line| line.to_vec().into()).collect();
            return match lines.is_empty() {
                true => Err(unreadable(path, &"it has no lines")),
                false => Ok(Content::InTurn(lines)),
            };
        }
        if let Some(text) = &self.template {
            let template = match text.strip_prefix('@') {
                Some(path) => {
                    let path = PathBuf::from(path);
                    let data = read(&path).map_err(|error| unreadable(&path, &error))?;
                    String::from_utf8_lossy(&data).parse::<Template>()
                }
                None => text.parse::<Template>(),
            };
            return template.map(Content::Template);
        }
        Ok(scenario
            .defaults
            .payload_bytes
            .map_or(Content::Hello, |bytes| Content::Sized(Size(bytes))))
    }
}

fn read(path: &PathBuf) -> std::io::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut data = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut data)?;
        Ok(data)
    } else {
        std::fs::read(path)
    }
}

/// The scenarios, one a line.
#[must_use]
pub fn scenarios() -> String {
    let line = |scenario: &Scenario| format!("{:14} {}\n", scenario.name, scenario.summary);
    catalogue::ALL.iter().map(line).collect()
}

/// The fields of templates, one a line.
#[must_use]
pub fn template_fields() -> String {
    FIELDS.iter().map(|(name, example)| format!("{name:28} {example}\n")).collect()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Command, CommandLine, Rate};
    use crate::report::statistics::REPETITIONS_MIN;

    fn parse(arguments: &[&str]) -> Result<CommandLine, String> {
        CommandLine::try_parse_from([&["kinesis-bench"], arguments].concat())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_subcommand_is_the_default_measurement_with_its_flags() {
        let line = parse(&["--records", "10", "--in-process"]).unwrap();
        assert!(line.command.is_none());
        assert_eq!(line.settings.records, 10);
        assert!(line.settings.in_process);
    }

    #[test]
    fn scenario_target_driver_and_load_are_chosen_apart() {
        let arguments =
            ["run", "fan-out", "-t", "null-tcp", "--driver", "native", "--rate", "ramp:1..9/2s"];
        let Some(Command::Run(run)) = parse(&arguments).unwrap().command else { panic!() };
        assert_eq!((run.scenario.name, &*run.target.to_string()), ("fan-out", "null-tcp"));
        assert!(matches!(run.play.rate, Some(Rate::Shape(_))));
    }

    #[test]
    fn a_comparison_is_played_as_often_as_a_claim_needs() {
        let repetitions = |arguments: &[&str]| match parse(arguments).unwrap().command {
            Some(Command::Compare(compare)) => compare.play.repetitions,
            Some(Command::Run(run)) => run.play.repetitions,
            other => panic!("{other:?}"),
        };
        let compare = ["compare", "-t", "loopback", "-t", "in-process"];
        assert_eq!(repetitions(&compare), REPETITIONS_MIN);
        assert_eq!(repetitions(&[&compare[..], &["--repetitions", "2"]].concat()), 2);
        assert_eq!(repetitions(&["run", "put"]), 1);
    }

    #[test]
    fn saved_runs_are_compared_without_anything_to_play() {
        let line = parse(&["compare", "a.json", "b.json", "--noise", "2%", "--labels", "a,b"]);
        let Some(Command::Compare(compare)) = line.unwrap().command else { panic!() };
        assert_eq!((compare.saved.files.len(), compare.targets.len()), (2, 0));
    }

    #[test]
    fn bad_input_is_refused_with_a_reason() {
        for (arguments, reason) in [
            (&["run", "puts"][..], "there are thousand-four, put"),
            (&["run", "put", "--target", "localstack"], "a target is in-process"),
            (&["run", "put", "--rate", "fast"], "ramp:100..1000/60s"),
            (&["run", "put", "--payload-bytes", "11MiB"], "less than 10MiB"),
            (&["run", "put", "--payload-bytes", "1", "--template", "x"], "cannot be used with"),
            (&["run", "put", "--batch", "501"], "501 is not in 1..=500"),
            (&["run", "put", "--connections", "2"], "--h2c"),
            (&["compare", "a.json", "--target", "null"], "cannot be used with"),
            (&["compare", "a.json", "b.json", "--json", "c.json"], "cannot be used with"),
            (&["compare", "a.json", "b.json", "--scenario", "put"], "cannot be used with"),
            (&["compare", "a.json", "b.json", "--records", "9"], "cannot be used with"),
            (&["compare", "a.json", "b.json", "--limits", "aws"], "cannot be used with"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(reason), "{arguments:?} said: {error}");
        }
    }
}
