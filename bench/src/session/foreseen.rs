//! The runs that a session will make, before it does: no figure in them, and each part
//! that there will be. What cannot be done with these cannot be done with the measured
//! ones, and is refused while it costs nothing.

use super::{now, processes};
use crate::commands::PlayArgs;
use crate::driver::DriverKind;
use crate::failure::Failure;
use crate::measure::process;
use crate::report::run::{
    Driver, Environment, Histogram, Latency, Phase, Process, Protocol, Repetition, Run, Sample,
    Settings, Shard, Target, Verdict,
};
use crate::scenario::catalogue::Scenario;
use crate::target::choice::TargetChoice;

/// A run for each target, in their order, with one repetition.
///
/// # Errors
/// When what is said of the targets' processes cannot be.
pub fn foresee(
    scenario: &Scenario,
    choices: &[TargetChoice],
    arguments: &PlayArgs,
) -> Result<Vec<Run>, Failure> {
    let processes = processes(choices, &arguments.target_pids)?;
    let runs = choices.iter().zip(processes).map(|(choice, process)| {
        let usage = process.and_then(|process| process::usage(&process));
        let mut run = Run::new(
            choice.to_string(),
            scenario.name.to_owned(),
            target(choice, arguments),
            Settings::default(),
            Environment::default(),
            now(),
        );
        let mut repetition = repetition(scenario, !choice.is_null());
        repetition.process = usage.map(|_| Process::default());
        repetition.samples.extend(arguments.samples.then(Sample::default));
        run.repetitions.push(repetition);
        run
    });
    Ok(runs.collect())
}

fn target(choice: &TargetChoice, arguments: &PlayArgs) -> Target {
    Target {
        kind: choice.to_string(),
        endpoint: None,
        region: None,
        protocol: Protocol::Http1,
        driver: match arguments.driver {
            DriverKind::Sdk => Driver::Sdk,
            DriverKind::Native => Driver::Native,
        },
        limits: None,
        latency: None,
        poll_interval_ms: None,
    }
}

fn repetition(scenario: &Scenario, is_verified: bool) -> Repetition {
    let latency = || Latency { corrected: None, uncorrected: Histogram::default() };
    let names = [Some(scenario.put_phase()), is_verified.then(|| scenario.read_phase())];
    let phase =
        |name: &str| Phase { name: name.to_owned(), latency: Some(latency()), ..Phase::default() };
    let shard = Shard { iterator_age_ms_max: is_verified.then_some(0.0), ..Shard::default() };
    Repetition {
        phases: names.into_iter().flatten().map(phase).collect(),
        end_to_end: (is_verified && scenario.reads_meanwhile()).then(latency),
        per_shard: vec![shard],
        payload_units: Some(0),
        verdict: is_verified.then(Verdict::default),
        ..Repetition::default()
    }
}
