//! Authentication: what has to be there, and what is said when it is not.

use http::StatusCode;
use serde_json::json;

use super::envelope::cbor_fields;
use crate::support::raw::{CBOR, Custom, Raw, SIGNED};

// behaviours 17
#[test]
fn authentication_has_to_be_there() {
    let raw = Raw::new();
    let anonymous = || Custom::json("ListStreams", &json!({})).anonymous();
    for uri in ["/", "/?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d"] {
        raw.send(anonymous().uri(uri))
            .expect_error("MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    // What is empty is not there.
    raw.send(anonymous().header("authorization", ""))
        .expect_error("MissingAuthenticationTokenException", "Missing Authentication Token");
    let generous = Raw::with(|builder| builder.allow_anonymous());
    generous.send(anonymous()).expect_ok();
}

// behaviours 17, 150
#[test]
fn missing_authentication_is_answered_in_the_protocol_of_the_request() {
    let raw = Raw::new();
    let answer = raw.send(Custom::signed("ListStreams", CBOR, &b"\xa0"[..]).anonymous());
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let expected = [
        ("__type", "MissingAuthenticationTokenException"),
        ("message", "Missing Authentication Token"),
    ];
    assert_eq!(cbor_fields(&answer), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

// behaviours 18; facts, section 1, step 8
#[test]
fn an_incomplete_header_is_told_what_it_lacks() {
    let raw = Raw::new();
    let credential = "Authorization header requires 'Credential' parameter. ";
    let signature = "Authorization header requires 'Signature' parameter. ";
    let signed_headers = "Authorization header requires 'SignedHeaders' parameter. ";
    let date =
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    for (header, dated, missing) in [
        ("AWS4- Signature=b, Credential=a", true, vec![signed_headers]),
        ("AWS4- Signature=b,Credential=a", true, vec![signed_headers]),
        ("AWS4- Signature=b Credential=a", true, vec![signed_headers]),
        ("AWS4- Signature=b", true, vec![credential, signed_headers]),
        ("AWS4-", true, vec![credential, signature, signed_headers]),
        ("X", false, vec![credential, signature, signed_headers, date]),
        ("AWS4- Signature=,Credential=a SignedHeaders=c", true, vec![signature]),
        ("AWS4- Signature=b,Credential=a SignedHeaders=c", false, vec![date]),
        ("Signature=b,Credential=a SignedHeaders=c", true, vec![signature]),
    ] {
        let mut request = Custom::json("ListStreams", &json!({})).without("x-amz-date");
        request = request.header("authorization", header);
        if dated {
            request = request.header("date", "whenever");
        }
        raw.send(request).expect_error(
            "IncompleteSignatureException",
            &format!("{}Authorization={header}", missing.concat()),
        );
    }
}

// behaviours 20
#[test]
fn any_complete_authentication_is_taken() {
    let raw = Raw::new();
    let call = || Custom::json("ListStreams", &json!({}));
    let whole = "AWS4- Signature=b Credential=a SignedHeaders=c";
    raw.send(call().header("authorization", whole)).expect_ok();
    raw.send(call().header("authorization", whole).without("x-amz-date").header("date", "now"))
        .expect_ok();
    let query = "/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-SignedHeaders=d\
                 &X-Amz-Date=e";
    raw.send(call().anonymous().without("x-amz-date").uri(query)).expect_ok();
}

// behaviours 19
#[test]
fn an_incomplete_query_is_told_what_it_lacks() {
    let raw = Raw::new();
    let names = ["Algorithm", "Credential", "Signature", "SignedHeaders", "Date"];
    let sentence = |missing: &[&str]| {
        let sentences: String = missing
            .iter()
            .map(|name| format!("AWS query-string parameters must include 'X-Amz-{name}'. "))
            .collect();
        format!("{sentences}Re-examine the query-string parameters.")
    };
    for (query, missing) in [
        ("X-Amz-Algorithm", &names[..]),
        ("X-Amz-Algorithm=", &names[..]),
        ("X-Amz-Algorithm=a", &names[1..]),
        ("X-Amz-Date=d&X-Amz-Algorithm=a&X-Amz-Credential=", &names[1..4]),
    ] {
        let request =
            Custom::json("ListStreams", &json!({})).anonymous().uri(&format!("/?{query}"));
        raw.send(request).expect_error("IncompleteSignatureException", &sentence(missing));
    }
}

// facts, section 1, step 8
#[test]
fn authentication_given_twice_is_invalid() {
    let raw = Raw::new();
    for header in [SIGNED, "incomplete"] {
        let request = Custom::json("ListStreams", &json!({}))
            .header("authorization", header)
            .uri("/?X-Amz-Algorithm");
        raw.send(request).expect_error(
            "InvalidSignatureException",
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        );
    }
}
