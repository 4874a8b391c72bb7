//! Single puts, batches and polling readers at the same time.

use super::catalogue::{COMMON, Consume, Defaults, Produce, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "mixed",
    summary: "mixed: four PutRecord and a PutRecords over and over, with readers polling meanwhile",
    produce: Produce::Mixed,
    consume: Consume::Polled,
    is_ordered: false,
    defaults: Defaults { records: 20_000, batch: 25, tasks: 8, ..COMMON.defaults },
    ..COMMON
};
