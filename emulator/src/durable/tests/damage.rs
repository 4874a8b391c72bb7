//! Files that are not as they were written: what a failure tears off is left
//! out, everything else is refused, and nothing panics.

use std::path::Path;
use std::sync::Arc;

use crate::durable::batch::{BATCH_HEADER_BYTES, FILE_HEADER_BYTES, FORMAT_VERSION};
use crate::durable::checkpoint::CheckpointWriter;
use crate::durable::durability::Durability;
use crate::durable::error::{DataDirError, Problem};
use crate::durable::faulty_files::FaultyFiles;
use crate::durable::files::Files;
use crate::durable::recovery::{Found, Recovery};
use crate::durable::writer::Writer;

const ENTRIES: [&[u8]; 4] = [b"first", b"second", b"third", b"last"];

fn open(files: &FaultyFiles) -> Result<Recovery, Problem> {
    Recovery::take(Path::new("disk"), Arc::new(files.clone()))
}

/// The entries of a directory and what else was found, or the refusal.
fn read(files: &FaultyFiles) -> Result<(Vec<Vec<u8>>, Found), DataDirError> {
    let mut entries = Vec::new();
    let recovery = open(files).map_err(|problem| DataDirError::new(Path::new("disk"), problem))?;
    let recovered = recovery.replay(|entry| {
        entries.push(entry.to_vec());
        Ok(())
    })?;
    Ok((entries, recovered.found().clone()))
}

fn begin(files: &FaultyFiles) -> Writer {
    let recovery = open(files).expect("the directory is whole");
    let recovered = recovery.replay(|_| Ok(())).expect("the directory is whole");
    recovered.prepare(Durability::EveryWrite).expect("there is room").0
}

fn commit(writer: &mut Writer, entry: &[u8]) {
    writer.shared().push(|buffer| buffer.extend_from_slice(entry));
    writer.commit().expect("the disk is well");
}

/// A log of four batches, after which the process was killed.
fn four_batches() -> FaultyFiles {
    let files = FaultyFiles::new(0);
    let mut writer = begin(&files);
    ENTRIES.iter().for_each(|entry| commit(&mut writer, entry));
    files.kill()
}

/// Where the batches of such a log begin, and its end.
fn borders() -> Vec<usize> {
    let mut borders = vec![FILE_HEADER_BYTES];
    for entry in ENTRIES {
        borders.push(borders[borders.len() - 1] + BATCH_HEADER_BYTES + 4 + entry.len());
    }
    borders
}

#[test]
fn a_log_that_is_cut_anywhere_has_the_batches_before_the_cut() {
    let whole = four_batches().bytes("log-1");
    let borders = borders();
    assert_eq!(borders.last(), Some(&whole.len()));
    for length in 0..whole.len() {
        let files = four_batches();
        files.replace("log-1", &whole[..length]);
        let outcome = read(&files);
        if length < FILE_HEADER_BYTES {
            let told = outcome.expect_err("a file has its name when it has its header").to_string();
            assert!(told.contains("log-1, at byte"), "{told}");
            continue;
        }
        let batches = borders.iter().filter(|border| **border <= length).count() - 1;
        let (entries, found) = outcome.expect("an end that was torn off is left out");
        assert_eq!(entries, ENTRIES[..batches], "{length}");
        let cut = found.cut.map(|cut| (cut.file, cut.offset, cut.bytes));
        let torn = length - borders[batches];
        let expected = ("log-1".to_owned(), borders[batches] as u64, torn as u64);
        assert_eq!(cut, (torn > 0).then_some(expected), "{length}");
    }
}

#[test]
fn a_changed_bit_is_refused_unless_it_is_in_the_last_batch() {
    let whole = four_batches().bytes("log-1");
    let borders = borders();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let files = four_batches();
            files.replace("log-1", &changed);
            let outcome = read(&files);
            if at < borders[3] {
                let told = outcome.expect_err("later batches say that it was synced").to_string();
                let batch = borders.iter().rev().find(|border| **border <= at).copied();
                let place = format!("log-1, at byte {}", batch.unwrap_or(0));
                // A version that is not known yet says so.
                assert!(told.contains(&place) || told.contains("newer"), "{at}.{bit}: {told}");
            } else {
                let (entries, found) = outcome.expect("it may have been torn");
                assert_eq!(entries, ENTRIES[..3], "{at}.{bit}");
                assert!(found.cut.is_some());
            }
        }
    }
}

#[test]
fn after_an_end_in_peace_every_changed_bit_of_an_entry_is_refused() {
    let closed = || {
        let files = FaultyFiles::new(0);
        let mut writer = begin(&files);
        ENTRIES.iter().for_each(|entry| commit(&mut writer, entry));
        writer.close();
        files.kill()
    };
    let whole = closed().bytes("log-1");
    assert_eq!(read(&closed()).expect("it is whole").0, ENTRIES);
    for at in FILE_HEADER_BYTES..*borders().last().expect("there are some") {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let files = closed();
        files.replace("log-1", &changed);
        let told = read(&files).expect_err("it was synced").to_string();
        assert!(told.contains("more follows"), "{told}");
    }
}

#[test]
fn a_log_that_another_comes_after_is_whole_or_refused() {
    let made = || {
        let files = four_batches();
        commit(&mut begin(&files), b"in the next log");
        files.kill()
    };
    let whole = made().bytes("log-1");
    // The last batch may not have been synced when the process was killed, so
    // it was written again.
    let valid = borders()[3];
    assert_eq!(read(&made()).expect("it is whole").0.len(), 5);
    for length in 0..whole.len() {
        let files = made();
        files.replace("log-1", &whole[..length]);
        let outcome = read(&files);
        assert_eq!(outcome.is_ok(), length >= valid, "{length}");
    }
}

#[test]
fn a_checkpoint_is_whole_or_refused() {
    let made = || {
        let files = FaultyFiles::new(0);
        let mut writer = begin(&files);
        commit(&mut writer, b"before");
        let rotation = writer.shared().rotate();
        commit(&mut writer, b"after");
        let number = rotation.number().expect("it was made");
        let shared = Arc::clone(writer.shared());
        let mut checkpoint = CheckpointWriter::begin(shared, number).expect("there is room");
        checkpoint.push(|buffer| buffer.extend_from_slice(b"a state"));
        checkpoint.finish().expect("there is room");
        files.kill()
    };
    assert_eq!(made().list().expect("it is there"), ["checkpoint-2", "log-2"]);
    assert_eq!(read(&made()).expect("it is whole").0, [&b"a state"[..], b"after"]);
    let whole = made().bytes("checkpoint-2");
    for at in 0..whole.len() {
        let files = made();
        files.replace("checkpoint-2", &whole[..at]);
        read(&files).expect_err("its end is missing");
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let files = made();
        files.replace("checkpoint-2", &changed);
        let told = read(&files).expect_err("it is damaged").to_string();
        assert!(told.contains("checkpoint-2"), "{told}");
    }
    for missing in ["checkpoint-2", "log-2"] {
        let files = made();
        files.remove(missing).expect("it is there");
        let told = read(&files).expect_err("it is missing").to_string();
        assert!(told.contains(&format!("{missing} is missing")), "{told}");
    }
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let files = four_batches();
    let mut newer = files.bytes("log-1");
    newer[8] = u8::try_from(FORMAT_VERSION).expect("it is young") + 1;
    files.replace("log-1", &newer);
    let told = read(&files).expect_err("it is newer").to_string();
    assert_eq!(
        told,
        "the data directory disk has format version 2 in log-1, and this kinesis-emulator reads \
         versions up to 1: use a newer one"
    );
}

#[test]
fn a_refused_entry_is_told_with_its_file_and_place() {
    let files = four_batches();
    let refused = open(&files)
        .expect("it is whole")
        .replay(|entry| if entry == b"third" { Err("no such stream".to_owned()) } else { Ok(()) });
    let told = refused.err().expect("it was refused").to_string();
    let place = format!("log-1, at byte {}: no such stream", borders()[2]);
    assert!(told.contains(&place), "{told}");
}

#[test]
fn files_of_others_are_left_alone() {
    let files = four_batches();
    for name in ["log-01", "log-2.txt", "notes", "checkpoint-x.part"] {
        files.create(name).expect("there is room");
    }
    files.create("checkpoint-9.part").expect("there is room");
    let _writer = begin(&files);
    let names = files.list().expect("they are there");
    let expected = ["checkpoint-x.part", "log-01", "log-1", "log-2", "log-2.txt", "notes"];
    assert_eq!(names, expected, "but for what was not finished");
}
