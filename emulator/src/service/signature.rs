//! Signature Version 4, verified on demand.
//!
//! With a secret set, a request is signed again and the two signatures are
//! compared; a signature older or younger than five minutes is refused, and one in
//! the query when the time is up that it says. Clients sign by the emulator's clock if
//! they follow it, and by their own if it has been moved and they do not know. Without
//! a secret only the parts of a signature have to be there.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::header::HOST;
use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::model::error::{ApiError, ErrorKind};
use crate::model::timestamp::Timestamp;

/// How far a signature's time may be off (AWS's own sentence says so).
const SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// What a request says about its signature, from a header or from the query.
pub(super) struct Claim<'a> {
    /// `KEY/DATE/REGION/SERVICE/aws4_request`
    pub(super) credential: &'a [u8],
    /// Names separated by `;`
    pub(super) signed_headers: &'a [u8],
    pub(super) signature: &'a [u8],
    /// `YYYYMMDDTHHMMSSZ`
    pub(super) date: &'a [u8],
    /// How long from then on, if it says so.
    pub(super) valid: Option<Duration>,
}

/// Refuses a request whose signature was not made with the secret, now: at either of
/// two times.
///
/// # Errors
/// InvalidSignatureException, in AWS's words.
pub(super) fn verify(
    claim: &Claim<'_>,
    secret: &str,
    request: &Parts,
    body: &[u8],
    [now, unmoved]: [Timestamp; 2],
) -> Result<(), ApiError> {
    let date = str::from_utf8(claim.date).map_err(|_| mismatch())?;
    check_age(date, claim.valid, now)
        .or_else(|why| check_age(date, claim.valid, unmoved).map_err(|_| why))?;
    let expected = sign(claim, secret, request, body).ok_or_else(mismatch)?;
    // Comparing through a MAC takes the same time wherever they differ.
    let tag = |text: &[u8]| mac(secret.as_bytes(), text);
    if tag(expected.as_bytes()) == tag(claim.signature) { Ok(()) } else { Err(mismatch()) }
}

fn check_age(date: &str, valid: Option<Duration>, now: Timestamp) -> Result<(), ApiError> {
    let invalid = |text: String| ApiError::new(ErrorKind::InvalidSignature, text);
    let signed = Timestamp::parse_amz_date(date).ok_or_else(mismatch)?;
    let (earliest, latest) = (now.minus(valid.unwrap_or(SKEW_MAX)), now.plus(SKEW_MAX));
    let text = now.amz_date();
    if signed < earliest {
        let earliest = earliest.amz_date();
        // The second form is ours.
        let age_max =
            valid.map_or("5 min.".to_owned(), |valid| format!("{} sec.", valid.as_secs()));
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {earliest} ({text} - {age_max})"
        )));
    }
    if signed > latest {
        let latest = latest.amz_date();
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {latest} ({text} + 5 min.)"
        )));
    }
    Ok(())
}

/// The signature that the secret makes; `None` if the claim is not of the form.
fn sign(claim: &Claim<'_>, secret: &str, request: &Parts, body: &[u8]) -> Option<String> {
    let (_access_key, scope) = str::from_utf8(claim.credential).ok()?.split_once('/')?;
    let [day, region, service, terminator] =
        scope.split('/').collect::<Vec<_>>().try_into().ok()?;
    let signed_headers = str::from_utf8(claim.signed_headers).ok()?;
    let canonical = hex(&Sha256::digest(canonical_request(signed_headers, request, body)?));
    let date = str::from_utf8(claim.date).ok()?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}");
    let mut key = mac(format!("AWS4{secret}").as_bytes(), day.as_bytes());
    for part in [region, service, terminator] {
        key = mac(&key, part.as_bytes());
    }
    Some(hex(&mac(&key, to_sign.as_bytes())))
}

fn canonical_request(signed_headers: &str, request: &Parts, body: &[u8]) -> Option<String> {
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let value = header_value(name, request)?;
        let words: Vec<_> = value.split_whitespace().collect();
        headers += &format!("{name}:{}\n", words.join(" "));
    }
    let mut query: Vec<_> = request
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-Signature="))
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    query.sort_unstable();
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{signed_headers}\n{}",
        request.method,
        request.uri.path(),
        query.join("&"),
        hex(&Sha256::digest(body))
    ))
}

/// A signed header's value. Over HTTP/2 the host is a pseudo-header, which
/// JavaScript's SDK signs under its literal name.
fn header_value(name: &str, request: &Parts) -> Option<String> {
    if name == ":authority" || name == "host" {
        let host = request.headers.get(HOST).and_then(|value| value.to_str().ok());
        let authority = request.uri.authority().map(|authority| authority.as_str());
        return host.or(authority).map(str::to_owned);
    }
    let values: Vec<_> = request
        .headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.join(","))
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mismatch() -> ApiError {
    ApiError::new(
        ErrorKind::InvalidSignature,
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method. \
         Consult the service documentation for details.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's published example (IAM guide, "GET ListUsers").
    #[test]
    fn the_guides_example_is_signed_as_the_guide_says() {
        let (request, ()) =
            http::Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
                .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
                .header("host", "iam.amazonaws.com")
                .header("x-amz-date", "20150830T123600Z")
                .body(())
                .unwrap()
                .into_parts();
        let claim = Claim {
            credential: b"AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request",
            signed_headers: b"content-type;host;x-amz-date",
            signature: b"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            date: b"20150830T123600Z",
            valid: None,
        };
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let now = Timestamp::parse_amz_date("20150830T123600Z").unwrap();
        assert_eq!(verify(&claim, secret, &request, b"", [now; 2]), Ok(()));
        let late = now.plus(SKEW_MAX + Duration::from_secs(1));
        let error = verify(&claim, secret, &request, b"", [late; 2]).expect_err("it is too old");
        assert_eq!(
            error.message(),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
             (20150830T124101Z - 5 min.)"
        );
        assert_eq!(verify(&claim, secret, &request, b"", [late, now]), Ok(()));
        assert_eq!(verify(&claim, "another", &request, b"", [now; 2]), Err(mismatch()));
        assert_eq!(verify(&claim, secret, &request, b"changed", [now; 2]), Err(mismatch()));
    }
}
