//! What supervisors ask: LocalStack's paths, kinesis-mock's, and the usual ones.

use http::{Method, StatusCode};
use kinesis_emulator::Emulator;
use serde_json::{Value, json};

use super::envelope::ACCESS_DENIED;
use crate::support::raw::{Custom, Raw};

fn at(path: &str) -> Custom {
    Custom::bare(Method::GET).path(path)
}

#[test]
fn health_and_readiness_are_told_where_people_look() {
    let raw = Raw::new();
    for path in [
        "/health",
        "/healthcheck",
        "/healthz",
        "/_health",
        "/_health/live",
        "/_health/ready",
        "/live",
        "/livez",
        "/ready",
        "/readyz",
        "/health?verbose",
    ] {
        let answer = raw.send(at(path));
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.content_type(), Some("application/json"), "{path}");
        assert_eq!(answer.json()["services"]["kinesis"], "running", "{path}");
        assert_eq!(answer.json()["status"], "ok", "{path}");
    }
}

#[test]
fn localstacks_paths_answer_as_localstack_does() {
    let raw = Raw::new();
    let health = raw.send(at("/_localstack/health"));
    assert_eq!(
        health.json(),
        json!({
            "services": {"kinesis": "available"},
            "edition": "kinesis-emulator",
            "version": env!("CARGO_PKG_VERSION"),
        })
    );
    assert!(health.text().contains(r#""kinesis": "available""#), "scripts use grep");
    let init = raw.send(at("/_localstack/init")).json();
    assert_eq!(init["completed"]["READY"], true);
    for (stage, completed) in
        [("boot", true), ("start", true), ("ready", true), ("shutdown", false)]
    {
        let answer = raw.send(at(&format!("/_localstack/init/{stage}"))).json();
        assert_eq!(answer, json!({"completed": completed, "scripts": []}), "{stage}");
    }
}

#[test]
fn whatever_else_is_asked_for_is_denied_as_before() {
    let raw = Raw::new();
    for path in ["/", "/health/", "/Health", "/_localstack", "/_localstack/init/other", "/x/health"]
    {
        let answer = raw.send(at(path));
        assert_eq!((answer.status.as_u16(), answer.text()), (403, ACCESS_DENIED.to_owned()));
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = raw.send(Custom::bare(method.clone()).path("/health"));
        assert_ne!(answer.status, StatusCode::OK, "{method}");
    }
}

#[tokio::test]
async fn a_head_is_answered_without_a_body() {
    let raw = Raw::new();
    let answer = raw.send(Custom::bare(Method::HEAD).path("/_localstack/health"));
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));

    let kinesis = Emulator::start().await;
    let http1 = crate::support::http_client().build().expect("a client");
    let url = format!("{}/_localstack/health", kinesis.url());
    for client in [http1, super::sockets::http2()] {
        // A refusal has one, too, which over HTTP/2 nobody else leaves out.
        let refused = client.head(kinesis.url()).send().await.expect("it answers");
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(refused.bytes().await.expect("its end"), "");
        let head = client.head(&url).send().await.expect("it answers");
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(head.bytes().await.expect("its end"), "");
        let get = client.get(&url).send().await.expect("it answers").bytes().await;
        let health: Value = serde_json::from_slice(&get.expect("a body")).expect("it is JSON");
        assert_eq!(health["services"]["kinesis"], "available");
    }
}
