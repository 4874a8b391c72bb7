use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::Record;
use md5::{Digest, Md5};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;

use super::aggregator::{Aggregated, Aggregator, Limits};
use super::deaggregate::{self, DamageKind, Filter, split};
use super::format::{AggregateMessage, MAGIC, RecordMessage, Tag};
use super::{HashKeyRange, Misplaced, ShardAggregator, StreamAggregator, UserRecord};
use crate::load::shard_map::hash_key;
use crate::load::shard_map::tests::even;

/// What the Python package `aws_kinesis_agg` made, and read.
const VECTORS: &str = include_str!("vectors.json");

#[derive(Deserialize)]
struct Vectors {
    aggregates: Vec<Vector>,
    damaged: Vec<Broken>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    records: Vec<Line>,
    aggregate: String,
}

#[derive(Deserialize)]
struct Line {
    partition_key: String,
    explicit_hash_key: Option<String>,
    data: String,
}

#[derive(Deserialize)]
struct Broken {
    name: String,
    data: String,
    is_aggregate: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

impl Vector {
    fn records(&self) -> Vec<UserRecord> {
        let record = |line: &Line| UserRecord {
            explicit_hash_key: line.explicit_hash_key.as_ref().map(|key| key.parse().unwrap()),
            ..UserRecord::new(&*line.partition_key, bytes(&line.data))
        };
        self.records.iter().map(record).collect()
    }
}

/// All of them in one stream record.
fn aggregate(records: impl IntoIterator<Item = UserRecord>) -> Aggregated {
    let mut aggregator = Aggregator::new(Limits::new(Limits::BYTES_MAX, usize::MAX).unwrap());
    for record in records {
        assert_eq!(aggregator.add(record).unwrap(), None);
    }
    aggregator.flush().unwrap()
}

fn stored(aggregated: &Aggregated) -> Record {
    let record = Record::builder()
        .sequence_number("49")
        .partition_key(&aggregated.partition_key)
        .data(Blob::new(aggregated.data.clone()));
    record.build().unwrap()
}

/// A message in its frame, with a digest that is right.
fn framed(message: &[u8]) -> Vec<u8> {
    [&MAGIC, message, &Md5::digest(message)].concat()
}

#[test]
fn what_the_published_package_made_is_read() {
    for vector in vectors().aggregates {
        let split = split(&bytes(&vector.aggregate)).unwrap();
        assert_eq!(split.records, vector.records(), "{}", vector.name);
        assert_eq!(split.damage, None, "{}", vector.name);
    }
}

#[test]
fn the_same_user_records_make_the_same_bytes() {
    let mut compared = 0;
    for vector in vectors().aggregates {
        // Theirs wraps a user record that is alone; ours lets it go alone, as the KPL does.
        if vector.records.len() > 1 {
            let ours = aggregate(vector.records());
            assert_eq!(ours.data, bytes(&vector.aggregate), "{}", vector.name);
            compared += 1;
        }
    }
    assert!(compared >= 9, "only {compared} vectors with several user records");
}

#[test]
fn what_is_no_aggregate_to_the_published_package_is_none_here() {
    for broken in vectors().damaged {
        let split = split(&bytes(&broken.data));
        assert_eq!(split.is_some(), broken.is_aggregate, "{}", broken.name);
    }
}

#[test]
fn a_user_record_alone_goes_as_it_is() {
    let alone = aggregate([UserRecord::new("user-1", "hello").with_hash_key(7)]);
    let expected = Aggregated {
        partition_key: "user-1".to_owned(),
        explicit_hash_key: Some(7),
        data: b"hello".to_vec(),
        hash_keys: vec![7],
    };
    assert_eq!(alone, expected);
    let by_key = aggregate([UserRecord::new("user-1", "hello")]);
    assert_eq!(by_key.explicit_hash_key, None);
    assert_eq!(by_key.hash_keys, [hash_key("user-1")]);
}

#[test]
fn an_aggregate_goes_by_the_hash_key_of_its_first() {
    let two = aggregate([UserRecord::new("user-1", "1"), UserRecord::new("user-2", "2")]);
    assert_eq!(two.partition_key, "a");
    assert_eq!(two.explicit_hash_key, Some(hash_key("user-1")));
}

#[test]
fn data_that_is_itself_an_aggregate_is_wrapped_so_that_it_arrives_whole() {
    let inner = aggregate([UserRecord::new("a", "1"), UserRecord::new("b", "2")]).data;
    let mut aggregator = Aggregator::new(Limits::default());
    aggregator.add(UserRecord::new("outer", inner.clone())).unwrap();
    let reckoned = aggregator.bytes();
    let outer = aggregator.flush().unwrap();
    assert_eq!(outer.bytes(), reckoned);
    let read = deaggregate::records([stored(&outer)], Filter::None).records;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].data, inner);
    assert_eq!(read[0].partition_key, "outer");
}

#[test]
fn tags_come_back() {
    let tag = |key: &str, value: Option<&str>| Tag {
        key: key.to_owned(),
        value: value.map(str::to_owned),
    };
    let tagged = UserRecord {
        tags: vec![tag("trace", Some("1")), tag("hot", None)],
        ..UserRecord::new("a", "1")
    };
    let read = split(&aggregate([tagged.clone()]).data).unwrap();
    assert_eq!(read.records, [tagged]);
}

#[test]
fn it_is_full_by_bytes_to_the_byte() {
    let user = |n: usize| UserRecord::new(format!("user-{}", n % 3), vec![b'x'; 100]);
    let five = aggregate((0..5).map(user)).bytes();
    for (bytes_max, in_the_first) in [(five, 5), (five - 1, 4), (five + 1, 5)] {
        let mut aggregator = Aggregator::new(Limits::new(bytes_max, usize::MAX).unwrap());
        let full = (0..6).find_map(|n| aggregator.add(user(n)).unwrap()).unwrap();
        assert_eq!(full.user_records(), in_the_first, "with room for {bytes_max}");
        assert!(full.bytes() <= bytes_max);
    }
}

#[test]
fn it_is_full_by_count() {
    let mut aggregator = Aggregator::new(Limits::new(51_200, 2).unwrap());
    let full: Vec<_> = (0..5)
        .filter_map(|n| aggregator.add(UserRecord::new("a", format!("{n}"))).unwrap())
        .collect();
    assert_eq!(full.iter().map(Aggregated::user_records).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(aggregator.user_records(), 1);
}

#[test]
fn a_user_record_above_the_limit_goes_alone_and_one_above_all_limits_not_at_all() {
    let mut aggregator = Aggregator::new(Limits::new(1_000, usize::MAX).unwrap());
    aggregator.add(UserRecord::new("a", "small")).unwrap();
    let small = aggregator.add(UserRecord::new("a", vec![0; 5_000])).unwrap().unwrap();
    assert_eq!(small.data, b"small");
    let large = aggregator.add(UserRecord::new("a", "small")).unwrap().unwrap();
    assert_eq!(large.data.len(), 5_000);

    let most = Limits::BYTES_MAX - 1;
    assert!(aggregator.add(UserRecord::new("a", vec![0; most])).is_ok());
    let refused = aggregator.add(UserRecord::new("a", vec![0; most + 1])).unwrap_err();
    assert!(refused.to_string().contains("split it"), "{refused}");
    assert_eq!(refused.record.data.len(), most + 1);
}

#[test]
fn limits_that_no_stream_has_are_refused() {
    assert!(Limits::new(0, 1).is_err());
    assert!(Limits::new(Limits::BYTES_MAX + 1, 1).is_err());
    assert!(Limits::new(1, 0).is_err());
}

#[test]
fn a_shard_takes_its_own_hash_keys_only() {
    let lower = HashKeyRange { first: 0, last: u128::MAX / 2 };
    let mut shard = ShardAggregator::new(lower, Limits::default());
    let inside = UserRecord::new("a", "1").with_hash_key(u128::MAX / 2);
    let outside = UserRecord::new("a", "1").with_hash_key(u128::MAX / 2 + 1);
    assert_eq!(shard.add(inside), Ok(None));
    assert_eq!(shard.add(outside.clone()), Err(Misplaced::OtherShard(outside)));
    assert_eq!(shard.flush().unwrap().user_records(), 1);
}

#[test]
fn no_aggregate_spans_two_shards() {
    let map = even(4);
    let mut stream = StreamAggregator::new(map.clone(), Limits::new(400, usize::MAX).unwrap());
    let mut aggregates = Vec::new();
    for n in 0..500 {
        aggregates.extend(stream.add(UserRecord::new(format!("user-{n}"), "hello")).unwrap());
    }
    aggregates.extend(stream.flush());
    assert_eq!(aggregates.iter().map(Aggregated::user_records).sum::<usize>(), 500);
    for aggregate in &aggregates {
        let landed_on = map.owner(aggregate.explicit_hash_key.unwrap_or(aggregate.hash_keys[0]));
        let range = HashKeyRange::from(&map.shards()[landed_on]);
        assert_eq!(aggregate.outside(range).next(), None);
    }
}

#[test]
fn after_a_split_what_waits_is_sorted_anew_in_order() {
    let mut stream = StreamAggregator::new(even(1), Limits::default());
    for n in 0..100 {
        let record = UserRecord::new(format!("user-{}", n % 10), format!("{n}"));
        assert_eq!(stream.add(record), Ok(None));
    }
    assert_eq!(stream.reshard(even(4)), []);
    let mut last = [None; 10];
    for aggregate in stream.flush() {
        for record in split(&aggregate.data).unwrap().records {
            let n: usize = std::str::from_utf8(&record.data).unwrap().parse().unwrap();
            assert!(last[n % 10] < Some(n), "user-{} is out of order", n % 10);
            last[n % 10] = Some(n);
            assert_eq!(
                even(4).owner(record.hash_key()),
                even(4).owner(aggregate.explicit_hash_key.unwrap())
            );
        }
    }
    assert!(last.iter().all(Option::is_some));
}

#[test]
fn an_aggregate_that_landed_on_a_child_is_left_out_as_the_kcl_does() {
    let key = |hash_key| UserRecord::new("k", "x").with_hash_key(hash_key);
    let spanning = aggregate([key(1), key(u128::MAX), key(2)]);
    let inside = aggregate([key(3), key(4)]);
    let records = || [stored(&spanning), stored(&inside)];
    let child = HashKeyRange { first: 0, last: 99 };
    let read = |filter| {
        let read = deaggregate::records(records(), filter).records;
        read.into_iter()
            .map(|r| (r.explicit_hash_key.unwrap(), r.sub_sequence_number.unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(Filter::None), [(1, 0), (u128::MAX, 1), (2, 2), (3, 0), (4, 1)]);
    assert_eq!(read(Filter::WholeAggregates(child)), [(3, 0), (4, 1)]);
    assert_eq!(read(Filter::EachRecord(child)), [(1, 0), (2, 2), (3, 0), (4, 1)]);
    assert_eq!(read(Filter::WholeAggregates(HashKeyRange::ALL)).len(), 5);
    assert_eq!(spanning.outside(child).collect::<Vec<_>>(), [1]);
}

#[test]
fn plain_records_pass_through_between_aggregates() {
    let plain = Aggregated {
        partition_key: "p".to_owned(),
        explicit_hash_key: None,
        data: b"\xF3\x89\x9A\xC2 but no aggregate, for all its beginning".to_vec(),
        hash_keys: vec![0],
    };
    let two = aggregate([UserRecord::new("a", "1"), UserRecord::new("b", "2")]);
    let outside = HashKeyRange { first: 0, last: 0 };
    for filter in [Filter::None, Filter::WholeAggregates(outside), Filter::EachRecord(outside)] {
        let read = deaggregate::records([stored(&plain), stored(&two), stored(&plain)], filter);
        let plains = read.records.iter().filter(|record| record.sub_sequence_number.is_none());
        let mut seen = 0;
        for record in plains {
            assert_eq!((&record.data, &*record.partition_key), (&plain.data, "p"));
            assert_eq!(record.sequence_number, "49");
            seen += 1;
        }
        assert_eq!(seen, 2, "{filter:?}");
    }
}

#[test]
fn what_comes_before_the_damage_is_handed_out() {
    let record = |partition_key, hash_key| RecordMessage {
        partition_key_index: Some(partition_key),
        explicit_hash_key_index: hash_key,
        data: Some(b"x".to_vec()),
        tags: Vec::new(),
    };
    for (second, kind, advice) in [
        (record(9, None), DamageKind::PartitionKeyIndex(9), "partition key 9"),
        (record(u64::MAX, None), DamageKind::PartitionKeyIndex(u64::MAX), "partition key 1844"),
        (record(0, Some(7)), DamageKind::HashKeyIndex(7), "hash key 7"),
        (record(0, Some(0)), DamageKind::HashKey("odd".to_owned()), "\"odd\""),
    ] {
        let message = AggregateMessage {
            partition_key_table: vec![b"a".to_vec()],
            explicit_hash_key_table: vec![b"odd".to_vec()],
            records: vec![record(0, None), second, record(0, None)],
        };
        let split = split(&message.encode_framed()).unwrap();
        assert_eq!(split.records, [UserRecord::new("a", "x")]);
        let damage = split.damage.unwrap();
        assert_eq!((damage.position, &damage.kind), (1, &kind));
        assert!(damage.to_string().contains(advice), "{damage}");
    }
}

#[test]
fn a_required_member_that_is_missing_makes_it_plain_as_in_the_kcl() {
    // The Python package of today does not look at that; protobuf for Java does.
    for message in [&b"\x0a\x01a\x1a\x02\x08\x00"[..], b"\x0a\x01a\x1a\x02\x1a\x00"] {
        assert_eq!(split(&framed(message)), None);
    }
    assert!(split(&framed(b"\x0a\x01a\x1a\x04\x08\x00\x1a\x00")).is_some());
}

#[test]
fn a_key_that_is_no_text_is_read_as_the_kcl_reads_it() {
    let read = split(&framed(b"\x0a\x01\xff\x1a\x04\x08\x00\x1a\x00")).unwrap();
    assert_eq!(read.records[0].partition_key, "\u{FFFD}");
}

fn user_record() -> impl Strategy<Value = UserRecord> {
    let key = prop_oneof!["[a-c]", "\\PC{1,16}"];
    let hash_key =
        prop_oneof![Just(None), any::<u128>().prop_map(Some), (0..9_u128).prop_map(Some)];
    (key, hash_key, vec(any::<u8>(), 0..200)).prop_map(|(key, explicit_hash_key, data)| {
        UserRecord { explicit_hash_key, ..UserRecord::new(key, data) }
    })
}

proptest! {
    #[test]
    fn user_records_come_back_whatever_they_are(records in vec(user_record(), 1..25)) {
        let aggregated = aggregate(records.clone());
        prop_assert_eq!(aggregated.user_records(), records.len());
        let read = deaggregate::records([stored(&aggregated)], Filter::None).records;
        prop_assert_eq!(read.len(), records.len());
        for (read, record) in read.iter().zip(&records) {
            prop_assert_eq!(&read.data, &record.data);
            prop_assert_eq!(&read.partition_key, &record.partition_key);
        }
    }

    #[test]
    fn the_size_is_known_before_it_is_made(
        records in vec(user_record(), 1..25),
        bytes_max in 1_usize..5_000,
        records_max in 1_usize..20,
    ) {
        let mut aggregator = Aggregator::new(Limits::new(bytes_max, records_max).unwrap());
        let mut made = Vec::new();
        for record in &records {
            let (before, with) = (aggregator.bytes(), aggregator.bytes_with(record));
            match aggregator.add(record.clone()).unwrap() {
                None => prop_assert_eq!(aggregator.bytes(), with),
                Some(full) => {
                    prop_assert_eq!(full.bytes(), before);
                    prop_assert!(with > bytes_max || full.user_records() == records_max);
                    made.push(full);
                }
            }
        }
        let left = aggregator.bytes();
        made.extend(aggregator.flush());
        prop_assert_eq!(made.last().unwrap().bytes(), left);
        for full in &made {
            prop_assert!(full.bytes() <= bytes_max || full.user_records() == 1);
            prop_assert!(full.user_records() <= records_max);
        }
        prop_assert_eq!(made.iter().map(Aggregated::user_records).sum::<usize>(), records.len());
    }

    #[test]
    fn no_bytes_make_reading_panic(data: Vec<u8>) {
        prop_assert_eq!(split(&data), None);
        let _ = split(&[&MAGIC[..], &data].concat());
        let _ = split(&framed(&data));
    }

    #[test]
    fn no_damage_makes_reading_panic(
        records in vec(user_record(), 2..20),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let aggregated = aggregate(records);
        let mut message = aggregated.data[MAGIC.len()..aggregated.data.len() - 16].to_vec();
        let at = at.index(message.len());
        message[at] = byte;
        if let Some(read) = split(&framed(&message)) {
            prop_assert!(read.damage.is_none_or(|damage| damage.position == read.records.len()));
        }
        message.truncate(at);
        let _ = split(&framed(&message));
    }
}
