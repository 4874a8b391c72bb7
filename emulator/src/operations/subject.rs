//! What a call is about: its stream, shard, consumer, queue and records, made out
//! from the members of any input, so that no operation has to say it.

use std::any::Any;

use crate::model::arn::{
    ChannelAddress, ConsumerAddress, QueueAddress, ResourceAddress, StreamAddress,
};
use crate::model::channel::GivenChannelArn;
use crate::model::constraint::Constrained as _;
use crate::model::hash_key::{GivenHashKey, HashKey};
use crate::model::names::{
    ConsumerName, GivenConsumerArn, GivenQueueArn, GivenResourceArn, GivenShardId, GivenStreamArn,
    PartitionKey, QueueName, StreamName,
};
use crate::model::record::Payload;
use crate::model::shard_id::ShardIndex;
use crate::model::shard_iterator::{GivenShardIterator, ShardIterator};
use crate::model::status::{RecordDistributionStrategy, ShardIteratorType};
use crate::wire::request_bytes::Kept;
use crate::wire::shape::Shape;

use super::Call;
use super::call::parse_arn;

/// What a call is about, as far as its input says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) stream: Option<StreamAddress>,
    pub(crate) consumer: Option<ConsumerName>,
    pub(crate) queue: Option<QueueName>,
    /// The shard that is read or resharded; records have shards of their own.
    pub(crate) shard: Option<ShardIndex>,
    /// The iterator that is read.
    pub(crate) iterator: Option<String>,
    /// Where a new reader starts.
    pub(crate) start: Option<ShardIteratorType>,
    /// The records to be put, in the order of the request.
    pub(crate) records: Vec<RecordSubject>,
}

/// One record on its way in.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordSubject {
    pub(crate) partition_key: Option<PartitionKey>,
    /// Where it would go now; unknown if the service is to choose.
    pub(crate) shard: Option<ShardIndex>,
    /// Data and key.
    pub(crate) bytes: usize,
    explicit_hash_key: Option<HashKey>,
}

impl Subject {
    /// Reads what a checked input is about.
    pub(super) fn of(input: &impl Shape, call: &Call<'_>) -> Self {
        let mut subject = Self::default();
        input.each_member(&mut |member| subject.add(member, call));
        subject.route(call);
        subject
    }

    fn add(&mut self, member: &dyn Any, call: &Call<'_>) {
        if let Some(name) = given::<StreamName>(member) {
            self.stream.get_or_insert_with(|| StreamAddress {
                realm: call.caller.clone(),
                name: name.clone(),
            });
        } else if let Some(arn) = given::<GivenStreamArn>(member) {
            // Of a name and an ARN, the ARN says more.
            self.stream = parse_arn(arn).ok().or(self.stream.take());
        } else if let Some(arn) = given::<GivenChannelArn>(member) {
            if let Some(channel) = ChannelAddress::parse(arn.as_str()) {
                self.add_channel(&channel, call);
            }
        } else if let Some(arn) = given::<GivenConsumerArn>(member) {
            self.add_consumer(ConsumerAddress::parse(arn.as_str()));
        } else if let Some(arn) = given::<GivenResourceArn>(member) {
            match ResourceAddress::parse(arn.as_str()) {
                Some(ResourceAddress::Channel(channel)) => self.add_channel(&channel, call),
                Some(ResourceAddress::Consumer(consumer)) => self.add_consumer(Some(consumer)),
                Some(ResourceAddress::Queue(queue)) => self.add_queue(&queue, call),
                Some(ResourceAddress::Stream(stream)) => self.stream = Some(stream),
                None => {}
            }
        } else if let Some(arn) = given::<GivenQueueArn>(member) {
            if let Some(queue) = QueueAddress::parse(arn) {
                self.add_queue(&queue, call);
            }
        } else if let Some(name) = given::<ConsumerName>(member) {
            self.consumer = Some(name.clone());
        } else if let Some(name) = given::<QueueName>(member) {
            self.queue = Some(name.clone());
        } else if let Some(shard) = given::<GivenShardId>(member) {
            self.shard = self.shard.or(ShardIndex::resolve(shard));
        } else if let Some(iterator) = given::<GivenShardIterator>(member) {
            if let Ok(open) = ShardIterator::open(iterator, &call.engine.seal(), call.now) {
                self.shard = Some(open.shard);
                self.stream = Some(open.stream);
            }
            self.iterator = Some(iterator.base().into_owned());
        } else if let Some(start) = given::<ShardIteratorType>(member) {
            self.start = Some(*start);
        } else if let Some(data) = given::<Kept<Payload>>(member) {
            // Data begins a record: it is declared before the record's keys.
            self.records.push(RecordSubject { bytes: data.len(), ..RecordSubject::default() });
        } else if let (Some(key), Some(record)) =
            (given::<Kept<PartitionKey>>(member), self.records.last_mut())
        {
            record.bytes += key.len();
            record.partition_key = Some(call.request.value(key));
        } else if let (Some(key), Some(record)) =
            (given::<Kept<GivenHashKey>>(member), self.records.last_mut())
        {
            record.explicit_hash_key = call.request.value(key).resolve();
        }
    }

    /// A channel's ARN does not say which stream it delivers from.
    fn add_channel(&mut self, channel: &ChannelAddress, call: &Call<'_>) {
        self.stream = call.channel_at(channel).map(|(_, stream)| stream.address.clone());
    }

    fn add_consumer(&mut self, consumer: Option<ConsumerAddress>) {
        if let Some(ConsumerAddress { stream, name, .. }) = consumer {
            self.stream = Some(stream);
            self.consumer = Some(name);
        }
    }

    /// A queue's ARN does not say which stream it reads.
    fn add_queue(&mut self, queue: &QueueAddress, call: &Call<'_>) {
        let Some((_, stream)) = call.queue_at(queue) else { return };
        self.queue = stream.state().queue(&queue.id).map(|queue| queue.name.clone());
        self.stream = Some(stream.address.clone());
    }

    /// Finds the shards that the records would go to.
    fn route(&mut self, call: &Call<'_>) {
        let Some(address) = self.stream.as_ref().filter(|_| !self.records.is_empty()) else {
            return;
        };
        let Ok((_, stream)) = call.stream_at(address) else { return };
        let state = stream.state();
        if state.distribution == RecordDistributionStrategy::Auto
            || state.topology.open_count() == 0
        {
            return;
        }
        for record in &mut self.records {
            let of_key = record.partition_key.as_ref();
            let of_key = of_key.map(|key| HashKey::of_partition_key(key.as_str().into()));
            let hash_key = record.explicit_hash_key.or(of_key);
            record.shard = hash_key.map(|key| state.topology.route(key));
        }
    }
}

/// A member of a type, whether or not it may be left out.
fn given<T: 'static>(member: &dyn Any) -> Option<&T> {
    member
        .downcast_ref::<T>()
        .or_else(|| member.downcast_ref::<Option<T>>().and_then(Option::as_ref))
}
