use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bill::{Mode, Usage};
use super::cli::{CostArgs, EstimateArgs, MergeArgs, RunCost};
use super::estimate::{Estimate, Limit, SHARDS_MAX, Workload};
use super::keys::KeyDistribution;
use super::merge::{Comparison, Messages, Method, calls};
use super::prices::{PriceBasis, Prices};
use super::{PlanError, payload_units, rounded_to_kib};
use crate::report::run::{self, Phase, Repetition, Run};
use crate::report::{sample, saved};

const MIB: f64 = 1_048_576.0;
const HOUR: f64 = 3_600.0;

fn prices() -> PriceBasis {
    Prices::published().region("us-east-1").unwrap()
}

fn estimate(workload: &Workload) -> Estimate {
    workload.estimate(&prices()).unwrap()
}

#[test]
fn begun_units_and_kibibytes_count() {
    for (bytes, units) in [(0, 1), (1, 1), (25_600, 1), (25_601, 2), (51_200, 2), (1_048_576, 41)] {
        assert_eq!(payload_units(bytes), units, "{bytes}");
    }
    for (bytes, rounded) in [(1, 1_024), (1_024, 1_024), (4_608, 5_120)] {
        assert_eq!(rounded_to_kib(bytes), rounded, "{bytes}");
    }
}

#[test]
fn the_limit_that_asks_for_most_decides() {
    let with = |record_bytes, records_per_second, shared_consumers, fan_out_consumers| Workload {
        record_bytes,
        records_per_second,
        shared_consumers,
        fan_out_consumers,
        ..Workload::default()
    };
    for (workload, shards, binding) in [
        (with(1_024, 1_000.0, 1, 0), 1, Limit::WriteRecords),
        (with(100, 1_001.0, 1, 0), 2, Limit::WriteRecords),
        (with(100, 10_000.0, 1, 0), 10, Limit::WriteRecords),
        (with(1_024, 1_024.0, 1, 0), 2, Limit::WriteRecords),
        (with(2_048, 512.0, 1, 0), 1, Limit::WriteBytes),
        (with(2_048, 513.0, 1, 0), 2, Limit::WriteBytes),
        (with(10_240, 1_024.0, 1, 0), 10, Limit::WriteBytes),
        (with(10_240, 1_024.0, 2, 0), 10, Limit::WriteBytes),
        (with(10_240, 1_024.0, 3, 0), 15, Limit::SharedReadBytes),
        (with(10_240, 1_024.0, 3, 5), 15, Limit::SharedReadBytes),
        (with(10_240, 1_024.0, 1, 15), 10, Limit::WriteBytes),
    ] {
        let estimate = estimate(&workload);
        assert_eq!((estimate.shards, estimate.binding), (shards, binding), "{workload:?}");
    }
}

#[test]
fn utilisation_is_that_of_the_busiest_shard() {
    let workload = Workload {
        record_bytes: 512,
        records_per_second: 1_500.0,
        keys: KeyDistribution::Hot { share: 0.5 },
        ..Workload::default()
    };
    let estimate = estimate(&workload);
    assert_eq!(estimate.shards, 3, "750 of the hot key, and its part of the other 750");
    assert!((estimate.busiest_share - (0.5 + 0.5 / 3.0)).abs() < 1e-12);
    let records = &estimate.needs[0];
    assert_eq!(records.limit, Limit::WriteRecords);
    assert!((records.utilisation - 1.0).abs() < 1e-12);
}

#[test]
fn a_key_has_one_shard_however_many_there_are() {
    for keys in [KeyDistribution::Hot { share: 0.6 }, KeyDistribution::Keys { count: 1 }] {
        let workload = Workload { records_per_second: 2_000.0, keys, ..Workload::default() };
        let error = workload.estimate(&prices()).unwrap_err().to_string();
        assert!(error.contains("use more keys"), "{error}");
    }
}

#[test]
fn keys_are_placed_where_md5_puts_them() {
    // The key of each name hashes into one of the halves; the busier half decides.
    let keys = KeyDistribution::Keys { count: 10 };
    let lower =
        (0..10).filter(|n| crate::load::shard_map::hash_key(&format!("key-{n}")) <= u128::MAX / 2);
    let lower = lower.count();
    let busier = lower.max(10 - lower) as f64 / 10.0;
    assert!((keys.busiest_share(2) - busier).abs() < 1e-12);
    assert!((keys.busiest_share(1) - 1.0).abs() < 1e-12);
}

#[test]
fn more_than_a_stream_can_have_is_refused() {
    let workload =
        Workload { records_per_second: 10_000_001.0, record_bytes: 1, ..Workload::default() };
    let error = workload.estimate(&prices()).unwrap_err().to_string();
    assert!(error.contains("several streams"), "{error}");
    for bad in [
        Workload { record_bytes: 0, ..Workload::default() },
        Workload { record_bytes: 10 * 1_024 * 1_024 + 1, ..Workload::default() },
        Workload { records_per_second: f64::NAN, ..Workload::default() },
        Workload { retention_hours: 23.0, ..Workload::default() },
        Workload { headroom: 1.0, ..Workload::default() },
    ] {
        assert!(matches!(bad.estimate(&prices()), Err(PlanError::Question(_))), "{bad:?}");
    }
}

#[test]
fn what_shards_do_not_help_is_said() {
    let workload = Workload { shared_consumers: 6, record_bytes: 100, ..Workload::default() };
    let estimate = estimate(&workload);
    assert_eq!(estimate.shards, 1);
    assert!(estimate.notes[0].contains("use fan-out"), "{:?}", estimate.notes);
}

#[test]
fn rounding_as_the_guide_does_is_a_choice() {
    let exact = Workload { record_bytes: 1_100, records_per_second: 900.0, ..Workload::default() };
    let rounded = Workload { rounds_to_kib: true, ..exact.clone() };
    assert_eq!((estimate(&exact).shards, estimate(&rounded).shards), (1, 2));
    let notes = estimate(&exact).notes;
    assert!(notes.iter().any(|note| note.contains("would say 2 shards")), "{notes:?}");
}

fn keys() -> impl Strategy<Value = KeyDistribution> {
    prop_oneof![
        Just(KeyDistribution::Even),
        (0.01..0.9_f64).prop_map(|share| KeyDistribution::Hot { share }),
        (1..60_u32).prop_map(|count| KeyDistribution::Keys { count }),
    ]
}

proptest! {
    #[test]
    fn the_estimate_suffices_and_one_shard_fewer_does_not(
        record_bytes in 1..100_000_u64,
        records_per_second in 1.0..20_000.0_f64,
        shared_consumers in 0..6_u64,
        fan_out_consumers in 0..3_u64,
        keys in keys(),
    ) {
        let workload = Workload {
            record_bytes,
            records_per_second,
            shared_consumers,
            fan_out_consumers,
            keys,
            ..Workload::default()
        };
        // No stream carries some loads; whether that is true is tested above.
        let Ok(estimate) = workload.estimate(&prices()) else { return Ok(()) };
        prop_assert!((1..=SHARDS_MAX).contains(&estimate.shards));
        let asked: Vec<_> =
            estimate.needs.iter().filter(|need| need.shards.is_some()).collect();
        for need in &asked {
            prop_assert!(need.utilisation <= 1.0 + 1e-9, "{need:?}");
        }
        if estimate.shards > 1 {
            let share = keys.busiest_share(estimate.shards - 1);
            let passed = asked.iter().any(|need| need.asked_per_second * share > need.per_shard);
            prop_assert!(passed, "{} shards would do", estimate.shards - 1);
        }
    }
}

/// What an on-demand load in MiB/s uses in some hours; records are whole KiB.
fn on_demand(mib_per_second: f64, hours: f64, shared: f64, fan_out: u64, retention: f64) -> Usage {
    let in_bytes = mib_per_second * MIB * hours * HOUR;
    Usage {
        hours,
        shards: 1,
        payload_units: 0.0,
        in_rounded_bytes: in_bytes,
        in_bytes,
        out_bytes: in_bytes * shared,
        fan_out_consumers: fan_out,
        fan_out_bytes: in_bytes * fan_out as f64,
        retention_hours: retention,
    }
}

#[test]
fn the_bills_that_aws_published_come_out() {
    // AWS Big Data Blog, 2026-03-09, us-east-1; the loads there are "about" so much.
    let total = |usage: Usage, mode| usage.bill(mode, &prices()).unwrap().total;
    let ten_streams = 10.0 * total(on_demand(10.0, 48.0, 1.0, 0, 24.0), Mode::OnDemand);
    let one_account = total(on_demand(100.0, 48.0, 1.0, 0, 24.0), Mode::OnDemandAdvantage);
    let ten_consumers = on_demand(25.0, 24.0, 0.0, 10, 24.0);
    let commitment = total(on_demand(1.0, 24.0, 1.0, 0, 24.0), Mode::OnDemandAdvantage);
    for (ours, theirs) in [
        (ten_streams, 2_071.75),
        (one_account, 823.44),
        (total(ten_consumers, Mode::OnDemand), 1_266.0),
        (total(ten_consumers, Mode::OnDemandAdvantage), 419.0),
        (commitment, 100.0),
    ] {
        assert!((ours / theirs - 1.0).abs() < 0.05, "{ours} here, {theirs} there");
    }
}

#[test]
fn a_provisioned_month_adds_up() {
    // Two shards, 1,000 records of 30 KB: 2 units each.
    let workload = Workload {
        record_bytes: 30_000,
        records_per_second: 60.0,
        fan_out_consumers: 2,
        retention_hours: 8.0 * 24.0,
        ..Workload::default()
    };
    let estimate = estimate(&workload);
    assert_eq!((estimate.shards, estimate.payload_units_per_record), (2, 2));
    let records = 60.0 * HOUR * 730.0;
    let gb = records * 30_000.0 / 1_073_741_824.0;
    let expected = 2.0 * 730.0 * 0.015
        + records * 2.0 * 0.014 / 1e6
        + 2.0 * 2.0 * 730.0 * 0.015
        + 2.0 * gb * 0.013
        + 2.0 * 730.0 * 0.020
        + gb / 730.0 * 24.0 * 0.023;
    let bill = &estimate.monthly[0];
    assert_eq!(bill.mode, Mode::Provisioned);
    assert!((bill.total - expected).abs() < 1e-6, "{} instead of {expected}", bill.total);
    assert_eq!(bill.lines.len(), 6);
}

#[test]
fn an_on_demand_month_adds_up() {
    let workload = Workload {
        record_bytes: 1_500,
        records_per_second: 100.0,
        shared_consumers: 3,
        retention_hours: 48.0,
        ..Workload::default()
    };
    let estimate = estimate(&workload);
    let records = 100.0 * HOUR * 730.0;
    let gb = |bytes: f64| bytes / 1_073_741_824.0;
    let expected = 730.0 * 0.04
        + gb(records * 2_048.0) * 0.08
        + 3.0 * gb(records * 1_500.0) * 0.04
        + gb(records * 1_500.0) / 730.0 * 24.0 * 0.10;
    let bill = &estimate.monthly[1];
    assert_eq!(bill.mode, Mode::OnDemand);
    assert!((bill.total - expected).abs() < 1e-6, "{} instead of {expected}", bill.total);
}

fn compare(messages: &Messages) -> Comparison {
    messages.compare(&prices()).unwrap()
}

#[test]
fn thirty_thousand_messages_merged_by_ten_need_a_tenth() {
    let comparison = compare(&Messages::default());
    let figures: Vec<_> = comparison
        .methods
        .iter()
        .map(|merged| (merged.method, merged.records, merged.calls, merged.payload_units))
        .collect();
    assert_eq!(figures[0], (Method::Unmerged, 30_000, 60, 30_000));
    assert_eq!(figures[1], (Method::Merged, 3_000, 6, 3_000));
    let merged = &comparison.methods[1];
    assert!((merged.saved - 0.9).abs() < 1e-12);
    assert!((comparison.methods[0].cost - 0.03 * 0.014).abs() < 1e-12);
}

#[test]
fn aggregates_are_as_large_as_the_real_ones() {
    let comparison = compare(&Messages { count: 1_000, ..Messages::default() });
    let aggregated = &comparison.methods[2];
    assert_eq!(aggregated.method, Method::Aggregated);
    // 49 messages of 1,024 bytes with their overhead fill 51,200 bytes, two units.
    assert_eq!((aggregated.records, aggregated.calls), (21, 1));
    assert_eq!(aggregated.payload_units, 20 * 2 + 1);
    let spread = compare(&Messages { count: 1_000, shards: 8, ..Messages::default() });
    assert!(spread.methods[2].records > aggregated.records, "no aggregate spans shards");
}

#[test]
fn gzip_is_measured_on_the_sample() {
    let sample = vec![vec![b'x'; 1_000], vec![b'y'; 1_000]];
    let comparison = compare(&Messages { count: 1_000, sample, ..Messages::default() });
    let [_, merged, _, gzip] = comparison.methods.as_slice() else { panic!("four methods") };
    assert_eq!((merged.records, gzip.records), (100, 100));
    assert!(gzip.bytes * 20 < merged.bytes, "{} of {}", gzip.bytes, merged.bytes);
    assert!(comparison.notes[1].contains("sample of 2"));
}

#[test]
fn a_rate_tells_shards_and_the_wait_for_a_group() {
    let rate = Some(5_000.0);
    let messages = Messages { count: 1_000, messages_per_second: rate, ..Messages::default() };
    let comparison = compare(&messages);
    let [unmerged, merged, ..] = comparison.methods.as_slice() else { panic!("four methods") };
    assert_eq!((unmerged.shards, merged.shards), (Some(5), Some(5)), "by records, by bytes");
    assert_eq!(unmerged.added_latency_ms, Some(0.0));
    assert!((merged.added_latency_ms.unwrap() - 1.8).abs() < 1e-9);
    let month = 5_000.0 * HOUR * 730.0 * 0.014 / 1e6;
    assert!((unmerged.monthly_cost.unwrap() - month).abs() < 1e-6);
}

#[test]
fn calls_are_full_by_count_or_bytes() {
    let most = 10 * 1_024 * 1_024;
    for (records, expected) in [
        (vec![], 0),
        (vec![1; 500], 1),
        (vec![1; 501], 2),
        (vec![most], 1),
        (vec![most, 1], 2),
        (vec![most / 2, most / 2, 1], 2),
    ] {
        assert_eq!(calls(&records), expected, "{} records", records.len());
    }
}

#[test]
fn merging_too_much_is_refused_with_a_way_out() {
    for messages in [
        Messages { count: 0, ..Messages::default() },
        Messages { count: 11, bytes: 1_048_576, group: 11, ..Messages::default() },
        Messages { group: 0, ..Messages::default() },
        Messages { messages_per_second: Some(0.0), ..Messages::default() },
        Messages { count: 1_000_000, bytes: 1_048_576, ..Messages::default() },
        Messages { sample: vec![b"two\nlines".to_vec()], ..Messages::default() },
    ] {
        let error = messages.compare(&prices()).unwrap_err();
        assert!(matches!(error, PlanError::Question(_)), "{error}");
    }
}

/// A phase of so many records of 1,000 bytes.
fn phase(name: &str, elapsed_ms: f64, records: u64) -> Phase {
    Phase { name: name.to_owned(), elapsed_ms, records, bytes: records * 1_000, ..Phase::default() }
}

fn finished(shards: u64, repetitions: Vec<Repetition>) -> Run {
    let settings = run::Settings { shards, ..sample::closed_loop().settings };
    Run { settings, repetitions, ..sample::closed_loop() }
}

#[test]
fn a_finished_run_has_its_price() {
    let warm_up = Repetition {
        is_warm_up: true,
        payload_units: Some(10),
        phases: vec![phase("produce", 500.0, 10), phase("consume", 500.0, 10)],
        ..Repetition::default()
    };
    let measured = Repetition {
        payload_units: Some(990),
        phases: vec![phase("produce", 3_599_000.0, 990), phase("fan-out", 1_000.0, 990)],
        ..Repetition::default()
    };
    let run = finished(4, vec![warm_up, measured]);
    let cost = RunCost::of(&run, 24.0, None, &prices()).unwrap();
    assert_eq!((cost.records, cost.usage.hours), (1_000, 2.0), "an hour and a second are two");
    let usage = cost.usage;
    assert_eq!((usage.payload_units, usage.fan_out_consumers), (1_000.0, 1));
    assert_eq!((usage.in_bytes, usage.out_bytes, usage.fan_out_bytes), (1e6, 1e4, 990_000.0));
    assert_eq!(usage.in_rounded_bytes, 1_024_000.0);
    let expected =
        8.0 * 0.015 + 1_000.0 * 0.014 / 1e6 + 8.0 * 0.015 + 990_000.0 / 1_073_741_824.0 * 0.013;
    assert!((cost.bills[0].total - expected).abs() < 1e-12);
}

#[test]
fn payload_units_that_were_not_counted_are_reckoned() {
    let three = Phase { bytes: 90_000, ..phase("produce", 1.0, 3) };
    let run = finished(1, vec![Repetition { phases: vec![three], ..Repetition::default() }]);
    let cost = RunCost::of(&run, 24.0, None, &prices()).unwrap();
    assert_eq!(cost.usage.payload_units, 6.0);
    assert_eq!(cost.notes.len(), 3);
}

#[test]
fn the_list_has_a_date_a_source_and_only_what_was_found() {
    let prices = Prices::published();
    assert_eq!(prices.as_of.len(), "2026-03-09".len());
    assert!(prices.source.starts_with("https://aws.amazon.com/"));
    assert_eq!(prices.regions.keys().collect::<Vec<_>>(), ["us-east-1", "us-east-2"]);
    let error = prices.region("mars-1").unwrap_err().to_string();
    assert!(error.contains("--prices FILE") && error.contains("us-east-1"), "{error}");
    // Nobody said what On-demand Advantage costs in Ohio, so no bill is made up.
    let ohio = prices.region("us-east-2").unwrap();
    assert_eq!(Workload::default().estimate(&ohio).unwrap().monthly.len(), 2);
}

fn scratch(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kinesis-bench-plan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn another_list_takes_the_place_of_ours() {
    let mut dear = serde_json::to_value(Prices::published()).unwrap();
    dear["regions"]["us-east-1"]["provisioned"]["shard_hour"] = json!(1.0);
    dear["as_of"] = json!("2030-01-01");
    let path = scratch("dear.json", &dear.to_string());
    let table = run(&["estimate", "--prices", path.to_str().unwrap()]).unwrap();
    assert!(table.contains("as of 2030-01-01") && table.contains("730.00"), "{table}");

    dear["regions"]["us-east-1"]["provisioned"]["shard_minute"] = json!(1.0);
    let path = scratch("unknown.json", &dear.to_string());
    let error = Prices::read(&path).unwrap_err().to_string();
    assert!(error.contains("shard_minute") && error.contains("copy"), "{error}");
    let error = Prices::read(Path::new("/no/such/file")).unwrap_err().to_string();
    assert!(error.contains("/no/such/file"), "{error}");
}

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Estimate(EstimateArgs),
    Cost(CostArgs),
    Merge(MergeArgs),
}

fn run(arguments: &[&str]) -> Result<String, String> {
    let program = Program::try_parse_from([&["plan"], arguments].concat());
    let program = program.map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let done = match program.command {
        Command::Estimate(arguments) => arguments.run(&mut out),
        Command::Cost(arguments) => arguments.run(&mut out),
        Command::Merge(arguments) => arguments.run(&mut out),
    };
    done.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn the_commands_are_well_formed() {
    Program::command().debug_assert();
    // As a program's only command, too.
    let alone = EstimateArgs::augment_args(clap::Command::new("estimate"));
    let matches = alone.try_get_matches_from(["estimate", "--rate", "5"]).unwrap();
    assert!((EstimateArgs::from_arg_matches(&matches).unwrap().rate - 5.0).abs() < 1e-12);
}

#[test]
fn every_answer_has_the_date_of_its_prices() {
    let put = Repetition { phases: vec![phase("produce", 10.0, 1)], ..Repetition::default() };
    let saved = scratch("run.json", &saved::text(&[finished(2, vec![put])]));
    let saved = saved.to_str().unwrap();
    let merge = ["merge", "--messages", "100", "--rate", "50"];
    for arguments in [&["estimate"][..], &["cost", saved], &merge] {
        let table = run(arguments).unwrap();
        assert!(table.contains("as of 2026-03-09"), "{table}");
        let text = run(&[arguments, &["--format", "json"]].concat()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["prices"]["as_of"], "2026-03-09", "{value}");
        assert_eq!(value["prices"]["region"], "us-east-1");
    }
}

#[test]
fn the_headline_of_an_estimate_is_its_last_line() {
    let table = run(&["estimate", "--record-size", "5KiB", "--rate", "1000"]).unwrap();
    let last = table.lines().last().unwrap();
    assert_eq!(last, "5 shards, because of bytes put (1 payload unit a record)");
}

#[test]
fn bad_questions_are_refused_with_a_reason() {
    for (arguments, reason) in [
        (&["estimate", "--record-size", "0"][..], "larger than zero"),
        (&["estimate", "--record-size", "5GiB"], "B, KiB and MiB"),
        (&["estimate", "--record-size", "11MiB"], "1 to 10485760 bytes"),
        (&["estimate", "--keys", "uneven"], "hot:40%"),
        (&["estimate", "--keys", "hot:140%"], "at most 100 %"),
        (&["estimate", "--keys", "20000"], "as good as even"),
        (&["estimate", "--rate", "-1"], "unexpected argument"),
        (&["estimate", "--region", "mars-1"], "no prices for"),
        (&["cost"], "<FILE>"),
        (&["cost", "/no/such/run.json"], "name a file that --json wrote"),
        (&["merge", "--sample", "/no/such/file"], "could not read the sample"),
        (&["merge", "--framing", "comma"], "newline"),
    ] {
        let error = run(arguments).unwrap_err();
        assert!(error.contains(reason), "{arguments:?} said: {error}");
    }
    let before_runs_were_saved = r#"{"schema_version": 1, "put_latency_us": {}}"#;
    for (file, text, reason) in [
        ("foreign.json", "{}", "not a run that kinesis-bench saved"),
        ("old.json", before_runs_were_saved, "an older kinesis-bench"),
    ] {
        let error = run(&["cost", scratch(file, text).to_str().unwrap()]).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
