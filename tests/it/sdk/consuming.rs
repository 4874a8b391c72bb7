//! Reading: where a reader starts, how it goes on, and what time takes away.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::ShardIteratorType::{
    self, AfterSequenceNumber, AtSequenceNumber, AtTimestamp, Latest, TrimHorizon,
};
use kinesis_emulator::Timestamp;

use crate::support::{
    Endpoint, START, create_stream, iterator, read_on, read_shard, shard_id, stories,
};

stories! {
    the_five_iterator_types_start_where_they_say,
    an_iterator_lives_for_five_minutes,
    records_are_kept_for_a_day,
    a_reader_that_was_overtaken_by_retention_goes_on_at_the_oldest_record,
    reading_an_iterator_again_gives_the_same_records,
    a_tailing_reader_gets_what_arrives,
    one_read_returns_at_most_ten_mebibytes,
    an_iterator_asks_for_what_its_type_needs,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn the_five_iterator_types_start_where_they_say(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let mut numbers = Vec::new();
    for data in ["a", "b", "c", "d"] {
        emulator.clock().advance(SECOND);
        numbers.push(put(&client, data).await);
    }
    // Records arrived 1, 2, 3 and 4 seconds after the start.
    let at = |millis: i64| Some(DateTime::from_millis(START.as_millis() as i64 + millis));
    let number = |place: usize| Some(numbers[place].clone());
    for (kind, number, time, expected) in [
        (TrimHorizon, None, None, "abcd"),
        (Latest, None, None, ""),
        (AtSequenceNumber, number(0), None, "abcd"),
        (AtSequenceNumber, number(2), None, "cd"),
        (AfterSequenceNumber, number(2), None, "d"),
        (AfterSequenceNumber, number(3), None, ""),
        (AtTimestamp, None, at(-86_400_000), "abcd"),
        (AtTimestamp, None, at(2000), "bcd"),
        (AtTimestamp, None, at(2001), "cd"),
        (AtTimestamp, None, at(4000), "d"),
    ] {
        let case = format!("{kind} {number:?} {time:?}");
        let request = client.get_shard_iterator().stream_name("s").shard_id(shard_id(0));
        let answer = request
            .shard_iterator_type(kind)
            .set_starting_sequence_number(number)
            .set_timestamp(time)
            .send()
            .await
            .expect("the parameters go together");
        let found = read_on(&client, answer.shard_iterator.expect("an iterator")).await;
        assert_eq!(found.data().concat(), expected.as_bytes(), "{case}");
    }
}

async fn an_iterator_lives_for_five_minutes(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let token = iterator(&client, "s", &shard_id(0), TrimHorizon).await;
    let read = || client.get_records().shard_iterator(&token).send();
    emulator.clock().advance(300 * SECOND);
    let renewed = read().await.expect("five minutes have not passed").next_shard_iterator;
    emulator.clock().advance(Duration::from_millis(1));
    let error = read().await.expect_err("five minutes have passed").into_service_error();
    assert!(error.is_expired_iterator_exception(), "{error:?}");
    read_on(&client, renewed.expect("the shard is open")).await;
}

async fn records_are_kept_for_a_day(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    put(&client, "morning").await;
    emulator.clock().advance(10 * HOUR);
    put(&client, "evening").await;
    let read = async || {
        let found = read_shard(&client, "s", &shard_id(0)).await;
        found.records.iter().map(|r| text(r.data.as_ref())).collect::<Vec<_>>()
    };

    emulator.clock().advance(14 * HOUR);
    assert_eq!(read().await, ["morning", "evening"], "a day old to the millisecond");
    emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(read().await, ["evening"]);
    emulator.clock().advance(DAY);
    assert_eq!(read().await, [""; 0]);
    put(&client, "anew").await;
    assert_eq!(read().await, ["anew"]);
}

async fn a_reader_that_was_overtaken_by_retention_goes_on_at_the_oldest_record(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    let first = put(&client, "first").await;
    emulator.clock().advance(DAY - SECOND);
    put(&client, "second").await;
    let token = iterator(&client, "s", &shard_id(0), TrimHorizon).await;
    emulator.clock().advance(2 * SECOND);
    assert_eq!(read_on(&client, token).await.data(), [b"second"]);
    // A number whose record is gone means the oldest one that is left.
    let at = client.get_shard_iterator().stream_name("s").shard_id(shard_id(0));
    let at = at.shard_iterator_type(AtSequenceNumber).starting_sequence_number(first);
    let token = at.send().await.expect("it is the shard's own").shard_iterator.expect("one");
    assert_eq!(read_on(&client, token).await.data(), [b"second"]);
}

async fn reading_an_iterator_again_gives_the_same_records(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    for data in ["a", "b", "c"] {
        put(&client, data).await;
    }
    emulator.clock().advance(7 * SECOND);
    let token = iterator(&client, "s", &shard_id(0), TrimHorizon).await;
    for _ in 0..2 {
        let answer = client.get_records().shard_iterator(&token).limit(2).send().await.expect("ok");
        let data: Vec<_> = answer.records().iter().map(|r| text(r.data.as_ref())).collect();
        assert_eq!(data, ["a", "b"]);
        assert_eq!(answer.millis_behind_latest, Some(7000), "the third is still unread");
        let rest = answer.next_shard_iterator.expect("the shard is open");
        assert_eq!(read_on(&client, rest).await.data(), [b"c"]);
    }
}

async fn a_tailing_reader_gets_what_arrives(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    put(&client, "before").await;
    let mut next = iterator(&client, "s", &shard_id(0), Latest).await;
    for round in 0..10 {
        let answer = client.get_records().shard_iterator(next).send().await.expect("it is fresh");
        assert!(answer.records().is_empty(), "nothing has arrived yet");
        let data = round.to_string();
        let number = put(&client, &data).await;
        let token = answer.next_shard_iterator.expect("the shard is open");
        let answer = client.get_records().shard_iterator(token).send().await.expect("it is fresh");
        let [record] = answer.records() else { panic!("one record has arrived") };
        assert_eq!((text(record.data.as_ref()), &record.sequence_number), (data, &number));
        let arrival = record.approximate_arrival_timestamp.expect("it has arrived");
        assert_eq!(arrival.to_millis().unwrap() as u64, emulator.clock().now().as_millis());
        next = answer.next_shard_iterator.expect("the shard is open");
        emulator.clock().advance(SECOND);
    }
}

async fn one_read_returns_at_most_ten_mebibytes(endpoint: Endpoint) {
    let emulator = endpoint.start();
    let client = emulator.client();
    create_stream(&client, "s", 1).await;
    // With its key of one byte a record is one mebibyte.
    let data = "x".repeat(1024 * 1024 - 1);
    for _ in 0..12 {
        put(&client, &data).await;
    }
    let mut next = iterator(&client, "s", &shard_id(0), TrimHorizon).await;
    for expected in [10, 2] {
        let answer = client.get_records().shard_iterator(next).send().await.expect("it is fresh");
        assert_eq!(answer.records().len(), expected);
        assert_eq!(answer.millis_behind_latest == Some(0), expected == 2);
        next = answer.next_shard_iterator.expect("the shard is open");
    }
}

async fn an_iterator_asks_for_what_its_type_needs(endpoint: Endpoint) {
    let emulator = endpoint.start_at_rest();
    let client = emulator.client();
    create_stream(&client, "s", 2).await;
    let number = put(&client, "x").await;
    let holder = usize::from(read_shard(&client, "s", &shard_id(0)).await.records.is_empty());
    let soon = START.plus(SECOND);
    type Case = (ShardIteratorType, Option<String>, Option<Timestamp>, usize);
    let cases: [Case; 6] = [
        (AtSequenceNumber, None, None, holder),
        (AfterSequenceNumber, None, None, holder),
        (AtTimestamp, None, None, holder),
        (AtTimestamp, None, Some(soon), holder),
        (TrimHorizon, Some(number.clone()), None, holder),
        (AtSequenceNumber, Some(number), None, 1 - holder),
    ];
    for (kind, number, time, shard) in cases {
        let case = format!("{kind} {number:?} {time:?} {shard}");
        let request = client.get_shard_iterator().stream_name("s").shard_id(shard_id(shard));
        let refused = request
            .shard_iterator_type(kind)
            .set_starting_sequence_number(number)
            .set_timestamp(time.map(|time| DateTime::from_millis(time.as_millis() as i64)))
            .send()
            .await;
        let error = refused.expect_err(&case).into_service_error();
        assert!(error.is_invalid_argument_exception(), "{case}: {error:?}");
    }
}

/// Puts a record with a key of one byte and returns its number.
async fn put(client: &Client, data: &str) -> String {
    let call = client.put_record().stream_name("s").partition_key("k");
    call.data(Blob::new(data)).send().await.expect("it fits").sequence_number
}

fn text(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).expect("these stories store text")
}
