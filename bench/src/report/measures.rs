//! The figures of a run by name, for conditions and comparisons.

use super::digest;
use super::run::{Latency, Phase, Repetition, Run, Summary, Verdict};
use super::statistics::Spread;
use super::units;

/// A figure that every run, or many a run, has.
#[derive(Debug)]
pub struct Measure {
    /// As conditions write it.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// What it is.
    pub help: &'static str,
    source: Source,
}

/// What a figure counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A time, in microseconds.
    Time,
    /// How many.
    Count,
    /// How many each second.
    Rate,
    /// Bytes.
    Bytes,
    /// Bytes each second.
    ByteRate,
    /// A part of a whole, 0 to 1.
    Share,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Latency(fn(&Summary) -> f64),
    /// The median over repetitions, of one phase.
    Phase(fn(&Phase) -> f64),
    /// Summed over repetitions, of one phase or of all.
    PhaseSum(fn(&Phase) -> u64),
    /// Summed over repetitions, of one phase: the first, where none is named.
    FirstPhaseSum(fn(&Phase) -> u64),
    RepetitionSum(fn(&Repetition) -> Option<f64>),
    /// Summed over repetitions, of what was verified.
    Verdict(fn(&Verdict) -> u64),
    RepetitionMax(fn(&Repetition) -> Option<f64>),
    Run(fn(&Run) -> f64),
}

/// Every measure, as the help lists them.
pub const MEASURES: &[Measure] = &[
    time("p50", "half of the calls took at most this long", |s| s.p50_us as f64),
    time("p90", "90 of 100 calls", |s| s.p90_us as f64),
    time("p95", "95 of 100 calls", |s| s.p95_us as f64),
    time("p99", "99 of 100 calls", |s| s.p99_us as f64),
    time("p99.9", "999 of 1,000 calls", |s| s.p999_us as f64),
    time("max", "the slowest call", |s| s.max_us as f64),
    time("min", "the fastest call", |s| s.min_us as f64),
    time("mean", "the average call", |s| s.mean_us),
    Measure {
        name: "elapsed",
        unit: Unit::Time,
        help: "how long the phase took, the median of the repetitions",
        source: Source::Phase(|phase| phase.elapsed_ms * 1e3),
    },
    Measure {
        name: "records_per_second",
        unit: Unit::Rate,
        help: "the median of the repetitions",
        source: Source::Phase(Phase::records_per_second),
    },
    Measure {
        name: "bytes_per_second",
        unit: Unit::ByteRate,
        help: "the median of the repetitions",
        source: Source::Phase(Phase::bytes_per_second),
    },
    Measure {
        name: "records",
        unit: Unit::Count,
        help: "records put, or read where nothing is put",
        source: Source::FirstPhaseSum(|phase| phase.records),
    },
    sum("calls", "calls made", |phase| phase.calls),
    sum("retries", "attempts after the first of a call", |phase| phase.retries),
    sum("throttles", "answers that asked to slow down", |phase| phase.throttles),
    sum("errors", "calls that failed in the end", Phase::failed),
    verdict("lost", "records acknowledged and never read", |verdict| verdict.lost),
    verdict("duplicated", "records read twice", |verdict| verdict.duplicated),
    verdict("misrouted", "records on the wrong shard", |verdict| verdict.misrouted),
    verdict("out_of_order", "records read after a later one of their key", |verdict| {
        verdict.out_of_order
    }),
    verdict("altered", "records read with other data than was put", |verdict| verdict.altered),
    Measure {
        name: "payload_units",
        unit: Unit::Count,
        help: "units of 25 KB that AWS bills, rounded up for each record",
        source: Source::RepetitionSum(|r| Some(r.payload_units? as f64)),
    },
    Measure {
        name: "breaches",
        unit: Unit::Count,
        help: "promises that were broken",
        source: Source::Run(|run| run.breaches.len() as f64),
    },
    Measure {
        name: "iterator_age",
        unit: Unit::Time,
        help: "how far a reader was behind at most",
        source: Source::RepetitionMax(|repetition| {
            let ages = repetition.per_shard.iter().filter_map(|shard| shard.iterator_age_ms_max);
            ages.reduce(f64::max).map(|ms| ms * 1e3)
        }),
    },
    Measure {
        name: "shard_share",
        unit: Unit::Share,
        help: "the share of all records on the busiest shard",
        source: Source::RepetitionMax(|repetition| {
            repetition.per_shard.iter().map(|shard| shard.share).reduce(f64::max)
        }),
    },
    Measure {
        name: "cpu_time",
        unit: Unit::Time,
        help: "processor time of a local target, in total",
        source: Source::RepetitionSum(|r| Some(r.process?.cpu_seconds * 1e6)),
    },
    Measure {
        name: "peak_rss",
        unit: Unit::Bytes,
        help: "peak memory of a local target",
        source: Source::RepetitionMax(|r| Some(r.process?.peak_rss_bytes as f64)),
    },
];

const fn time(name: &'static str, help: &'static str, of: fn(&Summary) -> f64) -> Measure {
    Measure { name, unit: Unit::Time, help, source: Source::Latency(of) }
}

const fn sum(name: &'static str, help: &'static str, of: fn(&Phase) -> u64) -> Measure {
    Measure { name, unit: Unit::Count, help, source: Source::PhaseSum(of) }
}

const fn verdict(name: &'static str, help: &'static str, of: fn(&Verdict) -> u64) -> Measure {
    Measure { name, unit: Unit::Count, help, source: Source::Verdict(of) }
}

/// A measure of one place in a run: `p99`, `consume.p99`, `end_to_end.uncorrected.p99`.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Which figure.
    pub measure: &'static Measure,
    /// A phase's name, or [`END_TO_END`].
    place: Option<String>,
    is_uncorrected: bool,
}

/// The place of latencies from send to arrival.
pub const END_TO_END: &str = "end_to_end";

impl Selector {
    /// Reads `[PHASE.][uncorrected.]MEASURE`.
    ///
    /// # Errors
    /// When there is no such measure; the sentence names those there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = |measure: &&Measure| {
            let rest = text.strip_suffix(measure.name);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        // `throttles` ends in no other name, but the longest is surely meant.
        let found = MEASURES.iter().filter(known).max_by_key(|measure| measure.name.len());
        let Some(measure) = found else {
            let names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
            return Err(format!("there is no measure {text}; there are {}", names.join(", ")));
        };
        let before = text[..text.len() - measure.name.len()].trim_end_matches('.');
        let (place, is_uncorrected) = match before.strip_suffix("uncorrected") {
            Some(place) => (place.trim_end_matches('.'), true),
            None => (before, false),
        };
        let is_of_a_place = match measure.source {
            Source::Latency(_) => true,
            Source::Phase(_) | Source::PhaseSum(_) | Source::FirstPhaseSum(_) => {
                !is_uncorrected && place != END_TO_END
            }
            Source::RepetitionSum(_)
            | Source::RepetitionMax(_)
            | Source::Verdict(_)
            | Source::Run(_) => before.is_empty(),
        };
        if !is_of_a_place {
            return Err(format!("{} has no {before}: write {} alone", measure.name, measure.name));
        }
        let place = (!place.is_empty()).then(|| place.to_owned());
        Ok(Self { measure, place, is_uncorrected })
    }

    /// The figure of a whole run, or a sentence why it has none.
    ///
    /// # Errors
    /// When the run has no such phase or did not measure that.
    pub fn of(&self, run: &Run) -> Result<f64, String> {
        let phases = digest::phases(run);
        let named = |phase: &&digest::PhaseDigest| {
            self.place.as_ref().is_none_or(|place| phase.name == *place)
        };
        let found = match &self.measure.source {
            Source::Latency(of) if self.place.as_deref() == Some(END_TO_END) => {
                digest::end_to_end(run).map(|latency| of(self.summary(&latency)))
            }
            Source::Latency(of) => phases
                .iter()
                .filter(named)
                .find_map(|phase| phase.latency.as_ref())
                .map(|latency| of(self.summary(latency))),
            Source::Phase(_) => Spread::new(self.of_each(run)).map(|spread| spread.median),
            Source::PhaseSum(of) => {
                let chosen = run.measured().flat_map(|repetition| &repetition.phases);
                let is_chosen =
                    |phase: &&Phase| self.place.as_ref().is_none_or(|place| phase.name == *place);
                let counts: Vec<u64> = chosen.filter(is_chosen).map(of).collect();
                (!counts.is_empty()).then(|| counts.iter().sum::<u64>() as f64)
            }
            // Some of the repetitions are not all of them.
            Source::Verdict(_) if !run.is_verified() => None,
            Source::FirstPhaseSum(_) | Source::RepetitionSum(_) | Source::Verdict(_) => {
                let values = self.of_each(run);
                (!values.is_empty()).then(|| values.iter().sum())
            }
            Source::RepetitionMax(_) => self.of_each(run).into_iter().reduce(f64::max),
            Source::Run(of) => Some(of(run)),
        };
        found.ok_or_else(|| self.absence(run, &phases))
    }

    /// The figure of each measured repetition that has it.
    #[must_use]
    pub fn of_each(&self, run: &Run) -> Vec<f64> {
        run.measured().filter_map(|repetition| self.of_one(run, repetition)).collect()
    }

    fn of_one(&self, run: &Run, repetition: &Repetition) -> Option<f64> {
        let mut phases = repetition
            .phases
            .iter()
            .filter(|phase| self.place.as_ref().is_none_or(|place| phase.name == *place));
        match &self.measure.source {
            Source::Latency(of) if self.place.as_deref() == Some(END_TO_END) => {
                repetition.end_to_end.as_ref().map(|latency| of(self.summary(latency)))
            }
            Source::Latency(of) => {
                let latency = phases.find_map(|phase| phase.latency.as_ref())?;
                Some(of(self.summary(latency)))
            }
            Source::Phase(of) => phases.next().map(of),
            Source::FirstPhaseSum(of) => phases.next().map(|phase| of(phase) as f64),
            Source::PhaseSum(of) => Some(phases.map(of).sum::<u64>() as f64),
            Source::RepetitionSum(of) | Source::RepetitionMax(of) => of(repetition),
            Source::Verdict(of) => repetition.verdict.as_ref().map(|verdict| of(verdict) as f64),
            Source::Run(of) => Some(of(run)),
        }
    }

    fn summary<'a>(&self, latency: &'a Latency) -> &'a Summary {
        let histogram = if self.is_uncorrected { &latency.uncorrected } else { latency.headline() };
        &histogram.summary
    }

    fn absence(&self, run: &Run, phases: &[digest::PhaseDigest]) -> String {
        let name = self.measure.name;
        match &self.place {
            Some(place) if place == END_TO_END => {
                format!("the run {} measures nothing end to end", run.label)
            }
            Some(place) if phases.iter().all(|phase| phase.name != *place) => {
                let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
                let names = names.join(", ");
                format!("the run {} has no phase {place}; it has {names}", run.label)
            }
            _ if matches!(self.measure.source, Source::Verdict(_)) => {
                format!("the run {} verifies nothing, so {name} is not known", run.label)
            }
            _ => format!("the run {} does not measure {name}", run.label),
        }
    }
}

impl Unit {
    /// A value with its unit.
    #[must_use]
    pub fn written(self, value: f64) -> String {
        match self {
            Self::Time => units::time(value),
            Self::Count => units::count(value.round() as u64),
            Self::Rate => format!("{}/s", units::rate(value)),
            Self::Bytes => units::bytes(value),
            Self::ByteRate => format!("{}/s", units::bytes(value)),
            Self::Share => units::percent(value),
        }
    }
}
