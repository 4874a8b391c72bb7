//! Whole requests and responses, member by member.
//!
//! Numbers such as `behaviours 5` are those of `spec/behaviours.md`.

mod addressing;
mod authentication;
mod bodies;
mod cbor;
mod collections;
mod describing;
mod envelope;
mod iterators;
mod reading;
mod resharding;
mod serialization;
mod shards;
mod sockets;
mod streams;
mod tags;
mod validation;
mod writing;
