//! What runs are called that stand beside each other: as little of their paths as tells one from the other.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// Returns a name for each path: its file's without `.json`, with as many of its directories as make all names different. Paths
/// that are one get numbers.
pub(crate) fn of(paths: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = paths.iter().map(|it| parts(it)).collect();
    let longest = parts.iter().map(Vec::len).max().unwrap_or(1);
    let named = |last: usize| {
        let names = parts.iter();
        let names = names.map(|it| it[it.len().saturating_sub(last)..].join("/"));
        names.collect::<Vec<String>>()
    };
    let differ = |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    let told_apart = (1..=longest).map(named).find(differ);
    told_apart.unwrap_or_else(|| {
        let short = named(1).into_iter().zip(1..);
        short
            .map(|(name, number)| format!("{number} {name}"))
            .collect()
    })
}

/// Returns the parts of a path, the last without `.json`.
fn parts(path: &Path) -> Vec<String> {
    let path = if path.extension().is_some_and(|it| it == "json") {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    let parts = path.components().filter(|it| *it != Component::CurDir);
    parts
        .map(|it| it.as_os_str().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_differ() {
        for (paths, names) in [
            (&["a.json", "x/b.json"][..], &["a", "b"][..]),
            (
                &["main/report.json", "branch/report.json"],
                &["main/report", "branch/report"],
            ),
            (
                &["report.json", "old/report.json"],
                &["report", "old/report"],
            ),
            (
                &["x/1/r.json", "y/1/r.json", "s.json"],
                &["x/1/r", "y/1/r", "s"],
            ),
            (&["./a.json", "a.json"], &["1 a", "2 a"]),
            (&["a.json", "a.txt"], &["a", "a.txt"]),
        ] {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            assert_eq!(of(&paths), names);
        }
    }
}
