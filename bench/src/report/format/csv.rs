//! Comma-separated values as in RFC 4180, with units in the names of the columns.

use crate::report::run::{Run, Summary};

/// A line for each phase of each repetition, warm-ups included and marked.
#[must_use]
pub fn summary(runs: &[Run]) -> String {
    let mut text = line(&SUMMARY_COLUMNS.map(str::to_owned));
    for run in runs {
        for (at, repetition) in run.repetitions.iter().enumerate() {
            for phase in &repetition.phases {
                let latency = phase.latency.as_ref();
                let corrected = latency.and_then(|latency| latency.corrected.as_ref());
                let uncorrected = latency.map(|latency| &latency.uncorrected);
                let mut cells = vec![
                    run.label.clone(),
                    run.scenario.clone(),
                    run.target.kind.clone(),
                    (at + 1).to_string(),
                    repetition.is_warm_up.to_string(),
                    phase.name.clone(),
                    phase.elapsed_ms.to_string(),
                    phase.records.to_string(),
                    phase.bytes.to_string(),
                    phase.records_per_second().to_string(),
                    phase.calls.to_string(),
                    phase.retries.to_string(),
                    phase.throttles.to_string(),
                    phase.failed().to_string(),
                ];
                cells.extend(figures(corrected.map(|histogram| &histogram.summary)));
                cells.extend(figures(uncorrected.map(|histogram| &histogram.summary)));
                let counts = repetition.verdict.map(|verdict| verdict.counts());
                cells.extend(match counts {
                    Some(counts) => counts.map(|(_, count)| count.to_string()),
                    None => Default::default(),
                });
                text += &line(&cells);
            }
        }
    }
    text
}

const SUMMARY_COLUMNS: [&str; 33] = [
    "label",
    "scenario",
    "target",
    "repetition",
    "is_warm_up",
    "phase",
    "elapsed_ms",
    "records",
    "bytes",
    "records_per_second",
    "calls",
    "retries",
    "throttles",
    "errors",
    "corrected_p50_us",
    "corrected_p90_us",
    "corrected_p95_us",
    "corrected_p99_us",
    "corrected_p999_us",
    "corrected_max_us",
    "corrected_mean_us",
    "uncorrected_p50_us",
    "uncorrected_p90_us",
    "uncorrected_p95_us",
    "uncorrected_p99_us",
    "uncorrected_p999_us",
    "uncorrected_max_us",
    "uncorrected_mean_us",
    "lost",
    "duplicated",
    "misrouted",
    "out_of_order",
    "altered",
];

fn figures(summary: Option<&Summary>) -> [String; 7] {
    let Some(summary) = summary else { return Default::default() };
    let Summary { p50_us, p90_us, p95_us, p99_us, p999_us, max_us, mean_us, .. } = summary;
    let [p50, p90, p95, p99, p999, max] =
        [p50_us, p90_us, p95_us, p99_us, p999_us, max_us].map(u64::to_string);
    [p50, p90, p95, p99, p999, max, mean_us.to_string()]
}

/// A line for each second of each phase, and one for each second of each shard, which
/// has latencies in no column.
#[must_use]
pub fn series(runs: &[Run]) -> String {
    let mut text = line(&SERIES_COLUMNS.map(str::to_owned));
    for run in runs {
        for (at, repetition) in run.repetitions.iter().enumerate() {
            let start =
                [run.label.clone(), (at + 1).to_string(), repetition.is_warm_up.to_string()];
            let mut write = |place: [&str; 2], numbers: [u64; 4], latency: [Option<u64>; 3]| {
                let place = place.map(str::to_owned);
                let numbers = numbers.map(|number| number.to_string());
                let latency = latency.map(|us| us.map_or(String::new(), |us| us.to_string()));
                let cells = [start.as_slice(), &place, &numbers, &latency].concat();
                text += &line(&cells);
            };
            for phase in &repetition.phases {
                for s in &phase.series {
                    let numbers = [s.second, s.records, s.bytes, s.throttles];
                    write([&phase.name, ""], numbers, [s.p50_us, s.p99_us, s.max_us]);
                }
            }
            let first = repetition.phases.first().map_or("", |phase| &phase.name);
            for shard in &repetition.per_shard {
                for s in &shard.series {
                    let numbers = [s.second, s.records, s.bytes, s.throttles];
                    write([first, &shard.shard_id], numbers, [None; 3]);
                }
            }
        }
    }
    text
}

const SERIES_COLUMNS: [&str; 12] = [
    "label",
    "repetition",
    "is_warm_up",
    "phase",
    "shard_id",
    "second",
    "records",
    "bytes",
    "throttles",
    "p50_us",
    "p99_us",
    "max_us",
];

/// One line, cells quoted where they must be.
pub(super) fn line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| {
        if cell.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
