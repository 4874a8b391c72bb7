//! The same count at another commit.
//!
//! Both commits are built in the same way: a program of a dozen lines and no
//! features of the emulator, with this tree's `Cargo.lock`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::variant::PUTS;
use crate::{Outcome, Scratch, callgrind};

const PUTS_RS: &str = include_str!("puts.rs");

const MAIN_RS: &str = "\
mod puts;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect(\"a number\");
    let emulator = puts::builder().in_process();
    puts::create_stream(&emulator);
    puts::put(&emulator, count, http::StatusCode::OK);
}
";

/// Instructions per put of a commit and of this tree, each with a name to show.
pub(crate) fn compare(revision: &str, scratch: &Scratch) -> Outcome<[(String, f64); 2]> {
    let here =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the bench is in a workspace")?;
    let resolved =
        git(here, &["rev-parse", "--short", "--verify", &format!("{revision}^{{commit}}")])?;
    let there = Worktree::add(here, &resolved, scratch.folder().join("base"))?;
    let base = Program::build("puts-base", &there.folder, here, scratch)?;
    let own = Program::build("puts-here", here, here, scratch)?;
    let count = |program: &Program| callgrind::per_call(&program.0, &[], PUTS, scratch.folder());
    Ok([(format!("commit {resolved}"), count(&base)?), ("this tree".to_owned(), count(&own)?)])
}

/// A commit's files, for as long as this is held.
struct Worktree<'a> {
    of: &'a Path,
    folder: PathBuf,
}

impl<'a> Worktree<'a> {
    fn add(of: &'a Path, revision: &str, folder: PathBuf) -> Outcome<Self> {
        let path = folder.to_str().ok_or("the folder for temporary files has a name in UTF-8")?;
        git(of, &["worktree", "add", "--quiet", "--detach", path, revision])?;
        Ok(Self { of, folder })
    }
}

impl Drop for Worktree<'_> {
    fn drop(&mut self) {
        // What is left of it, `git worktree prune` removes.
        let _ = Command::new("git")
            .current_dir(self.of)
            .args(["worktree", "remove", "--force"])
            .arg(&self.folder)
            .status();
    }
}

/// A program that puts into the emulator of one tree.
struct Program(PathBuf);

impl Program {
    fn build(name: &str, tree: &Path, here: &Path, scratch: &Scratch) -> Outcome<Self> {
        let folder = scratch.folder().join(name);
        fs::create_dir_all(folder.join("src"))?;
        let emulator = tree.join("emulator");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n\
             [dependencies]\nbytes = \"1\"\nhttp = \"1\"\n\
             kinesis-emulator = {{ path = {emulator:?}, default-features = false }}\n\n\
             [profile.release]\ndebug = \"line-tables-only\"\n\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src/main.rs"), MAIN_RS)?;
        fs::write(folder.join("src/puts.rs"), PUTS_RS)?;
        fs::copy(here.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let target = target_folder()?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        if !status.success() {
            return Err(format!("the emulator of {} does not build", tree.display()).into());
        }
        Ok(Self(target.join("release").join(name)))
    }
}

/// Beside what this bench was built into, so that dependencies stay built.
fn target_folder() -> Outcome<PathBuf> {
    // This bench is target/release/deps/instructions-….
    let bench = env::current_exe()?;
    let target = bench.ancestors().nth(3).ok_or("the bench is in a target folder")?;
    Ok(target.join("instructions"))
}

fn git(folder: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("git").current_dir(folder).args(arguments).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {}: {}", arguments.join(" "), said.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
