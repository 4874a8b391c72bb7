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
/// one by one on a stream of 4 shards with the real AWS SDK, read them back with one
/// task per shard, and report.
///
/// Exit codes: 0 measured and all checks held, 1 a check or a --fail-if condition
/// broke, 2 not measured, 130 interrupted.
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
    /// Play a scenario against a target
    Run(Box<RunArgs>),
    /// Put records at a fixed rate, one line for each: shard, sequence number, latency
    Produce(Box<ProduceArgs>),
    /// Compare saved runs, or play a scenario against several targets in turn
    Compare(Box<CompareTargetsArgs>),
    /// Show saved runs again, in another form
    Report(ReportArgs),
    /// How many shards a load needs, which limit says so, and what a month costs
    Estimate(EstimateArgs),
    /// What a saved run would have cost on AWS
    Cost(CostArgs),
    /// What merging small messages into larger records saves
    Merge(MergeArgs),
    /// List the scenarios
    Scenarios,
    /// List the fields that --template knows
    TemplateFields,
    /// Serve canned answers on a port, to measure clients with
    Null(NullArgs),
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// What to play; `scenarios` lists them
    #[arg(value_parser = catalogue::named)]
    pub scenario: Scenario,

    /// What to measure: in-process, loopback, null, null-tcp, aws or a URL
    #[arg(long, short, value_name = "TARGET", default_value = "loopback")]
    pub target: TargetChoice,

    /// The form in which the run is shown
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Where to write that form [default: stdout]
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
    /// Where to: in-process, loopback, null, null-tcp, aws or a URL
    #[arg(long, short, value_name = "TARGET", default_value = "loopback")]
    pub target: TargetChoice,

    /// A JSON object a line in place of columns
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

    /// A target to measure, given twice or more; the first is the baseline
    #[arg(long = "target", short, value_name = "TARGET", conflicts_with = "files")]
    pub targets: Vec<TargetChoice>,

    /// What to play against the targets in turn
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
    /// The port on the loopback interface; 0 takes a free one
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

    /// Records a second, whether or not answers come: 100, steps:100x10s,500x10s,
    /// ramp:100..1000/60s, sine:100..1000/60s, spike:100..1000/5s@30s; `max` is as fast as answers
    #[arg(long, value_name = "RATE", value_parser = rate, help_heading = LOAD)]
    pub rate: Option<Rate>,

    /// Let the records of a rate come as if from independent callers
    #[arg(long, help_heading = LOAD)]
    pub poisson: bool,

    /// Producers at work at once
    #[arg(long, value_name = "N", value_parser = count(TASKS_MAX), help_heading = LOAD)]
    pub concurrency: Option<usize>,

    /// Play it against a target that does nothing first, and show what the client costs
    #[arg(long, help_heading = LOAD)]
    pub self_overhead: bool,

    /// Play it once for so long before it counts
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LOAD)]
    pub warm_up: Option<Duration>,

    /// How often to play it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1_000))]
    #[arg(help_heading = LOAD)]
    pub repetitions: usize,

    /// Shards of the stream [default: 4]
    #[arg(long, value_name = "N", value_parser = count(SHARDS_MAX), help_heading = DATA)]
    pub shards: Option<usize>,

    /// Partition keys
    #[arg(long, value_enum, help_heading = DATA)]
    pub keys: Option<KeyMode>,

    /// Seed of everything drawn at random
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = DATA)]
    pub seed: u64,

    /// Payloads of this size, such as 512, 1KiB or 1MB; with its partition key a record takes
    /// 1 MiB at most, and 10 MiB in large-records
    #[arg(long, value_name = "SIZE", group = "payload", help_heading = DATA)]
    pub payload_bytes: Option<Size>,

    /// The payload of each record is this file; `-` is stdin
    #[arg(long, value_name = "FILE", group = "payload", help_heading = DATA)]
    pub payload_file: Option<PathBuf>,

    /// The payloads are the lines of this file, in turn; `-` is stdin
    #[arg(long, value_name = "FILE", group = "payload", help_heading = DATA)]
    pub payload_lines: Option<PathBuf>,

    /// Payloads from a template such as '{"who": "{{name.firstName}}"}', or @FILE;
    /// `template-fields` lists the fields
    #[arg(long, value_name = "TEXT", group = "payload", help_heading = DATA)]
    pub template: Option<String>,

    /// Records in a PutRecords call, where a scenario makes such calls
    #[arg(long, value_name = "N", value_parser = count(500), help_heading = DATA)]
    pub batch: Option<usize>,

    /// User messages in a record, where a scenario merges or aggregates
    #[arg(long, value_name = "N", value_parser = count(1_000), help_heading = DATA)]
    pub merge: Option<usize>,

    /// Who calls
    #[arg(long, value_enum, default_value_t = DriverKind::Sdk, help_heading = TARGET)]
    pub driver: DriverKind,

    /// Speak HTTP/2 without TLS; with --driver native
    #[arg(long, help_heading = TARGET)]
    pub h2c: bool,

    /// HTTP/2 connections, with --h2c
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(TASKS_MAX))]
    #[arg(requires = "h2c", help_heading = TARGET)]
    pub connections: usize,

    /// Certificates to trust beside the machine's own, in PEM
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub ca_file: Option<PathBuf>,

    /// Limits of the built-in emulator: off, aws, or a file of the emulator's [default: off]
    #[arg(long, value_name = "off|aws|FILE", value_parser = Limits::load, help_heading = TARGET)]
    pub limits: Option<Limits>,

    /// Latency of the built-in emulator: none, aws, a duration such as 15ms, or a file
    /// [default: none]
    #[arg(long, value_name = "PROFILE", value_parser = Latency::from_argument)]
    #[arg(help_heading = TARGET)]
    pub latency: Option<Latency>,

    /// Fault rules of the built-in emulator, in its JSON form
    #[arg(long, value_name = "FILE", help_heading = TARGET)]
    pub faults: Option<PathBuf>,

    /// Allow a target that is not on this machine, and what it may cost
    #[arg(long, help_heading = TARGET)]
    pub i_own_this_endpoint: bool,

    /// Name of the stream that is made, and deleted afterwards
    #[arg(long, value_name = "NAME", default_value = "test-stream", value_parser = stream_name)]
    #[arg(help_heading = TARGET)]
    pub stream: String,

    /// Use the stream as it is there, and leave it
    #[arg(long, help_heading = TARGET)]
    pub existing: bool,

    /// Process of a target on this machine, to report its processor time and memory; once for
    /// each target with a URL, in their order
    #[arg(long = "target-pid", value_name = "PID", help_heading = TARGET)]
    pub target_pids: Vec<u32>,

    /// Wait of a reader after an empty answer, such as 20ms or 1s
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration)]
    #[arg(help_heading = TARGET)]
    pub poll_interval: Duration,

    /// Give up when no record has moved for this long
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
