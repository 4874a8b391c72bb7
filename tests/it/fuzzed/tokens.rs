//! Iterators, page tokens and receipt handles: what was handed out opens, and
//! nothing else does, however little it differs.

use serde_json::{Value, json};

use super::data::Data;
use crate::support::raw::{Raw, list, text};

/// The first byte chooses the kind. Then follow bytes to change about a token
/// that was handed out, or, if the second byte is odd, a token of one's own.
pub(super) fn only_what_was_handed_out_opens(bytes: &[u8]) {
    let mut data = Data::new(bytes);
    let raw = Raw::new();
    let (operation, mut input, member) = KINDS[data.below(KINDS.len())](&raw);
    let own = text(&input[member]);
    let token = if data.byte() % 2 == 1 {
        String::from_utf8_lossy(data.rest()).into_owned()
    } else {
        let mut token = own.clone().into_bytes();
        while !data.is_empty() {
            let place = data.below(256) * token.len() / 256;
            // Still ASCII, so that it gets as far as the seal.
            token[place] ^= data.byte() & 0x1f;
        }
        String::from_utf8(token).expect("ASCII")
    };
    input[member] = json!(token);
    let answer = raw.call(operation, input);
    if token == own {
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    } else {
        assert_eq!(answer.status, 400, "{operation} opens {token:?}: {}", answer.text());
    }
}

/// An operation that takes a token, an input with one that opens, and where it is.
type Kind = fn(&Raw) -> (&'static str, Value, &'static str);

const KINDS: [Kind; 3] = [
    |raw| {
        raw.create_stream("s", 1);
        let token = raw.iterator("s", "shardId-000000000000", "TRIM_HORIZON");
        ("GetRecords", json!({"ShardIterator": token}), "ShardIterator")
    },
    |raw| {
        raw.create_stream("s", 3);
        let token = raw.ok("ListShards", json!({"StreamName": "s", "MaxResults": 1}));
        ("ListShards", json!({"NextToken": text(&token["NextToken"])}), "NextToken")
    },
    |raw| {
        raw.create_stream("s", 1);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        for name in ["a", "b"] {
            raw.ok("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": name}));
        }
        let page = raw.ok("ListStreamConsumers", json!({"StreamARN": arn, "MaxResults": 1}));
        assert_eq!(list(&page["Consumers"]).len(), 1);
        let token = text(&page["NextToken"]);
        ("ListStreamConsumers", json!({"StreamARN": arn, "NextToken": token}), "NextToken")
    },
];
