//! Flags, their environment variables, and the files that they name.

use clap::{Arg, ArgAction, CommandFactory as _};
use kinesis_emulator::cli::Arguments;

use crate::running::{Document, Running, get, run, text};

/// The flags that the server, or a command of this name, has.
fn flags(command: Option<&str>) -> Vec<Arg> {
    let all = Arguments::command();
    let of = command.map_or(&all, |name| all.find_subcommand(name).expect("there is one"));
    let flags = of.get_arguments().filter(|arg| arg.get_long().is_some());
    flags.filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())).cloned().collect()
}

/// The variable that a flag can be given as.
fn variable(flag: &Arg) -> &str {
    let variable = flag.get_env().unwrap_or_else(|| panic!("{flag} has no variable"));
    variable.to_str().expect("it is text")
}

#[test]
fn every_flag_is_an_environment_variable_too() {
    let mut count = 0;
    for command in [None, Some("exec"), Some("env"), Some("health")] {
        for flag in flags(command) {
            let long = flag.get_long().expect("a flag is long");
            // What a command's own emulator has is a free port, whatever others have.
            if (command, long) == (Some("exec"), "port") {
                assert_eq!(flag.get_env(), None);
                continue;
            }
            let expected = match long {
                // LocalStack's KINESIS_LATENCY is a state delay.
                "latency" => "KINESIS_CALL_LATENCY".to_owned(),
                long => format!("KINESIS_{}", long.replace('-', "_").to_uppercase()),
            };
            assert_eq!(variable(&flag), expected);
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
    let variables = [
        ("KINESIS_PORT", "0"),
        ("KINESIS_REGION", "eu-west-1"),
        ("KINESIS_ACCOUNT_ID", "123456789012"),
        ("KINESIS_SHARD_LIMIT", "3"),
        ("KINESIS_STATE_DELAY", "1h"),
    ];
    let mut emulator = Running::start(&[], &variables);
    assert!(emulator.lines(2).contains(&"export AWS_REGION=eu-west-1".to_owned()));
    let create = |shards: u32| {
        let input = format!(r#"{{"StreamName":"s{shards}","ShardCount":{shards}}}"#);
        emulator.call("CreateStream", &input)
    };
    let (status, body) = create(4);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("LimitExceededException") && body.contains("123456789012"), "{body}");
    assert_eq!(create(2).0, 200);
    let (_, body) = emulator.call("DescribeStreamSummary", r#"{"StreamName":"s2"}"#);
    assert!(body.contains(r#""StreamStatus":"CREATING""#), "{body}");
    assert!(body.contains("arn:aws:kinesis:eu-west-1:123456789012:stream/s2"), "{body}");
}

#[test]
fn a_variable_that_is_empty_is_none() {
    // As Docker Compose has it for a `${KINESIS_PORT:-}` that is not set.
    for empty in ["", " "] {
        for command in ["exec", "env"] {
            let flags = [flags(None), flags(Some(command))].concat();
            let names = flags.iter().filter(|flag| flag.get_env().is_some()).map(variable);
            let empty: Vec<_> = names.map(|name| (name, empty)).collect();
            let arguments = [&[command][..], if command == "exec" { &["--", "true"] } else { &[] }];
            let output = run(&arguments.concat(), &empty);
            assert_eq!(text(&output.stderr), "");
            assert!(output.status.success());
        }
    }
    let help = text(&run(&["--help"], &[("KINESIS_PORT", "")]).stdout);
    assert!(help.contains("[env: KINESIS_PORT=]"), "{help}");
}

#[test]
fn a_switch_is_turned_by_a_variable_in_any_of_the_usual_ways() {
    let switches: Vec<_> = flags(None)
        .into_iter()
        .filter(|flag| matches!(flag.get_action(), ArgAction::SetTrue))
        .collect();
    assert!(switches.len() >= 3, "{switches:?}");
    for value in ["1", "true", "TRUE", "yes", "on", "0", "false", "no", "off"] {
        let all: Vec<_> = switches.iter().map(|switch| (variable(switch), value)).collect();
        let output = run(&["exec", "--", "true"], &all);
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)), "{value}");
    }
    let has_control = |value| {
        let emulator = Running::start(&["--port", "0"], &[("KINESIS_NO_CONTROL_API", value)]);
        let mut socket = std::net::TcpStream::connect(&emulator.address).expect("it listens");
        get(&mut socket, "/_emulator/clock").contains("now_millis")
    };
    assert_eq!(["1", "0"].map(has_control), [false, true]);
}

#[test]
fn what_is_wrong_with_a_variable_is_said_of_it() {
    for (arguments, variable, value, expected) in [
        (&[][..], "KINESIS_PORT", "http", "'KINESIS_PORT (--port <PORT>)'"),
        (&["env"], "KINESIS_PORT", "http", "'KINESIS_PORT (--port <PORT>)'"),
        (&[], "KINESIS_JOURNAL", "maybe", "'KINESIS_JOURNAL (--journal)'"),
        (&[], "KINESIS_SHARD_LIMIT", "many", "'KINESIS_SHARD_LIMIT (--shard-limit <N>)'"),
        (&["exec", "--", "--seed"], "KINESIS_SEED", "x", "'KINESIS_SEED (--seed <N>)'"),
        (&[], "KINESIS_MAX_CONNECTIONS", "0", "KINESIS_MAX_CONNECTIONS makes no sense: 0 lets"),
    ] {
        let output = run(arguments, &[(variable, value)]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected), "{expected}\n{errors}");
    }
    // An argument is not, though its variable is there.
    let errors = text(&run(&["--seed=x"], &[("KINESIS_SEED", "1")]).stderr);
    assert!(errors.contains("for '--seed <N>'"), "{errors}");
}

#[test]
fn a_setting_that_makes_no_sense_is_refused() {
    for (arguments, expected) in [
        (&["--max-connections", "0"][..], "--max-connections makes no sense: 0 lets nobody in"),
        (&["--max-in-flight", "8191"], "--max-in-flight makes no sense: a call takes 8KiB at"),
        (&["--head-timeout", "0"], "--head-timeout makes no sense: 0 leaves no time at all"),
        (&["--body-timeout", "0s"], "--body-timeout makes no sense: 0 leaves no time at all"),
        (&["--idle-timeout", "0ms"], "--idle-timeout makes no sense: 0 leaves no time at all"),
        (&["--durability", "os"], "give --data-dir, too"),
    ] {
        for command in [&[][..], &["exec"]] {
            let end = if command.is_empty() { &[][..] } else { &["--", "true"] };
            let output = run(&[command, arguments, end].concat(), &[]);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
            assert!(errors.starts_with("error: ") && errors.contains(expected), "{errors}");
        }
    }
    // The least that makes sense is enough for a call.
    let least = ["--port", "0", "--max-in-flight", "8KiB", "--max-connections", "1"];
    assert_eq!(Running::start(&least, &[]).call("ListStreams", "{}").0, 200);
}

#[test]
fn a_flag_wins_over_its_environment_variable() {
    let mut emulator = Running::start(
        &["--port", "0", "--region", "us-west-2"],
        &[("KINESIS_REGION", "eu-west-1"), ("KINESIS_PORT", "1")],
    );
    assert!(emulator.lines(2).contains(&"export AWS_REGION=us-west-2".to_owned()));
}

#[test]
fn an_argument_that_cannot_be_used_is_named() {
    for (arguments, variables, named) in [
        (&["--no-such-flag"][..], &[][..], "--no-such-flag"),
        (&["--port", "70000"], &[], "70000"),
        (&["--host", "http://localhost"], &[], "write an address such as 127.0.0.1, or a name"),
        // Too long to be looked up by anybody.
        (&["--host", &"a".repeat(64)], &[], "write an address such as 127.0.0.1 or 0.0.0.0, or a"),
        (&["--state-delay", "5"], &[], "write 500ms, 2s, 1m or 0"),
        (&["--account-id", "12"], &[], "an account id is twelve digits"),
        (&["--region", "Frankfurt"], &[], "a Region is lower-case letters"),
        (&["--limits", "gcp"], &[], "write off, aws or the path of a JSON file"),
        (&[], &[("KINESIS_SHARD_LIMIT", "many")], "--shard-limit"),
        (&[], &[("SHARD_LIMIT", "many")], "SHARD_LIMIT"),
        (&["exec"], &[], "COMMAND"),
        (&["--seed", "1", "exec", "--", "true"], &[], "--seed"),
    ] {
        let output = run(arguments, variables);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {variables:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains(named), "{errors}");
        assert_eq!(text(&output.stdout), "", "it was never ready");
    }
}

#[test]
fn help_names_every_flag_with_its_variable() {
    let flags = flags(None);
    // As clap reads them: with a value that is shown beside the name.
    let given: Vec<_> = flags.iter().map(|flag| (variable(flag), "seen")).collect();
    let output = run(&["--help"], &given);
    assert!(output.status.success());
    let help = text(&output.stdout);
    assert!(flags.len() > 25, "{}", flags.len());
    for flag in flags.iter().filter(|flag| !flag.is_hide_set()) {
        let (long, name) = (flag.get_long().expect("a flag is long"), variable(flag));
        let value = if flag.is_hide_env_values_set() { "" } else { "=seen" };
        assert!(help.contains(&format!("--{long}")), "{long}\n{help}");
        assert!(help.contains(&format!("[env: {name}{value}]")), "{name}\n{help}");
    }
    let version = run(&["--version"], &[]);
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout),
        concat!("kinesis-emulator ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn faults_and_latency_come_from_arguments() {
    let rule = r#"[{"operation": "ListStreams", "service_unavailable": true, "times": 1}]"#;
    let file = Document::new("faults.json", rule);
    let latency = ("KINESIS_CALL_LATENCY", "1ms");
    let emulator = Running::start(&["--port", "0", "--faults", file.path()], &[latency]);
    let statuses = [(); 2].map(|()| emulator.call("ListStreams", "{}").0);
    assert_eq!(statuses, [503, 200]);
    let file = Document::new("no-faults.json", r#"[{"hold": 1}]"#);
    let path = file.path();
    let output = run(&["--port", "0"], &[("KINESIS_FAULTS", path)]);
    let expected = format!("kinesis-emulator: {path}: rule 1: `hold`: write true, or leave it out");
    assert_eq!((output.status.code(), text(&output.stderr).trim()), (Some(1), expected.as_str()));
}

#[test]
fn limits_come_from_a_profile_or_from_a_file() {
    let narrow = r#"{"name": "narrow", "calls_per_second": {"ListStreams": 1}}"#;
    let limits = Document::new("limits.json", narrow);
    for (arguments, variables, named) in [
        (&["--port", "0", "--limits", "aws"][..], &[][..], "aws"),
        (&["--port", "0"], &[("KINESIS_LIMITS", limits.path())], "narrow"),
    ] {
        let mut emulator = Running::start(arguments, variables);
        assert_eq!(emulator.lines(6)[5], format!("The limits in force are those of {named}."));
        let answers: Vec<_> = (0..50).map(|_| emulator.call("ListStreams", "{}")).collect();
        let refused = |(status, body): &(u16, String)| {
            *status == 400 && body.contains("Rate exceeded for account 000000000000.")
        };
        assert!(answers.iter().any(refused), "{named}: {answers:?}");
    }
}

#[test]
fn a_file_of_streams_that_cannot_be_used_is_named_with_the_place() {
    for (name, content, expected) in [
        ("broken.json", "{", "broken.json: it is not JSON: "),
        ("clash.json", r#"{"streams": [{"name": 1}]}"#, "streams[0].name: it has to be a text"),
        (
            "refused.json",
            r#"{"streams": [{"name": "a"}, {"name": "a"}]}"#,
            "refused.json: streams[1]: ResourceInUseException: Stream a under account 000000000000 already \
             exists.",
        ),
    ] {
        let file = Document::new(name, content);
        let output = run(&["--port", "0", "--init", file.path()], &[]);
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
        assert!(errors.starts_with("kinesis-emulator: ") && errors.contains(expected), "{errors}");
    }
    let output = run(&["--port", "0", "--init", "/no/such/file"], &[]);
    assert!(text(&output.stderr).starts_with("kinesis-emulator: /no/such/file: it cannot be read"));
}

#[test]
fn other_emulators_variables_are_understood_and_said() {
    let output = run(
        &["exec", "--", "sh", "-c", "echo $AWS_REGION"],
        &[("DEFAULT_REGION", "eu-west-1"), ("LOG_LEVEL", "DEBUG"), ("SHARD_LIMIT", "5")],
    );
    assert_eq!(text(&output.stdout), "eu-west-1\n");
    assert_eq!(
        text(&output.stderr),
        "kinesis-emulator: DEFAULT_REGION is understood as --region eu-west-1\n\
         kinesis-emulator: SHARD_LIMIT is understood as --shard-limit 5\n\
         kinesis-emulator: LOG_LEVEL has no meaning here: there is no log\n"
    );
}
