//! Who is measured: this emulator, the null server, and rivals.

use std::env;
use std::str::FromStr;

use kinesis_bench::target::process::{ServerCommand, ServerProcess};

use crate::row::NULL;
use crate::{Outcome, own_binary};

/// A server with a name.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    pub(crate) name: String,
    /// Whether what it was given can be read from it.
    pub(crate) keeps: bool,
    command: ServerCommand,
}

impl Contender {
    /// This emulator, as `cargo install` would build it with the features of this bench.
    pub(crate) fn ours() -> Outcome<Self> {
        let command = ServerCommand::new(own_binary::path()?, &["--port", "@"]);
        Ok(Self { name: "kinesis-emulator".to_owned(), keeps: true, command })
    }

    /// The same with more arguments, under another name.
    pub(crate) fn with(&self, name: &str, arguments: &[&str]) -> Self {
        Self { name: name.to_owned(), keeps: self.keeps, command: self.command.with(arguments) }
    }

    /// The null server: this very program, told to be one.
    pub(crate) fn null() -> Outcome<Self> {
        let program = env::current_exe()?;
        let command = ServerCommand::new(program, &["--bench", "--serve-null", "@"]);
        Ok(Self { name: NULL.to_owned(), keeps: false, command })
    }

    pub(crate) fn start(&self) -> Outcome<ServerProcess> {
        Ok(self.command.start()?)
    }
}

impl FromStr for Contender {
    type Err = String;

    /// `NAME=COMMAND`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, command) =
            text.split_once('=').ok_or("write NAME=COMMAND, with @ in place of the port")?;
        Ok(Self { name: name.to_owned(), keeps: true, command: command.parse()? })
    }
}
