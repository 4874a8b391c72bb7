//! The commit log: entries go in from many threads, one thread writes them, and
//! whoever pushed waits until what he pushed is safe.
//!
//! While the writer syncs, entries pile up; the next write takes all of them
//! along (group commit). What is not synced yet stays in memory. So when a write
//! or a sync fails, nothing of the file is trusted from there on: a new log says
//! where the old one ends, and begins with what the old one may have lost.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::batch::Batch;
use super::checkpoint::CheckpointWriter;
use super::durability::{Durability, Lsn, Refusal};
use super::files::{Files, Lock};
use super::waiting::{Durable, Waiters};
use super::writer::Writer;

/// Entries in memory that wait to be written, at most, before [`CommitLog::admit`]
/// refuses: a disk that has stopped answering must not take all memory. A disk
/// that takes 100 MB/s has written as much in less than 3 s.
pub(super) const PENDING_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long the writer waits after a failure before it tries again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// How often [`Durability::EverySecond`] syncs.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// What can be told of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogState {
    Writing,
    Refusing(Refusal),
}

/// Bytes and files in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sizes {
    pub(crate) checkpoint_bytes: u64,
    pub(crate) log_bytes: u64,
    /// Each start begins one, so they may be many though they are small.
    pub(crate) log_files: usize,
}

impl Sizes {
    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.checkpoint_bytes + self.log_bytes
    }
}

/// Entries that are written in the order in which they were pushed.
///
/// Dropped, it writes what was pushed and ends its thread.
pub(crate) struct CommitLog {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as anything may be written.
    lock: Mutex<Option<Lock>>,
}

/// A call that pushes several entries and is not done yet: what is written never
/// has a part of them. One per call, taken before any lock of the engine; gone
/// before the call waits for anything.
#[must_use = "what is pushed belongs together while it is held"]
pub(crate) struct Group<'a>(#[expect(dead_code, reason = "held")] RwLockReadGuard<'a, ()>);

/// What is pushed while it is there is written together if it is
/// [kept](Self::keep), and otherwise never was pushed. For a time in which nobody
/// else pushes or cuts.
#[must_use = "what is pushed is forgotten unless it is kept"]
pub(crate) struct Tentative<'a> {
    shared: &'a Shared,
    /// Bytes that were pending before.
    before: usize,
    kept: bool,
    /// Until it is gone, nothing is taken to be written.
    _together: Group<'a>,
}

impl Tentative<'_> {
    /// How much has been pushed.
    pub(crate) fn bytes(&self) -> u64 {
        (self.shared.state().pending.entry_bytes() - self.before) as u64
    }

    /// Has it written.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Tentative<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.shared.forget_after(self.before);
        }
    }
}

/// A cut in what was pushed: what comes after it is in a log of its own.
#[must_use = "a checkpoint of what came before the cut makes older files superfluous"]
#[derive(Debug)]
pub(crate) struct Rotation(Arc<OnceLock<u64>>);

impl Rotation {
    /// The number of the log after the cut, once it has begun.
    pub(super) fn number(&self) -> Option<u64> {
        self.0.get().copied()
    }
}

impl CommitLog {
    pub(super) fn start(
        mut writer: Writer,
        lock: Lock,
        durability: Durability,
    ) -> io::Result<Self> {
        let shared = Arc::clone(writer.shared());
        let mut threads = Vec::new();
        let spawned = thread::Builder::new().name("kinesis-log".to_owned());
        threads.push(spawned.spawn(move || {
            while writer.shared().wait_for_work(RETRY_PAUSE) {
                // The refusal is told by the state; the next round tries again.
                let _ = writer.commit();
            }
            writer.close();
        })?);
        let log = Self { shared, threads: Mutex::new(threads), lock: Mutex::new(Some(lock)) };
        if durability == Durability::EverySecond {
            let shared = Arc::clone(&log.shared);
            let spawned = thread::Builder::new().name("kinesis-log-sync".to_owned());
            let ticker = spawned.spawn(move || while shared.ask_to_sync_after(SYNC_INTERVAL) {})?;
            log.threads().push(ticker);
        }
        Ok(log)
    }

    /// Whether a call that writes may begin: asked before it changes anything.
    /// One relaxed load if it may.
    ///
    /// # Errors
    /// If the log refuses.
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        if !self.shared.refusing.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.state() {
            LogState::Writing => Ok(()),
            LogState::Refusing(why) => Err(why),
        }
    }

    /// What is pushed until it is dropped is written together.
    ///
    /// A thread that has one must not take another, nor wait for [`durable`](Self::durable).
    pub(crate) fn group(&self) -> Group<'_> {
        Group(self.shared.group.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is pushed until it is kept can be taken back.
    ///
    /// It is a [`group`](Self::group), too.
    pub(crate) fn tentative(&self) -> Tentative<'_> {
        let together = self.group();
        let before = self.shared.state().pending.entry_bytes();
        Tentative { shared: &self.shared, before, kept: false, _together: together }
    }

    /// Appends entries that are a batch by themselves, whatever others push. Waits
    /// for calls that are half done: who holds a group must not call it.
    pub(super) fn push_batch(&self, batch: Batch) {
        let _whole_calls = self.shared.group.write().unwrap_or_else(PoisonError::into_inner);
        self.shared.push_batch(batch);
    }

    /// Appends an entry: the bytes that `write` appends to the buffer, of which
    /// it must not touch what is there. Never waits for the disk.
    ///
    /// It is called under a short lock of the log's own, after all other locks:
    /// it must take none and must not push.
    pub(crate) fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.shared.push(write);
    }

    /// How much has been pushed by anybody so far.
    pub(crate) fn written(&self) -> Lsn {
        self.shared.pushed()
    }

    /// Whether what was pushed up to there is as safe as the durability promises.
    pub(crate) fn is_durable(&self, lsn: Lsn) -> bool {
        self.shared.durable() >= lsn
    }

    /// Waits until [`is_durable`](Self::is_durable).
    ///
    /// # Errors
    /// If a write has failed before that. What was pushed is kept in memory and
    /// written when that is possible again; until then nobody knows.
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    pub(crate) fn durable(&self, lsn: Lsn) -> Durable<&Self> {
        Durable::new(self, lsn)
    }

    /// As [`durable`](Self::durable), for a thread that can block.
    pub(crate) fn wait_until_durable(&self, lsn: Lsn) -> Result<(), Refusal> {
        if self.is_durable(lsn) {
            return Ok(());
        }
        let mut state = self.shared.state();
        loop {
            if let Some(outcome) = state.outcome(lsn) {
                return outcome;
            }
            state = wait(&self.shared.progress, state);
        }
    }

    /// Whether the log writes.
    pub(crate) fn state(&self) -> LogState {
        match self.shared.state().refusal() {
            Some(why) => LogState::Refusing(why),
            None => LogState::Writing,
        }
    }

    /// What the directory has.
    pub(crate) fn sizes(&self) -> Sizes {
        let checkpoint_bytes = self.shared.checkpoint().map_or(0, |(_, bytes)| bytes);
        let logs = &self.shared.state().logs;
        Sizes { checkpoint_bytes, log_bytes: logs.values().sum(), log_files: logs.len() }
    }

    /// Cuts here: what has been pushed goes to this log, what will be to the
    /// next. Called while nobody can push and no call is half done, with the
    /// state that the checkpoint will have. Never waits.
    pub(crate) fn rotate(&self) -> Rotation {
        self.shared.rotate()
    }

    /// Begins the checkpoint of the state at the cut, when the next log has been
    /// begun. Blocks until then.
    ///
    /// # Errors
    /// If the log cannot be written or the checkpoint cannot be created. The cut
    /// does no harm; a later one can be tried.
    pub(crate) fn checkpoint(&self, rotation: &Rotation) -> Result<CheckpointWriter, Refusal> {
        let mut state = self.shared.state();
        let number = loop {
            match (rotation.number(), state.failure.as_ref()) {
                (Some(number), _) => break number,
                (None, Some(failure)) => return Err(failure.clone()),
                (None, None) => state = wait(&self.shared.progress, state),
            }
        };
        drop(state);
        CheckpointWriter::begin(Arc::clone(&self.shared), number)
            .map_err(|error| Refusal::new(&error))
    }

    /// Writes and syncs all that was pushed, whatever the durability, ends the log
    /// and leaves the directory to others. What is pushed from now on is lost.
    ///
    /// # Errors
    /// If not everything could be written.
    pub(crate) fn close(&self) -> Result<(), Refusal> {
        self.shared.stop();
        for thread in self.threads().drain(..) {
            // It has said why it panicked; what is durable is known all the same.
            let _ = thread.join();
        }
        // No checkpoint is put in place any more, nor is one being put.
        let checkpoint = self.shared.checkpoint();
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(checkpoint);
        match self.shared.state().failure.clone() {
            None | Some(Refusal::Closed) => Ok(()),
            Some(failure) => Err(failure),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CommitLog {
    fn drop(&mut self) {
        // Whoever wants to know what is lost closes the log before.
        let _ = self.close();
    }
}

impl fmt::Debug for CommitLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitLog").field("written", &self.written()).finish_non_exhaustive()
    }
}

/// What those who push share with the writer.
pub(super) struct Shared {
    pub(super) files: Arc<dyn Files>,
    /// The newest checkpoint's number and bytes. Taken before `state`, and held
    /// while one is put in place.
    checkpoint: Mutex<Option<(u64, u64)>>,
    /// Taken before `state`. The writer takes it to take what was pushed.
    group: RwLock<()>,
    state: Mutex<State>,
    /// Something is to be written or synced, or the end has come.
    work: Condvar,
    /// Something is safe, or has failed.
    progress: Condvar,
    /// The end has come.
    ended: Condvar,
    pushed: AtomicU64,
    durable: AtomicU64,
    refusing: AtomicBool,
}

/// What is behind the lock.
#[derive(Default)]
pub(super) struct State {
    /// What was pushed last: a call may be half done in it.
    pending: Batch,
    /// What comes before that.
    lined_up: Vec<Step>,
    lined_up_bytes: usize,
    /// Memory for the next batch.
    spare: Option<Batch>,
    durable: Lsn,
    failure: Option<Refusal>,
    sync_asked_for: bool,
    stopping: bool,
    pub(super) waiters: Waiters,
    /// Each log's bytes, by number.
    pub(super) logs: BTreeMap<u64, u64>,
}

/// A part of what was pushed.
pub(super) enum Step {
    Write(Batch),
    /// What follows goes to the next log, whose number is told here.
    Rotate(Arc<OnceLock<u64>>),
}

impl State {
    /// Ends the batch that is pending.
    fn line_up_pending(&mut self) {
        if !self.pending.is_empty() {
            self.lined_up_bytes += self.pending.entry_bytes();
            self.lined_up.push(Step::Write(std::mem::take(&mut self.pending)));
        }
    }

    fn has_nothing_to_write(&self) -> bool {
        self.pending.is_empty() && self.lined_up.is_empty()
    }

    /// How waiting for `lsn` has ended, if it has.
    pub(super) fn outcome(&self, lsn: Lsn) -> Option<Result<(), Refusal>> {
        if lsn <= self.durable {
            return Some(Ok(()));
        }
        self.failure.clone().map(Err)
    }

    fn refusal(&self) -> Option<Refusal> {
        self.failure.clone().or_else(|| self.too_much_pending().then_some(Refusal::TooMuchPending))
    }

    fn too_much_pending(&self) -> bool {
        (self.lined_up_bytes + self.pending.entry_bytes()) as u64 > PENDING_BYTES_MAX
    }
}

/// What the writer takes along.
pub(super) struct Taken {
    pub(super) steps: Vec<Step>,
    pub(super) sync: bool,
}

impl Shared {
    pub(super) fn new(files: Arc<dyn Files>) -> Self {
        Self {
            files,
            checkpoint: Mutex::default(),
            group: RwLock::default(),
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
            ended: Condvar::new(),
            pushed: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
        }
    }

    pub(super) fn checkpoint(&self) -> MutexGuard<'_, Option<(u64, u64)>> {
        self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poisoned lock is taken all the same: an entry whose writing panicked
    /// has been taken back.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let (before, idle) = (state.pending.entry_bytes(), state.has_nothing_to_write());
        state.pending.push(write);
        let more = state.pending.entry_bytes() - before;
        self.pushed.fetch_add(more as u64, Ordering::Release);
        if state.too_much_pending() {
            self.refusing.store(true, Ordering::Relaxed);
        }
        drop(state);
        if idle {
            self.work.notify_one();
        }
    }

    /// To be called while no call is half done.
    fn push_batch(&self, batch: Batch) {
        let mut state = self.state();
        let bytes = batch.entry_bytes();
        state.line_up_pending();
        state.lined_up.push(Step::Write(batch));
        state.lined_up_bytes += bytes;
        self.pushed.fetch_add(bytes as u64, Ordering::Release);
        if state.too_much_pending() {
            self.refusing.store(true, Ordering::Relaxed);
        }
        drop(state);
        self.work.notify_one();
    }

    /// Takes back what is pending after so many bytes of it: nobody has been told
    /// how much had been pushed since.
    fn forget_after(&self, pending_bytes: usize) {
        let mut state = self.state();
        let forgotten = state.pending.entry_bytes() - pending_bytes;
        state.pending.truncate(pending_bytes);
        self.pushed.fetch_sub(forgotten as u64, Ordering::Release);
        let refusing = state.refusal().is_some();
        self.refusing.store(refusing, Ordering::Relaxed);
    }

    pub(super) fn pushed(&self) -> Lsn {
        Lsn(self.pushed.load(Ordering::Acquire))
    }

    pub(super) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// Has the writer sync, whatever the durability.
    pub(super) fn ask_to_sync(&self) {
        self.state().sync_asked_for = true;
        self.work.notify_one();
    }

    pub(super) fn rotate(&self) -> Rotation {
        let rotation = Rotation(Arc::default());
        let mut state = self.state();
        state.line_up_pending();
        state.lined_up.push(Step::Rotate(Arc::clone(&rotation.0)));
        drop(state);
        self.work.notify_one();
        rotation
    }

    /// Takes what was pushed, of whole calls only.
    pub(super) fn take(&self) -> Taken {
        let whole_calls = self.group.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.line_up_pending();
        if let Some(spare) = state.spare.take() {
            state.pending = spare;
        }
        state.lined_up_bytes = 0;
        let taken = Taken {
            steps: std::mem::take(&mut state.lined_up),
            sync: std::mem::take(&mut state.sync_asked_for),
        };
        self.refusing.store(state.failure.is_some(), Ordering::Relaxed);
        drop(state);
        drop(whole_calls);
        taken
    }

    /// Hands memory back for a later batch.
    pub(super) fn give_back(&self, batch: Batch) {
        self.state().spare = Some(batch.reuse());
    }

    /// Tells that everything up to `lsn` is as safe as promised, and how large
    /// a log is.
    pub(super) fn succeed(&self, lsn: Lsn, log: (u64, u64)) {
        let mut state = self.state();
        state.durable = lsn;
        state.failure = None;
        state.logs.insert(log.0, log.1);
        self.durable.store(lsn.0, Ordering::Release);
        self.refusing.store(state.too_much_pending(), Ordering::Relaxed);
        let wakers = state.waiters.take_up_to(lsn);
        drop(state);
        self.progress.notify_all();
        wakers.into_values().for_each(std::task::Waker::wake);
    }

    /// Tells that nothing can be written.
    pub(super) fn fail(&self, why: Refusal) {
        let mut state = self.state();
        state.failure = Some(why);
        self.refusing.store(true, Ordering::Relaxed);
        let wakers = state.waiters.take_all();
        drop(state);
        self.progress.notify_all();
        wakers.into_values().for_each(std::task::Waker::wake);
    }

    /// Waits until the writer has something to do; false at the end.
    fn wait_for_work(&self, retry_pause: Duration) -> bool {
        let mut state = self.state();
        while !state.stopping {
            if state.failure.is_some() {
                let waited = self.work.wait_timeout_while(state, retry_pause, |s| !s.stopping);
                return !waited.unwrap_or_else(PoisonError::into_inner).0.stopping;
            }
            if !state.has_nothing_to_write() || state.sync_asked_for {
                return true;
            }
            state = wait(&self.work, state);
        }
        false
    }

    /// Asks the writer to sync, once in an interval; false at the end.
    fn ask_to_sync_after(&self, interval: Duration) -> bool {
        let state = self.state();
        let waited = self.ended.wait_timeout_while(state, interval, |s| !s.stopping);
        let stopping = waited.unwrap_or_else(PoisonError::into_inner).0.stopping;
        self.ask_to_sync();
        !stopping
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state().stopping
    }

    fn stop(&self) {
        self.state().stopping = true;
        self.work.notify_all();
        self.ended.notify_all();
    }
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
