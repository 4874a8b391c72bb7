//! Limits: what a refusal looks like, and what it leaves alone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::{Emulator, Limits};
use serde_json::{Value, json};

use super::cbor::{Item, body, of, ok};
use super::consumers::registered;
use super::streams::arn;
use crate::support::raw::{Answer, Custom, Number, Raw, list, put_input};

const SECOND: Duration = Duration::from_secs(1);
const SHARD: &str = "shardId-000000000000";
const SHARD_IS_BUSY: &str =
    "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.";

/// A stream `s` of one shard under limits.
fn limited(limits: Limits) -> Raw {
    let raw = Raw::with(|builder| builder.limits(limits));
    raw.create_stream("s", 1);
    raw
}

/// AWS's limits with other numbers.
fn aws_but(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::aws();
    change(&mut limits);
    limits
}

/// So many records a second.
fn records(per_second: u64) -> Raw {
    limited(aws_but(|limits| limits.write_records_per_second = Some(per_second)))
}

#[track_caller]
fn expect_busy(answer: &Answer) {
    answer.expect_error("ProvisionedThroughputExceededException", SHARD_IS_BUSY);
}

fn entries(keys: &[&str]) -> Value {
    let entry = |key: &&str| json!({"PartitionKey": key, "Data": STANDARD.encode(key)});
    Value::Array(keys.iter().map(entry).collect())
}

// behaviours 151
#[test]
fn a_throttled_put_says_which_shard_and_draws_no_number() {
    let raw = records(2);
    let before = [raw.put("s", "k", b"1"), raw.put("s", "k", b"2")];
    expect_busy(&raw.call("PutRecord", put_input("s", "k", b"refused")));
    raw.advance(SECOND / 2);
    let after = raw.put("s", "k", b"3");
    let index = |number: &str| Number::read(number).index;
    assert_eq!([index(&before[0]), index(&before[1]), index(&after)], [1, 2, 3]);
    assert_eq!(raw.read_all("s", SHARD), ["1", "2", "3"]);
}

// behaviours 151
#[test]
fn records_of_a_batch_are_refused_one_by_one() {
    let raw = records(2);
    let input = json!({"StreamName": "s", "Records": entries(&["a", "b", "c", "d"])});
    let answer = raw.ok("PutRecords", input);
    let refused = json!({
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": SHARD_IS_BUSY,
    });
    let numbers: Vec<_> =
        (0..2).map(|nth| answer["Records"][nth]["SequenceNumber"].clone()).collect();
    let stored = |nth: usize| json!({"SequenceNumber": numbers[nth], "ShardId": SHARD});
    assert_eq!(
        answer,
        json!({"FailedRecordCount": 2, "Records": [stored(0), stored(1), refused, refused]})
    );
    assert_eq!(raw.read_all("s", SHARD), ["a", "b"]);
}

// behaviours 151: the same in CBOR
#[test]
fn records_of_a_batch_are_refused_one_by_one_in_cbor() {
    let raw = records(1);
    let answer = ok(
        &raw,
        "PutRecords",
        body(|out| {
            out.map(2).unwrap().str("StreamName").unwrap().str("s").unwrap();
            out.str("Records").unwrap().array(2).unwrap();
            for key in ["a", "b"] {
                out.map(2).unwrap().str("PartitionKey").unwrap().str(key).unwrap();
                out.str("Data").unwrap().bytes(key.as_bytes()).unwrap();
            }
        }),
    );
    assert_eq!(answer.names(), ["FailedRecordCount", "Records"]);
    assert_eq!(answer.get("FailedRecordCount"), &Item::Number(1));
    let [stored, refused] = answer.get("Records").items() else { panic!("two: {answer:?}") };
    assert_eq!(stored.names(), ["SequenceNumber", "ShardId"]);
    let fields =
        [("ErrorCode", "ProvisionedThroughputExceededException"), ("ErrorMessage", SHARD_IS_BUSY)];
    assert_eq!(
        refused,
        &Item::Map(fields.map(|(name, text)| (name.to_owned(), of(text))).to_vec())
    );
}

// behaviours 151: keys count, and a record that does not fit is refused whole
#[test]
fn a_shard_takes_a_mebibyte_a_second_of_data_and_keys() {
    let raw = limited(Limits::aws());
    let half = vec![0; 512 * 1024 - 3];
    raw.put("s", "key", &half);
    expect_busy(&raw.call("PutRecord", put_input("s", "key", &[half.as_slice(), b"1"].concat())));
    raw.put("s", "key", &half);
    expect_busy(&raw.call("PutRecord", put_input("s", "k", b"")));
    raw.advance(SECOND);
    raw.put("s", "key", &half);
    raw.put("s", "key", &half);
}

// limits.md, section 2: the burst for large records
#[test]
fn a_large_record_is_taken_at_once_and_made_up_for_afterwards() {
    let raw = Raw::with(|builder| builder.limits(Limits::aws()));
    let input = json!({"StreamName": "s", "ShardCount": 1, "MaxRecordSizeInKiB": 4096});
    raw.done("CreateStream", input);
    let large = vec![0; 4 * 1024 * 1024 - 1];
    raw.put("s", "k", &large);
    raw.advance(SECOND * 3);
    expect_busy(&raw.call("PutRecord", put_input("s", "k", &large)));
    raw.advance(SECOND);
    raw.put("s", "k", &large);
}

// behaviours 159, 151
#[test]
fn a_dry_run_uses_nothing_up() {
    let raw = records(1);
    let mut input = put_input("s", "k", b"x");
    input["DryRun"] = json!(true);
    for _ in 0..3 {
        raw.call("PutRecord", input.clone()).expect_error_kind("DryRunOperationException");
        let batch = json!({"StreamName": "s", "Records": entries(&["a", "b"]), "DryRun": true});
        raw.call("PutRecords", batch).expect_error_kind("DryRunOperationException");
    }
    let iterator = raw.iterator("s", SHARD, "TRIM_HORIZON");
    for _ in 0..6 {
        let input = json!({"ShardIterator": iterator, "DryRun": true});
        raw.call("GetRecords", input).expect_error_kind("DryRunOperationException");
    }
    raw.put("s", "k", b"x");
    assert_eq!(list(&raw.read(&iterator)["Records"]).len(), 1);
}

// behaviours 152
#[test]
fn a_shard_answers_five_reads_a_second_whoever_asks() {
    let raw = limited(Limits::aws());
    let iterators: Vec<_> = (0..5).map(|_| raw.iterator("s", SHARD, "LATEST")).collect();
    let input = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST"});
    expect_busy(&raw.call("GetShardIterator", input));
    for iterator in &iterators {
        raw.read(iterator);
    }
    let again = json!({"ShardIterator": iterators[0]});
    expect_busy(&raw.call("GetRecords", again.clone()));
    raw.advance(SECOND / 5);
    raw.ok("GetRecords", again.clone());
    expect_busy(&raw.call("GetRecords", again));
    raw.iterator("s", SHARD, "LATEST");
}

// behaviours 152
#[test]
fn after_ten_mebibytes_a_shard_is_closed_to_readers_for_five_seconds() {
    let raw = limited(Limits::off());
    let data = vec![0; 1024 * 1024 - 1];
    for _ in 0..11 {
        raw.put("s", "k", &data);
    }
    raw.emulator.set_limits(Limits::aws());
    let iterator = raw.iterator("s", SHARD, "TRIM_HORIZON");
    let first = raw.read(&iterator);
    assert_eq!(list(&first["Records"]).len(), 10);
    let next = json!({"ShardIterator": first["NextShardIterator"]});
    for _ in 0..4 {
        expect_busy(&raw.call("GetRecords", next.clone()));
        raw.advance(SECOND);
    }
    raw.advance(SECOND - Duration::from_millis(1));
    expect_busy(&raw.call("GetRecords", next.clone()));
    raw.advance(Duration::from_millis(1));
    assert_eq!(list(&raw.ok("GetRecords", next)["Records"]).len(), 1);
}

// behaviours 152: each shard is limited by itself
#[test]
fn a_busy_shard_does_not_slow_another() {
    let raw =
        Raw::with(|builder| builder.limits(aws_but(|l| l.write_records_per_second = Some(1))));
    raw.create_stream("s", 2);
    let put = |hash_key: &str| {
        let mut input = put_input("s", "k", b"x");
        input["ExplicitHashKey"] = json!(hash_key);
        raw.call("PutRecord", input)
    };
    put("0").expect_ok();
    expect_busy(&put("0"));
    put(&u128::MAX.to_string()).expect_ok();
}

// behaviours 153; recorded
#[test]
fn five_streams_are_made_or_removed_at_once() {
    let raw = Raw::with(|builder| builder.limits(Limits::aws()).state_delay(SECOND));
    let create =
        |name: &str| raw.call("CreateStream", json!({"StreamName": name, "ShardCount": 1}));
    for name in ["a", "b", "c", "d", "e"] {
        create(name).expect_empty();
    }
    raw.advance(SECOND / 2);
    let full = "This request would have exceed the limit on the number of streams that can \
                simultaneously be in CREATING or DELETING for the account 000000000000. Limit: 5.";
    create("f").expect_error("LimitExceededException", full);
    raw.advance(SECOND / 2);
    raw.done("DeleteStream", json!({"StreamName": "a"}));
    for name in ["f", "g", "h", "i"] {
        create(name).expect_empty();
    }
    raw.advance(SECOND / 2);
    create("j").expect_error("LimitExceededException", full);
}

// behaviours 153: with more shards more is taken
#[test]
fn scaling_up_raises_the_limits() {
    let raw = records(10);
    let taken = || {
        let keys: Vec<_> = (0..100).map(|key| key.to_string()).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let answer = raw.ok("PutRecords", json!({"StreamName": "s", "Records": entries(&keys)}));
        100 - answer["FailedRecordCount"].as_u64().expect("a count")
    };
    assert_eq!([taken(), taken()], [10, 0]);
    raw.ok(
        "UpdateShardCount",
        json!({"StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}),
    );
    assert_eq!([taken(), taken()], [20, 0]);
    raw.advance(SECOND);
    assert_eq!(taken(), 20);
}

// limits.md, section 5
#[test]
fn five_consumers_are_made_at_once() {
    let limits = aws_but(|limits| limits.call_rates = false);
    let raw = Raw::with(|builder| builder.limits(limits).state_delay(SECOND));
    raw.create_stream("s", 1);
    raw.advance(SECOND);
    for name in ["a", "b", "c", "d", "e"] {
        registered(&raw, "s", name);
    }
    let sixth = json!({"StreamARN": arn("s"), "ConsumerName": "f"});
    raw.call("RegisterStreamConsumer", sixth.clone()).expect_error(
        "LimitExceededException",
        "Stream s under account 000000000000 already has 5 consumers in CREATING, \
         which is the limit.",
    );
    raw.advance(SECOND);
    raw.ok("RegisterStreamConsumer", sixth);
}

// limits.md, section 4
#[test]
fn an_account_has_a_quota_of_shards_and_of_on_demand_streams() {
    let limits = aws_but(|limits| {
        limits.call_rates = false;
        limits.on_demand_streams = Some(2);
    });
    let raw = Raw::with(|builder| builder.limits(limits.clone()));
    let create = |region: &str, name: &str, shards: u32| {
        let input = json!({"StreamName": name, "ShardCount": shards});
        raw.send(Custom::json("CreateStream", &input).by("111111111111", region))
    };
    create("eu-central-1", "s", 1000).expect_empty();
    create("eu-central-1", "t", 1).expect_error_kind("LimitExceededException");
    create("us-west-2", "s", 1001).expect_empty();
    for name in ["a", "b"] {
        raw.done("CreateStream", json!({"StreamName": name}));
    }
    raw.call("CreateStream", json!({"StreamName": "c"}))
        .expect_error_kind("LimitExceededException");
    let described = raw.ok("DescribeLimits", json!({}));
    assert_eq!(described["ShardLimit"], 20_000);
    assert_eq!(described["OnDemandStreamCountLimit"], 2);
    // What the builder says for itself wins.
    let raw = Raw::with(|builder| builder.limits(limits).shard_limit(1));
    raw.create_stream("s", 1);
    raw.call("CreateStream", json!({"StreamName": "t", "ShardCount": 1}))
        .expect_error_kind("LimitExceededException");
}

// limits.md, section 6; both sentences are recorded
#[test]
fn a_call_too_many_names_the_stream_or_the_account() {
    let raw = limited(Limits::aws());
    for _ in 0..10 {
        raw.ok("DescribeStream", json!({"StreamName": "s"}));
    }
    let another = "arn:aws:kinesis:us-east-1:111111111111:stream/t";
    for (stream, sentence) in [
        (json!({"StreamName": "s"}), "stream s under account 000000000000"),
        (json!({"StreamARN": arn("s")}), "stream s under account 000000000000"),
        (json!({"StreamName": "none"}), "stream none under account 000000000000"),
        (json!({"StreamARN": another}), "stream t under account 111111111111"),
    ] {
        raw.call("DescribeStream", stream)
            .expect_error("LimitExceededException", &format!("Rate exceeded for {sentence}."));
    }
    for _ in 0..5 {
        raw.ok("ListStreams", json!({}));
    }
    raw.call("ListStreams", json!({}))
        .expect_error("LimitExceededException", "Rate exceeded for account 000000000000.");
    // Malformed calls are refused before they are counted; others have their own.
    raw.call("ListStreams", json!({"Limit": 0})).expect_error_kind("ValidationException");
    let elsewhere = Custom::json("ListStreams", &json!({})).by("111111111111", "us-east-1");
    raw.send(elsewhere).expect_ok();
    raw.advance(SECOND / 5);
    raw.ok("ListStreams", json!({}));
}

#[test]
fn nothing_is_limited_unless_it_is_asked_for() {
    let raw = limited(Limits::off());
    assert_eq!(raw.emulator.limits().name(), "off");
    assert_eq!(Raw::new().emulator.limits(), Limits::off());
    let iterator = raw.iterator("s", SHARD, "LATEST");
    for _ in 0..20 {
        raw.ok("DescribeLimits", json!({}));
        raw.read(&iterator);
    }
}

#[test]
fn limits_are_changed_while_the_emulator_runs() {
    let raw = records(1);
    let put = || raw.call("PutRecord", put_input("s", "k", b"x"));
    put().expect_ok();
    expect_busy(&put());
    raw.emulator.set_limits(Limits::off());
    put().expect_ok();
    raw.emulator.set_limits(aws_but(|limits| limits.write_records_per_second = Some(3)));
    assert_eq!(raw.emulator.limits().name(), "custom");
    // What was put before, and counted, still counts.
    put().expect_ok();
    put().expect_ok();
    expect_busy(&put());
}

/// An on-demand stream `s`, and a second's worth of writes to its first shard.
fn on_demand() -> (Raw, impl Fn(&Raw, usize)) {
    let raw = Raw::with(|builder| builder.limits(Limits::aws()));
    raw.done("CreateStream", json!({"StreamName": "s"}));
    let write = |raw: &Raw, bytes: usize| {
        let mut input = put_input("s", "k", &vec![0; bytes - 1]);
        input["ExplicitHashKey"] = json!("0");
        raw.ok("PutRecord", input);
        raw.advance(SECOND);
    };
    (raw, write)
}

fn open_shards(raw: &Raw) -> u64 {
    let summary = raw.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    summary["StreamDescriptionSummary"]["OpenShardCount"].as_u64().expect("a count")
}

// limits.md, on-demand scaling
#[test]
fn an_on_demand_stream_splits_a_busy_shard_evenly_within_fifteen_minutes() {
    let (raw, write) = on_demand();
    for _ in 0..60 {
        write(&raw, 1_000_000);
    }
    assert_eq!(open_shards(&raw), 4);
    raw.advance(SECOND * 15 * 60);
    assert_eq!(open_shards(&raw), 5);
    let shards = raw.shards("s");
    assert_eq!(shards.len(), 6, "one was split");
    assert!(shards[0]["SequenceNumberRange"]["EndingSequenceNumber"].is_string(), "it is closed");
    let range = |shard: usize| {
        let range = &shards[shard]["HashKeyRange"];
        let key = |name: &str| range[name].as_str().and_then(|key| key.parse::<u128>().ok());
        key("EndingHashKey").unwrap() - key("StartingHashKey").unwrap()
    };
    assert!(range(4).abs_diff(range(5)) <= 1, "evenly");
    assert_eq!(raw.status("s"), "ACTIVE");
}

// limits.md, on-demand scaling
#[test]
fn an_on_demand_stream_leaves_shards_alone_that_are_not_busy() {
    let (raw, write) = on_demand();
    for _ in 0..120 {
        write(&raw, 500_000);
    }
    raw.advance(SECOND * 15 * 60);
    assert_eq!(open_shards(&raw), 4);
}

// limits.md, on-demand scaling: one key stays within one shard's limit
#[test]
fn an_on_demand_stream_takes_no_more_than_its_shards_do() {
    let (raw, _) = on_demand();
    let mut input = put_input("s", "k", &vec![0; 1024 * 1024 - 1]);
    input["ExplicitHashKey"] = json!("0");
    raw.ok("PutRecord", input.clone());
    expect_busy(&raw.call("PutRecord", input));
}

#[test]
fn a_rate_of_no_operation_is_refused_however_it_is_given() {
    let mut limits = Limits::aws();
    limits.calls_per_second.insert("PutRecrod".to_owned(), 1);
    let emulator = Emulator::in_process();
    let given: [&dyn Fn(); 2] = [&|| drop(Emulator::builder().limits(limits.clone())), &|| {
        emulator.set_limits(limits.clone())
    }];
    for give in given {
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(give));
        let why = refused.expect_err("it panics");
        let why = why.downcast_ref::<String>().expect("a sentence");
        assert!(why.contains("names \"PutRecrod\", which is not an operation"), "{why}");
    }
    assert_eq!(emulator.limits(), Limits::off());
}
