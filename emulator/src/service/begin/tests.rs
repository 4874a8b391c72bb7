//! Beginnings and restored snapshots on a disk whose process dies: all of it is
//! kept, or nothing.

use serde_json::Value;

use super::*;
use crate::durable::Durability;
use crate::durable::faulty_files::{Faults, FaultyFiles};
use crate::durable::store::SPARE_BYTES;
use crate::engine::stream::Holdings;
use crate::model::timestamp::Timestamp;
use crate::service::init::InitialStream;

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A batch of what is restored ends with the first entry that reaches this.
const BATCH_BYTES: usize = 300;
/// No entry of these tests is larger.
const ENTRY_BYTES_MAX: usize = 2000;

/// What a disk has, as another process opens it.
fn opened(files: &FaultyFiles) -> Opened {
    let (durability, spare_bytes) = (Durability::EveryWrite, SPARE_BYTES);
    let data_dir = DataDir { directory: "disk".into(), durability, spare_bytes };
    let (store, kept) = Store::on(files, &data_dir).expect("the directory is whole");
    (store.restoring_in_batches_of(BATCH_BYTES), kept)
}

fn begin(
    opened: Option<Opened>,
    snapshot: Option<&Snapshot>,
    init: &Init,
) -> Result<Arc<Service>, BeginError> {
    let beginning = Beginning { data_dir: None, snapshot, init };
    let settings = Settings { seed: Some(7), ..Settings::default() };
    Service::begin_over(settings, Clock::manual(START), opened, Duration::ZERO, &beginning)
}

/// An emulator that goes on with what a disk has.
fn go_on(files: &FaultyFiles) -> Arc<Service> {
    begin(Some(opened(files)), None, &Init::new()).expect("the disk is well")
}

fn one_stream(name: &str) -> Init {
    Init::new().stream(InitialStream::provisioned(name, 1).record("k", "before"))
}

/// Forty streams with a record each: much more than goes into a batch.
fn large() -> Snapshot {
    let streams = (0..40).map(|number| {
        let data = vec![b'x'; 200];
        InitialStream::provisioned(format!("s{number:02}"), 1).record("k", data)
    });
    let init = streams.fold(Init::new(), Init::stream);
    begin(None, None, &init).expect("it is allowed").snapshot()
}

/// All that a snapshot says but how far chance has got, and its checksum.
fn state(service: &Service) -> Vec<Value> {
    let text = String::from_utf8(service.snapshot().to_bytes()).expect("it is text");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let mut lines: Vec<_> = lines.skip(1).collect();
    lines.pop();
    lines
}

/// Has a process end now. What the next one finds of it.
fn end(service: &Service, files: &FaultyFiles, by_power: bool) -> FaultyFiles {
    let next = if by_power { files.fail_power() } else { files.kill() };
    // Its threads end, and can write nothing any more.
    let _lost = service.close();
    next
}

#[test]
fn a_snapshot_is_restored_as_a_whole_or_not_at_all_wherever_the_process_dies() {
    let snapshot = large();
    let (mut before_was_found, mut ended_well) = (0, false);
    for calls in (0..10_000).step_by(3) {
        let files = FaultyFiles::new(calls);
        let service =
            begin(Some(opened(&files)), None, &one_stream("orders")).expect("the disk is well");
        let before = state(&service);
        files.set_faults(Faults { dies_after_calls: Some(calls), ..Faults::default() });
        service.restore(&snapshot);
        let after = state(&service);
        let is_kept = service.kept_blocking().is_ok();
        ended_well = !files.is_dead();
        let files = end(&service, &files, calls % 2 == 0);
        let again = go_on(&files);
        let found = state(&again);
        assert!(found == after || found == before, "after {calls} calls it is neither");
        assert!(found == after || !is_kept, "after {calls} calls it was said to be kept");
        before_was_found += u64::from(found == before);
        // What is left of the first attempt is not in the way of another.
        again.restore(&snapshot);
        again.kept_blocking().expect("the disk is well");
        let last = go_on(&end(&again, &files, calls % 2 == 1));
        assert_eq!(state(&last), after);
        last.close().expect("the disk is well");
        if ended_well {
            break;
        }
    }
    assert!(ended_well, "the last run had no failure");
    assert!(before_was_found > 10, "it takes many calls to be restored");
}

#[test]
fn what_begins_with_a_snapshot_begins_as_a_whole_or_not_at_all_wherever_the_process_dies() {
    let (snapshot, init) = (large(), one_stream("orders"));
    let whole = state(&begin(None, Some(&snapshot), &init).expect("it is allowed"));
    let mut ended_well = false;
    for calls in (0..10_000).step_by(3) {
        let files = FaultyFiles::new(calls);
        let opened = opened(&files);
        files.set_faults(Faults { dies_after_calls: Some(calls), ..Faults::default() });
        let begun = begin(Some(opened), Some(&snapshot), &init);
        ended_well = !files.is_dead();
        let next = if calls % 2 == 0 { files.fail_power() } else { files.kill() };
        let begun = begun.map(|service| service.close());
        let again = go_on(&next);
        let found = state(&again);
        again.close().expect("the disk is well");
        assert!(found == whole || found.is_empty(), "after {calls} calls there is a part");
        assert!(found == whole || begun.is_err(), "after {calls} calls it was said to be kept");
        if ended_well {
            break;
        }
    }
    assert!(ended_well, "the last run had no failure");
}

#[test]
fn what_is_restored_is_in_batches_that_are_bounded_whatever_its_size() {
    let files = FaultyFiles::new(0);
    let service = go_on(&files);
    let snapshot = large();
    service.restore(&snapshot);
    service.kept_blocking().expect("the disk is well");
    let after = state(&service);
    let log = files.bytes("log-1");
    // What a batch begins with is in `durable/batch.rs`.
    let length = |header: &[u8]| {
        let length = header[4..8].try_into().expect("four bytes");
        header.starts_with(b"bat+").then(|| u32::from_le_bytes(length) as usize)
    };
    let lengths: Vec<_> = log.windows(8).filter_map(length).collect();
    let largest = lengths.iter().max().expect("there are batches");
    assert!(*largest < BATCH_BYTES + ENTRY_BYTES_MAX, "one has {largest} bytes");
    assert!(lengths.iter().sum::<usize>() > 10 * (BATCH_BYTES + ENTRY_BYTES_MAX));
    assert_eq!(state(&go_on(&end(&service, &files, false))), after);
}

#[test]
fn a_checkpoint_does_not_remove_what_is_laid_out_to_be_restored() {
    let files = FaultyFiles::new(0);
    let service =
        begin(Some(opened(&files)), None, &one_stream("orders")).expect("the disk is well");
    let snapshot = large();
    let store = service.store.clone().expect("there is a disk");
    let written = store.prepare_to_restore(snapshot.frozen());
    let mut cut = None;
    let frozen = service.engine.freeze(|| {
        cut = Some(store.rotate());
        service.clock.now()
    });
    let meanwhile = Snapshot::new(frozen, service.request_ids.drawn());
    let cut = cut.expect("a freeze asks for the time");
    store.write_checkpoint(&cut, &meanwhile, &Holdings::default()).expect("there is room");
    let together = store.group();
    service.engine.restore(snapshot.frozen());
    service.note_moment();
    drop(together);
    drop(written);
    service.kept_blocking().expect("the disk is well");
    let after = state(&service);
    let files = end(&service, &files, false);
    let again = go_on(&files);
    assert_eq!(state(&again), after);
    // Afterwards there can be one again.
    let store = again.store.clone().expect("there is a disk");
    let mut cut = None;
    let frozen = again.engine.freeze(|| {
        cut = Some(store.rotate());
        again.clock.now()
    });
    let now = Snapshot::new(frozen, again.request_ids.drawn());
    let cut = cut.expect("a freeze asks for the time");
    store.write_checkpoint(&cut, &now, &Holdings::default()).expect("there is room");
    assert!(store.log().sizes().checkpoint_bytes > 0);
    assert_eq!(state(&go_on(&end(&again, &files, false))), after);
}

#[test]
fn a_snapshot_that_is_restored_while_others_write_loses_none_of_what_they_write() {
    let files = FaultyFiles::new(0);
    let service =
        begin(Some(opened(&files)), None, &one_stream("orders")).expect("the disk is well");
    let snapshot = large();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..50 {
                let init = one_stream(&format!("more-{number}"));
                let together = service.store.as_ref().map(|store| store.group());
                // The stream may be gone before it has its record.
                let _made = init.apply(&service, IfThere::Keep);
                drop(together);
            }
        });
        service.restore(&snapshot);
        writer.join().expect("it ends");
    });
    service.kept_blocking().expect("the disk is well");
    let expected = state(&service);
    assert_eq!(state(&go_on(&end(&service, &files, false))), expected);
}
