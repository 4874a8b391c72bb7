//! Channels are listed in pages, by stream, and only to their account.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::streams::arn;
use super::{
    SECOND, create_stream, created, describe, described, names, not_found, to_bucket, to_table,
    with_stream,
};
use crate::support::raw::{Custom, Raw, START, each, list, members};

// behaviours 160
#[test]
fn channels_are_listed_by_name_in_pages_with_seven_members_each() {
    let raw = with_stream();
    assert_eq!(raw.ok("ListChannels", json!({})), json!({"ChannelSummaries": []}));
    create_stream(&raw, "t");
    create_stream(&raw, "u");
    created(&raw, to_bucket("b", "s"));
    let table = created(&raw, to_table("a", "s"));
    created(&raw, to_bucket("C", "t"));
    created(&raw, to_table("e", "t"));
    created(&raw, to_bucket("d", "u"));
    let whole = raw.ok("ListChannels", json!({}));
    assert_eq!(members(&whole), ["ChannelSummaries"], "a complete list has no token");
    assert_eq!(each(&whole["ChannelSummaries"], "ChannelName"), ["C", "a", "b", "d", "e"]);
    let described = described(&raw, &table);
    let mut expected = json!({
        "ChannelDestinationType": "S3_TABLES",
        "Streams": [{
            "StreamARN": arn("s"), "StreamCreationTimestamp": START.as_seconds() as f64,
        }],
    });
    for member in
        ["ChannelName", "ChannelARN", "ChannelId", "ChannelStatus", "ChannelCreationTimestamp"]
    {
        expected[member] = described[member].clone();
    }
    assert_eq!(list(&whole["ChannelSummaries"])[1], expected);
    assert_eq!(pages(&raw, json!({"MaxResults": 2})), ["C a", "b d", "e"]);
    assert_eq!(pages(&raw, json!({"MaxResults": 5})), ["C a b d e"]);
}

/// The names of each page, by tokens that are sent with the rest of the input.
#[track_caller]
fn pages(raw: &Raw, mut input: Value) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let page = raw.ok("ListChannels", input.clone());
        pages.push(each(&page["ChannelSummaries"], "ChannelName").join(" "));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return pages,
        }
    }
}

// model: MaxResults is 100 by default, and 100 at most
#[test]
fn a_page_has_at_most_100_channels() {
    let raw = Raw::new();
    for number in 0..51 {
        let stream = format!("s{number:02}");
        create_stream(&raw, &stream);
        created(&raw, to_bucket(&format!("b{number:02}"), &stream));
        created(&raw, to_table(&format!("t{number:02}"), &stream));
    }
    for input in [json!({}), json!({"MaxResults": 10_000})] {
        let sizes: Vec<_> = pages(&raw, input).iter().map(|page| page.split(' ').count()).collect();
        assert_eq!(sizes, [100, 2]);
    }
}

// behaviours 160; operations.md, section 6.5
#[test]
fn a_list_can_be_of_some_streams_only() {
    let raw = with_stream();
    create_stream(&raw, "t");
    created(&raw, to_bucket("a", "s"));
    created(&raw, to_table("b", "t"));
    created(&raw, to_table("c", "s"));
    let filter = |filters: Value| json!({"StreamFilter": filters});
    let of = |stream: &str| json!({"StreamARN": arn(stream)});
    assert_eq!(names(&raw, filter(json!([of("s")]))), "a c");
    assert_eq!(names(&raw, filter(json!([of("t"), of("s"), of("t")]))), "a b c");
    assert_eq!(names(&raw, filter(json!([of("nowhere")]))), "", "which is no error");
    let made_at = |seconds: Value| {
        filter(json!([{"StreamARN": arn("s"), "StreamCreationTimestamp": seconds}]))
    };
    let created = START.as_seconds();
    assert_eq!(names(&raw, made_at(json!(created))), "a c");
    assert_eq!(names(&raw, made_at(json!(created as f64 + 0.5))), "a c");
    assert_eq!(names(&raw, made_at(json!(created - 1))), "");
    assert_eq!(names(&raw, made_at(json!(-1))), "");
    let consumer = json!({"StreamARN": format!("{}/consumer/c:1", arn("s"))});
    raw.call("ListChannels", filter(json!([consumer])))
        .expect_error_kind("InvalidArgumentException");
}

// operations.md, section 2.7: a token stands for the whole query, and for 300 seconds
#[test]
fn a_page_token_keeps_to_its_streams_expires_and_cannot_be_forged() {
    let raw = with_stream();
    create_stream(&raw, "t");
    created(&raw, to_bucket("a", "s"));
    created(&raw, to_table("b", "t"));
    created(&raw, to_table("c", "s"));
    let input = json!({"StreamFilter": [{"StreamARN": arn("s")}], "MaxResults": 1});
    assert_eq!(pages(&raw, input.clone()), ["a", "c"]);
    let token = raw.ok("ListChannels", input)["NextToken"].clone();
    let next = |token: &Value| raw.call("ListChannels", json!({"NextToken": token}));
    next(&json!("nonsense")).expect_error_kind("InvalidArgumentException");
    raw.advance(Duration::from_secs(300));
    let page = next(&token).expect_ok();
    assert_eq!(each(&page["ChannelSummaries"], "ChannelName"), ["c"], "and not b");
    raw.advance(SECOND);
    next(&token).expect_error_kind("ExpiredNextTokenException");
}

#[test]
fn channels_of_others_are_neither_listed_nor_taken() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    let other = |operation: &str, input: &Value| {
        raw.send(Custom::json(operation, input).by("111122223333", "us-east-1"))
    };
    let listed = other("ListChannels", &json!({})).expect_ok();
    assert_eq!(listed, json!({"ChannelSummaries": []}));
    assert_eq!(other("DescribeLimits", &json!({})).expect_ok()["ChannelCount"], 0);
    let filter = json!({"StreamFilter": [{"StreamARN": arn("s")}]});
    assert_eq!(other("ListChannels", &filter).expect_ok(), listed);
    let elsewhere = channel.replace("us-east-1", "eu-west-1");
    describe(&raw, &elsewhere).expect_error("ResourceNotFoundException", &not_found(&elsewhere));
}

// operations.md, sections 2.8, 6.5
#[test]
fn an_arn_that_is_no_channels_names_none() {
    let raw = with_stream();
    let channel = created(&raw, to_bucket("c", "s"));
    for unknown in [
        format!("{channel}0"),
        channel
            .to_uppercase()
            .replace("ARN:AWS:KINESIS:US-EAST-1", "arn:aws:kinesis:us-east-1")
            .replace(":CHANNEL/", ":channel/X"),
    ] {
        describe(&raw, &unknown).expect_error("ResourceNotFoundException", &not_found(&unknown));
    }
    describe(&raw, &arn("s")).expect_error_kind("ValidationException");
}
