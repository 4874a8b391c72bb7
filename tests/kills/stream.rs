//! A stream as the emulator should have it, by what it has answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::http::{Answer, Client};
use crate::worker::Counts;

/// The account and Region of callers who name none.
const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/";

/// More shards are not split.
const SHARDS_MAX: usize = 12;

pub(crate) struct StreamModel {
    name: String,
    /// What it is, if nothing is in doubt.
    state: Option<Settings>,
    /// What a call that was not answered would have made of it.
    doubt: Option<Option<Settings>>,
    /// Acknowledged records, by their data: shard and sequence number.
    records: BTreeMap<String, (String, String)>,
    /// Data of calls that were not answered: all of a call or nothing.
    doubtful: Vec<Vec<String>>,
    /// The sequence number that each shard begins with, once it was seen.
    starts: BTreeMap<String, String>,
}

/// What control calls change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    shards: BTreeMap<String, Shard>,
    tags: BTreeMap<String, String>,
    retention_hours: u64,
    consumers: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shard {
    parents: Vec<String>,
    first: u128,
    last: u128,
    is_closed: bool,
}

impl StreamModel {
    pub(crate) fn new(name: String, shards: u32) -> Self {
        let settings = Settings {
            shards: uniform(shards),
            tags: BTreeMap::new(),
            retention_hours: 24,
            consumers: BTreeSet::new(),
        };
        Self {
            name,
            state: None,
            doubt: Some(Some(settings)),
            records: BTreeMap::new(),
            doubtful: Vec::new(),
            starts: BTreeMap::new(),
        }
    }

    /// How many records it may have.
    pub(crate) fn records(&self) -> usize {
        self.records.len() + self.doubtful.iter().map(Vec::len).sum::<usize>()
    }

    pub(crate) fn create(&mut self, client: &mut Client, counts: &mut Counts) -> io::Result<()> {
        let wanted = self.doubt.clone().flatten().expect("it is to be made");
        let input = json!({"StreamName": self.name, "ShardCount": wanted.shards.len()});
        client.ask("CreateStream", &input)?;
        self.confirm(counts);
        self.wait(client)
    }

    pub(crate) fn delete(&mut self, client: &mut Client, counts: &mut Counts) -> io::Result<()> {
        self.doubt = Some(None);
        let input = json!({"StreamName": self.name, "EnforceConsumerDeletion": true});
        client.ask("DeleteStream", &input)?;
        self.confirm(counts);
        self.wait(client)
    }

    pub(crate) fn put_record(
        &mut self,
        client: &mut Client,
        chance: &mut Chance,
        data: &str,
        counts: &mut Counts,
    ) -> io::Result<()> {
        self.doubtful.push(vec![data.to_owned()]);
        let mut input = record(chance, data);
        input["StreamName"] = json!(self.name);
        let placed = client.ask("PutRecord", &input)?;
        self.doubtful.pop();
        self.place(data, &placed, counts);
        Ok(())
    }

    pub(crate) fn put_records(
        &mut self,
        client: &mut Client,
        chance: &mut Chance,
        data: &str,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let all: Vec<_> =
            (0..2 + chance.below(30)).map(|number| format!("{data}.{number}")).collect();
        let records: Vec<_> = all.iter().map(|data| record(chance, data)).collect();
        self.doubtful.push(all.clone());
        let input = json!({"StreamName": self.name, "Records": records});
        let answer = client.ask("PutRecords", &input)?;
        assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
        self.doubtful.pop();
        let placed = answer["Records"].as_array().expect("one of each");
        all.iter().zip(placed).for_each(|(data, placed)| self.place(data, placed, counts));
        Ok(())
    }

    fn place(&mut self, data: &str, placed: &Value, counts: &mut Counts) {
        let place = (text(&placed["ShardId"]), text(&placed["SequenceNumber"]));
        self.records.insert(data.to_owned(), place);
        counts.records += 1;
    }

    /// One of the calls that change the stream itself.
    pub(crate) fn change(
        &mut self,
        client: &mut Client,
        chance: &mut Chance,
        name: &str,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let mut next = self.state.clone().expect("it is there");
        let arn = format!("{ARN}{}", self.name);
        let stream = json!(self.name);
        let (operation, input) = match chance.below(8) {
            0 | 1 => {
                let value = chance.below(1000).to_string();
                let key = format!("k{}", chance.below(6));
                let input = json!({"StreamName": stream, "Tags": {&key: &value}});
                next.tags.insert(key, value);
                ("AddTagsToStream", input)
            }
            2 => {
                let key = format!("k{}", chance.below(6));
                next.tags.remove(&key);
                ("RemoveTagsFromStream", json!({"StreamName": stream, "TagKeys": [key]}))
            }
            3 => {
                let hours = 24 + chance.below(100);
                let operation = if hours >= next.retention_hours {
                    "IncreaseStreamRetentionPeriod"
                } else {
                    "DecreaseStreamRetentionPeriod"
                };
                next.retention_hours = hours;
                (operation, json!({"StreamName": stream, "RetentionPeriodHours": hours}))
            }
            4 => match next.consumers.pop_first() {
                Some(consumer) if next.consumers.len() > 2 => {
                    let input = json!({"StreamARN": arn, "ConsumerName": consumer});
                    ("DeregisterStreamConsumer", input)
                }
                popped => {
                    next.consumers.extend(popped);
                    next.consumers.insert(name.to_owned());
                    let input = json!({"StreamARN": arn, "ConsumerName": name});
                    ("RegisterStreamConsumer", input)
                }
            },
            5 | 6 if next.shards.len() < SHARDS_MAX => match next.split(chance) {
                Some((shard, at)) => (
                    "SplitShard",
                    json!({"StreamName": stream, "ShardToSplit": shard, "NewStartingHashKey": at.to_string()}),
                ),
                None => return Ok(()),
            },
            _ => match next.merge() {
                Some((shard, adjacent)) => (
                    "MergeShards",
                    json!({"StreamName": stream, "ShardToMerge": shard, "AdjacentShardToMerge": adjacent}),
                ),
                None => return Ok(()),
            },
        };
        self.doubt = Some(Some(next));
        client.ask(operation, &input)?;
        self.confirm(counts);
        self.wait(client)
    }

    /// The call was answered: what was in doubt is so.
    fn confirm(&mut self, counts: &mut Counts) {
        self.state = self.doubt.take().expect("a call was made");
        counts.control += 1;
    }

    /// Waits until nothing is under way any more; `None` when there is no stream.
    fn settle(&self, client: &mut Client) -> io::Result<Option<Value>> {
        let input = json!({"StreamName": self.name});
        loop {
            let Answer::Done(answer) = client.call("DescribeStreamSummary", &input)? else {
                return Ok(None);
            };
            let summary = &answer["StreamDescriptionSummary"];
            if summary["StreamStatus"] != "ACTIVE" {
                continue;
            }
            let summary = summary.clone();
            let input = json!({"StreamARN": format!("{ARN}{}", self.name)});
            let Answer::Done(consumers) = client.call("ListStreamConsumers", &input)? else {
                continue;
            };
            let listed = consumers["Consumers"].as_array().expect("a list");
            if listed.iter().all(|consumer| consumer["ConsumerStatus"] == "ACTIVE") {
                return Ok(Some(summary));
            }
        }
    }

    fn wait(&self, client: &mut Client) -> io::Result<()> {
        self.settle(client).map(drop)
    }

    /// Holds what the emulator has against what it has answered. Whether the
    /// stream is there.
    pub(crate) fn audit(&mut self, client: &mut Client, counts: &mut Counts) -> io::Result<bool> {
        let name = self.name.clone();
        let found = match self.settle(client)? {
            Some(summary) => Some(self.look(client, &summary)?),
            None => None,
        };
        if found != self.state {
            let doubt = self.doubt.take();
            let state = &self.state;
            assert_eq!(
                Some(&found),
                doubt.as_ref(),
                "stream {name} is neither as it was ({state:#?}) nor as an unanswered call makes it"
            );
            counts.unanswered[0] += 1;
            self.state = found;
        } else if self.doubt.take().is_some() {
            counts.unanswered[1] += 1;
        }
        let Some(state) = self.state.clone() else { return Ok(false) };
        self.audit_records(client, &state, counts)?;
        Ok(true)
    }

    fn look(&mut self, client: &mut Client, summary: &Value) -> io::Result<Settings> {
        let stream = json!({"StreamName": self.name});
        let mut shards = BTreeMap::new();
        let listed = client.ask("ListShards", &stream)?;
        assert!(listed["NextToken"].is_null(), "there are few");
        for shard in listed["Shards"].as_array().expect("a list") {
            let id = text(&shard["ShardId"]);
            let numbers = &shard["SequenceNumberRange"];
            let start = text(&numbers["StartingSequenceNumber"]);
            let before = self.starts.entry(id.clone()).or_insert_with(|| start.clone());
            assert_eq!(*before, start, "{id} of {} begins elsewhere", self.name);
            let parents = ["ParentShardId", "AdjacentParentShardId"];
            let parents = parents.iter().filter_map(|parent| shard[parent].as_str());
            let range = &shard["HashKeyRange"];
            let found = Shard {
                parents: parents.map(str::to_owned).collect(),
                first: text(&range["StartingHashKey"]).parse().expect("a number"),
                last: text(&range["EndingHashKey"]).parse().expect("a number"),
                is_closed: !numbers["EndingSequenceNumber"].is_null(),
            };
            shards.insert(id, found);
        }
        let tags = client.ask("ListTagsForStream", &stream)?;
        let tags = tags["Tags"].as_array().expect("a list").iter();
        let arn = json!({"StreamARN": format!("{ARN}{}", self.name)});
        let consumers = client.ask("ListStreamConsumers", &arn)?;
        let consumers = consumers["Consumers"].as_array().expect("a list").iter();
        Ok(Settings {
            shards,
            tags: tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect(),
            retention_hours: summary["RetentionPeriodHours"].as_u64().expect("a number"),
            consumers: consumers.map(|consumer| text(&consumer["ConsumerName"])).collect(),
        })
    }

    fn audit_records(
        &mut self,
        client: &mut Client,
        state: &Settings,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let name = self.name.clone();
        let mut found = BTreeMap::new();
        for shard in state.shards.keys() {
            let mut last = String::new();
            for (data, sequence_number) in read_shard(client, &name, shard)? {
                // They have as many digits: a later one is larger as text, too.
                assert!(sequence_number > last, "{name} {shard}: {data} is out of order");
                last.clone_from(&sequence_number);
                let before = found.insert(data.clone(), (shard.clone(), sequence_number));
                assert!(before.is_none(), "{name} has {data} twice");
            }
        }
        counts.looked_at += found.len() as u64;
        for (data, place) in &self.records {
            assert_eq!(found.remove(data).as_ref(), Some(place), "{name}: {data} was acknowledged");
        }
        for call in std::mem::take(&mut self.doubtful) {
            let places: Vec<_> = call.iter().filter_map(|data| found.remove_entry(data)).collect();
            assert!(
                places.is_empty() || places.len() == call.len(),
                "{name}: {} of {} records of a call that was not answered",
                places.len(),
                call.len()
            );
            counts.unanswered[usize::from(places.is_empty())] += 1;
            // Whoever has seen them relies on them from now on.
            self.records.extend(places);
        }
        assert!(found.is_empty(), "{name} has what nobody put: {found:?}");
        Ok(())
    }
}

impl Settings {
    fn open(&self) -> Vec<(String, Shard)> {
        let open = self.shards.iter().filter(|(_, shard)| !shard.is_closed);
        let mut open: Vec<_> = open.map(|(id, shard)| (id.clone(), shard.clone())).collect();
        open.sort_by_key(|(_, shard)| shard.first);
        open
    }

    fn close_into(&mut self, parents: &[String], ranges: &[(u128, u128)]) {
        for parent in parents {
            self.shards.get_mut(parent).expect("it is there").is_closed = true;
        }
        for (first, last) in ranges {
            let id = shard_id(self.shards.len());
            let (parents, is_closed) = (parents.to_vec(), false);
            self.shards.insert(id, Shard { parents, first: *first, last: *last, is_closed });
        }
    }

    fn split(&mut self, chance: &mut Chance) -> Option<(String, u128)> {
        let open = self.open();
        let (id, shard) = open[chance.below(open.len() as u64) as usize].clone();
        let at = shard.first + (shard.last - shard.first) / 2;
        if at <= shard.first || at >= shard.last {
            return None;
        }
        self.close_into(std::slice::from_ref(&id), &[(shard.first, at - 1), (at, shard.last)]);
        Some((id, at))
    }

    fn merge(&mut self) -> Option<(String, String)> {
        let open = self.open();
        let [(one, first), (other, second)] = open.first_chunk()?;
        self.close_into(&[one.clone(), other.clone()], &[(first.first, second.last)]);
        Some((one.clone(), other.clone()))
    }
}

/// The shards of a new stream; a power of two, which leaves nothing to be rounded.
fn uniform(count: u32) -> BTreeMap<String, Shard> {
    // One shard's width has no number; its product with 0 is right all the same.
    let width = (u128::MAX / u128::from(count)).wrapping_add(1);
    let shard = |number: u32| {
        let first = u128::from(number) * width;
        let last = if number + 1 == count { u128::MAX } else { first + width - 1 };
        (shard_id(number as usize), Shard { parents: Vec::new(), first, last, is_closed: false })
    };
    (0..count).map(shard).collect()
}

fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// Data of one of many sizes, under any key.
fn record(chance: &mut Chance, data: &str) -> Value {
    let padding = if chance.one_in(8) { chance.below(4000) } else { chance.below(60) };
    let padded = format!("{data} {}", "x".repeat(padding as usize));
    json!({"PartitionKey": chance.next().to_string(), "Data": STANDARD.encode(padded)})
}

/// Every record's data, without padding, and sequence number.
pub(crate) fn read_shard(
    client: &mut Client,
    stream: &str,
    shard: &str,
) -> io::Result<Vec<(String, String)>> {
    let input =
        json!({"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let mut iterator = client.ask("GetShardIterator", &input)?["ShardIterator"].clone();
    let mut read = Vec::new();
    loop {
        let answer = client.ask("GetRecords", &json!({"ShardIterator": iterator}))?;
        for record in answer["Records"].as_array().expect("a list") {
            read.push((data_of(record), text(&record["SequenceNumber"])));
        }
        iterator = answer["NextShardIterator"].clone();
        if iterator.is_null() || answer["MillisBehindLatest"] == 0 {
            return Ok(read);
        }
    }
}

/// A record's data, without padding.
pub(crate) fn data_of(record: &Value) -> String {
    let data = STANDARD.decode(text(&record["Data"])).expect("base64");
    let data = String::from_utf8(data).expect("UTF-8");
    data.split(' ').next().expect("there is one").to_owned()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
