//! A stream as tests see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::log::Batch;
use crate::engine::stream::{Stream, StreamState};
use crate::engine::topology;
use crate::model::arn::{AccountId, RealmId, Region};
use crate::model::names::StreamName;
use crate::model::shard_id::ShardIndex;
use crate::model::status::StreamStatus;
use crate::model::timestamp::Timestamp;
use crate::operations::BatchRead;
use crate::service::Service;

use super::waiting::{self, LimitedWaiting, Waiting};
use super::{Consumer, Record, Shard, realm_and_name};

/// How long a wait lasts at most, in real time, unless it says otherwise.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A stream, looked at from outside the service: nothing here counts as a call
/// or a read. The stream need not exist (yet).
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use aws_sdk_kinesis::primitives::Blob;
/// # let kinesis = kinesis_emulator::Emulator::in_process();
/// # let client = kinesis.client();
/// let orders = kinesis.stream("orders");
/// assert!(!orders.exists());
/// client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// client.put_record().stream_name("orders").partition_key("k").data(Blob::new("first"))
///     .send().await.unwrap();
/// let records = orders.await_records(1).await;
/// assert_eq!(records[0].text(), "first");
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct StreamView {
    service: Arc<Service>,
    realm: RealmId,
    name: String,
}

impl StreamView {
    #[track_caller]
    pub(crate) fn new(service: Arc<Service>, name_or_arn: &str) -> Self {
        let (realm, name) = realm_and_name(&service, name_or_arn);
        Self { service, realm, name }
    }

    /// The stream of this name in another Region.
    pub fn in_region(mut self, region: Region) -> Self {
        self.realm.region = region;
        self
    }

    /// The stream of this name in another account.
    pub fn in_account(mut self, account: AccountId) -> Self {
        self.realm.account = account;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is such a stream, in whatever status.
    pub fn exists(&self) -> bool {
        self.find().is_some()
    }

    /// Where the stream stands in its life.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn status(&self) -> StreamStatus {
        self.expect_found(self.try_status())
    }

    /// Where the stream stands in its life, if there is one.
    pub fn try_status(&self) -> Option<StreamStatus> {
        Some(self.find()?.state().status)
    }

    /// All records that have not expired, in the order of their arrival; those
    /// of one shard in the order of their numbers.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn records(&self) -> Vec<Record> {
        self.expect_found(self.try_records())
    }

    /// All records that have not expired, if there is such a stream.
    pub fn try_records(&self) -> Option<Vec<Record>> {
        let stream = self.find()?;
        let batches: Vec<_> = {
            let (state, now) = (stream.state(), self.now());
            state.topology.shards().iter().map(|shard| stored(shard, &state, now)).collect()
        };
        let mut records: Vec<_> = batches
            .iter()
            .flat_map(Batch::iter)
            .map(|record| Record::new(&stream.address, &record))
            .collect();
        // Stable: within a shard, times never go back.
        records.sort_by_key(|record| record.approximate_arrival);
        Some(records)
    }

    /// The records of one shard that have not expired, in the order of their
    /// numbers.
    ///
    /// # Panics
    /// If there is no such stream or shard.
    #[track_caller]
    pub fn records_of_shard(&self, shard_id: &str) -> Vec<Record> {
        let found = self.expect_found(self.try_records_of_shard(shard_id));
        found.unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// The same, if there is such a stream. If it has no such shard, says which it
    /// has.
    pub(crate) fn try_records_of_shard(
        &self,
        shard_id: &str,
    ) -> Option<Result<Vec<Record>, String>> {
        let stream = self.find()?;
        let state = stream.state();
        let batch = match self.shard_in(&state, shard_id) {
            Ok(shard) => stored(shard, &state, self.now()),
            Err(missing) => return Some(Err(missing)),
        };
        drop(state);
        Some(Ok(batch.iter().map(|record| Record::new(&stream.address, &record)).collect()))
    }

    /// Says which shards there are, if there is such a stream and it lacks this one.
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    pub(crate) fn lacks_shard(&self, shard_id: &str) -> Option<String> {
        let stream = self.find()?;
        let state = stream.state();
        self.shard_in(&state, shard_id).err()
    }

    fn shard_in<'a>(
        &self,
        state: &'a StreamState,
        shard_id: &str,
    ) -> Result<&'a topology::Shard, String> {
        let shards = state.topology.shards();
        shards.iter().find(|shard| shard.index.to_string() == shard_id).ok_or_else(|| {
            let last = shards.last().map(|shard| shard.index).unwrap_or(ShardIndex::new(0));
            format!(
                "there is no shard {shard_id} in {self}: there are {}, up to {last}",
                shards.len()
            )
        })
    }

    /// The shards within retention, oldest first, closed ones included.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn shards(&self) -> Vec<Shard> {
        let stream = self.expect_found(self.find());
        shards_of(&stream.state(), self.now()).collect()
    }

    /// The registered consumers, by name.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn consumers(&self) -> Vec<Consumer> {
        let stream = self.expect_found(self.find());
        consumers_of(&stream.state()).collect()
    }

    /// The records, as soon as there are as many as wanted: all that have not
    /// expired by then. The stream need not exist before, and may be resharded
    /// meanwhile. Needs no particular async runtime.
    ///
    /// # Panics
    /// When ten seconds have passed for real, whatever the emulator's clock
    /// says; the message has the records that are there.
    #[track_caller]
    pub fn await_records(
        &self,
        count: usize,
    ) -> impl Future<Output = Vec<Record>> + Send + Unpin + use<> {
        self.await_records_within(count, WAIT_MAX)
    }

    /// The same with another limit in real time.
    ///
    /// # Panics
    /// When the limit has passed.
    #[track_caller]
    pub fn await_records_within(
        &self,
        count: usize,
        limit: Duration,
    ) -> impl Future<Output = Vec<Record>> + Send + Unpin + use<> {
        LimitedWaiting::new(self.clone(), count, limit)
    }

    /// Ready when there are as many records as wanted, in one shard if one is
    /// named. It has no limit: whoever waits has one, or drops it.
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    pub(crate) fn arrival(
        &self,
        shard: Option<ShardIndex>,
        count: usize,
    ) -> impl Future<Output = ()> + Send + Unpin + use<> {
        Waiting::new(self.clone(), shard, count)
    }

    /// The same from code that is not async: it blocks the thread. On a
    /// runtime of a single thread, what puts the records cannot run meanwhile.
    ///
    /// # Panics
    /// When ten seconds have passed for real.
    #[track_caller]
    pub fn wait_for_records(&self, count: usize) -> Vec<Record> {
        waiting::block_on(self.await_records(count))
    }

    /// The same with another limit in real time.
    ///
    /// # Panics
    /// When the limit has passed.
    #[track_caller]
    pub fn wait_for_records_within(&self, count: usize, limit: Duration) -> Vec<Record> {
        waiting::block_on(self.await_records_within(count, limit))
    }

    /// The stream as JSON: status, shards and consumers; `null` if there is
    /// none.
    pub fn to_json(&self) -> Value {
        let Some(stream) = self.find() else { return Value::Null };
        let now = self.now();
        let state = stream.state();
        json!({
            "name": self.name,
            "arn": stream.address.to_string(),
            "status": state.status.as_str(),
            "shards": shards_of(&state, now).map(|shard| shard.to_json()).collect::<Vec<_>>(),
            "consumers": consumers_of(&state).map(|it| it.to_json()).collect::<Vec<_>>(),
        })
    }

    pub(super) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    pub(super) fn now(&self) -> Timestamp {
        self.service.clock().now()
    }

    pub(super) fn find(&self) -> Option<Arc<Stream>> {
        let name = StreamName::from_arn_resource(&self.name)?;
        self.service.engine().realm(&self.realm, self.now()).find(&name)
    }

    /// What to say of a stream that does not exist.
    pub(super) fn missing(&self) -> String {
        let streams = self.service.engine().realm(&self.realm, self.now()).streams();
        let names: Vec<_> = streams.iter().map(|stream| stream.address.name.as_str()).collect();
        let others = match names.as_slice() {
            [] => "there are none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        format!("there is no {self}: {others}")
    }

    #[track_caller]
    fn expect_found<T>(&self, found: Option<T>) -> T {
        match found {
            Some(found) => found,
            None => panic!("{}", self.missing()),
        }
    }
}

/// The shards within retention, oldest first.
fn shards_of(state: &StreamState, now: Timestamp) -> impl Iterator<Item = Shard> {
    let shown = move |shard| Shard::new(shard, &BatchRead::of(&stored(shard, state, now)));
    state.live_shards(now).map(shown)
}

/// The registered consumers, by name.
fn consumers_of(state: &StreamState) -> impl Iterator<Item = Consumer> {
    state.consumers.values().map(Consumer::new)
}

/// A shard's records that have not expired.
pub(super) fn stored(shard: &topology::Shard, state: &StreamState, now: Timestamp) -> Batch {
    let mut log = shard.log.lock();
    let first = log.index_at(state.horizon(now));
    log.read(first, usize::MAX, usize::MAX)
}

impl fmt::Display for StreamView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.service.settings();
        let RealmId { account, region } = &self.realm;
        write!(f, "stream {}", self.name)?;
        if (account, region) != (&settings.account_id, &settings.region) {
            write!(f, " of {account} in {region}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StreamView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamView")
            .field("name", &self.name)
            .field("account", &self.realm.account)
            .field("region", &self.realm.region)
            .finish_non_exhaustive()
    }
}
