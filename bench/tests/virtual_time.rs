//! What a run says of a target whose behaviour is known to the millisecond: all of it
//! in a time that stands still while there is something to do, so that the speed of
//! the machine is no part of any figure.

use std::sync::Arc;
use std::time::Duration;

use kinesis_bench::driver::{Driver, DriverKind, Position};
use kinesis_bench::load::content::{Content, Size};
use kinesis_bench::load::keys::KeyMode;
use kinesis_bench::load::schedule::Pacing;
use kinesis_bench::measure::clock::{pause, runtime_now};
use kinesis_bench::plan::estimate::{Limit, Workload};
use kinesis_bench::plan::keys::KeyDistribution;
use kinesis_bench::plan::prices::Prices;
use kinesis_bench::report::progress::Progress;
use kinesis_bench::report::run::{Phase, Repetition};
use kinesis_bench::scenario::catalogue::{Consume, Scenario};
use kinesis_bench::scenario::play::{Drivers, Surroundings, play};
use kinesis_bench::scenario::stream::OwnStream;
use kinesis_bench::scenario::work::Work;
use kinesis_bench::scenario::{put, put_batch};
use kinesis_bench::target::choice::Access;
use kinesis_bench::target::trust::Trust;
use kinesis_bench::target::{Profile, Target};
use kinesis_emulator::{Clock, Emulator, Limits, Rule};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

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

fn driver(emulator: &Arc<Emulator>, kind: DriverKind) -> Driver {
    let access = Access {
        driver: kind,
        is_http2: false,
        connections: 1,
        is_owned: false,
        trust: Trust::default(),
        shards: 4,
        profile: Profile::default(),
    };
    Target::InProcess(Arc::clone(emulator)).driver(&access).unwrap()
}

/// Plays it once, and everything that was promised holds.
async fn played(work: Work, emulator: impl Into<Arc<Emulator>>, kind: DriverKind) -> Repetition {
    let emulator = emulator.into();
    let drivers = Drivers { put: driver(&emulator, kind), get: driver(&emulator, kind) };
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

/// Records of `pk-0` and the like, most of them with one key if `is_hot`; throttles of
/// putting them on so many shards.
async fn throttles_of_100_bytes(
    rate: &'static str,
    seconds: u64,
    shards: u64,
    is_hot: bool,
) -> u64 {
    let work = Work {
        shards: Some(usize::try_from(shards).unwrap()),
        keys: if is_hot { KeyMode::Hot } else { KeyMode::Uniform },
        batch: 50,
        tasks: 4,
        is_verified: false,
        ..work(put_batch::SCENARIO, rate, Duration::from_secs(seconds))
    };
    let repetition = played(work, emulator(Limits::aws()), DriverKind::Native).await;
    repetition.phases[0].throttles
}

#[tokio::test(start_paused = true)]
async fn a_hot_key_is_given_shards_until_its_own_is_full_and_no_more_help_it() {
    let prices = Prices::published().region("us-east-1").unwrap();
    let workload = |rate: &str, share| Workload {
        record_bytes: 104,
        records_per_second: rate.parse().unwrap(),
        keys: if share > 0.0 { KeyDistribution::Hot { share } } else { KeyDistribution::Even },
        ..Workload::default()
    };
    // The bench's hot key has four of five records.
    let shards = |rate, share| workload(rate, share).estimate(&prices).map(|found| found.shards);
    assert_eq!((shards("1150", 0.0).unwrap(), shards("1150", 0.8).unwrap()), (2, 3));
    assert_eq!(throttles_of_100_bytes("1150", 5, 2, false).await, 0);
    // Two shards are 3.5 % too few: that takes 29 seconds to use up a second's worth.
    assert_eq!(throttles_of_100_bytes("1150", 32, 3, true).await, 0);
    assert!(throttles_of_100_bytes("1150", 32, 2, true).await > 0);

    let refused = shards("2000", 0.8).unwrap_err().to_string();
    assert!(refused.contains("a key has one shard, however many there are"), "{refused}");
    assert!(throttles_of_100_bytes("2000", 4, 50, true).await > 0);
}

/// How consumers read.
#[derive(Clone, Copy)]
enum Reads {
    /// By GetRecords, each shard once a second.
    Shared,
    /// By SubscribeToShard.
    FanOut,
}

/// Consumers of a stream into which records of 16 KiB are put, `rate` a second.
struct Consumers {
    reads: Reads,
    count: u64,
    rate: u64,
    shards: u64,
}

impl Consumers {
    const SECONDS: u64 = 6;

    /// Throttles of all consumers together, and how far behind the slowest was in the end.
    async fn watched(&self) -> (u64, Duration) {
        let emulator = Arc::new(emulator(Limits::aws()));
        let client = emulator.client();
        let shards = usize::try_from(self.shards).unwrap();
        let stream = OwnStream::create(&client, "test-stream", shards).await.unwrap();
        stream.wait_until_active().await.unwrap();
        let records = self.rate * Self::SECONDS;
        let mut tasks = JoinSet::new();
        for consumer in 0..self.count {
            let driver = driver(&emulator, DriverKind::Native);
            let arn = match self.reads {
                Reads::Shared => None,
                Reads::FanOut => {
                    Some(stream.register_consumer(&format!("consumer-{consumer}")).await.unwrap())
                }
            };
            let late = Duration::from_secs(1).mul_f64(consumer as f64 / self.count as f64);
            tasks.spawn(async move {
                pause(late).await;
                match arn {
                    None => poll(&driver, records).await,
                    Some(arn) => listen(&driver, &arn, records).await,
                }
            });
        }
        let work = Work {
            is_adopted: true,
            shards: None,
            content: Content::Sized(Size(16_384 - "pk-0".len())),
            tasks: 4,
            is_verified: false,
            ..work(put::SCENARIO, &self.rate.to_string(), Duration::from_secs(Self::SECONDS))
        };
        let repetition = played(work, Arc::clone(&emulator), DriverKind::Native).await;
        assert_eq!((repetition.phases[0].records, repetition.phases[0].throttles), (records, 0));
        let put = runtime_now();
        let throttles = tasks.join_all().await.into_iter().sum();
        (throttles, put.elapsed())
    }
}

/// Reads each shard once a second until there were so many records; how often it was
/// told to come back later.
async fn poll(driver: &Driver, records: u64) -> u64 {
    let mut iterators = Vec::new();
    for shard in driver.list_shards("test-stream").await.unwrap() {
        let position = Position::Oldest;
        let iterator = driver.get_shard_iterator("test-stream", &shard.shard_id, &position).await;
        iterators.push(iterator.unwrap());
    }
    let (mut read, mut throttles) = (0, 0);
    while read < records {
        for iterator in &mut iterators {
            match driver.get_records(iterator).await {
                Ok(fetched) => {
                    read += fetched.records.len() as u64;
                    *iterator = fetched.next.unwrap();
                }
                Err(refusal) if refusal.is_throttle() => throttles += 1,
                Err(refusal) => panic!("{refusal}"),
            }
        }
        pause(Duration::from_secs(1)).await;
    }
    throttles
}

/// Hears all shards until there were so many records; nobody tells it to come back later.
async fn listen(driver: &Driver, arn: &str, records: u64) -> u64 {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let mut shards = JoinSet::new();
    for shard in driver.list_shards("test-stream").await.unwrap() {
        let (driver, arn, sender) = (driver.clone(), arn.to_owned(), sender.clone());
        shards.spawn(async move {
            let position = Position::Oldest;
            let subscribed = driver.subscribe_to_shard(&arn, &shard.shard_id, &position).await;
            let mut subscription = subscribed.unwrap();
            while let Some(event) = subscription.next().await.unwrap() {
                if sender.send(event.records.len() as u64).is_err() {
                    return;
                }
            }
        });
    }
    let mut read = 0;
    while read < records {
        read += heard.recv().await.unwrap();
    }
    0
}

#[tokio::test(start_paused = true)]
async fn consumers_share_what_a_shard_gives_unless_each_has_its_own() {
    let prices = Prices::published().region("us-east-1").unwrap();
    let estimate = |shared, fan_out, rate: u64| {
        let workload = Workload {
            record_bytes: 16_384,
            records_per_second: rate as f64,
            shared_consumers: shared,
            fan_out_consumers: fan_out,
            ..Workload::default()
        };
        workload.estimate(&prices).unwrap()
    };
    let watched = |reads, count, rate, shards| async move {
        Consumers { reads, count, rate, shards }.watched().await
    };
    // 64 records of 16 KiB are all that a shard takes, and half of what it gives.
    assert_eq!((estimate(2, 0, 64).shards, estimate(3, 0, 64).shards), (1, 2));
    assert_eq!(estimate(3, 0, 64).binding, Limit::SharedReadBytes);
    assert_eq!(watched(Reads::Shared, 2, 64, 1).await.0, 0);
    assert!(watched(Reads::Shared, 3, 64, 1).await.0 > 0);
    assert_eq!(watched(Reads::Shared, 3, 64, 2).await.0, 0);

    // With enhanced fan-out one shard is enough for them, and none falls behind.
    assert_eq!(estimate(0, 3, 64).shards, 1);
    let (_, behind) = watched(Reads::FanOut, 3, 64, 1).await;
    assert!(behind < Duration::from_secs(1), "{behind:?}");

    // Of five calls a second on each shard a sixth consumer gets none, whatever the shards.
    let calls = |consumers| {
        let needs = estimate(consumers, 0, 4).needs;
        let need = needs.into_iter().find(|need| need.limit == Limit::SharedReadCalls).unwrap();
        (need.utilisation, need.shards)
    };
    assert_eq!((calls(5), calls(6)), ((1.0, None), (1.2, None)));
    assert_eq!(watched(Reads::Shared, 5, 4, 1).await.0, 0);
    for shards in [1, 3] {
        assert!(watched(Reads::Shared, 6, 4, shards).await.0 > 0);
    }
}
