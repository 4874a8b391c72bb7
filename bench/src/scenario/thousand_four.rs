//! The measurement this package began with: a thousand records, four readers.
//!
//! Create a stream, put each record with one call, then read them all with one
//! task per shard. The headline is the time of reading; creating the stream and
//! putting the records come before it. The stream is deleted whatever happens:
//! success, failure or Ctrl-C.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::ctrl_c;

use super::Session;
use super::catalogue::{COMMON, Defaults, Scenario};
use super::consume::consume;
use super::produce::produce;
use super::stream::OwnStream;
use crate::cli::Settings;
use crate::failure::Failure;
use crate::load::keys::{KeyMode, KeyPlan};
use crate::measure::counters::{CallCounts, Counters};
use crate::measure::latency::Latencies;
use crate::report::progress::Progress;
use crate::target::Target;
use crate::verify::{ShardReading, Verdict};

/// The same as data, for `run thousand-four`.
pub const SCENARIO: Scenario = Scenario {
    name: "thousand-four",
    summary: "the default: 1,000 single puts, then a reader per shard reads them all",
    defaults: Defaults {
        records: 1_000,
        tasks: 1,
        keys: KeyMode::Seed,
        payload_bytes: None,
        ..COMMON.defaults
    },
    ..COMMON
};

/// What one run found.
#[derive(Debug)]
pub struct Measurement {
    /// From the first put to the last acknowledgement.
    pub produce_elapsed: Duration,
    /// The headline: from the start of consuming until all tasks were done.
    pub consume_elapsed: Duration,
    /// How long the puts took.
    pub put_latencies: Latencies,
    /// The calls of producing.
    pub produce_calls: CallCounts,
    /// The calls of consuming.
    pub consume_calls: CallCounts,
    /// Everything that was read, by shard.
    pub readings: Vec<ShardReading>,
    /// Whether the target kept its promises.
    pub verdict: Verdict,
}

/// Makes the measurement.
///
/// # Errors
/// When it could not be made to the end.
pub async fn run(
    settings: &Settings,
    target: &Target,
    progress: Progress,
) -> Result<Measurement, Failure> {
    let counters = Counters::default();
    let client = target.client(&counters);
    // Spawned, so that Ctrl-C is heard from here on, while the stream is being created too.
    let interrupt = tokio::spawn(ctrl_c());

    let stream = OwnStream::create(&client, &settings.stream, settings.shards).await?;
    let outcome = tokio::select! {
        outcome = measure(settings, &client, &stream, &counters, progress) => outcome,
        _ = interrupt => Err(Failure::Interrupted),
    };
    match (outcome, stream.delete().await) {
        (Ok(measurement), Ok(())) => Ok(measurement),
        (Ok(_), Err(left_behind)) => Err(left_behind),
        (Err(failure), Ok(())) => Err(failure),
        (Err(failure), Err(left_behind)) => {
            Err(Failure::Answer(format!("{failure}; moreover, {left_behind}")))
        }
    }
}

async fn measure(
    settings: &Settings,
    client: &aws_sdk_kinesis::Client,
    stream: &OwnStream,
    counters: &Counters,
    progress: Progress,
) -> Result<Measurement, Failure> {
    stream.wait_until_active().await?;
    let map = stream.shard_map(settings.shards).await?;
    let plan = KeyPlan::new(settings.keys, &map, settings.records, settings.seed)?;
    let session = Session {
        client: client.clone(),
        settings: Arc::new(settings.clone()),
        plan: Arc::new(plan),
        progress,
    };

    let before = counters.counted();
    let produced = produce(&session).await?;
    let between = counters.counted();
    let consumed = consume(&session, &map).await?;
    let after = counters.counted();

    let consume_elapsed = consumed.elapsed;
    let readings = consumed.sweep().await?;
    let verdict = Verdict::new(&session.plan, &map, &produced.acks, &readings);
    Ok(Measurement {
        produce_elapsed: produced.elapsed,
        consume_elapsed,
        put_latencies: produced.latencies,
        produce_calls: between.since(before),
        consume_calls: after.since(between),
        readings,
        verdict,
    })
}
