//! Flags, their environment variables, and the files that they name.

use crate::running::{Document, Running, run, text};

#[test]
fn every_flag_is_an_environment_variable_too() {
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
        (&["--host", "somewhere"], &[], "somewhere"),
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
    let output = run(&["--help"], &[]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    for (flag, variable) in [
        ("--host", "KINESIS_HOST"),
        ("--port", "KINESIS_PORT"),
        ("--region", "KINESIS_REGION"),
        ("--account-id", "KINESIS_ACCOUNT_ID"),
        ("--limits", "KINESIS_LIMITS"),
        ("--shard-limit", "KINESIS_SHARD_LIMIT"),
        ("--stream-limit", "KINESIS_STREAM_LIMIT"),
        ("--state-delay", "KINESIS_STATE_DELAY"),
        ("--seed", "KINESIS_SEED"),
        ("--allow-anonymous", "KINESIS_ALLOW_ANONYMOUS"),
        ("--init", "KINESIS_INIT"),
        ("--storage-limit", "KINESIS_STORAGE_LIMIT"),
        ("--max-connections", "KINESIS_MAX_CONNECTIONS"),
        ("--max-in-flight", "KINESIS_MAX_IN_FLIGHT"),
        ("--head-timeout", "KINESIS_HEAD_TIMEOUT"),
        ("--body-timeout", "KINESIS_BODY_TIMEOUT"),
        ("--idle-timeout", "KINESIS_IDLE_TIMEOUT"),
        ("--allow-host", "KINESIS_ALLOW_HOST"),
        ("--allow-origin", "KINESIS_ALLOW_ORIGIN"),
    ] {
        assert!(help.contains(flag) && help.contains(variable), "{flag} {variable}\n{help}");
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
