//! Why a data directory cannot be used, and what to do about it.

use std::fmt;
use std::io::{
    self,
    ErrorKind::{AlreadyExists, NotADirectory},
};
use std::path::{Path, PathBuf};

/// Why a data directory cannot be used.
#[derive(Debug)]
pub struct DataDirError {
    directory: PathBuf,
    problem: Problem,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataDirErrorKind {
    /// The file system refused.
    Io,
    /// Another process uses the directory.
    InUse,
    /// The directory was written by a newer version.
    NewerVersion,
    /// A file is missing, or was changed after it had been written.
    Damaged,
}

/// A reason, before it is known which directory it is about.
#[derive(Debug)]
pub(crate) enum Problem {
    Unreadable { file: String, error: io::Error },
    Unwritable(io::Error),
    InUse,
    NewerVersion { file: String, found: u32, known: u32 },
    Damaged { file: String, offset: u64, what: String },
    Missing { file: String },
    Lawless { what: String },
}

impl Problem {
    pub(crate) fn damaged(file: impl fmt::Display, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_string(), offset, what: what.into() }
    }

    pub(crate) fn unreadable(file: impl fmt::Display, error: io::Error) -> Self {
        Self::Unreadable { file: file.to_string(), error }
    }
}

impl DataDirError {
    pub(crate) fn new(directory: &Path, problem: Problem) -> Self {
        Self { directory: directory.to_owned(), problem }
    }

    /// What kind of reason it is.
    pub fn kind(&self) -> DataDirErrorKind {
        match self.problem {
            Problem::Unreadable { .. } | Problem::Unwritable(_) => DataDirErrorKind::Io,
            Problem::InUse => DataDirErrorKind::InUse,
            Problem::NewerVersion { .. } => DataDirErrorKind::NewerVersion,
            Problem::Damaged { .. } | Problem::Missing { .. } | Problem::Lawless { .. } => {
                DataDirErrorKind::Damaged
            }
        }
    }
}

impl fmt::Display for DataDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = self.directory.display();
        write!(f, "the data directory {directory} ")?;
        match &self.problem {
            Problem::Unreadable { file, error } => {
                write!(f, "cannot be read: {file}: {error}; see to the disk and to permissions")
            }
            Problem::Unwritable(error) if matches!(error.kind(), AlreadyExists | NotADirectory) => {
                write!(f, "is a file, or below one: {error}; choose a directory")
            }
            Problem::Unwritable(error) => {
                write!(f, "cannot be written: {error}; see to room, permissions and the disk")
            }
            Problem::InUse => {
                write!(f, "is in use by another process: stop it, or choose another directory")
            }
            Problem::NewerVersion { file, found, known } => write!(
                f,
                "has format version {found} in {file}, and this kinesis-emulator reads versions \
                 up to {known}: use a newer one"
            ),
            Problem::Damaged { file, offset, what } => write!(
                f,
                "is damaged: {file}, at byte {offset}: {what}. Nothing was changed. Restore the \
                 directory from a copy, or choose another one to begin anew"
            ),
            Problem::Lawless { what } => write!(
                f,
                "has files that are whole and yet do not fit together: {what}. Nothing was \
                 changed. Restore the directory from a copy, or choose another one to begin anew"
            ),
            Problem::Missing { file } => write!(
                f,
                "is damaged: {file} is missing. Nothing was changed. Put the file back, restore \
                 the directory from a copy, or choose another one to begin anew"
            ),
        }
    }
}

impl std::error::Error for DataDirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unreadable { error, .. } | Problem::Unwritable(error) => Some(error),
            _ => None,
        }
    }
}
