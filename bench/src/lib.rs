//! A benchmark for Kinesis Data Streams emulators that one can trust.
//!
//! It drives an endpoint through the real AWS SDK for Rust, measures it, and
//! *checks every run*: nothing lost, nothing read twice, order kept per key, and
//! each record on the shard that its hash key names. A fast wrong answer is a
//! failed run.
//!
//! | room | knows |
//! |---|---|
//! | [`cli`] | arguments, parsed once into [`Settings`] |
//! | [`target`] | what is measured: our emulator over TCP, in process, or any endpoint |
//! | [`aggregation`] | several user records in one: KPL aggregates, merged messages |
//! | [`batch`] | PutRecords in batches, where each record has its own fate |
//! | [`load`] | keys, payloads, and which shard owns which hash key |
//! | [`scenario`] | the measurement itself: setup, produce, consume, clean up |
//! | [`measure`] | clock, latency histogram, call counters |
//! | [`verify`] | pure functions from acks and reads to a [`Verdict`](verify::Verdict) |
//! | [`plan`] | shards, costs and what merging saves, before and after a run |
//! | [`report`] | one [`Report`], shown as a table or as JSON; [saved runs](report::run) in every form |
//! | [`environment`] | the machine and the build a number belongs to |
//! | [`driver`] | who calls: the AWS SDK, or a client of our own that signs for real |
//! | [`commands`] | the subcommands, and the [`session`] that `run` and `compare` hold |
//!
//! Without a subcommand the default measurement is made, see
//! [`scenario::thousand_four`]; its producers wait for their answers. `run`,
//! `produce` and `compare` play any scenario of the [`scenario::catalogue`] against
//! any target, as fast as answers come or by the clock.
//!
//! Absent: any call to a host that is not this machine, AWS included, that was not
//! asked for by `--i-own-this-endpoint`.

pub mod aggregation;
pub mod batch;
pub mod cli;
pub mod commands;
pub mod driver;
pub mod environment;
pub mod failure;
pub mod load;
pub mod measure;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod session;
pub mod target;
pub mod tell;
pub mod verify;

pub use cli::Settings;
pub use failure::Failure;

use environment::Environment;
use measure::process;
use report::progress::Progress;
use report::run::Run;
use report::{Outcome, Report};
use target::Target;

/// Measures the target that `settings` name, once under each set of limits.
///
/// # Errors
/// When the run could not be made: see [`Failure`]. A run that was made and broke
/// a promise is no error: its report says [`Report::holds`] is false.
pub async fn run(settings: &Settings) -> Result<Outcome, Failure> {
    // First of all, so that the load average is that of the machine before the run.
    let environment = Environment::capture(settings);
    let mut outcome: Option<Outcome> = None;
    let profiles = settings.limits_to_measure();
    let is_alone = profiles.len() == 1;
    for limits in profiles {
        let target = Target::open(settings, limits).await?;
        let (started, machine) = (session::now(), (process::machine(), session::own_cpu_seconds()));
        let measurement =
            scenario::thousand_four::run(settings, &target, Progress::on_stderr()).await?;
        let report = Report::new(settings, &target, &measurement, environment.clone());
        let mut run = Run::from_report(&report, &measurement.put_latencies, started);
        run.environment.busy_share =
            session::busy_share(machine.0, session::own_cpu_seconds() - machine.1);
        run.environment.load_average_after = Environment::load_average_now();
        if !is_alone {
            run.label = format!("{}, limits {}", run.label, report.limits);
        }
        match &mut outcome {
            None => {
                let readings = measurement.readings;
                outcome = Some(Outcome { report, runs: vec![run], readings });
            }
            Some(first) => {
                first.report.beside.push(report);
                first.runs.push(run);
            }
        }
    }
    Ok(outcome.expect("there is always something to measure under"))
}
