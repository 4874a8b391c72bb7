//! Tables for a pull request or a document.

use std::fmt::Write as _;

use super::{Choices, terminal};
use crate::report::compare::{self, Comparison};
use crate::report::digest;
use crate::report::run::Run;
use crate::report::units;

/// A row for each phase of each run, the comparison, and what repeats it.
#[must_use]
pub fn render(runs: &[Run], choices: &Choices) -> String {
    let mut text = String::from(
        "| run | phase | records/s | p50 | p99 | p99.9 | max | retries | throttles | verdict |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for run in runs {
        let held = match (run.holds(), run.is_verified()) {
            (false, _) => "❌ broken",
            (true, false) => "not verified",
            (true, true) => "✅ held",
        };
        for phase in digest::phases(run) {
            let summary = phase.latency.as_ref().map(|latency| latency.headline().summary);
            let time = |us: fn(&crate::report::run::Summary) -> u64| {
                summary.as_ref().map_or("–".to_owned(), |summary| units::time(us(summary) as f64))
            };
            let cells = [
                run.label.clone(),
                phase.name.clone(),
                terminal::spread(&phase.records_per_second),
                time(|summary| summary.p50_us),
                time(|summary| summary.p99_us),
                time(|summary| summary.p999_us),
                time(|summary| summary.max_us),
                units::count(phase.retries),
                units::count(phase.throttles),
                held.to_owned(),
            ];
            row(&mut text, &cells);
        }
    }
    let corrected = |run: &Run| {
        let latencies = digest::latencies(run);
        latencies.iter().any(|(_, latency)| latency.corrected.is_some())
    };
    if runs.iter().any(corrected) {
        text += "\nLatencies of open loops count from the intended start of each call.\n";
    }
    for run in runs.iter().filter(|run| !run.holds()) {
        let _ = write!(text, "\n{} broke promises:\n\n", escape(&run.label));
        for breach in &run.breaches {
            let _ = writeln!(text, "- {}", escape(breach));
        }
    }
    comparisons(&mut text, runs, choices);
    text += "\n<details><summary>What was measured, and how to repeat it</summary>\n";
    for run in runs {
        let _ = write!(
            text,
            "\n**{}**, {}\n\n- {}\n- {}\n- {}\n",
            escape(&run.label),
            escape(&run.scenario),
            escape(&terminal::target(run)),
            escape(&terminal::settings(run)),
            escape(&terminal::machine(run))
        );
        for note in run.notes.iter().chain(&compare::machine(run)) {
            let _ = writeln!(text, "- {}", escape(note));
        }
        if !run.settings.command.is_empty() {
            let _ = write!(text, "\n```sh\n{}\n```\n", command(run));
        }
    }
    text + "\n</details>\n"
}

fn comparisons(text: &mut String, runs: &[Run], choices: &Choices) {
    let Some((baseline, others)) = runs.split_first() else { return };
    for other in others {
        let comparison = Comparison::new(baseline, other, choices.noise);
        let _ = write!(
            text,
            "\n**{} against {}**: {}\n",
            escape(&comparison.other),
            escape(&comparison.baseline),
            escape(&comparison.verdict())
        );
        if !comparison.rows.is_empty() {
            text.push_str(
                "\n| figure | baseline | this | ratio | finding |\n|---|--:|--:|--:|---|\n",
            );
        }
        for figure in &comparison.rows {
            let cells = [
                figure.name.clone(),
                figure.unit.written(figure.base.median),
                figure.unit.written(figure.other.median),
                figure.ratio_written(),
                figure.finding.words().to_owned(),
            ];
            row(text, &cells);
        }
        for (at, caution) in comparison.cautions.iter().enumerate() {
            let _ = writeln!(text, "{}- {}", if at == 0 { "\n" } else { "" }, escape(caution));
        }
    }
    if !others.is_empty() {
        let _ = write!(text, "\n{}\n", compare::legend(choices.noise));
    }
}

/// The command line as a shell takes it.
pub(super) fn command(run: &Run) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let quoted = run.settings.command.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn row(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Text that is only text, in Markdown and in the HTML it may hold.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\n' | '\r' => escaped.push(' '),
            '|' | '*' | '`' | '[' | ']' | '\\' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}
