//! What each call does to the expected state, and how its answer has to look.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Answer, Auditor, Change, EXPIRED, FAILED_ON_PURPOSE, Filter, IN_USE, INVALID, ITERATOR_MILLIS,
    Iterator, LIMIT, NOT_FOUND, NewRecord, Settings, Shard, Start, Stream, VALIDATION, millis,
    within_a_day,
};
use crate::support::raw::{list, shard_id, text};

impl Auditor {
    /// Without a count the stream is on-demand.
    pub(in crate::model) fn create(&mut self, name: &str, shards: Option<usize>, answer: &Answer) {
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
        let earliest = self.retired.get(name).map_or(0, |seconds| seconds + 1);
        let latest = (self.now / 1000 - 2).max(earliest);
        let is_free = |seconds: &u64| !self.created_seconds.contains(seconds);
        let before = (earliest..=latest).rev().find(is_free);
        let created_seconds = before.unwrap_or_else(|| (latest..).find(is_free).expect("one is"));
        self.created_seconds.insert(created_seconds);
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

    pub(in crate::model) fn delete(&mut self, name: &str, is_enforced: bool, answer: &Answer) {
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
    pub(in crate::model) fn put(
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

    pub(in crate::model) fn split(
        &mut self,
        name: &str,
        parent: usize,
        key: u128,
        answer: &Answer,
    ) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) => stream.reshardable(&[parent]).and_then(|shards| {
                let shard = shards[0];
                (shard.start + 1 < key && key < shard.end).then_some(()).ok_or(INVALID)
            }),
        };
        if let (Some(_), Some(stream)) = (agree(expected, answer), stream) {
            stream.status = "UPDATING";
            let id = stream.id;
            self.plan(id, Change::Split { parent, at: key });
        }
    }

    pub(in crate::model) fn merge(
        &mut self,
        name: &str,
        lower: usize,
        upper: usize,
        answer: &Answer,
    ) {
        let stream = self.streams.get_mut(name);
        let expected = match &stream {
            None => Err(NOT_FOUND),
            Some(stream) => stream.reshardable(&[lower, upper]).and_then(|shards| {
                let (first, second) = (shards[0], shards[1]);
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

    pub(in crate::model) fn rescale(&mut self, name: &str, target: usize, answer: &Answer) {
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

    pub(in crate::model) fn switch_mode(
        &mut self,
        name: &str,
        mode: &'static str,
        answer: &Answer,
    ) {
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
    pub(in crate::model) fn keep(
        &mut self,
        name: &str,
        hours: i64,
        is_increase: bool,
        answer: &Answer,
    ) {
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
    pub(in crate::model) fn encrypt(
        &mut self,
        name: &str,
        key: &str,
        starts: bool,
        answer: &Answer,
    ) {
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

    pub(in crate::model) fn tag(
        &mut self,
        name: &str,
        added: &BTreeMap<String, String>,
        answer: &Answer,
    ) {
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

    pub(in crate::model) fn untag(&mut self, name: &str, keys: &[String], answer: &Answer) {
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

    pub(in crate::model) fn tags(&self, name: &str, answer: &Answer) {
        let stream = self.streams.get(name);
        let expected = stream.map(|_| ()).ok_or(NOT_FOUND);
        let (Some(answer), Some(stream)) = (agree(expected, answer), stream) else { return };
        let tag = |tag: &Value| (text(&tag["Key"]), text(&tag["Value"]));
        let found: Vec<_> = list(&answer["Tags"]).iter().map(tag).collect();
        let expected: Vec<_> = stream.settings.tags.clone().into_iter().collect();
        assert_eq!(found, expected);
    }

    pub(in crate::model) fn register(&mut self, name: &str, consumer: &str, answer: &Answer) {
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

    pub(in crate::model) fn deregister(&mut self, name: &str, consumer: &str, answer: &Answer) {
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

    pub(in crate::model) fn consumers(&self, name: &str, answer: &Answer) {
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

    pub(in crate::model) fn iterator(
        &mut self,
        name: &str,
        shard: usize,
        start: &Start,
        answer: &Answer,
    ) {
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

    pub(in crate::model) fn read(&mut self, iterator: usize, limit: usize, answer: &Answer) {
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

    pub(in crate::model) fn describe(&mut self, name: &str, answer: &Answer) {
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

    pub(in crate::model) fn summary(&self, name: &str, answer: &Answer) {
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

    pub(in crate::model) fn shards(&mut self, name: &str, filter: Filter, answer: &Answer) {
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

    pub(in crate::model) fn list(&self, answer: &Answer) {
        let answer = agree(Ok(()), answer).expect("listing always works");
        let names: Vec<_> = list(&answer["StreamNames"]).iter().map(text).collect();
        assert_eq!(names, self.streams.keys().cloned().collect::<Vec<_>>());
        let statuses: Vec<_> =
            list(&answer["StreamSummaries"]).iter().map(|s| text(&s["StreamStatus"])).collect();
        assert_eq!(statuses, self.streams.values().map(|s| s.status).collect::<Vec<_>>());
    }
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
