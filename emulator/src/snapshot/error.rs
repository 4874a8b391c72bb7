//! Why a snapshot could not be written or read, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a snapshot's file could not be written or read.
#[derive(Debug)]
pub struct SnapshotError {
    file: PathBuf,
    problem: Problem,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// The file system refused.
    Io,
    /// The file is something else.
    NotASnapshot,
    /// The file was written by a newer version.
    NewerVersion,
    /// The file's end is missing.
    CutOff,
    /// The file was changed after it had been written.
    Damaged,
}

/// A reason, before it is known which file it is about.
#[derive(Debug)]
pub(super) enum Problem {
    Unreadable(io::Error),
    Unwritable(io::Error),
    NotASnapshot,
    NewerVersion { found: u64, known: u64 },
    CutOff { after_line: u64 },
    Damaged { line: u64, what: String },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl SnapshotError {
    pub(super) fn new(file: &Path, problem: Problem) -> Self {
        Self { file: file.to_owned(), problem }
    }

    /// What kind of reason it is.
    pub fn kind(&self) -> SnapshotErrorKind {
        match self.problem {
            Problem::Unreadable(_) | Problem::Unwritable(_) => SnapshotErrorKind::Io,
            Problem::NotASnapshot => SnapshotErrorKind::NotASnapshot,
            Problem::NewerVersion { .. } => SnapshotErrorKind::NewerVersion,
            Problem::CutOff { .. } => SnapshotErrorKind::CutOff,
            Problem::Damaged { .. } => SnapshotErrorKind::Damaged,
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.problem {
            Problem::Unreadable(error) => write!(f, "the snapshot {file} cannot be read: {error}"),
            Problem::Unwritable(error) => {
                write!(f, "the snapshot {file} cannot be written: {error}; choose another file")
            }
            Problem::NotASnapshot => write!(
                f,
                "{file} is not a snapshot: its first line does not begin one; \
                 snapshots are written by Snapshot::write_to"
            ),
            Problem::NewerVersion { found, known } => write!(
                f,
                "the snapshot {file} has format version {found}, and this kinesis-emulator reads \
                 versions up to {known}: use a newer one"
            ),
            Problem::CutOff { after_line } => write!(
                f,
                "the snapshot {file} is cut off after line {after_line}: copy or write it again"
            ),
            Problem::Damaged { line, what } => write!(
                f,
                "the snapshot {file} is damaged in line {line} or before it: {what}; \
                 copy or write it again"
            ),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unreadable(error) | Problem::Unwritable(error) => Some(error),
            _ => None,
        }
    }
}
