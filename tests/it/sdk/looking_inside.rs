//! Looking inside: what is stored, who called, who read, and what was expected.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ShardIteratorType, StartingPosition, SubscribeToShardEventStream,
};
use expect_test::expect;
use futures::FutureExt;
use kinesis_emulator::inspect::{Outcome, Reader, ShardMetric, StreamMetric};
use kinesis_emulator::{ConsumerStatus, Emulator, EncryptionType, Operation, StreamStatus};

use crate::support::{
    Endpoint, START, create_stream, impatient_client, iterator, read_on, shard_id, stories,
};

stories! {
    what_is_stored_is_seen_without_reading_it,
    streams_of_other_regions_and_accounts_are_seen,
    a_stream_that_is_not_there_is_named_with_those_that_are,
    shards_tell_of_their_family_and_load,
    records_that_are_there_are_not_waited_for,
    a_wait_ends_with_the_put_that_stores_the_last_record,
    a_wait_may_begin_before_its_stream_and_outlast_a_split,
    a_wait_is_woken_by_each_thing_that_it_waits_for,
    a_wait_that_is_in_vain_says_what_is_there,
    code_that_is_not_async_waits_too,
    a_journal_tells_of_every_call,
    a_journal_tells_of_requests_that_no_operation_saw,
    a_ledger_tells_readers_apart,
    metrics_are_cloudwatchs,
    metrics_of_a_consumer_are_its_own,
    records_read_once_are_as_expected,
    of_reads_that_were_forgotten_nothing_is_said,
    records_lost_and_read_twice_are_named,
    calls_that_are_not_expected_are_named,
    an_unmet_expectation_fails_the_test_that_forgot_it,
}

/// An emulator that keeps a journal, at rest.
fn journaled(endpoint: Endpoint) -> Emulator {
    endpoint.start_with(Emulator::builder().clock(kinesis_emulator::Clock::manual(START)).journal())
}

async fn put(client: &Client, stream: &str, key: &str, data: &str) {
    let call = client.put_record().stream_name(stream).partition_key(key);
    call.data(Blob::new(data)).send().await.expect("it fits");
}

/// Registers a consumer and returns its ARN.
async fn register(client: &Client, stream: &str, name: &str) -> String {
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}");
    let call = client.register_stream_consumer().stream_arn(arn).consumer_name(name);
    call.send().await.expect("a new name").consumer.expect("a consumer").consumer_arn
}

/// The first event of a subscription to the first shard from its beginning.
async fn first_event(client: &Client, consumer_arn: &str) -> usize {
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon);
    let call = client.subscribe_to_shard().consumer_arn(consumer_arn).shard_id(shard_id(0));
    let call = call.starting_position(start.build().expect("it has a type"));
    let mut output = call.send().await.expect("it is free");
    match output.event_stream.recv().await.expect("an event") {
        Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) => event.records.len(),
        other => panic!("not an event: {other:?}"),
    }
}

/// What a piece of work panics with.
async fn panic_of(work: impl Future<Output = ()>) -> String {
    let panic = std::panic::AssertUnwindSafe(work).catch_unwind().await.expect_err("it panics");
    *panic.downcast::<String>().expect("a text")
}

/// A message without the place in this file that it names.
fn without_place(message: &str) -> String {
    let (before, rest) = message.split_once("(tests/it/sdk/looking_inside.rs:").expect("a place");
    let (_, after) = rest.split_once(')').expect("its end");
    format!("{before}(here){after}")
}

async fn what_is_stored_is_seen_without_reading_it(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = kinesis.client();
    let orders = kinesis.stream("orders");
    assert!(!orders.exists());
    create_stream(&client, "orders", 2).await;
    assert_eq!(orders.status(), StreamStatus::Active);
    for (key, data) in [("a", "first"), ("b", "second"), ("c", r#"{"third": 3}"#)] {
        kinesis.clock().advance(Duration::from_secs(1));
        put(&client, "orders", key, data).await;
    }
    let records = orders.records();
    let seen: Vec<_> = records.iter().map(|r| (r.partition_key.as_str(), r.text())).collect();
    assert_eq!(seen, [("a", "first"), ("b", "second"), ("c", r#"{"third": 3}"#)]);
    assert_eq!(records[2].json::<serde_json::Value>()["third"], 3);
    assert!(records[0].try_json::<u32>().is_err());
    assert_eq!(records[1].approximate_arrival, START.plus(Duration::from_secs(2)));
    assert_eq!(records[1].encryption, EncryptionType::None);
    for shard in [shard_id(0), shard_id(1)] {
        let of_shard = orders.records_of_shard(&shard);
        let its: Vec<_> = records.iter().filter(|r| r.shard_id == shard).cloned().collect();
        assert_eq!(of_shard, its);
    }
    // The service's reader finds the same, and only it counts as a reader.
    assert_eq!(kinesis.ledger().unread("orders").len(), 3);
    let first = iterator(&client, "orders", &records[0].shard_id, ShardIteratorType::TrimHorizon);
    let found = read_on(&client, first.await).await;
    assert_eq!(found.numbers()[0], records[0].sequence_number);
    assert_eq!(kinesis.ledger().unread("orders").len(), 3 - found.records.len());
    kinesis.clock().advance(Duration::from_secs(24 * 60 * 60 - 1));
    let left: Vec<_> = orders.records().iter().map(|r| r.text().to_owned()).collect();
    assert_eq!(left, ["second", r#"{"third": 3}"#], "the first has expired");
}

async fn streams_of_other_regions_and_accounts_are_seen(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let elsewhere = aws_sdk_kinesis::config::Builder::from(&kinesis.sdk_config())
        .region(aws_sdk_kinesis::config::Region::new("eu-west-1"))
        .build();
    create_stream(&Client::from_conf(elsewhere), "s", 1).await;
    let here = kinesis.stream("s");
    assert!(!here.exists());
    assert!(here.clone().in_region("eu-west-1".parse().expect("a Region")).exists());
    assert!(kinesis.stream("arn:aws:kinesis:eu-west-1:000000000000:stream/s").exists());
    let account = "111111111111".parse().expect("an account");
    assert!(
        !kinesis
            .stream("arn:aws:kinesis:eu-west-1:000000000000:stream/s")
            .in_account(account)
            .exists()
    );
    let message = panic_of(async { drop(kinesis.stream("arn:aws:s3:::bucket")) }).await;
    assert_eq!(message, "arn:aws:s3:::bucket is neither a stream's name nor a stream's ARN");
}

async fn a_stream_that_is_not_there_is_named_with_those_that_are(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let message = panic_of(async { drop(kinesis.stream("orders").records()) }).await;
    assert_eq!(message, "there is no stream orders: there are none");
    create_stream(&kinesis.client(), "payments", 1).await;
    create_stream(&kinesis.client(), "invoices", 1).await;
    let message = panic_of(async { drop(kinesis.stream("orders").shards()) }).await;
    assert_eq!(message, "there is no stream orders: there are invoices, payments");
    assert_eq!(kinesis.stream("orders").try_records(), None);
    assert_eq!(kinesis.stream("no name at all").try_status(), None);
}

async fn shards_tell_of_their_family_and_load(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "12345").await;
    put(&client, "orders", "key", "67").await;
    let middle = (1_u128 << 127).to_string();
    let split = client.split_shard().stream_name("orders").shard_to_split(shard_id(0));
    split.new_starting_hash_key(&middle).send().await.expect("it is within");
    let consumer = register(&client, "orders", "billing").await;
    let shards = kinesis.stream("orders").shards();
    assert_eq!(shards.len(), 3);
    assert_eq!((shards[0].record_count, shards[0].bytes), (2, 3 + 5 + 3 + 2));
    assert_eq!((shards[0].closed, shards[0].is_open()), (Some(START), false));
    assert!(shards[0].ending_sequence_number > Some(shards[0].starting_sequence_number.clone()));
    assert_eq!(shards[0].hash_keys, 0..=u128::MAX);
    assert_eq!(shards[2].hash_keys, 1 << 127..=u128::MAX);
    assert_eq!(shards[2].parent.as_deref(), Some("shardId-000000000000"));
    assert!(shards[2].is_open() && shards[2].ending_sequence_number.is_none());
    let consumers = kinesis.stream("orders").consumers();
    assert_eq!((&consumers[0].arn, consumers[0].status), (&consumer, ConsumerStatus::Active));
    let json = kinesis.stream("orders").to_json();
    assert_eq!(json["shards"][0]["record_count"], 2);
    assert_eq!(json["consumers"][0]["status"], "ACTIVE");
    let message = panic_of(async { drop(kinesis.stream("orders").records_of_shard("x")) }).await;
    assert_eq!(
        message,
        "there is no shard x in stream orders: there are 3, up to shardId-000000000002"
    );
}

async fn records_that_are_there_are_not_waited_for(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "one").await;
    put(&client, "orders", "key", "two").await;
    let orders = kinesis.stream("orders");
    assert_eq!(orders.await_records(1).now_or_never().expect("no wait").len(), 2);
    assert!(orders.await_records(3).now_or_never().is_none());
    assert_eq!(kinesis.stream("none").await_records(0).await, []);
}

async fn a_wait_ends_with_the_put_that_stores_the_last_record(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = kinesis.client();
    create_stream(&client, "orders", 4).await;
    let puts = async {
        for number in 0..20 {
            put(&client, "orders", &format!("key {number}"), &number.to_string()).await;
        }
    };
    let orders = kinesis.stream("orders");
    let (records, ()) = tokio::join!(orders.await_records(20), puts);
    let mut data: Vec<u32> = records.iter().map(|r| r.json()).collect();
    data.sort_unstable();
    assert_eq!(data, (0..20).collect::<Vec<_>>());
}

async fn a_wait_may_begin_before_its_stream_and_outlast_a_split(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = kinesis.client();
    let orders = kinesis.stream("orders");
    let story = async {
        create_stream(&client, "orders", 1).await;
        put(&client, "orders", "key", "parent").await;
        let split = client.split_shard().stream_name("orders").shard_to_split(shard_id(0));
        let middle = (1_u128 << 127).to_string();
        split.new_starting_hash_key(middle).send().await.expect("it is within");
        for hash_key in ["0", &u128::MAX.to_string()] {
            let call = client.put_record().stream_name("orders").partition_key("key");
            let call = call.explicit_hash_key(hash_key).data(Blob::new("child"));
            call.send().await.expect("it fits");
        }
    };
    let (records, ()) = tokio::join!(orders.await_records(3), story);
    let shards: Vec<_> = records.iter().map(|record| record.shard_id.clone()).collect();
    assert_eq!(shards[0], shard_id(0));
    assert_eq!(shards[1..], [shard_id(1), shard_id(2)]);
}

/// Remembers that it was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn a_wait_is_woken_by_each_thing_that_it_waits_for(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = kinesis.client();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut wait = kinesis.stream("orders").await_records(3);
    // Polled only here: whatever does not ring the bell would be missed.
    let mut rung_and_over = || {
        let rung = bell.0.swap(false, Ordering::SeqCst);
        let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(&waker));
        (rung, polled.map(|records| records.len()))
    };
    assert_eq!(rung_and_over(), (false, Poll::Pending));
    create_stream(&client, "orders", 1).await;
    assert_eq!(rung_and_over(), (true, Poll::Pending));
    put(&client, "orders", "key", "parent").await;
    assert_eq!(rung_and_over(), (true, Poll::Pending));
    let split = client.split_shard().stream_name("orders").shard_to_split(shard_id(0));
    let middle = (1_u128 << 127).to_string();
    split.new_starting_hash_key(middle).send().await.expect("it is within");
    assert_eq!(rung_and_over(), (true, Poll::Pending));
    for (hash_key, over) in [("0", Poll::Pending), (&u128::MAX.to_string(), Poll::Ready(3))] {
        let call = client.put_record().stream_name("orders").partition_key("key");
        let call = call.explicit_hash_key(hash_key).data(Blob::new("child"));
        call.send().await.expect("it fits");
        assert_eq!(rung_and_over(), (true, over));
    }
}

async fn a_wait_that_is_in_vain_says_what_is_there(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = kinesis.client();
    let orders = kinesis.stream("orders");
    let in_vain = async {
        drop(orders.await_records_within(3, Duration::from_millis(20)).await);
    };
    expect!["waited 20 ms for 3 records in stream orders (here): there is no stream orders: there are none"]
        .assert_eq(&without_place(&panic_of(in_vain).await));
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "customer-7", "the only one").await;
    let in_vain = async {
        drop(orders.await_records_within(3, Duration::from_millis(20)).await);
    };
    expect![[r#"
        waited 20 ms for 3 records in stream orders (here): there is 1:
          shardId-000000000000 49670424472017546014708914442614951366360107785383837698 key "customer-7" "the only one""#]]
        .assert_eq(&without_place(&panic_of(in_vain).await));
}

async fn code_that_is_not_async_waits_too(endpoint: Endpoint) {
    let kinesis = endpoint.start();
    let client = kinesis.client();
    let orders = kinesis.stream("orders");
    let waiting = tokio::task::spawn_blocking(move || orders.wait_for_records(2));
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "one").await;
    put(&client, "orders", "key", "two").await;
    assert_eq!(waiting.await.expect("it ends").len(), 2);
}

async fn a_journal_tells_of_every_call(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = impatient_client(&kinesis);
    create_stream(&client, "orders", 1).await;
    kinesis.clock().advance(Duration::from_secs(5));
    put(&client, "orders", "key", "12345").await;
    let refused = client.put_record().stream_name("missing").partition_key("key");
    refused.data(Blob::new("1")).send().await.expect_err("no such stream");
    let invalid = client.put_record().stream_name("not a name").partition_key("key");
    invalid.data(Blob::new("1")).send().await.expect_err("not a name");
    let token = iterator(&client, "orders", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    let read = client.get_records().shard_iterator(token).send().await.expect("it is fresh");

    let journal = kinesis.journal();
    let lines: Vec<_> = journal.calls().iter().map(ToString::to_string).collect();
    expect![[r#"
        2026-01-01T00:00:00Z CreateStream orders by test (000000000000, us-east-1): ok
        2026-01-01T00:00:05Z PutRecord orders shardId-000000000000 by test (000000000000, us-east-1): ok
        2026-01-01T00:00:05Z PutRecord missing by test (000000000000, us-east-1): ResourceNotFoundException: Stream missing under account 000000000000 not found.
        2026-01-01T00:00:05Z PutRecord by test (000000000000, us-east-1): ValidationException: 1 validation error detected: Value 'not a name' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+
        2026-01-01T00:00:05Z GetShardIterator orders shardId-000000000000 by test (000000000000, us-east-1): ok
        2026-01-01T00:00:05Z GetRecords orders shardId-000000000000 by test (000000000000, us-east-1): ok"#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(journal.count(Operation::PutRecord), 3);
    assert!(journal.calls().iter().all(|call| call.request_id.is_some()));
    let got = &journal.calls_of(Operation::GetRecords)[0];
    assert_eq!((got.number, got.records, got.bytes), (6, read.records().len(), 3 + 5));
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    assert_eq!(got.stream_arn.as_deref(), Some(arn));
    assert_eq!(journal.to_json()["calls"][2]["outcome"]["error"], "ResourceNotFoundException");
    journal.clear();
    assert!(journal.calls().is_empty());
    put(&client, "orders", "key", "12345").await;
    assert_eq!(journal.calls()[0].number, 7);
}

async fn a_journal_tells_of_requests_that_no_operation_saw(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let get = http::Request::get("/").body(bytes::Bytes::new()).expect("a request");
    kinesis.call(get);
    let unknown = http::Request::post("/")
        .header("x-amz-target", "Kinesis_20131202.Enqueue")
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
        .header("x-amz-date", "20260101T000000Z")
        .body(bytes::Bytes::from_static(b"{}"));
    let answer = kinesis.call(unknown.expect("a request"));
    let calls = kinesis.journal().calls();
    assert_eq!(calls[0].outcome, Outcome::Unreadable { status: 403 });
    assert_eq!(
        calls[1].to_string(),
        "2026-01-01T00:00:00Z Enqueue by AKID (000000000000, eu-west-1): UnknownOperationException"
    );
    let id = answer.headers()["x-amzn-requestid"].to_str().expect("a text");
    assert_eq!(calls[1].request_id.as_deref(), Some(id));
}

async fn a_ledger_tells_readers_apart(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    for data in ["1", "2", "3"] {
        put(&client, "orders", "key", data).await;
    }
    // One reads all, page by page; another only what comes last.
    let mut token = iterator(&client, "orders", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    for _ in 0..2 {
        kinesis.clock().advance(Duration::from_secs(1));
        let page = client.get_records().shard_iterator(token).limit(1).send().await.expect("ok");
        token = page.next_shard_iterator.expect("the shard is open");
    }
    let records = kinesis.stream("orders").records();
    let call = client.get_shard_iterator().stream_name("orders").shard_id(shard_id(0));
    let call = call.shard_iterator_type(ShardIteratorType::AtSequenceNumber);
    let call = call.starting_sequence_number(&records[1].sequence_number);
    let other = call.send().await.expect("the shard exists").shard_iterator.expect("an iterator");
    assert_eq!(read_on(&client, other).await.records.len(), 2);
    let consumer = register(&client, "orders", "billing").await;
    assert_eq!(first_event(&client, &consumer).await, 3);

    let ledger = kinesis.ledger();
    let lines: Vec<_> = ledger.reads("orders").iter().map(ToString::to_string).collect();
    expect![[r#"
        2026-01-01T00:00:01Z 1 record of orders shardId-000000000000 by iterator 1 (TRIM_HORIZON) of test (000000000000, us-east-1)
        2026-01-01T00:00:02Z 1 record of orders shardId-000000000000 by iterator 1 (TRIM_HORIZON) of test (000000000000, us-east-1)
        2026-01-01T00:00:02Z 2 records of orders shardId-000000000000 by iterator 2 (AT_SEQUENCE_NUMBER) of test (000000000000, us-east-1)
        2026-01-01T00:00:02Z 3 records of orders shardId-000000000000 by consumer billing"#]]
    .assert_eq(&lines.join("\n"));
    let readers = |place: usize| {
        let reads = ledger.reads_of(&records[place]).into_iter();
        let name = |reader| match reader {
            Reader::Iterator { origin, .. } => origin.expect("it was recorded").number.to_string(),
            Reader::Consumer(name) => name,
            other => panic!("another kind of reader: {other:?}"),
        };
        reads.map(|read| name(read.reader)).collect::<Vec<_>>()
    };
    assert_eq!(readers(0), ["1", "billing"]);
    assert_eq!(readers(1), ["1", "2", "billing"]);
    assert_eq!(readers(2), ["2", "billing"]);
    assert!(ledger.unread("orders").is_empty());
    assert_eq!(ledger.to_json("orders")["reads"][0]["reader"]["start"], "TRIM_HORIZON");
    ledger.clear();
    assert_eq!(ledger.unread("orders"), records);
}

async fn metrics_are_cloudwatchs(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = impatient_client(&kinesis);
    create_stream(&client, "orders", 2).await;
    // 4 + 10 and 4 + 20 bytes by PutRecord into the first shard, one refused.
    for bytes in [10, 20, 2_000_000] {
        let call = client.put_record().stream_name("orders").partition_key("key1");
        let call = call.explicit_hash_key("0").data(Blob::new(vec![0; bytes]));
        assert_eq!(call.send().await.is_ok(), bytes < 1_000_000);
    }
    // 3 times 4 + 5 bytes by PutRecords, two of them into the second shard.
    let entry = |hash_key: u128| {
        PutRecordsRequestEntry::builder()
            .partition_key("key2")
            .explicit_hash_key(hash_key.to_string())
            .data(Blob::new("12345"))
            .build()
            .expect("it is whole")
    };
    let call = client.put_records().stream_name("orders");
    let call = call.records(entry(0)).records(entry(u128::MAX)).records(entry(u128::MAX));
    call.send().await.expect("it fits");
    kinesis.clock().advance(Duration::from_millis(700));
    // The first shard: two records, one, and nothing.
    let mut token = iterator(&client, "orders", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    for expected in [2, 1, 0] {
        let read = client.get_records().shard_iterator(token).limit(2).send().await.expect("ok");
        assert_eq!(read.records.len(), expected);
        token = read.next_shard_iterator.expect("the shard is open");
    }

    let orders = kinesis.metrics().stream("orders");
    let seen: Vec<_> = orders
        .iter()
        .map(|(metric, all)| {
            format!(
                "{metric}: {} in {}, {}…{}",
                all.sum, all.sample_count, all.minimum, all.maximum
            )
        })
        .collect();
    expect![[r#"
        GetRecords.Bytes: 47 in 3, 0…38
        GetRecords.IteratorAgeMilliseconds: 1400 in 3, 0…700
        GetRecords.Latency: 0 in 3, 0…0
        GetRecords.Records: 3 in 3, 0…2
        GetRecords.Success: 3 in 3, 1…1
        IncomingBytes: 65 in 3, 14…27
        IncomingRecords: 5 in 3, 1…3
        PutRecord.Bytes: 38 in 2, 14…24
        PutRecord.Latency: 0 in 2, 0…0
        PutRecord.Success: 2 in 3, 0…1
        PutRecords.Bytes: 27 in 1, 27…27
        PutRecords.Latency: 0 in 1, 0…0
        PutRecords.Success: 1 in 1, 1…1
        PutRecords.TotalRecords: 3 in 1, 3…3
        PutRecords.SuccessfulRecords: 3 in 1, 3…3
        PutRecords.FailedRecords: 0 in 1, 0…0
        PutRecords.ThrottledRecords: 0 in 1, 0…0
        ReadProvisionedThroughputExceeded: 0 in 3, 0…0
        WriteProvisionedThroughputExceeded: 0 in 4, 0…0"#]]
    .assert_eq(&seen.join("\n"));
    assert_eq!(orders.statistics(StreamMetric::PutRecordSuccess).average(), Some(2.0 / 3.0));
    let first = orders.shard(&shard_id(0));
    assert_eq!(first.sum(ShardMetric::IncomingBytes), 14 + 24 + 9);
    assert_eq!(first.sum(ShardMetric::OutgoingBytes), 14 + 24 + 9);
    assert_eq!(first.statistics(ShardMetric::IteratorAgeMilliseconds).maximum, 700);
    assert_eq!(orders.shard(&shard_id(1)).sum(ShardMetric::IncomingRecords), 2);
    assert_eq!(orders.shard(&shard_id(1)).sum(ShardMetric::OutgoingRecords), 0);
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    assert_eq!(kinesis.metrics().streams(), [arn]);
    let json = kinesis.metrics().to_json();
    assert_eq!(json[arn]["metrics"]["IncomingRecords"]["Sum"], 5);
    kinesis.metrics().reset();
    assert_eq!(kinesis.metrics().stream("orders").iter().count(), 0);
}

async fn metrics_of_a_consumer_are_its_own(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = impatient_client(&kinesis);
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "12345").await;
    put(&client, "orders", "key", "67").await;
    let billing = register(&client, "orders", "billing").await;
    assert_eq!(first_event(&client, &billing).await, 2);
    let start = StartingPosition::builder().r#type(ShardIteratorType::Latest);
    let again = client.subscribe_to_shard().consumer_arn(&billing).shard_id(shard_id(0));
    let again = again.starting_position(start.build().expect("it has a type"));
    again.send().await.expect_err("it is too soon");

    let orders = kinesis.metrics().stream("orders");
    assert_eq!(orders.consumers(), ["billing"]);
    let billing = orders.consumer("billing");
    for (metric, expected) in [
        (StreamMetric::SubscribeToShardSuccess, 1),
        (StreamMetric::SubscribeToShardRateExceeded, 1),
        (StreamMetric::SubscribeToShardEventSuccess, 1),
        (StreamMetric::SubscribeToShardEventRecords, 2),
        (StreamMetric::SubscribeToShardEventBytes, 3 + 5 + 3 + 2),
        (StreamMetric::SubscribeToShardEventMillisBehindLatest, 0),
    ] {
        assert_eq!((metric, billing.sum(metric)), (metric, expected));
        assert_eq!(orders.sum(metric), expected);
    }
    assert_eq!(orders.shard(&shard_id(0)).sum(ShardMetric::OutgoingRecords), 2);
    assert_eq!(orders.sum(StreamMetric::GetRecordsRecords), 0);
}

async fn records_read_once_are_as_expected(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "before").await;
    let tip = iterator(&client, "orders", &shard_id(0), ShardIteratorType::Latest).await;
    let expected = kinesis
        .expect()
        .every_record_read_once("orders")
        .only([Operation::PutRecord, Operation::GetRecords])
        .calls(Operation::PutRecord, 2)
        .calls(Operation::GetRecords, 1..=2)
        .no_errors();
    put(&client, "orders", "key", "one").await;
    put(&client, "orders", "key", "two").await;
    assert_eq!(read_on(&client, tip).await.records.len(), 2);
    assert_eq!(expected.verify(), Ok(()));
}

async fn of_reads_that_were_forgotten_nothing_is_said(endpoint: Endpoint) {
    let kinesis = journaled(endpoint);
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    put(&client, "orders", "key", "before").await;
    let start = iterator(&client, "orders", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    assert_eq!(read_on(&client, start).await.records.len(), 1);
    let tip = iterator(&client, "orders", &shard_id(0), ShardIteratorType::Latest).await;
    // What went before the expectations is not missed.
    kinesis.ledger().clear();
    let (one, other) = (
        kinesis.expect().every_record_read_once("orders"),
        kinesis.expect().every_record_read_once("orders"),
    );
    put(&client, "orders", "key", "one").await;
    assert_eq!(read_on(&client, tip).await.records.len(), 1);
    assert_eq!(one.verify(), Ok(()));
    kinesis.ledger().clear();
    let unmet = other.verify().expect_err("nobody knows");
    assert_eq!(unmet.findings(), ["nothing can be said of 1 read: the ledger has lost them"]);
}

async fn records_lost_and_read_twice_are_named(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = kinesis.client();
    create_stream(&client, "orders", 1).await;
    let old = iterator(&client, "orders", &shard_id(0), ShardIteratorType::Latest).await;
    let expected = kinesis
        .expect()
        .every_record_read_once("orders")
        .every_record_read_once_by("orders", ["billing"])
        .every_record_read_once("payments");
    for data in ["twice", "once", "never"] {
        put(&client, "orders", "key", data).await;
    }
    let billing = register(&client, "orders", "billing").await;
    assert_eq!(first_event(&client, &billing).await, 3);
    client.get_records().shard_iterator(old).limit(2).send().await.expect("it is fresh");
    kinesis.clock().advance(Duration::from_secs(1));
    let new = iterator(&client, "orders", &shard_id(0), ShardIteratorType::TrimHorizon).await;
    client.get_records().shard_iterator(new).limit(1).send().await.expect("it is fresh");
    expect![[r#"
        not as expected:
        - every record of stream orders read once: 2 of 3 not
            read 2 times: shardId-000000000000 49670424472017546014708914442614951366360107785383837698 key "key" "twice"
                at 2026-01-01T00:00:00Z by an older iterator of test (000000000000, us-east-1)
                at 2026-01-01T00:00:01Z by iterator 1 (TRIM_HORIZON) of test (000000000000, us-east-1)
            not read: shardId-000000000000 49670424472017546014708914442617369217999337043733250050 key "key" "never"
        - every record of stream payments read once: there is no stream payments: there are orders"#]]
    .assert_eq(&expected.verify().expect_err("they are unmet").to_string());
}

async fn calls_that_are_not_expected_are_named(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let client = impatient_client(&kinesis);
    create_stream(&client, "orders", 1).await;
    let expected = kinesis
        .expect()
        .only([Operation::PutRecord])
        .calls(Operation::PutRecord, 3)
        .calls(Operation::GetRecords, 1..)
        .calls(Operation::ListShards, 0)
        .no_errors();
    put(&client, "orders", "key", "data").await;
    client.list_shards().stream_name("missing").send().await.expect_err("no such stream");
    expect![[r#"
        not as expected:
        - only PutRecord called: 1 other call
            2026-01-01T00:00:00Z ListShards missing by test (000000000000, us-east-1): ResourceNotFoundException: Stream missing under account 000000000000 not found.
        - PutRecord called 3 times: 1 call
            2026-01-01T00:00:00Z PutRecord orders shardId-000000000000 by test (000000000000, us-east-1): ok
        - GetRecords called at least once: no call
        - ListShards called never: 1 call
            2026-01-01T00:00:00Z ListShards missing by test (000000000000, us-east-1): ResourceNotFoundException: Stream missing under account 000000000000 not found.
        - no errors: 1 failed call
            2026-01-01T00:00:00Z ListShards missing by test (000000000000, us-east-1): ResourceNotFoundException: Stream missing under account 000000000000 not found."#]]
    .assert_eq(&expected.verify().expect_err("they are unmet").to_string());
}

async fn an_unmet_expectation_fails_the_test_that_forgot_it(endpoint: Endpoint) {
    let kinesis = endpoint.start_at_rest();
    let forgotten = panic_of(async {
        let _expected = kinesis.expect().calls(Operation::PutRecord, 1);
    });
    expect![[r#"
        not as expected:
        - PutRecord called once: no call
        (here)"#]]
    .assert_eq(&without_place(&forgotten.await));
    // A test that fails anyway says why itself.
    let failed = panic_of(async {
        let _expected = kinesis.expect().calls(Operation::PutRecord, 1);
        panic!("{}", "the test's own reason");
    });
    assert_eq!(failed.await, "the test's own reason");
}

#[test]
fn without_a_journal_there_is_a_sentence_about_how_to_get_one() {
    let kinesis = Emulator::in_process();
    let asked = std::panic::AssertUnwindSafe(|| drop(kinesis.journal()));
    let panic = std::panic::catch_unwind(asked).expect_err("there is none");
    assert_eq!(
        *panic.downcast::<String>().expect("a text"),
        "no journal, ledger or metrics are kept: start the emulator with `Builder::journal()`, \
         or the binary with `--journal` (KINESIS_JOURNAL=true)"
    );
}
