//! Put every record, one `PutRecord` call each.
//!
//! Closed loop: a producer sends when its last record is acknowledged. Latency
//! is that of the call as its caller sees it, the SDK's retries included.

use std::time::Duration;

use aws_sdk_kinesis::primitives::Blob;
use tokio::task::JoinSet;

use super::Session;
use crate::failure::Failure;
use crate::load::payload;
use crate::measure::clock::{Stopwatch, pause};
use crate::measure::counters::is_throttle;
use crate::measure::latency::Latencies;
use crate::report::progress::Phase;
use crate::verify::Acked;

/// What came of producing.
#[derive(Debug)]
pub struct Produced {
    /// Every acknowledgement.
    pub acks: Vec<Acked>,
    /// How long the calls took.
    pub latencies: Latencies,
    /// From the first call to the last acknowledgement.
    pub elapsed: Duration,
}

/// Puts every record of the plan.
///
/// # Errors
/// When a record is refused, or throttled for longer than the run's patience.
pub async fn produce(session: &Session) -> Result<Produced, Failure> {
    let producers = session.settings.concurrency;
    let phase = session.progress.phase("producing", session.plan.records());
    let stopwatch = Stopwatch::start();
    let mut tasks = JoinSet::new();
    for producer in 0..producers {
        tasks.spawn(put_share(session.clone(), producer, phase.clone()));
    }
    let (mut acks, mut latencies) = (Vec::new(), Latencies::new());
    while let Some(share) = tasks.join_next().await {
        let (share_acks, share_latencies) = share.expect("a producer does not panic")?;
        acks.extend(share_acks);
        latencies.merge(&share_latencies);
    }
    Ok(Produced { acks, latencies, elapsed: stopwatch.elapsed() })
}

async fn put_share(
    session: Session,
    producer: usize,
    phase: Phase,
) -> Result<(Vec<Acked>, Latencies), Failure> {
    let (mut acks, mut latencies) = (Vec::new(), Latencies::new());
    for record in session.plan.share(producer, session.settings.concurrency) {
        let stopwatch = Stopwatch::start();
        let ack = put(&session, record, stopwatch).await?;
        latencies.record(stopwatch.elapsed());
        acks.push(ack);
        phase.advance(1);
    }
    Ok((acks, latencies))
}

/// Puts one record. When the SDK has given up on a throttle it is put again, as
/// a producer would, until patience ends.
async fn put(session: &Session, record: usize, since: Stopwatch) -> Result<Acked, Failure> {
    let key = session.plan.key(record);
    let call = session
        .client
        .put_record()
        .stream_name(&session.settings.stream)
        .partition_key(&key.partition_key)
        .set_explicit_hash_key(key.explicit_hash_key.map(|hash_key| hash_key.to_string()))
        .data(Blob::new(payload::data(record)));
    loop {
        let error = match call.clone().send().await {
            Ok(answer) => {
                return Ok(Acked {
                    record,
                    shard_id: answer.shard_id,
                    sequence_number: answer.sequence_number,
                });
            }
            Err(error) => error,
        };
        let throttled = error.as_service_error().is_some_and(is_throttle);
        if !throttled || since.elapsed() > session.settings.patience {
            return Err(Failure::call("PutRecord", &error));
        }
        // The SDK does not wait any more once its budget of retries is used up.
        pause(THROTTLED).await;
    }
}

const THROTTLED: Duration = Duration::from_millis(100);
