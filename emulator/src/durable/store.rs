//! An emulator's state in a directory: what an engine tells becomes entries of
//! the log, and entries become an engine again.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::account::Commitment;
use crate::engine::chronicle::{Added, Chronicle};
use crate::engine::deliveries::{Deliveries, Place};
use crate::engine::entropy::Drawn;
use crate::engine::frozen::Frozen;
use crate::engine::lifecycle::Due;
use crate::engine::queue::Queue;
use crate::engine::stream::{Holdings, Stream, StreamState};
use crate::engine::transition::Transition;
use crate::model::arn::RealmId;
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;
use crate::snapshot::Snapshot;

use super::commit_log::{CommitLog, Group, Rotation, Tentative};
use super::durability::{Durability, Lsn, Refusal};
use super::entry::{Entry, Moment, write_added, write_frozen};
use super::error::{DataDirError, Problem};
use super::recovery::{Found, Recovery};
use super::replay::{Contents, Replay};
use super::restoring::{BATCH_BYTES, Restoring};

/// Files may be this much larger than what is in them twice over, unless the
/// settings say otherwise: below it there is nothing to be gained, and so much is
/// read again in less than a second.
pub(crate) const SPARE_BYTES: u64 = 64 * 1024 * 1024;

/// More logs than these are made one file: each start begins one.
const LOG_FILES_MAX: usize = 16;

/// What a record takes in a file beside data and key, about, and a shard.
const BYTES_BESIDE_RECORD: u64 = 6;
const BYTES_OF_SHARD: u64 = 300;

/// How often an idle emulator looks whether the directory can be smaller.
const IDLE_CHECK: Duration = Duration::from_secs(60);

/// Where an emulator's state is kept, and how.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    pub(crate) directory: PathBuf,
    pub(crate) durability: Durability,
    /// How much larger the files may be than what is in them twice over.
    pub(crate) spare_bytes: u64,
}

/// A directory that an emulator's state is kept in.
#[derive(Debug)]
pub(crate) struct Store {
    log: Arc<CommitLog>,
    spare_bytes: u64,
    checked: AtomicU64,
    /// Whether a look has been asked for since.
    check_asked_for: AtomicBool,
    idle: Mutex<()>,
    check: Condvar,
    closing: AtomicBool,
    last_checkpoint: Mutex<Option<LastCheckpoint>>,
    /// Held by who lays out a state.
    restoring: Mutex<()>,
    pub(super) is_restoring: AtomicBool,
    pub(super) restoring_batch_bytes: usize,
    /// Who looks after the directory's size.
    caretaker: Mutex<Option<JoinHandle<()>>>,
}

/// A directory that was opened, and what it has, if anything.
pub(crate) type Opened = (Store, Option<(Snapshot, Resumed)>);

/// What a directory had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resumed {
    pub(crate) contents: Contents,
    pub(crate) found: Found,
}

impl Store {
    /// Takes a directory for this process, and what it has: nothing if it is new.
    ///
    /// # Errors
    /// If the directory cannot be had, read or written, or is damaged.
    pub(crate) fn open(data_dir: &DataDir) -> Result<Opened, DataDirError> {
        Self::recover(Recovery::open(&data_dir.directory)?, data_dir)
    }

    /// The same of files that have been taken.
    fn recover(recovery: Recovery, data_dir: &DataDir) -> Result<Opened, DataDirError> {
        let DataDir { directory, durability, spare_bytes } = data_dir;
        let mut replay = Replay::default();
        let recovered = recovery.replay(|entry| replay.add(entry))?;
        let found = recovered.found().clone();
        let lawless = |what| DataDirError::new(directory, Problem::Lawless { what });
        let kept = replay.finish().map_err(lawless)?;
        let store = Self::over(recovered.start(*durability)?, *spare_bytes);
        let kept = kept.map(|(snapshot, contents)| (snapshot, Resumed { contents, found }));
        Ok((store, kept))
    }

    fn over(log: CommitLog, spare_bytes: u64) -> Self {
        Self {
            log: Arc::new(log),
            spare_bytes,
            checked: AtomicU64::new(0),
            check_asked_for: AtomicBool::new(false),
            idle: Mutex::default(),
            check: Condvar::new(),
            closing: AtomicBool::new(false),
            last_checkpoint: Mutex::default(),
            restoring: Mutex::default(),
            is_restoring: AtomicBool::new(false),
            restoring_batch_bytes: BATCH_BYTES,
            caretaker: Mutex::default(),
        }
    }

    /// The log that changes are appended to.
    pub(crate) fn log(&self) -> &Arc<CommitLog> {
        &self.log
    }

    /// What is told until it is dropped is kept together or not at all.
    pub(crate) fn group(&self) -> Group<'_> {
        self.log.group()
    }

    /// What is told until it is kept can be taken back. For a time in which nobody
    /// else tells anything.
    pub(crate) fn tentative(&self) -> Tentative<'_> {
        self.log.tentative()
    }

    /// Writes down what is going to take the place of everything, which is then to
    /// be [told](Chronicle::restored) while this is there. May wait for the disk
    /// and for calls that write: who holds a group must not call it.
    pub(crate) fn prepare_to_restore(&self, frozen: &Frozen) -> Restoring<'_> {
        let alone = self.restoring.lock().unwrap_or_else(PoisonError::into_inner);
        Restoring::lay_out(self, alone, frozen)
    }

    /// How much has been told so far.
    pub(crate) fn written(&self) -> Lsn {
        self.log.written()
    }

    /// Notes how far time and chance have got.
    pub(crate) fn note_moment(&self, now: Timestamp, ids: Drawn, request_ids: Drawn) {
        self.tell(&moment(now, ids, request_ids));
    }

    /// Has a thread do this until the store is closed.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(crate) fn look_after(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let spawned = thread::Builder::new().name("kinesis-checkpoint".to_owned()).spawn(work)?;
        *self.caretaker.lock().unwrap_or_else(PoisonError::into_inner) = Some(spawned);
        Ok(())
    }

    /// Waits until it is time to see whether the directory can be smaller; false
    /// if the store is closed.
    pub(crate) fn wait_for_check(&self) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |(): &mut ()| !self.closing.load(Ordering::Relaxed) && !self.is_check_due();
        let waited = self.check.wait_timeout_while(idle, IDLE_CHECK, is_idle);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.checked.store(self.written().bytes(), Ordering::Relaxed);
        self.check_asked_for.store(false, Ordering::Relaxed);
        !self.closing.load(Ordering::Relaxed)
    }

    /// Whether so much has been told since the last look that another is worth it.
    fn is_check_due(&self) -> bool {
        let checked = self.checked.load(Ordering::Relaxed);
        self.written().bytes().saturating_sub(checked) > self.spare_bytes / 4
    }

    /// Whether the files can be so large that a checkpoint may be worth while.
    pub(crate) fn may_be_too_large(&self) -> bool {
        if self.is_restoring.load(Ordering::Acquire) {
            return false;
        }
        let sizes = self.log.sizes();
        sizes.bytes() > self.spare_bytes || sizes.log_files > LOG_FILES_MAX
    }

    /// Whether the files are larger than they should be for what is in them, and a
    /// checkpoint makes them smaller: others know more of what is needed than can
    /// be estimated, so what the last one took is not questioned until there is
    /// more, or less to keep.
    pub(crate) fn is_too_large(&self, holdings: &Holdings) -> bool {
        let sizes = self.log.sizes();
        let needed = needed_bytes(holdings);
        let too_large = sizes.bytes() > 2 * needed + self.spare_bytes;
        let worth_it = self.last_checkpoint().is_none_or(|last| {
            sizes.bytes() > last.bytes + self.spare_bytes / 2 || needed < last.needed / 2
        });
        too_large && worth_it || sizes.log_files > LOG_FILES_MAX
    }

    fn last_checkpoint(&self) -> Option<LastCheckpoint> {
        *self.last_checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a log of its own for what is told from here on. To be called while
    /// everything stands still.
    pub(crate) fn rotate(&self) -> Cut {
        let rotation = self.log.rotate();
        // Asked after the cut: so what began to be laid out before it is seen.
        Cut { rotation, while_restoring: self.is_restoring.load(Ordering::Acquire) }
    }

    /// Writes down everything as it was at the cut, which was about so much, and
    /// removes what was told before it. Does nothing if a state was being laid out:
    /// it is in no snapshot, and what was told before has it.
    ///
    /// # Errors
    /// If the directory cannot be written: it has what it had.
    pub(crate) fn write_checkpoint(
        &self,
        Cut { rotation, while_restoring }: &Cut,
        snapshot: &Snapshot,
        holdings: &Holdings,
    ) -> Result<(), Refusal> {
        if *while_restoring {
            return Ok(());
        }
        let mut checkpoint = self.log.checkpoint(rotation)?;
        let (frozen, request_ids) = (snapshot.frozen(), snapshot.request_ids());
        let moment = moment(frozen.taken(), frozen.drawn(), request_ids);
        checkpoint.push(|buffer| moment.write(buffer));
        write_frozen(frozen, |entry| checkpoint.push(|buffer| buffer.extend_from_slice(entry)));
        checkpoint.finish()?;
        let last =
            LastCheckpoint { bytes: self.log.sizes().bytes(), needed: needed_bytes(holdings) };
        *self.last_checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(())
    }

    /// Writes all that was told, takes nothing more, and lets go of the directory.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn close(&self) -> Result<(), Refusal> {
        self.closing.store(true, Ordering::Relaxed);
        drop(self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        self.check.notify_all();
        let caretaker = self.caretaker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(caretaker) = caretaker {
            // A panic has been reported by its hook.
            let _ = caretaker.join();
        }
        self.log.close()
    }

    fn tell(&self, entry: &Entry) {
        self.push(|buffer| entry.write(buffer));
    }

    fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.log.push(write);
        if self.is_check_due() && !self.check_asked_for.swap(true, Ordering::Relaxed) {
            // With the lock, so that it is not told between looking and waiting.
            drop(self.idle.lock().unwrap_or_else(PoisonError::into_inner));
            self.check.notify_all();
        }
    }
}

/// A cut in what was told.
#[derive(Debug)]
pub(crate) struct Cut {
    rotation: Rotation,
    while_restoring: bool,
}

/// What all files had when a checkpoint had been written, and what they needed.
#[derive(Debug, Clone, Copy)]
struct LastCheckpoint {
    bytes: u64,
    needed: u64,
}

/// About how many bytes a checkpoint has.
fn needed_bytes(holdings: &Holdings) -> u64 {
    let Holdings { shards, records, bytes } = *holdings;
    bytes + records * BYTES_BESIDE_RECORD + shards * BYTES_OF_SHARD
}

fn moment(now: Timestamp, ids: Drawn, request_ids: Drawn) -> Entry {
    let now = now.as_millis();
    Entry::Moment(Moment { now, ids: ids.into(), request_ids: request_ids.into() })
}

impl Chronicle for Store {
    fn records_added(&self, stream: &Stream, added: &mut Added<'_>) {
        self.push(|buffer| write_added(buffer, stream.incarnation, added));
    }

    fn stream_changed(
        &self,
        stream: &Stream,
        state: &StreamState,
        shards: &[ShardIndex],
        settled: Option<Due>,
    ) {
        self.tell(&Entry::stream(stream, state, shards, settled));
    }

    fn stream_gone(&self, stream: &Stream) {
        self.tell(&Entry::gone(stream));
    }

    fn change_scheduled(&self, stream: &Stream, due: Due, change: &Transition) {
        self.tell(&Entry::change(stream, due, change));
    }

    fn commitment_changed(&self, realm: &RealmId, commitment: &Commitment) {
        self.tell(&Entry::commitment(realm, commitment));
    }

    fn deliveries_changed(
        &self,
        stream: &Stream,
        queue: &Queue,
        deliveries: &Deliveries,
        places: &mut dyn Iterator<Item = Place>,
    ) {
        self.tell(&Entry::deliveries(stream, queue, deliveries, places));
    }

    fn restored(&self, _frozen: &Frozen) {
        assert!(self.is_restoring.load(Ordering::Acquire), "what is restored was laid out before");
        self.tell(&Entry::Restored);
    }
}

#[cfg(test)]
impl Store {
    /// As [`open`](Self::open), on a disk that is made up.
    pub(crate) fn on(
        files: &super::faulty_files::FaultyFiles,
        data_dir: &DataDir,
    ) -> Result<Opened, DataDirError> {
        let taken = Recovery::take(&data_dir.directory, Arc::new(files.clone()));
        let failed = |problem| DataDirError::new(&data_dir.directory, problem);
        Self::recover(taken.map_err(failed)?, data_dir)
    }

    /// Has what is restored be in batches of about so many bytes.
    pub(crate) fn restoring_in_batches_of(mut self, bytes: usize) -> Self {
        self.restoring_batch_bytes = bytes;
        self
    }
}
