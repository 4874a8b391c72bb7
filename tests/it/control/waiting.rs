//! Waiting for records from outside.

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{create_stream, impatient_client, shard_id};

use super::{Answer, Controlled};

/// Keys whose records go to the first and to the second of two shards.
const KEYS: [&str; 2] = ["a", "b"];

fn keys(answer: &Value) -> Vec<&str> {
    let records = answer["records"].as_array().expect("a list");
    records.iter().map(|record| record["partition_key"].as_str().expect("a key")).collect()
}

#[tokio::test]
async fn records_of_one_shard_are_waited_for_alone() {
    let controlled = Controlled::start();
    create_stream(&impatient_client(&controlled.emulator), "orders", 2).await;
    let records = |shard: &str, more: &str| format!("/streams/orders/records?shard={shard}{more}");
    let [first, second] = [0, 1].map(shard_id);
    controlled.put(KEYS[0]);
    controlled.put(KEYS[0]);
    assert_eq!(keys(&controlled.get(&records(&first, "")).await), ["a", "a"]);
    assert_eq!(keys(&controlled.get(&records(&second, "")).await), [""; 0]);
    // What is in the other shard does not count.
    let path = records(&second, "&at_least=1&within=20ms");
    let late = controlled.send(Method::GET, &path, "").await;
    assert!(late.error(408).contains(&format!("1 records of {second} of orders")));
    assert_eq!(late.json()["records"], serde_json::json!([]));
    let path = records(&second, "&at_least=1&within=30s");
    let (arrived, status) = tokio::join!(controlled.get(&path), async { controlled.put(KEYS[1]) });
    assert_eq!((keys(&arrived), status.as_u16()), (vec!["b"], 200));
    // One that is yet to be made is waited for like any.
    let other = Controlled::start();
    let path = records(&second, "&at_least=1&within=30s");
    let (arrived, ()) = tokio::join!(other.get(&path), async {
        create_stream(&impatient_client(&other.emulator), "orders", 2).await;
        let put = KEYS.map(|key| other.put(key).as_u16());
        assert_eq!(put, [200; 2]);
    });
    assert_eq!(keys(&arrived), ["b"]);
}

#[tokio::test]
async fn what_is_no_shard_of_the_stream_is_not_waited_for() {
    let controlled = Controlled::start();
    for id in ["bogus", "0", ""] {
        // Whatever streams there will be, none has it.
        let path = format!("/streams/orders/records?shard={id}&at_least=1&within=30s");
        let refused = controlled.send(Method::GET, &path, "").await.error(404);
        assert!(refused.ends_with("write one such as shardId-000000000000"), "{refused}");
    }
    create_stream(&impatient_client(&controlled.emulator), "orders", 2).await;
    for id in ["bogus", "0", "shardId-000000000002"] {
        for more in ["", "&at_least=1&within=30s"] {
            let path = format!("/streams/orders/records?shard={id}{more}");
            let refused = controlled.send(Method::GET, &path, "").await.error(404);
            let expected = format!("there is no shard {id} in stream orders: there are 2, up to ");
            assert!(refused.starts_with(&expected), "{refused}");
        }
    }
}

/// How many threads of this process keep the time for a wait.
#[cfg(target_os = "linux")]
fn threads_that_keep_time() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("this process has threads");
    // One that ends meanwhile has no name any more.
    let names = tasks.filter_map(|task| std::fs::read(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with(b"deadline of ")).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_waits_takes_no_thread() {
    const WAITING: usize = 200;
    // A call takes 8 KiB: when all wait there is room for no other.
    let controlled = Controlled::limited(|limits| {
        limits.in_flight_bytes_max = WAITING * 8 * 1024;
    });
    create_stream(&impatient_client(&controlled.emulator), "orders", 1).await;
    let until_let_in = async || {
        let path = "/streams/orders/records?at_least=1&within=30s";
        loop {
            let answer: Answer = controlled.send(Method::GET, path, "").await;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                return answer;
            }
        }
    };
    let waiting = join_all((0..WAITING).map(|_| until_let_in()));
    let watching = async {
        while controlled.send(Method::GET, "/clock", "").await.status == StatusCode::OK {}
        // Other tests may have some.
        let threads = threads_that_keep_time();
        assert_eq!(controlled.put("a"), StatusCode::OK);
        threads
    };
    let (answers, threads) = tokio::join!(waiting, watching);
    assert!(answers.iter().all(|answer| keys(&answer.ok()) == ["a"]));
    assert!(threads < WAITING / 2, "{threads} threads for {WAITING} calls");
}
