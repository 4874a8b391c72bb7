//! The tasks that put records.
//!
//! Each takes an item when it is free, makes its records, sends them, and sends
//! again what was throttled until patience ends. A call that is refused otherwise
//! is counted and the next one is made; when nothing at all succeeds the run ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::catalogue::Produce;
use super::work::Work;
use crate::aggregation::{Aggregator, Limits, UserRecord};
use crate::driver::{Driver, Outgoing, Placed, Refusal};
use crate::failure::Failure;
use crate::load::content::Stamp;
use crate::load::keys::KeyRing;
use crate::load::schedule::{Item, Pacing, Queueing, Schedule};
use crate::load::shard_map::ShardMap;
use crate::measure::clock::{pause, runtime_now, since_epoch};
use crate::measure::recorder::{Amount, Called, Pen, Samples, Seconds, Totals};
use crate::report::progress::Phase;
use crate::verify::marks::{AckMark, mark};

/// What all producers share.
#[derive(Debug)]
pub struct Production {
    /// What to do.
    pub work: Arc<Work>,
    /// Who calls.
    pub driver: Driver,
    /// Keys.
    pub ring: KeyRing,
    /// Which shard owns which hash key, at the start.
    pub map: ShardMap,
    /// When the repetition began: what stamps count from.
    pub origin: Instant,
    /// Items.
    pub schedule: Schedule,
    /// What lets them fall due.
    pub pacing: Pacing,
    /// Records acknowledged so far.
    pub done: AtomicU64,
}

/// What came of producing.
#[derive(Debug)]
pub struct Produced {
    /// A mark for each acknowledged record.
    pub acks: Vec<AckMark>,
    /// What tasks wrote down.
    pub totals: Totals,
    /// From the start to the last acknowledgement.
    pub elapsed: Duration,
    /// What had to queue.
    pub queueing: Queueing,
    /// 25 KB units of the acknowledged records.
    pub payload_units: u64,
}

/// A record with what is needed to recognise it.
#[derive(Debug)]
struct Prepared {
    number: u64,
    hash_key: u128,
    outgoing: Outgoing,
}

/// Puts all records.
///
/// # Errors
/// When nothing but refusals came.
pub async fn produce(
    production: &Arc<Production>,
    seconds: &Seconds,
    samples: Samples,
    phase: &Phase,
) -> Result<Produced, Failure> {
    let mut tasks = JoinSet::new();
    for task in 0..production.work.tasks {
        let pen = seconds.pen(task as u64, samples.clone());
        let producer = Producer {
            shared: Arc::clone(production),
            pen,
            task: u32::try_from(task).unwrap_or(u32::MAX),
            acks: Vec::new(),
            payload_units: 0,
            phase: phase.clone(),
        };
        tasks.spawn(producer.put_all());
    }
    let pacer = Arc::clone(production);
    let mut thread = None;
    match production.pacing {
        Pacing::Thread => {
            let started = std::thread::Builder::new()
                .name("pacer".to_owned())
                .spawn(move || pacer.schedule.pace_on_this_thread());
            thread = Some(started.map_err(|error| Failure::Start(error.to_string()))?);
        }
        // It ends with the schedule.
        Pacing::Runtime => drop(tokio::spawn(async move { pacer.schedule.pace().await })),
    }
    let mut produced = Produced {
        acks: Vec::new(),
        totals: Totals::default(),
        elapsed: Duration::ZERO,
        queueing: Queueing::default(),
        payload_units: 0,
    };
    while let Some(producer) = tasks.join_next().await {
        let producer = producer.expect("a producer does not panic");
        produced.acks.extend(producer.acks);
        produced.payload_units += producer.payload_units;
        produced.totals.merge(producer.pen.finish());
    }
    produced.elapsed = production.schedule.started().elapsed();
    production.schedule.stop();
    drop(thread.map(std::thread::JoinHandle::join));
    produced.queueing = production.schedule.queueing();
    match produced.totals.first_error.take() {
        Some(refusal) if produced.acks.is_empty() => Err(refusal.into()),
        first_error => {
            produced.totals.first_error = first_error;
            Ok(produced)
        }
    }
}

struct Producer {
    shared: Arc<Production>,
    pen: Pen,
    task: u32,
    acks: Vec<AckMark>,
    payload_units: u64,
    phase: Phase,
}

impl Producer {
    async fn put_all(mut self) -> Self {
        while let Some(item) = self.shared.schedule.take().await {
            let records = self.prepare(item);
            if records.is_empty() {
                continue;
            }
            let is_batch = match self.shared.work.scenario.produce {
                Produce::Batch | Produce::Preload => true,
                Produce::Mixed => records.len() > 1,
                Produce::Single | Produce::Aggregated | Produce::Merged => false,
            };
            if is_batch {
                self.put_batch(item, records).await;
            } else {
                for record in records {
                    self.put_one(item, record).await;
                }
            }
            let is_hopeless = self.shared.done.load(Relaxed) == 0
                && item.intended.elapsed() > Duration::ZERO
                && self.acks.is_empty()
                && item.number >= HOPELESS_AFTER;
            if is_hopeless {
                self.shared.schedule.stop();
            }
        }
        self
    }

    fn prepare(&self, item: Item) -> Vec<Prepared> {
        let work = &self.shared.work;
        let first = work.first_record(item.number);
        let end = first + work.records_of(item.number);
        let end = work.records.map_or(end, |records| end.min(records));
        let now = since_epoch();
        (first..end).map(|number| self.record(item, number, now)).collect()
    }

    fn record(&self, item: Item, number: u64, now: Duration) -> Prepared {
        let Production { work, ring, origin, .. } = &*self.shared;
        let (key, hash_key) = ring.key(number);
        let micros = |since: Duration| u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let data = |number: u64| {
            if work.scenario.reads_meanwhile() {
                let stamp = Stamp {
                    record: number,
                    intended_us: micros(item.intended.saturating_duration_since(*origin)),
                    sent_us: micros(origin.elapsed()),
                };
                work.content.stamped(work.seed, stamp, now)
            } else {
                work.content.data(work.seed, number, now)
            }
        };
        let mut outgoing = Outgoing {
            partition_key: key.partition_key.clone(),
            explicit_hash_key: key.explicit_hash_key,
            data: Bytes::new(),
        };
        let messages = (0..work.merge as u64).map(|n| data(number * work.merge as u64 + n));
        match work.scenario.produce {
            Produce::Merged => {
                let lines: Vec<Bytes> = messages.collect();
                outgoing.data = lines.join(&b'\n').into();
            }
            Produce::Aggregated => {
                let mut aggregator = Aggregator::new(Limits::default());
                for message in messages {
                    let record = UserRecord::new(key.partition_key.clone(), message);
                    let record = match key.explicit_hash_key {
                        Some(hash_key) => record.with_hash_key(hash_key),
                        None => record,
                    };
                    // The command line keeps an aggregate below the limit.
                    drop(aggregator.add(record));
                }
                if let Some(aggregate) = aggregator.flush() {
                    outgoing.partition_key = aggregate.partition_key;
                    outgoing.explicit_hash_key = aggregate.explicit_hash_key;
                    outgoing.data = aggregate.data.into();
                }
            }
            Produce::Single | Produce::Batch | Produce::Mixed | Produce::Preload => {
                outgoing.data = data(number);
            }
        }
        Prepared { number, hash_key, outgoing }
    }

    async fn put_one(&mut self, item: Item, record: Prepared) {
        let sent = runtime_now();
        let mut throttles = 0;
        let answer = loop {
            let stream = &self.shared.work.stream;
            match self.shared.driver.put_record(stream, &record.outgoing).await {
                Err(refusal) if refusal.is_throttle() => {
                    throttles += 1;
                    self.throttled(record.hash_key);
                    if !self.may_try_again(sent) {
                        break Err(refusal);
                    }
                    pause(THROTTLED).await;
                }
                answer => break answer,
            }
        };
        let answered = runtime_now();
        let bytes = record.outgoing.bytes();
        let (placed, refusal) = match &answer {
            Ok(placed) => (Some(placed), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let mut amount = Amount { records: 0, bytes: 0, throttles };
        if placed.is_some() {
            amount = Amount { records: 1, bytes, throttles };
        }
        self.pen.called(&Called {
            operation: "PutRecord",
            intended: item.intended,
            sent,
            answered,
            amount,
            placed: placed.map(|placed| (&*placed.shard_id, &*placed.sequence_number)),
            refusal,
        });
        if let Some(placed) = placed {
            self.acknowledged(&record, placed);
        }
    }

    /// Puts a batch, and then those of it that were refused, by index. A [`Batcher`] does
    /// the same for records that come one by one, and keeps a place in several queues for
    /// each; here they come as a call's worth, and the client is to do as little as it can.
    ///
    /// [`Batcher`]: crate::batch::Batcher
    async fn put_batch(&mut self, item: Item, records: Vec<Prepared>) {
        let sent = runtime_now();
        let mut pending = records;
        let mut amount = Amount::default();
        let mut given_up: Option<Refusal> = None;
        while !pending.is_empty() {
            let outgoing: Vec<Outgoing> =
                pending.iter().map(|record| record.outgoing.clone()).collect();
            let stream = &self.shared.work.stream;
            let answers = match self.shared.driver.put_records(stream, &outgoing).await {
                Ok(answers) => answers,
                Err(refusal) if refusal.is_throttle() && self.may_try_again(sent) => {
                    amount.throttles += pending.len() as u64;
                    pause(THROTTLED).await;
                    continue;
                }
                Err(refusal) => {
                    given_up = Some(refusal);
                    break;
                }
            };
            let mut again = Vec::new();
            for (record, answer) in pending.into_iter().zip(answers) {
                match answer {
                    Ok(placed) => {
                        amount.records += 1;
                        amount.bytes += record.outgoing.bytes();
                        self.acknowledged(&record, &placed);
                    }
                    Err(refusal) => {
                        amount.throttles += u64::from(refusal.is_throttle());
                        if refusal.is_throttle() {
                            self.throttled(record.hash_key);
                            self.shared.driver.counters().throttled(1);
                        }
                        // InternalFailure is said of single entries too, and is worth a second try.
                        if self.may_try_again(sent) {
                            again.push(record);
                        } else {
                            given_up.get_or_insert(refusal);
                        }
                    }
                }
            }
            pending = again;
            if !pending.is_empty() {
                pause(THROTTLED).await;
            }
        }
        self.pen.called(&Called {
            operation: "PutRecords",
            intended: item.intended,
            sent,
            answered: runtime_now(),
            amount,
            placed: None,
            refusal: given_up.as_ref(),
        });
    }

    fn may_try_again(&self, since: Instant) -> bool {
        since.elapsed() < self.shared.work.patience && !self.shared.schedule.is_stopped()
    }

    fn throttled(&mut self, hash_key: u128) {
        let map = &self.shared.map;
        let shard = &map.shards()[map.owner(hash_key)].shard_id;
        self.pen.touched(shard, Amount { throttles: 1, ..Amount::default() });
    }

    fn acknowledged(&mut self, record: &Prepared, placed: &Placed) {
        let Outgoing { partition_key, data, .. } = &record.outgoing;
        let bytes = record.outgoing.bytes();
        self.pen.touched(&placed.shard_id, Amount { records: 1, bytes, throttles: 0 });
        self.payload_units += (data.len() as u64).div_ceil(PAYLOAD_UNIT_BYTES).max(1);
        self.shared.done.fetch_add(1, Relaxed);
        self.phase.advance(1);
        if self.shared.work.is_verified {
            self.acks.push(AckMark {
                number: record.number,
                task: self.task,
                hash_key: record.hash_key,
                key: mark(&**partition_key),
                shard: mark(&*placed.shard_id),
                sequence: mark(&*placed.sequence_number),
                data: mark(&**data),
            });
        } else if self.acks.is_empty() {
            // One is enough to know that something succeeded.
            let (shard, sequence, data) = (0, 0, 0);
            let number = record.number;
            let key = 0;
            self.acks.push(AckMark {
                number,
                task: self.task,
                hash_key: 0,
                key,
                shard,
                sequence,
                data,
            });
        }
    }
}

/// As the SDK waits, once it has given up.
const THROTTLED: Duration = Duration::from_millis(100);
/// When so many items failed and none succeeded, the next will not either.
const HOPELESS_AFTER: u64 = 20;
/// What AWS bills a record by.
const PAYLOAD_UNIT_BYTES: u64 = 25 * 1_024;
