//! Most records with one key: what a shard takes that has all the load.

use super::catalogue::{COMMON, Defaults, Scenario};
use crate::load::keys::KeyMode;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "hot-key",
    summary: "hot key: four of five records go to one shard by one key",
    defaults: Defaults { keys: KeyMode::Hot, ..COMMON.defaults },
    ..COMMON
};
