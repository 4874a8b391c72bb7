//! What files outside of this package promise about the binary: `docs/migrating.md` to
//! who comes from another emulator, row by row, and the Dockerfile.
//!
//! Not in the published package, which has no such files.

#![cfg(all(unix, feature = "server"))]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

#[path = "binary/running.rs"]
#[allow(dead_code, reason = "the pages need a part of it")]
mod running;

use running::{Running, run, text};

const PAGE: &str = include_str!("../../docs/migrating.md");
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

#[test]
fn the_image_starts_with_options_that_the_binary_knows() {
    let entry = DOCKERFILE.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).expect("one");
    let words: Vec<String> = serde_json::from_str(entry).expect("a list of words");
    assert_eq!(words[0], "/kinesis-emulator");
    let mut arguments: Vec<_> = words[1..].iter().map(String::as_str).collect();
    arguments.extend(["--port", "0"]);
    drop(Running::start(&arguments, &[]));
    let help = text(&run(&["--help"], &[]).stdout);
    assert!(DOCKERFILE.contains("EXPOSE 4567\n"));
    assert!(help.contains("[default: 4567]"));
}
