//! Logs of a data directory: whatever entries a log has, it is refused with a
//! reason, or makes an emulator that answers, and that starts again as it was.

use std::fs;

use super::contents::contents;
use crate::support::directory::Directory;
use crate::support::frames::crc32;
use crate::support::raw::{Raw, START};
use kinesis_emulator::{Clock, Emulator};

/// The bytes are the entries of one batch, lengths included. What is around them
/// is made so that it fits.
pub(super) fn a_log_is_refused_or_an_emulator(bytes: &[u8]) {
    let directory = Directory::new("fuzzed");
    fs::create_dir(directory.path()).expect("there is room");
    fs::write(directory.path().join("log-1"), log_of(bytes)).expect("there is room");
    let start = || {
        let builder = Emulator::builder().clock(Clock::manual(START)).seed(1);
        directory.keep(builder).try_in_process()
    };
    let emulator = match start() {
        Ok(emulator) => emulator,
        Err(refused) => return assert!(!refused.to_string().is_empty()),
    };
    let raw = Raw { emulator };
    let found = contents(&raw);
    drop(raw);
    let again = start().unwrap_or_else(|error| panic!("it was good enough before: {error}"));
    assert_eq!(contents(&Raw { emulator: again }), found);
}

/// `log-1` with one batch, as `emulator/src/durable/batch.rs` describes it.
fn log_of(entries: &[u8]) -> Vec<u8> {
    const LOG: u32 = 1;
    const NUMBER: u64 = 1;
    let mut file = b"kinesis\n".to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend(LOG.to_le_bytes());
    file.extend(NUMBER.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(crc32(&file).to_le_bytes());
    let offset = file.len() as u64;

    let mut header = b"bat+".to_vec();
    header.extend((entries.len() as u32).to_le_bytes());
    header.extend(offset.to_le_bytes());
    header.extend(crc32(entries).to_le_bytes());
    let mut summed = header.clone();
    summed.extend(LOG.to_le_bytes());
    summed.extend(NUMBER.to_le_bytes());
    summed.extend(offset.to_le_bytes());
    header.extend(crc32(&summed).to_le_bytes());

    file.extend(header);
    file.extend_from_slice(entries);
    file
}
