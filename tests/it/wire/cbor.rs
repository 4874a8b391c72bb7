//! The same calls in CBOR, byte by byte as Java's SDKs send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::json;

use crate::support::raw::{Answer, CBOR, Custom, Raw, START, text};

/// A decoded answer. Only what AWS's own encoder writes can be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    Bool(bool),
    Number(i64),
    /// Tag 1 and an integer.
    Time(i64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Item>),
    Map(Vec<(String, Item)>),
}

impl Item {
    #[track_caller]
    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Self {
        match decoder.datatype().expect("an item") {
            Type::Bool => Self::Bool(decoder.bool().unwrap()),
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64 => Self::Number(decoder.i64().unwrap()),
            Type::Tag => {
                assert_eq!(decoder.tag().unwrap(), Tag::new(1), "times alone are tagged");
                Self::Time(decoder.i64().expect("whole milliseconds: a float breaks the SDKs"))
            }
            Type::String => Self::Text(decoder.str().unwrap().to_owned()),
            Type::Bytes => Self::Bytes(decoder.bytes().unwrap().to_vec()),
            Type::Array => {
                let length = decoder.array().unwrap().unwrap();
                Self::List((0..length).map(|_| Self::read(decoder)).collect())
            }
            Type::Map => {
                let length = decoder.map().unwrap().unwrap();
                let entry = |decoder: &mut Decoder<'_>| {
                    (decoder.str().expect("names are text").to_owned(), Self::read(decoder))
                };
                Self::Map((0..length).map(|_| entry(decoder)).collect())
            }
            other => panic!("answers hold no {other}"),
        }
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> &Self {
        self.find(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn find(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { panic!("{self:?} is no map") };
        entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn items(&self) -> &[Self] {
        let Self::List(items) = self else { panic!("{self:?} is no list") };
        items
    }

    #[track_caller]
    fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is no text") };
        text
    }

    #[track_caller]
    pub(super) fn names(&self) -> Vec<&str> {
        let Self::Map(entries) = self else { panic!("{self:?} is no map") };
        let mut names: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
        names.sort_unstable();
        names
    }
}

pub(super) fn of(text: &str) -> Item {
    Item::Text(text.to_owned())
}

#[track_caller]
fn decode(answer: &Answer) -> Item {
    assert_eq!(answer.content_type(), Some(CBOR));
    let mut decoder = Decoder::new(&answer.body);
    let item = Item::read(&mut decoder);
    assert_eq!(decoder.position(), answer.body.len(), "nothing follows the answer");
    item
}

fn send(raw: &Raw, operation: &str, body: Vec<u8>) -> Answer {
    raw.send(Custom::signed(operation, CBOR, body))
}

#[track_caller]
pub(super) fn ok(raw: &Raw, operation: &str, body: Vec<u8>) -> Item {
    let answer = send(raw, operation, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    decode(&answer)
}

#[track_caller]
fn refused(raw: &Raw, operation: &str, body: Vec<u8>, fields: &[(&str, &str)]) {
    let answer = send(raw, operation, body);
    assert_eq!(answer.status, 400);
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), of(value))).collect();
    assert_eq!(decode(&answer), Item::Map(fields));
}

pub(crate) type Build<'a> = Encoder<&'a mut Vec<u8>>;

/// A body of definite lengths.
pub(crate) fn body(build: impl FnOnce(&mut Build<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    build(&mut Encoder::new(&mut bytes));
    bytes
}

/// A map of texts.
fn texts(entries: &[(&str, &str)]) -> Vec<u8> {
    body(|out| {
        out.map(entries.len() as u64).unwrap();
        for (name, value) in entries {
            out.str(name).unwrap().str(value).unwrap();
        }
    })
}

fn put(key: &str, data: &[u8]) -> Vec<u8> {
    body(|out| {
        out.map(3).unwrap().str("StreamName").unwrap().str("s").unwrap();
        out.str("PartitionKey").unwrap().str(key).unwrap();
        out.str("Data").unwrap().bytes(data).unwrap();
    })
}

fn stream() -> Raw {
    let raw = Raw::new();
    raw.create_stream("s", 1);
    raw
}

/// The data of all records, read in CBOR.
#[track_caller]
fn read_all(raw: &Raw) -> Vec<Vec<u8>> {
    let input = [("StreamName", "s"), ("ShardId", "0"), ("ShardIteratorType", "TRIM_HORIZON")];
    let iterator = ok(raw, "GetShardIterator", texts(&input));
    let iterator = iterator.get("ShardIterator").text().to_owned();
    let answer = ok(raw, "GetRecords", texts(&[("ShardIterator", &iterator)]));
    let bytes = |record: &Item| match record.get("Data") {
        Item::Bytes(bytes) => bytes.clone(),
        other => panic!("data is {other:?}"),
    };
    answer.get("Records").items().iter().map(bytes).collect()
}

// behaviours 146, 147, 149
#[test]
fn data_is_a_byte_string_and_times_are_milliseconds() {
    let raw = stream();
    raw.advance(std::time::Duration::from_millis(1480));
    let placed = ok(&raw, "PutRecord", put("统-key", b"\x00\xff"));
    assert_eq!(placed.names(), ["SequenceNumber", "ShardId"]);
    let iterator = raw.iterator("s", "0", "TRIM_HORIZON");
    let answer = ok(&raw, "GetRecords", texts(&[("ShardIterator", &iterator)]));
    assert_eq!(answer.names(), ["MillisBehindLatest", "NextShardIterator", "Records"]);
    assert_eq!(answer.get("MillisBehindLatest"), &Item::Number(0));
    let [record] = answer.get("Records").items() else { panic!("one record") };
    assert_eq!(
        record.names(),
        ["ApproximateArrivalTimestamp", "Data", "PartitionKey", "SequenceNumber"]
    );
    assert_eq!(record.get("Data"), &Item::Bytes(b"\x00\xff".to_vec()));
    assert_eq!(record.get("PartitionKey"), &of("统-key"));
    assert_eq!(record.get("SequenceNumber"), placed.get("SequenceNumber"));
    let arrival = START.as_millis() as i64 + 1480;
    assert_eq!(record.get("ApproximateArrivalTimestamp"), &Item::Time(arrival));
}

// behaviours 147, 149
#[test]
fn a_description_has_the_members_that_it_has_in_json() {
    let raw = stream();
    let answer = ok(&raw, "DescribeStream", texts(&[("StreamName", "s")]));
    let stream = answer.get("StreamDescription");
    let in_json = raw.ok("DescribeStream", json!({"StreamName": "s"}));
    let mut names: Vec<_> =
        in_json["StreamDescription"].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(stream.names(), names);
    assert_eq!(stream.get("StreamCreationTimestamp"), &Item::Time(START.as_millis() as i64));
    assert_eq!(stream.get("HasMoreShards"), &Item::Bool(false));
    assert_eq!(stream.get("RetentionPeriodHours"), &Item::Number(24));
    let [shard] = stream.get("Shards").items() else { panic!("one shard") };
    assert_eq!(shard.names(), ["HashKeyRange", "SequenceNumberRange", "ShardId"]);
    assert_eq!(
        shard.get("SequenceNumberRange").get("StartingSequenceNumber").text(),
        text(&raw.shards("s")[0]["SequenceNumberRange"]["StartingSequenceNumber"])
    );
}

// behaviours 146
#[test]
fn records_cross_from_one_protocol_to_the_other() {
    let raw = stream();
    let large: Vec<u8> = (0..70_000_u32).map(|place| (place % 253) as u8).collect();
    let payloads = [&b""[..], b"plain", b"\x00\xff\xfe", &large];
    for payload in payloads {
        ok(&raw, "PutRecord", put("k", payload));
        raw.put("s", "k", payload);
    }
    let expected: Vec<_> = payloads.iter().flat_map(|payload| [*payload, payload]).collect();
    assert!(read_all(&raw) == expected);
    let answer = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    let in_json: Vec<_> = answer["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| STANDARD.decode(record["Data"].as_str().unwrap()).unwrap())
        .collect();
    assert!(in_json == expected);
}

// behaviours 148: what Java's generator writes
#[test]
fn indefinite_maps_arrays_and_strings_are_read() {
    let raw = stream();
    let body = [
        b"\xd9\xd9\xf7".as_slice(), // the self-describe tag 55799
        b"\xbf",                    // a map without length
        b"\x6aStreamName",
        b"\x7f\x61s\x60\xff", // "s" and "" in two pieces
        b"\x67Records",
        b"\x9f", // a list without length
        b"\xbf",
        b"\x7f\x64Data\xff", // a name in pieces
        b"\x5f\x42hi\x40\x41!\xff",
        b"\x6cPartitionKey",
        b"\x7f\x61a\x61b\xff",
        b"\xff",
        b"\xa2\x64Data\x41y\x6cPartitionKey\x61k",
        b"\xff",
        b"\x67Unknown\x9f\xbf\x61a\x9f\xff\xff\xc1\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00\xff",
        b"\xff",
    ]
    .concat();
    let answer = ok(&raw, "PutRecords", body);
    assert_eq!(answer.names(), ["FailedRecordCount", "Records"]);
    assert_eq!(answer.get("FailedRecordCount"), &Item::Number(0));
    assert_eq!(answer.get("Records").items().len(), 2);
    assert_eq!(read_all(&raw), [&b"hi!"[..], b"y"]);
    let keys = raw.read(&raw.iterator("s", "0", "TRIM_HORIZON"));
    assert_eq!(keys["Records"][0]["PartitionKey"], "ab");
}

// behaviours 147: milliseconds, with the tag and without, in any width
#[test]
fn times_in_requests_are_milliseconds() {
    let raw = stream();
    for data in [b"a", b"b"] {
        raw.put("s", "k", data);
        raw.advance(std::time::Duration::from_secs(1));
    }
    let at = START.as_millis() + 1;
    let input = |time: &dyn Fn(&mut Build<'_>)| {
        body(|out| {
            out.map(4).unwrap().str("StreamName").unwrap().str("s").unwrap();
            out.str("ShardId").unwrap().str("shardId-000000000000").unwrap();
            out.str("ShardIteratorType").unwrap().str("AT_TIMESTAMP").unwrap();
            time(out.str("Timestamp").unwrap());
        })
    };
    let widths: [&dyn Fn(&mut Build<'_>); 4] = [
        &|out| {
            out.tag(Tag::new(1)).unwrap().u64(at).unwrap();
        },
        &|out| {
            out.u64(at).unwrap();
        },
        &|out| {
            out.tag(Tag::new(1)).unwrap().f64(at as f64).unwrap();
        },
        &|out| {
            out.f64(at as f64).unwrap();
        },
    ];
    for time in widths {
        let iterator = ok(&raw, "GetShardIterator", input(time));
        let iterator = iterator.get("ShardIterator").text().to_owned();
        let answer = ok(&raw, "GetRecords", texts(&[("ShardIterator", &iterator)]));
        let [record] = answer.get("Records").items() else { panic!("the second record") };
        assert_eq!(record.get("Data"), &Item::Bytes(b"b".to_vec()));
    }
    let future = START.as_millis() + 2001;
    refused(
        &raw,
        "GetShardIterator",
        input(&|out| {
            out.u64(future).unwrap();
        }),
        &[
            ("__type", "InvalidArgumentException"),
            (
                "message",
                &format!(
                    "The timestampInMillis parameter cannot be greater than the \
                     currentTimestampInMillis. timestampInMillis: {future}, \
                     currentTimestampInMillis: {}",
                    future - 1
                ),
            ),
        ],
    );
}

// behaviours 149
#[test]
fn null_and_undefined_are_absent() {
    let raw = stream();
    for nothing in [b"\xf6", b"\xf7"] {
        let input = [
            b"\xa4\x6aStreamName\x61s\x64Data\x41x\x6cPartitionKey\x61k\x6fExplicitHashKey"
                .as_slice(),
            nothing,
        ];
        ok(&raw, "PutRecord", input.concat());
        let input = [b"\xa1\x65Limit".as_slice(), nothing];
        ok(&raw, "ListStreams", input.concat());
    }
    assert_eq!(read_all(&raw).len(), 2);
}

#[test]
fn integers_come_in_every_width() {
    let raw = stream();
    raw.create_stream("t", 1);
    for one in [
        &b"\x01"[..],
        b"\x18\x01",
        b"\x19\x00\x01",
        b"\x1b\0\0\0\0\0\0\0\x01",
        b"\xf9\x3c\x00",
        b"\xfa\x3f\x80\0\0",
    ] {
        let answer = ok(&raw, "ListStreams", [b"\xa1\x65Limit", one].concat());
        assert_eq!(answer.get("StreamNames"), &Item::List(vec![of("s")]));
        assert_eq!(answer.get("HasMoreStreams"), &Item::Bool(true));
    }
    for (number, printed, bound) in [
        (&b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"[..], "2147483647", "less than or equal to 10000"),
        (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "-2147483648", "greater than or equal to 1"),
        (b"\x00", "0", "greater than or equal to 1"),
    ] {
        let message = format!(
            "1 validation error detected: Value '{printed}' at 'limit' failed to satisfy \
             constraint: Member must have value {bound}"
        );
        refused(
            &raw,
            "ListStreams",
            [b"\xa1\x65Limit", number].concat(),
            &[("__type", "ValidationException"), ("message", &message)],
        );
    }
}

// behaviours 10, 149; wire.md, section 4: errors have the same fields
#[test]
fn errors_are_cbor_too() {
    let raw = stream();
    refused(
        &raw,
        "DescribeStream",
        texts(&[("StreamName", "missing")]),
        &[
            ("__type", "ResourceNotFoundException"),
            ("message", "Stream missing under account 000000000000 not found."),
        ],
    );
    refused(&raw, "Whatever", b"\xa0".to_vec(), &[("__type", "UnknownOperationException")]);
    refused(
        &raw,
        "ListStreams",
        b"\xa1\x65Limit\xf5".to_vec(),
        &[
            ("__type", "SerializationException"),
            ("Message", "class java.lang.Boolean can not be converted to an Integer"),
        ],
    );
    refused(
        &raw,
        "ListStreams",
        b"\xa1\x65Limit\x9f\xff".to_vec(),
        &[
            ("__type", "SerializationException"),
            ("Message", "Start of list found where not expected"),
        ],
    );
}

// behaviours 146: base64 text is wrong
#[test]
fn text_is_no_blob() {
    let raw = stream();
    let base64 = texts(&[("StreamName", "s"), ("PartitionKey", "k"), ("Data", "aGk=")]);
    refused(
        &raw,
        "PutRecord",
        base64,
        &[
            ("__type", "SerializationException"),
            ("Message", "class java.lang.String can not be converted to a Blob"),
        ],
    );
    assert!(read_all(&raw).is_empty());
}

// behaviours 149: size checks count the bytes of the byte string
#[test]
fn sizes_are_those_of_the_byte_string() {
    let raw = stream();
    let mib = 1024 * 1024;
    ok(&raw, "PutRecord", put("k", &vec![0xff; mib - 1]));
    let answer = send(&raw, "PutRecord", put("k", &vec![0xff; mib]));
    assert_eq!(decode(&answer).get("__type"), &of("InvalidArgumentException"));
    let answer = send(&raw, "PutRecord", put("k", &vec![0; 10 * mib + 1]));
    let printed = format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", 10 * mib + 1);
    let message = format!(
        "1 validation error detected: Value '{printed}' at 'data' failed to satisfy constraint: \
         Member must have length less than or equal to 10485760"
    );
    assert_eq!(decode(&answer).get("message"), &of(&message));
    assert_eq!(read_all(&raw).len(), 1);
}

// behaviours 4: no bytes, not even an empty map
#[test]
fn operations_without_output_answer_with_no_bytes_in_cbor_too() {
    let raw = Raw::new();
    let create = b"\xa2\x6aStreamName\x61s\x6aShardCount\x01".to_vec();
    for (operation, body) in
        [("CreateStream", create), ("DeleteStream", texts(&[("StreamName", "s")]))]
    {
        let answer = send(&raw, operation, body);
        answer.expect_empty();
        assert_eq!(answer.content_type(), Some(CBOR));
    }
}

// behaviours 8, 10
#[test]
fn what_is_not_one_map_is_refused_without_a_message() {
    let raw = stream();
    let whole = put("k", b"x");
    let mut bodies: Vec<Vec<u8>> =
        (1..whole.len()).map(|length| whole[..length].to_vec()).collect();
    bodies.extend([
        [whole.as_slice(), b"\x00"].concat(),
        [whole.as_slice(), &whole].concat(),
        b"\xff".to_vec(),
        b"\x80".to_vec(),
        b"\x00".to_vec(),
        b"\xf6".to_vec(),
        b"{}".to_vec(),
        b"\xbf".to_vec(),
        b"\xbf\x61a".to_vec(),
        b"\xa1\x61\xff\x00".to_vec(),
        b"\xa1\x61a\x1c".to_vec(),
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\xd9\xd9\xf7".to_vec(),
        // An odd number of items in a map without length.
        b"\xbf\x6aStreamName\xff".to_vec(),
    ]);
    for body in bodies {
        refused(&raw, "PutRecord", body, &[("__type", "SerializationException")]);
    }
    assert!(read_all(&raw).is_empty(), "no piece of a record is stored");
}

#[test]
fn a_name_that_is_no_text_does_not_show_the_decoders_inside() {
    let raw = stream();
    for body in [&b"\xa1\x01\x02"[..], b"\xa1\x41a\x02", b"\xa1\xf6\x02", b"\xa1\x80\x02"] {
        let answer = send(&raw, "ListStreams", body.to_vec());
        if answer.status == 200 {
            continue;
        }
        assert_eq!(answer.status, 400);
        let fields = decode(&answer);
        assert_eq!(fields.get("__type"), &of("SerializationException"));
        let message = fields.find("Message").map_or("", Item::text);
        assert!(!message.contains("invalid type"), "{body:x?}: {message}");
    }
}

#[test]
fn deep_nesting_harms_nothing() {
    let raw = stream();
    for opening in [&b"\x81"[..], b"\x9f", b"\xa1\x61a", b"\xbf\x61a", b"\xc1"] {
        for name in [&b"\x67Unknown"[..], b"\x6aStreamName", b"\x67Records"] {
            let nested = opening.repeat(200_000);
            let body = [b"\xa1", name, nested.as_slice(), b"\x00"].concat();
            let status = send(&raw, "PutRecords", body).status;
            assert!(status == 200 || status == 400, "{status}");
        }
    }
    assert!(read_all(&raw).is_empty());
}
