//! Files: written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::error::Problem;
use super::{Snapshot, SnapshotError};

/// Bytes that are read or written at a time.
const BUFFER_BYTES: usize = 256 * 1024;

impl Snapshot {
    /// Writes the snapshot to a file, in place of one that is there.
    ///
    /// Whoever reads meanwhile finds the old file or the new one, never a part:
    /// it is written beside it and then moved.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write_to(&self, file: impl AsRef<Path>) -> Result<(), SnapshotError> {
        let file = file.as_ref();
        self.write_beside(file)
            .map_err(|error| SnapshotError::new(file, Problem::Unwritable(error)))
    }

    /// Reads a snapshot from a file.
    ///
    /// # Errors
    /// If there is no such file, or if it is not a whole and unchanged snapshot
    /// of this version or an older one.
    pub fn read_from(file: impl AsRef<Path>) -> Result<Self, SnapshotError> {
        let file = file.as_ref();
        let opened = File::open(file).map_err(Problem::Unreadable);
        opened
            .and_then(|opened| super::read::read(BufReader::with_capacity(BUFFER_BYTES, opened)))
            .map_err(|problem| SnapshotError::new(file, problem))
    }

    /// The bytes that [`write_to`](Self::write_to) would write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        super::write::write(self, &mut bytes).expect("memory takes what is written");
        bytes
    }

    /// Reads a snapshot from the bytes of a file.
    ///
    /// # Errors
    /// If they are not a whole and unchanged snapshot of this version or an
    /// older one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        super::read::read(bytes).map_err(|problem| {
            // What has no name is called so that it fits into the sentence.
            let unnamed = match problem {
                Problem::NotASnapshot => "what was given",
                _ => "that was given",
            };
            SnapshotError::new(Path::new(unnamed), problem)
        })
    }

    fn write_beside(&self, file: &Path) -> io::Result<()> {
        let (beside, opened) = create_beside(file)?;
        let written = write_whole(self, opened).and_then(|()| fs::rename(&beside, file));
        if written.is_err() {
            // The reason is told; that a rest of it may stay is not worth more.
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

fn write_whole(snapshot: &Snapshot, file: File) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    super::write::write(snapshot, &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()
}

/// A new file in the same folder, so that it can be moved in one step.
fn create_beside(file: &Path) -> io::Result<(PathBuf, File)> {
    let name = file.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "this is a folder and no file")
    })?;
    let process = std::process::id();
    let mut attempt = 0;
    loop {
        let mut beside = name.to_owned();
        beside.push(format!(".{process}-{attempt}.part"));
        let beside = file.with_file_name(beside);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(opened) => return Ok((beside, opened)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::rows::{FORMAT, VERSION};

    #[test]
    fn what_is_said_of_bytes_without_a_file_is_a_sentence() {
        let announced = |version: u64| format!(r#"{{"format":"{FORMAT}","version":{version}}}"#);
        for (text, expected) in [
            ("[]".to_owned(), "what was given is not a snapshot: its first line does not begin"),
            (
                announced(VERSION),
                "the snapshot that was given is cut off after line 0: copy or write",
            ),
            (announced(VERSION + 1), "the snapshot that was given has format version "),
        ] {
            let read = Snapshot::from_bytes(text.as_bytes());
            let Err(error) = read else { panic!("{text} was read") };
            assert!(error.to_string().starts_with(expected), "{text}: {error}");
        }
    }
}
