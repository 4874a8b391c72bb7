//! Who may use an emulator whose callers need no secret: programs, and web pages
//! of this machine. Not the page of a stranger that happens to be open in a
//! browser here.
//!
//! A stranger's page can reach a port of this machine in two ways. It can send
//! requests to it as they are: then they carry the page's *origin*, and so do
//! all requests that could change or read anything, because those are POSTs. Or
//! it can point a name of its own at this machine (DNS rebinding): then the name
//! stands in the *host*. So an origin has to be local, and a host has to be one
//! that no stranger can point anywhere, unless the user has allowed others.
//!
//! That is asked of browsers. A program may call itself by any origin and find us by
//! any name: AWS answers it, and no page is behind it. A browser is told by what it
//! says of a request to loopback and lets no page change (Fetch Metadata), and by its
//! name; a request of a page to a rebound name is told by having an origin at all.
//!
//! Where the user has the emulator listen beyond loopback, a host can be
//! whatever the user's network calls this machine (a service of docker-compose,
//! for one), so there the origin alone decides; a page behind a rebound name has
//! one, too. Where signatures are verified the secret decides, as it does at AWS.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN, USER_AGENT};
use http::{Method, Request, uri::Authority};

use super::refusal::Refusal;

/// Names and web pages that may use the emulator beside those of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct Allowed {
    /// Further name by which clients may call this emulator, beside localhost, IP
    /// addresses, names without a dot and AWS's; repeat the flag or separate names with
    /// commas; checked on loopback only. The TLS certificate has it, too
    #[arg(
        long = "allow-host", env = "KINESIS_ALLOW_HOST", value_name = "NAME",
        value_delimiter = ',', value_parser = host_name,
    )]
    pub(crate) hosts: Vec<String>,

    /// Web pages that may use this emulator beside those of localhost, such as
    /// https://app.example.com, or * for any; repeat the flag or separate them with commas
    #[arg(
        long = "allow-origin", env = "KINESIS_ALLOW_ORIGIN", value_name = "ORIGIN",
        value_delimiter = ',', value_parser = origin,
    )]
    pub(crate) origins: Vec<String>,
}

/// Reads a name without scheme and port.
///
/// # Errors
/// Says what it looks like.
pub(crate) fn host_name(text: &str) -> Result<String, String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    if text.is_empty() || !text.chars().all(is_name) {
        return Err(format!("{text:?} is no host: write a name such as kinesis.example.com"));
    }
    Ok(text.to_ascii_lowercase())
}

/// Reads an origin as browsers write it.
///
/// # Errors
/// Says what it looks like.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    let is_origin = matches!(text, "*" | "null")
        || text.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        });
    if !is_origin {
        return Err(format!(
            "{text:?} is no origin: write https://app.example.com without a path, null, or *"
        ));
    }
    Ok(text.to_ascii_lowercase())
}

/// Decides who is heard.
#[derive(Debug)]
pub(super) struct Visitors {
    allowed: Allowed,
    /// Whether only this machine reaches the listener.
    on_loopback: bool,
    /// Whether callers show by their signatures that they belong here.
    know_the_secret: bool,
}

impl Visitors {
    pub(super) fn new(allowed: Allowed, on_loopback: bool, know_the_secret: bool) -> Self {
        Self { allowed, on_loopback, know_the_secret }
    }

    /// Refuses what a stranger's page sends.
    ///
    /// # Errors
    /// Why, and what to do if it is no stranger's.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        if self.know_the_secret {
            return Ok(());
        }
        let is_of_browser = is_of_browser(request);
        let origin = request.headers().get(ORIGIN);
        // To ask whether it may call (a preflight) is nobody forbidden: it does nothing.
        if let Some(origin) = origin
            && *request.method() != Method::OPTIONS
            && (is_of_browser || !self.on_loopback)
        {
            let origin = origin.to_str().unwrap_or_default();
            if !self.admits_origin(origin) {
                return Err(Refusal::NotForYou(format!(
                    "Web pages of {origin:?} may not use this emulator. If they are yours, \
                     start it with --allow-origin {origin}, or with --verify-secret."
                )));
            }
        }
        let may_be_rebound = self.on_loopback && (is_of_browser || origin.is_some());
        match host_of(request) {
            Some(host) if may_be_rebound && !host.is_empty() && !self.admits_host(host) => {
                Err(Refusal::NotForYou(format!(
                    "This emulator does not answer as {host:?}, which anybody could have pointed \
                     at this machine. If the name is yours, start it with --allow-host {host}."
                )))
            }
            // Browsers always name a host: who does not is no page.
            Some(_) | None => Ok(()),
        }
    }

    fn admits_origin(&self, origin: &str) -> bool {
        let listed = |known: &String| known == "*" || known.eq_ignore_ascii_case(origin);
        let Some((_, authority)) = origin.split_once("://") else {
            // What pages without an address of their own send is "null", whoever made
            // them; anything else that is no address comes from no browser.
            let is_of_no_browser = !origin.is_empty() && !origin.eq_ignore_ascii_case("null");
            return is_of_no_browser || self.allowed.origins.iter().any(listed);
        };
        let of_this_machine = authority.parse::<Authority>().is_ok_and(|authority| {
            let host = bare(authority.host());
            match host.parse::<IpAddr>() {
                Ok(address) => address.is_loopback(),
                Err(_) => is_private(host),
            }
        });
        of_this_machine || self.allowed.origins.iter().any(listed)
    }

    fn admits_host(&self, host: &str) -> bool {
        host.parse::<IpAddr>().is_ok()
            || is_private(host)
            || ends_with_one_of(host, OF_NO_STRANGER)
            || self.allowed.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// Ends of names that mean something within a machine or a private network only:
/// nobody can register a name below them (RFC 6761; ICANN for `internal`), not even
/// below those of documentation.
/// Docker's name for the machine itself is `host.docker.internal`.
const PRIVATE: &[&str] = &[
    "localhost",
    "internal",
    "test",
    "example",
    "invalid",
    "example.com",
    "example.net",
    "example.org",
];

/// Ends of names whose addresses strangers do not choose: AWS's own, which come
/// here through proxies, those of its isolated partitions included, and LocalStack's
/// name for this machine.
const OF_NO_STRANGER: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "amazonwebservices.com.cn",
    "api.aws",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "csp.hci.ic.gov",
    "cloud.adc-e.uk",
    "localhost.localstack.cloud",
];

/// Whether a name means something only here. One without a dot is a service's of
/// docker-compose or a line in `/etc/hosts`.
fn is_private(host: &str) -> bool {
    !host.is_empty() && (!host.contains('.') || ends_with_one_of(host, PRIVATE))
}

fn ends_with_one_of(host: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| {
        let Some(start) = host.len().checked_sub(end.len()) else { return false };
        let (Some(before), Some(tail)) = (host.get(..start), host.get(start..)) else {
            return false;
        };
        tail.eq_ignore_ascii_case(end) && (before.is_empty() || before.ends_with('.'))
    })
}

/// Whether a browser has sent a request, as far as that can be told: by what it says
/// of itself, or by a header of those that it sends to loopback and no page can touch.
fn is_of_browser<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let names_itself =
        headers.get(USER_AGENT).is_some_and(|name| name.as_bytes().starts_with(b"Mozilla/"));
    names_itself || headers.contains_key("sec-fetch-site")
}

/// Whom a request means: the name or address, without port, brackets and final
/// dot. Over HTTP/2 it stands in the URI.
pub(super) fn host_of<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(bare(authority.host()));
    }
    // What is no text is a name, and nobody has it.
    let host = request.headers().get(HOST)?.to_str().unwrap_or("?.?");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    Some(bare(name))
}

fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitors(on_loopback: bool) -> Visitors {
        Visitors::new(Allowed::default(), on_loopback, false)
    }

    fn is_heard(visitors: &Visitors, headers: &[(&str, &str)]) -> bool {
        let request = headers
            .iter()
            .fold(Request::post("/"), |request, (name, value)| request.header(*name, *value));
        visitors.admit(&request.body(()).unwrap()).is_ok()
    }

    /// The same from a browser.
    fn is_page_heard(visitors: &Visitors, headers: &[(&str, &str)]) -> bool {
        let marks = [("sec-fetch-site", "cross-site"), ("user-agent", "Mozilla/5.0 (X11)")];
        let [heard, also] = marks.map(|mark| is_heard(visitors, &[headers, &[mark]].concat()));
        assert_eq!(heard, also, "a browser is told by either");
        heard
    }

    #[test]
    fn a_program_may_call_itself_and_us_whatever_it_likes() {
        let visitors = visitors(true);
        assert!(is_heard(&visitors, &[("host", "kinesis.shop.com")]));
        assert!(is_heard(&visitors, &[("host", "localhost"), ("origin", "https://shop.com")]));
        // It may be a browser's after all, whose page has pointed its name here.
        let page = [("host", "evil.com:4567"), ("origin", "http://evil.com:4567")];
        assert!(!is_heard(&visitors, &page));
    }

    #[test]
    fn on_loopback_a_host_is_one_that_no_stranger_can_point_here() {
        let visitors = visitors(true);
        for host in [
            "localhost",
            "localhost:4567",
            "LOCALHOST:4567",
            "localhost.:4567",
            "kinesis.localhost:4567",
            "123456789012.data-kinesis.localhost",
            "127.0.0.1:4567",
            "127.1.2.3",
            "[::1]:4567",
            "192.168.1.5:4567",
            "host.docker.internal:4567",
            "kinesis:4567",
            "kinesis.us-east-1.amazonaws.com",
            "kinesis.cn-north-1.amazonaws.com.cn",
            "kinesis.us-east-1.api.aws",
            "kinesis.us-iso-east-1.c2s.ic.gov",
            "",
            "localhost.localstack.cloud:4566",
            "kinesis.us-east-1.localhost.localstack.cloud",
        ] {
            assert!(is_page_heard(&visitors, &[("host", host)]), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:4567",
            "localhost.evil.com",
            "127.0.0.1.evil.com:80",
            "notlocalhost.evil",
            "evil-amazonaws.com",
            "xlocalhost.localstack.cloud",
            "a.b:c",
            "\u{e9}.com",
        ] {
            assert!(!is_page_heard(&visitors, &[("host", host)]), "{host}");
        }
        assert!(is_heard(&visitors, &[]), "what names no host is no browser");
    }

    #[test]
    fn beyond_loopback_a_host_is_whatever_the_users_network_says() {
        let visitors = visitors(false);
        assert!(is_heard(&visitors, &[("host", "kinesis.dev.corp.example.com:4567")]));
        // A page behind a rebound name is told by its origin.
        let page = [("host", "evil.com:4567"), ("origin", "http://evil.com:4567")];
        assert!(!is_heard(&visitors, &page));
    }

    #[test]
    fn pages_are_heard_if_they_are_local() {
        for visitors in [visitors(true), visitors(false)] {
            for origin in [
                "http://localhost:3000",
                "https://localhost",
                "http://app.localhost:8080",
                "http://127.0.0.1:5173",
                "http://[::1]:5173",
                "http://webapp:3000",
                "capacitor://localhost",
                "https://app.example.com",
                "whatever",
            ] {
                assert!(is_page_heard(&visitors, &[("host", "a"), ("origin", origin)]), "{origin}");
            }
            for origin in [
                "http://evil.com",
                "https://evil.com:4567",
                "http://localhost.evil.com",
                "http://6.6.6.6",
                "http://192.168.1.5:3000",
                "https://bucket.s3.amazonaws.com",
                "null",
                "",
                "file://",
                "http://",
                "http://localhost@evil.com",
                "\u{e9}",
            ] {
                assert!(
                    !is_page_heard(&visitors, &[("host", "a"), ("origin", origin)]),
                    "{origin}"
                );
                let preflight = Request::options("/").header("origin", origin).body(()).unwrap();
                assert!(visitors.admit(&preflight).is_ok(), "{origin}");
            }
        }
    }

    #[test]
    fn what_the_user_allows_is_heard_and_the_refusal_says_how() {
        let allowed = Allowed {
            hosts: vec![host_name("Kinesis.Shop.com").unwrap()],
            origins: vec![origin("https://App.shop.com").unwrap(), origin("null").unwrap()],
        };
        let visitors = Visitors::new(allowed, true, false);
        let host = ("host", "kinesis.shop.com:4567");
        assert!(is_page_heard(&visitors, &[host, ("origin", "https://app.shop.com")]));
        assert!(is_page_heard(&visitors, &[host, ("origin", "null")]));
        assert!(!is_page_heard(&visitors, &[host, ("origin", "https://app.shop.com:8443")]));
        let request = Request::post("/")
            .header("host", "evil.com")
            .header("user-agent", "Mozilla/5.0")
            .body(())
            .unwrap();
        let Err(Refusal::NotForYou(why)) = visitors.admit(&request) else { panic!("heard") };
        assert!(why.ends_with("start it with --allow-host evil.com."), "{why}");
        let all = Allowed { origins: vec![origin("*").unwrap()], ..Allowed::default() };
        let visitors = Visitors::new(all, false, false);
        assert!(is_page_heard(&visitors, &[("origin", "https://anything.example.org")]));
    }

    #[test]
    fn a_secret_decides_in_place_of_names() {
        let visitors = Visitors::new(Allowed::default(), true, true);
        assert!(is_page_heard(&visitors, &[("host", "evil.com"), ("origin", "http://evil.com")]));
    }

    #[test]
    fn what_is_no_name_and_no_origin_is_said_so() {
        for wrong in ["", "http://a", "a:80", "a/b", "a b"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "example.com", "https://", "https://a/b", "://a"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
