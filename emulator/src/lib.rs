//! An Amazon Kinesis Data Streams emulator that lives inside `cargo test`.
//!
//! ```
//! # #[cfg(all(feature = "sdk", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kinesis_emulator::Emulator;
//!
//! let kinesis = Emulator::start().await;
//! let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());
//! client.create_stream().stream_name("orders").shard_count(2).send().await?;
//! kinesis.clock().advance(std::time::Duration::from_secs(1));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "sdk", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! Five nouns carry everything: the [`Emulator`] (own port, own state, gone on
//! drop), its SDK configuration, its [`Clock`], its [`Faults`], and the
//! [`Settings`] that its [`Builder`] takes. `Emulator::in_process` gives the same with no socket.
//!
//! # Features
//! * `server` (default): TCP and the `kinesis-emulator` binary.
//! * `tls` (default): TLS on the same port, `Emulator::tls_url` and the certificate to
//!   trust. Needs a C compiler.
//! * `jemalloc`: jemalloc in the binary.
//! * `sdk`: a ready `aws_sdk_kinesis::Client`, over TCP or with no socket.
//!
//! # Map
//! Rooms, each used by those after it, never the other way round: `model` (the
//! API's values), `engine` (state and its laws), `snapshot` (state as a value
//! and a file), `durable` (a data directory), `wire` (bytes ⇄ members), `operations` (one file each),
//! `service` (requests and the clock), `inspect` (looking inside), `server`
//! (sockets), and this front door. `ARCHITECTURE.md` walks through them.

mod durable;
mod emulator;
mod engine;
#[cfg(feature = "sdk")]
pub mod guide;
pub mod inspect;
#[cfg(feature = "measure")]
#[doc(hidden)]
pub mod measure;
mod model;
mod operations;
#[cfg(feature = "sdk")]
mod sdk;
#[cfg(feature = "server")]
mod server;
mod service;
mod snapshot;
mod wire;

#[cfg(feature = "server")]
pub mod cli;

pub use durable::{DataDirError, DataDirErrorKind, Durability};
pub use emulator::{Builder, Emulator, StartError};
pub use model::arn::{AccountId, InvalidIdentity, Region};
pub use model::error::ErrorKind;
pub use model::limits::Limits;
pub use model::settings::{Secret, Settings};
pub use model::status::{ConsumerStatus, EncryptionType, ShardIteratorType, StreamStatus};
pub use model::timestamp::Timestamp;
pub use operations::OperationName as Operation;
#[cfg(feature = "server")]
pub use server::ClientLimits;
pub use service::InvalidLimits;
pub use service::clock::Clock;
pub use service::faults::{Action, ArmedRule, Fault, Faults, InvalidRule, NewFault, Rule, RuleId};
pub use service::init::{Init, InitError, InitialStream};
pub use service::latency::{Distribution, Latency};
pub use snapshot::{Snapshot, SnapshotError, SnapshotErrorKind};

/// What the operations declare, for tests that compare it with the API's model.
#[doc(hidden)]
pub mod declarations {
    pub use crate::model::constraint::{Constraint, Pattern};
    pub use crate::model::error::ErrorKind;
    pub use crate::model::limits::{Rate, Scope};
    pub use crate::wire::description::{Description, MemberDescription, OperationDescription};

    /// Every operation, by name.
    pub fn operations() -> Vec<OperationDescription> {
        crate::operations::ALL.iter().map(|entry| entry.description).collect()
    }
}
