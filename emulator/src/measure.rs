//! The engine with no request around it, for measurements of storing and reading
//! alone (`cargo bench -p kinesis-bench --bench engine`), and the commit log with
//! no engine (`--bench stores`).
//!
//! Behind the feature `measure`, which nothing else is behind. No part of the
//! API: it changes with the engine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::durable::commit_log::CommitLog;
use crate::durable::durability::Durability;
use crate::durable::error::DataDirError;
use crate::durable::recovery::Recovery;
use crate::engine::Engine;
use crate::engine::position::{self, ReadLimits, Start};
use crate::engine::stream::{Stream, StreamState};
use crate::engine::topology::Shard;
use crate::engine::transition::Transition;
use crate::engine::writable::{Destination, NewRecord};
use crate::model::arn::RealmId;
use crate::model::constraint::Constrained;
use crate::model::hash_key::HashKey;
use crate::model::names::StreamName;
use crate::model::settings::Settings;
use crate::model::shard_id::ShardIndex;
use crate::model::status::StreamMode;
use crate::model::timestamp::Timestamp;

/// How long the stream keeps records: the shortest time that there is.
pub const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// An engine with one ACTIVE stream, without limits.
#[derive(Debug)]
pub struct BareEngine {
    engine: Engine,
    realm: RealmId,
    stream: Arc<Stream>,
}

/// A record that has been decoded and checked, and its hash key.
#[derive(Debug, Clone)]
pub struct BareRecord {
    partition_key: Box<str>,
    hash_key: HashKey,
    data: Box<[u8]>,
}

impl BareRecord {
    /// A record that goes where its partition key's MD5 says.
    #[must_use]
    pub fn new(partition_key: &str, data: Vec<u8>) -> Self {
        Self {
            hash_key: HashKey::of_partition_key(partition_key.into()),
            partition_key: partition_key.into(),
            data: data.into(),
        }
    }

    /// Where the record goes.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        &self.partition_key
    }

    /// What it carries.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Data and key, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.given().bytes()
    }

    fn given(&self) -> NewRecord<'_> {
        NewRecord { partition_key: Some((&*self.partition_key).into()), data: &self.data }
    }

    fn destination(&self, hashing: Hashing) -> Destination<'_> {
        match hashing {
            Hashing::Before => Destination::At(self.hash_key),
            Hashing::Included => Destination::OfKey((&*self.partition_key).into()),
        }
    }
}

/// When the MD5 of partition keys is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// It has been, once for all puts of a record.
    Before,
    /// With each put, as it is done for every record that arrives.
    Included,
}

/// What was read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// How many records.
    pub records: usize,
    /// Their data and keys, in bytes, as counted record by record.
    pub bytes: usize,
    /// The index of the record after the last one.
    pub next_index: u64,
    /// How far the reader is behind.
    pub millis_behind_latest: u64,
}

impl BareEngine {
    /// A stream of so many shards, made at `now`.
    ///
    /// # Panics
    /// If there are to be no shards.
    #[must_use]
    pub fn new(shards: u32, now: Timestamp) -> Self {
        assert!(shards > 0, "a stream has shards");
        let settings = Settings { seed: Some(7), ..Settings::default() };
        let realm =
            RealmId { account: settings.account_id.clone(), region: settings.region.clone() };
        let name = StreamName::from_checked("measured".into());
        let creating = StreamState::creating(StreamMode::Provisioned, RETENTION);
        let state = StreamState { planned_shards: shards, ..creating };
        let engine = Engine::new(settings, None);
        let limits = engine.limits.all();
        let streams = engine.realm(&realm, now);
        streams
            .create(name.clone(), state, 7, &engine.settings, &limits, now)
            .expect("nothing is limited, and no other stream is there");
        streams.settle(now);
        let stream = streams.stream(&name).expect("it has just been made");
        Self { engine, realm, stream }
    }

    /// Splits and merges until there are so many shards of equal ranges.
    pub fn rescale(&self, shards: u32, now: Timestamp) {
        drop(self.stream.settle((now, 0), Transition::Rescaled { shards }));
    }

    /// How many shards there are and were.
    #[must_use]
    pub fn shards(&self) -> u32 {
        self.stream.state().topology.shards().len() as u32
    }

    /// What records take of memory that the allocator knows nothing of, in bytes.
    #[must_use]
    pub fn mapped_bytes(&self) -> usize {
        let state = self.stream.state();
        state.topology.shards().iter().map(|shard| shard.log.lock().mapped_bytes()).sum()
    }

    /// What every call does first: brings the account's streams to `now`.
    pub fn settle(&self, now: Timestamp) {
        self.engine.realm(&self.realm, now);
    }

    /// Makes a snapshot and forgets it.
    pub fn freeze(&self, now: Timestamp) {
        drop(self.engine.freeze(|| now));
    }

    /// Stores a record as PutRecord does. Returns its index in its shard.
    ///
    /// # Panics
    /// Never: the stream is ACTIVE and nothing is limited.
    pub fn append(&self, record: &BareRecord, now: Timestamp) -> u64 {
        let mut writable = self.stream.writable().expect("the stream is ACTIVE");
        let destination = record.destination(Hashing::Before);
        let placed = writable.append(now, destination, record.given(), None);
        placed.expect("nothing is limited").index
    }

    /// Stores records as PutRecords does. Returns how many were stored.
    ///
    /// # Panics
    /// Never: the stream is ACTIVE.
    pub fn append_all(&self, records: &[BareRecord], hashing: Hashing, now: Timestamp) -> usize {
        let mut writable = self.stream.writable().expect("the stream is ACTIVE");
        let destinations = records.iter().map(|record| Ok(record.destination(hashing)));
        let routes = writable.routes(destinations).expect("every record has a destination");
        let mut stored = 0;
        writable.append_all(
            now,
            routes,
            |place| records[place].given(),
            None,
            |_, result| {
                stored += usize::from(result.is_ok());
            },
        );
        stored
    }

    /// Reads as GetRecords does, and looks at every record.
    ///
    /// # Panics
    /// If there is no such shard.
    #[must_use]
    pub fn read(&self, shard: u32, next_index: u64, records_max: usize, now: Timestamp) -> Reading {
        let limits = ReadLimits { records_max, bytes_max: 10 * 1024 * 1024 };
        let progress = self
            .at_shard(shard, now, |shard, horizon| {
                position::read(shard, next_index, limits, now, horizon, None)
            })
            .expect("nothing is limited");
        Reading {
            bytes: progress.batch.iter().map(|record| record.bytes()).sum(),
            records: progress.batch.len(),
            next_index: progress.batch.next,
            millis_behind_latest: progress.millis_behind_latest,
        }
    }

    /// Where AT_TIMESTAMP starts to read a shard: the index of a record.
    ///
    /// # Panics
    /// If there is no such shard.
    #[must_use]
    pub fn index_at_time(&self, shard: u32, time: Timestamp, now: Timestamp) -> u64 {
        self.at_shard(shard, now, |shard, horizon| Start::AtTime(time).resolve(shard, horizon))
    }

    /// Where AT_SEQUENCE_NUMBER starts to read a shard, for the number of a
    /// record: its index, or that of the oldest record that is left.
    ///
    /// # Panics
    /// If there is no such shard.
    #[must_use]
    pub fn index_at_number(&self, shard: u32, index: u64, now: Timestamp) -> u64 {
        self.at_shard(shard, now, |shard, horizon| Start::AtIndex(index).resolve(shard, horizon))
    }

    fn at_shard<T>(
        &self,
        shard: u32,
        now: Timestamp,
        look: impl FnOnce(&Shard, Timestamp) -> T,
    ) -> T {
        let state = self.stream.state();
        let shard = state.topology.shard(ShardIndex::new(shard)).expect("there is such a shard");
        look(shard, state.horizon(now))
    }
}

/// The commit log alone, which syncs every write.
#[derive(Debug)]
pub struct BareLog(CommitLog);

impl BareLog {
    /// A log in a directory.
    ///
    /// # Errors
    /// If the directory cannot be used.
    pub fn open(directory: &Path) -> Result<Self, DataDirError> {
        let recovered = Recovery::open(directory)?.replay(|_| Ok(()))?;
        recovered.start(Durability::EveryWrite).map(Self)
    }

    /// Appends an entry.
    pub fn push(&self, entry: &[u8]) {
        self.0.push(|buffer| buffer.extend_from_slice(entry));
    }

    /// Waits until what was appended so far is synced.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub fn sync(&self) -> Result<(), String> {
        self.0.wait_until_durable(self.0.written()).map_err(|refusal| refusal.to_string())
    }
}
