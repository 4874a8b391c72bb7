//! Several user messages in one record, joined by newlines: what merging saves.

use super::catalogue::{COMMON, Defaults, Produce, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "merged",
    summary: "merged messages: --merge of them, one a line, in each record",
    produce: Produce::Merged,
    defaults: Defaults { records: 1_000, merge: 10, tasks: 4, ..COMMON.defaults },
    ..COMMON
};
