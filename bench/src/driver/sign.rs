//! AWS Signature Version 4 for the one shape of request that Kinesis takes:
//! `POST /` with five or six headers. The day's key is derived once a day.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// What every request says its body is.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Signs requests of one caller to one host.
#[derive(Debug)]
pub struct Signer {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    host: String,
    day: Mutex<Day>,
}

/// What is the same for all requests of a day, and of a second.
#[derive(Debug, Clone, Default)]
struct Day {
    second: u64,
    /// `20261121T120000Z`
    stamp: String,
    /// `20261121`
    date: String,
    key: [u8; 32],
}

impl Signer {
    /// A signer for a caller's keys.
    #[must_use]
    pub fn new(
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
        region: &str,
        host: &str,
    ) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: session_token.map(str::to_owned),
            region: region.to_owned(),
            host: host.to_owned(),
            day: Mutex::default(),
        }
    }

    /// The host that requests name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The headers of a signed request, each `name: value`, lower-case and in the
    /// order in which they were signed, `authorization` last.
    #[must_use]
    pub fn headers(
        &self,
        operation: &str,
        body: &[u8],
        now: Duration,
    ) -> Vec<(&'static str, String)> {
        let day = self.day(now.as_secs());
        let mut headers = vec![
            ("content-type", CONTENT_TYPE.to_owned()),
            ("host", self.host.clone()),
            ("x-amz-date", day.stamp.clone()),
        ];
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", token.clone()));
        }
        headers.push(("x-amz-target", format!("Kinesis_20131202.{operation}")));

        let mut request = String::with_capacity(512);
        request.push_str("POST\n/\n\n");
        for (name, value) in &headers {
            for part in [*name, ":", value, "\n"] {
                request.push_str(part);
            }
        }
        request.push('\n');
        let signed_from = request.len();
        for (place, (name, _)) in headers.iter().enumerate() {
            request.push_str(if place == 0 { "" } else { ";" });
            request.push_str(name);
        }
        let signed = request[signed_from..].to_owned();
        request.push('\n');
        push_hex(&mut request, &Sha256::digest(body));

        let scope = format!("{}/{}/kinesis/aws4_request", day.date, self.region);
        let mut to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n", day.stamp);
        push_hex(&mut to_sign, &Sha256::digest(request.as_bytes()));
        let mut authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature=",
            self.access_key_id
        );
        push_hex(&mut authorization, &keyed(&day.key, to_sign.as_bytes()));
        headers.push(("authorization", authorization));
        headers
    }

    /// The stamps of this second, and the key of its day.
    fn day(&self, second: u64) -> Day {
        let mut day = self.day.lock().expect("nobody panics while holding the day");
        if day.second != second {
            let time = i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok());
            let stamp =
                time.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ").to_string();
            let date = stamp[..8].to_owned();
            let key = if date == day.date { day.key } else { self.key(&date) };
            *day = Day { second, stamp, date, key };
        }
        day.clone()
    }

    fn key(&self, date: &str) -> [u8; 32] {
        let secret = format!("AWS4{}", self.secret_access_key);
        [date, &self.region, "kinesis", "aws4_request"]
            .iter()
            .fold(Key::Secret(secret), |key, part| {
                Key::Derived(keyed(key.bytes(), part.as_bytes()))
            })
            .derived()
    }
}

/// The key of a step: the caller's secret first, then what came of it.
enum Key {
    Secret(String),
    Derived([u8; 32]),
}

impl Key {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Secret(secret) => secret.as_bytes(),
            Self::Derived(key) => key,
        }
    }

    fn derived(self) -> [u8; 32] {
        match self {
            Self::Derived(key) => key,
            Self::Secret(_) => unreachable!("four steps were taken"),
        }
    }
}

fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// The head of an HTTP/1.1 request with these headers.
pub(super) fn write_head(out: &mut Vec<u8>, headers: &[(&'static str, String)], body: usize) {
    let mut head = String::with_capacity(640);
    head.push_str("POST / HTTP/1.1\r\n");
    for (name, value) in headers {
        for part in [*name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    write!(head, "content-length: {body}\r\n\r\n").expect("a String takes whatever is written");
    out.extend_from_slice(head.as_bytes());
}
