//! Random calls against expectations, and readers against writers.

mod auditor;
mod chance;
mod queues;
mod regressions;
mod resharding;
mod simulation;
mod tailing_reader;
pub(crate) mod workload;
