//! The API's vocabulary: values that are valid from the moment they exist.
//!
//! Constraints sit on the types, as in the service model, so that a value is
//! parsed once and trusted ever after. Knows no clock, no I/O, no JSON or CBOR.

pub(crate) mod arn;
pub(crate) mod channel;
pub(crate) mod constraint;
pub(crate) mod decimal;
pub(crate) mod error;
pub(crate) mod hash_key;
pub(crate) mod limits;
mod md5_lanes;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod record;
pub(crate) mod seal;
pub(crate) mod sequence_number;
pub(crate) mod settings;
pub(crate) mod shard_id;
pub(crate) mod shard_iterator;
mod short_text;
pub(crate) mod status;
pub(crate) mod tags;
pub(crate) mod timestamp;
