//! From the send of a record to its arrival at a reader that polls.

use super::catalogue::{COMMON, Consume, Defaults, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "end-to-end",
    summary: "end-to-end latency, polled: a reader per shard polls while records come at a rate",
    consume: Consume::Polled,
    defaults: Defaults { records: 1_000, rate: Some("200"), ..COMMON.defaults },
    ..COMMON
};
