//! Runs for the terminal: up to 100 columns, readable without colour.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::Choices;
use crate::report::compare::{self, Comparison};
use crate::report::digest::{self, PhaseDigest};
use crate::report::run::{Driver, Histogram, Load, Protocol, Run, Summary};
use crate::report::statistics::Spread;
use crate::report::units;

/// No line is longer.
pub const COLUMNS: u16 = 100;

/// Each run, then the comparison of the others with the first.
#[must_use]
pub fn render(runs: &[Run], choices: &Choices) -> String {
    let mut text = String::new();
    for run in runs {
        one(&mut text, run);
        text.push('\n');
    }
    text += &comparisons(runs, choices);
    // Names come from files; none may steer the terminal.
    text.retain(|c| c == '\n' || !c.is_control());
    // A blank line divides; it ends nothing.
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The comparison of all runs but the first with the first.
#[must_use]
pub fn comparisons(runs: &[Run], choices: &Choices) -> String {
    let mut text = String::new();
    let Some((baseline, others)) = runs.split_first() else { return text };
    for other in others {
        let comparison = Comparison::new(baseline, other, choices.noise);
        wrap(&mut text, &format!("{} against {} (the baseline)", other.label, baseline.label));
        if !comparison.rows.is_empty() {
            let _ = writeln!(text, "{}", comparison_table(&comparison));
        }
        for caution in &comparison.cautions {
            wrap(&mut text, &format!("caution: {caution}"));
        }
        wrap(&mut text, &comparison.verdict());
        text.push('\n');
    }
    if !others.is_empty() {
        wrap(&mut text, &compare::legend(choices.noise));
    }
    text
}

fn comparison_table(comparison: &Comparison) -> Table {
    let mut table = table(&["figure", "baseline", "this", "ratio", "finding"]);
    for row in &comparison.rows {
        table.add_row([
            row.name.clone(),
            row.unit.written(row.base.median),
            row.unit.written(row.other.median),
            row.ratio_written(),
            row.finding.words().to_owned(),
        ]);
    }
    table
}

fn one(text: &mut String, run: &Run) {
    wrap(text, &format!("{} · {}", run.label, run.scenario));
    wrap(text, &target(run));
    wrap(text, &settings(run));
    wrap(text, &machine(run));
    let phases = digest::phases(run);
    if phases.is_empty() {
        wrap(text, "Nothing was measured: the run ended before its first repetition did.");
    } else {
        let _ = writeln!(text, "{}", phase_table(&phases));
    }
    let latencies = digest::latencies(run);
    if !latencies.is_empty() {
        let _ = writeln!(text, "{}", latency_table(run));
    }
    if let Some((name, latency)) = latencies.first() {
        bars(text, name, latency.headline());
    }
    shard_table(text, run);
    for phase in &phases {
        for (code, count) in &phase.errors {
            wrap(text, &format!("{}: {} {code}", phase.name, units::counted(*count, "call")));
        }
    }
    if let Some(process) = run.measured().find_map(|repetition| repetition.process) {
        wrap(
            text,
            &format!(
                "target process: {:.1} s of processor time, {} of memory at most",
                process.cpu_seconds,
                units::bytes(process.peak_rss_bytes as f64)
            ),
        );
    }
    if let Some(own) = run.self_overhead {
        wrap(
            text,
            &format!(
                "the client alone (null target): p50 {}, p99 {}, {} records/s",
                units::time(own.p50_us as f64),
                units::time(own.p99_us as f64),
                units::rate(own.records_per_second)
            ),
        );
    }
    for note in run.notes.iter().chain(&compare::machine(run)) {
        wrap(text, &format!("note: {note}"));
    }
    wrap(text, &verdict(run));
}

/// What was measured, in a line.
pub(super) fn target(run: &Run) -> String {
    let target = &run.target;
    let at = target.endpoint.as_ref().map_or(String::new(), |url| format!(" at {url}"));
    let region = target.region.as_ref().map_or(String::new(), |region| format!(", {region}"));
    let poll = match target.poll_interval_ms {
        Some(ms) => format!(", poll interval {}", units::time(ms * 1e3)),
        None => String::new(),
    };
    let unknown = || "unknown".to_owned();
    format!(
        "target {}{at}{region}, {}, {}, limits {}, latency profile {}{poll}",
        target.kind,
        protocol(target.protocol),
        driver(target.driver),
        target.limits.clone().unwrap_or_else(unknown),
        target.latency.clone().unwrap_or_else(unknown)
    )
}

pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
        Protocol::InProcess => "in process",
    }
}

pub(super) fn driver(driver: Driver) -> &'static str {
    match driver {
        Driver::Sdk => "AWS SDK",
        Driver::Native => "native driver",
    }
}

/// How it was loaded, in a line.
pub(super) fn settings(run: &Run) -> String {
    let settings = &run.settings;
    let load = match (settings.load, &settings.rate) {
        (Load::Open, Some(rate)) => format!("open loop at {rate}"),
        (Load::Open, None) => "open loop".to_owned(),
        (Load::Closed, _) => "closed loop".to_owned(),
    };
    let records =
        settings.records.map_or(String::new(), |n| format!("{}, ", units::counted(n, "record")));
    let payload = settings
        .payload_bytes
        .map_or(String::new(), |bytes| format!(", payload {}", units::counted(bytes, "byte")));
    let (measured, all) = (run.measured().count(), run.repetitions.len());
    format!(
        "{records}{}, keys {}{payload}, {load}, {}, {} (after {} to warm up)",
        units::counted(settings.shards, "shard"),
        settings.keys,
        units::counted(settings.concurrency, "producer"),
        units::counted(measured as u64, "repetition"),
        all - measured
    )
}

/// What it ran on, in a line.
pub(super) fn machine(run: &Run) -> String {
    let environment = &run.environment;
    let cpu = environment.cpu_model.as_deref().unwrap_or("unknown processor");
    let cores = environment
        .cpu_cores
        .map_or(String::new(), |cores| format!(", {}", units::counted(cores, "core")));
    let busy = environment
        .busy_share
        .map_or(String::new(), |busy| format!(", {} busy otherwise", units::percent(busy)));
    format!(
        "{cpu}{cores}, {}{busy}; {}",
        environment.os,
        run.started.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
}

/// The last line: what held or what broke.
#[must_use]
pub fn verdict(run: &Run) -> String {
    if run.measured().next().is_none() {
        "❌ nothing was measured".to_owned()
    } else if !run.holds() {
        format!("❌ {}", run.breaches.join("; "))
    } else {
        let records: u64 = digest::phases(run).first().map_or(0, |phase| phase.records);
        let records = units::counted(records, "record");
        if run.is_verified() {
            format!(
                "✅ {records} checked: none lost, duplicated, misrouted, out of order or altered"
            )
        } else {
            format!("{records} put, and none of them verified")
        }
    }
}

fn phase_table(phases: &[PhaseDigest]) -> Table {
    let mut table = table(&[
        "phase",
        "elapsed",
        "records/s",
        "MB/s",
        "calls",
        "retries",
        "throttles",
        "errors",
    ]);
    for phase in phases {
        table.add_row([
            phase.name.clone(),
            units::time(phase.elapsed_ms.median * 1e3),
            spread(&phase.records_per_second),
            units::three_digits(phase.bytes_per_second.median / 1e6),
            units::count(phase.calls),
            units::count(phase.retries),
            units::count(phase.throttles),
            units::count(phase.errors.values().sum()),
        ]);
    }
    table
}

/// The median, and where it lies.
pub(super) fn spread(spread: &Spread) -> String {
    let median = units::rate(spread.median);
    if spread.values.len() == 1 {
        return median;
    }
    let whisker = spread.whisker();
    format!("{median} ({} to {})", units::rate(whisker.low), units::rate(whisker.high))
}

fn latency_table(run: &Run) -> Table {
    let mut table = table(&["latency", "p50", "p90", "p95", "p99", "p99.9", "max", "mean"]);
    let mut add = |name: String, summary: &Summary| {
        let Summary { p50_us, p90_us, p95_us, p99_us, p999_us, max_us, mean_us, .. } = *summary;
        let mut row = vec![name];
        for us in [p50_us, p90_us, p95_us, p99_us, p999_us, max_us] {
            row.push(units::time(us as f64));
        }
        row.push(units::time(mean_us));
        table.add_row(row);
    };
    for (name, latency) in digest::latencies(run) {
        match &latency.corrected {
            Some(corrected) => {
                add(format!("{name}, corrected"), &corrected.summary);
                add(format!("{name}, uncorrected"), &latency.uncorrected.summary);
            }
            None => add(name, &latency.uncorrected.summary),
        }
    }
    table
}

/// A bar for each of eleven ranges, each as many times longer than the one before.
fn bars(text: &mut String, name: &str, histogram: &Histogram) {
    let summary = histogram.summary;
    if summary.count == 0 {
        return;
    }
    let recorded = histogram.recorded();
    let up_to = |us: f64| match &recorded {
        Some(recorded) => recorded.count_between(0, us as u64),
        // The curve is coarser, and all there is.
        None => {
            let reached = histogram.curve.iter().take_while(|point| point.us as f64 <= us);
            reached.last().map_or(0, |point| point.count)
        }
    };
    let (low, high) = (summary.min_us.max(1) as f64, summary.max_us.max(2) as f64);
    let step = (high / low).powf(1.0 / BARS as f64);
    let mut counts = Vec::new();
    let mut before = 0;
    for bar in 1..=BARS {
        let end = if bar == BARS { high } else { low * step.powi(bar) };
        let upto = if bar == BARS { summary.count } else { up_to(end) };
        counts.push((end, upto.saturating_sub(before)));
        before = before.max(upto);
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let basis = if histogram.summary.count == 1 { "call" } else { "calls" };
    let _ = writeln!(text, "{name} latency: {basis} that took up to");
    for (end, count) in counts {
        let length = (count as f64 / most as f64 * BAR_COLUMNS as f64).ceil() as usize;
        let bar = "■".repeat(length);
        let line = format!("  {:>8} {:>11} {bar}", units::time(end), units::count(count));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

const BARS: i32 = 11;
const BAR_COLUMNS: usize = 60;

fn shard_table(text: &mut String, run: &Run) {
    let shards = digest::shards(run);
    if shards.is_empty() {
        return;
    }
    let mut table = table(&[
        "shard",
        "records",
        "bytes",
        "share",
        "of hash keys",
        "throttles",
        "behind, at most",
    ]);
    for shard in shards.iter().take(SHARDS_MAX) {
        let share = |share: Option<f64>| share.map_or("–".to_owned(), units::percent);
        table.add_row([
            shard.shard_id.clone(),
            units::count(shard.records),
            units::count(shard.bytes),
            units::percent(shard.share),
            share(shard.hash_share),
            units::count(shard.throttles),
            shard.iterator_age_ms_max.map_or("–".to_owned(), |ms| units::time(ms * 1e3)),
        ]);
    }
    let _ = writeln!(text, "{table}");
    if let Some((number, _)) = digest::typical(run).filter(|_| run.measured().count() > 1) {
        wrap(text, &format!("shards of repetition {number}, the one of median length"));
    }
    if shards.len() > SHARDS_MAX {
        let rest = shards.len() - SHARDS_MAX;
        wrap(text, &format!("and {rest} more shards; --format csv-series shows all"));
    }
}

/// More shards than this are a list nobody reads.
const SHARDS_MAX: usize = 32;

/// A table whose first column is words and whose others are numbers.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(COLUMNS)
        .set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Writes a line, broken between words where it would be too long.
fn wrap(text: &mut String, line: &str) {
    let mut column = 0;
    for word in line.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > usize::from(COLUMNS) {
            text.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}
