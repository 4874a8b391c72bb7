//! One test binary: this is its table of contents.
//!
//! * `abuse`: clients that are slow, many, greedy, malicious or strangers.
//! * `behaviours`: which test keeps which promise, and what users complained of.
//! * `control`: the control API, over plain HTTP.
//! * `durable`: what survives the process, in a data directory.
//! * `fuzzed`: what must hold for any input; the inputs are in `fuzz/corpus`.
//! * `goldens`: whole answers in files, one conversation each.
//! * `wire`: whole requests and responses, byte by byte.
//! * `sdk`: stories told with the real AWS SDK, in-process and over TCP.
//! * `model`: random calls and time jumps against an auditor, and readers that
//!   tail a shard under writers and splits.
//! * `pages`: what the pages show is what is run, and their links lead somewhere.
//! * `simulation`: emulator and clients in a simulated network, twice the same.
//! * `smithy`: what the operations declare, against the service model.
//! * `tidy`: what the code must not contain, and which room may use which.
//! * `support`: what the stories share.

mod abuse;
mod behaviours;
mod control;
mod durable;
mod fuzzed;
mod goldens;
mod model;
mod pages;
mod sdk;
mod simulation;
mod smithy;
mod support;
mod tidy;
mod wire;
