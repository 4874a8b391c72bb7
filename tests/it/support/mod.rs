//! What the stories share: ways to reach an emulator, and reading with the SDK.

pub(crate) mod directory;
pub(crate) mod frames;
pub(crate) mod raw;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::types::{Record, Shard, ShardIteratorType};
use kinesis_emulator::{Builder, Clock, Emulator, Timestamp};

pub(crate) use raw::shard_id;

/// A builder of HTTP clients other than the SDK's. reqwest asks the process for
/// a provider of cryptography even where it needs none; whoever named one first
/// is as good.
pub(crate) fn http_client() -> reqwest::ClientBuilder {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
}

/// When the clocks of stories begin that move them: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// How a story reaches its emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The SDK's requests are handed to the emulator as they are.
    InProcess,
    /// The SDK's requests travel through a socket.
    Tcp,
}

impl Endpoint {
    /// An emulator that goes by the system's time.
    pub(crate) fn start(self) -> Emulator {
        self.start_with(Emulator::builder())
    }

    /// An emulator whose time only the story moves, from [`START`] on.
    pub(crate) fn start_at_rest(self) -> Emulator {
        self.start_with(Emulator::builder().clock(Clock::manual(START)))
    }

    /// An emulator with settings of its own.
    pub(crate) fn start_with(self, builder: Builder) -> Emulator {
        match self {
            Self::InProcess => builder.in_process(),
            Self::Tcp => builder.start_blocking().expect("there is a free port"),
        }
    }
}

/// Tells each story twice: in-process and over TCP. A story is an
/// `async fn(Endpoint)`; one that is not listed is dead code.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            use crate::support::Endpoint;

            #[tokio::test]
            async fn in_process() {
                super::$story(Endpoint::InProcess).await;
            }

            #[tokio::test]
            async fn over_tcp() {
                super::$story(Endpoint::Tcp).await;
            }
        }
    )*};
}

pub(crate) use stories;

/// A client that takes the first answer, even one that the SDK would try to
/// improve by asking again.
pub(crate) fn impatient_client(emulator: &Emulator) -> Client {
    let config = aws_sdk_kinesis::config::Builder::from(&emulator.sdk_config());
    Client::from_conf(config.retry_config(RetryConfig::disabled()).build())
}

/// Makes a stream, which is ACTIVE as soon as this returns.
pub(crate) async fn create_stream(client: &Client, name: &str, shards: i32) {
    client.create_stream().stream_name(name).shard_count(shards).send().await.expect("a new name");
}

/// All shards of a stream, page by page.
pub(crate) async fn list_shards(client: &Client, stream: &str) -> Vec<Shard> {
    let mut page =
        client.list_shards().stream_name(stream).send().await.expect("the stream exists");
    let mut shards = page.shards.take().expect("a page has shards");
    while let Some(token) = page.next_token {
        page = client.list_shards().next_token(token).send().await.expect("the token is fresh");
        shards.extend(page.shards.take().expect("a page has shards"));
    }
    shards
}

/// An iterator that needs no further argument.
pub(crate) async fn iterator(
    client: &Client,
    stream: &str,
    shard: &str,
    kind: ShardIteratorType,
) -> String {
    let request = client.get_shard_iterator().stream_name(stream).shard_id(shard);
    let answer = request.shard_iterator_type(kind).send().await.expect("the shard exists");
    answer.shard_iterator.expect("an iterator comes back")
}

/// What a reader found on its way from an iterator on.
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// The shards that follow, if the shard is closed and has been read out.
    pub(crate) children: Option<Vec<String>>,
}

impl Found {
    /// The records' data.
    pub(crate) fn data(&self) -> Vec<&[u8]> {
        self.records.iter().map(|record| record.data.as_ref()).collect()
    }

    /// The records' sequence numbers.
    pub(crate) fn numbers(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.sequence_number.as_str()).collect()
    }
}

/// Reads on from an iterator until nothing is left.
pub(crate) async fn read_on(client: &Client, iterator: impl Into<String>) -> Found {
    let mut found = Found { records: Vec::new(), children: None };
    let mut next = iterator.into();
    loop {
        let answer = client.get_records().shard_iterator(next).send().await.expect("it is fresh");
        found.records.extend(answer.records);
        match answer.next_shard_iterator {
            None => {
                let children = answer.child_shards.expect("a shard's end names who follows");
                found.children = Some(children.into_iter().map(|child| child.shard_id).collect());
                return found;
            }
            Some(_) if answer.millis_behind_latest == Some(0) => return found,
            Some(iterator) => next = iterator,
        }
    }
}

/// Reads a shard from its oldest record to its end.
pub(crate) async fn read_shard(client: &Client, stream: &str, shard: &str) -> Found {
    read_on(client, iterator(client, stream, shard, ShardIteratorType::TrimHorizon).await).await
}
