//! What is refused before anything is started or called: options that would be
//! taken and do nothing.
//!
//! Law: whoever passes an option has it obeyed, or is told why it cannot be.

use crate::commands::PlayArgs;
use crate::driver::DriverKind;
use crate::failure::Failure;
use crate::target::Profile;
use crate::target::choice::TargetChoice;

/// Refuses the first thing that cannot be obeyed.
pub(super) fn refuse(
    choices: &[TargetChoice],
    arguments: &PlayArgs,
    profile: &Profile,
) -> Result<(), Failure> {
    let refusal = not_built_in(choices, arguments)
        .or_else(|| no_http2(arguments))
        .or_else(|| no_wait(choices, arguments, profile));
    refusal.map_or(Ok(()), |sentence| Err(Failure::Start(sentence)))
}

/// Nobody but our own emulator takes limits, latency and faults from here.
fn not_built_in(choices: &[TargetChoice], arguments: &PlayArgs) -> Option<String> {
    if choices.iter().any(TargetChoice::is_built_in) {
        return None;
    }
    let options = [
        ("--limits", arguments.limits.is_some()),
        ("--latency", arguments.latency.is_some()),
        ("--faults", arguments.faults.is_some()),
    ];
    let given = options.iter().filter(|(_, is_given)| *is_given);
    let names: Vec<&str> = given.map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "only the built-in emulator takes {}: pass --target loopback or in-process, or \
             leave out what is meant for it",
            names.join(", ")
        )
    })
}

fn no_http2(arguments: &PlayArgs) -> Option<String> {
    (arguments.h2c && arguments.driver == DriverKind::Sdk).then(|| {
        "the SDK speaks HTTP/1.1 to http:// endpoints: pass --driver native with --h2c".to_owned()
    })
}

fn no_wait(choices: &[TargetChoice], arguments: &PlayArgs, profile: &Profile) -> Option<String> {
    let is_ignored = choices.contains(&TargetChoice::InProcess)
        && arguments.driver == DriverKind::Native
        && profile.delays();
    is_ignored.then(|| {
        "the native driver calls the in-process emulator without a wait, so that --latency \
         and --faults would mean nothing: pass --target loopback, or --driver sdk"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::refuse;
    use crate::commands::{Command, CommandLine};

    /// What is said of a `run`, without running it.
    fn said(arguments: &str) -> String {
        let words = ["kinesis-bench", "run"].into_iter().chain(arguments.split(' '));
        let line = CommandLine::try_parse_from(words).unwrap();
        let Some(Command::Run(run)) = line.command else { unreachable!("it is a run") };
        let profile = run.play.profile().unwrap();
        let refused = refuse(&[run.target], &run.play, &profile);
        refused.err().map_or(String::new(), |failure| failure.to_string())
    }

    #[test]
    fn what_is_for_the_built_in_emulator_is_refused_for_other_targets() {
        let faults = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/stall.json");
        for target in ["http://127.0.0.1:1", "aws", "null", "null-tcp"] {
            for (more, names) in [
                ("--limits aws", "takes --limits:"),
                ("--limits off", "takes --limits:"),
                ("--latency 50ms", "takes --latency:"),
                (&format!("--faults {faults} --latency 1ms"), "takes --latency, --faults:"),
            ] {
                let sentence = said(&format!("put -t {target} {more}"));
                assert!(sentence.contains(names), "{target} {more} said: {sentence}");
            }
            assert_eq!(said(&format!("put -t {target}")), "");
        }
        for target in ["loopback", "in-process"] {
            assert_eq!(said(&format!("put -t {target} --limits aws --latency 1ms")), "");
        }
    }
}
