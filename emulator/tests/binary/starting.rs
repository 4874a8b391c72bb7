//! What it says and what is there when it is ready, and why it cannot start.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::running::{Document, Running, binary, read_answer, run, text};

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
fn it_listens_at_a_name_of_this_machine() {
    for (arguments, variables) in [
        (&["--port", "0", "--host", "localhost"][..], &[][..]),
        (&["--port", "0"], &[("KINESIS_HOST", "localhost")]),
    ] {
        let emulator = Running::start(arguments, variables);
        let address: std::net::SocketAddr = emulator.address.parse().expect("an address");
        assert!(address.ip().is_loopback(), "{address}");
        assert_eq!(emulator.call("ListStreams", "{}").0, 200);
    }
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

#[test]
fn health_is_asked_by_the_binary_itself() {
    let emulator = Running::start(&["--port", "0", "--verify-secret", "hunter2"], &[]);
    let (_, port) = emulator.address.split_once(':').expect("a port");
    for (arguments, variables) in [
        (&["health", "--port", port][..], &[][..]),
        (&["health", "--host", "localhost", "--port", port], &[]),
        (&["health"], &[("KINESIS_PORT", port), ("KINESIS_HOST", "0.0.0.0")]),
        (&["health"], &[("KINESIS_MOCK_PLAIN_PORT", port)]),
    ] {
        let output = run(arguments, variables);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
    let stopped = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let port = stopped.expect("there is a free port").port().to_string();
    let output = run(&["health", "--port", &port], &[]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    let expected = format!("kinesis-emulator: there is no emulator at 127.0.0.1:{port}: ");
    assert!(errors.starts_with(&expected), "{errors}");
}

/// The status of a page that a browser asks for by a name.
fn get_as(socket: &mut TcpStream, host: &str) -> u16 {
    let browser = "User-Agent: Mozilla/5.0";
    write!(socket, "GET /health HTTP/1.1\r\nHost: {host}\r\n{browser}\r\n\r\n").expect("it reads");
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
        let lines = emulator.lines(6);
        assert_eq!(lines[3], "export AWS_ACCESS_KEY_ID=test");
        assert_eq!(lines[4], "# AWS_SECRET_ACCESS_KEY: the one of --verify-secret");
        let printed = lines.concat() + &body;
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
fn a_data_directory_keeps_what_was_answered_when_the_process_is_killed() {
    let folder = Document::to_be("kept");
    let directory = folder.path();
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
