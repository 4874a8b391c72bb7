use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::types::ShardIteratorType;
use kinesis_emulator::Emulator;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::Placed;
use super::queue::{Batch, Batcher, NotTaken, Step};
use super::send::{CallError, EntryAnswer, EntryError, PutRecords, SdkSender};
use super::{Backoff, Entry, Fate, GiveUp, Order, Outcome, Settings, drive};

const SECOND: Duration = Duration::from_secs(1);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn batcher(settings: Settings) -> Batcher {
    Batcher::new(settings).unwrap()
}

fn entry(key: &str, tag: u64) -> Entry {
    Entry::new(key, vec![b'x'; 10], tag)
}

fn placed(number: u64) -> Placed {
    Placed { shard_id: "shardId-000000000000".into(), sequence_number: number.to_string() }
}

fn throttle() -> EntryError {
    EntryError::new("ProvisionedThroughputExceededException", "Rate exceeded")
}

/// The batch that is to be sent now.
#[track_caller]
fn batch(batcher: &mut Batcher, now: Duration) -> Batch {
    match batcher.poll(now) {
        Step::Send(batch) => batch,
        other => panic!("nothing to send: {other:?}"),
    }
}

fn tags(batch: &Batch) -> Vec<u64> {
    batch.entries.iter().map(|entry| entry.tag).collect()
}

fn outcomes(batcher: &mut Batcher) -> Vec<Outcome> {
    std::iter::from_fn(|| batcher.poll_outcome()).collect()
}

/// Answers a batch; the records of these tags are refused.
fn answer(batcher: &mut Batcher, now: Duration, batch: &Batch, refused: &[u64]) {
    let answers = batch.entries.iter().map(|entry| {
        if refused.contains(&entry.tag) { Err(throttle()) } else { Ok(placed(entry.tag)) }
    });
    batcher.handle_answer(now, batch.id, Ok(answers.collect()));
}

#[test]
fn it_goes_when_it_is_full_by_count() {
    let mut batcher = batcher(Settings { records_max: 3, ..Settings::default() });
    for tag in 0..4 {
        batcher.push(ms(0), entry("k", tag)).unwrap();
    }
    let sent = batch(&mut batcher, ms(0));
    assert_eq!(tags(&sent), [0, 1, 2]);
    assert_eq!(batcher.poll(ms(0)), Step::WaitUntil(ms(100)), "the fourth lingers");
}

#[test]
fn it_goes_when_it_is_full_by_bytes_and_never_carries_more() {
    let mut batcher = batcher(Settings { bytes_max: 100, ..Settings::default() });
    for (tag, size) in [(0, 39), (1, 39), (2, 39)] {
        batcher.push(ms(0), Entry::new("k", vec![0; size], tag)).unwrap();
    }
    assert_eq!(tags(&batch(&mut batcher, ms(0))), [0, 1], "40 and 40 bytes; 40 more are too many");
    assert!(matches!(batcher.poll(ms(0)), Step::WaitUntil(_)));
}

#[test]
fn it_goes_when_the_oldest_has_lingered() {
    let mut batcher = batcher(Settings::default());
    batcher.push(ms(0), entry("k", 0)).unwrap();
    batcher.push(ms(60), entry("k", 1)).unwrap();
    assert_eq!(batcher.poll(ms(99)), Step::WaitUntil(ms(100)));
    assert_eq!(tags(&batch(&mut batcher, ms(100))), [0, 1]);
    assert_eq!(batcher.poll(ms(100)), Step::Idle);
}

#[test]
fn a_flush_lets_go_what_waits_and_finishing_what_comes_too() {
    let mut batcher = batcher(Settings::default());
    batcher.push(ms(0), entry("k", 0)).unwrap();
    batcher.flush();
    assert_eq!(tags(&batch(&mut batcher, ms(0))), [0]);
    batcher.push(ms(0), entry("k", 1)).unwrap();
    assert!(matches!(batcher.poll(ms(0)), Step::WaitUntil(_)), "it came after the flush");
    batcher.finish();
    assert_eq!(tags(&batch(&mut batcher, ms(0))), [1]);
    batcher.push(ms(0), entry("k", 2)).unwrap();
    assert_eq!(tags(&batch(&mut batcher, ms(0))), [2]);
}

#[test]
fn only_the_refused_entries_go_again() {
    let mut batcher = batcher(Settings { records_max: 5, ..Settings::default() });
    for tag in 0..5 {
        batcher.push(ms(0), entry("k", tag)).unwrap();
    }
    let first = batch(&mut batcher, ms(0));
    answer(&mut batcher, ms(7), &first, &[1, 3]);
    let stored: Vec<_> = outcomes(&mut batcher).into_iter().map(|o| (o.tag, o.attempts)).collect();
    assert_eq!(stored, [(0, 1), (2, 1), (4, 1)]);
    // Each has drawn a wait of its own.
    let mut again = Vec::new();
    while let Step::WaitUntil(time) = batcher.poll(ms(7)) {
        assert!((ms(7 + 25)..=ms(7 + 50)).contains(&time), "{time:?}");
        let Step::Send(retry) = batcher.poll(ms(57)) else { panic!("both are due") };
        again.extend(tags(&retry));
        answer(&mut batcher, ms(60), &retry, &[]);
    }
    again.sort_unstable();
    assert_eq!(again, [1, 3]);
    let outcomes = outcomes(&mut batcher);
    for outcome in &outcomes {
        assert_eq!(outcome.fate, Fate::Stored(placed(outcome.tag)));
        assert_eq!((outcome.attempts, outcome.took), (2, ms(60)));
    }
    assert!(batcher.is_empty());
}

#[test]
fn a_refused_record_takes_along_what_waits() {
    let mut batcher = batcher(Settings { linger: 10 * SECOND, ..Settings::default() });
    batcher.push(ms(0), entry("k", 0)).unwrap();
    batcher.flush();
    let first = batch(&mut batcher, ms(0));
    batcher.push(ms(1), entry("k", 1)).unwrap();
    answer(&mut batcher, ms(1), &first, &[0]);
    assert_eq!(tags(&batch(&mut batcher, ms(51))), [0, 1]);
}

#[test]
fn waits_double_up_to_the_longest_and_repeat_with_their_seed() {
    let waits = |seed| {
        let time_to_live = Duration::from_secs(3_600);
        let mut batcher = batcher(Settings { seed, time_to_live, ..Settings::default() });
        batcher.push(ms(0), entry("k", 0)).unwrap();
        let mut now = ms(100);
        (1..=12)
            .map(|attempt| {
                let sent = batch(&mut batcher, now);
                answer(&mut batcher, now, &sent, &[0]);
                let Step::WaitUntil(time) = batcher.poll(now) else { panic!("it backs off") };
                let wait = time - now;
                let ceiling = Backoff::default().ceiling(attempt);
                assert!((ceiling / 2..=ceiling).contains(&wait), "{attempt}: {wait:?}");
                now = time;
                wait
            })
            .collect::<Vec<_>>()
    };
    let ceilings = [1, 2, 3, 7, 8, 30, u32::MAX].map(|n| Backoff::default().ceiling(n));
    let expected = [50, 100, 200, 3_200, 5_000, 5_000, 5_000].map(ms);
    assert_eq!(ceilings, expected);
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}

#[test]
fn it_is_given_up_when_its_time_is_over() {
    let mut batcher = batcher(Settings::default());
    batcher.push(ms(0), entry("k", 0)).unwrap();
    let mut now = ms(100);
    let mut attempts = 0;
    loop {
        match batcher.poll(now) {
            Step::Send(sent) => {
                attempts += 1;
                answer(&mut batcher, now, &sent, &[0]);
            }
            Step::WaitUntil(time) => now = time,
            Step::Idle => break,
        }
    }
    let outcome = batcher.poll_outcome().unwrap();
    assert_eq!((outcome.attempts, outcome.took), (attempts, 30 * SECOND));
    let fate = Fate::GivenUp { why: GiveUp::Expired, last_error: Some(throttle()) };
    assert_eq!(outcome.fate, fate);
    assert!(attempts > 8 && batcher.is_empty(), "{attempts} attempts");
}

#[test]
fn what_is_under_way_outlives_its_time_until_the_answer_comes() {
    for (refused, is_stored) in [(&[][..], true), (&[0][..], false)] {
        let mut batcher = batcher(Settings::default());
        batcher.push(ms(0), entry("k", 0)).unwrap();
        let sent = batch(&mut batcher, ms(100));
        assert_eq!(batcher.poll(60 * SECOND), Step::Idle);
        answer(&mut batcher, 61 * SECOND, &sent, refused);
        let outcome = batcher.poll_outcome().unwrap();
        assert_eq!(matches!(outcome.fate, Fate::Stored(_)), is_stored);
    }
}

#[test]
fn a_call_that_fails_goes_again_unless_it_always_will() {
    for (is_permanent, expected) in [(false, None), (true, Some(GiveUp::Permanent))] {
        let mut batcher = batcher(Settings::default());
        batcher.push(ms(0), entry("k", 0)).unwrap();
        let sent = batch(&mut batcher, ms(100));
        let error = EntryError::new("ResourceNotFoundException", "Stream orders not found.");
        let failure = CallError { error: error.clone(), is_permanent };
        batcher.handle_answer(ms(101), sent.id, Err(failure));
        match (batcher.poll_outcome(), expected) {
            (None, None) => assert_eq!(tags(&batch(&mut batcher, ms(151))), [0]),
            (Some(outcome), Some(why)) => {
                assert_eq!(outcome.fate, Fate::GivenUp { why, last_error: Some(error) });
            }
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn answers_to_another_number_of_entries_are_believed_for_none() {
    let mut batcher = batcher(Settings { records_max: 2, ..Settings::default() });
    batcher.push(ms(0), entry("k", 0)).unwrap();
    batcher.push(ms(0), entry("k", 1)).unwrap();
    let sent = batch(&mut batcher, ms(0));
    batcher.handle_answer(ms(1), sent.id, Ok(vec![Ok(placed(0))]));
    let outcomes = outcomes(&mut batcher);
    assert_eq!(outcomes.len(), 2);
    for outcome in outcomes {
        let Fate::GivenUp { why: GiveUp::Mismatch, last_error: Some(error) } = outcome.fate else {
            panic!("{outcome:?}")
        };
        assert_eq!(error.message, "1 answers to 2 entries");
    }
}

#[test]
fn a_later_record_of_a_key_waits_for_the_earlier_one() {
    let settings = Settings { order: Order::PerKey, linger: ms(0), ..Settings::default() };
    let mut batcher = batcher(settings);
    for (tag, key) in [(0, "a"), (1, "a"), (2, "b"), (3, "a")] {
        batcher.push(ms(0), entry(key, tag)).unwrap();
    }
    let first = batch(&mut batcher, ms(0));
    assert_eq!(tags(&first), [0, 2], "one of a key in a call");
    answer(&mut batcher, ms(1), &first, &[0]);
    assert!(matches!(batcher.poll(ms(1)), Step::WaitUntil(_)), "1 must not overtake 0");
    let second = batch(&mut batcher, ms(51));
    assert_eq!(tags(&second), [0]);
    answer(&mut batcher, ms(52), &second, &[]);
    let third = batch(&mut batcher, ms(52));
    assert_eq!(tags(&third), [1]);
    answer(&mut batcher, ms(53), &third, &[]);
    assert_eq!(tags(&batch(&mut batcher, ms(53))), [3]);
}

#[test]
fn a_record_that_is_given_up_lets_the_next_of_its_key_pass() {
    let settings = Settings { order: Order::PerKey, time_to_live: SECOND, ..Settings::default() };
    let mut batcher = batcher(settings);
    batcher.push(ms(0), entry("a", 0)).unwrap();
    batcher.push(ms(900), entry("a", 1)).unwrap();
    let sent = batch(&mut batcher, ms(900));
    answer(&mut batcher, ms(999), &sent, &[0]);
    assert_eq!(tags(&batch(&mut batcher, SECOND)), [1]);
    assert_eq!(batcher.poll_outcome().unwrap().tag, 0);
}

#[test]
fn aggregates_keep_order_by_the_key_they_are_given() {
    let settings = Settings { order: Order::PerKey, linger: ms(0), ..Settings::default() };
    let mut batcher = batcher(settings);
    for (tag, shard) in [(0, "shard-0"), (1, "shard-1"), (2, "shard-0")] {
        batcher.push(ms(0), entry("a", tag).in_order_with(shard)).unwrap();
    }
    assert_eq!(tags(&batch(&mut batcher, ms(0))), [0, 1]);
}

#[test]
fn what_no_call_carries_is_not_taken() {
    let mut batcher = batcher(Settings { bytes_max: 100, buffered_max: 1, ..Settings::default() });
    for bad in [entry("", 0), entry(&"ü".repeat(257), 0), Entry::new("k", vec![0; 100], 0)] {
        assert!(matches!(batcher.push(ms(0), bad), Err(NotTaken::Invalid(..))));
    }
    batcher.push(ms(0), Entry::new("k", vec![0; 99], 0)).unwrap();
    assert_eq!(batcher.push(ms(0), entry("k", 1)), Err(NotTaken::Full(Box::new(entry("k", 1)))));
    assert!(Batcher::new(Settings { records_max: 501, ..Settings::default() }).is_err());
    assert!(Batcher::new(Settings { in_flight_max: 0, ..Settings::default() }).is_err());
}

#[test]
fn no_more_calls_than_allowed_are_under_way() {
    let settings = Settings { records_max: 1, in_flight_max: 2, ..Settings::default() };
    let mut batcher = batcher(settings);
    for tag in 0..3 {
        batcher.push(ms(0), entry("k", tag)).unwrap();
    }
    let first = batch(&mut batcher, ms(0));
    batch(&mut batcher, ms(0));
    // The third could be given up before an answer comes.
    assert_eq!(batcher.poll(ms(0)), Step::WaitUntil(30 * SECOND));
    answer(&mut batcher, ms(1), &first, &[]);
    assert_eq!(tags(&batch(&mut batcher, ms(1))), [2]);
}

/// A target that answers late and refuses by a script.
#[derive(Debug, Clone)]
struct Script {
    keys: Vec<u8>,
    /// For each attempt whether it is refused, and how long the answer takes.
    answers: Vec<(bool, u64)>,
}

fn script() -> impl Strategy<Value = Script> {
    let answers = prop::collection::vec((prop::bool::weighted(0.4), 0..400_u64), 1..60);
    (prop::collection::vec(0..5_u8, 1..120), answers)
        .prop_map(|(keys, answers)| Script { keys, answers })
}

proptest! {
    #[test]
    fn every_record_has_one_outcome_and_keys_keep_their_order(
        script in script(),
        per_key: bool,
        records_max in 1_usize..8,
        in_flight_max in 1_usize..4,
        time_to_live in 200_u64..20_000,
    ) {
        let mut batcher = batcher(Settings {
            records_max,
            in_flight_max,
            time_to_live: ms(time_to_live),
            order: if per_key { Order::PerKey } else { Order::AsItComes },
            ..Settings::default()
        });
        let mut answers = script.answers.iter().cycle();
        let mut coming: VecDeque<(u64, u8)> = (0..).zip(script.keys.iter().copied()).collect();
        let mut under_way: Vec<(Duration, Batch)> = Vec::new();
        let mut stored: Vec<u64> = Vec::new();
        let mut settled = HashMap::new();
        let mut now = ms(0);
        loop {
            if let Some((tag, key)) = coming.pop_front() {
                batcher.push(now, entry(&key.to_string(), tag)).unwrap();
            } else {
                batcher.finish();
            }
            let wait = loop {
                match batcher.poll(now) {
                    Step::Send(batch) => {
                        prop_assert!(batch.entries.len() <= records_max);
                        let busy: Vec<_> =
                            under_way.iter().flat_map(|(_, batch)| batch.entries.clone()).collect();
                        let all = busy.iter().chain(&batch.entries);
                        let mut seen = HashSet::new();
                        for entry in all.clone() {
                            prop_assert!(seen.insert(entry.tag), "{} is sent twice at once", entry.tag);
                        }
                        let keys: HashSet<_> = all.clone().map(|e| &e.partition_key).collect();
                        prop_assert!(!per_key || keys.len() == all.count());
                        let (_, delay) = answers.next().unwrap();
                        under_way.push((now + ms(*delay), batch));
                        prop_assert!(under_way.len() <= in_flight_max);
                    }
                    Step::WaitUntil(time) => {
                        prop_assert!(time > now);
                        break Some(time);
                    }
                    Step::Idle => break None,
                }
            };
            while let Some(outcome) = batcher.poll_outcome() {
                prop_assert!(settled.insert(outcome.tag, outcome.fate).is_none());
            }
            if coming.is_empty() && batcher.is_empty() {
                break;
            }
            under_way.sort_by_key(|(time, _)| *time);
            let answered = under_way.first().map(|(time, _)| *time);
            if coming.is_empty() {
                now = [wait, answered].into_iter().flatten().min().expect("something comes");
            } else {
                now += ms(5);
            }
            while under_way.first().is_some_and(|(time, _)| *time <= now) {
                let (_, batch) = under_way.remove(0);
                let each = batch.entries.iter().map(|entry| {
                    if answers.next().unwrap().0 {
                        return Err(throttle());
                    }
                    stored.push(entry.tag);
                    Ok(placed(entry.tag))
                });
                let each: Vec<EntryAnswer> = each.collect();
                batcher.handle_answer(now, batch.id, Ok(each));
            }
        }
        prop_assert_eq!(settled.len(), script.keys.len());
        for (tag, fate) in &settled {
            let is_stored = matches!(fate, Fate::Stored(at) if at == &placed(*tag));
            prop_assert_eq!(is_stored, stored.contains(tag));
        }
        if per_key {
            for key in 0..5 {
                let of_key: Vec<_> =
                    stored.iter().filter(|tag| script.keys[**tag as usize] == key).collect();
                prop_assert!(of_key.is_sorted(), "key {key} is stored in the order {of_key:?}");
            }
        }
    }
}

/// Passes a call on without the entries whose turn it is to be refused.
struct Reluctant {
    inner: SdkSender,
    /// Every so many entries, one is refused.
    every: u64,
    turn: AtomicU64,
    /// The entries of each call as they came.
    calls: Mutex<Vec<Vec<u64>>>,
}

impl PutRecords for Reluctant {
    async fn put_records(&self, entries: Vec<Arc<Entry>>) -> Result<Vec<EntryAnswer>, CallError> {
        let tags = entries.iter().map(|entry| entry.tag).collect();
        self.calls.lock().unwrap().push(tags);
        let is_refused =
            |_: &Arc<Entry>| self.turn.fetch_add(1, Relaxed).is_multiple_of(self.every);
        let refused: Vec<bool> = entries.iter().map(is_refused).collect();
        let passed = entries.into_iter().zip(&refused).filter(|(_, refused)| !**refused);
        let passed: Vec<_> = passed.map(|(entry, _)| entry).collect();
        let mut answers = if passed.is_empty() {
            Vec::new().into_iter()
        } else {
            self.inner.put_records(passed).await?.into_iter()
        };
        let each = refused.iter().map(|refused| {
            if *refused { Err(throttle()) } else { answers.next().expect("each is answered") }
        });
        Ok(each.collect())
    }
}

/// Everything on the stream: for each shard its records as sequence number and data.
async fn read_back(kinesis: &Emulator) -> HashMap<String, Vec<(String, Vec<u8>)>> {
    let client = kinesis.client();
    let shards = client.list_shards().stream_name("orders").send().await.unwrap();
    let mut read = HashMap::new();
    for shard in shards.shards() {
        let iterator = client.get_shard_iterator().stream_name("orders").shard_id(&shard.shard_id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut next = iterator.send().await.unwrap().shard_iterator;
        let records: &mut Vec<_> = read.entry(shard.shard_id.clone()).or_default();
        while let Some(iterator) = next {
            let answer = client.get_records().shard_iterator(iterator).send().await.unwrap();
            next = answer.next_shard_iterator.filter(|_| !answer.records.is_empty());
            let pairs = answer.records.into_iter();
            records.extend(pairs.map(|r| (r.sequence_number, r.data.into_inner())));
        }
    }
    read
}

async fn stream() -> Emulator {
    let kinesis = Emulator::in_process();
    let create = kinesis.client().create_stream().stream_name("orders").shard_count(4);
    create.send().await.unwrap();
    kinesis.clock().advance(SECOND);
    kinesis
}

#[tokio::test(start_paused = true)]
async fn with_the_sdk_each_record_is_stored_once_where_its_outcome_says() {
    for order in [Order::AsItComes, Order::PerKey] {
        let kinesis = stream().await;
        let sender = Arc::new(Reluctant {
            inner: SdkSender::new(kinesis.client(), "orders"),
            every: 7,
            turn: AtomicU64::new(0),
            calls: Mutex::default(),
        });
        let (input, entries) = mpsc::channel(10_000);
        for tag in 0..1_500_u64 {
            let entry = Entry::new(format!("user-{}", tag % 300), tag.to_string(), tag);
            input.try_send(entry).unwrap();
        }
        drop(input);
        // The longest time to live: not even a slow machine gives a record up.
        let time_to_live = Duration::from_secs(86_400);
        let settings = Settings { order, time_to_live, ..Settings::default() };
        let mut outcomes = Vec::new();
        drive(batcher(settings), Arc::clone(&sender), entries, |o| outcomes.push(o)).await;

        let read = read_back(&kinesis).await;
        assert_eq!(outcomes.len(), 1_500);
        assert_eq!(read.values().map(Vec::len).sum::<usize>(), 1_500);
        let mut sent = vec![0; 1_500];
        sender.calls.lock().unwrap().iter().flatten().for_each(|tag| sent[*tag as usize] += 1);
        for outcome in &outcomes {
            let Fate::Stored(placed) = &outcome.fate else { panic!("{outcome:?}") };
            let stored = (placed.sequence_number.clone(), outcome.tag.to_string().into_bytes());
            assert!(read[&placed.shard_id].contains(&stored), "{outcome:?}");
            assert_eq!(outcome.attempts, sent[outcome.tag as usize]);
        }
        assert!(outcomes.iter().any(|outcome| outcome.attempts > 1));
        if order == Order::PerKey {
            for records in read.values() {
                let mut last = HashMap::new();
                for (_, data) in records {
                    let tag: u64 = std::str::from_utf8(data).unwrap().parse().unwrap();
                    assert!(last.insert(tag % 300, tag) < Some(tag), "{tag} was overtaken");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_there_is_given_up_at_once() {
    let kinesis = Emulator::in_process();
    let sender = Arc::new(SdkSender::new(kinesis.client(), "nowhere"));
    let (input, entries) = mpsc::channel(10);
    input.try_send(entry("k", 0)).unwrap();
    input.try_send(entry("", 1)).unwrap();
    drop(input);
    let mut outcomes = Vec::new();
    drive(batcher(Settings::default()), sender, entries, |o| outcomes.push(o)).await;
    outcomes.sort_by_key(|outcome| outcome.tag);
    let [Outcome { fate: Fate::GivenUp { why, last_error }, attempts, .. }, invalid] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((*why, *attempts), (GiveUp::Permanent, 1));
    assert_eq!(last_error.as_ref().unwrap().code, "ResourceNotFoundException");
    assert!(matches!(invalid.fate, Fate::GivenUp { why: GiveUp::Invalid, .. }));
}
