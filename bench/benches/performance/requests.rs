//! PutRecord, PutRecords and GetRecords: what a request costs the server.

use std::collections::BTreeMap;

use bytes::Bytes;
use kinesis_bench::driver::replay::Prepared;
use kinesis_bench::driver::{
    Driver, DriverKind, Fetched, Incoming, Outgoing, Placed, Position, Refusal,
};
use kinesis_bench::report::units;
use kinesis_bench::scenario::stream::OwnStream;
use kinesis_bench::target::process::ServerProcess;
use tokio::time::timeout;

use crate::connect::open;
use crate::contender::Contender;
use crate::load::{ANSWERED_WITHIN, Timing, Window, closed_loop, connect};
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
    let measured = turns::take(&what, plan.rounds, contenders.all(), async |contender, server| {
        Puts::over(PUT_CONNECTIONS).load(contender, server, plan.timing).await
    });
    let measured = measured.await?;
    Ok(vec![
        cpu_per_call(format!("{what}: server CPU per request"), &measured)
            .bound(Bound::TimesNullAtMost(1.25)),
        rate(format!("{what}: requests"), &measured),
        client_cpu(format!("{what}: client CPU per request"), &measured),
    ])
}

pub(crate) async fn put_records(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let what = format!("PutRecords of {BATCH}, {BATCH_CONNECTIONS} connections");
    let measured = turns::take(&what, plan.rounds, contenders.real(), async |contender, server| {
        put_in_batches(contender, server, SHARDS, 1, plan.timing).await
    });
    let measured = measured.await?;
    Ok(vec![
        cpu_per_record(format!("{what}: server CPU per record"), &measured)
            .bound(Bound::AtMost(0.4)),
        rate(format!("{what}: records"), &measured).bound(Bound::TimesRivalAtLeast(20.0)),
        client_cpu(format!("{what}: client CPU per record"), &measured),
    ])
}

pub(crate) async fn get_records(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for records in [1_000, 10_000] {
        let shown = units::count(records as u64);
        let what = format!("GetRecords of {shown}, {GET_CONNECTIONS} connections");
        let measured = turns::take(&what, plan.rounds, contenders.real(), async |_, server| {
            get(server, records, plan.timing).await
        });
        let measured = measured.await?;
        rows.push(
            cpu_per_record(format!("{what}: server CPU per record"), &measured)
                .bound(Bound::AtMost(0.2)),
        );
        rows.push(rate(format!("{what}: records"), &measured).bound(Bound::TimesRivalAtLeast(4.0)));
        rows.push(client_cpu(format!("{what}: client CPU per record"), &measured));
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
            let contenders = contenders.with_null();
            let measured =
                turns::take(&what, plan.rounds, contenders, async |contender, server| {
                    Puts::over(connections).load(contender, server, plan.timing).await
                });
            let measured = measured.await?;
            cpu_per_call(what, &measured)
        };
        rows.push(row.bound(Bound::TimesNullAtMost(1.25)));
    }
    Ok(rows)
}

/// Cost per request and per record from one shard to ten thousand. As many keys take
/// turns in every row, which of ten thousand shards choose some 6,300.
pub(crate) async fn shards(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for shards in [1, 100, 1_000, SHARDS_MAX] {
        let shown = units::counted(shards as u64, "shard");
        let what = format!("PutRecord, {PUT_CONNECTIONS} connections, {shown}");
        let puts = Puts { shards, keys: SHARDS_MAX, ..Puts::over(PUT_CONNECTIONS) };
        let of_null = contenders.with_null();
        let measured = turns::take(&what, plan.rounds, of_null, async |contender, server| {
            puts.load(contender, server, plan.timing).await
        });
        rows.push(
            cpu_per_call(format!("{what}: server CPU per request"), &measured.await?)
                .bound(Bound::TimesNullAtMost(1.25)),
        );
        let what = format!("PutRecords of {BATCH}, {BATCH_CONNECTIONS} connections, {shown}");
        let ours = vec![&contenders.ours];
        let measured = turns::take(&what, plan.rounds, ours, async |contender, server| {
            put_in_batches(contender, server, shards, SHARDS_MAX / BATCH, plan.timing).await
        });
        rows.push(cpu_per_record(format!("{what}: server CPU per record"), &measured.await?));
    }
    Ok(rows)
}

/// As many as a stream can have, and as there are keys of the same length.
const SHARDS_MAX: usize = 10_000;

const CONNECTIONS_MAX: usize = 10_000;
/// What a process has open besides its connections.
const FILES_BESIDE: u64 = 100;

fn cpu_per_call(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::Microseconds, measured, Window::server_cpu_us_per_call)
}

fn cpu_per_record(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::Microseconds, measured, Window::server_cpu_us_per_record)
}

/// What is left of the machine for the server.
fn client_cpu(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::Microseconds, measured, Window::client_cpu_us_per_record)
}

fn rate(what: String, measured: &Measured<Window>) -> Row {
    turns::row(what, Unit::PerSecond, measured, Window::records_per_second)
}

/// Single puts to a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Puts {
    shards: usize,
    keys: usize,
    /// The stream has so many records already.
    stored: usize,
    connections: usize,
}

impl Puts {
    /// Into an empty stream.
    pub(crate) fn over(connections: usize) -> Self {
        Self { shards: SHARDS, keys: KEYS, stored: 0, connections }
    }

    pub(crate) fn among(self, stored: usize) -> Self {
        Self { stored, ..self }
    }

    pub(crate) async fn load(
        self,
        contender: &Contender,
        server: &ServerProcess,
        timing: Timing,
    ) -> Outcome<Window> {
        let Self { shards, keys, stored, connections } = self;
        let (_target, driver) = open(server, DriverKind::Native).await?;
        let _stream = stream(&driver, shards).await?;
        fill(&driver, stored).await?;
        let records: Vec<Outgoing> = (0..keys).map(record).collect();
        let put = async |driver: &Driver, number: usize| {
            driver.put_record(STREAM, &records[number]).await
        };
        let (puts, placed) = prepare(server, &driver, "PutRecord", keys, put).await?;
        if contender.keeps {
            read_back(&driver, &[placed], &records[..1]).await?;
        }
        closed_loop(server, connections, timing, puts, 1).await
    }
}

/// Puts so many different batches over and over.
async fn put_in_batches(
    contender: &Contender,
    server: &ServerProcess,
    shards: usize,
    batches: usize,
    timing: Timing,
) -> Outcome<Window> {
    let (_target, driver) = open(server, DriverKind::Native).await?;
    let _stream = stream(&driver, shards).await?;
    let records: Vec<Outgoing> = (0..batches * BATCH).map(record).collect();
    let put = async |driver: &Driver, number: usize| {
        driver.put_records(STREAM, &records[number * BATCH..][..BATCH]).await
    };
    let (batches, placed) = prepare(server, &driver, "PutRecords", batches, put).await?;
    let placed: Result<Vec<Placed>, Refusal> = placed.into_iter().collect();
    let placed = placed?;
    if contender.keeps {
        read_back(&driver, &placed, &records[..BATCH]).await?;
    }
    closed_loop(server, BATCH_CONNECTIONS, timing, batches, BATCH as u64).await
}

/// Reads the same records over and over.
async fn get(server: &ServerProcess, records: usize, timing: Timing) -> Outcome<Window> {
    let (_target, driver) = open(server, DriverKind::Native).await?;
    let _stream = stream(&driver, 1).await?;
    fill(&driver, records).await?;
    let shards = driver.list_shards(STREAM).await?;
    let shard = &shards.first().ok_or("the stream has no shard")?.shard_id;
    let iterator = driver.get_shard_iterator(STREAM, shard, &Position::Oldest).await?;
    let get = async |driver: &Driver, _| driver.get_records(&iterator).await;
    let (gets, fetched) = prepare(server, &driver, "GetRecords", 1, get).await?;
    if fetched.records.len() != records {
        return Err(format!("{} of {records} records were read", fetched.records.len()).into());
    }
    for (read, number) in fetched.records.iter().zip(0..) {
        expect(read, &record(number))?;
    }
    closed_loop(server, GET_CONNECTIONS, timing, gets, records as u64).await
}

/// The requests of a load, and what the first of them was answered.
async fn prepare<T>(
    server: &ServerProcess,
    driver: &Driver,
    operation: &'static str,
    calls: usize,
    call: impl AsyncFn(&Driver, usize) -> Result<T, Refusal>,
) -> Outcome<(Prepared, T)> {
    let Driver::Native(driver) = driver else { return Err("the SDK prepares nothing".into()) };
    let mut connection = connect(server.port()).await?;
    let prepared = Prepared::new(driver, &mut connection, operation, calls, call);
    let prepared = timeout(ANSWERED_WITHIN, prepared).await?;
    Ok(prepared?)
}

/// Makes sure that records are where they were said to be, and as they were put.
async fn read_back(driver: &Driver, placed: &[Placed], put: &[Outgoing]) -> Outcome<()> {
    let place = |placed: &Placed| (placed.shard_id.clone(), placed.sequence_number.clone());
    let mut missing: BTreeMap<_, _> = placed.iter().map(place).zip(put).collect();
    if missing.len() != put.len() {
        return Err("two records are in one place".into());
    }
    while let Some((shard, _)) = missing.keys().next().cloned() {
        let mut iterator = driver.get_shard_iterator(STREAM, &shard, &Position::Oldest).await?;
        while missing.keys().any(|(of, _)| *of == shard) {
            let Fetched { records, next, .. } = driver.get_records(&iterator).await?;
            for read in &records {
                if let Some(put) = missing.remove(&(shard.clone(), read.sequence_number.clone())) {
                    expect(read, put)?;
                }
            }
            match next {
                Some(next) if !records.is_empty() => iterator = next,
                _ => return Err(format!("a record that was put is not in {shard}").into()),
            }
        }
    }
    Ok(())
}

fn expect(read: &Incoming, put: &Outgoing) -> Outcome<()> {
    if (&read.partition_key, &read.data) == (&put.partition_key, &put.data) {
        return Ok(());
    }
    Err(format!("{} is not the record that was put", read.sequence_number).into())
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
        let placed = driver.put_records(STREAM, &batch).await?;
        if placed.iter().any(Result::is_err) {
            return Err("a record was refused".into());
        }
    }
    Ok(())
}

fn record(number: usize) -> Outgoing {
    Outgoing {
        partition_key: format!("customer-{:04}", number % SHARDS_MAX),
        explicit_hash_key: None,
        data: Bytes::from(format!("{number:a>PAYLOAD_BYTES$}")),
    }
}
