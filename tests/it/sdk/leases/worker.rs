//! A worker of the Kinesis Client Library (KCL): the calls that it makes, in its order.
//!
//! Each [`Worker::work`] is one turn of all its loops: it renews the leases it
//! holds, takes expired ones or steals one, and reads on in each of its shards. A
//! shard waits for its parents. At a shard's end the children get their leases
//! before the checkpoint says SHARD_END, so that a kill in between loses nothing;
//! a lease goes when the children are under way.
//!
//! Modelled on the KCL's `LeaseTaker`, `ShardConsumer` and `LeaseCleanupManager`.
//! Absent: its metrics and its auditor, and the balance by processor load.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::types::{
    ChildShard, ConsumerStatus, HashKeyRange as RangeInText, Record, ShardFilter, ShardFilterType,
    ShardIteratorType, StartingPosition, StreamStatus, SubscribeToShardEventStream,
};
use kinesis_bench::aggregation::HashKeyRange;
use kinesis_bench::aggregation::deaggregate::{self, ConsumedRecord, Filter};
use kinesis_emulator::{Clock, Timestamp};

use super::table::{Checkpoint, Lease, LeaseTable, Position};

/// A lease whose counter stands still for longer is anybody's (the KCL's default).
pub(super) const FAILOVER_TIME: Duration = Duration::from_secs(10);

const STREAM: &str = "s";

/// How records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retrieval {
    /// GetRecords.
    Polling,
    /// SubscribeToShard, by a consumer of this name.
    FanOut,
}

/// What workers have done, in order.
pub(super) type History = Arc<Mutex<Vec<Deed>>>;

/// Something that a worker has done with a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) worker: String,
    pub(super) shard: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It began to read after the checkpoint.
    Began(Checkpoint),
    /// It was handed a user record.
    Processed { key: String, data: String, position: Position },
    /// It found that the lease is another worker's.
    Lost,
    /// It has read the shard to its end.
    Ended,
}

/// A worker. To drop it is to kill it: what it holds stays its own until it expires.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    client: Client,
    clock: Clock,
    table: LeaseTable,
    history: History,
    consumer_arn: Option<String>,
    /// It checkpoints after so many user records, and at the end of a shard.
    checkpoint_every: usize,
    /// Each lease's counter, and when it was first seen so.
    counters: BTreeMap<String, (u64, Timestamp)>,
    shards: BTreeMap<String, ShardConsumer>,
}

#[derive(Debug)]
struct ShardConsumer {
    lease: Lease,
    state: State,
    /// The last user record that was processed, be there a checkpoint or not.
    processed: Checkpoint,
    since_checkpoint: usize,
}

#[derive(Debug)]
enum State {
    WaitingForParents,
    /// The next turn opens a reader here.
    Opening(Start),
    Polling(String),
    Subscribed {
        subscription: Box<SubscribeToShardOutput>,
        next: Start,
    },
}

#[derive(Debug, Clone)]
enum Start {
    TrimHorizon,
    At(String),
    After(String),
}

/// What a turn of reading has found.
#[derive(Debug, Default)]
struct Batch {
    records: Vec<Record>,
    /// Who follows, at the end of the shard.
    children: Option<Vec<ChildShard>>,
}

impl Worker {
    /// Looks at the stream and, where the table is empty, makes the first leases.
    pub(super) async fn start(
        name: &str,
        retrieval: Retrieval,
        (client, clock): (Client, Clock),
        (table, history): (LeaseTable, History),
    ) -> Self {
        let summary = client.describe_stream_summary().stream_name(STREAM).send().await;
        let stream = summary.expect("it is there").stream_description_summary.expect("a summary");
        assert_eq!(stream.stream_status, StreamStatus::Active);
        let consumer_arn = match retrieval {
            Retrieval::Polling => None,
            Retrieval::FanOut => Some(consumer(&client, &clock, &stream.stream_arn).await),
        };
        if table.scan().is_empty() {
            let filter = ShardFilter::builder().r#type(ShardFilterType::AtTrimHorizon);
            let filter = filter.build().expect("it has a type");
            let list = client.list_shards().stream_name(STREAM).shard_filter(filter);
            for shard in list.send().await.expect("it is there").shards.expect("shards") {
                let range = hash_keys(shard.hash_key_range.as_ref());
                table.create(&shard.shard_id, Vec::new(), range);
            }
        }
        Self {
            name: name.to_owned(),
            client,
            clock,
            table,
            history,
            consumer_arn,
            checkpoint_every: 1,
            counters: BTreeMap::new(),
            shards: BTreeMap::new(),
        }
    }

    /// Checkpoints only after so many user records.
    pub(super) fn checkpoint_every(&mut self, user_records: usize) {
        self.checkpoint_every = user_records;
    }

    /// One turn of all its loops.
    pub(super) async fn work(&mut self) {
        self.renew();
        self.take();
        for (_, mut shard) in std::mem::take(&mut self.shards) {
            if self.read_on(&mut shard).await {
                self.shards.insert(shard.lease.shard.clone(), shard);
            }
        }
        self.clean_up();
    }

    /// The loop that goes on while the application is busy with a record.
    pub(super) fn renew(&mut self) {
        for (_, mut shard) in std::mem::take(&mut self.shards) {
            match self.table.update(&shard.lease, |_| {}) {
                Some(lease) => {
                    shard.lease = lease;
                    self.shards.insert(shard.lease.shard.clone(), shard);
                }
                None => self.tell(&shard, What::Lost),
            }
        }
    }

    /// Takes expired leases up to a fair share, or else steals one from the
    /// worker that has the most.
    fn take(&mut self) {
        let now = self.clock.now();
        let mut leases = self.table.scan();
        leases.retain(|lease| lease.checkpoint != Checkpoint::ShardEnd);
        for lease in &leases {
            let seen = self.counters.entry(lease.shard.clone()).or_insert((lease.counter, now));
            if seen.0 != lease.counter {
                *seen = (lease.counter, now);
            }
        }
        let is_expired = |lease: &Lease| {
            let standing_since = self.counters[&lease.shard].1;
            lease.owner.is_none() || now.since(standing_since) > FAILOVER_TIME
        };
        let mut held = BTreeMap::from([(self.name.clone(), 0)]);
        for lease in leases.iter().filter(|lease| !is_expired(lease)) {
            *held.entry(lease.owner.clone().expect("expired without one")).or_default() += 1;
        }
        let fair_share = leases.len().div_ceil(held.len());
        let wanted = fair_share.saturating_sub(held[&self.name]);
        let mut taken: Vec<Lease> =
            leases.iter().filter(|lease| is_expired(lease)).take(wanted).cloned().collect();
        let most = held.iter().max_by_key(|(_, held)| **held).expect("this one at least");
        if taken.is_empty() && wanted > 0 && *most.1 > fair_share {
            let stolen = leases.iter().find(|lease| lease.owner.as_ref() == Some(most.0));
            taken.extend(stolen.cloned());
        }
        for seen in taken {
            let taken = self.table.update(&seen, |lease| {
                lease.owner = Some(self.name.clone());
                lease.owner_switches_since_checkpoint += 1;
            });
            let Some(lease) = taken else { continue };
            let (state, processed) = (State::WaitingForParents, lease.checkpoint.clone());
            let shard = ShardConsumer { lease, state, processed, since_checkpoint: 0 };
            self.shards.insert(seen.shard, shard);
        }
    }

    /// One turn in a shard; false when it is done with it.
    async fn read_on(&self, shard: &mut ShardConsumer) -> bool {
        let batch = match &mut shard.state {
            State::WaitingForParents => {
                let is_done = |parent: &String| {
                    self.table.get(parent).is_none_or(|it| it.checkpoint == Checkpoint::ShardEnd)
                };
                if shard.lease.parents.iter().all(is_done) {
                    let checkpoint = shard.lease.checkpoint.clone();
                    let start = match &checkpoint {
                        Checkpoint::TrimHorizon => Start::TrimHorizon,
                        // The rest of an aggregate may be still to come.
                        Checkpoint::Record(position) => Start::At(position.sequence_number.clone()),
                        Checkpoint::ShardEnd => unreachable!("nobody takes an ended shard"),
                    };
                    shard.state = State::Opening(start);
                    self.tell(shard, What::Began(checkpoint));
                }
                return true;
            }
            State::Opening(start) => {
                let start = start.clone();
                if let Some(state) = self.open(&shard.lease.shard, start).await {
                    shard.state = state;
                }
                return true;
            }
            State::Polling(iterator) => self.poll(iterator).await,
            State::Subscribed { subscription, next } => receive(subscription, next).await,
        };
        let Some(Batch { records, children }) = batch else {
            // The iterator or the subscription is over: it goes on where it was.
            shard.state = State::Opening(match (&shard.state, &shard.processed) {
                (State::Subscribed { next, .. }, _) => next.clone(),
                (_, Checkpoint::Record(last)) => Start::After(last.sequence_number.clone()),
                _ => Start::TrimHorizon,
            });
            return true;
        };
        let range = Filter::WholeAggregates(shard.lease.hash_keys);
        for record in deaggregate::records(records, range).records {
            if !self.process(shard, record) {
                return false;
            }
        }
        let Some(children) = children else { return true };
        for child in children {
            let range = hash_keys(child.hash_key_range.as_ref());
            self.table.create(&child.shard_id, child.parent_shards, range);
        }
        if self.checkpoint(shard, Checkpoint::ShardEnd) {
            self.tell(shard, What::Ended);
        }
        false
    }

    /// Hands a user record to the application, unless it had it; false when the
    /// lease turns out to be lost.
    fn process(&self, shard: &mut ShardConsumer, record: ConsumedRecord) -> bool {
        let position = Position {
            sequence_number: record.sequence_number,
            sub_sequence_number: record.sub_sequence_number.unwrap_or(0),
        };
        let here = Checkpoint::Record(position.clone());
        if here <= shard.processed {
            return true;
        }
        let data = String::from_utf8(record.data).expect("these stories store text");
        self.tell(shard, What::Processed { key: record.partition_key, data, position });
        shard.processed = here.clone();
        shard.since_checkpoint += 1;
        shard.since_checkpoint < self.checkpoint_every || self.checkpoint(shard, here)
    }

    /// Writes down how far it is; false when the lease is another worker's.
    fn checkpoint(&self, shard: &mut ShardConsumer, checkpoint: Checkpoint) -> bool {
        let written = self.table.update(&shard.lease, |lease| {
            lease.checkpoint = checkpoint;
            lease.owner_switches_since_checkpoint = 0;
        });
        let Some(lease) = written else {
            self.tell(shard, What::Lost);
            return false;
        };
        shard.lease = lease;
        shard.since_checkpoint = 0;
        true
    }

    /// Leases of shards that were read to their end go when all children are
    /// under way: a child's first checkpoint is the proof.
    fn clean_up(&self) {
        let leases = self.table.scan();
        for ended in leases.iter().filter(|lease| lease.checkpoint == Checkpoint::ShardEnd) {
            let mut children = leases.iter().filter(|it| it.parents.contains(&ended.shard));
            if children.all(|child| child.checkpoint != Checkpoint::TrimHorizon) {
                self.table.delete(&ended.shard);
            }
        }
    }

    /// Nothing if another worker's subscription is too young to be taken over.
    async fn open(&self, shard: &str, start: Start) -> Option<State> {
        let (kind, number) = match start.clone() {
            Start::TrimHorizon => (ShardIteratorType::TrimHorizon, None),
            Start::At(number) => (ShardIteratorType::AtSequenceNumber, Some(number)),
            Start::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number)),
        };
        let Some(consumer_arn) = &self.consumer_arn else {
            let call = self.client.get_shard_iterator().stream_name(STREAM).shard_id(shard);
            let call = call.shard_iterator_type(kind).set_starting_sequence_number(number);
            let answer = call.send().await.expect("the shard is there");
            return Some(State::Polling(answer.shard_iterator.expect("an iterator")));
        };
        let position = StartingPosition::builder().r#type(kind).set_sequence_number(number);
        let call = self.client.subscribe_to_shard().consumer_arn(consumer_arn).shard_id(shard);
        let call = call.starting_position(position.build().expect("it has a type"));
        match call.send().await {
            Ok(subscription) => {
                Some(State::Subscribed { subscription: Box::new(subscription), next: start })
            }
            Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => {
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Nothing if the iterator has expired.
    async fn poll(&self, iterator: &mut String) -> Option<Batch> {
        let mut batch = Batch::default();
        loop {
            let answer = match self.client.get_records().shard_iterator(&*iterator).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    let error = error.into_service_error();
                    assert!(error.is_expired_iterator_exception(), "{error:?}");
                    return None;
                }
            };
            batch.records.extend(answer.records);
            match answer.next_shard_iterator {
                Some(next) => *iterator = next,
                None => {
                    batch.children = answer.child_shards;
                    assert!(batch.children.is_some(), "a shard's end names who follows");
                    return Some(batch);
                }
            }
            if answer.millis_behind_latest == Some(0) {
                return Some(batch);
            }
        }
    }

    fn tell(&self, shard: &ShardConsumer, what: What) {
        let (worker, shard) = (self.name.clone(), shard.lease.shard.clone());
        self.history.lock().unwrap().push(Deed { worker, shard, what });
    }
}

/// Events until the reader has caught up: a sign of life at least, which is due
/// after each turn. Nothing if the subscription is over.
async fn receive(subscription: &mut SubscribeToShardOutput, next: &mut Start) -> Option<Batch> {
    let mut batch = Batch::default();
    while let Some(event) = subscription.event_stream.recv().await.expect("frames are whole") {
        let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else { continue };
        batch.records.extend(event.records);
        *next = Start::After(event.continuation_sequence_number);
        if event.child_shards.is_some() {
            batch.children = event.child_shards;
            return Some(batch);
        }
        if event.millis_behind_latest == 0 {
            return Some(batch);
        }
    }
    (!batch.records.is_empty()).then_some(batch)
}

/// The ARN of the fan-out consumer, which whoever comes first registers.
async fn consumer(client: &Client, clock: &Clock, stream_arn: &str) -> String {
    let describe = || {
        client.describe_stream_consumer().stream_arn(stream_arn).consumer_name("application").send()
    };
    if let Err(error) = describe().await {
        let error = error.into_service_error();
        assert!(error.is_resource_not_found_exception(), "{error:?}");
        let register = client.register_stream_consumer().stream_arn(stream_arn);
        register.consumer_name("application").send().await.expect("the name is free");
    }
    loop {
        let consumer = describe().await.expect("it is there").consumer_description.expect("one");
        match consumer.consumer_status {
            ConsumerStatus::Active => return consumer.consumer_arn,
            ConsumerStatus::Creating => clock.advance(Duration::from_secs(1)),
            other => panic!("unexpected state {other:?}"),
        }
    }
}

fn hash_keys(range: Option<&RangeInText>) -> HashKeyRange {
    let range = range.expect("shards own hash keys");
    let number = |key: &str| key.parse().expect("a number of 128 bits");
    HashKeyRange { first: number(&range.starting_hash_key), last: number(&range.ending_hash_key) }
}
