use std::fs;

use super::markdown::{pages, root};

/// What documents once said in place of the field's terms: probe, deadline, token cache, users, credentials, response.
const PRIVATE: [&str; 13] = [
    "bystander",
    "leash",
    "wallet",
    "crew",
    "steward",
    "errand",
    "somebody",
    "whoever",
    "nobody",
    "no one",
    "who asks",
    "is told",
    "answers",
];

/// The places in a text where it speaks in private words.
fn private<'a>(name: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let lines = text.lines().zip(1..);
    lines.flat_map(move |(line, number)| {
        let line = line.to_lowercase();
        let found = PRIVATE.iter().filter(move |it| line.contains(**it));
        found.map(move |word| format!("{name}:{number}: {word}"))
    })
}

#[test]
fn documents_and_scenarios_use_the_terms_of_the_field() {
    let mut found = Vec::new();
    for page in pages() {
        found.extend(private(&page.path.display().to_string(), &page.text));
    }
    let scenarios = root().join("scenarios");
    let directories = [scenarios.clone(), scenarios.join("regressions")];
    let entries = directories
        .iter()
        .map(|it| fs::read_dir(it).expect("the scenarios"));
    for entry in entries.flatten() {
        let path = entry.expect("an entry of it").path();
        if path.is_file() {
            let text = fs::read_to_string(&path).expect("a scenario");
            found.extend(private(&path.display().to_string(), &text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
