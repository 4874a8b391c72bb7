//! Single puts: what one `PutRecord` costs, with several producers at work.

use super::catalogue::{COMMON, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "put",
    summary: "single puts: each record is a PutRecord call, then all are read back",
    ..COMMON
};
