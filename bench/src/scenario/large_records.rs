//! Records as large as a stream can be told to take.

use super::catalogue::{COMMON, Defaults, Scenario};
use crate::load::content::RECORD_BYTES_MAX;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "large-records",
    summary: "large records: up to 10 MiB each, after UpdateMaxRecordSize",
    record_kib_max: Some(10_240),
    defaults: Defaults {
        records: 20,
        tasks: 2,
        // The partition key counts as well.
        payload_bytes: Some(RECORD_BYTES_MAX - 256),
        ..COMMON.defaults
    },
    ..COMMON
};
