//! A server as a process of its own: started for a measurement, ended with it.
//!
//! So its processor time and memory are its own, and none of the client's.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use crate::measure::clock::{Stopwatch, block};
use crate::measure::process::{self, Usage};

/// What to start: a program and its arguments, in which `@` stands for the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCommand {
    program: OsString,
    arguments: Vec<String>,
}

impl ServerCommand {
    /// A program, and arguments of which at least one says `@`.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.as_ref().to_owned(), arguments }
    }

    /// The same with more arguments at the end.
    #[must_use]
    pub fn with(&self, arguments: &[&str]) -> Self {
        let mut longer = self.clone();
        longer.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        longer
    }

    /// Starts it on a free port of the loopback interface and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not listen within half a minute.
    pub fn start(&self) -> io::Result<ServerProcess> {
        // The port is free again when this is dropped; only chance could take it before
        // the server does, and then the server says so by ending.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let arguments = self.arguments.iter().map(|text| text.replace('@', &port.to_string()));
        let child = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| self.told(&error.to_string()))?;
        let mut server = ServerProcess { child, port };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let waiting = Stopwatch::start();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(self.told(&format!("ended before it listened: {status}")));
            }
            if waiting.elapsed() > LISTENS_WITHIN {
                return Err(self.told(&format!("does not listen on 127.0.0.1:{port}")));
            }
            block(LISTENS_POLL);
        }
        Ok(server)
    }

    /// By its name alone: where it is kept says nothing to whoever reads of it.
    fn told(&self, what: &str) -> io::Error {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        io::Error::other(format!("{}: {what}", name.display()))
    }
}

impl FromStr for ServerCommand {
    type Err = String;

    /// Words between blanks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let program = words.next().ok_or("a command begins with a program")?;
        let arguments: Vec<&str> = words.collect();
        if !arguments.iter().any(|argument| argument.contains('@')) {
            return Err(format!("{text:?} is told no port: write @ where it belongs"));
        }
        Ok(Self::new(program, &arguments))
    }
}

/// Compilers and virtual machines take their time.
const LISTENS_WITHIN: Duration = Duration::from_secs(30);
const LISTENS_POLL: Duration = Duration::from_millis(5);

/// A server that listens; it is killed when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    port: u16,
}

impl ServerProcess {
    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, as `/proc` calls it.
    #[must_use]
    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When it has ended, or this is not Linux.
    pub fn usage(&self) -> io::Result<Usage> {
        process::usage(&self.id())
            .ok_or_else(|| io::Error::other("the server has ended, or there is no /proc"))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::ServerCommand;

    #[test]
    fn a_command_says_where_the_port_belongs() {
        let command: ServerCommand = "/bin/server  --listen 127.0.0.1:@ -v".parse().unwrap();
        assert_eq!(command, ServerCommand::new("/bin/server", &["--listen", "127.0.0.1:@", "-v"]));
        assert!("/bin/server --port 4567".parse::<ServerCommand>().unwrap_err().contains('@'));
        assert!("".parse::<ServerCommand>().is_err());
    }

    #[test]
    fn a_server_that_ends_is_told_from_one_that_is_slow() {
        let error = ServerCommand::new("false", &["@"]).start().unwrap_err();
        assert!(error.to_string().contains("ended before it listened"), "{error}");
    }
}
