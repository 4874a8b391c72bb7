//! From the send of a record to its arrival at a subscriber.

use super::catalogue::{COMMON, Consume, Defaults, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "fan-out",
    summary: "end-to-end latency by enhanced fan-out: a subscription per shard, a rate of puts",
    consume: Consume::FanOut,
    defaults: Defaults { records: 1_000, rate: Some("200"), ..COMMON.defaults },
    ..COMMON
};
