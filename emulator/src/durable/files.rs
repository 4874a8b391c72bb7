//! The few things that are asked of a file system, so that a test can be one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A directory of files, each of which has a plain name.
///
/// What has been written may be lost in a power failure until it is synced, and
/// what has been created, renamed or removed until the directory is.
pub(crate) trait Files: Send + Sync {
    /// Keeps other processes out until it is dropped; `None` if one is in.
    fn lock(&self) -> io::Result<Option<Lock>>;

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A file to read from its beginning, and how many bytes it has.
    fn read(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)>;

    /// An empty file to append to, in place of one that has the name.
    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>>;

    /// Gives a file another name, in place of a file that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Syncs the names.
    fn sync_directory(&self) -> io::Result<()>;
}

/// A file that grows.
pub(crate) trait AppendFile: Write + Send {
    /// Syncs what has been written.
    fn sync(&mut self) -> io::Result<()>;
}

/// Keeps other processes out.
pub(crate) type Lock = Box<dyn Send + Sync>;

impl AppendFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A directory on a disk.
#[derive(Debug)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// The file that is locked.
    const LOCK: &str = "LOCK";

    /// Makes the directory if it is not there.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self(directory.to_owned()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Files for Disk {
    fn lock(&self) -> io::Result<Option<Lock>> {
        let file = self.path(Self::LOCK);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(file)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }

    fn read(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let file = File::open(self.path(name))?;
        let bytes = file.metadata()?.len();
        Ok((Box::new(file), bytes))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(File::create(self.path(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    #[cfg(unix)]
    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    // Elsewhere a directory is no file that can be synced.
    #[cfg(not(unix))]
    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }
}
