//! From a put to its event at a subscriber, over loopback, at a steady rate.

use std::slice;

use clap::Parser;
use kinesis_bench::commands::{Command, CommandLine};
use kinesis_bench::session;
use kinesis_bench::target::process::ServerProcess;

use crate::row::{Bound, Row, Unit};
use crate::{Contenders, Outcome, Plan};

pub(crate) async fn measure(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let (mut p50s, mut p99s) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let server = contenders.ours.start()?;
        let (p50, p99) = play(plan, &server).await?;
        p50s.push(p50);
        p99s.push(p99);
    }
    let row = |quantile: &str, values, most| {
        let what = format!("put → fan-out event, 1,000 records/s: {quantile}");
        let row = Row::new(what, Unit::Microseconds).figure(&contenders.ours.name, values);
        row.bound(Bound::AtMost(most))
    };
    Ok(vec![row("p50", p50s, 300.0), row("p99", p99s, 1_000.0)])
}

/// The 50th and the 99th percentile in microseconds, from the actual send on: how late
/// the client is with it is the client's.
async fn play(plan: &Plan, server: &ServerProcess) -> Outcome<(f64, f64)> {
    let url = server.url();
    let seconds = plan.fan_out.as_secs();
    let duration = format!("{seconds}s");
    let line = CommandLine::try_parse_from([
        "kinesis-bench",
        "run",
        "fan-out",
        "--target",
        &url,
        "--driver",
        "native",
        "--rate",
        "1000",
        "--duration",
        &duration,
        "--warm-up",
        "1s",
    ])?;
    let Some(Command::Run(arguments)) = line.command else {
        return Err("`run` is no longer a command".into());
    };
    let target = slice::from_ref(&arguments.target);
    let session = session::hold(arguments.scenario, target, &arguments.play, None).await?;
    let run = session.runs.first().ok_or("nothing was played")?;
    let played = run.measured().next().ok_or("nothing was played")?;
    if !run.holds() {
        return Err("a record was lost, or came twice, or out of order".into());
    }
    let latency = played.end_to_end.as_ref().ok_or("no record has arrived")?;
    let summary = latency.uncorrected.summary;
    Ok((summary.p50_us as f64, summary.p99_us as f64))
}
