//! Shards are doubled while records are put and read: nothing may be lost, and
//! readers go on from parents to children.

use super::catalogue::{COMMON, Consume, Defaults, Scenario, Upheaval};
use crate::load::keys::KeyMode;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "resharding",
    summary: "resharding under load: the shards are doubled while records are put and read",
    consume: Consume::Polled,
    upheaval: Some(Upheaval::Doubling),
    defaults: Defaults {
        records: 6_000,
        tasks: 8,
        keys: KeyMode::Random,
        rate: Some("1000"),
        ..COMMON.defaults
    },
    ..COMMON
};
