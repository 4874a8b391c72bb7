//! What a user of the AWS SDK sees: a thousand puts one after the other, and how
//! long four readers take for a thousand records.

use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use kinesis_bench::Settings;
use kinesis_bench::driver::{Driver, DriverKind, Outgoing};
use kinesis_bench::measure::clock::Stopwatch;
use kinesis_bench::report::progress::Progress;
use kinesis_bench::scenario::thousand_four;
use kinesis_bench::target::Target;
use kinesis_bench::target::process::ServerProcess;

use crate::connect::open;
use crate::requests::{STREAM, stream};
use crate::row::{Bound, Row, Unit};
use crate::{Contenders, Outcome, Plan, turns};

const RECORDS: f64 = 1_000.0;
/// Reading is short; more rounds of it say more.
const READS_PER_ROUND: usize = 3;

pub(crate) async fn measure(plan: &Plan, contenders: &Contenders) -> Outcome<Vec<Row>> {
    let what = "the SDK's 1,000 sequential puts";
    let puts = turns::interleave(
        what,
        (plan.rounds, plan.sdk_turns),
        contenders.all(),
        Puts::begin,
        Puts::turn,
        |puts| puts.microseconds(),
    );
    let puts = puts.await?;
    let row = |what, measured| turns::row(what, Unit::Microseconds, measured, |us: f64| us);
    let puts = row(what, &puts).bound(Bound::TimesNullAtMost(1.10));

    let what = "1,000 records read by four SDK readers: consume phase";
    let rounds = READS_PER_ROUND * plan.rounds;
    let reads =
        turns::take(what, rounds, contenders.real(), async |_, server| consume(server).await);
    let reads = row(what, &reads.await?).bound(Bound::AtMost(8_000.0));
    Ok(vec![puts, reads])
}

/// One server's client and the puts it has made in its turns, each when the last was answered.
struct Puts {
    driver: Driver,
    /// Those that count.
    made: usize,
    /// All turns together: a put that takes longer than others counts as well.
    took: Duration,
}

impl Puts {
    async fn begin(server: &ServerProcess) -> Outcome<Self> {
        let (_, driver) = open(server, DriverKind::Sdk).await?;
        stream(&driver, 4).await?;
        let puts = Self { driver, made: 0, took: Duration::ZERO };
        // The connection and whatever a client does once.
        for number in 0..PUTS_BEFORE {
            puts.put(number).await?;
        }
        Ok(puts)
    }

    async fn put(&self, number: usize) -> Outcome<()> {
        let record = Outgoing {
            partition_key: format!("pk-{}", number % 4),
            explicit_hash_key: None,
            data: Bytes::from(format!("hello-{number:04}")),
        };
        self.driver.put_record(STREAM, &record).await?;
        Ok(())
    }

    async fn turn(&mut self) -> Outcome<()> {
        // Others had the processor; what it costs to have it back is no put's.
        self.put(self.made).await?;
        let stopwatch = Stopwatch::start();
        for _ in 0..PUTS_PER_TURN {
            self.put(self.made).await?;
            self.made += 1;
            if stopwatch.elapsed() > TURN_MAX {
                break;
            }
        }
        self.took += stopwatch.elapsed();
        Ok(())
    }

    /// For a thousand.
    fn microseconds(&self) -> f64 {
        self.took.as_secs_f64() * 1e6 * RECORDS / self.made as f64
    }
}

/// A server that compiles itself as it runs has done so by then.
const PUTS_BEFORE: usize = 100;
const PUTS_PER_TURN: usize = 25;
/// A slow server answers fewer puts, so that the others' turns stay close to each other.
const TURN_MAX: Duration = Duration::from_millis(25);

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
