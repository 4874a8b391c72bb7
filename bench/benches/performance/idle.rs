//! A server that nobody calls.

use kinesis_bench::driver::DriverKind;
use kinesis_bench::measure::clock::pause;

use crate::connect::open;
use crate::requests::stream;
use crate::row::{Bound, Row, Unit};
use crate::{Contenders, Outcome, Plan, turns};

pub(crate) async fn measure(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let what = "idle: resident memory";
    let memory = turns::take(what, plan.rounds, contenders.all(), async |_, server| {
        pause(plan.settle).await;
        Ok(server.usage()?.rss_bytes as f64)
    });
    let memory = turns::row(what, Unit::Bytes, &memory.await?, |bytes: f64| bytes);
    let server = contenders.ours.start()?;
    let (_target, driver) = open(&server, DriverKind::Native).await?;
    let _stream = stream(&driver, 4).await?;
    pause(plan.settle).await;
    let before = server.usage()?.cpu_seconds;
    pause(plan.idle).await;
    let used = (server.usage()?.cpu_seconds - before) * 1e6;
    let what = format!("idle with a stream for {} s: server CPU", plan.idle.as_secs());
    let cpu = Row::new(what, Unit::Microseconds).figure(&contenders.ours.name, vec![used]);
    Ok(vec![memory.bound(Bound::AtMost(IDLE_BYTES_MAX)), cpu.bound(Bound::AtMost(0.0))])
}

const IDLE_BYTES_MAX: f64 = 8.0 * 1024.0 * 1024.0;
