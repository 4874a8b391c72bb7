//! Web pages of others, and names that others have pointed at this machine.

use std::io::Write;

use kinesis_emulator::{Builder, Emulator, Secret};
use serde_json::json;

use crate::wire::sockets::{answer, connect, request};

/// The status, head and body that a page's request with other headers gets.
fn ask(emulator: &Emulator, headers: &[(&str, &str)]) -> (u16, String, String) {
    ask_as(Some("Mozilla/5.0 (X11; Linux x86_64)"), emulator, headers)
}

fn ask_as(
    browser: Option<&str>,
    emulator: &Emulator,
    headers: &[(&str, &str)],
) -> (u16, String, String) {
    let mut asked = request("ListStreams", &json!({}));
    if let Some(browser) = browser {
        asked = asked.replacen("\r\n", &format!("\r\nUser-Agent: {browser}\r\n"), 1);
    }
    for (name, value) in headers {
        asked = match *name {
            "host" => asked.replacen("Host: localhost", &format!("Host: {value}"), 1),
            _ => asked.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1),
        };
    }
    send(emulator, &asked)
}

fn send(emulator: &Emulator, asked: &str) -> (u16, String, String) {
    let mut socket = connect(emulator);
    socket.write_all(asked.as_bytes()).unwrap();
    let (status, head, body) = answer(&mut socket);
    (status, head, String::from_utf8(body).unwrap())
}

fn start(set: impl FnOnce(Builder) -> Builder) -> Emulator {
    set(Emulator::builder()).start_blocking().expect("there is a free port")
}

#[test]
fn a_page_that_has_pointed_its_name_here_is_refused() {
    let emulator = start(Builder::control_api);
    for host in ["www.evil.com", "www.evil.com:4567", "localhost.evil.com"] {
        let (status, _, body) = ask(&emulator, &[("host", host)]);
        assert_eq!(status, 403, "{host}: {body}");
        assert!(body.contains("start it with --allow-host "), "{body}");
        for path in ["/_emulator", "/_emulator/clock", "/health"] {
            let asked =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\n\r\n");
            assert_eq!(send(&emulator, &asked).0, 403, "{host} {path}");
        }
    }
    for host in ["localhost", "127.0.0.1:4567", "[::1]:1", "kinesis", "kinesis.localhost:80"] {
        assert_eq!(ask(&emulator, &[("host", host)]).0, 200, "{host}");
    }
}

#[test]
fn a_page_of_another_origin_is_refused_and_a_local_one_gets_awss_headers() {
    let emulator = start(|builder| builder);
    let preflight = |origin: &str| {
        let asked = format!(
            "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\r\n"
        );
        send(&emulator, &asked)
    };
    for origin in ["http://www.evil.com", "https://www.evil.com:4567", "null"] {
        let (status, head, body) = ask(&emulator, &[("origin", origin)]);
        assert_eq!(status, 403, "{origin}: {body}");
        assert!(body.contains("start it with --allow-origin "), "{body}");
        // Its developer can read that, and whoever asks us can say which call it was.
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        assert!(head.contains("x-amzn-requestid: "), "{head}");
        // That a page may ask changes nothing for who does not ask.
        assert_eq!(preflight(origin).0, 200, "{origin}");
    }
    for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "https://app.localhost"] {
        for (status, head, _) in [ask(&emulator, &[("origin", origin)]), preflight(origin)] {
            assert_eq!(status, 200, "{origin}");
            assert!(head.contains("access-control-allow-origin: *"), "{head}");
        }
    }
}

#[test]
fn a_program_is_answered_whatever_it_calls_itself_and_us() {
    let emulator = start(Builder::control_api);
    let origin = ("origin", "https://foo.com");
    for headers in [&[("host", "kinesis.shop.com")][..], &[origin]] {
        let (status, head, body) = ask_as(None, &emulator, headers);
        assert_eq!(status, 200, "{headers:?}: {body}");
        let has_origin = headers.contains(&origin);
        assert_eq!(head.contains("access-control-allow-origin: *"), has_origin, "{head}");
    }
    // The control API asks for more.
    let asked = "GET /_emulator/clock HTTP/1.1\r\nHost: kinesis.shop.com\r\n\r\n";
    assert_eq!(send(&emulator, asked).0, 403);
}

#[test]
fn what_is_allowed_is_heard() {
    let emulator = start(|builder| {
        builder.allow_host("kinesis.shop.com").allow_origin("https://app.shop.com")
    });
    let own = [("host", "kinesis.shop.com"), ("origin", "https://app.shop.com")];
    assert_eq!(ask(&emulator, &own).0, 200);
    assert_eq!(ask(&emulator, &[("origin", "https://other.shop.com")]).0, 403);
    let any = start(|builder| builder.allow_origin("*"));
    assert_eq!(ask(&any, &[("origin", "https://other.shop.com")]).0, 200);
}

#[test]
fn where_signatures_are_verified_they_alone_decide() {
    let emulator = start(|builder| builder.verify_signatures(Secret::new("the secret")));
    let page = [("host", "www.evil.com"), ("origin", "http://www.evil.com")];
    let (status, _, body) = ask(&emulator, &page);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("InvalidSignatureException"), "{body}");
    // Who lets anybody in lets in no pages by that.
    let open =
        start(|builder| builder.verify_signatures(Secret::new("the secret")).allow_anonymous());
    assert_eq!(ask(&open, &page).0, 403);
}
