//! HdrHistogram's percentile text, as its own tools write and plot it, in milliseconds.

use std::fmt::Write as _;

use super::Choices;
use crate::report::digest;
use crate::report::run::{Histogram, Run};

/// One distribution: that of the chosen phase, or of the first that has one.
///
/// # Errors
/// When there is no such distribution, or several runs are given, for the format
/// holds one.
pub fn render(runs: &[Run], choices: &Choices) -> Result<String, String> {
    let [run] = runs else {
        return Err(format!(
            "HdrHistogram's format holds one distribution, and these are {} runs: show one at a \
             time, by report",
            runs.len()
        ));
    };
    let latencies = digest::latencies(run);
    let names: Vec<&str> = latencies.iter().map(|(name, _)| name.as_str()).collect();
    let is_chosen = |name: &str| match &choices.phase {
        Some(phase) => name.replace(' ', "_") == phase.replace([' ', '-'], "_"),
        None => true,
    };
    let found = latencies.iter().find(|(name, _)| is_chosen(name));
    let Some((_, latency)) = found else {
        return Err(match names.as_slice() {
            [] => "the run measured no latencies".to_owned(),
            names => format!("there are latencies of {} only: choose by --phase", names.join(", ")),
        });
    };
    let histogram = if choices.is_uncorrected { &latency.uncorrected } else { latency.headline() };
    Ok(text(histogram))
}

fn text(histogram: &Histogram) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    for point in &histogram.curve {
        let ms = point.us as f64 / 1e3;
        let _ = write!(text, "{ms:12.3} {:2.12} {:10}", point.quantile, point.count);
        // The last line is the maximum, whose last column would be infinite.
        if point.quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - point.quantile));
        }
        text.push('\n');
    }
    let summary = histogram.summary;
    let _ = writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        summary.mean_us / 1e3,
        summary.stddev_us / 1e3
    );
    let _ = writeln!(
        text,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        summary.max_us as f64 / 1e3,
        summary.count
    );
    // The shape of our histograms: an hour in microseconds at three digits.
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {:12}]", 22, 2_048);
    text
}
