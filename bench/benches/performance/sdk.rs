//! What a user of the AWS SDK sees: a thousand puts one after the other, and how
//! long four readers take for a thousand records.

use bytes::Bytes;
use clap::Parser;
use kinesis_bench::Settings;
use kinesis_bench::driver::{DriverKind, Outgoing};
use kinesis_bench::measure::clock::Stopwatch;
use kinesis_bench::report::progress::Progress;
use kinesis_bench::scenario::thousand_four;
use kinesis_bench::target::Target;
use kinesis_bench::target::process::ServerProcess;

use crate::connect::open;
use crate::requests::{STREAM, stream};
use crate::row::{Bound, Row, Unit};
use crate::{Contenders, Outcome, Plan, turns};

const RECORDS: usize = 1_000;
/// A round is short; more of them say more.
const ROUNDS_PER_ROUND: usize = 3;

pub(crate) async fn measure(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let rounds = ROUNDS_PER_ROUND * plan.rounds;
    let puts =
        turns::take(rounds, contenders.all(), async |_, server| sequential_puts(server).await)
            .await?;
    let reads =
        turns::take(rounds, contenders.real(), async |_, server| consume(server).await).await?;
    let row = |what, measured| turns::row(what, Unit::Microseconds, measured, |us: f64| us);
    Ok(vec![
        row("the SDK's 1,000 sequential puts", &puts).bound(Bound::TimesNullAtMost(1.10)),
        row("1,000 records read by four SDK readers: consume phase", &reads)
            .bound(Bound::AtMost(8_000.0)),
    ])
}

/// Microseconds for all of them.
async fn sequential_puts(server: &ServerProcess) -> Outcome<f64> {
    let (_target, driver) = open(server, DriverKind::Sdk).await?;
    let _stream = stream(&driver, 4).await?;
    let put = async |number: usize| {
        let record = Outgoing {
            partition_key: format!("pk-{}", number % 4),
            explicit_hash_key: None,
            data: Bytes::from(format!("hello-{number:04}")),
        };
        driver.put_record(STREAM, &record).await
    };
    // The connection and whatever a client does once.
    put(0).await?;
    let stopwatch = Stopwatch::start();
    for number in 0..RECORDS {
        put(number).await?;
    }
    Ok(stopwatch.elapsed().as_secs_f64() * 1e6)
}

/// Microseconds from the first iterator to the last record.
async fn consume(server: &ServerProcess) -> Outcome<f64> {
    let url = server.url();
    let settings = Settings::try_parse_from(["kinesis-bench", "--endpoint", &url])?;
    let target = Target::open(&settings, None).await?;
    let measured = thousand_four::run(&settings, &target, Progress::on_stderr()).await?;
    if !measured.verdict.holds() {
        return Err(format!("{url} has not kept its promises").into());
    }
    Ok(measured.consume_elapsed.as_secs_f64() * 1e6)
}
