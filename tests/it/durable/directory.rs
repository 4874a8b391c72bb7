//! The directory itself: who can have it, how large it is, and what is said of
//! one that cannot be used.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use kinesis_emulator::{DataDirErrorKind, Emulator, StartError};

use crate::support::directory::Directory;
use crate::support::raw::Raw;

const SHARD: &str = "shardId-000000000000";

fn refused(directory: &Directory) -> StartError {
    directory.keep(Emulator::builder()).try_in_process().expect_err("it cannot be used")
}

fn kind(error: &StartError) -> DataDirErrorKind {
    error.data_dir_error().expect("it is about the directory").kind()
}

/// A directory with a stream of so many records, each in a batch of its own.
fn with_records(name: &str, records: usize) -> Directory {
    let directory = Directory::new(name);
    let raw = Raw::with(|builder| directory.keep(builder));
    raw.create_stream("orders", 1);
    for number in 0..records {
        raw.put("orders", "k", format!("record {number}").as_bytes());
    }
    directory
}

/// The one log that a directory has in which nothing was started again.
fn log_of(directory: &Directory) -> std::path::PathBuf {
    directory.path().join("log-1")
}

#[test]
fn one_emulator_at_a_time_has_a_directory() {
    let directory = Directory::new("locked");
    let first = directory.keep(Emulator::builder()).in_process();
    let error = refused(&directory);
    assert_eq!(kind(&error), DataDirErrorKind::InUse);
    assert!(error.to_string().contains(&directory.path().display().to_string()), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    drop(directory.keep(Emulator::builder()).in_process());
}

#[test]
fn an_end_that_was_torn_off_is_left_out_whole() {
    let directory = with_records("torn", 3);
    let log = fs::read(log_of(&directory)).expect("it can be read");
    let place = log.windows(8).position(|bytes| bytes == b"record 2").expect("it was written");
    // In the middle of the last record, whose batch began before it.
    fs::write(log_of(&directory), &log[..place + 4]).expect("there is room");
    let raw = Raw::with(|builder| directory.keep(builder));
    assert_eq!(raw.read_all("orders", SHARD), ["record 0", "record 1"]);
    raw.put("orders", "k", b"after that");
    drop(raw);
    let raw = Raw::with(|builder| directory.keep(builder));
    assert_eq!(raw.read_all("orders", SHARD), ["record 0", "record 1", "after that"]);
}

#[test]
fn damage_before_the_end_is_refused_with_its_place() {
    let directory = with_records("damaged", 3);
    // Started again, so that what is damaged is not in the newest log.
    drop(Raw::with(|builder| directory.keep(builder)));
    let mut log = fs::read(log_of(&directory)).expect("it can be read");
    let place = log.windows(8).position(|bytes| bytes == b"record 1").expect("it was written");
    log[place] ^= 1;
    fs::write(log_of(&directory), &log).expect("there is room");
    let error = refused(&directory);
    assert_eq!(kind(&error), DataDirErrorKind::Damaged);
    assert!(error.to_string().contains("log-1, at byte"), "{error}");
    assert!(error.to_string().contains("Nothing was changed"), "{error}");
    assert_eq!(fs::read(log_of(&directory)).expect("it can be read"), log);
}

#[test]
fn a_file_that_is_no_directory_is_refused() {
    let directory = Directory::new("file");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(directory.path())
        .expect("there is room");
    file.write_all(b"mine").expect("there is room");
    let error = refused(&directory);
    assert_eq!(kind(&error), DataDirErrorKind::Io);
    assert!(error.to_string().contains("is a file, or below one"), "{error}");
    assert_eq!(fs::read(directory.path()).expect("it can be read"), b"mine");
    fs::remove_file(directory.path()).expect("it is there");
}

#[test]
fn retention_gives_the_disk_back() {
    const SPARE: u64 = 100_000;
    let directory = Directory::new("retention");
    let raw = Raw::with(|builder| directory.keep(builder).data_dir_spare_bytes(SPARE));
    raw.create_stream("orders", 1);
    let mut written = 0;
    // The thread that makes it smaller comes when it comes.
    while written < 20 * SPARE || directory.bytes() > 3 * SPARE {
        for _ in 0..20 {
            raw.put("orders", "k", &[7; 1000]);
            written += 1000;
        }
        raw.advance(Duration::from_secs(24 * 60 * 60));
        assert!(written < 10_000 * SPARE, "the directory has {} bytes", directory.bytes());
    }
    let last = raw.put("orders", "k", b"last");
    drop(raw);
    let raw = Raw::with(|builder| directory.keep(builder));
    let read = raw.read(&raw.iterator("orders", SHARD, "TRIM_HORIZON"));
    let records = read["Records"].as_array().expect("a list");
    assert_eq!(records.last().expect("there is one")["SequenceNumber"], last.as_str());
}
