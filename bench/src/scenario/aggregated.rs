//! Small records put together as the Kinesis Producer Library does it, and taken
//! apart by the readers.

use super::catalogue::{COMMON, Defaults, Produce, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "aggregated",
    summary: "KPL-format aggregation: many user records in one record, taken apart when read",
    produce: Produce::Aggregated,
    defaults: Defaults { records: 2_000, merge: 50, tasks: 4, ..COMMON.defaults },
    ..COMMON
};
