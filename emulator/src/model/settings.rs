//! Everything that can be set about an emulator, one doc comment per knob: the
//! builder, the command line and the environment variables derive from it.

use std::time::Duration;

use super::arn::{AccountId, Region};
use super::limits::Limits;

/// The binary's state delay. Its clients are other programs: they see the states
/// that AWS shows, and what calls a stream too early fails as it would there. In a
/// test's own process nothing lasts unless it is asked to.
#[cfg(feature = "server")]
const SERVERS_STATE_DELAY: &str = "200ms";

/// How an emulator behaves.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "server", derive(clap::Args))]
#[non_exhaustive]
pub struct Settings {
    /// Region for requests whose credentials name none
    #[cfg_attr(feature = "server", arg(long, env = "KINESIS_REGION", default_value = Region::DEFAULT))]
    pub region: Region,

    /// Account for requests whose access key is not itself an account id
    #[cfg_attr(feature = "server", arg(long, env = "KINESIS_ACCOUNT_ID", default_value = AccountId::DEFAULT))]
    pub account_id: AccountId,

    /// Maximum open shards per account and Region [default: as in --limits]
    #[cfg_attr(feature = "server", arg(
        long, env = "KINESIS_SHARD_LIMIT", value_name = "N", value_parser = parse_limit,
    ))]
    pub shard_limit: Option<u32>,

    /// Maximum on-demand streams per account and Region [default: as in --limits]
    #[cfg_attr(feature = "server", arg(
        long, env = "KINESIS_STREAM_LIMIT", value_name = "N", value_parser = parse_limit,
    ))]
    pub stream_limit: Option<u32>,

    /// Maximum bytes of data and keys stored in all streams together, such as 2GiB;
    /// beyond that puts fail with 500 InternalFailure [default: no limit]
    #[cfg_attr(feature = "server", arg(
        long, env = "KINESIS_STORAGE_LIMIT", value_name = "BYTES", value_parser = parse_bytes,
    ))]
    pub storage_limit: Option<usize>,

    /// What is limited at first. The command line reads it from a profile's name
    /// or from a file.
    #[cfg_attr(feature = "server", arg(skip))]
    pub limits: Limits,

    /// How long CREATING, UPDATING and DELETING last, such as 500ms or 2s; AWS SDK
    /// waiters return as soon as that is over
    #[cfg_attr(feature = "server", arg(
        long, env = "KINESIS_STATE_DELAY", value_name = "DURATION",
        default_value = SERVERS_STATE_DELAY, value_parser = parse_duration,
    ))]
    pub state_delay: Duration,

    /// Seed for ids, tokens and all other random draws [default: a new one each time]
    #[cfg_attr(feature = "server", arg(long, env = "KINESIS_SEED", value_name = "N"))]
    pub seed: Option<u64>,

    /// Verify signatures: requests have to be signed with this secret access key
    #[cfg_attr(
        feature = "server",
        arg(long, env = "KINESIS_VERIFY_SECRET", value_name = "SECRET", hide_env_values = true,)
    )]
    pub verify_secret: Option<Secret>,

    /// Also answer requests without authentication
    #[cfg_attr(feature = "server", arg(long, env = "KINESIS_ALLOW_ANONYMOUS"))]
    pub allow_anonymous: bool,

    /// Keep a journal of calls, a ledger of reads, and CloudWatch metrics
    #[cfg_attr(feature = "server", arg(long, env = "KINESIS_JOURNAL"))]
    pub journal: bool,
}

/// A secret access key. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Settings {
    /// What clients of this emulator sign with: the secret that is verified, or any.
    pub(crate) fn client_secret(&self) -> &str {
        self.verify_secret.as_ref().map_or("test", Secret::reveal)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: Region::DEFAULT.parse().expect("the default is a Region"),
            account_id: AccountId::DEFAULT.parse().expect("the default is an account id"),
            shard_limit: None,
            stream_limit: None,
            storage_limit: None,
            limits: Limits::off(),
            state_delay: Duration::ZERO,
            seed: None,
            verify_secret: None,
            allow_anonymous: false,
            journal: false,
        }
    }
}

/// Reads a duration such as `0`, `500ms`, `2s` or `1m`.
///
/// # Errors
/// Says what a duration looks like.
#[cfg_attr(not(feature = "server"), allow(dead_code))]
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let millis_per_unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" if amount == "0" => 0,
        _ => return Err(format!("{text:?} is not a duration: write 500ms, 2s, 1m or 0")),
    };
    amount
        .parse::<u64>()
        .ok()
        .and_then(|amount| amount.checked_mul(millis_per_unit))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is not a duration: write 500ms, 2s, 1m or 0"))
}

/// Reads a number of bytes such as `512MiB`, `1GiB` or `65536`.
///
/// # Errors
/// Says what a number of bytes looks like.
#[cfg_attr(not(feature = "server"), allow(dead_code))]
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let bytes_per_unit = match unit {
        "" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = bytes_per_unit.and_then(|unit| amount.parse::<usize>().ok()?.checked_mul(unit));
    bytes.ok_or_else(|| format!("{text:?} is not a number of bytes: write 65536, 512MiB or 1GiB"))
}

/// Reads a limit: a number, or `Infinity`, as LocalStack's variable of the same
/// name has it.
///
/// # Errors
/// Says what a limit looks like.
#[cfg_attr(not(feature = "server"), allow(dead_code))]
pub(crate) fn parse_limit(text: &str) -> Result<u32, String> {
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(u32::MAX);
    }
    text.parse().map_err(|_| format!("{text:?} is not a limit: write a number, or Infinity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_infinite() {
        assert_eq!(parse_limit("7"), Ok(7));
        assert_eq!(parse_limit("Infinity"), Ok(u32::MAX));
        assert!(parse_limit("-1").is_err());
    }

    #[test]
    fn bytes_may_have_a_unit() {
        assert_eq!(parse_bytes("65536"), Ok(65_536));
        assert_eq!(parse_bytes("512MiB"), Ok(512 * 1024 * 1024));
        for wrong in ["", "KiB", "-1", "1.5GiB", "1 GiB", "1GB", "99999999999999999999"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "5", "ms", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
