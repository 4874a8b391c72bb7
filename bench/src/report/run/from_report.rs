//! The default measurement's report as a saved run.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Driver, Environment, Histogram, Latency, Phase, Protocol, Repetition, Run, Settings, Shard,
    Target, Verdict,
};
use crate::measure::latency::Latencies;
use crate::report::{Report, ShardLoad};
use crate::target::TargetKind;

impl Run {
    /// The report of the default measurement, with the puts' latencies behind it.
    #[must_use]
    pub fn from_report(report: &Report, puts: &Latencies, started: Timestamp) -> Self {
        let environment = &report.environment;
        let in_process = report.target == TargetKind::InProcess;
        let is_own = matches!(report.target, TargetKind::Loopback | TargetKind::InProcess);
        let target = Target {
            kind: word(&report.target),
            endpoint: report.endpoint.clone(),
            region: None,
            protocol: if in_process { Protocol::InProcess } else { Protocol::Http1 },
            driver: Driver::Sdk,
            limits: is_own.then(|| report.limits.clone()),
            latency: is_own.then(|| "none".to_owned()),
            poll_interval_ms: Some(environment.poll_interval_ms),
        };
        let settings = Settings {
            command: std::env::args().skip(1).collect(),
            records: Some(report.records as u64),
            shards: report.shards as u64,
            concurrency: environment.concurrency as u64,
            keys: word(&environment.keys),
            seed: environment.seed,
            worker_threads: environment.worker_threads as u64,
            ..Settings::default()
        };
        let endpoint = report.endpoint.clone().filter(|_| !is_own);
        let label = endpoint.unwrap_or_else(|| target.kind.clone());
        let scenario = "thousand-four".to_owned();
        let mut run =
            Self::new(label, scenario, target, settings, Environment::from(environment), started);
        let bytes: u64 = report.per_shard.iter().map(|shard| shard.bytes).sum();
        let produce = Phase {
            name: "produce".to_owned(),
            elapsed_ms: report.produce_ms,
            records: report.records as u64,
            bytes,
            calls: report.calls.produce.calls,
            retries: report.calls.produce.retries,
            throttles: report.calls.produce.throttles,
            latency: Some(Latency { corrected: None, uncorrected: Histogram::from(puts) }),
            ..Phase::default()
        };
        let consume = Phase {
            name: "consume".to_owned(),
            elapsed_ms: report.consume_ms,
            records: report.records_read as u64,
            bytes,
            calls: report.calls.consume.calls,
            retries: report.calls.consume.retries,
            throttles: report.calls.consume.throttles,
            ..Phase::default()
        };
        let shard = |load: &ShardLoad| Shard {
            shard_id: load.shard_id.clone(),
            records: load.records,
            bytes: load.bytes,
            share: ratio(load.records, report.records_read as u64),
            ..Shard::default()
        };
        run.repetitions.push(Repetition {
            phases: vec![produce, consume],
            per_shard: report.per_shard.iter().map(shard).collect(),
            // Each is far smaller than a unit.
            payload_units: Some(report.records as u64),
            verdict: Some(Verdict {
                lost: report.lost,
                duplicated: report.duplicated,
                misrouted: report.misrouted,
                out_of_order: report.out_of_order,
                altered: report.altered,
            }),
            ..Repetition::default()
        });
        run.breaches.clone_from(&report.breaches);
        run.notes.extend(report.skew());
        run
    }
}

impl From<&crate::environment::Environment> for Environment {
    fn from(seen: &crate::environment::Environment) -> Self {
        Self {
            cpu_model: seen.cpu_model.clone(),
            cpu_cores: seen.cpu_cores.map(|cores| cores as u64),
            os: seen.os.clone(),
            kernel: seen.kernel.clone(),
            load_average_before: seen.load_average,
            load_average_after: None,
            busy_share: None,
            package_version: seen.package_version.to_owned(),
            git_commit: seen.git_commit.map(str::to_owned),
            rustc: seen.rustc.map(str::to_owned),
            build_profile: seen.build_profile.map(str::to_owned),
            sdk_version: seen.sdk_version.to_owned(),
        }
    }
}

/// The name that serde gives a unit variant.
fn word(variant: &impl Serialize) -> String {
    let name = serde_json::to_value(variant).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).expect("the variant is a word")
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
