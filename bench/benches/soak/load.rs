//! The load: each task calls at a pace of its own until the process ends.

use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::types::ScalingType;
use bytes::Bytes;
use kinesis_bench::driver::{Driver, Outgoing, Position, Refusal};
use kinesis_bench::measure::clock::{Stopwatch, pause, since_epoch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::span::Seen;
use crate::{Outcome, SHARDS, STREAM};

const PUTTERS: usize = 4;
const PUT_EVERY: Duration = Duration::from_millis(4);
const BATCH: usize = 500;
const BATCH_EVERY: Duration = Duration::from_millis(50);
const READERS: usize = 4;
const READ_EVERY: Duration = Duration::from_millis(50);
const SUBSCRIBERS: usize = 2;
const RESHARD_EVERY: Duration = Duration::from_secs(5);
const KEYS: u64 = 1_024;
const PAYLOAD_BYTES: usize = 100;

/// Tasks that call, and what they have seen.
pub(crate) struct Load {
    tasks: Vec<JoinHandle<Outcome<()>>>,
    seen: Arc<Mutex<Seen>>,
}

/// What each task has.
#[derive(Clone)]
struct Caller {
    driver: Driver,
    seen: Arc<Mutex<Seen>>,
}

impl Load {
    /// Begins to call.
    pub(crate) fn begin(driver: Driver, consumer_arn: String, port: u16) -> Self {
        let caller = Caller { driver, seen: Arc::default() };
        let mut tasks = Vec::new();
        for number in 0..PUTTERS {
            tasks.push(tokio::spawn(caller.clone().put(number as u64)));
        }
        tasks.push(tokio::spawn(caller.clone().put_batches()));
        for number in 0..READERS {
            tasks.push(tokio::spawn(caller.clone().read(number)));
        }
        for number in 0..SUBSCRIBERS {
            let consumer_arn = consumer_arn.clone();
            tasks.push(tokio::spawn(caller.clone().subscribe(consumer_arn, number)));
        }
        tasks.push(tokio::spawn(caller.clone().reshard(port)));
        Self { tasks, seen: caller.seen }
    }

    /// Fails when a task has ended: none of them does while all is well.
    pub(crate) fn still_runs(&self) -> Outcome<()> {
        match self.tasks.iter().any(JoinHandle::is_finished) {
            false => Ok(()),
            true => Err("a caller has given up; what it was told is above".into()),
        }
    }

    /// What was seen since the last time.
    pub(crate) fn take_seen(&self) -> Seen {
        mem::take(&mut *self.seen.lock().expect("nobody panics while holding it"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Caller {
    fn saw(&self, operation: &'static str, took: Duration, records_put: u64) {
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        seen.latencies.entry(operation).or_default().record(took);
        seen.records += records_put;
    }

    async fn put(self, first: u64) -> Outcome<()> {
        for number in (first..).step_by(PUTTERS) {
            let stopwatch = Stopwatch::start();
            told(self.driver.put_record(STREAM, &stamped(number)).await)?;
            self.saw("PutRecord", stopwatch.elapsed(), 1);
            pause(PUT_EVERY).await;
        }
        Ok(())
    }

    async fn put_batches(self) -> Outcome<()> {
        for number in 0.. {
            let batch: Vec<Outgoing> =
                (0..BATCH as u64).map(|record| stamped(number * 7 + record)).collect();
            let stopwatch = Stopwatch::start();
            for placed in told(self.driver.put_records(STREAM, &batch).await)? {
                told(placed)?;
            }
            self.saw("PutRecords", stopwatch.elapsed(), BATCH as u64);
            pause(BATCH_EVERY).await;
        }
        Ok(())
    }

    /// Follows open shards; an iterator that has expired is replaced.
    async fn read(self, number: usize) -> Outcome<()> {
        loop {
            let shards = told(self.driver.list_shards(STREAM).await)?;
            let open: Vec<_> = shards.iter().filter(|shard| !shard.is_closed).collect();
            let shard_id = &open[number % open.len()].shard_id;
            let mut position = Position::Oldest;
            // Until the shard is closed and read to its end, or has expired.
            while let Ok(first) = self.driver.get_shard_iterator(STREAM, shard_id, &position).await
            {
                let mut iterator = Some(first);
                while let Some(current) = iterator.take() {
                    let stopwatch = Stopwatch::start();
                    let fetched = match self.driver.get_records(&current).await {
                        Err(refusal) if refusal.code == EXPIRED => break,
                        fetched => told(fetched)?,
                    };
                    self.saw("GetRecords", stopwatch.elapsed(), 0);
                    if let Some(last) = fetched.records.last() {
                        position = Position::After(last.sequence_number.clone());
                    }
                    pause(READ_EVERY).await;
                    match fetched.next {
                        Some(next) => iterator = Some(next),
                        None => position = Position::Oldest,
                    }
                }
                if matches!(position, Position::Oldest) {
                    break;
                }
            }
            pause(READ_EVERY).await;
        }
    }

    /// Follows a shard and then its children, over subscriptions that end.
    async fn subscribe(self, consumer_arn: String, number: usize) -> Outcome<()> {
        let shards = told(self.driver.list_shards(STREAM).await)?;
        let mut shard_id = shards[number % shards.len()].shard_id.clone();
        let mut position = Position::Oldest;
        loop {
            let subscription =
                self.driver.subscribe_to_shard(&consumer_arn, &shard_id, &position).await;
            let mut subscription = match subscription {
                // Five seconds must pass, of the emulator's time.
                Err(refusal) if refusal.code == IN_USE => {
                    pause(READ_EVERY).await;
                    continue;
                }
                subscription => told(subscription)?,
            };
            let mut children = Vec::new();
            while let Some(event) = told(subscription.next().await)? {
                let now = since_epoch();
                for record in &event.records {
                    if let Some(put) = put_at(&record.data) {
                        self.saw("fan-out", now.saturating_sub(put), 0);
                    }
                }
                if let Some(next) = event.next {
                    position = Position::After(next);
                }
                children = event.children;
            }
            if let Some(child) = children.into_iter().next() {
                (shard_id, position) = (child, Position::Oldest);
            }
        }
    }

    /// Twice as many shards, then as many as there were, over and over.
    async fn reshard(self, port: u16) -> Outcome<()> {
        for turn in 0_usize.. {
            pause(RESHARD_EVERY).await;
            let shards = if turn.is_multiple_of(2) { 2 * SHARDS } else { SHARDS };
            let stopwatch = Stopwatch::start();
            let call = self.driver.client().update_shard_count().stream_name(STREAM);
            let call = call.target_shard_count(i32::try_from(shards)?);
            call.scaling_type(ScalingType::UniformScaling).send().await?;
            self.saw("UpdateShardCount", stopwatch.elapsed(), 0);
            advance_clock(port, "1m").await?;
        }
        Ok(())
    }
}

const EXPIRED: &str = "ExpiredIteratorException";
const IN_USE: &str = "ResourceInUseException";

/// Moves the emulator's clock through its control API.
pub(crate) async fn advance_clock(port: u16, by: &str) -> Outcome<()> {
    let body = format!("{{\"advance\":\"{by}\"}}");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "POST /_emulator/clock HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(format!("the clock did not move: {answer}").into()),
    }
}

fn told<T>(answer: Result<T, Refusal>) -> Outcome<T> {
    answer.map_err(|refusal| {
        eprintln!("soak: {refusal}");
        refusal.to_string().into()
    })
}

/// A record that says when it was put.
fn stamped(number: u64) -> Outgoing {
    let mut data = format!("{:016x}", since_epoch().as_micros()).into_bytes();
    data.resize(PAYLOAD_BYTES, b'.');
    Outgoing {
        partition_key: format!("customer-{:04}", number % KEYS),
        explicit_hash_key: None,
        data: Bytes::from(data),
    }
}

fn put_at(data: &[u8]) -> Option<Duration> {
    let digits = std::str::from_utf8(data.get(..16)?).ok()?;
    u64::from_str_radix(digits, 16).ok().map(Duration::from_micros)
}
