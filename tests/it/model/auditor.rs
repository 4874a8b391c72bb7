//! What has to come back: streams, shards, records and iterators as plain
//! lists, by the words of the API reference, with nothing of the emulator's
//! own structure. Every call is settled, answered and compared here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::raw::{list, shard_id, text};

const HOUR_MILLIS: u64 = 3600 * 1000;
const DAY_MILLIS: u64 = 24 * HOUR_MILLIS;
/// How long records are kept at first.
pub(super) const RETENTION_MILLIS: u64 = DAY_MILLIS;
/// How long an iterator lives.
const ITERATOR_MILLIS: u64 = 300 * 1000;

/// The kinds of refusal that the workload provokes.
pub(super) const FAILED_ON_PURPOSE: &str = "ProvisionedThroughputExceededException";
pub(super) const EXPIRED: &str = "ExpiredIteratorException";
pub(super) const IN_USE: &str = "ResourceInUseException";
pub(super) const INVALID: &str = "InvalidArgumentException";
pub(super) const LIMIT: &str = "LimitExceededException";
pub(super) const NOT_FOUND: &str = "ResourceNotFoundException";
pub(super) const VALIDATION: &str = "ValidationException";

/// The expected state of one account in one Region.
#[derive(Clone)]
pub(super) struct Auditor {
    pub(super) now: u64,
    delay_millis: u64,
    pub(super) streams: BTreeMap<String, Stream>,
    pub(super) iterators: Vec<Iterator>,
    /// What is due, in the order of deadlines and then of calls.
    due: BTreeMap<(u64, u64), (u64, Change)>,
    made: u64,
    /// When the last stream of a name began, if it is gone.
    retired: BTreeMap<String, u64>,
}

/// An expected stream.
#[derive(Clone)]
pub(super) struct Stream {
    /// Tells namesakes apart.
    id: u64,
    pub(super) status: &'static str,
    created_seconds: u64,
    pub(super) shards: Vec<Shard>,
    pub(super) settings: Settings,
    /// When each of the changes happened that a day has a quota for.
    rescalings: Vec<u64>,
    mode_switches: Vec<u64>,
    encryption_starts: Vec<u64>,
    encryption_stops: Vec<u64>,
}

/// What can be set about a stream.
#[derive(Clone)]
pub(super) struct Settings {
    mode: &'static str,
    pub(super) retention_hours: u64,
    /// What arrived before this has expired, whatever the retention is now.
    expired_before: u64,
    key: Option<String>,
    tags: BTreeMap<String, String>,
    /// Names and statuses.
    pub(super) consumers: BTreeMap<String, &'static str>,
}

/// An expected shard.
#[derive(Clone)]
pub(super) struct Shard {
    pub(super) start: u128,
    pub(super) end: u128,
    parents: Vec<usize>,
    created_seconds: u64,
    opened: u64,
    closed: Option<u64>,
    /// All records that were ever acknowledged.
    pub(super) records: Vec<Record>,
    /// Its starting and ending sequence numbers, as first seen.
    seen_start: Option<String>,
    seen_end: Option<String>,
}

/// An acknowledged record.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) number: String,
    pub(super) key: String,
    pub(super) data: String,
    arrival: u64,
    is_encrypted: bool,
}

/// An iterator that was handed out.
#[derive(Clone)]
pub(super) struct Iterator {
    pub(super) token: String,
    stream: (String, u64),
    shard: usize,
    /// How many of the shard's records lie before it.
    next: usize,
    issued: u64,
}

#[derive(Clone)]
enum Change {
    Created { shards: usize },
    Deleted,
    Split { parent: usize, at: u128 },
    Merged { lower: usize, upper: usize },
    Rescaled { shards: usize },
    ModeSwitched { mode: &'static str },
    Encrypted { key: Option<String> },
    ConsumerReady { name: String },
    ConsumerGone { name: String },
}

/// Where an iterator starts.
#[derive(Debug, Clone)]
pub(super) enum Start {
    TrimHorizon,
    Latest,
    At(String),
    After(String),
    Time(u64),
}

/// Which shards are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    All,
    AtLatest,
    AtTrimHorizon,
    At(u64),
    From(u64),
    After(usize),
}

/// A record on its way in.
#[derive(Debug, Clone)]
pub(super) struct NewRecord {
    pub(super) key: String,
    /// Where it goes; `None` is a hash key beyond the space.
    pub(super) hash: Option<u128>,
    pub(super) data: String,
}

/// The answer, or the kind of the refusal.
pub(super) type Answer = Result<Value, String>;

impl Auditor {
    pub(super) fn new(now: u64, delay_millis: u64) -> Self {
        Self {
            now,
            delay_millis,
            streams: BTreeMap::new(),
            iterators: Vec::new(),
            due: BTreeMap::new(),
            made: 0,
            retired: BTreeMap::new(),
        }
    }

    /// Makes what is due happen.
    pub(super) fn settle(&mut self) {
        while let Some(first) = self.due.first_entry() {
            let (at, _) = *first.key();
            if at > self.now {
                return;
            }
            let (id, change) = first.remove();
            let Some((name, stream)) = self.streams.iter_mut().find(|(_, s)| s.id == id) else {
                continue;
            };
            match change {
                Change::Deleted => {
                    let name = name.clone();
                    self.retired.insert(name.clone(), stream.created_seconds);
                    self.streams.remove(&name);
                    continue;
                }
                Change::Created { shards } => stream.open_first(shards),
                Change::Split { parent, at: key } => stream.split(parent, key, at),
                Change::Merged { lower, upper } => stream.merge(lower, upper, at),
                Change::Rescaled { shards } => stream.rescale(shards, at),
                Change::ModeSwitched { mode } => stream.settings.mode = mode,
                Change::Encrypted { key } => stream.settings.key = key,
                Change::ConsumerReady { name } => {
                    if let Some(status @ &mut "CREATING") = stream.settings.consumers.get_mut(&name)
                    {
                        *status = "ACTIVE";
                    }
                    continue;
                }
                Change::ConsumerGone { name } => {
                    stream.settings.consumers.remove(&name);
                    continue;
                }
            }
            if stream.status != "DELETING" {
                stream.status = "ACTIVE";
            }
        }
    }

    fn plan(&mut self, id: u64, change: Change) {
        self.made += 1;
        self.due.insert((self.now + self.delay_millis, self.made), (id, change));
    }

    /// Without a count the stream is on-demand.
    pub(super) fn create(&mut self, name: &str, shards: Option<usize>, answer: &Answer) {
        let expected = match (shards, self.streams.contains_key(name)) {
            (Some(0), _) => Err(VALIDATION),
            (_, true) => Err(IN_USE),
            (_, false) => Ok(()),
        };
        if agree(expected, answer).is_none() {
            return;
        }
        self.made += 1;
        let id = self.made;
        let after_namesake = self.retired.get(name).map_or(0, |seconds| seconds + 1);
        let created_seconds = (self.now / 1000 - 2).max(after_namesake);
        let settings = Settings {
            mode: if shards.is_some() { "PROVISIONED" } else { "ON_DEMAND" },
            retention_hours: 24,
            expired_before: 0,
            key: None,
            tags: BTreeMap::new(),
            consumers: BTreeMap::new(),
        };
        let stream = Stream {
            id,
            status: "CREATING",
            created_seconds,
            shards: Vec::new(),
            settings,
            rescalings: Vec::new(),
            mode_switches: Vec::new(),
            encryption_starts: Vec::new(),
            encryption_stops: Vec::new(),
        };
        self.streams.insert(name.to_owned(), stream);
        self.plan(id, Change::Created { shards: shards.unwrap_or(4) });
    }

    pub(super) fn delete(&mut self, name: &str, is_enforced: bool, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if stream.status == "DELETING" => Err(IN_USE),
            Some(stream) if !is_enforced && !stream.settings.consumers.is_empty() => Err(IN_USE),
            Some(_) => Ok(()),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.status = "DELETING";
            let id = stream.id;
            self.plan(id, Change::Deleted);
        }
    }

    /// PutRecord and PutRecords: `places` takes what was answered apart. The
    /// records at the places in `failing` are refused on purpose.
    pub(super) fn put(
        &mut self,
        name: &str,
        records: &[NewRecord],
        failing: &BTreeSet<usize>,
        answer: &Answer,
        places: impl FnOnce(&Value) -> Vec<Value>,
    ) {
        let now = self.now;
        let stream = self.streams.get_mut(name).filter(|stream| stream.takes_records());
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(_) if records.iter().any(|record| record.hash.is_none()) => Err(INVALID),
            Some(_) => Ok(()),
        };
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let places = places(answer);
        assert_eq!(places.len(), records.len(), "every record is answered");
        for (nth, (record, place)) in records.iter().zip(places).enumerate() {
            if failing.contains(&nth) {
                assert_eq!(place["ErrorCode"], FAILED_ON_PURPOSE, "{place}");
                assert_eq!(place["SequenceNumber"], Value::Null);
                continue;
            }
            let hash = record.hash.expect("it was accepted");
            let owner = stream.owner(hash);
            assert_eq!(place["ShardId"], shard_id(owner), "the shard that owns {hash}");
            let is_encrypted = stream.settings.key.is_some();
            let number = text(&place["SequenceNumber"]);
            stream.shards[owner].append(now, record, number, is_encrypted);
        }
    }

    pub(super) fn split(&mut self, name: &str, parent: usize, key: u128, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) => stream.reshardable(parent).and_then(|shard| {
                (shard.start + 1 < key && key < shard.end).then_some(()).ok_or(INVALID)
            }),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::Split { parent, at: key });
        }
    }

    pub(super) fn merge(&mut self, name: &str, lower: usize, upper: usize, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) => stream.reshardable(lower).and_then(|first| {
                let second = stream.reshardable(upper)?;
                let neighbours = first.end.checked_add(1) == Some(second.start);
                neighbours.then_some(()).ok_or(INVALID)
            }),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::Merged { lower, upper });
        }
    }

    pub(super) fn rescale(&mut self, name: &str, target: usize, answer: &Answer) {
        let now = self.now;
        let stream = self.streams.get_mut(name);
        let open = stream.as_ref().map_or(0, |stream| stream.open_count());
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if stream.status != "ACTIVE" => Err(IN_USE),
            Some(stream) if stream.settings.mode == "ON_DEMAND" => Err(VALIDATION),
            Some(_) if target > open * 2 || target * 2 < open => Err(INVALID),
            Some(stream) if within_a_day(&stream.rescalings, now) >= 10 => Err(LIMIT),
            Some(_) => Ok(()),
        };
        if let (Some(answer), Some(stream)) = (agree(expected, answer), stream) {
            assert_eq!(answer["CurrentShardCount"], open);
            assert_eq!(answer["TargetShardCount"], target);
            stream.rescalings.push(now);
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::Rescaled { shards: target });
        }
    }

    pub(super) fn switch_mode(&mut self, name: &str, mode: &'static str, answer: &Answer) {
        let now = self.now;
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if stream.status != "ACTIVE" => Err(IN_USE),
            Some(stream) if stream.settings.mode == mode => Ok(()),
            Some(stream) if within_a_day(&stream.mode_switches, now) >= 2 => Err(LIMIT),
            Some(_) => Ok(()),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            if stream.settings.mode != mode {
                stream.mode_switches.push(now);
            }
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::ModeSwitched { mode });
        }
    }

    /// IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod.
    pub(super) fn keep(&mut self, name: &str, hours: i64, is_increase: bool, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(_) if !(24..=8760).contains(&hours) => Err(INVALID),
            Some(stream) if stream.status != "ACTIVE" => Err(IN_USE),
            Some(stream) => {
                let existing = stream.settings.retention_hours as i64;
                let is_allowed = if is_increase { hours >= existing } else { hours <= existing };
                is_allowed.then_some(()).ok_or(INVALID)
            }
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.settings.expired_before = stream.horizon(self.now);
            stream.settings.retention_hours = hours as u64;
        }
    }

    /// StartStreamEncryption with a key and StopStreamEncryption.
    pub(super) fn encrypt(&mut self, name: &str, key: &str, starts: bool, answer: &Answer) {
        let now = self.now;
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if stream.status != "ACTIVE" => Err(IN_USE),
            Some(stream) if starts && within_a_day(&stream.encryption_starts, now) >= 25 => {
                Err(LIMIT)
            }
            Some(_) if starts => Ok(()),
            Some(stream) if stream.settings.key.as_ref().is_some_and(|own| own != key) => {
                Err(INVALID)
            }
            Some(stream) if within_a_day(&stream.encryption_stops, now) >= 25 => Err(LIMIT),
            Some(_) => Ok(()),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            let times = match starts {
                true => &mut stream.encryption_starts,
                false => &mut stream.encryption_stops,
            };
            times.push(now);
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::Encrypted { key: starts.then(|| key.to_owned()) });
        }
    }

    pub(super) fn tag(&mut self, name: &str, added: &BTreeMap<String, String>, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(_) if added.keys().any(|key| key.contains(['%', '*'])) => Err(INVALID),
            Some(stream) if !stream.takes_records() => Err(IN_USE),
            Some(stream) => {
                let old = &stream.settings.tags;
                let new = added.keys().filter(|key| !old.contains_key(*key)).count();
                (old.len() + new <= 50).then_some(()).ok_or(INVALID)
            }
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.settings.tags.extend(added.clone());
        }
    }

    pub(super) fn untag(&mut self, name: &str, keys: &[String], answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if !stream.takes_records() => Err(IN_USE),
            Some(_) => Ok(()),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.settings.tags.retain(|key, _| !keys.contains(key));
        }
    }

    pub(super) fn tags(&self, name: &str, answer: &Answer) {
        let stream = self.streams.get(name);
        let expected = stream.map(|_| ()).ok_or(NOT_FOUND);
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let tag = |tag: &Value| (text(&tag["Key"]), text(&tag["Value"]));
        let found: Vec<_> = list(&answer["Tags"]).iter().map(tag).collect();
        let expected: Vec<_> = stream.settings.tags.clone().into_iter().collect();
        assert_eq!(found, expected);
    }

    pub(super) fn register(&mut self, name: &str, consumer: &str, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) if !stream.takes_records() => Err(IN_USE),
            Some(stream) if stream.settings.consumers.contains_key(consumer) => Err(IN_USE),
            Some(stream) if stream.settings.consumers.len() >= 20 => Err(LIMIT),
            Some(_) => Ok(()),
        };
        if let (Some(answer), Some(stream)) = (agree(expected, answer), stream) {
            assert_eq!(answer["Consumer"]["ConsumerName"], consumer);
            assert_eq!(answer["Consumer"]["ConsumerStatus"], "CREATING");
            stream.settings.consumers.insert(consumer.to_owned(), "CREATING");
            let id = stream.id;
            self.plan(id, Change::ConsumerReady { name: consumer.to_owned() });
        }
    }

    pub(super) fn deregister(&mut self, name: &str, consumer: &str, answer: &Answer) {
        let stream = self.streams.get_mut(name);
        let known = |stream: &Stream| stream.settings.consumers.contains_key(consumer);
        let expected = match &stream {
            Some(stream) if known(stream) => Ok(()),
            _ => Err(NOT_FOUND),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            let before = stream.settings.consumers.insert(consumer.to_owned(), "DELETING");
            if before == Some("DELETING") {
                return;
            }
            let id = stream.id;
            self.plan(id, Change::ConsumerGone { name: consumer.to_owned() });
        }
    }

    pub(super) fn consumers(&self, name: &str, answer: &Answer) {
        let stream = self.streams.get(name);
        let expected = stream.map(|_| ()).ok_or(NOT_FOUND);
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let found: Vec<_> = list(&answer["Consumers"])
            .iter()
            .map(|consumer| (text(&consumer["ConsumerName"]), text(&consumer["ConsumerStatus"])))
            .collect();
        let consumers = stream.settings.consumers.iter();
        let expected: Vec<_> =
            consumers.map(|(name, status)| (name.clone(), (*status).to_owned())).collect();
        assert_eq!(found, expected);
    }

    pub(super) fn iterator(&mut self, name: &str, shard: usize, start: &Start, answer: &Answer) {
        let now = self.now;
        let found = self.streams.get(name).and_then(|stream| {
            let horizon = stream.horizon(now);
            let live = stream.shards.get(shard).filter(|shard| shard.is_live(horizon))?;
            Some((stream.id, horizon, live))
        });
        let expected = match &found {
            None => Err(NOT_FOUND),
            Some((_, horizon, shard)) => shard.place_of(start, now, *horizon).ok_or(INVALID),
        };
        let next = expected.as_ref().ok().copied();
        if let (Some(answer), Some((id, ..)), Some(next)) = (agree(expected, answer), found, next) {
            let token = text(&answer["ShardIterator"]);
            self.hand_out(token, (name.to_owned(), id), shard, next);
        }
    }

    fn hand_out(&mut self, token: String, stream: (String, u64), shard: usize, next: usize) {
        assert!(
            self.iterators.iter().all(|iterator| iterator.token != token),
            "no token is handed out twice"
        );
        self.iterators.push(Iterator { token, stream, shard, next, issued: self.now });
    }

    pub(super) fn read(&mut self, iterator: usize, limit: usize, answer: &Answer) {
        let now = self.now;
        let Iterator { stream: (name, id), shard, next, issued, .. } = &self.iterators[iterator];
        let (name, id, shard_number, next) = (name.clone(), *id, *shard, *next);
        let stream = self.streams.get(&name).filter(|stream| stream.id == id);
        let shard = stream.and_then(|stream| stream.shards.get(shard_number));
        let horizon = stream.map_or(0, |stream| stream.horizon(now));
        let shard = shard.filter(|shard| shard.is_live(horizon));
        let expected = match &shard {
            _ if now > issued + ITERATOR_MILLIS => Err(EXPIRED),
            None => Err(NOT_FOUND),
            Some(_) => Ok(()),
        };
        let (Some(answer), Some(shard), Some(stream)) = (agree(expected, answer), shard, stream)
        else {
            return;
        };
        let first = next.max(shard.first_kept(horizon)).min(shard.records.len());
        let after = (first + limit).min(shard.records.len());
        let found = list(&answer["Records"]);
        let numbers: Vec<_> = found.iter().map(|record| text(&record["SequenceNumber"])).collect();
        let expected = &shard.records[first..after];
        assert_eq!(numbers, expected.iter().map(|r| r.number.clone()).collect::<Vec<_>>());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found["Data"], expected.data);
            assert_eq!(found["PartitionKey"], expected.key);
            assert_eq!(millis(&found["ApproximateArrivalTimestamp"]), expected.arrival);
            let encryption = expected.is_encrypted.then_some("KMS");
            assert_eq!(found["EncryptionType"].as_str(), encryption);
        }
        let behind =
            shard.records.get(after).map_or(0, |next| (now.saturating_sub(next.arrival)).max(1));
        assert_eq!(answer["MillisBehindLatest"], behind);
        if shard.closed.is_some() && after == shard.records.len() {
            assert_eq!(answer["NextShardIterator"], Value::Null, "the shard has been read out");
            let children = list(&answer["ChildShards"]);
            let expected: Vec<_> = stream.children(shard_number).map(shard_id).collect();
            assert_eq!(children.iter().map(|c| text(&c["ShardId"])).collect::<Vec<_>>(), expected);
        } else {
            assert_eq!(answer["ChildShards"], Value::Null, "there is more to come");
            let token = text(&answer["NextShardIterator"]);
            self.hand_out(token, (name, id), shard_number, after);
        }
    }

    pub(super) fn describe(&mut self, name: &str, answer: &Answer) {
        let now = self.now;
        let stream = self.streams.get_mut(name);
        let expected = stream.as_ref().map(|_| ()).ok_or(NOT_FOUND);
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let answer = &answer["StreamDescription"];
        assert_eq!(answer["StreamName"], name);
        assert_eq!(answer["StreamStatus"], stream.status);
        assert_eq!(answer["HasMoreShards"], stream.live_count(now) > 100);
        let horizon = stream.horizon(now);
        let is_live = |shard: &usize| stream.shards[*shard].is_live(horizon);
        let live: Vec<_> = (0..stream.shards.len()).filter(is_live).collect();
        stream.compare_shards(&live[..live.len().min(100)], list(&answer["Shards"]));
    }

    pub(super) fn summary(&self, name: &str, answer: &Answer) {
        let stream = self.streams.get(name);
        let expected = stream.map(|_| ()).ok_or(NOT_FOUND);
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let answer = &answer["StreamDescriptionSummary"];
        assert_eq!(answer["StreamStatus"], stream.status);
        assert_eq!(answer["OpenShardCount"], stream.open_count());
        let settings = &stream.settings;
        assert_eq!(answer["StreamModeDetails"]["StreamMode"], settings.mode);
        assert_eq!(answer["RetentionPeriodHours"], settings.retention_hours);
        assert_eq!(answer["ConsumerCount"], settings.consumers.len());
        assert_eq!(answer["KeyId"].as_str(), settings.key.as_deref());
        let encryption = if settings.key.is_some() { "KMS" } else { "NONE" };
        assert_eq!(answer["EncryptionType"], encryption);
    }

    pub(super) fn shards(&mut self, name: &str, filter: Filter, answer: &Answer) {
        let now = self.now;
        let stream = self.streams.get_mut(name);
        let horizon = stream.as_ref().map_or(0, |stream| stream.horizon(now));
        let expected = match (&stream, filter) {
            (_, Filter::At(time) | Filter::From(time)) if time > now => Err(INVALID),
            (None, _) => Err(NOT_FOUND),
            (Some(stream), _) if stream.takes_records() => Ok(()),
            (Some(_), _) => Err(IN_USE),
        };
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let wanted = |(number, shard): &(usize, &Shard)| {
            shard.is_live(horizon)
                && match filter {
                    Filter::All => true,
                    Filter::AtLatest => shard.closed.is_none(),
                    Filter::AtTrimHorizon => shard.was_open_at(horizon),
                    Filter::At(time) => shard.was_open_at(time.max(horizon)),
                    Filter::From(time) => shard.closed.is_none_or(|closed| closed >= time),
                    Filter::After(other) => *number > other,
                }
        };
        let expected: Vec<_> =
            stream.shards.iter().enumerate().filter(wanted).map(|(number, _)| number).collect();
        stream.compare_shards(&expected, list(&answer["Shards"]));
    }

    pub(super) fn list(&self, answer: &Answer) {
        let answer = agree(Ok(()), answer).expect("listing always works");
        let names: Vec<_> = list(&answer["StreamNames"]).iter().map(text).collect();
        assert_eq!(names, self.streams.keys().cloned().collect::<Vec<_>>());
        let statuses: Vec<_> =
            list(&answer["StreamSummaries"]).iter().map(|s| text(&s["StreamStatus"])).collect();
        assert_eq!(statuses, self.streams.values().map(|s| s.status).collect::<Vec<_>>());
    }

    /// When something happened to a stream: times at which a reader could stand
    /// on either side.
    pub(super) fn instants(&self, name: &str) -> Vec<u64> {
        let shards = || self.streams.get(name).into_iter().flat_map(|stream| &stream.shards);
        let arrivals = shards().flat_map(|shard| &shard.records).map(|record| record.arrival);
        let changes = shards().flat_map(|shard| shard.closed.into_iter().chain([shard.opened]));
        arrivals.chain(changes).collect()
    }

    /// When something will be over or due, if nobody does anything.
    pub(super) fn deadlines(&self, name: &str) -> Vec<u64> {
        let hours = self.streams.get(name).map_or(24, |stream| stream.settings.retention_hours);
        let retention = hours * HOUR_MILLIS;
        let kept_until = self.instants(name).into_iter().map(|instant| instant + retention);
        let alive_until = self.iterators.iter().map(|iterator| iterator.issued + ITERATOR_MILLIS);
        let due = self.due.keys().map(|(at, _)| *at);
        kept_until.chain(alive_until).chain(due).filter(|at| *at > self.now).collect()
    }

    /// Whether an iterator is young enough.
    pub(super) fn is_alive(&self, iterator: usize) -> bool {
        self.now <= self.iterators[iterator].issued + ITERATOR_MILLIS
    }

    /// How many records were acknowledged by streams that are still there.
    pub(super) fn record_count(&self) -> usize {
        self.streams.values().flat_map(|s| &s.shards).map(|shard| shard.records.len()).sum()
    }
}

impl Stream {
    /// Records that arrived before this are gone.
    fn horizon(&self, now: u64) -> u64 {
        (now - self.settings.retention_hours * HOUR_MILLIS).max(self.settings.expired_before)
    }

    fn live_count(&self, now: u64) -> usize {
        let horizon = self.horizon(now);
        self.shards.iter().filter(|shard| shard.is_live(horizon)).count()
    }

    pub(super) fn open_count(&self) -> usize {
        self.shards.iter().filter(|shard| shard.closed.is_none()).count()
    }

    fn takes_records(&self) -> bool {
        matches!(self.status, "ACTIVE" | "UPDATING")
    }

    fn open_first(&mut self, count: usize) {
        let starts = uniform(count);
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(u128::MAX, |next| next - 1);
            self.open(*start, end, Vec::new(), self.created_seconds, 0);
        }
    }

    /// Open shards are cut at the wanted bounds, then what lies between two
    /// bounds is merged from below.
    fn rescale(&mut self, count: usize, at: u64) {
        if count == self.open_count() {
            return;
        }
        let open = self.shards.iter().filter(|shard| shard.closed.is_none());
        let mut existing: Vec<_> = open.map(|shard| shard.start).collect();
        existing.sort_unstable();
        // Bounds that differ by rounding are the same.
        let same = |bound: u128| {
            let near = existing.iter().find(|start| start.abs_diff(bound) <= count as u128);
            near.copied().unwrap_or(bound)
        };
        let starts: Vec<_> = uniform(count).into_iter().map(same).collect();
        for start in &starts {
            let shard = self.owner(*start);
            if self.shards[shard].start != *start {
                self.split(shard, *start, at);
            }
        }
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(u128::MAX, |next| next - 1);
            while self.shards[self.owner(*start)].end != end {
                let lower = self.owner(*start);
                let upper = self.owner(self.shards[lower].end + 1);
                self.merge(lower, upper, at);
            }
        }
    }

    fn split(&mut self, parent: usize, key: u128, at: u64) {
        let Shard { start, end, .. } = self.shards[parent];
        let seconds = self.close(&[parent], at);
        self.open(start, key - 1, vec![parent], seconds, at);
        self.open(key, end, vec![parent], seconds, at);
    }

    fn merge(&mut self, lower: usize, upper: usize, at: u64) {
        let (start, end) = (self.shards[lower].start, self.shards[upper].end);
        let seconds = self.close(&[lower, upper], at);
        self.open(start, end, vec![lower, upper], seconds, at);
    }

    /// Children are made one second after their parents' end.
    fn close(&mut self, parents: &[usize], at: u64) -> u64 {
        let made = parents.iter().map(|parent| self.shards[*parent].created_seconds).max();
        let ended = at.max(made.expect("there is a parent") * 1000);
        for parent in parents {
            self.shards[*parent].closed = Some(at);
        }
        ended / 1000 + 1
    }

    fn open(&mut self, start: u128, end: u128, parents: Vec<usize>, created_seconds: u64, at: u64) {
        self.shards.push(Shard {
            start,
            end,
            parents,
            created_seconds,
            opened: at,
            closed: None,
            records: Vec::new(),
            seen_start: None,
            seen_end: None,
        });
    }

    fn owner(&self, hash: u128) -> usize {
        let owns =
            |shard: &Shard| shard.closed.is_none() && (shard.start..=shard.end).contains(&hash);
        let mut owners = (0..self.shards.len()).filter(|shard| owns(&self.shards[*shard]));
        let owner = owners.next().expect("open shards cover the space");
        assert_eq!(owners.next(), None, "open shards do not overlap");
        owner
    }

    fn reshardable(&self, shard: usize) -> Result<&Shard, &'static str> {
        if self.status != "ACTIVE" {
            return Err(IN_USE);
        }
        if self.settings.mode == "ON_DEMAND" {
            return Err(VALIDATION);
        }
        let shard = self.shards.get(shard).ok_or(NOT_FOUND)?;
        if shard.closed.is_some() { Err(INVALID) } else { Ok(shard) }
    }

    fn children(&self, parent: usize) -> impl std::iter::Iterator<Item = usize> {
        (0..self.shards.len()).filter(move |shard| self.shards[*shard].parents.contains(&parent))
    }

    fn compare_shards(&mut self, expected: &[usize], found: &[Value]) {
        let ids: Vec<_> = found.iter().map(|shard| text(&shard["ShardId"])).collect();
        assert_eq!(ids, expected.iter().copied().map(shard_id).collect::<Vec<_>>());
        for (number, found) in expected.iter().zip(found) {
            let oldest_child = self
                .children(*number)
                .filter_map(|child| self.shards[child].seen_start.clone())
                .min();
            let shard = &mut self.shards[*number];
            let range = &found["HashKeyRange"];
            assert_eq!(range["StartingHashKey"], shard.start.to_string());
            assert_eq!(range["EndingHashKey"], shard.end.to_string());
            let parent = |place: usize| shard.parents.get(place).copied().map(shard_id);
            assert_eq!(found["ParentShardId"].as_str(), parent(0).as_deref());
            assert_eq!(found["AdjacentParentShardId"].as_str(), parent(1).as_deref());
            let numbers = &found["SequenceNumberRange"];
            let start = text(&numbers["StartingSequenceNumber"]);
            let end = numbers["EndingSequenceNumber"].as_str().map(str::to_owned);
            assert_eq!(end.is_some(), shard.closed.is_some(), "closed shards have an end");
            assert_eq!(*shard.seen_start.get_or_insert_with(|| start.clone()), start);
            if let Some(end) = end {
                assert_eq!(*shard.seen_end.get_or_insert_with(|| end.clone()), end);
                assert!(shard.records.last().is_none_or(|last| last.number < end));
                assert!(start < end);
                assert!(oldest_child.is_none_or(|child| end < child), "children come later");
            }
            assert!(shard.records.first().is_none_or(|first| start < first.number));
        }
    }
}

impl Shard {
    /// Records arrive in order, and never before their shard was made.
    fn append(&mut self, now: u64, record: &NewRecord, number: String, is_encrypted: bool) {
        let last = self.records.last();
        assert_eq!(number.len(), 56);
        assert!(last.is_none_or(|last| last.number < number), "numbers rise");
        let arrival = now.max(last.map_or(0, |last| last.arrival));
        let NewRecord { key, data, .. } = record.clone();
        self.records.push(Record { number, key, data, arrival, is_encrypted });
    }

    fn is_live(&self, horizon: u64) -> bool {
        self.closed.is_none_or(|closed| closed >= horizon)
    }

    fn was_open_at(&self, time: u64) -> bool {
        (self.opened <= time || self.parents.is_empty())
            && self.closed.is_none_or(|closed| closed >= time)
    }

    /// How many records have been trimmed.
    fn first_kept(&self, horizon: u64) -> usize {
        self.records.partition_point(|record| record.arrival < horizon)
    }

    /// How many records lie before a start; `None` if it is none of this shard.
    fn place_of(&self, start: &Start, now: u64, horizon: u64) -> Option<usize> {
        let kept = self.first_kept(horizon);
        let find = |number: &String| self.records.iter().position(|r| r.number == *number);
        Some(match start {
            Start::TrimHorizon => kept,
            Start::Latest => self.records.len(),
            Start::At(number) => find(number)?.max(kept),
            Start::After(number) => (find(number)? + 1).max(kept),
            Start::Time(time) if *time > now => return None,
            Start::Time(time) => self.records.partition_point(|r| r.arrival < *time).max(kept),
        })
    }
}

/// How many of these times lie within the last 24 hours.
fn within_a_day(times: &[u64], now: u64) -> usize {
    times.iter().filter(|time| now - **time < DAY_MILLIS).count()
}

/// Where ranges of equal length begin: multiples of floor(2^128 / n), for the
/// small counts of the workload.
fn uniform(count: usize) -> Vec<u128> {
    let count = count as u128;
    let length = if count == 1 { 0 } else { (u128::MAX - (count - 1)) / count + 1 };
    (0..count).map(|number| number * length).collect()
}

/// Compares an answer's outcome with the expected one, and gives it back if
/// both are a success.
#[track_caller]
fn agree<'a, T: std::fmt::Debug>(
    expected: Result<T, &'static str>,
    answer: &'a Answer,
) -> Option<&'a Value> {
    match (expected, answer) {
        (Ok(_), Ok(answer)) => Some(answer),
        (Err(expected), Err(found)) if expected == found => None,
        (expected, found) => panic!("expected {expected:?}, found {found:?}"),
    }
}

/// Seconds with three decimals as milliseconds.
fn millis(value: &Value) -> u64 {
    (value.as_f64().expect("a time") * 1000.0).round() as u64
}
