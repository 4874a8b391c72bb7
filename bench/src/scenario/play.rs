//! Plays a scenario once: stream, producers, readers, verdict, and away with it.
//!
//! Laws: a stream that was made is deleted whatever happens; one that was there is
//! not. A run that is interrupted is judged by what it had done.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::catalogue::{Consume, Produce, Upheaval};
use super::producers::{Produced, Production, produce};
use super::readers::{ReadAll, Reading, Tally, Until, behind_by_shard, give_up_after, read};
use super::stream::OwnStream;
use super::work::{Interrupt, Work};
use crate::driver::{Driver, Listed, Position};
use crate::failure::Failure;
use crate::load::keys::KeyRing;
use crate::load::schedule::{Pacing, Schedule};
use crate::load::shard_map::{ShardMap, ShardRange};
use crate::measure::clock::{pause, runtime_now, since_epoch};
use crate::measure::counters::CallCounts;
use crate::measure::process;
use crate::measure::recorder::{Samples, Seconds, Totals};
use crate::report::progress::Progress;
use crate::report::run::{Histogram, Latency, Phase, Process, Repetition, Shard};
use crate::verify::Verdict;
use crate::verify::marks::{AckMark, Laws, ReadMark, ShardMarks, judge};

/// Who calls: producers and readers count apart.
#[derive(Debug, Clone)]
pub struct Drivers {
    /// For producers, and whatever is not measured.
    pub put: Driver,
    /// For readers.
    pub get: Driver,
}

/// What one repetition found.
#[derive(Debug, Default)]
pub struct Played {
    /// For the saved run.
    pub repetition: Repetition,
    /// A sentence for each promise that was broken.
    pub breaches: Vec<String>,
    /// A sentence for each thing a reader should know.
    pub notes: Vec<String>,
    /// Whether it was ended before its time.
    pub is_interrupted: bool,
}

/// What surrounds a repetition.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Hears of Ctrl-C.
    pub interrupt: Interrupt,
    /// Where to show how far it is.
    pub progress: Progress,
    /// Takes the record of every call.
    pub samples: Samples,
    /// The target's process, where it is known: an id, or `self`.
    pub process: Option<String>,
    /// What lets records fall due.
    pub pacing: Pacing,
}

/// Plays the scenario once.
///
/// # Errors
/// When it could not be played; what was made has been deleted.
pub async fn play(
    work: &Arc<Work>,
    drivers: &Drivers,
    around: &Surroundings,
) -> Result<Played, Failure> {
    let client = drivers.put.client();
    let stream = if work.is_adopted {
        OwnStream::adopt(client, &work.stream).await?
    } else {
        OwnStream::create(client, &work.stream, work.shards.unwrap_or(DEFAULT_SHARDS)).await?
    };
    let mut consumer = None;
    let played = play_on(work, drivers, around, &stream, &mut consumer).await;
    let deregistered = match consumer {
        Some(arn) => stream.deregister_consumer(&arn).await,
        None => Ok(()),
    };
    let cleaned = stream.delete().await.and(deregistered);
    match (played, cleaned) {
        (Ok(played), Ok(())) => Ok(played),
        (Ok(mut played), Err(left_behind)) => {
            played.breaches.push(left_behind.to_string());
            Ok(played)
        }
        (Err(failure), Ok(())) => Err(failure),
        (Err(failure), Err(left_behind)) => {
            Err(Failure::Answer(format!("{failure}; moreover, {left_behind}")))
        }
    }
}

/// Shards where the command line names none.
pub const DEFAULT_SHARDS: usize = 4;

async fn play_on(
    work: &Arc<Work>,
    drivers: &Drivers,
    around: &Surroundings,
    stream: &OwnStream,
    consumer: &mut Option<String>,
) -> Result<Played, Failure> {
    let map = {
        let mut interrupt = around.interrupt.clone();
        tokio::select! {
            map = prepare(work, drivers, stream, consumer) => map?,
            _ = interrupt.wait_for(|is_heard| *is_heard) => return Err(Failure::Interrupted),
        }
    };
    let ring = KeyRing::new(work.keys, &map, work.seed)?;
    process::forget_own_peak();
    let usage = around.process.as_deref().map(|pid| (pid, process::usage(pid)));
    let stage = Stage::set(work, drivers, around, stream, consumer.clone());

    let meanwhile = work.scenario.reads_meanwhile().then(|| stage.begin_to_read(None));
    let seconds = Seconds::since(stage.origin);
    let produced = stage.produce(ring, map, &seconds).await;
    let is_interrupted = *around.interrupt.borrow();
    let produced = produced.map_err(|failure| {
        if let Some(readers) = &meanwhile {
            readers.task.abort();
        }
        if is_interrupted { Failure::Interrupted } else { failure }
    })?;
    let mut phases = vec![stage.producing_phase(&produced, &seconds)];

    let mut readings = ReadAll::default();
    if work.is_verified {
        let wanted = produced.totals.amount.records;
        let patience = if is_interrupted { AFTER_INTERRUPT } else { work.patience };
        let (read, phase) = stage.read_all(meanwhile, wanted, patience).await?;
        readings = read;
        phases.push(phase);
    } else if let Some(readers) = meanwhile {
        readers.reading.tally.send_modify(|tally| tally.until = Until::Now);
        drop(readers.task.await);
    }

    let listed = drivers.put.list_shards(&work.stream).await?;
    let mut played = Played { is_interrupted, ..Played::default() };
    conclude(&mut played, work, phases, &produced, readings, &listed, &seconds);
    played.repetition.process = usage.and_then(|(pid, before)| {
        let (before, after) = (before?, process::usage(pid)?);
        Some(Process {
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            peak_rss_bytes: after.peak_rss_bytes,
        })
    });
    Ok(played)
}

/// Makes the stream ready for the scenario.
async fn prepare(
    work: &Work,
    drivers: &Drivers,
    stream: &OwnStream,
    consumer: &mut Option<String>,
) -> Result<ShardMap, Failure> {
    stream.wait_until_active().await?;
    if let Some(kib) = work.scenario.record_kib_max {
        stream.allow_records_of(kib).await?;
    }
    if work.scenario.consume == Consume::FanOut {
        *consumer = Some(stream.register_consumer("kinesis-bench").await?);
    }
    open_shards(work, &drivers.put.list_shards(&work.stream).await?)
}

/// A stream that is ready, and who is to write to it and read from it.
struct Stage<'a> {
    work: &'a Arc<Work>,
    drivers: &'a Drivers,
    around: &'a Surroundings,
    stream: &'a OwnStream,
    consumer_arn: Option<String>,
    /// Where readers begin.
    position: Position,
    /// The calls of producers and of readers until now.
    before: (CallCounts, CallCounts),
    /// What the records' times count from.
    origin: Instant,
}

/// Readers at work.
struct Readers {
    reading: Arc<Reading>,
    task: JoinHandle<Result<ReadAll, Failure>>,
    began: Instant,
}

impl<'a> Stage<'a> {
    fn set(
        work: &'a Arc<Work>,
        drivers: &'a Drivers,
        around: &'a Surroundings,
        stream: &'a OwnStream,
        consumer_arn: Option<String>,
    ) -> Self {
        // Readers of a shared stream begin a little before the run; what is not ours
        // they leave.
        let position = match work.is_adopted {
            true => Position::Since(since_epoch().saturating_sub(CLOCKS_APART)),
            false => Position::Oldest,
        };
        let before = (drivers.put.counters().counted(), drivers.get.counters().counted());
        let origin = runtime_now();
        Self { work, drivers, around, stream, consumer_arn, position, before, origin }
    }

    /// Has readers begin, until they have read as much as is wanted; without that until
    /// they are told, and without being seen to.
    fn begin_to_read(&self, wanted: Option<u64>) -> Readers {
        let began = if wanted.is_some() { runtime_now() } else { self.origin };
        let reading = Arc::new(Reading {
            work: Arc::clone(self.work),
            driver: self.drivers.get.clone(),
            origin: self.origin,
            position: self.position.clone(),
            consumer_arn: self.consumer_arn.clone(),
            tally: watch::Sender::new(Tally {
                read: 0,
                until: wanted.map_or(Until::Told, |wanted| self.until_read(wanted)),
            }),
            seconds: Seconds::since(began),
            samples: self.around.samples.clone(),
            phase: match wanted {
                Some(wanted) => self.around.progress.phase("consuming", wanted.max(1) as usize),
                None => Progress::Silent.phase("consuming", 1),
            },
        });
        let task = tokio::spawn(read(Arc::clone(&reading)));
        Readers { reading, task, began }
    }

    /// Others may write to a shared stream: how many records there are says nothing.
    fn until_read(&self, wanted: u64) -> Until {
        if self.work.is_adopted { Until::CaughtUp } else { Until::Read(wanted) }
    }

    /// Puts what the scenario puts, until it is interrupted.
    async fn produce(
        &self,
        ring: KeyRing,
        map: ShardMap,
        seconds: &Seconds,
    ) -> Result<Produced, Failure> {
        let Self { work, around, .. } = self;
        let production = Arc::new(Production {
            work: Arc::clone(work),
            driver: self.drivers.put.clone(),
            ring,
            map,
            origin: self.origin,
            schedule: Schedule::start(work.arrivals(), work.extent()),
            pacing: around.pacing,
            done: 0.into(),
        });
        let samples = match work.scenario.produce {
            Produce::Preload => None,
            _ => around.samples.clone(),
        };
        let expected = work.records_expected().and_then(|n| usize::try_from(n).ok());
        let phase = around.progress.phase("producing", expected.unwrap_or(usize::MAX / 4).max(1));
        let stopping = async {
            // A closed channel means that nobody can interrupt any more.
            let mut interrupt = around.interrupt.clone();
            if interrupt.wait_for(|is_heard| *is_heard).await.is_ok() {
                production.schedule.stop();
            }
            std::future::pending::<()>().await;
        };
        let shards = production.map.shards().len();
        let producing = async {
            let (produced, changed) = tokio::join!(
                produce(&production, seconds, samples, &phase),
                upheave(work, &production, self.stream, shards)
            );
            changed.and(produced)
        };
        tokio::select! {
            produced = producing => produced,
            () = stopping => unreachable!("stopping goes on until producing has ended"),
        }
    }

    fn producing_phase(&self, produced: &Produced, seconds: &Seconds) -> Phase {
        let scenario = &self.work.scenario;
        let calls = self.drivers.put.counters().counted().since(self.before.0);
        let is_open = self.work.rate.is_some() && scenario.produce != Produce::Preload;
        let Produced { totals, elapsed, .. } = produced;
        phase_of(scenario.put_phase(), self.work, totals, *elapsed, calls, seconds, is_open)
    }

    /// Reads all that was put, with the readers that are at work if there are any.
    async fn read_all(
        &self,
        meanwhile: Option<Readers>,
        wanted: u64,
        patience: Duration,
    ) -> Result<(ReadAll, Phase), Failure> {
        if let Some(readers) = &meanwhile {
            let until = self.until_read(wanted);
            readers.reading.tally.send_modify(|tally| tally.until = until);
        }
        let readers = meanwhile.unwrap_or_else(|| self.begin_to_read(Some(wanted)));
        let Readers { reading, task, began } = readers;
        let mut readings = tokio::select! {
            readings = task => readings.expect("readers do not panic")?,
            () = give_up_after(&reading.tally, patience) => unreachable!("it goes on for good"),
        };
        let elapsed = began.elapsed();
        let calls = self.drivers.get.counters().counted().since(self.before.1);
        let phase = phase_of(
            self.work.scenario.read_phase(),
            self.work,
            &readings.totals,
            elapsed,
            calls,
            &reading.seconds,
            false,
        );
        readings.sweep(&reading).await?;
        Ok((readings, phase))
    }
}

/// Readers of a run that was interrupted have this long to find what was put.
const AFTER_INTERRUPT: Duration = Duration::from_secs(2);
/// How far the target's clock may be from ours.
const CLOCKS_APART: Duration = Duration::from_secs(30);

/// The open shards, which must own all hash keys between them.
fn open_shards(work: &Work, listed: &[Listed]) -> Result<ShardMap, Failure> {
    let open = listed.iter().filter(|shard| !shard.is_closed);
    let ranges: Vec<ShardRange> = open
        .map(|shard| ShardRange {
            shard_id: shard.shard_id.clone(),
            first: shard.first,
            last: shard.last,
        })
        .collect();
    match work.shards {
        Some(shards) if shards != ranges.len() && work.is_adopted => Err(Failure::Answer(format!(
            "the stream {} has {open} open shards, not {shards}: pass --shards {open}, or \
                 leave it out to take the stream as it is",
            work.stream,
            open = ranges.len()
        ))),
        Some(shards) if shards != ranges.len() => Err(Failure::Answer(format!(
            "ListShards reports {} shards of a stream created with {shards}",
            ranges.len()
        ))),
        _ => ShardMap::new(ranges),
    }
}

async fn upheave(
    work: &Work,
    production: &Production,
    stream: &OwnStream,
    shards: usize,
) -> Result<(), Failure> {
    let Some(Upheaval::Doubling) = work.scenario.upheaval else { return Ok(()) };
    let third = work.records_expected().unwrap_or(0) / 3;
    let is_due = || {
        let done = production.done.load(std::sync::atomic::Ordering::Relaxed);
        let by_time = work.duration.is_some_and(|all| production.origin.elapsed() > all / 3);
        by_time || (third > 0 && done >= third) || production.schedule.is_stopped()
    };
    while !is_due() {
        pause(Duration::from_millis(5)).await;
    }
    stream.double(shards).await
}

fn phase_of(
    name: &str,
    work: &Work,
    totals: &Totals,
    elapsed: Duration,
    calls: CallCounts,
    seconds: &Seconds,
    is_open: bool,
) -> Phase {
    let rate = work.rate.as_ref().filter(|_| is_open);
    let intended = rate.map(|shape| {
        let within = work.duration.unwrap_or(elapsed).min(elapsed);
        shape.count(within) / within.as_secs_f64().max(1e-9)
    });
    Phase {
        name: name.to_owned(),
        elapsed_ms: elapsed.as_secs_f64() * 1e3,
        records: totals.amount.records,
        bytes: totals.amount.bytes,
        calls: calls.calls,
        retries: calls.retries,
        throttles: calls.throttles,
        errors: totals.errors.clone(),
        intended_records_per_second: intended,
        latency: Some(Latency {
            corrected: is_open.then(|| Histogram::from(&totals.corrected)),
            uncorrected: Histogram::from(&totals.uncorrected),
        }),
        series: seconds.series(),
    }
}

fn conclude(
    played: &mut Played,
    work: &Work,
    phases: Vec<Phase>,
    produced: &Produced,
    readings: ReadAll,
    listed: &[Listed],
    seconds: &Seconds,
) {
    let Played { repetition, breaches, notes, .. } = played;
    if work.scenario.reads_meanwhile() && work.is_verified {
        repetition.end_to_end = Some(Latency {
            corrected: work.rate.is_some().then(|| Histogram::from(&readings.corrected)),
            uncorrected: Histogram::from(&readings.uncorrected),
        });
    }
    repetition.payload_units = Some(produced.payload_units);
    repetition.per_shard = per_shard(listed, &readings, seconds);
    if work.is_verified {
        let verdict = verdict(work, &produced.acks, readings.shards, listed);
        repetition.verdict = Some(crate::report::run::Verdict {
            lost: verdict.lost.count,
            duplicated: verdict.duplicated.count,
            misrouted: verdict.misrouted.count,
            out_of_order: verdict.out_of_order.count,
            altered: verdict.altered.count,
        });
        breaches.extend(verdict.sentences());
        let wanted = produced.totals.amount.records * work.merge as u64;
        if work.scenario.produce.is_packed() && !work.is_adopted {
            notes.push(format!(
                "{} user messages in {} records",
                readings.user_records,
                wanted / work.merge as u64
            ));
            if readings.user_records != wanted && verdict.holds() {
                breaches.push(format!(
                    "{wanted} user messages were put into records and {} taken out",
                    readings.user_records
                ));
            }
        }
    } else {
        notes.push("the null target forgets what it is told: nothing was verified".to_owned());
    }
    for (code, count) in &produced.totals.errors {
        let said = produced.totals.first_error.as_ref().filter(|first| first.code == *code);
        let said = said.map_or(String::new(), |first| format!(": {}", first.message));
        breaches.push(format!("{count} calls to put records failed with {code}{said}"));
    }
    let queueing = produced.queueing;
    if queueing.waited > 0 {
        notes.push(format!(
            "{} of the calls that were due waited for a free producer, at most {} at once; \
             --concurrency {} is all there are",
            queueing.waited, queueing.backlog_max, work.tasks
        ));
    }
    if queueing.left_over > 0 {
        notes.push(format!(
            "{} calls were due and not made when the run was ended",
            queueing.left_over
        ));
    }
    if !work.scenario.is_ordered && work.is_verified {
        notes.push(
            "order is not checked: Kinesis promises none within a PutRecords call".to_owned(),
        );
    }
    repetition.phases = phases;
}

fn verdict(
    work: &Work,
    acks: &[AckMark],
    readings: Vec<super::readers::ReadShard>,
    listed: &[Listed],
) -> Verdict {
    let mut reads: HashMap<String, Vec<ReadMark>> =
        readings.into_iter().map(|shard| (shard.shard_id, shard.reads)).collect();
    let shards: Vec<ShardMarks> = listed
        .iter()
        .map(|shard| ShardMarks {
            shard_id: shard.shard_id.clone(),
            first: shard.first,
            last: shard.last,
            reads: reads.remove(&shard.shard_id).unwrap_or_default(),
        })
        .collect();
    let laws = Laws { is_ordered: work.scenario.is_ordered, is_alone: !work.is_adopted };
    judge(acks, &shards, laws)
}

fn per_shard(listed: &[Listed], readings: &ReadAll, seconds: &Seconds) -> Vec<Shard> {
    let behind = behind_by_shard(&readings.shards);
    let mut series = seconds.shards();
    let mut totals: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for (shard, seconds) in &series {
        let id = listed.iter().find(|listed| listed.shard_id == *shard);
        let Some(id) = id else { continue };
        let total = totals.entry(&id.shard_id).or_default();
        for second in seconds {
            total.0 += second.records;
            total.1 += second.bytes;
            total.2 += second.throttles;
        }
    }
    let all: u64 = totals.values().map(|total| total.0).sum();
    listed
        .iter()
        .map(|shard| {
            let (records, bytes, throttles) =
                totals.get(&*shard.shard_id).copied().unwrap_or_default();
            Shard {
                shard_id: shard.shard_id.clone(),
                hash_share: Some((shard.last - shard.first) as f64 / u128::MAX as f64),
                records,
                bytes,
                share: if all == 0 { 0.0 } else { records as f64 / all as f64 },
                throttles,
                iterator_age_ms_max: behind.get(&*shard.shard_id).map(|ms| *ms as f64),
                series: series.remove(&shard.shard_id).unwrap_or_default(),
            }
        })
        .collect()
}
