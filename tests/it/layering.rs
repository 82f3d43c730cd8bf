use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod source;

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

struct Room {
    floor: u32,
    may_import: BTreeSet<String>,
    crates: BTreeSet<String>,
}

/// The rows of the table between two comments, `<!-- name -->` and `<!-- /name -->`, as cells.
fn table<'a>(document: &'a str, name: &str) -> impl Iterator<Item = Vec<&'a str>> {
    let table = document
        .split_once(&format!("<!-- {name} -->"))
        .and_then(|(_, rest)| rest.split_once(&format!("<!-- /{name} -->")))
        .expect("the table is marked")
        .0;
    table.lines().filter_map(|line| {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(str::trim).collect())
    })
}

/// The table of ARCHITECTURE.md: the same text for people and for this test.
fn rooms() -> BTreeMap<String, Room> {
    let words = |cell: &str| cell.split_whitespace().map(str::to_owned).collect();
    table(ARCHITECTURE, "floors")
        .filter_map(|cells| {
            let room = Room {
                floor: cells[0].parse().ok()?,
                may_import: words(cells[2]),
                crates: words(cells[3]),
            };
            Some((cells[1].to_owned(), room))
        })
        .collect()
}

fn sources(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).expect("a directory of sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file: comments and documentation name other rooms freely.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

/// Does the word stand in the line as a path of its own?
fn names(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        !before.is_some_and(is_word) && after.starts_with("::")
    })
}

#[test]
fn the_table_knows_every_room_and_only_rooms() {
    let on_disk: BTreeSet<String> = fs::read_dir(src())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "bin")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let in_table: BTreeSet<String> = rooms().into_keys().collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn imports_only_go_down() {
    let rooms = rooms();
    for (name, room) in &rooms {
        for below in &room.may_import {
            assert!(
                rooms[below].floor < room.floor,
                "{name} may not import {below}"
            );
        }
        for path in sources(&src().join(name)) {
            let code = code(&path);
            let lines: Vec<&str> = code.iter().map(|(_, line)| line.as_str()).collect();
            let whole = lines.join("\n");
            for other in rooms.keys().filter(|other| *other != name) {
                let direct = code.iter().find(|(_, line)| {
                    names(line, &format!("crate::{other}"))
                        || line.contains(&format!("crate::{other};"))
                });
                let listed = whole.split("use crate::{").skip(1).any(|rest| {
                    let list = rest.split("};").next().unwrap_or_default();
                    list.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .any(|word| word == other)
                });
                assert!(
                    room.may_import.contains(other) || (direct.is_none() && !listed),
                    "{} imports {other}: {direct:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn crates_of_weight_are_named_in_their_rooms_only() {
    let rooms = rooms();
    let only_in_the_binary = ["clap", "indicatif", "console", "anyhow"];
    for (name, room) in &rooms {
        for path in sources(&src().join(name)) {
            for (number, line) in code(&path) {
                let owners = rooms.values().flat_map(|room| &room.crates);
                for other in owners.filter(|it| !room.crates.contains(*it)) {
                    assert!(
                        !names(&line, other),
                        "{}:{number} names {other}",
                        path.display()
                    );
                }
                for other in only_in_the_binary {
                    assert!(
                        !names(&line, other),
                        "{}:{number} names {other}",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn every_file_says_its_job_in_its_first_line() {
    for path in sources(&src()) {
        let text = fs::read_to_string(&path).unwrap();
        let nested_tests = path.file_name().is_some_and(|it| it == "tests.rs");
        assert!(
            text.starts_with("//! ") || nested_tests,
            "{} does not say what it is for",
            path.display()
        );
    }
}
