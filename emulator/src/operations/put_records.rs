//! `PutRecords`: append up to 500 records, each to the shard that owns its key.
//!
//! * A record that is malformed, too large or out of range fails the whole call
//!   (recorded for hash keys); answers are in the order of the request.
//! * A missing key, and data that is longer than the stream takes, are told of every
//!   record (quoted by users); then the size of all counts, and then the first record.
//! * Records of one shard are numbered in the order of the request.
//! * A record that exceeds its shard's throughput fails alone: its entry has an
//!   error and no sequence number, and the call succeeds.
//! * All records with their keys are at most 10 MiB together.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>

use crate::engine::writable::{NewRecord, Writable};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::hash_key::GivenHashKey;
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, PartitionKey, StreamName};
use crate::model::record::Payload;
use crate::model::sequence_number::{SequenceNumber, Successions};
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::wire::description::Description;
use crate::wire::emit::{Emit, SequenceDigits, answer, emit_all};
use crate::wire::request_bytes::Kept;
use crate::wire::shape::{List, shape};
use crate::wire::violation::{Path, Violations};
use crate::wire::writer::Writer;

use super::put_record::{PutRecord, accept, find_violations, new_record, stored_bytes};
use super::shapes::reported;
use super::{Call, Operation};

/// Most bytes of data and keys in one call (model text; 5 MiB until 2025).
const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;

pub(crate) struct PutRecords;

shape! {
    pub(crate) struct PutRecordsInput {
        "Records" => records: List<PutRecordsRequestEntry, 1, 500>,
        "StreamName" => stream_name: Option<StreamName>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "DryRun" => dry_run: Option<bool>,
    }
}

shape! {
    pub(crate) struct PutRecordsRequestEntry {
        "Data" => data: Kept<Payload>,
        "ExplicitHashKey" => explicit_hash_key: Option<Kept<GivenHashKey>>,
        "PartitionKey" => partition_key: Option<Kept<PartitionKey>>,
    }
}

answer! {
    pub(crate) struct PutRecordsOutput {
        "FailedRecordCount" => failed: Option<u32>,
        "Records" => records: Results,
        "EncryptionType" => encryption: Option<EncryptionType>,
    }
}

answer! {
    pub(crate) struct PutRecordsResultEntry<'a> {
        "SequenceNumber" => sequence_number: Option<SequenceDigits>,
        "ShardId" => shard_id: Option<ShardIndex>,
        "ErrorCode" => error_code: Option<&'a str>,
        "ErrorMessage" => error_message: Option<&'a str>,
    }
}

/// What has become of each record, in the order of the request.
#[derive(Debug)]
pub(crate) struct Results(pub(super) Vec<Result<SequenceNumber, ApiError>>);

impl Operation for PutRecords {
    type Input = PutRecordsInput;
    type Output = PutRecordsOutput;
    const ERRORS: &'static [ErrorKind] = PutRecord::ERRORS;
    const ON_DATA_PATH: bool = true;
    /// Limited per shard.
    const RATE: Option<Rate> = None;

    fn handle(input: PutRecordsInput, call: &Call<'_>) -> Result<PutRecordsOutput, ApiError> {
        let (realm, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let List(entries) = &input.records;
        let bytes_of = |entry: &PutRecordsRequestEntry| {
            stored_bytes(&entry.data, entry.partition_key.as_ref())
        };
        call.engine.make_room(|| entries.iter().map(bytes_of).sum(), call.now)?;
        let mut writable = stream.writable()?;
        let list = Path::Root.member("Records");
        let record_of = |entry: &PutRecordsRequestEntry| {
            new_record(&entry.data, entry.partition_key.as_ref(), call)
        };
        let mut bytes = 0;
        let routes = writable.routes(entries.iter().enumerate().map(|(place, entry)| {
            let record = record_of(entry);
            bytes += record.bytes();
            let hash_key = entry.explicit_hash_key.as_ref();
            accept(record, hash_key, &writable, call, &list.element(place))
        }));
        let mut routes = routes
            .map_err(|first| refusal(first, entries.iter().map(record_of), &writable, &list))?;
        if bytes > REQUEST_BYTES_MAX {
            return Err(ApiError::request_too_large());
        }
        if input.dry_run == Some(true) {
            return Err(ApiError::dry_run());
        }
        let mut results: Vec<_> = entries.iter().map(|_| None).collect();
        if !call.failing.is_empty() {
            for (place, error) in call.failing {
                results[*place] = Some(Err(error.clone()));
            }
            routes.retain(|place| results[place].is_none());
        }
        let encryption = reported(writable.state.encryption);
        let limits = call.throughput();
        let record_at = |place: usize| record_of(&entries[place]);
        writable.append_all(call.now, routes, record_at, limits.as_deref(), |place, result| {
            results[place] = Some(result);
        });
        if let Some(limits) = &limits {
            realm.split_busy_shards(&stream, writable.into_busy(), limits, call.now);
        }
        let results = results.into_iter().map(|result| result.expect("each record has one"));
        let results = Results(results.collect());
        let failed = results.0.iter().filter(|result| result.is_err()).count() as u32;
        Ok(PutRecordsOutput { failed: Some(failed), records: results, encryption })
    }
}

/// What is said of records of which one, if not more, cannot be taken.
#[cold]
fn refusal<'r>(
    first: ApiError,
    records: impl Iterator<Item = NewRecord<'r>>,
    writable: &Writable<'_>,
    list: &Path<'_>,
) -> ApiError {
    let mut found = Violations::default();
    let mut bytes = 0;
    for (place, record) in records.enumerate() {
        find_violations(record, writable, &list.element(place), &mut found);
        bytes += record.bytes();
    }
    match found.into_error() {
        Some(violations) => violations,
        None if bytes > REQUEST_BYTES_MAX => ApiError::request_too_large(),
        None => first,
    }
}

/// About what the result of a record takes in an answer.
const RESULT_BYTES: usize = 128;

/// Each result is made when it is written.
impl Emit for Results {
    const DESCRIPTION: Description = Description::List {
        at_least: 0,
        at_most: usize::MAX,
        element: &PutRecordsResultEntry::DESCRIPTION,
    };

    fn bytes_about(&self) -> usize {
        self.0.len() * RESULT_BYTES
    }

    fn emit(&self, writer: &mut impl Writer) {
        let mut numbers = Successions::default();
        let entries = self.0.iter().map(|result| PutRecordsResultEntry::of(result, &mut numbers));
        emit_all::<PutRecordsResultEntry<'_>>(writer, self.0.len(), entries);
    }
}

impl<'a> PutRecordsResultEntry<'a> {
    /// A record that was refused says why and nothing else.
    fn of(result: &'a Result<SequenceNumber, ApiError>, numbers: &mut Successions) -> Self {
        let placed = result.as_ref().ok();
        let refusal = result.as_ref().err();
        Self {
            sequence_number: placed.map(|number| SequenceDigits(numbers.digits(*number))),
            shard_id: placed.map(|number| number.shard),
            error_code: refusal.map(|refusal| refusal.kind().wire_name()),
            error_message: refusal.map(ApiError::message),
        }
    }
}
