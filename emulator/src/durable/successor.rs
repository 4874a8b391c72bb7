//! The log that comes after another: there with all that it begins with, or not at all.

use std::io;

use super::batch::{Batch, BatchKind, FILE_HEADER_BYTES, FileHeader, FileName, Place};
use super::files::{AppendFile, Files};

/// The log that is appended to.
pub(super) struct LogFile {
    pub(super) number: u64,
    file: Box<dyn AppendFile>,
    /// Where the next batch begins.
    pub(super) end: u64,
    /// Up to where it has been synced.
    pub(super) synced_end: u64,
}

impl LogFile {
    /// Begins a log with `batches`. `previous_end` says up to where the log
    /// before it is valid, which must have been synced so far.
    ///
    /// Once it has its name, all of it is synced. If that fails, a log of this
    /// number may be there or not: another attempt takes its place.
    pub(super) fn begin(
        files: &dyn Files,
        number: u64,
        previous_end: u64,
        batches: &mut [Batch],
    ) -> io::Result<Self> {
        let name = FileName::Log(number);
        let part = name.part();
        let begun = Self::write_part(files, name, previous_end, batches).and_then(|log| {
            files.rename(&part, &name.to_string())?;
            files.sync_directory()?;
            Ok(log)
        });
        if begun.is_err() {
            // It may not be there, and is removed when the directory is next opened.
            let _ = files.remove(&part);
        }
        begun
    }

    fn write_part(
        files: &dyn Files,
        name: FileName,
        previous_end: u64,
        batches: &mut [Batch],
    ) -> io::Result<Self> {
        let mut file = files.create(&name.part())?;
        file.write_all(&FileHeader { name, previous_end }.to_bytes())?;
        let end = FILE_HEADER_BYTES as u64;
        let mut log = Self { number: name.number(), file, end, synced_end: 0 };
        for batch in batches {
            log.append(batch)?;
        }
        log.sync()?;
        Ok(log)
    }

    /// Appends a batch.
    pub(super) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        self.write(batch, BatchKind::Entries)
    }

    /// Ends the log in peace.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.sync()?;
        self.write(&mut Batch::default(), BatchKind::End)?;
        self.sync()
    }

    fn write(&mut self, batch: &mut Batch, kind: BatchKind) -> io::Result<()> {
        let file = FileName::Log(self.number);
        let bytes =
            batch.seal(kind, Place { file, offset: self.end, synced_bytes: self.synced_end });
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Syncs what has been appended. After an error nothing may be appended:
    /// what was not synced may be gone, though a later sync succeeds.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.synced_end < self.end {
            self.file.sync()?;
            self.synced_end = self.end;
        }
        Ok(())
    }
}
