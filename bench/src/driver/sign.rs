//! AWS Signature Version 4 for the one shape of request that Kinesis takes:
//! `POST /` with five or six headers. What is the same for all requests of a day or
//! of a second is made once; a request is hashed from where its parts lie.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// What every request says its body is.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Signs requests of one caller to one host.
pub struct Signer {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    host: String,
    day: Mutex<Arc<Day>>,
}

/// Without secrets: they are never printed.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access_key_id, region, host, .. } = self;
        write!(f, "Signer({access_key_id} for {host} in {region})")
    }
}

/// What is the same for all requests of a day, and of a second.
struct Day {
    second: u64,
    /// `20261121T120000Z`
    stamp: String,
    /// `20261121/us-east-1/kinesis/aws4_request`
    scope: String,
    /// Has the day's key and waits for what is to be signed.
    key: Hmac<Sha256>,
}

/// A request that has been signed.
pub struct Signed<'a> {
    signer: &'a Signer,
    day: Arc<Day>,
    operation: &'a str,
    signature: [u8; HEX_BYTES],
}

/// A SHA-256 in hexadecimal.
const HEX_BYTES: usize = 64;

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
        let day = Day::new(0, secret_access_key, region);
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: session_token.map(str::to_owned),
            region: region.to_owned(),
            host: host.to_owned(),
            day: Mutex::new(Arc::new(day)),
        }
    }

    /// The host that requests name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Signs a request; `now` is the time since 1970.
    #[must_use]
    pub fn sign<'a>(&'a self, operation: &'a str, body: &[u8], now: Duration) -> Signed<'a> {
        let day = self.day(now.as_secs());
        let mut request = Sha256::new_with_prefix(b"POST\n/\n\n");
        for (name, [value, more]) in self.headers(&day, operation) {
            for part in [name, ":", value, more, "\n"] {
                request.update(part);
            }
        }
        request.update("\n");
        request.update(self.names());
        request.update("\n");
        request.update(hex(Sha256::digest(body).into()));

        let mut to_sign = day.key.clone();
        for part in ["AWS4-HMAC-SHA256\n", &day.stamp, "\n", &day.scope, "\n"] {
            to_sign.update(part.as_bytes());
        }
        to_sign.update(&hex(request.finalize().into()));
        let signature = hex(to_sign.finalize().into_bytes().into());
        Signed { signer: self, day, operation, signature }
    }

    /// The headers that are signed, in their order; a value is in two parts.
    fn headers<'a>(
        &'a self,
        day: &'a Day,
        operation: &'a str,
    ) -> impl Iterator<Item = (&'static str, [&'a str; 2])> {
        let token = self.session_token.as_deref();
        let headers = [
            Some(("content-type", [CONTENT_TYPE, ""])),
            Some(("host", [&*self.host, ""])),
            Some(("x-amz-date", [&*day.stamp, ""])),
            token.map(|token| ("x-amz-security-token", [token, ""])),
            Some(("x-amz-target", ["Kinesis_20131202.", operation])),
        ];
        headers.into_iter().flatten()
    }

    /// The names of [`headers`](Self::headers), as a signature lists them.
    fn names(&self) -> &'static str {
        match &self.session_token {
            None => "content-type;host;x-amz-date;x-amz-target",
            Some(_) => "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        }
    }

    /// The stamps of this second, and the key of its day.
    fn day(&self, second: u64) -> Arc<Day> {
        let mut day = self.day.lock().expect("nobody panics while holding the day");
        if day.second != second {
            *day = Arc::new(day.at(second, &self.secret_access_key, &self.region));
        }
        Arc::clone(&day)
    }
}

impl Day {
    fn new(second: u64, secret_access_key: &str, region: &str) -> Self {
        let stamp = stamp(second);
        let date = &stamp[..DATE_BYTES];
        let secret = keyed(format!("AWS4{secret_access_key}").as_bytes());
        let key = [date, region, "kinesis", "aws4_request"].iter().fold(secret, |mut key, part| {
            key.update(part.as_bytes());
            keyed(&key.finalize().into_bytes())
        });
        let scope = format!("{date}/{region}/kinesis/aws4_request");
        Self { second, scope, key, stamp }
    }

    /// The same for another second, whose day may be another one.
    fn at(&self, second: u64, secret_access_key: &str, region: &str) -> Self {
        let stamp = stamp(second);
        if stamp[..DATE_BYTES] != self.stamp[..DATE_BYTES] {
            return Self::new(second, secret_access_key, region);
        }
        Self { second, stamp, scope: self.scope.clone(), key: self.key.clone() }
    }
}

/// `20261121`, with which a stamp begins.
const DATE_BYTES: usize = 8;

fn stamp(second: u64) -> String {
    let time = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    time.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Signed<'_> {
    /// Each header and its value, lower-case and in the order in which they were signed,
    /// `authorization` last.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let signed = self.signer.headers(&self.day, self.operation);
        let signed = signed.map(|(name, value)| (name, value.concat()));
        signed.chain(std::iter::once(("authorization", self.authorization().concat())))
    }

    /// Appends the head of an HTTP/1.1 request with a body of so many bytes.
    pub fn write_head(&self, out: &mut Vec<u8>, body_bytes: usize) {
        let mut write = |parts: &[&str]| {
            for part in parts {
                out.extend_from_slice(part.as_bytes());
            }
        };
        write(&["POST / HTTP/1.1\r\n"]);
        for (name, [value, more]) in self.signer.headers(&self.day, self.operation) {
            write(&[name, ": ", value, more, "\r\n"]);
        }
        write(&["authorization: "]);
        write(&self.authorization());
        write(&["\r\ncontent-length: ", &body_bytes.to_string(), "\r\n\r\n"]);
    }

    fn authorization(&self) -> [&str; 8] {
        let signature = str::from_utf8(&self.signature).expect("hexadecimal digits are text");
        let Signer { access_key_id, .. } = self.signer;
        [
            "AWS4-HMAC-SHA256 Credential=",
            access_key_id,
            "/",
            &self.day.scope,
            ", SignedHeaders=",
            self.signer.names(),
            ", Signature=",
            signature,
        ]
    }
}

/// An HMAC with this key, of nothing yet.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn hex(hash: [u8; HEX_BYTES / 2]) -> [u8; HEX_BYTES] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; HEX_BYTES];
    for (byte, digits) in hash.iter().zip(text.as_chunks_mut().0) {
        *digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    text
}
