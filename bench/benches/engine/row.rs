//! One figure, and how it is shown.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// What was measured, how much it is, and how much it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What it is, in words.
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) target: Option<Target>,
    /// Whether the target is met; nothing without one.
    pub(crate) met: Option<bool>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, target: None, met: None }
    }

    pub(crate) fn at_least(self, bound: f64) -> Self {
        Self { target: Some(Target::AtLeast(bound)), met: Some(self.value >= bound), ..self }
    }

    pub(crate) fn at_most(self, bound: f64) -> Self {
        Self { target: Some(Target::AtMost(bound)), met: Some(self.value <= bound), ..self }
    }
}

pub(crate) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["", "figure", "unit", "target", "met"]);
    for column in [1, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        let target = match row.target {
            Some(Target::AtLeast(bound)) => format!(">= {}", digits(bound)),
            Some(Target::AtMost(bound)) => format!("<= {}", digits(bound)),
            None => String::new(),
        };
        let met = row.met.map_or("", |met| if met { "yes" } else { "no" });
        table.add_row([&row.what, &digits(row.value), row.unit, &target, met]);
    }
    table
}

/// A number with three or more digits.
fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 1e6 => format!("{:.2}M", value / 1e6),
        middle if middle >= 1000.0 => format!("{value:.0}"),
        small if small >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
