//! One record after the other at a fixed pace: what `produce` does.

use super::catalogue::{COMMON, Defaults, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "steady",
    summary: "fixed rate: a record a second, each with shard, sequence number and latency",
    defaults: Defaults { records: 10, rate: Some("1"), ..COMMON.defaults },
    ..COMMON
};
