//! What a run says of a target whose behaviour is known to the millisecond: all of it
//! in a time that stands still while there is something to do, so that the speed of
//! the machine is no part of any figure.

use std::sync::Arc;
use std::time::Duration;

use kinesis_bench::driver::DriverKind;
use kinesis_bench::load::content::{Content, Size};
use kinesis_bench::load::keys::KeyMode;
use kinesis_bench::load::schedule::Pacing;
use kinesis_bench::plan::estimate::{Limit, Workload};
use kinesis_bench::plan::prices::Prices;
use kinesis_bench::report::progress::Progress;
use kinesis_bench::report::run::{Phase, Repetition};
use kinesis_bench::scenario::catalogue::{Consume, Scenario};
use kinesis_bench::scenario::play::{Drivers, Surroundings, play};
use kinesis_bench::scenario::work::Work;
use kinesis_bench::scenario::{put, put_batch};
use kinesis_bench::target::choice::Access;
use kinesis_bench::target::trust::Trust;
use kinesis_bench::target::{Profile, Target};
use kinesis_emulator::{Clock, Emulator, Limits, Rule};
use tokio::sync::watch;

const STALL: &str = include_str!("../examples/stall.json");

/// An emulator in the runtime's time.
fn emulator(limits: Limits) -> Emulator {
    Emulator::builder().clock(Clock::tokio()).limits(limits).in_process()
}

fn work(scenario: Scenario, rate: &str, duration: Duration) -> Work {
    Work {
        scenario,
        stream: "test-stream".to_owned(),
        is_adopted: false,
        shards: Some(4),
        keys: KeyMode::ExplicitHash,
        seed: 1,
        content: Content::Sized(Size(100)),
        records: None,
        duration: Some(duration),
        rate: Some(rate.parse().unwrap()),
        is_poisson: false,
        tasks: 1,
        batch: 1,
        merge: 1,
        poll_interval: Duration::from_secs(1),
        patience: Duration::from_secs(600),
        is_verified: true,
    }
}

/// Plays it once, and everything that was promised holds.
async fn played(work: Work, emulator: Emulator, driver: DriverKind) -> Repetition {
    let target = Target::InProcess(Arc::new(emulator));
    let access = Access {
        driver,
        is_http2: false,
        connections: 1,
        is_owned: false,
        trust: Trust::default(),
        shards: 4,
        profile: Profile::default(),
    };
    let driver = || target.driver(&access).unwrap();
    let drivers = Drivers { put: driver(), get: driver() };
    let (_nobody_interrupts, interrupt) = watch::channel(false);
    let around = Surroundings {
        interrupt,
        progress: Progress::Silent,
        samples: None,
        process: None,
        pacing: Pacing::Runtime,
    };
    let played = play(&Arc::new(work), &drivers, &around).await.unwrap();
    assert_eq!(played.breaches, Vec::<String>::new());
    played.repetition
}

fn records_in(phase: &Phase, second: u64) -> u64 {
    phase.series.iter().filter(|entry| entry.second == second).map(|entry| entry.records).sum()
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_a_second_is_in_the_corrected_tail_and_no_sample_is_missing() {
    let emulator = emulator(Limits::off());
    for rule in Rule::list_from_json(STALL).unwrap() {
        emulator.faults().add(rule).unwrap();
    }
    let work = work(put::SCENARIO, "200", Duration::from_secs(10));
    let repetition = played(work, emulator, DriverKind::Sdk).await;
    let phase = &repetition.phases[0];
    let latency = phase.latency.as_ref().unwrap();
    let (corrected, uncorrected) =
        (latency.corrected.as_ref().unwrap().summary, latency.uncorrected.summary);

    // The clock had 2,000 records fall due, stalled or not, and each has been timed.
    assert_eq!((phase.records, corrected.count, uncorrected.count), (2_000, 2_000, 2_000));
    // Whoever asked during the stall waited for the rest of it: a tenth of all records.
    let in_tail = |us: u64| (900_000..=1_010_000).contains(&us);
    assert!(in_tail(corrected.p999_us) && in_tail(corrected.max_us), "{corrected:?}");
    assert!((400_000..600_000).contains(&corrected.p95_us), "{corrected:?}");
    assert!(corrected.p50_us < 10_000, "{corrected:?}");
    // Timed from the actual start a single call was slow, and no percentile tells.
    assert!(uncorrected.p999_us < 10_000 && in_tail(uncorrected.max_us), "{uncorrected:?}");
    // The stall is where it was: the 1,001st record fell due after five seconds.
    assert_eq!(records_in(phase, 4), 200, "{:?}", phase.series);
    assert!(records_in(phase, 5) <= 1, "{:?}", phase.series);
    assert!(records_in(phase, 6) >= 399, "{:?}", phase.series);
}

/// A load and how long it takes until a shard too few is felt: a shard saves up
/// one second's worth, which the excess has to use up.
struct Load {
    record_bytes: u64,
    rate: &'static str,
    /// Records of a PutRecords call.
    batch: usize,
    seconds: u64,
    shards: u64,
    binding: Limit,
}

impl Load {
    /// Throttles of putting and of reading with so many shards.
    async fn throttles(&self, shards: u64) -> (u64, u64) {
        // Readers are at work, too: one consumer that polls each shard once a second.
        let scenario = Scenario { consume: Consume::Polled, ..put_batch::SCENARIO };
        // Of an explicit hash key no byte counts; the partition keys are pk-0 to pk-9.
        let payload = usize::try_from(self.record_bytes).unwrap() - "pk-0".len();
        let work = Work {
            shards: Some(usize::try_from(shards).unwrap()),
            content: Content::Sized(Size(payload)),
            batch: self.batch,
            tasks: 4,
            ..work(scenario, self.rate, Duration::from_secs(self.seconds))
        };
        let repetition = played(work, emulator(Limits::aws()), DriverKind::Native).await;
        let [produce, consume] = &repetition.phases[..] else { panic!("two phases") };
        let put = self.rate.parse::<f64>().unwrap() * self.seconds as f64;
        assert_eq!((produce.records, consume.records), (put as u64, put as u64));
        (produce.throttles, consume.throttles)
    }
}

#[tokio::test(start_paused = true)]
async fn the_estimated_shards_run_without_a_throttle_and_one_fewer_throttles() {
    let prices = Prices::published().region("us-east-1").unwrap();
    let (records, bytes) = (Limit::WriteRecords, Limit::WriteBytes);
    for load in [
        // To the last record of what three shards take.
        Load { record_bytes: 64, rate: "3000", batch: 30, seconds: 3, shards: 3, binding: records },
        Load {
            record_bytes: 500,
            rate: "1500",
            batch: 30,
            seconds: 3,
            shards: 2,
            binding: records,
        },
        // To the last byte of what two shards take.
        Load { record_bytes: 16_384, rate: "128", batch: 4, seconds: 2, shards: 2, binding: bytes },
        Load { record_bytes: 262_144, rate: "7", batch: 1, seconds: 2, shards: 2, binding: bytes },
    ] {
        let workload = Workload {
            record_bytes: load.record_bytes,
            records_per_second: load.rate.parse().unwrap(),
            ..Workload::default()
        };
        let estimate = workload.estimate(&prices).unwrap();
        let what = format!("{} records/s of {} bytes", load.rate, load.record_bytes);
        assert_eq!((estimate.shards, estimate.binding), (load.shards, load.binding), "{what}");
        assert_eq!(load.throttles(load.shards).await, (0, 0), "{what}");
        let (put, read) = load.throttles(load.shards - 1).await;
        assert!(put > 0, "{what} are not throttled by {} shards", load.shards - 1);
        assert_eq!(read, 0, "{what}: reading has room with every number of shards");
    }
}
