//! The laws of rules, on calls that no one sends.

use std::task::{Context, Poll, Waker};

use std::future::Future as _;

use super::*;
use crate::model::arn::RealmId;
use crate::model::error::ErrorKind;
use crate::model::timestamp::Timestamp;
use crate::operations::Subject;

const REJECT: Action = Action::Reject { error: ErrorKind::InternalFailure, message: None };

fn faults() -> Faults {
    Faults::new(Some(1), Arc::default())
}

fn ask(faults: &Faults, operation: Operation) -> Verdict {
    let caller =
        RealmId { account: "000000000000".parse().unwrap(), region: "us-east-1".parse().unwrap() };
    let asked = Asked {
        operation,
        subject: &Subject::default(),
        caller: &caller,
        access_key: "",
        now: Timestamp::EPOCH,
    };
    faults.verdict(&asked, Patience::Endless)
}

/// Which of so many calls are refused, counted from 1.
fn refused(faults: &Faults, calls: usize) -> Vec<usize> {
    let is_refused = |_: &usize| matches!(ask(faults, Operation::PutRecord), Verdict::Reject(_));
    (1..=calls).filter(is_refused).collect()
}

#[test]
fn the_first_matching_rule_wins_and_counts() {
    let faults = faults();
    let first = faults.on(Operation::PutRecord).reject(ErrorKind::LimitExceeded).times(1);
    let second = faults.on_any().reject(ErrorKind::AccessDenied);
    let kinds: Vec<_> = (0..3)
        .map(|_| match ask(&faults, Operation::PutRecord) {
            Verdict::Reject(error) => error.kind(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [ErrorKind::LimitExceeded, ErrorKind::AccessDenied, ErrorKind::AccessDenied];
    assert_eq!(kinds, expected);
    assert_eq!((first.fired(), second.fired()), (1, 2));
    let counts: Vec<_> = faults.list().iter().map(|armed| (armed.matched, armed.fired)).collect();
    assert_eq!(counts, [(3, 1), (2, 2)], "a call that a rule has taken reaches no other");
}

#[test]
fn a_schedule_says_which_calls() {
    let rule = || Rule::new(REJECT);
    for (rule, expected) in [
        (rule(), &[1, 2, 3, 4, 5, 6, 7, 8, 9][..]),
        (rule().times(2), &[1, 2]),
        (rule().nth(3), &[3]),
        (rule().after(6), &[7, 8, 9]),
        (rule().every(4), &[4, 8]),
        (rule().after(1).every(3).times(2), &[4, 7]),
        (rule().with_probability(0.0), &[]),
        (rule().with_probability(1.0), &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (rule().operation(Operation::GetRecords), &[]),
    ] {
        let faults = faults();
        let json = rule.to_json();
        faults.add(rule).unwrap();
        assert_eq!(refused(&faults, 9), expected, "{json}");
    }
}

#[test]
fn chance_repeats_with_the_seed() {
    let with_seed = |seed| {
        let faults = Faults::new(Some(seed), Arc::default());
        let _half = faults.on_any().internal_failure().with_probability(0.5);
        refused(&faults, 1000)
    };
    let one = with_seed(1);
    assert_eq!(one, with_seed(1));
    assert_ne!(one, with_seed(2));
    assert!((400..600).contains(&one.len()), "about a half: {}", one.len());
}

#[test]
fn a_guard_removes_its_rule_and_a_kept_rule_stays() {
    let faults = faults();
    let guard = faults.on_any().internal_failure();
    assert_eq!(refused(&faults, 1), [1]);
    drop(guard);
    assert!(refused(&faults, 1).is_empty() && faults.0.switches.all_off());
    let id = faults.on_any().internal_failure().keep();
    assert_eq!(refused(&faults, 1), [1]);
    assert!(faults.remove(id) && !faults.remove(id));
    assert!(faults.0.switches.all_off());
    let guard = faults.on_any().internal_failure();
    faults.clear();
    assert!(refused(&faults, 1).is_empty() && guard.fired() == 0);
    drop(guard);
}

#[test]
#[should_panic(expected = "a fault was to fire 2 times and fired 1, with 1 calls that matched: \
                           {\"operation\":[\"PutRecord\"],\"reject\":\"InternalFailure\",\"times\":2}")]
fn a_rule_that_must_fire_says_so_on_drop() {
    let faults = faults();
    let _fault = faults.on(Operation::PutRecord).internal_failure().times(2).must_fire();
    refused(&faults, 1);
}

fn poll(verdict: &mut Verdict) -> Poll<()> {
    let Verdict::Hold(held) = verdict else { panic!("{verdict:?}") };
    std::pin::Pin::new(held).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_release_lets_go_whom_it_finds() {
    let faults = faults();
    let hold = faults.on_any().hold();
    let [mut one, mut other] = [(); 2].map(|()| ask(&faults, Operation::PutRecord));
    assert_eq!([poll(&mut one), poll(&mut other)], [Poll::Pending; 2]);
    assert_eq!(faults.list()[0].holding, 2);
    drop(other);
    assert_eq!(faults.list()[0].holding, 1, "who goes is counted out");
    hold.release();
    let mut later = ask(&faults, Operation::PutRecord);
    assert_eq!([poll(&mut one), poll(&mut later)], [Poll::Ready(()), Poll::Pending]);
    drop(one);
    assert_eq!(faults.list()[0].holding, 1);
    drop(hold);
    assert_eq!(poll(&mut later), Poll::Ready(()), "a guard that goes lets everybody go");
}

#[test]
fn the_call_that_is_waited_for_is_not_held() {
    let faults = faults();
    let hold = faults.on_any().hold_until(Operation::PutRecord);
    let mut first = ask(&faults, Operation::PutRecord);
    assert_eq!(poll(&mut first), Poll::Pending);
    assert!(matches!(ask(&faults, Operation::PutRecord), Verdict::Pass));
    faults.answered(Operation::GetRecords);
    assert_eq!(poll(&mut first), Poll::Pending);
    faults.answered(Operation::PutRecord);
    assert_eq!(poll(&mut first), Poll::Ready(()));
    assert!(matches!(ask(&faults, Operation::PutRecord), Verdict::Hold(_)), "the next round");
    assert_eq!(hold.fired(), 2);
}

#[test]
fn whoever_waits_for_an_arrival_is_woken() {
    let faults = faults();
    let fault = faults.on_any().internal_failure();
    let mut arrival = Box::pin(fault.fired_times(2));
    let mut poll = || arrival.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll(), Poll::Pending);
    refused(&faults, 1);
    assert_eq!(poll(), Poll::Pending);
    refused(&faults, 1);
    assert_eq!(poll(), Poll::Ready(()));
}

#[test]
fn a_call_that_cannot_wait_is_not_made_to() {
    let faults = faults();
    let hold = faults.on_any().hold();
    let _reject = faults.on_any().internal_failure();
    let caller =
        RealmId { account: "000000000000".parse().unwrap(), region: "us-east-1".parse().unwrap() };
    let (operation, subject) = (Operation::PutRecord, &Subject::default());
    let now = Timestamp::EPOCH;
    let asked = Asked { operation, subject, caller: &caller, access_key: "", now };
    assert!(matches!(faults.verdict(&asked, Patience::None), Verdict::Reject(_)));
    assert_eq!(hold.fired(), 0);
}

#[test]
#[should_panic(expected = "this fault makes no sense: cut_stream_after makes no sense for \
                           PutRecord, only for SubscribeToShard")]
fn a_fault_that_makes_no_sense_is_refused_when_it_is_made() {
    let _never = faults().on(Operation::PutRecord).cut_stream_after(1);
}

#[test]
fn a_file_is_taken_whole_or_not_at_all_and_errors_name_rule_and_member() {
    let faults = faults();
    for (rules, expected) in [
        ("{", "no JSON: EOF while parsing an object at line 1 column 1"),
        ("7", "fault rules are a list, or an object with the list as its only member, `rules`"),
        (r#"{"rules": [], "more": 1}"#, "fault rules are a list, or an object with the list"),
        (r#"[{"hold": true}, 7]"#, "rule 2: a rule is an object"),
        (r#"[{"hold": true, "strem": "s"}]"#, "rule 1: `strem`: there is no such member"),
        (
            r#"[{"stream": "s"}]"#,
            "rule 1: a rule has exactly one of reject, fail_records, internal",
        ),
        (
            r#"[{"hold": true}, {"hold": true, "delay": "1s"}]"#,
            "rule 2: `hold`: a rule has exactly one of reject, fail_records",
        ),
        (
            r#"[{"hold": true, "operation": "Put"}]"#,
            "rule 1: `operation`: \"Put\" is not an operation of Kinesis Data Streams",
        ),
        (r#"[{"reject": "Teapot"}]"#, "rule 1: `reject`: \"Teapot\" is not an error of Kinesis"),
        (r#"[{"reject": {"message": "x"}}]"#, "rule 1: `reject`: it needs the member `error`"),
        (
            r#"[{"reject": {"error": "InternalFailure", "after_events": 1}}]"#,
            "rule 1: `reject`: there is no member `after_events` in it",
        ),
        (r#"[{"delay": "1"}]"#, "rule 1: `delay`: \"1\" is not a duration: write 500ms, 2s,"),
        (r#"[{"hold": false}]"#, "rule 1: `hold`: write true, or leave it out"),
        (r#"[{"hold": true, "nth": 0}]"#, "rule 1: `nth`: 0 is not a number from 1 up"),
        (r#"[{"hold": true, "record": [1, -1]}]"#, "rule 1: `record`: -1 is not a number from 0"),
        (r#"[{"hold": true, "probability": 2}]"#, "rule 1: `probability`: 2 is not a number from"),
        (r#"[{"hold": true, "shard": "x"}]"#, "rule 1: `shard`: \"x\" is not a shard id: write"),
        (
            r#"[{"operation": "ListStreams", "stream": "s", "hold": true}]"#,
            "rule 1: `stream`: ListStreams is not about any stream",
        ),
        (
            r#"[{"operation": ["PutRecord", "GetRecords"], "fail_records": "InternalFailure"}]"#,
            "rule 1: `fail_records`: fail_records makes no sense for GetRecords, only for PutRecord",
        ),
    ] {
        let error = faults.load_json(rules).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{rules}: {error}");
        assert!(faults.list().is_empty());
    }
    let error = faults.load("/no/such/file").unwrap_err();
    assert!(error.to_string().starts_with("the fault rules in /no/such/file cannot be read: "));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_rule_that_is_written_reads_the_same() {
    let error = ErrorKind::KmsThrottling;
    let message = Some("why".to_owned());
    for action in [
        REJECT,
        Action::Reject { error, message: message.clone() },
        Action::FailRecords { error, message: message.clone() },
        Action::Delay(Duration::from_millis(250)),
        Action::DropBeforeCommit,
        Action::DropAfterCommit,
        Action::CutStream { after_events: 3 },
        Action::EndStream { after_events: 0, error, message: None },
        Action::EndStream { after_events: 2, error, message },
        Action::Hold,
        Action::HoldUntil(Operation::SplitShard),
    ] {
        let bare = Rule::new(action);
        let full = bare.clone().stream("s").shard("1").consumer("c").partition_key("k");
        let full = full.record(0).record(7).caller("123456789012").region("eu-west-1");
        let full = full.after(2).every(3).with_probability(0.25).times(4);
        for rule in [bare, full] {
            assert_eq!(Rule::from_json(&rule.to_json()).unwrap(), rule, "{}", rule.to_json());
        }
    }
}

#[test]
fn every_error_of_the_service_can_be_named() {
    for (name, kind) in [
        ("ProvisionedThroughputExceededException", ErrorKind::ProvisionedThroughputExceeded),
        ("ProvisionedThroughputExceeded", ErrorKind::ProvisionedThroughputExceeded),
        ("InternalFailure", ErrorKind::InternalFailure),
        ("KMSOptInRequired", ErrorKind::KmsOptInRequired),
    ] {
        assert_eq!(name.parse(), Ok(kind));
    }
    assert!("".parse::<ErrorKind>().is_err() && "Exception".parse::<ErrorKind>().is_err());
}

#[test]
fn a_schedule_that_never_fires_is_a_mistake_of_the_test() {
    let rule = || Rule::new(Action::DropBeforeCommit);
    let mistakes: [fn(Rule) -> Rule; 5] = [
        |rule| rule.times(0),
        |rule| rule.nth(0),
        |rule| rule.every(0),
        |rule| rule.with_probability(1.5),
        |rule| rule.with_probability(f64::NAN),
    ];
    for mistake in mistakes {
        assert!(std::panic::catch_unwind(|| mistake(rule())).is_err());
    }
    assert!(std::panic::catch_unwind(|| rule().nth(1).every(1).with_probability(0.5)).is_ok());
}

#[test]
fn a_rule_that_names_what_cannot_be_is_refused_however_it_is_armed() {
    let rule = || Rule::new(REJECT);
    let key = "k".repeat(257);
    for (rule, expected) in [
        (rule().stream("a b"), "no stream can be \"a b\": write 1 to 128 letters, "),
        (rule().stream(""), "no stream can be \"\": write 1 to 128 letters, "),
        (rule().consumer("a/b"), "no consumer can be \"a/b\": write 1 to 128 letters, "),
        (rule().partition_key(""), "no partition_key can be \"\": write 1 to 256 characters"),
        (rule().partition_key(key), "no partition_key can be \"kkk"),
        (rule().caller(""), "no caller can be \"\": write an access key id such as "),
        (rule().caller("a/b"), "no caller can be \"a/b\": write an access key id such as "),
        (rule().region("nowhere!"), "no region can be \"nowhere!\": write one such as eu-west-1"),
        (rule().record(500), "no batch has a record 500: places are from 0 to 499"),
    ] {
        let json = rule.to_json();
        let faults = faults();
        let error = faults.add(rule).expect_err(&json).to_string();
        assert!(error.starts_with(expected), "{json}: {error}");
        let read = Rule::from_json(&json).expect_err(&json).to_string();
        assert!(read.ends_with(&error), "{json}: {read}");
        assert!(faults.list().is_empty());
    }
    let guard = || faults().on_any().region("nowhere!").internal_failure().keep();
    assert!(std::panic::catch_unwind(guard).is_err());
    let all = rule().stream("a.b_c-1").consumer("c").partition_key("é").caller("AKIDEXAMPLE");
    assert!(faults().add(all.region("us-gov-west-1").record(499)).is_ok());
}
