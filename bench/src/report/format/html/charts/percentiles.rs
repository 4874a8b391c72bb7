//! Latency by percentile.

use std::fmt::Write as _;

use super::super::chart::{self, Drawing, Frame, Scale, Stroke, legend};
use super::{card, short_time};
use crate::report::digest;
use crate::report::run::{Histogram, Run};
use crate::report::units;

/// A line of the percentile chart.
struct Curve<'a> {
    name: String,
    colour: usize,
    stroke: Stroke,
    histogram: &'a Histogram,
}

/// Latency by percentile: a chart for each phase, and one from end to end, with all
/// runs over each other.
pub(crate) fn percentiles(runs: &[Run]) -> Vec<String> {
    let of_runs: Vec<_> = runs.iter().map(digest::latencies).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in of_runs.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut cards = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let mut curves = Vec::new();
        for (colour, (run, latencies)) in runs.iter().zip(&of_runs).enumerate() {
            let Some((_, latency)) = latencies.iter().find(|(own, _)| own == name) else {
                continue;
            };
            let mut add = |kind: &str, stroke, histogram| {
                let name = match (runs.len(), kind) {
                    (1, "") => "latency".to_owned(),
                    (1, kind) => kind.to_owned(),
                    (_, "") => run.label.clone(),
                    (_, kind) => format!("{}, {kind}", run.label),
                };
                curves.push(Curve { name, colour, stroke, histogram });
            };
            match &latency.corrected {
                Some(corrected) => {
                    add("corrected", Stroke::Solid, corrected);
                    add("uncorrected", Stroke::Dashed, &latency.uncorrected);
                }
                None => add("", Stroke::Solid, &latency.uncorrected),
            }
        }
        curves.retain(|curve| curve.histogram.summary.count > 0);
        if !curves.is_empty() {
            cards.push(percentile_card(at, name, &curves));
        }
    }
    cards
}

fn percentile_card(at: usize, name: &str, curves: &[Curve<'_>]) -> String {
    let least = curves.iter().map(|curve| curve.histogram.summary.min_us).min().unwrap_or(1).max(1);
    let most = curves.iter().map(|curve| curve.histogram.summary.max_us).max().unwrap_or(1).max(1);
    let count = curves.iter().map(|curve| curve.histogram.summary.count).max().unwrap_or(1).max(1);
    let y = Scale::log(least as f64, most as f64);
    // A curve ends where one call is the rest: beyond, nothing was seen.
    let nines_max = (count as f64).log10().max(1.0);
    let nines = |quantile: f64, count: u64| {
        let rest = (1.0 - quantile).max(1.0 / count as f64);
        -rest.log10()
    };
    let mut description = String::from("Latency by percentile.");
    for curve in curves {
        let summary = curve.histogram.summary;
        let _ = write!(
            description,
            " {}: p50 {}, p99 {}, p99.9 {}, max {}.",
            curve.name,
            units::time(summary.p50_us as f64),
            units::time(summary.p99_us as f64),
            units::time(summary.p999_us as f64),
            units::time(summary.max_us as f64)
        );
    }
    let draw = |frame: &Frame| {
        let mut drawing = Drawing::new(frame);
        drawing.y_axis(frame, y, short_time);
        let marks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
        let places: Vec<(f64, String)> = marks
            .iter()
            .map(|quantile| (nines(*quantile, u64::MAX) / nines_max, percentile(*quantile)))
            .filter(|(part, _)| *part <= 1.0)
            .collect();
        for (part, _) in &places {
            drawing.line("grid", (frame.x(*part), frame.y(0.0)), (frame.x(*part), frame.y(1.0)));
        }
        drawing.x_axis(frame, &places, "percentile of calls");
        for curve in curves {
            let points: Vec<(f64, f64)> = curve
                .histogram
                .curve
                .iter()
                .map(|point| {
                    let x = nines(point.quantile, curve.histogram.summary.count) / nines_max;
                    (frame.x(x), frame.y(y.at(point.us as f64)))
                })
                .collect();
            drawing.curve(curve.colour, curve.stroke, &points);
        }
        let bands = if frame.is_wide { 60 } else { 30 };
        for band in 0..bands {
            let (from, to) =
                (f64::from(band) / f64::from(bands), f64::from(band + 1) / f64::from(bands));
            let quantile = 1.0 - 10_f64.powf(-((from + to) / 2.0 * nines_max));
            let mut says = format!("{} of calls took at most", fine_percentile(quantile));
            for curve in curves {
                let us = curve.histogram.curve.iter().find(|point| point.quantile >= quantile);
                let us = us.map_or(curve.histogram.summary.max_us, |point| point.us);
                let _ = write!(says, "\n{}: {}", curve.name, units::time(us as f64));
            }
            let size = (frame.x(to) - frame.x(from), frame.y(0.0) - frame.y(1.0));
            drawing.hit((frame.x(from), frame.y(1.0)), size, &says);
        }
        drawing
    };
    let title = format!("Latency by percentile: {name}");
    let inside = curves
        .iter()
        .map(|curve| (curve.colour, Some(curve.stroke), curve.name.clone()))
        .collect::<Vec<_>>();
    let svg = chart::both(&format!("pct{at}"), &title, &description, draw);
    let caption = "Both axes logarithmic. Every step right is ten times rarer.";
    card(&title, caption, &(legend(&inside) + &svg))
}

/// `99.9 %`: a mark of the axis.
fn percentile(quantile: f64) -> String {
    let text = format!("{:.4}", quantile * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// With two digits after the nines.
fn fine_percentile(quantile: f64) -> String {
    let digits = (-(1.0 - quantile).log10()).floor().max(0.0) as usize;
    format!("{:.*} %", digits, quantile * 100.0)
}
