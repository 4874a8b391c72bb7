//! Constraint violations of lists, maps and batches, and how many are told.

use serde_json::{Value, json};

use super::validation::{
    HASH_KEY, NAME, SEQUENCE_NUMBER, below, check, finding, longer, null, pattern, shorter,
};
use crate::support::raw::Raw;

// behaviours 41; facts, section 3
#[test]
fn maps_are_reported_whole() {
    let keys = "Map keys must satisfy constraint: [Member must have length less than or equal to 128, \
                Member must have length greater than or equal to 1]";
    let values = "Map value must satisfy constraint: [Member must have length less than or equal to 256, \
                  Member must have length greater than or equal to 0]";
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    let tags = |tags: Value| json!({"StreamName": "s", "Tags": tags});
    let rows = [
        (tags(json!({})), vec![shorter("{}", "tags", 1)]),
        (tags(json!({&long_key: "3"})), vec![finding(&format!("{{{long_key}=3}}"), "tags", keys)]),
        (tags(json!({"": "3"})), vec![finding("{=3}", "tags", keys)]),
        (
            tags(json!({"k": &long_value})),
            vec![finding(&format!("{{k={long_value}}}"), "tags", values)],
        ),
        (
            tags(json!({&long_key: &long_value})),
            vec![
                finding(&format!("{{{long_key}={long_value}}}"), "tags", keys),
                finding(&format!("{{{long_key}={long_value}}}"), "tags", values),
            ],
        ),
        (
            tags(json!({"😀".repeat(65): "3"})),
            vec![finding(&format!("{{{}=3}}", "😀".repeat(65)), "tags", keys)],
        ),
    ];
    for (input, expected) in rows {
        check("AddTagsToStream", input.clone(), &expected);
        check("CreateStream", input, &expected);
    }
    let many: serde_json::Map<_, _> =
        (0..201).map(|number| (format!("k{number:03}"), json!(""))).collect();
    let (count, found) = Raw::new().call("AddTagsToStream", tags(Value::Object(many))).violations();
    let found = found.into_iter().next().unwrap();
    assert_eq!(count, 1);
    assert!(found.starts_with("Value '{k") && found.contains("k200="), "{found}");
    let end = "}' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 200";
    assert!(found.ends_with(end), "{found}");
}

// facts, section 3
#[test]
fn lists_of_texts_are_reported_whole() {
    let rule = "Member must satisfy constraint: [Member must have length less than or equal to 128, \
                Member must have length greater than or equal to 1]";
    let long = "k".repeat(129);
    let keys = |keys: Value| json!({"StreamName": "s", "TagKeys": keys});
    for (given, printed) in [
        (json!([""]), "[]".to_owned()),
        (json!(["a", long, "b"]), format!("[a, {long}, b]")),
        (json!(["a", "", long]), format!("[a, , {long}]")),
    ] {
        check("RemoveTagsFromStream", keys(given), &[finding(&printed, "tagKeys", rule)]);
    }
    check("RemoveTagsFromStream", keys(json!([])), &[shorter("[]", "tagKeys", 1)]);
    let many = vec!["a"; 51];
    let printed = format!("[{}]", many.join(", "));
    check("RemoveTagsFromStream", keys(json!(many)), &[longer(&printed, "tagKeys", 50)]);
    let mut many_and_empty = vec!["a"; 50];
    many_and_empty.push("");
    let printed = format!("[{}]", many_and_empty.join(", "));
    check(
        "RemoveTagsFromStream",
        keys(json!(many_and_empty)),
        &[longer(&printed, "tagKeys", 50), finding(&printed, "tagKeys", rule)],
    );
}

#[test]
fn a_null_element_is_a_finding_of_its_own() {
    check(
        "PutRecords",
        json!({"StreamName": "s", "Records": [null, {"Data": "", "PartitionKey": "a"}]}),
        &[null("records.1.member")],
    );
    check(
        "RemoveTagsFromStream",
        json!({"StreamName": "s", "TagKeys": ["a", null]}),
        &[null("tagKeys.2.member")],
    );
}

// behaviours 31, 70
#[test]
fn a_batch_has_1_to_500_records() {
    check("PutRecords", json!({"StreamName": "s", "Records": []}), &[shorter("[]", "records", 1)]);
    let entry = "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310";
    let printed = format!("[{}]", vec![entry; 501].join(", "));
    let good = json!({"Data": "", "PartitionKey": "a"});
    check(
        "PutRecords",
        json!({"StreamName": "s", "Records": vec![good.clone(); 501]}),
        &[longer(&printed, "records", 500)],
    );
    let raw = Raw::new();
    raw.create_stream("s", 1);
    let answer = raw.ok("PutRecords", json!({"StreamName": "s", "Records": vec![good; 500]}));
    assert_eq!(answer["Records"].as_array().map(Vec::len), Some(500));
}

// facts, section 3: collecting stops at ten, and ten is the count
#[test]
fn at_most_ten_findings_are_reported() {
    let bad = json!({"PartitionKey": "a"});
    let entry = "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310";
    let printed = format!("[{}]", vec![entry; 501].join(", "));
    let mut expected = vec![longer(&printed, "records", 500)];
    expected.extend((1..=9).map(|position| null(&format!("records.{position}.member.data"))));
    // The name is broken, too, but nobody looks at it any more.
    check("PutRecords", json!({"Records": vec![bad.clone(); 501], "StreamName": ""}), &expected);
    let raw = Raw::new();
    let input = json!({"Records": vec![bad; 11], "StreamName": "", "StreamId": ""});
    let (count, distinct) = raw.call("PutRecords", input).violations();
    assert_eq!((count, distinct.len()), (10, 10));
}

// behaviours 29
#[test]
fn all_findings_come_in_one_message() {
    let long = "a".repeat(129);
    check(
        "ListShards",
        json!({
            "StreamName": "", "NextToken": "", "ExclusiveStartShardId": long, "MaxResults": 0,
            "ShardFilter": {"ShardId": " "},
        }),
        &[
            pattern("", "streamName", NAME),
            shorter("", "streamName", 1),
            shorter("", "nextToken", 1),
            longer(&long, "exclusiveStartShardId", 128),
            below(0, "maxResults", 1),
            null("shardFilter.type"),
            pattern(" ", "shardFilter.shardId", NAME),
        ],
    );
    check(
        "PutRecord",
        json!({
            "StreamName": "", "PartitionKey": "", "ExplicitHashKey": "", "SequenceNumberForOrdering": "",
        }),
        &[
            pattern("", "streamName", NAME),
            shorter("", "streamName", 1),
            null("data"),
            shorter("", "partitionKey", 1),
            pattern("", "explicitHashKey", HASH_KEY),
            pattern("", "sequenceNumberForOrdering", SEQUENCE_NUMBER),
        ],
    );
}

// facts, section 3: a frame for one, and a frame for more
#[test]
fn the_message_counts_its_findings() {
    let raw = Raw::new();
    raw.call("ListStreams", json!({"Limit": 0})).expect_error(
        "ValidationException",
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: \
         Member must have value greater than or equal to 1",
    );
    let answer = raw.call("ListStreams", json!({"Limit": 0, "NextToken": ""}));
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("2 validation errors detected: Value '"), "{message}");
    assert_eq!(message.matches("; ").count(), 1);
}
