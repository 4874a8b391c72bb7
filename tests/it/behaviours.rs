//! Which test keeps which promise.
//!
//! A comment such as `behaviours 5, 6` above a test says which lines of
//! `spec/behaviours.md` the test would notice to be broken. `behaviours.txt` is
//! the index of those lines; `COMPLAINTS.md` has what users of other emulators
//! complained about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::tidy::rust_files;

const INDEX: &str = include_str!("behaviours.txt");
const COMPLAINTS: &str = include_str!("../COMPLAINTS.md");
const RELIABILITY: &str = include_str!("../../RELIABILITY.md");

/// Lines that no test names yet, each with its reason.
const NOT_YET: &[(u32, &str)] = &[];

#[test]
fn every_behaviour_has_a_test_that_names_it() {
    let named: BTreeSet<u32> = tests().into_iter().flat_map(|test| test.behaviours).collect();
    let not_yet: BTreeSet<u32> = NOT_YET.iter().map(|(number, _)| *number).collect();
    let missing: Vec<_> = index()
        .into_iter()
        .filter(|(number, _)| !named.contains(number) && !not_yet.contains(number))
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    assert!(missing.is_empty(), "no test names:\n{}", missing.join("\n"));
    let unknown: Vec<_> = named.iter().filter(|number| !index().contains_key(number)).collect();
    assert!(unknown.is_empty(), "tests name what is not in the index: {unknown:?}");
    let done: Vec<_> = named.intersection(&not_yet).collect();
    assert!(done.is_empty(), "NOT_YET lists what a test names: {done:?}");
}

#[test]
fn the_index_is_whole() {
    let numbers: Vec<_> = index().into_keys().collect();
    assert_eq!(numbers, (1..=161).collect::<Vec<_>>());
    assert_eq!(INDEX.lines().count(), 161, "no number is there twice");
}

#[test]
fn the_scan_sees_comments_above_tests_and_nothing_else() {
    let text = "// behaviours 1, 2; facts, section 3\n#[test]\nfn one() {\n    // behaviours 3\n}\n\n\
                // From behaviours 4: why.\n#[tokio::test]\nasync fn two() {\n}\n\
                // behaviours 5\nfn helper() {}\n// behaviours 6, 7\n// more\n#[test]\nfn three() {\n";
    let found: Vec<_> =
        tests_in("wire/x.rs", text).into_iter().map(|test| (test.path, test.behaviours)).collect();
    let expected =
        [("wire::x::one", vec![1, 2]), ("wire::x::two", vec![4]), ("wire::x::three", vec![6, 7])];
    assert_eq!(found, expected.map(|(path, numbers)| (path.to_owned(), numbers)));
}

#[test]
fn every_complaint_has_an_answer_and_the_tests_it_names_exist() {
    let known: BTreeSet<_> = tests().into_iter().map(|test| test.path).collect();
    let mut numbers = Vec::new();
    for row in COMPLAINTS.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, complaint, answer] = cells[..] else { panic!("three cells: {row}") };
        numbers.push(number.parse::<u32>().unwrap_or_else(|_| panic!("no number: {row}")));
        assert!(!complaint.is_empty() && answer.len() > 10, "no answer: {row}");
        for test in answer.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
            assert!(known.contains(test), "complaint {number}: there is no test {test}");
        }
    }
    assert_eq!(numbers, (1..=51).collect::<Vec<_>>());
}

#[test]
fn every_promise_of_reliability_names_tests_that_exist() {
    let known: BTreeSet<_> = tests().into_iter().map(|test| test.path).collect();
    let rooms: BTreeSet<_> = known.iter().filter_map(|path| path.split("::").next()).collect();
    let quoted: Vec<_> = RELIABILITY.split('`').skip(1).step_by(2).collect();
    let of_these = |name: &&&str| {
        name.split_once("::").is_some_and(|(room, test)| rooms.contains(room) && !test.is_empty())
    };
    let named: Vec<_> = quoted.iter().filter(of_these).collect();
    assert!(named.len() > 20, "the pattern of names has changed: {named:?}");
    for name in named {
        assert!(known.contains(*name), "RELIABILITY.md: there is no test {name}");
    }
    // Elsewhere a test stands before its file.
    for (name, file) in quoted.iter().zip(quoted.iter().skip(1)) {
        let of_a_file = file.ends_with(".rs") && !name.contains(['.', ':', ' ', '/']);
        if of_a_file {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
            let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("there is no {file}"));
            assert!(text.contains(&format!("fn {name}(")), "{file} has no test {name}");
        }
    }
}

#[test]
fn every_operation_is_called_on_the_wire() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/wire");
    let read = |path: PathBuf| fs::read_to_string(path).expect("the file can be read");
    let calls: String = rust_files(&folder).into_iter().map(read).collect();
    let operations = kinesis_emulator::declarations::operations();
    assert!(operations.len() >= 40, "the list of operations has shrunk");
    for operation in operations {
        let name = format!("\"{}\"", operation.name);
        assert!(calls.contains(&name), "no wire test calls {name}");
    }
}

/// A test, by its path below `it`, and what its comment names.
struct Test {
    path: String,
    behaviours: Vec<u32>,
}

fn index() -> BTreeMap<u32, &'static str> {
    let line = |line: &'static str| {
        let (number, what) = line.split_once(' ').expect("a number and what it is about");
        (number.parse().expect("a number"), what)
    };
    INDEX.lines().map(line).collect()
}

fn tests() -> Vec<Test> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let mut tests = Vec::new();
    for path in rust_files(&root) {
        let name = path.strip_prefix(&root).expect("it is below").to_string_lossy();
        // This file's own examples are no tests of a behaviour.
        if name != "behaviours.rs" {
            let text = fs::read_to_string(&path).expect("the file can be read");
            tests.extend(tests_in(&name, &text));
        }
    }
    tests
}

/// The tests of a file: what is marked as one, or, in a file of stories, each
/// that is told twice.
fn tests_in(file: &str, text: &str) -> Vec<Test> {
    let module = file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
    let stories: BTreeSet<_> = match text.split_once("stories! {") {
        Some((_, rest)) => {
            let list = rest.split('}').next().unwrap_or_default();
            list.split(',').map(str::trim).map(str::to_owned).collect()
        }
        None => BTreeSet::new(),
    };
    let (mut tests, mut named, mut marked) = (Vec::new(), Vec::new(), false);
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("// ") {
            named.extend(numbers(comment));
        } else if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if !line.starts_with("//") {
            let behaviours = std::mem::take(&mut named);
            let function = line.trim_start_matches("async ").strip_prefix("fn ");
            if let Some((name, _)) = function.and_then(|rest| rest.split_once('('))
                && (marked || stories.contains(name))
            {
                tests.push(Test { path: format!("{module}::{name}"), behaviours });
            }
            marked = false;
        }
    }
    tests
}

/// The numbers in `behaviours 5, 6; and more`.
fn numbers(comment: &str) -> Vec<u32> {
    let Some((_, list)) = comment.split_once("behaviours ") else { return Vec::new() };
    let end = |letter: char| !letter.is_ascii_digit() && letter != ',' && letter != ' ';
    let list = list.split(end).next().unwrap_or_default();
    list.split([',', ' ']).filter_map(|number| number.parse().ok()).collect()
}
