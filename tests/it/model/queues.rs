//! Random calls on queues against a queue that is too simple to be wrong: a
//! list of all records in the order of their arrival.
//!
//! What it shows: no record is lost, none is in flight twice at a time, what is
//! acknowledged never returns, and every count and every refusal is right,
//! through scaling, time, retention, updates and snapshots. A failure prints
//! its seed; `SEED=n` runs that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinesis_emulator::{Clock, Emulator, Snapshot};
use serde_json::{Value, json};

use super::chance::Chance;
use crate::support::directory::Directory;
use crate::support::raw::{Raw, START, list, put_input, text};

const SEEDS: u64 = 40;
const CALLS: usize = 300;
const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const HOUR_MILLIS: u64 = 3_600_000;

#[test]
fn queues_do_what_the_simplest_queue_does() {
    run_seeds(|_| None);
}

#[test]
fn what_the_simplest_queue_does_survives_the_end_of_the_process() {
    run_seeds(|seed| Some(Directory::new(&format!("queues-{seed}"))));
}

fn run_seeds(directory: impl Fn(u64) -> Option<Directory>) {
    let seed = std::env::var("SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seeds = seed.map_or(0..SEEDS, |seed| seed..seed + 1);
    let mut seen = Seen::default();
    for seed in seeds.clone() {
        let run = catch_unwind(AssertUnwindSafe(|| Run::new(seed, directory(seed)).run(&mut seen)));
        run.unwrap_or_else(|panic| {
            eprintln!("repeat with: SEED={seed} cargo test -p kinesis-tests the_simplest_queue");
            resume_unwind(panic);
        });
    }
    let Seen { received, again, dead, done, stale, expired } = seen;
    println!("{seen:?}");
    if seeds.end - seeds.start == SEEDS {
        let least = [received, again, dead, done, stale, expired].into_iter().min();
        assert!(least > Some(50), "the calls have lost their way: {seen:?}");
    }
}

/// How often what was worth seeing was seen.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    received: usize,
    again: usize,
    dead: usize,
    done: usize,
    stale: usize,
    expired: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Normal,
    Dead,
}

/// A record as the simplest queue keeps it.
#[derive(Debug)]
struct Record {
    data: String,
    arrival: u64,
    side: Side,
    hidden_until: Option<u64>,
    receives: u64,
    first_received: u64,
    done: bool,
    /// Of every delivery, with the side it was made on.
    handles: Vec<(String, Side)>,
}

/// All that is known of one queue.
struct Simplest {
    arn: String,
    max_receives: Option<u64>,
    records: Vec<Record>,
}

impl Simplest {
    fn settle(&mut self, now: u64) {
        for record in self.records.iter_mut().filter(|record| !record.done) {
            if record.hidden_until.is_some_and(|until| until <= now) {
                record.hidden_until = None;
                if self.max_receives.is_some_and(|most| record.receives >= most) {
                    record.side = Side::Dead;
                }
            }
        }
    }
}

struct Run {
    chance: Chance,
    raw: Raw,
    /// Where the emulator keeps everything, if it does.
    directory: Option<Directory>,
    queues: Vec<Simplest>,
    retention_hours: u64,
    expired_before: u64,
    puts: usize,
}

impl Run {
    fn new(seed: u64, directory: Option<Directory>) -> Self {
        let raw = Raw::with(|builder| match &directory {
            Some(directory) => directory.keep_small(builder.seed(seed)),
            None => builder.seed(seed),
        });
        let mode = json!({"StreamMode": "ON_DEMAND"});
        raw.done("CreateStream", json!({"StreamName": "s", "StreamModeDetails": mode}));
        let commitment = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
        raw.ok("UpdateAccountSettings", commitment);
        let mut run = Self {
            chance: Chance::new(seed),
            raw,
            directory,
            queues: Vec::new(),
            retention_hours: 24,
            expired_before: 0,
            puts: 0,
        };
        for (name, most) in [("a", Some(6)), ("b", Some(2)), ("c", None)] {
            let created = run.raw.ok(
                "CreateQueue",
                json!({
                    "QueueName": name,
                    "StreamConfigurationList": [{"StreamARN": STREAM}],
                    "QueueAttributes": attributes(most),
                }),
            );
            let arn = text(&created["QueueDescription"]["QueueARN"]);
            run.queues.push(Simplest { arn, max_receives: most, records: Vec::new() });
        }
        run
    }

    fn now(&self) -> u64 {
        self.raw.emulator.clock().now().as_millis()
    }

    fn run(mut self, seen: &mut Seen) {
        for _ in 0..CALLS {
            self.step(seen);
        }
        // Nothing is lost: whoever goes on receiving gets all that is left.
        for place in 0..self.queues.len() {
            for _ in 0..100 {
                self.receive(place, Side::Normal, seen);
                self.receive(place, Side::Dead, seen);
            }
            let now = self.now();
            let horizon = self.horizon(now);
            let queue = &mut self.queues[place];
            queue.settle(now);
            let left = |record: &&Record| {
                !record.done && record.arrival >= horizon && record.hidden_until.is_none()
            };
            assert_eq!(queue.records.iter().filter(left).count(), 0);
        }
    }

    fn step(&mut self, seen: &mut Seen) {
        let place = self.chance.below(self.queues.len() as u64) as usize;
        match self.chance.below(100) {
            0..30 => self.put(),
            30..52 => self.receive(place, Side::Normal, seen),
            52..60 => self.receive(place, Side::Dead, seen),
            60..72 => self.entry(place, "Acknowledge", seen),
            72..80 => self.entry(place, "UpdateVisibility", seen),
            80..86 => self.entry(place, "Restore", seen),
            86..94 => {
                let millis = self.chance.pick(&[1, 500, 1000, 10_000, 30_000, HOUR_MILLIS]);
                self.raw.advance(Duration::from_millis(millis));
            }
            94 => self.raw.advance(Duration::from_millis(13 * HOUR_MILLIS)),
            95 => self.scale(),
            96 => self.update(place),
            97 => self.retain(),
            _ => match self.directory.take() {
                Some(directory) => self.restart(directory),
                None => self.go_on_elsewhere(),
            },
        }
    }

    fn put(&mut self) {
        self.puts += 1;
        let data = self.puts.to_string();
        self.raw.ok("PutRecord", put_input("s", &data, data.as_bytes()));
        let arrival = self.now();
        for queue in &mut self.queues {
            queue.records.push(Record {
                data: data.clone(),
                arrival,
                side: Side::Normal,
                hidden_until: None,
                receives: 0,
                first_received: 0,
                done: false,
                handles: Vec::new(),
            });
        }
        // No two records arrive at once, so their order is known.
        self.raw.advance(Duration::from_millis(1));
    }

    fn horizon(&self, now: u64) -> u64 {
        now.saturating_sub(self.retention_hours * HOUR_MILLIS).max(self.expired_before)
    }

    fn receive(&mut self, place: usize, side: Side, seen: &mut Seen) {
        let limit = 1 + self.chance.below(10);
        let visibility = self.chance.pick(&[None, Some(0), Some(1), Some(30), Some(3600)]);
        let now = self.now();
        let horizon = self.horizon(now);
        let queue = &mut self.queues[place];
        let operation = match side {
            Side::Normal => "ReceiveQueueRecords",
            Side::Dead => "ReceiveDeadLetterQueueRecords",
        };
        let mut input = json!({"QueueARN": queue.arn, "Limit": limit});
        if let Some(seconds) = visibility {
            input["VisibilityTimeoutSeconds"] = json!(seconds);
        }
        let answer = self.raw.ok(operation, input);
        queue.settle(now);
        let visible = |record: &&mut Record| {
            !record.done
                && record.side == side
                && record.hidden_until.is_none()
                && record.arrival >= horizon
        };
        let visible = queue.records.iter_mut().filter(visible);
        let mut expected: Vec<_> = visible.take(limit as usize).collect();
        for record in &mut expected {
            record.receives += 1;
            if record.handles.is_empty() {
                record.first_received = now;
            }
            record.hidden_until = Some(now + visibility.unwrap_or(30) * 1000);
        }
        let received = list(&answer["QueueRecords"]);
        let said: Vec<_> = received.iter().map(data).collect();
        let wanted: Vec<_> = expected.iter().map(|record| record.data.clone()).collect();
        assert_eq!(said, wanted, "{operation} of {}", queue.arn);
        for (record, answered) in expected.into_iter().zip(received) {
            assert_eq!(answered["ReceiveCount"], record.receives);
            let first = answered["FirstReceiveTimestamp"].as_f64().expect("a time");
            assert_eq!((first * 1000.0).round() as u64, record.first_received);
            seen.received += 1;
            seen.again += usize::from(!record.handles.is_empty());
            seen.dead += usize::from(side == Side::Dead);
            record.handles.push((text(&answered["ReceiptHandle"]), side));
        }
        queue.settle(now);
    }

    /// Uses any handle that there ever was, most often a new one.
    fn entry(&mut self, place: usize, what: &str, seen: &mut Seen) {
        let now = self.now();
        let horizon = self.horizon(now);
        let queue = &mut self.queues[place];
        queue.settle(now);
        let handed_out: Vec<_> =
            (0..queue.records.len()).filter(|at| !queue.records[*at].handles.is_empty()).collect();
        if handed_out.is_empty() {
            return;
        }
        let newest = handed_out.len().saturating_sub(12);
        let from = if self.chance.one_in(4) { 0 } else { newest };
        let at = from + self.chance.below((handed_out.len() - from) as u64) as usize;
        let record = &mut queue.records[handed_out[at]];
        let last = record.handles.len() - 1;
        let which =
            if self.chance.one_in(4) { self.chance.below(last as u64 + 1) as usize } else { last };
        let (handle, made_on) = record.handles[which].clone();
        let side = match what {
            "Restore" => Side::Dead,
            _ if self.chance.one_in(8) => self.chance.pick(&[Side::Normal, Side::Dead]),
            _ => made_on,
        };
        let letters = if side == Side::Dead { "DeadLetter" } else { "" };
        let operation = match what {
            "UpdateVisibility" => format!("Update{letters}QueueRecordsVisibility"),
            what => format!("{what}{letters}QueueRecords"),
        };
        let seconds = self.chance.pick(&[0, 0, 5, 600]);
        let entry = json!({"ReceiptHandle": handle, "VisibilityTimeoutSeconds": seconds});
        let input = json!({"QueueARN": queue.arn, "Entries": [entry]});
        let answer = self.raw.ok(&operation, input);
        let said = answer["Failed"][0]["ErrorCode"].as_str().unwrap_or("done").to_owned();

        let (invalid, missing) = ("InvalidArgumentException", "ResourceNotFoundException");
        let expected = if side != made_on {
            invalid
        } else if record.arrival < horizon {
            seen.expired += 1;
            missing
        } else if which != last || (!record.done && record.side != side) {
            seen.stale += 1;
            invalid
        } else {
            match (what, record.done, record.hidden_until) {
                ("Acknowledge", true, _) => "done",
                (_, true, _) => missing,
                ("UpdateVisibility", false, None) => invalid,
                _ => "done",
            }
        };
        assert_eq!(said, expected, "{operation} of {record:?} by its handle {which}");
        if said == "done" && !record.done {
            seen.done += 1;
            match what {
                "Acknowledge" => record.done = true,
                "UpdateVisibility" => record.hidden_until = Some(now + seconds * 1000),
                _ => {
                    record.side = Side::Normal;
                    record.hidden_until = None;
                    record.receives = 0;
                }
            }
        }
        queue.settle(now);
    }

    fn scale(&mut self) {
        let shards = 4 + self.chance.below(6);
        let input = json!({"StreamName": "s", "WarmThroughputMiBps": shards});
        self.raw.ok("UpdateStreamWarmThroughput", input);
    }

    fn update(&mut self, place: usize) {
        let most = self.chance.pick(&[None, Some(1), Some(2), Some(4)]);
        let now = self.now();
        let queue = &mut self.queues[place];
        queue.settle(now);
        let input = json!({"QueueARN": queue.arn, "QueueAttributes": attributes(most)});
        self.raw.ok("UpdateQueue", input);
        queue.max_receives = most;
        for record in queue.records.iter_mut().filter(|record| record.hidden_until.is_none()) {
            if most.is_some_and(|most| record.receives >= most) {
                record.side = Side::Dead;
            }
        }
    }

    fn retain(&mut self) {
        let hours = self.chance.pick(&[24, 30, 48]);
        let direction = if hours >= self.retention_hours { "Increase" } else { "Decrease" };
        let input = json!({"StreamName": "s", "RetentionPeriodHours": hours});
        self.expired_before = self.horizon(self.now());
        self.raw.done(&format!("{direction}StreamRetentionPeriod"), input);
        self.retention_hours = hours;
    }

    /// Another emulator, from what the one before leaves, by whatever end.
    fn restart(&mut self, before: Directory) {
        let now = self.raw.emulator.clock().now();
        let directory = if self.chance.one_in(2) { before.copy() } else { before };
        self.raw = Raw::new();
        self.raw = Raw::with(|builder| directory.keep_small(builder));
        self.raw.emulator.clock().advance_to(now);
        self.directory = Some(directory);
    }

    /// Another emulator, from a snapshot's file.
    fn go_on_elsewhere(&mut self) {
        let bytes = self.raw.emulator.snapshot().to_bytes();
        let snapshot = Snapshot::from_bytes(&bytes).expect("it is whole");
        assert!(snapshot.to_bytes() == bytes, "nothing was lost");
        let clock = Clock::manual(snapshot.taken().max(START));
        let emulator = Emulator::builder().clock(clock).snapshot(&snapshot).in_process();
        self.raw = Raw { emulator };
    }
}

fn attributes(max_receives: Option<u64>) -> Value {
    match max_receives {
        Some(most) => {
            json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": most}})
        }
        None => json!({"DeadLetterConfiguration": {"TargetType": "NONE"}}),
    }
}

fn data(record: &Value) -> String {
    let bytes = STANDARD.decode(text(&record["Data"])).expect("it is base64");
    String::from_utf8(bytes).expect("a text")
}
