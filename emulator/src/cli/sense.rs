//! Settings that can be read and make no sense: an emulator that started with
//! them would answer nobody, or not do what was asked for.

use std::time::Duration;

use clap::{ArgMatches, Command};

use super::{Serving, variables};
use crate::server::CALL_BYTES;

/// Says which setting makes no sense, and what to write.
///
/// # Errors
/// If one does not.
pub(super) fn check(
    serving: &Serving,
    command: &Command,
    given: &ArgMatches,
) -> Result<(), String> {
    let limits = &serving.client_limits;
    let at_once = "0 leaves no time at all: write a duration such as 20s";
    for (id, makes_no_sense, why) in [
        ("connections_max", limits.connections_max == 0, "0 lets nobody in: write 1 or more"),
        (
            "in_flight_bytes_max",
            limits.in_flight_bytes_max < CALL_BYTES,
            "a call takes 8KiB at least: write more, such as 64MiB",
        ),
        ("head_within", limits.head_within == Duration::ZERO, at_once),
        ("body_within", limits.body_within == Duration::ZERO, at_once),
        ("idle_within", limits.idle_within == Duration::ZERO, at_once),
        (
            "durability",
            serving.data_dir.is_none(),
            "it says when a data directory is written, and there is none: give --data-dir, too",
        ),
    ] {
        if makes_no_sense && let Some(setting) = variables::given_by(command, given, id) {
            return Err(format!("{setting} makes no sense: {why}"));
        }
    }
    Ok(())
}
