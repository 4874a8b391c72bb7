//! How soon a fresh emulator answers: in process, and as a binary.
//!
//! `cargo bench -p kinesis-bench --bench startup`
//!
//! Each repetition is a new emulator; the stopwatch stops when `ListStreams` has
//! been answered. The binary is asked over a bare socket, so that its number
//! holds no SDK. The first repetition is shown apart: it also pays for what a
//! process does once.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use kinesis_bench::measure::clock::Stopwatch;
use kinesis_emulator::Emulator;

type Outcome<T> = Result<T, Box<dyn Error>>;

const IN_PROCESS_REPETITIONS: usize = 200;
const BINARY_REPETITIONS: usize = 50;
/// A binary that has not said where it listens by then never will.
const READY_WITHIN: Duration = Duration::from_secs(10);

fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("startup: measures under `cargo bench` only");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["start to first answer", "first", "min", "median", "max", "target"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    in_process(&mut table)?;
    let binary = binary_path()?;
    if binary.exists() {
        as_binary(&binary, &mut table)?;
    }
    println!("{table}");
    if !binary.exists() {
        println!(
            "the binary is not there: cargo build --release -p kinesis-emulator, \
             or name it in KINESIS_EMULATOR_BIN"
        );
    }
    Ok(())
}

/// The steps of one start in process.
struct InProcessStart {
    emulator: Duration,
    client: Duration,
    call: Duration,
}

fn in_process(table: &mut Table) -> Outcome<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let starts: Vec<InProcessStart> = runtime.block_on(async {
        let mut starts = Vec::with_capacity(IN_PROCESS_REPETITIONS);
        for _ in 0..IN_PROCESS_REPETITIONS {
            starts.push(start_in_process().await?);
        }
        Ok::<_, Box<dyn Error>>(starts)
    })?;
    let mut row = |label, target, part: fn(&InProcessStart) -> Duration| {
        add_row(table, label, target, starts.iter().map(part).collect());
    };
    row("in process", "< 1 ms", |start| start.emulator + start.client + start.call);
    row("  without making the SDK client", "", |start| start.emulator + start.call);
    row("  Emulator::in_process()", "", |start| start.emulator);
    row("  client()", "", |start| start.client);
    row("  ListStreams", "", |start| start.call);
    Ok(())
}

async fn start_in_process() -> Outcome<InProcessStart> {
    let stopwatch = Stopwatch::start();
    let emulator = Emulator::in_process();
    let emulator_at = stopwatch.elapsed();
    let client = emulator.client();
    let client_at = stopwatch.elapsed();
    client.list_streams().send().await?;
    let answered_at = stopwatch.elapsed();
    Ok(InProcessStart {
        emulator: emulator_at,
        client: client_at - emulator_at,
        call: answered_at - client_at,
    })
}

fn as_binary(binary: &Path, table: &mut Table) -> Outcome<()> {
    let mut starts = Vec::with_capacity(BINARY_REPETITIONS);
    for _ in 0..BINARY_REPETITIONS {
        starts.push(start_binary(binary)?);
    }
    add_row(table, "binary", "< 15 ms", starts);
    Ok(())
}

fn start_binary(binary: &Path) -> Outcome<Duration> {
    let stopwatch = Stopwatch::start();
    let mut process =
        Running(Command::new(binary).args(["--port", "0"]).stdout(Stdio::piped()).spawn()?);
    let address = ready_address(&mut process.0)?;
    list_streams(&address)?;
    Ok(stopwatch.elapsed())
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The address in the line the binary prints when it listens.
fn ready_address(process: &mut Child) -> Outcome<String> {
    let stdout = process.stdout.take().ok_or("stdout is piped")?;
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("http://") {
                let end = rest.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
                // The receiver is gone after the first line; the rest is read, so no pipe fills up.
                let _ = found.send(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
    });
    address
        .recv_timeout(READY_WITHIN)
        .map_err(|_| "the binary printed no line with http://127.0.0.1:PORT on stdout".into())
}

fn list_streams(address: &str) -> Outcome<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let request = format!(
        "POST / HTTP/1.1\r\n\
         Host: {address}\r\n\
         X-Amz-Target: Kinesis_20131202.ListStreams\r\n\
         X-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\
         Content-Type: application/x-amz-json-1.1\r\n\
         Content-Length: 2\r\n\
         Connection: close\r\n\
         \r\n\
         {{}}"
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        Err(format!("ListStreams was answered: {}", String::from_utf8_lossy(&answer)).into())
    }
}

/// What `KINESIS_EMULATOR_BIN` names, else the release build beside this bench.
fn binary_path() -> Outcome<PathBuf> {
    if let Some(named) = env::var_os("KINESIS_EMULATOR_BIN") {
        return Ok(named.into());
    }
    // This bench is target/release/deps/startup-….
    let deps = env::current_exe()?;
    let release = deps.parent().and_then(Path::parent).ok_or("an executable is in a folder")?;
    Ok(release.join(format!("kinesis-emulator{}", env::consts::EXE_SUFFIX)))
}

fn add_row(table: &mut Table, label: &str, target: &str, samples: Vec<Duration>) {
    let first = samples[0];
    let mut sorted = samples;
    sorted.sort_unstable();
    let (min, median, max) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let mut row = vec![label.to_owned()];
    row.extend([first, min, median, max].map(|duration| format!("{duration:.1?}")));
    row.push(target.to_owned());
    table.add_row(row);
}
