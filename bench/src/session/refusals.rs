//! What is refused before anything is started or called: options that would be
//! taken and do nothing, and records that no stream would take.
//!
//! Law: whoever passes an option has it obeyed, or is told why it cannot be.

use crate::cli::SHARDS_MAX;
use crate::commands::{PlayArgs, Rate};
use crate::driver::DriverKind;
use crate::failure::Failure;
use crate::load::content::{Content, RECORD_BYTES_DEFAULT, RECORD_BYTES_MAX};
use crate::measure::process;
use crate::scenario::catalogue::{ALL, Produce, Scenario};
use crate::scenario::play::DEFAULT_SHARDS;
use crate::target::Profile;
use crate::target::choice::TargetChoice;

/// Refuses the first thing that cannot be obeyed.
pub(super) fn refuse(
    scenario: &Scenario,
    choices: &[TargetChoice],
    arguments: &PlayArgs,
    profile: &Profile,
) -> Result<(), Failure> {
    let refusal = not_built_in(choices, arguments)
        .or_else(|| no_http2(choices, arguments))
        .or_else(|| no_wait(choices, arguments, profile))
        .or_else(|| no_batch(scenario, arguments))
        .or_else(|| no_merge(scenario, arguments))
        .or_else(|| no_rate(scenario, arguments))
        .or_else(|| no_process(arguments));
    refusal.map_or(Ok(()), |sentence| Err(Failure::Start(sentence)))
}

/// Refuses payloads that are too large for a record: its partition key counts, too.
pub(super) fn refuse_too_large(
    scenario: &Scenario,
    arguments: &PlayArgs,
    content: &Content,
) -> Result<(), Failure> {
    // A stream that is there may have been told to take more, and has shards of its own.
    let is_raised = scenario.record_kib_max.is_some() || arguments.existing;
    let record_max = if is_raised { RECORD_BYTES_MAX } else { RECORD_BYTES_DEFAULT };
    let shards_max = if arguments.existing { SHARDS_MAX as usize } else { DEFAULT_SHARDS };
    let keys = arguments.keys.unwrap_or(scenario.defaults.keys);
    let key_max = keys.bytes_max(arguments.shards.unwrap_or(shards_max));
    let stamp_max = if scenario.reads_meanwhile() { content.stamp_bytes_max() } else { 0 };
    let room = record_max - key_max - stamp_max;
    let bytes = content.bytes_max(arguments.seed);
    if bytes <= room {
        return Ok(());
    }
    let stamp = match stamp_max {
        0 => String::new(),
        bytes => format!(" and a time stamp of up to {bytes}"),
    };
    let advice = match is_raised {
        true => "",
        false => "; large-records takes records of up to 10 MiB",
    };
    Err(Failure::Start(format!(
        "a record takes {} MiB at most, and of those up to {key_max} bytes are its partition \
         key{stamp}: payloads of {bytes} bytes are too large, {room} bytes are the most{advice}",
        record_max >> 20
    )))
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

fn no_http2(choices: &[TargetChoice], arguments: &PlayArgs) -> Option<String> {
    let has_no_socket =
        |choice: &TargetChoice| matches!(choice, TargetChoice::InProcess | TargetChoice::Null);
    let sentence = match arguments.driver {
        _ if !arguments.h2c => return None,
        DriverKind::Sdk => {
            "the SDK speaks HTTP/1.1 to http:// endpoints: pass --driver native with --h2c"
        }
        DriverKind::Native if choices.iter().all(has_no_socket) => {
            "without a socket there is no HTTP/2: leave out --h2c, or pass --target loopback"
        }
        DriverKind::Native => return None,
    };
    Some(sentence.to_owned())
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

fn no_batch(scenario: &Scenario, arguments: &PlayArgs) -> Option<String> {
    let is_ignored = arguments.batch.is_some() && !scenario.produce.is_in_batches();
    is_ignored.then(|| {
        format!(
            "{} makes no PutRecords calls: leave out --batch, or run {}",
            scenario.name,
            others(Produce::is_in_batches)
        )
    })
}

fn no_merge(scenario: &Scenario, arguments: &PlayArgs) -> Option<String> {
    let is_ignored = arguments.merge.is_some() && !scenario.produce.is_packed();
    is_ignored.then(|| {
        format!(
            "{} puts one user message in each record: leave out --merge, or run {}",
            scenario.name,
            others(Produce::is_packed)
        )
    })
}

/// The scenarios whose records become calls in such a way.
fn others(is_such: fn(Produce) -> bool) -> String {
    let such = ALL.iter().filter(|scenario| is_such(scenario.produce));
    such.map(|scenario| scenario.name).collect::<Vec<_>>().join(" or ")
}

fn no_rate(scenario: &Scenario, arguments: &PlayArgs) -> Option<String> {
    let has_rate = match &arguments.rate {
        Some(Rate::Shape(_)) => true,
        Some(Rate::Max) => false,
        None => scenario.defaults.rate.is_some(),
    };
    if has_rate && scenario.produce == Produce::Preload {
        return Some(format!(
            "{} puts its records before the measurement, as fast as it can: leave out --rate",
            scenario.name
        ));
    }
    (arguments.poisson && !has_rate).then(|| {
        "--poisson spreads the records of a rate, and there is none: pass --rate, or leave it out"
            .to_owned()
    })
}

fn no_process(arguments: &PlayArgs) -> Option<String> {
    let mut pids = arguments.target_pids.iter();
    let unknown = pids.find(|pid| process::usage(&pid.to_string()).is_none())?;
    Some(format!(
        "nothing is known here of a process {unknown}: pass the id of one that runs, or leave \
         out --target-pid"
    ))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{refuse, refuse_too_large};
    use crate::commands::{Command, CommandLine};

    /// What is said of a `run`, without running it.
    fn said(arguments: &str) -> String {
        let words = ["kinesis-bench", "run"].into_iter().chain(arguments.split(' '));
        let line = CommandLine::try_parse_from(words).unwrap();
        let Some(Command::Run(run)) = line.command else { unreachable!("it is a run") };
        let profile = run.play.profile().unwrap();
        let content = run.play.content(&run.scenario).unwrap();
        let refused = refuse(&run.scenario, &[run.target], &run.play, &profile)
            .and_then(|()| refuse_too_large(&run.scenario, &run.play, &content));
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

    #[test]
    fn what_the_scenario_would_ignore_is_refused() {
        for (arguments, sentence) in [
            ("put --batch 5", "put makes no PutRecords calls: leave out --batch, or run put-batch"),
            ("merged --batch 5", "merged makes no PutRecords calls"),
            ("put --merge 5", "leave out --merge, or run aggregated or merged"),
            ("put-batch --merge 1", "put-batch puts one user message in each record"),
            ("drain --rate 100", "leave out --rate"),
            ("put --poisson", "pass --rate"),
            ("steady --rate max --poisson", "pass --rate"),
            ("put -t null --driver native --h2c", "without a socket there is no HTTP/2"),
            ("put -t http://127.0.0.1:1 --target-pid 4294967295", "of a process 4294967295"),
        ] {
            assert!(said(arguments).contains(sentence), "{arguments} said: {}", said(arguments));
        }
        let own = format!("put -t http://127.0.0.1:1 --target-pid {}", std::process::id());
        for arguments in [
            "put-batch --batch 5",
            "mixed --batch 5",
            "drain --batch 5 --rate max",
            "aggregated --merge 5",
            "merged --merge 1",
            "put --rate 100 --poisson",
            "steady --poisson",
            "put -t null-tcp --driver native --h2c --connections 2",
            &own,
        ] {
            assert_eq!(said(arguments), "", "{arguments}");
        }
    }

    #[test]
    fn a_payload_leaves_room_for_its_partition_key() {
        for (arguments, sentence) in [
            ("large-records --payload-bytes 10MiB", "10485752 bytes are the most"),
            ("large-records --payload-bytes 10485753", "up to 8 bytes are its partition key"),
            ("large-records --keys random --payload-bytes 10485729", "10485728 bytes are the most"),
            ("put --payload-bytes 1MiB", "large-records takes records of up to 10 MiB"),
            ("put --existing --payload-bytes 10MiB", "10485749 bytes are the most"),
        ] {
            assert!(said(arguments).contains(sentence), "{arguments} said: {}", said(arguments));
        }
        for arguments in [
            "large-records",
            "large-records --payload-bytes 10485752",
            "put --payload-bytes 1048568",
            "put --payload-bytes 1MB",
            "put --existing --payload-bytes 9MiB",
            "end-to-end --payload-bytes 1048568",
        ] {
            assert_eq!(said(arguments), "", "{arguments}");
        }
        let file = std::env::temp_dir().join(format!("kinesis-bench-mib-{}", std::process::id()));
        std::fs::write(&file, vec![b'x'; 1_048_568]).unwrap();
        assert_eq!(said(&format!("put --payload-file {}", file.display())), "");
        let stamped = said(&format!("end-to-end --payload-file {}", file.display()));
        std::fs::remove_file(&file).unwrap();
        assert!(stamped.contains("and a time stamp of up to 64"), "{stamped}");
    }
}
