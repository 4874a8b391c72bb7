//! What the code must not contain, and which room may use which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms and front files each room may use (ARCHITECTURE.md). What is
/// not listed here must not exist.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("engine", &["model"]),
    ("wire", &["model"]),
    ("operations", &["model", "engine", "wire"]),
    ("snapshot", &["model", "engine"]),
    ("durable", &["model", "engine", "snapshot"]),
    ("service", &["model", "engine", "wire", "operations", "snapshot", "durable"]),
    ("inspect", &["model", "engine", "operations", "service"]),
    ("server", &["model", "snapshot", "durable", "service", "inspect"]),
    ("emulator", &["model", "snapshot", "durable", "service", "inspect", "server"]),
    ("guide", &[]),
    ("measure", &["model", "engine", "durable"]),
    ("sdk", &["model", "service", "server", "emulator"]),
    ("cli", &["model", "operations", "snapshot", "durable", "service", "server", "emulator"]),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut broken = Vec::new();
    for file in emulator_sources() {
        let room = file.room();
        if room == "lib" || room == "main" {
            continue;
        }
        let (_, below) = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{}: {room} is not in ARROWS", file.name));
        for used in file.used_rooms() {
            if used != room && !below.contains(&used.as_str()) {
                broken.push(format!("{}: {room} uses {used}", file.name));
            }
        }
    }
    assert!(broken.is_empty(), "arrows that go back:\n{}", broken.join("\n"));
}

#[test]
fn the_scan_sees_every_way_to_name_a_room() {
    let used = |text: &str, name: &str| {
        let file = Source { name: name.to_owned(), text: text.to_owned() };
        file.used_rooms().into_iter().collect::<Vec<_>>().join(" ")
    };
    for (name, text, expected) in [
        ("engine/log.rs", "use crate::model::arn::RealmId;", "model"),
        ("engine/log.rs", "use crate::{model::arn, wire::{json, cbor}};", "model wire"),
        ("engine/log.rs", "use crate::{\n    model,\n    service as s,\n};", "model service"),
        ("engine/log.rs", "let x = crate::service::clock::now();", "service"),
        ("engine/log.rs", "let x = super::super::wire::json();", "wire"),
        ("engine/log.rs", "use super::super::{wire, model::arn};", "model wire"),
        ("engine/log.rs", "use super::stream::Stream;", ""),
        ("engine/mod.rs", "use super::wire::json;", "wire"),
        ("engine/log.rs", "$crate::model::constraint::Constraint", "model"),
        ("engine/log.rs", "mod tests { use super::super::*; }", ""),
        ("engine/log.rs", "// like crate::service, but not it\n/// [`crate::wire`]", ""),
        ("sdk.rs", "use crate::Emulator;", "emulator"),
        ("cli.rs", "use super::server;", "server"),
    ] {
        assert_eq!(used(text, name), expected, "{name}: {text}");
    }
}

#[test]
fn the_engine_and_the_model_know_no_encoding_no_http_and_no_waiting() {
    for file in emulator_sources() {
        let foreign: &[&str] = match file.room().as_str() {
            "engine" => &["async ", ".await", "serde::", "serde_json::", "http::", "tokio::"],
            "model" => &["async ", ".await", "serde::", "http::", "tokio::", "std::fs", "std::net"],
            "snapshot" => &["async ", ".await", "http::", "hyper::", "tokio::"],
            "wire" | "operations" => &["async ", ".await", "http::", "hyper::", "tokio::"],
            "service" => &["axum::", "hyper::", "std::net"],
            _ => continue,
        };
        for word in foreign {
            assert!(!file.code().contains(word), "{} says {word}", file.name);
        }
    }
}

#[test]
fn every_operation_is_in_the_file_of_its_name() {
    for operation in kinesis_emulator::declarations::operations() {
        let file = format!("operations/{}.rs", snake_case(operation.name));
        let source = emulator_sources().into_iter().find(|source| source.name == file);
        let source = source.unwrap_or_else(|| panic!("{file} is missing"));
        let implementation = format!("impl Operation for {} ", operation.name);
        assert!(source.text.contains(&implementation), "{file} does not have {implementation}");
        let page = format!("API_{}.html>", operation.name);
        assert!(source.text.contains(&page), "{file} does not link {page}");
    }
}

#[test]
fn file_names_say_what_is_inside() {
    for path in rust_files(&workspace()) {
        for part in path.with_extension("").iter().filter_map(|part| part.to_str()) {
            assert!(!EMPTY_NAMES.contains(&part), "{} says nothing", path.display());
        }
    }
}

#[test]
fn tests_move_the_clock_instead_of_waiting() {
    // Written apart, or this file would find itself.
    let waiting = concat!("sle", "ep(");
    for path in rust_files(&workspace().join("tests")) {
        let text = fs::read_to_string(&path).expect("the file can be read");
        for (line, number) in text.lines().zip(1..) {
            // The SDK's trait for it may be given another meaning.
            let waits = line.contains(waiting) && !line.contains(&format!("fn {waiting}&self"));
            assert!(!waits, "{}:{number} waits", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in emulator_sources() {
        assert!(file.text.starts_with("//! "), "{} does not begin with its purpose", file.name);
    }
}

/// For whoever reviews: `cargo test -p kinesis-tests longest -- --nocapture`.
#[test]
fn the_longest_files_are_shown() {
    let mut files: Vec<_> =
        emulator_sources().into_iter().map(|file| (file.text.lines().count(), file.name)).collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    println!("the five longest files of the emulator:");
    for (lines, name) in files.into_iter().take(5) {
        println!("{lines:6}  {name}");
    }
}

/// A file of the emulator.
struct Source {
    /// Its path below `emulator/src`.
    name: String,
    text: String,
}

impl Source {
    /// The folder it is in, or its own name at the front.
    fn room(&self) -> String {
        let first = self.name.split('/').next().expect("a path has a part");
        first.trim_end_matches(".rs").to_owned()
    }

    /// The text without comments.
    fn code(&self) -> String {
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
        self.text.lines().map(code).collect()
    }

    /// The rooms that the code names by a path from the root: `crate::x`,
    /// `crate::{x, y::z}`, and as many `super::` as lead there.
    fn used_rooms(&self) -> BTreeSet<String> {
        let code: String = self.code().split_whitespace().collect::<Vec<_>>().join(" ");
        // From a/b.rs two steps lead to the root, from a/mod.rs or a.rs one.
        let folders = self.name.matches('/').count();
        let steps = if self.name.ends_with("/mod.rs") { folders } else { folders + 1 };
        let to_the_root = "super::".repeat(steps);
        let mut rooms = BTreeSet::new();
        for root in ["crate::", to_the_root.as_str()] {
            for (at, _) in code.match_indices(root) {
                // One step more leads elsewhere: it is inside an inner module.
                if root != "crate::" && code[..at].ends_with("super::") {
                    continue;
                }
                rooms.extend(first_parts(&code[at + root.len()..]));
            }
        }
        rooms.into_iter().filter_map(|part| room_of(&part)).collect()
    }
}

/// The first part of each path in `x::y`, `x`, or `{x::y, z::{a, b}}`.
fn first_parts(paths: &str) -> Vec<String> {
    let Some(group) = paths.strip_prefix('{') else {
        return words(paths).into_iter().take(1).collect();
    };
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {}
        }
        if depth == 0 && letter != ',' {
            part.push(letter);
        }
    }
    parts.push(part);
    parts.iter().filter_map(|part| words(part).into_iter().next()).collect()
}

/// The room that a name at the root belongs to.
fn room_of(part: &str) -> Option<String> {
    let by_name = ARROWS.iter().map(|(room, _)| *room).find(|room| *room == part);
    let by_export = match part {
        "Emulator" | "Builder" | "StartError" => Some("emulator"),
        "AccountId" | "InvalidIdentity" | "Limits" | "Region" | "Settings" | "Timestamp" => {
            Some("model")
        }
        "DataDirError" | "DataDirErrorKind" | "Durability" => Some("durable"),
        "Clock" | "Faults" | "Init" | "InitError" | "InitialStream" | "Latency" => Some("service"),
        "declarations" => Some("operations"),
        _ => None,
    };
    by_name.or(by_export).map(str::to_owned)
}

fn words(text: &str) -> Vec<String> {
    let letters = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.split(|letter| !letters(letter)).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in a workspace").to_owned()
}

fn emulator_sources() -> Vec<Source> {
    let root = workspace().join("emulator/src");
    let files = rust_files(&root).into_iter();
    let source = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("the file can be read"),
        name: path.strip_prefix(&root).expect("it is below").to_str().expect("UTF-8").to_owned(),
    };
    files.map(source).collect()
}

/// The Rust files below a folder, build products aside.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files.extend(rust_files(&path));
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
