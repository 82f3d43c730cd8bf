use std::fs;

use regstorm::plan;
use regstorm::scenario::{self, Overrides, Scenario};

use super::pulls;

/// Reads a scenario whose references are in `images.txt` in that directory; its problems as they are shown.
fn read(dir: &tempfile::TempDir, references: &str) -> Result<Scenario, String> {
    let toml = pulls(references, 1).replace("embedded", "http://127.0.0.1:1");
    let overrides = Overrides::default();
    let read = scenario::load(&toml, "test.toml", dir.path(), &overrides, &|_| None);
    read.map_err(|problems| problems.render(false))
}

fn holding(content: impl AsRef<[u8]>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("images.txt"), content).expect("a file");
    dir
}

const FILE: &str = "\"images.txt\"";

#[test]
fn a_file_is_the_list_that_it_holds() {
    let text =
        "\u{feff}# what the fleet runs\r\n\r\nlab/web:1\r\n  lab/db:2.1  # pinned\nteam/*:1.*\n";
    let listed = read(&holding(text), FILE).unwrap_or_else(|problems| panic!("{problems}"));
    let written = "[\"lab/web:1\", \"lab/db:2.1\", \"team/*:1.*\"]";
    let written = read(&holding(""), written).unwrap_or_else(|problems| panic!("{problems}"));
    let [listed, written] =
        [listed, written].map(|it| plan::resolve(it, std::num::NonZeroUsize::MIN));
    assert_eq!(listed.to_text(), written.to_text());
    assert_eq!(listed.fingerprint(), written.fingerprint());
}

#[test]
fn every_bad_line_is_named_by_its_file_and_number() {
    let dir = holding("lab/web:1\nlab/web\n# fine\n\nLab/Web:1\nteam/*@sha256:00\n");
    let shown = read(&dir, FILE).unwrap_err();
    for words in [
        "images.txt:2: `lab/web` has no tag and no digest",
        "images.txt:5: `Lab/Web` is not a repository name",
        "images.txt:6: `team/*@sha256:00` is a glob with a digest",
    ] {
        assert!(shown.contains(words), "no `{words}` in\n{shown}");
    }
    assert_eq!(shown.matches("images.txt:").count(), 3, "{shown}");
    // A user and a password are not shown.
    let shown = read(&holding("http://me:hunter2@registry/a:1\n"), FILE).unwrap_err();
    assert!(
        shown.contains("images.txt:1:") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn many_bad_lines_are_counted() {
    let shown = read(&holding("Bad\n".repeat(25)), FILE).unwrap_err();
    assert!(
        shown.contains("images.txt:20:") && !shown.contains("images.txt:21:"),
        "{shown}"
    );
    assert!(
        shown.contains("images.txt: 5 more lines name no images"),
        "{shown}"
    );
}

#[test]
fn what_is_no_list_is_refused_with_its_reason() {
    let refused = |dir: &tempfile::TempDir, references: &str, words: &str| {
        let shown = read(dir, references).unwrap_err();
        assert!(shown.contains(words), "no `{words}` in\n{shown}");
    };
    refused(
        &holding("\n# nothing\n"),
        FILE,
        "`images.txt` names no image",
    );
    refused(
        &holding(b"a:1\nb:1\n\xff:1\n"),
        FILE,
        "line 3 is not UTF-8 text",
    );
    let large = holding("");
    let file = fs::File::options()
        .write(true)
        .open(large.path().join("images.txt"))
        .unwrap();
    file.set_len((32 << 20) + 1).unwrap();
    refused(&large, FILE, "it is larger than 32 MiB");
    let many = "a:1\n".repeat(100_001);
    refused(&holding(many), FILE, "`images.txt` names 100,001 images");
    let dir = holding("");
    refused(&dir, "\"none.txt\"", "cannot read `none.txt`");
    refused(&dir, "\".\"", "not a file");
    refused(&dir, "\"/dev/zero\"", "not a file");
    // An image or a glob where a file is expected.
    refused(
        &dir,
        "\"team/*\"",
        "an image or a glob is written [\"team/*\"]",
    );
    refused(&dir, "\"lab/web:1\"", "written [\"lab/web:1\"]");
    refused(
        &dir,
        "3",
        "expected an array of references, or the path of a file of them",
    );
    refused(&dir, "[\"Team/*\"]", "is not a glob of repositories");
}
