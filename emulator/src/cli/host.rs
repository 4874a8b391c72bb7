//! Hosts as `--host` names them: to listen at, and to find an emulator at.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs as _};
use std::str::FromStr;

use crate::server;

/// The address of this machine that a text names: one to listen at.
///
/// # Errors
/// Says what else to write.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let unknown = |why: String| {
        format!("{why}: write an address such as 127.0.0.1 or 0.0.0.0, or a name of this machine")
    };
    match text.parse()? {
        Host::Address(address) => Ok(address),
        Host::Name(name) => {
            let found =
                (name.as_str(), 0).to_socket_addrs().map_err(|why| unknown(why.to_string()))?;
            // Where localhost is both, clients try 127.0.0.1 in any case.
            let address = found.map(|found| found.ip()).min_by_key(IpAddr::is_ipv6);
            address.ok_or_else(|| unknown("it has no address".to_owned()))
        }
    }
}

/// Where an emulator is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    Name(String),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Brackets as in a URL.
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        server::host_name(text).map(Self::Name).map_err(|_| {
            format!("{text:?} is no host: write an address such as 127.0.0.1, or a name without scheme and port")
        })
    }
}

/// As clients on this machine write it in a URL.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names_and_stand_in_urls() {
        for (text, in_a_url) in [
            ("127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::", "127.0.0.1"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("kinesis", "kinesis"),
            ("Kinesis.Example.com", "kinesis.example.com"),
        ] {
            assert_eq!(text.parse::<Host>().expect(text).to_string(), in_a_url);
        }
        for wrong in ["", "http://localhost", "localhost:4567", "a b"] {
            let why = wrong.parse::<Host>().expect_err(wrong);
            assert!(why.contains("without scheme and port"), "{why}");
        }
    }
}
