//! Closed-loop load of prepared requests, and what server and client used while it lasted.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kinesis_bench::driver::http1::Connection;
use kinesis_bench::driver::replay::Prepared;
use kinesis_bench::measure::clock::{Stopwatch, pause};
use kinesis_bench::measure::process;
use kinesis_bench::target::process::ServerProcess;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Outcome;

/// How long load lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// While it counts.
    pub(crate) window: Duration,
}

/// A server that answers slowly has up to so many times as long, until each connection has
/// been answered often enough that calls cut by either end of the window matter little.
const LONGER_MAX: u32 = 4;
const CALLS_PER_CONNECTION: u64 = 10;

/// What happened within a window of time, in which the load neither began nor ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    calls: u64,
    records: u64,
    seconds: f64,
    used: CpuSeconds,
}

/// Processor time, user and system.
#[derive(Debug, Clone, Copy)]
struct CpuSeconds {
    server: f64,
    client: f64,
}

impl CpuSeconds {
    fn so_far(server: &ServerProcess) -> Outcome<Self> {
        let client = process::usage("self").ok_or("there is no /proc")?;
        Ok(Self { server: server.usage()?.cpu_seconds, client: client.cpu_seconds })
    }

    fn since(self, earlier: Self) -> Self {
        Self { server: self.server - earlier.server, client: self.client - earlier.client }
    }
}

impl Window {
    pub(crate) fn server_cpu_us_per_call(self) -> f64 {
        self.used.server * 1e6 / self.calls as f64
    }

    pub(crate) fn server_cpu_us_per_record(self) -> f64 {
        self.used.server * 1e6 / self.records as f64
    }

    pub(crate) fn client_cpu_us_per_record(self) -> f64 {
        self.used.client * 1e6 / self.records as f64
    }

    pub(crate) fn records_per_second(self) -> f64 {
        self.records as f64 / self.seconds
    }
}

#[derive(Debug, Default)]
struct Progress {
    calls: AtomicU64,
    is_over: AtomicBool,
}

impl Progress {
    /// Waits for so long, and then for so many calls, but not much longer.
    async fn until(&self, least: Duration, calls: u64) {
        let (stopwatch, before) = (Stopwatch::start(), self.calls.load(Relaxed));
        pause(least).await;
        while self.calls.load(Relaxed) - before < calls && stopwatch.elapsed() < least * LONGER_MAX
        {
            pause(CALLS_POLL).await;
        }
    }
}

const CALLS_POLL: Duration = Duration::from_millis(10);

/// One at the other end of a connection, who calls again when answered.
struct Caller {
    port: u16,
    connection: Connection,
}

impl Caller {
    async fn connect(port: u16) -> Outcome<Self> {
        Ok(Self { port, connection: connect(port).await? })
    }

    async fn call(&mut self, prepared: &Prepared, number: usize) -> Outcome<()> {
        let answer = self.connection.send(prepared.request(number)).await;
        let answer = answer.map_err(|broken| prepared.unanswered(&broken))?;
        prepared.check(&answer)?;
        if !answer.is_kept {
            self.connection = connect(self.port).await?;
        }
        Ok(())
    }
}

/// So many connections send the prepared requests over and over, each the next one when
/// the last was answered. An answer moves so many records.
pub(crate) async fn closed_loop(
    server: &ServerProcess,
    connections: usize,
    timing: Timing,
    prepared: Prepared,
    records_per_call: u64,
) -> Outcome<Window> {
    let mut callers = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut caller = Caller::connect(server.port()).await?;
        // What a server does once for a connection is done before the load.
        timeout(ANSWERED_WITHIN, caller.call(&prepared, number)).await??;
        callers.push(caller);
    }
    let progress = Arc::new(Progress::default());
    let prepared = Arc::new(prepared);
    let mut running = JoinSet::new();
    for (mut number, mut caller) in callers.into_iter().enumerate() {
        let (progress, prepared) = (Arc::clone(&progress), Arc::clone(&prepared));
        running.spawn(async move {
            while !progress.is_over.load(Relaxed) {
                number += connections;
                caller.call(&prepared, number).await?;
                progress.calls.fetch_add(1, Relaxed);
            }
            Outcome::Ok(())
        });
    }
    progress.until(timing.warm_up, connections as u64).await;
    let stopwatch = Stopwatch::start();
    let before = (progress.calls.load(Relaxed), CpuSeconds::so_far(server)?);
    progress.until(timing.window, CALLS_PER_CONNECTION * connections as u64).await;
    let after = (progress.calls.load(Relaxed), CpuSeconds::so_far(server)?);
    let seconds = stopwatch.elapsed().as_secs_f64();
    progress.is_over.store(true, Relaxed);
    timeout(ANSWERED_WITHIN, async {
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Outcome::Ok(())
    })
    .await
    .map_err(|_| format!("a call was not answered within {ANSWERED_WITHIN:?}"))??;
    let calls = after.0 - before.0;
    if calls == 0 {
        return Err("no call was answered in time".into());
    }
    Ok(Window { calls, records: calls * records_per_call, seconds, used: after.1.since(before.1) })
}

/// A connection to a server on this machine.
pub(crate) async fn connect(port: u16) -> Outcome<Connection> {
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    socket.set_nodelay(true)?;
    Ok(Connection::new(Box::new(socket)))
}

/// A server that takes longer for an answer is taken for hung.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
