//! Plans as tables for people.

use std::io::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::bill::Bill;
use super::cli::RunCost;
use super::estimate::Estimate;
use super::merge::Comparison;
use super::prices::PriceBasis;

pub(super) fn estimate(out: &mut dyn Write, estimate: &Estimate) -> io::Result<()> {
    let load = &estimate.workload;
    writeln!(
        out,
        "{} records/s of {} bytes, {}, {} shared and {} fan-out consumers, kept for {} h",
        number(load.records_per_second),
        number(load.record_bytes as f64),
        load.keys,
        load.shared_consumers,
        load.fan_out_consumers,
        number(load.retention_hours)
    )?;
    let mut table = columns(["limit", "asked/s", "a shard/s", "shards", "busiest shard"]);
    for need in &estimate.needs {
        table.add_row([
            need.limit.name().to_owned(),
            number(need.asked_per_second),
            number(need.per_shard),
            need.shards.map_or("–".to_owned(), |shards| number(shards as f64)),
            format!("{:.1} %", need.utilisation * 100.0),
        ]);
    }
    writeln!(out, "{table}")?;
    bills(out, &estimate.monthly, &estimate.prices, "a month")?;
    notes(out, &estimate.notes)?;
    writeln!(
        out,
        "{} shard{}, because of {} ({} payload unit{} a record)",
        number(estimate.shards as f64),
        plural(estimate.shards),
        estimate.binding.name(),
        estimate.payload_units_per_record,
        plural(estimate.payload_units_per_record)
    )
}

pub(super) fn run_cost(out: &mut dyn Write, cost: &RunCost) -> io::Result<()> {
    writeln!(
        out,
        "{} records put, {} payload units, {} shards, {:.1} s on the target",
        number(cost.records as f64),
        number(cost.usage.payload_units),
        cost.usage.shards,
        cost.elapsed_ms / 1e3
    )?;
    bills(out, &cost.bills, &cost.prices, "the run")?;
    notes(out, &cost.notes)
}

pub(super) fn comparison(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let messages = &comparison.messages;
    let size = if messages.sample.is_empty() {
        format!("of {} bytes", number(messages.bytes as f64))
    } else {
        "of the sample".to_owned()
    };
    writeln!(
        out,
        "{} messages {size}, merged by {}",
        number(messages.count as f64),
        messages.group
    )?;
    let has_rate = messages.messages_per_second.is_some();
    let mut header = vec![
        "method",
        "records",
        "messages each",
        "bytes",
        "calls",
        "payload units",
        "put cost",
        "saved",
    ];
    if has_rate {
        header.extend(["shards", "a month", "added latency"]);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for merged in &comparison.methods {
        let mut row = vec![
            merged.method.name().to_owned(),
            number(merged.records as f64),
            format!("{:.1}", merged.messages_per_record),
            number(merged.bytes as f64),
            number(merged.calls as f64),
            number(merged.payload_units as f64),
            money(merged.cost),
            format!("{:.1} %", merged.saved * 100.0),
        ];
        let by_rate = (merged.shards, merged.monthly_cost, merged.added_latency_ms);
        if let (Some(shards), Some(cost), Some(latency)) = by_rate {
            row.extend([number(shards as f64), money(cost), format!("{latency:.1} ms")]);
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{table}")?;
    basis(out, &comparison.prices)?;
    notes(out, &comparison.notes)
}

fn bills(out: &mut dyn Write, bills: &[Bill], prices: &PriceBasis, of: &str) -> io::Result<()> {
    let mut table = columns(["mode", "for", "quantity", "at", "cost"]);
    for bill in bills {
        for (n, line) in bill.lines.iter().enumerate() {
            let mode = if n == 0 { bill.mode.name() } else { "" };
            table.add_row([
                mode.to_owned(),
                line.what.to_owned(),
                format!("{} {}", number(line.quantity), line.unit),
                format!("{}", Price(line.price)),
                money(line.cost),
            ]);
        }
        table.add_row(["", "", "", of, &money(bill.total)].map(str::to_owned));
    }
    writeln!(out, "{table}")?;
    basis(out, prices)
}

fn basis(out: &mut dyn Write, prices: &PriceBasis) -> io::Result<()> {
    writeln!(
        out,
        "prices: {} {}, as of {}, {}",
        prices.region, prices.currency, prices.as_of, prices.source
    )
}

fn notes(out: &mut dyn Write, notes: &[String]) -> io::Result<()> {
    notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))
}

/// A table whose first column is words and whose others are numbers.
fn columns<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A price of one, which may be tiny, without an exponent.
struct Price(f64);

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < 0.001 && self.0 > 0.0 {
            write!(f, "{:.4}/million", self.0 * 1e6)
        } else {
            write!(f, "{:.4}", self.0)
        }
    }
}

fn money(amount: f64) -> String {
    if amount > 0.0 && amount < 0.01 { format!("{amount:.6}") } else { grouped(amount, 2) }
}

/// A number with thousands apart, and as many decimals as it needs.
fn number(number: f64) -> String {
    let decimals = if number.fract().abs() < 1e-9 || number >= 1_000.0 { 0 } else { 2 };
    grouped(number, decimals)
}

fn grouped(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}
