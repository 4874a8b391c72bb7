//! Commands that have an emulator of their own, and what points them at one.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::running::{binary, exchange, run, send, text};

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
fn exec_gives_its_command_the_secret_that_is_verified() {
    let command = ["sh", "-c", "echo $AWS_SECRET_ACCESS_KEY"];
    for (given, variables) in [
        (&["--verify-secret", "hunter2"][..], &[][..]),
        (&[], &[("KINESIS_VERIFY_SECRET", "hunter2")]),
        // A secret that was there before is another one's.
        (&["--verify-secret", "hunter2"], &[("AWS_SECRET_ACCESS_KEY", "test")]),
    ] {
        let output = run(&[&["exec"], given, &["--"], &command].concat(), variables);
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("hunter2\n", Some(0)));
    }
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
        send(signal, &child);
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
    let output = run(&["env"], &[("KINESIS_VERIFY_SECRET", "hunter2")]);
    let said = text(&output.stdout);
    assert!(
        said.ends_with("=test\n# AWS_SECRET_ACCESS_KEY: the one of --verify-secret\n"),
        "{said}"
    );
    for (host, in_the_url) in [("kinesis", "kinesis"), ("::1", "[::1]"), ("[::]", "127.0.0.1")] {
        let said = text(&run(&["env", "--host", host], &[]).stdout);
        let expected = format!("export AWS_ENDPOINT_URL_KINESIS=http://{in_the_url}:4567\n");
        assert!(said.starts_with(&expected), "{said}");
    }
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
