//! The binary, run: to its end, or for as long as a test calls it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

/// A file or folder in a folder of the tests, gone with the test.
pub(crate) struct Document(pub(crate) std::path::PathBuf);

impl Document {
    pub(crate) fn new(name: &str, content: &str) -> Self {
        let document = Self::to_be(name);
        std::fs::write(&document.0, content).expect("the folder can be written");
        document
    }

    /// One that the emulator makes.
    pub(crate) fn to_be(name: &str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        Self(folder.join(format!("{}-{name}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("the folder is UTF-8")
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0)));
    }
}

/// The binary with exactly these settings, whatever the tests' own environment.
pub(crate) fn binary(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
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
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    binary(arguments, variables).stdin(Stdio::null()).output().expect("the binary can be run")
}

/// The binary, listening. It is killed when a test fails.
pub(crate) struct Running {
    pub(crate) child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Running {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
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
    pub(crate) fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("output is text");
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    pub(crate) fn call(&self, operation: &str, input: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        exchange(&mut socket, operation, input)
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(self, signal: &str) -> ExitStatus {
        send(signal, &self.child);
        self.ended()
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> ExitStatus {
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

/// Sends a signal to a process.
pub(crate) fn send(signal: &str, process: &Child) {
    let process = process.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &process]).status();
    assert!(sent.expect("kill can be run").success());
}

/// One call over HTTP/1.1: status and body.
pub(crate) fn exchange(socket: &mut TcpStream, operation: &str, input: &str) -> (u16, String) {
    ask(socket, operation, input);
    read_answer(socket)
}

/// Begins a call over HTTP/1.1.
pub(crate) fn ask(socket: &mut TcpStream, operation: &str, input: &str) {
    // In one piece: the system holds small pieces back until others are confirmed.
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{input}",
        input.len()
    );
    socket.write_all(request.as_bytes()).expect("it reads");
}

/// One GET over a connection that is kept.
pub(crate) fn get(socket: &mut TcpStream, path: &str) -> String {
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    read_answer(socket).1
}

/// One answer: status and body.
pub(crate) fn read_answer(socket: &mut TcpStream) -> (u16, String) {
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

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is text")
}
