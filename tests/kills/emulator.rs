//! The process that is killed.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use kinesis_emulator::cli::{Arguments, run};

/// Set where this program is to be the emulator's binary.
pub(crate) const SERVES: &str = "KINESIS_KILLS_SERVES";

/// What the emulator's binary does.
pub(crate) fn serve() -> ExitCode {
    run(Arguments::read()).unwrap_or_else(|error| {
        eprintln!("kinesis-emulator: {error}");
        ExitCode::FAILURE
    })
}

/// An emulator on a directory.
pub(crate) struct Emulator {
    child: Child,
    address: Option<SocketAddr>,
    /// Kept open: it has more to say.
    out: Option<BufReader<ChildStdout>>,
}

impl Emulator {
    /// Starts one and does not wait until it is ready.
    pub(crate) fn spawn(folder: &Path, checkpoints_are_frequent: bool) -> Self {
        let mut command = match env::var_os("EMULATOR") {
            Some(program) => Command::new(program),
            None => Command::new(env::current_exe().expect("this program has a path")),
        };
        command.env(SERVES, "1").args(["--port", "0", "--state-delay", "5ms", "--data-dir"]);
        command.arg(folder).stdin(Stdio::null()).stdout(Stdio::piped());
        if checkpoints_are_frequent {
            command.args(["--data-dir-spare", "20000"]);
        }
        Self { child: command.spawn().expect("the emulator starts"), address: None, out: None }
    }

    /// Starts one that answers.
    pub(crate) fn start(folder: &Path, checkpoints_are_frequent: bool) -> Self {
        let mut emulator = Self::spawn(folder, checkpoints_are_frequent);
        let mut out = BufReader::new(emulator.child.stdout.take().expect("it is piped"));
        let mut first = String::new();
        out.read_line(&mut first).expect("it says something");
        emulator.out = Some(out);
        let address = first.trim_end().rsplit_once("http://").map(|(_, address)| address.parse());
        let Some(Ok(address)) = address else {
            panic!("the emulator did not start: see above; its directory is {}", folder.display());
        };
        emulator.address = Some(address);
        emulator
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("it was waited for")
    }

    /// SIGKILL: it does nothing more.
    pub(crate) fn kill(&mut self) {
        let ended = self.child.try_wait().expect("it is a child");
        assert!(ended.is_none(), "it has ended by itself: {ended:?}");
        self.child.kill().expect("it is alive");
        self.child.wait().expect("it is a child");
    }

    /// SIGTERM: it ends by itself.
    pub(crate) fn end(&mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").arg(pid).status().expect("there is a kill");
        assert!(told.success(), "it has ended before it was told to");
        let status = self.child.wait().expect("it is a child");
        assert!(status.success(), "it did not end in peace: {status}");
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A worker that panics must not leave it behind; mostly it is dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
