//! A line of the table: what was measured, of whom, and whether that is as wanted.

use std::fmt;

use kinesis_bench::report::statistics::Spread;
use kinesis_bench::report::units;
use serde::Serialize;
use serde_json::{Value, json};

/// What a figure counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    Microseconds,
    Bytes,
    PerSecond,
    /// A number of what this says, or of what the row is about.
    Named(String),
}

impl Unit {
    fn show(&self, amount: f64) -> String {
        match self {
            Self::Microseconds => units::time(amount),
            Self::Bytes => units::bytes(amount),
            Self::PerSecond => format!("{}/s", units::rate(amount)),
            Self::Named(name) => {
                format!("{} {name}", units::three_digits(amount)).trim_end().to_owned()
            }
        }
    }
}

/// What is wanted of a figure, or of its ratio to somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// So many times the figure of the null server.
    TimesNullAtMost(f64),
    /// So many times the figure of the best rival.
    TimesRivalAtLeast(f64),
}

/// Whether it is as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    NotMeasured(String),
    /// Nothing is wanted: it is there to be known.
    Known,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met => f.write_str("met"),
            Self::Missed => f.write_str("**missed**"),
            Self::NotMeasured(why) => write!(f, "not measured: {why}"),
            Self::Known => f.write_str("–"),
        }
    }
}

/// One server's values, a value for each round; none of one that is left out.
#[derive(Debug, Clone)]
struct Figure {
    name: String,
    values: Vec<f64>,
}

/// A line of the table. The first figure is this emulator's.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    what: String,
    unit: Unit,
    figures: Vec<Figure>,
    bound: Option<Bound>,
    /// Why there is no figure.
    missing: Option<String>,
    /// Why there is none of this or that server.
    left_out: Vec<String>,
}

/// This emulator's figures beside those of another, round by round.
struct Ratio<'a> {
    to: &'a str,
    spread: Spread,
}

/// What the null server is called in figures.
pub(crate) const NULL: &str = "null server";

impl Row {
    pub(crate) fn new(what: impl Into<String>, unit: Unit) -> Self {
        let (what, figures, left_out) = (what.into(), Vec::new(), Vec::new());
        Self { what, unit, figures, bound: None, missing: None, left_out }
    }

    pub(crate) fn figure(mut self, name: impl Into<String>, values: Vec<f64>) -> Self {
        self.figures.push(Figure { name: name.into(), values });
        self
    }

    /// A server that has no figure, and the sentence that says why.
    pub(crate) fn left_out(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.left_out.push(why.into());
        self.figure(name, Vec::new())
    }

    /// Why servers have no figure.
    pub(crate) fn why_left_out(&self) -> &[String] {
        &self.left_out
    }

    pub(crate) fn bound(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    pub(crate) fn missing(mut self, why: impl Into<String>) -> Self {
        self.missing = Some(why.into());
        self
    }

    /// This emulator's figure in each round beside that of another, the one with the best
    /// median where `named` is one of several.
    fn ratio(&self, named: impl Fn(&str) -> bool) -> Option<Ratio<'_>> {
        let (ours, others) = self.figures.split_first()?;
        let named = others.iter().filter(|figure| named(&figure.name));
        let medians = named.filter_map(|figure| {
            let median = Spread::new(figure.values.clone())?.median;
            Some((figure, if self.is_better_greater() { -median } else { median }))
        });
        let (best, _) = medians.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let rounds = ours.values.iter().zip(&best.values);
        Some(Ratio { to: &best.name, spread: Spread::new(rounds.map(|(a, b)| a / b).collect())? })
    }

    /// Time and memory are better the less there is of them.
    fn is_better_greater(&self) -> bool {
        let is_wanted = matches!(self.bound, Some(Bound::AtLeast(_) | Bound::TimesRivalAtLeast(_)));
        is_wanted || self.unit == Unit::PerSecond
    }

    fn ratio_wanted(&self) -> Option<Ratio<'_>> {
        match self.bound {
            Some(Bound::TimesRivalAtLeast(_)) => self.ratio(|name| name != NULL),
            Some(Bound::TimesNullAtMost(_)) => self.ratio(|name| name == NULL),
            Some(Bound::AtMost(_) | Bound::AtLeast(_)) | None => {
                self.ratio(|name| name == NULL).or_else(|| self.ratio(|name| name != NULL))
            }
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if let Some(why) = &self.missing {
            return Verdict::NotMeasured(why.clone());
        }
        let ours = self.figures.first().and_then(|figure| Spread::new(figure.values.clone()));
        let held = match (self.bound, ours, self.ratio_wanted()) {
            (None, _, _) => return Verdict::Known,
            (Some(Bound::AtMost(most)), Some(ours), _) => ours.median <= most,
            (Some(Bound::AtLeast(least)), Some(ours), _) => ours.median >= least,
            (Some(Bound::TimesNullAtMost(most)), _, Some(ratio)) => ratio.spread.median <= most,
            (Some(Bound::TimesRivalAtLeast(least)), _, Some(ratio)) => ratio.spread.median >= least,
            (Some(Bound::TimesRivalAtLeast(_)), _, None) => {
                return Verdict::NotMeasured("no rival has a figure".to_owned());
            }
            (Some(_), _, _) => return Verdict::NotMeasured("there is no figure".to_owned()),
        };
        if held { Verdict::Met } else { Verdict::Missed }
    }

    fn target(&self) -> String {
        let amount = |bound| self.unit.show(bound);
        match self.bound {
            None => "–".to_owned(),
            Some(Bound::AtMost(most)) => format!("≤ {}", amount(most)),
            Some(Bound::AtLeast(least)) => format!("≥ {}", amount(least)),
            Some(Bound::TimesNullAtMost(most)) => format!("≤ {most} × the null server"),
            Some(Bound::TimesRivalAtLeast(least)) => format!("≥ {least} × the best rival"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let spread = |name: &str, spread: &Spread| {
            let Spread { median, min, max, values, .. } = spread;
            json!({"name": name, "median": median, "min": min, "max": max, "values": values})
        };
        let figures = self
            .figures
            .iter()
            .filter_map(|figure| Some(spread(&figure.name, &Spread::new(figure.values.clone())?)));
        json!({
            "what": self.what,
            "unit": self.unit,
            "bound": self.bound,
            "figures": figures.collect::<Vec<_>>(),
            "left_out": self.left_out,
            "ratio": self.ratio_wanted().map(|ratio| {
                let mut shown = spread("ratio", &ratio.spread);
                shown["to"] = json!(ratio.to);
                shown
            }),
            "verdict": self.verdict(),
        })
    }

    /// What is shown of it, in the order of [`HEADINGS`]; other servers have a line each.
    pub(crate) fn cells(&self) -> [String; 6] {
        let shown = |figure: &Figure| match &figure.values[..] {
            [] => "left out".to_owned(),
            values => spread(values, |value| self.unit.show(value)),
        };
        let (ours, beside) = match self.figures.split_first() {
            None => ("–".to_owned(), "–".to_owned()),
            Some((ours, [])) => (shown(ours), "–".to_owned()),
            Some((ours, others)) => {
                let others = others.iter().map(|other| format!("{}: {}", other.name, shown(other)));
                (shown(ours), others.collect::<Vec<_>>().join("\n"))
            }
        };
        let ratio = self.ratio_wanted().map_or_else(
            || "–".to_owned(),
            |Ratio { to, spread: Spread { values, .. } }| {
                let of = if to == NULL { String::new() } else { format!(" to {to}") };
                spread(&values, units::three_digits) + &of
            },
        );
        [self.what.clone(), self.target(), ours, beside, ratio, self.verdict().to_string()]
    }
}

/// The columns of the table.
pub(crate) const HEADINGS: [&str; 6] =
    ["what", "target", "this emulator", "beside", "ratio", "verdict"];

/// The median, and between which values it lies.
fn spread(values: &[f64], show: impl Fn(f64) -> String) -> String {
    match Spread::new(values.to_vec()) {
        None => "–".to_owned(),
        Some(Spread { median, min, max, .. }) if min == max => show(median),
        Some(Spread { median, min, max, .. }) => {
            format!("{} ({} … {})", show(median), show(min), show(max))
        }
    }
}
