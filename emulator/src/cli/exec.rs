//! Running a command that has an emulator of its own.

use std::ffi::OsString;
use std::io;
use std::process::{ExitCode, ExitStatus};

use tokio::process::Command;

use crate::server;

/// What shells end with when there is no such command.
const NOT_FOUND: u8 = 127;
/// What shells end with when a command is there and cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// Runs a command to its end. Signals that come meanwhile are handed on.
pub(super) async fn run(command: &[OsString], variables: [(&'static str, String); 5]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(NOT_FOUND);
    };
    let code = match run_to_its_end(program, arguments, variables).await {
        Ok(status) => code_of(status),
        Err(error) => {
            eprintln!("kinesis-emulator: {} cannot be run: {error}", program.display());
            if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE }
        }
    };
    ExitCode::from(code)
}

async fn run_to_its_end(
    program: &OsString,
    arguments: &[OsString],
    variables: [(&'static str, String); 5],
) -> io::Result<ExitStatus> {
    // First this: a signal that comes before would end us and leave the command.
    let mut signals = server::Signals::listen()?;
    let mut child = Command::new(program).args(arguments).envs(variables).spawn()?;
    // It is the child's until we have waited for it.
    let process = child.id();
    tokio::select! {
        status = child.wait() => status,
        () = signals.hand_on_to(process) => child.wait().await,
    }
}

fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + u8::try_from(signal).unwrap_or_default();
    }
    // Codes have eight bits, except where they have more and 1 has to do.
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
