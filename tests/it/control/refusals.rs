//! What makes no sense is answered in JSON, wherever in a request it stands.

use reqwest::{Method, StatusCode};

use super::Controlled;

#[tokio::test]
async fn names_and_ids_that_are_none_are_answered_in_json() {
    let controlled = Controlled::start();
    for (method, path, status, expected) in [
        (Method::GET, "/snapshots/abc", 400, "\"abc\" is not an id: write the number that POST"),
        (Method::DELETE, "/snapshots/-1", 400, "\"-1\" is not an id"),
        (Method::POST, "/snapshots/1.0/restore", 400, "\"1.0\" is not an id"),
        (Method::GET, "/faults/abc", 400, "\"abc\" is not an id"),
        (Method::DELETE, "/faults/abc", 400, "\"abc\" is not an id"),
        (Method::POST, "/faults/99999999999999999999/release", 400, " is not an id"),
        (Method::GET, "/faults/%ff", 400, "is not UTF-8"),
        (Method::GET, "/streams/%ff", 400, "is not UTF-8: write a name as it is, or its bytes"),
        (Method::GET, "/streams/%ff/records", 400, "is not UTF-8"),
        (Method::GET, "/ledger/%ff", 400, "is not UTF-8"),
        (Method::GET, "/streams/orders/records?at_least=%ff", 400, "write a number of records"),
        (Method::GET, "/streams/a%20b", 404, "there is no stream a b"),
        (Method::GET, "/streams/", 404, "there is no such path: GET /_emulator lists them"),
        (Method::GET, "/clock/", 404, "there is no such path"),
        (Method::GET, "//", 404, "there is no such path"),
        (Method::POST, "/", 405, "the path takes other methods: GET /_emulator lists them"),
        (Method::POST, "", 405, "the path takes other methods"),
    ] {
        let refused = controlled.send(method, path, "").await.error(status);
        assert!(refused.contains(expected), "{path}: {refused}");
    }
}

#[tokio::test]
async fn the_index_answers_with_a_slash_too() {
    let controlled = Controlled::start();
    assert_eq!(controlled.get("/").await, controlled.get("").await);
}

#[tokio::test]
async fn a_body_that_is_not_as_it_is_is_refused_in_json() {
    let controlled = Controlled::start();
    let url = format!("{}/_emulator/clock", controlled.emulator.url());
    let request = controlled.http.post(&url).header("content-encoding", "gzip").body("x");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.expect("a text");
    let expected = r#"{"error":"Content-Encoding \"gzip\" is not taken: send the body as it is."}"#;
    assert_eq!(text.trim_end(), expected);
}
