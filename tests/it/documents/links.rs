use std::path::{Component, Path, PathBuf};

use super::markdown::{Page, pages, root};

/// `guide/../reference/x.md` without the detour.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{}: above the root", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_and_anchor_leads_somewhere() {
    let mut dead = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (line, link) in page.links() {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                page.path.clone()
            } else {
                plain(&page.path.parent().unwrap_or(Path::new("")).join(path))
            };
            let there = root().join(&target).exists();
            let anchored = anchor.is_empty()
                || (there && Page::read(target.clone()).anchors().contains(anchor));
            if !there || !anchored {
                dead.push(format!("{}:{line}: {link}", page.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    assert!(seen > 50, "only {seen} links were found");
}

/// A file of this repository that is named in code is there, from the root or from `src`.
#[test]
fn every_file_that_is_named_exists() {
    const DIRECTORIES: [&str; 7] = [
        "src/",
        "tests/",
        "benches/",
        "docs/",
        "scripts/",
        "scenarios/",
        "bin/regstorm/",
    ];
    let mut missing = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (line, word) in page.code() {
            let word = word.trim_matches(|c| matches!(c, ',' | ';' | ':' | '(' | ')'));
            let named = DIRECTORIES.iter().any(|it| word.starts_with(it))
                || (word.contains('/') && Path::new(word).extension().is_some_and(|it| it == "rs"));
            if !named || word.contains(['*', '<', '{']) {
                continue;
            }
            seen += 1;
            if !root().join(word).exists() && !root().join("src").join(word).exists() {
                missing.push(format!("{}:{line}: {word}", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such files:\n{}", missing.join("\n"));
    assert!(seen > 30, "only {seen} names were found");
}

#[test]
fn pages_stay_short() {
    let limit = |path: &Path| match path.to_str() {
        Some("README.md") => Some(200),
        Some("ARCHITECTURE.md") => Some(300),
        Some(path) if path.starts_with("docs/guide/") => Some(130),
        _ => None,
    };
    let long: Vec<String> = pages()
        .iter()
        .filter_map(|page| {
            let (lines, limit) = (page.text.lines().count(), limit(&page.path)?);
            let path = page.path.display();
            (lines > limit).then(|| format!("{path}: {lines} lines, at most {limit}"))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
