//! What `run`, `produce` and `compare` hold: targets opened, a scenario played
//! against them in turn, as often as was asked for, and saved runs in the end.
//!
//! Law: what was measured before something went wrong is kept and said to be partial.

mod foreseen;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use jiff::Timestamp;
use tokio::signal::ctrl_c;
use tokio::sync::{mpsc, watch};

use crate::cli::Settings;
use crate::commands::{PlayArgs, Rate};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::load::content::Content;
use crate::load::schedule::Pacing;
use crate::measure::clock::{Stopwatch, since_epoch};
use crate::measure::process::{self, Machine};
use crate::measure::recorder::Samples;
use crate::plan;
use crate::report::progress::Progress;
use crate::report::run::{self, Run, Sample, SelfOverhead};
use crate::scenario::catalogue::{Consume, Scenario};
use crate::scenario::play::{DEFAULT_SHARDS, Drivers, Played, Surroundings, play};
use crate::scenario::work::{Interrupt, Work};
use crate::target::choice::{Access, TargetChoice};
use crate::target::trust::Trust;
use crate::target::{Target, TargetKind};
use refusals::{refuse, refuse_too_large};

pub use foreseen::foresee;

/// What came of a session.
#[derive(Debug)]
pub struct Session {
    /// A run for each target, in their order.
    pub runs: Vec<Run>,
    /// Why it ended before its time, if it did.
    pub ended_by: Option<Failure>,
}

/// Where the record of each call goes at once; `None` collects them, if asked for.
pub type Listener = Option<mpsc::UnboundedSender<Sample>>;

/// Plays the scenario against each target in turn, again and again.
///
/// # Errors
/// When nothing could be measured.
pub async fn hold(
    scenario: Scenario,
    choices: &[TargetChoice],
    arguments: &PlayArgs,
    listener: Listener,
) -> Result<Session, Failure> {
    let interrupt = listen_for_interrupts();
    let profile = arguments.profile().map_err(Failure::Start)?;
    refuse(&scenario, choices, arguments, &profile)?;
    let content = arguments.content(&scenario).map_err(Failure::Start)?;
    refuse_too_large(&scenario, arguments, &content)?;
    let access = Access {
        driver: arguments.driver,
        is_http2: arguments.h2c,
        connections: arguments.connections,
        is_owned: arguments.i_own_this_endpoint,
        trust: Trust::with_file(arguments.ca_file.as_deref())?,
        profile,
        shards: 2 * arguments.shards.unwrap_or(DEFAULT_SHARDS),
    };
    let processes = processes(choices, &arguments.target_pids)?;
    let mut seats = Vec::with_capacity(choices.len());
    for (choice, process) in choices.iter().zip(processes.clone()) {
        let seat = Seat::open(scenario, choice, arguments, &access, content.clone(), process);
        seats.push(seat.await?);
    }
    if seats.len() > 1 {
        let id = format!("{:x}", since_epoch().as_nanos());
        seats.iter_mut().for_each(|seat| seat.run.session = Some(id.clone()));
    }
    if arguments.self_overhead {
        for (seat, choice) in seats.iter_mut().zip(choices) {
            let alone = overhead(scenario, choice, arguments, &access, &content, &interrupt);
            seat.run.self_overhead = Some(alone.await?);
        }
    }
    let measured: BTreeSet<String> =
        processes.into_iter().flatten().chain([SELF.to_owned()]).collect();
    let machine = (process::machine(), cpu_seconds(&measured));
    let ended_by = play_all(&mut seats, arguments, &interrupt, &listener).await;
    let mut runs: Vec<Run> = seats.into_iter().map(|seat| seat.run).collect();
    let load_after = Environment::load_average_now();
    let busy = busy_share(machine.0, cpu_seconds(&measured) - machine.1);
    for run in &mut runs {
        run.environment.load_average_after = load_after;
        run.environment.busy_share = busy;
        if let Some(failure) = &ended_by {
            run.notes.push(format!("partial: the session ended early: {failure}"));
        }
    }
    match ended_by {
        Some(failure) if runs.iter().all(|run| run.repetitions.is_empty()) => Err(failure),
        ended_by => Ok(Session { runs, ended_by }),
    }
}

/// The process of each target, as far as it is known: one that was given for each URL.
fn processes(choices: &[TargetChoice], pids: &[u32]) -> Result<Vec<Option<String>>, Failure> {
    let is_url = |choice: &&TargetChoice| matches!(choice, TargetChoice::Endpoint(_));
    let urls = choices.iter().filter(is_url).count();
    if !pids.is_empty() && pids.len() != urls {
        return Err(Failure::Start(format!(
            "there are {urls} targets with a URL and {} with --target-pid: give one for each URL, \
             in their order",
            pids.len()
        )));
    }
    let mut pids = pids.iter();
    let process = |choice: &TargetChoice| match choice {
        TargetChoice::Endpoint(_) => pids.next().map(ToString::to_string),
        TargetChoice::Aws => None,
        TargetChoice::InProcess
        | TargetChoice::Loopback
        | TargetChoice::Null
        | TargetChoice::NullTcp => Some(SELF.to_owned()),
    };
    Ok(choices.iter().map(process).collect())
}

/// What `/proc` calls the process that asks.
const SELF: &str = "self";

/// A target at the table, with what is known of it so far.
struct Seat {
    drivers: Drivers,
    work: Work,
    process: Option<String>,
    run: Run,
    /// Held for as long as it is called.
    _target: Target,
}

impl Seat {
    async fn open(
        scenario: Scenario,
        choice: &TargetChoice,
        arguments: &PlayArgs,
        access: &Access,
        content: Content,
        process: Option<String>,
    ) -> Result<Self, Failure> {
        let target = choice.open(access).await?;
        let work = work(scenario, arguments, content, target.kind() != TargetKind::Null)?;
        if choice.is_elsewhere() {
            eprintln!("{}", announcement(choice, &work, arguments));
        }
        let drivers = Drivers { put: target.driver(access)?, get: target.driver(access)? };
        let mut run = Run::new(
            choice.to_string(),
            scenario.name.to_owned(),
            target.told(access, arguments.poll_interval.as_secs_f64() * 1e3),
            settings(&work, arguments),
            environment(arguments),
            now(),
        );
        if process.as_deref() == Some(SELF) {
            run.notes.push(
                "processor time and memory are those of this process: client and target together"
                    .to_owned(),
            );
        }
        Ok(Self { drivers, work, process, run, _target: target })
    }
}

/// What the client alone costs: the same load, once, against canned answers that travel
/// as those of the target do.
async fn overhead(
    scenario: Scenario,
    choice: &TargetChoice,
    arguments: &PlayArgs,
    access: &Access,
    content: &Content,
    interrupt: &Interrupt,
) -> Result<SelfOverhead, Failure> {
    let nothing = match choice {
        TargetChoice::InProcess | TargetChoice::Null => TargetChoice::Null,
        TargetChoice::Loopback
        | TargetChoice::NullTcp
        | TargetChoice::Aws
        | TargetChoice::Endpoint(_) => TargetChoice::NullTcp,
    };
    // Consumers, resharding and larger records are the target's part: canned answers have none.
    let consume = match scenario.consume {
        Consume::FanOut => Consume::Polled,
        consume => consume,
    };
    let scenario = Scenario { consume, upheaval: None, record_kib_max: None, ..scenario };
    let own = Some(SELF.to_owned());
    let seat = Seat::open(scenario, &nothing, arguments, access, content.clone(), own).await?;
    let shards = seat.work.shards.or(Some(DEFAULT_SHARDS));
    let work = Work { is_adopted: false, shards, ..seat.work };
    let around = Surroundings {
        interrupt: interrupt.clone(),
        progress: Progress::on_stderr(),
        samples: None,
        process: None,
        pacing: Pacing::Thread,
    };
    let played = play(&Arc::new(work), &seat.drivers, &around).await?;
    let phases = &played.repetition.phases;
    let phase = phases.first().expect("there is always a phase that puts");
    let latency = phase.latency.as_ref().map(|latency| latency.uncorrected.summary);
    let summary = latency.unwrap_or_default();
    Ok(SelfOverhead {
        p50_us: summary.p50_us,
        p99_us: summary.p99_us,
        records_per_second: phase.records_per_second(),
    })
}

/// Why it ended early, if it did.
async fn play_all(
    seats: &mut [Seat],
    arguments: &PlayArgs,
    interrupt: &Interrupt,
    listener: &Listener,
) -> Option<Failure> {
    let stopwatch = Stopwatch::start();
    let warm_ups = usize::from(arguments.warm_up.is_some());
    let turns = warm_ups + arguments.repetitions;
    for turn in 0..turns {
        let is_warm_up = turn < warm_ups;
        for seat in &mut *seats {
            if *interrupt.borrow() {
                return Some(Failure::Interrupted);
            }
            let mut work = seat.work.clone();
            if is_warm_up {
                (work.records, work.duration) = (None, arguments.warm_up);
            }
            let is_kept = arguments.samples && !is_warm_up;
            let (samples, mut heard) = samples(listener, is_kept, is_warm_up);
            let around = Surroundings {
                interrupt: interrupt.clone(),
                progress: Progress::on_stderr(),
                samples,
                process: seat.process.clone(),
                pacing: Pacing::Thread,
            };
            let began = stopwatch.elapsed();
            let played = play(&Arc::new(work), &seat.drivers, &around).await;
            drop(around);
            let Played { mut repetition, breaches, notes, is_interrupted } = match played {
                Ok(played) => played,
                Err(failure) => return Some(failure),
            };
            if seat.run.settings.shards == 0 {
                seat.run.settings.shards = repetition.per_shard.len() as u64;
            }
            repetition.is_warm_up = is_warm_up;
            repetition.began_ms = began.as_secs_f64() * 1e3;
            while let Some(sample) = heard.as_mut().and_then(|heard| heard.try_recv().ok()) {
                repetition.samples.push(sample);
            }
            seat.run.repetitions.push(repetition);
            if !is_warm_up {
                seat.run.breaches.extend(breaches);
                for note in notes {
                    if !seat.run.notes.contains(&note) {
                        seat.run.notes.push(note);
                    }
                }
            }
            if is_interrupted {
                return Some(Failure::Interrupted);
            }
        }
    }
    None
}

fn samples(
    listener: &Listener,
    is_kept: bool,
    is_warm_up: bool,
) -> (Samples, Option<mpsc::UnboundedReceiver<Sample>>) {
    match listener {
        Some(listener) if !is_warm_up => (Some(listener.clone()), None),
        None if is_kept => {
            let (sender, receiver) = mpsc::unbounded_channel();
            (Some(sender), Some(receiver))
        }
        _ => (None, None),
    }
}

/// Hears Ctrl-C: the first ends the run in order, the second at once.
fn listen_for_interrupts() -> Interrupt {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        while ctrl_c().await.is_ok() {
            if sender.send_replace(true) {
                eprintln!("kinesis-bench: ended at once; the stream may be left behind");
                std::process::exit(130);
            }
            eprintln!("kinesis-bench: cleaning up; press Ctrl-C again to leave at once");
        }
        // Without a signal handler nobody interrupts; the channel stays open.
        std::future::pending::<()>().await;
    });
    receiver
}

fn work(
    scenario: Scenario,
    arguments: &PlayArgs,
    content: Content,
    is_verified: bool,
) -> Result<Work, Failure> {
    let defaults = scenario.defaults;
    let rate = match &arguments.rate {
        Some(Rate::Max) => None,
        Some(Rate::Shape(shape)) => Some(shape.clone()),
        None => defaults.rate.map(|rate| rate.parse().expect("a test parses them all")),
    };
    // A shape that ends by itself says how long the run is; then no number does.
    let duration = arguments.duration.or_else(|| match arguments.records {
        Some(_) => None,
        None => rate.as_ref().and_then(crate::load::rate::Shape::own_duration),
    });
    let records = match (arguments.records, duration) {
        (Some(records), _) => Some(records as u64),
        (None, Some(_)) => None,
        (None, None) => Some(defaults.records),
    };
    let merge = match scenario.produce.is_packed() {
        true => arguments.merge.unwrap_or(defaults.merge),
        false => 1,
    };
    let batch = match scenario.produce.is_in_batches() {
        true => {
            let bytes = content.bytes_about(arguments.seed) + KEY_BYTES_ABOUT;
            let room = (CALL_BYTES_MAX / bytes).max(1);
            match arguments.batch {
                Some(batch) if batch > room => {
                    return Err(Failure::Start(format!(
                        "{batch} records of {bytes} bytes exceed the 10 MiB of a PutRecords call: \
                         pass --batch {room} or less"
                    )));
                }
                Some(batch) => batch,
                None => defaults.batch.min(room),
            }
        }
        false => 1,
    };
    if merge > 1 {
        let bytes = content.bytes_about(arguments.seed) + KEY_BYTES_ABOUT;
        let room = (MERGED_BYTES_MAX / bytes).max(1);
        if merge > room {
            return Err(Failure::Start(format!(
                "{merge} messages of {bytes} bytes exceed the 50 KiB of one record that the KPL \
                 fills: pass --merge {room} or less"
            )));
        }
    }
    Ok(Work {
        scenario,
        stream: arguments.stream.clone(),
        is_adopted: arguments.existing,
        shards: arguments.shards.or((!arguments.existing).then_some(DEFAULT_SHARDS)),
        keys: arguments.keys.unwrap_or(defaults.keys),
        seed: arguments.seed,
        content,
        records,
        duration,
        rate,
        is_poisson: arguments.poisson,
        tasks: arguments.concurrency.unwrap_or(defaults.tasks),
        batch,
        merge,
        poll_interval: arguments.poll_interval,
        patience: arguments.patience,
        is_verified,
    })
}

/// A partition key, a stamp, and what is between them.
const KEY_BYTES_ABOUT: usize = 80;
/// What `PutRecords` takes.
const CALL_BYTES_MAX: usize = 10 << 20;
/// What the KPL fills a record to.
const MERGED_BYTES_MAX: usize = 51_200;

/// What is about to happen to a target that is not ours alone to load.
fn announcement(choice: &TargetChoice, work: &Work, arguments: &PlayArgs) -> String {
    let turns = (arguments.repetitions + usize::from(arguments.warm_up.is_some())) as u64;
    let shards = work.shards.unwrap_or(DEFAULT_SHARDS);
    let stream = if work.is_adopted {
        format!("the stream {}, which is there and stays,", work.stream)
    } else {
        format!("a stream {} of {shards} shards, made and deleted each time,", work.stream)
    };
    let load = match work.records_expected() {
        Some(records) => {
            let calls = (records as f64 / work.records_per_item()).ceil();
            let bytes = work.content.bytes_about(work.seed) as u64 * work.merge as u64;
            let units = records * bytes.div_ceil(25 * 1_024).max(1);
            format!(
                "about {} records in {} calls and {} payload units",
                records * turns,
                calls * turns as f64,
                units * turns
            )
        }
        None => {
            "as many records as it takes in".to_owned()
                + &work.duration.map_or(String::new(), |time| format!(" {time:?}"))
        }
    };
    let cost = cost(work, turns, shards).map_or(String::new(), |cost| format!("; {cost}"));
    format!("{choice} will have {stream} and {load}{cost}")
}

/// What AWS bills for that, as far as it is known beforehand.
fn cost(work: &Work, turns: u64, shards: usize) -> Option<String> {
    let records = (work.records_expected()? * turns) as f64;
    let bytes = (work.content.bytes_about(work.seed) * work.merge) as u64;
    let seconds = work.duration.map_or(0.0, |duration| duration.as_secs_f64()) * turns as f64;
    let is_fan_out = work.scenario.consume == Consume::FanOut;
    let read = records * bytes as f64;
    let usage = plan::bill::Usage {
        // A stream that is made and deleted each time has a begun hour each time.
        hours: (seconds / 3_600.0).ceil().max(turns as f64),
        shards: shards as u64,
        payload_units: records * plan::payload_units(bytes) as f64,
        in_rounded_bytes: records * plan::rounded_to_kib(bytes) as f64,
        in_bytes: read,
        out_bytes: if is_fan_out { 0.0 } else { read },
        fan_out_consumers: u64::from(is_fan_out),
        fan_out_bytes: if is_fan_out { read } else { 0.0 },
        retention_hours: 24.0,
    };
    let basis = plan::prices::Prices::published().region("us-east-1").ok()?;
    let bill = usage.bill(plan::bill::Mode::Provisioned, &basis)?;
    Some(format!(
        "on AWS that is about {:.0} shard-hours and {:.4} {} (us-east-1, prices of {})",
        usage.hours * usage.shards as f64,
        bill.total,
        basis.currency,
        basis.as_of
    ))
}

fn settings(work: &Work, arguments: &PlayArgs) -> run::Settings {
    let mut others = BTreeMap::new();
    let mut other = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            others.insert(name.to_owned(), value);
        }
    };
    let written = |duration: Duration| format!("{duration:?}");
    other("duration", work.duration.map(written));
    other("warm-up", arguments.warm_up.map(written));
    other("patience", Some(written(work.patience)));
    other("batch", (work.batch > 1).then(|| work.batch.to_string()));
    other("merge", (work.merge > 1).then(|| work.merge.to_string()));
    other("template", arguments.template.clone());
    other("arrivals", work.is_poisson.then(|| "poisson".to_owned()));
    other("existing", work.is_adopted.then(|| "true".to_owned()));
    let keys = work.keys.to_possible_value().expect("every key mode can be given by name");
    run::Settings {
        command: std::iter::once("kinesis-bench".to_owned())
            .chain(std::env::args().skip(1))
            .collect(),
        records: work.records,
        shards: work.shards.unwrap_or(0) as u64,
        concurrency: work.tasks as u64,
        load: if work.rate.is_some() { run::Load::Open } else { run::Load::Closed },
        rate: work.rate.as_ref().map(ToString::to_string),
        keys: keys.get_name().to_owned(),
        payload_bytes: match &work.content {
            Content::Sized(size) => Some(size.0 as u64),
            Content::Fixed(data) => Some(data.len() as u64),
            Content::Hello | Content::InTurn(_) | Content::Template(_) => None,
        },
        seed: work.seed,
        worker_threads: arguments.worker_threads as u64,
        others,
    }
}

fn environment(arguments: &PlayArgs) -> run::Environment {
    let mut settings = Settings::parse_from(["kinesis-bench"]);
    settings.worker_threads = arguments.worker_threads;
    run::Environment::from(&Environment::capture(&settings))
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let micros = i64::try_from(since_epoch().as_micros()).ok();
    micros.and_then(|us| Timestamp::from_microsecond(us).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What processes have used so far, together; one that has ended used nothing.
pub(crate) fn cpu_seconds(processes: &BTreeSet<String>) -> f64 {
    processes.iter().filter_map(|pid| process::usage(pid)).map(|usage| usage.cpu_seconds).sum()
}

/// What this process has used so far.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds(&BTreeSet::from([SELF.to_owned()]))
}

/// What others had of the machine since then, of which we had so much.
pub(crate) fn busy_share(machine: Option<Machine>, measured_cpu_seconds: f64) -> Option<f64> {
    process::share_of_others(machine?, process::machine()?, measured_cpu_seconds)
}

#[cfg(test)]
mod tests {
    use super::processes;
    use crate::target::choice::TargetChoice;

    #[test]
    fn each_url_has_the_process_that_was_given_for_it() {
        let choices: Vec<TargetChoice> =
            ["http://127.0.0.1:1", "in-process", "http://127.0.0.1:2", "aws"]
                .map(|text| text.parse().unwrap())
                .into();
        let of = |pids: &[u32]| processes(&choices, pids).map_err(|failure| failure.to_string());
        let named = |names: [Option<&str>; 4]| names.map(|name| name.map(str::to_owned)).to_vec();
        assert_eq!(of(&[7, 8]), Ok(named([Some("7"), Some("self"), Some("8"), None])));
        assert_eq!(of(&[]), Ok(named([None, Some("self"), None, None])));
        let refusal = of(&[7]).unwrap_err();
        assert!(refusal.contains("2 targets with a URL and 1 with --target-pid"), "{refusal}");
    }
}
