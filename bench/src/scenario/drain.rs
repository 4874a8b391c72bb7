//! How fast `GetRecords` empties shards that are full.

use super::catalogue::{COMMON, Defaults, Produce, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "drain",
    summary: "GetRecords drain: shards are filled outside the measurement, then read to the end",
    produce: Produce::Preload,
    is_ordered: false,
    defaults: Defaults { records: 100_000, batch: 500, tasks: 4, ..COMMON.defaults },
    ..COMMON
};
