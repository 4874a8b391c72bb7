//! GetRecords: pages, the way to the tip, expiry, and iterators that are not
//! what they seem.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::raw::{
    ACCOUNT, Custom, Raw, START, data_of, each, list, members, put_input, text,
};

const MIB: usize = 1024 * 1024;
const HOUR: Duration = Duration::from_secs(60 * 60);

fn stream_of(records: &[&str]) -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for data in records {
        raw.put("s", "k", data.as_bytes());
    }
    raw
}

// behaviours 69
#[test]
fn a_record_has_exactly_the_recorded_members() {
    let raw = stream_of(&[]);
    raw.advance(Duration::from_millis(1500));
    let number = raw.put("s", "key", b"hi");
    let answer = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert_eq!(members(&answer), ["MillisBehindLatest", "NextShardIterator", "Records"]);
    let mut record = answer["Records"][0].clone();
    let arrival = record["ApproximateArrivalTimestamp"].as_f64().expect("seconds");
    assert!((arrival - (START.as_seconds() as f64 + 1.5)).abs() < 0.000_1, "{arrival}");
    record["ApproximateArrivalTimestamp"] = json!(null);
    assert_eq!(
        record,
        json!({
            "SequenceNumber": number, "PartitionKey": "key", "Data": "aGk=",
            "ApproximateArrivalTimestamp": null,
        })
    );
}

// behaviours 85, 86
#[test]
fn an_empty_read_is_at_the_tip_and_goes_on() {
    let raw = stream_of(&[]);
    for kind in ["TRIM_HORIZON", "LATEST"] {
        let answer = raw.read(&raw.iterator("s", "0", kind));
        assert_eq!(members(&answer), ["MillisBehindLatest", "NextShardIterator", "Records"]);
        assert_eq!((&answer["Records"], &answer["MillisBehindLatest"]), (&json!([]), &json!(0)));
    }
    let next = text(&raw.read(&raw.iterator("s", "0", "LATEST"))["NextShardIterator"]);
    raw.put("s", "k", b"later");
    assert_eq!(data_of(&raw.read(&next)), ["later"]);
}

// behaviours 83
#[test]
fn pages_have_no_gap_and_no_repetition() {
    let names: Vec<_> = (0..25).map(|number| number.to_string()).collect();
    let raw = stream_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 10}));
        let page = data_of(&answer);
        sizes.push(page.len());
        seen.extend(page);
        iterator = text(&answer["NextShardIterator"]);
    }
    assert_eq!(seen, names);
    assert_eq!(sizes, [10, 10, 5, 0]);
}

// behaviours 83, 91
#[test]
fn an_iterator_can_be_read_again() {
    let raw = stream_of(&["a", "b", "c"]);
    let first = raw.iterator("s", "0", "TRIM_HORIZON");
    let second = text(
        &raw.ok("GetRecords", json!({"ShardIterator": first, "Limit": 1}))["NextShardIterator"],
    );
    for _ in 0..3 {
        assert_eq!(data_of(&raw.read(&first)), ["a", "b", "c"]);
        assert_eq!(data_of(&raw.read(&second)), ["b", "c"]);
    }
}

// behaviours 84
#[test]
fn every_next_iterator_is_a_new_one() {
    let raw = stream_of(&[]);
    let mut iterator = raw.iterator("s", "0", "LATEST");
    let mut seen = std::collections::HashSet::from([iterator.clone()]);
    for _ in 0..10 {
        iterator = text(&raw.read(&iterator)["NextShardIterator"]);
        assert!(seen.insert(iterator.clone()));
    }
}

// behaviours 86
#[test]
fn millis_behind_latest_is_positive_while_records_are_unread() {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    for data in ["a", "b", "c"] {
        raw.put("s", "k", data.as_bytes());
        raw.advance(Duration::from_secs(2));
    }
    let mut iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let mut behind = Vec::new();
    for _ in 0..4 {
        let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 1}));
        behind.push(answer["MillisBehindLatest"].as_u64().expect("a number"));
        iterator = text(&answer["NextShardIterator"]);
    }
    // The next record arrived four seconds ago, then two, then there is none.
    assert_eq!(behind, [4000, 2000, 0, 0]);
}

// behaviours 86: a reader must not take an unread record for the tip
#[test]
fn a_record_of_this_very_millisecond_counts_as_backlog() {
    let raw = stream_of(&["a", "b"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": 1}));
    assert!(answer["MillisBehindLatest"].as_u64() > Some(0));
}

// behaviours 90
#[test]
fn one_read_returns_at_most_10_000_records() {
    let raw = stream_of(&[]);
    let records = vec![json!({"Data": "", "PartitionKey": "k"}); 500];
    for _ in 0..21 {
        raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
    }
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    for limit in [json!(null), json!(10_000)] {
        let answer = raw.ok("GetRecords", json!({"ShardIterator": iterator, "Limit": limit}));
        assert_eq!(list(&answer["Records"]).len(), 10_000);
        let rest = raw.read(&text(&answer["NextShardIterator"]));
        assert_eq!(list(&rest["Records"]).len(), 500);
        let numbers = each(&answer["Records"], "SequenceNumber");
        assert!(numbers.is_sorted_by(|one, other| one < other));
        assert!(numbers.last() < each(&rest["Records"], "SequenceNumber").first());
    }
}

// limits.md, section 2: 10 MiB a read, and at least one record
#[test]
fn one_read_returns_at_most_ten_mebibytes() {
    let raw = stream_of(&[]);
    let data = vec![b'x'; MIB - 1];
    for _ in 0..11 {
        raw.put("s", "k", &data);
    }
    let answer = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert_eq!(list(&answer["Records"]).len(), 10);
    assert!(answer["MillisBehindLatest"].as_u64() > Some(0));
    assert_eq!(list(&raw.read(&text(&answer["NextShardIterator"]))["Records"]).len(), 1);
}

// behaviours 89; facts, section 4, GetRecords
#[test]
fn an_iterator_expires_after_300_seconds() {
    let raw = stream_of(&["a"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    raw.advance(Duration::from_secs(300));
    let answer = raw.read(&iterator);
    assert_eq!(data_of(&answer), ["a"], "300 seconds are not too long");
    raw.advance(Duration::from_millis(1));
    let expired = json!({"ShardIterator": iterator});
    raw.call("GetRecords", expired.clone()).expect_error(
        "ExpiredIteratorException",
        "Iterator expired. The iterator was created at time Thu Jan 22 01:22:02 UTC 2015 while \
         right now it is Thu Jan 22 01:27:02 UTC 2015 which is further in the future than the \
         tolerated delay of 300000 milliseconds.",
    );
    // The next iterator has a life of its own.
    raw.advance(Duration::from_secs(299));
    raw.read(&text(&answer["NextShardIterator"]));
    // Expiry is noticed before the stream is looked for.
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    raw.call("GetRecords", expired).expect_error_kind("ExpiredIteratorException");
}

// facts, section 4, GetRecords
#[test]
fn forged_iterators_are_invalid() {
    let raw = stream_of(&["a"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let bytes = STANDARD.decode(&iterator).unwrap();
    let mut forgeries: Vec<String> = (0..bytes.len())
        .map(|place| {
            let mut forged = bytes.clone();
            forged[place] ^= 1;
            STANDARD.encode(forged)
        })
        .collect();
    forgeries.extend(["garbage", "AAAA", "\"", "\"\""].map(str::to_owned));
    forgeries.extend([
        iterator[4..].to_owned(),
        iterator[..iterator.len() - 4].to_owned(),
        format!("{iterator}AAAA"),
        format!("{iterator} "),
        format!("\"{iterator}"),
        STANDARD.encode(vec![0; 152]),
        STANDARD.encode(vec![0xff; 280]),
    ]);
    for forged in forgeries {
        raw.call("GetRecords", json!({"ShardIterator": forged}))
            .expect_error("InvalidArgumentException", "Invalid ShardIterator.");
    }
    let token = text(&{
        raw.create_stream("t", 1);
        raw.ok("ListStreams", json!({"Limit": 1}))["NextToken"].clone()
    });
    raw.call("GetRecords", json!({"ShardIterator": token}))
        .expect_error("InvalidArgumentException", "Invalid ShardIterator.");
}

// facts, section 6: recorded on AWS
#[test]
fn quotes_around_an_iterator_are_taken() {
    let raw = stream_of(&["a"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    assert_eq!(data_of(&raw.read(&format!("\"{iterator}\""))), ["a"]);
}

#[test]
fn an_iterator_of_another_emulator_is_invalid() {
    let iterator = stream_of(&["a"]).iterator("s", "0", "TRIM_HORIZON");
    stream_of(&["b"])
        .call("GetRecords", json!({"ShardIterator": iterator}))
        .expect_error("InvalidArgumentException", "Invalid ShardIterator.");
}

#[test]
fn an_iterator_is_its_owners() {
    let raw = stream_of(&["a"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let input = json!({"ShardIterator": iterator});
    for (account, region) in [("123456789012", "us-east-1"), (ACCOUNT, "eu-west-1")] {
        raw.send(Custom::json("GetRecords", &input).by(account, region))
            .expect_error("InvalidArgumentException", "Invalid ShardIterator.");
    }
    raw.create_stream("t", 1);
    let other = json!({
        "ShardIterator": iterator, "StreamARN": format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/t"),
    });
    raw.call("GetRecords", other).expect_error_kind("InvalidArgumentException");
}

// behaviours 88
#[test]
fn an_iterator_of_a_deleted_stream_finds_no_shard() {
    let raw = stream_of(&["a"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    raw.done("DeleteStream", json!({"StreamName": "s"}));
    let missing =
        "Shard shardId-000000000000 in stream s under account 000000000000 does not exist";
    raw.call("GetRecords", json!({"ShardIterator": iterator}))
        .expect_error("ResourceNotFoundException", missing);
    // A namesake is another stream.
    raw.create_stream("s", 1);
    raw.put("s", "k", b"b");
    raw.call("GetRecords", json!({"ShardIterator": iterator}))
        .expect_error("ResourceNotFoundException", missing);
}

// behaviours 91
#[test]
fn shards_are_read_apart() {
    let raw = Raw::new();
    raw.create_stream("s", 3);
    for key in ["a", "b", "e", "f"] {
        raw.ok("PutRecord", put_input("s", key, key.as_bytes()));
    }
    assert_eq!(raw.read_all("s", "0"), ["a"]);
    assert_eq!(raw.read_all("s", "1"), ["b", "f"]);
    assert_eq!(raw.read_all("s", "2"), ["e"]);
}

// behaviours 55: 24 hours, unless the stream says otherwise
#[test]
fn records_are_gone_when_their_retention_is_over() {
    let raw = stream_of(&["old"]);
    raw.advance(12 * HOUR);
    raw.put("s", "k", b"new");
    let number_of_old = {
        let answer = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
        each(&answer["Records"], "SequenceNumber")[0].to_owned()
    };
    raw.advance(12 * HOUR);
    assert_eq!(raw.read_all("s", "0"), ["old", "new"], "to the millisecond");
    let stale = raw.iterator("s", "0", "TRIM_HORIZON");
    raw.advance(Duration::from_millis(1));
    assert_eq!(raw.read_all("s", "0"), ["new"]);
    assert_eq!(data_of(&raw.read(&stale)), ["new"], "an iterator does not keep records");
    let at_old = json!({
        "StreamName": "s", "ShardId": "0", "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": number_of_old,
    });
    assert_eq!(data_of(&raw.read(&raw.iterator_of(at_old))), ["new"]);
    raw.advance(13 * HOUR);
    let answer = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert_eq!((&answer["Records"], &answer["MillisBehindLatest"]), (&json!([]), &json!(0)));
    let last = raw.put("s", "k", b"newest");
    assert!(last > number_of_old, "numbers go on after the shard was empty");
    assert_eq!(raw.read_all("s", "0"), ["newest"]);
}

#[test]
fn all_of_a_full_shard_is_gone_after_25_hours() {
    let raw = stream_of(&[]);
    let records = vec![json!({"Data": "eHh4eA==", "PartitionKey": "k"}); 500];
    for _ in 0..10 {
        raw.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
    }
    assert_eq!(raw.read_all("s", "0").len(), 5000);
    raw.advance(25 * HOUR);
    assert!(raw.read_all("s", "0").is_empty());
    raw.put("s", "k", b"x");
    assert_eq!(raw.read_all("s", "0"), ["x"]);
}
