//! From a frozen engine to lines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc32fast::Hasher;
use serde::Serialize;

use crate::engine::account::Commitment;
use crate::engine::channel::{Bucket, Channel, DeadLetterBucket, Destination, Logging, Table};
use crate::engine::consumer::Consumer;
use crate::engine::deliveries::{Delivery, Place, Side};
use crate::engine::entropy::Drawn;
use crate::engine::log::Log;
use crate::engine::queue::Queue;
use crate::engine::realm::Realm;
use crate::engine::rolling::RollingDay;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::topology::Shard;
use crate::engine::transition::Transition;
use crate::model::names::{TagKey, TagValue};
use crate::model::shard_id::ShardIndex;
use crate::model::status::EncryptionType;
use crate::model::timestamp::Timestamp;

use super::Snapshot;
use super::rows::{
    Becomes, ChangeRow, ChannelRow, CommitmentRow, ConsumerRow, DeadLettersRow, DeliveryRow,
    DestinationRow, DrawnRow, EndRow, FORMAT, Header, LoggingRow, Number, Parsed, QueueRow,
    RealmRow, RecordRow, Row, ShardRow, StreamRow, Tags, Text, VERSION,
};

/// Records and bytes that are taken from a log at a time.
const BATCH: (usize, usize) = (10_000, 1024 * 1024);

/// Writes a snapshot.
pub(super) fn write(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let mut lines =
        Lines { out, line: Vec::new(), checksum: Hasher::new(), end: EndRow::default() };
    lines.write(&Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        taken: snapshot.taken().as_millis(),
        ids: snapshot.frozen.drawn().into(),
        request_ids: snapshot.request_ids.into(),
    })?;
    for realm in snapshot.frozen.realms() {
        lines.write_realm(&realm)?;
    }
    let mut end = std::mem::take(&mut lines.end);
    end.crc32 = lines.checksum.clone().finalize();
    lines.write(&Row::End(end))
}

struct Lines<'a, W> {
    out: &'a mut W,
    /// The line that is being made.
    line: Vec<u8>,
    checksum: Hasher,
    end: EndRow,
}

impl<W: Write> Lines<'_, W> {
    fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, row)?;
        self.line.push(b'\n');
        self.checksum.update(&self.line);
        self.out.write_all(&self.line)
    }

    fn write_realm(&mut self, realm: &Realm) -> io::Result<()> {
        self.end.realms += 1;
        self.write(&Row::Realm(realm_row(realm)))?;
        for stream in realm.streams() {
            self.end.streams += 1;
            let state = stream.state();
            self.write(&Row::Stream(Box::new(stream_row(&stream, &state))))?;
            for shard in state.topology.shards() {
                self.write_shard(shard)?;
            }
        }
        for (due, stream, change) in realm.lifecycle().pending() {
            self.end.changes += 1;
            self.write(&Row::Change(ChangeRow {
                at: due.0.as_millis(),
                stream: Text(stream.address.name.clone()),
                becomes: becomes(change),
            }))?;
        }
        Ok(())
    }

    fn write_shard(&mut self, shard: &Shard) -> io::Result<()> {
        let mut log = shard.log.lock();
        self.end.shards += 1;
        self.write(&Row::Shard(shard_row(shard, &log)))?;
        let mut next = log.start();
        let mut data = String::new();
        while next < log.end() {
            let batch = log.read(next, BATCH.0, BATCH.1);
            for record in batch.iter() {
                data.clear();
                STANDARD.encode_string(record.data, &mut data);
                self.write(&Row::Record(RecordRow {
                    arrival: record.arrival.as_millis(),
                    key: record.partition_key.map(|key| Cow::Borrowed(key.as_str())),
                    encrypted: record.encryption == EncryptionType::Kms,
                    data: Cow::Borrowed(&data),
                }))?;
            }
            self.end.records += batch.len() as u64;
            next = batch.next;
        }
        Ok(())
    }
}

impl From<Drawn> for DrawnRow {
    fn from(Drawn { seed, draws }: Drawn) -> Self {
        Self { seed, draws }
    }
}

/// A realm without its streams.
pub(crate) fn realm_row(realm: &Realm) -> RealmRow {
    RealmRow {
        account: Parsed(realm.id().account.clone()),
        region: Parsed(realm.id().region.clone()),
        commitment: commitment_row(&realm.commitment(Timestamp::EPOCH, |_| {})),
        retired_seconds: realm.retired().into_iter().map(|(name, s)| (Text(name), s)).collect(),
    }
}

pub(crate) fn commitment_row(commitment: &Commitment) -> CommitmentRow {
    let Commitment { started, ended, ends_early } = *commitment;
    CommitmentRow {
        started: started.map(Timestamp::as_millis),
        ended: ended.map(Timestamp::as_millis),
        ends_early,
    }
}

/// A shard without its records.
pub(crate) fn shard_row(shard: &Shard, log: &Log) -> ShardRow {
    ShardRow {
        number: shard.index.number(),
        first_hash_key: Parsed(shard.hash_keys.start.number()),
        last_hash_key: Parsed(shard.hash_keys.end.number()),
        parent: shard.parent.map(ShardIndex::number),
        adjacent_parent: shard.adjacent_parent.map(ShardIndex::number),
        created_seconds: shard.created_seconds,
        opened: shard.opened.as_millis(),
        closed: shard.closed.map(Timestamp::as_millis),
        ended_seconds: shard.ended_seconds,
        first_index: log.start(),
        newest: log.newest().as_millis(),
    }
}

/// A stream without its shards. Every member is named: one that is added to the
/// state is missed here.
pub(crate) fn stream_row(stream: &Stream, state: &StreamState) -> StreamRow {
    let StreamState {
        status,
        mode,
        retention,
        expired_before,
        encryption,
        key,
        distribution,
        max_record_size,
        tags,
        shard_level_metrics,
        policy,
        channels,
        consumers,
        registrations,
        queues,
        warm_throughput,
        planned_shards,
        rescalings,
        mode_switches,
        encryption_starts,
        encryption_stops,
        topology: _,
        listener: _,
    } = state;
    StreamRow {
        name: Text(stream.address.name.clone()),
        incarnation: stream.incarnation,
        created: stream.created.as_millis(),
        created_seconds: stream.created_seconds,
        auto_turn: stream.auto_turn(),
        status: Text(*status),
        mode: Text(*mode),
        retention_seconds: retention.as_secs(),
        expired_before: expired_before.as_millis(),
        encryption: Text(*encryption),
        key: key.clone().map(Text),
        distribution: Text(*distribution),
        max_record_size_kib: Number(*max_record_size),
        tags: tag_rows(tags),
        shard_level_metrics: shard_level_metrics.iter().copied().map(Text).collect(),
        policy: policy.clone().map(Text),
        channels: channels.values().map(channel_row).collect(),
        consumers: consumers.values().map(consumer_row).collect(),
        registrations_seconds: registrations.iter().map(|(n, s)| (Text(n.clone()), *s)).collect(),
        queues: queues.values().map(|queue| queue_row(queue, state)).collect(),
        warm_throughput: *warm_throughput,
        planned_shards: *planned_shards,
        rescalings: times(rescalings),
        mode_switches: times(mode_switches),
        encryption_starts: times(encryption_starts),
        encryption_stops: times(encryption_stops),
    }
}

fn channel_row(channel: &Channel) -> ChannelRow {
    let Channel {
        address,
        name,
        created,
        status,
        role,
        format,
        schema,
        destination,
        freshness,
        dead_letters: DeadLetterBucket { arn, owner, prefix },
        key,
        logging: Logging { enabled, group, stream },
        tags,
        policy,
    } = channel;
    ChannelRow {
        id: Text(address.id.clone()),
        name: Text(name.clone()),
        created: created.as_millis(),
        status: Text(*status),
        role: Text(role.clone()),
        format: Text(*format),
        schema: schema.clone().map(Text),
        destination: destination_row(destination),
        freshness_seconds: freshness.as_secs(),
        dead_letters: DeadLettersRow {
            bucket: Text(arn.clone()),
            owner: Text(owner.clone()),
            prefix: prefix.clone().map(Text),
        },
        key: key.clone().map(Text),
        logging: LoggingRow {
            enabled: *enabled,
            group: Text(group.clone()),
            stream: Text(stream.clone()),
        },
        tags: tag_rows(tags),
        policy: policy.clone().map(Text),
    }
}

fn destination_row(destination: &Destination) -> DestinationRow {
    match destination.clone() {
        Destination::Bucket(Bucket { arn, owner, key_template, storage_class, compression }) => {
            DestinationRow::Bucket {
                arn: Text(arn),
                owner: Text(owner),
                key_template: Text(key_template),
                storage_class: Text(storage_class),
                compression: Text(compression),
            }
        }
        Destination::Table(Table { bucket, namespace, name, compression, partitioned_by }) => {
            DestinationRow::Table {
                bucket: Text(bucket),
                namespace: Text(namespace),
                name: Text(name),
                compression: Text(compression),
                partitioned_by: partitioned_by
                    .map(|columns| columns.into_iter().map(Text).collect()),
            }
        }
    }
}

fn consumer_row(consumer: &Consumer) -> ConsumerRow {
    let Consumer { address, created, status, tags, policy, subscriptions: _ } = consumer;
    ConsumerRow {
        name: Text(address.name.clone()),
        created_seconds: address.created_seconds,
        created: created.as_millis(),
        status: Text(*status),
        tags: tag_rows(tags),
        policy: policy.clone().map(Text),
    }
}

/// What a queue knows of records that have expired is left out.
fn queue_row(queue: &Queue, stream: &StreamState) -> QueueRow {
    let Queue {
        address,
        name,
        created,
        status,
        start,
        visibility,
        max_receive_count,
        tags,
        policy,
        deliveries,
    } = queue;
    let deliveries = deliveries.lock();
    let is_there = |place: &Place| {
        let shard = stream.topology.shard(place.shard);
        shard.is_some_and(|shard| shard.log.lock().arrival_at(place.index).is_some())
    };
    let records = deliveries.records().iter().filter(|(place, _)| is_there(place));
    let acknowledged = deliveries.acknowledged().iter().filter(|(place, _)| is_there(place));
    QueueRow {
        name: Text(name.clone()),
        id: Parsed(address.id.clone()),
        created: created.as_millis(),
        status: Text(*status),
        start: Text(start.kind),
        start_asked: start.asked.map(Timestamp::as_millis),
        start_effective: start.effective.as_millis(),
        visibility_seconds: Number(*visibility),
        max_receive_count: max_receive_count.map(Number),
        set_aside_after: deliveries.in_force(),
        tags: tag_rows(tags),
        policy: policy.clone().map(Text),
        next: deliveries.next().iter().map(|(shard, next)| (shard.number(), *next)).collect(),
        records: records.map(|(place, delivery)| delivery_row(*place, delivery)).collect(),
        acknowledged: acknowledged
            .map(|(place, done)| (place.shard.number(), place.index, done.handed_out))
            .collect(),
    }
}

pub(crate) fn delivery_row(place: Place, delivery: &Delivery) -> DeliveryRow {
    let Delivery { arrival: _, first_received, hidden_until, side, receives, handed_out } =
        *delivery;
    DeliveryRow {
        shard: place.shard.number(),
        index: place.index,
        first_received: first_received.as_millis(),
        hidden_until: hidden_until.map(Timestamp::as_millis),
        dead: side == Side::DeadLetter,
        receives,
        handed_out,
    }
}

fn tag_rows(tags: &BTreeMap<TagKey, TagValue>) -> Tags {
    tags.iter().map(|(key, value)| (Text(key.clone()), Text(value.clone()))).collect()
}

fn times(day: &RollingDay) -> Vec<u64> {
    day.times().map(Timestamp::as_millis).collect()
}

pub(crate) fn becomes(change: Transition) -> Becomes {
    match change {
        Transition::Created { shards } => Becomes::Created { shards },
        Transition::Deleted => Becomes::Deleted,
        Transition::Split { parent, upper_start } => {
            Becomes::Split { parent: parent.number(), upper_start: Parsed(upper_start.number()) }
        }
        Transition::Merged { lower, upper } => {
            Becomes::Merged { lower: lower.number(), upper: upper.number() }
        }
        Transition::Rescaled { shards } => Becomes::Rescaled { shards },
        Transition::ModeSwitched { mode, warm_throughput } => {
            Becomes::ModeSwitched { mode: Text(mode), warm_throughput }
        }
        Transition::Encrypted { key } => Becomes::Encrypted { key: Text(key) },
        Transition::Decrypted => Becomes::Decrypted,
        Transition::RecordSizeChanged { limit } => {
            Becomes::RecordSizeChanged { limit_kib: Number(limit) }
        }
        Transition::BusyShardSplit { parent, shards_max } => {
            Becomes::BusyShardSplit { parent: parent.number(), shards_max }
        }
        Transition::Unchanged => Becomes::Unchanged,
        Transition::Warmed { target, shards } => Becomes::Warmed { target, shards },
        Transition::ChannelReady { id } => Becomes::ChannelReady { id: Text(id) },
        Transition::ChannelGone { id } => Becomes::ChannelGone { id: Text(id) },
        Transition::ConsumerReady { name } => Becomes::ConsumerReady { name: Text(name) },
        Transition::ConsumerGone { name } => Becomes::ConsumerGone { name: Text(name) },
        Transition::QueueGone { id } => Becomes::QueueGone { id: Parsed(id) },
        Transition::QueueReady { id } => Becomes::QueueReady { id: Parsed(id) },
    }
}
