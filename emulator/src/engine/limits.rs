//! What has been used up: buckets that fill again as time passes.
//!
//! * A bucket holds one second's worth and is full at first. It never admits
//!   more than its rate times the time plus what it holds, in any window, and
//!   whoever is refused has used up nothing.
//! * Arithmetic is exact: levels are whole thousandths of a unit, which is what
//!   a rate per second adds in a millisecond.
//! * A shard's buckets live under the shard's lock, with its log.
//!
//! Knows no clock: callers pass `now`. Which limits are in force is an argument
//! too, so that they can change at any time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::model::limits::{Limits, Rate};
use crate::model::timestamp::Timestamp;

use super::sync::RwLock;

/// Thousandths of a unit: what one per second is in a millisecond.
const MILLI: u64 = 1000;
/// Small events are not paced each by itself: this part of a second's worth is
/// pushed before a reader waits (ours).
const PIECES_PER_SECOND: u64 = 5;
/// Over what time an on-demand stream's shards are watched (ours).
const WATCH_SECONDS: u64 = 60;

/// The limits in force, which may be replaced at any time.
#[derive(Debug)]
pub(crate) struct LimitsInForce {
    /// Whether calls use up anything: all that a call reads while limits are off.
    per_second: AtomicBool,
    limits: RwLock<Arc<Limits>>,
}

impl LimitsInForce {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            per_second: AtomicBool::new(limits.any_per_second()),
            limits: RwLock::new(Arc::new(limits)),
        }
    }

    /// The limits, whether or not they limit anything.
    pub(crate) fn all(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.read())
    }

    /// The limits, if calls use up anything.
    pub(crate) fn per_second(&self) -> Option<Arc<Limits>> {
        self.per_second.load(Ordering::Relaxed).then(|| self.all())
    }

    /// Puts other limits in force, from the next call on.
    pub(crate) fn replace(&self, limits: Limits) {
        let mut held = self.limits.write();
        self.per_second.store(limits.any_per_second(), Ordering::Relaxed);
        *held = Arc::new(limits);
    }
}

/// Something of which so much is there in a second. Begins full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// How much is missing, in thousandths.
    missing_milli: u64,
    /// When that was so.
    at: Timestamp,
}

impl Bucket {
    /// Brings the bucket to `now`. Calls that overtake each other on their way
    /// to a shard's lock do not set it back.
    fn settle(&mut self, now: Timestamp, per_second: u64) {
        // Of a fraction of a millisecond nothing is made up for, nor forgotten.
        let now = now.whole_millis();
        let millis = now.since(self.at).as_millis() as u64;
        self.missing_milli = self.missing_milli.saturating_sub(per_second.saturating_mul(millis));
        self.at = self.at.max(now);
    }

    /// Whether so much is there. Does not take it.
    fn holds(&mut self, amount: u64, capacity: u64, per_second: u64, now: Timestamp) -> bool {
        self.settle(now, per_second);
        let wanted = self.missing_milli.saturating_add(amount.saturating_mul(MILLI));
        wanted <= capacity.saturating_mul(MILLI)
    }

    /// Takes what is there, or what will have to be made up for.
    fn take(&mut self, amount: u64) {
        self.missing_milli = self.missing_milli.saturating_add(amount.saturating_mul(MILLI));
    }

    /// Takes one of `per_second`, if one is there.
    pub(crate) fn admit(&mut self, per_second: u64, now: Timestamp) -> bool {
        let admitted = self.holds(1, per_second, per_second, now);
        if admitted {
            self.take(1);
        }
        admitted
    }
}

/// What readers of a shard have had. A second's worth can be read at once; an
/// answer of as much or more closes the shard for as long as the answer takes
/// to make up for: for five seconds after 10 MiB, as documented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ReadBudget {
    read: Bucket,
    closed_until: Timestamp,
}

impl ReadBudget {
    fn is_open(&mut self, per_second: u64, now: Timestamp) -> bool {
        self.read.settle(now, per_second);
        let some_left = self.read.missing_milli < per_second.saturating_mul(MILLI);
        some_left && now >= self.closed_until
    }

    fn charge(&mut self, bytes: u64, per_second: u64, now: Timestamp) {
        self.read.take(bytes);
        if bytes >= per_second {
            let millis = bytes.saturating_mul(MILLI).div_ceil(per_second.max(1));
            self.closed_until = now.plus(Duration::from_millis(millis));
        }
    }
}

/// What has been used up of one shard. Made when limits are first in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShardUsage {
    records_written: Bucket,
    bytes_written: Bucket,
    read_calls: Bucket,
    bytes_read: ReadBudget,
    iterator_calls: Bucket,
    watch: Watch,
}

impl ShardUsage {
    /// Takes a record's share, or refuses the record and takes nothing.
    /// `record_bytes_max` is the largest record that the stream takes.
    pub(crate) fn admit_record(
        &mut self,
        bytes: usize,
        record_bytes_max: usize,
        limits: &Limits,
        now: Timestamp,
    ) -> bool {
        let bytes = bytes as u64;
        let record_fits = limits
            .write_records_per_second
            .is_none_or(|rate| self.records_written.holds(1, rate, rate, now));
        let bytes_fit = limits.write_bytes_per_second.is_none_or(|rate| {
            let capacity = rate.max(record_bytes_max as u64);
            self.bytes_written.holds(bytes, capacity, rate, now)
        });
        let admitted = record_fits && bytes_fit;
        if admitted && limits.write_records_per_second.is_some() {
            self.records_written.take(1);
        }
        if admitted && limits.write_bytes_per_second.is_some() {
            self.bytes_written.take(bytes);
        }
        admitted
    }

    /// Takes one GetRecords call, unless the shard is closed to readers.
    pub(crate) fn admit_read(&mut self, limits: &Limits, now: Timestamp) -> bool {
        let open =
            limits.read_bytes_per_second.is_none_or(|rate| self.bytes_read.is_open(rate, now));
        open && limits.read_calls_per_second.is_none_or(|rate| self.read_calls.admit(rate, now))
    }

    /// Counts what a GetRecords call has read.
    pub(crate) fn charge_read(&mut self, bytes: usize, limits: &Limits, now: Timestamp) {
        if let Some(rate) = limits.read_bytes_per_second {
            self.bytes_read.charge(bytes as u64, rate, now);
        }
    }

    /// Takes one GetShardIterator call.
    pub(crate) fn admit_iterator(&mut self, limits: &Limits, now: Timestamp) -> bool {
        let rate = limits.iterator_calls_per_second;
        rate.is_none_or(|rate| self.iterator_calls.admit(rate, now))
    }

    /// Counts a record of an on-demand stream. Says so once when the shard has
    /// become too busy.
    pub(crate) fn watch_record(&mut self, bytes: usize, limits: &Limits, now: Timestamp) -> bool {
        limits.on_demand_split_bytes_per_second.is_some_and(|bytes_per_second| {
            let split_after = Duration::from_secs(limits.on_demand_split_after_seconds);
            self.watch.add(bytes as u64, bytes_per_second, split_after, now)
        })
    }
}

/// How busy a shard is: its bytes in the running minute of the clock.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    minute: u64,
    bytes: u64,
    /// Until then the shard is known to be too busy.
    busy_until: Timestamp,
}

impl Watch {
    fn add(
        &mut self,
        bytes: u64,
        bytes_per_second: u64,
        split_after: Duration,
        now: Timestamp,
    ) -> bool {
        let minute = now.as_seconds() / WATCH_SECONDS;
        if self.minute != minute {
            *self = Self { minute, bytes: 0, ..*self };
        }
        self.bytes = self.bytes.saturating_add(bytes);
        let busy = self.bytes > bytes_per_second.saturating_mul(WATCH_SECONDS);
        let news = busy && now >= self.busy_until;
        if news {
            self.busy_until = now.plus(split_after).plus(Duration::from_millis(1));
        }
        news
    }
}

/// How often operations were called, for an account or for a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallUsage(BTreeMap<&'static str, Bucket>);

impl CallUsage {
    /// Takes one call of an operation, if the rate allows it.
    pub(crate) fn admit(&mut self, operation: &'static str, rate: Rate, now: Timestamp) -> bool {
        self.0.entry(operation).or_default().admit(rate.calls_per_second, now)
    }

    /// Whether nothing is used up any more.
    pub(crate) fn is_at_rest(&self, now: Timestamp) -> bool {
        self.0.values().all(|bucket| bucket.at.plus(FULL_AGAIN_AFTER) <= now)
    }
}

/// A bucket of calls holds a second's worth.
const FULL_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The pace of one subscription. A reader that waits for its turn gets all that
/// has become due meanwhile, so that an advanced clock lets a backlog flow; a
/// reader that was not there, or had nothing to wait for, saves nothing up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    /// What may be sent, in thousandths of a byte; what was sent too much is
    /// below zero.
    credit_milli: i128,
    at: Timestamp,
    /// Whether the reader waits for its turn.
    waiting: bool,
}

impl Pace {
    /// Begins at a time with nothing saved up.
    pub(crate) fn starting(now: Timestamp) -> Self {
        Self { credit_milli: 0, at: now.whole_millis(), waiting: false }
    }

    /// Brings the pace to `now`. `None`: the next event may be sent. Otherwise
    /// the time from which on it may.
    pub(crate) fn blocked_until(
        &mut self,
        bytes_per_second: u64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let now = now.whole_millis();
        let rate = i128::from(bytes_per_second);
        let before = self.credit_milli;
        self.credit_milli += rate * now.since(self.at).as_millis() as i128;
        if !self.waiting {
            self.credit_milli = self.credit_milli.min(before.max(0));
        }
        self.at = self.at.max(now);
        let floor = -i128::from(piece_bytes(bytes_per_second) as u64) * i128::from(MILLI);
        let missing_milli = floor - self.credit_milli;
        self.waiting = missing_milli >= 0;
        // One thousandth above the floor is enough.
        let millis = (missing_milli + 1).unsigned_abs().div_ceil(rate.max(1).unsigned_abs());
        let wait = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        self.waiting.then(|| now.plus(wait))
    }

    /// Counts what was sent. Until the reader asks again, it does not wait.
    pub(crate) fn charge(&mut self, bytes: usize) {
        self.waiting = false;
        self.credit_milli -= bytes as i128 * i128::from(MILLI);
    }

    /// The reader has nothing to wait for.
    pub(crate) fn rest(&mut self) {
        self.credit_milli = self.credit_milli.min(0);
    }
}

/// The most bytes that are given out at once at a rate.
pub(crate) fn piece_bytes(bytes_per_second: u64) -> usize {
    usize::try_from(bytes_per_second / PIECES_PER_SECOND).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn at(millis: u64) -> Timestamp {
        START.plus(Duration::from_millis(millis))
    }

    proptest! {
        #[test]
        fn a_bucket_never_admits_more_than_its_rate_and_what_it_holds(
            rate in 1u64..3000,
            gaps in prop::collection::vec(0u64..700, 1..400),
        ) {
            let (mut bucket, mut now, mut admitted) = (Bucket::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if bucket.admit(rate, at(now)) {
                    admitted.push(now);
                }
            }
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u64;
                    prop_assert!(count * 1000 <= rate * (to - from) + rate * 1000);
                }
            }
        }

        // From two a second on: a bucket that holds a single one is full when it
        // comes back, and loses what passes until somebody asks.
        #[test]
        fn a_bucket_never_admits_less_than_its_rate_when_more_is_offered(
            rate in 2u64..3000,
            step in 1u64..50,
            extra in 1u64..4,
        ) {
            let mut bucket = Bucket::default();
            while bucket.admit(rate, START) {}
            let per_step = rate * step / 1000 + extra;
            let steps = 60_000 / step;
            let mut admitted = 0;
            for turn in 1..=steps {
                for _ in 0..per_step {
                    admitted += u64::from(bucket.admit(rate, at(turn * step)));
                }
            }
            // What is left over is less than one.
            prop_assert_eq!(admitted, rate * (steps * step) / 1000);
        }

        #[test]
        fn a_refused_record_uses_up_nothing(
            sizes in prop::collection::vec((1usize..3_000_000, 0u64..400), 1..100),
        ) {
            let limits = Limits::aws();
            let (mut usage, mut now) = (ShardUsage::default(), 0);
            for (bytes, gap) in sizes {
                now += gap;
                let mut settled = usage.clone();
                settled.records_written.settle(at(now), 1000);
                settled.bytes_written.settle(at(now), 1024 * 1024);
                if !usage.admit_record(bytes, 1024 * 1024, &limits, at(now)) {
                    prop_assert_eq!(usage.records_written, settled.records_written);
                    prop_assert_eq!(usage.bytes_written, settled.bytes_written);
                }
            }
        }

        #[test]
        fn a_paced_reader_gets_its_rate_however_the_clock_moves(
            steps in prop::collection::vec(1u64..20_000, 1..60),
            event_bytes in 1usize..1_000_000,
        ) {
            const RATE: u64 = 2 * 1024 * 1024;
            let (mut pace, mut now, mut sent) = (Pace::starting(START), 0, 0u64);
            for step in steps.into_iter().chain([0]) {
                while pace.blocked_until(RATE, at(now)).is_none() {
                    pace.charge(event_bytes);
                    sent += event_bytes as u64;
                }
                let due = RATE * now / 1000;
                let slack = (piece_bytes(RATE) + event_bytes) as u64;
                prop_assert!((due..=due + slack).contains(&sent), "{sent} of {due} after {now} ms");
                now += step;
            }
        }
    }

    /// Offers an amount for a minute, in so many steps, after a shard's share has
    /// been used up: what is accepted of it.
    fn accepted_in_a_minute(
        offered_per_second: u64,
        step_millis: u64,
        size: u64,
        mut offer: impl FnMut(Timestamp) -> bool,
    ) -> u64 {
        while offer(START) {}
        let (mut offered, mut accepted) = (0, 0);
        for millis in (step_millis..=60_000).step_by(step_millis as usize) {
            while offered + size <= offered_per_second * millis / 1000 {
                offered += size;
                accepted += if offer(at(millis)) { size } else { 0 };
            }
        }
        accepted
    }

    /// A shard under AWS's limits but for one, which is to be measured alone.
    fn only(keep: impl Fn(&Limits, &mut Limits)) -> Limits {
        let mut limits = Limits::off();
        keep(&Limits::aws(), &mut limits);
        limits
    }

    #[test]
    fn over_a_minute_each_limit_of_a_shard_lets_through_what_is_documented() {
        const KIB: u64 = 1024;
        type Offer = fn(&mut ShardUsage, u64, &Limits, Timestamp) -> bool;
        let write: Offer =
            |usage, size, limits, now| usage.admit_record(size as usize, 1 << 20, limits, now);
        let read: Offer = |usage, size, limits, now| {
            let admitted = usage.admit_read(limits, now);
            if admitted {
                usage.charge_read(size as usize, limits, now);
            }
            admitted
        };
        let iterate: Offer = |usage, _, limits, now| usage.admit_iterator(limits, now);
        let rows = [
            (
                "records",
                1000,
                1,
                write,
                only(|a, l| l.write_records_per_second = a.write_records_per_second),
            ),
            (
                "bytes",
                1024 * KIB,
                KIB,
                write,
                only(|a, l| l.write_bytes_per_second = a.write_bytes_per_second),
            ),
            ("reads", 5, 1, read, only(|a, l| l.read_calls_per_second = a.read_calls_per_second)),
            (
                "read bytes",
                2048 * KIB,
                256 * KIB,
                read,
                only(|a, l| l.read_bytes_per_second = a.read_bytes_per_second),
            ),
            (
                "read bytes, small",
                2048 * KIB,
                KIB,
                read,
                only(|a, l| l.read_bytes_per_second = a.read_bytes_per_second),
            ),
            (
                "iterators",
                5,
                1,
                iterate,
                only(|a, l| l.iterator_calls_per_second = a.iterator_calls_per_second),
            ),
        ];
        for (limit, rate, size, offer, limits) in rows {
            for (load, offered) in [(10, rate), (15, rate * 3 / 2), (100, rate * 10)] {
                for step_millis in [1, 50, 1000] {
                    let mut usage = ShardUsage::default();
                    let accepted = accepted_in_a_minute(offered, step_millis, size, |now| {
                        offer(&mut usage, size, &limits, now)
                    });
                    let expected = rate * 60;
                    assert!(
                        accepted.abs_diff(expected) * 100 <= expected,
                        "{limit}, {load}/10 offered every {step_millis} ms: {accepted} of {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_large_record_is_taken_at_once_and_made_up_for() {
        const MIB: usize = 1024 * 1024;
        let (mut usage, limits) = (ShardUsage::default(), Limits::aws());
        assert!(usage.admit_record(10 * MIB, 10 * MIB, &limits, START));
        assert!(!usage.admit_record(1, 10 * MIB, &limits, START));
        assert!(!usage.admit_record(10 * MIB, 10 * MIB, &limits, at(9999)));
        assert!(usage.admit_record(10 * MIB, 10 * MIB, &limits, at(10_000)));
    }

    #[test]
    fn after_ten_mebibytes_a_shard_is_closed_for_five_seconds() {
        let (mut usage, limits) = (ShardUsage::default(), Limits::aws());
        assert!(usage.admit_read(&limits, START));
        usage.charge_read(10 * 1024 * 1024, &limits, START);
        assert!(!usage.admit_read(&limits, at(4999)));
        assert!(usage.admit_read(&limits, at(5000)));
    }

    #[test]
    fn a_call_that_was_overtaken_does_not_fill_a_bucket_twice() {
        let mut bucket = Bucket::default();
        while bucket.admit(1000, at(1000)) {}
        assert!(!bucket.admit(1000, at(500)));
        assert!(!bucket.admit(1000, at(1000)));
        assert!(bucket.admit(1000, at(1001)));
    }

    #[test]
    fn a_wait_is_as_long_as_it_has_to_be() {
        const RATE: u64 = 1000;
        let mut pace = Pace::starting(START);
        assert_eq!(pace.blocked_until(RATE, START), None);
        pace.charge(1200);
        // 200 may be owed, and it has to be less: 1,000 and a bit take 1,001 ms.
        assert_eq!(pace.blocked_until(RATE, START), Some(at(1001)));
        assert!(pace.blocked_until(RATE, at(1000)).is_some());
        assert_eq!(pace.blocked_until(RATE, at(1001)), None);
    }

    #[test]
    fn a_reader_that_was_away_saves_nothing_up() {
        const RATE: u64 = 1000;
        let mut pace = Pace::starting(START);
        assert_eq!(pace.blocked_until(RATE, START), None);
        pace.charge(100);
        assert_eq!(pace.blocked_until(RATE, at(60_000)), None);
        pace.charge(300);
        assert!(pace.blocked_until(RATE, at(60_000)).is_some());
    }

    #[test]
    fn a_busy_shard_is_reported_once_until_it_should_have_been_split() {
        let limits = Limits::aws();
        let mut usage = ShardUsage::default();
        let reports: Vec<_> = (0..2000)
            .filter(|second| usage.watch_record(600_000, &limits, at(second * 1000)))
            .collect();
        assert_eq!(reports.len(), 3, "{reports:?}");
        assert!(reports.windows(2).all(|pair| pair[1] - pair[0] > 15 * 60));
        let mut calm = ShardUsage::default();
        assert!((0..600).all(|second| !calm.watch_record(500_000, &limits, at(second * 1000))));
    }
}
