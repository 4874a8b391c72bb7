//! From a directory to the entries that were pushed, in order.
//!
//! Nothing that is found is trusted. The end of the newest log may be torn off,
//! for that is what a failure does: it is left out. Everything else that is not
//! as it was written is refused.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{
    Batch, BatchKind, BatchReader, FILE_HEADER_BYTES, FileName, Next, PART, find_proof_of_sync,
};
use super::checkpoint::remove_older;
use super::commit_log::{CommitLog, Shared};
use super::durability::Durability;
use super::error::{DataDirError, Problem};
use super::files::{Disk, Files, Lock};
use super::successor::LogFile;
use super::writer::Writer;

/// A directory that this process alone uses and that has not been read yet.
pub(crate) struct Recovery {
    directory: PathBuf,
    files: Arc<dyn Files>,
    lock: Lock,
    checkpoint: Option<u64>,
    /// The logs after the checkpoint, without a gap.
    logs: Vec<u64>,
}

/// A directory that has been read: the log can go on.
pub(crate) struct Recovered {
    directory: PathBuf,
    files: Arc<dyn Files>,
    lock: Lock,
    checkpoint: Option<(u64, u64)>,
    logs: Vec<(u64, u64)>,
    next: NextLog,
    found: Found,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    pub(crate) entries: u64,
    /// Bytes of all files that were read.
    pub(crate) bytes: u64,
    /// The end of the newest log that was left out.
    pub(crate) cut: Option<Cut>,
}

/// An end that was torn off by a failure: it was never answered as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) file: String,
    /// Where it begins.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// The log that this process begins.
struct NextLog {
    number: u64,
    previous_end: u64,
    /// What stands in the newest log and may never have been synced: it is
    /// written again. A sync would not do, for one may have failed before, and
    /// then a later one succeeds and saves nothing.
    batches: Vec<Batch>,
}

impl NextLog {
    fn first() -> Self {
        Self { number: FIRST_LOG, previous_end: 0, batches: Vec::new() }
    }
}

impl Recovery {
    /// Takes the directory for this process; makes it if it is not there.
    ///
    /// # Errors
    /// If another process has it, if a file is missing, or if the file system
    /// refuses.
    pub(crate) fn open(directory: &Path) -> Result<Self, DataDirError> {
        let disk = Disk::open(directory).map_err(Problem::Unwritable);
        disk.and_then(|disk| Self::take(directory, Arc::new(disk)))
            .map_err(|problem| DataDirError::new(directory, problem))
    }

    /// As [`open`](Self::open), in any files.
    pub(super) fn take(directory: &Path, files: Arc<dyn Files>) -> Result<Self, Problem> {
        let lock = files.lock().map_err(Problem::Unwritable)?.ok_or(Problem::InUse)?;
        let names = files.list().map_err(|error| Problem::unreadable("its list", error))?;
        let (mut checkpoint, mut logs) = (None, BTreeSet::new());
        for name in &names {
            match FileName::parse(name) {
                Some(FileName::Checkpoint(number)) => checkpoint = checkpoint.max(Some(number)),
                Some(FileName::Log(number)) => {
                    logs.insert(number);
                }
                None => {}
            }
        }
        // A checkpoint is put in place after its log; a new directory has neither.
        let first = checkpoint.unwrap_or(FIRST_LOG);
        if let Some(last) = logs.last().copied().max(checkpoint)
            && let Some(number) = (first..=last).find(|number| !logs.contains(number))
        {
            // Without its checkpoint a directory does not begin with the first log.
            let file = match logs.first() {
                Some(begins) if checkpoint.is_none() && *begins > number => {
                    FileName::Checkpoint(*begins)
                }
                _ => FileName::Log(number),
            };
            return Err(Problem::Missing { file: file.to_string() });
        }
        let logs = logs.into_iter().filter(|number| *number >= first).collect();
        Ok(Self { directory: directory.to_owned(), files, lock, checkpoint, logs })
    }

    /// Gives all entries to `apply`, in the order in which they were pushed: those
    /// of the checkpoint, then those of the logs. A batch is in memory at a time.
    ///
    /// # Errors
    /// If a file is not as it was written, if `apply` refuses an entry with a
    /// reason, or if a file cannot be read.
    pub(crate) fn replay(
        self,
        mut apply: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Recovered, DataDirError> {
        let directory = self.directory.clone();
        self.replay_files(&mut apply).map_err(|problem| DataDirError::new(&directory, problem))
    }

    fn replay_files(
        self,
        apply: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Recovered, Problem> {
        let files = &*self.files;
        let mut found = Found::default();
        let mut checkpoint = None;
        if let Some(number) = self.checkpoint {
            let (reader, _) = BatchReader::open(files, FileName::Checkpoint(number))?;
            let mut file = Replay::new(FileName::Checkpoint(number), reader);
            // It had been synced when it was given its name.
            file.synced_end = u64::MAX;
            let end = file.run(apply)?;
            match end {
                FileEnd::InPeace => {}
                FileEnd::After(offset) => return Err(file.damaged(offset, "its end is missing")),
                FileEnd::Torn { offset, what } => return Err(file.damaged(offset, what)),
            }
            found.add(&file);
            checkpoint = Some((number, file.reader.offset()));
        }
        let mut headers = Vec::new();
        for number in &self.logs {
            headers.push(BatchReader::open(files, FileName::Log(*number))?.1);
        }
        let ends = headers.iter().skip(1).map(|next| Some(next.previous_end)).chain([None]);
        let (mut logs, mut next) = (Vec::new(), NextLog::first());
        for (header, end) in headers.iter().zip(ends) {
            let (name, number) = (header.name, header.name.number());
            let (reader, _) = BatchReader::open(files, name)?;
            let bytes = FILE_HEADER_BYTES as u64 + reader.bytes_left();
            let mut file = Replay::new(name, reader);
            if let Some(end) = end {
                // The log after it was begun when it had been synced so far.
                file.reader.end_at(end)?;
                file.synced_end = end;
            }
            match file.run(apply)? {
                FileEnd::InPeace | FileEnd::After(_) => {}
                FileEnd::Torn { offset, what } if end.is_some() => {
                    return Err(file.damaged(offset, what));
                }
                FileEnd::Torn { offset, what } => {
                    let proof = find_proof_of_sync(files, name, offset);
                    if let Some(proof) = proof.map_err(|error| Problem::unreadable(name, error))? {
                        let what = format!("{what}, and at byte {proof} more follows");
                        return Err(file.damaged(offset, what));
                    }
                    found.cut = Some(Cut { file: name.to_string(), offset, bytes: bytes - offset });
                }
            }
            found.add(&file);
            // A log without entries is replaced, or each start would leave one.
            next = if file.entries == 0 && end.is_none() {
                NextLog { number, previous_end: header.previous_end, batches: Vec::new() }
            } else {
                logs.push((number, bytes));
                let batches = file.unsynced.into_iter().map(|(_, batch)| batch).collect();
                NextLog { number: number + 1, previous_end: file.synced_end, batches }
            };
        }
        let Self { directory, files, lock, .. } = self;
        Ok(Recovered { directory, files, lock, checkpoint, logs, next, found })
    }
}

impl Recovered {
    /// What was found.
    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// Begins a new log, and the thread that writes it.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) fn start(self, durability: Durability) -> Result<CommitLog, DataDirError> {
        let directory = self.directory.clone();
        let started = self
            .prepare(durability)
            .and_then(|(writer, lock)| CommitLog::start(writer, lock, durability));
        started.map_err(|error| DataDirError::new(&directory, Problem::Unwritable(error)))
    }

    /// Begins a new log, whose writer nobody drives yet.
    pub(super) fn prepare(self, durability: Durability) -> io::Result<(Writer, Lock)> {
        let NextLog { number, previous_end, mut batches } = self.next;
        let log = LogFile::begin(&*self.files, number, previous_end, &mut batches)?;
        // Not before all names that were found have been synced with the new one.
        remove_leftovers(&*self.files, self.checkpoint.map(|(number, _)| number))?;
        let shared = Shared::new(self.files);
        *shared.checkpoint() = self.checkpoint;
        shared.state().logs = self.logs.into_iter().chain([(number, log.end)]).collect();
        Ok((Writer::new(Arc::new(shared), durability, log), self.lock))
    }
}

impl Found {
    fn add(&mut self, file: &Replay) {
        self.entries += file.entries;
        self.bytes += file.reader.offset();
    }
}

/// The number of a directory's first log.
const FIRST_LOG: u64 = 1;

/// Removes what was never finished, and what the checkpoint makes superfluous.
fn remove_leftovers(files: &dyn Files, checkpoint: Option<u64>) -> io::Result<()> {
    for name in files.list()? {
        if name.strip_suffix(PART).is_some_and(|name| FileName::parse(name).is_some()) {
            files.remove(&name)?;
        }
    }
    if let Some(number) = checkpoint {
        remove_older(files, FileName::Checkpoint(number));
    }
    Ok(())
}

/// A file whose entries are being given out.
struct Replay {
    name: FileName,
    reader: BatchReader,
    entries: u64,
    /// How much of the file is known to have been synced.
    synced_end: u64,
    /// The batches after that, and where each ends.
    unsynced: VecDeque<(u64, Batch)>,
}

/// How a file ended.
enum FileEnd {
    InPeace,
    After(u64),
    Torn { offset: u64, what: &'static str },
}

impl Replay {
    fn new(name: FileName, reader: BatchReader) -> Self {
        let synced_end = reader.offset();
        Self { name, reader, entries: 0, synced_end, unsynced: VecDeque::new() }
    }

    fn run(
        &mut self,
        apply: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<FileEnd, Problem> {
        let name = self.name;
        loop {
            let offset = self.reader.offset();
            let next = self.reader.next().map_err(|error| Problem::unreadable(name, error))?;
            let found = match next {
                Next::Batch(found) => found,
                Next::Nothing => return Ok(FileEnd::After(offset)),
                Next::Torn(what) => return Ok(FileEnd::Torn { offset, what }),
            };
            let refused = |what: String| Problem::damaged(name, offset, what);
            let mut entries = found.entries();
            while let Some(entry) = entries.next().map_err(|what| refused(what.to_owned()))? {
                apply(entry).map_err(refused)?;
                self.entries += 1;
            }
            let (kind, end) = (found.kind, offset + found.bytes());
            self.synced_end = self.synced_end.max(found.synced_bytes);
            while self.unsynced.front().is_some_and(|(end, _)| *end <= self.synced_end) {
                self.unsynced.pop_front();
            }
            if end > self.synced_end && kind == BatchKind::Entries {
                self.unsynced.push_back((end, found.to_batch()));
            }
            if kind == BatchKind::End {
                let offset = self.reader.offset();
                if self.reader.bytes_left() > 0 {
                    return Err(self.damaged(offset, "more follows after the end"));
                }
                return Ok(FileEnd::InPeace);
            }
        }
    }

    fn damaged(&self, offset: u64, what: impl Into<String>) -> Problem {
        Problem::damaged(self.name, offset, what)
    }
}
