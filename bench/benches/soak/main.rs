//! Mixed load for a long time: memory stays flat under retention, and latency does not
//! grow.
//!
//! `cargo bench -p kinesis-bench --bench soak -- --minutes 30`
//!
//! Single puts, batches, polling readers, subscribers and a stream whose shards are
//! doubled and halved, against the binary as a process of its own. Its clock is moved by
//! an hour each second, so that records expire 24 s after they were put, iterators and
//! subscriptions within a second. The first quarter fills the retention period and is
//! not judged; of the rest, the second half is held against the first. It fails if the
//! median of resident memory grew by more than 10 %, or that of an operation's 99th
//! percentile by more than half. For Linux, on an idle machine.

#[path = "../performance/connect.rs"]
mod connect;
mod load;
#[path = "../performance/own_binary.rs"]
mod own_binary;
mod span;

use std::env;
use std::error::Error;
use std::time::Duration;

use clap::Parser;
use kinesis_bench::driver::DriverKind;
use kinesis_bench::measure::clock::{Stopwatch, pause};
use kinesis_bench::scenario::stream::OwnStream;
use kinesis_bench::target::process::ServerCommand;

use load::Load;
use span::{Span, judge, table};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Mixed load for a long time.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 30)]
    minutes: u64,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
}

const STREAM: &str = "soaked";
const SHARDS: usize = 4;
const SPAN_MAX: Duration = Duration::from_secs(60);
/// Fewer spans than this say nothing about growth.
const SPANS_MIN: u32 = 12;
/// The emulator's time passes so much faster than ours.
const CLOCK_STEP: &str = "1h";
const CLOCK_EVERY: Duration = Duration::from_secs(1);

fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("soak: measures under `cargo bench` only");
        return Ok(());
    }
    if !cfg!(target_os = "linux") {
        println!("soak: reads the server's memory from /proc, which only Linux has");
        return Ok(());
    }
    let length = Duration::from_secs(60 * Arguments::parse().minutes.max(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let spans = runtime.block_on(soak(length))?;
    println!("{}", table(&spans));
    judge(&spans)
}

async fn soak(length: Duration) -> Outcome<Vec<Span>> {
    let server = ServerCommand::new(own_binary::path()?, &["--port", "@"]).start()?;
    let (_target, driver) = connect::open(&server, DriverKind::Native).await?;
    let stream = OwnStream::create(driver.client(), STREAM, SHARDS).await?;
    stream.wait_until_active().await?;
    let consumer = stream.register_consumer("soak").await?;
    let load = Load::begin(driver, consumer, server.port());
    let (whole, span_length) = (Stopwatch::start(), SPAN_MAX.min(length / SPANS_MIN));
    let mut spans = Vec::new();
    while whole.elapsed() < length {
        let (stopwatch, before) = (Stopwatch::start(), server.usage()?);
        while stopwatch.elapsed() < span_length {
            load::advance_clock(server.port(), CLOCK_STEP).await?;
            pause(CLOCK_EVERY).await;
            load.still_runs()?;
        }
        let (after, seconds) = (server.usage()?, stopwatch.elapsed().as_secs_f64());
        let cpu_share = (after.cpu_seconds - before.cpu_seconds) / seconds;
        let span = Span::new(load.take_seen(), seconds, cpu_share, after.rss_bytes as f64);
        eprintln!("{:>4.0} s  {span}", whole.elapsed().as_secs_f64());
        spans.push(span);
    }
    Ok(spans)
}
