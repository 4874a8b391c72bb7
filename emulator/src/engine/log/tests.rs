//! Laws of a log.

use proptest::prelude::*;

use crate::model::limits::Limits;

use super::block::PAGE_BYTES;
use super::header::Header;
use super::segment::LARGE_RECORD_BYTES;
use super::*;

const CREATED: u64 = 1_700_000_000;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(CREATED * 1000 + millis)
}

fn log_of(arrivals: &[u64], data_bytes: usize) -> Log {
    let mut log = Log::new(ShardIndex::new(3), CREATED);
    for (nth, arrival) in arrivals.iter().enumerate() {
        let data = vec![nth as u8; data_bytes];
        log.append(
            at(*arrival),
            Some(format!("key-{nth}").as_str().into()),
            &data,
            EncryptionType::None,
        );
    }
    log
}

fn all(log: &mut Log) -> Vec<u64> {
    log.read(0, usize::MAX, usize::MAX).iter().map(|r| r.sequence_number.index).collect()
}

#[test]
fn numbers_rise_and_lie_above_the_shards_own() {
    let mut log = Log::new(ShardIndex::new(3), CREATED);
    let start = SequenceNumber {
        shard_created_seconds: CREATED,
        index: 0,
        seconds: CREATED,
        shard: ShardIndex::new(3),
    };
    let first = log.append(at(0), None, b"", EncryptionType::None);
    let second = log.append(at(0), None, b"", EncryptionType::None);
    assert!(start < first && first < second);
}

#[test]
fn arrivals_are_kept_to_the_microsecond_and_over_a_years_retention() {
    let mut log = Log::new(ShardIndex::new(0), CREATED);
    let day = 24 * 3600 * 1_000_000;
    // A segment's times have forty bits, which are twelve days and some hours.
    let micros = [0, 1, 999, 1000, (1 << 40) - 1, 1 << 40, 13 * day + 7, 26 * day, 365 * day + 1];
    let arrivals = micros.map(|micros| Timestamp::from_micros(CREATED * 1_000_000 + micros));
    for arrival in arrivals {
        log.append(arrival, None, b"x", EncryptionType::None);
    }
    for (index, arrival) in (1..).zip(arrivals) {
        assert_eq!(log.arrival_at(index), Some(arrival));
        assert_eq!(log.index_at(arrival), index);
        let later = Timestamp::from_micros(arrival.as_micros() + 1);
        assert_eq!(log.index_at(later), index + 1);
    }
    let batch = log.read(1, usize::MAX, usize::MAX);
    assert_eq!(batch.iter().map(|record| record.arrival).collect::<Vec<_>>(), arrivals);
}

#[test]
fn arrival_never_goes_back_even_if_the_clock_does() {
    let mut log = Log::new(ShardIndex::new(0), CREATED);
    log.append(at(500), None, b"a", EncryptionType::None);
    log.append(at(100), None, b"b", EncryptionType::None);
    assert_eq!(log.arrival_at(2), Some(at(500)));
}

#[test]
fn a_read_stops_at_the_byte_limit_but_returns_at_least_one_record() {
    let mut log = log_of(&[0; 10], 1000);
    assert_eq!(log.read(1, 100, 1).len(), 1);
    assert_eq!(log.read(1, 100, 2 * 1005).len(), 2);
    assert_eq!(log.read(1, 100, 2 * 1005 + 1004).len(), 2);
    assert_eq!(log.read(1, 3, usize::MAX).len(), 3);
    assert_eq!(log.read(11, 3, usize::MAX).len(), 0);
}

#[test]
fn trimming_gives_whole_segments_back() {
    let mut log = log_of(&(0..5000).collect::<Vec<_>>(), 100);
    assert!(log.rest().closed.len() > 4);
    log.trim(at(4000));
    assert_eq!(log.start(), 4001);
    assert!(log.rest().closed.front().is_some_and(|segment| segment.end() > 4001));
    log.trim(at(9000));
    assert_eq!((log.start(), log.end()), (5001, 5001));
    assert!(log.rest().closed.len() == 0 && log.open.room_bytes() == 0);
    assert_eq!(log.append(at(9000), None, b"", EncryptionType::None).index, 5001);
}

#[test]
fn a_batch_outlives_the_trimming_of_its_records() {
    let mut log = log_of(&(0..3000).collect::<Vec<_>>(), 100);
    let batch = log.read(1, usize::MAX, usize::MAX);
    log.trim(at(10_000));
    assert_eq!(batch.iter().count(), 3000);
    assert_eq!(batch.iter().last().unwrap().partition_key.map(KeptText::as_str), Some("key-2999"));
}

#[test]
fn a_fork_shares_all_bytes_and_nobody_waits_at_its_end() {
    let mut log = log_of(&[0], 1000);
    drop(log.readers_at_end.register(1, std::task::Waker::noop()));
    let mut fork = log.fork();
    let shared = Arc::clone(log.rest().closed.front().unwrap());
    for log in [&log, &fork] {
        assert!(Arc::ptr_eq(log.rest().closed.front().unwrap(), &shared));
        assert_eq!((log.rest().closed.len(), log.open.len()), (1, 0));
    }
    assert!(log.readers_at_end.remove(1).is_some());
    assert!(fork.readers_at_end.remove(1).is_none());
    log.fork();
    assert_eq!(log.rest().closed.len(), 1, "what is empty is not closed");
}

#[test]
fn what_has_been_used_up_stays_so_when_all_records_have_expired() {
    let mut log = log_of(&[0; 100], 100);
    let mut limits = Limits::off();
    limits.read_calls_per_second = Some(1);
    assert!(log.usage().admit_read(&limits, at(0)));
    log.trim(at(1));
    assert_eq!(log.bytes(), 0);
    assert!(!log.usage().admit_read(&limits, at(1)));
}

#[test]
fn a_shard_that_nothing_is_left_of_keeps_no_lists() {
    let mut log = log_of(&(0..5000).collect::<Vec<_>>(), 100);
    assert!(log.rest.is_some());
    log.trim(at(5000));
    assert!(log.rest.is_none());
}

#[test]
fn a_large_record_takes_little_beside_its_bytes() {
    for data_bytes in [LARGE_RECORD_BYTES, 3000, 10 * 1024, 100_000] {
        let log = log_of(&[0; 2000], data_bytes);
        let closed = (0..log.rest().closed.len()).filter_map(|place| log.rest().closed.get(place));
        let beside = |segment: &Segment| {
            let headers = segment.len() * Header::BYTES;
            size_of::<Segment>() + headers + segment.unused_bytes()
        };
        let records = log.open.first as usize - 1;
        let beside: usize = closed.map(|segment| beside(segment)).sum();
        assert!(beside <= records * 40, "{beside} beside {records} of {data_bytes}");
    }
}

#[test]
fn a_record_in_two_segments_is_read_whole_for_as_long_as_it_is_kept() {
    let arrivals: Vec<_> = (0..200).collect();
    for data_bytes in [LARGE_RECORD_BYTES, 3000, 5000] {
        let whole = log_of(&arrivals, data_bytes).read(1, 200, usize::MAX);
        let expected: Vec<_> = whole.iter().collect();
        let mut log = log_of(&arrivals, data_bytes);
        let divided = (0..log.rest().closed.len()).filter(|place| {
            let segment = log.segment(*place);
            segment.begins_divided_at(segment.first)
        });
        assert!(divided.count() > 10);
        for oldest in 1..=200 {
            log.trim(at(oldest - 1));
            let left = log.read(1, 200, usize::MAX);
            assert!(left.iter().eq(expected[oldest as usize - 1..].iter().cloned()));
            assert_eq!(log.read(oldest, 1, usize::MAX).iter().next(), left.iter().next());
            assert_eq!(log.fork().read(oldest, 1, 1).iter().next(), left.iter().next());
        }
        log.trim(at(200));
        assert_eq!((log.bytes(), log.rest().closed.len()), (0, 0));
    }
}

#[test]
fn what_is_not_used_of_a_segment_is_a_small_part_of_the_log() {
    for data_bytes in [20, 100, 1000, 10 * 1024] {
        let mut log = Log::new(ShardIndex::new(0), CREATED);
        let record = vec![0; data_bytes];
        for count in 1..20_000 {
            log.append(at(0), None, &record, EncryptionType::None);
            let stored = count * data_bytes;
            let unused = log.open.unused_bytes();
            let bound = stored.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_OF_SMALL_LOG_MAX);
            assert!(unused <= bound.max(stored / 8), "{unused} beside {stored}");
        }
        for segment in (0..log.rest().closed.len()).filter_map(|place| log.rest().closed.get(place))
        {
            assert!(segment.room_bytes() <= segment.stored_bytes() / 16);
        }
        assert_eq!(log.bytes(), 19_999 * data_bytes);
        log.trim(at(1));
        assert_eq!((log.bytes(), log.open.room_bytes()), (0, 0));
    }
}

#[test]
fn records_of_a_page_and_more_share_mapped_blocks_from_the_first_one_on() {
    let log = log_of(&[0; 6], 10 * 1024);
    assert_eq!((log.rest().closed.len(), log.open.len()), (0, 6));
    assert!(log.open.unused_bytes() < PAGE_BYTES);
}

#[test]
fn many_readers_of_much_that_is_open_share_it() {
    let mut log = log_of(&(0..20_000).collect::<Vec<_>>(), 100);
    log.close();
    while log.open.stored_bytes() <= COPIED_BYTES_MAX {
        log.append(at(20_000), None, &[7; 100], EncryptionType::None);
    }
    let (few, all) = (log.end() - 2, log.open.first);
    assert_eq!(log.read(few, usize::MAX, usize::MAX).len(), 2);
    assert!(!log.open.is_empty(), "little is copied");
    let [one, other] = [(); 2].map(|()| log.read(all, usize::MAX, usize::MAX));
    let shared = |batch: &Batch| match &batch.pieces[0].tape {
        Tape::Shared { segment, .. } => Arc::clone(segment),
        Tape::Copied(_) => panic!("much is shared"),
    };
    assert!(Arc::ptr_eq(&shared(&one), &shared(&other)));
    assert_eq!((one.len(), one.next), ((log.end() - all) as usize, log.end()));
    log.append(at(20_000), None, b"", EncryptionType::None);
    assert_eq!(log.read(one.next, usize::MAX, usize::MAX).len(), 1);
}

#[test]
fn records_may_be_apart_for_longer_than_a_segment_covers() {
    const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;
    let arrivals: Vec<_> = (0..5).flat_map(|year| [year * YEAR, year * YEAR + 1]).collect();
    let mut log = log_of(&arrivals, 10);
    let batch = log.read(0, usize::MAX, usize::MAX);
    let read: Vec<_> = batch.iter().map(|record| record.arrival).collect();
    assert_eq!(read, arrivals.iter().copied().map(at).collect::<Vec<_>>());
    assert_eq!(log.index_at(at(2 * YEAR + 1)), 6);
    assert_eq!(log.index_at(at(2 * YEAR + 2)), 7);
}

/// What can happen to a log, for the laws of forks.
#[derive(Debug, Clone, Copy)]
enum Step {
    Append {
        records: usize,
        data_bytes: usize,
    },
    Trim {
        millis_ago: u64,
    },
    /// The fork is kept and never touched again.
    Fork,
    /// The fork goes on in the log's place; the log is kept.
    ForkAndSwitch,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..300, 0usize..2000)
            .prop_map(|(records, data_bytes)| Step::Append { records, data_bytes }),
        2 => (0u64..1500).prop_map(|millis_ago| Step::Trim { millis_ago }),
        2 => Just(Step::Fork),
        1 => Just(Step::ForkAndSwitch),
    ]
}

type Read = Vec<(u64, Timestamp, Vec<u8>)>;

/// All that can be read of a log, by every way to read.
fn everything(log: &mut Log) -> (u64, u64, Read) {
    let mut found = Read::new();
    let mut next = 0;
    loop {
        let batch = log.read(next, 97, 100_000);
        for record in batch.iter() {
            let index = record.sequence_number.index;
            assert_eq!(log.arrival_at(index), Some(record.arrival));
            found.push((index, record.arrival, record.data.to_vec()));
        }
        next = batch.next;
        if batch.len() == 0 {
            break;
        }
    }
    for (_, arrival, _) in found.iter().step_by(50) {
        let first = found.iter().find(|(_, other, _)| other >= arrival).unwrap().0;
        assert_eq!(log.index_at(*arrival), first);
    }
    (log.start(), log.end(), found)
}

proptest! {
    #[test]
    fn forks_at_any_moments_change_nothing_of_what_is_read_and_never_change_themselves(
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut plain = Log::new(ShardIndex::new(3), CREATED);
        let mut forked = Log::new(ShardIndex::new(3), CREATED);
        let mut kept = Vec::new();
        let mut millis = 0;
        for step in steps {
            match step {
                Step::Append { records, data_bytes } => for _ in 0..records {
                    millis += 7;
                    let data = vec![millis as u8; data_bytes];
                    let number = plain.append(at(millis), None, &data, EncryptionType::None);
                    prop_assert_eq!(number, forked.append(at(millis), None, &data, EncryptionType::None));
                },
                Step::Trim { millis_ago } => {
                    let horizon = at(millis.saturating_sub(millis_ago));
                    plain.trim(horizon);
                    forked.trim(horizon);
                }
                Step::Fork => {
                    let fork = forked.fork();
                    kept.push((fork, everything(&mut plain)));
                }
                Step::ForkAndSwitch => {
                    let fork = forked.fork();
                    kept.push((std::mem::replace(&mut forked, fork), everything(&mut plain)));
                }
            }
        }
        prop_assert_eq!(everything(&mut forked), everything(&mut plain));
        prop_assert_eq!(forked.newest(), plain.newest());
        for (mut log, expected) in kept {
            prop_assert_eq!(everything(&mut log), expected);
        }
    }

    #[test]
    fn what_is_appended_is_read_back_in_pages_of_any_size(
        sizes in prop::collection::vec(0usize..40_000, 0..60),
        page in 1usize..20,
    ) {
        let mut log = Log::new(ShardIndex::new(0), CREATED);
        let mut expected = Vec::new();
        for (nth, size) in sizes.iter().enumerate() {
            let data = vec![nth as u8; *size];
            let key = (nth % 3 != 0).then(|| format!("k{nth}"));
            let number = log.append(at(nth as u64), key.as_deref().map(Into::into), &data, EncryptionType::Kms);
            expected.push((number, key, data));
        }
        let mut read = Vec::new();
        let mut next = 0;
        loop {
            let batch = log.read(next, page, 100_000);
            prop_assert_eq!(batch.bytes(), batch.iter().map(|record| record.bytes()).sum::<usize>());
            prop_assert!(batch.iter().all(|record| record.encryption == EncryptionType::Kms));
            read.extend(batch.iter().map(|r| (r.sequence_number, r.partition_key.map(|key| key.as_str().to_owned()), r.data.to_vec())));
            next = batch.next;
            if batch.len() == 0 { break; }
        }
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_time_finds_the_first_record_that_is_not_older(
        mut arrivals in prop::collection::vec(0u64..200, 0..3000),
        time in 0u64..220,
        trimmed in 0u64..200,
    ) {
        arrivals.sort_unstable();
        let mut log = log_of(&arrivals, 40);
        log.trim(at(trimmed));
        let expected = arrivals.iter().position(|arrival| *arrival >= time.max(trimmed)).unwrap_or(arrivals.len());
        prop_assert_eq!(log.index_at(at(time)), expected as u64 + 1);
        let kept = arrivals.iter().filter(|arrival| **arrival >= trimmed).count();
        prop_assert_eq!(all(&mut log).len(), kept);
    }
}
