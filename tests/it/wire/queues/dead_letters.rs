//! Records that were handed out too often are set aside, and restored.

use serde_json::{Value, json};

use super::{
    STATE_DELAY, acknowledge, code, create, data, dead_letters, entries, handle, hide, input,
    receive, received, seconds, with, with_slow_stream, with_stream,
};

// behaviours 161; operations.md, section 7.3
#[test]
fn a_record_is_a_dead_letter_when_its_last_timeout_ends() {
    let raw = with_stream();
    let attributes =
        json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 2}});
    let queue = create(&raw, with(input("q"), "QueueAttributes", attributes));
    raw.put("s", "k", b"poison");
    let first_received = receive(&raw, &queue)[0]["FirstReceiveTimestamp"].clone();
    raw.advance(seconds(30));
    let last = handle(&receive(&raw, &queue)[0]);
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "it can still be acknowledged");
    assert_eq!(hide(&raw, &queue, &last, 60), "done");
    raw.advance(seconds(60));
    assert_eq!(receive(&raw, &queue).len(), 0);
    assert_eq!(acknowledge(&raw, &queue, &last), "InvalidArgumentException");
    let dead = dead_letters(&raw, &queue);
    assert_eq!((data(&dead), &dead[0]["ReceiveCount"]), (vec!["poison".to_owned()], &json!(3)));
    assert_eq!(dead[0]["FirstReceiveTimestamp"], first_received);
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "in flight");
    let entry = json!({"ReceiptHandle": handle(&dead[0]), "VisibilityTimeoutSeconds": 0});
    let input = json!({"QueueARN": queue, "Entries": [entry]});
    assert_eq!(code(&raw.ok("UpdateDeadLetterQueueRecordsVisibility", input)), "done");
    let dead = handle(&dead_letters(&raw, &queue)[0]);

    let restored = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&restored), "done");
    for operation in ["RestoreDeadLetterQueueRecords", "AcknowledgeDeadLetterQueueRecords"] {
        let again = entries(&raw, operation, &queue, &[&dead]);
        assert_eq!(code(&again), "InvalidArgumentException", "{operation}");
    }
    for count in [1, 2] {
        let again = receive(&raw, &queue);
        assert_eq!(again[0]["ReceiveCount"], count);
        assert_eq!(again[0]["FirstReceiveTimestamp"], first_received);
        assert_eq!(hide(&raw, &queue, &handle(&again[0]), 0), "done");
    }
    assert_eq!(receive(&raw, &queue).len(), 0);
    let dead = handle(&dead_letters(&raw, &queue)[0]);
    let done = entries(&raw, "AcknowledgeDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&done), "done");
    let late = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&dead]);
    assert_eq!(code(&late), "ResourceNotFoundException");
    raw.advance(seconds(3600));
    assert_eq!((receive(&raw, &queue).len(), dead_letters(&raw, &queue).len()), (0, 0));
}

#[test]
fn six_receives_are_the_default_and_without_a_target_there_is_no_end() {
    let raw = with_stream();
    let poisoned = create(&raw, input("poisoned"));
    let attributes = json!({"DeadLetterConfiguration": {"TargetType": "NONE"}});
    let endless = create(&raw, with(input("endless"), "QueueAttributes", attributes));
    raw.put("s", "k", b"x");
    let unhidden =
        |queue: &str| received(&raw, json!({"QueueARN": queue, "VisibilityTimeoutSeconds": 0}));
    let counts: Vec<_> = (0..20).map(|_| unhidden(&poisoned).len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 6);
    assert_eq!(dead_letters(&raw, &poisoned).len(), 1);
    assert!((0..20).all(|_| unhidden(&endless).len() == 1));
    assert_eq!(dead_letters(&raw, &endless).len(), 0);
}

// operations.md, section 7.10, UpdateQueue
#[test]
fn another_number_of_receives_is_in_force_when_the_update_ends() {
    let raw = with_slow_stream(|builder| builder);
    let queue = create(&raw, input("q"));
    raw.advance(STATE_DELAY);
    let update = |configuration: Value| {
        let attributes = json!({"DeadLetterConfiguration": configuration});
        raw.ok("UpdateQueue", json!({"QueueARN": queue, "QueueAttributes": attributes}));
    };
    raw.put("s", "k", b"visible");
    let unhidden = json!({"QueueARN": queue, "VisibilityTimeoutSeconds": 0});
    assert_eq!(received(&raw, unhidden).len(), 1);
    raw.put("s", "k", b"in flight");
    let in_flight = received(&raw, json!({"QueueARN": queue}));
    assert_eq!(data(&in_flight), ["visible", "in flight"]);
    assert_eq!(hide(&raw, &queue, &handle(&in_flight[0]), 0), "done");
    update(json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 1}));
    assert_eq!(dead_letters(&raw, &queue).len(), 0, "while UPDATING");
    raw.advance(STATE_DELAY);
    assert_eq!(receive(&raw, &queue).len(), 0);
    assert_eq!(data(&dead_letters(&raw, &queue)), ["visible"]);
    raw.advance(seconds(30));
    assert_eq!(data(&dead_letters(&raw, &queue)), ["visible", "in flight"]);
    update(json!({"TargetType": "NONE"}));
    raw.advance(STATE_DELAY + seconds(30));
    assert_eq!(receive(&raw, &queue).len(), 0, "dead letters stay dead letters");
    let dead = dead_letters(&raw, &queue);
    assert_eq!(dead.len(), 2);
    let restored = entries(&raw, "RestoreDeadLetterQueueRecords", &queue, &[&handle(&dead[0])]);
    assert_eq!(code(&restored), "done");
    assert_eq!(data(&receive(&raw, &queue)), ["visible"]);
}
