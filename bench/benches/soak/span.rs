//! What was seen in a span of time, and whether later spans are worse.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use kinesis_bench::measure::latency::Latencies;
use kinesis_bench::report::statistics::median;
use kinesis_bench::report::units;

use crate::Outcome;

/// Memory may differ so much between halves, for the number of shards does.
const MEMORY_GROWTH_MAX: f64 = 1.10;
/// The 99th percentile is the figure that other processes disturb most.
const P99_GROWTH_MAX: f64 = 1.5;
/// Below this a growing percentile is the machine's, not the server's.
const P99_US_OF_NO_CONCERN: f64 = 1_000.0;

/// What the load has seen since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By operation.
    pub(crate) latencies: BTreeMap<&'static str, Latencies>,
    /// Records put.
    pub(crate) records: u64,
}

/// What was seen in a span of time.
#[derive(Debug)]
pub(crate) struct Span {
    seen: Seen,
    seconds: f64,
    /// Cores that the server kept busy.
    cpu_share: f64,
    rss_bytes: f64,
}

impl Span {
    pub(crate) fn new(seen: Seen, seconds: f64, cpu_share: f64, rss_bytes: f64) -> Self {
        Self { seen, seconds, cpu_share, rss_bytes }
    }

    fn p99_us(&self, operation: &str) -> f64 {
        self.seen.latencies.get(operation).map_or(0.0, |seen| seen.summary().p99 as f64)
    }

    fn cells(&self, operations: &[&'static str]) -> Vec<String> {
        let rate = self.seen.records as f64 / self.seconds;
        let mut cells = vec![
            units::bytes(self.rss_bytes),
            units::percent(self.cpu_share),
            format!("{}/s", units::rate(rate)),
        ];
        cells.extend(operations.iter().map(|operation| {
            let seen = self.seen.latencies.get(operation).map(Latencies::summary);
            seen.map_or_else(String::new, |seen| {
                format!("{} / {}", units::time(seen.p50 as f64), units::time(seen.p99 as f64))
            })
        }));
        cells
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = operations(std::slice::from_ref(self));
        f.write_str(&self.cells(&operations).join("  "))
    }
}

fn operations(spans: &[Span]) -> Vec<&'static str> {
    spans.first().map(|span| span.seen.latencies.keys().copied().collect()).unwrap_or_default()
}

/// A line for each span.
pub(crate) fn table(spans: &[Span]) -> Table {
    let operations = operations(spans);
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let mut header = vec!["ends at".to_owned(), "resident".into(), "CPU".into(), "put".into()];
    header.extend(operations.iter().map(|operation| format!("{operation} p50 / p99")));
    table.set_header(header);
    let mut ends_at = 0.0;
    for span in spans {
        ends_at += span.seconds;
        let mut cells = vec![format!("{ends_at:.0} s")];
        cells.extend(span.cells(&operations));
        table.add_row(cells);
    }
    table
}

/// Fails if the second half of what is judged is worse than the first.
pub(crate) fn judge(spans: &[Span]) -> Outcome<()> {
    let judged = &spans[spans.len() / 4..];
    let (first, second) = judged.split_at(judged.len() / 2);
    if first.is_empty() {
        return Err("too short to tell".into());
    }
    let of =
        |spans: &[Span], value: &dyn Fn(&Span) -> f64| median(spans.iter().map(value).collect());
    let mut grown = Vec::new();
    let (before, after) = (of(first, &|span| span.rss_bytes), of(second, &|span| span.rss_bytes));
    println!("resident memory: {} then {}", units::bytes(before), units::bytes(after));
    if after > before * MEMORY_GROWTH_MAX {
        grown.push("resident memory".to_owned());
    }
    for operation in operations(spans) {
        let p99 = |span: &Span| span.p99_us(operation);
        let (before, after) = (of(first, &p99), of(second, &p99));
        println!("{operation} p99: {} then {}", units::time(before), units::time(after));
        if after > (before * P99_GROWTH_MAX).max(P99_US_OF_NO_CONCERN) {
            grown.push(format!("p99 of {operation}"));
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(format!("grew: {}", grown.join(", ")).into()) }
}
