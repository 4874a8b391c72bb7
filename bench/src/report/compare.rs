//! Two runs side by side, and which of their differences are real.
//!
//! Laws: a difference is called real only if the interval of its ratio leaves out 1 and
//! it is larger than the noise that was granted; with fewer than
//! [`REPETITIONS_MIN`] repetitions on either side nothing is called real.

use super::measures::{END_TO_END, Selector, Unit};
use super::run::Run;
use super::statistics::{CONFIDENCE, Interval, REPETITIONS_MIN, Spread, ratio_interval};
use super::{digest, units};

/// A run held against a baseline.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The label of the baseline.
    pub baseline: String,
    /// The label of the other.
    pub other: String,
    /// A row for each figure that both have.
    pub rows: Vec<Row>,
    /// Sentences about what makes the comparison weak.
    pub cautions: Vec<String>,
}

/// One figure of both runs.
#[derive(Debug, Clone)]
pub struct Row {
    /// Such as `produce p99`.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    /// The baseline's repetitions.
    pub base: Spread,
    /// The other's repetitions.
    pub other: Spread,
    /// The other's median over the baseline's; none if that is zero.
    pub ratio: Option<f64>,
    /// Where the ratio lies with [`CONFIDENCE`].
    pub interval: Option<Interval>,
    /// What may be said.
    pub finding: Finding,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The other is better than the baseline.
    Better,
    /// The other is worse than the baseline.
    Worse,
    /// Nothing: chance or the granted noise explains it.
    WithinNoise,
    /// Nothing: too few repetitions.
    TooFew,
    /// Nothing: one of the values is zero.
    Incomparable,
}

/// A difference smaller than this is none that matters, however sure.
pub const NOISE_DEFAULT: f64 = 0.05;

/// What to know before so many repetitions of each run are made, to be compared.
#[must_use]
pub fn too_few(repetitions: usize) -> Option<String> {
    (repetitions < REPETITIONS_MIN).then(|| {
        format!(
            "a claim needs {REPETITIONS_MIN} repetitions of each run, and these will be \
             {repetitions}: nothing can be said in the end; pass --repetitions \
             {REPETITIONS_MIN} or more, or leave it out"
        )
    })
}

impl Comparison {
    /// Compares a run with a baseline, taking ratios up to `1 + noise` for none.
    #[must_use]
    pub fn new(baseline: &Run, other: &Run, noise: f64) -> Self {
        let is_paired = baseline.session.is_some() && baseline.session == other.session;
        let rows = figures(baseline).into_iter().filter_map(|(name, selector)| {
            row(&name, &selector, baseline, other, is_paired, noise)
        });
        Self {
            baseline: baseline.label.clone(),
            other: other.label.clone(),
            rows: rows.collect(),
            cautions: cautions(baseline, other, is_paired),
        }
    }

    /// The rows in which the other is worse for sure.
    pub fn regressions(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.finding == Finding::Worse)
    }

    /// One sentence: what may be said.
    #[must_use]
    pub fn verdict(&self) -> String {
        let named = |finding: Finding| {
            let rows = self.rows.iter().filter(|row| row.finding == finding);
            rows.map(|row| row.name.as_str()).collect::<Vec<_>>()
        };
        let (better, worse) = (named(Finding::Better), named(Finding::Worse));
        let Self { baseline, other, .. } = self;
        if self.rows.is_empty() {
            return format!("{other} and {baseline} have no figure in common.");
        }
        if self.rows.iter().all(|row| row.finding == Finding::TooFew) {
            return format!(
                "Nothing can be said: a claim needs {REPETITIONS_MIN} repetitions of each run; \
                 measure again with --repetitions {REPETITIONS_MIN} or more."
            );
        }
        match (better.is_empty(), worse.is_empty()) {
            (true, true) => format!("No difference between {other} and {baseline} beyond noise."),
            (false, true) => format!("{other} is better than {baseline} in {}.", better.join(", ")),
            (true, false) => format!("{other} is worse than {baseline} in {}.", worse.join(", ")),
            (false, false) => format!(
                "{other} is better than {baseline} in {}, and worse in {}.",
                better.join(", "),
                worse.join(", ")
            ),
        }
    }
}

impl Row {
    /// `1.32× (1.25 to 1.40)`, or as much of it as is known.
    #[must_use]
    pub fn ratio_written(&self) -> String {
        match (self.ratio, self.interval) {
            (None, _) => "–".to_owned(),
            (Some(ratio), None) => format!("{}×", written(ratio)),
            (Some(ratio), Some(Interval { low, high })) => {
                format!("{}× ({} to {})", written(ratio), written(low), written(high))
            }
        }
    }
}

/// With two decimals, or as many as two digits take: `0.0014` is not `0.00`.
fn written(ratio: f64) -> String {
    let decimals = if ratio > 0.0 { (1.0 - ratio.log10().floor()).clamp(2.0, 9.0) } else { 2.0 };
    format!("{ratio:.*}", decimals as usize)
}

impl Finding {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WithinNoise => "within noise",
            Self::TooFew => "too few repetitions",
            Self::Incomparable => "not comparable",
        }
    }
}

/// The figures worth a row, by the phases of a run.
fn figures(run: &Run) -> Vec<(String, Selector)> {
    let mut figures = Vec::new();
    let mut add = |name: String, selector: &str| {
        // A phase may have a name that conditions cannot write; it is left out.
        if let Ok(selector) = Selector::parse(selector) {
            figures.push((name, selector));
        }
    };
    for phase in digest::phases(run) {
        let name = &phase.name;
        add(format!("{name} records/s"), &format!("{name}.records_per_second"));
        if phase.latency.is_some() {
            for quantile in QUANTILES {
                add(format!("{name} {quantile}"), &format!("{name}.{quantile}"));
            }
        }
    }
    if digest::end_to_end(run).is_some() {
        for quantile in QUANTILES {
            add(format!("end to end {quantile}"), &format!("{END_TO_END}.{quantile}"));
        }
    }
    figures
}

const QUANTILES: [&str; 3] = ["p50", "p99", "p99.9"];

fn row(
    name: &str,
    selector: &Selector,
    baseline: &Run,
    other: &Run,
    is_paired: bool,
    noise: f64,
) -> Option<Row> {
    let base = Spread::new(selector.of_each(baseline))?;
    let other = Spread::new(selector.of_each(other))?;
    let ratio = (base.median > 0.0).then(|| other.median / base.median);
    let interval = ratio_interval(&base.values, &other.values, is_paired);
    let is_more_better = matches!(selector.measure.unit, Unit::Rate | Unit::ByteRate);
    let finding = match (ratio, interval) {
        _ if base.values.len().min(other.values.len()) < REPETITIONS_MIN => Finding::TooFew,
        (Some(ratio), Some(interval)) => {
            let is_small = (1.0 / (1.0 + noise)..=1.0 + noise).contains(&ratio);
            match interval.contains(1.0) || is_small {
                true => Finding::WithinNoise,
                false if (ratio > 1.0) == is_more_better => Finding::Better,
                false => Finding::Worse,
            }
        }
        _ => Finding::Incomparable,
    };
    let (name, unit) = (name.to_owned(), selector.measure.unit);
    Some(Row { name, unit, base, other, ratio, interval, finding })
}

/// What a careful reader would object.
fn cautions(a: &Run, b: &Run, is_paired: bool) -> Vec<String> {
    let mut cautions = Vec::new();
    let mut unless_equal = |what: &str, a: &str, b: &str| {
        if a != b {
            cautions.push(format!("They differ in {what}: {a} and {b}."));
        }
    };
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    unless_equal("scenario", &a.scenario, &b.scenario);
    unless_equal("processor", &word(&a.environment.cpu_model), &word(&b.environment.cpu_model));
    unless_equal("build", &word(&a.environment.build_profile), &word(&b.environment.build_profile));
    unless_equal("limits", &word(&a.target.limits), &word(&b.target.limits));
    let number = |number: Option<u64>| number.map_or("unset".to_owned(), units::count);
    unless_equal("records", &number(a.settings.records), &number(b.settings.records));
    unless_equal("shards", &units::count(a.settings.shards), &units::count(b.settings.shards));
    let rate = |run: &Run| word(&run.settings.rate);
    unless_equal("rate", &rate(a), &rate(b));
    unless_equal("keys", &a.settings.keys, &b.settings.keys);
    let payload = |run: &Run| number(run.settings.payload_bytes);
    unless_equal("payload bytes", &payload(a), &payload(b));
    let at_once = |run: &Run| units::count(run.settings.concurrency);
    unless_equal("producers at once", &at_once(a), &at_once(b));
    if !is_paired {
        cautions.push(
            "Their repetitions did not take turns, so a machine that grew busier between them \
             would look like a difference: prefer one run of both."
                .to_owned(),
        );
    }
    for run in [a, b] {
        cautions.extend(machine(run));
        if !run.holds() {
            cautions.push(format!("{} broke promises: its speed counts for nothing.", run.label));
        }
    }
    cautions
}

/// What was wrong with the machine or the build.
#[must_use]
pub fn machine(run: &Run) -> Vec<String> {
    let during = busy(run).map(|busy| busy_during(&busy, &run.label));
    during.into_iter().chain(is_debug(run).then(|| debug_build(&[&run.label]))).collect()
}

/// The notes of runs that are shown together, and what was wrong with the machine or the
/// build: what is true of several is said once, and of whom, unless it is of all.
#[must_use]
pub fn notes(runs: &[Run]) -> Vec<String> {
    let told = folded(runs, |run| run.notes.clone());
    let told = told.into_iter().map(|(note, labels)| match labels.len() {
        of if of == runs.len() => note,
        _ => format!("{}: {note}", listed(&labels)),
    });
    let busy = folded(runs, |run| busy(run).into_iter().collect());
    let busy = busy.into_iter().map(|(busy, labels)| busy_during(&busy, &listed(&labels)));
    let debug: Vec<&str> = runs.iter().filter(|run| is_debug(run)).map(|run| &*run.label).collect();
    let debug = (!debug.is_empty()).then(|| debug_build(&debug));
    told.chain(busy).chain(debug).collect()
}

/// Each text once, in the order of their first appearance, with the labels of its runs.
fn folded(runs: &[Run], texts: impl Fn(&Run) -> Vec<String>) -> Vec<(String, Vec<&str>)> {
    let mut folded: Vec<(String, Vec<&str>)> = Vec::new();
    for run in runs {
        for text in texts(run) {
            match folded.iter_mut().find(|(known, _)| *known == text) {
                Some((_, labels)) if labels.last() == Some(&&*run.label) => {}
                Some((_, labels)) => labels.push(&run.label),
                None => folded.push((text, vec![&run.label])),
            }
        }
    }
    folded
}

/// `a, b and c`.
fn listed(labels: &[&str]) -> String {
    match labels {
        [] => String::new(),
        [label] => (*label).to_owned(),
        [labels @ .., last] => format!("{} and {last}", labels.join(", ")),
    }
}

fn busy(run: &Run) -> Option<String> {
    run.environment.busy_share.filter(|busy| *busy > BUSY_MAX).map(units::percent)
}

fn busy_during(busy: &str, labels: &str) -> String {
    format!("The machine spent {busy} of its time on other programs during {labels}.")
}

fn is_debug(run: &Run) -> bool {
    run.environment.build_profile.as_deref() == Some("debug")
}

fn debug_build(labels: &[&str]) -> String {
    let was = if labels.len() == 1 { "was" } else { "were" };
    format!(
        "{} {was} measured by a debug build; for numbers to keep, build with --release.",
        listed(labels)
    )
}

/// Other programs' share of the processor from which on numbers are doubtful.
const BUSY_MAX: f64 = 0.1;

/// What the columns of a comparison mean.
#[must_use]
pub fn legend(noise: f64) -> String {
    format!(
        "Ratios are of medians over the repetitions, with {:.0} % intervals (bootstrap). A \
         difference is called one if its interval leaves out 1 and it exceeds {}.",
        CONFIDENCE * 100.0,
        units::percent(noise)
    )
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Finding, NOISE_DEFAULT, machine, notes};
    use crate::report::sample;

    #[test]
    fn what_is_true_of_several_runs_is_said_once() {
        let mut runs = sample::comparison();
        runs.truncate(3);
        let labels = ["a", "b", "c"];
        for (run, label) in runs.iter_mut().zip(labels) {
            run.label = label.to_owned();
            run.notes = vec!["client and target together".to_owned()];
            run.environment.busy_share = Some(0.4);
            run.environment.build_profile = Some("debug".to_owned());
        }
        runs[0].notes.push("uneven keys".to_owned());
        runs[2].notes.push("uneven keys".to_owned());
        runs[1].environment.busy_share = None;
        assert_eq!(
            notes(&runs),
            [
                "client and target together",
                "a and c: uneven keys",
                "The machine spent 40.0 % of its time on other programs during a and c.",
                "a, b and c were measured by a debug build; for numbers to keep, build with \
                 --release.",
            ]
        );
        let alone = notes(&runs[..1]);
        assert_eq!(alone[..2], runs[0].notes);
        assert_eq!(alone[2..], machine(&runs[0]));
    }

    #[test]
    fn a_slower_target_is_found_and_an_equal_one_is_not_told_apart() {
        let runs = sample::comparison();
        let slower = Comparison::new(&runs[0], &runs[1], NOISE_DEFAULT);
        let finding = |comparison: &Comparison, name: &str| {
            comparison.rows.iter().find(|row| row.name == name).unwrap().finding
        };
        assert_eq!(finding(&slower, "produce records/s"), Finding::Worse);
        assert_eq!(finding(&slower, "produce p99"), Finding::Worse);
        assert!(slower.verdict().starts_with("other emulator is worse than ours in"));
        let turned = Comparison::new(&runs[1], &runs[0], NOISE_DEFAULT);
        assert_eq!(finding(&turned, "produce p50"), Finding::Better);

        let equal = Comparison::new(&runs[0], &runs[2], NOISE_DEFAULT);
        assert_eq!(equal.regressions().count(), 0);
        assert_eq!(equal.verdict(), "No difference between ours again and ours beyond noise.");
    }

    #[test]
    fn a_sure_difference_within_the_granted_noise_is_none() {
        let runs = sample::comparison();
        let lenient = Comparison::new(&runs[0], &runs[1], 9.0);
        assert!(lenient.rows.iter().all(|row| row.finding == Finding::WithinNoise));
    }

    #[test]
    fn a_small_ratio_has_digits_too() {
        let numbers = [0.0, 0.001_36, 0.025_4, 0.31, 1.0, 1387.08];
        let expected = ["0.00", "0.0014", "0.025", "0.31", "1.00", "1387.08"];
        assert_eq!(numbers.map(super::written), expected);
    }

    #[test]
    fn too_few_repetitions_claim_nothing() {
        let (mut a, mut b) = (sample::comparison().remove(0), sample::comparison().remove(1));
        a.repetitions.truncate(5);
        let comparison = Comparison::new(&a, &b, NOISE_DEFAULT);
        assert!(comparison.rows.iter().all(|row| row.finding == Finding::TooFew));
        assert!(comparison.verdict().contains("needs 5 repetitions of each run"));
        b.repetitions.clear();
        assert!(Comparison::new(&a, &b, NOISE_DEFAULT).rows.is_empty());
    }

    #[test]
    fn what_weakens_a_comparison_is_said() {
        let (a, mut b) = (sample::open_loop(), sample::closed_loop());
        b.environment.busy_share = Some(0.4);
        b.environment.build_profile = Some("debug".to_owned());
        let cautions = Comparison::new(&a, &b, NOISE_DEFAULT).cautions.join("\n");
        for part in ["scenario", "rate: 500/s and unset", "take turns", "40.0 %", "debug build"] {
            let part = part.replace("unset", "unknown");
            assert!(cautions.contains(&part), "{cautions}");
        }
    }
}
