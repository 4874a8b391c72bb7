//! PutRecord, PutRecords and GetRecords: what a request costs the server.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kinesis_bench::driver::{Driver, DriverKind, Outgoing, Position};
use kinesis_bench::report::units;
use kinesis_bench::scenario::stream::OwnStream;
use kinesis_bench::target::process::ServerProcess;

use crate::connect::open;
use crate::load::{Timing, Window, closed_loop};
use crate::row::{Bound, Row, Unit};
use crate::turns::{self, Measured};
use crate::{Contenders, Outcome, Plan, open_files};

/// Keys take turns, so that all shards have their part.
const KEYS: usize = 1_024;
const PAYLOAD_BYTES: usize = 100;
const SHARDS: usize = 4;
pub(crate) const STREAM: &str = "measured";
/// As many as Kinesis takes at once.
const BATCH: usize = 500;

const PUT_CONNECTIONS: usize = 32;
const BATCH_CONNECTIONS: usize = 8;
const GET_CONNECTIONS: usize = 4;

pub(crate) async fn put_record(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let what = format!("PutRecord, {PUT_CONNECTIONS} connections");
    let measured = turns::take(plan.rounds, contenders.all(), async |server| {
        put_singly(server, PUT_CONNECTIONS, plan.timing).await
    });
    let measured = measured.await?;
    Ok(vec![
        cpu_per_call(format!("{what}: server CPU per request"), &measured)
            .bound(Bound::TimesNullAtMost(1.25)),
        rate(format!("{what}: requests"), &measured),
    ])
}

pub(crate) async fn put_records(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let what = format!("PutRecords of {BATCH}, {BATCH_CONNECTIONS} connections");
    let measured = turns::take(plan.rounds, contenders.real(), async |server| {
        put_in_batches(server, plan.timing).await
    });
    let measured = measured.await?;
    Ok(vec![
        cpu_per_record(format!("{what}: server CPU per record"), &measured)
            .bound(Bound::AtMost(0.4)),
        rate(format!("{what}: records"), &measured).bound(Bound::TimesRivalAtLeast(20.0)),
    ])
}

pub(crate) async fn get_records(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for records in [1_000, 10_000] {
        let shown = units::count(records as u64);
        let what = format!("GetRecords of {shown}, {GET_CONNECTIONS} connections");
        let measured = turns::take(plan.rounds, contenders.real(), async |server| {
            get(server, records, plan.timing).await
        });
        let measured = measured.await?;
        rows.push(
            cpu_per_record(format!("{what}: server CPU per record"), &measured)
                .bound(Bound::AtMost(0.2)),
        );
        rows.push(rate(format!("{what}: records"), &measured).bound(Bound::TimesRivalAtLeast(4.0)));
    }
    Ok(rows)
}

/// Cost per request from one connection to ten thousand.
pub(crate) async fn connections(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let open_files = open_files::raise(2 * CONNECTIONS_MAX as u64);
    let mut rows = Vec::new();
    for connections in [1, 100, 1_000, CONNECTIONS_MAX] {
        let shown = units::counted(connections as u64, "connection");
        let what = format!("PutRecord, {shown}: server CPU per request");
        let needed = connections as u64 + FILES_BESIDE;
        let row = if open_files < needed {
            let why = format!("{needed} open files are needed, {open_files} allowed: ulimit -n");
            Row::new(what, Unit::Microseconds).missing(why)
        } else {
            let warm_up = plan.timing.warm_up + OPENING * u32::try_from(connections)?;
            let timing = Timing { warm_up, ..plan.timing };
            let measured = turns::take(plan.rounds, contenders.with_null(), async |server| {
                put_singly(server, connections, timing).await
            });
            cpu_per_call(what, &measured.await?)
        };
        rows.push(row.bound(Bound::TimesNullAtMost(1.25)));
    }
    Ok(rows)
}

/// What it takes to open a connection, generously.
const OPENING: Duration = Duration::from_micros(300);
const CONNECTIONS_MAX: usize = 10_000;
/// What a process has open besides its connections.
const FILES_BESIDE: u64 = 100;

fn cpu_per_call(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::Microseconds, measured, Window::cpu_us_per_call)
}

fn cpu_per_record(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::Microseconds, measured, Window::cpu_us_per_record)
}

fn rate(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::PerSecond, measured, Window::records_per_second)
}

async fn put_singly(server: &ServerProcess, connections: usize, timing: Timing) -> Outcome<Window> {
    put_among(server, 0, connections, timing).await
}

/// Puts to a stream that has so many records already.
pub(crate) async fn put_among(
    server: &ServerProcess,
    stored: usize,
    connections: usize,
    timing: Timing,
) -> Outcome<Window> {
    let (_target, driver) = open(server, DriverKind::Native).await?;
    let _stream = stream(&driver, SHARDS).await?;
    fill(&driver, stored).await?;
    let records: Arc<[Outgoing]> = (0..KEYS).map(record).collect();
    closed_loop(server, connections, timing, move |number| {
        let (driver, records) = (driver.clone(), Arc::clone(&records));
        async move {
            let record = &records[number as usize % records.len()];
            driver.put_record(STREAM, record).await.map(|_| 1)
        }
    })
    .await
}

async fn put_in_batches(server: &ServerProcess, timing: Timing) -> Outcome<Window> {
    let (_target, driver) = open(server, DriverKind::Native).await?;
    let _stream = stream(&driver, SHARDS).await?;
    let records: Arc<[Outgoing]> = (0..BATCH).map(record).collect();
    closed_loop(server, BATCH_CONNECTIONS, timing, move |_| {
        let (driver, records) = (driver.clone(), Arc::clone(&records));
        async move {
            let placed = driver.put_records(STREAM, &records).await?;
            let placed: Result<Vec<_>, _> = placed.into_iter().collect();
            placed.map(|placed| placed.len() as u64)
        }
    })
    .await
}

/// Reads the same records over and over.
async fn get(server: &ServerProcess, records: usize, timing: Timing) -> Outcome<Window> {
    let (_target, driver) = open(server, DriverKind::Native).await?;
    let _stream = stream(&driver, 1).await?;
    fill(&driver, records).await?;
    let shards = driver.list_shards(STREAM).await.map_err(|error| error.to_string())?;
    let shard = &shards.first().ok_or("the stream has no shard")?.shard_id;
    let iterator = driver.get_shard_iterator(STREAM, shard, &Position::Oldest).await;
    let iterator = iterator.map_err(|error| error.to_string())?;
    let fetched = driver.get_records(&iterator).await.map_err(|error| error.to_string())?;
    if fetched.records.len() != records {
        return Err(format!("{} of {records} records were read", fetched.records.len()).into());
    }
    closed_loop(server, GET_CONNECTIONS, timing, move |_| {
        let (driver, iterator) = (driver.clone(), iterator.clone());
        async move { driver.get_records(&iterator).await.map(|fetched| fetched.records.len() as u64) }
    })
    .await
}

/// A stream that can be used. It ends with its server.
pub(crate) async fn stream(driver: &Driver, shards: usize) -> Outcome<OwnStream> {
    let stream = OwnStream::create(driver.client(), STREAM, shards).await?;
    stream.wait_until_active().await?;
    Ok(stream)
}

async fn fill(driver: &Driver, records: usize) -> Outcome<()> {
    for first in (0..records).step_by(BATCH) {
        let batch: Vec<Outgoing> = (first..first + BATCH).map(record).collect();
        let placed = driver.put_records(STREAM, &batch).await.map_err(|error| error.to_string())?;
        if placed.iter().any(Result::is_err) {
            return Err("a record was refused".into());
        }
    }
    Ok(())
}

fn record(number: usize) -> Outgoing {
    Outgoing {
        partition_key: format!("customer-{:04}", number % KEYS),
        explicit_hash_key: None,
        data: Bytes::from(vec![b'a'; PAYLOAD_BYTES]),
    }
}
