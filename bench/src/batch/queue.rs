//! The batcher itself: what goes when, and what came of it.
//!
//! Laws: every record taken has exactly one outcome; a record is in at most one
//! call at a time; with [`Order::PerKey`] so is a key. Time comes in by argument,
//! as the time since any fixed moment, and does not go back.
//! Absent: waiting, sending.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::send::{CallError, EntryAnswer, EntryError};
use super::{BYTES_10_MIB, Entry, Fate, GiveUp, Order, Outcome, RECORDS_MAX, Settings};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this, hand the answer to [`Batcher::handle_answer`], and ask again.
    Send(Batch),
    /// Nothing until this time, an answer, or another record.
    WaitUntil(Duration),
    /// Nothing until an answer or another record.
    Idle,
}

/// One call's worth of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What to hand the answer in with.
    pub id: BatchId,
    /// The records, in the order in which the answer must speak of them.
    pub entries: Vec<Arc<Entry>>,
}

/// Tells the calls under way apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(u64);

/// Why a record was not taken; it is handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// As many wait as may. Try again when one has been settled.
    Full(Entry),
    /// No call could carry it.
    Invalid(Entry, &'static str),
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("as many records wait as may: put fewer at once"),
            Self::Invalid(entry, why) => write!(f, "record {} is not taken: {why}", entry.tag),
        }
    }
}

impl std::error::Error for NotTaken {}

/// Collects records into calls and follows each to its end.
#[derive(Debug)]
pub struct Batcher {
    settings: Settings,
    random: StdRng,
    /// Everything taken and not settled, oldest first.
    items: BTreeMap<Ticket, Item>,
    /// What may go now, by when it must.
    ready: BTreeSet<(Duration, Ticket)>,
    ready_bytes: usize,
    /// What was refused, by when it may go again.
    refused: BTreeSet<(Duration, Ticket)>,
    /// With [`Order::PerKey`]: for each key that has a record ahead, those behind it.
    behind: HashMap<String, VecDeque<Ticket>>,
    in_flight: BTreeMap<BatchId, Vec<Ticket>>,
    outcomes: VecDeque<Outcome>,
    tickets: u64,
    batches: u64,
    /// Tickets below this do not linger.
    flushed: u64,
    is_finishing: bool,
}

/// Records in the order in which they were taken.
type Ticket = u64;

#[derive(Debug)]
struct Item {
    entry: Arc<Entry>,
    taken_at: Duration,
    attempts: u32,
    place: Place,
    last_error: Option<EntryError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In `ready`, under this time.
    Ready(Duration),
    /// In `refused`, under this time.
    Refused(Duration),
    /// In `behind`.
    Behind,
    /// In a call.
    InFlight,
}

impl Batcher {
    /// A batcher with nothing in it.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let in_range = [
            ("records_max", settings.records_max, RECORDS_MAX),
            ("bytes_max", settings.bytes_max, BYTES_10_MIB),
            ("in_flight_max", settings.in_flight_max, usize::MAX),
            ("buffered_max", settings.buffered_max, usize::MAX),
        ];
        for (name, value, most) in in_range {
            if !(1..=most).contains(&value) {
                return Err(format!("{name} is 1 to {most}, not {value}"));
            }
        }
        if settings.backoff.first > settings.backoff.max {
            return Err("the first wait of a back-off is not longer than its longest".to_owned());
        }
        Ok(Self {
            settings,
            random: StdRng::seed_from_u64(settings.seed),
            items: BTreeMap::new(),
            ready: BTreeSet::new(),
            ready_bytes: 0,
            refused: BTreeSet::new(),
            behind: HashMap::new(),
            in_flight: BTreeMap::new(),
            outcomes: VecDeque::new(),
            tickets: 0,
            batches: 0,
            flushed: 0,
            is_finishing: false,
        })
    }

    /// Takes a record.
    ///
    /// # Errors
    /// When as many wait as may, or no call could carry it.
    pub fn push(&mut self, now: Duration, entry: Entry) -> Result<(), NotTaken> {
        if self.room() == 0 {
            return Err(NotTaken::Full(entry));
        }
        // One such entry would fail the whole call, and with it the others.
        if !(1..=256).contains(&entry.partition_key.chars().count()) {
            return Err(NotTaken::Invalid(entry, "a partition key has 1 to 256 characters"));
        }
        if entry.bytes() > self.settings.bytes_max {
            return Err(NotTaken::Invalid(entry, "it is larger than a call may be"));
        }
        let ticket = self.tickets;
        self.tickets += 1;
        let must_wait = match self.settings.order {
            Order::AsItComes => false,
            Order::PerKey => match self.behind.get_mut(entry.order_key()) {
                Some(behind) => {
                    behind.push_back(ticket);
                    true
                }
                None => {
                    self.behind.insert(entry.order_key().to_owned(), VecDeque::new());
                    false
                }
            },
        };
        let item = Item {
            entry: Arc::new(entry),
            taken_at: now,
            attempts: 0,
            place: Place::Behind,
            last_error: None,
        };
        self.items.insert(ticket, item);
        if !must_wait {
            self.make_ready(ticket, now + self.settings.linger);
        }
        Ok(())
    }

    /// What is to be done at this time.
    pub fn poll(&mut self, now: Duration) -> Step {
        self.settle(now);
        let may_send = self.in_flight.len() < self.settings.in_flight_max;
        if may_send && (self.is_full() || self.is_due(now)) {
            return Step::Send(self.take_batch());
        }
        let due = self.ready.first().filter(|_| may_send).map(|(time, _)| *time);
        let refused = self.refused.first().map(|(time, _)| *time);
        // What is under way outlives its time until the answer comes.
        let mut waiting = self.items.values().filter(|item| item.place != Place::InFlight);
        let expiry = waiting.next().map(|item| item.taken_at + self.settings.time_to_live);
        match [due, refused, expiry].into_iter().flatten().min() {
            Some(time) => Step::WaitUntil(time),
            None => Step::Idle,
        }
    }

    /// Takes the answer to a batch: for each entry, or one failure for all.
    ///
    /// # Panics
    /// When no such batch is under way.
    pub fn handle_answer(
        &mut self,
        now: Duration,
        batch: BatchId,
        answer: Result<Vec<EntryAnswer>, CallError>,
    ) {
        let tickets = self.in_flight.remove(&batch).expect("a batch is answered once");
        match answer {
            Ok(answers) if answers.len() == tickets.len() => {
                for (ticket, answer) in tickets.into_iter().zip(answers) {
                    match answer {
                        Ok(placed) => self.settle_one(now, ticket, Fate::Stored(placed)),
                        Err(error) => self.refuse(now, ticket, error),
                    }
                }
            }
            Ok(answers) => {
                let counts = format!("{} answers to {} entries", answers.len(), tickets.len());
                for ticket in tickets {
                    self.note(ticket, EntryError::new("RecordCountMismatch", counts.clone()));
                    self.give_up(now, ticket, GiveUp::Mismatch);
                }
            }
            Err(CallError { error, is_permanent }) => {
                for ticket in tickets {
                    if is_permanent {
                        self.note(ticket, error.clone());
                        self.give_up(now, ticket, GiveUp::Permanent);
                    } else {
                        self.refuse(now, ticket, error.clone());
                    }
                }
            }
        }
    }

    /// What came of a record, if anything is news.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// Lets all that waits go without lingering. Back-off is kept.
    pub fn flush(&mut self) {
        self.flushed = self.tickets;
    }

    /// Nothing lingers any more, now and later.
    pub fn finish(&mut self) {
        self.is_finishing = true;
    }

    /// How many more records would be taken.
    #[must_use]
    pub fn room(&self) -> usize {
        self.settings.buffered_max.saturating_sub(self.items.len())
    }

    /// Whether every record taken has been settled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn is_full(&self) -> bool {
        self.ready.len() >= self.settings.records_max || self.ready_bytes >= self.settings.bytes_max
    }

    fn is_due(&self, now: Duration) -> bool {
        // The first is the oldest of those that linger, so if any is flushed, it is.
        self.ready
            .first()
            .is_some_and(|(due, ticket)| *due <= now || *ticket < self.flushed || self.is_finishing)
    }

    /// Brings all to this time: waits that are over, times to live that are.
    fn settle(&mut self, now: Duration) {
        while let Some((time, ticket)) = self.refused.first().copied()
            && time <= now
        {
            self.refused.pop_first();
            self.make_ready(ticket, time);
        }
        let is_old = |item: &Item| item.taken_at + self.settings.time_to_live <= now;
        let expired = self.items.iter().take_while(|(_, item)| is_old(item));
        let expired: Vec<Ticket> = expired
            .filter(|(_, item)| item.place != Place::InFlight)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in expired {
            self.give_up(now, ticket, GiveUp::Expired);
        }
    }

    fn take_batch(&mut self) -> Batch {
        let id = BatchId(self.batches);
        self.batches += 1;
        let (mut tickets, mut entries, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((_, ticket)) = self.ready.first().copied() {
            let item = self.items.get_mut(&ticket).expect("what is ready is not settled");
            let entry_bytes = item.entry.bytes();
            if entries.len() == self.settings.records_max
                || bytes + entry_bytes > self.settings.bytes_max
            {
                break;
            }
            item.place = Place::InFlight;
            item.attempts += 1;
            bytes += entry_bytes;
            entries.push(Arc::clone(&item.entry));
            tickets.push(ticket);
            self.ready.pop_first();
            self.ready_bytes -= entry_bytes;
        }
        assert!(!entries.is_empty(), "a record that is ready fits into a call");
        self.in_flight.insert(id, tickets);
        Batch { id, entries }
    }

    fn make_ready(&mut self, ticket: Ticket, due: Duration) {
        let item = self.items.get_mut(&ticket).expect("it is not settled");
        item.place = Place::Ready(due);
        self.ready_bytes += item.entry.bytes();
        self.ready.insert((due, ticket));
    }

    /// An attempt was in vain: another one later, if there is a later.
    fn refuse(&mut self, now: Duration, ticket: Ticket, error: EntryError) {
        self.note(ticket, error);
        let item = self.items.get_mut(&ticket).expect("what is under way is not settled");
        if item.taken_at + self.settings.time_to_live <= now {
            return self.give_up(now, ticket, GiveUp::Expired);
        }
        let time = now + self.settings.backoff.draw(item.attempts, &mut self.random);
        item.place = Place::Refused(time);
        self.refused.insert((time, ticket));
    }

    fn note(&mut self, ticket: Ticket, error: EntryError) {
        self.items.get_mut(&ticket).expect("it is not settled").last_error = Some(error);
    }

    fn give_up(&mut self, now: Duration, ticket: Ticket, why: GiveUp) {
        let last_error = self.items[&ticket].last_error.clone();
        self.settle_one(now, ticket, Fate::GivenUp { why, last_error });
    }

    fn settle_one(&mut self, now: Duration, ticket: Ticket, fate: Fate) {
        let item = self.items.remove(&ticket).expect("a record is settled once");
        match item.place {
            Place::Ready(due) => {
                self.ready.remove(&(due, ticket));
                self.ready_bytes -= item.entry.bytes();
            }
            Place::Refused(time) => {
                self.refused.remove(&(time, ticket));
            }
            Place::Behind | Place::InFlight => {}
        }
        if self.settings.order == Order::PerKey {
            self.let_the_next_pass(ticket, &item);
        }
        self.outcomes.push_back(Outcome {
            tag: item.entry.tag,
            attempts: item.attempts,
            took: now.saturating_sub(item.taken_at),
            fate,
        });
    }

    /// A key's record is settled: the one behind it is ready, if there is one.
    fn let_the_next_pass(&mut self, settled: Ticket, item: &Item) {
        let key = item.entry.order_key();
        let behind = self.behind.get_mut(key).expect("its key is held");
        if item.place == Place::Behind {
            behind.retain(|ticket| *ticket != settled);
            return;
        }
        match behind.pop_front() {
            Some(next) => {
                let due = self.items[&next].taken_at + self.settings.linger;
                self.make_ready(next, due);
            }
            None => {
                self.behind.remove(key);
            }
        }
    }
}
