//! What happened in each second: records, latency, throttles.

use std::fmt::Write as _;

use super::super::chart::{self, Drawing, Scale, Stroke, legend};
use super::{card, short_number, short_shard, short_time, which};
use crate::report::digest;
use crate::report::run::{Phase, Run, Second, Shard, ShardSecond};
use crate::report::units;

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
pub(crate) fn brevity(run: &Run) -> Option<String> {
    let (_, repetition) = digest::typical(run)?;
    let phase = repetition.phases.first()?;
    let last = phase.series.iter().map(|second| second.second).max()?;
    (last < SECONDS_MIN).then(|| {
        let elapsed = units::time(phase.elapsed_ms * 1e3);
        format!("Phase {} took {elapsed}: too short for charts over time.", phase.name)
    })
}

/// Records per second, shard upon shard.
pub(crate) fn throughput(at: usize, run: &Run) -> String {
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

/// Median, 99th percentile and maximum of each second.
pub(crate) fn latency_over_time(at: usize, run: &Run) -> String {
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
pub(crate) fn throttles(at: usize, run: &Run) -> String {
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
