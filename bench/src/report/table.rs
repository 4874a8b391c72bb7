//! The report as two tables and a headline.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::{Report, units};
use crate::environment::Environment;
use crate::target::TargetKind;

/// Writes the report for people. The headline is the last line.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "{}", title(report))?;
    writeln!(out, "{}", choices(report))?;
    writeln!(out, "{}", figures(report))?;
    writeln!(out, "{}", shards(report))?;
    if let Some(skew) = report.skew() {
        writeln!(out, "note: {skew}")?;
    }
    if report.environment.build_profile != Some("release") {
        writeln!(out, "note: a debug build; for numbers to keep, build with --release")?;
    }
    for beside in &report.beside {
        writeln!(out, "under limits {}:\n{}", beside.limits, beside.last_line())?;
    }
    if !report.beside.is_empty() {
        writeln!(out, "under limits {}:", report.limits)?;
    }
    writeln!(out, "{}", report.last_line())
}

fn title(report: &Report) -> String {
    let target = match report.target {
        TargetKind::Loopback => "our emulator over loopback TCP",
        TargetKind::InProcess => "our emulator in process",
        TargetKind::Endpoint => "the endpoint",
        TargetKind::Aws => "Kinesis on AWS",
        TargetKind::Null => "the null target, which measures the client",
    };
    let at = report.endpoint.as_ref().map_or(String::new(), |url| format!(" at {url}"));
    format!("kinesis-bench {} · {target}{at}", report.environment.package_version)
}

fn choices(report: &Report) -> String {
    let Environment { keys, concurrency, worker_threads, poll_interval_ms, .. } =
        &report.environment;
    let keys = keys.to_possible_value().expect("every key mode can be given by name");
    format!(
        "{} records, {} shards, keys {}, {}, \
         {worker_threads} worker threads, poll interval {poll_interval_ms} ms, limits {}",
        report.records,
        report.shards,
        keys.get_name(),
        units::counted(*concurrency as u64, "producer"),
        report.all().map(|report| report.limits.as_str()).collect::<Vec<_>>().join(" and "),
    )
}

/// A column for each set of limits.
fn figures(report: &Report) -> Table {
    let mut table = table(["figure".to_owned()].into_iter().chain(columns(report, "value")));
    let columns: Vec<_> = report.all().map(values).collect();
    for (row, (figure, _)) in columns[0].iter().enumerate() {
        let values = columns.iter().map(|column| column[row].1.clone());
        table.add_row([(*figure).to_owned()].into_iter().chain(values));
    }
    table
}

fn values(report: &Report) -> [(&'static str, String); 14] {
    let latency = report.put_latency_us;
    let calls = report.calls;
    [
        ("produce", time(report.produce_ms, report.records)),
        ("consume", time(report.consume_ms, report.records_read)),
        ("put latency p50", micros(latency.p50)),
        ("put latency p99", micros(latency.p99)),
        ("put latency p99.9", micros(latency.p999)),
        ("put latency max", micros(latency.max)),
        ("calls", format!("{} put, {} read", calls.produce.calls, calls.consume.calls)),
        ("retries", report.retries.to_string()),
        ("throttles", report.throttles.to_string()),
        ("lost", report.lost.to_string()),
        ("duplicated", report.duplicated.to_string()),
        ("misrouted", report.misrouted.to_string()),
        ("out of order", report.out_of_order.to_string()),
        ("altered", report.altered.to_string()),
    ]
}

/// The records of each set of limits, and the bytes, which are the same.
fn shards(report: &Report) -> Table {
    let header = ["shard".to_owned()].into_iter().chain(columns(report, "records"));
    let mut table = table(header.chain(["bytes".to_owned()]));
    for (place, shard) in report.per_shard.iter().enumerate() {
        let records = report.all().map(|report| {
            report.per_shard.get(place).map_or(String::new(), |load| load.records.to_string())
        });
        let row = [shard.shard_id.clone()].into_iter().chain(records);
        table.add_row(row.chain([shard.bytes.to_string()]));
    }
    table
}

/// What columns of a kind are called: alone as they are, else by their limits.
fn columns(report: &Report, kind: &str) -> Vec<String> {
    let name = |measured: &Report| match report.beside.as_slice() {
        [] => kind.to_owned(),
        _ => format!("{kind}, limits {}", measured.limits),
    };
    report.all().map(name).collect()
}

/// A table whose first column is words and whose others are numbers.
fn table(header: impl Iterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn time(ms: f64, records: usize) -> String {
    let duration = Duration::from_secs_f64(ms / 1e3);
    let rate = records as f64 / duration.as_secs_f64();
    format!("{duration:.1?} ({rate:.0} records/s)")
}

fn micros(us: u64) -> String {
    format!("{:.1?}", Duration::from_micros(us))
}
