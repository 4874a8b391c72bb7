//! What the rest of the emulator makes of queues: CBOR, journal, ledger, fault rules.

use kinesis_emulator::inspect::{Read, Reader};
use kinesis_emulator::{ErrorKind, Operation};
use serde_json::json;

use super::{
    acknowledge, create, create_on_demand, data, handle, input, placed, receive, seconds,
    with_stream,
};
use crate::support::raw::{Answer, CBOR, Custom, Raw, put_input};

// behaviours 146, 147, 149
#[test]
fn queues_speak_cbor_too() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    raw.ok("PutRecord", put_input("s", "k", b"\x00\xff"));
    let call = |operation: &str, write: &dyn Fn(&mut minicbor::Encoder<&mut Vec<u8>>)| -> Answer {
        let mut body = Vec::new();
        write(&mut minicbor::Encoder::new(&mut body));
        raw.send(Custom::signed(operation, CBOR, body))
    };
    let answer = call("ReceiveQueueRecords", &|encoder| {
        let map = encoder.map(1).expect("memory takes it");
        map.str("QueueARN").and_then(|map| map.str(&queue)).expect("memory takes it");
    });
    assert_eq!((answer.status.as_u16(), answer.content_type()), (200, Some(CBOR)));
    let find = |key: &str| {
        let place = answer.body.windows(key.len()).position(|window| window == key.as_bytes());
        &answer.body[place.expect("the member is there") + key.len()..]
    };
    assert_eq!(find("Data")[..3], [0x42, 0x00, 0xff], "a byte string");
    assert_eq!(find("ReceiveCount")[0], 1);
    assert_eq!(find("FirstReceiveTimestamp")[0], 0xc1, "tag 1");
    let handle = minicbor::Decoder::new(find("ReceiptHandle")).str().expect("a text").to_owned();
    let answer = call("AcknowledgeQueueRecords", &|encoder| {
        let map = encoder.map(2).expect("memory takes it");
        map.str("QueueARN").and_then(|map| map.str(&queue)).expect("memory takes it");
        let entries = map.str("Entries").and_then(|map| map.array(1)).expect("memory takes it");
        let entry = entries.map(1).and_then(|entry| entry.str("ReceiptHandle"));
        entry.and_then(|entry| entry.str(&handle)).expect("memory takes it");
    });
    assert_eq!(answer.status.as_u16(), 200);
    raw.advance(seconds(3600));
    assert_eq!(receive(&raw, &queue).len(), 0);
}

#[test]
fn the_journal_and_the_ledger_know_what_a_queue_handed_out() {
    let raw = Raw::with(|builder| builder.journal());
    create_on_demand(&raw, "s");
    let queue = create(&raw, input("q"));
    raw.put("s", "ab", b"xyz");
    let record = receive(&raw, &queue).remove(0);
    acknowledge(&raw, &queue, &handle(&record));
    let about = |operation: Operation| {
        let call = raw.emulator.journal().calls_of(operation).remove(0);
        (call.stream, call.queue, call.shards, call.records, call.bytes)
    };
    let (stream, queue) = (Some("s".to_owned()), Some("q".to_owned()));
    let created = (stream.clone(), queue.clone(), Vec::new(), 0, 0);
    assert_eq!(about(Operation::CreateQueue), created);
    assert_eq!(about(Operation::AcknowledgeQueueRecords), created);
    let received = (stream, queue, vec![placed(&raw)], 1, 5);
    assert_eq!(about(Operation::ReceiveQueueRecords), received);
    let by_queue = |read: &Read| read.reader == Reader::Queue("q".to_owned());
    let reads = raw.emulator.ledger().reads("s");
    let reads: Vec<_> = reads.iter().filter(|read| by_queue(read)).collect();
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].to_string().split(" by ").last(), Some("queue q"));
}

#[test]
fn fault_rules_are_about_queues_too() {
    let raw = with_stream();
    let queue = create(&raw, input("q"));
    raw.put("s", "k", b"x");
    let rule = raw.emulator.faults().on(Operation::ReceiveQueueRecords).stream("s");
    let guard = rule.reject(ErrorKind::Throttling).times(1);
    raw.call("ReceiveQueueRecords", json!({"QueueARN": queue}))
        .expect_error_kind("ThrottlingException");
    drop(guard);
    assert_eq!(receive(&raw, &queue)[0]["ReceiveCount"], 1, "it was not handed out");
    raw.put("s", "k", b"y");
    let guard = raw.emulator.faults().on(Operation::ReceiveQueueRecords);
    let guard = guard.drop_connection_after_commit().times(1);
    let lost = raw.call("ReceiveQueueRecords", json!({"QueueARN": queue}));
    assert_eq!(lost.status.as_u16(), 502);
    drop(guard);
    raw.advance(seconds(30));
    let again = receive(&raw, &queue);
    assert_eq!(data(&again), ["x", "y"]);
    assert_eq!(again[1]["ReceiveCount"], 2, "it was handed out to nobody");
}
