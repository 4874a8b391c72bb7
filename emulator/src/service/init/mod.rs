//! What an emulator has from the start: streams, tags, consumers and records.
//!
//! It is made through the emulator's own operations, so that AWS's rules apply
//! and their sentences say what is wrong. What the state delay slows down is
//! there at once all the same: streams and consumers are ACTIVE.

mod document;
mod error;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::arn::{AccountId, RealmId, Region};
use crate::model::error::ApiError;
use crate::operations::{self, Call, Reply};
use crate::wire::Protocol;
use crate::wire::request_bytes::RequestBytes;

use super::Service;

pub use error::InitError;

/// Streams that an emulator has from the start.
///
/// From Rust, or from a JSON file:
///
/// ```
/// use kinesis_emulator::{Emulator, Init, InitialStream};
///
/// let orders = InitialStream::provisioned("orders", 2)
///     .tag("team", "checkout")
///     .consumer("billing")
///     .record("customer-1", "first");
/// let kinesis = Emulator::builder().init(Init::new().stream(orders)).in_process();
/// ```
///
/// ```
/// # use kinesis_emulator::Init;
/// let init = Init::from_json(r#"{
///   "streams": [
///     {
///       "name": "orders",
///       "shards": 2,
///       "retention_hours": 48,
///       "tags": {"team": "checkout"},
///       "consumers": ["billing"],
///       "records": [
///         {"key": "customer-1", "text": "as it is"},
///         {"key": "customer-2", "data": "YmFzZTY0", "explicit_hash_key": "0"},
///         {"key": "customer-3", "json": {"written": "without blanks"}}
///       ]
///     },
///     {"name": "clicks", "region": "eu-west-1", "account": "123456789012"}
///   ]
/// }"#)?;
/// # Ok::<_, kinesis_emulator::InitError>(())
/// ```
///
/// Only `name` has to be there. A stream without `shards` is on-demand. Every
/// record has one of `text`, `data` (base64) and `json`. What the schema does not
/// have is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Init {
    streams: Vec<InitialStream>,
    /// Where it was read, for errors.
    file: Option<Box<Path>>,
}

/// A stream of an [`Init`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialStream {
    name: String,
    shards: Option<u32>,
    region: Option<Region>,
    account: Option<AccountId>,
    retention_hours: Option<u32>,
    tags: Vec<(String, String)>,
    consumers: Vec<String>,
    records: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    partition_key: String,
    explicit_hash_key: Option<String>,
    data: Bytes,
}

impl Init {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stream.
    pub fn stream(mut self, stream: InitialStream) -> Self {
        self.streams.push(stream);
        self
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// If it is not JSON or not of the schema, with the place in the document.
    pub fn from_json(text: &str) -> Result<Self, InitError> {
        let streams = document::read(text)?;
        Ok(Self { streams, file: None })
    }

    /// Reads the JSON form from a file.
    ///
    /// # Errors
    /// As for [`from_json`](Self::from_json), and if the file cannot be read;
    /// the file is named.
    pub fn from_file(file: impl AsRef<Path>) -> Result<Self, InitError> {
        let file = file.as_ref();
        let text =
            std::fs::read_to_string(file).map_err(|error| InitError::unread(file, &error))?;
        let read = Self::from_json(&text).map_err(|error| error.in_file(file))?;
        Ok(Self { file: Some(file.into()), ..read })
    }

    /// Reads the list that kinesis-mock and LocalStack take:
    /// `name:shards:region,…`. Shards may be left out, for four of them, and the
    /// Region, for the default.
    ///
    /// # Errors
    /// If an entry has no name, or too many parts, or is no number of shards.
    pub fn from_list(list: &str) -> Result<Self, InitError> {
        let streams = document::read_list(list)?;
        Ok(Self { streams, file: None })
    }

    /// Makes everything there is, by calling operations.
    ///
    /// # Errors
    /// If an operation refuses a part of it: what came before that is there.
    pub(super) fn apply(&self, service: &Service, if_there: IfThere) -> Result<(), InitError> {
        let call = |target: Target<'_>, input: &Value| service.run(target, input);
        let stays = |stream: &InitialStream| match if_there {
            IfThere::Keep => service.has_initial(stream),
            IfThere::Refuse => false,
        };
        // Looked at before any is made: to name a stream twice is refused.
        let streams: Vec<_> =
            self.streams.iter().enumerate().filter(|(_, stream)| !stays(stream)).collect();
        streams
            .into_iter()
            .try_for_each(|(index, stream)| stream.apply(&format!("streams[{index}]"), &call))
            .map_err(|error| match &self.file {
                Some(file) => error.in_file(file),
                None => error,
            })
    }
}

/// What becomes of an [`Init`]'s stream that is there already.
#[derive(Debug, Clone, Copy)]
pub(super) enum IfThere {
    /// It stays as it is.
    Keep,
    /// Nothing is to be there already.
    Refuse,
}

/// An operation, and in whose realm; the default's, where it is not said.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    operation: &'static str,
    account: Option<&'a AccountId>,
    region: Option<&'a Region>,
}

/// An operation's output, or the kind and the sentence of its error.
type Answer = Result<Value, String>;

impl Service {
    /// Whether a stream is there, of whatever kind.
    fn has_initial(&self, stream: &InitialStream) -> bool {
        let InitialStream { account, region, .. } = stream;
        let realm = self.realm_of(account.as_ref(), region.as_ref());
        let streams = self.engine.realm(&realm, self.clock.now()).streams();
        streams.iter().any(|known| known.address.name.as_str() == stream.name)
    }

    /// The realm of an account and a Region; the default's, where it is not said.
    fn realm_of(&self, account: Option<&AccountId>, region: Option<&Region>) -> RealmId {
        RealmId {
            account: account.unwrap_or(&self.settings().account_id).clone(),
            region: region.unwrap_or(&self.settings().region).clone(),
        }
    }

    /// Calls an operation without an envelope: nobody signs, nobody is told.
    fn run(&self, target: Target<'_>, input: &Value) -> Answer {
        let sentence =
            |error: ApiError| format!("{}: {}", error.kind().wire_name(), error.message());
        let operation =
            operations::find(target.operation.as_bytes()).expect("an operation of the list");
        let prepared = (operation.prepare)(Protocol::Json, input.to_string().as_bytes());
        let caller = self.realm_of(target.account, target.region);
        let now = self.clock.now();
        let request = &RequestBytes::default();
        let call = Call {
            now,
            caller: &caller,
            engine: &self.engine,
            request,
            failing: &[],
            effect: None,
        };
        match prepared.map_err(sentence)?.handle(&call).map_err(sentence)? {
            Reply::Body(answer) => Ok(serde_json::from_slice(&answer).unwrap_or_default()),
            Reply::Receive(_) | Reply::Subscription(_) => Ok(Value::Null),
        }
    }
}

impl InitialStream {
    /// A stream of this many shards.
    pub fn provisioned(name: impl Into<String>, shards: u32) -> Self {
        Self { shards: Some(shards), ..Self::on_demand(name) }
    }

    /// A stream in on-demand mode.
    pub fn on_demand(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            shards: None,
            region: None,
            account: None,
            retention_hours: None,
            tags: Vec::new(),
            consumers: Vec::new(),
            records: Vec::new(),
        }
    }

    /// The Region it is in, if that is not the emulator's own.
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// The account that owns it, if that is not the emulator's own.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// How long it keeps records, if not for 24 hours.
    pub fn retention_hours(mut self, hours: u32) -> Self {
        self.retention_hours = Some(hours);
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Registers a consumer with enhanced fan-out.
    pub fn consumer(mut self, name: impl Into<String>) -> Self {
        self.consumers.push(name.into());
        self
    }

    /// Stores a record.
    pub fn record(mut self, partition_key: impl Into<String>, data: impl Into<Bytes>) -> Self {
        let partition_key = partition_key.into();
        self.records.push(Record { partition_key, explicit_hash_key: None, data: data.into() });
        self
    }

    /// Stores a record in the shard that owns this hash key.
    pub fn record_at(
        mut self,
        partition_key: impl Into<String>,
        explicit_hash_key: impl Into<String>,
        data: impl Into<Bytes>,
    ) -> Self {
        self = self.record(partition_key, data);
        if let Some(record) = self.records.last_mut() {
            record.explicit_hash_key = Some(explicit_hash_key.into());
        }
        self
    }

    fn apply(
        &self,
        place: &str,
        call: &impl Fn(Target<'_>, &Value) -> Answer,
    ) -> Result<(), InitError> {
        let (account, region) = (self.account.as_ref(), self.region.as_ref());
        let call = |operation: &'static str, place: &str, input: Value| {
            let target = Target { operation, account, region };
            call(target, &input).map_err(|message| InitError::at(place, message))
        };
        let name = &self.name;
        let mut create = json!({"StreamName": name});
        match self.shards {
            Some(shards) => create["ShardCount"] = shards.into(),
            None => create["StreamModeDetails"] = json!({"StreamMode": "ON_DEMAND"}),
        }
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|(key, value)| (key.clone(), json!(value)));
            create["Tags"] = Value::Object(tags.collect());
        }
        call("CreateStream", place, create)?;
        if let Some(hours) = self.retention_hours {
            let place = format!("{place}.retention_hours");
            let input = json!({"StreamName": name, "RetentionPeriodHours": hours});
            call("IncreaseStreamRetentionPeriod", &place, input)?;
        }
        for (index, consumer) in self.consumers.iter().enumerate() {
            let place = format!("{place}.consumers[{index}]");
            let summary = call("DescribeStreamSummary", &place, json!({"StreamName": name}))?;
            let arn = &summary["StreamDescriptionSummary"]["StreamARN"];
            let input = json!({"StreamARN": arn, "ConsumerName": consumer});
            call("RegisterStreamConsumer", &place, input)?;
        }
        for (index, record) in self.records.iter().enumerate() {
            let mut input = json!({
                "StreamName": name,
                "PartitionKey": record.partition_key,
                "Data": STANDARD.encode(&record.data),
            });
            if let Some(hash_key) = &record.explicit_hash_key {
                input["ExplicitHashKey"] = json!(hash_key);
            }
            call("PutRecord", &format!("{place}.records[{index}]"), input)?;
        }
        Ok(())
    }
}
