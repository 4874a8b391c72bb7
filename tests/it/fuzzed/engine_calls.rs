//! Lists of calls, jumps in time, snapshots and failures against the auditor.

use crate::model::workload::Workload;

const CALLS_MAX: usize = 200;

/// Each byte is a choice of the workload.
pub(super) fn the_auditor_agrees(bytes: &[u8]) {
    Workload::chosen(bytes).run_while_chosen(CALLS_MAX);
}
