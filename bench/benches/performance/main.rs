//! The performance table: this emulator beside a server that does nothing, and beside
//! rivals, each as a process of its own, in turns.
//!
//! `cargo bench -p kinesis-bench --bench performance`
//!
//! `cargo bench -p kinesis-bench --bench performance -- --rival 'NAME=PROGRAM --port @'
//! --markdown ../PERFORMANCE.md --json ../performance.json` measures a rival, too, and writes
//! the table down. `--quick` shows within two minutes whether all is well, no more.
//!
//! Processor time and memory of a server are read from `/proc`, so this is for Linux.
//! Its processor time per request hardly depends on what else the machine does; rates
//! and latencies do, so an idle machine is wanted. The client is on the same machine; that
//! it takes little of it, requests of PutRecord, PutRecords and GetRecords are written and
//! signed before the load, and answers are read without being decoded, see
//! [`replay`](kinesis_bench::driver::replay).

mod connect;
mod contender;
mod durable;
mod fan_out;
mod fellow;
mod idle;
mod load;
mod null;
mod open_files;
mod own_binary;
mod report;
mod requests;
mod row;
mod sdk;
mod turns;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use contender::Contender;
use load::Timing;
use report::{Page, Report};
use row::{Row, Unit};

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The performance table: this emulator beside a server that does nothing, and rivals.
#[derive(Debug, Parser)]
struct Arguments {
    /// Another emulator: a name, and the command that starts it, `@` being the port; may be
    /// given several times
    #[arg(long = "rival", value_name = "NAME=COMMAND")]
    rivals: Vec<Contender>,
    /// Write the table into this file, between its marks if it has them
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write all values into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often the servers take turns
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Short rounds, and two of them
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Measure this alone; may be given several times
    #[arg(long, value_name = "TOPIC", value_enum)]
    only: Vec<Topic>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the null server.
    #[arg(long, hide = true, value_name = "PORT")]
    serve_null: Option<u16>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    PutRecord,
    PutRecords,
    GetRecords,
    Connections,
    Shards,
    FanOut,
    Sdk,
    Idle,
    /// Everything kept on the disk: only if it is asked for
    Durable,
    /// What the bench `allocations` counts
    Allocations,
    /// What the bench `engine` measures
    Engine,
}

impl Topic {
    /// As it is asked for.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// How long everything lasts.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rounds: usize,
    timing: Timing,
    /// Of the steady rate.
    fan_out: Duration,
    /// Of each server in a round of the SDK's puts.
    sdk_turns: usize,
    /// Before a server counts as idle.
    settle: Duration,
    /// How long it then is.
    idle: Duration,
}

impl Plan {
    fn of(rounds: usize) -> Self {
        Self {
            rounds,
            timing: Timing {
                warm_up: Duration::from_millis(500),
                window: Duration::from_millis(2_500),
            },
            fan_out: Duration::from_secs(5),
            sdk_turns: 160,
            settle: Duration::from_secs(1),
            idle: Duration::from_secs(10),
        }
    }

    fn quick() -> Self {
        Self {
            timing: Timing {
                warm_up: Duration::from_millis(200),
                window: Duration::from_millis(600),
            },
            fan_out: Duration::from_secs(2),
            sdk_turns: 40,
            idle: Duration::from_secs(3),
            ..Self::of(2)
        }
    }
}

/// Who is measured.
#[derive(Debug)]
struct Contenders {
    ours: Contender,
    null: Contender,
    rivals: Vec<Contender>,
}

impl Contenders {
    /// This emulator first.
    fn all(&self) -> Vec<&Contender> {
        [&self.ours, &self.null].into_iter().chain(&self.rivals).collect()
    }

    fn with_null(&self) -> Vec<&Contender> {
        vec![&self.ours, &self.null]
    }

    /// Those that keep what they are given.
    fn real(&self) -> Vec<&Contender> {
        [&self.ours].into_iter().chain(&self.rivals).collect()
    }
}

fn main() -> Outcome<()> {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !env::args().any(|argument| argument == "--bench") {
        println!("performance: measures under `cargo bench` only");
        return Ok(());
    }
    if !cfg!(target_os = "linux") {
        println!("performance: reads what servers use from /proc, which only Linux has");
        return Ok(());
    }
    let arguments = Arguments::parse();
    if let Some(port) = arguments.serve_null {
        return null::serve(port);
    }
    let plan = if arguments.quick { Plan::quick() } else { Plan::of(arguments.rounds.max(1)) };
    let contenders =
        Contenders { ours: Contender::ours()?, null: Contender::null()?, rivals: arguments.rivals };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // A page without the marks is said before anything is measured.
    arguments.markdown.as_deref().map(Page::open).transpose()?;
    let (mut report, mut failed) = (Report::begin()?, Vec::new());
    // Whoever asks for what is kept on the disk has told rivals to keep it there, too.
    let is_wanted = |topic: &Topic| match &arguments.only[..] {
        [] => *topic != Topic::Durable,
        only => only.contains(topic),
    };
    for topic in Topic::value_variants() {
        if is_wanted(topic) {
            match runtime.block_on(measure(*topic, &plan, &contenders)) {
                Ok(rows) => report.add(rows),
                Err(why) => {
                    let topic = topic.name();
                    eprintln!("{topic} is not measured: {why}");
                    let row = Row::new(&topic, Unit::Named(String::new()));
                    report.add(vec![row.missing(why.to_string())]);
                    failed.push(topic);
                }
            }
        }
    }
    println!("{}", report.table());
    if let Some(path) = &arguments.markdown {
        // As it is now: somebody may have written in it meanwhile.
        Page::open(path)?.fill(&report.markdown(&plan))?;
    }
    if let Some(path) = &arguments.json {
        fs::write(path, format!("{:#}\n", report.json(&plan)))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

/// The rows of a topic.
async fn measure(topic: Topic, plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let name = topic.name();
    eprintln!("measuring {name}");
    match topic {
        Topic::PutRecord => requests::put_record(plan, contenders).await,
        Topic::PutRecords => requests::put_records(plan, contenders).await,
        Topic::GetRecords => requests::get_records(plan, contenders).await,
        Topic::Connections => requests::connections(plan, contenders).await,
        Topic::Shards => requests::shards(plan, contenders).await,
        Topic::FanOut => fan_out::measure(plan, contenders).await,
        Topic::Sdk => sdk::measure(plan, contenders).await,
        Topic::Idle => idle::measure(plan, contenders).await,
        Topic::Durable => durable::measure(plan, contenders).await,
        Topic::Allocations | Topic::Engine => fellow::rows(&name, &contenders.ours.name),
    }
}
