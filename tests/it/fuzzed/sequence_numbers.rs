//! Sequence numbers from anywhere: each is refused, or is a place to read from.

use serde_json::json;

use crate::support::raw::{Raw, list, shard_id, text};

/// The bytes are the number, as text.
pub(super) fn a_number_is_refused_or_a_place(bytes: &[u8]) {
    let Ok(number) = std::str::from_utf8(bytes) else { return };
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let own: Vec<_> = (0..3).map(|_| raw.put("s", "key", b"data")).collect();
    for (kind, skipped) in [("AT_SEQUENCE_NUMBER", 0), ("AFTER_SEQUENCE_NUMBER", 1)] {
        let answer = raw.call(
            "GetShardIterator",
            json!({
                "StreamName": "s",
                "ShardId": shard_id(0),
                "ShardIteratorType": kind,
                "StartingSequenceNumber": number,
            }),
        );
        if answer.status == 200 {
            let read = raw.read(&text(&answer.json()["ShardIterator"]));
            let found: Vec<_> =
                list(&read["Records"]).iter().map(|r| text(&r["SequenceNumber"])).collect();
            assert!(own.ends_with(&found), "{found:?} from {number}");
            if let Some(place) = own.iter().position(|own| own == number) {
                assert_eq!(found, own[place + skipped..], "{kind} {number}");
            }
        } else {
            // AWS fails at numbers from before there was Kinesis (recorded). A bug here
            // has the emulator panic when it is dropped.
            assert!(matches!(answer.status.as_u16(), 400 | 500), "{}", answer.text());
            assert!(!own.iter().any(|own| own == number), "{number} is a record's");
        }
    }
}
