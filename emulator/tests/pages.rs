//! What files outside of this package promise about the binary: `docs/migrating.md` to
//! users of other emulators, row by row; `docs/files.md` about the files that it takes,
//! member by member; and the Dockerfile.
//!
//! Not in the published package, which has no such files.

#![cfg(all(unix, feature = "server"))]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

#[path = "binary/running.rs"]
#[allow(dead_code, reason = "the pages need a part of it")]
mod running;

use running::{Document, Running, run, text};

const PAGE: &str = include_str!("../../docs/migrating.md");
const FILES: &str = include_str!("../../docs/files.md");
const DOCKERFILE: &str = include_str!("../../Dockerfile");
const ALIASES: &str = include_str!("../src/cli/aliases.rs");

/// The cells of the rows that begin with something in code, below a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PAGE.split_once(&format!("## {heading}\n")).expect("the page has it");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
    })
    .collect()
}

#[test]
fn each_variable_comes_to_what_the_page_says() {
    for row in rows("Variables") {
        let [variable, example, here] = row[..] else { panic!("three cells: {row:?}") };
        let expected = match here.strip_prefix("nothing: ") {
            Some(why) => format!("{variable} has no meaning here: {why}"),
            None => format!("{variable} is understood as {here} "),
        };
        // A command's own emulator has a free port, whatever is said.
        let arguments: &[&str] =
            if here == "--port" { &["env"] } else { &["exec", "--", "/bin/true"] };
        let done = run(arguments, &[(variable, example)]);
        let said = text(&done.stderr);
        assert!(done.status.success() && said.contains(&expected), "{expected}\n{said}");
    }
}

#[test]
fn the_page_has_every_variable_that_is_understood() {
    let (_, list) =
        ALIASES.split_once("const ALIASES: &[(&str, Meaning)] = &[").expect("it is there");
    let list = list.split("];").next().unwrap_or_default();
    let understood: BTreeSet<_> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next())
        .collect();
    let written: BTreeSet<_> = rows("Variables").into_iter().map(|row| row[0]).collect();
    assert!(understood.len() > 30, "the list is not found any more");
    assert_eq!(written, understood);
}

#[test]
fn each_health_path_is_answered() {
    let server = Running::start(&["--port", "0"], &[]);
    let address = &server.address;
    for row in rows("Health") {
        let mut socket = TcpStream::connect(address).expect("it listens");
        let request =
            format!("GET {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n", row[0]);
        socket.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it is text");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{}: {answer}", row[0]);
        if let Some((_, body)) = row[1].split_once(": `") {
            assert!(answer.contains(body), "{answer}");
        }
    }
}

#[test]
fn each_way_to_start_is_one_that_the_binary_knows() {
    let help = text(&run(&["--help"], &[]).stdout);
    let (before, _) = PAGE.split_once("## Variables").expect("the page has it");
    let mut known = 0;
    for code in before.split('`').skip(1).step_by(2) {
        let is_kinesalites = [
            "--createStreamMs",
            "--deleteStreamMs",
            "--updateStreamMs",
            "--shardLimit",
            "--ssl",
            "--path",
        ];
        for word in code.split(' ').filter(|word| word.starts_with("--")) {
            if !is_kinesalites.contains(&word) {
                assert!(help.contains(&format!("{word} ")), "there is no option {word}");
                known += 1;
            }
        }
    }
    assert!(known >= 6, "the page names options");
}

/// The path of a file that `docs/files.md` shows.
fn shown(name: &str) -> String {
    assert!(FILES.contains(&format!("<!-- recipe: docs/files/{name}.json -->")), "{name}");
    format!("{}/../docs/files/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

fn get(server: &Running, path: &str) -> String {
    let mut socket = TcpStream::connect(&server.address).expect("it listens");
    running::get(&mut socket, path)
}

#[test]
fn each_file_that_is_shown_does_what_it_says() {
    let start = |flag, name| Running::start(&["--port", "0", flag, &shown(name)], &[]);
    let init = start("--init", "init");
    let orders = get(&init, "/_emulator/streams/orders/records");
    for text in ["customer-1", "customer-2", "customer-3"] {
        assert!(orders.contains(text), "{text}: {orders}");
    }
    let (_, summary) = init.call("DescribeStreamSummary", r#"{"StreamName":"orders"}"#);
    for text in [r#""RetentionPeriodHours":48"#, r#""OpenShardCount":2"#, r#""ConsumerCount":1"#] {
        assert!(summary.contains(text), "{text}: {summary}");
    }
    let faults = get(&start("--faults", "faults"), "/_emulator/faults");
    for action in ["reject", "fail_records", "delay", "drop_connection_after_commit"] {
        assert!(faults.contains(&format!("\"{action}\":")), "{action}: {faults}");
    }
    let mut limits = start("--limits", "limits");
    assert_eq!(limits.lines(6)[5], "The limits in force are those of staging.");
    let latency = get(&start("--latency", "latency"), "/_emulator/latency");
    assert_eq!(latency.trim(), r#"{"latency":"custom"}"#);
}

#[test]
fn every_member_that_a_file_may_have_is_on_the_page() {
    for (flag, wrong) in [
        ("--init", r#"{"streams": [], "x": 1}"#),
        ("--init", r#"{"streams": [{"name": "s", "x": 1}]}"#),
        (
            "--init",
            r#"{"streams": [{"name": "s", "records": [{"key": "k", "text": "", "x": 1}]}]}"#,
        ),
        ("--faults", r#"[{"hold": true, "x": 1}]"#),
        ("--limits", r#"{"x": 1}"#),
        ("--latency", r#"{"x": 1}"#),
    ] {
        let file = Document::new("unknown.json", wrong);
        let refused = text(&run(&["--port", "0", flag, file.path()], &[]).stderr);
        let (_, known) = ["; there are ", "; those are "]
            .iter()
            .find_map(|before| refused.split_once(before))
            .unwrap_or_else(|| panic!("{flag} does not list its members: {refused}"));
        let known = known.lines().next().expect("a line");
        assert!(!known.is_empty());
        for member in known.split(", ") {
            let written = [format!("`{member}`"), format!("\"{member}\"")];
            assert!(written.iter().any(|code| FILES.contains(code)), "{flag}: {member}");
        }
    }
}

#[test]
fn the_help_of_a_flag_for_a_file_has_an_example_that_is_read() {
    let help = text(&run(&["--help"], &[]).stdout);
    for flag in ["--init", "--faults", "--limits", "--latency"] {
        let (_, about) = help.split_once(&format!("{flag} <")).expect("the flag");
        let about = about.split("\n      --").next().expect("its help");
        let example = about.lines().map(str::trim).find(|line| line.starts_with(['{', '[']));
        let file = Document::new("example.json", example.expect("an example"));
        assert!(about.contains("docs/files.md"), "{about}");
        drop(Running::start(&["--port", "0", flag, file.path()], &[]));
    }
}

#[test]
fn the_image_starts_with_options_that_the_binary_knows() {
    let entry = DOCKERFILE.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).expect("one");
    let words: Vec<String> = serde_json::from_str(entry).expect("a list of words");
    assert_eq!(words[0], "/kinesis-emulator");
    let mut arguments: Vec<_> = words[1..].iter().map(String::as_str).collect();
    arguments.extend(["--port", "0"]);
    let started = Running::start(&arguments, &[]);
    let port = started.address.rsplit(':').next().expect("a port");
    let (_, health) = DOCKERFILE.split_once("HEALTHCHECK ").expect("one");
    let (_, asking) = health.split_once("CMD ").expect("a command");
    let words: Vec<String> =
        serde_json::from_str(asking.lines().next().expect("a line")).expect("words");
    assert_eq!(words[0], "/kinesis-emulator");
    let asking: Vec<_> = words[1..].iter().map(String::as_str).collect();
    assert!(run(&asking, &[("KINESIS_PORT", port)]).status.success());
    assert!(!run(&asking, &[("KINESIS_PORT", "1")]).status.success());
    let help = text(&run(&["--help"], &[]).stdout);
    assert!(DOCKERFILE.contains("EXPOSE 4567\n"));
    assert!(help.contains("[default: 4567]"));
}
