//! What the log's thread does, one step at a time.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock};

use super::batch::Batch;
use super::commit_log::{Shared, Step};
use super::durability::{Durability, Lsn, Refusal};
use super::successor::LogFile;

/// Bytes that may be written and not synced: they stay in memory until they are.
const UNSYNCED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Memory of a batch that is kept for later ones.
const SPARE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Writes batches to the newest log, and begins new ones.
pub(super) struct Writer {
    shared: Arc<Shared>,
    durability: Durability,
    log: LogFile,
    /// A write or a sync of `log` has failed: nothing more goes into it.
    broken: bool,
    /// What was taken and is in no file yet.
    backlog: VecDeque<Step>,
    /// What was written to `log` and is not synced.
    unsynced: Vec<Batch>,
    unsynced_bytes: usize,
    /// Up to where it is in the files, synced or not.
    written: Lsn,
    synced: Lsn,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, durability: Durability, log: LogFile) -> Self {
        Self {
            shared,
            durability,
            log,
            broken: false,
            backlog: VecDeque::new(),
            unsynced: Vec::new(),
            unsynced_bytes: 0,
            written: Lsn::default(),
            synced: Lsn::default(),
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Writes what was pushed, syncs it if that is due, and tells who waits.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        let taken = self.shared.take();
        let sync = taken.sync || self.durability == Durability::EveryWrite;
        self.backlog.extend(taken.steps);
        self.commit_backlog(sync).inspect_err(|error| {
            self.broken = true;
            self.shared.fail(Refusal::new(error));
        })
    }

    /// Writes and syncs the rest, and ends the log in peace.
    pub(super) fn close(&mut self) {
        if self.commit().is_err() {
            return;
        }
        let ended = self.sync().and_then(|()| self.log.close());
        match ended {
            Ok(()) => self.shared.fail(Refusal::Closed),
            Err(error) => self.shared.fail(Refusal::new(&error)),
        }
    }

    fn commit_backlog(&mut self, sync: bool) -> io::Result<()> {
        if self.broken {
            self.begin_next_log()?;
            self.broken = false;
        }
        while let Some(step) = self.backlog.pop_front() {
            match step {
                Step::Write(batch) => self.write(batch)?,
                Step::Rotate(told) => self.rotate(told)?,
            }
        }
        if sync {
            self.sync()?;
        }
        let safe = match self.durability {
            Durability::EveryWrite => self.synced,
            Durability::EverySecond | Durability::Os => self.written,
        };
        self.shared.succeed(safe, (self.log.number, self.log.end));
        Ok(())
    }

    fn write(&mut self, batch: Batch) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // It is kept before it is written: a part of it may be in the file then.
        self.unsynced_bytes += batch.entry_bytes();
        self.written.0 += batch.entry_bytes() as u64;
        self.unsynced.push(batch);
        let batch = self.unsynced.last_mut().expect("it was pushed");
        self.log.append(batch)?;
        if self.unsynced_bytes > UNSYNCED_BYTES_MAX && self.durability != Durability::EveryWrite {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.sync()?;
        self.forget_unsynced();
        Ok(())
    }

    fn rotate(&mut self, told: Arc<OnceLock<u64>>) -> io::Result<()> {
        let rotated = self.sync().and_then(|()| self.begin_next_log());
        match rotated {
            Ok(()) => {
                let first = told.set(self.log.number);
                assert!(first.is_ok(), "a cut is made once");
                Ok(())
            }
            Err(error) => {
                self.backlog.push_front(Step::Rotate(told));
                Err(error)
            }
        }
    }

    /// Begins the next log with what is not synced, and goes on there.
    fn begin_next_log(&mut self) -> io::Result<()> {
        let (number, previous_end) = (self.log.number + 1, self.log.synced_end);
        let log = LogFile::begin(&*self.shared.files, number, previous_end, &mut self.unsynced)?;
        // The last size of the log that is left; what may stand behind its end counts, too.
        self.shared.state().logs.insert(self.log.number, self.log.end);
        self.log = log;
        self.forget_unsynced();
        Ok(())
    }

    fn forget_unsynced(&mut self) {
        self.synced = self.written;
        self.unsynced_bytes = 0;
        let spare = self.unsynced.drain(..).next_back();
        if let Some(spare) = spare.filter(|spare| spare.capacity_bytes() <= SPARE_BYTES_MAX) {
            self.shared.give_back(spare);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody waits for what will never come.
            self.shared.fail(Refusal::Failed("its writer has panicked".to_owned()));
        }
    }
}
