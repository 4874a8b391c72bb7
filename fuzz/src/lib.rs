//! What fuzzers call: the laws of `tests/it/fuzzed`, with what they stand on.
//!
//! The sources are those of the integration tests; `cargo test` runs the same
//! laws over every input in `corpus/`.

#![allow(dead_code, unused_imports)]

#[cfg(feature = "aggregation")]
#[path = "../../tests/it/fuzzed/aggregated_records.rs"]
mod aggregated_records;

#[path = "../../tests/it/fuzzed/mod.rs"]
mod fuzzed;

#[path = "../../tests/it/model"]
mod model {
    mod auditor;
    mod chance;
    pub(crate) mod workload;
}

#[path = "../../tests/it/support"]
mod support {
    pub(crate) mod directory;
    pub(crate) mod frames;
    pub(crate) mod raw;
}

#[path = "../../tests/it/wire"]
mod wire {
    pub(crate) mod bounds;
    pub(crate) mod cbor;
    mod validation;
}

/// Holds the bytes against the law of aggregated records.
///
/// # Panics
/// If it is broken.
#[cfg(feature = "aggregation")]
pub fn every_record_is_taken_apart(bytes: &[u8]) {
    aggregated_records::every_record_is_taken_apart(bytes);
}

/// Runs a target of the integration tests.
///
/// # Panics
/// If a law is broken, or there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, law) =
        fuzzed::TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name");
    law(bytes);
}
