//! The tasks that read records: one per shard, by polling or by subscription.
//!
//! When a shard ends, its children are read once all their parents have been, so
//! that the order of a key survives a resharding. A reader of the whole run ends
//! when all that was acknowledged has been read, or nothing more comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::catalogue::Consume;
use super::work::Work;
use crate::aggregation::deaggregate;
use crate::driver::{Driver, Fetched, Position, Refusal};
use crate::failure::Failure;
use crate::load::content::Stamp;
use crate::measure::clock::{pause, runtime_now};
use crate::measure::latency::Latencies;
use crate::measure::recorder::{Amount, Called, Pen, Samples, Seconds, Totals};
use crate::report::progress::Phase;
use crate::scenario::catalogue::Produce;
use crate::verify::marks::{ReadMark, mark};

/// What all readers share.
#[derive(Debug)]
pub struct Reading {
    /// What to do.
    pub work: Arc<Work>,
    /// Who calls.
    pub driver: Driver,
    /// When the repetition began: what stamps count from.
    pub origin: Instant,
    /// Where readers begin.
    pub position: Position,
    /// Who subscribes, with enhanced fan-out.
    pub consumer_arn: Option<String>,
    /// How far all of them are.
    pub tally: watch::Sender<Tally>,
    /// The series of the phase.
    pub seconds: Seconds,
    /// Takes the record of every call.
    pub samples: Samples,
    /// Where to show how far they are.
    pub phase: Phase,
}

/// How far all readers are together; the channel it travels in wakes the waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records read.
    pub read: u64,
    /// When to end.
    pub until: Until,
}

/// When readers end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Until {
    /// Not yet: records are still being put.
    #[default]
    Told,
    /// When so many have been read.
    Read(u64),
    /// When there is nothing more to read: the stream has other writers.
    CaughtUp,
    /// At once.
    Now,
}

impl Tally {
    fn is_done(&self) -> bool {
        match self.until {
            Until::Told | Until::CaughtUp => false,
            Until::Read(wanted) => self.read >= wanted,
            Until::Now => true,
        }
    }
}

/// What came of reading.
#[derive(Debug, Default)]
pub struct ReadAll {
    /// By shard, in the order in which shards were begun.
    pub shards: Vec<ReadShard>,
    /// What tasks wrote down.
    pub totals: Totals,
    /// From the intended send of a record to its arrival.
    pub corrected: Latencies,
    /// From its actual send.
    pub uncorrected: Latencies,
    /// User records and messages inside the records.
    pub user_records: u64,
}

/// What came from one shard.
#[derive(Debug)]
pub struct ReadShard {
    /// Its id.
    pub shard_id: String,
    /// A mark for each record.
    pub reads: Vec<ReadMark>,
    /// The farthest a reader was behind.
    pub behind_ms_max: u64,
    is_ended: bool,
    iterator: Option<String>,
    position: Position,
}

/// Reads until there is an end, following shards to their children.
///
/// # Errors
/// When a read is refused.
pub async fn read(reading: Arc<Reading>) -> Result<ReadAll, Failure> {
    let mut all = ReadAll::default();
    let mut tasks = JoinSet::new();
    let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
    begin(&reading, &mut tasks, &mut begun, &ended).await?;
    while let Some(reader) = tasks.join_next().await {
        let reader: Reader = reader.expect("a reader does not panic")?;
        let is_ended = reader.shard.is_ended;
        all.totals.merge(reader.pen.finish());
        all.corrected.merge(&reader.corrected);
        all.uncorrected.merge(&reader.uncorrected);
        all.user_records += reader.user_records;
        ended.insert(reader.shard.shard_id.clone());
        all.shards.push(reader.shard);
        if is_ended {
            begin(&reading, &mut tasks, &mut begun, &ended).await?;
        }
    }
    Ok(all)
}

impl ReadAll {
    /// Reads what is still there, outside the measurement: what comes now came too
    /// much, or too late to be counted.
    ///
    /// # Errors
    /// When a read is refused.
    pub async fn sweep(&mut self, reading: &Reading) -> Result<(), Failure> {
        let Reading { driver, work, .. } = reading;
        for shard in self.shards.iter_mut().filter(|shard| !shard.is_ended) {
            let mut iterator = match shard.iterator.take() {
                Some(iterator) => iterator,
                None => {
                    driver
                        .get_shard_iterator(&work.stream, &shard.shard_id, &shard.position)
                        .await?
                }
            };
            for _ in 0..SWEEPS_MAX {
                let fetched = match driver.get_records(&iterator).await {
                    Err(refusal) if refusal.is_throttle() => {
                        pause(THROTTLED).await;
                        continue;
                    }
                    fetched => fetched?,
                };
                let is_empty = fetched.records.is_empty();
                shard.reads.extend(fetched.records.iter().map(marked));
                match fetched.next {
                    Some(next) if !is_empty || fetched.millis_behind > 0 => iterator = next,
                    _ => break,
                }
            }
        }
        Ok(())
    }
}

/// Begins the shards whose parents have been read, or are no more.
async fn begin(
    reading: &Arc<Reading>,
    tasks: &mut JoinSet<Result<Reader, Failure>>,
    begun: &mut BTreeSet<String>,
    ended: &BTreeSet<String>,
) -> Result<(), Failure> {
    let listed = reading.driver.list_shards(&reading.work.stream).await?;
    let known: BTreeSet<&str> = listed.iter().map(|shard| &*shard.shard_id).collect();
    for shard in &listed {
        let mut parents = shard.parents.iter().filter(|parent| known.contains(&***parent));
        let is_due = parents.all(|parent| ended.contains(parent));
        if is_due && begun.insert(shard.shard_id.clone()) {
            let task = begun.len() as u64;
            let reader = Reader::new(Arc::clone(reading), shard.shard_id.clone(), task);
            tasks.spawn(reader.read());
        }
    }
    Ok(())
}

/// One task: one shard, read in order.
struct Reader {
    reading: Arc<Reading>,
    shard: ReadShard,
    pen: Pen,
    corrected: Latencies,
    uncorrected: Latencies,
    user_records: u64,
}

impl Reader {
    fn new(reading: Arc<Reading>, shard_id: String, task: u64) -> Self {
        let pen = reading.seconds.pen(task, reading.samples.clone());
        // A shard that came to be meanwhile is read from its beginning.
        let position = reading.position.clone();
        let shard = ReadShard {
            shard_id,
            reads: Vec::new(),
            behind_ms_max: 0,
            is_ended: false,
            iterator: None,
            position,
        };
        let (corrected, uncorrected) = (Latencies::new(), Latencies::new());
        Self { reading, shard, pen, corrected, uncorrected, user_records: 0 }
    }

    async fn read(self) -> Result<Self, Failure> {
        match self.reading.work.scenario.consume {
            Consume::Drain | Consume::Polled => self.poll().await,
            Consume::FanOut => self.listen().await,
        }
    }

    async fn poll(mut self) -> Result<Self, Failure> {
        let mut heard = self.reading.tally.subscribe();
        while !heard.borrow().is_done() {
            let Some(fetched) = self.get_records().await? else {
                pause(THROTTLED).await;
                continue;
            };
            let is_caught_up = fetched.records.is_empty() && fetched.millis_behind == 0;
            let is_empty = fetched.records.is_empty();
            self.take(&fetched);
            if fetched.next.is_none() {
                self.shard.is_ended = true;
                break;
            }
            self.shard.iterator = fetched.next;
            if is_caught_up && heard.borrow().until == Until::CaughtUp {
                break;
            }
            if is_empty {
                let done = heard.wait_for(Tally::is_done);
                // Elapsed is the common case: it is time for the next poll.
                let _ = timeout(self.reading.work.poll_interval, done).await;
            }
        }
        Ok(self)
    }

    /// One `GetRecords`; nothing if it was throttled.
    async fn get_records(&mut self) -> Result<Option<Fetched>, Failure> {
        let Reading { driver, work, .. } = &*self.reading;
        let iterator = match self.shard.iterator.take() {
            Some(iterator) => iterator,
            None => {
                let position = &self.shard.position;
                match driver.get_shard_iterator(&work.stream, &self.shard.shard_id, position).await
                {
                    Err(refusal) if refusal.is_throttle() => return Ok(None),
                    iterator => iterator?,
                }
            }
        };
        let sent = runtime_now();
        let answer = driver.get_records(&iterator).await;
        let answered = runtime_now();
        let (amount, refusal) = match &answer {
            Ok(fetched) => (amount(fetched), None),
            Err(refusal) => {
                let throttles = u64::from(refusal.is_throttle());
                (Amount { throttles, ..Amount::default() }, Some(refusal))
            }
        };
        self.pen.called(&Called {
            operation: "GetRecords",
            intended: sent,
            sent,
            answered,
            amount,
            placed: None,
            refusal,
        });
        self.pen.touched(&self.shard.shard_id, amount);
        match answer {
            Ok(fetched) => Ok(Some(fetched)),
            Err(refusal) if refusal.is_throttle() => {
                self.shard.iterator = Some(iterator);
                Ok(None)
            }
            // The reader goes on behind the last record it has.
            Err(refusal) if refusal.code == "ExpiredIteratorException" => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn listen(mut self) -> Result<Self, Failure> {
        let mut heard = self.reading.tally.subscribe();
        let consumer = self.reading.consumer_arn.clone().unwrap_or_default();
        'subscriptions: while !heard.borrow().is_done() {
            let Reading { driver, .. } = &*self.reading;
            let sent = runtime_now();
            let position = &self.shard.position;
            let opened = driver.subscribe_to_shard(&consumer, &self.shard.shard_id, position).await;
            let mut subscription = match opened {
                Ok(subscription) => subscription,
                Err(refusal) if is_early(&refusal) => {
                    pause(RESUBSCRIBE).await;
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            let mut since = sent;
            loop {
                let event = tokio::select! {
                    event = subscription.next() => event,
                    _ = heard.wait_for(Tally::is_done) => break 'subscriptions,
                };
                // A stream of events that breaks is opened again where it broke.
                let Ok(Some(fetched)) = event else { continue 'subscriptions };
                let is_caught_up = fetched.records.is_empty() && fetched.millis_behind == 0;
                if !fetched.records.is_empty() {
                    let amount = amount(&fetched);
                    self.pen.called(&Called {
                        operation: "SubscribeToShard",
                        intended: since,
                        sent: since,
                        answered: runtime_now(),
                        amount,
                        placed: None,
                        refusal: None,
                    });
                    self.pen.touched(&self.shard.shard_id, amount);
                }
                self.take(&fetched);
                since = runtime_now();
                if let Some(number) = fetched.next.filter(|number| !number.is_empty()) {
                    self.shard.position = Position::After(number);
                }
                if !fetched.children.is_empty() {
                    self.shard.is_ended = true;
                    break 'subscriptions;
                }
                if is_caught_up && heard.borrow().until == Until::CaughtUp {
                    break 'subscriptions;
                }
            }
        }
        Ok(self)
    }

    /// Looks at what came.
    fn take(&mut self, fetched: &Fetched) {
        self.shard.behind_ms_max = self.shard.behind_ms_max.max(fetched.millis_behind);
        let Some(last) = fetched.records.last() else { return };
        let now = self.reading.origin.elapsed();
        let is_stamped = self.reading.work.scenario.reads_meanwhile();
        for record in &fetched.records {
            if is_stamped && let Some(stamp) = Stamp::read(&record.data) {
                let since = |us| now.saturating_sub(Duration::from_micros(us));
                self.corrected.record(since(stamp.intended_us));
                self.uncorrected.record(since(stamp.sent_us));
            }
            self.user_records += match self.reading.work.scenario.produce {
                Produce::Aggregated => {
                    deaggregate::split(&record.data).map_or(1, |split| split.records.len() as u64)
                }
                Produce::Merged => {
                    1 + record.data.iter().filter(|byte| **byte == b'\n').count() as u64
                }
                Produce::Single | Produce::Batch | Produce::Mixed | Produce::Preload => 1,
            };
            self.shard.reads.push(marked(record));
        }
        self.shard.position = Position::After(last.sequence_number.clone());
        let records = fetched.records.len();
        self.reading.tally.send_modify(|tally| tally.read += records as u64);
        self.reading.phase.advance(records);
    }
}

fn marked(record: &crate::driver::Incoming) -> ReadMark {
    ReadMark {
        key: mark(&*record.partition_key),
        sequence: mark(&*record.sequence_number),
        data: mark(&*record.data),
    }
}

fn amount(fetched: &Fetched) -> Amount {
    let bytes = fetched.records.iter().map(|r| (r.data.len() + r.partition_key.len()) as u64);
    Amount { records: fetched.records.len() as u64, bytes: bytes.sum(), throttles: 0 }
}

/// A consumer may subscribe to a shard again only after five seconds.
fn is_early(refusal: &Refusal) -> bool {
    refusal.is_throttle() || refusal.code == "ResourceInUseException"
}

/// Ends readers when nothing has been read for `patience` since their end is known.
pub async fn give_up_after(tally: &watch::Sender<Tally>, patience: Duration) {
    let mut heard = tally.subscribe();
    // Whoever waits for the end of reading drops this; it never ends by itself before.
    let _ = heard.wait_for(|tally| tally.until != Until::Told).await;
    while let Ok(Ok(())) = timeout(patience, heard.changed()).await {}
    tally.send_modify(|tally| tally.until = Until::Now);
    std::future::pending::<()>().await;
}

/// Sums by shard, in the order of their ids.
#[must_use]
pub fn behind_by_shard(shards: &[ReadShard]) -> BTreeMap<&str, u64> {
    shards.iter().map(|shard| (&*shard.shard_id, shard.behind_ms_max)).collect()
}

const THROTTLED: Duration = Duration::from_millis(100);
const RESUBSCRIBE: Duration = Duration::from_secs(1);
/// A target that invents records without end is left when it is caught.
const SWEEPS_MAX: usize = 10_000;
