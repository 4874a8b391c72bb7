//! The `kinesis-emulator` binary, as a shell or a supervisor sees it.

#![cfg(all(unix, feature = "server"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

#[test]
fn it_says_where_it_is_and_how_to_point_an_sdk_there() {
    let mut emulator = Running::start(&["--port", "0"], &[]);
    let address = emulator.address.clone();
    assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
    assert_eq!(
        emulator.lines(5),
        [
            format!("export AWS_ENDPOINT_URL_KINESIS=http://{address}"),
            "export AWS_REGION=us-east-1".to_owned(),
            "export AWS_DEFAULT_REGION=us-east-1".to_owned(),
            "export AWS_ACCESS_KEY_ID=test".to_owned(),
            "export AWS_SECRET_ACCESS_KEY=test".to_owned(),
        ]
    );
    assert!(emulator.call("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#).0 == 200);
    let (status, body) = emulator.call("ListStreams", "{}");
    assert_eq!(status, 200);
    assert!(body.contains(r#""StreamNames":["s"]"#), "{body}");
    assert!(emulator.end("TERM").success());
}

#[test]
fn sigterm_and_sigint_end_it_with_code_0() {
    for signal in ["TERM", "INT"] {
        let emulator = Running::start(&["--port", "0"], &[]);
        let address = emulator.address.clone();
        assert_eq!(emulator.end(signal).code(), Some(0), "SIG{signal}");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    }
}

#[test]
fn sigterm_ends_it_though_a_client_keeps_its_connection() {
    let emulator = Running::start(&["--port", "0"], &[]);
    let idle = TcpStream::connect(&emulator.address).expect("it listens");
    let mut used = TcpStream::connect(&emulator.address).expect("it listens");
    let (status, _) = exchange(&mut used, "ListStreams", "{}");
    assert_eq!(status, 200);
    assert_eq!(emulator.end("TERM").code(), Some(0));
    drop((idle, used));
}

#[test]
fn sigterm_ends_it_after_the_calls_that_it_has_accepted() {
    let rule = r#"[{"operation": "PutRecord", "delay": "700ms"}]"#;
    let file = Document::new("slow.json", rule);
    let streams = ("INITIALIZE_STREAMS", "s:1");
    let emulator = Running::start(&["--port", "0", "--faults", file.path()], &[streams]);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let mut socket = TcpStream::connect(&emulator.address).expect("it listens");
            let put = r#"{"StreamName":"s","PartitionKey":"k","Data":"eA=="}"#;
            std::thread::spawn(move || exchange(&mut socket, "PutRecord", put))
        })
        .collect();
    let mut control = TcpStream::connect(&emulator.address).expect("it listens");
    // Until all of them have arrived and are on their way.
    while !get(&mut control, "/_emulator/faults").contains(r#""fired":8"#) {}
    assert_eq!(emulator.end("TERM").code(), Some(0));
    for call in calls {
        let (status, body) = call.join().expect("it was answered");
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("SequenceNumber"), "{body}");
    }
}

/// One GET over a connection that is kept.
fn get(socket: &mut TcpStream, path: &str) -> String {
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    read_answer(socket).1
}

#[test]
fn ten_thousand_connections_are_served() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let emulator = Running::start(&["--port", "0"], &[]);
    // This process needs as many descriptors as the emulator: as many as it gets.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _as_it_was = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = allowed.saturating_sub(500).min(10_000);
    let before = resident_bytes(&emulator.child);
    let mut sockets = Vec::new();
    for number in 0..count {
        let connected = TcpStream::connect(&emulator.address);
        let mut socket = connected.unwrap_or_else(|error| panic!("connection {number}: {error}"));
        assert_eq!(exchange(&mut socket, "ListStreams", "{}").0, 200, "connection {number}");
        sockets.push(socket);
    }
    let each = (resident_bytes(&emulator.child) - before) / count.max(1);
    println!("{count} connections are open at a time, and each takes {each} bytes");
    for (number, socket) in sockets.iter_mut().enumerate().step_by(10) {
        assert_eq!(exchange(socket, "ListStreams", "{}").0, 200, "connection {number}, again");
    }
}

/// What a process has in memory, where the system says so; otherwise 0.
fn resident_bytes(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    kibibytes.map_or(0, |text| {
        text.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") * 1024
    })
}

#[test]
fn beyond_loopback_it_says_who_can_use_it_and_answers_by_any_name() {
    let said = |arguments: &[&str]| {
        let mut emulator = Running::start(arguments, &[]);
        let said = emulator.lines(6).pop().expect("six lines");
        let port = emulator.address.rsplit(':').next().expect("a port").to_owned();
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        (said, get_as(&mut socket, "kinesis.dev.shop.com"))
    };
    let (warning, status) = said(&["--port", "0", "--host", "0.0.0.0"]);
    assert!(warning.starts_with("Anyone who reaches 0.0.0.0 can use it"), "{warning}");
    assert_eq!(status, 200);
    let loopback = Running::start(&["--port", "0"], &[]);
    let mut socket = TcpStream::connect(&loopback.address).expect("it listens");
    assert_eq!(get_as(&mut socket, "kinesis.dev.shop.com"), 403);
    let named = [("KINESIS_ALLOW_HOST", "other.shop.com,kinesis.dev.shop.com")];
    let allowed = Running::start(&["--port", "0"], &named);
    let mut socket = TcpStream::connect(&allowed.address).expect("it listens");
    assert_eq!(get_as(&mut socket, "kinesis.dev.shop.com"), 200);
}

/// The status of a page that is asked for by a name.
fn get_as(socket: &mut TcpStream, host: &str) -> u16 {
    write!(socket, "GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("it reads");
    read_answer(socket).0
}

#[test]
fn a_secret_is_never_printed() {
    let secret = "hunter2hunter2";
    for variables in [&[][..], &[("KINESIS_VERIFY_SECRET", secret)]] {
        let given = ["--verify-secret", secret];
        let given = if variables.is_empty() { &given[..] } else { &[] };
        for more in [&["--help"][..], &["--no-such-flag"], &["--port", "70000"]] {
            let output = run(&[given, more].concat(), variables);
            let printed = text(&output.stdout) + &text(&output.stderr);
            assert!(!printed.contains(secret), "{printed}");
        }
        let port = [given, &["--port", "0", "--limits", "aws"]].concat();
        let mut emulator = Running::start(&port, variables);
        let (status, body) = emulator.call("ListStreams", "{}");
        assert_eq!(status, 400, "it has to be signed with the secret");
        let printed = emulator.lines(6).concat() + &body;
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn no_key_is_ever_written() {
    let file = Document::new("ca.pem", "");
    let _emulator = Running::start(&["--port", "0", "--ca-file", file.path()], &[]);
    let written = std::fs::read_to_string(&file.0).expect("it was written");
    assert!(written.starts_with("-----BEGIN CERTIFICATE-----"), "{written}");
    assert_eq!(written.matches("-----BEGIN ").count(), 1, "{written}");
}

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
fn a_data_directory_keeps_what_was_answered_when_the_process_is_killed() {
    let folder = std::env::temp_dir().join(format!("kinesis-kept-{}", std::process::id()));
    let directory = folder.to_str().expect("UTF-8");
    let arguments = ["--port", "0", "--data-dir", directory, "--state-delay", "0"];
    let first = Running::start(&arguments, &[]);
    assert_eq!(first.call("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#).0, 200);
    let put = r#"{"StreamName":"s","PartitionKey":"k","Data":"AAAA"}"#;
    assert_eq!(first.call("PutRecord", put).0, 200);
    let second = binary(&arguments, &[]).output().expect("the binary can be run");
    let refused = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(refused.contains("is in use by another process"), "{refused}");
    assert!(!first.end("KILL").success());
    let mut again = Running::start(&arguments, &[]);
    let said = again.lines(6);
    let expected = format!("Goes on with {directory} (streams: 1, records: 1; ");
    assert!(said[5].starts_with(&expected), "{said:?}");
    assert!(again.end("TERM").success());
    std::fs::remove_dir_all(folder).expect("it is there");
}

#[test]
fn faults_and_latency_come_from_arguments() {
    let file = std::env::temp_dir().join(format!("kinesis-faults-{}.json", std::process::id()));
    let rule = r#"[{"operation": "ListStreams", "service_unavailable": true, "times": 1}]"#;
    std::fs::write(&file, rule).expect("a file can be written");
    let path = file.to_str().expect("a path is text");
    let latency = ("KINESIS_CALL_LATENCY", "1ms");
    let emulator = Running::start(&["--port", "0", "--faults", path], &[latency]);
    let statuses = [(); 2].map(|()| emulator.call("ListStreams", "{}").0);
    assert_eq!(statuses, [503, 200]);
    std::fs::write(&file, r#"[{"hold": 1}]"#).expect("a file can be written");
    let output = run(&["--port", "0"], &[("KINESIS_FAULTS", path)]);
    let expected = format!("kinesis-emulator: {path}: rule 1: `hold`: write true, or leave it out");
    assert_eq!((output.status.code(), text(&output.stderr).trim()), (Some(1), expected.as_str()));
    std::fs::remove_file(&file).expect("the file is there");
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
fn limits_come_from_a_profile_or_from_a_file() {
    let limits = std::env::temp_dir().join(format!("limits-{}.json", std::process::id()));
    std::fs::write(&limits, r#"{"name": "narrow", "calls_per_second": {"ListStreams": 1}}"#)
        .expect("the folder for temporary files can be written");
    let file = limits.to_str().expect("a path of letters");
    for (arguments, variables, named) in [
        (&["--port", "0", "--limits", "aws"][..], &[][..], "aws"),
        (&["--port", "0"], &[("KINESIS_LIMITS", file)], "narrow"),
    ] {
        let mut emulator = Running::start(arguments, variables);
        assert_eq!(emulator.lines(6)[5], format!("The limits in force are those of {named}."));
        let answers: Vec<_> = (0..50).map(|_| emulator.call("ListStreams", "{}")).collect();
        let refused = |(status, body): &(u16, String)| {
            *status == 400 && body.contains("Rate exceeded for account 000000000000.")
        };
        assert!(answers.iter().any(refused), "{named}: {answers:?}");
    }
    std::fs::remove_file(limits).expect("it was written");
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let output = run(&["--port", &port], &[]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    let expected = format!("kinesis-emulator: the emulator cannot listen on 127.0.0.1:{port}: ");
    assert!(errors.starts_with(&expected) && errors.contains("choose another port"), "{errors}");
    assert_eq!(text(&output.stdout), "", "it was never ready");
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
fn exec_runs_a_command_with_an_emulator_of_its_own() {
    let script = r#"
        echo "$AWS_ENDPOINT_URL_KINESIS"
        env | grep -c -e ^AWS_REGION=eu-west-1$ -e ^AWS_DEFAULT_REGION=eu-west-1$ -e ^AWS_ACCESS_KEY_ID=test$ -e ^AWS_SECRET_ACCESS_KEY=test$
        read -r line && echo "$line" >&2
        exit 7
    "#;
    let mut command = binary(&["exec", "--region", "eu-west-1", "--", "sh", "-c", script], &[]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut lines = || {
        let mut line = String::new();
        output.read_line(&mut line).expect("output is text");
        line.trim_end().to_owned()
    };
    let url = lines();
    let address = url.strip_prefix("http://").unwrap_or_else(|| panic!("not a URL: {url:?}"));
    assert_eq!(lines(), "4", "the variables");
    // The command waits for its input: its emulator answers.
    let mut socket = TcpStream::connect(address).expect("it listens");
    assert_eq!(exchange(&mut socket, "ListStreams", "{}").0, 200);
    child.stdin.take().expect("it is piped").write_all(b"go on\n").expect("it reads");
    let rest = child.wait_with_output().expect("it ends");
    assert_eq!(rest.status.code(), Some(7), "the command's own");
    assert_eq!(text(&rest.stderr), "go on\n");
    assert_eq!(lines(), "", "nothing but the command writes to standard output");
    assert!(TcpStream::connect(address).is_err(), "the emulator has ended, too");
}

#[test]
fn exec_ends_as_shells_do() {
    for (command, code) in [
        (&["true"][..], 0),
        (&["false"], 1),
        (&["sh", "-c", "kill -s KILL $$"], 128 + 9),
        (&["sh", "-c", "kill -s TERM $$"], 128 + 15),
        (&["/"], 126),
    ] {
        let output = run(&[&["exec", "--"], command].concat(), &[]);
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        assert_eq!(text(&output.stdout), "", "{command:?}");
    }
    let output = run(&["exec", "--", "no-such-command"], &[]);
    assert_eq!(output.status.code(), Some(127));
    let errors = text(&output.stderr);
    assert!(errors.starts_with("kinesis-emulator: no-such-command cannot be run: "), "{errors}");
}

#[test]
fn exec_hands_signals_on() {
    for (signal, code) in [("TERM", 40), ("INT", 41), ("HUP", 42), ("USR1", 43)] {
        let script = r"
            trap 'exit 40' TERM; trap 'exit 41' INT; trap 'exit 42' HUP; trap 'exit 43' USR1
            echo ready
            while :; do read -r line; done
        ";
        let mut command = binary(&["exec", "--", "sh", "-c", script], &[]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        let mut ready = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut ready).expect("output is text");
        assert_eq!(ready, "ready\n");
        let process = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &process]).status();
        assert!(sent.expect("kill can be run").success());
        assert_eq!(child.wait().expect("it is our child").code(), Some(code), "SIG{signal}");
    }
}

#[test]
fn env_prints_what_a_shell_evaluates() {
    let output = run(&["env", "--port", "4999", "--region", "eu-west-1"], &[]);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stdout),
        "export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:4999\n\
         export AWS_REGION=eu-west-1\n\
         export AWS_DEFAULT_REGION=eu-west-1\n\
         export AWS_ACCESS_KEY_ID=test\n\
         export AWS_SECRET_ACCESS_KEY=test\n"
    );
    let output = run(&["env"], &[("KINESIS_HOST", "0.0.0.0"), ("KINESIS_PORT", "4568")]);
    let said = text(&output.stdout);
    assert!(said.starts_with("export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:4568\n"), "{said}");
}

#[test]
fn commands_take_the_same_variables() {
    // Set for the server, they disturb no command.
    let variables = [("KINESIS_PORT", "1"), ("KINESIS_REGION", "eu-west-1")];
    let output = run(&["exec", "--", "sh", "-c", "echo $AWS_REGION"], &variables);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("eu-west-1\n", Some(0)));
}

#[test]
fn streams_are_there_when_the_emulator_is_ready() {
    let file = Document::new("streams.json", r#"{"streams": [{"name": "orders", "shards": 1}]}"#);
    for (arguments, variables) in [
        (&["--port", "0", "--init", file.path()][..], &[][..]),
        (&["--port", "0"], &[("KINESIS_INIT", file.path())]),
        (&["--port", "0"], &[("INITIALIZE_STREAMS", "orders:1")]),
        // An hour is longer than the test, and not waited for.
        (&["--port", "0", "--state-delay", "1h"], &[("INITIALIZE_STREAMS", "orders:1")]),
    ] {
        let emulator = Running::start(arguments, variables);
        let (_, body) = emulator.call("DescribeStreamSummary", r#"{"StreamName":"orders"}"#);
        assert!(body.contains(r#""StreamStatus":"ACTIVE""#), "{body}");
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

#[test]
fn health_is_told_to_supervisors() {
    let emulator = Running::start(&["--port", "0"], &[]);
    let mut socket = TcpStream::connect(&emulator.address).expect("it listens");
    write!(socket, "GET /_localstack/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""kinesis": "available""#), "{answer}");
}

/// A file in a folder of the tests, gone with the test.
struct Document(std::path::PathBuf);

impl Document {
    fn new(name: &str, content: &str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join(format!("{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("the folder can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the folder is UTF-8")
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The binary with exactly these settings, whatever the tests' own environment.
fn binary(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinesis-emulator"));
    for (name, _) in std::env::vars_os() {
        if !["PATH", "LLVM_PROFILE_FILE"].iter().any(|kept| name == *kept) {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(variables.iter().copied());
    command
}

/// Runs the binary to an end that it finds by itself.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    binary(arguments, variables).stdin(Stdio::null()).output().expect("the binary can be run")
}

/// The binary, listening. It is killed when a test fails.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Running {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = binary(arguments, variables);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary can be run");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut running = Self { child, output, address: String::new() };
        let [ready] = running.lines(1).try_into().expect("one line");
        let address = ready.strip_prefix("kinesis-emulator is ready at http://");
        running.address = address.unwrap_or_else(|| panic!("not ready: {ready:?}")).to_owned();
        running
    }

    /// The next lines of output.
    fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("output is text");
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    fn call(&self, operation: &str, input: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        exchange(&mut socket, operation, input)
    }

    /// Sends a signal and waits for the end.
    fn end(mut self, signal: &str) -> ExitStatus {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &process]).status();
        assert!(sent.expect("kill can be run").success());
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended by itself, as most tests want it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One call over HTTP/1.1: status and body.
fn exchange(socket: &mut TcpStream, operation: &str, input: &str) -> (u16, String) {
    // In one piece: the system holds small pieces back until others are confirmed.
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{input}",
        input.len()
    );
    socket.write_all(request.as_bytes()).expect("it reads");
    read_answer(socket)
}

/// One answer: status and body.
fn read_answer(socket: &mut TcpStream) -> (u16, String) {
    let mut answer = BufReader::new(socket);
    let mut line = String::new();
    answer.read_line(&mut line).expect("it answers");
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut length = 0;
    loop {
        line.clear();
        answer.read_line(&mut line).expect("headers are text");
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().expect("a length");
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("the body is whole");
    (status, text(&body))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is text")
}
