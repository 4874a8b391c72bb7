//! Clients that ask for more than they take.

use std::io::Write;

use serde_json::json;

use crate::support::raw::{put_input, text};
use crate::wire::sockets::{call, connect, request};

#[test]
fn a_subscription_that_is_not_read_holds_a_few_events_and_no_more() {
    const RECORDS: usize = 80;
    let builder = kinesis_emulator::Emulator::builder().journal();
    let emulator = builder.start_blocking().expect("there is a free port");
    let mut calls = connect(&emulator);
    let mut create = |operation, input| call(&mut calls, operation, &input);
    create("CreateStream", json!({"StreamName": "s", "ShardCount": 1}));
    let stream = create("DescribeStreamSummary", json!({"StreamName": "s"}));
    let arn = text(&stream["StreamDescriptionSummary"]["StreamARN"]);
    let consumer = create("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "c"}));
    let mut reader = connect(&emulator);
    let subscribe = json!({
        "ConsumerARN": consumer["Consumer"]["ConsumerARN"],
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    });
    reader.write_all(request("SubscribeToShard", &subscribe).as_bytes()).unwrap();
    for _ in 0..RECORDS {
        create("PutRecord", put_input("s", "k", &[b'x'; 256 * 1024]));
    }
    let unread = emulator.ledger().unread("s").len();
    assert!(unread > RECORDS / 4, "only {unread} of {RECORDS} records were kept back");
    // Others get what they want meanwhile.
    assert_eq!(emulator.stream("s").records().len(), RECORDS);
}
