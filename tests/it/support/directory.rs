//! Data directories that are gone when their test is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use kinesis_emulator::{Builder, Durability};

/// A data directory of a test's own, removed when the test is over.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// A directory that is not there yet.
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // A fuzzer has no such folder.
        let folder = option_env!("CARGO_TARGET_TMPDIR").map_or_else(env::temp_dir, PathBuf::from);
        let path = folder.join(format!("{name}-{}-{number}.data", std::process::id()));
        assert!(!path.exists(), "{} is left from another run", path.display());
        Self(path)
    }

    /// Another one that is not there yet.
    pub(crate) fn beside(&self) -> Self {
        Self::new("beside")
    }

    /// What a process leaves that is ended by force now, while no call is under
    /// way: all that it had handed to the operating system.
    pub(crate) fn copy(&self) -> Self {
        loop {
            let copy = self.beside();
            fs::create_dir(&copy.0).expect("there is room");
            let files = self.files();
            let copied = files.iter().all(|file| {
                let name = file.file_name().expect("a file has a name");
                fs::copy(file, copy.0.join(name)).is_ok()
            });
            // A checkpoint that is put in place meanwhile would make it two moments.
            if copied && self.files() == files {
                return copy;
            }
        }
    }

    /// Has an emulator keep everything here. The process alone ends in a test, so
    /// nothing needs to be on the disk.
    pub(crate) fn keep(&self, builder: Builder) -> Builder {
        builder.data_dir(&self.0).durability(Durability::Os)
    }

    /// The same with a checkpoint as soon as there are a few kilobytes to be saved.
    pub(crate) fn keep_small(&self, builder: Builder) -> Builder {
        self.keep(builder).data_dir_spare_bytes(4000)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Its files, by name.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).expect("it can be read");
        let mut files: Vec<_> =
            entries.map(|entry| entry.expect("an entry can be read").path()).collect();
        files.sort();
        files
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        let sizes =
            self.files().into_iter().filter_map(|file| Some(fs::metadata(file).ok()?.len()));
        sizes.sum()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = fs::remove_dir_all(&self.0);
    }
}
