//! A disk that is full or fails: what is told meanwhile, and what happens after.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::durable::commit_log::{CommitLog, LogState};
use crate::durable::durability::{Durability, Refusal};
use crate::durable::faulty_files::{Faults, FaultyFiles};
use crate::durable::recovery::Recovery;

fn start(files: &FaultyFiles) -> (CommitLog, Vec<Vec<u8>>) {
    let recovery = Recovery::take(Path::new("disk"), Arc::new(files.clone()));
    let mut entries = Vec::new();
    let recovered = recovery.expect("the directory is whole").replay(|entry| {
        entries.push(entry.to_vec());
        Ok(())
    });
    let recovered = recovered.expect("the directory is whole");
    (recovered.start(Durability::EveryWrite).expect("there is room"), entries)
}

fn push(log: &CommitLog, entry: &[u8]) -> Result<(), Refusal> {
    log.push(|buffer| buffer.extend_from_slice(entry));
    log.wait_until_durable(log.written())
}

#[test]
fn a_full_disk_is_told_and_writing_goes_on_when_there_is_room() {
    let files = FaultyFiles::new(0);
    let (log, _) = start(&files);
    push(&log, b"before").expect("there is room");
    files.set_faults(Faults { room_bytes: Some(100), ..Faults::default() });
    let refused = push(&log, &[b'x'; 1000]).expect_err("there is no room");
    assert!(matches!(refused, Refusal::NoRoom(_)), "{refused:?}");
    assert!(refused.to_string().contains("has no room left"), "{refused}");
    assert_eq!(log.admit(), Err(refused.clone()));
    assert_eq!(log.state(), LogState::Refusing(refused));
    files.set_faults(Faults::default());
    // The writer tries again by itself.
    while log.admit().is_err() {
        std::thread::yield_now();
    }
    push(&log, b"after").expect("there is room again");
    log.close().expect("there is room");
    drop(log);
    let (_log, entries) = start(&files.kill());
    assert_eq!(entries, [b"before".as_slice(), &[b'x'; 1000], b"after"]);
}

#[test]
fn a_log_that_was_closed_has_all_and_takes_no_more() {
    let files = FaultyFiles::new(0);
    let (log, _) = start(&files);
    for entry in 0..10_u8 {
        log.push(|buffer| buffer.push(entry));
    }
    log.close().expect("the disk is well");
    assert!(log.is_durable(log.written()));
    assert_eq!(log.admit(), Err(Refusal::Closed));
    drop(log);
    assert_eq!(start(&files.kill()).1.len(), 10);
}

#[test]
fn closing_on_a_full_disk_says_that_something_is_lost() {
    let files = FaultyFiles::new(0);
    let (log, _) = start(&files);
    files.set_faults(Faults { room_bytes: Some(0), ..Faults::default() });
    log.push(|buffer| buffer.push(1));
    assert!(matches!(log.close(), Err(Refusal::NoRoom(_))));
}

#[test]
fn an_entry_whose_writing_panics_is_not_there() {
    let files = FaultyFiles::new(0);
    let (log, _) = start(&files);
    push(&log, b"before").expect("the disk is well");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        log.push(|buffer| {
            buffer.extend_from_slice(b"half of");
            panic!("a law is broken");
        });
    }));
    assert!(panicked.is_err());
    push(&log, b"after").expect("the disk is well");
    drop(log);
    assert_eq!(start(&files.kill()).1, [b"before".as_slice(), b"after"]);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_task_that_waits_is_woken_once_and_one_that_gives_up_is_forgotten() {
    let files = FaultyFiles::new(0);
    let (log, _) = start(&files);
    // While a group is held, nothing is taken.
    let group = log.group();
    log.push(|buffer| buffer.push(1));
    let lsn = log.written();
    let (woken, gone) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut waiting = pin!(log.durable(lsn));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    {
        let waker = Waker::from(Arc::clone(&gone));
        let mut gives_up = pin!(log.durable(lsn));
        assert!(gives_up.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(!log.is_durable(lsn));
    drop(group);
    log.wait_until_durable(lsn).expect("the disk is well");
    while woken.0.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(waiting.poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(())));
    assert_eq!(gone.0.load(Ordering::SeqCst), 0);
}
