//! One call of each kind, with arguments that mostly lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use kinesis_emulator::{ErrorKind, Operation};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::super::auditor::{Answer, Filter, NewRecord, RETENTION_MILLIS, Start};
use super::{NAMES, Workload};
use crate::support::raw::{list, shard_id};

impl Workload {
    pub(super) fn name(&mut self) -> &'static str {
        // Mostly one that exists, so that calls get somewhere.
        let known = |name: &&str| self.auditor.streams.contains_key(*name);
        let existing: Vec<_> = NAMES.into_iter().filter(known).collect();
        if existing.is_empty() || self.chance.one_in(20) {
            self.chance.pick(&NAMES)
        } else {
            self.chance.pick(&existing)
        }
    }

    pub(super) fn create(&mut self) -> Answer {
        let name = self.chance.pick(&NAMES[..3]);
        let shards = Some(self.chance.below(5) as usize).filter(|_| !self.chance.one_in(6));
        let answer = self.call("CreateStream", json!({"StreamName": name, "ShardCount": shards}));
        self.auditor.create(name, shards, &answer);
        answer
    }

    pub(super) fn delete(&mut self) -> Answer {
        let name = self.name();
        let is_enforced = self.chance.one_in(2);
        let answer = self.call(
            "DeleteStream",
            json!({"StreamName": name, "EnforceConsumerDeletion": is_enforced}),
        );
        self.auditor.delete(name, is_enforced, &answer);
        answer
    }

    /// A record, and the members of a request that put it.
    pub(super) fn record(&mut self) -> (NewRecord, Value) {
        let key = format!("key {}", self.chance.below(50));
        // Any eight letters are the base64 of some six bytes.
        let data: String = (0..8).map(|_| char::from(b'a' + self.chance.below(26) as u8)).collect();
        let mut input = json!({"PartitionKey": key, "Data": data});
        let hash = match self.chance.below(40) {
            0 => {
                input["ExplicitHashKey"] = json!("340282366920938463463374607431768211456");
                None
            }
            1..10 => {
                let hash = self.chance.hash_key();
                input["ExplicitHashKey"] = json!(hash.to_string());
                Some(hash)
            }
            _ => Some(u128::from_be_bytes(Md5::digest(key.as_bytes()).into())),
        };
        (NewRecord { key, hash, data }, input)
    }

    pub(super) fn put_record(&mut self) -> Answer {
        let name = self.name();
        let (record, mut input) = self.record();
        input["StreamName"] = json!(name);
        if self.chance.one_in(4)
            && let Some(number) = self.number(name)
        {
            input["SequenceNumberForOrdering"] = json!(number);
        }
        let answer = self.call("PutRecord", input);
        let all_well = BTreeSet::new();
        self.auditor.put(name, &[record], &all_well, &answer, |place| vec![place.clone()]);
        answer
    }

    pub(super) fn put_records(&mut self) -> Answer {
        let name = self.name();
        let count = 1 + self.chance.below(12);
        let (records, entries): (Vec<_>, Vec<_>) = (0..count).map(|_| self.record()).unzip();
        let failing = self.records_to_fail(count as usize);
        let faults = self.raw.emulator.faults().on(Operation::PutRecords);
        let faults = failing.iter().fold(faults, |faults, place| faults.record(*place));
        // Without a place it would be about all of them.
        let _fault = (!failing.is_empty())
            .then(|| faults.fail_records(ErrorKind::ProvisionedThroughputExceeded));
        let answer = self.call("PutRecords", json!({"StreamName": name, "Records": entries}));
        let places = |answer: &Value| {
            assert_eq!(answer["FailedRecordCount"], failing.len());
            list(&answer["Records"]).clone()
        };
        self.auditor.put(name, &records, &failing, &answer, places);
        self.seen.records_failed += failing.len();
        answer
    }

    /// Places of a batch whose records are to fail; mostly none.
    pub(super) fn records_to_fail(&mut self, count: usize) -> BTreeSet<usize> {
        if !self.chance.one_in(8) {
            return BTreeSet::new();
        }
        (0..count).filter(|_| self.chance.one_in(3)).collect()
    }

    /// The sequence number of some record of a stream.
    pub(super) fn number(&mut self, name: &str) -> Option<String> {
        let stream = self.auditor.streams.get(name)?;
        let numbers: Vec<_> = stream.shards.iter().flat_map(|shard| &shard.records).collect();
        if numbers.is_empty() {
            return None;
        }
        Some(numbers[self.chance.below(numbers.len() as u64) as usize].number.clone())
    }

    /// A shard of a stream, rarely one that never was.
    pub(super) fn shard(&mut self, name: &str) -> usize {
        let shards = self.auditor.streams.get(name).map_or(0, |stream| stream.shards.len());
        let beyond = u64::from(self.chance.one_in(10));
        self.chance.below((shards as u64 + beyond).max(1)) as usize
    }

    /// A time to ask for: just when something happened, or anywhere near now.
    pub(super) fn time(&mut self, name: &str) -> u64 {
        let instants = self.auditor.instants(name);
        if instants.is_empty() || self.chance.one_in(3) {
            self.auditor.now + 2 - self.chance.below(RETENTION_MILLIS / 12)
        } else {
            self.chance.pick(&instants) + self.chance.below(2)
        }
    }

    pub(super) fn iterator(&mut self) -> Answer {
        let name = self.name();
        let shard = self.shard(name);
        let start = match self.chance.below(6) {
            0 => Start::Latest,
            1 => Start::At(self.number(name).unwrap_or_else(|| "1".repeat(60))),
            2 => Start::After(self.number(name).unwrap_or_else(|| "1".repeat(60))),
            3 => Start::Time(self.time(name)),
            _ => Start::TrimHorizon,
        };
        let mut input = json!({"StreamName": name, "ShardId": shard_id(shard)});
        let kind = match &start {
            Start::TrimHorizon => "TRIM_HORIZON",
            Start::Latest => "LATEST",
            Start::At(number) => {
                input["StartingSequenceNumber"] = json!(number);
                "AT_SEQUENCE_NUMBER"
            }
            Start::After(number) => {
                input["StartingSequenceNumber"] = json!(number);
                "AFTER_SEQUENCE_NUMBER"
            }
            Start::Time(time) => {
                input["Timestamp"] = seconds(*time);
                "AT_TIMESTAMP"
            }
        };
        input["ShardIteratorType"] = json!(kind);
        let answer = self.call("GetShardIterator", input);
        self.auditor.iterator(name, shard, &start, &answer);
        answer
    }

    pub(super) fn read(&mut self) -> Answer {
        let held = self.auditor.iterators.len() as u64;
        if held == 0 {
            return self.iterator();
        }
        // Mostly a recent one: it is likely to be alive.
        let eldest = if self.chance.one_in(5) { held } else { held.min(6) };
        let back = self.chance.below(eldest);
        let iterator = (held - 1 - back) as usize;
        if !self.auditor.is_alive(iterator) && !self.chance.one_in(8) {
            return self.iterator();
        }
        let limit = 1 + self.chance.below(20) as usize;
        let token = self.auditor.iterators[iterator].token.clone();
        let answer = self.call("GetRecords", json!({"ShardIterator": token, "Limit": limit}));
        self.auditor.read(iterator, limit, &answer);
        answer
    }

    pub(super) fn split(&mut self) -> Answer {
        let name = self.name();
        let parent = self.shard(name);
        let range = self.auditor.streams.get(name).and_then(|stream| stream.shards.get(parent));
        let key = match range.map(|shard| (shard.start, shard.end)) {
            Some((start, end)) if !self.chance.one_in(6) => start + (end - start) / 2,
            Some((start, end)) => self.chance.pick(&[start, end, start.saturating_add(1)]),
            None => self.chance.hash_key(),
        };
        let answer = self.call(
            "SplitShard",
            json!({
                "StreamName": name,
                "ShardToSplit": shard_id(parent),
                "NewStartingHashKey": key.to_string(),
            }),
        );
        self.auditor.split(name, parent, key, &answer);
        answer
    }

    pub(super) fn merge(&mut self) -> Answer {
        let name = self.name();
        let lower = self.shard(name);
        let neighbour = self.auditor.streams.get(name).and_then(|stream| {
            let end = stream.shards.get(lower)?.end;
            stream.shards.iter().rposition(|shard| Some(shard.start) == end.checked_add(1))
        });
        let upper = match neighbour {
            Some(neighbour) if !self.chance.one_in(5) => neighbour,
            _ => self.shard(name),
        };
        let answer = self.call(
            "MergeShards",
            json!({
                "StreamName": name,
                "ShardToMerge": shard_id(lower),
                "AdjacentShardToMerge": shard_id(upper),
            }),
        );
        self.auditor.merge(name, lower, upper, &answer);
        answer
    }

    pub(super) fn rescale(&mut self) -> Answer {
        let name = self.name();
        let open = self.auditor.streams.get(name).map_or(1, |stream| stream.open_count() as u64);
        // Sometimes beyond double, sometimes below half; few shards in all.
        let target = 1 + self.chance.below((open * 2 + 1).min(9)) as usize;
        let answer = self.call(
            "UpdateShardCount",
            json!({
                "StreamName": name,
                "TargetShardCount": target,
                "ScalingType": "UNIFORM_SCALING",
            }),
        );
        self.auditor.rescale(name, target, &answer);
        answer
    }

    pub(super) fn switch_mode(&mut self) -> Answer {
        let name = self.name();
        // Mostly back to where shards can be changed.
        let mode = self.chance.pick(&["PROVISIONED", "PROVISIONED", "ON_DEMAND"]);
        let answer = self.call(
            "UpdateStreamMode",
            json!({"StreamARN": self.arn(name), "StreamModeDetails": {"StreamMode": mode}}),
        );
        self.auditor.switch_mode(name, mode, &answer);
        answer
    }

    pub(super) fn keep(&mut self) -> Answer {
        let name = self.name();
        let mut hours = self.chance.pick(&[-1, 23, 24, 25, 30, 48, 48, 100, 8760, 8761]);
        let is_increase = self.chance.one_in(2);
        let existing = self.auditor.streams.get(name).map_or(24, |s| s.settings.retention_hours);
        if !is_increase && self.chance.one_in(2) {
            hours = existing.div_ceil(2).max(24) as i64;
        }
        let operation = if is_increase { "Increase" } else { "Decrease" };
        let answer = self.call(
            &format!("{operation}StreamRetentionPeriod"),
            json!({"StreamName": name, "RetentionPeriodHours": hours}),
        );
        self.auditor.keep(name, hours, is_increase, &answer);
        answer
    }

    pub(super) fn encrypt(&mut self) -> Answer {
        let name = self.name();
        let key = self.chance.pick(&["alias/one", "alias/two"]);
        let starts = self.chance.one_in(2);
        let operation = if starts { "StartStreamEncryption" } else { "StopStreamEncryption" };
        let answer = self
            .call(operation, json!({"StreamName": name, "EncryptionType": "KMS", "KeyId": key}));
        self.auditor.encrypt(name, key, starts, &answer);
        answer
    }

    pub(super) fn change_tags(&mut self) -> Answer {
        let name = self.name();
        let count = 1 + self.chance.below(24);
        let keys: Vec<_> = (0..count).map(|_| format!("k{}", self.chance.below(70))).collect();
        match self.chance.below(3) {
            0 => {
                let answer = self.call("ListTagsForStream", json!({"StreamName": name}));
                self.auditor.tags(name, &answer);
                answer
            }
            1 => {
                let keys = keys.into_iter().take(4).collect::<BTreeSet<_>>().into_iter();
                let keys: Vec<_> = keys.collect();
                let answer =
                    self.call("RemoveTagsFromStream", json!({"StreamName": name, "TagKeys": keys}));
                self.auditor.untag(name, &keys, &answer);
                answer
            }
            _ => {
                let mut tags: BTreeMap<_, _> =
                    keys.into_iter().map(|key| (key, self.chance.below(9).to_string())).collect();
                if self.chance.one_in(8) {
                    tags.insert(self.chance.pick(&["per%cent", "st*r"]).to_owned(), String::new());
                }
                let answer =
                    self.call("AddTagsToStream", json!({"StreamName": name, "Tags": tags}));
                self.auditor.tag(name, &tags, &answer);
                answer
            }
        }
    }

    pub(super) fn change_consumers(&mut self) -> Answer {
        let name = self.name();
        let consumer = format!("c{}", self.chance.below(2));
        let input = json!({"StreamARN": self.arn(name), "ConsumerName": consumer});
        match self.chance.below(5) {
            0 | 1 => {
                let answer = self.call("DeregisterStreamConsumer", input);
                self.auditor.deregister(name, &consumer, &answer);
                answer
            }
            2 => {
                let input = json!({"StreamARN": self.arn(name)});
                let answer = self.call("ListStreamConsumers", input);
                self.auditor.consumers(name, &answer);
                answer
            }
            _ => {
                let answer = self.call("RegisterStreamConsumer", input);
                self.auditor.register(name, &consumer, &answer);
                answer
            }
        }
    }

    pub(super) fn arn(&self, name: &str) -> String {
        format!("arn:aws:kinesis:us-east-1:{}:stream/{name}", self.account)
    }

    pub(super) fn describe(&mut self) -> Answer {
        let name = self.name();
        let answer = self.call("DescribeStream", json!({"StreamName": name}));
        self.auditor.describe(name, &answer);
        answer
    }

    pub(super) fn summary(&mut self) -> Answer {
        let name = self.name();
        let answer = self.call("DescribeStreamSummary", json!({"StreamName": name}));
        self.auditor.summary(name, &answer);
        answer
    }

    pub(super) fn list_shards(&mut self) -> Answer {
        let name = self.name();
        let time = self.time(name);
        let (filter, wire) = match self.chance.below(6) {
            0 => (Filter::All, json!({"Type": "FROM_TRIM_HORIZON"})),
            1 => (Filter::AtLatest, json!({"Type": "AT_LATEST"})),
            2 => (Filter::AtTrimHorizon, json!({"Type": "AT_TRIM_HORIZON"})),
            3 => (Filter::At(time), json!({"Type": "AT_TIMESTAMP", "Timestamp": seconds(time)})),
            4 => {
                (Filter::From(time), json!({"Type": "FROM_TIMESTAMP", "Timestamp": seconds(time)}))
            }
            _ => {
                let shard = self.shard(name);
                (
                    Filter::After(shard),
                    json!({"Type": "AFTER_SHARD_ID", "ShardId": shard_id(shard)}),
                )
            }
        };
        let answer = self.call("ListShards", json!({"StreamName": name, "ShardFilter": wire}));
        self.auditor.shards(name, filter, &answer);
        answer
    }

    pub(super) fn list_streams(&mut self) -> Answer {
        let answer = self.call("ListStreams", json!({}));
        self.auditor.list(&answer);
        answer
    }
}

/// Milliseconds as seconds with decimals.
fn seconds(millis: u64) -> Value {
    json!(millis as f64 / 1000.0)
}
