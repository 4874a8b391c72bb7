//! Runs beside each other, a bar each.

use std::fmt::Write as _;

use super::super::chart::{self, DIGIT_WIDTH, Drawing, Frame, Scale};
use super::{card, short_number, short_time};
use crate::report::digest;
use crate::report::measures::{Selector, Unit};
use crate::report::run::Run;
use crate::report::statistics::{CONFIDENCE, REPETITIONS_MIN, Spread};
use crate::report::units;

/// A group of bars for each figure that all runs have, with whiskers.
pub(crate) fn comparison_bars(runs: &[Run]) -> String {
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
