//! The promises of the bytes, on a disk that fails, by thousands of seeds.
//!
//! Entries are numbered. A checkpoint has one, which says how many came before
//! it. So what comes back is known by its count, and an auditor knows which
//! counts may be: all that was acknowledged, whole groups, nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::durable::checkpoint::CheckpointWriter;
use crate::durable::durability::{Durability, Lsn};
use crate::durable::error::Problem;
use crate::durable::faulty_files::{Faults, FaultyFiles, Random};
use crate::durable::files::Lock;
use crate::durable::recovery::Recovery;
use crate::durable::writer::Writer;

/// What was pushed and what was answered, over all processes.
struct Auditor {
    /// How much was pushed after each entry of this process.
    lsns: Vec<Lsn>,
    /// Entries that the processes before have left.
    recovered: u64,
    acknowledged: u64,
    /// How many a power failure must leave.
    synced: u64,
    /// After how many entries a group was whole.
    whole: BTreeSet<u64>,
}

impl Auditor {
    fn new() -> Self {
        Self {
            lsns: Vec::new(),
            recovered: 0,
            acknowledged: 0,
            synced: 0,
            whole: BTreeSet::from([0]),
        }
    }

    fn pushed(&self) -> u64 {
        self.recovered + self.lsns.len() as u64
    }

    fn acknowledge(&mut self, durable: Lsn, durability: Durability) {
        let known = self.lsns.partition_point(|lsn| *lsn <= durable) as u64;
        self.acknowledged = self.recovered + known;
        if durability == Durability::EveryWrite {
            self.synced = self.acknowledged;
        }
    }

    /// The power has failed.
    fn lose_unsynced(&mut self) {
        self.acknowledged = self.synced;
    }

    /// Another process has found `count` entries.
    fn recover(&mut self, count: u64) {
        let promised = self.acknowledged;
        assert!(count >= promised, "{count} entries of {promised} that were promised");
        assert!(count <= self.pushed(), "{count} entries of {} that there were", self.pushed());
        assert!(self.whole.contains(&count), "{count} entries are a part of a group");
        self.lsns.clear();
        self.recovered = count;
        (self.acknowledged, self.synced) = (count, count);
        self.whole = self.whole.range(..=count).copied().collect();
    }
}

/// A process that uses the disk.
struct Process {
    writer: Writer,
    durability: Durability,
    _lock: Lock,
}

/// Reads the directory: how many entries it has, and a process that goes on.
fn begin(files: &FaultyFiles, durability: Durability) -> Result<(Process, u64), String> {
    let told = |problem: Problem| format!("{problem:?}");
    let recovery = Recovery::take(Path::new("disk"), Arc::new(files.clone())).map_err(told)?;
    let mut count = 0;
    let recovered = recovery.replay(|entry| {
        count = audit(entry, count)?;
        Ok(())
    });
    let recovered = recovered.map_err(|error| format!("{error:?}"))?;
    let (writer, lock) = recovered.prepare(durability).map_err(|error| error.to_string())?;
    Ok((Process { writer, durability, _lock: lock }, count))
}

/// An entry's bytes: its number, and as many letters as follow from it.
fn entry(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(8 + (number * 7 % 61) as usize, b'e');
    bytes
}

/// A checkpoint's only entry: how many came before it.
fn summary(count: u64) -> Vec<u8> {
    [&b"all before "[..], &count.to_le_bytes()].concat()
}

/// How many there are after an entry, or why it should not be there.
fn audit(found: &[u8], count: u64) -> Result<u64, String> {
    if let Some(number) = found.strip_prefix(b"all before ") {
        let number = u64::from_le_bytes(number.try_into().map_err(|_| "no number")?);
        return if count == 0 { Ok(number) } else { Err("a checkpoint in the middle".to_owned()) };
    }
    let expected = entry(count);
    if found == expected { Ok(count + 1) } else { Err(format!("not entry {count}: {found:?}")) }
}

impl Process {
    /// Pushes some entries that belong together.
    fn push_group(&self, auditor: &mut Auditor, entries: u64) {
        for _ in 0..entries {
            let bytes = entry(auditor.pushed());
            self.writer.shared().push(|buffer| buffer.extend_from_slice(&bytes));
            auditor.lsns.push(self.writer.shared().pushed());
        }
        auditor.whole.insert(auditor.pushed());
    }

    /// Writes what was pushed. Whether it could.
    fn commit(&mut self, auditor: &mut Auditor) -> bool {
        let committed = self.writer.commit().is_ok();
        auditor.acknowledge(self.writer.shared().durable(), self.durability);
        if committed {
            assert_eq!(auditor.acknowledged, auditor.pushed(), "all of it is safe");
        }
        committed
    }

    /// Cuts here, and writes a checkpoint if the cut can be made.
    fn checkpoint(&mut self, auditor: &mut Auditor, groups_meanwhile: u64) {
        let (rotation, count) = (self.writer.shared().rotate(), auditor.pushed());
        self.push_group(auditor, 2);
        self.commit(auditor);
        let Some(number) = rotation.number() else { return };
        let Ok(mut checkpoint) = CheckpointWriter::begin(Arc::clone(self.writer.shared()), number)
        else {
            return;
        };
        for _ in 0..groups_meanwhile {
            self.push_group(auditor, 1);
            self.commit(auditor);
        }
        checkpoint.push(|buffer| buffer.extend(summary(count)));
        // If it cannot be finished, all is as it was.
        let _ = checkpoint.finish();
    }
}

/// One life after the other on one disk, which ends as the seed wants.
fn live_and_die(seed: u64) {
    let mut random = Random::new(seed);
    let mut files = FaultyFiles::new(random.draw());
    let mut auditor = Auditor::new();
    let modes = [Durability::EveryWrite, Durability::EverySecond, Durability::Os];
    for _life in 0..4 {
        // A start that fails must do no harm.
        files.set_faults(faults(&mut random));
        let durability = modes[random.below(3) as usize];
        let (mut process, count) = begin(&files, durability).unwrap_or_else(|_| {
            files = die(&files, &mut auditor, &mut random);
            begin(&files, durability).expect("nothing fails any more")
        });
        auditor.recover(count);
        files.set_faults(faults(&mut random));
        for _ in 0..random.below(20) {
            match random.below(8) {
                0 => process.checkpoint(&mut auditor, random.clone().below(3)),
                1 => files.set_faults(faults(&mut random)),
                2 => {
                    process.writer.shared().ask_to_sync();
                    process.commit(&mut auditor);
                }
                3 | 4 => {
                    process.push_group(&mut auditor, 1 + random.below(3));
                }
                _ => {
                    process.push_group(&mut auditor, 1 + random.below(3));
                    process.commit(&mut auditor);
                }
            }
        }
        // When the disk is well again, writing goes on by itself.
        if random.flip() && !files.is_dead() {
            files.set_faults(Faults::default());
            assert!(process.commit(&mut auditor), "nothing fails any more");
            if random.flip() {
                process.writer.close();
            }
        }
        drop(process);
        files = die(&files, &mut auditor, &mut random);
    }
    let (_, count) = begin(&files, Durability::EveryWrite).expect("nothing fails any more");
    auditor.recover(count);
}

fn faults(random: &mut Random) -> Faults {
    match random.below(5) {
        0 => Faults { one_in: 1 + random.below(20), ..Faults::default() },
        1 => Faults { room_bytes: Some(random.below(2000)), ..Faults::default() },
        2 => Faults { dies_after_calls: Some(random.below(40)), ..Faults::default() },
        _ => Faults::default(),
    }
}

fn die(files: &FaultyFiles, auditor: &mut Auditor, random: &mut Random) -> FaultyFiles {
    if random.flip() {
        return files.kill();
    }
    auditor.lose_unsynced();
    files.fail_power()
}

/// `SEED=7 cargo test -p kinesis-emulator whatever_fails` repeats one of them,
/// and `SEEDS=100000` makes more.
#[test]
fn whatever_fails_what_was_acknowledged_is_there_once_in_order_and_nothing_is_half_there() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(5_000),
    };
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| live_and_die(seed));
        assert!(outcome.is_ok(), "SEED={seed} repeats it");
    }
}

/// Two groups, a checkpoint with more meanwhile, and an end in peace.
fn a_short_life(files: &FaultyFiles, auditor: &mut Auditor) {
    let Ok((mut process, _)) = begin(files, Durability::EveryWrite) else { return };
    process.push_group(auditor, 3);
    process.commit(auditor);
    process.push_group(auditor, 1);
    process.checkpoint(auditor, 2);
    process.push_group(auditor, 2);
    process.commit(auditor);
    process.writer.close();
}

#[test]
fn a_process_may_die_in_any_call_of_the_file_system() {
    let files = FaultyFiles::new(0);
    a_short_life(&files, &mut Auditor::new());
    let calls = files.calls();
    assert!(calls > 30, "{calls} calls are no life");
    for seed in 0..50 {
        for dies_after in 0..calls {
            let files = FaultyFiles::new(seed);
            let faults = Faults { dies_after_calls: Some(dies_after), ..Faults::default() };
            files.set_faults(faults);
            let mut auditor = Auditor::new();
            a_short_life(&files, &mut auditor);
            let files = if seed % 2 == 0 { files.kill() } else { files.fail_power() };
            let (_, count) = begin(&files, Durability::EveryWrite)
                .unwrap_or_else(|error| panic!("seed {seed}, call {dies_after}: {error}"));
            auditor.recover(count);
        }
    }
}
