//! The promises of the bytes, on a disk of the machine.

mod damage;
mod faults;
mod refusing;

use std::fs;
use std::path::{Path, PathBuf};

use super::batch::Batch;
use super::commit_log::{CommitLog, LogState};
use super::durability::Durability;
use super::error::DataDirErrorKind;
use super::recovery::{Found, Recovery};

/// A directory of its own, gone when the test has passed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("kinesis-durable-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).expect("the folder is there");
        }
    }
}

fn recover(folder: &Path) -> (CommitLog, Vec<String>, Found) {
    let mut entries = Vec::new();
    let recovery = Recovery::open(folder).expect("the directory is free");
    let recovered = recovery.replay(|entry| {
        entries.push(String::from_utf8(entry.to_vec()).map_err(|error| error.to_string())?);
        Ok(())
    });
    let recovered = recovered.expect("the directory is whole");
    let found = recovered.found().clone();
    (recovered.start(Durability::EveryWrite).expect("there is room"), entries, found)
}

fn push(log: &CommitLog, entry: &str) {
    log.push(|buffer| buffer.extend_from_slice(entry.as_bytes()));
}

fn push_durably(log: &CommitLog, entry: &str) {
    push(log, entry);
    log.wait_until_durable(log.written()).expect("the disk takes it");
}

#[test]
fn what_was_pushed_comes_back_in_order_over_checkpoints() {
    let folder = Folder::new("order");
    let (log, entries, _) = recover(&folder.0);
    assert!(entries.is_empty());
    push_durably(&log, "a");
    push(&log, "b");
    let rotation = log.rotate();
    push(&log, "c");
    let mut checkpoint = log.checkpoint(&rotation).expect("the log is rotated");
    checkpoint.push(|buffer| buffer.extend_from_slice(b"a and b"));
    checkpoint.finish().expect("there is room");
    push(&log, "d");
    log.close().expect("the disk takes it");
    drop(log);
    let (log, entries, found) = recover(&folder.0);
    assert_eq!(entries, ["a and b", "c", "d"]);
    assert_eq!((found.entries, found.cut), (3, None));
    assert_eq!(log.state(), LogState::Writing);
    let sizes = log.sizes();
    assert!(sizes.checkpoint_bytes > 0 && sizes.log_files == 2, "{sizes:?}");
}

#[test]
fn what_is_taken_back_was_never_pushed() {
    let folder = Folder::new("tentative");
    let (log, ..) = recover(&folder.0);
    push_durably(&log, "a");
    let before = log.written();
    let tentative = log.tentative();
    push(&log, "b");
    push(&log, "c");
    assert_eq!(tentative.bytes(), log.written().bytes() - before.bytes());
    drop(tentative);
    assert_eq!(log.written(), before);
    let tentative = log.tentative();
    push(&log, "d");
    tentative.keep();
    push_durably(&log, "e");
    log.close().expect("the disk takes it");
    drop(log);
    let (_log, entries, _) = recover(&folder.0);
    assert_eq!(entries, ["a", "d", "e"]);
}

#[test]
fn what_is_a_batch_by_itself_is_never_in_the_middle_of_a_call() {
    let folder = Folder::new("batch");
    let (log, ..) = recover(&folder.0);
    let batch = |entry: &str| {
        let mut batch = Batch::default();
        batch.push(|buffer| buffer.extend_from_slice(entry.as_bytes()));
        batch
    };
    push(&log, "a");
    log.push_batch(batch("b"));
    let group = log.group();
    push(&log, "one half");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| log.push_batch(batch("c")));
        push(&log, "the other");
        assert!(!waits.is_finished());
        drop(group);
    });
    push_durably(&log, "d");
    log.close().expect("the disk takes it");
    drop(log);
    let (_log, entries, _) = recover(&folder.0);
    assert_eq!(entries, ["a", "b", "one half", "the other", "c", "d"]);
}

#[test]
fn a_second_process_is_refused() {
    let folder = Folder::new("lock");
    let (_held, ..) = recover(&folder.0);
    let error = Recovery::open(&folder.0).err().expect("it is in use");
    assert_eq!(error.kind(), DataDirErrorKind::InUse);
    let told = error.to_string();
    assert!(told.contains("is in use by another process: stop it"), "{told}");
}

#[test]
fn a_closed_log_leaves_the_directory_to_others() {
    let folder = Folder::new("close");
    let (log, ..) = recover(&folder.0);
    push(&log, "a");
    let rotation = log.rotate();
    let unfinished = log.checkpoint(&rotation).expect("the log is rotated");
    log.close().expect("the disk takes it");
    let (_other, entries, _) = recover(&folder.0);
    assert_eq!(entries, ["a"]);
    unfinished.finish().expect_err("the directory is another's");
}

#[test]
fn starting_again_and_again_leaves_no_files() {
    let folder = Folder::new("starts");
    drop(recover(&folder.0));
    let names = || fs::read_dir(&folder.0).expect("it is there").count();
    let first = names();
    for _ in 0..5 {
        drop(recover(&folder.0));
    }
    assert_eq!(names(), first);
}
