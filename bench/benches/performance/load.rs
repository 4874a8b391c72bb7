//! Closed-loop load, and what a server used while it lasted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kinesis_bench::driver::Refusal;
use kinesis_bench::measure::clock::{Stopwatch, pause};
use kinesis_bench::target::process::ServerProcess;
use tokio::task::JoinSet;

use crate::Outcome;

/// How long load lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// While it counts.
    pub(crate) window: Duration,
}

/// What happened within a window of time, in which the load neither began nor ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    calls: u64,
    records: u64,
    seconds: f64,
    cpu_seconds: f64,
}

impl Window {
    pub(crate) fn cpu_us_per_call(self) -> f64 {
        self.cpu_seconds * 1e6 / self.calls as f64
    }

    pub(crate) fn cpu_us_per_record(self) -> f64 {
        self.cpu_seconds * 1e6 / self.records as f64
    }

    pub(crate) fn records_per_second(self) -> f64 {
        self.records as f64 / self.seconds
    }
}

#[derive(Debug, Default)]
struct Progress {
    calls: AtomicU64,
    records: AtomicU64,
    is_over: AtomicBool,
}

/// So many tasks call over and over, each when its last call was answered. A call is
/// given its number and answers with the records that it moved.
pub(crate) async fn closed_loop<Call, Answer>(
    server: &ServerProcess,
    tasks: usize,
    timing: Timing,
    call: Call,
) -> Outcome<Window>
where
    Call: Fn(u64) -> Answer + Clone + Send + 'static,
    Answer: Future<Output = Result<u64, Refusal>> + Send,
{
    let progress = Arc::new(Progress::default());
    let mut running = JoinSet::new();
    for task in 0..tasks as u64 {
        let (progress, call) = (Arc::clone(&progress), call.clone());
        running.spawn(async move {
            let mut number = task;
            while !progress.is_over.load(Relaxed) {
                let records = call(number).await?;
                progress.records.fetch_add(records, Relaxed);
                progress.calls.fetch_add(1, Relaxed);
                number += tasks as u64;
            }
            Ok::<_, Refusal>(())
        });
    }
    pause(timing.warm_up).await;
    let stopwatch = Stopwatch::start();
    let now = || (progress.calls.load(Relaxed), progress.records.load(Relaxed));
    let (before, used_before) = (now(), server.usage()?);
    pause(timing.window).await;
    let (after, used) = (now(), server.usage()?);
    let seconds = stopwatch.elapsed().as_secs_f64();
    progress.is_over.store(true, Relaxed);
    while let Some(ended) = running.join_next().await {
        ended?.map_err(|refusal| refusal.to_string())?;
    }
    if after.0 == before.0 {
        return Err("no call was answered in time".into());
    }
    Ok(Window {
        calls: after.0 - before.0,
        records: after.1 - before.1,
        seconds,
        cpu_seconds: used.cpu_seconds - used_before.cpu_seconds,
    })
}
