//! Writing: what is stored, where it goes, and what is refused.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use kinesis_emulator::Emulator;
use md5::{Digest, Md5};
use proptest::prelude::*;

use crate::support::{
    Endpoint, create_stream, list_shards, read_on, read_shard, shard_id, stories,
};

stories! {
    any_bytes_come_back_as_they_were_put,
    answers_of_put_records_are_in_the_order_of_the_request,
    an_explicit_hash_key_wins_over_the_partition_key,
    a_number_for_ordering_is_one_that_was_drawn,
    one_unusable_record_stores_none_of_the_call,
    a_record_counts_with_its_key,
    puts_of_one_producer_are_read_in_their_order,
}

/// The default record size.
const RECORD_BYTES_MAX: usize = 1024 * 1024;

async fn any_bytes_come_back_as_they_were_put(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "bytes", 1).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let largest = every_byte.repeat(RECORD_BYTES_MAX / 256)[..RECORD_BYTES_MAX - 1].to_vec();
    let payloads = [Vec::new(), vec![0], vec![0xff, 0xfe, 0x00], every_byte, largest];
    for payload in &payloads {
        let put = client.put_record().stream_name("bytes").partition_key("k");
        let placed = put.data(Blob::new(payload.clone())).send().await.expect("it fits");
        assert_eq!(placed.shard_id, shard_id(0));
    }
    let found = read_shard(&client, "bytes", &shard_id(0)).await;
    assert!(found.data() == payloads.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert!(found.records.iter().all(|record| record.partition_key() == Some("k")));
}

async fn answers_of_put_records_are_in_the_order_of_the_request(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "orders", 7).await;
    let keys: Vec<_> = (0..500).map(|number| format!("key {number}")).collect();
    let placed = put_all(&client, "orders", &keys).await;

    let mut expected = vec![Vec::new(); 7];
    for (key, (shard, number)) in keys.iter().zip(placed) {
        let owner = owner_of(key, 7);
        assert_eq!(shard, shard_id(owner), "{key}");
        expected[owner].push((key.clone(), number));
    }
    for (owner, expected) in expected.iter().enumerate() {
        assert!(expected.is_sorted_by(|(_, one), (_, next)| one < next), "numbers rise");
        let found = read_shard(&client, "orders", &shard_id(owner)).await;
        let records: Vec<_> = found
            .records
            .into_iter()
            .map(|r| (r.partition_key.unwrap(), r.sequence_number))
            .collect();
        assert_eq!(records, *expected);
    }
}

async fn an_explicit_hash_key_wins_over_the_partition_key(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 3).await;
    let put = |explicit: String| {
        let call = client.put_record().stream_name("s").partition_key("same for all");
        call.explicit_hash_key(explicit).data(Blob::new("x")).send()
    };
    for (owner, shard) in list_shards(&client, "s").await.iter().enumerate() {
        let range = shard.hash_key_range.as_ref().expect("a shard has a range");
        for edge in [&range.starting_hash_key, &range.ending_hash_key] {
            let placed = put(edge.clone()).await.expect("it is within the key space");
            assert_eq!(placed.shard_id, shard_id(owner), "{edge}");
        }
    }
    let beyond = put("340282366920938463463374607431768211456".to_owned()).await;
    let error = beyond.expect_err("2^128 is outside").into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
}

async fn a_number_for_ordering_is_one_that_was_drawn(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 2).await;
    let put = |explicit: &str, after: Option<String>| {
        let call = client.put_record().stream_name("s").partition_key("k").data(Blob::new("x"));
        call.explicit_hash_key(explicit).set_sequence_number_for_ordering(after).send()
    };
    let mut last = put("0", None).await.expect("the first").sequence_number;
    for _ in 0..5 {
        let next = put("0", Some(last.clone())).await.expect("a drawn number").sequence_number;
        assert!(next > last, "the new number is the larger one");
        last = next;
    }
    // The other shard's number of the sixth record has the same form, but no
    // record has it.
    let other = put("340282366920938463463374607431768211455", None).await.expect("it fits");
    let first_of_other = other.sequence_number;
    put("0", Some(first_of_other)).await.expect("another shard's number is one, too");
    let error = put("0", Some("7".repeat(56))).await.expect_err("never drawn").into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
}

async fn one_unusable_record_stores_none_of_the_call(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let good = || entry("good", "x");
    let too_long = entry("long", &"x".repeat(RECORD_BYTES_MAX));
    let outside = PutRecordsRequestEntry::builder()
        .partition_key("k")
        .data(Blob::new("x"))
        .explicit_hash_key("999999999999999999999999999999999999999");
    for bad in [too_long, outside.build().expect("it is complete")] {
        let call = client.put_records().stream_name("s");
        let refused = call.records(good()).records(bad).records(good()).send().await;
        let error = refused.expect_err("one record is unusable").into_service_error();
        assert!(error.is_invalid_argument_exception(), "{error:?}");
    }
    assert!(read_shard(&client, "s", &shard_id(0)).await.records.is_empty());
}

async fn a_record_counts_with_its_key(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let put = |key: &str, bytes: usize| {
        let data = Blob::new(vec![b'x'; bytes]);
        client.put_record().stream_name("s").partition_key(key).data(data).send()
    };
    put("ké", RECORD_BYTES_MAX - 3).await.expect("three bytes of key make it full");
    let error = put("ké", RECORD_BYTES_MAX - 2).await.expect_err("one byte more");
    assert!(error.into_service_error().is_invalid_argument_exception());
    let error = put("", 1).await.expect_err("a key is at least one character");
    assert_eq!(error.code(), Some("ValidationException"));
    assert_eq!(read_shard(&client, "s", &shard_id(0)).await.records.len(), 1);
}

async fn puts_of_one_producer_are_read_in_their_order(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let mut numbers = Vec::new();
    let mut expected = Vec::new();
    for round in 0..20 {
        let put = client.put_record().stream_name("s").partition_key(format!("{round} alone"));
        let placed = put.data(Blob::new("x")).send().await.expect("it fits");
        numbers.push(placed.sequence_number);
        expected.push(format!("{round} alone"));
        let keys: Vec<_> = (0..10).map(|place| format!("{round} {place}")).collect();
        numbers.extend(put_all(&client, "s", &keys).await.into_iter().map(|(_, number)| number));
        expected.extend(keys);
    }
    let first = client.get_shard_iterator().stream_name("s").shard_id(shard_id(0));
    let from_the_first = first
        .shard_iterator_type("AT_SEQUENCE_NUMBER".into())
        .starting_sequence_number(&numbers[0])
        .send()
        .await
        .expect("the number is the shard's own");
    let found = read_on(&client, from_the_first.shard_iterator.expect("an iterator")).await;
    let keys: Vec<_> = found.records.iter().filter_map(|record| record.partition_key()).collect();
    assert_eq!(keys, expected);
    assert_eq!(found.numbers(), numbers);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_record_goes_to_the_shard_that_owns_the_md5_of_its_key(
        shards in 1_i32..=100,
        keys in prop::collection::vec("\\PC{1,40}", 1..40),
    ) {
        let emulator = Emulator::in_process();
        let client = emulator.client();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (listed, placed) = runtime.block_on(async {
            create_stream(&client, "s", shards).await;
            (list_shards(&client, "s").await, put_all(&client, "s", &keys).await)
        });
        for (key, (shard, _)) in keys.iter().zip(placed) {
            prop_assert_eq!(&shard, &shard_id(owner_of(key, shards as u128)), "{:?}", key);
            let owner = listed.iter().find(|listed| listed.shard_id == shard).expect("it is listed");
            let range = owner.hash_key_range.as_ref().expect("a shard has a range");
            let [start, end] = [&range.starting_hash_key, &range.ending_hash_key]
                .map(|edge| edge.parse::<u128>().expect("hash keys are decimal"));
            prop_assert!((start..=end).contains(&md5_of(key)));
        }
    }
}

/// Puts records whose data is their key, and returns where each one went.
async fn put_all(client: &Client, stream: &str, keys: &[String]) -> Vec<(String, String)> {
    let entries = keys.iter().map(|key| entry(key, key)).collect();
    let call = client.put_records().stream_name(stream).set_records(Some(entries));
    let answer = call.send().await.expect("the records are in order");
    assert_eq!(answer.failed_record_count, Some(0));
    let placed = answer.records.into_iter();
    placed.map(|place| (place.shard_id.unwrap(), place.sequence_number.unwrap())).collect()
}

fn entry(key: &str, data: &str) -> PutRecordsRequestEntry {
    let entry = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data));
    entry.build().expect("it is complete")
}

/// The number of the shard that owns a key, worked out apart from the
/// emulator: shards are floor(2^128 / n) keys long, the last one takes the rest.
fn owner_of(key: &str, shards: u128) -> usize {
    if shards == 1 {
        return 0;
    }
    let whole = u128::MAX / shards;
    let length = if u128::MAX % shards == shards - 1 { whole + 1 } else { whole };
    (md5_of(key) / length).min(shards - 1) as usize
}

fn md5_of(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key.as_bytes()).into())
}
