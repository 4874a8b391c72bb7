//! Requests that are counted one kind at a time: PutRecord, PutRecords of 500 and
//! GetRecords of 1,000, each as JSON and as CBOR, with everything switched off.

use std::convert::Infallible;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::ValueEnum;
use http::{Request, StatusCode};
use kinesis_emulator::Emulator;
use minicbor::Encoder;
use minicbor::encode::Error;
use serde_json::{Value, json};

use crate::puts::{self, CBOR, JSON, STREAM, signed};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    PutRecordJson,
    PutRecordCbor,
    PutRecordsJson,
    PutRecordsCbor,
    GetRecordsJson,
    GetRecordsCbor,
}

const BATCH: usize = 500;
const READ: usize = 1_000;
const DATA: [u8; 100] = [b'a'; 100];

/// An emulator and what is sent to it, over and over.
pub(crate) struct Prepared {
    pub(crate) emulator: Emulator,
    pub(crate) request: Request<Bytes>,
    /// A shard takes a thousand records per second at most.
    pub(crate) between: Duration,
}

impl Kind {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("no kind is hidden");
        value.get_name().to_owned()
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::PutRecordJson => "PutRecord, JSON",
            Self::PutRecordCbor => "PutRecord, CBOR",
            Self::PutRecordsJson => "PutRecords of 500, JSON",
            Self::PutRecordsCbor => "PutRecords of 500, CBOR",
            Self::GetRecordsJson => "GetRecords of 1,000, JSON",
            Self::GetRecordsCbor => "GetRecords of 1,000, CBOR",
        }
    }

    /// Records of one request.
    pub(crate) fn records(self) -> usize {
        match self {
            Self::PutRecordJson | Self::PutRecordCbor => 1,
            Self::PutRecordsJson | Self::PutRecordsCbor => BATCH,
            Self::GetRecordsJson | Self::GetRecordsCbor => READ,
        }
    }

    /// So many that a few of the log's segments are filled, so that what is paid once per
    /// segment is in the count.
    pub(crate) fn calls(self) -> u64 {
        match self {
            Self::PutRecordJson | Self::PutRecordCbor => 2_000,
            Self::PutRecordsJson | Self::PutRecordsCbor => 10,
            Self::GetRecordsJson | Self::GetRecordsCbor => 5,
        }
    }

    /// Nothing of this is counted.
    pub(crate) fn prepare(self) -> Prepared {
        let emulator = puts::builder().in_process();
        puts::create_stream(&emulator);
        let request = match self {
            Self::PutRecordJson => signed("PutRecord", JSON, put_record_json()),
            Self::PutRecordCbor => signed("PutRecord", CBOR, put_record_cbor()),
            Self::PutRecordsJson => signed("PutRecords", JSON, put_records_json()),
            Self::PutRecordsCbor => signed("PutRecords", CBOR, put_records_cbor()),
            Self::GetRecordsJson => {
                let iterator = iterator_at_many(&emulator);
                signed("GetRecords", JSON, json!({"ShardIterator": iterator}).to_string().into())
            }
            Self::GetRecordsCbor => {
                let iterator = iterator_at_many(&emulator);
                let body = cbor(|to| to.map(1)?.str("ShardIterator")?.str(&iterator)?.ok());
                signed("GetRecords", CBOR, body)
            }
        };
        let between = match self {
            Self::GetRecordsJson | Self::GetRecordsCbor => Duration::ZERO,
            _ => Duration::from_millis(self.records() as u64),
        };
        Prepared { emulator, request, between }
    }

    /// Makes so many calls; only these are counted.
    pub(crate) fn call(self, calls: u64) {
        let Prepared { emulator, request, between } = self.prepare();
        for _ in 0..calls {
            let status = puts::counted_call(&emulator, request.clone());
            assert_eq!(status, StatusCode::OK);
            emulator.clock().advance(between);
        }
    }
}

fn put_record_json() -> Bytes {
    let data = STANDARD.encode(DATA);
    let body = json!({"StreamName": STREAM, "PartitionKey": "customer-17", "Data": data});
    body.to_string().into()
}

fn put_record_cbor() -> Bytes {
    cbor(|to| {
        to.map(3)?.str("StreamName")?.str(STREAM)?;
        to.str("PartitionKey")?.str("customer-17")?.str("Data")?.bytes(&DATA)?.ok()
    })
}

fn put_records_json() -> Bytes {
    let data = STANDARD.encode(DATA);
    let record = |n: usize| json!({"PartitionKey": format!("customer-{n}"), "Data": data});
    let records: Vec<Value> = (0..BATCH).map(record).collect();
    json!({"StreamName": STREAM, "Records": records}).to_string().into()
}

fn put_records_cbor() -> Bytes {
    cbor(|to| {
        to.map(2)?.str("StreamName")?.str(STREAM)?.str("Records")?.array(BATCH as u64)?;
        for n in 0..BATCH {
            to.map(2)?.str("PartitionKey")?.str(&format!("customer-{n}"))?;
            to.str("Data")?.bytes(&DATA)?;
        }
        Ok(())
    })
}

/// An iterator at the first of the records that one GetRecords call reads.
fn iterator_at_many(emulator: &Emulator) -> String {
    for _ in 0..READ / BATCH {
        answer(emulator, signed("PutRecords", JSON, put_records_json()));
        emulator.clock().advance(Duration::from_secs(1));
    }
    let body = json!({
        "StreamName": STREAM, "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let told = answer(emulator, signed("GetShardIterator", JSON, body.to_string().into()));
    let iterator = told["ShardIterator"].as_str().expect("an iterator").to_owned();
    let body = json!({"ShardIterator": iterator}).to_string();
    let read = answer(emulator, signed("GetRecords", JSON, body.into()));
    assert_eq!(read["Records"].as_array().map(Vec::len), Some(READ));
    iterator
}

fn answer(emulator: &Emulator, request: Request<Bytes>) -> Value {
    let answer = emulator.call(request);
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
    serde_json::from_slice(answer.body()).expect("an answer in JSON")
}

fn cbor(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>) -> Bytes {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("a Vec takes whatever is written");
    encoder.into_writer().into()
}
