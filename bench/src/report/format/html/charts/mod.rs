//! The charts of the page, each with its legend and its text alternative.

mod bars;
mod over_time;
mod percentiles;
mod skew;

use super::chart::escape;
use crate::report::digest;
use crate::report::run::Run;
use crate::report::units;

pub(super) use bars::comparison_bars;
pub(super) use over_time::{brevity, latency_over_time, throttles, throughput};
pub(super) use percentiles::percentiles;
pub(super) use skew::skew;

/// A card with a chart in it.
fn card(title: &str, caption: &str, inside: &str) -> String {
    format!(
        "<figure class=\"card\"><h3>{}</h3><figcaption>{}</figcaption>{inside}</figure>\n",
        escape(title),
        escape(caption)
    )
}

/// A time on an axis: without needless digits.
fn short_time(us: f64) -> String {
    let (amount, unit) = match us {
        _ if us >= 0.999e6 => (us / 1e6, "s"),
        _ if us >= 0.999e3 => (us / 1e3, "ms"),
        _ => (us, "µs"),
    };
    let text = format!("{amount:.3}");
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A number on an axis: `20k` rather than `20,000`.
fn short_number(number: f64) -> String {
    let (amount, unit) = match number {
        _ if number >= 1e6 => (number / 1e6, "M"),
        _ if number >= 1e4 => (number / 1e3, "k"),
        _ if number >= 1e3 => return units::count(number.round() as u64),
        _ => (number, ""),
    };
    let text = format!("{amount:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Which repetition a chart over time shows.
fn which(run: &Run) -> String {
    let measured = run.measured().count();
    match digest::typical(run) {
        Some((number, _)) if measured > 1 => {
            format!("Repetition {number} of {measured}, the one of median length.")
        }
        _ => String::new(),
    }
}

/// `shard 3` for `shardId-000000000003`.
fn short_shard(shard_id: &str) -> String {
    match shard_id.strip_prefix("shardId-").and_then(|number| number.parse::<u64>().ok()) {
        Some(number) => format!("shard {number}"),
        None => shard_id.to_owned(),
    }
}
