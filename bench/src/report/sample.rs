//! Made-up runs for tests, and for looking at reports: see `examples/sample_runs.rs`.
//!
//! Law: the same on every machine, for nothing is measured and nothing is drawn but
//! from fixed seeds.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hdrhistogram::Histogram as Recorded;

use super::run::{
    Driver, Environment, Histogram, Latency, Load, Phase, Process, Protocol, Repetition, Run,
    Sample, Second, SelfOverhead, Settings, Shard, ShardSecond, Target, Verdict,
};
use super::statistics::Draw;

/// The parts of all records that the default keys send to each of four shards.
const SEED_KEYS: [f64; 4] = [0.25, 0.0, 0.0, 0.75];
const EVEN_KEYS: [f64; 4] = [0.25; 4];
const RECORD_BYTES: u64 = 114;

/// One short repetition in a closed loop, as a first run has it.
#[must_use]
pub fn closed_loop() -> Run {
    let plan = Plan { median_us: 140.0, seconds: 1, rate: None, ..Plan::default() };
    let mut run = plan.run("in-process", "thousand-four", 1);
    run.target.kind = "in-process".to_owned();
    run.target.protocol = Protocol::InProcess;
    run.target.endpoint = None;
    run.notes.push(
        "MD5 lands pk-0…pk-3 on 2 of 4 shards (750 + 250 records); for an even load pass \
         --keys uniform"
            .to_owned(),
    );
    run
}

/// Five repetitions of half a minute in an open loop, with a stall of a second at
/// second 12, throttles after it, and single calls kept.
#[must_use]
pub fn open_loop() -> Run {
    static RUN: LazyLock<Run> = LazyLock::new(make_open_loop);
    RUN.clone()
}

fn make_open_loop() -> Run {
    let plan = Plan { stall: Some(12), is_sampled: true, ..Plan::default() };
    let mut run = plan.run("kinesis-emulator (TCP)", "produce", 5);
    run.self_overhead = Some(SelfOverhead { p50_us: 31, p99_us: 84, records_per_second: 21_400.0 });
    run
}

/// The same load on three targets that took turns: ours, a slower one, and one that is
/// ours again, so that no difference is there to be found.
#[must_use]
pub fn comparison() -> Vec<Run> {
    static RUNS: LazyLock<Vec<Run>> = LazyLock::new(make_comparison);
    RUNS.clone()
}

fn make_comparison() -> Vec<Run> {
    let keys = EVEN_KEYS;
    let ours = Plan { keys, seconds: 10, ..Plan::default() };
    let slower = Plan { median_us: 1_450.0, seed: 2, rate: Some(380.0), ..ours };
    let again = Plan { seed: 3, ..ours };
    let mut runs = vec![
        ours.run("ours", "produce", 7),
        slower.run("other emulator", "produce", 7),
        again.run("ours again", "produce", 7),
    ];
    for run in &mut runs {
        run.session = Some("2026-11-20T09:30:00Z".to_owned());
    }
    runs
}

/// A run over many shards in which promises broke.
#[must_use]
pub fn broken() -> Run {
    let plan = Plan { seconds: 8, stall: Some(3), ..Plan::default() };
    let mut run = plan.run("<b>leaky & \"odd\"</b>", "mixed", 2);
    run.settings.shards = 64;
    for repetition in &mut run.repetitions {
        let mut draw = Draw(5);
        let weights: Vec<f64> = (0..64).map(|_| draw.unit() * draw.unit()).collect();
        repetition.per_shard = shards(&weights, 64_000, 8, &mut draw);
        repetition.verdict = Some(Verdict { lost: 3, out_of_order: 1, ..Verdict::default() });
        let phase = &mut repetition.phases[0];
        phase.errors = BTreeMap::from([
            ("InternalFailure".to_owned(), 12),
            ("ProvisionedThroughputExceededException".to_owned(), 4),
        ]);
    }
    run.breaches = vec![
        "6 records lost: hello-0007 was never read".to_owned(),
        "2 records out of order: hello-0003 came after hello-0004 of pk-1".to_owned(),
    ];
    run
}

/// A run against a target that forgets what it is told.
#[must_use]
pub fn unverified() -> Run {
    let mut run = closed_loop();
    run.label = "null".to_owned();
    run.target.kind = "null".to_owned();
    run.repetitions.iter_mut().for_each(|repetition| repetition.verdict = None);
    run
}

/// A run with something in every field, for the published schema.
#[must_use]
pub fn complete() -> Run {
    let mut run = open_loop();
    run.session = Some("2026-11-20T09:30:00Z".to_owned());
    run.target.region = Some("us-east-1".to_owned());
    run.breaches = broken().breaches;
    run.notes = closed_loop().notes;
    for sample in &mut run.repetitions[1].samples {
        sample.error = Some("ProvisionedThroughputExceededException".to_owned());
        sample.message = Some("Rate exceeded for shard shardId-000000000003".to_owned());
    }
    run
}

#[derive(Clone, Copy)]
struct Plan {
    median_us: f64,
    seconds: u64,
    /// Records per second of an open loop.
    rate: Option<f64>,
    keys: [f64; 4],
    stall: Option<u64>,
    is_sampled: bool,
    seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            median_us: 420.0,
            seconds: 30,
            rate: Some(500.0),
            keys: SEED_KEYS,
            stall: None,
            is_sampled: false,
            seed: 1,
        }
    }
}

impl Plan {
    fn run(&self, label: &str, scenario: &str, repetitions: usize) -> Run {
        let is_open = self.rate.is_some();
        let words = match self.rate {
            Some(rate) => {
                format!("kinesis-bench {scenario} --rate {rate} --duration {}s", self.seconds)
            }
            None => "kinesis-bench --in-process".to_owned(),
        };
        let target = Target {
            kind: "endpoint".to_owned(),
            endpoint: Some("http://127.0.0.1:4567".to_owned()),
            region: None,
            protocol: Protocol::Http1,
            driver: Driver::Sdk,
            limits: Some("off".to_owned()),
            latency: Some("none".to_owned()),
            poll_interval_ms: Some(20.0),
        };
        let settings = Settings {
            command: words.split(' ').map(str::to_owned).collect(),
            records: (!is_open).then_some(1_000),
            shards: 4,
            concurrency: if is_open { 16 } else { 1 },
            load: if is_open { Load::Open } else { Load::Closed },
            rate: self.rate.map(|rate| format!("{rate}/s")),
            keys: if self.keys == SEED_KEYS { "seed" } else { "uniform" }.to_owned(),
            payload_bytes: Some(100),
            seed: 1,
            worker_threads: 2,
            others: BTreeMap::from([("warm-up".to_owned(), "1".to_owned())]),
        };
        let environment = Environment {
            cpu_model: Some("Example CPU @ 2.60GHz".to_owned()),
            cpu_cores: Some(2),
            os: "Example OS 12".to_owned(),
            kernel: Some("6.1.0".to_owned()),
            load_average_before: Some([0.21, 0.35, 0.40]),
            load_average_after: Some([1.10, 0.62, 0.48]),
            busy_share: Some(0.031),
            package_version: "0.1.0".to_owned(),
            git_commit: Some("0123456789ab".to_owned()),
            rustc: Some("rustc 1.95.0".to_owned()),
            build_profile: Some("release".to_owned()),
            sdk_version: "1.130.0".to_owned(),
        };
        let started = "2026-11-20T09:30:00Z".parse().expect("a time in RFC 3339");
        let mut run =
            Run::new(label.to_owned(), scenario.to_owned(), target, settings, environment, started);
        let mut draw = Draw(self.seed);
        run.repetitions = (0..=repetitions).map(|at| self.repetition(at, &mut draw)).collect();
        run
    }

    fn repetition(&self, at: usize, draw: &mut Draw) -> Repetition {
        // Repetitions differ by some percent, as on a machine that has other things to do.
        let level = self.median_us * (0.96 + 0.08 * draw.unit());
        let per_second = self.rate.map_or(1_000, |rate| rate as u64);
        let (mut corrected, mut uncorrected) = (recorded(), recorded());
        let mut series = Vec::new();
        let mut samples = Vec::new();
        for second in 0..self.seconds {
            let mut here = recorded();
            for record in 0..per_second {
                let within = record as f64 / per_second as f64;
                let latency = latency(level, draw);
                // The call that meets the stall waits, and all that were due meanwhile
                // go out late.
                let waited = match self.stall {
                    Some(stall) if stall == second => 1e6 * (1.0 - within),
                    _ => 0.0,
                };
                let seen = if waited > 0.0 && record < 16 { waited } else { latency };
                corrected.saturating_record((latency + waited) as u64);
                uncorrected.saturating_record(seen as u64);
                here.saturating_record((latency + waited) as u64);
                if self.is_sampled && at == 1 && record % 100 == 0 {
                    samples.push(sample(second as f64 + within, seen, record, samples.len()));
                }
            }
            let is_stalled = self.stall == Some(second);
            let is_after = self.stall.is_some_and(|stall| second == stall + 1);
            let records = match (is_stalled, is_after) {
                (true, _) => per_second / 20,
                (_, true) => per_second * 39 / 20,
                _ => per_second,
            };
            series.push(Second {
                second,
                records,
                bytes: records * RECORD_BYTES,
                throttles: if is_after { 37 } else { 0 },
                p50_us: Some(here.value_at_quantile(0.5)),
                p99_us: Some(here.value_at_quantile(0.99)),
                max_us: Some(here.max()),
            });
        }
        let is_open = self.rate.is_some();
        let records: u64 = series.iter().map(|second| second.records).sum();
        let throttles = series.iter().map(|second| second.throttles).sum();
        let elapsed_ms = if is_open {
            self.seconds as f64 * 1e3 + draw.unit() * 20.0
        } else {
            records as f64 * level / 1e3
        };
        let mut per_shard = shards(&self.keys, records, self.seconds, draw);
        for (seconds, shard) in per_shard.iter_mut().map(|shard| (&series, shard)) {
            for (own, all) in shard.series.iter_mut().zip(seconds) {
                own.records = (all.records as f64 * shard.share).round() as u64;
                own.bytes = own.records * RECORD_BYTES;
                own.throttles = if shard.share > 0.5 { all.throttles } else { 0 };
            }
            shard.throttles = shard.series.iter().map(|second| second.throttles).sum();
        }
        let consume_ms = 12.0 + 4.0 * draw.unit();
        let latency = |corrected: &Recorded<u64>, uncorrected: &Recorded<u64>| Latency {
            corrected: is_open.then(|| Histogram::new(corrected, true)),
            uncorrected: Histogram::new(uncorrected, true),
        };
        let produce = Phase {
            name: "produce".to_owned(),
            elapsed_ms,
            records,
            bytes: records * RECORD_BYTES,
            calls: records,
            retries: throttles,
            throttles,
            errors: if throttles > 0 {
                BTreeMap::from([("ProvisionedThroughputExceededException".to_owned(), 1)])
            } else {
                BTreeMap::new()
            },
            intended_records_per_second: self.rate,
            latency: Some(latency(&corrected, &uncorrected)),
            series,
        };
        let consume = Phase {
            name: "consume".to_owned(),
            elapsed_ms: consume_ms,
            records,
            bytes: records * RECORD_BYTES,
            calls: 24,
            ..Phase::default()
        };
        Repetition {
            is_warm_up: at == 0,
            began_ms: at as f64 * (elapsed_ms + 500.0),
            phases: vec![produce, consume],
            end_to_end: is_open.then(|| latency(&corrected, &uncorrected)),
            per_shard,
            payload_units: Some(records),
            process: Some(Process { cpu_seconds: elapsed_ms / 4e3, peak_rss_bytes: 21_400_000 }),
            verdict: Some(Verdict::default()),
            samples,
        }
    }
}

fn recorded() -> Recorded<u64> {
    Recorded::new_with_bounds(1, 3_600_000_000, 3).expect("an hour at three digits")
}

/// Skewed to the right, with a slow call in a hundred, as latencies are.
fn latency(median_us: f64, draw: &mut Draw) -> f64 {
    let steps: f64 = (0..4).map(|_| draw.unit() - 0.5).sum();
    let slow = if draw.unit() < 0.01 { 3.0 + 9.0 * draw.unit() } else { 1.0 };
    (median_us * (1.0 + 0.3 * steps + 0.2 * steps * steps) * slow).max(1.0)
}

fn shards(weights: &[f64], records: u64, seconds: u64, draw: &mut Draw) -> Vec<Shard> {
    let whole: f64 = weights.iter().sum();
    let hash_share = Some(1.0 / weights.len() as f64);
    let shard = |(at, weight): (usize, &f64)| {
        let share = weight / whole;
        let records = (records as f64 * share).round() as u64;
        let second = |second| ShardSecond {
            second,
            records: records / seconds,
            bytes: records / seconds * RECORD_BYTES,
            throttles: 0,
        };
        Shard {
            shard_id: format!("shardId-{at:012}"),
            hash_share,
            records,
            bytes: records * RECORD_BYTES,
            share,
            throttles: 0,
            iterator_age_ms_max: Some((draw.unit() * 40.0).round()),
            series: (0..seconds).map(second).collect(),
        }
    };
    weights.iter().enumerate().map(shard).collect()
}

fn sample(at_seconds: f64, latency_us: f64, record: u64, number: usize) -> Sample {
    let is_throttled = number % 50 == 49;
    Sample {
        at_ms: at_seconds * 1e3,
        intended_ms: Some(at_seconds * 1e3),
        latency_us: latency_us as u64,
        operation: "PutRecord".to_owned(),
        shard_id: Some("shardId-000000000003".to_owned()),
        sequence_number: Some(format!("4966{number:052}")),
        error: is_throttled.then(|| "ProvisionedThroughputExceededException".to_owned()),
        message: is_throttled.then(|| "Rate exceeded, \"slow\" down".to_owned()),
        bytes: RECORD_BYTES,
        task: record % 16,
    }
}
