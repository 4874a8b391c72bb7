//! The bytes of a file: its header, and its batches.
//!
//! All numbers are little-endian. A batch knows the file and the place it was
//! written for and how much of the file had been synced by then. So a batch
//! that cannot be read is known to be the end that a failure tore off, or
//! damage: damage, if a later batch says that it had been synced.

use std::fmt;
use std::io::{self, BufReader, Read};

use crc32fast::Hasher;

use super::error::Problem;
use super::files::Files;

/// The version of the files, entries included.
pub(crate) const FORMAT_VERSION: u32 = 1;

const FILE_MAGIC: [u8; 8] = *b"kinesis\n";
pub(super) const FILE_HEADER_BYTES: usize = 36;

const BATCH_MAGIC: [u8; 3] = *b"bat";
pub(super) const BATCH_HEADER_BYTES: usize = 24;
/// Before each entry: how long it is.
const ENTRY_HEADER_BYTES: usize = 4;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file of the directory, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileName {
    /// All that was appended before the log of that number.
    Checkpoint(u64),
    /// What was appended.
    Log(u64),
}

impl FileName {
    /// The file that has this name, if it is one of ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, number) = name.split_once('-')?;
        let number = number.parse().ok()?;
        let parsed = match kind {
            "checkpoint" => Self::Checkpoint(number),
            "log" => Self::Log(number),
            _ => return None,
        };
        // `log-007` is somebody else's.
        (parsed.to_string() == name).then_some(parsed)
    }

    /// Its name while it is being written.
    pub(super) fn part(self) -> String {
        format!("{self}{PART}")
    }

    fn kind(self) -> u32 {
        match self {
            Self::Log(_) => 1,
            Self::Checkpoint(_) => 2,
        }
    }

    pub(super) fn number(self) -> u64 {
        match self {
            Self::Log(number) | Self::Checkpoint(number) => number,
        }
    }
}

/// How a file's name ends while it is being written.
pub(super) const PART: &str = ".part";

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(number) => write!(f, "checkpoint-{number}"),
            Self::Log(number) => write!(f, "log-{number}"),
        }
    }
}

/// What a file begins with: magic, version, kind, number, the end of the log
/// before it, and a CRC-32 of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) name: FileName,
    /// Up to which byte the log before this one is valid; 0 in a checkpoint.
    pub(super) previous_end: u64,
}

impl FileHeader {
    pub(super) fn to_bytes(self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[..8].copy_from_slice(&FILE_MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.name.kind().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.name.number().to_le_bytes());
        bytes[24..32].copy_from_slice(&self.previous_end.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; FILE_HEADER_BYTES], name: FileName) -> Result<Self, Problem> {
        let damaged = |what: &str| Problem::damaged(name, 0, what);
        let found = u32_at(bytes, 8);
        if bytes[..8] != FILE_MAGIC {
            return Err(damaged("this is not a file of a kinesis-emulator"));
        }
        if found > FORMAT_VERSION {
            let (file, known) = (name.to_string(), FORMAT_VERSION);
            return Err(Problem::NewerVersion { file, found, known });
        }
        let header = Self { name, previous_end: u64_at(bytes, 24) };
        if header.to_bytes() != *bytes {
            return Err(damaged("the file's header is not as it was written"));
        }
        Ok(header)
    }
}

/// What a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchKind {
    /// It has entries.
    Entries,
    /// It has none and is the last of its file, which was ended in peace.
    End,
}

impl BatchKind {
    fn to_byte(self) -> u8 {
        match self {
            Self::Entries => b'+',
            Self::End => b'.',
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Entries, Self::End].into_iter().find(|kind| kind.to_byte() == byte)
    }
}

/// Entries that are being collected, with room for the header before them.
#[derive(Debug, Clone)]
pub(super) struct Batch(Vec<u8>);

impl Default for Batch {
    fn default() -> Self {
        Self(vec![0; BATCH_HEADER_BYTES])
    }
}

impl Batch {
    /// An empty one in memory that was used before.
    pub(super) fn reuse(mut self) -> Self {
        self.0.truncate(BATCH_HEADER_BYTES);
        self
    }

    /// Appends what `write` writes, as one entry. If it panics, nothing.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let unfinished = Unfinished { start: self.0.len(), buffer: &mut self.0 };
        unfinished.buffer.extend([0; ENTRY_HEADER_BYTES]);
        write(unfinished.buffer);
        unfinished.finish();
    }

    /// Whether it has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entry_bytes() == 0
    }

    /// Bytes of the entries, their headers included.
    pub(super) fn entry_bytes(&self) -> usize {
        self.0.len() - BATCH_HEADER_BYTES
    }

    /// Keeps the first `entry_bytes`, which are whole entries.
    pub(super) fn truncate(&mut self, entry_bytes: usize) {
        self.0.truncate(BATCH_HEADER_BYTES + entry_bytes);
    }

    /// Memory that it keeps.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.0.capacity()
    }

    /// The bytes to be written at `place`.
    pub(super) fn seal(&mut self, kind: BatchKind, place: Place) -> &[u8] {
        let (header, entries) = self.0.split_at_mut(BATCH_HEADER_BYTES);
        let length = u32::try_from(entries.len()).expect("a batch is less than 4 GiB");
        header[..3].copy_from_slice(&BATCH_MAGIC);
        header[3] = kind.to_byte();
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[8..16].copy_from_slice(&place.synced_bytes.to_le_bytes());
        header[16..20].copy_from_slice(&crc32fast::hash(entries).to_le_bytes());
        let checksum = header_checksum(header, place.file, place.offset);
        header[20..24].copy_from_slice(&checksum.to_le_bytes());
        &self.0
    }
}

/// Takes an entry back that is not finished.
struct Unfinished<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
}

impl Unfinished<'_> {
    fn finish(self) {
        let length = self.buffer.len() - self.start - ENTRY_HEADER_BYTES;
        let length = u32::try_from(length).expect("an entry is less than 4 GiB").to_le_bytes();
        self.buffer[self.start..self.start + ENTRY_HEADER_BYTES].copy_from_slice(&length);
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.start);
    }
}

/// Where a batch is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) file: FileName,
    pub(super) offset: u64,
    /// How much of the file has been synced.
    pub(super) synced_bytes: u64,
}

fn header_checksum(header: &[u8], file: FileName, offset: u64) -> u32 {
    let mut checksum = Hasher::new();
    checksum.update(&header[..20]);
    checksum.update(&file.kind().to_le_bytes());
    checksum.update(&file.number().to_le_bytes());
    checksum.update(&offset.to_le_bytes());
    checksum.finalize()
}

/// A batch's header, found in a file.
struct BatchHeader {
    kind: BatchKind,
    entry_bytes: u32,
    synced_bytes: u64,
    checksum: u32,
}

impl BatchHeader {
    fn from_bytes(bytes: &[u8], file: FileName, offset: u64) -> Option<Self> {
        let kind = BatchKind::from_byte(bytes[3])?;
        let whole =
            bytes[..3] == BATCH_MAGIC && u32_at(bytes, 20) == header_checksum(bytes, file, offset);
        whole.then(|| Self {
            kind,
            entry_bytes: u32_at(bytes, 4),
            synced_bytes: u64_at(bytes, 8),
            checksum: u32_at(bytes, 16),
        })
    }
}

/// The entries of a batch that has been read.
pub(super) struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// The next one, or why there is none though there should be.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>, &'static str> {
        let Some((length, rest)) = self.0.split_first_chunk() else {
            return if self.0.is_empty() { Ok(None) } else { Err("an entry is cut off") };
        };
        let length = u32::from_le_bytes(*length) as usize;
        let (entry, rest) = rest.split_at_checked(length).ok_or("an entry is cut off")?;
        self.0 = rest;
        Ok(Some(entry))
    }
}

/// A whole batch of a file.
pub(super) struct Found<'a> {
    pub(super) kind: BatchKind,
    /// How much of the file had been synced when it was written.
    pub(super) synced_bytes: u64,
    entries: &'a [u8],
}

impl<'a> Found<'a> {
    pub(super) fn entries(&self) -> Entries<'a> {
        Entries(self.entries)
    }

    /// Bytes of the file that it takes.
    pub(super) fn bytes(&self) -> u64 {
        (BATCH_HEADER_BYTES + self.entries.len()) as u64
    }

    /// The same entries, to be written elsewhere.
    pub(super) fn to_batch(&self) -> Batch {
        let mut batch = Batch::default();
        batch.0.extend_from_slice(self.entries);
        batch
    }
}

/// What stands next in a file.
pub(super) enum Next<'a> {
    Batch(Found<'a>),
    /// The end, right after a batch.
    Nothing,
    /// Something that is no whole batch.
    Torn(&'static str),
}

/// Reads a file's batches in order, one in memory at a time.
pub(super) struct BatchReader {
    name: FileName,
    input: BufReader<Box<dyn Read + Send>>,
    offset: u64,
    end: u64,
    entries: Vec<u8>,
}

impl BatchReader {
    /// Opens a file, and reads its header.
    pub(super) fn open(files: &dyn Files, name: FileName) -> Result<(Self, FileHeader), Problem> {
        let unreadable = |error| Problem::unreadable(name, error);
        let (input, end) = files.read(&name.to_string()).map_err(unreadable)?;
        if end < FILE_HEADER_BYTES as u64 {
            return Err(Problem::damaged(name, end, "the file's header is cut off"));
        }
        let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
        let mut header = [0; FILE_HEADER_BYTES];
        input.read_exact(&mut header).map_err(unreadable)?;
        let header = FileHeader::from_bytes(&header, name)?;
        let offset = FILE_HEADER_BYTES as u64;
        Ok((Self { name, input, offset, end, entries: Vec::new() }, header))
    }

    /// Takes the file to end at `end`, whatever follows.
    pub(super) fn end_at(&mut self, end: u64) -> Result<(), Problem> {
        if self.end < end {
            let what = format!("the file goes on to byte {end}, and the rest is missing");
            return Err(Problem::damaged(self.name, self.end, what));
        }
        self.end = end;
        Ok(())
    }

    /// Where the next batch begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes from the next batch on.
    pub(super) fn bytes_left(&self) -> u64 {
        self.end - self.offset
    }

    /// Reads the next batch. Its offset is the one from before the call.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        let left = self.bytes_left();
        if left == 0 {
            return Ok(Next::Nothing);
        }
        if left < BATCH_HEADER_BYTES as u64 {
            return Ok(Next::Torn("the file ends in the middle of a batch"));
        }
        let mut header = [0; BATCH_HEADER_BYTES];
        self.input.read_exact(&mut header)?;
        let Some(header) = BatchHeader::from_bytes(&header, self.name, self.offset) else {
            return Ok(Next::Torn("a batch's header is not as it was written"));
        };
        let batch_bytes = BATCH_HEADER_BYTES as u64 + u64::from(header.entry_bytes);
        if left < batch_bytes {
            return Ok(Next::Torn("the file ends in the middle of a batch"));
        }
        self.entries.resize(header.entry_bytes as usize, 0);
        self.input.read_exact(&mut self.entries)?;
        if crc32fast::hash(&self.entries) != header.checksum {
            return Ok(Next::Torn("a batch is not as it was written"));
        }
        self.offset += batch_bytes;
        let BatchHeader { kind, synced_bytes, .. } = header;
        Ok(Next::Batch(Found { kind, synced_bytes, entries: &self.entries }))
    }
}

/// Where behind `offset` a batch begins that says that what stands at `offset`
/// had been synced before.
pub(super) fn find_proof_of_sync(
    files: &dyn Files,
    name: FileName,
    offset: u64,
) -> io::Result<Option<u64>> {
    let (input, _) = files.read(&name.to_string())?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    io::copy(&mut input.by_ref().take(offset), &mut io::sink())?;
    let (mut window, mut at) = (Vec::new(), offset);
    loop {
        // What is kept of the window before is shorter than a header.
        let read = input.by_ref().take(BUFFER_BYTES as u64).read_to_end(&mut window)?;
        for (place, bytes) in window.windows(BATCH_HEADER_BYTES).enumerate() {
            let found = at + place as u64;
            let header = BatchHeader::from_bytes(bytes, name, found);
            if header.is_some_and(|header| header.synced_bytes > offset) {
                return Ok(Some(found));
            }
        }
        if read == 0 {
            return Ok(None);
        }
        let passed = (window.len() + 1).saturating_sub(BATCH_HEADER_BYTES);
        window.drain(..passed);
        at += passed as u64;
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
