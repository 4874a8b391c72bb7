//! Whole requests and responses, member by member.
//!
//! Numbers such as `behaviours 5` are those of `spec/behaviours.md`.

mod accounts;
mod addressing;
mod authentication;
mod bodies;
pub(crate) mod bounds;
pub(crate) mod cbor;
mod channels;
mod collections;
mod consumers;
mod describing;
mod dry_runs;
mod encryption;
mod envelope;
mod fan_out;
mod faults;
mod health;
mod iterators;
mod limits;
mod long_polls;
mod modes;
mod monitoring;
mod policies;
mod queues;
mod reading;
mod record_size;
mod resharding;
mod resources;
mod retention;
mod scaling;
mod secure;
mod serialization;
mod shards;
mod signatures;
pub(crate) mod snapshots;
pub(crate) mod sockets;
mod streams;
mod tags;
mod throughput;
mod validation;
mod writing;
