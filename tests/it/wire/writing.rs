//! PutRecord and PutRecords: routing, numbers, sizes and refusals.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::support::raw::{
    Number, Raw, START, data_of, decimal, each, list, members, put_input, text,
};

const MIB: usize = 1024 * 1024;

#[track_caller]
fn put_batch(raw: &Raw, records: Value) -> Value {
    raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}))
}

// behaviours 66
#[test]
fn answers_to_puts_have_exactly_the_recorded_members() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    let placed = raw.ok("PutRecord", put_input("s", "a", b"x"));
    assert_eq!(members(&placed), ["SequenceNumber", "ShardId"]);
    let batch = put_batch(
        &raw,
        json!([{"Data": "", "PartitionKey": "a"}, {"Data": "", "PartitionKey": "b"}]),
    );
    assert_eq!(members(&batch), ["FailedRecordCount", "Records"]);
    assert_eq!(batch["FailedRecordCount"], 0);
    for record in list(&batch["Records"]) {
        assert_eq!(members(record), ["SequenceNumber", "ShardId"]);
    }
}

/// Which of `shards` equal ranges a partition key falls into.
fn shard_of(key: &str, shards: u128) -> String {
    let hash = u128::from_be_bytes(Md5::digest(key).into());
    // floor(2^128 / shards), of which 2^128 itself does not fit.
    let width = u128::MAX / shards + u128::from(u128::MAX % shards == shards - 1 && shards > 1);
    format!("shardId-{:012}", (hash / width).min(shards - 1))
}

// behaviours 61
#[test]
fn the_md5_of_the_key_decides_on_the_shard() {
    for shards in [1, 2, 3, 7] {
        let raw = Raw::new();
        raw.create_stream("s", shards);
        let keys: Vec<_> = (0..50).map(|number| format!("key-{number}")).collect();
        let keys: Vec<_> =
            keys.iter().map(String::as_str).chain(["a", "b", "e", "f", "統", "😀", "\0"]).collect();
        let expected: Vec<_> = keys.iter().map(|key| shard_of(key, shards.into())).collect();
        for (key, shard) in keys.iter().zip(&expected) {
            assert_eq!(raw.ok("PutRecord", put_input("s", key, b""))["ShardId"], *shard, "{key}");
        }
        let records: Vec<_> =
            keys.iter().map(|key| json!({"Data": "", "PartitionKey": key})).collect();
        assert_eq!(each(&put_batch(&raw, json!(records))["Records"], "ShardId"), expected);
    }
}

// facts, section 4, PutRecord: recorded for three shards
#[test]
fn keys_go_where_they_were_recorded_to_go() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    for (key, shard) in [("a", 0), ("b", 1), ("e", 2), ("f", 1)] {
        let placed = raw.ok("PutRecord", put_input("s", key, b""));
        assert_eq!(placed["ShardId"], format!("shardId-{shard:012}"));
    }
}

#[test]
fn the_explicit_hash_key_wins_over_the_partition_key() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    for (hash_key, shard) in [
        ("0", 0),
        ("113427455640312821154458202477256070484", 0),
        ("113427455640312821154458202477256070485", 1),
        ("226854911280625642308916404954512140969", 1),
        ("226854911280625642308916404954512140970", 2),
        ("340282366920938463463374607431768211455", 2),
    ] {
        let mut input = put_input("s", "a", b"");
        input["ExplicitHashKey"] = json!(hash_key);
        let expected = format!("shardId-{shard:012}");
        assert_eq!(raw.ok("PutRecord", input)["ShardId"], expected, "{hash_key}");
        let record = json!({"Data": "", "PartitionKey": "a", "ExplicitHashKey": hash_key});
        assert_eq!(put_batch(&raw, json!([record]))["Records"][0]["ShardId"], expected);
    }
}

// facts, section 4, PutRecord and PutRecords
#[test]
fn a_hash_key_out_of_range_refuses_the_whole_call() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let sentence = |key: &str| {
        format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
             Specified value was {key}"
        )
    };
    let (first, second) = ("340282366920938463463374607431768211456", "9".repeat(39));
    let mut input = put_input("s", "a", b"");
    input["ExplicitHashKey"] = json!(first);
    raw.call("PutRecord", input).expect_error("InvalidArgumentException", &sentence(first));
    let record = |key: Value| json!({"Data": "", "PartitionKey": "a", "ExplicitHashKey": key});
    let records = json!([record(json!("0")), record(json!(second)), record(json!(first))]);
    raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
        .expect_error("InvalidArgumentException", &sentence(&second));
    assert!(raw.read_all("s", "0").is_empty(), "nothing of a refused call is stored");
}

// behaviours 62, 63
#[test]
fn numbers_of_a_shard_rise_in_the_order_of_requests() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let start = text(&raw.shards("s")[0]["SequenceNumberRange"]["StartingSequenceNumber"]);
    let mut numbers = vec![start];
    for round in 0..5 {
        numbers.push(raw.put("s", "a", b"x"));
        let records: Vec<_> = (0..10)
            .map(|key| json!({"Data": "", "PartitionKey": format!("{round}-{key}")}))
            .collect();
        let batch = put_batch(&raw, json!(records));
        numbers.extend(each(&batch["Records"], "SequenceNumber").into_iter().map(str::to_owned));
        raw.advance(Duration::from_secs(round));
    }
    assert!(numbers.iter().all(|number| number.len() == 56 && !number.starts_with('0')));
    assert!(
        numbers.is_sorted_by(|one, other| one < other),
        "of equal length, texts order as numbers"
    );
}

// behaviours 61, 63
#[test]
fn answers_to_a_batch_are_in_its_order_and_so_are_its_records() {
    let raw = Raw::new();
    raw.create_stream("s", 4);
    let keys: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
    let records: Vec<_> =
        keys.iter().map(|key| json!({"Data": STANDARD.encode(key), "PartitionKey": key})).collect();
    let batch = put_batch(&raw, json!(records));
    let placed = list(&batch["Records"]);
    for shard in 0..4 {
        let id = format!("shardId-{shard:012}");
        let sent: Vec<_> = keys
            .iter()
            .zip(placed)
            .filter(|(_, place)| place["ShardId"] == id.as_str())
            .map(|(key, place)| (key.clone(), text(&place["SequenceNumber"])))
            .collect();
        let read = raw.read(&raw.iterator("s", &id, "TRIM_HORIZON"));
        let read: Vec<_> = data_of(&read)
            .into_iter()
            .zip(each(&read["Records"], "SequenceNumber").into_iter().map(str::to_owned))
            .collect();
        assert_eq!(read, sent);
        assert!(sent.is_sorted_by(|one, other| one.1 < other.1));
    }
}

// wire.md, section 12; facts, section 5
#[test]
fn a_number_says_where_and_when_the_record_was_stored() {
    let raw = Raw::new();
    raw.create_stream("s", 18);
    let shards = raw.shards("s");
    for shard in [0, 15, 16, 17_usize] {
        let start = Number::read(
            shards[shard]["SequenceNumberRange"]["StartingSequenceNumber"].as_str().unwrap(),
        );
        assert_eq!(
            (start.lead, start.index, start.shard as usize, start.version),
            (2, 0, shard, 2)
        );
        assert_eq!(start.seconds, start.created_seconds);
        // Recorded: two to seven seconds before the stream.
        assert!((2..=7).contains(&(START.as_seconds() - start.created_seconds)));
    }
    raw.advance(Duration::from_secs(100));
    let mut input = put_input("s", "a", b"");
    input["ExplicitHashKey"] = shards[17]["HashKeyRange"]["StartingHashKey"].clone();
    let number = Number::read(&text(&raw.ok("PutRecord", input)["SequenceNumber"]));
    assert_eq!(number.shard, 17);
    assert!(number.index > 0);
    assert_eq!(number.seconds, START.as_seconds() + 100);
}

// behaviours 67
#[test]
fn data_is_opaque() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let all: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 5] = [b"", b"\0\0", &all, "Grüße 統 😀".as_bytes(), b"\xff\xfe"];
    for payload in payloads {
        raw.put("s", "a", payload);
    }
    let read = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    let back: Vec<_> = each(&read["Records"], "Data")
        .into_iter()
        .map(|data| STANDARD.decode(data).unwrap())
        .collect();
    assert_eq!(back, payloads);
}

#[track_caller]
fn check_ordering(raw: &Raw, number: &str, legal: bool) {
    let mut input = put_input("s", "a", b"");
    input["SequenceNumberForOrdering"] = json!(number);
    let answer = raw.call("PutRecord", input);
    if legal {
        assert!(text(&answer.expect_ok()["SequenceNumber"]).len() == 56);
    } else {
        answer.expect_error(
            "InvalidArgumentException",
            &format!(
                "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream s \
                 under account 000000000000 is invalid."
            ),
        );
    }
}

// behaviours 64
#[test]
fn a_record_can_be_ordered_after_another() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let mut last = raw.put("s", "a", b"0");
    for _ in 0..3 {
        let mut input = put_input("s", "a", b"");
        input["SequenceNumberForOrdering"] = json!(last);
        let next = text(&raw.ok("PutRecord", input)["SequenceNumber"]);
        assert!(next > last);
        last = next;
    }
    // Of the second after a split, at which the children were made.
    let half = (1_u128 << 127).to_string();
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": half});
    let ending = Number { index: 0x7fff_ffff_ffff_ffff, ..Number::read(&last) }.decimal();
    check_ordering(&raw, &ending, false);
    raw.done("SplitShard", split);
    check_ordering(&raw, &raw.put("s", "a", b""), true);
    // Of a shard that has closed: its last record's, and its ending number.
    check_ordering(&raw, &last, true);
    let shards = raw.ok("ListShards", json!({"StreamName": "s"}));
    let ending = text(&shards["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"]);
    check_ordering(&raw, &ending, true);
}

// behaviours 65; facts, section 4, PutRecord
#[test]
fn impossible_numbers_to_order_after_are_refused() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let zero = Number::ZERO;
    for number in [
        Number { version: 0, ..zero },
        Number { version: 3, ..zero },
        Number { version: 4, ..zero },
        Number { lead: 3, ..zero },
        Number { lead: 1, ..zero },
        Number { index: 0x8000_0000_0000_0000, ..zero },
        Number { created_seconds: 16_025_175_000, ..zero },
        Number {
            created_seconds: 0xf_ffff_ffff,
            index: 0x7fff_ffff_ffff_ffff,
            seconds: 0xf_ffff_ffff,
            shard: u32::MAX,
            ..zero
        },
        Number { seconds: START.as_seconds() + 1, ..zero },
        // Version 1 has its time where the index is now.
        Number { version: 1, index: (START.as_seconds() + 100) << 20, ..zero },
    ] {
        check_ordering(&raw, &number.decimal(), false);
    }
    for hex in [
        "13bb2cc3d80000000000000000000000",
        "2fffffffffffffffffffffffffffffffffffffffffffff2",
        &"f".repeat(60),
    ] {
        check_ordering(&raw, &decimal(hex), false);
    }
    check_ordering(&raw, &"9".repeat(129), false);
    let real = Number::read(&raw.put("s", "a", b""));
    for number in [
        Number { seconds: real.seconds + 1, ..real },
        Number { index: real.index + 1, ..real },
        Number { version: 1, index: (real.seconds + 1) << 20, ..real },
    ] {
        check_ordering(&raw, &number.decimal(), false);
    }
}

// facts, section 4, PutRecord
#[test]
fn old_and_foreign_numbers_to_order_after_are_taken() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw.create_stream("t", 2);
    let zero = Number::ZERO;
    for number in [
        zero,
        Number { version: 1, ..zero },
        Number { shard: 0x8000_0000, ..zero },
        Number { seconds: START.as_seconds(), ..zero },
        Number { created_seconds: 16_025_174_999, ..zero },
    ] {
        check_ordering(&raw, &number.decimal(), true);
    }
    for small in ["0", "1", "12345678901234567890"] {
        check_ordering(&raw, small, true);
    }
    check_ordering(&raw, &raw.put("t", "a", b""), true);
}

// behaviours 72
#[test]
fn a_record_is_its_data_and_its_key() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for (data, key, legal) in [
        (MIB - 1, "a", true),
        (MIB, "a", false),
        (MIB - 1, "aa", false),
        (MIB - 3, "統", true),
        (MIB - 2, "統", false),
    ] {
        let input = put_input("s", key, &vec![b'x'; data]);
        let records = json!([{"PartitionKey": key, "Data": input["Data"]}]);
        let one = raw.call("PutRecord", input);
        let batch = raw.call("PutRecords", json!({"StreamName": "s", "Records": records}));
        for answer in [one, batch] {
            if legal {
                answer.expect_ok();
            } else {
                answer.expect_error_kind("InvalidArgumentException");
            }
        }
    }
    assert_eq!(raw.read_all("s", "0").len(), 4, "what was refused is not stored");
}

// behaviours 72, 154
#[test]
fn a_stream_of_large_records_takes_and_returns_nine_mebibytes() {
    let raw = Raw::new();
    let input = json!({"StreamName": "s", "ShardCount": 1, "MaxRecordSizeInKiB": 10240});
    raw.done("CreateStream", input);
    let data: Vec<u8> = (0..9 * MIB).map(|place| (place % 251) as u8).collect();
    raw.put("s", "a", &data);
    let read = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert!(STANDARD.decode(read["Records"][0]["Data"].as_str().unwrap()).unwrap() == data);
    raw.put("s", "a", &vec![0; 10 * MIB - 1]);
    raw.call("PutRecord", put_input("s", "a", &vec![0; 10 * MIB]))
        .expect_error_kind("InvalidArgumentException");
}

// behaviours 72
#[test]
fn a_batch_is_at_most_ten_mebibytes() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let batch = |last: usize| {
        let mut records =
            vec![json!({"PartitionKey": "a", "Data": STANDARD.encode(vec![0; MIB - 1])}); 9];
        records.push(json!({"PartitionKey": "a", "Data": STANDARD.encode(vec![0; last])}));
        raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
    };
    batch(MIB - 1).expect_ok();
    let raw_of_eleven = |keys: &str| {
        let mut records =
            vec![json!({"PartitionKey": "a", "Data": STANDARD.encode(vec![0; MIB - 1])}); 10];
        records.push(json!({"PartitionKey": keys, "Data": ""}));
        raw.call("PutRecords", json!({"StreamName": "s", "Records": records}))
    };
    raw_of_eleven("a").expect_error_kind("InvalidArgumentException");
}

// behaviours 159
#[test]
fn a_dry_run_stores_nothing_and_real_errors_come_first() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let dry = |operation: &str, mut input: Value| {
        input["DryRun"] = json!(true);
        raw.call(operation, input)
    };
    let batch = |key: &str| json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "a", "ExplicitHashKey": key}]});
    let position =
        |kind: &str| json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": kind});
    for (operation, input) in [
        ("PutRecord", put_input("s", "a", b"")),
        ("PutRecords", batch("0")),
        ("GetShardIterator", position("LATEST")),
        ("GetRecords", json!({"ShardIterator": iterator})),
    ] {
        dry(operation, input).expect_error_kind("DryRunOperationException");
    }
    assert!(raw.read_all("s", "0").is_empty());
    let oversized = put_input("s", "a", &vec![0; MIB]);
    for (operation, input, kind) in [
        ("PutRecord", put_input("missing", "a", b""), "ResourceNotFoundException"),
        ("PutRecord", put_input("s", "", b""), "ValidationException"),
        ("PutRecord", oversized, "InvalidArgumentException"),
        ("PutRecords", batch(&"9".repeat(39)), "InvalidArgumentException"),
        ("GetShardIterator", position("AT_TIMESTAMP"), "InvalidArgumentException"),
        ("GetRecords", json!({"ShardIterator": "x"}), "InvalidArgumentException"),
    ] {
        dry(operation, input).expect_error_kind(kind);
    }
    let mut input = put_input("s", "a", b"x");
    input["DryRun"] = json!(false);
    raw.ok("PutRecord", input);
    assert_eq!(raw.read_all("s", "0"), ["x"]);
}

// behaviours 158
#[test]
fn under_the_strategy_auto_keys_do_not_matter() {
    let raw = Raw::new();
    raw.done("CreateStream", json!({"StreamName": "s", "RecordDistributionStrategy": "AUTO"}));
    let mut shards = std::collections::BTreeSet::new();
    for _ in 0..16 {
        let mut input = put_input("s", "same", b"x");
        input["ExplicitHashKey"] = json!("0");
        shards.insert(text(&raw.ok("PutRecord", input)["ShardId"]));
    }
    assert!(shards.len() > 1, "one key does not bind its records to one shard");
    let keyless = raw.ok("PutRecord", json!({"StreamName": "s", "Data": "eQ=="}));
    let id = text(&keyless["ShardId"]);
    put_batch(&raw, json!([{"Data": "eg=="}]));
    let read = raw.read(&raw.iterator("s", &id, "TRIM_HORIZON"));
    let records = list(&read["Records"]);
    let record = records.iter().find(|record| record["Data"] == "eQ==").expect("it was stored");
    assert_eq!(members(record), ["ApproximateArrivalTimestamp", "Data", "SequenceNumber"]);
    let keyed = records.iter().find(|record| record["Data"] == "eA==").expect("it was stored");
    assert_eq!(keyed["PartitionKey"], "same");
}
