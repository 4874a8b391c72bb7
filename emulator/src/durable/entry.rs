//! The entries of a log and of a checkpoint: what an engine tells, as bytes.
//!
//! Records are binary; all else is one JSON object, spelled as in a snapshot's
//! file. Told in their order, entries lead to the same state again
//! ([`replay`](super::replay)).
//!
//! Records begin with a byte that no JSON does, then have, little-endian: the
//! stream's incarnation (8 bytes), the shard's number (4), the first record's
//! index (8) and arrival in milliseconds (8). Each record follows with how much
//! later it arrived, its flags, the length of its key, if it has one, the length
//! of its data, and the bytes of both; numbers are LEB128.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::account::Commitment;
use crate::engine::chronicle::Added;
use crate::engine::deliveries::{Deliveries, Place};
use crate::engine::frozen::Frozen;
use crate::engine::lifecycle::Due;
use crate::engine::log::StoredRecord;
use crate::engine::queue::Queue;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::topology::Shard;
use crate::engine::transition::Transition;
use crate::model::arn::{AccountId, QueueId, RealmId, Region};
use crate::model::record::KeptText;
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;
use crate::snapshot::rows::{
    Becomes, CommitmentRow, DeliveryRow, DrawnRow, Parsed, RealmRow, ShardRow, StreamRow,
};
use crate::snapshot::write::{
    becomes, commitment_row, delivery_row, realm_row, shard_row, stream_row,
};

/// The first byte of an entry of records.
pub(super) const RECORDS: u8 = 1;

/// The byte before an entry of a state that is laid out and not in force.
pub(super) const LAID_OUT: u8 = 2;

const HAS_KEY: u8 = 1;
const IS_ENCRYPTED: u8 = 2;

/// Records and bytes that a checkpoint takes from a log at a time.
const BATCH: (usize, usize) = (10_000, 1024 * 1024);

/// An entry that is not of records.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// Nothing of what was told before is left. It is not written any more: what
    /// came after it had to be in its batch.
    Reset,
    /// A state is laid out from here on, and nothing is left of one that was.
    Restoring,
    /// What is laid out is in force, and nothing else of what was told before.
    Restored,
    Moment(Moment),
    Realm(RealmRow),
    Commitment(CommitmentOf),
    Stream(Box<StreamOf>),
    /// A stream is not there any more, nor what was to come of it.
    Gone(Gone),
    Change(Change),
    Deliveries(DeliveriesOf),
}

/// How far time and chance had got.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    pub(super) now: u64,
    pub(super) ids: DrawnRow,
    pub(super) request_ids: DrawnRow,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitmentOf {
    pub(super) account: Parsed<AccountId>,
    pub(super) region: Parsed<Region>,
    pub(super) commitment: CommitmentRow,
}

/// A stream as it is, and those of its shards that are new or have changed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamOf {
    pub(super) account: Parsed<AccountId>,
    pub(super) region: Parsed<Region>,
    pub(super) stream: StreamRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shards: Vec<ShardRow>,
    /// The change that was to come, and has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settled: Option<DueRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gone {
    pub(super) incarnation: u64,
}

/// A change that is to come.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) incarnation: u64,
    pub(super) due: DueRow,
    pub(super) becomes: Becomes,
}

/// Milliseconds, and the place among those that are due at once.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct DueRow(pub(super) u64, pub(super) u64);

impl From<Due> for DueRow {
    fn from((at, order): Due) -> Self {
        Self(at.as_millis(), order)
    }
}

impl From<DueRow> for Due {
    fn from(DueRow(at, order): DueRow) -> Self {
        (Timestamp::from_millis(at), order)
    }
}

/// What a queue knows of some records.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesOf {
    pub(super) incarnation: u64,
    pub(super) queue: Parsed<QueueId>,
    /// By shard, the index of the next record that was never handed out.
    pub(super) next: BTreeMap<u32, u64>,
    /// Records that are not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) records: Vec<DeliveryRow>,
    /// Records that are done: shard, index, and how often they were handed out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) acknowledged: Vec<(u32, u64, u32)>,
    /// Records of which nothing is known any more: shard and index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) forgotten: Vec<(u32, u64)>,
}

impl Entry {
    /// Appends the entry's bytes.
    pub(super) fn write(&self, buffer: &mut Vec<u8>) {
        serde_json::to_writer(buffer, self).expect("memory takes what is written");
    }

    pub(super) fn commitment(realm: &RealmId, commitment: &Commitment) -> Self {
        Self::Commitment(CommitmentOf {
            account: Parsed(realm.account.clone()),
            region: Parsed(realm.region.clone()),
            commitment: commitment_row(commitment),
        })
    }

    pub(super) fn stream(
        stream: &Stream,
        state: &StreamState,
        shards: &[ShardIndex],
        settled: Option<Due>,
    ) -> Self {
        let row = |index: &ShardIndex| {
            let shard = &state.topology.shards()[index.as_usize()];
            shard_row(shard, &shard.log.lock())
        };
        let RealmId { account, region } = stream.address.realm.clone();
        Self::Stream(Box::new(StreamOf {
            account: Parsed(account),
            region: Parsed(region),
            stream: stream_row(stream, state),
            shards: shards.iter().map(row).collect(),
            settled: settled.map(DueRow::from),
        }))
    }

    pub(super) fn gone(stream: &Stream) -> Self {
        Self::Gone(Gone { incarnation: stream.incarnation })
    }

    pub(super) fn change(stream: &Stream, due: Due, change: &Transition) -> Self {
        Self::Change(Change {
            incarnation: stream.incarnation,
            due: due.into(),
            becomes: becomes(change.clone()),
        })
    }

    pub(super) fn deliveries(
        stream: &Stream,
        queue: &Queue,
        deliveries: &Deliveries,
        places: &mut dyn Iterator<Item = Place>,
    ) -> Self {
        let mut told = DeliveriesOf {
            incarnation: stream.incarnation,
            queue: Parsed(queue.address.id.clone()),
            next: BTreeMap::new(),
            records: Vec::new(),
            acknowledged: Vec::new(),
            forgotten: Vec::new(),
        };
        for place in places {
            let (shard, index) = (place.shard.number(), place.index);
            told.next.extend(deliveries.next().get(&place.shard).map(|next| (shard, *next)));
            if let Some(delivery) = deliveries.records().get(&place) {
                told.records.push(delivery_row(place, delivery));
            } else if let Some(done) = deliveries.acknowledged().get(&place) {
                told.acknowledged.push((shard, index, done.handed_out));
            } else {
                told.forgotten.push((shard, index));
            }
        }
        Self::Deliveries(told)
    }
}

/// Appends the bytes of an entry of records.
pub(super) fn write_added(buffer: &mut Vec<u8>, incarnation: u64, added: &mut Added<'_>) {
    let Added { shard, first, arrival, encryption, records } = added;
    begin_records(buffer, incarnation, *shard, *first, *arrival);
    for (key, data) in records {
        write_record(buffer, 0, key.map(KeptText::as_bytes), data, *encryption);
    }
}

fn begin_records(
    buffer: &mut Vec<u8>,
    incarnation: u64,
    shard: ShardIndex,
    first: u64,
    arrival: Timestamp,
) {
    buffer.push(RECORDS);
    buffer.extend_from_slice(&incarnation.to_le_bytes());
    buffer.extend_from_slice(&shard.number().to_le_bytes());
    buffer.extend_from_slice(&first.to_le_bytes());
    buffer.extend_from_slice(&arrival.as_millis().to_le_bytes());
}

fn write_record(
    buffer: &mut Vec<u8>,
    millis_later: u64,
    key: Option<&[u8]>,
    data: &[u8],
    encryption: EncryptionType,
) {
    write_number(buffer, millis_later);
    let encrypted = if encryption == EncryptionType::Kms { IS_ENCRYPTED } else { 0 };
    buffer.push(encrypted | if key.is_some() { HAS_KEY } else { 0 });
    if let Some(key) = key {
        write_number(buffer, key.len() as u64);
    }
    write_number(buffer, data.len() as u64);
    buffer.extend_from_slice(key.unwrap_or_default());
    buffer.extend_from_slice(data);
}

/// LEB128: seven bits to a byte, the lowest first.
fn write_number(buffer: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        buffer.push(number as u8 | 0x80);
        number >>= 7;
    }
    buffer.push(number as u8);
}

/// Tells a frozen engine as entries, one after the other: what a checkpoint has
/// beside its moment.
pub(super) fn write_frozen(frozen: &Frozen, mut push: impl FnMut(&[u8])) {
    let mut buffer = Vec::new();
    let mut tell = |entry: &Entry| {
        buffer.clear();
        entry.write(&mut buffer);
        push(&buffer);
    };
    let realms = frozen.realms();
    for realm in &realms {
        tell(&Entry::Realm(realm_row(realm)));
        for stream in realm.streams() {
            let state = stream.state();
            let shards: Vec<_> = state.topology.shards().iter().map(|shard| shard.index).collect();
            tell(&Entry::stream(&stream, &state, &shards, None));
        }
        for (due, stream, change) in realm.lifecycle().pending() {
            tell(&Entry::change(&stream, due, &change));
        }
    }
    for stream in realms.iter().flat_map(|realm| realm.streams()) {
        for shard in stream.state().topology.shards() {
            write_records_of(shard, stream.incarnation, &mut buffer, &mut push);
        }
    }
}

fn write_records_of(
    shard: &Shard,
    incarnation: u64,
    buffer: &mut Vec<u8>,
    push: &mut impl FnMut(&[u8]),
) {
    let mut log = shard.log.lock();
    let mut next = log.start();
    while next < log.end() {
        let batch = log.read(next, BATCH.0, BATCH.1);
        let mut begun: Option<Timestamp> = None;
        buffer.clear();
        for StoredRecord { sequence_number, arrival, partition_key, data, encryption } in
            batch.iter()
        {
            let first = *begun.get_or_insert_with(|| {
                begin_records(buffer, incarnation, shard.index, sequence_number.index, arrival);
                arrival
            });
            let millis_later = arrival.as_millis() - first.as_millis();
            let key = partition_key.map(KeptText::as_bytes);
            write_record(buffer, millis_later, key, data, encryption);
        }
        push(buffer);
        next = batch.next;
    }
}

/// An entry of records, as it is read.
pub(super) struct Records<'a> {
    pub(super) incarnation: u64,
    pub(super) shard: ShardIndex,
    pub(super) first: u64,
    arrival: u64,
    rest: &'a [u8],
}

/// A record of an entry, not checked for more than its form.
pub(super) struct Record<'a> {
    pub(super) arrival: Timestamp,
    pub(super) key: Option<&'a [u8]>,
    pub(super) data: &'a [u8],
    pub(super) encryption: EncryptionType,
}

impl<'a> Records<'a> {
    /// Reads what comes after the first byte; `None` if it ends too early.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (incarnation, bytes) = bytes.split_first_chunk()?;
        let (shard, bytes) = bytes.split_first_chunk()?;
        let (first, bytes) = bytes.split_first_chunk()?;
        let (arrival, rest) = bytes.split_first_chunk()?;
        Some(Self {
            incarnation: u64::from_le_bytes(*incarnation),
            shard: ShardIndex::new(u32::from_le_bytes(*shard)),
            first: u64::from_le_bytes(*first),
            arrival: u64::from_le_bytes(*arrival),
            rest,
        })
    }

    /// The next record; `None` if it is not one.
    fn read_next(&mut self) -> Option<Record<'a>> {
        let millis_later = self.read_number()?;
        let (flags, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *flags & !(HAS_KEY | IS_ENCRYPTED) != 0 {
            return None;
        }
        let has_key = flags & HAS_KEY != 0;
        let key_bytes = if has_key { self.read_number()? } else { 0 };
        let data_bytes = self.read_number()?;
        let key = self.take(key_bytes)?;
        let data = self.take(data_bytes)?;
        Some(Record {
            arrival: Timestamp::from_millis(self.arrival.checked_add(millis_later)?),
            key: has_key.then_some(key),
            data,
            encryption: match flags & IS_ENCRYPTED {
                0 => EncryptionType::None,
                _ => EncryptionType::Kms,
            },
        })
    }

    fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn read_number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// The records; `None` in place of one whose form is wrong, and then no more.
impl<'a> Iterator for Records<'a> {
    type Item = Option<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.read_next();
        if record.is_none() {
            self.rest = &[];
        }
        Some(record)
    }
}
