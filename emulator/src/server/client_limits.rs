//! How many clients a server bears, and how long they may keep it waiting.

use std::time::Duration;

use crate::model::settings::{parse_bytes, parse_duration};

/// How many clients a server bears, how much of its memory they may take, and
/// how long they may keep it waiting, in real time. What goes beyond is refused
/// in plain words, or closed.
///
/// Well-behaved clients meet none of these: the pools of AWS SDKs, of Go and of
/// curl give an unused connection up after two minutes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Clients")]
pub struct ClientLimits {
    /// Maximum concurrent connections; others get 503
    #[arg(
        long = "max-connections", env = "KINESIS_MAX_CONNECTIONS", value_name = "N",
        default_value_t = Self::DEFAULT.connections_max,
    )]
    pub connections_max: usize,

    /// Maximum memory for requests and answers in flight, over all connections; other
    /// calls get 503
    #[arg(
        long = "max-in-flight", env = "KINESIS_MAX_IN_FLIGHT", value_name = "BYTES",
        default_value = "1GiB", value_parser = parse_bytes,
    )]
    pub in_flight_bytes_max: usize,

    /// How long a client may take to open a connection, or to send the head of a request
    #[arg(
        long = "head-timeout", env = "KINESIS_HEAD_TIMEOUT", value_name = "DURATION",
        default_value = "20s", value_parser = parse_duration,
    )]
    pub head_within: Duration,

    /// How long a client may take to send the body of a request; then it gets 408
    #[arg(
        long = "body-timeout", env = "KINESIS_BODY_TIMEOUT", value_name = "DURATION",
        default_value = "1m", value_parser = parse_duration,
    )]
    pub body_within: Duration,

    /// Close a connection that has been idle, or whose client has not read, for this long
    #[arg(
        long = "idle-timeout", env = "KINESIS_IDLE_TIMEOUT", value_name = "DURATION",
        default_value = "5m", value_parser = parse_duration,
    )]
    pub idle_within: Duration,
}

impl ClientLimits {
    const DEFAULT: Self = Self {
        connections_max: 16_384,
        in_flight_bytes_max: 1024 * 1024 * 1024,
        head_within: Duration::from_secs(20),
        body_within: Duration::from_secs(60),
        idle_within: Duration::from_secs(5 * 60),
    };
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_command_line_and_the_builder_have_the_same_defaults() {
        let command = ClientLimits::augment_args(clap::Command::new("test"));
        let matches = command.try_get_matches_from(["test"]).unwrap();
        let parsed = ClientLimits::from_arg_matches(&matches).unwrap();
        assert_eq!(parsed, ClientLimits::default());
    }
}
