//! One file per API operation, and the one list of them.
//!
//! The only room where wire and engine meet. Synchronous: a handler gets a
//! checked input and a [`Call`], and answers with an output or an error.
//!
//! To add an operation, write its file and add its line to the list below.

mod call;
mod effect;
mod page;
mod prepared;
mod receipt;
mod resource;
mod shapes;
mod stream_filter;
mod subject;

pub(crate) use call::Call;
pub(crate) use effect::{BatchRead, Effect, Placed};
pub(crate) use prepared::Prepared;
pub(crate) use receive_queue_records::answer_receive;
pub(crate) use subject::{RecordSubject, Subject};
pub(crate) use subscribe_to_shard::event_frame;

use crate::engine::receive::Receive;
use crate::engine::subscription::Subscription;
use crate::model::error::{ApiError, ErrorKind};
use crate::model::limits::Rate;
use crate::wire::Protocol;
use crate::wire::description::{Description, OperationDescription};
use crate::wire::emit::Emit;
use crate::wire::request_bytes::RequestBytes;
use crate::wire::shape::Shape;

use prepared::{Prepare, prepare};

/// An API operation: what it takes, what it answers, how it may fail.
pub(crate) trait Operation: 'static {
    /// The checked request.
    type Input: Shape;
    /// The answer; `()` for the operations that answer with an empty body.
    type Output: Answer;
    /// The errors that the service model lists for the operation.
    const ERRORS: &'static [ErrorKind];
    /// Whether the operation takes no lock but a stream's and a shard's, and
    /// changes a stream in one step or not at all. Others are waited for when
    /// the emulator is frozen.
    const ON_DATA_PATH: bool = false;
    /// Whether it changes anything that is to be kept.
    const WRITES: bool = true;
    /// How often it can be called, unless its shards limit it.
    const RATE: Option<Rate>;

    /// Gate 3: does what was asked, or says why the state does not allow it.
    fn handle(input: Self::Input, call: &Call<'_>) -> Result<Self::Output, ApiError>;
}

/// What an operation answers with.
pub(crate) trait Answer: 'static {
    /// The declaration as data, unless the body is empty.
    const DESCRIPTION: Option<Description>;
    /// The answer on its way to the caller, in the memory of what was asked.
    fn reply(self, protocol: Protocol, request: RequestBytes) -> Reply;
}

/// An answer on its way to the caller.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A whole body.
    Body(Vec<u8>),
    /// Nothing yet: a receive that waits for records.
    Receive(Box<Receive>),
    /// Events as they come: SubscribeToShard alone.
    Subscription(Box<Subscription>),
}

/// Operations without output answer with no bytes at all (recorded).
impl Answer for () {
    const DESCRIPTION: Option<Description> = None;

    fn reply(self, _: Protocol, _: RequestBytes) -> Reply {
        Reply::Body(Vec::new())
    }
}

impl<T: Emit + 'static> Answer for T {
    const DESCRIPTION: Option<Description> = Some(T::DESCRIPTION);

    fn reply(self, protocol: Protocol, request: RequestBytes) -> Reply {
        Reply::Body(protocol.encode_in_place_of(request, &self))
    }
}

/// An operation as the envelope knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Which one it is.
    pub(crate) name: OperationName,
    /// What the operation declares.
    pub(crate) description: OperationDescription,
    /// Gates 1 and 2.
    pub(crate) prepare: Prepare,
}

macro_rules! operations {
    ($($module:ident :: $operation:ident),* $(,)?) => {
        $(mod $module;)*

        /// An operation of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the names are the API's")]
        pub enum OperationName { $($operation),* }

        impl OperationName {
            /// The name as the API spells it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$operation => stringify!($operation)),* }
            }
        }

        /// Every operation, by name.
        pub(crate) static ALL: &[Entry] = &[$(Entry {
            name: OperationName::$operation,
            description: OperationDescription {
                name: stringify!($operation),
                input: <<$module::$operation as Operation>::Input as Shape>::DESCRIPTION,
                output: <<$module::$operation as Operation>::Output as Answer>::DESCRIPTION,
                errors: <$module::$operation as Operation>::ERRORS,
                rate: <$module::$operation as Operation>::RATE,
            },
            prepare: prepare::<$module::$operation>,
        }),*];
    };
}

operations! {
    acknowledge_dead_letter_queue_records::AcknowledgeDeadLetterQueueRecords,
    acknowledge_queue_records::AcknowledgeQueueRecords,
    add_tags_to_stream::AddTagsToStream,
    create_channel::CreateChannel,
    create_queue::CreateQueue,
    create_stream::CreateStream,
    decrease_stream_retention_period::DecreaseStreamRetentionPeriod,
    delete_channel::DeleteChannel,
    delete_queue::DeleteQueue,
    delete_resource_policy::DeleteResourcePolicy,
    delete_stream::DeleteStream,
    deregister_stream_consumer::DeregisterStreamConsumer,
    describe_account_settings::DescribeAccountSettings,
    describe_channel::DescribeChannel,
    describe_limits::DescribeLimits,
    describe_queue::DescribeQueue,
    describe_stream::DescribeStream,
    describe_stream_consumer::DescribeStreamConsumer,
    describe_stream_summary::DescribeStreamSummary,
    disable_enhanced_monitoring::DisableEnhancedMonitoring,
    enable_enhanced_monitoring::EnableEnhancedMonitoring,
    get_records::GetRecords,
    get_resource_policy::GetResourcePolicy,
    get_shard_iterator::GetShardIterator,
    increase_stream_retention_period::IncreaseStreamRetentionPeriod,
    list_channels::ListChannels,
    list_queues::ListQueues,
    list_shards::ListShards,
    list_stream_consumers::ListStreamConsumers,
    list_streams::ListStreams,
    list_tags_for_resource::ListTagsForResource,
    list_tags_for_stream::ListTagsForStream,
    merge_shards::MergeShards,
    put_record::PutRecord,
    put_records::PutRecords,
    put_resource_policy::PutResourcePolicy,
    receive_dead_letter_queue_records::ReceiveDeadLetterQueueRecords,
    receive_queue_records::ReceiveQueueRecords,
    register_stream_consumer::RegisterStreamConsumer,
    remove_tags_from_stream::RemoveTagsFromStream,
    restore_dead_letter_queue_records::RestoreDeadLetterQueueRecords,
    split_shard::SplitShard,
    start_stream_encryption::StartStreamEncryption,
    stop_stream_encryption::StopStreamEncryption,
    subscribe_to_shard::SubscribeToShard,
    tag_resource::TagResource,
    untag_resource::UntagResource,
    update_account_settings::UpdateAccountSettings,
    update_channel::UpdateChannel,
    update_dead_letter_queue_records_visibility::UpdateDeadLetterQueueRecordsVisibility,
    update_max_record_size::UpdateMaxRecordSize,
    update_queue::UpdateQueue,
    update_queue_records_visibility::UpdateQueueRecordsVisibility,
    update_shard_count::UpdateShardCount,
    update_stream_mode::UpdateStreamMode,
    update_stream_record_distribution_strategy::UpdateStreamRecordDistributionStrategy,
    update_stream_warm_throughput::UpdateStreamWarmThroughput,
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for OperationName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        find(name.as_bytes()).map(|entry| entry.name).ok_or_else(|| {
            format!("{name:?} is not an operation of Kinesis Data Streams that is emulated")
        })
    }
}

/// The operation with a name, letter for letter.
pub(crate) fn find(name: &[u8]) -> Option<&'static Entry> {
    let place = ALL.binary_search_by_key(&name, |entry| entry.description.name.as_bytes());
    place.ok().map(|place| &ALL[place])
}

/// Why there is no operation of a name: AWS says no more than the kind.
pub(crate) fn unknown() -> ApiError {
    ApiError::new(ErrorKind::UnknownOperation, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_names() {
        assert!(ALL.is_sorted_by_key(|entry| entry.description.name), "binary search relies on it");
        assert!(ALL.iter().all(|entry| find(entry.description.name.as_bytes()).is_some()));
        assert!(find(b"putrecord").is_none() && find(b"Put").is_none() && find(b"").is_none());
    }
}
