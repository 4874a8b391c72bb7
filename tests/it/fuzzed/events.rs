//! Event-stream frames: whatever records hold, they come out of the frames as
//! they went in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minicbor::Decoder;
use serde_json::{Value, json};

use super::data::Data;
use crate::support::frames::frames;
use crate::support::raw::{CBOR, Custom, JSON, Raw, list, shard_id, text};
use crate::wire::cbor::Item;

/// Records of a key and data each, which are put and then read by a subscription
/// in both encodings.
pub(super) fn every_record_comes_out_of_the_frames(bytes: &[u8]) {
    let mut data = Data::new(bytes);
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let mut put = Vec::new();
    while !data.is_empty() {
        let key = String::from_utf8_lossy(data.bytes()).into_owned();
        let key = if key.is_empty() { "-".to_owned() } else { key };
        let data = data.bytes();
        let input = json!({"StreamName": "s", "PartitionKey": key, "Data": STANDARD.encode(data)});
        if raw.call("PutRecord", input).status == 200 {
            put.push((key, data.to_vec()));
        }
    }
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let input = |name: &str| {
        let registered = json!({"StreamARN": stream, "ConsumerName": name});
        let consumer = raw.ok("RegisterStreamConsumer", registered);
        text(&consumer["Consumer"]["ConsumerARN"])
    };
    let (by_json, by_cbor) = (input("json"), input("cbor"));
    let subscribe = json!({
        "ConsumerARN": by_json,
        "ShardId": shard_id(0),
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    });
    let answer = raw.send(Custom::signed("SubscribeToShard", JSON, subscribe.to_string()));
    let (found, rest) = frames(&answer.body);
    assert!(rest.is_empty(), "no frame is cut");
    let events = found[1..].iter().map(|frame| -> Value {
        serde_json::from_slice(&frame.payload).expect("an event is JSON")
    });
    let records: Vec<_> = events
        .flat_map(|event| list(&event["Records"]).clone())
        .map(|record| {
            let data = STANDARD.decode(text(&record["Data"])).expect("data is base64");
            (text(&record["PartitionKey"]), data)
        })
        .collect();
    assert_eq!(records, put);

    let body = crate::wire::cbor::body(|map| {
        map.map(3).unwrap();
        map.str("ConsumerARN").unwrap().str(&by_cbor).unwrap();
        map.str("ShardId").unwrap().str(&shard_id(0)).unwrap();
        map.str("StartingPosition").unwrap().map(1).unwrap();
        map.str("Type").unwrap().str("TRIM_HORIZON").unwrap();
    });
    let answer = raw.send(Custom::signed("SubscribeToShard", CBOR, body));
    let (found, rest) = frames(&answer.body);
    assert!(rest.is_empty(), "no frame is cut");
    let mut records = Vec::new();
    for frame in &found[1..] {
        let event = Item::read(&mut Decoder::new(&frame.payload));
        for record in event.get("Records").items() {
            let (Item::Text(key), Item::Bytes(data)) =
                (record.get("PartitionKey"), record.get("Data"))
            else {
                panic!("{record:?}")
            };
            records.push((key.clone(), data.clone()));
        }
    }
    assert_eq!(records, put);
}
