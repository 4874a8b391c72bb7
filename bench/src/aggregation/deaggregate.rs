//! Takes aggregates apart, as the KCL does.
//!
//! Law: whatever was stored, this answers and never panics; a record that is no
//! aggregate comes out as it went in.

use std::fmt;

use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::Record;

use super::format::{AggregateMessage, RecordMessage, text};
use super::{HashKeyRange, UserRecord};

/// What an aggregate holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// The user records in their order. The position is the sub-sequence number.
    pub records: Vec<UserRecord>,
    /// Why there are no more, if the aggregate says there should be.
    pub damage: Option<Damage>,
}

/// An aggregate whose digest is right and whose content is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The position of the user record that cannot be read.
    pub position: usize,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a user record in an aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DamageKind {
    /// Its partition key is at an index beyond the table.
    PartitionKeyIndex(u64),
    /// Its hash key is at an index beyond the table.
    HashKeyIndex(u64),
    /// Its hash key is no number of 128 bits.
    HashKey(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, kind } = self;
        write!(f, "user record {position} of the aggregate ")?;
        match kind {
            DamageKind::PartitionKeyIndex(index) => {
                write!(f, "points at partition key {index}, which the table does not have")?;
            }
            DamageKind::HashKeyIndex(index) => {
                write!(f, "points at hash key {index}, which the table does not have")?;
            }
            DamageKind::HashKey(key) => {
                write!(f, "has the hash key {key:?}, which is not a number of 128 bits")?;
            }
        }
        f.write_str("; it and what follows are left out, as the KCL does: look at its producer")
    }
}

impl std::error::Error for Damage {}

/// Which user records a reader of a shard is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    None,
    /// The KCL's rule: an aggregate with a user record outside the range is left
    /// out altogether. Its producer is to see where it landed and put again.
    WholeAggregates(HashKeyRange),
    /// Only the user records outside the range are left out. For producers that,
    /// as the KPL, put only those again that landed on a shard that does not own them.
    EachRecord(HashKeyRange),
}

/// A user record as a consumer sees it, or a plain record.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumedRecord {
    /// Of the stream record it came in.
    pub sequence_number: String,
    /// Its position in an aggregate; none for a plain record.
    pub sub_sequence_number: Option<u64>,
    /// Its own partition key.
    pub partition_key: String,
    /// Its own hash key, if an aggregate says so. `GetRecords` does not tell a
    /// plain record's.
    pub explicit_hash_key: Option<u128>,
    /// Its data.
    pub data: Vec<u8>,
    /// When the stream record arrived.
    pub arrived_at: Option<DateTime>,
}

/// What came of reading some stream records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deaggregated {
    /// User records and plain records, in order.
    pub records: Vec<ConsumedRecord>,
    /// For each damaged aggregate its sequence number and what is wrong with it.
    pub damaged: Vec<(String, Damage)>,
}

/// Takes one record's data apart; nothing if it is no aggregate.
#[must_use]
pub fn split(data: &[u8]) -> Option<Split> {
    let AggregateMessage { partition_key_table, explicit_hash_key_table, records } =
        AggregateMessage::decode_framed(data)?;
    let mut split = Split { records: Vec::with_capacity(records.len()), damage: None };
    for (position, record) in records.into_iter().enumerate() {
        match user_record(record, &partition_key_table, &explicit_hash_key_table) {
            Ok(record) => split.records.push(record),
            Err(kind) => {
                split.damage = Some(Damage { position, kind });
                break;
            }
        }
    }
    Some(split)
}

/// Takes all records apart, in order; plain ones pass through.
///
/// ```
/// use aws_sdk_kinesis::primitives::Blob;
/// use aws_sdk_kinesis::types::Record;
/// use kinesis_bench::aggregation::deaggregate::{self, Filter};
///
/// let plain = Record::builder()
///     .sequence_number("49")
///     .partition_key("user-1")
///     .data(Blob::new("hello"))
///     .build()?;
/// let read = deaggregate::records([plain], Filter::None);
/// assert_eq!(read.records[0].data, b"hello");
/// assert_eq!(read.records[0].sub_sequence_number, None);
/// # Ok::<(), aws_sdk_kinesis::error::BuildError>(())
/// ```
pub fn records(records: impl IntoIterator<Item = Record>, filter: Filter) -> Deaggregated {
    let mut read = Deaggregated::default();
    for record in records {
        let Some(Split { records, damage }) = split(record.data.as_ref()) else {
            read.records.push(ConsumedRecord::plain(record));
            continue;
        };
        if let Some(damage) = damage {
            read.damaged.push((record.sequence_number.clone(), damage));
        }
        let is_outside =
            |range: HashKeyRange| move |record: &UserRecord| !range.contains(record.hash_key());
        if let Filter::WholeAggregates(range) = filter
            && records.iter().any(is_outside(range))
        {
            continue;
        }
        let kept = (0_u64..).zip(records).filter(|(_, record)| match filter {
            Filter::EachRecord(range) => !is_outside(range)(record),
            Filter::None | Filter::WholeAggregates(_) => true,
        });
        let kept = kept.map(|(position, user)| ConsumedRecord::inside(&record, position, user));
        read.records.extend(kept);
    }
    read
}

impl ConsumedRecord {
    fn plain(record: Record) -> Self {
        Self {
            sequence_number: record.sequence_number,
            sub_sequence_number: None,
            partition_key: record.partition_key.unwrap_or_default(),
            explicit_hash_key: None,
            data: record.data.into_inner(),
            arrived_at: record.approximate_arrival_timestamp,
        }
    }

    fn inside(aggregate: &Record, position: u64, user: UserRecord) -> Self {
        Self {
            sequence_number: aggregate.sequence_number.clone(),
            sub_sequence_number: Some(position),
            partition_key: user.partition_key,
            explicit_hash_key: user.explicit_hash_key,
            data: user.data,
            arrived_at: aggregate.approximate_arrival_timestamp,
        }
    }
}

fn user_record(
    record: RecordMessage,
    partition_keys: &[Vec<u8>],
    hash_keys: &[Vec<u8>],
) -> Result<UserRecord, DamageKind> {
    let index = record.partition_key_index.unwrap_or_default();
    let key = at(partition_keys, index).ok_or(DamageKind::PartitionKeyIndex(index))?;
    let explicit_hash_key = match record.explicit_hash_key_index {
        None => None,
        Some(index) => {
            let key = text(at(hash_keys, index).ok_or(DamageKind::HashKeyIndex(index))?);
            Some(key.parse().map_err(|_| DamageKind::HashKey(key))?)
        }
    };
    Ok(UserRecord {
        partition_key: text(key),
        explicit_hash_key,
        data: record.data.unwrap_or_default(),
        tags: record.tags.into_iter().map(Into::into).collect(),
    })
}

fn at(table: &[Vec<u8>], index: u64) -> Option<&[u8]> {
    table.get(usize::try_from(index).ok()?).map(Vec::as_slice)
}
