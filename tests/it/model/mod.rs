//! Random calls against expectations, and readers against writers.

mod auditor;
mod tailing_reader;
mod workload;
