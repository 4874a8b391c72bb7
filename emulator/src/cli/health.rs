//! Asking an emulator whether it is up, for images that have no other program.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use super::host::Host;

/// How long each step may take: as long as Docker waits for a health check.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks once: the exit code is 0 if the emulator answers that it is well.
pub(super) fn ask(host: &Host, port: u16) -> ExitCode {
    let at = format!("{host}:{port}");
    match status(&at) {
        Ok(200) => ExitCode::SUCCESS,
        Ok(status) => unwell(&at, &format!("it answers with status {status}")),
        Err(error) => unwell(&at, &error.to_string()),
    }
}

fn unwell(at: &str, why: &str) -> ExitCode {
    eprintln!("kinesis-emulator: there is no emulator at {at}: {why}");
    ExitCode::FAILURE
}

/// The status of the health page.
fn status(at: &str) -> io::Result<u16> {
    let mut connected = Err(io::Error::other("it has no address"));
    for address in at.to_socket_addrs()? {
        connected = TcpStream::connect_timeout(&address, PATIENCE);
        if connected.is_ok() {
            break;
        }
    }
    let mut socket = connected?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // It is one of this machine's names, whatever others call it.
    socket.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; "HTTP/1.1 200".len()];
    socket.read_exact(&mut head)?;
    let status = str::from_utf8(&head).ok().and_then(|head| head.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("what it answers is not HTTP"))
}
