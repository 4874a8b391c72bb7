//! Batches: what `PutRecords` carries. Kinesis promises no order within a call of
//! which a part was refused, so order is not checked.

use super::catalogue::{COMMON, Defaults, Produce, Scenario};

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "put-batch",
    summary: "PutRecords batches, refused entries put again by index, then all are read back",
    produce: Produce::Batch,
    is_ordered: false,
    defaults: Defaults { records: 50_000, batch: 500, tasks: 4, ..COMMON.defaults },
    ..COMMON
};
