//! GetShardIterator: every type of starting position, and every refusal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::raw::{Number, Raw, START, data_of, decimal, members, text};

/// Three records, a second apart, in the only shard of `s`.
fn three_records() -> (Raw, Vec<String>) {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let numbers = ["a", "b", "c"]
        .map(|data| {
            raw.advance(Duration::from_secs(1));
            raw.put("s", "k", data.as_bytes())
        })
        .to_vec();
    (raw, numbers)
}

fn input(kind: &str, extra: Value) -> Value {
    let mut input =
        json!({"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": kind});
    for (member, value) in extra.as_object().expect("members") {
        input[member] = value.clone();
    }
    input
}

#[track_caller]
fn reads(raw: &Raw, kind: &str, extra: Value, expected: &[&str]) {
    let iterator = raw.iterator_of(input(kind, extra));
    assert_eq!(data_of(&raw.read(&iterator)), expected);
}

// behaviours 79, 83, 87
#[test]
fn each_type_starts_where_it_says() {
    let (raw, numbers) = three_records();
    let at = |number: &str| json!({"StartingSequenceNumber": number});
    let start = text(&raw.shards("s")[0]["SequenceNumberRange"]["StartingSequenceNumber"]);
    reads(&raw, "TRIM_HORIZON", json!({}), &["a", "b", "c"]);
    reads(&raw, "LATEST", json!({}), &[]);
    reads(&raw, "AT_SEQUENCE_NUMBER", at(&start), &["a", "b", "c"]);
    reads(&raw, "AFTER_SEQUENCE_NUMBER", at(&start), &["a", "b", "c"]);
    reads(&raw, "AT_SEQUENCE_NUMBER", at(&numbers[1]), &["b", "c"]);
    reads(&raw, "AFTER_SEQUENCE_NUMBER", at(&numbers[1]), &["c"]);
    reads(&raw, "AFTER_SEQUENCE_NUMBER", at(&numbers[2]), &[]);
}

// behaviours 80, 81, 82
#[test]
fn a_timestamp_starts_at_the_first_record_not_before_it() {
    let (raw, _) = three_records();
    let start = START.as_seconds();
    for (timestamp, expected) in [
        (json!(start - 1_000_000), &["a", "b", "c"][..]),
        (json!(start + 1), &["a", "b", "c"]),
        (json!(start as f64 + 1.001), &["b", "c"]),
        (json!(start as f64 + 1.5), &["b", "c"]),
        (json!(start + 2), &["b", "c"]),
        (json!(start as f64 + 2.0), &["b", "c"]),
        (json!(start + 3), &["c"]),
        (json!(0), &["a", "b", "c"]),
        (json!(-5), &["a", "b", "c"]),
    ] {
        reads(&raw, "AT_TIMESTAMP", json!({"Timestamp": timestamp}), expected);
    }
}

// behaviours 80, 82: a program reads the time, puts, and reads on from that time, all
// of it within a millisecond
#[test]
fn what_happens_within_a_millisecond_is_told_apart() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let micros = |count| raw.advance(Duration::from_micros(count));
    let now = || raw.emulator.clock().now();
    let seconds = |time: kinesis_emulator::Timestamp| time.as_micros() as f64 / 1e6;
    micros(200);
    raw.put("s", "k", b"a");
    let first = now();
    micros(100);
    let between = now();
    micros(100);
    raw.put("s", "k", b"b");
    assert_eq!(first.as_millis(), now().as_millis());
    reads(&raw, "AT_TIMESTAMP", json!({"Timestamp": seconds(between)}), &["b"]);
    // As the records show it, and as most clients can say it, it is both.
    let shown = json!({"Timestamp": first.as_millis() as f64 / 1e3});
    reads(&raw, "AT_TIMESTAMP", shown, &["a", "b"]);
    let before_split = seconds(now());
    micros(10);
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": "7"});
    raw.done("SplitShard", split);
    let filter = json!({"Type": "AT_TIMESTAMP", "Timestamp": before_split});
    let answer = raw.ok("ListShards", json!({"StreamName": "s", "ShardFilter": filter}));
    assert_eq!(answer["Shards"].as_array().expect("shards").len(), 1, "the parent alone");
}

// behaviours 81
#[test]
fn a_timestamp_after_the_last_record_tails() {
    let (raw, _) = three_records();
    raw.advance(Duration::from_secs(10));
    let iterator =
        raw.iterator_of(input("AT_TIMESTAMP", json!({"Timestamp": START.as_seconds() + 13})));
    let answer = raw.read(&iterator);
    assert!(data_of(&answer).is_empty());
    raw.put("s", "k", b"d");
    assert_eq!(data_of(&raw.read(&text(&answer["NextShardIterator"]))), ["d"]);
    assert_eq!(data_of(&raw.read(&iterator)), ["d"]);
    raw.create_stream("empty", 1);
    let on_empty = json!({
        "StreamName": "empty", "ShardId": "0", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1,
    });
    assert!(data_of(&raw.read(&raw.iterator_of(on_empty))).is_empty());
}

// behaviours 87
#[test]
fn latest_is_just_after_what_is_there_now() {
    let (raw, _) = three_records();
    let iterator = raw.iterator("s", "0", "LATEST");
    raw.put("s", "k", b"d");
    assert_eq!(data_of(&raw.read(&iterator)), ["d"]);
}

#[track_caller]
fn refused(raw: &Raw, kind: &str, extra: Value, message: &str) {
    raw.call("GetShardIterator", input(kind, extra))
        .expect_error("InvalidArgumentException", message);
}

// behaviours 73, 80
#[test]
fn arguments_have_to_fit_the_type() {
    let (raw, numbers) = three_records();
    let combination = |stated: &str| {
        format!(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
             StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. \
             Request specified {stated} StartingSequenceNumber."
        )
    };
    let number = json!({"StartingSequenceNumber": numbers[0]});
    for kind in ["LATEST", "TRIM_HORIZON"] {
        refused(&raw, kind, number.clone(), &combination(&format!("{kind} and also a")));
    }
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        refused(&raw, kind, json!({}), &combination(&format!("{kind} and no")));
    }
    refused(
        &raw,
        "AT_TIMESTAMP",
        json!({}),
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. \
         Current request has no timestamp parameter.",
    );
    let now = START.as_millis() + 3000;
    refused(
        &raw,
        "AT_TIMESTAMP",
        json!({"Timestamp": (now + 1) as f64 / 1000.0}),
        &format!(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
             timestampInMillis: {}, currentTimestampInMillis: {now}",
            now + 1
        ),
    );
    raw.iterator_of(input("AT_TIMESTAMP", json!({"Timestamp": now as f64 / 1000.0})));
    // Clocks that tell microseconds are not ahead within the running millisecond.
    raw.iterator_of(input("AT_TIMESTAMP", json!({"Timestamp": (now as f64 + 0.9) / 1000.0})));
    // A time beside another type is not looked at.
    raw.iterator_of(input("LATEST", json!({"Timestamp": now + 1})));
}

// behaviours 74
#[test]
fn a_number_of_another_shard_is_refused() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    let ids = |encoded: &str| {
        format!(
            "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call \
             to a shard with shardId-000000000000"
        )
    };
    let of_second = text(&raw.shards("s")[1]["SequenceNumberRange"]["StartingSequenceNumber"]);
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        let at = |number: &str| json!({"StartingSequenceNumber": number});
        refused(&raw, kind, at(&of_second), &ids("shardId-000000000001"));
        refused(&raw, kind, at("5"), &ids("shardId-000000000005"));
        let negative = Number { shard: 0x8000_0000, ..Number::ZERO }.decimal();
        refused(&raw, kind, at(&negative), &ids("shardId--02147483648"));
    }
}

// behaviours 75; facts, section 4, GetShardIterator, step 4
#[test]
fn a_number_of_another_stream_is_refused() {
    let (raw, _) = three_records();
    let foreign = |number: &str| {
        format!(
            "StartingSequenceNumber {number} used in GetShardIterator on shard shardId-000000000000 \
             in stream s under account 000000000000 is invalid because it did not come from this stream."
        )
    };
    raw.advance(Duration::from_secs(100));
    raw.create_stream("t", 1);
    let of_other = raw.put("t", "k", b"x");
    let zero = Number::ZERO.decimal();
    let old = Number { version: 1, ..Number::ZERO }.decimal();
    for number in [of_other.as_str(), &zero, &old] {
        let at = json!({"StartingSequenceNumber": number});
        refused(&raw, "AT_SEQUENCE_NUMBER", at, &foreign(number));
    }
}

// behaviours 75
#[test]
fn numbers_of_streams_that_were_made_at_once_are_told_apart() {
    let raw = Raw::new();
    let names: Vec<_> = (0..20).map(|number| format!("s{number}")).collect();
    names.iter().for_each(|name| raw.create_stream(name, 1));
    let numbers: Vec<_> = names.iter().map(|name| raw.put(name, "k", b"x")).collect();
    for (of, name) in names.iter().enumerate() {
        for (from, number) in numbers.iter().enumerate() {
            let mut at = input("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": number}));
            at["StreamName"] = json!(name);
            let answer = raw.call("GetShardIterator", at);
            if of == from {
                answer.expect_ok();
            } else {
                answer.expect_error_kind("InvalidArgumentException");
            }
        }
    }
}

// Model text of SubscribeToShardEvent: a continuation's number, which is that of no
// record, is a position to start at, too.
#[test]
fn a_number_between_two_records_starts_at_the_next() {
    let (raw, numbers) = three_records();
    for (place, expected) in [["b", "c"].as_slice(), &["c"], &[]].into_iter().enumerate() {
        let record = Number::read(&numbers[place]);
        let between = Number { seconds: record.seconds + 1, ..record }.decimal();
        for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            reads(&raw, kind, json!({"StartingSequenceNumber": between}), expected);
        }
    }
}

// behaviours 75
#[test]
fn a_number_of_a_deleted_namesake_is_refused() {
    let (raw, numbers) = three_records();
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    raw.create_stream("s", 1);
    let at = json!({"StartingSequenceNumber": numbers[0]});
    refused(
        &raw,
        "AT_SEQUENCE_NUMBER",
        at,
        &format!(
            "StartingSequenceNumber {} used in GetShardIterator on shard shardId-000000000000 \
             in stream s under account 000000000000 is invalid because it did not come from this stream.",
            numbers[0]
        ),
    );
}

// facts, section 4, GetShardIterator, step 4b
#[test]
fn what_is_no_number_of_any_layout_is_refused() {
    let (raw, _) = three_records();
    let zero = Number::ZERO;
    for number in [
        Number { index: 0x8000_0000_0000_0000, ..zero }.decimal(),
        Number { version: 3, ..zero }.decimal(),
        Number { lead: 3, ..zero }.decimal(),
        Number { created_seconds: 16_025_175_000, ..zero }.decimal(),
        decimal("13bb2cc3d80000000000000000000000"),
        "9".repeat(129),
    ] {
        refused(
            &raw,
            "AT_SEQUENCE_NUMBER",
            json!({"StartingSequenceNumber": number}),
            &format!(
                "StartingSequenceNumber {number} used in GetShardIterator on shard \
                 shardId-000000000000 in stream s under account 000000000000 is invalid."
            ),
        );
    }
}

// facts, section 4, GetShardIterator, step 4d: AWS fails on its oldest layout
#[test]
fn a_number_of_the_oldest_layout_fails_as_it_does_on_aws() {
    let (raw, _) = three_records();
    let at = json!({"StartingSequenceNumber": "0"});
    let answer = raw.call("GetShardIterator", input("AT_SEQUENCE_NUMBER", at));
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (500, json!({"__type": "InternalFailure"}))
    );
}

// behaviours 76
#[test]
fn shard_ids_are_read_leniently() {
    let raw = Raw::new();
    raw.create_stream("s", 8);
    for id in
        ["5", "shardId-5", "shardId-000000000005", "anything-000005", "-5", "0000000000000005"]
    {
        raw.iterator("s", id, "LATEST");
    }
    for (id, shown) in [
        ("8", "shardId-000000000008"),
        ("anything-000009", "shardId-000000000009"),
        ("-00002147483647", "shardId-002147483647"),
        ("shardId-2147483647", "shardId-002147483647"),
    ] {
        let message =
            format!("Shard {shown} in stream s under account 000000000000 does not exist");
        raw.call(
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": id, "ShardIteratorType": "LATEST"}),
        )
        .expect_error("ResourceNotFoundException", &message);
    }
}

// behaviours 77
#[test]
fn shard_ids_that_are_no_number_come_before_the_stream() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for stream in ["s", "missing"] {
        for id in [
            "2147483648",
            "shardId-002147483648",
            "ABKLFD8",
            "2.14E4",
            "a-",
            "shardId-",
            "a-b",
            "-",
        ] {
            let message =
                format!("Could not find shard {id} in stream {stream} under account 000000000000.");
            let input = json!({"StreamName": stream, "ShardId": id, "ShardIteratorType": "LATEST"});
            raw.call("GetShardIterator", input).expect_error("ResourceNotFoundException", &message);
        }
    }
}

// facts, section 4, GetShardIterator, steps 2 and 3
#[test]
fn a_missing_stream_is_a_missing_shard_and_comes_before_the_position() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for stream in ["s", "missing"] {
        for kind in ["LATEST", "AT_SEQUENCE_NUMBER", "AT_TIMESTAMP"] {
            let input = json!({
                "StreamName": stream, "ShardId": "1", "ShardIteratorType": kind, "StartingSequenceNumber": "5",
            });
            raw.call("GetShardIterator", input).expect_error(
                "ResourceNotFoundException",
                &format!("Shard shardId-000000000001 in stream {stream} under account 000000000000 does not exist"),
            );
        }
    }
}

// behaviours 78
#[test]
fn an_iterator_is_canonical_base64_of_bounded_length() {
    let raw = Raw::new();
    let long = "n".repeat(128);
    let mut seen = std::collections::HashSet::new();
    for stream in ["n", &long] {
        raw.create_stream(stream, 1);
        for _ in 0..10 {
            let answer = raw.ok(
                "GetShardIterator",
                json!({"StreamName": stream, "ShardId": "0", "ShardIteratorType": "LATEST"}),
            );
            assert_eq!(members(&answer), ["ShardIterator"]);
            let iterator = text(&answer["ShardIterator"]);
            assert!((1..=512).contains(&iterator.len()));
            assert_eq!(STANDARD.encode(STANDARD.decode(&iterator).expect("base64")), iterator);
            assert!(seen.insert(iterator), "iterators differ");
        }
    }
}

// Spring Cloud AWS tells the end of a shard by InvalidArgumentException; what
// AWS answers is not recorded, but the shard is there, so it is not "not found".
#[test]
fn the_ending_number_of_a_closed_shard_is_not_a_missing_shard() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.put("s", "a", b"last");
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": "7"});
    raw.done("SplitShard", split);
    let end = raw.shards("s")[0]["SequenceNumberRange"]["EndingSequenceNumber"].clone();
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        let answer = raw.call(
            "GetShardIterator",
            json!({
                "StreamName": "s", "ShardId": "0", "ShardIteratorType": kind,
                "StartingSequenceNumber": end,
            }),
        );
        if answer.status == 200 {
            let iterator = answer.json()["ShardIterator"].as_str().expect("an iterator").to_owned();
            let read = raw.read(&iterator);
            assert_eq!(read["Records"], json!([]), "nothing is beyond the end");
            assert_eq!(read.get("NextShardIterator"), None);
            assert!(read.get("ChildShards").is_some());
        } else {
            answer.expect_error_kind("InvalidArgumentException");
        }
    }
}
