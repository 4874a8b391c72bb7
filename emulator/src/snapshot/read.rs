//! From lines to a frozen engine. Nothing that stands in a file is trusted: it
//! is refused, or it makes an engine that keeps its laws.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc32fast::Hasher;

use crate::engine::account::Commitment;
use crate::engine::channel::{Bucket, Channel, DeadLetterBucket, Destination, Logging, Table};
use crate::engine::consumer::Consumer;
use crate::engine::deliveries::{Acknowledged, Deliveries, Delivery, Place, Side};
use crate::engine::entropy::Drawn;
use crate::engine::frozen::Frozen;
use crate::engine::log::Log;
use crate::engine::queue::{Queue, QueueStart};
use crate::engine::realm::Realm;
use crate::engine::rolling::RollingDay;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::sync::Mutex;
use crate::engine::topology::{Shard, Topology};
use crate::model::arn::{ChannelAddress, ConsumerAddress, QueueAddress, RealmId, StreamAddress};
use crate::model::channel::{ChannelId, DataFreshnessInSeconds};
use crate::model::constraint::{Constrained, Measured};
use crate::model::hash_key::{HashKey, HashKeyRange};
use crate::model::names::{PartitionKey, StreamName};
use crate::model::record::Payload;
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{EncryptionType, StreamMode, StreamStatus};
use crate::model::timestamp::Timestamp;

use super::Snapshot;
use super::error::Problem;
use super::rows::{
    Announcement, ChangeRow, ChannelRow, CommitmentRow, ConsumerRow, DestinationRow, DrawnRow,
    EndRow, FORMAT, Header, Number, QueueRow, RealmRow, RecordRow, Row, ShardRow, StreamRow, Text,
    VERSION,
};
use super::to_come::{SHARDS_AT_ONCE_MAX, ToCome, check_warm_throughput};

/// A first line is not longer: a large file of another kind is not read whole.
const HEADER_BYTES_MAX: u64 = 64 * 1024;

/// Why something cannot stand in a file.
pub(crate) type Refusal = String;

/// Reads a snapshot.
pub(super) fn read(mut input: impl BufRead) -> Result<Snapshot, Problem> {
    let mut line = Vec::new();
    let mut number = 1;
    input.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    let header = read_header(&line)?;
    let mut checksum = Hasher::new();
    let mut world = World::default();
    loop {
        checksum.update(&line);
        line.clear();
        input.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(Problem::CutOff { after_line: number });
        }
        number += 1;
        let damaged = |what| Problem::Damaged { line: number, what };
        let row = serde_json::from_slice(&line).map_err(|error| damaged(error.to_string()))?;
        if let Some(end) = world.add(row).map_err(damaged)? {
            world.found.crc32 = checksum.finalize();
            if world.found != end {
                return Err(damaged("the checksum or the counts are wrong".to_owned()));
            }
            if !input.fill_buf()?.is_empty() {
                return Err(damaged("more follows after the end".to_owned()));
            }
            let taken = Timestamp::from_millis(header.taken);
            let frozen = Frozen::new(taken, header.ids.into(), world.realms);
            return Ok(Snapshot::new(frozen, header.request_ids.into()));
        }
    }
}

fn read_header(line: &[u8]) -> Result<Header, Problem> {
    let announced: Announcement<'_> =
        serde_json::from_slice(line).map_err(|_| Problem::NotASnapshot)?;
    match announced.version {
        _ if announced.format != FORMAT => Err(Problem::NotASnapshot),
        found if found > VERSION => Err(Problem::NewerVersion { found, known: VERSION }),
        _ if line.last() != Some(&b'\n') => Err(Problem::CutOff { after_line: 0 }),
        _ => serde_json::from_slice(line)
            .map_err(|error| Problem::Damaged { line: 1, what: error.to_string() }),
    }
}

impl From<DrawnRow> for Drawn {
    fn from(DrawnRow { seed, draws }: DrawnRow) -> Self {
        Self { seed, draws }
    }
}

/// What has been read so far. The last realm, stream and shard may be followed
/// by more of theirs.
#[derive(Default)]
struct World {
    realms: Vec<Realm>,
    stream: Option<(StreamRow, Vec<Shard>)>,
    shard: Option<OpenShard>,
    to_come: ToCome,
    incarnations: BTreeSet<u64>,
    found: EndRow,
}

/// A shard whose records are being read.
struct OpenShard {
    shard: Shard,
    last: Timestamp,
    newest: Timestamp,
    data: Vec<u8>,
}

impl World {
    /// Adds a line; returns the last one.
    fn add(&mut self, row: Row<'_>) -> Result<Option<EndRow>, Refusal> {
        match row {
            Row::Record(row) => {
                self.found.records += 1;
                self.shard.as_mut().ok_or("a record outside of a shard")?.add(&row)?;
            }
            Row::Shard(row) => {
                self.found.shards += 1;
                self.finish_shard();
                if self.stream.is_none() {
                    return Err("a shard outside of a stream".to_owned());
                }
                self.shard = Some(OpenShard::new(&row)?);
            }
            Row::Stream(row) => {
                self.found.streams += 1;
                self.finish_stream()?;
                self.stream = Some((*row, Vec::new()));
            }
            Row::Change(row) => {
                self.found.changes += 1;
                self.finish_stream()?;
                self.add_change(row)?;
            }
            Row::Realm(row) => {
                self.found.realms += 1;
                self.finish_stream()?;
                self.add_realm(row)?;
            }
            Row::End(end) => {
                self.finish_stream()?;
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn add_realm(&mut self, row: RealmRow) -> Result<(), Refusal> {
        let id = RealmId { account: row.account.0, region: row.region.0 };
        if self.realms.iter().any(|realm| *realm.id() == id) {
            return Err("a realm that was there before".to_owned());
        }
        self.realms.push(realm(id, &row.commitment, row.retired_seconds)?);
        self.to_come.turn_to_next_realm();
        Ok(())
    }

    fn finish_shard(&mut self) {
        if let (Some(shard), Some((_, shards))) = (self.shard.take(), &mut self.stream) {
            shards.push(shard.finish());
        }
    }

    fn finish_stream(&mut self) -> Result<(), Refusal> {
        self.finish_shard();
        let Some((row, shards)) = self.stream.take() else { return Ok(()) };
        if !self.incarnations.insert(row.incarnation) {
            return Err(format!("a second stream of the incarnation {}", row.incarnation));
        }
        let realm = self.realms.last().ok_or("a stream outside of a realm")?;
        add_stream(realm, row, shards)
    }

    fn add_change(&mut self, row: ChangeRow) -> Result<(), Refusal> {
        let realm = self.realms.last().ok_or("a change outside of a realm")?;
        let due = (Timestamp::from_millis(row.at), self.found.changes);
        self.to_come.add(realm, row.stream.0, due, row.becomes)
    }
}

/// A realm without its streams.
pub(crate) fn realm(
    id: RealmId,
    commitment: &CommitmentRow,
    retired_seconds: BTreeMap<Text<StreamName>, u64>,
) -> Result<Realm, Refusal> {
    let commitment = Commitment {
        started: commitment.started.map(Timestamp::from_millis),
        ended: commitment.ended.map(Timestamp::from_millis),
        ends_early: commitment.ends_early,
    };
    let mut retired = Vec::new();
    for (Text(name), made) in retired_seconds {
        retired.push((name, seconds(made)?));
    }
    Ok(Realm::restored(id, commitment, retired))
}

/// Adds a stream to its realm.
pub(crate) fn add_stream(realm: &Realm, row: StreamRow, shards: Vec<Shard>) -> Result<(), Refusal> {
    if realm.find(&row.name.0).is_some() {
        return Err(format!("a second stream of the name {}", row.name.0));
    }
    let stream = stream(row, shards, realm.id())?;
    for channel in stream.state().channels.values() {
        if realm.has_channel_named(&channel.name)
            || realm.stream_of_channel(&channel.address.id).is_some()
        {
            return Err(format!("a second channel {}", channel.name));
        }
    }
    for queue in stream.state().queues.values() {
        if realm.stream_of_queue(&queue.address.id).is_some() {
            return Err(format!("a second queue of the id {}", queue.address.id));
        }
    }
    realm.add_restored(Arc::new(stream));
    Ok(())
}

/// Refuses what no record can be.
pub(crate) fn check_record(key: Option<&Cow<'_, str>>, data: &[u8]) -> Result<(), Refusal> {
    if let Some(key) = key
        && !PartitionKey::CONSTRAINTS.iter().all(|constraint| key.satisfies(constraint))
    {
        return Err("a partition key that breaks a constraint".to_owned());
    }
    if data.len() > Payload::BYTES_MAX {
        return Err("more data than a record can have".to_owned());
    }
    Ok(())
}

/// A shard whose records are still to come.
pub(crate) fn shard(row: &ShardRow) -> Result<Shard, Refusal> {
    if !(1..=SequenceNumber::INDEX_MAX).contains(&row.first_index) {
        return Err("an index that no record has".to_owned());
    }
    let index = ShardIndex::new(row.number);
    let hash_keys = HashKeyRange {
        start: HashKey::new(row.first_hash_key.0),
        end: HashKey::new(row.last_hash_key.0),
    };
    let parents = [row.parent, row.adjacent_parent].map(|parent| parent.map(ShardIndex::new));
    let created_seconds = seconds(row.created_seconds)?;
    let opened = Timestamp::from_millis(row.opened);
    let mut shard = Shard::new(index, hash_keys, parents, created_seconds, opened);
    shard.closed = row.closed.map(Timestamp::from_millis);
    shard.ended_seconds = seconds(row.ended_seconds)?;
    shard.log = Mutex::new(Log::resumed(index, created_seconds, row.first_index));
    Ok(shard)
}

impl OpenShard {
    fn new(row: &ShardRow) -> Result<Self, Refusal> {
        Ok(Self {
            shard: shard(row)?,
            last: Timestamp::EPOCH,
            newest: Timestamp::from_millis(row.newest),
            data: Vec::new(),
        })
    }

    fn add(&mut self, row: &RecordRow<'_>) -> Result<(), Refusal> {
        let arrival = Timestamp::from_millis(row.arrival);
        if arrival < self.last || arrival > self.newest {
            return Err("a record that arrived before the one before it, or after all".to_owned());
        }
        self.last = arrival;
        self.data.clear();
        STANDARD
            .decode_vec(row.data.as_bytes(), &mut self.data)
            .map_err(|error| format!("data that is not base64: {error}"))?;
        check_record(row.key.as_ref(), &self.data)?;
        let encryption = if row.encrypted { EncryptionType::Kms } else { EncryptionType::None };
        self.shard.log.lock().append(
            arrival,
            row.key.as_deref().map(Into::into),
            &self.data,
            encryption,
        );
        Ok(())
    }

    fn finish(self) -> Shard {
        self.shard.log.lock().not_before(self.newest);
        self.shard
    }
}

fn stream(row: StreamRow, shards: Vec<Shard>, realm: &RealmId) -> Result<Stream, Refusal> {
    let address = StreamAddress { realm: realm.clone(), name: row.name.0 };
    let topology = Topology::from_shards(shards)
        .ok_or_else(|| format!("the shards of {} do not fit together", address.name))?;
    match (row.status.0, topology.open_count()) {
        (StreamStatus::Active | StreamStatus::Updating, 0) => {
            return Err(format!("{} has no shards", address.name));
        }
        (StreamStatus::Creating, 1..) => {
            return Err(format!("{} is CREATING and has shards", address.name));
        }
        (StreamStatus::Active | StreamStatus::Updating, 1..)
        | (StreamStatus::Creating, 0)
        | (StreamStatus::Deleting, _) => {}
    }
    check_lineage(&topology).map_err(|what| format!("the shards of {}: {what}", address.name))?;
    if row.planned_shards > SHARDS_AT_ONCE_MAX.max(topology.open_count() + 1) {
        return Err(format!("{} plans more shards than there can be", address.name));
    }
    if let Some(target) = row.warm_throughput {
        check_warm_throughput(target).map_err(|what| format!("{}: {what}", address.name))?;
    }
    let mut registrations = BTreeMap::new();
    for (Text(name), registered) in row.registrations_seconds {
        registrations.insert(name, seconds(registered)?);
    }
    let mode = row.mode.0;
    let mut channels = BTreeMap::new();
    for row in row.channels {
        let channel = channel(row, realm)?;
        let kind = channel.destination.kind();
        let excludes =
            |other: &Channel| other.destination.kind() == kind || other.name == channel.name;
        if mode != StreamMode::OnDemand || channels.values().any(excludes) {
            return Err(format!("{} cannot have the channel {}", address.name, channel.name));
        }
        channels.insert(channel.address.id.clone(), channel);
    }
    let mut consumers = BTreeMap::new();
    for row in row.consumers {
        let consumer = consumer(row, &address)?;
        consumers.insert(consumer.address.name.clone(), consumer);
    }
    let mut queues = BTreeMap::new();
    for row in row.queues {
        let queue = queue(row, realm, &topology)?;
        queues.insert(queue.name.clone(), queue);
    }
    // Every member is named: one that is added to the state is missed here.
    let state = StreamState {
        status: row.status.0,
        mode,
        retention: Duration::from_secs(seconds(row.retention_seconds)?),
        expired_before: Timestamp::from_millis(row.expired_before),
        encryption: row.encryption.0,
        key: row.key.map(|Text(key)| key),
        distribution: row.distribution.0,
        max_record_size: row.max_record_size_kib.0,
        tags: tags(row.tags),
        shard_level_metrics: row.shard_level_metrics.into_iter().map(|Text(name)| name).collect(),
        policy: row.policy.map(|Text(policy)| policy),
        channels,
        consumers,
        registrations,
        queues,
        warm_throughput: row.warm_throughput,
        planned_shards: row.planned_shards,
        rescalings: day(&row.rescalings),
        mode_switches: day(&row.mode_switches),
        encryption_starts: day(&row.encryption_starts),
        encryption_stops: day(&row.encryption_stops),
        topology,
        listener: None,
    };
    let created = Timestamp::from_millis(row.created);
    let created_seconds = seconds(row.created_seconds)?;
    let stream = Stream::new(address, row.incarnation, created, created_seconds, state);
    stream.set_auto_turn(row.auto_turn);
    Ok(stream)
}

/// Refuses closed shards that were never a part of the space, and shards that take
/// records though others have taken over from them.
fn check_lineage(topology: &Topology) -> Result<(), String> {
    for shard in topology.shards() {
        let (index, range) = (shard.index, shard.hash_keys);
        if range.end < range.start {
            return Err(format!("{index} ends before it begins"));
        }
        let parents = [shard.parent, shard.adjacent_parent].into_iter().flatten();
        for parent in parents.filter_map(|parent| topology.shard(parent)) {
            if parent.closed.is_none() {
                return Err(format!("{} is open and has the child {index}", parent.index));
            }
        }
    }
    Ok(())
}

fn channel(row: ChannelRow, realm: &RealmId) -> Result<Channel, Refusal> {
    let id = ChannelId::from_arn_resource(row.id.0.as_str())
        .ok_or_else(|| format!("{} cannot be the id of a channel", row.id.0))?;
    let freshness = Duration::from_secs(row.freshness_seconds);
    if !DataFreshnessInSeconds::RANGE.contains(&freshness) {
        return Err(format!("channel {} delivers too often or too seldom", row.name.0));
    }
    Ok(Channel {
        address: ChannelAddress { realm: realm.clone(), id },
        name: row.name.0,
        created: Timestamp::from_millis(row.created),
        status: row.status.0,
        role: row.role.0,
        format: row.format.0,
        schema: row.schema.map(|Text(schema)| schema),
        destination: destination(row.destination),
        freshness,
        dead_letters: DeadLetterBucket {
            arn: row.dead_letters.bucket.0,
            owner: row.dead_letters.owner.0,
            prefix: row.dead_letters.prefix.map(|Text(prefix)| prefix),
        },
        key: row.key.map(|Text(key)| key),
        logging: Logging {
            enabled: row.logging.enabled,
            group: row.logging.group.0,
            stream: row.logging.stream.0,
        },
        tags: tags(row.tags),
        policy: row.policy.map(|Text(policy)| policy),
    })
}

fn destination(row: DestinationRow) -> Destination {
    match row {
        DestinationRow::Bucket { arn, owner, key_template, storage_class, compression } => {
            Destination::Bucket(Bucket {
                arn: arn.0,
                owner: owner.0,
                key_template: key_template.0,
                storage_class: storage_class.0,
                compression: compression.0,
            })
        }
        DestinationRow::Table { bucket, namespace, name, compression, partitioned_by } => {
            Destination::Table(Table {
                bucket: bucket.0,
                namespace: namespace.0,
                name: name.0,
                compression: compression.0,
                partitioned_by: partitioned_by
                    .map(|columns| columns.into_iter().map(|Text(column)| column).collect()),
            })
        }
    }
}

fn consumer(row: ConsumerRow, stream: &StreamAddress) -> Result<Consumer, Refusal> {
    Ok(Consumer {
        address: ConsumerAddress {
            stream: stream.clone(),
            name: row.name.0,
            created_seconds: seconds(row.created_seconds)?,
        },
        created: Timestamp::from_millis(row.created),
        status: row.status.0,
        tags: tags(row.tags),
        policy: row.policy.map(|Text(policy)| policy),
        subscriptions: BTreeMap::new(),
    })
}

fn queue(row: QueueRow, realm: &RealmId, topology: &Topology) -> Result<Queue, Refusal> {
    let place = |shard, index| Place { shard: ShardIndex::new(shard), index };
    let records = row.records.into_iter().map(|row| {
        let delivery = Delivery {
            arrival: Timestamp::EPOCH,
            first_received: Timestamp::from_millis(row.first_received),
            hidden_until: row.hidden_until.map(Timestamp::from_millis),
            side: if row.dead { Side::DeadLetter } else { Side::Normal },
            receives: row.receives,
            handed_out: row.handed_out,
        };
        (place(row.shard, row.index), delivery)
    });
    let acknowledged = row.acknowledged.into_iter().map(|(shard, index, handed_out)| {
        (place(shard, index), Acknowledged { arrival: Timestamp::EPOCH, handed_out })
    });
    let next = row.next.into_iter().map(|(shard, next)| (ShardIndex::new(shard), next)).collect();
    let deliveries =
        Deliveries::restored(next, records, acknowledged, row.set_aside_after, topology)
            .ok_or_else(|| format!("the queue {} does not fit its stream", row.name.0))?;
    Ok(Queue {
        address: QueueAddress { realm: realm.clone(), id: row.id.0 },
        name: row.name.0,
        created: Timestamp::from_millis(row.created),
        status: row.status.0,
        start: QueueStart {
            kind: row.start.0,
            asked: row.start_asked.map(Timestamp::from_millis),
            effective: Timestamp::from_millis(row.start_effective),
        },
        visibility: row.visibility_seconds.0,
        max_receive_count: row.max_receive_count.map(|Number(count)| count),
        tags: tags(row.tags),
        policy: row.policy.map(|Text(policy)| policy),
        deliveries: Mutex::new(deliveries),
    })
}

fn tags<K: Ord, V>(tags: BTreeMap<Text<K>, Text<V>>) -> BTreeMap<K, V> {
    tags.into_iter().map(|(Text(key), Text(value))| (key, value)).collect()
}

fn day(times: &[u64]) -> RollingDay {
    let mut day = RollingDay::default();
    for time in times {
        day.add(Timestamp::from_millis(*time));
    }
    day
}

/// A second that a sequence number can carry.
fn seconds(seconds: u64) -> Result<u64, Refusal> {
    if seconds <= SequenceNumber::SECONDS_MAX {
        Ok(seconds)
    } else {
        Err(format!("{seconds} seconds are more than there can be"))
    }
}
