//! The shape of the JSON, and what the last line says.

use clap::Parser;
use serde_json::Value;

use super::{PhaseCalls, Report, SCHEMA_VERSION, ShardLoad, table};
use crate::environment::Environment;
use crate::measure::counters::CallCounts;
use crate::measure::latency::LatencySummary;
use crate::target::TargetKind;

fn report() -> Report {
    let settings = crate::Settings::parse_from(["kinesis-bench"]);
    let load = |shard: usize, records| ShardLoad {
        shard_id: format!("shardId-{shard:012}"),
        records,
        bytes: records * 14,
    };
    let calls = CallCounts { calls: 1_000, attempts: 1_003, retries: 3, throttles: 2 };
    Report {
        schema_version: SCHEMA_VERSION,
        target: TargetKind::InProcess,
        endpoint: None,
        limits: "off".to_owned(),
        records: 1_000,
        records_read: 1_000,
        shards: 4,
        produce_ms: 100.0,
        consume_ms: 12.34,
        put_latency_us: LatencySummary { p50: 90, p99: 120, p999: 400, max: 1_500 },
        per_shard: vec![load(0, 250), load(1, 0), load(2, 0), load(3, 750)],
        calls: PhaseCalls { produce: calls, consume: CallCounts::default() },
        retries: 3,
        throttles: 2,
        lost: 0,
        duplicated: 0,
        misrouted: 0,
        out_of_order: 0,
        altered: 0,
        breaches: vec![],
        environment: Environment::capture(&settings),
        beside: vec![],
    }
}

fn human(report: &Report) -> String {
    let mut out = Vec::new();
    table::write(&mut out, report).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_json_has_every_promised_field() {
    let json = serde_json::to_value(report()).unwrap();
    for pointer in [
        "/schema_version",
        "/target",
        "/endpoint",
        "/limits",
        "/records",
        "/shards",
        "/produce_ms",
        "/consume_ms",
        "/put_latency_us/p50",
        "/put_latency_us/p99",
        "/put_latency_us/p999",
        "/put_latency_us/max",
        "/per_shard/0/shard_id",
        "/per_shard/0/records",
        "/per_shard/0/bytes",
        "/retries",
        "/throttles",
        "/lost",
        "/duplicated",
        "/misrouted",
        "/out_of_order",
        "/environment/cpu_model",
        "/environment/cpu_cores",
        "/environment/kernel",
        "/environment/os",
        "/environment/rustc",
        "/environment/build_profile",
        "/environment/package_version",
        "/environment/git_commit",
        "/environment/load_average",
        "/environment/worker_threads",
        "/environment/poll_interval_ms",
        "/environment/keys",
        "/environment/sdk_version",
    ] {
        assert!(json.pointer(pointer).is_some(), "{pointer} is missing");
    }
    assert_eq!(json["target"], "in-process");
    assert_eq!(json["endpoint"], Value::Null);
    assert_eq!(json["environment"]["keys"], "seed");
}

#[test]
fn the_headline_is_the_last_line() {
    let human = human(&report());
    assert_eq!(human.lines().last(), Some("✅ Read 1000 records in 12.3ms"));
}

#[test]
fn measurements_under_other_limits_stand_beside_the_first() {
    let aws = Report { limits: "aws".to_owned(), throttles: 77, ..report() };
    let both = Report { beside: vec![aws], ..report() };
    let human = human(&both);
    for part in ["limits off and aws", "value, limits off", "value, limits aws", " 77 "] {
        assert!(human.contains(part), "{part}: {human}");
    }
    let headline = "✅ Read 1000 records in 12.3ms";
    let lines: Vec<_> = human.lines().rev().take(4).collect();
    assert_eq!(lines, [headline, "under limits off:", headline, "under limits aws:"]);
    let json = serde_json::to_value(&both).unwrap();
    assert_eq!([&json["limits"], &json["beside"][0]["limits"]], ["off", "aws"]);
    let breaches = vec!["1 record lost: hello-0007 was never read".to_owned()];
    assert!(!Report { beside: vec![Report { breaches, ..report() }], ..report() }.holds());
}

#[test]
fn the_uneven_seed_keys_are_pointed_out() {
    let human = human(&report());
    assert!(human.contains("pk-0…pk-3 on 2 of 4 shards (750 + 250 records)"), "{human}");
}

#[test]
fn a_broken_promise_takes_the_place_of_the_headline() {
    let breaches = vec!["1 record lost: hello-0007 was never read".to_owned()];
    let broken = Report { lost: 1, breaches, ..report() };
    assert!(!broken.holds());
    let human = human(&broken);
    assert_eq!(human.lines().last(), Some("❌ 1 record lost: hello-0007 was never read"));
    assert!(!human.contains('✅'));
}
