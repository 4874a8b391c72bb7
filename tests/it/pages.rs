//! The pages: their snippets are the files that are run, and their links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The pages at the root, in `docs/` and in `bench/`, with their text.
fn pages() -> Vec<(PathBuf, String)> {
    let folders = ["", "docs", "bench"].map(|folder| root().join(folder));
    let files = folders.into_iter().flat_map(|folder| fs::read_dir(folder).expect("it is there"));
    let files = files.map(|entry| entry.expect("it can be read").path());
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).expect("it is text"))).collect()
}

#[test]
fn a_snippet_is_the_file_that_its_marker_names() {
    let mut snippets = 0;
    for (page, text) in pages() {
        for snippet in text.split("<!-- recipe: ").skip(1) {
            let (file, rest) = snippet.split_once(" -->\n").expect("markers end");
            let (snippet, _) = rest.split_once("<!-- end -->").expect("snippets end");
            let (_, code) = snippet.split_once('\n').expect("a language");
            let expected = fs::read_to_string(root().join(file)).expect(file);
            let page = page.display();
            assert_eq!(
                code,
                format!("{expected}```\n"),
                "{page}: write it by tests/clients/run --write"
            );
            snippets += 1;
        }
    }
    assert!(snippets >= 14, "there are {snippets}");
}

#[test]
fn links_to_files_lead_somewhere() {
    let mut links = 0;
    for (page, text) in pages() {
        let folder = page.parent().expect("it is in a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !link.contains("://") {
                assert!(folder.join(file).exists(), "{}: {link}", page.display());
                links += 1;
            }
        }
    }
    assert!(links >= 20, "there are {links}");
}

#[test]
fn the_front_page_stays_short() {
    let lines = fs::read_to_string(root().join("README.md")).expect("it is text").lines().count();
    assert!(lines <= 150, "{lines} lines");
}
