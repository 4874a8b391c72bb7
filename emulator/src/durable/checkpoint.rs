//! A whole state as a file, written while the log goes on.

use std::io;
use std::sync::Arc;

use super::batch::{Batch, BatchKind, FILE_HEADER_BYTES, FileHeader, FileName, Place};
use super::commit_log::Shared;
use super::durability::Refusal;
use super::files::{AppendFile, Files};

/// Entries of a batch: what is in memory at a time, when it is written and read.
const BATCH_BYTES: usize = 1024 * 1024;

/// Writes a checkpoint. Dropped before it is finished, it leaves nothing.
pub(crate) struct CheckpointWriter {
    shared: Arc<Shared>,
    name: FileName,
    file: Box<dyn AppendFile>,
    batch: Batch,
    offset: u64,
    /// The first error; all that is pushed after it is ignored.
    failed: Option<io::Error>,
    finished: bool,
}

impl CheckpointWriter {
    pub(super) fn begin(shared: Arc<Shared>, number: u64) -> io::Result<Self> {
        let name = FileName::Checkpoint(number);
        let mut file = shared.files.create(&name.part())?;
        let failed = file.write_all(&FileHeader { name, previous_end: 0 }.to_bytes()).err();
        let offset = FILE_HEADER_BYTES as u64;
        let batch = Batch::default();
        Ok(Self { shared, name, file, batch, offset, failed, finished: false })
    }

    /// Appends an entry, as [`CommitLog::push`](super::commit_log::CommitLog::push) does.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.batch.push(write);
        if self.batch.entry_bytes() >= BATCH_BYTES {
            self.write(BatchKind::Entries);
        }
    }

    /// Puts the checkpoint in place, and removes what it makes superfluous.
    ///
    /// # Errors
    /// If it could not be written: the directory is as it was.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        if !self.batch.is_empty() {
            self.write(BatchKind::Entries);
        }
        self.write(BatchKind::End);
        let installed = self.install();
        installed.map_err(|error| Refusal::new(&error))
    }

    fn write(&mut self, kind: BatchKind) {
        let place = Place { file: self.name, offset: self.offset, synced_bytes: 0 };
        let bytes = self.batch.seal(kind, place);
        self.offset += bytes.len() as u64;
        if self.failed.is_none() {
            self.failed = self.file.write_all(bytes).err();
        }
        self.batch = std::mem::take(&mut self.batch).reuse();
    }

    fn install(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.file.sync()?;
        let files = &self.shared.files;
        let number = self.name.number();
        // One at a time, a newer one stays, and who has left touches nothing.
        let mut newest = self.shared.checkpoint();
        if self.shared.is_closing() {
            return Err(io::Error::other("the log is closed"));
        }
        if newest.is_some_and(|(newest, _)| newest >= number) {
            return Ok(());
        }
        files.rename(&self.name.part(), &self.name.to_string())?;
        self.finished = true;
        files.sync_directory()?;
        *newest = Some((number, self.offset));
        let mut state = self.shared.state();
        state.logs = state.logs.split_off(&number);
        drop(state);
        remove_older(&**files, self.name);
        Ok(())
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        // The directory may be another's by now, which may have a file of this name.
        if !self.finished && !self.shared.is_closing() {
            // Otherwise it is removed when the directory is next opened.
            let _ = self.shared.files.remove(&self.name.part());
        }
    }
}

/// Removes what a checkpoint makes superfluous. What cannot be removed now is
/// removed by the next checkpoint or the next start.
pub(super) fn remove_older(files: &dyn Files, checkpoint: FileName) {
    let names = files.list().unwrap_or_default();
    let older = names.iter().filter(|name| {
        FileName::parse(name).is_some_and(|name| name.number() < checkpoint.number())
    });
    for name in older {
        let _ = files.remove(name);
    }
}
