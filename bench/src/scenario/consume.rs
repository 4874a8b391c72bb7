//! Read every record, one task per shard, from TRIM_HORIZON.
//!
//! The clock runs from before the first `GetShardIterator` until every task is
//! done. A task that waits between empty polls is woken when the last record has
//! been read elsewhere, so the poll interval delays records but never the end.
//! After the clock has stopped, each shard is read once more: what comes then
//! came too much, or too late to be counted.

use std::pin::pin;
use std::time::Duration;

use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Session;
use crate::failure::Failure;
use crate::load::shard_map::ShardMap;
use crate::measure::clock::{Stopwatch, pause};
use crate::measure::counters::is_throttle;
use crate::report::progress::Phase;
use crate::verify::{Read, ShardReading};

/// A fifth of a second is what AWS's shards need for another read.
const THROTTLED: Duration = Duration::from_millis(200);

/// All tasks of a run, before the records are looked at.
#[derive(Debug)]
pub struct Consumed {
    readers: Vec<Reader>,
    /// From the start of consuming until the last task was done.
    pub elapsed: Duration,
}

/// Reads until as many records have come as the plan has, or none comes for
/// longer than the run's patience.
///
/// # Errors
/// When a read is refused.
pub async fn consume(session: &Session, map: &ShardMap) -> Result<Consumed, Failure> {
    let records = session.plan.records();
    let phase = session.progress.phase("consuming", records);
    let (tally, heard) = watch::channel(Tally { read: 0, wanted: records, given_up: false });
    let mut tasks = JoinSet::new();
    let stopwatch = Stopwatch::start();
    for shard in map.shards() {
        let reader = Reader::new(session.clone(), shard.shard_id.clone());
        tasks.spawn(reader.read_until_done(tally.clone(), phase.clone()));
    }
    let mut readers = Vec::with_capacity(map.shards().len());
    let mut silence = pin!(silence(heard, session.settings.patience));
    loop {
        tokio::select! {
            reader = tasks.join_next() => match reader {
                Some(reader) => readers.push(reader.expect("a reader does not panic")?),
                None => break,
            },
            () = &mut silence, if !tally.borrow().given_up => {
                tally.send_modify(|tally| tally.given_up = true);
            }
        }
    }
    let elapsed = stopwatch.elapsed();
    readers.sort_by(|a, b| a.shard_id.cmp(&b.shard_id));
    Ok(Consumed { readers, elapsed })
}

impl Consumed {
    /// Reads what is still there, outside the clock, and hands out all records.
    ///
    /// # Errors
    /// When a read is refused.
    pub async fn sweep(self) -> Result<Vec<ShardReading>, Failure> {
        let mut turn = self.readers.iter().map(Reader::records).sum();
        let mut readings = Vec::with_capacity(self.readers.len());
        for mut reader in self.readers {
            turn += reader.sweep(turn).await?;
            readings.push(reader.into_reading());
        }
        Ok(readings)
    }
}

/// How far all tasks are together; the channel it travels in wakes the waiting.
#[derive(Debug)]
struct Tally {
    read: usize,
    wanted: usize,
    given_up: bool,
}

impl Tally {
    fn is_done(&self) -> bool {
        self.read >= self.wanted || self.given_up
    }
}

/// Ends when the tally has not moved for `patience`.
async fn silence(mut heard: watch::Receiver<Tally>, patience: Duration) {
    while let Ok(Ok(())) = timeout(patience, heard.changed()).await {}
}

/// One task: one shard, read in order.
#[derive(Debug)]
struct Reader {
    session: Session,
    shard_id: String,
    iterator: Option<String>,
    batches: Vec<Batch>,
}

/// The records of one answer, and how many all tasks had read before it.
#[derive(Debug)]
struct Batch {
    turn: usize,
    records: Vec<Record>,
}

impl Reader {
    fn new(session: Session, shard_id: String) -> Self {
        Self { session, shard_id, iterator: None, batches: Vec::new() }
    }

    async fn read_until_done(
        mut self,
        tally: watch::Sender<Tally>,
        phase: Phase,
    ) -> Result<Self, Failure> {
        let mut heard = tally.subscribe();
        while !heard.borrow().is_done() {
            let records = self.poll().await?.unwrap_or_default();
            if records.is_empty() {
                let done = heard.wait_for(Tally::is_done);
                // Elapsed is the common case: it is time for the next poll.
                let _ = timeout(self.session.settings.poll_interval, done).await;
                continue;
            }
            let mut turn = 0;
            tally.send_modify(|tally| {
                turn = tally.read;
                tally.read += records.len();
            });
            phase.advance(records.len());
            self.batches.push(Batch { turn, records });
        }
        Ok(self)
    }

    /// Reads to the tip of the shard; answers how many records that were.
    async fn sweep(&mut self, mut turn: usize) -> Result<usize, Failure> {
        let (mut swept, throttled) = (0, Stopwatch::start());
        // A target that invents records without end is left when it is caught.
        while swept <= self.session.plan.records() {
            let records = match self.poll().await? {
                // Nothing was read, so this is not the tip.
                None if throttled.elapsed() < self.session.settings.patience => {
                    pause(THROTTLED).await;
                    continue;
                }
                None => return Err(Failure::Answer(format!("{} stays throttled", self.shard_id))),
                Some(records) if records.is_empty() => break,
                Some(records) => records,
            };
            swept += records.len();
            let batch = Batch { turn, records };
            turn += batch.records.len();
            self.batches.push(batch);
        }
        Ok(swept)
    }

    /// One `GetRecords`; nothing if a throttle outlived the SDK's retries.
    async fn poll(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.start().await?,
        };
        match self.session.client.get_records().shard_iterator(&iterator).send().await {
            Ok(answer) => {
                let next = answer.next_shard_iterator.ok_or_else(|| {
                    Failure::Answer(format!("{} ended while it was being read", self.shard_id))
                })?;
                self.iterator = Some(next);
                Ok(Some(answer.records))
            }
            Err(error) if error.as_service_error().is_some_and(is_throttle) => {
                self.iterator = Some(iterator);
                Ok(None)
            }
            Err(error) => Err(Failure::call("GetRecords", &error)),
        }
    }

    async fn start(&self) -> Result<String, Failure> {
        let answer = self
            .session
            .client
            .get_shard_iterator()
            .stream_name(&self.session.settings.stream)
            .shard_id(&self.shard_id)
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await
            .map_err(|error| Failure::call("GetShardIterator", &error))?;
        answer.shard_iterator.ok_or_else(|| {
            Failure::Answer(format!("GetShardIterator gave none for {}", self.shard_id))
        })
    }

    fn records(&self) -> usize {
        self.batches.iter().map(|batch| batch.records.len()).sum()
    }

    fn into_reading(self) -> ShardReading {
        let records = self.batches.into_iter().flat_map(|Batch { turn, records }| {
            records.into_iter().enumerate().map(move |(place, record)| Read {
                turn: turn + place,
                partition_key: record.partition_key.unwrap_or_default(),
                sequence_number: record.sequence_number,
                data: record.data.into_inner(),
            })
        });
        ShardReading { shard_id: self.shard_id, records: records.collect() }
    }
}
