//! A disk in memory that fails as disks do, from a seed.
//!
//! A process that dies leaves what it has written. A power failure leaves of
//! what was not synced any part: blocks that were written or zeros, and any of
//! the names that were created, renamed or removed. A sync that fails forgets
//! that there is anything to sync, as Linux does, so that a later one succeeds
//! and has saved nothing.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::entropy::nth;

use super::files::{AppendFile, Files, Lock};

/// What is lost or kept together in a power failure: small, to tear more.
const BLOCK_BYTES: usize = 16;

/// The disk, as one process sees it. Clones are the same process.
#[derive(Clone)]
pub(crate) struct FaultyFiles {
    disk: Arc<Mutex<State>>,
    process: u64,
}

/// What fails.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// One of so many calls fails, and may be half done. 0: none.
    pub(crate) one_in: u64,
    /// Bytes that all files may have together.
    pub(crate) room_bytes: Option<u64>,
    /// The process dies in the call after so many.
    pub(crate) dies_after_calls: Option<u64>,
}

struct State {
    random: Random,
    faults: Faults,
    calls: u64,
    /// The process that is alive.
    process: u64,
    locked: bool,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
}

#[derive(Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Range<usize>>,
}

#[derive(Clone)]
enum NameChange {
    Set(String, usize),
    Remove(String),
    Rename(String, String, usize),
}

impl FaultyFiles {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            random: Random::new(seed),
            faults: Faults::default(),
            calls: 0,
            process: 0,
            locked: false,
            inodes: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
        };
        Self { disk: Arc::new(Mutex::new(state)), process: 0 }
    }

    fn disk(&self) -> MutexGuard<'_, State> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides what fails from now on.
    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut disk = self.disk();
        disk.faults = faults;
        disk.calls = 0;
    }

    /// Calls since the faults were set.
    pub(crate) fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// Whether the process has died.
    pub(crate) fn is_dead(&self) -> bool {
        self.disk().process != self.process
    }

    /// The process is dead: another one finds what it has written.
    pub(crate) fn kill(&self) -> Self {
        let mut disk = self.disk();
        disk.process += 1;
        disk.locked = false;
        disk.faults = Faults::default();
        Self { disk: Arc::clone(&self.disk), process: disk.process }
    }

    /// The power has failed: another process finds what was synced, and any
    /// part of the rest.
    pub(crate) fn fail_power(&self) -> Self {
        self.disk().lose_unsynced();
        self.kill()
    }

    /// The bytes of a file, to be damaged.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let disk = self.disk();
        disk.inodes[disk.names[name]].bytes.clone()
    }

    /// Puts other bytes into a file.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) {
        let mut disk = self.disk();
        let inode = disk.names[name];
        disk.inodes[inode] =
            Inode { bytes: bytes.to_vec(), synced: bytes.to_vec(), unsynced: Vec::new() };
    }

    /// One call of the file system: what it does, unless it fails.
    fn call<T>(
        &self,
        call: impl FnOnce(&mut State) -> io::Result<T>,
        fails: impl FnOnce(&mut State),
    ) -> io::Result<T> {
        let mut disk = self.disk();
        if disk.process != self.process {
            return Err(io::Error::other("this process is dead"));
        }
        disk.calls += 1;
        if disk.faults.dies_after_calls.is_some_and(|calls| disk.calls > calls) {
            fails(&mut disk);
            // Another process begins with `kill` or `fail_power`.
            disk.process += 1;
            return Err(io::Error::other("this process has died"));
        }
        let one_in = disk.faults.one_in;
        if one_in > 0 && disk.random.below(one_in) == 0 {
            fails(&mut disk);
            return Err(io::Error::other("input/output error"));
        }
        call(&mut disk)
    }
}

impl Files for FaultyFiles {
    fn lock(&self) -> io::Result<Option<Lock>> {
        let free = |disk: &mut State| Ok(!std::mem::replace(&mut disk.locked, true));
        let free = self.call(free, |_| ())?;
        Ok(free.then(|| Box::new(Unlock(self.clone())) as Lock))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.call(|disk| Ok(disk.names.keys().cloned().collect()), |_| ())
    }

    fn read(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        self.call(
            |disk| {
                let bytes = disk.inodes[disk.find(name)?].bytes.clone();
                let length = bytes.len() as u64;
                Ok((Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>, length))
            },
            |_| (),
        )
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        let create = |disk: &mut State| {
            disk.inodes.push(Inode::default());
            let inode = disk.inodes.len() - 1;
            disk.change(NameChange::Set(name.to_owned(), inode));
            inode
        };
        let inode = self.call(
            |disk| Ok(create(disk)),
            |disk| {
                if disk.random.flip() {
                    create(disk);
                }
            },
        )?;
        Ok(Box::new(FaultyFile { files: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let rename = |disk: &mut State| {
            let inode = disk.find(from)?;
            disk.change(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
            Ok(())
        };
        self.call(rename, |disk| {
            if disk.random.flip() {
                let _ = rename(disk);
            }
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let remove = |disk: &mut State| {
            disk.find(name)?;
            disk.change(NameChange::Remove(name.to_owned()));
            Ok(())
        };
        self.call(remove, |disk| {
            if disk.random.flip() {
                let _ = remove(disk);
            }
        })
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.call(
            |disk| {
                disk.synced_names = disk.names.clone();
                disk.unsynced_names.clear();
                Ok(())
            },
            |disk| {
                // What it had to sync is forgotten, and only some of it is saved.
                disk.lose_unsynced_names();
            },
        )
    }
}

struct Unlock(FaultyFiles);

impl Drop for Unlock {
    fn drop(&mut self) {
        let mut disk = self.0.disk();
        if disk.process == self.0.process {
            disk.locked = false;
        }
    }
}

struct FaultyFile {
    files: FaultyFiles,
    inode: usize,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let inode = self.inode;
        self.files.call(
            |disk| {
                // Short writes are no failure, and are to be expected.
                let most = if disk.random.below(4) == 0 {
                    1 + disk.random.below(bytes.len() as u64) as usize
                } else {
                    bytes.len()
                };
                let room = disk.room_left().min(most as u64) as usize;
                if room == 0 {
                    return Err(io::Error::from(io::ErrorKind::StorageFull));
                }
                disk.append(inode, &bytes[..room]);
                Ok(room)
            },
            |disk| {
                let part = disk.random.below(bytes.len() as u64 + 1) as usize;
                disk.append(inode, &bytes[..part]);
            },
        )
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AppendFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        let inode = self.inode;
        self.files.call(
            |disk| {
                disk.inodes[inode].sync();
                Ok(())
            },
            |disk| {
                // Any part of it is saved; a later sync saves no more of it.
                let (inodes, random) = (&mut disk.inodes, &mut disk.random);
                inodes[inode].lose_unsynced(random);
            },
        )
    }
}

impl State {
    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn room_left(&self) -> u64 {
        let used: usize = self.names.values().map(|inode| self.inodes[*inode].bytes.len()).sum();
        self.faults.room_bytes.map_or(u64::MAX, |room| room.saturating_sub(used as u64))
    }

    fn append(&mut self, inode: usize, bytes: &[u8]) {
        let inode = &mut self.inodes[inode];
        let start = inode.bytes.len();
        inode.bytes.extend_from_slice(bytes);
        inode.unsynced.push(start..inode.bytes.len());
    }

    fn change(&mut self, change: NameChange) {
        change.make(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn lose_unsynced_names(&mut self) {
        for change in std::mem::take(&mut self.unsynced_names) {
            if self.random.flip() {
                change.make(&mut self.synced_names);
            }
        }
    }

    fn lose_unsynced(&mut self) {
        self.lose_unsynced_names();
        self.names = self.synced_names.clone();
        for inode in &mut self.inodes {
            inode.lose_unsynced(&mut self.random);
            inode.bytes = inode.synced.clone();
        }
    }
}

impl NameChange {
    fn make(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Inode {
    fn save(&mut self, range: Range<usize>) {
        if self.synced.len() < range.end {
            self.synced.resize(range.end, 0);
        }
        self.synced[range.clone()].copy_from_slice(&self.bytes[range]);
    }

    fn sync(&mut self) {
        for range in std::mem::take(&mut self.unsynced) {
            self.save(range);
        }
    }

    fn lose_unsynced(&mut self, random: &mut Random) {
        for range in std::mem::take(&mut self.unsynced) {
            let blocks = range.clone().step_by(BLOCK_BYTES);
            for start in blocks {
                if random.flip() {
                    self.save(start..range.end.min(start + BLOCK_BYTES));
                }
            }
        }
    }
}

/// Numbers from a seed, in the hands of one.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    seed: u64,
    draws: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, draws: 0 }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.draws += 1;
        nth(self.seed, self.draws)
    }

    /// A number from 0 to `limit`, without it.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}
