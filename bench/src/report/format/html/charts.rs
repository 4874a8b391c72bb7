//! The charts of the page, each with its legend and its text alternative.

use std::fmt::Write as _;

use super::chart::{self, DIGIT_WIDTH, Drawing, Frame, Scale, Stroke, escape, legend};
use crate::report::digest;
use crate::report::measures::{Selector, Unit};
use crate::report::run::{Histogram, Phase, Run, Second, Shard, ShardSecond};
use crate::report::statistics::{CONFIDENCE, REPETITIONS_MIN, Spread};
use crate::report::units;

/// A card with a chart in it.
fn card(title: &str, caption: &str, inside: &str) -> String {
    format!(
        "<figure class=\"card\"><h3>{}</h3><figcaption>{}</figcaption>{inside}</figure>\n",
        escape(title),
        escape(caption)
    )
}

/// A line of the percentile chart.
struct Curve<'a> {
    name: String,
    colour: usize,
    stroke: Stroke,
    histogram: &'a Histogram,
}

/// Latency by percentile: a chart for each phase, and one from end to end, with all
/// runs over each other.
pub(super) fn percentiles(runs: &[Run]) -> Vec<String> {
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

/// Seconds in columns: as many as fit, each of some seconds.
struct Columns {
    /// Seconds in a column.
    width: u64,
    count: usize,
    seconds: u64,
}

impl Columns {
    fn new(last_second: u64) -> Self {
        let seconds = last_second + 1;
        let width = seconds.div_ceil(COLUMNS_MAX);
        Self { width, count: seconds.div_ceil(width) as usize, seconds }
    }

    fn of(&self, second: u64) -> usize {
        (second / self.width) as usize
    }

    /// Where the column is, 0 to 1 both.
    fn span(&self, column: usize) -> (f64, f64) {
        (column as f64 / self.count as f64, (column + 1) as f64 / self.count as f64)
    }

    fn name(&self, column: usize) -> String {
        let from = column as u64 * self.width;
        if self.width == 1 {
            format!("second {from}")
        } else {
            format!("seconds {from} to {}", from + self.width - 1)
        }
    }

    /// Marks of the axis, in seconds or minutes.
    fn ticks(&self) -> Vec<(f64, String)> {
        let whole = (self.count as u64 * self.width) as f64;
        let steps =
            [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
        let step =
            steps.into_iter().find(|step| self.seconds / step <= 8).unwrap_or(self.seconds / 8);
        let written = |second: u64| match second {
            _ if step < 60 => format!("{second} s"),
            _ if step < 3_600 => format!("{} min", second / 60),
            _ => format!("{} h", second / 3_600),
        };
        (0..=(whole as u64 / step))
            .map(|tick| ((tick * step) as f64 / whole, written(tick * step)))
            .collect()
    }
}

const COLUMNS_MAX: u64 = 120;

/// Charts over time begin to say something with a third second.
const SECONDS_MIN: u64 = 2;

/// A series of amounts by column.
struct Layer {
    name: String,
    colour: usize,
    amounts: Vec<f64>,
}

/// Columns of layers over each other.
fn stacked(
    id: &str,
    title: &str,
    description: &str,
    columns: &Columns,
    layers: &[Layer],
    unit: &str,
) -> String {
    let total = |column: usize| layers.iter().map(|layer| layer.amounts[column]).sum::<f64>();
    let most = (0..columns.count).map(total).fold(0.0, f64::max);
    let y = Scale::from_zero(most);
    chart::both(id, title, description, |frame| {
        let mut drawing = Drawing::new(frame);
        drawing.y_axis(frame, y, short_number);
        for column in 0..columns.count {
            let (from, to) = columns.span(column);
            let (left, right) = (frame.x(from), frame.x(to));
            // A gap between columns where there is room for one; a lone column is no wall.
            let gap = ((right - left) * 0.15).min(3.0);
            let width = (right - left - gap).min(80.0);
            let at = left + (right - left - width) / 2.0;
            let mut below = 0.0;
            for layer in layers {
                let amount = layer.amounts[column];
                if amount > 0.0 {
                    let (top, bottom) = (frame.y(y.at(below + amount)), frame.y(y.at(below)));
                    let class = format!("f{}", layer.colour % chart::COLOURS);
                    let class = if layer.colour == BAD { "fbad" } else { &class };
                    drawing.rect(class, (at, top), (width, bottom - top));
                    below += amount;
                }
            }
        }
        drawing.x_axis(frame, &columns.ticks(), "time since the phase began");
        for column in 0..columns.count {
            let (from, to) = columns.span(column);
            let mut says =
                format!("{}: {} {unit}", columns.name(column), units::rate(total(column)));
            if layers.len() > 1 {
                for layer in layers.iter().rev().filter(|layer| layer.amounts[column] > 0.0) {
                    let _ =
                        write!(says, "\n{}: {}", layer.name, units::rate(layer.amounts[column]));
                }
            }
            let size = (frame.x(to) - frame.x(from), frame.y(0.0) - frame.y(1.0));
            drawing.hit((frame.x(from), frame.y(1.0)), size, &says);
        }
        drawing
    })
}

/// No series has this colour: it is that of throttles.
const BAD: usize = usize::MAX;

/// Why a run has no charts over time, if it has none.
pub(super) fn brevity(run: &Run) -> Option<String> {
    let (_, repetition) = digest::typical(run)?;
    let phase = repetition.phases.first()?;
    let last = phase.series.iter().map(|second| second.second).max()?;
    (last < SECONDS_MIN).then(|| {
        let elapsed = units::time(phase.elapsed_ms * 1e3);
        format!("Phase {} took {elapsed}: too short for charts over time.", phase.name)
    })
}

/// Records per second, shard upon shard.
pub(super) fn throughput(at: usize, run: &Run) -> String {
    let title = "Records per second";
    let Some((_, repetition)) = digest::typical(run) else { return String::new() };
    let Some(phase) = repetition.phases.first() else { return String::new() };
    let shards = &repetition.per_shard;
    let has_series = shards.iter().any(|shard| !shard.series.is_empty());
    let last_of_shards = shards.iter().flat_map(|shard| &shard.series).map(|s| s.second).max();
    let last_of_phase = phase.series.iter().map(|second| second.second).max();
    let Some(last) = last_of_shards.max(last_of_phase) else {
        return card(title, "", "<p class=\"quiet\">This run kept no series per second.</p>");
    };
    if last < SECONDS_MIN {
        return String::new();
    }
    let columns = Columns::new(last);
    let per_second = 1.0 / columns.width as f64;
    let layers = if has_series {
        shard_layers(&columns, shards, per_second)
    } else {
        let mut amounts = vec![0.0; columns.count];
        for Second { second, records, .. } in &phase.series {
            amounts[columns.of(*second)] += *records as f64 * per_second;
        }
        vec![Layer { name: phase.name.clone(), colour: 0, amounts }]
    };
    let description = format!(
        "Records per second of phase {}, {} on average over {}.",
        phase.name,
        units::rate(phase.records_per_second()),
        units::time(phase.elapsed_ms * 1e3)
    );
    let svg = stacked(&format!("rate{at}"), title, &description, &columns, &layers, "records/s");
    let entries: Vec<_> =
        layers.iter().map(|layer| (layer.colour, None, layer.name.clone())).collect();
    let legend = if layers.len() > 1 { legend(&entries) } else { String::new() };
    let stacked = if layers.len() > 1 { ", shard upon shard" } else { "" };
    let each = if columns.width == 1 {
        "The last column may be a part of a second.".to_owned()
    } else {
        format!("A column is the average of {} seconds.", columns.width)
    };
    let caption = format!("Phase {}{stacked}. {} {each}", phase.name, which(run));
    card(title, &caption, &(legend + &svg))
}

/// A layer for each of the busiest shards, in the order of their hash keys, and one for
/// the rest.
fn shard_layers(columns: &Columns, shards: &[Shard], per_second: f64) -> Vec<Layer> {
    let mut busiest: Vec<usize> = (0..shards.len()).collect();
    busiest.sort_by_key(|shard| std::cmp::Reverse(shards[*shard].records));
    let shown = if shards.len() > chart::COLOURS { chart::COLOURS - 1 } else { shards.len() };
    let mut chosen = busiest[..shown].to_vec();
    chosen.sort_unstable();
    let mut rest = vec![0.0; columns.count];
    let mut layers = Vec::new();
    for (at, shard) in shards.iter().enumerate() {
        let mut amounts = vec![0.0; columns.count];
        let place = chosen.iter().position(|chosen| *chosen == at);
        let into = if place.is_some() { &mut amounts } else { &mut rest };
        for ShardSecond { second, records, .. } in &shard.series {
            into[columns.of(*second)] += *records as f64 * per_second;
        }
        if let Some(colour) = place {
            layers.push(Layer { name: short_shard(&shard.shard_id), colour, amounts });
        }
    }
    if shown < shards.len() {
        let name = format!("{} other shards", shards.len() - shown);
        layers.push(Layer { name, colour: chart::COLOURS - 1, amounts: rest });
    }
    layers
}

/// `shard 3` for `shardId-000000000003`.
fn short_shard(shard_id: &str) -> String {
    match shard_id.strip_prefix("shardId-").and_then(|number| number.parse::<u64>().ok()) {
        Some(number) => format!("shard {number}"),
        None => shard_id.to_owned(),
    }
}

/// Median, 99th percentile and maximum of each second.
pub(super) fn latency_over_time(at: usize, run: &Run) -> String {
    let title = "Latency over time";
    let Some((_, repetition)) = digest::typical(run) else { return String::new() };
    let has_latency = |phase: &&Phase| phase.series.iter().any(|second| second.p50_us.is_some());
    let Some(phase) = repetition.phases.iter().find(has_latency) else { return String::new() };
    let Some(last) = phase.series.iter().map(|second| second.second).max() else {
        return String::new();
    };
    if last < SECONDS_MIN {
        return String::new();
    }
    let columns = Columns::new(last);
    type Of = fn(&Second) -> Option<u64>;
    let kinds: [(&str, usize, Stroke, Of); 3] = [
        ("max", 1, Stroke::Dotted, |second| second.max_us),
        ("p99", 3, Stroke::Dashed, |second| second.p99_us),
        ("p50", 0, Stroke::Solid, |second| second.p50_us),
    ];
    // Of several seconds the worst is shown: an average of percentiles is no percentile.
    let worst = |of: Of| {
        let mut values: Vec<Option<u64>> = vec![None; columns.count];
        for second in &phase.series {
            let value = &mut values[columns.of(second.second)];
            *value = (*value).max(of(second));
        }
        values
    };
    let lines = kinds.map(|(name, colour, stroke, of)| (name, colour, stroke, worst(of)));
    let all = || lines.iter().flat_map(|(.., values)| values.iter().flatten());
    let (Some(least), Some(most)) = (all().min(), all().max()) else { return String::new() };
    let y = Scale::log((*least).max(1) as f64, (*most).max(1) as f64);
    let mut description = format!("Latency of phase {} in each second.", phase.name);
    for (name, _, _, values) in &lines {
        let known = || values.iter().flatten();
        if let (Some(least), Some(most)) = (known().min(), known().max()) {
            let (least, most) = (units::time(*least as f64), units::time(*most as f64));
            let _ = write!(description, " {name} between {least} and {most}.");
        }
    }
    let svg = chart::both(&format!("time{at}"), title, &description, |frame| {
        let mut drawing = Drawing::new(frame);
        drawing.y_axis(frame, y, short_time);
        drawing.x_axis(frame, &columns.ticks(), "time since the phase began");
        for (_, colour, stroke, values) in &lines {
            // A second without calls parts the line.
            for piece in pieces(values) {
                let points = piece.iter().map(|(column, us)| {
                    let (from, to) = columns.span(*column);
                    (frame.x(from.midpoint(to)), frame.y(y.at(*us as f64)))
                });
                drawing.curve(*colour, *stroke, &points.collect::<Vec<_>>());
            }
        }
        for column in 0..columns.count {
            let (from, to) = columns.span(column);
            let mut says = columns.name(column);
            for (name, _, _, values) in &lines {
                let value =
                    values[column].map_or("no call".to_owned(), |us| units::time(us as f64));
                let _ = write!(says, "\n{name}: {value}");
            }
            let size = (frame.x(to) - frame.x(from), frame.y(0.0) - frame.y(1.0));
            drawing.hit((frame.x(from), frame.y(1.0)), size, &says);
        }
        drawing
    });
    let entries = lines
        .each_ref()
        .map(|(name, colour, stroke, _)| (*colour, Some(*stroke), (*name).to_owned()));
    let is_corrected = phase.latency.as_ref().is_some_and(|latency| latency.corrected.is_some());
    let basis = if is_corrected { ", corrected" } else { "" };
    let each = if columns.width == 1 {
        String::new()
    } else {
        format!(" A point is the worst of {} seconds.", columns.width)
    };
    let caption = format!("Phase {}{basis}, logarithmic. {}{each}", phase.name, which(run));
    card(title, &caption, &(legend(&entries) + &svg))
}

/// The unbroken stretches of a series.
fn pieces(values: &[Option<u64>]) -> Vec<Vec<(usize, u64)>> {
    let mut pieces = vec![Vec::new()];
    for (at, value) in values.iter().enumerate() {
        match value {
            Some(value) => pieces.last_mut().expect("there is one piece").push((at, *value)),
            None => pieces.push(Vec::new()),
        }
    }
    pieces
}

/// Throttles in each second of all phases that had any.
pub(super) fn throttles(at: usize, run: &Run) -> String {
    let title = "Throttles over time";
    let Some((_, repetition)) = digest::typical(run) else { return String::new() };
    let total: u64 = repetition.phases.iter().map(|phase| phase.throttles).sum();
    if total == 0 {
        let whole: u64 = digest::phases(run).iter().map(|phase| phase.throttles).sum();
        let sentence = match whole {
            0 => "No call was throttled.".to_owned(),
            _ => format!("None in this repetition; {} in all.", units::count(whole)),
        };
        return card(title, &which(run), &format!("<p style=\"margin-top:8px\">{sentence}</p>"));
    }
    let busiest = repetition.phases.iter().max_by_key(|phase| phase.throttles);
    let Some(phase) = busiest else { return String::new() };
    let Some(last) = phase.series.iter().map(|second| second.second).max() else {
        let sentence = format!("{}, in no known second.", units::counted(total, "throttle"));
        return card(title, &which(run), &format!("<p style=\"margin-top:8px\">{sentence}</p>"));
    };
    let columns = Columns::new(last);
    let mut amounts = vec![0.0; columns.count];
    for Second { second, throttles, .. } in &phase.series {
        amounts[columns.of(*second)] += *throttles as f64;
    }
    let layers = [Layer { name: "throttles".to_owned(), colour: BAD, amounts }];
    let description =
        format!("{} of phase {}.", units::counted(phase.throttles, "throttle"), phase.name);
    let svg =
        stacked(&format!("throttles{at}"), title, &description, &columns, &layers, "throttles");
    let each = match columns.width {
        1 => "in each second".to_owned(),
        width => format!("in each {width} seconds"),
    };
    let (all, which) = (units::count(phase.throttles), which(run));
    card(title, &format!("{all} in phase {}, {each}. {which}", phase.name), &svg)
}

/// What part of the records each shard got, beside the part of hash keys it owns.
pub(super) fn skew(at: usize, run: &Run) -> String {
    let title = "Records by shard";
    let shards = digest::shards(run);
    if shards.is_empty() {
        return String::new();
    }
    let mut shown: Vec<&Shard> = shards.iter().collect();
    let mut more = String::new();
    if shards.len() > SHARDS_MAX {
        shown.sort_by_key(|shard| std::cmp::Reverse(shard.records));
        shown.truncate(SHARDS_MAX);
        let _ = write!(more, " The {SHARDS_MAX} busiest of {} shards.", shards.len());
    }
    let most = shown
        .iter()
        .flat_map(|shard| [shard.share, shard.hash_share.unwrap_or(0.0)])
        .fold(0.0, f64::max);
    let x = Scale::from_zero(most * 100.0);
    let mut description = String::from("The part of all records that each shard got.");
    for shard in &shown {
        let name = short_shard(&shard.shard_id);
        let _ = write!(description, " {name}: {}.", units::percent(shard.share));
    }
    let svg = chart::both(&format!("skew{at}"), title, &description, |frame| {
        let longest = shown.iter().map(|shard| short_shard(&shard.shard_id).chars().count()).max();
        let left = (longest.unwrap_or(0) as f64 * DIGIT_WIDTH + 10.0).min(frame.width * 0.4);
        // Room for the longest value beside the longest bar.
        let right = if frame.is_wide { 118.0 } else { 62.0 };
        let height = frame.top + frame.bottom + ROW_HEIGHT * shown.len() as f64;
        let frame = Frame { left, right, height, ..*frame };
        let mut drawing = Drawing::new(&frame);
        let ticks: Vec<(f64, String)> = x
            .ticks()
            .iter()
            .map(|tick| (x.at(*tick), format!("{} %", short_number(*tick))))
            .collect();
        for (part, _) in &ticks {
            drawing.line("grid", (frame.x(*part), frame.y(0.0)), (frame.x(*part), frame.y(1.0)));
        }
        drawing.x_axis(&frame, &ticks, "part of all records");
        for (row, shard) in shown.iter().enumerate() {
            let top = frame.top + row as f64 * ROW_HEIGHT;
            let end = frame.x(x.at(shard.share * 100.0));
            let name = short_shard(&shard.shard_id);
            drawing.text("strong", "end", (left - 8.0, top + 16.0), &name);
            drawing.rect("f0", (left, top + 4.0), (end - left, ROW_HEIGHT - 8.0));
            let mut beyond = end;
            if let Some(hash_share) = shard.hash_share {
                let mark = frame.x(x.at(hash_share * 100.0));
                drawing.line("mark", (mark, top + 1.0), (mark, top + ROW_HEIGHT - 1.0));
                // The value steps aside if the mark stands where it would be.
                if (end - 2.0..end + right).contains(&mark) {
                    beyond = mark;
                }
            }
            let value = if frame.is_wide {
                format!("{} ({})", units::percent(shard.share), units::count(shard.records))
            } else {
                units::percent(shard.share)
            };
            drawing.text("strong", "start", (beyond + 6.0, top + 16.0), &value);
            let mut says = format!(
                "{}: {} ({}), {}",
                shard.shard_id,
                units::counted(shard.records, "record"),
                units::percent(shard.share),
                units::bytes(shard.bytes as f64)
            );
            if let Some(share) = shard.hash_share {
                let _ = write!(says, "\nowns {} of hash keys", units::percent(share));
            }
            let _ = write!(says, "\n{}", units::counted(shard.throttles, "throttle"));
            if let Some(age) = shard.iterator_age_ms_max {
                let _ = write!(says, "\na reader was behind by {} at most", units::time(age * 1e3));
            }
            drawing.hit((0.0, top), (frame.width, ROW_HEIGHT), &says);
        }
        drawing
    });
    let caption = format!(
        "Bars: the part of all records. Marks: the part of all hash keys that the shard owns, which \
         even keys would fill.{more} {}",
        which(run)
    );
    card(title, &caption, &svg)
}

/// As many rows as stand beside another chart without a hole.
const SHARDS_MAX: usize = 12;
const ROW_HEIGHT: f64 = 24.0;

/// A group of bars for each figure that all runs have, with whiskers.
pub(super) fn comparison_bars(runs: &[Run]) -> String {
    let Some(first) = runs.first() else { return String::new() };
    let mut html = String::new();
    let mut add = |title: &str, selector: &str, more: &str| {
        let Ok(selector) = Selector::parse(selector) else { return };
        let spreads: Vec<Option<Spread>> =
            runs.iter().map(|run| Spread::new(selector.of_each(run))).collect();
        if spreads.iter().flatten().count() > 1 {
            html += &bars(title, more, selector.measure.unit, runs, &spreads);
        }
    };
    for phase in digest::phases(first) {
        let name = &phase.name;
        add(
            &format!("{name}: records per second"),
            &format!("{name}.records_per_second"),
            "More is better.",
        );
        if phase.latency.is_some() {
            add(&format!("{name}: median latency"), &format!("{name}.p50"), "Less is better.");
            add(&format!("{name}: p99 latency"), &format!("{name}.p99"), "Less is better.");
        }
    }
    html
}

fn bars(title: &str, more: &str, unit: Unit, runs: &[Run], spreads: &[Option<Spread>]) -> String {
    let most = spreads.iter().flatten().map(|s| s.whisker().high.max(s.median)).fold(0.0, f64::max);
    let x = Scale::from_zero(most);
    let mut description = String::new();
    for (run, spread) in runs.iter().zip(spreads) {
        if let Some(spread) = spread {
            let whisker = spread.whisker();
            let _ = write!(
                description,
                "{}: {} ({} to {}). ",
                run.label,
                unit.written(spread.median),
                unit.written(whisker.low),
                unit.written(whisker.high)
            );
        }
    }
    let id = format!("bars-{}", title.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let svg = chart::both(&id, title, description.trim_end(), |frame| {
        let height = frame.top + frame.bottom + BAR_ROW * runs.len() as f64;
        let frame = Frame { left: 12.0, height, top: 6.0, bottom: 40.0, ..*frame };
        let mut drawing = Drawing::new(&frame);
        let ticks: Vec<(f64, String)> = x
            .ticks()
            .iter()
            .map(|tick| {
                let label = match unit {
                    Unit::Time => short_time(*tick),
                    Unit::Count | Unit::Rate => short_number(*tick),
                    Unit::Bytes | Unit::ByteRate | Unit::Share => unit.written(*tick),
                };
                (x.at(*tick), if *tick == 0.0 { "0".to_owned() } else { label })
            })
            .collect();
        for (part, _) in &ticks {
            drawing.line("grid", (frame.x(*part), frame.y(0.0)), (frame.x(*part), frame.y(1.0)));
        }
        let name = match unit {
            Unit::Rate => "records per second",
            Unit::ByteRate => "bytes per second",
            Unit::Time => "time",
            Unit::Count => "count",
            Unit::Bytes => "bytes",
            Unit::Share => "share",
        };
        drawing.x_axis(&frame, &ticks, name);
        for (at, (run, spread)) in runs.iter().zip(spreads).enumerate() {
            let top = frame.top + at as f64 * BAR_ROW;
            let value = spread
                .as_ref()
                .map_or("not measured".to_owned(), |spread| unit.written(spread.median));
            let room = ((frame.width - 24.0) / DIGIT_WIDTH) as usize - value.chars().count() - 3;
            let label = shortened(&run.label, room);
            drawing.text("strong", "start", (frame.left, top + 14.0), &format!("{label}: {value}"));
            let Some(spread) = spread else { continue };
            let (y, thickness) = (top + 20.0, 14.0);
            let class = format!("f{}", at % chart::COLOURS);
            drawing.rect(
                &class,
                (frame.x(0.0), y),
                (frame.x(x.at(spread.median)) - frame.x(0.0), thickness),
            );
            let whisker = spread.whisker();
            if spread.values.len() > 1 {
                let (low, high) = (frame.x(x.at(whisker.low)), frame.x(x.at(whisker.high)));
                let middle = y + thickness / 2.0;
                drawing.line("mark", (low, middle), (high, middle));
                for end in [low, high] {
                    drawing.line("mark", (end, y + 1.0), (end, y + thickness - 1.0));
                }
            }
            let says = format!(
                "{}: {}\n{} to {}, {}",
                run.label,
                unit.written(spread.median),
                unit.written(whisker.low),
                unit.written(whisker.high),
                units::counted(spread.values.len() as u64, "repetition")
            );
            drawing.hit((0.0, top), (frame.width, BAR_ROW), &says);
        }
        drawing
    });
    let few = spreads.iter().flatten().any(|spread| spread.interval.is_none());
    let whiskers = if few {
        format!("Whiskers: lowest and highest repetition (fewer than {REPETITIONS_MIN}).")
    } else {
        format!("Whiskers: {:.0} % interval of the median.", CONFIDENCE * 100.0)
    };
    card(title, &format!("Median of the repetitions. {more} {whiskers}"), &svg)
}

const BAR_ROW: f64 = 44.0;

/// So many characters at most.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).collect::<String>() + "…"
}
