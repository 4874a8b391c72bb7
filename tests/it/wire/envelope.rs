//! What stands around a call: methods, types, targets, authentication, CORS
//! and the headers of every answer.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::raw::{Answer, CBOR, Custom, JSON, Raw, SIGNED};

pub(super) const ACCESS_DENIED: &str = "<AccessDeniedException>\n  <Message>Unable to determine \
     service/operation name to be authorized</Message>\n</AccessDeniedException>\n";

#[track_caller]
fn expect_untyped(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, body));
    assert_eq!(answer.content_type(), None);
}

/// The fields of an error in CBOR: a map of texts.
#[track_caller]
pub(super) fn cbor_fields(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.content_type(), Some(CBOR));
    let mut decoder = minicbor::Decoder::new(&answer.body);
    let entries = decoder.map().expect("a map").expect("of known length");
    (0..entries)
        .map(|_| (decoder.str().unwrap().to_owned(), decoder.str().unwrap().to_owned()))
        .collect()
}

#[track_caller]
fn expect_bare_cbor_error(answer: &Answer, kind: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(cbor_fields(answer), [("__type".to_owned(), kind.to_owned())]);
}

// behaviours 5
#[test]
fn methods_other_than_post_are_denied_in_xml_without_a_type() {
    let raw = Raw::new();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        expect_untyped(&raw.send(Custom::bare(method.clone())), 403, ACCESS_DENIED);
        let mut whole: http::Request<bytes::Bytes> = Custom::json("ListStreams", &json!({})).into();
        *whole.method_mut() = method;
        expect_untyped(&raw.send(whole), 403, ACCESS_DENIED);
    }
}

// behaviours 5: a POST with a body but neither content type nor target
#[test]
fn a_post_that_names_no_operation_is_denied() {
    let raw = Raw::new();
    let bare = || Custom::bare(Method::POST).body("{}");
    for request in [
        bare(),
        bare().header("content-type", "text/plain"),
        bare().header("x-amz-target", "Kinesis_20131202"),
        bare().header("x-amz-target", "Kinesis_20131202."),
        bare().header("x-amz-target", ".ListStreams"),
        bare().header("authorization", SIGNED).header("x-amz-date", "x"),
    ] {
        expect_untyped(&raw.send(request), 403, ACCESS_DENIED);
    }
}

// behaviours 6
#[test]
fn a_foreign_content_type_with_a_target_is_an_unknown_operation() {
    let raw = Raw::new();
    for content_type in
        ["text/plain", "application/x-amz-json-1.0", "application/x-amz-json-1.1asdf", "", "a;b"]
    {
        let request = Custom::signed("ListStreams", content_type, "{}");
        expect_untyped(&raw.send(request), 404, "<UnknownOperationException/>\n");
    }
    let no_type = Custom::signed("ListStreams", "", "{}").without("content-type");
    expect_untyped(&raw.send(no_type), 404, "<UnknownOperationException/>\n");
}

// behaviours 7, 9
#[test]
fn an_empty_body_without_a_valid_target_is_an_unknown_operation_in_cbor() {
    let raw = Raw::new();
    let types = [
        "application/x-amz-json-1.0",
        "application/x-amz-json-1.1asdf",
        "application/json",
        CBOR,
        "",
    ];
    for content_type in types {
        for target in [
            "",
            "Whatever",
            "Kinesis_20131202.",
            "Kinesis_20131202.Whatever",
            "Whatever.Whatever",
            "Kinesis_20131202.ListStream",
            "Kinesis_20131202.liststreams",
        ] {
            let request = Custom::bare(Method::POST)
                .header("content-type", content_type)
                .header("x-amz-target", target);
            expect_bare_cbor_error(&raw.send(request), "UnknownOperationException");
        }
        let no_target = Custom::bare(Method::POST).header("content-type", content_type);
        expect_bare_cbor_error(&raw.send(no_target), "UnknownOperationException");
    }
    expect_bare_cbor_error(&raw.send(Custom::bare(Method::POST)), "UnknownOperationException");
}

// behaviours 8: an empty body comes before authentication
#[test]
fn an_empty_body_with_a_valid_target_is_a_serialization_error() {
    let raw = Raw::new();
    let json = raw.send(Custom::signed("ListStreams", JSON, "").anonymous());
    json.expect_bare_error("SerializationException");
    assert_eq!(json.content_type(), Some(JSON));
    for content_type in [CBOR, "application/json", "text/plain"] {
        let answer = raw.send(Custom::signed("ListStreams", content_type, "").anonymous());
        expect_bare_cbor_error(&answer, "SerializationException");
    }
}

// behaviours 1, 7, 9, 11
#[test]
fn a_target_is_matched_to_the_letter() {
    let raw = Raw::new();
    for target in [
        "Kinesis_20131202.Whatever",
        "Kinesis_20131202.liststreams",
        "kinesis_20131202.ListStreams",
        "Kinesis_20131202.ListStream",
        "Kinesis_20131202.ListStreamsX",
        "Kinesis_20131202..ListStreams",
        "Kinesis_20131202",
        "Whatever.ListStreams",
        "a.b.c.d",
        "ListStreams",
        "...",
        "",
    ] {
        let answer = raw.send(Custom::json("", &json!({})).header("x-amz-target", target));
        answer.expect_bare_error("UnknownOperationException");
        assert_eq!(answer.content_type(), Some(JSON));
    }
    let none = Custom::json("", &json!({})).without("x-amz-target");
    raw.send(none).expect_bare_error("UnknownOperationException");
}

// behaviours 2
#[test]
fn an_answer_carries_the_bare_type_of_its_request() {
    let raw = Raw::new();
    for content_type in [
        JSON,
        "application/x-amz-json-1.1; charset=utf-8",
        "application/x-amz-json-1.1;",
        "   application/x-amz-json-1.1   ;whatever",
    ] {
        let answer = raw.send(Custom::signed("ListStreams", content_type, "{}"));
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
        assert_eq!(answer.content_type(), Some(JSON));
    }
    for content_type in [CBOR, "application/x-amz-cbor-1.1; a=b", " application/x-amz-cbor-1.1 ;"] {
        let answer = raw.send(Custom::signed("ListStreams", content_type, &b"\xa0"[..]));
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
        assert_eq!(answer.content_type(), Some(CBOR));
    }
}

// facts, section 1, steps 5 and 6
#[test]
fn plain_json_is_answered_by_an_older_layer() {
    let raw = Raw::new();
    let shape = |kind: &str| json!({"Output": {"__type": format!("com.amazon.coral.service#{kind}")}, "Version": "1.0"});
    for content_type in ["application/json", "     application/json     ;"] {
        for (body, status, kind) in [
            ("{}", 404, "UnknownOperationException"),
            ("hello", 400, "SerializationException"),
            ("true", 400, "SerializationException"),
            ("{", 400, "SerializationException"),
        ] {
            let answer = raw.send(Custom::signed("ListStreams", content_type, body).anonymous());
            assert_eq!((answer.status.as_u16(), answer.json()), (status, shape(kind)), "{body}");
            assert_eq!(answer.content_type(), Some("application/json"));
        }
    }
}

// behaviours 8
#[test]
fn refusals_come_in_the_recorded_order() {
    let raw = Raw::new();
    let broken = || Custom::signed("ListStreams", JSON, "hello");
    let unknown = "Kinesis_20131202.Whatever";
    // A body that does not parse, before the target and the authentication.
    raw.send(broken().anonymous()).expect_bare_error("SerializationException");
    raw.send(broken().header("x-amz-target", unknown)).expect_bare_error("SerializationException");
    // The target, before the authentication.
    let request = Custom::json("Whatever", &json!({})).anonymous();
    raw.send(request).expect_bare_error("UnknownOperationException");
    // The authentication, before types and constraints.
    for input in [json!({"Limit": "a"}), json!({"Limit": 0})] {
        raw.send(Custom::json("ListStreams", &input).anonymous())
            .expect_error("MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    // Types, before constraints.
    raw.call("ListStreams", json!({"Limit": 0, "ExclusiveStartStreamName": true})).expect_error(
        "SerializationException",
        "class java.lang.Boolean can not be converted to an String",
    );
    // Constraints, before the state.
    raw.call("DescribeStream", json!({"StreamName": "missing", "Limit": 0}))
        .expect_error_kind("ValidationException");
}

// wire.md, section 2: the path is not looked at
#[test]
fn the_path_does_not_matter() {
    let raw = Raw::new();
    for uri in ["/", "/kinesis", "/a/b?c=d", "http://kinesis.us-east-1.amazonaws.com/"] {
        raw.send(Custom::json("ListStreams", &json!({})).uri(uri)).expect_ok();
    }
}

// behaviours 21, 22
#[test]
fn a_preflight_is_allowed_whatever_it_asks_for() {
    let raw = Raw::new();
    let preflight = || Custom::bare(Method::OPTIONS).header("origin", "https://example.org");
    for request in [preflight(), preflight().header("authorization", SIGNED), preflight().body("x")]
    {
        let answer = raw.send(request);
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, ""));
        for (name, value) in [
            ("content-length", Some("0")),
            ("content-type", None),
            ("x-amz-id-2", None),
            ("access-control-allow-origin", Some("*")),
            ("access-control-max-age", Some("172800")),
            ("access-control-allow-headers", None),
            ("access-control-allow-methods", None),
            ("access-control-expose-headers", None),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert!(answer.header("x-amzn-requestid").is_some());
    }
    let answer = raw.send(
        preflight()
            .header("access-control-request-headers", "a, B")
            .header("access-control-request-method", "PUT"),
    );
    assert_eq!(answer.header("access-control-allow-headers"), Some("a, B"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("PUT"));
}

// behaviours 23
#[test]
fn other_origins_may_read_every_answer() {
    let raw = Raw::new();
    for request in [
        Custom::json("ListStreams", &json!({})),
        Custom::json("ListStreams", &json!({})).anonymous(),
        Custom::bare(Method::POST),
        Custom::bare(Method::GET),
    ] {
        let answer = raw.send(request.header("origin", ""));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some(
                "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"
            )
        );
        assert_eq!(answer.header("access-control-max-age"), None);
    }
    let same_origin = raw.call("ListStreams", json!({}));
    assert_eq!(same_origin.header("access-control-allow-origin"), None);
    assert_eq!(same_origin.header("access-control-expose-headers"), None);
}

/// An answer of every kind that has all headers.
fn answers_of_all_kinds(raw: &Raw) -> Vec<Answer> {
    vec![
        raw.call("ListStreams", json!({})),
        raw.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1})),
        raw.call("DescribeStream", json!({"StreamName": "missing"})),
        raw.call("ListStreams", json!({"Limit": 0})),
        raw.call("ListStreams", json!({"Limit": true})),
        raw.call("Whatever", json!({})),
        raw.send(Custom::json("ListStreams", &json!({})).anonymous()),
        raw.send(Custom::signed("ListStreams", CBOR, &b"\xa0"[..])),
        raw.send(Custom::signed("ListStreams", "text/plain", "{}")),
        raw.send(Custom::signed("ListStreams", "application/json", "{}")),
        raw.send(Custom::bare(Method::GET)),
        raw.send(Custom::bare(Method::POST)),
    ]
}

// behaviours 3
#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let raw = Raw::new();
    let mut seen = HashSet::new();
    for _ in 0..50 {
        for answer in answers_of_all_kinds(&raw) {
            let id = answer.header("x-amzn-requestid").expect("a request id").to_owned();
            let groups: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
            let hexadecimal = |letter: char| {
                letter == '-' || letter.is_ascii_digit() || ('a'..='f').contains(&letter)
            };
            assert!(id.chars().all(hexadecimal), "{id}");
            assert_eq!(&id[14..15], "4", "the version in {id}");
            assert!("89ab".contains(&id[19..20]), "the variant in {id}");
            assert!(seen.insert(id), "request ids are unique");
        }
    }
}

// behaviours 3
#[test]
fn every_answer_has_a_long_id_in_base64() {
    let raw = Raw::new();
    let mut seen = HashSet::new();
    for answer in answers_of_all_kinds(&raw) {
        let id = answer.header("x-amz-id-2").expect("an extended request id");
        let bytes = STANDARD.decode(id).expect("it is base64");
        assert!((64..=80).contains(&bytes.len()), "{} bytes", bytes.len());
        assert_eq!(STANDARD.encode(&bytes), id);
        assert!(seen.insert(id.to_owned()));
    }
}

// behaviours 3
#[test]
fn every_answer_says_how_long_it_is() {
    let raw = Raw::new();
    for answer in answers_of_all_kinds(&raw) {
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("content-length"), Some(length.as_str()), "{}", answer.text());
    }
}

// wire.md, section 11: SDKs correct their clocks by it
#[test]
fn the_date_is_the_time_of_the_emulators_clock() {
    let raw = Raw::new();
    for answer in answers_of_all_kinds(&raw) {
        assert_eq!(answer.header("date"), Some("Thu, 22 Jan 2015 01:22:02 GMT"));
    }
    raw.advance(Duration::from_secs(24 * 60 * 60));
    let answer = raw.call("ListStreams", json!({}));
    assert_eq!(answer.header("date"), Some("Fri, 23 Jan 2015 01:22:02 GMT"));
}

// behaviours 4
#[test]
fn operations_without_output_answer_with_no_bytes() {
    let raw = Raw::new();
    for (operation, input) in [
        ("CreateStream", json!({"StreamName": "s", "ShardCount": 2})),
        ("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": ["a"]})),
        (
            "MergeShards",
            json!({"StreamName": "s", "ShardToMerge": "0", "AdjacentShardToMerge": "1"}),
        ),
        ("SplitShard", json!({"StreamName": "s", "ShardToSplit": "2", "NewStartingHashKey": "9"})),
        ("DeleteStream", json!({"StreamName": "s"})),
    ] {
        let answer = raw.call(operation, input);
        answer.expect_empty();
        assert_eq!(answer.header("content-length"), Some("0"), "{operation}");
        assert_eq!(answer.content_type(), Some(JSON), "{operation}");
    }
}

// behaviours 1
#[test]
fn errors_are_named_in_the_body_alone() {
    let raw = Raw::new();
    let answer = raw.call("DescribeStream", json!({"StreamName": "missing"}));
    answer.expect_error(
        "ResourceNotFoundException",
        "Stream missing under account 000000000000 not found.",
    );
    assert_eq!(answer.header("x-amzn-errortype"), None);
}
