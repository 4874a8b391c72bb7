//! Several repetitions in one: what every report shows of a run.

use std::collections::BTreeMap;

use super::run::{Histogram, Latency, Phase, Repetition, Run, Shard};
use super::statistics::Spread;

/// A phase over all measured repetitions.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseDigest {
    /// Its name.
    pub name: String,
    /// Its length in each repetition.
    pub elapsed_ms: Spread,
    /// Its rate in each repetition.
    pub records_per_second: Spread,
    /// Its rate in each repetition.
    pub bytes_per_second: Spread,
    /// Summed.
    pub records: u64,
    /// Summed.
    pub calls: u64,
    /// Summed.
    pub retries: u64,
    /// Summed.
    pub throttles: u64,
    /// Summed, by code.
    pub errors: BTreeMap<String, u64>,
    /// What the open loop meant to send.
    pub intended_records_per_second: Option<f64>,
    /// Of all calls together.
    pub latency: Option<Latency>,
}

/// The phases of a run, in the order in which they first appear.
#[must_use]
pub fn phases(run: &Run) -> Vec<PhaseDigest> {
    let mut names: Vec<&str> = Vec::new();
    for phase in run.measured().flat_map(|repetition| &repetition.phases) {
        if !names.contains(&phase.name.as_str()) {
            names.push(&phase.name);
        }
    }
    names.into_iter().filter_map(|name| phase(run, name)).collect()
}

fn phase(run: &Run, name: &str) -> Option<PhaseDigest> {
    let found: Vec<&Phase> = run
        .measured()
        .flat_map(|repetition| &repetition.phases)
        .filter(|phase| phase.name == name)
        .collect();
    let spread = |of: fn(&Phase) -> f64| Spread::new(found.iter().map(|phase| of(phase)).collect());
    let sum = |of: fn(&Phase) -> u64| found.iter().map(|phase| of(phase)).sum();
    let mut errors = BTreeMap::new();
    for (code, count) in found.iter().flat_map(|phase| &phase.errors) {
        *errors.entry(code.clone()).or_insert(0) += count;
    }
    Some(PhaseDigest {
        name: name.to_owned(),
        elapsed_ms: spread(|phase| phase.elapsed_ms)?,
        records_per_second: spread(Phase::records_per_second)?,
        bytes_per_second: spread(Phase::bytes_per_second)?,
        records: sum(|phase| phase.records),
        calls: sum(|phase| phase.calls),
        retries: sum(|phase| phase.retries),
        throttles: sum(|phase| phase.throttles),
        errors,
        intended_records_per_second: found
            .iter()
            .find_map(|phase| phase.intended_records_per_second),
        latency: pooled(found.iter().filter_map(|phase| phase.latency.as_ref()).collect()),
    })
}

/// From send to arrival, over all measured repetitions.
#[must_use]
pub fn end_to_end(run: &Run) -> Option<Latency> {
    pooled(run.measured().filter_map(|repetition| repetition.end_to_end.as_ref()).collect())
}

/// Each distribution of a run with its name, corrected before uncorrected.
#[must_use]
pub fn latencies(run: &Run) -> Vec<(String, Latency)> {
    let of_phases = phases(run).into_iter().filter_map(|phase| Some((phase.name, phase.latency?)));
    let end_to_end = end_to_end(run).map(|latency| ("end to end".to_owned(), latency));
    of_phases.chain(end_to_end).collect()
}

/// The repetition to draw over time: the one whose first phase took the median time,
/// with its number from 1 among the measured ones.
#[must_use]
pub fn typical(run: &Run) -> Option<(usize, &Repetition)> {
    let elapsed =
        |repetition: &Repetition| repetition.phases.first().map_or(0.0, |phase| phase.elapsed_ms);
    let mut ordered: Vec<(usize, &Repetition)> =
        run.measured().enumerate().map(|(at, repetition)| (at + 1, repetition)).collect();
    ordered.sort_by(|(_, a), (_, b)| elapsed(a).total_cmp(&elapsed(b)));
    let middle = ordered.len().saturating_sub(1) / 2;
    ordered.get(middle).copied()
}

/// The shards of the typical repetition.
#[must_use]
pub fn shards(run: &Run) -> &[Shard] {
    typical(run).map_or(&[], |(_, repetition)| &repetition.per_shard)
}

/// All together where they were saved in full, else those of the slowest repetition: a
/// report may look worse than the truth, not better.
fn pooled(parts: Vec<&Latency>) -> Option<Latency> {
    let slowest = parts.iter().max_by_key(|part| part.headline().summary.p99_us)?;
    if parts.len() == 1 {
        return Some((*slowest).clone());
    }
    let corrected: Vec<&Histogram> =
        parts.iter().filter_map(|part| part.corrected.as_ref()).collect();
    let uncorrected = Histogram::merged(parts.iter().map(|part| &part.uncorrected));
    let merged = match (uncorrected, corrected.len() == parts.len()) {
        (Some(uncorrected), true) => Histogram::merged(corrected)
            .map(|corrected| Latency { corrected: Some(corrected), uncorrected }),
        (Some(uncorrected), false) => Some(Latency { corrected: None, uncorrected }),
        (None, _) => None,
    };
    Some(merged.unwrap_or_else(|| (*slowest).clone()))
}
